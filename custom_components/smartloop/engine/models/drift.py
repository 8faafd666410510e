"""How far one hygrometer is from what the others agree on, whether a box is stuck, how its radio goes.

While a window stands open long enough, the air of the room holds as much vapour as that outside: a
free calibration. What a box shows then, less what the outdoor air would be at the box's own
temperature, is its offset, up to one error that all share: that of the outdoor station. It cannot be
told from anything inside, so the median of all offsets is taken for it (which is what a sum of zero
means where one box may be far off), and with fewer than three boxes nobody can say whose error it is.
Three or more boxes in one room are compared with each other every hour in the same way.

Each offset is a random walk of a tenth of a point per root day, followed by a scalar Kalman filter.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

import numpy as np

from ..errors import SnapshotError

DAY = 86400.0
AIRED_S = 1200.0
"""s a window must have been open: at 6 air changes an hour an eighth of the difference is left"""
AIRED_SD = 4.0
"""% of relative humidity that one airing's comparison may err"""
MATES_SD = 3.0
"""% that boxes in one room differ by in an hour; they stand in different corners, all day long"""
LEAST_BOXES = 3
LEAST_AIRINGS = 3
LEAST_MATES_HOURS = 48
_WALK = 0.1
"""% per root day"""
_FIRST_SD = 5.0
_CORNER_SD = 1.0
"""% that a box's place in the room is off the mean, however long one compares"""
_Z90 = 1.645

STEADY = {"temperature": (0.1, 0.3), "humidity": (0.5, 2.0)}
"""Noise of a common sensor, and by how much an inhabited room moves in a day; K and %"""
HOURS = 24


@dataclass(slots=True)
class Offset:
    """One box's offset, % of relative humidity."""

    mean: float = 0.0
    variance: float = _FIRST_SD**2
    at: float = 0.0
    count: int = 0

    def observe(self, at: float, value: float, sd: float) -> None:
        """Take in one comparison."""
        self.variance = min(self.variance + _WALK**2 * max(at - self.at, 0.0) / DAY, _FIRST_SD**2)
        self.at = max(at, self.at)
        error, variance = value - self.mean, self.variance + sd**2
        # A shower next door is no offset: far-off comparisons count for less (Huber).
        weight = min(1.0, 2.0 * sqrt(variance) / max(abs(error), 1e-9))
        gain = self.variance / variance
        self.mean += gain * weight * error
        self.variance *= 1.0 - gain * weight
        self.count += 1


@dataclass(frozen=True, slots=True)
class Bias:
    """What is known of one box's error."""

    value: float
    lo: float
    hi: float
    count: int


def biases(offsets: Mapping[str, Offset], least: int) -> dict[str, Bias]:
    """Return each box's own error; empty with fewer than three boxes that were compared often enough."""
    known = {source: each for source, each in offsets.items() if each.count >= least}
    if len(known) < LEAST_BOXES:
        return {}
    shared = median(each.mean for each in known.values())
    common = 1.57 * median(each.variance for each in known.values()) / len(known)
    found = {}
    for source, each in known.items():
        value = each.mean - shared
        half = _Z90 * sqrt(each.variance + common + _CORNER_SD**2)
        found[source] = Bias(value, value - half, value + half, each.count)
    return found


class Course:
    """A quantity's extremes hour by hour, for a day; whether it moves at all."""

    __slots__ = ("_high", "_hours", "_low", "_sd", "last", "unchanged_since", "usual")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.last: float | None = None
        self.unchanged_since = 0.0
        self.usual = 0.0
        """By how much it moves in a day, smoothed"""
        self._low = self._high = 0.0
        self._sd: float | None = None
        self._hours: deque[tuple[float, float]] = deque(maxlen=HOURS)

    def observe(self, at: float, value: float) -> None:
        """Take in a value."""
        if value != self.last:
            if self.last is None:
                self._low = self._high = value
            self.last, self.unchanged_since = value, at
        if value < self._low:
            self._low = value
        elif value > self._high:
            self._high = value

    def close_hour(self) -> None:
        """Go on to the next hour."""
        if self.last is None:
            return
        self._sd = None
        self._hours.append((self._low, self._high))
        self._low = self._high = self.last
        if len(self._hours) == HOURS:
            moved = max(high for _, high in self._hours) - min(low for low, _ in self._hours)
            # Slow, so that days of standing still do not make it the habit before anybody has looked.
            self.usual += (moved - self.usual) / (HOURS * 14.0) if self.usual else moved

    @property
    def sd(self) -> float | None:
        """Return the standard deviation over the last day; None before one has passed."""
        if self._sd is None and len(self._hours) == HOURS:
            # Of two dozen numbers; numpy would take three times as long to begin.
            middles = [0.5 * (low + high) for low, high in self._hours]
            mean = sum(middles) / HOURS
            self._sd = sqrt(sum((each - mean) ** 2 for each in middles) / HOURS)
        return self._sd

    def snapshot(self) -> list[object]:
        """Return everything as JSON values."""
        return [
            self.last,
            self.unchanged_since,
            self.usual,
            self._low,
            self._high,
            [list(each) for each in self._hours],
        ]

    @classmethod
    def restored(cls, state: object) -> Course:
        """Return what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, list) or len(state) != 6 or not isinstance(state[5], list) or len(state[5]) > HOURS:
            msg = "a stored course is not a row of six"
            raise SnapshotError(msg)
        self = cls()
        if state[0] is None:
            return self
        self.last, self.unchanged_since, self.usual, self._low, self._high = plain(state[:5], 5)
        for row in state[5]:
            low, high = plain(row, 2)
            self._hours.append((low, high))
        return self


class Radio:
    """How well one box is heard: smoothed, and its trend over the weeks."""

    __slots__ = ("_days", "_today", "lqi", "rssi")

    MOST_DAYS = 42
    _GAIN = 0.1

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.lqi: float | None = None
        self.rssi: float | None = None
        self._today: tuple[int, float, int] | None = None
        self._days: deque[tuple[float, float]] = deque(maxlen=self.MOST_DAYS)

    def observe(self, at: float, *, rssi: float | None = None, lqi: float | None = None) -> None:
        """Take in a link quality (0-255) or a signal strength (dBm)."""
        if lqi is not None:
            self.lqi = lqi if self.lqi is None else self.lqi + self._GAIN * (lqi - self.lqi)
        if rssi is not None:
            self.rssi = rssi if self.rssi is None else self.rssi + self._GAIN * (rssi - self.rssi)
        value = lqi if lqi is not None else rssi if self.lqi is None else None
        if value is None:
            return
        day = int(at // DAY)
        if self._today is not None and self._today[0] == day:
            self._today = day, self._today[1] + value, self._today[2] + 1
            return
        if self._today is not None and (not self._days or self._days[-1][0] < self._today[0]):
            self._days.append((float(self._today[0]), self._today[1] / self._today[2]))
        self._today = day, value, 1

    @property
    def per_week(self) -> float | None:
        """Return the trend, units a week (median of all slopes); None before two weeks have passed."""
        if len(self._days) < 7 or self._days[-1][0] - self._days[0][0] < 13.0:
            return None
        rows = np.array(self._days)
        one, other = np.triu_indices(len(rows), 1)
        return 7.0 * float(np.median((rows[other, 1] - rows[one, 1]) / (rows[other, 0] - rows[one, 0])))

    @property
    def weak(self) -> bool | None:
        """Return whether messages are likely to be lost; None when nothing is known."""
        if self.lqi is None and self.rssi is None:
            return None
        return (self.lqi is not None and self.lqi < 20.0) or (self.rssi is not None and self.rssi < -92.0)

    def snapshot(self) -> list[object]:
        """Return everything as JSON values; the day that is not over is left out."""
        return [self.lqi, self.rssi, [list(each) for each in self._days]]

    @classmethod
    def restored(cls, state: object) -> Radio:
        """Return what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, list) or len(state) != 3 or not isinstance(state[2], list):
            msg = "a stored radio is not a row of three"
            raise SnapshotError(msg)
        self = cls()
        self.lqi, self.rssi = (None if each is None else plain([each], 1)[0] for each in state[:2])
        for row in state[2][-cls.MOST_DAYS :]:
            day, value = plain(row, 2)
            if not self._days or day > self._days[-1][0]:
                self._days.append((day, value))
        return self


def plain(row: object, count: int) -> Sequence[float]:
    """Return stored numbers; raises SnapshotError."""
    if (
        not isinstance(row, list)
        or len(row) != count
        # Compared, not converted: what is not finite fails, and so does an integer no float holds.
        or not all(type(each) in (int, float) and abs(each) < 1e12 for each in row)
    ):
        msg = f"a stored row is not {count} numbers"
        raise SnapshotError(msg)
    return [float(each) for each in row]
