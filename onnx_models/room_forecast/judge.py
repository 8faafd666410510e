"""Judge the models on homes that had no part in them: leave one home out, bands from the other homes' errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.forecast import Forecaster
from custom_components.smartloop.engine.models.forecast_bands import LEVELS, yardsticks

from . import ridge
from .learn import SEED, Draft, Learned, Material, learn
from .replay import Outcome, Scene, replay, scene, simple
from .samples import OUTLOOKS
from .score import HomeSums, sums

type Array = NDArray[np.float64]

MARGIN, FALLBACK_MARGIN = 1.05, 1.15
"""Bands are widened because the next home is not one of these few; the fallback's more, because it does not
notice when it is out of its depth."""


FLAT: Final[Array] = np.ones((4, 3, len(LEVELS)))


def errors(place: Scene, outcome: Outcome, *, weather: bool) -> Array:
    """Return |error| / yardstick, (hours * rooms, horizons, bands), NaN where it does not count.

    `weather` keeps only what the weather model answered.
    """
    out = []
    for index, given in enumerate(place.given):
        value = outcome.value[:, index]
        scaled = np.abs(value - place.truth[:, index]) / yardsticks(value, given.unrest)
        if weather:
            ready = given.weather_ready
            scaled = np.where(np.concatenate([ready, ready[..., 1:]], axis=-1), scaled, np.nan)
        out.append(scaled)
    return np.concatenate(out)


def tabulate(by_home: Sequence[Array]) -> Array:
    """Return the quantiles at LEVELS, homes counting alike: (horizons, bands, levels)."""
    out = np.full((4, 3, len(LEVELS)), np.nan)
    for lead, band in np.ndindex(4, 3):
        values, weights = [], []
        for home in by_home:
            known = home[np.isfinite(home[:, lead, band]), lead, band]
            if known.size:
                values.append(known)
                weights.append(np.full(known.size, 1.0 / known.size))
        value, weight = np.concatenate(values), np.concatenate(weights)
        order = np.argsort(value)
        share = np.cumsum(weight[order]) / weight.sum()
        out[lead, band] = value[order][np.minimum(np.searchsorted(share, np.array(LEVELS) - 1e-9), value.size - 1)]
    return out


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One home's results with the models of all others."""

    drafts: tuple[Learned, Learned]
    """History, weather"""
    outcomes: Mapping[str, Outcome]
    errors: Mapping[str, Array]


def hold_out(material: Material, held: str) -> Held:
    """Forecast one home's months with models of all others."""
    others = [name for name in material.places if name != held]
    history, weather = (learn(material, others, weather=w) for w in (False, True))
    place = material.places[held]
    outcomes = {
        "fallback": replay([place], Forecaster())[0],
        "history": replay([place], Forecaster(Draft(history, FLAT)))[0],
        "weather": replay([place], Forecaster(Draft(history, FLAT), Draft(weather, FLAT)))[0],
    }
    return Held(
        drafts=(history, weather),
        outcomes=outcomes,
        errors={name: errors(place, outcome, weather=name == "weather") for name, outcome in outcomes.items()},
    )


def tables(held: Mapping[str, Held], name: str, without: str | None = None) -> Array:
    """Return the quantiles of the held-out errors of all homes but one."""
    return tabulate([one.errors[name] for home, one in held.items() if home != without])


def judged(material: Material, held: Mapping[str, Held]) -> dict[str, dict[str, HomeSums]]:
    """Replay each home again with bands from the others' errors, and score: by model, by home."""
    out: dict[str, dict[str, HomeSums]] = {"history": {}, "weather": {}}
    for home, place in material.places.items():
        one = held[home]
        drafts = [
            Draft(d, MARGIN * tables(held, n, home)) for d, n in zip(one.drafts, ("history", "weather"), strict=True)
        ]
        for name, used in (("history", drafts[:1]), ("weather", drafts)):
            weather = name == "weather"
            degraded = [scene(place.home, outlook, SEED) for outlook in OUTLOOKS.values()] if weather else []
            model, *others = replay([place, *degraded], Forecaster(*used))
            rows, could = scorable(place, model, weather=weather)
            if rows.any():
                forecasts = {
                    "model": model,
                    **dict(zip(OUTLOOKS, others, strict=False)),
                    "not_learning": replay([place], Forecaster(*used), learning=False)[0],
                    "fallback": one.outcomes["fallback"],
                    "ridge": ridge.outcome(place, weather=weather),
                    "hindsight": ridge.hindsight(place, weather=weather),
                    **simple(place),
                }
                out[name][home] = sums(forecasts, place.truth, rows, could)
    return out


def scorable(place: Scene, model: Outcome, *, weather: bool) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the rows to score and those that could have been: (hours, rooms, horizons)."""
    could = np.stack([given.ready for given in place.given], axis=1)[..., None] & np.isfinite(place.truth[..., 0])
    if weather:
        could = could & np.stack([given.weather_ready[..., 0] for given in place.given], axis=1)
    return could & np.isfinite(model.value[..., 0]), could
