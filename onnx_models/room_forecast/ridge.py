"""The baseline "ridge": each room's own ridge regression, refitted every week on all it has seen.

It is given the same features as the model it stands beside. It knows no other home, so it starts as the
blend of simple forecasts and takes over after two weeks: what a careful owner could set up at home.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import HORIZONS, Features

from . import fit
from .fit import HEADS, Head
from .replay import Outcome, Scene, point, with_humidity

type Array = NDArray[np.float64]


class _Fill(Protocol):
    """A way to put one head's figures in place."""

    def __call__(self, out: Array, given: Features, truth: Array, head: Head, *, weather: bool) -> None:
        """Add to `out`, (hours, horizons, channels)."""


WARM_UP_H = 336
REFIT_H = 168
FOLDS, BLOCK_H = 5, 84
RIDGE = 1.0
"""In units of the number of rows, on standardised columns"""


def outcome(place: Scene, *, weather: bool) -> Outcome:
    """Return the forecasts of a home's rooms, without bands."""
    return _rooms(place, _fill, weather=weather)


def hindsight(place: Scene, *, weather: bool) -> Outcome:
    """Return what the same ridge finds in a room that knows its own future: fitted on all but the half weeks it judges.

    No forecast, but a ceiling for what is linear in these features.
    """
    return _rooms(place, _fill_in_hindsight, weather=weather)


def _rooms(place: Scene, fill: _Fill, *, weather: bool) -> Outcome:
    """Return the forecasts of a home's rooms by one way to fill in a head's."""
    rooms = []
    for index, given in enumerate(place.given):
        out = np.array(given.blend, copy=True)
        for head in HEADS:
            fill(out, given, place.truth[:, index], head, weather=weather)
        rooms.append(with_humidity(out))
    return point(np.stack(rooms, axis=1))


def _head(given: Features, truth: Array, head: Head, *, weather: bool) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return a head's columns, targets and usable rows."""
    horizon, channel = head
    table = (given.weather if weather else given.history)[:, fit.columns(head, weather=weather)].astype(np.float64)
    usable = given.ready & np.isfinite(table).all(axis=1)
    if weather:
        usable = usable & given.weather_ready[:, horizon, channel]
    return table, truth[:, horizon, channel] - given.blend[:, horizon, channel], usable


def _solve(x: Array, y: Array) -> Array:
    """Return the ridge weights."""
    scale = np.sqrt(np.mean(x**2, axis=0)) + 1e-9
    gram = (x / scale).T @ (x / scale) / len(x) + RIDGE * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, (x / scale).T @ y / len(x)) / scale)


def _fill_in_hindsight(out: Array, given: Features, truth: Array, head: Head, *, weather: bool) -> None:
    """Put one head's figures in place."""
    table, target, usable = _head(given, truth, head, weather=weather)
    fold = np.arange(len(target)) // BLOCK_H % FOLDS
    for held in range(FOLDS):
        known = usable & np.isfinite(target) & (fold != held)
        if known.sum() >= WARM_UP_H // 2:
            weights = _solve(table[known], target[known])
            now = usable & (fold == held)
            out[now, *head] += table[now] @ weights


def _fill(out: Array, given: Features, truth: Array, head: Head, *, weather: bool) -> None:
    """Put one head's forecasts in place."""
    table, target, usable = _head(given, truth, head, weather=weather)
    lead = HORIZONS[head[0]]
    for begin in range(WARM_UP_H, len(target), REFIT_H):
        # A row is known once its target's hour has passed.
        past = np.flatnonzero(usable[: begin - lead] & np.isfinite(target[: begin - lead]))
        if past.size < WARM_UP_H // 2:
            continue
        weights = _solve(table[past], target[past])
        now = slice(begin, begin + REFIT_H)
        out[now, *head] += np.where(usable[now], table[now] @ weights, 0.0)
