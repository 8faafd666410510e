"""The models of SmartLoop: what ships, how it was trained, how good it is.

    script/models list
    script/models train room_forecast --data ../shared/data/humidity
    script/models evaluate room_forecast_weather --data ../shared/data/humidity --runtime numpy --json
    script/models evaluate sensor_health --data ../shared/data/humidity --json
    script/models evaluate context_head --data ../shared/data/feedback --json
    script/models evaluate trigger_finder --data ../shared/data/asthma --json
    script/models evaluate leak_event --data ../shared/data/water --json
    script/models export --data ../shared/data/humidity

`train` writes the shipped files and their card. `evaluate` scores the shipped file through the shipped
engine and features, beside its fallback and simple baselines, on whatever homes lie in DIR. `export`
makes every shipped file anew, byte for byte. Home Assistant is not needed.
"""

# ruff: noqa: PLC0415  training is not imported to list what ships

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import script._engine  # noqa: F401  its effect is the bare package
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.errors import InferenceError
from custom_components.smartloop.inference.graph import Engine
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.select import open_onnxruntime

from .export import FOLDER

if TYPE_CHECKING:
    from .room_forecast.evaluate import Evaluation

FORECASTS = ("room_forecast", "room_forecast_weather")
"""Trained together: the second falls back on the first."""


SENSOR_HEALTH = "sensor_health"
"""Statistics, without a file: `train` only writes its card."""
LEAK_EVENT = "leak_event"
"""Statistics as well"""
PERSONAL = ("context_head", "trigger_finder")
"""Learned per person, at home; nothing ships, `train` only writes their card."""
MODELS = (*FORECASTS, SENSOR_HEALTH, LEAK_EVENT, *PERSONAL)


def _engine(runtime: str) -> Engine:
    """Return the engine asked for."""
    return NumpyEngine() if runtime == "numpy" else open_onnxruntime()


def _list(_: argparse.Namespace) -> int:
    """Print what ships."""
    for name, entry in sorted(Catalog.open(FOLDER).entries.items()):
        print(
            f"{name:24} {entry.version:8} {entry.size:7d} bytes  {entry.sha256[:12]}  {entry.metadata['description']}"
        )
    return 0


def _train(arguments: argparse.Namespace) -> int:
    """Train one model (and those trained with it) and ship it."""
    if arguments.name == SENSOR_HEALTH:
        from .sensor_health.card import write
        from .sensor_health.evaluate import evaluate

        print(write(evaluate(arguments.data)).name)
        return 0
    if arguments.name in PERSONAL:
        from .personal.card import write as write_personal

        path = write_personal(arguments.name, arguments.data)
        print(f"{path.parent.name}/{path.name}")
        return 0
    if arguments.name == LEAK_EVENT:
        from .leak_event.train import train as settle

        print(settle(arguments.data).name)
        return 0
    from .room_forecast.train import train

    for path in train(arguments.data):
        print(f"{path.name}: {path.stat().st_size} bytes")
    return 0


def _report(arguments: argparse.Namespace) -> Evaluation:
    """Return the figures of one model."""
    if arguments.name == SENSOR_HEALTH:
        from .sensor_health.evaluate import evaluate as evaluate_health

        return evaluate_health(arguments.data)
    if arguments.name == PERSONAL[0]:
        from .personal.context_head import evaluate as evaluate_head

        return evaluate_head(arguments.data)
    if arguments.name == PERSONAL[1]:
        from .personal.trigger_finder import evaluate as evaluate_finder

        return evaluate_finder(arguments.data)
    if arguments.name == LEAK_EVENT:
        from .leak_event.evaluate import evaluate as evaluate_leaks

        return evaluate_leaks(arguments.data)
    from .room_forecast.evaluate import evaluate

    catalog, engine = Catalog.open(FOLDER), _engine(arguments.runtime)
    runners = {name: catalog.load(name, engine) for name in FORECASTS}
    return evaluate(arguments.name, arguments.data, runners, engine.name)


def _evaluate(arguments: argparse.Namespace) -> int:
    """Score one shipped model."""
    report = _report(arguments)
    if arguments.json:
        print(json.dumps(report))
        return 0
    print(
        f"{report['model']} {report['version']} on {report['engine']}: {report['n_subjects']} subjects, {report['n_rows']} rows"
    )
    columns = {"model": report["metrics"], "fallback": report["fallback"], **report["baselines"]}
    width = max(28, *map(len, report["metrics"])) if report["metrics"] else 28
    print(f"{'':{width}}" + "".join(f"{name[:14]:>15}" for name in columns))
    for key in report["metrics"]:
        cells = (column[key] for column in columns.values())
        print(f"{key:{width}}" + "".join(f"{'-' if cell is None else f'{cell:.3f}':>15}" for cell in cells))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    """Make every shipped file anew."""
    from .room_forecast.train import train
    from .selftest.make import main as make_selftest

    make_selftest()
    for path in train(arguments.data, card=None):
        print(f"{path.name}: {path.stat().st_size} bytes")
    return 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="script/models", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="list | train | evaluate | export")
    commands.add_parser("list", help="what ships").set_defaults(run=_list)
    train = commands.add_parser("train", help="train, ship, write the card")
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="score the shipped file")
    evaluate.set_defaults(run=_evaluate)
    export = commands.add_parser("export", help="make every shipped file anew")
    export.set_defaults(run=_export)
    for command in (train, evaluate):
        command.add_argument("name", choices=MODELS, metavar="NAME", help=" or ".join(MODELS))
    for command in (train, evaluate, export):
        command.add_argument(
            "--data", type=Path, required=True, metavar="DIR", help="laid out as a folder of ../shared/data"
        )
    evaluate.add_argument("--runtime", choices=("ort", "numpy"), default="numpy", help="inference engine (numpy)")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except (InferenceError, OSError) as err:
        print(f"script/models: {err}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
