"""Habits of a home, one sentence each: what is used, when, on which days, on how many of how many days.

Of each thing (a room, a light, a door) the beginnings of use are kept for 42 days, in quarters of an hour of days that
begin at four in the morning. A window of +-45 min around a quarter is hit on a day when a use begins within it; days
halve their weight in 21. P(hit) is the mean of a Beta(1, 1) posterior. A window is a habit when it was hit on
three days and more, P > 0.8, and the days are 3000 times likelier under a habit (0.9) than under the chance of
hitting any window of that thing's waking day; else everything would be a habit in a room that is always used.
Neighbouring windows are one habit; a habit of all days is not told again for working and for free days. It is
dropped below 0.6, as a sentence that comes and goes is worse than none.

What the household does by hand against or for a routine within 10 min counts as three days. Undone routines do not
come back; edited ones stay as they are.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..features.presence import Array

QUARTERS: Final = 96
DAY_START: Final = 240.0
"""Local minute at which a day begins: hardly anybody's habit"""
KEPT_DAYS: Final = 42
HALF_LIFE_D: Final = 21.0
PRIOR: Final = 1.0
"""Of both sides of the Beta posterior"""
ADOPT: Final = 0.8
DROP: Final = 0.6
LEAST_DAYS: Final = 3
BY_HAND: Final = 3.0
"""Days that an act by hand counts for"""
BY_HAND_S: Final = 600.0
"""Within which it is an answer to the routine"""
SAME_MIN: Final = 90.0
"""Apart by less, two times of one thing are one habit"""
_HALF: Final = 3
"""Quarters to each side of a window: 45 min"""
_WAKING: Final = 64
"""Quarters of a waking day: 16 h"""
_HABIT, _FLOOR = 0.9, 0.03
EVIDENCE: Final = log(3000.0)
_LONG_MIN: Final = 150.0
"""A run of windows longer than that is told as from-to"""
_OTHER_CLASS: Final = 0.6
"""P in working and free days alike that a habit of every day needs"""
_SEEN: Final = 2
"""Days of a class before anything is said of it"""
_APART: Final = np.abs(np.subtract.outer(np.arange(QUARTERS), np.arange(QUARTERS))) > 2 * _HALF
"""Windows that share no quarter"""
_KERNEL: Final = 1.0 - (np.arange(-_HALF, _HALF + 1) / (_HALF + 1.0)) ** 2


class Days(StrEnum):
    """Days on which a habit holds."""

    EVERY = "every_day"
    WORKING = "working_days"
    FREE = "free_days"

    def include(self, *, free: bool) -> bool:
        """Return whether a day is among them."""
        return self is Days.EVERY or (self is Days.FREE) is free


@dataclass(frozen=True, kw_only=True, slots=True)
class Routine:
    """One habit, as data for one sentence."""

    key: str
    """Stays while the habit moves or is edited"""
    thing: str
    days: Days
    at: float
    """Local minute of the day, 0 to below 1440"""
    start: float
    end: float
    """Of the run of windows, local minutes"""
    held: int
    """Days on which it held, of"""
    of: int
    """such days kept"""
    probability: float
    edited: bool = False

    @property
    def sentence(self) -> str:
        """Return the sentence's key: `routine_around_every_day` or `routine_between_free_days`."""
        long = (self.end - self.start) % 1440.0 > _LONG_MIN
        return f"routine_{'between' if long else 'around'}_{self.days}"

    @property
    def figures(self) -> dict[str, str | int]:
        """Return what is put into the sentence."""
        return {
            "thing": self.thing,
            "at": clock(self.at),
            "from": clock(self.start),
            "to": clock(self.end),
            "held": self.held,
            "of": self.of,
            "percent": round(100.0 * self.probability),
        }

    def near(self, other: Routine) -> bool:
        """Return whether another one may be the same habit: at like times, or within the other's run."""
        close = apart(self.at, other.at) < SAME_MIN or self.spans(other.at) or other.spans(self.at)
        return self.thing == other.thing and close

    def spans(self, minute: float) -> bool:
        """Return whether a local minute is within the run."""
        return (minute - self.start) % 1440.0 <= (self.end - self.start) % 1440.0

    def overlaps(self, other: Routine) -> bool:
        """Return whether it is near and holds on some of the other's days."""
        return self.near(other) and (self.days is other.days or Days.EVERY in (self.days, other.days))


@dataclass(frozen=True, kw_only=True, slots=True)
class DayUse:
    """One day of one thing."""

    number: int
    """Days since the first"""
    free: bool
    quarters: int
    """A bit for each quarter in which a use began"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ByHand:
    """An act by hand."""

    number: int
    free: bool
    quarter: int
    wanted: bool


def apart(one: float, other: float) -> float:
    """Return how far two local minutes lie apart, around midnight as well."""
    gap = abs(one - other) % 1440.0
    return min(gap, 1440.0 - gap)


def clock(minute: float) -> str:
    """Return a local minute as hours and minutes, to five."""
    whole = int(5.0 * round(minute / 5.0)) % 1440
    return f"{whole // 60:02d}:{whole % 60:02d}"


def quarter_of(minute: float) -> int:
    """Return the quarter of the day that begins at four."""
    return int(((minute - DAY_START) % 1440.0) // 15.0)


def minute_of(quarter: float) -> float:
    """Return the local minute of a place in the day, in quarters."""
    return (15.0 * quarter + DAY_START) % 1440.0


def _sliding(rows: Array) -> Array:
    """Return sums over windows; the day's two ends are not joined: that hour is of two days."""
    total = np.zeros((len(rows), QUARTERS + 2 * _HALF + 1))
    total[:, _HALF + 1 : QUARTERS + _HALF + 1] = rows.cumsum(axis=1)
    total[:, QUARTERS + _HALF + 1 :] = total[:, QUARTERS + _HALF, None]
    return np.asarray(total[:, 2 * _HALF + 1 :] - total[:, : -2 * _HALF - 1])


def _onsets(days: Collection[DayUse]) -> Array:
    """Return days by quarters, 1 where a use began."""
    packed = b"".join(day.quarters.to_bytes(QUARTERS // 8, "little") for day in days)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    return bits.reshape(len(days), QUARTERS).astype(np.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class _View:
    """A thing's windows on some class of days."""

    hit: NDArray[np.bool_]
    """(days, quarters)"""
    onsets: Array
    weight: Array
    """(days,)"""
    rate: Array
    """(quarters,): P"""
    often: NDArray[np.bool_]
    """(quarters,): on enough days, and likely"""
    evidence: Array
    """(quarters,): log of how much likelier a habit is than chance"""

    def habit(self, least: float) -> NDArray[np.bool_]:
        """Return where there is one."""
        return np.asarray(self.often & (self.evidence > least))


class Track:
    """One thing's beginnings of use."""

    __slots__ = ("by_hand", "days", "last", "today")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.days: deque[DayUse] = deque(maxlen=KEPT_DAYS)
        self.by_hand: deque[ByHand] = deque(maxlen=KEPT_DAYS)
        self.today = 0
        self.last = -np.inf

    def _view(self, days: Days, today: int, onsets: Array, hit: NDArray[np.bool_]) -> _View:
        """Return the view of a class of days; of all days' rows those are taken."""
        use = [place for place, day in enumerate(self.days) if days.include(free=day.free)]
        numbers = np.array([self.days[place].number for place in use], dtype=np.float64)
        weight = 0.5 ** ((today - numbers) / HALF_LIFE_D)
        onsets, hit = onsets[use], hit[use]
        on, count = weight @ hit, np.full(QUARTERS, weight.sum())
        for act in self.by_hand:
            if days.include(free=act.free):
                span = slice(max(act.quarter - _HALF, 0), act.quarter + _HALF + 1)
                worth = BY_HAND * 0.5 ** ((today - act.number) / HALF_LIFE_D)
                count[span] += worth
                on[span] += worth * act.wanted
        rate = (on + PRIOR) / (count + 2.0 * PRIOR)
        often = (hit.sum(axis=0) >= LEAST_DAYS) & (rate > ADOPT)
        evidence = np.zeros(QUARTERS)
        if often.any():
            chance = _chance(on, count)
            evidence = on * np.log(_HABIT / chance) + (count - on) * np.log((1.0 - _HABIT) / (1.0 - chance))
        return _View(hit=hit, onsets=onsets, weight=weight, rate=rate, often=often, evidence=evidence)

    def found(self, thing: str, today: int, least: float = EVIDENCE) -> list[Routine]:
        """Return the thing's habits, those of every day first; `least` is the evidence they need."""
        onsets = _onsets(self.days)
        hit = _sliding(onsets) > 0.5
        every, *parts = (self._view(days, today, onsets, hit) for days in Days)
        out: list[Routine] = []
        if all(len(view.weight) >= _SEEN for view in parts):
            agreed = np.all([view.rate >= _OTHER_CLASS for view in parts], axis=0)
            out += _routines(thing, Days.EVERY, every, every.habit(least) & agreed)
        for days, view in zip((Days.WORKING, Days.FREE), parts, strict=True):
            out += [
                each
                for each in _routines(thing, days, view, view.habit(least))
                if not any(each.overlaps(other) for other in out)
            ]
        return out

    def judged(self, routine: Routine, today: int) -> Routine:
        """Return a routine with today's figures."""
        onsets = _onsets(self.days)
        view = self._view(routine.days, today, onsets, _sliding(onsets) > 0.5)
        place = quarter_of(routine.at)
        held, of = int(view.hit[:, place].sum()), len(view.weight)
        return replace(routine, held=held, of=of, probability=float(view.rate[place]))


def _chance(on: Array, count: Array) -> Array:
    """Return, for each window, the share of days that the thing's other windows are hit, in a waking day."""
    order = np.argsort(-(on + 0.5) / (count + 1.0), kind="stable")
    others = _APART[:, order]
    others = others & (others.cumsum(axis=1) <= _WAKING - 2 * _HALF)
    out = (others @ on[order]) / np.maximum(others @ count[order], 1e-9)
    return np.asarray(np.clip(out, _FLOOR, _HABIT - 0.05))


def _routines(thing: str, days: Days, view: _View, good: NDArray[np.bool_]) -> list[Routine]:
    """Return one routine for each run of windows."""
    if not good.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False])).astype(int)))
    out = []
    for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        mass = view.weight @ view.onsets
        dense = np.convolve(mass, _KERNEL, mode="same")[first:after]
        peak = first + int(np.argmax(dense * (view.rate[first:after] > ADOPT)))
        low, high = max(peak - _HALF, 0), min(peak + _HALF + 1, QUARTERS)
        near = mass[low:high]
        at = float((near * (np.arange(low, high) + 0.5)).sum() / max(float(near.sum()), 1e-9))
        place = min(int(at), QUARTERS - 1)
        out.append(
            Routine(
                key="",
                thing=thing,
                days=days,
                at=minute_of(at),
                start=minute_of(first + 0.5),
                end=minute_of(after - 0.5),
                held=int(view.hit[:, place].sum()),
                of=len(view.weight),
                probability=float(view.rate[place]),
            )
        )
    return out
