"""Whether water never stops running: a sequential test at three rates, against what is usual in this home.

While a leak of at least r runs, what the meter counts can fall behind r times the time passed by no more than the
meter's own step. So what it falls behind is summed up (a one-sided CUSUM, Page 1954); once that is more than a step
nothing was leaking at r, and the time without such a proof starts anew. Draws hide the quiet between them: what passes
beyond r counts for half a step at most. Nearly a step behind proves nothing yet, but takes back half a day.

The time without a proof of standing still is held against a bound: a week's longest such time is usual in this home,
and an alarm is four of its standard deviations beyond and well beyond the longest of late, yet never before the floor
of the rate. The first weeks lean on
homes at large. Only times that are over are learned, and
of alarms those that passed within a day, or that the owner calls normal.

Nothing is said where the meter's step is too coarse to prove standing still within a night, where a sensor of flow
stands still below the leak's rate, or where readings are so far apart that quiet hours go unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Final

from ..errors import SnapshotError
from ..features.state import numbers
from ..features.water import HOUR, DayMinimum, Interval
from .model import Prediction

VERSION: Final = 1
DAY: Final = 24.0 * HOUR
WEEK: Final = 7.0 * DAY
CHUNK_S: Final = 3000.0
"""s that are looked at together; hourly meters are a little early at times"""
WATCHED_H: Final = 2.0
"""h that one reading may answer for; of longer ones nobody knows whether a quiet hour was among them"""
PASSING_H: Final = 24.0
"""h after its alarm, within which what stops by itself was use, not a leak: leaks last"""
STILL_H: Final = 24.0
"""h since the last proof of standing still, up to which a rate is ruled out"""
QUIET_H: Final = 6.0
"""h of standing still that a night has: a meter that needs longer to prove it proves nothing"""
SLACK: Final = 1.1
"""Steps of the meter behind, from which no leak of that rate can have been running"""
NEARLY: Final = 0.8
BACK_H: Final = 12.0
"""h that are taken back when the meter is this many steps behind: a leak hardly ever gets there"""
LEAST_STEP: Final = 0.1
"""L; finer meters err by as much in an hour anyway"""
CREDIT: Final = 0.5
"""Of the meter's step, beyond the rate, that a draw counts for"""
WATCHED_SHARE: Final = 0.7
"""Of the last week, that must have been watched"""
_DEVIATIONS: Final = 4.0
_MARGIN: Final = 1.6
"""Times the longest time that was usual lately, which an alarm is at least"""
_FADE: Final = 0.98
"""Of that longest time, from one week to the next"""
_PRIOR_WEEKS: Final = 2.0
_MEMORY_WEEKS: Final = 16.0
_ESTIMATE_H: Final = 3.0


class Silence(StrEnum):
    """Why nothing is said."""

    COARSE = "meter_step_too_coarse"
    SLUGGISH = "meter_stands_still_below"
    SELDOM = "readings_too_seldom"
    NEW = "too_few_readings"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """A leak's rate that is tested for, with what homes at large do."""

    tested: float
    """L/h; a tenth below what is promised, so that a leak of just that rate is not proven away"""
    floor: float
    """h without a proof of standing still, before which nothing is said"""
    usual: float
    """h, a week's longest time at homes at large"""
    spread: float
    """h, standard deviation of that"""


RATES: Final = (
    Rate(tested=0.45, floor=130.0, usual=40.0, spread=16.0),
    Rate(tested=0.9, floor=38.0, usual=20.0, spread=6.0),
    Rate(tested=4.5, floor=30.0, usual=15.0, spread=4.5),
)
"""Found on the tuning homes of `onnx_models/leak_event`, never on those the card's figures are of."""


class _Test:
    """One rate's test: behind, for how long, and what is usual."""

    __slots__ = ("alarm", "behind", "longest", "mean", "most", "peak", "rate", "running", "variance", "weeks")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.mean, self.variance, self.weeks = rate.usual, rate.spread**2, 0.0
        self.behind = self.running = self.longest = self.most = self.peak = 0.0
        self.alarm = False

    @property
    def bound(self) -> float:
        """Return the h without a proof of standing still that make an alarm."""
        return max(self.rate.floor, self.mean + _DEVIATIONS * sqrt(self.variance), _MARGIN * self.most)

    def observe(self, hours: float, litres: float, step: float) -> None:
        """Take in what passed in about an hour."""
        need = self.rate.tested * hours
        self.behind = max(0.0, self.behind + need - min(litres, need + CREDIT * step))
        if self.behind > SLACK * step:
            # Only what is over is learned: while it lasts, it may be a leak.
            if not self.alarm or self.peak < self.bound + PASSING_H:
                self.longest = max(self.longest, self.peak)
            self.begin()
            return
        self.running += min(hours, WATCHED_H)
        if litres < need and self.behind > NEARLY * step:
            self.running -= BACK_H
        self.running = max(self.running, 0.0)
        self.peak = max(self.peak, self.running)
        self.alarm = self.alarm or self.running >= self.bound

    def begin(self) -> None:
        """Begin anew, as after a proof of standing still."""
        self.behind = self.running = self.peak = 0.0
        self.alarm = False

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

    def snapshot(self) -> list[float]:
        return [
            self.behind,
            self.running,
            self.longest,
            self.mean,
            self.variance,
            self.weeks,
            self.most,
            self.peak,
            float(self.alarm),
        ]

    def restore(self, state: object) -> None:
        row = numbers(state, 9)
        self.behind, self.running, self.longest, self.mean, self.variance, self.weeks, self.most, self.peak = row[:8]
        if min(row) < 0.0:
            msg = "a stored leak test holds a time below zero"
            raise SnapshotError(msg)
        self.alarm = bool(row[8])


class LeakWatch:
    """Watches one meter for water that never stops."""

    __slots__ = ("_at", "_hours", "_litres", "_low", "_lowest_flow", "_step", "_tests", "_watched", "_week")

    def __init__(self, rates: Sequence[Rate] = RATES) -> None:
        """Begin knowing nothing of this home."""
        self._tests = tuple(_Test(rate) for rate in rates)
        self._low = DayMinimum(_ESTIMATE_H)
        self._at = self._week = -1.0
        self._hours = self._litres = 0.0
        self._step = self._lowest_flow = 0.0
        self._watched = 1.0

    def observe(self, interval: Interval, *, step: float, lowest_flow: float = 0.0) -> None:
        """Take in what passed, with the meter's smallest step (L) or a flow sensor's lowest flow (L/min)."""
        if max(step, LEAST_STEP) < self._step:
            # The meter is finer than was thought, so what was taken for no proof may have been one.
            for test in self._tests:
                test.begin()
                test.longest = 0.0
        self._step, self._lowest_flow = max(step, LEAST_STEP), lowest_flow
        if self._week < 0.0:
            self._week = interval.start // WEEK
        # What came between was lost with a meter's swap: unwatched, and it proves nothing.
        hidden = (interval.start - self._at) / HOUR if self._at >= 0.0 else 0.0
        if hidden > WATCHED_H:
            self._close_chunk()
            self._watch(hidden, seen=False)
            for test in self._tests:
                test.running = max(test.running - hidden, 0.0)
                test.behind = 0.0
        self._at = interval.end
        self._low.observe(interval)
        self._hours += interval.hours
        self._litres += interval.litres
        if self._hours * HOUR >= CHUNK_S:
            self._close_chunk()

    def _close_chunk(self) -> None:
        hours, litres = self._hours, self._litres
        self._hours = self._litres = 0.0
        if hours <= 0.0:
            return
        # A long silence in which hardly anything passed says that nothing else did.
        self._watch(hours, seen=hours <= WATCHED_H or litres <= self._step)
        for test in self._tests:
            test.observe(hours, litres, self._step)
        if self._at // WEEK > self._week:
            self._week = self._at // WEEK
            for test in self._tests:
                test.close_week()

    def _watch(self, hours: float, *, seen: bool) -> None:
        gain = min(hours * HOUR / WEEK, 1.0)
        self._watched += gain * (float(seen) - self._watched)

    def accept(self) -> None:
        """Learn that what runs now is normal here, as its owner says."""
        for test in self._tests:
            if test.alarm:
                test.learn(test.peak)
                test.mean = max(test.mean, test.peak)
                test.begin()

    def _silence(self, test: _Test) -> Silence | None:
        if self._at < 0.0:
            return Silence.NEW
        if self._lowest_flow * 60.0 > test.rate.tested:
            return Silence.SLUGGISH
        if SLACK * self._step / test.rate.tested > QUIET_H:
            return Silence.COARSE
        return Silence.SELDOM if self._watched < WATCHED_SHARE else None

    def silences(self) -> dict[float, Silence]:
        """Return the rates (L/h) of which nothing can be said here, and why."""
        return {test.rate.tested: why for test in self._tests if (why := self._silence(test)) is not None}

    def alarm(self) -> float | None:
        """Return the highest tested rate (L/h) at which water never stopped for longer than usual; None: none."""
        return max(
            (test.rate.tested for test in self._tests if test.alarm and self._silence(test) is None), default=None
        )

    def bounds(self) -> dict[float, tuple[float, float]]:
        """Return by tested rate for how many hours water has not been proven to stand still, and the bound."""
        return {test.rate.tested: (test.running, test.bound) for test in self._tests}

    def predict(self, now: float) -> Prediction:
        """Return the flow that never stops, L/h: 0 with what is ruled out as its upper end, or an abstention."""
        silences, version = self.silences(), f"leak {VERSION}"
        age = max(now - self._at, 0.0) if self._at >= 0.0 else 0.0
        if len(silences) == len(self._tests):
            why = tuple(dict.fromkeys(silences.values()))
            return Prediction(
                value=None, lo=None, hi=None, confidence=0.0, abstained=True, why=why, data_age_s=age,
                model_version=version,
            )  # fmt: skip
        tested = self.alarm()
        able = [test for test in self._tests if test.rate.tested not in silences]
        if tested is None:
            still = [test.rate.tested for test in able if test.running < STILL_H]
            return Prediction(
                value=0.0, lo=0.0, hi=min(still, default=None), confidence=1.0 - self._nearest(able), abstained=False,
                why=tuple(dict.fromkeys(silences.values())), data_age_s=age, model_version=version,
            )  # fmt: skip
        test = next(each for each in able if each.rate.tested == tested)
        low, step = self._low.value, self._step / _ESTIMATE_H
        value = max(tested, tested if low is None else low)
        return Prediction(
            value=value, lo=tested, hi=value + step, confidence=self._nearest([test]),
            abstained=False, why=(f"running_h={test.running:.0f}", f"usual_h={test.bound:.0f}"), data_age_s=age,
            model_version=version,
        )  # fmt: skip

    @staticmethod
    def _nearest(tests: Sequence[_Test]) -> float:
        """Return how near the nearest test is to its bound, 0-1."""
        return max((min(test.running / test.bound, 1.0) for test in tests), default=0.0)

    def snapshot(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "version": VERSION,
            "meter": [self._at, self._week, self._hours, self._litres, self._step, self._lowest_flow, self._watched],
            "low": self._low.snapshot(),
            "tests": [[test.rate.tested, *test.snapshot()] for test in self._tests],
        }

    @classmethod
    def restored(cls, state: object, rates: Sequence[Rate] = RATES) -> LeakWatch:
        """Return what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, dict) or state.get("version") != VERSION:
            msg = "a stored leak watch is of another version"
            raise SnapshotError(msg)
        self = cls(rates)
        self._at, self._week, self._hours, self._litres, self._step, self._lowest_flow, self._watched = numbers(
            state.get("meter"), 7
        )
        self._low = DayMinimum.restored(state.get("low"))
        rows = state.get("tests")
        if not isinstance(rows, list) or len(rows) > len(RATES) + len(rates):
            msg = "a stored leak watch's tests are no list"
            raise SnapshotError(msg)
        stored = {row[0]: row[1:] for row in rows if isinstance(row, list) and len(row) == 10}
        for test in self._tests:
            if test.rate.tested not in stored:
                msg = "a stored leak watch lacks a rate"
                raise SnapshotError(msg)
            test.restore(stored[test.rate.tested])
        return self
