"""AAMOS-00 as evening diaries: what was known of each day, and which days may be scored.

A day counts as one with use when its questionnaire names puffs of the reliever in the last 24 hours, or when the
smart inhaler's sleeve recorded a puff of a reliever. A day counts as one without only when the questionnaire was
answered with none and the sleeve recorded none: a silent sleeve proves nothing, as people own a second inhaler.
Days whose questionnaire was not answered are never scored, or those with a recorded puff would be and all others not;
a recorded puff is still evidence for the days after. Nothing is known of any other day.
"""

from collections import Counter
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.features.reliever import DiaryDay

from ..personal.tables import Row, by_day, known, number, rows

PUFFS: Final = {0: 0.0, 1: 1.5, 3: 3.5, 5: 6.5, 9: 10.5, 12: 13.0}
"""Middle of the answer that a code stands for"""
RELIEVERS: Final = ("ventolin", "salamol", "salbutamol", "airomir", "asmalal", "bricanyl", "terbutaline")
_ANSWERS: Final = {"true": True, "false": False, "1": True, "0": False}
_POLLEN: Final = {"low": 0.0, "moderate": 1.0, "high": 2.0, "very high": 3.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """One person's diary."""

    name: str
    days: tuple[DiaryDay, ...]
    """In order; days of which nothing is known are absent"""
    scored: tuple[int, ...]
    """Days whose questionnaire was answered"""


def people(folder: Path) -> list[Person]:
    """Return everybody below a folder with at least one answered day."""
    asked, around = by_day(folder, "dailyquestionnaire"), by_day(folder, "environment")
    blows, puffs = _blows(folder), _recorded(folder)
    found = (
        _person(name, told, around.get(name, {}), blows.get(name, {}), puffs.get(name, Counter()))
        for name, told in sorted(asked.items())
    )
    return [each for each in found if each.scored]


def _recorded(folder: Path) -> dict[str, Counter[int]]:
    """Return puffs of relievers that sleeves recorded, by person and day."""
    return {
        name: Counter(
            int(day)
            for row in told
            if isfinite(day := number(row, "date"))
            and any(each in (row.get("name") or "").lower() for each in RELIEVERS)
        )
        for name, told in rows(folder, "smartinhaler", "user_key").items()
    }


def _blows(folder: Path) -> dict[str, dict[int, float]]:
    """Return the mean of each day's best blows (L/min) by person."""
    found: dict[str, dict[int, float]] = {}
    for name, told in rows(folder, "peakflow", "user_key").items():
        values: dict[int, list[float]] = {}
        for row in told:
            day, flow = number(row, "date"), number(row, "pef_max")
            if isfinite(day) and isfinite(flow):
                values.setdefault(int(day), []).append(flow)
        found[name] = {day: sum(each) / len(each) for day, each in values.items()}
    return found


def _person(
    name: str, told: dict[int, Row], around: dict[int, Row], blows: dict[int, float], puffs: Counter[int]
) -> Person:
    scored, days = [], []
    for day in sorted({*told, *around, *blows, *puffs}):
        row = told.get(day, {})
        code = number(row, "daily_relief_inhaler")
        answered = isfinite(code) and code >= 0.0
        if answered:
            scored.append(day)
        said = PUFFS.get(int(code), code) if answered else nan
        air = around.get(day, {})
        days.append(
            DiaryDay(
                day=day,
                used=said > 0.0 or puffs[day] > 0 if answered or puffs[day] else None,
                puffs=max(said, float(puffs[day])) if answered else float(puffs[day]) or None,
                night=_answer(row, "daily_night_symp"),
                symptoms=_answer(row, "daily_day_symp"),
                limited=_answer(row, "daily_limit_activity"),
                peak_flow=blows.get(day),
                pm25=known(number(air, "pm2_5")),
                pollen=max(
                    (
                        _POLLEN[level]
                        for kind in ("grass", "tree", "weed")
                        if (level := (air.get(f"{kind}_pollen") or "").lower()) in _POLLEN
                    ),
                    default=None,
                ),
                temperature=known(number(air, "temperature")),
            )
        )
    return Person(name=name, days=tuple(days), scored=tuple(scored))


def _answer(row: Row, name: str) -> bool | None:
    return _ANSWERS.get((row.get(name) or "").lower())
