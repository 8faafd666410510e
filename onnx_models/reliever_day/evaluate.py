"""Score the shipped forecast of reliever days on any folder laid out like `../shared/data/asthma`.

    script/models evaluate reliever_day --data ../shared/data/asthma --json

Every day is foretold the evening before by the shipped file through the engine's module, then learned from; so are
the float32 twin and, on the same days, the fallback and simple forecasters. `script/models train` scores held-out
people with the same functions; on the people the file was trained on, this command's own figures are in sample.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine

from ..export import FOLDER
from ..progress import track
from ..report import Evaluation, bootstrap, twin, warn_if_trained_on
from .diaries import people
from .score import BASELINES, FALLBACK, MODEL, Lived, bins, figures, groups, live

NAME: Final = "reliever_day"
SEED: Final = 20261122
HERE: Final = Path(__file__).resolve().parent


def summary(lived: Sequence[Lived], *, version: str, engine: str) -> Evaluation:
    """Return the figures of people lived through."""
    return Evaluation(
        model=NAME,
        version=version,
        engine=engine,
        n_subjects=len(lived),
        n_rows=sum(len(each.used) for each in lived),
        metrics=figures(lived, MODEL),
        fallback=figures(lived, FALLBACK),
        baselines={name: figures(lived, name) for name in BASELINES},
        intervals=bootstrap(lived, lambda some: figures(some, MODEL), seed=SEED),
        subgroups=groups(lived),
        calibration=bins(lived),
    )


def evaluate(name: str, data: Path, engine: Engine) -> Evaluation:
    """Return the figures of the shipped file on all people below a folder."""
    runner = Catalog.open(FOLDER).load(name, engine)
    mean, strength = json.loads(runner.metadata["rate"])
    everyone = people(data)
    lived = [live(each, runner, mean, strength) for each in track(everyone, name)]
    report = summary(lived, version=runner.version, engine=engine.name)
    exact = twin(name, HERE, engine)
    if exact is not None:
        report["float_model"] = figures([live(each, exact, mean, strength) for each in everyone], MODEL)
    if notes := warn_if_trained_on(runner.metadata, [each.name for each in everyone]):
        report["notes"] = notes
    return report
