"""A sensor that counts a day's inhalations: what a new value says. Pure: values and times in, puffs out."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

MOST_AT_ONCE: Final = 20
"""Puffs between two values. More is another sensor or a total since ever, not a breath."""
HIGHEST: Final = 99_999
_STEP: Final = HIGHEST + 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """How far a counter was read."""

    since: int
    """s since 1970: when it last began at zero, as far as is known"""
    value: int
    daily: bool = False
    """Whether it was ever seen to begin anew"""

    @property
    def cursor(self) -> int:
        """Return the place as one number that only grows: a later beginning outweighs every value."""
        return self.since * _STEP + self.value

    @staticmethod
    def at(cursor: int, flags: int) -> Count | None:
        """Return the place a number stands for; None before the first value."""
        if cursor <= 0:
            return None
        since, value = divmod(cursor, _STEP)
        return Count(since=since, value=value, daily=bool(flags))


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What a new value says."""

    count: Count
    puffs: range = range(0)
    """Their numbers since the counter began: the same puff has the same number however often it is told"""
    refused: int = 0
    """Puffs nobody can have taken at once"""


def count_of(text: str) -> int | None:
    """Return a state as a count; None for what is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    # Not a number and infinity fail the comparison.
    return int(number) if 0 <= number <= HIGHEST and number.is_integer() else None


def read(
    before: Count | None,
    value: int,
    at: datetime,
    zone: tzinfo,
    *,
    state_class: str | None = None,
    reset: datetime | None = None,
) -> Counted:
    """Return what a value says after what was read before.

    `state_class` is Home Assistant's: a `total` never begins anew, a `total_increasing` does whenever it falls.
    `reset` is when the sensor says it last began.
    The first value ever is where counting begins, not something to count.
    """
    if before is None:
        return Counted(count=Count(since=int((reset or at).timestamp()), value=value, daily=reset is not None))
    if value == before.value and (reset is None or int(reset.timestamp()) <= before.since):
        return Counted(count=before)
    began = _beginning(before, value, at, zone, state_class=state_class, reset=reset)
    if began is None:
        # Less on the same day is a correction: what was taken back by hand is not counted again.
        low = before.value
        count = Count(since=before.since, value=value, daily=before.daily)
    else:
        low = 0
        count = Count(since=began, value=value, daily=True)
    new = range(low + 1, value + 1)
    if len(new) > MOST_AT_ONCE:
        return Counted(count=count, refused=len(new))
    return Counted(count=count, puffs=new)


def _beginning(
    before: Count, value: int, at: datetime, zone: tzinfo, *, state_class: str | None, reset: datetime | None
) -> int | None:
    """Return when the counter began anew since it was last read; None when it went on."""
    if reset is not None:
        moment = int(reset.timestamp())
        return moment if moment > before.since else None
    if state_class == "total":
        return None
    moment = int(at.timestamp())
    if moment <= before.since:
        # The clock went back: nothing begins before it began.
        return None
    if value == 0 or (state_class == "total_increasing" and value < before.value):
        return moment
    another_day = datetime.fromtimestamp(before.since, zone).date() != at.astimezone(zone).date()
    return moment if another_day and (value < before.value or before.daily) else None
