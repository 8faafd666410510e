"""How wide a forecast must be: tabulated quantiles of past errors, in units of how restless the room is.

Conformal prediction: the tables come from homes the models did not know; the level each band needs now
is what `forecast_record.py` adapts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..features.forecast import CHANNELS, Array
from ..features.psychrometrics import relative_humidity, saturation_pressure

BANDS: Final = (*CHANNELS, "relative_humidity")
LEVELS: Final = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99, 0.995, 1.0)
"""At which the quantiles of the errors are tabulated"""

# Quantiles at LEVELS of |error| / yardstick, per horizon and band, of the fallback on the homes of the
# model card, times 1.15 because the next home is not one of them. `script/models train room_forecast`
# prints this table where the data say otherwise.
# fmt: off
FALLBACK_QUANTILES: Final[Array] = np.array([
    [
        [0.57, 0.69, 0.83, 0.98, 1.19, 1.46, 1.89, 2.07, 2.14, 2.39, 2.94, 3.27, 6.68],
        [0.65, 0.84, 1.12, 1.31, 1.39, 1.60, 1.78, 1.86, 1.95, 2.34, 2.91, 3.26, 7.35],
        [0.40, 0.49, 0.60, 0.69, 0.83, 1.02, 1.31, 1.39, 1.43, 1.54, 1.77, 2.12, 6.47],
    ],
    [
        [0.62, 0.79, 1.01, 1.15, 1.36, 1.61, 1.88, 2.07, 2.38, 3.03, 3.72, 4.28, 7.43],
        [0.66, 0.83, 1.01, 1.16, 1.34, 1.55, 1.85, 2.04, 2.34, 2.70, 3.45, 3.75, 7.23],
        [0.42, 0.52, 0.64, 0.73, 0.83, 0.97, 1.13, 1.25, 1.42, 1.71, 2.14, 2.49, 6.28],
    ],
    [
        [0.63, 0.80, 1.02, 1.14, 1.31, 1.58, 1.99, 2.16, 2.46, 3.34, 4.30, 4.83, 8.98],
        [0.72, 0.91, 1.15, 1.36, 1.60, 2.00, 2.24, 2.29, 2.46, 2.89, 3.36, 3.77, 7.68],
        [0.46, 0.59, 0.78, 0.89, 1.02, 1.14, 1.51, 1.68, 1.82, 1.92, 2.24, 2.54, 5.99],
    ],
    [
        [0.89, 1.06, 1.33, 1.52, 1.81, 2.10, 2.60, 3.01, 3.71, 4.63, 5.76, 6.08, 8.75],
        [0.92, 1.22, 1.58, 1.74, 1.86, 2.01, 2.38, 2.66, 2.91, 3.26, 4.23, 4.84, 7.93],
        [0.52, 0.72, 0.97, 1.07, 1.22, 1.32, 1.42, 1.62, 1.90, 2.19, 2.64, 3.09, 5.37],
    ],
])
# fmt: on

_LEAST_VAPOUR = 0.2
"""hPa"""
_PER_KELVIN = 0.062
"""By which share relative humidity falls per K at unchanged vapour pressure, at room temperature"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """Values and bands of °C, hPa and %: (rooms, horizons, bands) each."""

    value: Array
    lo: Array
    hi: Array


def agreeing(raw: Array) -> Array:
    """Return temperature, vapour pressure and the humidity they mean; vapour never beyond saturation."""
    temperature = raw[..., 0]
    vapour = np.clip(raw[..., 1], _LEAST_VAPOUR, saturation_pressure(temperature) / 100.0)
    humidity = np.minimum(relative_humidity(temperature, 100.0 * vapour), 100.0)
    return np.stack([temperature, vapour, humidity], axis=-1)


def yardsticks(value: Array, unrest: Array) -> Array:
    """Return what the error of each band is measured in: K, hPa, %.

    The humidity's follows from the two others as if their errors were independent.
    """
    t, e = np.broadcast_to(unrest[:, None, :], (*value.shape[:2], 2)).transpose(2, 0, 1)
    humidity = value[..., 2]
    return np.stack([t, e, np.hypot(humidity * e / value[..., 1], _PER_KELVIN * humidity * t)], axis=-1)


def quantiles(tables: Array, level: Array) -> Array:
    """Return the quantile at a level by lines between LEVELS; a table of LEVELS for every level."""
    levels = np.array(LEVELS)
    index = np.clip(np.searchsorted(levels, level, side="right") - 1, 0, len(LEVELS) - 2)
    share = (level - levels[index]) / (levels[index + 1] - levels[index])
    low = np.take_along_axis(tables, index[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(tables, index[..., None] + 1, axis=-1)[..., 0]
    return np.asarray(low + share * (high - low))


def banded(value: Array, half: Array) -> Expected:
    """Return the values between their bands, which agree among each other too."""
    lo, hi = value - half, value + half
    vapour, humidity = value[..., 1], value[..., 2]
    lo[..., 1] = np.maximum(lo[..., 1], 0.0)
    hi[..., 1] = np.maximum(np.minimum(hi[..., 1], saturation_pressure(hi[..., 0]) / 100.0), vapour)
    # No humidity outside what the bands of temperature and vapour pressure allow.
    driest = relative_humidity(hi[..., 0], 100.0 * lo[..., 1])
    dampest = np.minimum(relative_humidity(lo[..., 0], 100.0 * hi[..., 1]), 100.0)
    # Rounding must not push a band off its value, hence the value last.
    lo[..., 2] = np.minimum(np.maximum(lo[..., 2], driest), humidity)
    hi[..., 2] = np.maximum(np.minimum(hi[..., 2], dampest), humidity)
    return Expected(value=value, lo=lo, hi=hi)
