"""Days of people: simulated ones, where the truth is known, and real ones whose truth was taken away.

Simulated as models.md section 6.4: eight exposures that come in spells, two of them true triggers (odds
ratios 4 and 2), the season and the weekday moving both exposures and bad days. Real: AAMOS-00, bad days
by the person's own relief puffs, exposures from that day's weather, air and pollen at home; moved round
in time against each other they keep their rhythm, and every claim that is left is a false one.
"""

from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .tables import Row, by_day, number

TRUE_ODDS: Final = (4.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
_STAY = 0.6
"""Share of days on which an exposure simply stays as it was the day before"""
_SEASON, _WEEKEND = 0.8, 0.5
"""Log odds by which season and weekend move bad days, and half of the exposures"""
_YEAR = 365.25
LEAST_DAYS: Final = 60
LEAST_BAD: Final = 5
HIGH: Final = 0.75
"""Quantile of the person's own days above which a quantity counts as an exposure"""
RELIEF: Final = "daily_relief_inhaler"
MEASURED: Final = ("temperature", "humidity", "pm2_5", "o3", "no2", "wind_speed")


@dataclass(frozen=True, slots=True)
class Days:
    """One person's days in a row."""

    first: int
    """Ordinal of the first day"""
    exposed: NDArray[np.float64]
    """Day by exposure: 1, 0 or NaN"""
    bad: NDArray[np.float64]


def simulated(days: int, events: int, rng: np.random.Generator) -> Days:
    """Return a person with about so many bad days in so many days."""
    first = int(rng.integers(730_000, 730_365))
    at = np.arange(first, first + days)
    season = np.sin(2.0 * np.pi * (at / _YEAR + rng.random()))
    weekend = np.isin(at % 7, (6, 0)).astype(np.float64)
    exposed = np.zeros((days, len(TRUE_ODDS)))
    for place in range(len(TRUE_ODDS)):
        # Every second exposure goes with season and weekend, as bad days do.
        line = rng.normal(-0.6, 0.3) + (place % 2) * (_SEASON * season + _WEEKEND * weekend)
        fresh = rng.random(days) < 1.0 / (1.0 + np.exp(-line))
        stays = rng.random(days) < _STAY
        for day in range(days):
            exposed[day, place] = exposed[day - 1, place] if day and stays[day] else float(fresh[day])
    line = exposed @ np.log(TRUE_ODDS) + _SEASON * season + _WEEKEND * weekend
    low, high = -12.0, 6.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if (1.0 / (1.0 + np.exp(-(line + middle)))).sum() < events else (low, middle)
    bad = rng.random(days) < 1.0 / (1.0 + np.exp(-(line + low)))
    return Days(first, exposed, bad.astype(np.float64))


def real(folder: Path) -> list[Days]:
    """Return the people with enough days, and enough of both kinds."""
    around = by_day(folder, "environment")
    found = []
    for name, told in sorted(by_day(folder, "dailyquestionnaire").items()):
        if len(told) < LEAST_DAYS:
            continue
        first, last = min(told), max(told)
        bad = np.array([_bad(told.get(day)) for day in range(first, last + 1)])
        air = around.get(name, {})
        values = np.array([[_measured(air.get(day), key) for key in MEASURED] for day in range(first, last + 1)])
        keep = np.isfinite(values).sum(axis=0) >= LEAST_DAYS
        if min(np.nansum(bad), np.nansum(1.0 - bad)) < LEAST_BAD or not keep.any():
            continue
        values = values[:, keep]
        high = np.nanquantile(values, HIGH, axis=0)
        found.append(Days(730_000 + first, np.where(np.isfinite(values), (values > high).astype(np.float64), nan), bad))
    return found


def _bad(row: Row | None) -> float:
    puffs = nan if row is None else number(row, RELIEF)
    return float(puffs > 0.0) if isfinite(puffs) else nan


def _measured(row: Row | None, key: str) -> float:
    if row is None:
        return nan
    return number(row, key)
