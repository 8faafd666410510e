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
from custom_components.smartloop.engine.models.forecast_record import TRAITS

type Array = NDArray[np.float64]
type Head = tuple[int, int]
"""Index of horizon and of channel"""
type Gram = tuple[Array, Array]
type Grams = Mapping[Head, list[Gram]]
"""Of each room"""

RIDGES: Final = (0.03, 0.1, 0.3, 1.0)
"""On standardised columns"""
SHARES: Final = (0.4, 0.6, 0.8)
"""Of the simulation in the fit"""
HEADS: tuple[Head, ...] = tuple((h, c) for h in range(len(HORIZONS)) for c in range(len(CHANNELS)))
_FEWEST_ROWS = 50
_TRAIT_RIDGE, _TRAIT_FLOOR, _TRAIT_REAL = 0.3, 0.3, 0.5
"""How far a room's own weights may leave everyone's, and the share of measured homes among the rooms compared"""


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
    out: dict[Head, list[Gram]] = {}
    for head in HEADS:
        out[head] = []
        for room in rooms:
            inputs, target, unrest = usable(room, head, weather=weather)
            if target.size >= _FEWEST_ROWS:
                weight = 1.0 / (np.median(unrest) ** 2 * target.size)
                out[head].append((weight * inputs.T @ inputs, weight * inputs.T @ target))
    return out


def _together(rooms: Sequence[Gram]) -> Gram:
    """Return the mean of some rooms."""
    return np.mean([a for a, _ in rooms], axis=0), np.mean([b for _, b in rooms], axis=0)


def _simulated(simulated: Grams, head: Head) -> list[Gram]:
    """Return the simulated rooms; refuse a simulation without rows."""
    if not simulated[head]:
        msg = "the simulation gives no rows"
        raise ValueError(msg)
    return simulated[head]


def solve(measured: Sequence[Grams], simulated: Grams, *, weather: bool) -> dict[Head, Array]:
    """Return each head's weights over all columns, in K or hPa per unit of the column.

    They are the mean over RIDGES and SHARES: with so few homes, choosing one by leaving homes out follows
    the luck of the draw and was worse on homes left out of the choice.
    """
    out = {}
    for head in HEADS:
        real = [_together(home[head]) for home in measured if home[head]]
        made = _together(_simulated(simulated, head))
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


def traits(measured: Sequence[Grams], simulated: Grams, weights: Mapping[Head, Array]) -> dict[Head, Array]:
    """Return the directions in which rooms differ most in their answer to the weather: (columns, TRAITS) a head.

    Each room's own ridge weights, pulled towards everyone's, less everyone's; their principal components in the
    metric of the forecast they make (empirical Bayes: a direction's length is how far rooms differ along it, so a
    room's coefficients are of unit variance, a priori).
    """
    out = {}
    for head in HEADS:
        chosen = columns(head, weather=True)
        homes = [_simulated(simulated, head), *(home[head] for home in measured if home[head])]
        shares = [1.0] if len(homes) == 1 else [1.0 - _TRAIT_REAL, *[_TRAIT_REAL / (len(homes) - 1)] * (len(homes) - 1)]
        means = [_together(rooms)[0] for rooms in homes]
        usual = 0.6 * means[0] + 0.4 * np.mean(means[1:] or means, axis=0)
        scale = np.sqrt(np.diag(usual)) + 1e-9
        usual = usual / np.outer(scale, scale)
        value, vector = np.linalg.eigh(usual)
        value = np.maximum(value, 1e-6)
        root, back = (vector * np.sqrt(value)) @ vector.T, (vector / np.sqrt(value)) @ vector.T
        hold = _TRAIT_RIDGE * (usual + _TRAIT_FLOOR * np.eye(scale.size))
        spread = np.zeros_like(usual)
        for rooms, share in zip(homes, shares, strict=True):
            for gram, pull in rooms:
                own = gram / np.outer(scale, scale)
                left = pull / scale - own @ (weights[head][chosen] * scale)
                differs = root @ np.linalg.solve(own + hold, left)
                spread += share / len(rooms) * np.outer(differs, differs)
        length, direction = np.linalg.eigh(spread)
        found = (back @ (direction[:, -TRAITS:] * np.sqrt(length[-TRAITS:])))[:, ::-1] / scale[:, None]
        full = np.zeros((len(WEATHER_NAMES), TRAITS))
        full[chosen] = found * np.sign(found[np.abs(found * scale[:, None]).argmax(axis=0), np.arange(TRAITS)])
        out[head] = full
    return out


def parts_matrix(weights: Mapping[Head, Array], apart: Mapping[Head, Array] | None = None) -> Array:
    """Return (columns, horizons * channels * parts): each head's weights split by cause, then the traits."""
    all_names = names(weather=apart is not None)
    out = np.zeros((len(all_names), len(HORIZONS), len(CHANNELS), 1 if apart is None else 3 + TRAITS))
    for head, vector in weights.items():
        for index, name in enumerate(all_names):
            out[index, *head, cause(name)] = vector[index]
        if apart is not None:
            out[:, *head, 3:] = apart[head]
    return out.reshape(len(all_names), -1)
