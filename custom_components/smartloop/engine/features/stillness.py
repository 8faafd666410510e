"""When water usually stands still in a home, and whether the quiet hours lately all ran alike.

A leak is a level: in the hours in which nobody usually draws water, about the same passes each time. Use is not: one
night a bath, the next the dishwasher. Both are seen by the hour, from whatever meter, by whatever clock its readings
are timed with, as nothing but the repetition after 24 h counts.
"""

from collections import deque
from itertools import pairwise
from typing import Final

from ..errors import SnapshotError
from .state import numbers
from .water import HOUR

DAY: Final = 24.0 * HOUR
QUIET: Final = 0.9
"""L/h, below which an hour was quiet"""
_UNKNOWN: Final = 0.5
_MEMORY: Final = 21.0
"""Days that a share is learned over"""
_PRIOR: Final = 3.0
_LEAST, _MOST = 0.02, 0.98
_KNOWN: Final = 6.0
"""Days of each hour, from which the habit counts"""
_QUIETEST: Final = 8
"""Hours of the day that are called quiet"""
_OFTEN, _MOSTLY = 0.4, 0.6
"""Of the days, in which such an hour is still at least; one that is so often is quiet anyway"""


class Habit:
    """How often each hour of the day passes without water."""

    __slots__ = ("_days", "_share")

    def __init__(self) -> None:
        """Begin with every hour alike."""
        self._share = [_UNKNOWN] * 24
        self._days = [0.0] * 24

    @staticmethod
    def _place(start: float, end: float) -> int:
        return int((start + end) / 2.0 // HOUR) % 24

    def learn(self, start: float, end: float, litres: float) -> None:
        """Learn from about an hour."""
        place = self._place(start, end)
        self._days[place] = min(self._days[place] + 1.0, _MEMORY)
        quiet = float(litres * HOUR < QUIET * (end - start))
        share = self._share[place] + (quiet - self._share[place]) / (self._days[place] + _PRIOR)
        self._share[place] = min(max(share, _LEAST), _MOST)

    def weigh(self, start: float, end: float) -> float:
        """Return the h of a usual day's chances to stand still that a time has: 24 for any whole day.

        So a night without stillness counts for several times an evening, in which water runs anyway.
        """
        whole = max((end - start) // DAY, 0.0)
        found, at = whole * sum(self._share), start + whole * DAY
        while at < end - 1e-6:
            until = min((at // HOUR + 1.0) * HOUR, end)
            found += self._share[int(at // HOUR) % 24] * (until - at) / HOUR
            at = until
        return found * 24.0 / sum(self._share)

    @property
    def known(self) -> bool:
        """Return whether every hour was seen on enough days."""
        return min(self._days) >= _KNOWN

    def quiet(self, start: float, end: float) -> bool:
        """Return whether about an hour is one of those of the day in which water mostly stands still."""
        return self._share[self._place(start, end)] >= min(max(sorted(self._share)[-_QUIETEST], _OFTEN), _MOSTLY)

    def snapshot(self) -> list[float]:
        """Return everything as JSON values."""
        return [*self._share, *self._days]

    @classmethod
    def restored(cls, state: object) -> Habit:
        """Return what a snapshot holds; raises SnapshotError."""
        row = numbers(state, 48)
        self = cls()
        self._share, self._days = list(row[:24]), list(row[24:])
        if not (all(_LEAST <= each <= _MOST for each in self._share) and all(0.0 <= n <= _MEMORY for n in self._days)):
            msg = "a stored habit of still hours cannot be"
            raise SnapshotError(msg)
        return self


_SPAN: Final = 48.5 * HOUR
_FEWEST: Final = 7
"""Quiet hours at the level, at least"""
_BELOW: Final = 0.1
"""Of the quiet hours, that may lie below: a leak hardly lets one"""
_ALIKE: Final = 0.5
"""Of the quiet hours, that run at the level, at least; in the others water is drawn"""
_STEPS: Final = 1.2
"""Steps of the meter, and share of the level, beyond it that still is the level: pressure changes, meters count"""
_SWAY: Final = 0.2


class Lately:
    """What passed in the quiet hours of the last two days."""

    __slots__ = ("_hours",)

    MOST: Final = 64

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._hours: deque[tuple[float, float]] = deque(maxlen=self.MOST)
        """End (s), and L/h"""

    def observe(self, end: float, flow: float) -> None:
        """Take in a quiet hour, L/h."""
        self._hours.append((end, flow))
        while end - self._hours[0][0] > _SPAN:
            self._hours.popleft()

    def level(self, since: float, step: float) -> float | None:
        """Return at how many L/h the quiet hours since then ran alike; None where they did not, or are too few."""
        flows = sorted(flow for end, flow in self._hours if end > since)
        if len(flows) < _FEWEST:
            return None
        low = flows[int(_BELOW * len(flows))]
        near = [flow for flow in flows if flow <= low + _STEPS * step + _SWAY * low]
        return sum(near) / len(near) if len(near) >= max(_FEWEST, _ALIKE * len(flows)) else None

    def snapshot(self) -> list[list[float]]:
        """Return everything as JSON values."""
        return [list(each) for each in self._hours]

    @classmethod
    def restored(cls, state: object) -> Lately:
        """Return what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, list) or len(state) > cls.MOST:
            msg = "stored quiet hours are no list, or too many"
            raise SnapshotError(msg)
        self = cls()
        for row in state:
            end, flow = numbers(row, 2)
            self._hours.append((end, flow))
        if any(later[0] <= earlier[0] for earlier, later in pairwise(self._hours)):
            msg = "stored quiet hours are in no order"
            raise SnapshotError(msg)
        return self
