"""Whether a pipe burst: a flow beyond what this home ever draws for minutes, within five minutes.

The mean flow of the last four minutes is held against a bound: a third more than the most that was usual here, and
never less than 10 L/min, which one tap does not give. Until two weeks were seen, 20 L/min. A draw that is far longer
than any was stays a question for the next module, of days. Meters that report less than once a minute cannot tell a
burst from a bath within five minutes: then nothing is said.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from ..errors import SnapshotError
from ..features.state import numbers
from ..features.water import Interval

VERSION: Final = 1
SPAN_S: Final = 240.0
SPACING_S: Final = 60.0
"""s between readings, at most, while water runs"""
LEAST: Final = 10.0
"""L/min"""
UNKNOWN: Final = 20.0
"""L/min, as long as the home is not known"""
MARGIN: Final = 1.33
KNOWN_S: Final = 14.0 * 86400.0
_BUCKET_S: Final = 10.0
_FADE: Final = 0.98
_WEEK: Final = 7.0 * 86400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """A flow that this home never draws for minutes."""

    flow: float
    """L/min, mean of four minutes"""
    bound: float
    """L/min"""


class BurstWatch:
    """Watches one meter for a burst."""

    __slots__ = ("_buckets", "_first", "_most", "_spacing", "_top", "_week")

    def __init__(self) -> None:
        """Begin knowing nothing of this home."""
        self._buckets: deque[tuple[float, float]] = deque(maxlen=int(SPAN_S / _BUCKET_S) + 2)
        """Tens of seconds, and the litres in each"""
        self._first = self._week = -1.0
        self._most = self._top = 0.0
        self._spacing = SPACING_S

    @property
    def able(self) -> bool:
        """Return whether the meter reports often enough while water runs."""
        return self._spacing <= SPACING_S

    @property
    def bound(self) -> float:
        """Return the flow that is beyond anything usual, L/min."""
        known = self._week >= 0.0 and self._week * _WEEK - self._first >= KNOWN_S - _WEEK
        return max(LEAST, MARGIN * max(self._most, self._top)) if known else max(UNKNOWN, MARGIN * self._top)

    def observe(self, interval: Interval) -> Burst | None:
        """Take in what passed; returns a burst while there is one."""
        seconds = interval.end - interval.start
        if self._first < 0.0:
            self._first = interval.start
        if interval.litres > 0.0:
            self._spacing += 0.05 * (min(seconds, 3600.0) - self._spacing)
        if seconds > SPACING_S:
            self._buckets.clear()
            return None
        bucket = interval.end // _BUCKET_S
        if self._buckets and bucket < self._buckets[-1][0]:
            self._buckets.clear()
        if self._buckets and self._buckets[-1][0] == bucket:
            self._buckets[-1] = bucket, self._buckets[-1][1] + interval.litres
        else:
            self._buckets.append((bucket, interval.litres))
        while bucket - self._buckets[0][0] >= SPAN_S / _BUCKET_S:
            self._buckets.popleft()
        flow = 60.0 * sum(litres for _, litres in self._buckets) / SPAN_S
        bound = self.bound
        if flow > bound and self.able:
            return Burst(flow=flow, bound=bound)
        self._learn(flow, interval.end)
        return None

    def _learn(self, flow: float, at: float) -> None:
        week = at // _WEEK
        if week != self._week:
            self._most, self._top = max(self._most * _FADE, self._top), 0.0
            self._week = week
        # What is on its way to an alarm is not learned before it has turned back.
        if flow <= self.bound / MARGIN:
            self._top = max(self._top, flow)

    def accept(self, flow: float) -> None:
        """Learn that a flow is normal here, as its owner says."""
        self._most = max(self._most, flow)

    def snapshot(self) -> dict[str, object]:
        """Return everything but the last minutes as JSON values."""
        return {"version": VERSION, "known": [self._first, self._week, self._most, self._top, self._spacing]}

    @classmethod
    def restored(cls, state: object) -> BurstWatch:
        """Return what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, dict) or state.get("version") != VERSION:
            msg = "a stored burst watch is of another version"
            raise SnapshotError(msg)
        self = cls()
        self._first, self._week, self._most, self._top, self._spacing = numbers(state.get("known"), 5)
        return self
