"""What people do to a room's air, as changes and rises above what the room itself had lately: never levels.

A person breathes out about 20 L of CO2 and 50 g of water an hour and gives off 100 W; what a sensor shows of it depends
on room, weather and sensor, so levels do not carry over from room to room. Values are means of minutes; `now` is the
mean of the last three. A change is against the mean of three minutes that long ago; a rise is above the lowest in
that span, in logarithms, as twice the people do not make it twice as likely that there is somebody.
"""

from collections import deque
from math import isfinite, log1p
from typing import Final, NamedTuple

from .psychrometrics import saturation_pressure

MINUTE_S: Final = 60.0
CLIMATE: Final = ("pressure_5", "pressure_15", "pressure_30", "temperature_5", "temperature_15", "temperature_30")
"""Changes of vapour pressure, hPa, and temperature, K, in so many minutes"""
CO2: Final = ("co2_15", "co2_above_3h", "co2_above_24h")
"""Change, ppm; log(1 + ppm / 50) above the lowest"""
LAGS: Final = (5, 15, 30)
_SMOOTH: Final = 3
_LATE: Final = 10
"""Minutes by which a value of then may be older"""
_TRAIL: Final = 48
_BUCKET: Final = 10
_DAY: Final = 1440
_RANGES: Final = ((-30.0, 60.0), (1.0, 100.0), (250.0, 10_000.0))
"""°C, %, ppm that a sensor may show"""


class _Minute(NamedTuple):
    """Means of one minute; None where not measured."""

    minute: int
    temperature: float | None
    pressure: float | None
    co2: float | None


def _usable(value: float | None, place: int) -> float | None:
    low, high = _RANGES[place]
    return value if value is not None and isfinite(value) and low <= value <= high else None


class AirTrail:
    """The last hours of one sensor's air."""

    __slots__ = ("_lows", "_sums", "_trail")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._trail: deque[_Minute] = deque(maxlen=_TRAIL)
        self._sums = [[0.0, 0.0] for _ in range(3)]
        self._lows: deque[tuple[int, float]] = deque(maxlen=_DAY // _BUCKET + 1)
        """Lowest CO2 of each ten minutes"""

    @property
    def at(self) -> float:
        """Return the newest minute's begin, s; 0 before any."""
        return MINUTE_S * self._trail[-1].minute if self._trail else 0.0

    def observe(self, at: float, temperature: float | None, humidity: float | None, co2: float | None = None) -> bool:
        """Take in °C, % and ppm at a time, s; False when it comes too late. What cannot be is taken for unknown."""
        minute = int(at // MINUTE_S)
        if self._trail and minute < self._trail[-1].minute:
            if self._trail[-1].minute - minute < _DAY:
                return False
            self._trail.clear()
            self._lows.clear()
        if not self._trail or minute > self._trail[-1].minute:
            self._sums = [[0.0, 0.0] for _ in range(3)]
            self._trail.append(_Minute(minute, None, None, None))
        warmth, damp = _usable(temperature, 0), _usable(humidity, 1)
        wet = None if warmth is None or damp is None else damp / 1e4 * float(saturation_pressure(warmth))
        means = []
        for kept, value in zip(self._sums, (warmth, wet, _usable(co2, 2)), strict=True):
            if value is not None:
                kept[0], kept[1] = kept[0] + value, kept[1] + 1.0
            means.append(kept[0] / kept[1] if kept[1] else None)
        self._trail[-1] = _Minute(minute, *means)
        self._lowest(minute)
        return True

    def _lowest(self, minute: int) -> None:
        level = self._mean(3, minute)
        if level is None:
            return
        bucket = minute // _BUCKET
        if self._lows and self._lows[-1][0] == bucket:
            self._lows[-1] = bucket, min(self._lows[-1][1], level)
        else:
            self._lows.append((bucket, level))

    def _mean(self, column: int, until: int) -> float | None:
        """Return the mean of the three minutes up to one, of the newest before where these are empty."""
        found: list[float] = []
        newest: int | None = None
        for row in reversed(self._trail):
            if row.minute > until:
                continue
            value = row[column]
            if row.minute < until - _LATE or (newest is not None and row.minute <= newest - _SMOOTH):
                break
            if value is not None:
                newest = row.minute if newest is None else newest
                found.append(float(value))
        return sum(found) / len(found) if found else None

    def _rise(self, level: float | None, minute: int, span: int) -> float | None:
        lows = [low for bucket, low in self._lows if bucket >= (minute - span) // _BUCKET]
        return None if level is None or not lows else log1p(max(level - min(lows), 0.0) / 50.0)

    def features(self) -> dict[str, float | None]:
        """Return all features at the newest minute; None where too little was seen."""
        if not self._trail:
            return dict.fromkeys((*CLIMATE, *CO2))
        minute = self._trail[-1].minute
        out: dict[str, float | None] = {}
        for name, column in (("pressure", 2), ("temperature", 1), ("co2", 3)):
            level = self._mean(column, minute)
            for lag in LAGS:
                then = self._mean(column, minute - lag)
                out[f"{name}_{lag}"] = None if level is None or then is None else level - then
        level = self._mean(3, minute)
        out["co2_above_3h"] = self._rise(level, minute, 180)
        out["co2_above_24h"] = self._rise(level, minute, _DAY)
        return {name: out[name] for name in (*CLIMATE, *CO2)}
