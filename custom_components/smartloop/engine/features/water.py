"""What water meters say: how much passed between two readings, when somebody drew water, what never stops.

Meters differ in everything: a total every hour in whole litres, a pulse for each litre when it happens,
a flow every second. All become `Interval`s. A step back or a flood that no pipe carries is believed only
when the next reading repeats it (a swapped meter); alone it is a lost digit.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log

from ..errors import SnapshotError
from .state import numbers

HOUR = 3600.0
MOST_FLOW = 100.0
"""L/min that a house's pipe can carry (DN 32 at 2 m/s)"""
HOLD_S = 900.0
"""s that a flow is taken to have stayed; older, nobody knows what passed"""
COARSEST = 1000.0
"""L; what a meter's step is taken for until it has made one"""
_MOST_TOTAL = 1e11
"""L, and s: beyond, it is no reading; NaN is not within either"""
_MOST_SHOWN = 10.0 * MOST_FLOW
BACK_S = 24.0 * HOUR
"""s; a clock set back by more was wrong before: everything begins anew"""
JOIN_S = 30.0
"""s between two flows of one draw, as the fixtures' own records join them"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """What passed between two readings."""

    start: float
    end: float
    """s since 1970"""
    litres: float

    @property
    def hours(self) -> float:
        """Return how long it was."""
        return (self.end - self.start) / HOUR


class Meter:
    """A running total or a flow, turned into intervals; learns the meter's smallest step."""

    __slots__ = ("_at", "_doubt", "_flow", "_total", "lowest_flow", "step")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._at = self._total = self._flow = self._doubt = -1.0
        self.step = COARSEST
        """L, the smallest rise of the total so far"""
        self.lowest_flow = inf
        """L/min, the lowest flow above zero that the sensor ever showed: below, it stands still"""

    def total(self, at: float, litres: float) -> Interval | None:
        """Take in a running total; None where nothing can be said of the time before."""
        if not (0.0 <= litres <= _MOST_TOTAL and abs(at) < _MOST_TOTAL):
            return None
        if self._total < 0.0:
            self._at, self._total = at, litres
            return None
        if at < self._at - BACK_S:
            self._at, self._total, self._doubt = at, litres, -1.0
        if at <= self._at:
            return None
        rise = litres - self._total
        if rise < 0.0 or rise > MOST_FLOW * max((at - self._at) / 60.0, 1.0):
            self._doubted(at, litres)
            return None
        self._doubt = -1.0
        if rise > 1e-6:
            self.step = min(self.step, rise)
        found = Interval(start=self._at, end=at, litres=rise)
        self._at, self._total = at, litres
        return found

    def _doubted(self, at: float, litres: float) -> None:
        """Begin anew where a second reading in a row agrees with the doubted one."""
        if self._doubt >= 0.0 and 0.0 <= litres - self._doubt <= MOST_FLOW * max((at - self._at) / 60.0, 1.0):
            self._at, self._total, self._doubt = at, litres, -1.0
        else:
            self._doubt = litres

    def flow(self, at: float, litres_per_minute: float) -> Interval | None:
        """Take in a flow; the last one is held until now, for a quarter of an hour at most."""
        if not (0.0 <= litres_per_minute <= _MOST_SHOWN and abs(at) < _MOST_TOTAL):
            return None
        before, since = self._flow, self._at
        if since - BACK_S <= at <= since:
            return None
        self._at, self._flow, self.step = at, litres_per_minute, 0.0
        if litres_per_minute > 0.0:
            self.lowest_flow = min(self.lowest_flow, litres_per_minute)
        if before < 0.0 or at <= since or (at - since > HOLD_S and before > 0.0):
            return None
        return Interval(start=since, end=at, litres=before * (at - since) / 60.0)

    def snapshot(self) -> list[float]:
        """Return everything as JSON values."""
        lowest = -1.0 if self.lowest_flow == inf else self.lowest_flow
        return [self._at, self._total, self._flow, self._doubt, self.step, lowest]

    @classmethod
    def restored(cls, state: object) -> Meter:
        """Return what a snapshot holds; raises SnapshotError."""
        self = cls()
        self._at, self._total, self._flow, self._doubt, self.step, lowest = numbers(state, 6)
        self.lowest_flow = inf if lowest < 0.0 else lowest
        if not 0.0 <= self.step <= COARSEST:
            msg = "a stored meter's step cannot be"
            raise SnapshotError(msg)
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """One time somebody drew water, or several at once: a single meter cannot tell."""

    start: float
    end: float
    litres: float
    peak: float
    """L/min"""
    flowing_s: float
    """s in which water ran; the rest were pauses"""
    rough: float
    """Mean change of flow from one reading to the next, over the mean flow"""
    readings: int

    @property
    def seconds(self) -> float:
        """Return how long it took, pauses included."""
        return self.end - self.start

    @property
    def flow(self) -> float:
        """Return the mean flow while water ran, L/min."""
        return 60.0 * self.litres / max(self.flowing_s, 1.0)

    @property
    def running(self) -> float:
        """Return the share of the time in which water ran."""
        return min(self.flowing_s / max(self.seconds, 1.0), 1.0)


SHAPE_S = 5.0
"""s between readings that show a draw's shape"""


def fingerprint(draw: Draw) -> dict[str, float | None]:
    """Return what tells fixtures apart; what takes a reading every few seconds is None without one.

    `litres`, `seconds` (of flow) and `flow` (L/min) are natural logarithms, `peak` is that of peak over mean flow;
    `running` is the share of the time in which water ran, `rough` the mean change of flow over the mean flow.
    """
    shaped = draw.flowing_s <= SHAPE_S * max(draw.readings, 1)
    return {
        "litres": log(max(draw.litres, 0.01)),
        "seconds": log(max(draw.flowing_s, 1.0)),
        "flow": log(max(draw.flow, 0.01)),
        "peak": log(max(draw.peak, 0.01) / max(draw.flow, 0.01)) if shaped else None,
        "running": draw.running if shaped else None,
        "rough": draw.rough if shaped else None,
    }


class Draws:
    """Cuts intervals into draws; a draw is over when nothing passed for half a minute."""

    __slots__ = ("_changes", "_end", "_flow", "_flowing", "_litres", "_peak", "_start", "_steps")

    def __init__(self) -> None:
        """Begin with no water running."""
        self._begin()

    def _begin(self) -> None:
        self._start = -1.0
        self._end = self._flow = self._litres = self._peak = self._flowing = self._changes = self._steps = 0.0

    @property
    def since(self) -> float | None:
        """Return when the draw that is not over began; None while there is none."""
        return None if self._start < 0.0 else self._start

    def observe(self, interval: Interval) -> Draw | None:
        """Take in what passed; returns the draw that is now known to be over."""
        over = None
        if self._start >= 0.0 and (
            abs(interval.start - self._end) > JOIN_S or (interval.litres <= 0.0 and interval.end - self._end > JOIN_S)
        ):
            over = self.close()
        if interval.litres <= 0.0:
            if self._start >= 0.0:
                self._turn(0.0)
            return over
        seconds = interval.end - interval.start
        flow = 60.0 * interval.litres / seconds
        if self._start < 0.0:
            self._start, self._flow = interval.start, flow
        elif interval.start > self._end:
            self._turn(0.0)
        self._turn(flow)
        self._end = interval.end
        self._litres += interval.litres
        self._flowing += seconds
        self._peak = max(self._peak, flow)
        return over

    def _turn(self, flow: float) -> None:
        self._changes += abs(flow - self._flow)
        self._steps += 1.0
        self._flow = flow

    def close(self) -> Draw | None:
        """Return the draw that was running, as over; None where there was none."""
        if self._start < 0.0:
            return None
        mean = 60.0 * self._litres / self._flowing
        draw = Draw(
            start=self._start,
            end=self._end,
            litres=self._litres,
            peak=self._peak,
            flowing_s=self._flowing,
            rough=self._changes / max(self._steps, 1.0) / mean,
            readings=int(self._steps),
        )
        self._begin()
        return draw


class DayMinimum:
    """The lowest mean flow over some hours within the last day: what never stops, seen at the quietest time."""

    __slots__ = ("_hours", "_litres", "_lows", "_marks")

    MOST_MARKS = 64

    def __init__(self, hours: float) -> None:
        """Begin knowing nothing."""
        self._hours = hours
        self._litres = 0.0
        self._marks: deque[tuple[float, float]] = deque(maxlen=self.MOST_MARKS)
        self._lows: deque[tuple[float, float]] = deque(maxlen=self.MOST_MARKS)

    def observe(self, interval: Interval) -> None:
        """Take in what passed."""
        if self._marks and interval.start - self._marks[-1][0] > self._hours * HOUR:
            self._marks.clear()
        if not self._marks:
            self._marks.append((interval.start, self._litres))
        self._litres += interval.litres
        # A mark each twentieth of the window: bounded however fast the meter reports.
        if interval.end - self._marks[-1][0] < self._hours * HOUR / 20.0:
            return
        self._marks.append((interval.end, self._litres))
        span = self._hours * HOUR
        while len(self._marks) > 2 and interval.end - self._marks[1][0] >= span:
            self._marks.popleft()
        since, before = self._marks[0]
        if interval.end - since < span:
            return
        low = HOUR * (self._litres - before) / (interval.end - since)
        while self._lows and self._lows[-1][1] >= low:
            self._lows.pop()
        # One an hour is kept, so a day is 25 of them.
        if not self._lows or interval.end // HOUR > self._lows[-1][0] // HOUR:
            self._lows.append((interval.end, low))
        while interval.end - self._lows[0][0] > 24.0 * HOUR:
            self._lows.popleft()

    @property
    def value(self) -> float | None:
        """Return the lowest mean flow of the last day, L/h; None before a whole window was seen."""
        return self._lows[0][1] if self._lows else None

    def snapshot(self) -> list[object]:
        """Return everything as JSON values."""
        return [self._hours, self._litres, [list(each) for each in self._marks], [list(each) for each in self._lows]]

    @classmethod
    def restored(cls, state: object) -> DayMinimum:
        """Return what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, list) or len(state) != 4:
            msg = "a stored day minimum is not a row of four"
            raise SnapshotError(msg)
        hours, litres = numbers(state[:2], 2)
        self = cls(hours)
        self._litres = litres
        for kept, rows in ((self._marks, state[2]), (self._lows, state[3])):
            if not isinstance(rows, list) or len(rows) > cls.MOST_MARKS:
                msg = "a stored day minimum's marks are no list, or too many"
                raise SnapshotError(msg)
            for row in rows:
                at, value = numbers(row, 2)
                kept.append((at, value))
            if any(later[0] <= earlier[0] for earlier, later in pairwise(kept)):
                msg = "a stored day minimum's marks are in no order"
                raise SnapshotError(msg)
        return self
