"""Who speaks for the coming hours: the models' parts as causes, and the experts made of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..features.forecast import Array, Features, Mask, Tensor
from .forecast_network import Network
from .forecast_record import AS_IS, TRAITS, Hours

HISTORY_PARTS, WEATHER_PARTS = 1, 3 + TRAITS
HISTORY_MODEL: Final = "room_forecast"
WEATHER_MODEL: Final = "room_forecast_weather"
SOURCES: Final = ("fallback", HISTORY_MODEL, WEATHER_MODEL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Voices:
    """What speaks for the coming hours, as differences from the blend in units of unrest."""

    causes: Array
    """(rooms, horizons, channels, CAUSES)"""
    own: Array
    """(rooms, horizons, channels): the history model alone"""
    source: Hours
    """(rooms, horizons, channels): index into SOURCES"""
    answered: Mask
    """(rooms,)"""
    strange: Mask
    """(rooms,): unlike anything the history model was trained on"""
    problems: tuple[str, ...]


def hear(history: Network | None, weather: Network | None, given: Features, ready: Mask) -> Voices:
    """Ask the models."""
    shape = given.blend.shape
    scale = np.where(ready[:, None], given.unrest, 1.0)[:, None, :, None]
    own, near, trouble = _ask(history, given.history, ready, (*shape, HISTORY_PARTS))
    answered = ready & near
    parts, like, more = _ask(weather, given.weather, answered, (*shape, WEATHER_PARTS))
    sky_known = given.weather_ready & (answered & like & (weather is not None and not more))[:, None, None]
    habit = own[..., 0] / scale[..., 0]
    sky = np.where(sky_known[..., None], parts / scale, 0.0)
    first = np.where(sky_known, sky[..., 0], habit)
    causes = np.concatenate([first[..., None], sky[..., 1:3], np.ones((*shape, 1)), sky[..., 3:]], axis=-1)
    alone = int(history is not None and not trouble)
    return Voices(
        causes=causes,
        own=habit,
        source=np.where(sky_known, 2, alone),
        answered=answered,
        strange=ready & ~near,
        problems=trouble + more,
    )


def _ask(
    network: Network | None, table: Tensor, wanted: Mask, shape: tuple[int, ...]
) -> tuple[Array, Mask, tuple[str, ...]]:
    """Return a model's parts, where it knows such rooms, and what went wrong; zeros without a model."""
    if network is None:
        return np.zeros(shape), np.ones(len(table), dtype=bool), ()
    try:
        return *network.parts(table, wanted, shape), ()
    except Exception as err:  # noqa: BLE001 an engine may fail in its own way; the fallback answers
        return np.zeros(shape), np.ones(len(table), dtype=bool), (f"{network.name}: {err}",)


def spoken(given: Features, voices: Voices, bent: Array) -> Array:
    """Return what each expert expects, in the order of EXPERTS: (rooms, horizons, channels, experts)."""
    known = voices.answered[:, None, None]
    unrest = np.where(known, given.unrest[:, None, :], 1.0)
    day = np.where(known, given.day_mean[:, None, :] - given.blend, 0.0) / unrest
    same = np.where(known, given.same_hour - given.blend, 0.0) / unrest
    return np.stack([np.zeros_like(day), voices.own, voices.causes @ AS_IS, bent.sum(axis=-1), day, same], axis=-1)
