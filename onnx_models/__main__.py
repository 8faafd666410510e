"""The models of SmartLoop: what ships, how it was trained, how good it is.

    script/models list
    script/models train bed_stage --data ../shared/data/bed
    script/models evaluate room_forecast_weather --data ../shared/data/humidity --runtime numpy --json
    script/models evaluate --all --data ../shared/data
    script/models export --data ../shared/data
    script/models page

`train` learns, ships the int8 file and writes its card. `evaluate` scores what ships through the shipped engine and
features, beside its float twin, its fallback and the naive, on whatever homes or persons lie in DIR; with `--all`,
every model on its own folder below DIR. `export` makes every shipped file anew, byte for byte. `page` makes
docs/models of the cards. Home Assistant is not needed.
"""

# ruff: noqa: PLC0415  training is not imported to list what ships

import argparse
import csv
import json
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter

import script._engine  # noqa: F401  its effect is the bare package
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.errors import InferenceError
from custom_components.smartloop.inference.graph import Engine
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.select import open_onnxruntime

from .export import FOLDER
from .registry import MODELS, Model
from .report import Evaluation, Metrics

UNREADABLE = (InferenceError, OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error)
"""What files that went through something raise; gzip has three of its own ways"""


def _engine(runtime: str) -> Engine:
    """Return the engine asked for."""
    return NumpyEngine() if runtime == "numpy" else open_onnxruntime()


def _list(_: argparse.Namespace) -> int:
    """Print every model, and the files that ship for it."""
    shipped = dict(Catalog.open(FOLDER).entries)
    for model in MODELS.values():
        files = [name for name in shipped if name == model.name or name.startswith(f"{model.name}__")]
        print(f"{model.name:24} {model.kind:11} {model.domain:10} {_weight(shipped, files)}")
        for name in files:
            del shipped[name]
    for name in sorted(shipped):
        print(f"{name:24} {'-':11} {'-':10} {_weight(Catalog.open(FOLDER).entries, [name])}")
    return 0


def _weight(entries: Mapping[str, object], files: Sequence[str]) -> str:
    """Return version, size and hash of shipped files."""
    catalog = Catalog.open(FOLDER).entries
    found = [catalog[name] for name in files if name in entries]
    return "; ".join(f"{e.version} {e.size} bytes {e.sha256[:12]}" for e in found) or "no file"


def _train(arguments: argparse.Namespace) -> int:
    """Train one model (and those trained with it) and ship it."""
    model = MODELS[arguments.name]
    for path in MODELS[model.trained_with or model.name].train(arguments.data):
        print(f"{path.name}: {path.stat().st_size} bytes")
    return 0


def _columns(report: Evaluation) -> dict[str, Metrics]:
    """Return what is printed side by side."""
    twin = {"float32": report["float_model"]} if "float_model" in report else {}
    return {"ships": report["metrics"], **twin, "fallback": report["fallback"], **report["baselines"]}


def _print(report: Evaluation) -> None:
    """Print one report as a table."""
    print(
        f"{report['model']} {report['version']} on {report['engine']}: "
        f"{report['n_subjects']} subjects, {report['n_rows']} rows"
    )
    columns = _columns(report)
    width = max(28, *map(len, report["metrics"])) if report["metrics"] else 28
    print(f"{'':{width}}" + "".join(f"{name[:14]:>15}" for name in columns) + "      90 % interval")
    for key in report["metrics"]:
        cells = (column.get(key) for column in columns.values())
        found = report["intervals"].get(key)
        span = "" if found is None else f"  {found[0]:.3f} to {found[1]:.3f}"
        print(f"{key:{width}}" + "".join(f"{'-' if cell is None else f'{cell:.3f}':>15}" for cell in cells) + span)


def _evaluate(arguments: argparse.Namespace) -> int:
    """Score what ships: one model, or all."""
    if arguments.all == (arguments.name is not None):
        print("script/models: evaluate NAME or --all", file=sys.stderr)
        return 2
    engine = _engine(arguments.runtime)
    chosen: dict[Model, Path] = (
        {model: arguments.data / model.domain for model in MODELS.values()}
        if arguments.all
        else {MODELS[arguments.name]: arguments.data}
    )
    failed = 0
    for model, data in chosen.items():
        began = perf_counter()
        try:
            report = model.evaluate(data, engine)
        except UNREADABLE as err:
            # The others can still be judged.
            print(f"script/models: {model.name}: {data} cannot be used: {err!r}", file=sys.stderr)
            failed = 1
            continue
        for note in report.get("notes", ()):
            print(f"script/models: {model.name}: {note}", file=sys.stderr)
        if arguments.json:
            print(json.dumps(report))
        else:
            _print(report)
        if arguments.all:
            print(f"script/models: {model.name}: {perf_counter() - began:.0f} s", file=sys.stderr)
    return failed


def _export(arguments: argparse.Namespace) -> int:
    """Make every shipped file anew."""
    from .selftest.make import main as make_selftest

    make_selftest()
    for model in MODELS.values():
        if model.name in Catalog.open(FOLDER).entries and not model.trained_with:
            for path in model.export(arguments.data / model.domain, FOLDER):
                print(f"{path.name}: {path.stat().st_size} bytes")
    return 0


def _page(_: argparse.Namespace) -> int:
    """Make docs/models of the cards."""
    from .page import write

    print(write())
    return 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="script/models", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="list | train | evaluate | export | page")
    commands.add_parser("list", help="what there is").set_defaults(run=_list)
    train = commands.add_parser("train", help="train, ship, write the card")
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="score what ships")
    evaluate.set_defaults(run=_evaluate)
    export = commands.add_parser("export", help="make every shipped file anew")
    export.set_defaults(run=_export)
    commands.add_parser("page", help="make docs/models of the cards").set_defaults(run=_page)
    names = " | ".join(MODELS)
    train.add_argument("name", choices=MODELS, metavar="NAME", help=names)
    evaluate.add_argument("name", nargs="?", choices=MODELS, metavar="NAME", help=names)
    evaluate.add_argument("--all", action="store_true", help="every model; DIR then holds the folders of all")
    for command in (train, evaluate, export):
        command.add_argument(
            "--data", type=Path, required=True, metavar="DIR", help="laid out as ../shared/data, or a folder of it"
        )
    evaluate.add_argument("--runtime", choices=("ort", "numpy"), default="numpy", help="inference engine (numpy)")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object a model")
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except UNREADABLE as err:
        print(f"script/models: {err}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
