"""Judge routines: against simulated households' true habits, on real homes' later days, and on shuffled days.

A sentence is right when its thing has a true habit on its days within 60 min, or had one there within the last two
weeks. A shuffled home keeps each day's uses and their distances, but begins each day's clock elsewhere: nothing there
is a habit, whatever is told is false.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.presence import DAY_S, Instant
from custom_components.smartloop.engine.models.routine import DAY_START, EVIDENCE, Days, Routine, apart
from custom_components.smartloop.engine.models.routine_book import RoutineBook

from ..report import Metrics
from .homes import House
from .households import Habit, Household, household

HOUSEHOLDS: Final = 24
FIRST: Final = 20261122
"""Of the households judged; drawn once, after everything was settled while looking at households 0 to 29"""
SHUFFLES: Final = 4
MONTH_D: Final = 30.4
_RIGHT_MIN: Final = 60.0
_HOLDS_MIN: Final = 52.5
"""A window of +-45 min around a quarter of 15"""
_LATE_D: Final = 14
_JUDGED: Final = 3


@dataclass(kw_only=True, slots=True)
class Tally:
    """What was told in one home."""

    home: str
    days: float = 0.0
    told: int = 0
    false: int = 0
    habits: int = 0
    found: int = 0
    sentences: float = 0.0
    """Standing, a true habit, mean over the days a habit can be known"""
    delays: list[int] = field(default_factory=list)
    promised: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    by_key: dict[str, list[bool]] = field(default_factory=dict)
    """The same, by routine"""

    @property
    def broken(self) -> int:
        """Return how many routines, looking back, held on fewer than half of three later days or more."""
        return sum(len(days) >= _JUDGED and sum(days) < len(days) / 2.0 for days in self.by_key.values())


def _right(routine: Routine, habit: Habit, day: int) -> bool:
    fits = routine.days is habit.days or Days.EVERY in (routine.days, habit.days)
    alive = day < habit.ends + _LATE_D
    times = {habit.at(each) for each in (day, max(day - _LATE_D, 0))}
    return (
        fits and alive and routine.thing == habit.thing and any(apart(routine.at, each) <= _RIGHT_MIN for each in times)
    )


def simulated(home: Household, evidence: float = EVIDENCE) -> Tally:
    """Return what is told of a household whose habits are known."""
    book, out = RoutineBook(evidence), Tally(home=home.name, days=float(home.days), habits=len(home.habits))
    known: set[str] = set()
    first: dict[int, int] = {}
    standing: list[float] = []
    origin: float | None = None
    day = -1
    for thing, now in home.uses():
        origin = now.at - now.minute * 60.0 if origin is None else origin
        book.observe(thing, now)
        today = int((now.at - origin - DAY_START * 60.0) // DAY_S)
        if today == day:
            continue
        day = today
        for each in book.routines:
            if each.key not in known:
                known.add(each.key)
                out.told += 1
                out.false += not any(_right(each, habit, day) for habit in home.habits)
        for place, habit in enumerate(home.habits):
            count = sum(_right(each, habit, day) for each in book.routines)
            if count:
                first.setdefault(place, day)
            if place in first and day < min(habit.ends, habit.changes if habit.moves else habit.ends):
                standing.append(float(count))
    out.found = len(first)
    out.delays = sorted(first.values())
    out.sentences = float(np.mean(standing)) if standing else 0.0
    return out


def simulated_figures(tallies: Sequence[Tally]) -> Metrics:
    """Return the figures of households whose habits are known."""
    habits, days = sum(each.habits for each in tallies), sum(each.days for each in tallies)
    return {
        "sim_sentences_per_habit": float(np.mean([each.sentences for each in tallies])) if tallies else None,
        "sim_false_per_home_month": sum(each.false for each in tallies) / days * MONTH_D if days else None,
        "sim_habits_told": sum(each.found for each in tallies) / habits if habits else None,
        "sim_days_to_tell": float(np.median([day for each in tallies for day in each.delays])) if habits else None,
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """What was told of a real home, and of the same home with its days shuffled."""

    true: Tally
    shuffled: tuple[Tally, ...]


def of(house: House, evidence: float = EVIDENCE) -> Habits:
    """Return what is told of a real home."""
    uses = of_house(house)
    mixed = tuple(real(house.name, shuffled(uses, np.random.default_rng(seed)), evidence) for seed in range(SHUFFLES))
    return Habits(true=real(house.name, uses, evidence), shuffled=mixed)


def real_figures(found: Sequence[Habits]) -> Metrics:
    """Return the figures of real homes."""
    days = sum(each.true.days for each in found)
    mixed = [tally for each in found for tally in each.shuffled]
    mixed_days = sum(each.days for each in mixed)
    promised = [value for each in found for value in each.true.promised]
    held = [value for each in found for value in each.true.held]
    return {
        "routines_told_per_home_month": sum(each.true.told for each in found) / days * MONTH_D if days else None,
        "routines_promised": float(np.mean(promised)) if promised else None,
        "routines_held": float(np.mean(held)) if held else None,
        "routine_days": float(len(held)) if found else None,
        "broken_per_home_month": sum(each.true.broken for each in found) / days * MONTH_D if days else None,
        "shuffled_false_per_home_month": sum(each.told for each in mixed) / mixed_days * MONTH_D
        if mixed_days
        else None,
    }


def of_house(house: House) -> list[tuple[str, Instant]]:
    """Return a home's beginnings of use by room."""
    return [(event.room, house.instant(event.at)) for event in house.events if event.begins]


def shuffled(uses: Iterable[tuple[str, Instant]], rng: np.random.Generator) -> list[tuple[str, Instant]]:
    """Return the same days, each begun elsewhere: its uses are moved around the day, together."""
    by_day: dict[int, list[tuple[str, Instant]]] = {}
    for thing, now in uses:
        start = now.at - 60.0 * ((now.minute - DAY_START) % 1440.0)
        by_day.setdefault(round(start / DAY_S), []).append((thing, now))
    out: list[tuple[str, Instant]] = []
    for day in by_day.values():
        shift = float(rng.uniform(0.0, 1440.0))
        for thing, now in day:
            place = (now.minute - DAY_START) % 1440.0
            moved = (place + shift) % 1440.0
            at = now.at + (moved - place) * 60.0
            out.append((thing, Instant(at=at, minute=(moved + DAY_START) % 1440.0, free=day[0][1].free)))
    return sorted(out, key=lambda item: item[1].at)


def real(name: str, uses: Iterable[tuple[str, Instant]], evidence: float = EVIDENCE) -> Tally:
    """Return what is told of a home, and whether each routine held on each later day with any use."""
    book, out = RoutineBook(evidence), Tally(home=name)
    known: set[str] = set()
    begun: dict[str, list[float]] = {}
    last: dict[str, float] = {}
    standing: tuple[Routine, ...] = ()
    start: float | None = None
    free = False
    for thing, now in uses:
        day = now.at - 60.0 * ((now.minute - DAY_START) % 1440.0)
        if start is None or day - start > DAY_S / 2.0:
            if start is not None:
                out.days += 1.0
                for each in standing:
                    if each.days.include(free=free):
                        out.promised.append(each.probability)
                        held = any(apart(each.at, minute) <= _HOLDS_MIN for minute in begun.get(each.thing, ()))
                        out.held.append(held)
                        out.by_key.setdefault(each.key, []).append(held)
            book.advance(now)
            standing, start, free, begun = tuple(book.routines), day, now.free, {}
            for each in standing:
                out.told += each.key not in known
                known.add(each.key)
        if now.at - last.get(thing, -DAY_S) > 1800.0:
            begun.setdefault(thing, []).append(now.minute)
        last[thing] = now.at
        book.observe(thing, now)
    return out


def households(count: int = HOUSEHOLDS, seed: int = FIRST) -> list[Household]:
    """Return seeded households."""
    return [household(seed + each) for each in range(count)]
