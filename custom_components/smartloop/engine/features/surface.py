"""The inner surfaces of a room: how cold they are, hence how humid the air at them.

The temperature factor of ISO 13788, fRsi = (Tsi - To) / (Ti - To), is all that is known of a
surface: near 1 it is as warm as the room, near 0 as cold as outside. Priors as DIN 4108-2 (0.70 is
its minimum) and common constructions; a cold-corner sensor teaches the rest.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import hypot, inf, isfinite, sqrt

import numpy as np

from ..errors import ReadingError, SnapshotError
from ..household import Construction, Room
from .psychrometrics import saturation_pressure
from .state import State, numbers

FACTOR_RANGE = (0.2, 0.98)
"""What a factor of a real surface can be; a learned one stays inside."""
FURNITURE_DROP = 0.10
"""How much lower the factor is behind furniture on the same wall."""
MEASURED_SD = 0.02
"""Of a factor that was measured; also what no number of readings can average away (sensor offsets)."""
MIN_CONTRAST = 5.0
"""K between inside and outside below which a surface temperature teaches nothing."""
READING_CONTRAST = 10.0
"""K between inside and outside that one single reading needs."""

_FURNITURE_SD = 0.03
_READING_SD = 0.5
"""K, of a contact or infrared thermometer."""


class SurfaceKind(StrEnum):
    """The virtual surfaces every room has, in the order of every row of factors."""

    WINDOW_REVEAL = "window_reveal"
    OUTER_CORNER = "outer_corner"
    BEHIND_FURNITURE = "behind_furniture"


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """A temperature factor and how sure it is."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        """Refuse what no surface can be."""
        if not 0.05 <= self.mean <= 1.0:
            msg = f"a temperature factor of {self.mean:g} is outside 0.05 to 1"
            raise ReadingError(msg)
        if not 0.0 <= self.sd <= 0.5:
            msg = f"a temperature factor's deviation of {self.sd:g} is outside 0 to 0.5"
            raise ReadingError(msg)


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceState:
    """What it is like at a surface now."""

    temperature: float
    """°C"""
    humidity: float
    """%, of the air at the surface, at most 100"""
    condensation: bool
    """Water forms on it."""


PRIORS: dict[Construction, Factor] = {
    # Ranges in common use, taken as two deviations to either side.
    Construction.SINGLE_GLAZING: Factor(mean=0.40, sd=0.05),
    Construction.UNINSULATED: Factor(mean=0.625, sd=0.0375),
    Construction.INSULATED: Factor(mean=0.86, sd=0.03),
    Construction.UNKNOWN: Factor(mean=0.72, sd=0.07),
}
"""Factor of the coldest bridge of a room, before anything is measured."""


def coldest_factor(room: Room) -> Factor:
    """Return what is known of the room's coldest bridge: the measured factor or the prior."""
    if room.f_rsi is not None:
        return Factor(mean=room.f_rsi, sd=MEASURED_SD)
    return PRIORS[room.construction]


def surface_factors(room: Room, learned: Factor | None = None) -> tuple[Factor, ...]:
    """Return the factor of each surface in the order of SurfaceKind.

    What was measured or learned belongs to the coldest bridge: the reveal of a single-glazed window,
    the corner of any other room. The other of the two is then at least as warm.
    """
    coldest = learned or coldest_factor(room)
    single = room.construction is Construction.SINGLE_GLAZING
    prior = PRIORS[Construction.UNINSULATED if single else room.construction]
    other = Factor(mean=max(prior.mean, coldest.mean), sd=prior.sd)
    reveal, corner = (coldest, other) if single else (other, coldest)
    furniture = Factor(mean=max(corner.mean - FURNITURE_DROP, 0.05), sd=hypot(corner.sd, _FURNITURE_SD))
    return reveal, corner, furniture


def surface_state(
    factor: float, indoor_temperature: float, vapour_pressure: float, outdoor_temperature: float
) -> SurfaceState:
    """Return the state of a surface of that factor, from °C, the room's vapour pressure in Pa, and °C."""
    temperature = outdoor_temperature + factor * (indoor_temperature - outdoor_temperature)
    humidity = 100.0 * vapour_pressure / saturation_pressure(temperature)
    return SurfaceState(temperature=temperature, humidity=min(humidity, 100.0), condensation=humidity >= 100.0)


def from_single_reading(surface_temperature: float, indoor_temperature: float, outdoor_temperature: float) -> Factor:
    """Return the factor one reading of a surface tells, °C; the wall should have been cold for 4 h.

    Raises ReadingError below 10 K of contrast, or when the surface is not between inside and outside.
    """
    contrast = indoor_temperature - outdoor_temperature
    if not (isfinite(contrast) and abs(contrast) >= READING_CONTRAST):
        msg = f"{contrast:g} K between inside and outside is too little to measure a surface by"
        raise ReadingError(msg)
    mean = (surface_temperature - outdoor_temperature) / contrast
    if not FACTOR_RANGE[0] <= mean <= 1.0:
        msg = f"a surface at {surface_temperature:g} °C cannot be: its temperature factor would be {mean:.2f}"
        raise ReadingError(msg)
    return Factor(mean=min(mean, FACTOR_RANGE[1]), sd=hypot(_READING_SD / contrast, MEASURED_SD))


def from_mold_indicator(calibration: float) -> Factor:
    """Return the factor that a calibration of Home Assistant's mold_indicator means: its inverse."""
    if not (isfinite(calibration) and 1.0 <= calibration <= 1.0 / FACTOR_RANGE[0]):
        msg = f"a mold indicator calibration of {calibration:g} is outside 1 to {1.0 / FACTOR_RANGE[0]:g}"
        raise ReadingError(msg)
    return Factor(mean=1.0 / calibration, sd=MEASURED_SD)


_TIME_CONSTANTS = np.array([12.0, 4.0, 8.0, 24.0, 48.0])
"""h, of the wall's memory of the outdoor temperature; the first is used until another proves better."""
_NOISE = 4.0
"""K² h: 1 K of error that lasts about 4 h, so that hours are not taken for independent."""
_MIN_VARIANCE = 0.005**2
"""Keeps a gain, so that an insulated wall is noticed within months."""
_ERROR_MEMORY = 168.0
"""h"""
_MOST = 100.0
"""°C, to either side of 0, of any temperature here."""
_WARM_UP = 24.0
"""h of learning before the time constant is chosen."""


class SurfaceFactor:
    """Learns the factor of the coldest bridge from a temperature sensor in it.

    Recursive least squares of (Tsi - To') on (Ti - To'), once per candidate time constant of the
    low-passed outdoor temperature To'; the candidate that predicts the sensor best speaks.
    """

    def __init__(self, prior: Factor) -> None:
        """Begin at what is known already."""
        count = len(_TIME_CONSTANTS)
        self._mean = np.full(count, min(max(prior.mean, FACTOR_RANGE[0]), FACTOR_RANGE[1]))
        self._variance = np.full(count, prior.sd**2)
        self._outdoor = np.zeros(count)
        self._error = np.zeros(count)
        self._age = 0.0
        self._hours = 0.0

    @property
    def hours(self) -> float:
        """Return how many hours taught something."""
        return self._hours

    @property
    def time_constant_h(self) -> float:
        """Return the time constant in use, h."""
        return float(_TIME_CONSTANTS[self._best])

    @property
    def factor(self) -> Factor:
        """Return the factor as learned so far."""
        best = self._best
        return Factor(mean=float(self._mean[best]), sd=max(sqrt(self._variance[best]), MEASURED_SD))

    @property
    def _best(self) -> int:
        return int(np.argmin(self._error)) if self._hours >= _WARM_UP else 0

    def learn_one(
        self,
        surface_temperature: float | None,
        indoor_temperature: float | None,
        outdoor_temperature: float,
        hours: float = 1.0,
    ) -> None:
        """Take in one step of temperatures, °C; without sensor or room only the outdoor memory moves."""
        known = [value for value in (surface_temperature, indoor_temperature) if value is not None]
        # Written so that NaN fails, too.
        if not (all(abs(value) <= _MOST for value in (*known, outdoor_temperature)) and 0.0 < hours < inf):
            msg = "a temperature at a surface cannot be"
            raise ReadingError(msg)
        self._age += hours
        # A plain mean until the time constant has passed: the first reading shall not linger for days.
        gain = np.maximum(1.0 - np.exp(-hours / _TIME_CONSTANTS), hours / self._age)
        self._outdoor += gain * (outdoor_temperature - self._outdoor)
        if surface_temperature is None or indoor_temperature is None:
            return
        if abs(indoor_temperature - outdoor_temperature) >= MIN_CONTRAST:
            self._fit(surface_temperature, indoor_temperature, hours)

    def _fit(self, surface_temperature: float, indoor_temperature: float, hours: float) -> None:
        contrast = indoor_temperature - self._outdoor
        error = surface_temperature - self._outdoor - self._mean * contrast
        keep = np.exp(-hours / _ERROR_MEMORY)
        self._error = keep * self._error + (1.0 - keep) * error**2
        gain = self._variance * contrast / (_NOISE / hours + self._variance * contrast**2)
        self._mean = np.clip(self._mean + gain * error, *FACTOR_RANGE)
        self._variance = np.maximum(self._variance * (1.0 - gain * contrast), np.minimum(self._variance, _MIN_VARIANCE))
        self._hours += hours

    def snapshot(self) -> State:
        """Return all that was learned, as plain numbers."""
        rows = (self._mean, self._variance, self._outdoor, self._error)
        return (self._age, self._hours, *(float(item) for row in rows for item in row))

    def restore(self, state: object) -> None:
        """Take up what was learned; raises SnapshotError and changes nothing when it cannot be."""
        count = len(_TIME_CONSTANTS)
        age, hours, *rest = numbers(state, 2 + 4 * count)
        mean, variance, outdoor, error = np.reshape(rest, (4, count))
        within = (
            (mean >= FACTOR_RANGE[0])
            & (mean <= FACTOR_RANGE[1])
            & (variance >= 0.0)
            & (variance <= 0.25)
            & (np.abs(outdoor) <= _MOST)
            & (error >= 0.0)
            & (error <= 16.0 * _MOST**2)
        )
        if not (within.all() and 0.0 <= hours <= age):
            msg = "stored surface factor is out of range"
            raise SnapshotError(msg)
        self._age, self._hours = age, hours
        self._mean, self._variance, self._outdoor, self._error = (
            row.copy() for row in (mean, variance, outdoor, error)
        )
