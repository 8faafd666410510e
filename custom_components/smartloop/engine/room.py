"""One room through time: hours filled from what is known now, the mold index, the learned surface."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from .decisions.mold import GROWTH_INDEX
from .errors import SnapshotError
from .features.state import numbers
from .features.surface import (
    Factor,
    SurfaceFactor,
    SurfaceState,
    coldest_factor,
    surface_factors,
    surface_state,
)
from .hours import Hours, Series
from .household import Room
from .models.mold import WINDOW_HOURS, MoldIndex, critical_humidity

HOUR = 3600.0
MOST_GAP = 48 * HOUR
"""s; after a longer one nothing of the hour begun is worth keeping."""
MOST_SPAN = HOUR
"""s that one look at a room may stand for; what lies before it was not seen."""
LEAST_SEEN = 0.5 * HOUR
"""s of an hour that must have been seen for the hour to count."""
LEAST_TREND_HOURS = 24


class Air(NamedTuple):
    """What is known at one moment; None is unknown."""

    temperature: float | None
    """°C"""
    vapour_pressure: float | None
    """Pa"""
    outdoor_temperature: float | None
    outdoor_vapour_pressure: float | None
    surface_temperature: float | None
    """°C, of a sensor in the cold corner"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What a room's hours add up to."""

    index: tuple[float, ...]
    """Nominal mold index of each surface"""
    lo: tuple[float, ...]
    hi: tuple[float, ...]
    worst: int | None
    """Place of the surface with the highest index; None before an hour was counted"""
    days_to_mold: float | None
    """Until index 1 if the last week went on; None when it would not, or is not known"""
    growth_per_day: float | None
    """Mean change of the worst index in the last week"""
    hours_above_critical: float | None
    """Of the last week; None when none was seen"""


_QUANTITIES = len(Air._fields)


class RoomTwin:
    """What a room has lived through."""

    def __init__(self, room: Room) -> None:
        """Begin now."""
        self.room = room
        self.hours = Hours()
        self.mold = MoldIndex(room.wall_class)
        self.surface = SurfaceFactor(coldest_factor(room))
        self._moment: float | None = None
        self._sums = [0.0] * _QUANTITIES
        self._seen = [0.0] * _QUANTITIES
        self._outlook: Outlook | None = None
        self._factors = self._make_factors()

    @property
    def moment(self) -> float | None:
        """Return the time up to which the room was followed, s since 1970."""
        return self._moment

    @property
    def at(self) -> datetime | None:
        """Return the same as a time."""
        return None if self._moment is None else datetime.fromtimestamp(self._moment, UTC)

    # Through time.

    def advance(self, air: Air, moment: float) -> None:
        """Live up to a moment, s since 1970; `air` is what it is like now.

        What is known now stands for the time since the last look, at most an hour. An hour that was
        not seen well enough is held: it neither grows nor declines anything.
        """
        before, self._moment = self._moment, moment
        if before is None:
            return
        at = max(before, moment - MOST_SPAN)
        if moment - before > MOST_GAP:
            self._clear()
            self.mold.hold((moment - before) // HOUR)
            edge = moment + HOUR
            at = max(at, moment // HOUR * HOUR)
        else:
            edge = (before // HOUR + 1.0) * HOUR
        while edge <= moment:
            if edge > at:
                self._add(air, edge - at)
                at = edge
            self._close(int(edge // HOUR) - 1)
            edge += HOUR
        self._add(air, moment - at)

    def _add(self, air: Air, seconds: float) -> None:
        for place, value in enumerate(air):
            if value is not None:
                self._sums[place] += value * seconds
                self._seen[place] += seconds

    def _clear(self) -> None:
        self._sums = [0.0] * _QUANTITIES
        self._seen = [0.0] * _QUANTITIES

    def _close(self, hour: int) -> None:
        mean = Air(
            *(total / seen if seen >= LEAST_SEEN else None for total, seen in zip(self._sums, self._seen, strict=True))
        )
        self._clear()
        self._outlook = None
        excess = None
        if mean.outdoor_temperature is not None:
            self.surface.learn_one(mean.surface_temperature, mean.temperature, mean.outdoor_temperature)
            self._factors = self._make_factors()
        if mean.temperature is None or mean.vapour_pressure is None or mean.outdoor_temperature is None:
            self.mold.hold(1.0)
        else:
            self.mold.step(mean.temperature, mean.vapour_pressure, mean.outdoor_temperature, self._factors)
            excess = self._excess(mean.temperature, mean.vapour_pressure, mean.outdoor_temperature)
        self.hours.push(hour, [np.nan if value is None else value for value in (*mean, max(self.mold.index), excess)])

    # What follows from it.

    @property
    def factors(self) -> tuple[Factor, ...]:
        """Return the temperature factor of each surface, in the order of SurfaceKind."""
        return self._factors

    def _make_factors(self) -> tuple[Factor, ...]:
        return surface_factors(self.room, self.surface.factor if self.surface.hours else None)

    def surfaces(
        self, temperature: float, vapour_pressure: float, outdoor_temperature: float
    ) -> tuple[SurfaceState, ...]:
        """Return the state of each surface, from °C, Pa and °C."""
        return tuple(
            surface_state(factor.mean, temperature, vapour_pressure, outdoor_temperature) for factor in self._factors
        )

    def worst(self, temperature: float, outdoor_temperature: float) -> int:
        """Return the place of the coldest surface; in summer that is the best insulated one."""
        sign = 1.0 if temperature >= outdoor_temperature else -1.0
        means = [sign * factor.mean for factor in self._factors]
        return means.index(min(means))

    def _excess(self, temperature: float, vapour_pressure: float, outdoor_temperature: float) -> float:
        factor = self._factors[self.worst(temperature, outdoor_temperature)]
        state = surface_state(factor.mean, temperature, vapour_pressure, outdoor_temperature)
        return state.humidity - critical_humidity(state.temperature, self.room.wall_class)

    @property
    def outlook(self) -> Outlook:
        """Return what the hours add up to; it changes with each of them."""
        if self._outlook is None:
            index = self.mold.index
            self._outlook = Outlook(
                index=index,
                lo=self.mold.lo,
                hi=self.mold.hi,
                worst=index.index(max(index)) if self.mold.hours else None,
                days_to_mold=self._days_to_mold(),
                growth_per_day=self._growth_per_day(),
                hours_above_critical=self._hours_above_critical(),
            )
        return self._outlook

    def _days_to_mold(self) -> float | None:
        temperature, pressure, outdoor = (
            self.hours.newest(series, WINDOW_HOURS).astype(np.float64)
            for series in (Series.TEMPERATURE, Series.VAPOUR_PRESSURE, Series.OUTDOOR_TEMPERATURE)
        )
        return self.mold.days_to(GROWTH_INDEX, temperature, pressure, outdoor, self._factors)

    def _growth_per_day(self) -> float | None:
        index = self.hours.newest(Series.MOLD_INDEX, WINDOW_HOURS)
        known = np.flatnonzero(np.isfinite(index))
        if not known.size or known[-1] - known[0] < LEAST_TREND_HOURS:
            return None
        return float(index[known[-1]] - index[known[0]]) / float(known[-1] - known[0]) * 24.0

    def _hours_above_critical(self) -> float | None:
        excess = self.hours.newest(Series.EXCESS, WINDOW_HOURS)
        known = np.isfinite(excess)
        return float(np.count_nonzero(excess[known] >= 0.0)) if known.any() else None

    # What is kept.

    def snapshot(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "moment": self._moment,
            "sums": list(self._sums),
            "seen": list(self._seen),
            "hours": self.hours.snapshot(),
            "mold": list(self.mold.snapshot()),
            "surface": list(self.surface.snapshot()),
        }

    @classmethod
    def restored(cls, room: Room, state: object) -> RoomTwin:
        """Return the room as a snapshot holds it; raises SnapshotError."""
        if not isinstance(state, Mapping):
            msg = "a stored room is no object"
            raise SnapshotError(msg)
        self = cls(room)
        moment = state.get("moment")
        if moment is not None:
            (self._moment,) = numbers([moment], 1)
            if not 0.0 <= self._moment < _LATEST:
                msg = "a stored room is of no time of ours"
                raise SnapshotError(msg)
        self._sums = list(numbers(state.get("sums"), _QUANTITIES))
        self._seen = list(numbers(state.get("seen"), _QUANTITIES))
        if not all(0.0 <= seen <= HOUR for seen in self._seen):
            msg = "a stored room has seen more of an hour than there is"
            raise SnapshotError(msg)
        self.hours = Hours.restored(state.get("hours"))
        self.mold.restore(state.get("mold"))
        self.surface.restore(state.get("surface"))
        self._factors = self._make_factors()
        if self.hours.last is not None and (self._moment is None or self.hours.last * HOUR > self._moment):
            msg = "a stored room knows hours that are yet to come"
            raise SnapshotError(msg)
        return self


_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
