"""Score forecasts by home: error, coverage and width of the bands, with bootstrap intervals.

A room's RMSE is over all its hours, a home's the mean of its rooms, the figure the mean of the homes;
so a house with eight sensors weighs as much as one with a single sensor. Every forecast is scored on
the same rows: those the model answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import HORIZONS

from .replay import Outcome

type Array = NDArray[np.float64]
type Metrics = dict[str, float | None]

SHORT = ("t", "e", "rh")
WEEK_H = 168
FEWEST_ROWS = 24
"""Rows a room needs at a horizon before it counts"""
RESAMPLES = 400
_COUNT, _SQUARE, _INSIDE, _WIDTH = range(4)


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeSums:
    """One home's sums by forecast: (weeks, rooms, horizons, bands, 4: count, square, inside, width)."""

    sums: Mapping[str, Array]
    answered: float
    """Share of the rows with enough history that the model answered"""
    rows: int


def sums(forecasts: Mapping[str, Outcome], truth: Array, rows: NDArray[np.bool_], answerable: Array) -> HomeSums:
    """Sum up one home; `rows` (hours, rooms, horizons) are scored, `answerable` could have been."""
    hours = truth.shape[0]
    weeks = np.arange(hours) // WEEK_H
    out: dict[str, Array] = {}
    for name, outcome in forecasts.items():
        error = np.where(rows[..., None], outcome.value - truth, 0.0)
        inside = rows[..., None] & (truth >= outcome.lo) & (truth <= outcome.hi)
        width = np.where(rows[..., None], outcome.hi - outcome.lo, 0.0)
        count = np.broadcast_to(rows[..., None], truth.shape).astype(np.float64)
        hourly = np.stack([count, error**2, inside.astype(np.float64), width], axis=-1)
        total = np.zeros((int(weeks.max()) + 1, *hourly.shape[1:]))
        np.add.at(total, weeks, hourly)
        out[name] = total
    could = float(answerable.sum())
    return HomeSums(sums=out, answered=float(rows.sum() / could) if could else 0.0, rows=int(rows.any(axis=2).sum()))


def _home(total: Array) -> Array:
    """Return (horizons, bands, 3: rmse, coverage, width) of one home, NaN where too little was scored."""
    by_room = total.sum(axis=0)
    count = by_room[..., _COUNT]
    enough = np.where(count >= FEWEST_ROWS, count, np.nan)
    found = np.stack(
        [np.sqrt(by_room[..., _SQUARE] / enough), by_room[..., _INSIDE] / enough, by_room[..., _WIDTH] / enough],
        axis=-1,
    )
    known = np.isfinite(found)
    rooms = known.sum(axis=0)
    return np.where(rooms > 0, np.where(known, found, 0.0).sum(axis=0) / np.maximum(rooms, 1), np.nan)


def _figures(homes: Sequence[Array]) -> Array:
    """Return the mean of the homes that have a figure."""
    stack = np.stack(homes)
    known = np.isfinite(stack)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, stack, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _named(figures: Array, lazy: Array, suffix: str, *, banded: bool) -> Metrics:
    """Return the figures by name; skill is against persistence on the same rows."""
    out: Metrics = {}
    for h, hours in enumerate(HORIZONS):
        for b, band in enumerate(SHORT):
            rmse, coverage, width = (float(v) for v in figures[h, b])
            end = f"{band}_{hours}h{suffix}"
            out[f"rmse_{end}"] = _plain(rmse)
            out[f"skill_{end}"] = _plain(1.0 - rmse / float(lazy[h, b, 0]))
            out[f"coverage_{end}"] = _plain(coverage) if banded else None
            out[f"width_{end}"] = _plain(width) if banded else None
    return out


def _plain(value: float) -> float | None:
    """Return a number for JSON; what could not be scored is null."""
    return round(value, 4) if np.isfinite(value) else None


def metrics(homes: Sequence[HomeSums], name: str, suffix: str = "", *, banded: bool = True) -> Metrics:
    """Return one forecast's figures over homes."""
    lazy = _figures([_home(home.sums["persistence"]) for home in homes])
    return _named(_figures([_home(home.sums[name]) for home in homes]), lazy, suffix, banded=banded)


def by_home(home: HomeSums, name: str) -> Metrics:
    """Return one forecast's figures in one home."""
    return _named(_home(home.sums[name]), _home(home.sums["persistence"]), "", banded=True)


def intervals(homes: Sequence[HomeSums], name: str, suffix: str = "", seed: int = 0) -> dict[str, list[float] | None]:
    """Return 90 % bootstrap intervals: homes are redrawn, or the weeks of the only home."""
    rng = np.random.default_rng(seed)
    drawn: list[Metrics] = []
    for _ in range(RESAMPLES):
        if len(homes) > 1:
            pick = [homes[i] for i in rng.integers(0, len(homes), len(homes))]
        else:
            weeks = homes[0].sums[name].shape[0]
            order = rng.integers(0, weeks, weeks)
            pick = [
                HomeSums(
                    sums={key: homes[0].sums[key][order] for key in {name, "persistence"}},
                    answered=homes[0].answered,
                    rows=homes[0].rows,
                )
            ]
        drawn.append(metrics(pick, name, suffix))
    out: dict[str, list[float] | None] = {}
    for key in drawn[0]:
        values = [value for one in drawn if (value := one[key]) is not None]
        out[key] = [round(float(q), 4) for q in np.quantile(values, (0.05, 0.95))] if values else None
    return out
