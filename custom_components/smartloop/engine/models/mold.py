"""The mold index of VTT, 0 (none) to 6 (covered), of each surface of a room, with its band.

Hukka and Viitanen 1999, with the sensitivity classes of Viitanen and Ojanen 2010 and the decline
coefficient of Ojanen 2010. It is an index, not a measurement: 63 particles with other sensor
offsets, temperature factors and wall classes go beside the nominal one and give the band.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadingError, SnapshotError
from ..features.psychrometrics import Array, saturation_pressure
from ..features.state import State, numbers
from ..features.surface import Factor, SurfaceKind
from ..household import WallClass

PARTICLES = 64
DECLINE_COEFF = 0.1
"""Share of pine's decline that a wall shows, unless more is known (the default of ASHRAE 160)."""
MAX_DAYS = 365.0
WINDOW_HOURS = 168
MIN_WINDOW_HOURS = 24
"""A projection from less than one day would take a shower for a climate."""

_HUMIDITY_SPREAD = 2.5
"""%, to either side, of a room sensor."""
_TEMPERATURE_SPREAD = 0.3
"""K"""
_PARTNER_SHARE = 0.3
"""Of the particles, those that take the neighbouring wall class."""
_FAST_DECLINE = 0.032 / 24.0
"""Index per hour in the first 6 dry hours."""
_SLOW_DECLINE = 0.016 / 24.0
"""Index per hour after 24 dry hours; between the two it rests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kinetics:
    """How one sensitivity class grows."""

    early: float
    """k1 while the index is below 1"""
    late: float
    """k1 from 1 on"""
    a: float
    b: float
    c: float
    least_humidity: float
    """%"""


CLASSES: dict[WallClass, Kinetics] = {
    WallClass.VERY_SENSITIVE: Kinetics(early=1.0, late=2.0, a=1.0, b=7.0, c=2.0, least_humidity=80.0),
    WallClass.SENSITIVE: Kinetics(early=0.578, late=0.386, a=0.3, b=6.0, c=1.0, least_humidity=80.0),
    WallClass.MEDIUM_RESISTANT: Kinetics(early=0.072, late=0.097, a=0.0, b=5.0, c=1.5, least_humidity=85.0),
    WallClass.RESISTANT: Kinetics(early=0.033, late=0.014, a=0.0, b=3.0, c=1.0, least_humidity=85.0),
}

_PARTNER: dict[WallClass, WallClass] = {
    WallClass.VERY_SENSITIVE: WallClass.SENSITIVE,
    WallClass.SENSITIVE: WallClass.MEDIUM_RESISTANT,
    WallClass.MEDIUM_RESISTANT: WallClass.SENSITIVE,
    WallClass.RESISTANT: WallClass.MEDIUM_RESISTANT,
}


def critical_humidity(temperature: float, wall_class: WallClass) -> float:
    """Return the humidity, %, from which the class can grow at a surface temperature in °C."""
    curve = ((-0.00267 * temperature + 0.160) * temperature - 3.13) * temperature + 100.0
    return min(max(curve, CLASSES[wall_class].least_humidity), 100.0)


def growth_days(temperature: float, humidity: float) -> float:
    """Return the days until index 1 on pine in a constant climate, °C above 0 and %."""
    return 7.0 * exp(66.02 - 0.68 * log(temperature) - 13.9 * log(humidity))


def growth_rate(temperature: float, humidity: float, index: float, wall_class: WallClass) -> float | None:
    """Return the growth per day at a surface, °C and %; None when it is too dry, cold or hot to grow."""
    critical = critical_humidity(temperature, wall_class)
    # Below 100 % is above 0 °C: the curve says so itself, and an excess over 100 % would divide by nothing.
    if not (temperature < 50.0 and critical < 100.0 and humidity >= critical):
        return None
    kinetics = CLASSES[wall_class]
    excess = (critical - humidity) / (critical - 100.0)
    limit = kinetics.a + kinetics.b * excess - kinetics.c * excess * excess
    early_or_late = kinetics.early if index < 1.0 else kinetics.late
    return early_or_late * max(1.0 - exp(2.3 * (index - limit)), 0.0) / growth_days(temperature, humidity)


@dataclass(frozen=True, slots=True)
class Growth:
    """Where one surface stands."""

    index: float = 0.0
    dry_hours: float = 0.0
    """h since it last could grow"""


def advance(
    state: Growth,
    temperature: float,
    humidity: float,
    wall_class: WallClass,
    decline_coeff: float = DECLINE_COEFF,
    hours: float = 1.0,
) -> Growth:
    """Return the state after one step at a surface, °C and %: the plain form the particles are tested against."""
    rate = growth_rate(temperature, humidity, state.index, wall_class)
    if rate is not None:
        return Growth(state.index + rate * hours / 24.0, 0.0)
    dry = state.dry_hours + hours
    fast = min(dry, 6.0) - min(state.dry_hours, 6.0)
    slow = max(dry, 24.0) - max(state.dry_hours, 24.0)
    loss = decline_coeff * (_FAST_DECLINE * fast + _SLOW_DECLINE * slow)
    return Growth(max(state.index - loss, 0.0), dry)


class _Climate(NamedTuple):
    """What a surface's temperature and humidity allow, whatever its index is."""

    grows: NDArray[np.bool_]
    rate: Array
    """Per day on pine far from its limit, 0 where it cannot grow"""
    limit: Array
    """The index it can reach"""


class _Walls:
    """The kinetics of several wall classes side by side."""

    def __init__(self, classes: Sequence[WallClass]) -> None:
        rows = [CLASSES[item] for item in classes]
        self.early = np.array([row.early for row in rows])
        self.late = np.array([row.late for row in rows])
        self._a = np.array([row.a for row in rows])
        self._b = np.array([row.b for row in rows])
        self._c = np.array([row.c for row in rows])
        self._least = np.array([row.least_humidity for row in rows])

    def climate(self, temperature: Array, humidity: Array) -> _Climate:
        """Return what surface temperatures and humidities, °C and %, allow."""
        curve = ((-0.00267 * temperature + 0.160) * temperature - 3.13) * temperature + 100.0
        critical = np.maximum(curve, self._least)
        grows = (humidity >= critical) & (critical < 100.0) & (temperature < 50.0)
        # Where nothing grows the numbers only have to be harmless.
        excess = np.where(grows, humidity - critical, 0.0) / np.where(grows, 100.0 - critical, 1.0)
        safe_temperature = np.where(grows, temperature, 1.0)
        safe_humidity = np.where(grows, humidity, 100.0)
        rate: Array = np.exp(0.68 * np.log(safe_temperature) + 13.9 * np.log(safe_humidity) - 66.02) * (grows / 7.0)
        return _Climate(grows, rate, self._a + (self._b - self._c * excess) * excess)


def _spread(dimension: int) -> Array:
    """Return evenly spread numbers between 0 and 1: the golden-ratio sequence in four dimensions (Roberts 2018)."""
    ratio = 1.1673039782614187 ** -(dimension + 1)
    return np.asarray((0.5 + ratio * np.arange(1, PARTICLES)) % 1.0, np.float64)


_QUANTILE = NormalDist().inv_cdf
_OFF_HUMIDITY: Array = np.concatenate(([0.0], _HUMIDITY_SPREAD * (2.0 * _spread(0) - 1.0)))
_OFF_TEMPERATURE: Array = np.concatenate(([0.0], _TEMPERATURE_SPREAD * (2.0 * _spread(1) - 1.0)))
_OFF_FACTOR: Array = np.array([0.0, *(_QUANTILE(float(item)) for item in _spread(2))])
_IS_PARTNER: NDArray[np.bool_] = np.concatenate(([False], _spread(3) < _PARTNER_SHARE))

# Finer towards the level: growth may all but stop there, and that is where the days are.
_GRID = 1.0 - np.linspace(1.0, 0.0, 33) ** 3
_PATH: Array = np.asarray((_GRID[:-1] + _GRID[1:]) / 2.0)
_PATH_WIDTH: Array = np.diff(_GRID)


class MoldIndex:
    """The index of each surface of one room: one nominal particle, exactly VTT's, and 63 around it."""

    def __init__(
        self, wall_class: WallClass, surfaces: int = len(SurfaceKind), decline_coeff: float = DECLINE_COEFF
    ) -> None:
        """Begin clean."""
        partner = _PARTNER[wall_class]
        self._walls = _Walls([partner if other else wall_class for other in _IS_PARTNER])
        self._nominal = _Walls([wall_class])
        self._decline = decline_coeff
        self._index: Array = np.zeros((surfaces, PARTICLES))
        self._dry: Array = np.zeros((surfaces, PARTICLES))
        self._hours = 0.0
        self._held = 0.0

    @property
    def hours(self) -> float:
        """Return the hours counted."""
        return self._hours

    @property
    def held_hours(self) -> float:
        """Return the hours that passed unseen."""
        return self._held

    @property
    def index(self) -> tuple[float, ...]:
        """Return each surface's nominal index."""
        return tuple(self._index[:, 0].tolist())

    @property
    def lo(self) -> tuple[float, ...]:
        """Return each surface's 5th percentile, at most the nominal index."""
        return self._percentile(0.05)

    @property
    def hi(self) -> tuple[float, ...]:
        """Return each surface's 95th percentile, at least the nominal index."""
        return self._percentile(0.95)

    def _percentile(self, share: float) -> tuple[float, ...]:
        place = share * (PARTICLES - 1)
        below = int(place)
        ranked = np.sort(self._index, axis=1)
        value = ranked[:, below] + (place - below) * (ranked[:, below + 1] - ranked[:, below])
        nominal = self._index[:, 0]
        return tuple((np.minimum if share < 0.5 else np.maximum)(value, nominal).tolist())

    def step(
        self,
        indoor_temperature: float,
        vapour_pressure: float,
        outdoor_temperature: float,
        factors: Sequence[Factor],
        hours: float = 1.0,
    ) -> None:
        """Count one hour (or a part of one) in °C, the room's vapour pressure in Pa, °C and a factor per surface."""
        # Written so that NaN fails, too: one would stay in every particle for good.
        air = abs(indoor_temperature) <= 100.0 and abs(outdoor_temperature) <= 100.0 and 0.0 <= vapour_pressure <= 1e5
        if not (air and 0.0 < hours <= 24.0):
            msg = f"no mold index of {indoor_temperature:g} °C, {vapour_pressure:g} Pa, {outdoor_temperature:g} °C, {hours:g} h"
            raise ReadingError(msg)
        self._require(factors)
        temperature, humidity = self._surface(indoor_temperature, vapour_pressure, outdoor_temperature, factors)
        climate = self._walls.climate(temperature, humidity)
        early_or_late = np.where(self._index < 1.0, self._walls.early, self._walls.late)
        brake = np.maximum(1.0 - np.exp(2.3 * (self._index - climate.limit)), 0.0)
        gain = climate.rate * early_or_late * brake * (hours / 24.0)
        dry = self._dry + hours
        fast = np.minimum(dry, 6.0) - np.minimum(self._dry, 6.0)
        slow = np.maximum(dry, 24.0) - np.maximum(self._dry, 24.0)
        loss = self._decline * (_FAST_DECLINE * fast + _SLOW_DECLINE * slow)
        self._index = np.where(climate.grows, self._index + gain, np.maximum(self._index - loss, 0.0))
        self._dry = np.where(climate.grows, 0.0, dry)
        self._hours += hours

    def hold(self, hours: float) -> None:
        """Let hours pass unseen: the index and its clock stand still."""
        if not (isfinite(hours) and hours >= 0.0):
            msg = f"a gap of {hours:g} h cannot be"
            raise ReadingError(msg)
        self._held += hours

    def days_to(
        self,
        level: float,
        indoor_temperatures: Array,
        vapour_pressures: Array,
        outdoor_temperatures: Array,
        factors: Sequence[Factor],
    ) -> float | None:
        """Return the days until the worst surface reaches the level if the recent hours went on and on.

        Hours with a gap (NaN) are left out. None when no surface gets there within a year, or when
        fewer than 24 hours are known.
        """
        self._require(factors)
        if self._index[:, 0].max() >= level:
            return 0.0
        recent = np.stack((indoor_temperatures, vapour_pressures, outdoor_temperatures))[:, -WINDOW_HOURS:]
        recent = recent[:, np.isfinite(recent).all(axis=0)]
        if recent.shape[1] < MIN_WINDOW_HOURS:
            return None
        indoor, pressure, outdoor = recent
        factor = np.array([[item.mean] for item in factors])
        temperature = outdoor + factor * (indoor - outdoor)
        humidity = np.minimum(100.0 * pressure / saturation_pressure(temperature), 100.0)
        climate = self._nominal.climate(temperature, humidity)
        days = self._project(level, climate, self._mean_decline(climate.grows))
        return days if days <= MAX_DAYS else None

    def _mean_decline(self, grows: NDArray[np.bool_]) -> Array:
        """Return each surface's decline per day, the hours repeating for ever."""
        count = grows.shape[1]
        hour = np.arange(count)
        last = np.maximum.accumulate(np.where(grows, hour, -1), axis=1)
        last = np.where(last < 0, last[:, -1:] - count, last)
        dry = hour - last
        per_hour = _FAST_DECLINE * ((dry > 0) & (dry <= 6)) + _SLOW_DECLINE * (dry > 24)
        return np.asarray(24.0 * self._decline * per_hour.mean(axis=1))

    def _project(self, level: float, climate: _Climate, decline: Array) -> float:
        """Return the days from each nominal index to the level, of the fastest surface."""
        start = self._index[:, :1]
        index = start + (level - start) * _PATH
        width = (level - start) * _PATH_WIDTH
        brake = np.maximum(1.0 - np.exp(2.3 * (index[:, :, None] - climate.limit[:, None, :])), 0.0)
        growth = (climate.rate[:, None, :] * brake).mean(axis=2)
        net = growth * np.where(index < 1.0, self._nominal.early, self._nominal.late) - decline[:, None]
        grows = (net > 0.0).all(axis=1)
        days = (width / np.where(net > 0.0, net, 1.0)).sum(axis=1)
        return float(np.where(grows, days, np.inf).min())

    def _surface(
        self, indoor_temperature: float, vapour_pressure: float, outdoor_temperature: float, factors: Sequence[Factor]
    ) -> tuple[Array, Array]:
        """Return temperature and humidity at each surface as each particle sees them, °C and %."""
        indoor = indoor_temperature + _OFF_TEMPERATURE
        saturated = saturation_pressure(indoor)
        # The humidity sensor reads the same in every particle, so warmer air holds more vapour.
        share = vapour_pressure / saturation_pressure(indoor_temperature) + 0.01 * _OFF_HUMIDITY
        pressure = np.clip(share, 0.0, 1.0) * saturated
        mean = np.array([[item.mean] for item in factors])
        sd = np.array([[item.sd] for item in factors])
        factor = np.clip(mean + sd * _OFF_FACTOR, 0.05, 1.0)
        temperature = outdoor_temperature + factor * (indoor - outdoor_temperature)
        humidity = np.minimum(100.0 * pressure / saturation_pressure(temperature), 100.0)
        return temperature, humidity

    def _require(self, factors: Sequence[Factor]) -> None:
        if len(factors) != len(self._index):
            msg = f"{len(self._index)} surfaces need as many temperature factors, not {len(factors)}"
            raise ReadingError(msg)

    def snapshot(self) -> State:
        """Return the state of every particle, as plain numbers."""
        return (self._hours, self._held, *self._index.ravel().tolist(), *self._dry.ravel().tolist())

    def restore(self, state: object) -> None:
        """Take up where it was; raises SnapshotError and changes nothing when it cannot be."""
        hours, held, *rest = numbers(state, 2 + 2 * self._index.size)
        index, dry = np.reshape(rest, (2, *self._index.shape))
        if min(hours, held, *rest) < 0.0 or index.max() > 6.0:
            msg = "stored mold index is out of range"
            raise SnapshotError(msg)
        self._hours, self._held, self._index, self._dry = hours, held, index.copy(), dry.copy()
