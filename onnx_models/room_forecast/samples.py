"""Cut hourly series into the rows that the engine's features are made for, with what came true."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import (
    HISTORY_HOURS,
    HORIZONS,
    LEAD_HOURS,
    Climate,
    Tensor,
    windows,
)

from .data import Room

type Index = NDArray[np.int64]


class Outlook(StrEnum):
    """What stands in for the weather forecast, which no data set recorded."""

    NONE = "none"
    OBSERVED = "observed"
    """The weather as it came: a perfect forecast, an upper bound."""
    NOISY = "noisy"
    """The same with an error that grows with the lead, as forecasts have (seeded)."""
    YESTERDAY = "yesterday"
    """The last day again: no forecast at all, the worst that can be had for free."""


OUTLOOKS: Final[Mapping[str, Outlook]] = {"noisy": Outlook.NOISY, "yesterday": Outlook.YESTERDAY}
"""What else may stand in for the forecast, by the suffix of its figures"""
_ERROR_T = (0.7, 0.025)
"""K at once and more per hour of lead: about 1.9 K at 48 h (typical of forecasts for a place, recalled)."""
_ERROR_E = (0.04, 0.0015)
"""Share of the vapour pressure: 4 % at once, about 11 % at 48 h."""
_ERROR_MEMORY = 0.9
"""Correlation of the error from hour to hour"""


def _ahead(series: Tensor, at: Index) -> Tensor:
    """Return the LEAD_HOURS hours after each index."""
    padded = np.concatenate([series, np.full(LEAD_HOURS, np.nan, np.float32)]).astype(np.float32)
    ahead: Tensor = padded[at[:, None] + np.arange(1, LEAD_HOURS + 1)[None, :]]
    return ahead


def _again(series: Tensor, at: Index) -> Tensor:
    """Return the last day, repeated."""
    day = windows(series, 24)[at]
    return np.concatenate([day] * (LEAD_HOURS // 24), axis=1)


def _errors(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    """Return errors of unit size with memory along the lead."""
    out = rng.standard_normal((rows, LEAD_HOURS))
    for lead in range(1, LEAD_HOURS):
        out[:, lead] = _ERROR_MEMORY * out[:, lead - 1] + np.sqrt(1 - _ERROR_MEMORY**2) * out[:, lead]
    return out


def _outlook(room: Room, at: Index, outlook: Outlook, seed: int) -> tuple[Tensor, Tensor]:
    """Return the forecast of outdoor temperature and vapour pressure."""
    t, e = room.outdoor_temperature, room.outdoor_vapour_pressure
    if outlook is Outlook.NONE:
        nothing = np.full((at.size, LEAD_HOURS), np.nan, np.float32)
        return nothing, nothing
    if outlook is Outlook.YESTERDAY:
        return _again(t, at), _again(e, at)
    t, e = _ahead(t, at), _ahead(e, at)
    if outlook is Outlook.OBSERVED:
        return t, e
    rng = np.random.default_rng(seed)
    lead = np.arange(LEAD_HOURS)
    shift = (_ERROR_T[0] + _ERROR_T[1] * lead) * _errors(rng, at.size)
    share = np.maximum(1 + (_ERROR_E[0] + _ERROR_E[1] * lead) * _errors(rng, at.size), 0.3)
    return (t + shift).astype(np.float32), (e * share).astype(np.float32)


def climate(room: Room, at: Index, outlook: Outlook, seed: int = 0) -> Climate:
    """Return one row per index, as the integration would have had it at that hour."""
    t, e = _outlook(room, at, outlook, seed)
    hour = room.start + at
    return Climate(
        temperature=windows(room.temperature, HISTORY_HOURS)[at],
        vapour_pressure=windows(room.vapour_pressure, HISTORY_HOURS)[at],
        outdoor_temperature=windows(room.outdoor_temperature, HISTORY_HOURS)[at],
        outdoor_vapour_pressure=windows(room.outdoor_vapour_pressure, HISTORY_HOURS)[at],
        forecast_temperature=t,
        forecast_vapour_pressure=e,
        hour=(hour % 24).astype(np.float64),
        weekday=(hour // 24 + 3) % 7,  # 1970 began on a Thursday
    )


def truth(room: Room, at: Index) -> NDArray[np.float64]:
    """Return what came: (rows, horizons, channels), NaN where nothing was measured."""
    ahead = np.stack([_ahead(room.temperature, at), _ahead(room.vapour_pressure, at)], axis=-1)
    return ahead[:, np.array(HORIZONS) - 1, :].astype(np.float64)
