"""Read the HeartSteps trial: when a suggestion was sent and what was walked after, and who answered at night.

Micro-randomised: at each of five moments a day, when a person was available, a suggestion was sent with
probability 0.6 (Klasnja et al. 2019). Contexts are what the trial's own analyses name as moderators, and the person's
habits. The text of the suggestion is none: where none was sent it never speaks of walking, so it tells the act.
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

from .contexts import aligned
from .tables import Row, number, rows, truth

type Array = NDArray[np.float64]

SENT_CHANCE: Final = 0.6
"""By the trial's protocol, whenever a person was available"""
WALKED: Final = 100.0
"""Steps in the 30 minutes after that count as a walk"""
CONTEXT: Final = (
    "one",
    "steps_before",
    "study_day",
    "recent_dose",
    "evening",
    "recent_steps",
    "same_hour_steps",
    "at_work",
    "elsewhere",
    "variable_hour",
)
WALK: Final = [CONTEXT.index(name) for name in ("one", "steps_before", "evening", "recent_steps", "same_hour_steps")]
"""Columns that foretell a walk: habit and the hour"""
PROMPT: Final = ("one", "answered_before", "recently_answered", "study_day", "app_used")
_KEPT = 0.95
_RECENT = 0.8
_CENTER, _SCALE = 4.0, 2.5
"""Of log(steps + 0.5) in half an hour"""
_SHARES: Final = {"work.location": 0.2, "other.location": 0.5, "sd_steps60": 0.4}
"""Rough shares of moments at work, neither at work nor at home, and at an hour of day at which steps vary much"""


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


def people(folder: Path) -> list[Person]:
    """Return every person with moments at which a suggestion could be sent."""
    places = rows(folder, "decisions_context", "user")
    found = (_person(name, told, places.get(name, [])) for name, told in rows(folder, "decisions", "user").items())
    return [person for person in found if len(person.reward) > 0]


def _standard(value: float) -> float:
    return (value - _CENTER) / _SCALE


def _place(context: Row | None, name: str) -> float:
    """Return whether a context holds, less its usual share; NaN where it is not known."""
    return (number(context, name) if context is not None else nan) - _SHARES[name]


def _person(name: str, told: list[Row], places: list[Row]) -> Person:
    told = sorted(told, key=lambda each: number(each, "decision.index.nogap"))
    found = aligned(told, places)
    kept: list[tuple[list[float], bool, float, bool]] = []
    dose, recent, hours = 0.0, 0.0, dict[float, float]()
    for index, row in enumerate(told):
        reward, sent, slot = number(row, "jbsteps30.log"), truth(row, "send"), number(row, "sugg.select.slot")
        context = found.get(index)
        if truth(row, "avail") and isfinite(reward):
            x = [
                1.0,
                _standard(number(row, "jbsteps30pre.log")),
                number(row, "study.day.nogap") / 20.0 - 1.0,
                (dose - 8.0) / 3.0,
                0.5 if slot >= 4 else -0.5,
                recent,
                hours.get(slot, 0.0),
                _place(context, "work.location"),
                _place(context, "other.location"),
                _place(context, "sd_steps60"),
            ]
            kept.append((x, sent, reward, number(row, "jbsteps30") > WALKED))
        dose = _KEPT * dose + sent
        if isfinite(reward):
            recent = _RECENT * recent + (1.0 - _RECENT) * _standard(reward)
            hours[slot] = _RECENT * hours.get(slot, 0.0) + (1.0 - _RECENT) * _standard(reward)
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
    found = (_evenings(name, told) for name, told in rows(folder, "evening_prompts", "user").items())
    return [person for person in found if len(person.answered) > 0]


def _evenings(name: str, told: list[Row]) -> Evenings:
    kept, outcomes = [], []
    before, recent = 0.0, 0.0
    for row in sorted(told, key=lambda each: number(each, "ema.index")):
        if not truth(row, "notify"):
            continue
        answered = truth(row, "respond")
        used = number(row, "interaction.count")
        kept.append([1.0, before, recent, number(row, "study.day") / 20.0 - 1.0, log(1.0 + max(used, 0.0)) - 0.5])
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
        told = list(csv.DictReader(file))
    return Rounds(
        np.array([int(row["item_id"]) for row in told], dtype=np.int64),
        np.array([int(row["position"]) for row in told], dtype=np.int64),
        np.array([float(row["click"]) for row in told]),
        np.array([float(row["propensity_score"]) for row in told]),
    )
