"""What the acts do to the air and the coldest surface of a room.

Deliberately small physics, each simplification on the side that promises less.

Airing: the vapour pressure decays to the outdoor one, e(t) = eo + (e0 - eo) exp(-n t). The air
cools by n / (n + w) of the difference to outside, where w is the heat that walls and furniture give
back, as an air change rate: h A / (rho c V) with 2.5 W/(m² K) of ISO 6946 for horizontal heat flow
and the inner surface of a cube. The surface is taken to follow the air at once; that is true of
glass and too much for masonry. Once the window is shut the air is as warm as before within minutes,
and materials give back part of the moisture that was aired out.
"""

from dataclasses import dataclass
from math import cbrt, ceil, expm1, log1p

from ..features.psychrometrics import relative_humidity, saturation_pressure

DEFAULT_AIR_CHANGE_RATE = 6.0
"""1/h, of one window wide open; an assumption until `air_change` has learned the room's own."""
REBOUND = 0.3
"""Share of the fall in vapour pressure that materials give back within the hour after; an assumption."""
WORTHWHILE = 0.9
"""Share of what can be aired out after which more only cools the walls."""
DEFAULT_VOLUME_M3 = 30.0
MAX_AIRING_MIN = 30
MIN_AIRING_MIN = 5
DRYER_L_PER_DAY = 10.0
"""Rated capacity of a small household dehumidifier (at 30 °C and 80 %)."""
DRYER_SHARE = 0.5
"""Of the rated capacity, what is left at room conditions; an assumption."""
MOISTURE_CAPACITY = 10.0
"""Times the air's own, of a furnished room over hours; an assumption."""
MAX_DRYING_MIN = 24 * 60
MIN_ROOM_HUMIDITY = 40.0
"""%; drier air is no longer comfortable."""

_CONVECTION = 2.5
"""W/(m² K)"""
_AIR_HEAT = 1206.0
"""J/(m³ K), density times heat capacity of air at 20 °C"""
_GAS_CONSTANT_VAPOUR = 461.5
"""J/(kg K)"""
_KELVIN = 273.15


@dataclass(frozen=True, kw_only=True, slots=True)
class Air:
    """A room, its coldest surface and the air outside."""

    temperature: float
    """°C"""
    vapour_pressure: float
    """Pa"""
    outdoor_temperature: float
    """°C"""
    outdoor_vapour_pressure: float
    """Pa"""
    f_rsi: float
    volume_m3: float

    def surface_temperature(self, temperature: float | None = None) -> float:
        """Return the coldest surface's temperature, °C, now or with the air at another temperature."""
        inside = self.temperature if temperature is None else temperature
        return self.outdoor_temperature + self.f_rsi * (inside - self.outdoor_temperature)

    def surface_humidity(self, vapour_pressure: float | None = None, temperature: float | None = None) -> float:
        """Return the humidity, %, at the coldest surface, now or with other air; over 100 where it is wet."""
        pressure = self.vapour_pressure if vapour_pressure is None else vapour_pressure
        return relative_humidity(self.surface_temperature(temperature), pressure)


def cooling_share(air_change_rate: float, volume_m3: float) -> float:
    """Return by how much of the difference to outside the air cools while a window is open, 0-1."""
    walls = 3600.0 * _CONVECTION * 6.0 / (_AIR_HEAT * cbrt(volume_m3))
    return air_change_rate / (air_change_rate + walls)


def aired(air: Air, minutes: float, air_change_rate: float) -> tuple[float, float]:
    """Return the surface humidity, %, when the window is shut, and when the room has recovered."""
    fall = (air.vapour_pressure - air.outdoor_vapour_pressure) * -expm1(-air_change_rate * minutes / 60.0)
    at_end = air.surface_humidity(air.vapour_pressure - fall, _cooled(air, air_change_rate))
    recovered = air.surface_humidity(air.vapour_pressure - (1.0 - REBOUND) * fall)
    return at_end, recovered


def _cooled(air: Air, air_change_rate: float) -> float:
    share = cooling_share(air_change_rate, air.volume_m3)
    return air.temperature - share * (air.temperature - air.outdoor_temperature)


def airing_minutes(air: Air, target: float, air_change_rate: float) -> int:
    """Return the whole minutes after which the surface is, and stays, at the target humidity in %.

    The air outside must be drier. At most those after which most of what can be aired out is out.
    """
    share = target / 100.0
    at_end = air.vapour_pressure - share * saturation_pressure(air.surface_temperature(_cooled(air, air_change_rate)))
    recovered = (air.vapour_pressure - share * saturation_pressure(air.surface_temperature())) / (1.0 - REBOUND)
    wanted = max(at_end, recovered) / (air.vapour_pressure - air.outdoor_vapour_pressure)
    enough = -log1p(-min(max(wanted, 0.0), WORTHWHILE)) / air_change_rate * 60.0
    return min(max(ceil(enough), MIN_AIRING_MIN), MAX_AIRING_MIN)


def warmed(air: Air, kelvin: float) -> float:
    """Return the surface humidity, %, once the room and its walls are that much warmer."""
    return air.surface_humidity(temperature=air.temperature + kelvin)


def drying_minutes(air: Air, vapour_pressure: float) -> int:
    """Return the minutes a small dehumidifier needs to bring the room to a vapour pressure in Pa."""
    per_pascal = air.volume_m3 / (_GAS_CONSTANT_VAPOUR * (air.temperature + _KELVIN))
    litres = MOISTURE_CAPACITY * per_pascal * (air.vapour_pressure - vapour_pressure)
    return min(ceil(litres / (DRYER_SHARE * DRYER_L_PER_DAY) * 24.0 * 60.0 / 10.0) * 10, MAX_DRYING_MIN)
