"""Score the shipped sleep stages on any folder laid out like `../shared/data/bed`.

    script/models evaluate bed_stage --data ../shared/data/bed --json

Every night goes through the shipped file, features, chain and thresholds, and so does the float32 twin; beside them the
motion rule that takes over without the file, and the naive. On the persons the file was trained on, these figures are in
sample; `script/models train` scores held-out persons with the same functions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from custom_components.smartloop.engine.models.bed_stage import BedStager
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine

from ..export import FOLDER
from ..report import Evaluation, Metrics, bootstrap, reliability, twin, warn_if_trained_on
from .data import Sleeper, sleepers
from .score import (
    VARIANTS,
    Judged,
    all_light,
    by_clock,
    by_rule,
    figures,
    judge,
    stage_calibration,
    variant,
)

NAME: Final = "bed_stage"
SEED: Final = 20261122
HERE: Final = Path(__file__).resolve().parent
FULL: Final = VARIANTS[0]


@dataclass(frozen=True, slots=True)
class Columns:
    """Everybody's night as each judge sees it."""

    variants: dict[str, list[Judged]] = field(default_factory=lambda: {name: [] for name in VARIANTS})
    exact: list[Judged] = field(default_factory=list)
    fallback: list[Judged] = field(default_factory=list)
    naive: dict[str, list[Judged]] = field(default_factory=lambda: {"all_light": [], "clock_only": [], "still_p20": []})

    def add(self, sleeper: Sleeper, stager: BedStager, exact: BedStager | None, metadata: Mapping[str, str]) -> None:
        """Judge one night by all."""
        for name, nights in self.variants.items():
            nights.append(judge(variant(sleeper, name), stager))
        if exact is not None:
            self.exact.append(judge(sleeper, exact))
        self.fallback.append(by_rule(sleeper))
        self.naive["all_light"].append(all_light(sleeper))
        self.naive["clock_only"].append(by_clock(sleeper, np.array(json.loads(metadata["clock"]))))
        self.naive["still_p20"].append(by_rule(sleeper, share=20.0, spare=0))


def summed(columns: Columns, *, version: str, engine: str, notes: Sequence[str] = ()) -> Evaluation:
    """Return the report."""
    nights = columns.variants[FULL]
    report = Evaluation(
        model=NAME,
        version=version,
        engine=engine,
        n_subjects=len(nights),
        n_rows=sum(each.truth.size for each in nights),
        metrics=figures(nights),
        fallback=figures(columns.fallback),
        baselines={name: figures(each) for name, each in columns.naive.items()},
        intervals=bootstrap(nights, figures, seed=SEED) if nights else dict.fromkeys(figures(nights)),
        subgroups=groups(columns.variants),
        calibration=reliability(*stage_calibration(nights)),
        notes=list(notes),
    )
    if columns.exact:
        report["float_model"] = figures(columns.exact)
    return report


def groups(variants: Mapping[str, Sequence[Judged]]) -> dict[str, Metrics]:
    """Return the figures with fewer channels, and the spread over persons."""
    out = {name: figures(nights) for name, nights in variants.items()}
    each = [figures([night]) for night in variants[FULL]]
    if each:
        for label, quantile in (("person at the 10th percentile", 0.1), ("person at the 90th percentile", 0.9)):
            out[label] = {key: _quantile([one[key] for one in each], quantile) for key in each[0]}
    return out


def _quantile(values: Sequence[float | None], level: float) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.quantile(known, level)), 4) if known else None


def evaluate(name: str, data: Path, engine: Engine) -> Evaluation:
    """Score the shipped file on every person below a folder."""
    runner = Catalog.open(FOLDER).load(name, engine)
    exact = twin(name, HERE, engine)
    stager, second = BedStager(runner), BedStager(exact) if exact is not None else None
    people = sleepers(data)
    columns = Columns()
    for sleeper in people:
        columns.add(sleeper, stager, second, runner.metadata)
    notes = warn_if_trained_on(runner.metadata, [each.name for each in people])
    return summed(columns, version=runner.version, engine=engine.name, notes=notes)
