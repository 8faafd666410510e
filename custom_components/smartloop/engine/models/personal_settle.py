"""What would settle whether an exposure matters: how many more bad days, or a test of one's own.

Supposes that days go on saying what they have said so far, and asks when the chance of a relevant
effect would pass 0.95, or fall below 0.05. A rough guide, said as such; it is no promise.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import log
from typing import Final

LEAST_EVENTS: Final = 20
LONGEST_DAYS: Final = 365
TEST_DAYS: Final = 28
"""Two weeks with and two without, alternating by the week"""
_Z95 = 1.645
_RELEVANT = log(1.2)
_LEAST_INFORMATION = 0.05
"""Precision below which the days say nothing: the exposure is always there, or never"""
_MOST_EVENTS = 400


class How(StrEnum):
    """What would settle it."""

    SETTLED = "settled"
    MORE_DAYS = "more_days"
    DAYS_WITH_AND_WITHOUT = "days_with_and_without"
    """It was always there, or never: no days to compare"""
    ON_OFF_TEST = "on_off_test"
    """Waiting would take more than a year, or it fits and can be tried"""


@dataclass(frozen=True, slots=True)
class Settle:
    """What would settle it, and about how long that takes."""

    how: How
    events: int | None = None
    """More bad days, about"""
    days: int | None = None


def settle(belief: tuple[float, float], prior: tuple[float, float], *, events: int, days: int, settled: bool) -> Settle:
    """Return what would settle it; `belief` is mean and variance, `prior` mean and standard deviation."""
    if settled:
        return Settle(How.ON_OFF_TEST, days=TEST_DAYS)
    first = 1.0 / prior[1] ** 2
    own = 1.0 / belief[1] - first
    if events == 0 or own < _LEAST_INFORMATION:
        return Settle(How.DAYS_WITH_AND_WITHOUT)
    said = (belief[0] / belief[1] - prior[0] * first) / own
    for more in range(_MOST_EVENTS):
        precision = first + own * (1.0 + more / events)
        mean = (prior[0] * first + said * (precision - first)) / precision
        off = (mean - _RELEVANT) * precision**0.5
        if off < -_Z95 or (off > _Z95 and events + more >= LEAST_EVENTS):
            wait = round(more * days / events)
            if wait > LONGEST_DAYS:
                break
            return Settle(How.MORE_DAYS, more, wait) if more else Settle(How.SETTLED)
    return Settle(How.ON_OFF_TEST, days=TEST_DAYS)
