"""Score the shipped breathing pattern on any folder laid out like `../shared/data/bed`.

    script/models evaluate breathing_pattern --data ../shared/data/bed --json

Every night goes through the shipped file, features, rules and thresholds, and so does the float32 twin; beside them one
feature alone (the fallback) and the naive. On the nights the file was trained on, these figures are in sample;
`script/models train` scores held-out persons with the same functions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.models.breathing_pattern import BreathingPattern, prepared
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine

from ..export import FOLDER
from ..report import Evaluation, Metrics, bootstrap, reliability, twin, warn_if_trained_on
from .data import HIGH, LOW, Record, records
from .score import Judged, constant, figures, joined, judge, simple

NAME: Final = "breathing_pattern"
SEED: Final = 20261122
HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Columns:
    """Every night as each judge sees it."""

    network: list[Judged] = field(default_factory=list)
    exact: list[Judged] = field(default_factory=list)
    fallback: list[Judged] = field(default_factory=list)
    naive: dict[str, list[Judged]] = field(default_factory=lambda: {"base_rate": [], "heart_rate": []})

    def add(
        self, record: Record, model: BreathingPattern, exact: BreathingPattern | None, metadata: Mapping[str, str]
    ) -> None:
        """Judge one night by all."""
        found, _, reason = prepared(record.beats, start_s=0.0, minutes=record.minutes)
        self.network.append(judge(record, model, found, reason))
        if exact is not None:
            self.exact.append(judge(record, exact, found, reason))
        self.fallback.append(simple(record, found, json.loads(metadata["cycle_share"]), "cycle_share"))
        self.naive["base_rate"].append(constant(record, float(metadata["base_rate"])))
        self.naive["heart_rate"].append(simple(record, found, json.loads(metadata["heart_rate"]), "interval"))


def summed(columns: Columns, *, version: str, engine: str, notes: Sequence[str] = ()) -> Evaluation:
    """Return the report."""
    nights = columns.network
    people: dict[str, list[Judged]] = {}
    for each in nights:
        people.setdefault(each.record.person, []).append(each)
    blocks = list(people.values())

    def redrawn(drawn: Sequence[Sequence[Judged]]) -> Metrics:
        return figures([night for person in drawn for night in person])

    p, y, _ = joined(nights)
    report = Evaluation(
        model=NAME,
        version=version,
        engine=engine,
        n_subjects=len(blocks),
        n_rows=sum(int(each.known.sum()) for each in nights),
        metrics=figures(nights),
        fallback=figures(columns.fallback),
        baselines={name: figures(each) for name, each in columns.naive.items()},
        intervals=bootstrap(blocks, redrawn, seed=SEED),
        subgroups=groups(nights),
        calibration=reliability(p, y) if p.size else [],
        notes=list(notes),
    )
    if columns.exact:
        report["float_model"] = figures(columns.exact)
    return report


def groups(nights: Sequence[Judged]) -> dict[str, Metrics]:
    """Return the figures of nights by how many events an hour the reference counted."""
    bounds = {
        f"reference below {LOW:g} events an hour": (-1.0, LOW),
        f"reference {LOW:g} to {HIGH:g}": (LOW, HIGH),
        f"reference {HIGH:g} and more": (HIGH, float("inf")),
    }
    kept = ("auc", "auc_within_night", "accuracy", "coverage", "accuracy_answered", "share_error", "share_bias")
    out = {}
    for name, (low, high) in bounds.items():
        some = [each for each in nights if each.record.events is not None and low <= each.record.events < high]
        found = figures(some)
        out[name] = {"nights": float(len(some)), **{key: found[key] for key in kept}}
    return out


def evaluate(name: str, data: Path, engine: Engine) -> Evaluation:
    """Score the shipped file on every night below a folder."""
    runner = Catalog.open(FOLDER).load(name, engine)
    exact = twin(name, HERE, engine)
    model, second = BreathingPattern(runner), BreathingPattern(exact) if exact is not None else None
    nights = records(data)
    columns = Columns()
    for record in nights:
        columns.add(record, model, second, runner.metadata)
    notes = warn_if_trained_on(runner.metadata, [each.name for each in nights])
    return summed(columns, version=runner.version, engine=engine.name, notes=notes)
