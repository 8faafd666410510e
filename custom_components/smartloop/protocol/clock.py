"""When it was, by a clock without a calendar: ticks of a boot, tied to the time at known moments.

A device counts milliseconds since it started. At every connection we tell it one *anchor*: these
ticks were that time, to within so much. Two anchors of one boot give the clock's rate. A boot that
nobody connected to lies between the end of the boot before it and the start of the next.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

CRYSTAL_PPM: Final = 200
"""What a device's clock is good for when it does not say; one that sleeps on a resistor says 50 000."""
_BEYOND_BELIEF: Final = 2.5
"""Anchors that would mean so many times the tolerance were set by a host whose own clock was wrong."""
_WANDER: Final = 0.1
"""The share of the tolerance by which a measured rate still moves, with temperature above all."""
_MIN_SPAN_MS: Final = 600_000
"""Anchors nearer to each other tell more about the link than about the clock."""
_UNKNOWN_MS: Final = 30 * 86_400_000
"""How long before its latest possible time a boot may have begun when nothing else is known."""
_EARLIEST_MS: Final = 1_577_836_800_000
"""2020-01-01: there was no such device before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """These ticks of this boot were this time."""

    boot: int
    ticks_ms: int
    utc_ms: float
    error_ms: float


def milliseconds(at: datetime) -> float:
    """Return milliseconds of UTC since 1970."""
    return at.timestamp() * 1000.0


class DeviceClock:
    """Turns boot and ticks into a time and how uncertain it is."""

    def __init__(
        self,
        now: Anchor,
        earlier: Iterable[Anchor] = (),
        last_ticks: Mapping[int, int] | None = None,
        tolerance_ppm: float = CRYSTAL_PPM,
    ) -> None:
        """Take the anchor just made, those the device kept, the last ticks known of each boot, the clock's class."""
        self.now = now
        self._tolerance = tolerance_ppm * 1e-6
        self._wander = _WANDER * self._tolerance
        self._anchors = _consistent(now, earlier, _BEYOND_BELIEF * self._tolerance)
        self._starts = self._bounds(dict(last_ticks or {}))

    @property
    def drift_ppm(self) -> float | None:
        """Return how much the device's clock is slow (+) or fast (-); None while not measured."""
        rate = self._rate(self._anchors[self.now.boot])
        return None if rate is None else round((rate[0] - 1.0) * 1e6, 3)

    @property
    def drift_uncertainty_ppm(self) -> float | None:
        """Return how far the measured rate may be off."""
        rate = self._rate(self._anchors[self.now.boot])
        return None if rate is None else round(rate[1] * 1e6, 3)

    def at(self, boot: int, ticks_ms: int) -> tuple[datetime, float]:
        """Return the time of a moment and its uncertainty in seconds (half the width)."""
        if boot in self._anchors:
            middle, error = self._synced(boot, ticks_ms)
        else:
            low, high = self._starts.get(boot) or self._around(boot)
            if low is None:
                low = high - _UNKNOWN_MS
            middle, error = (low + high) / 2 + ticks_ms, (high - low) / 2
        middle = min(max(middle, _EARLIEST_MS), self.now.utc_ms)
        return (
            datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=middle),
            min(error, self.now.utc_ms - _EARLIEST_MS) / 1000.0,
        )

    def _synced(self, boot: int, ticks_ms: int) -> tuple[float, float]:
        """Return a moment in a boot with anchors, and its error, in milliseconds."""
        anchors = self._anchors[boot]
        for before, after in pairwise(anchors):
            if before.ticks_ms <= ticks_ms <= after.ticks_ms:
                share = (ticks_ms - before.ticks_ms) / (after.ticks_ms - before.ticks_ms)
                nearest = min(ticks_ms - before.ticks_ms, after.ticks_ms - ticks_ms)
                return (
                    before.utc_ms + share * (after.utc_ms - before.utc_ms),
                    max(before.error_ms, after.error_ms) + self._wander * nearest,
                )
        anchor = anchors[0] if ticks_ms < anchors[0].ticks_ms else anchors[-1]
        rate, error = self._rate(anchors) or (1.0, self._tolerance)
        away = ticks_ms - anchor.ticks_ms
        return anchor.utc_ms + rate * away, anchor.error_ms + error * abs(away)

    def _rate(self, anchors: list[Anchor]) -> tuple[float, float] | None:
        """Return milliseconds of time per tick and their error; None while the anchors are too near."""
        first, last = anchors[0], anchors[-1]
        span = last.ticks_ms - first.ticks_ms
        if span < _MIN_SPAN_MS:
            return None
        return (last.utc_ms - first.utc_ms) / span, (first.error_ms + last.error_ms) / span + self._wander

    def _bounds(self, last_ticks: dict[int, int]) -> dict[int, tuple[float | None, float]]:
        """Return the earliest and latest start of each boot without anchors, in milliseconds of UTC."""
        boots = sorted({*last_ticks, *self._anchors})
        low: dict[int, float | None] = {}
        end: float | None = None
        for boot in boots:
            low[boot] = end
            if boot in self._anchors:
                ticks = max(last_ticks.get(boot, 0), self._anchors[boot][-1].ticks_ms)
                middle, error = self._synced(boot, ticks)
                end = middle - error
                low[boot] = None
            elif end is not None:
                end += last_ticks[boot]
        bounds: dict[int, tuple[float | None, float]] = {}
        start = self.now.utc_ms
        for boot in reversed(boots):
            if boot in self._anchors:
                middle, error = self._synced(boot, 0)
                start = min(start, middle + error)
                continue
            start -= last_ticks[boot]
            earliest = low[boot]
            bounds[boot] = (None if earliest is None or earliest > start else earliest, start)
        return bounds

    def _around(self, boot: int) -> tuple[float | None, float]:
        """Return the bounds of a boot that the device's table has forgotten."""
        later = [self._synced(other, 0)[0] for other in self._anchors if other > boot]
        later += [high for other, (_, high) in self._starts.items() if other > boot]
        return None, min(later, default=self.now.utc_ms)


def _consistent(now: Anchor, earlier: Iterable[Anchor], limit: float) -> dict[int, list[Anchor]]:
    """Return the believable anchors of each boot in order of ticks; the newest of a boot is the measure of the rest."""
    boots: dict[int, list[Anchor]] = {now.boot: [now]}
    for anchor in sorted(earlier, key=lambda anchor: (anchor.boot, anchor.ticks_ms), reverse=True):
        if not _EARLIEST_MS <= anchor.utc_ms <= now.utc_ms or anchor.boot > now.boot:
            continue
        kept = boots.setdefault(anchor.boot, [])
        if kept:
            ticks = kept[-1].ticks_ms - anchor.ticks_ms
            off = abs(kept[-1].utc_ms - anchor.utc_ms - ticks)
            if kept[0].ticks_ms <= anchor.ticks_ms or off > limit * ticks + kept[-1].error_ms + anchor.error_ms:
                continue
        kept.insert(0, anchor)
    return boots
