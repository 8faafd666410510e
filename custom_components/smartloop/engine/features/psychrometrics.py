"""Moist air: vapour pressure, dew point and what follows from them.

Magnus form over water with the constants of Sonntag (1990), 611.2 Pa, 17.62 and 243.12 °C: those
of Home Assistant's own mold_indicator, so that both agree. Against ASHRAE 2017 the saturation
pressure is within 0.3 % from 0 to 40 °C and dew points above 0 °C within 0.04 K; below 0 °C ASHRAE
means ice and Magnus supercooled water, 5 % apart at -5 °C, and dew points differ by up to 2.8 K.
"""

from math import exp, log
from typing import overload

import numpy as np
from numpy.typing import NDArray

from ..errors import ReadingError

type Array = NDArray[np.float64]

_PRESSURE_AT_ZERO = 611.2
"""Pa"""
_SLOPE = 17.62
_OFFSET = 243.12
"""°C"""
_GAS_CONSTANT_VAPOUR = 461.5
"""J/(kg K)"""
_KELVIN = 273.15


@overload
def saturation_pressure(temperature: float) -> float: ...
@overload
def saturation_pressure(temperature: Array) -> Array: ...
def saturation_pressure(temperature: float | Array) -> float | Array:
    """Return the vapour pressure of saturated air, Pa, at a temperature in °C."""
    exponent = _SLOPE * temperature / (_OFFSET + temperature)
    if isinstance(exponent, np.ndarray):
        return _PRESSURE_AT_ZERO * np.exp(exponent)
    return _PRESSURE_AT_ZERO * exp(exponent)


@overload
def vapour_pressure(temperature: float, relative_humidity: float) -> float: ...
@overload
def vapour_pressure(temperature: Array, relative_humidity: float | Array) -> Array: ...
@overload
def vapour_pressure(temperature: float, relative_humidity: Array) -> Array: ...
def vapour_pressure(temperature: float | Array, relative_humidity: float | Array) -> float | Array:
    """Return the vapour pressure, Pa, of air at a temperature in °C and a humidity in %."""
    return 0.01 * relative_humidity * saturation_pressure(temperature)


@overload
def relative_humidity(temperature: float, pressure: float) -> float: ...
@overload
def relative_humidity(temperature: Array, pressure: float | Array) -> Array: ...
@overload
def relative_humidity(temperature: float, pressure: Array) -> Array: ...
def relative_humidity(temperature: float | Array, pressure: float | Array) -> float | Array:
    """Return the humidity, %, that a vapour pressure in Pa means at a temperature in °C; not capped at 100."""
    return 100.0 * pressure / saturation_pressure(temperature)


@overload
def dew_point_of_pressure(pressure: float) -> float: ...
@overload
def dew_point_of_pressure(pressure: Array) -> Array: ...
def dew_point_of_pressure(pressure: float | Array) -> float | Array:
    """Return the temperature, °C, at which a vapour pressure in Pa saturates the air.

    Raises ReadingError where there is no vapour: air without water has no dew point.
    """
    if isinstance(pressure, np.ndarray):
        if not np.all(pressure > 0.0):
            msg = "air without vapour has no dew point"
            raise ReadingError(msg)
        ratio = np.log(pressure / _PRESSURE_AT_ZERO)
        return np.asarray(_OFFSET * ratio / (_SLOPE - ratio))
    if not pressure > 0.0:
        msg = f"air with a vapour pressure of {pressure:g} Pa has no dew point"
        raise ReadingError(msg)
    logarithm = log(pressure / _PRESSURE_AT_ZERO)
    return _OFFSET * logarithm / (_SLOPE - logarithm)


@overload
def dew_point(temperature: float, relative_humidity: float) -> float: ...
@overload
def dew_point(temperature: Array, relative_humidity: float | Array) -> Array: ...
@overload
def dew_point(temperature: float, relative_humidity: Array) -> Array: ...
def dew_point(temperature: float | Array, relative_humidity: float | Array) -> float | Array:
    """Return the dew point, °C, of air at a temperature in °C and a humidity in %."""
    return dew_point_of_pressure(vapour_pressure(temperature, relative_humidity))


@overload
def absolute_humidity(temperature: float, relative_humidity: float) -> float: ...
@overload
def absolute_humidity(temperature: Array, relative_humidity: float | Array) -> Array: ...
@overload
def absolute_humidity(temperature: float, relative_humidity: Array) -> Array: ...
def absolute_humidity(temperature: float | Array, relative_humidity: float | Array) -> float | Array:
    """Return the mass of vapour, g/m³, of air at a temperature in °C and a humidity in % (ideal gas)."""
    pressure = vapour_pressure(temperature, relative_humidity)
    return 1000.0 * pressure / (_GAS_CONSTANT_VAPOUR * (temperature + _KELVIN))


@overload
def relative_humidity_of_dew_point(temperature: float, dew_point: float) -> float: ...
@overload
def relative_humidity_of_dew_point(temperature: Array, dew_point: float | Array) -> Array: ...
@overload
def relative_humidity_of_dew_point(temperature: float, dew_point: Array) -> Array: ...
def relative_humidity_of_dew_point(temperature: float | Array, dew_point: float | Array) -> float | Array:
    """Return the humidity, %, of air with a dew point, both in °C; not capped at 100."""
    return relative_humidity(temperature, saturation_pressure(dew_point))
