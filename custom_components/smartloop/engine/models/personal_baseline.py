"""Whether a value is unusual for this person or room: robust, against what is usual at such a time.

Per season (an hour, a weekday, ...) a running median-like centre: a step towards each value, at most
two spreads long (Huber), of 1/n to begin with and 1/64 later, so that it follows and forgets. Seasons
little seen borrow from the centre of all. What is left over goes into a quantile sketch that ages;
its quartiles give the spread, its tails how rare a deviation is.

Order matters (it follows). A duplicate counts twice; whoever can tell them apart must. Missing values
are refused. Before 14 values of seasons that were seen before
nothing is said: None.

The band is widened after a value outside it, and narrowed, nine times more slowly, after one inside (a multiplicative
form of Gibbs & Candès 2021), never below what the quantiles say: they are of values seen, and a level that wanders is
not where it was.

Where values stay beyond two spreads on one side (some 22 of them, or three days of hours), the level
itself has changed, and all seasons are moved at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Final, Self

from .personal_sketch import Sketch
from .personal_state import Fields, Record

KIND: Final = "personal_baseline"
VERSION: Final = 2
LEAST_VALUES: Final = 14
_SLOWEST = 1.0 / 64.0
_BORROWED = 4.0
"""Values that the centre of all is worth in a season little is known of"""
_OWN = 2.0
"""Values of a season from which it stands for itself, and its deviations count"""
_ANEW = 4.0
"""Values that a season's centre is worth once the level has changed"""
_QUARTILES = 1.349
"""Quartile range of a standard normal"""
_HUBER = 2.0
_AGE_EVERY, _AGE = 64, 0.9
"""Residuals are remembered for some 600 values"""
_SHARES = (0.05, 0.25, 0.75, 0.95)
_MOST_VALUE = 1e7
_MOVED = 0.75
"""Of recent values, how many lie to one side (less those to the other) when the level has changed"""
_FARTHEST = 10.0
"""Spreads that one value counts for when the level moves"""


_WIDEN, _SHARE = 0.1, 0.9
"""By how much a miss widens the band, relatively, and the share of values it is meant to hold"""
_WIDEST = 4.0


class Season(StrEnum):
    """What the usual value goes by; times are local, as given."""

    NONE = "none"
    HOUR = "hour"
    WEEKDAY = "weekday"
    WEEKEND_HOUR = "weekend_hour"


_PLACES: Final[dict[Season, tuple[int, Callable[[datetime], int]]]] = {
    Season.NONE: (1, lambda _: 0),
    Season.HOUR: (24, lambda at: at.hour),
    Season.WEEKDAY: (7, lambda at: at.weekday()),
    Season.WEEKEND_HOUR: (48, lambda at: at.hour + 24 * (at.weekday() >= 5)),
}


@dataclass(frozen=True, slots=True)
class Surprise:
    """A value beside what is usual."""

    usual: float
    lo: float
    hi: float
    """Nine in ten values lie between lo and hi"""
    deviation: float
    """Robust standard deviations off the usual"""
    rarity: float
    """Share of values, 0-1, that deviate as much to this side, or more"""


class Baseline:
    """What is usual for one quantity of one person or room."""

    __slots__ = (
        "_all",
        "_centers",
        "_counts",
        "_lean",
        "_rest",
        "_shape",
        "_wide",
        "count",
        "covered",
        "season",
        "told",
    )

    def __init__(self, season: Season = Season.NONE) -> None:
        """Begin knowing nothing."""
        self.season = season
        places = _PLACES[season][0]
        self._centers = [0.0] * places
        self._counts = [0.0] * places
        self._all = 0.0
        self._lean = 0.0, 0.0
        """Recent values beyond two spreads: to which side, and how far"""
        self._rest = Sketch()
        self._shape: tuple[float, float, float] | None = None
        """5th and 95th percentile of what is left over, and its robust standard deviation; None when not up to date"""
        self._wide = 1.0
        """The band, as a multiple of the quantiles"""
        self.count = 0
        self.told = 0
        self.covered = 0
        """Of `told` values, those inside the band that was given before they came"""

    @property
    def coverage(self) -> float | None:
        """Return the share of values inside their band; nine in ten should be."""
        return self.covered / self.told if self.told else None

    def _center(self, place: int) -> float:
        count = self._counts[place]
        if count > _OWN:
            return self._centers[place]
        return (count * self._centers[place] + _BORROWED * self._all) / (count + _BORROWED)

    def _shaped(self) -> tuple[float, float, float]:
        if self._shape is None:
            low, first, third, high = (value or 0.0 for value in self._rest.quantiles(_SHARES))
            self._shape = low, high, (third - first) / _QUARTILES
        return self._shape

    def score_one(self, at: datetime, value: float | None = None) -> Surprise | None:
        """Return how unusual a value is (without one: what would be usual), None while unknown; changes nothing."""
        if self._rest.weight < LEAST_VALUES or (value is not None and not isfinite(value)):
            return None
        usual = self._center(_PLACES[self.season][1](at))
        low, high, spread = self._shaped()
        rest = 0.0 if value is None else value - usual
        # A constant has no spread; then any other value is as far off as its own size says.
        spread = max(spread, 1e-3 * max(abs(usual), 1e-3))
        below = self._rest.share_below(rest)
        weight = self._rest.weight
        tail = min(below, 1.0 - below) if below is not None else 0.5
        rarity = (tail * weight + 1.0) / (weight + 2.0)
        lo, hi = usual + self._wide * min(low, 0.0), usual + self._wide * max(high, 0.0)
        return Surprise(usual, lo, hi, rest / spread, min(rarity, 1.0))

    def learn_one(self, at: datetime, value: float | None) -> bool:
        """Score, then take in a value; False where there is none. Constant time."""
        if value is None or not isfinite(value):
            return False
        value = min(max(float(value), -_MOST_VALUE), _MOST_VALUE)
        said = self.score_one(at)
        if said is not None:
            slack = 1e-6 * max(abs(said.usual), 1.0)
            self.told += 1
            inside = said.lo - slack <= value <= said.hi + slack
            self.covered += inside
            self._wide *= 1.0 + _WIDEN * (_SHARE - inside)
            self._wide = min(max(self._wide, 1.0), _WIDEST)
        place = _PLACES[self.season][1](at)
        rest = value - self._center(place) if self.count else 0.0
        self._follow(place, value)
        self._move(rest)
        if self._counts[place] > _OWN:
            self._rest.update(rest)
        self._shape = None
        self.count += 1
        if self.count % _AGE_EVERY == 0:
            self._rest.age(_AGE)
        return True

    def _follow(self, place: int, value: float) -> None:
        spread = self._shaped()[2]
        limit = _HUBER * spread if self._rest.weight >= LEAST_VALUES and spread > 0.0 else _MOST_VALUE * 2
        if self.count == 0:
            self._all = value
        self._all += _bounded(value - self._all, limit) * max(1.0 / (self.count + 1.0), _SLOWEST)
        if self._counts[place] == 0.0:
            self._centers[place] = self._all
        self._counts[place] = min(self._counts[place] + 1.0, 1.0 / _SLOWEST)
        self._centers[place] += _bounded(value - self._centers[place], limit) / self._counts[place]

    def _move(self, rest: float) -> None:
        """Follow a change of level, in all seasons at once."""
        spread = self._shaped()[2]
        if self._rest.weight < LEAST_VALUES or spread == 0.0:
            return
        gain = 1.0 / max(16, 2 * len(self._centers))
        far = _bounded(rest, _FARTHEST * spread) if abs(rest) > _HUBER * spread else 0.0
        side = (far > 0.0) - (far < 0.0)
        self._lean = self._lean[0] + gain * (side - self._lean[0]), self._lean[1] + gain * (far - self._lean[1])
        if abs(self._lean[0]) > _MOVED:
            step = self._lean[1] / abs(self._lean[0])
            self._all += step
            self._centers = [center + step for center in self._centers]
            self._counts = [min(count, _ANEW) for count in self._counts]
            self._lean = 0.0, 0.0

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": KIND,
            "version": VERSION,
            "season": self.season.value,
            "centers": list(self._centers),
            "counts": list(self._counts),
            "all": self._all,
            "lean": list(self._lean),
            "rest": self._rest.snapshot(),
            "wide": self._wide,
            "count": self.count,
            "told": self.told,
            "covered": self.covered,
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        named = [each for each in Season if isinstance(state, dict) and state.get("season") == each.value]
        fields.require(holds=len(named) == 1, what="has an unknown season")
        self = cls(named[0])
        places = _PLACES[self.season][0]
        self._centers = fields.row("centers", places, low=-_MOST_VALUE, high=_MOST_VALUE).tolist()
        self._counts = fields.row("counts", places, low=0.0, high=1.0 / _SLOWEST).tolist()
        self._all = fields.number("all", -_MOST_VALUE, _MOST_VALUE)
        side, far = fields.row("lean", 2, low=-_MOST_VALUE, high=_MOST_VALUE).tolist()
        fields.require(holds=abs(side) <= 1.0, what="leans more than it can")
        self._lean = side, far
        self._rest = fields.part("rest", Sketch.restored)
        self._wide = fields.number("wide", 1.0, _WIDEST)
        self.count, self.told, self.covered = (fields.count(name) for name in ("count", "told", "covered"))
        fields.require(holds=self.covered <= self.told <= self.count, what="was right more often than it spoke")
        return self


def _bounded(step: float, limit: float) -> float:
    return min(max(step, -limit), limit)
