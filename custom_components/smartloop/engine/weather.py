"""The weather forecast as the engine keeps it: by the hour, from a time on."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from .errors import ReadingError, SnapshotError
from .features.forecast import LEAD_HOURS, Tensor
from .features.psychrometrics import vapour_pressure
from .reading import WeatherPoint

_HOUR = 3600
_MOST_POINTS = 400
_LEAST_POINTS = 4
_EDGE = 3
"""h without a forecast, at either end of a day, that are bridged."""


class Weather:
    """The newest forecast."""

    def __init__(self, points: Iterable[WeatherPoint] = ()) -> None:
        """Keep the points in order of time; more than two weeks are no use."""
        self._points = tuple(sorted(points, key=_when)[:_MOST_POINTS])

    def coming(self, hour: int) -> tuple[Tensor, Tensor]:
        """Return °C and hPa of the hours after `hour` (hours since 1970); NaN is unknown."""
        temperature = np.full(LEAD_HOURS, np.nan, np.float32)
        pressure = np.full(LEAD_HOURS, np.nan, np.float32)
        for point in self._points:
            lead = int(point.at.timestamp() // _HOUR) - hour - 1
            if 0 <= lead < LEAD_HOURS:
                temperature[lead] = point.temperature
                if point.relative_humidity is not None:
                    pressure[lead] = vapour_pressure(point.temperature, point.relative_humidity) / 100.0
        return temperature, pressure

    def next_day(self, hour: int) -> Tensor | None:
        """Return °C of the 24 hours after `hour`, gaps bridged; None when too little is known."""
        temperature = self.coming(hour)[0][:24]
        known = np.flatnonzero(np.isfinite(temperature))
        if known.size < _LEAST_POINTS or known[0] > _EDGE or known[-1] < 23 - _EDGE:
            return None
        return np.asarray(np.interp(np.arange(24), known, temperature[known]), np.float32)

    def snapshot(self) -> list[list[str | float | None]]:
        """Return the points as JSON values."""
        return [[point.at.isoformat(), point.temperature, point.relative_humidity] for point in self._points]

    @classmethod
    def restored(cls, state: object) -> Weather:
        """Return the forecast a snapshot holds; raises SnapshotError."""
        if not isinstance(state, list) or len(state) > _MOST_POINTS:
            msg = "stored weather is no list"
            raise SnapshotError(msg)
        return cls([_point(row) for row in state])


def _point(row: object) -> WeatherPoint:
    if not isinstance(row, list) or len(row) != 3:
        msg = "a stored hour of weather is no row of three"
        raise SnapshotError(msg)
    at, temperature, humidity = row
    try:
        return WeatherPoint(at=datetime.fromisoformat(at), temperature=temperature, relative_humidity=humidity)
    except (TypeError, ValueError, OverflowError, ReadingError) as err:
        msg = f"a stored hour of weather cannot be read: {err}"
        raise SnapshotError(msg) from err


def _when(point: WeatherPoint) -> datetime:
    return point.at
