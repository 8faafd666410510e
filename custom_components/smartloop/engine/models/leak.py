"""Whether water never stops running: a sequential test at four rates, against what is usual in this home.

While a leak of at least r runs, what the meter counts can fall behind r times the time passed by no more than the
meter's own step. So what it falls behind is summed up (a one-sided CUSUM, Page 1954); once that is more than a step
nothing was leaking at r, and the time without such a proof starts anew. Draws hide the quiet between them: what passes
beyond r counts for half a step at most. Nearly a step behind proves nothing yet, but takes back most of the time.

The time without a proof counts by the chances to stand still that it held in this home: a night for much, an evening
for little, hours whose readings were lost for a part. Two days of it are **advice**, if the hours that are usually
quiet all ran at the same level, which use hardly ever does. Three days are **confirmed**, whatever the level; in homes
that go longer without a proof, what is beyond four standard deviations of a week's longest time, and beyond the
longest of late. The first weeks lean on homes at large. Only times that are over are learned, and of alarms those
that passed within a day, or that the owner calls normal. Where two such alarms of about the same level
ended by themselves within two months, the next waits for three days as well.

A leak in gulps (a cistern that refills) stands still for hours: a fifth test allows for a gulp, and takes ten days. It
is silent in homes whose use would pass for gulps.

Nothing is said where the meter's step is too coarse to prove standing still within a night or where a sensor of flow
stands still below the leak's rate. Where readings are so far apart that quiet hours go unseen, only the fast tests
speak, and nothing is ruled out.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from ..errors import SnapshotError
from ..features.state import numbers
from ..features.stillness import Habit, Lately
from ..features.water import BACK_S, HOUR, DayMinimum, Interval
from .leak_rate import DAY, RATES, SLACK, WATCHED_H, Chunk, Passed, Rate, RateTest
from .model import Prediction

VERSION: Final = 2
WEEK: Final = 7.0 * DAY
CHUNK_S: Final = 3000.0
"""s that are looked at together; hourly meters are a little early at times"""
STILL_H: Final = 24.0
"""h since the last proof of standing still, up to which a rate is ruled out"""
SUSPECT_H: Final = 30.0
"""h without a proof, from which the home's habit is no longer learned: it may be a leak"""
QUIET_H: Final = 6.0
"""h of standing still that a night has: a meter that needs longer to prove it proves nothing"""
LEAST_STEP: Final = 0.1
"""L; finer meters err by as much in an hour anyway"""
GULPS_BUSY: Final = 0.6
"""Of the floor, beyond which a home's own use would pass for gulps"""
WATCHED_SHARE, WATCHED_GULPS = 0.7, 0.8
"""Of the last week, that must have been watched; more of it for leaks in gulps, as a lost night hides their pauses"""
_ESTIMATE_H: Final = 3.0


class Silence(StrEnum):
    """Why nothing is said."""

    COARSE = "meter_step_too_coarse"
    SLUGGISH = "meter_stands_still_below"
    SELDOM = "readings_too_seldom"
    BUSY = "use_looks_like_it"
    NEW = "too_few_readings"


class Stage(StrEnum):
    """How sure an alarm is."""

    ADVICE = "advice"
    """Two days at one level: look at the meter"""
    CONFIRMED = "confirmed"
    """Three days, and longer than is usual here"""


class LeakWatch:
    """Watches one meter for water that never stops."""

    __slots__ = (
        "_at", "_habit", "_hours", "_lately", "_litres", "_low", "_lowest_flow", "_passed", "_step", "_tests",
        "_watched", "_week",
    )  # fmt: skip

    def __init__(self, rates: Sequence[Rate] = RATES) -> None:
        """Begin knowing nothing of this home."""
        self._passed = Passed()
        self._tests = tuple(RateTest(rate, self._passed) for rate in rates)
        self._habit, self._lately = Habit(), Lately()
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
        if self._week < 0.0 or interval.start < self._at - BACK_S:
            self._rewind(interval.start)
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

    def _rewind(self, start: float) -> None:
        """Begin anew what goes by the clock, and keep what was learned."""
        self._week = start // WEEK
        self._at = -1.0
        self._hours = self._litres = 0.0
        self._low, self._lately = DayMinimum(_ESTIMATE_H), Lately()
        for test in self._tests:
            test.begin()

    def _close_chunk(self) -> None:
        hours, litres = self._hours, self._litres
        self._hours = self._litres = 0.0
        if hours <= 0.0:
            return
        start = self._at - hours * HOUR
        chances = self._habit.weigh(start, self._at)
        chunk = Chunk(start=start, end=self._at, litres=litres, step=self._step, chances=chances)
        # A long silence in which hardly anything passed says that nothing else did.
        self._watch(hours, seen=hours <= WATCHED_H or litres <= self._step)
        if hours <= WATCHED_H and self._habit.quiet(start, self._at):
            self._lately.observe(self._at, litres / hours)
        lately = self._lately if self._habit.known else Lately()
        for test in self._tests:
            why = self._silence(test)
            test.observe(chunk, lately, able=why in {None, Silence.SELDOM}, seen=why is not Silence.SELDOM)
        if hours <= WATCHED_H and not any(test.running > SUSPECT_H for test in self._tests if not test.slow):
            self._habit.learn(start, self._at, litres)
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
            if test.alarm > 0.0:
                test.accept(self._at)

    def _silence(self, test: RateTest) -> Silence | None:
        if self._at < 0.0:
            return Silence.NEW
        if self._lowest_flow * 60.0 > test.rate.tested:
            return Silence.SLUGGISH
        if SLACK * self._step / test.rate.tested > QUIET_H:
            return Silence.COARSE
        if test.rate.gulp and test.learned > GULPS_BUSY * test.rate.floor:
            return Silence.BUSY
        return Silence.SELDOM if self._watched < (WATCHED_GULPS if test.rate.gulp else WATCHED_SHARE) else None

    def silences(self) -> dict[float, Silence]:
        """Return the rates (L/h) of which nothing can be ruled out here, and why."""
        return {test.rate.tested: why for test in self._tests if (why := self._silence(test)) is not None}

    def _alarmed(self) -> RateTest | None:
        """Return the test of the highest rate with an alarm."""
        found = [test for test in self._tests if test.alarm > 0.0]
        return max(found, key=lambda test: test.rate.tested, default=None)

    def alarm(self) -> float | None:
        """Return the highest tested rate (L/h) at which water never stopped for longer than usual; None: none."""
        test = self._alarmed()
        return None if test is None else test.rate.tested

    def stage(self) -> Stage | None:
        """Return how sure the alarm is; None: there is none."""
        found = [test for test in self._tests if test.alarm > 0.0]
        if not found:
            return None
        return Stage.CONFIRMED if any(test.sure for test in found) else Stage.ADVICE

    def bounds(self) -> dict[float, tuple[float, float]]:
        """Return by tested rate for how many h water has not been proven to stand still, and the sure bound."""
        return {test.rate.tested: (test.running, test.bound) for test in self._tests}

    def predict(self, now: float) -> Prediction:
        """Return the flow that never stops, L/h: 0 with what is ruled out as its upper end, or an abstention."""
        silences, test = self.silences(), self._alarmed()
        why: tuple[str, ...] = tuple(dict.fromkeys(silences.values()))
        able = [each for each in self._tests if each.rate.tested not in silences]
        value = lo = hi = None
        confidence = 0.0
        if test is not None:
            low, lo = self._low.value, test.rate.tested
            value = max(lo, test.level, 0.0 if low is None else low)
            hi = value + self._step / _ESTIMATE_H
            confidence = self._nearest([test])
            why = (str(self.stage()), f"running_h={test.running:.0f}", f"usual_h={test.bound:.0f}")
        elif able:
            value = lo = 0.0
            hi = min((each.rate.tested for each in able if each.running < STILL_H), default=None)
            confidence = 1.0 - self._nearest(able)
        return Prediction(
            value=value, lo=lo, hi=hi, confidence=confidence, abstained=value is None, why=why,
            data_age_s=max(now - self._at, 0.0) if self._at >= 0.0 else 0.0, model_version=f"leak {VERSION}",
        )  # fmt: skip

    @staticmethod
    def _nearest(tests: Sequence[RateTest]) -> float:
        """Return how near the nearest test is to its bound, 0-1."""
        return max((min(test.running / test.bound, 1.0) for test in tests), default=0.0)

    def snapshot(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "version": VERSION,
            "meter": [self._at, self._week, self._hours, self._litres, self._step, self._lowest_flow, self._watched],
            "low": self._low.snapshot(),
            "habit": self._habit.snapshot(),
            "lately": self._lately.snapshot(),
            "passed": self._passed.snapshot(),
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
        self._habit = Habit.restored(state.get("habit"))
        self._lately = Lately.restored(state.get("lately"))
        self._passed.restore(state.get("passed"))
        rows = state.get("tests")
        if not isinstance(rows, list) or len(rows) > len(RATES) + len(rates):
            msg = "a stored leak watch's tests are no list"
            raise SnapshotError(msg)
        stored = {numbers(row, 13)[0]: row[1:] for row in rows}
        for test in self._tests:
            if test.rate.tested not in stored:
                msg = "a stored leak watch lacks a rate"
                raise SnapshotError(msg)
            test.restore(stored[test.rate.tested])
        return self
