"""What a night was beside one's own nights: pulse, breathing, restlessness, time asleep, bedtime.

Each quantity has a `Baseline` of the person's own, which follows slowly and forgets. A note is made where the pulse or
the breathing lay three robust standard deviations above the usual on two nights running (models.md 5.4), once until it
has come down again; it says that, never why. Nothing is said before fourteen nights.

How well one slept, as told in the morning on a scale, is foretold by one's own mean: what the evening
before knows added next to nothing to it (the card).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ..features.bed import BedMinute
from .model import Prediction
from .personal_baseline import Baseline, Surprise
from .personal_state import Fields, Record

type Array = NDArray[np.float64]

KIND: Final = "night_baselines"
VERSION: Final = 1
LEAST_MINUTES: Final = 60
HIGH, LOWERED = 3.0, 1.5
"""Robust standard deviations of a note, and below which there may be another"""
NIGHTS: Final = 2
_RUNNING_S: Final = 3 * 86400.0
"""Nights farther apart do not follow each other"""
_STEPPED_BACK_S: Final = 2 * 86400.0
"""A night so much older than the last: the clock was wrong before"""
_MOST_MOTION: Final = 1e12
"""In any unit; beyond, it is no reading"""
_MOVED: Final = 0.15
"""Of the night's 90th percentile of motion"""
_HEART_RATES, _BREATHING_RATES = (25.0, 220.0), (4.0, 60.0)
_TRUSTED: Final = 0.5
WATCHED: Final = ("heart_rate", "breathing_rate")
QUANTITIES: Final = (*WATCHED, "restlessness", "asleep", "bedtime")
LEAST_TOLD: Final = 7
MODEL_VERSION: Final = "1.0.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class NightFigures:
    """One night; None is not known."""

    heart_rate: float | None = None
    """1/min, median of the minutes without motion"""
    breathing_rate: float | None = None
    """1/min, likewise"""
    restlessness: float | None = None
    """Mean motion in bed, in the sensor's unit"""
    asleep: float | None = None
    """min"""
    bedtime: float | None = None
    """min after noon, local"""


@dataclass(frozen=True, kw_only=True, slots=True)
class NightReport:
    """A night beside the usual ones."""

    surprises: Mapping[str, Surprise] = field(default_factory=dict)
    """Of each quantity known and of which the usual is known"""
    notes: tuple[str, ...] = ()
    """Of WATCHED: high for the second night running, told once"""
    why: tuple[str, ...] = ()
    """Reasons of what is not told"""


def figures(minutes: Sequence[BedMinute], *, asleep: float | None = None) -> NightFigures:
    """Return a night's figures of its minutes, in any order; `asleep` as `bed_night.summary` says.

    Times must be local, as bedtime is told of them.
    """
    there = sorted((each for each in minutes if each.occupied is not False), key=lambda each: each.at.timestamp())
    if not there:
        return NightFigures()
    motion = np.array([_possible(each.motion, (0.0, _MOST_MOTION)) for each in there])
    known = np.isfinite(motion)
    quiet = np.ones(motion.size, dtype=bool)
    if known.any() and float(np.ptp(motion[known])) > 0.0:
        quiet = known & (motion <= _MOVED * (float(np.percentile(motion[known], 90)) or float(motion[known].max())))
    trusted = np.array([each.quality is None or each.quality >= _TRUSTED for each in there])
    heart = np.array([_possible(each.heart_rate, _HEART_RATES) for each in there])
    breath = np.array([_possible(each.respiratory_rate, _BREATHING_RATES) for each in there])
    start = there[0].at
    return NightFigures(
        heart_rate=_median(heart[quiet & trusted]),
        breathing_rate=_median(breath[quiet & trusted]),
        restlessness=float(motion[known].mean()) if int(known.sum()) >= LEAST_MINUTES else None,
        asleep=asleep,
        bedtime=float((start.hour * 60 + start.minute - 720) % 1440) if len(there) >= LEAST_MINUTES else None,
    )


def _possible(value: float | None, bounds: tuple[float, float]) -> float:
    return value if value is not None and bounds[0] <= value <= bounds[1] else np.nan


def _median(values: Array) -> float | None:
    """Return the median; None where less than an hour is known."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size >= LEAST_MINUTES else None


class NightBaselines:
    """What is usual for one person's nights; bounded memory."""

    __slots__ = ("_baselines", "_last", "_quiet", "_running")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._baselines = {name: Baseline() for name in QUANTITIES}
        self._running = dict.fromkeys(WATCHED, 0)
        """Nights running above HIGH"""
        self._quiet = dict.fromkeys(WATCHED, True)
        """Whether the next high is news"""
        self._last: float | None = None
        """s since 1970"""

    def coverage(self, name: str) -> float | None:
        """Return the share of nights inside the band told before; nine in ten should be."""
        return self._baselines[name].coverage

    def learn_one(self, at: datetime, night: NightFigures) -> NightReport:
        """Compare a night that began at `at` with the usual, then take it in; a night told again changes nothing."""
        now = at.timestamp()
        if self._last is not None:
            if self._last - _STEPPED_BACK_S < now <= self._last:
                return NightReport(why=("not_newer",))
            if not 0.0 < now - self._last <= _RUNNING_S:
                self._running = dict.fromkeys(WATCHED, 0)
        self._last = now
        surprises: dict[str, Surprise] = {}
        why: list[str] = []
        for name in QUANTITIES:
            value: float | None = getattr(night, name)
            said = self._baselines[name].score_one(at, value)
            if value is None:
                why.append(f"missing:{name}")
            elif said is None:
                why.append(f"learning:{name}")
            else:
                surprises[name] = said
            self._baselines[name].learn_one(at, value)
        notes = tuple(name for name in WATCHED if self._note(name, surprises.get(name)))
        return NightReport(surprises=surprises, notes=notes, why=tuple(why))

    def _note(self, name: str, said: Surprise | None) -> bool:
        """Return whether a quantity is high for the second night running, and that is news."""
        if said is None:
            self._running[name] = 0
            return False
        self._running[name] = min(self._running[name] + 1, NIGHTS) if said.deviation >= HIGH else 0
        self._quiet[name] |= said.deviation < LOWERED
        news = self._running[name] >= NIGHTS and self._quiet[name]
        self._quiet[name] &= not news
        return news

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": KIND,
            "version": VERSION,
            "last": self._last,
            "running": [self._running[name] for name in WATCHED],
            "quiet": [int(self._quiet[name]) for name in WATCHED],
            **{name: each.snapshot() for name, each in self._baselines.items()},
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        self = cls()
        self._last = fields.maybe("last")
        running = fields.row("running", len(WATCHED), low=0.0, high=NIGHTS)
        quiet = fields.row("quiet", len(WATCHED), low=0.0, high=1.0)
        self._running = {name: int(value) for name, value in zip(WATCHED, running, strict=True)}
        self._quiet = {name: bool(value) for name, value in zip(WATCHED, quiet, strict=True)}
        self._baselines = {name: fields.part(name, Baseline.restored) for name in QUANTITIES}
        return self


def expected_quality(told: Sequence[float]) -> Prediction:
    """Return how well the next night will be said to have been, on the scale of all told before; open before a week.

    The person's own mean, between the 5th and the 95th percentile of what was told.
    """
    values = np.array([each for each in told if isfinite(each)], dtype=np.float64)
    enough = values.size >= LEAST_TOLD
    lo, hi = np.percentile(values, (5.0, 95.0)) if enough else (0.0, 0.0)
    return Prediction(
        value=float(values.mean()) if enough else None,
        lo=float(lo) if enough else None,
        hi=float(hi) if enough else None,
        confidence=0.9 if enough else 0.0,
        abstained=not enough,
        why=("own_mean",) if enough else (f"learning:{values.size}of{LEAST_TOLD}",),
        data_age_s=0.0,
        model_version=MODEL_VERSION,
    )
