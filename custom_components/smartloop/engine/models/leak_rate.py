"""One rate's test for a leak: how far the meter is behind it, for how long, and what is usual in this home.

`leak.py` says how it is meant.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from ..errors import SnapshotError
from ..features.state import numbers
from ..features.stillness import Lately
from ..features.water import HOUR

DAY: Final = 24.0 * HOUR
WATCHED_H: Final = 2.0
"""h that one reading may answer for; of longer ones nobody knows whether a quiet hour was among them"""
PASSING_H: Final = 24.0
"""h after its alarm, within which what stops by itself was use, not a leak: leaks last"""
SLACK: Final = 1.1
"""Steps of the meter behind, from which no leak of that rate can have been running"""
NEARLY: Final = 0.8
BACK: Final = 0.7
"""Of the time, taken back when the meter is this many steps behind, as in one still hour: a leak hardly gets there"""
CREDIT: Final = 0.5
"""Of the meter's step, beyond the rate, that a draw counts for"""
LOST, LOST_SLOW, LOST_H = 0.6, 0.35, 9.0
"""Of their chances, that hours within one long interval count for, in the fast tests and the slow; of how many hours"""
SLOW_H: Final = 100.0
"""h of a test that is a slow one"""
LEVEL: Final = 0.8
"""Of the rate, that the level of the quiet hours is at least"""
_DEVIATIONS: Final = 4.0
_MARGIN: Final = 1.3
"""Times the longest time that was usual lately, which an alarm without a level is at least"""
_FADE: Final = 0.98
"""Of that longest time, from one week to the next"""
_PRIOR_WEEKS: Final = 2.0
_MEMORY_WEEKS: Final = 16.0
_AGAIN, _AGAIN_S, _ALIKE = 2, 60.0 * DAY, 1.5
"""Alarms of about the same level (times) within so long, that passed by themselves: the next one waits"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A leak's rate that is tested for, with what homes at large do; h are of usual chances to stand still."""

    tested: float
    """L/h; a tenth below what is promised, so that a leak of just that rate is not proven away"""
    level: float
    """h without a proof of standing still that make an alarm, where the quiet hours ran at one level"""
    floor: float
    """h, before which nothing is said otherwise"""
    usual: float
    """h, a week's longest time at homes at large"""
    spread: float
    """h, standard deviation of that"""
    gulp: float = 0.0
    """L that the leak takes at once, standing still in between"""


RATES: Final = (
    Rate(tested=0.45, level=110.0, floor=200.0, usual=40.0, spread=16.0),
    Rate(tested=0.9, level=38.0, floor=72.0, usual=20.0, spread=6.0),
    Rate(tested=1.6, level=230.0, floor=230.0, usual=40.0, spread=16.0, gulp=6.0),
    Rate(tested=1.8, level=38.0, floor=72.0, usual=20.0, spread=6.0),
    Rate(tested=4.5, level=36.0, floor=66.0, usual=15.0, spread=4.5),
)
"""Found on the tuning homes of `onnx_models/leak_event`, never on those the card's figures are of."""


class Passed:
    """Alarms at a level that ended by themselves, of all rates together."""

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        """Begin with none."""
        self._ends: list[tuple[float, float]] = []
        """s, L/h"""

    def learn(self, end: float, level: float) -> None:
        """Learn that one has ended; within a day it is the same one."""
        if self._ends and end - self._ends[-1][0] < DAY:
            level = max(level, self._ends.pop()[1])
        self._ends = [*self._ends, (end, level)][-_AGAIN:]

    def accept(self, now: float, level: float) -> None:
        """Learn that a level is normal here, as the owner says."""
        self._ends = [(now, level)] * _AGAIN

    def often(self, now: float, level: float) -> bool:
        """Return whether about this level came and went by itself often of late."""
        return sum(now - end < _AGAIN_S and level < _ALIKE * was for end, was in self._ends) >= _AGAIN

    def snapshot(self) -> list[list[float]]:
        """Return everything as JSON values."""
        return [list(each) for each in self._ends]

    def restore(self, state: object) -> None:
        """Take up what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, list) or len(state) > _AGAIN:
            msg = "stored alarms that passed are no list, or too many"
            raise SnapshotError(msg)
        self._ends = [(end, level) for end, level in (numbers(each, 2) for each in state)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """About an hour, or longer where readings were lost."""

    start: float
    end: float
    litres: float
    step: float
    chances: float
    """h of usual chances to stand still"""

    @property
    def hours(self) -> float:
        """Return how long it was."""
        return (self.end - self.start) / HOUR

    def counts(self, *, slow: bool) -> float:
        """Return for how many h without a proof it counts."""
        if self.hours <= WATCHED_H:
            return self.chances
        return self.chances * (LOST_SLOW if slow else LOST) * min(LOST_H / self.hours, 1.0)


class RateTest:
    """One rate's test: behind, for how long, and what is usual."""

    __slots__ = (
        "_passed",
        "alarm",
        "behind",
        "level",
        "longest",
        "mean",
        "most",
        "peak",
        "rate",
        "running",
        "since", "sure",
        "variance",
        "weeks",
    )  # fmt: skip

    def __init__(self, rate: Rate, passed: Passed) -> None:
        """Begin with what homes at large do."""
        self.rate, self._passed = rate, passed
        self.behind = self.running = self.peak = 0.0
        self.alarm = self.level = 0.0
        """h at which the alarm came, and the L/h it ran at; 0: none"""
        self.since = -1.0
        self.sure = False
        """Whether it went on beyond the bound"""
        self.mean, self.variance, self.weeks = rate.usual, rate.spread**2, 0.0
        self.longest = self.most = 0.0

    @property
    def learned(self) -> float:
        """Return the h without a proof that would be beyond anything usual here."""
        return max(self.mean + _DEVIATIONS * sqrt(self.variance), _MARGIN * self.most)

    @property
    def bound(self) -> float:
        """Return the h without a proof of standing still that are sure to be an alarm."""
        return max(self.rate.floor, self.learned)

    @property
    def slow(self) -> bool:
        """Return whether it takes many days."""
        return self.rate.level >= SLOW_H

    def observe(self, chunk: Chunk, lately: Lately, *, able: bool, seen: bool) -> None:
        """Take in what passed in about an hour; `able` to tell at all, `seen` enough to trust a time alone."""
        if self.rate.gulp and not seen:
            # What was lost may have held the pause, and such times add up.
            self.begin()
        need, step = self.rate.tested * chunk.hours, chunk.step
        most = chunk.litres if self.rate.gulp else min(chunk.litres, need + CREDIT * step)
        self.behind = max(0.0, self.behind + need - most)
        if self.behind > SLACK * step + self.rate.gulp:
            # Only what is over is learned: while it lasts, it may be a leak.
            if self.alarm <= 0.0 or self.peak < self.alarm + PASSING_H:
                self.longest = max(self.longest, self.peak)
            if self.alarm > 0.0 and self.level > 0.0:
                self._passed.learn(chunk.end, self.level)
            self.begin()
            return
        if self.since < 0.0:
            self.since = chunk.start
        self.running += chunk.counts(slow=self.slow)
        if not self.rate.gulp and chunk.litres < need and self.behind > NEARLY * step:
            self.running *= 1.0 - BACK
        self.peak = max(self.peak, self.running)
        self.sure = self.sure or self.running >= self.bound
        if able and self.alarm <= 0.0 and self.running >= self.rate.level:
            self._judge(chunk, lately, seen=seen)

    def _judge(self, chunk: Chunk, lately: Lately, *, seen: bool) -> None:
        level = None if self.rate.gulp else lately.level(self.since, chunk.step)
        if level is not None and level >= LEVEL * self.rate.tested and not self._passed.often(chunk.end, level):
            self.alarm, self.level = self.running, level
        elif seen and self.running >= self.bound:
            self.alarm = self.running

    def begin(self) -> None:
        """Begin anew, as after a proof of standing still."""
        self.behind = self.running = self.peak = self.alarm = self.level = 0.0
        self.since, self.sure = -1.0, False

    def close_week(self) -> None:
        """Learn the week that is over: the longest time that ended in it and was no alarm."""
        self.learn(self.longest)
        self.longest = 0.0

    def learn(self, longest: float) -> None:
        """Learn that a time was usual."""
        self.weeks = min(self.weeks + 1.0, _MEMORY_WEEKS)
        self.most = max(self.most * _FADE, longest)
        gain = 1.0 / (self.weeks + _PRIOR_WEEKS)
        error = longest - self.mean
        self.mean += gain * error
        self.variance = (1.0 - gain) * (self.variance + gain * error**2)

    def accept(self, now: float) -> None:
        """Learn that what runs now is normal here."""
        self.learn(self.peak)
        self.mean = max(self.mean, self.peak)
        if self.level > 0.0:
            self._passed.accept(now, self.level)
        self.begin()

    def snapshot(self) -> list[float]:
        """Return everything as JSON values."""
        row = [self.behind, self.running, self.longest, self.mean, self.variance, self.weeks, self.most, self.peak]
        return [*row, self.alarm, self.level, max(self.since, 0.0), float(self.sure)]

    def restore(self, state: object) -> None:
        """Take up what a snapshot holds; raises SnapshotError."""
        row = numbers(state, 12)
        if min(row) < 0.0:
            msg = "a stored leak test holds a time below zero"
            raise SnapshotError(msg)
        self.behind, self.running, self.longest, self.mean, self.variance, self.weeks, self.most, self.peak = row[:8]
        self.alarm, self.level, self.since = row[8], row[9], row[10] or -1.0
        self.sure = bool(row[11])
