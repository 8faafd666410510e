"""The baseline "ridge": each room's own ridge regression, refitted every week on all it has seen.

It is given the same features as the model it stands beside. It knows no other home, so it starts as the
blend of simple forecasts and takes over after two weeks: what a careful owner could set up at home.
"""

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import HORIZONS, Features

from . import fit
from .fit import HEADS, Head
from .replay import Outcome, Scene, with_humidity

type Array = NDArray[np.float64]

WARM_UP_H = 336
REFIT_H = 168
RIDGE = 1.0
"""In units of the number of rows, on standardised columns"""


def outcome(place: Scene, *, weather: bool) -> Outcome:
    """Return the forecasts of a home's rooms, without bands."""
    rooms = [
        with_humidity(forecasts(given, place.truth[:, index], weather=weather))
        for index, given in enumerate(place.given)
    ]
    value = np.stack(rooms, axis=1)
    return Outcome(value=value, lo=value, hi=value)


def forecasts(given: Features, truth: Array, *, weather: bool) -> Array:
    """Return (hours, horizons, channels) of one room."""
    out = np.array(given.blend, copy=True)
    for head in HEADS:
        _fill(out, given, truth, head, weather=weather)
    return out


def _fill(out: Array, given: Features, truth: Array, head: Head, *, weather: bool) -> None:
    """Put one head's forecasts in place."""
    horizon, channel = head
    table = (given.weather if weather else given.history)[:, fit.columns(head, weather=weather)].astype(np.float64)
    target = truth[:, horizon, channel] - given.blend[:, horizon, channel]
    usable = given.ready & np.isfinite(table).all(axis=1)
    if weather:
        usable = usable & given.weather_ready[:, horizon, channel]
    for begin in range(WARM_UP_H, len(target), REFIT_H):
        # A row is known once its target's hour has passed.
        past = np.flatnonzero(usable[: begin - HORIZONS[horizon]] & np.isfinite(target[: begin - HORIZONS[horizon]]))
        if past.size < WARM_UP_H // 2:
            continue
        x, y = table[past], target[past]
        scale = np.sqrt(np.mean(x**2, axis=0)) + 1e-9
        gram = (x / scale).T @ (x / scale) / past.size + RIDGE * np.eye(x.shape[1])
        weights = np.linalg.solve(gram, (x / scale).T @ y / past.size) / scale
        now = slice(begin, begin + REFIT_H)
        out[now, horizon, channel] += np.where(usable[now], table[now] @ weights, 0.0)
