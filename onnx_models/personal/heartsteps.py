"""Read the HeartSteps trial: when a suggestion was sent and what was walked after, and who answered at night.

Micro-randomised: at each of five moments a day, when a person was available, a suggestion was sent with
probability 0.6 (Klasnja et al. 2019). Features are few and were fixed before any result was seen: what
the trial's own analyses name as moderators (time in the study, steps before, recent dose, evening).
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, log, nan
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]

SENT_CHANCE: Final = 0.6
"""By the trial's protocol, whenever a person was available"""
WALKED: Final = 100.0
"""Steps in the 30 minutes after that count as a walk"""
CONTEXT: Final = ("one", "steps_before", "study_day", "recent_dose", "evening", "recent_steps")
PROMPT: Final = ("one", "answered_before", "recently_answered", "study_day", "app_used")
_KEPT = 0.95
_RECENT = 0.8


@dataclass(frozen=True, slots=True)
class Person:
    """One person's moments in the order of time."""

    name: str
    x: Array
    sent: NDArray[np.bool_]
    reward: Array
    """log(steps + 0.5) in the 30 minutes after"""
    walked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evenings:
    """One person's evening prompts that were delivered, in the order of time."""

    name: str
    x: Array
    answered: NDArray[np.bool_]


def _rows(path: Path) -> dict[str, list[dict[str, str]]]:
    """Return a table's rows by person."""
    found: dict[str, list[dict[str, str]]] = {}
    if path.is_file():
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["user"], []).append(row)
    return found


def _number(row: dict[str, str], name: str) -> float:
    try:
        return float(row.get(name) or "nan")
    except ValueError:
        return nan


def _truth(row: dict[str, str], name: str) -> bool:
    return row.get(name, "").lower() in {"1", "true", "1.0"}


def _table(folder: Path, name: str) -> Path:
    """Return where a table lies: in DIR, or in DIR/heartsteps_v1."""
    return next((path for path in sorted(folder.rglob(f"{name}.csv.gz"))), folder / f"{name}.csv.gz")


def people(folder: Path) -> list[Person]:
    """Return every person with moments at which a suggestion could be sent."""
    found = (_person(name, rows) for name, rows in _rows(_table(folder, "decisions")).items())
    return [person for person in found if len(person.reward) > 0]


def _person(name: str, rows: list[dict[str, str]]) -> Person:
    kept: list[tuple[list[float], bool, float, bool]] = []
    dose, recent = 0.0, 0.0
    for row in sorted(rows, key=lambda each: _number(each, "decision.index.nogap")):
        reward, steps, sent = _number(row, "jbsteps30.log"), _number(row, "jbsteps30"), _truth(row, "send")
        if _truth(row, "avail") and isfinite(reward):
            x = [
                1.0,
                (_number(row, "jbsteps30pre.log") - 4.0) / 2.5,
                _number(row, "study.day.nogap") / 20.0 - 1.0,
                dose * (1.0 - _KEPT) / 0.25 - 1.0,
                0.5 if _number(row, "sugg.select.slot") >= 4 else -0.5,
                recent,
            ]
            kept.append((x, sent, reward, steps > WALKED))
        dose = _KEPT * dose + sent
        if isfinite(reward):
            recent = _RECENT * recent + (1.0 - _RECENT) * (reward - 4.0) / 2.5
    x_all = np.array([each[0] for each in kept], dtype=np.float64).reshape(len(kept), len(CONTEXT))
    return Person(
        name,
        x_all,
        np.array([each[1] for each in kept], dtype=np.bool_),
        np.array([each[2] for each in kept], dtype=np.float64),
        np.array([each[3] for each in kept], dtype=np.bool_),
    )


def evenings(folder: Path) -> list[Evenings]:
    """Return every person's delivered prompts."""
    found = (_evenings(name, rows) for name, rows in _rows(_table(folder, "evening_prompts")).items())
    return [person for person in found if len(person.answered) > 0]


def _evenings(name: str, rows: list[dict[str, str]]) -> Evenings:
    kept, outcomes = [], []
    before, recent = 0.0, 0.0
    for row in sorted(rows, key=lambda each: _number(each, "ema.index")):
        if not _truth(row, "notify"):
            continue
        answered = _truth(row, "respond")
        used = _number(row, "interaction.count")
        kept.append([1.0, before, recent, _number(row, "study.day") / 20.0 - 1.0, log(1.0 + max(used, 0.0)) - 0.5])
        outcomes.append(answered)
        before = 1.0 if answered else -1.0
        recent = _RECENT * recent + (1.0 - _RECENT) * before
    return Evenings(
        name, np.array(kept, dtype=np.float64).reshape(len(kept), len(PROMPT)), np.array(outcomes, dtype=np.bool_)
    )


@dataclass(frozen=True, slots=True)
class Rounds:
    """Logged rounds of a recommender: to check the estimators where the truth is known."""

    item: NDArray[np.int64]
    place: NDArray[np.int64]
    click: Array
    chance: Array


def rounds(folder: Path) -> Iterator[tuple[str, Rounds, Rounds]]:
    """Yield campaigns with a log of the uniform policy and one of the other."""
    for path in sorted(folder.rglob("*_random.csv.gz")):
        other = path.with_name(path.name.replace("_random", "_bts"))
        if other.is_file():
            yield path.name.removesuffix("_random.csv.gz"), _rounds(path), _rounds(other)


def _rounds(path: Path) -> Rounds:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Rounds(
        np.array([int(row["item_id"]) for row in rows], dtype=np.int64),
        np.array([int(row["position"]) for row in rows], dtype=np.int64),
        np.array([float(row["click"]) for row in rows]),
        np.array([float(row["propensity_score"]) for row in rows]),
    )
