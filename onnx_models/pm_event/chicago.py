"""Daily indoor and outdoor PM2.5 of real homes, laid out as `air/chicago_indoor_outdoor_pm25`: what gets in.

Three questions: tomorrow, with all days so far; the later half of a home, from its first half; a home never seen. A
day without an outdoor value says nothing and is not asked for.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.infiltration import Infiltration

from .recordings import number, rows

type Array = NDArray[np.float64]

FOLDER: Final = "chicago_indoor_outdoor_pm25"
DAY_S: Final = 86400.0
LEAST_DAYS: Final = 20
LEARNED: Final = 8
"""Days with both values before anything is foretold, for each way alike"""
SMOKE: Final = frozenset({"Medium", "Heavy"})
WAYS: Final = ("model", "fallback", "naive")
"""Robust infiltration; median ratio times outdoors; indoor mean"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """One home's days with both values."""

    home: str
    at: Array
    indoor: Array
    outdoor: Array
    smoke: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """Absolute errors of one home, µg/m³, by way; and how its days were called."""

    home: str
    days: int
    tomorrow: dict[str, float]
    later: dict[str, float]
    unseen: dict[str, float]
    smoke_days: tuple[int, int]
    """Called outdoor-driven, of so many with medium or heavy smoke"""
    clear_days: tuple[int, int]
    factor: float | None


def homes(data: Path) -> list[Days]:
    """Return the homes with enough days; none where there is no such file."""
    found: dict[str, dict[int, tuple[float, float, str]]] = defaultdict(dict)
    for path in sorted((data / FOLDER).glob("*.csv.gz")):
        for row in rows(path):
            indoor, outdoor = number(row.get("indoor_pm2_5")), number(row.get("outdoor_pm2_5"))
            day = _day(row.get("date"))
            if indoor is not None and outdoor is not None and day is not None and min(indoor, outdoor) >= 0.0:
                found[row.get("home") or ""][day] = indoor, outdoor, row.get("smoke_class") or ""
    out = []
    for home, days in sorted(found.items()):
        order = sorted(days)
        if len(order) >= LEAST_DAYS:
            values = np.array([days[day][:2] for day in order])
            smoke = tuple(days[day][2] for day in order)
            at = np.array(order, dtype=np.float64) * DAY_S
            out.append(Days(home=home, at=at, indoor=values[:, 0], outdoor=values[:, 1], smoke=smoke))
    return out


def _day(text: str | None) -> int | None:
    try:
        return date.fromisoformat(text or "").toordinal()
    except ValueError:
        return None


def _ratio(indoor: Array, outdoor: Array) -> float:
    some = outdoor > 0.0
    return float(np.median(indoor[some] / outdoor[some])) if some.any() else 0.0


def judged(places: Sequence[Days]) -> list[Judged]:
    """Return errors per home; a home never seen is foretold from all others."""
    lines = {place.home: _line(place) for place in places}
    out = []
    for place in places:
        others = [other for other in places if other.home != place.home]
        unseen: dict[str, float] = {}
        if others:
            factor, added = np.median([lines[other.home] for other in others], axis=0)
            ratio = float(np.median([_ratio(other.indoor, other.outdoor) for other in others]))
            mean = float(np.mean([other.indoor.mean() for other in others]))
            unseen = {
                "model": _error(added + factor * place.outdoor, place.indoor),
                "fallback": _error(ratio * place.outdoor, place.indoor),
                "naive": _error(np.full(place.indoor.size, mean), place.indoor),
            }
        out.append(_home(place, unseen))
    return out


def _error(said: Array, true: Array) -> float:
    return float(np.abs(said - true).mean())


def _line(place: Days) -> tuple[float, float]:
    """Return factor and offset that a home ends with."""
    learned = Infiltration()
    for at, indoor, outdoor in zip(place.at.tolist(), place.indoor.tolist(), place.outdoor.tolist(), strict=True):
        learned.observe(at, indoor, outdoor)
    low, high = learned.expected(0.0) or 0.0, learned.expected(100.0) or 0.0
    return (high - low) / 100.0, low


def _home(place: Days, unseen: dict[str, float]) -> Judged:
    learned, half = Infiltration(), place.at.size // 2
    frozen: Infiltration | None = None
    errors: dict[str, list[float]] = {way: [] for way in WAYS}
    smoke, clear = [0, 0], [0, 0]
    for k, (at, indoor, outdoor) in enumerate(
        zip(place.at.tolist(), place.indoor.tolist(), place.outdoor.tolist(), strict=True)
    ):
        if k == half:
            frozen = Infiltration.restored(learned.snapshot())
        expected, share = learned.expected(outdoor), learned.share
        if expected is not None and k >= LEARNED:
            said = {
                "model": expected,
                "fallback": _ratio(place.indoor[:k], place.outdoor[:k]) * outdoor,
                "naive": float(place.indoor[:k].mean()),
            }
            for way, value in said.items():
                errors[way].append(abs(value - indoor))
        if share is not None and place.smoke[k]:
            tally = smoke if place.smoke[k] in SMOKE else clear
            tally[0] += share.factor * outdoor >= 0.5 * indoor
            tally[1] += 1
        learned.observe(at, indoor, outdoor)
    later: dict[str, float] = {}
    rest, true = place.outdoor[half:], place.indoor[half:]
    if frozen is not None and frozen.expected(0.0) is not None:
        later = {
            "model": _error(np.array([frozen.expected(float(o)) or 0.0 for o in rest]), true),
            "fallback": _error(_ratio(place.indoor[:half], place.outdoor[:half]) * rest, true),
            "naive": _error(np.full(true.size, place.indoor[:half].mean()), true),
        }
    share = learned.share
    return Judged(
        home=place.home,
        days=place.at.size,
        tomorrow={way: float(np.mean(found)) for way, found in errors.items() if found},
        later=later,
        unseen=unseen,
        smoke_days=(smoke[0], smoke[1]),
        clear_days=(clear[0], clear[1]),
        factor=None if share is None else share.factor,
    )
