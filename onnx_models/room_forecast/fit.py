"""Ridge heads for the forecast's parts: one per horizon and channel, homes counting alike.

The target is what the blend of simple forecasts leaves over. Measured homes and simulated rooms meet as
two Gram matrices, so that any share of simulation and any ridge costs one small solve.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import (
    CHANNELS,
    HISTORY_NAMES,
    HORIZONS,
    WEATHER_NAMES,
    Features,
)

type Array = NDArray[np.float64]
type Head = tuple[int, int]
"""Index of horizon and of channel"""
type Gram = tuple[Array, Array]
type Grams = Mapping[Head, Gram | None]

RIDGES: Final = (0.03, 0.1, 0.3, 1.0)
"""On standardised columns"""
SHARES: Final = (0.4, 0.6, 0.8)
"""Of the simulation in the fit"""
HEADS: tuple[Head, ...] = tuple((h, c) for h in range(len(HORIZONS)) for c in range(len(CHANNELS)))
_FEWEST_ROWS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """One room's features with what came true: truth is (rows, horizons, channels)."""

    given: Features
    truth: Array


def names(*, weather: bool) -> tuple[str, ...]:
    """Return the names of a model's inputs."""
    return WEATHER_NAMES if weather else HISTORY_NAMES


def columns(head: Head, *, weather: bool) -> list[int]:
    """Return the columns a head may use: those of its horizon, and of its own clock and air."""
    horizon, channel = HORIZONS[head[0]], head[1]
    chosen = []
    for index, name in enumerate(names(weather=weather)):
        stem, _, at = name.partition("@")
        short, _, kind = stem.partition("_")
        own_day = horizon == 48 and at == "24" and short in {"t", "e", "ht"} and kind != "weekend"
        timely = not at or int(at) == horizon or own_day
        clock = kind in {"sin", "cos", "weekend"} and short != ("t", "e")[channel]
        # The temperature does not ask for vapour outside; only the vapour pressure asks for equal humidity.
        foreign = (channel == 0 and (short == "eo" or short.startswith("h"))) or (
            channel == 1 and short == "to" and kind.startswith("gap")
        )
        if timely and not clock and not foreign:
            chosen.append(index)
    return chosen


def cause(name: str) -> int:
    """Return the part a column speaks for: 0 habit, 1 the weather's trend, 2 its turn within the day."""
    stem = name.partition("@")[0].removeprefix("h")
    short, _, kind = stem.partition("_")
    if short not in {"to", "eo"}:
        return 0
    return 2 if kind.startswith("turn") or kind == "now" else 1


def usable(rows: Rows, head: Head, *, weather: bool) -> tuple[Array, Array, Array]:
    """Return the head's inputs, targets and the room's unrest where all is known."""
    horizon, channel = head
    target = rows.truth[:, horizon, channel] - rows.given.blend[:, horizon, channel]
    known = rows.given.ready & np.isfinite(target)
    if weather:
        known = known & rows.given.weather_ready[:, horizon, channel]
    table = rows.given.weather if weather else rows.given.history
    inputs = table[known][:, columns(head, weather=weather)].astype(np.float64)
    return inputs, target[known], rows.given.unrest[known, channel]


def grams(rooms: Iterable[Rows], *, weather: bool) -> Grams:
    """Return each head's Gram matrix, every room of a home counting alike."""
    rooms = list(rooms)
    out: dict[Head, Gram | None] = {}
    for head in HEADS:
        found = []
        for room in rooms:
            inputs, target, unrest = usable(room, head, weather=weather)
            if target.size >= _FEWEST_ROWS:
                weight = 1.0 / (np.median(unrest) ** 2 * target.size)
                found.append((weight * inputs.T @ inputs, weight * inputs.T @ target))
        out[head] = (np.mean([a for a, _ in found], axis=0), np.mean([b for _, b in found], axis=0)) if found else None
    return out


def solve(measured: Sequence[Grams], simulated: Grams, *, weather: bool) -> dict[Head, Array]:
    """Return each head's weights over all columns, in K or hPa per unit of the column.

    They are the mean over RIDGES and SHARES: with so few homes, choosing one by leaving homes out follows
    the luck of the draw and was worse on homes left out of the choice.
    """
    out = {}
    for head in HEADS:
        real = [gram for home in measured if (gram := home[head]) is not None]
        made = simulated[head]
        if made is None:
            msg = "the simulation gives no rows"
            raise ValueError(msg)
        found = [_solve(real, made, share if real else 1.0, ridge) for ridge in RIDGES for share in SHARES]
        full = np.zeros(len(names(weather=weather)))
        full[columns(head, weather=weather)] = np.mean(found, axis=0)
        out[head] = full
    return out


def _solve(real: Sequence[Gram], made: Gram, share: float, ridge: float) -> Array:
    """Return the ridge solution for one share of simulation."""
    a, b = share * made[0], share * made[1]
    for gram in real:
        a, b = a + (1 - share) / len(real) * gram[0], b + (1 - share) / len(real) * gram[1]
    scale = np.sqrt(np.diag(a)) + 1e-9
    return np.linalg.solve(a / np.outer(scale, scale) + ridge * np.eye(scale.size), b / scale) / scale


def parts_matrix(weights: Mapping[Head, Array], *, weather: bool) -> Array:
    """Return (columns, horizons * channels * parts): each head's weights split by cause."""
    all_names = names(weather=weather)
    parts = 3 if weather else 1
    out = np.zeros((len(all_names), len(HORIZONS), len(CHANNELS), parts))
    for (horizon, channel), vector in weights.items():
        for index, name in enumerate(all_names):
            out[index, horizon, channel, cause(name)] = vector[index]
    return out.reshape(len(all_names), -1)
