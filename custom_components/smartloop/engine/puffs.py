"""The puffs of everybody's inhalers: how many lately and when the last one was. Counts, no judgement."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from .errors import ReadingError
from .household import Household, InhalerRole
from .reading import Actuation

EARLY: Final = timedelta(minutes=5)
"""How far a puff may lie ahead of `now`: clocks of two machines differ. What lies further ahead is not counted yet."""
MOST: Final = 2_000
"""Puffs remembered of one inhaler; the diary has the others. Nobody takes as many in a week."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PuffView:
    """What is known of one inhaler at a time."""

    person: str
    inhaler: str
    count_24h: int
    count_7d: int
    last_at: datetime | None
    limit_24h: int | None
    """Of the person's own written plan, for relievers only; None when the plan says nothing"""


class Puffs:
    """Takes puffs in any order and any number of times."""

    def __init__(self, household: Household) -> None:
        """Begin with none."""
        self._limits: dict[tuple[str, str], int | None] = {
            (person.id, own.id): person.plan.reliever_limit_24h if own.role is InhalerRole.RELIEVER else None
            for person in household.people
            for own in person.inhalers
        }
        # In UTC: within one zone Python compares wall clocks, and one hour a year has two of each.
        self._moments: dict[tuple[str, str], list[datetime]] = {key: [] for key in self._limits}

    def observe(self, actuation: Actuation) -> bool:
        """Take in one puff; return whether it is a new one. Two puffs of one inhaler differ in their time.

        Raises ReadingError for an inhaler that is not of this household.
        """
        moments, at = self._of(actuation.person, actuation.inhaler), actuation.at.astimezone(UTC)
        place = bisect_left(moments, at)
        if moments[place : place + 1] == [at]:
            return False
        moments.insert(place, at)
        del moments[:-MOST]
        return True

    def forget(self, actuation: Actuation) -> bool:
        """Take one puff back; return whether there was one."""
        moments, at = self._of(actuation.person, actuation.inhaler), actuation.at.astimezone(UTC)
        place = bisect_left(moments, at)
        if moments[place : place + 1] != [at]:
            return False
        del moments[place]
        return True

    def view(self, person: str, inhaler: str, now: datetime) -> PuffView:
        """Return what is known of an inhaler; raises ReadingError for one that is not of this household."""
        if now.tzinfo is None:
            msg = "a time without zone is no time"
            raise ReadingError(msg)
        moments, instant = self._of(person, inhaler), now.astimezone(UTC)
        end = bisect_right(moments, instant + EARLY)
        last_day, last_week = (end - bisect_right(moments, instant - timedelta(days), hi=end) for days in (1, 7))
        return PuffView(
            person=person,
            inhaler=inhaler,
            count_24h=last_day,
            count_7d=last_week,
            last_at=moments[end - 1] if end else None,
            limit_24h=self._limits[person, inhaler],
        )

    def _of(self, person: str, inhaler: str) -> list[datetime]:
        try:
            return self._moments[person, inhaler]
        except KeyError:
            msg = f"{person!r} has no inhaler {inhaler!r}"
            raise ReadingError(msg) from None
