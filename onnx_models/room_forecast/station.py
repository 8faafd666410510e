"""Recover the outdoor vapour pressure of a station that publishes its heat index, but no humidity (Baltimore).

Temperature and heat index come in whole degrees Fahrenheit: one hour pins the humidity down to a few
percent when it is hot and to some twenty when it is mild. The dew point changes slowly, so the hours
together say far more: a hidden Markov model over a grid of dew points, forwards and backwards. The
smoother looks ahead, which is fair where the weather as it came stands in for the forecast anyway.

Heat index: Rothfusz (1990) with the National Weather Service's adjustments, below 79 °F Steadman's simple
form. Published sets differ in whether the simple form is averaged with the temperature first; these data
hold values (2 °F below the temperature at 73 °F) that only the form without averaging can give.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.psychrometrics import saturation_pressure

type Array = NDArray[np.float64]

_DEW_POINTS: Final[Array] = np.arange(-10.0, 31.01, 0.25).astype(np.float64)
"""°C"""
_VAPOUR: Final[Array] = np.asarray(saturation_pressure(_DEW_POINTS)) / 100.0
"""hPa"""
_STEADY, _STEADY_STEP, _FRONT_STEP = 0.9, 0.5, 2.0
"""Share of usual hours, and by how much (K) the dew point moves in those and when a front comes through"""
_BELIEF = 0.02
"""Likelihood of a value the formula cannot give"""
_TOO_DAMP = 104.0
"""%: beyond, a dew point does not go with the temperature"""
MOST_DOUBT: Final = 1.5
"""hPa by which the recovered vapour pressure may be uncertain (standard deviation) to count as known"""


def heat_index(temperature: Array, humidity: Array) -> Array:
    """Return the heat index, °F, of a temperature, °F, and a humidity, %."""
    t, r = temperature, humidity
    simple = 0.5 * (t + 61.0 + (t - 68.0) * 1.2 + r * 0.094)
    full = -42.379 + 2.04901523 * t + 10.14333127 * r - 0.22475541 * t * r - 6.83783e-3 * t * t
    full += -5.481717e-2 * r * r + 1.22874e-3 * t * t * r + 8.5282e-4 * t * r * r - 1.99e-6 * t * t * r * r
    dry = (r < 13.0) & (t >= 80.0) & (t <= 112.0)
    full -= np.where(dry, (13.0 - r) / 4.0 * np.sqrt(np.maximum(0.0, (17.0 - np.abs(t - 95.0)) / 17.0)), 0.0)
    wet = (r > 85.0) & (t >= 80.0) & (t <= 87.0)
    full += np.where(wet, (r - 85.0) / 10.0 * (87.0 - t) / 5.0, 0.0)
    return np.asarray(np.where(simple <= 79.0, simple, full))


def _likelihood(temperature: Array, index: Array) -> Array:
    """Return how well each dew point explains each hour: (hours, dew points); 1 where nothing was said."""
    whole = np.round(temperature)[:, None, None] + np.linspace(-0.4, 0.4, 5)[None, :, None]
    humidity = 1e4 * _VAPOUR / saturation_pressure((whole - 32.0) / 1.8)
    fits = np.abs(heat_index(whole, np.minimum(humidity, 100.0)) - np.round(index)[:, None, None]) <= 0.5
    share = (fits & (humidity <= _TOO_DAMP)).mean(axis=1)
    return np.where(np.isfinite(temperature + index)[:, None], _BELIEF + share, 1.0)


def _moves() -> Array:
    """Return the probability of each dew point an hour later: (later, earlier)."""
    distance = _DEW_POINTS[:, None] - _DEW_POINTS[None, :]
    usual = np.exp(-0.5 * (distance / _STEADY_STEP) ** 2) / _STEADY_STEP
    front = np.exp(-0.5 * (distance / _FRONT_STEP) ** 2) / _FRONT_STEP
    mixed = _STEADY * usual + (1.0 - _STEADY) * front
    return np.asarray(mixed / mixed.sum(axis=0))


def vapour_pressure(temperature: Array, index: Array) -> Array:
    """Return the vapour pressure, hPa, of each hour from temperature and heat index, °F; NaN where in doubt."""
    likely, moves = _likelihood(temperature, index), _moves()
    ahead = np.empty_like(likely)
    belief = np.full(_DEW_POINTS.size, 1.0 / _DEW_POINTS.size)
    for hour, seen in enumerate(likely):
        belief = (moves @ belief) * seen
        belief /= belief.sum()
        ahead[hour] = belief
    behind = np.ones(_DEW_POINTS.size)
    mean, doubt = np.empty(len(likely)), np.empty(len(likely))
    for hour in range(len(likely) - 1, -1, -1):
        both = ahead[hour] * behind
        both /= both.sum()
        mean[hour] = both @ _VAPOUR
        doubt[hour] = np.sqrt(both @ (_VAPOUR - mean[hour]) ** 2)
        behind = moves.T @ (likely[hour] * behind)
        behind /= behind.sum()
    return np.where(np.isfinite(temperature) & (doubt <= MOST_DOUBT), mean, np.nan)
