"""Simulated households whose habits are known: what finds routines is counted against them.

SIMULATED. Each household has habits (a thing, days, a time with 5 to 25 min of scatter, kept on 88 to 98 % of its
days; some drift by a few minutes a week, some move by an hour or end half-way), half-habits kept on 30 to 55 % of days
(telling them is an error), and random use of the same and of other things. People are away for a week, some days are
not recorded, public holidays are free days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.presence import DAY_S, Instant
from custom_components.smartloop.engine.models.routine import Days

THINGS: Final = ("kitchen", "bathroom", "bedroom", "living", "office", "front_door", "desk_light", "terrace", "cellar")
_MONDAY: Final = 1_767_571_200.0
"""2026-01-05, a Monday"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habit:
    """What a household does, truly."""

    thing: str
    days: Days
    minute: float
    scatter: float
    kept: float
    drift: float
    """Minutes a day"""
    moves: float
    """Minutes by which it jumps on `changes`"""
    changes: int
    ends: int

    def at(self, day: int) -> float:
        """Return its minute on a day."""
        return (self.minute + self.drift * day + (self.moves if day >= self.changes else 0.0)) % 1440.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """One seeded household."""

    name: str
    habits: tuple[Habit, ...]
    half: tuple[Habit, ...]
    noise: dict[str, float]
    """Uses a day at random"""
    away: range
    missing: frozenset[int]
    holidays: frozenset[int]
    days: int
    seed: int

    def free(self, day: int) -> bool:
        """Return whether a day is free."""
        return day % 7 >= 5 or day in self.holidays

    def uses(self) -> Iterator[tuple[str, Instant]]:
        """Return what was used, in order."""
        rng = np.random.default_rng(self.seed + 1)
        for day in range(self.days):
            found: list[tuple[float, str]] = []
            free = self.free(day)
            for habit in (*self.habits, *self.half):
                done = rng.random() < habit.kept and day < habit.ends and habit.days.include(free=free)
                shift = rng.normal() * habit.scatter
                if done:
                    found.append((habit.at(day) + shift, habit.thing))
            rise = (450.0 if not free else 510.0) + 30.0 * rng.normal()
            for thing, rate in self.noise.items():
                count = int(rng.poisson(rate))
                found += [(float(value), thing) for value in rng.uniform(rise, 1410.0, count)]
            if day in self.away or day in self.missing:
                continue
            for minute, thing in sorted(found):
                # A habit after midnight is of the evening before: its clock reads the next day's.
                late = self.free(day + 1) if minute >= 1440.0 else free
                yield thing, Instant(at=_MONDAY + day * DAY_S + minute * 60.0, minute=minute % 1440.0, free=late)


def _habit(rng: np.random.Generator, thing: str, minute: float, days: int, kept: tuple[float, float]) -> Habit:
    kind = str(rng.choice(["steady", "steady", "steady", "drifts", "moves", "ends"]))
    which = Days(str(rng.choice([Days.EVERY, Days.EVERY, Days.WORKING, Days.WORKING, Days.FREE])))
    return Habit(
        thing=thing,
        days=which,
        minute=minute,
        scatter=float(rng.uniform(5.0, 25.0)),
        kept=float(rng.uniform(*kept)),
        drift=float(rng.uniform(-6.0, 6.0)) / 7.0 if kind == "drifts" else 0.0,
        moves=float(rng.choice([-75.0, 75.0])) if kind == "moves" else 0.0,
        changes=days // 2,
        ends=days // 2 if kind == "ends" else days,
    )


def household(seed: int, days: int = 90) -> Household:
    """Return a household; the same for the same seed."""
    rng = np.random.default_rng(seed)
    things = [str(each) for each in rng.permutation(THINGS)]
    habits: list[Habit] = []
    for thing in things[:5]:
        first = float(rng.uniform(360.0, 1000.0))
        habits.append(_habit(rng, thing, first, days, (0.88, 0.98)))
        if rng.random() < 0.3:
            habits.append(_habit(rng, thing, first + float(rng.uniform(240.0, 420.0)), days, (0.88, 0.98)))
    half = tuple(_habit(rng, thing, float(rng.uniform(420.0, 1320.0)), days, (0.3, 0.55)) for thing in things[4:7])
    start = int(rng.integers(20, days - 20))
    return Household(
        name=f"simulated_{seed}",
        habits=tuple(habits),
        half=half,
        noise={thing: float(rng.gamma(1.5, 1.0)) for thing in things},
        away=range(start, start + 8),
        missing=frozenset(rng.choice(days, 5, replace=False).tolist()),
        holidays=frozenset(rng.choice(days, 3, replace=False).tolist()),
        days=days,
        seed=seed,
    )
