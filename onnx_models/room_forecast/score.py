"""Score forecasts by home: error, coverage and width of the bands, with bootstrap intervals.

A room's RMSE is over all its hours, a home's the mean of its rooms, the figure the mean of the homes;
so a house with eight sensors weighs as much as one with a single sensor. Every forecast is scored on
the same rows: those the model answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import HORIZONS
from custom_components.smartloop.engine.models.forecast_record import TARGET_MISS
from custom_components.smartloop.engine.models.forecast_voices import WEATHER_MODEL
from onnx_models.report import Bin, Evaluation, Metrics, bootstrap, plain

from .learn import SEED
from .replay import Outcome
from .samples import OUTLOOKS

type Array = NDArray[np.float64]

SHORT = ("t", "e", "rh")
WEEK_H = 168
FEWEST_ROWS = 24
"""Rows a room needs at a horizon before it counts"""
EARLY_WEEKS = 2
PROMISED: Final = 1.0 - TARGET_MISS
BANDED: Final = frozenset({"model", "fallback", "float"})
BASELINES: Final = ("persistence", "same_hour_yesterday", "blend", "ridge")
_COUNT, _SQUARE, _INSIDE, _WIDTH = range(4)


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeSums:
    """One home's sums by forecast: (weeks, rooms, horizons, bands, 4: count, square, inside, width)."""

    sums: Mapping[str, Array]
    answered: float
    """Share of the rows with enough history that the model answered"""
    rows: int


def sums(
    forecasts: Mapping[str, Outcome], truth: Array, rows: NDArray[np.bool_], answerable: NDArray[np.bool_]
) -> HomeSums:
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
    """Return the mean of the homes that have a figure: (horizons, bands, 3); NaN where none has."""
    stack = np.stack(homes) if homes else np.full((1, len(HORIZONS), len(SHORT), 3), np.nan)
    known = np.isfinite(stack)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, stack, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _named(figures: Array, lazy: Array, suffix: str, *, banded: bool) -> Metrics:
    """Return the figures by name; skill is against persistence on the same rows."""
    out: Metrics = {}
    for h, hours in enumerate(HORIZONS):
        for b, band in enumerate(SHORT):
            rmse, coverage, width = (float(v) for v in figures[h, b])
            still = float(lazy[h, b, 0])
            end = f"{band}_{hours}h{suffix}"
            out[f"rmse_{end}"] = plain(rmse)
            out[f"skill_{end}"] = plain(1.0 - rmse / still) if still > 0.0 else None
            out[f"coverage_{end}"] = plain(coverage) if banded else None
            out[f"width_{end}"] = plain(width) if banded else None
    return out


def metrics(homes: Sequence[HomeSums], name: str, suffix: str = "", *, banded: bool = True) -> Metrics:
    """Return one forecast's figures over homes."""
    lazy = _figures([_home(home.sums["persistence"]) for home in homes])
    return _named(_figures([_home(home.sums[name]) for home in homes]), lazy, suffix, banded=banded)


def by_home(home: HomeSums, name: str) -> Metrics:
    """Return one forecast's figures in one home."""
    return metrics([home], name)


def column(homes: Sequence[HomeSums], name: str, model: str) -> Metrics:
    """Return a forecast's figures under every suffix; only the model depends on the outlook."""
    banded = name in BANDED
    out = metrics(homes, name, banded=banded)
    for suffix in OUTLOOKS if model == WEATHER_MODEL else ():
        out |= metrics(homes, suffix if name == "model" else name, f"_{suffix}", banded=banded)
    answered = [home.answered for home in homes]
    return out | {
        "answered": (plain(float(np.mean(answered))) if answered else None) if name in {"model", "float"} else 1.0
    }


def _weeks(home: HomeSums) -> list[HomeSums]:
    """Return a home cut into weeks: what is redrawn where there is no second home."""
    count = home.sums["model"].shape[0]
    return [replace(home, sums={key: total[i : i + 1] for key, total in home.sums.items()}) for i in range(count)]


def _joined(weeks: Sequence[HomeSums]) -> HomeSums:
    """Return weeks as one home again."""
    keys = weeks[0].sums
    return replace(weeks[0], sums={key: np.concatenate([week.sums[key] for week in weeks]) for key in keys})


def intervals(homes: Sequence[HomeSums], model: str, seed: int) -> dict[str, list[float] | None]:
    """Return 90 % bootstrap intervals: homes are redrawn, or the weeks of the only home."""
    if len(homes) == 1:
        return bootstrap(_weeks(homes[0]), lambda weeks: column([_joined(weeks)], "model", model), seed=seed)
    return bootstrap(homes, lambda drawn: column(drawn, "model", model), seed=seed)


def coverage(homes: Sequence[HomeSums]) -> list[Bin]:
    """Return the promised and the kept share of outcomes within the band, by horizon and quantity."""
    out = []
    for lead, band in np.ndindex(len(HORIZONS), len(SHORT)):
        count, _, inside, _ = np.sum([home.sums["model"][:, :, lead, band].sum(axis=(0, 1)) for home in homes], axis=0)
        if count:
            out.append(Bin(predicted=PROMISED, observed=round(float(inside / count), 4), n=int(count)))
    return out


def evaluation(model: str, version: str, engine: str, found: Mapping[str, HomeSums]) -> Evaluation:
    """Return the report on some homes."""
    homes = list(found.values())
    out = Evaluation(
        model=model,
        version=version,
        engine=engine,
        n_subjects=len(homes),
        n_rows=sum(home.rows for home in homes),
        metrics=column(homes, "model", model),
        fallback=column(homes, "fallback", model),
        baselines={key: column(homes, key, model) for key in BASELINES},
        intervals=intervals(homes, model, SEED),
        subgroups={name: _short(home) for name, home in found.items()},
        calibration=coverage(homes) if homes else [],
    )
    if homes and "float" in homes[0].sums:
        out["float_model"] = column(homes, "float", model) | {
            key: None for key in out["metrics"] if key.rpartition("_")[2] in OUTLOOKS
        }
    return out


def _short(home: HomeSums) -> Metrics:
    """Return what a home is told apart by: a day ahead, and the bands in its first two weeks."""
    whole = by_home(home, "model")
    weeks = [week for week in _weeks(home) if week.sums["model"][..., _COUNT].any()]
    early = by_home(_joined(weeks[:EARLY_WEEKS]), "model")
    keys = [f"{what}_{band}_24h" for what in ("skill", "coverage") for band in SHORT]
    return {key: whole[key] for key in keys} | {f"{key}_early": early[key] for key in keys[len(SHORT) :]}
