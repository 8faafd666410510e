"""Which rooms of a home are in use, and what of that foretells the next hour: counts, bounded, learned at home.

Time is an argument twice over: `at` orders things and measures ages, `minute` and `free` place them in the week. So a
change to or from summer time skips or repeats a slot and never turns a duration around. A slot is half an hour of the
wall clock; what is counted, and foretold, is whether a room is used at all within the hour that begins with a slot.

Counts halve in 21 days. Rates are smoothed over +-45 min around the day (Epanechnikov) and shrunk twice: the day
class's own towards those of all days, these towards the room's mean.
"""

from dataclasses import dataclass
from math import log, log1p
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import SnapshotError
from .state import numbers

type Array = NDArray[np.float64]

SLOT_S: Final = 1800.0
SLOTS: Final = 48
"""A day"""
HOUR_S: Final = 3600.0
DAY_S: Final = 86400.0
HALF_LIFE_D: Final = 21.0
SILENT_S: Final = DAY_S
"""Without any use, after which the home is taken for empty, or not watched: nothing is learned or foretold"""
MOST_ROOMS: Final = 32
FADE: Final = 0.5 ** (1.0 / (HALF_LIFE_D * SLOTS))
UNWATCHED_S: Final = 2.0 * HOUR_S
"""Between two looks, after which nobody knows what was in between"""
BACK_S: Final = DAY_S
"""A clock set back by more begins anew"""
STILL_S: Final = 4.0 * HOUR_S
"""Without a change of room: a night"""
KEPT_SLOTS: Final = 338
"""Slots remembered: a week and one hour"""
_BUCKET_S: Final = 300.0
_BUCKETS: Final = 36
_SIDE: Final = 1.0 - (30.0 / 45.0) ** 2
"""Of the kernel at the slots beside"""
_PRIOR: Final = (4.0, 4.0, 4.0)
"""Counts that a mean stands for: of the room towards 0.2, of a time of day towards the room, of a day class's towards it"""
_ROOM_RATE: Final = 0.2
_FLOOR: Final = 0.005

NAMES: Final = (
    "week_rate",
    "day_rate",
    "room_rate",
    "stay_rate",
    "after_rate",
    "used_15_min",
    "used_60_min",
    "used_180_min",
    "since_use",
    "since_home",
    "here",
    "yesterday",
    "last_week",
    "since_wake",
)
"""Rates as log-odds; `used` as shares; `since` as log(1 + min); the others 0 or 1"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instant:
    """A moment at home."""

    at: float
    """s since 1970"""
    minute: float
    """Local minute of the day, 0 to below 1440"""
    free: bool
    """A weekend day or a holiday"""

    @property
    def slot(self) -> int:
        """Return the half-hour of the local day."""
        return int(self.minute // 30.0) % SLOTS


def logit(rate: float) -> float:
    """Return the log-odds of a rate, kept away from 0 and 1."""
    kept = min(max(rate, _FLOOR), 1.0 - _FLOOR)
    return log(kept / (1.0 - kept))


def _shrunk(on: float, count: float, towards: float, strength: float) -> float:
    return (on + strength * towards) / (count + strength)


class RoomUse:
    """How one room is used."""

    __slots__ = ("after", "bucket", "last", "mask", "past", "recent", "stay", "table", "total", "used")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.table: Array = np.zeros((2, 2, SLOTS))
        """Hours that began in a slot: used, all; by day class; by slot"""
        self.total = (0.0, 0.0)
        """Its sums"""
        self.stay: Array = np.zeros((2, 2))
        """The same, by whether the room had been used within the hour before"""
        self.after: dict[str, Array] = {}
        """The same, by the room used last"""
        self.used = False
        """Within the open slot"""
        self.past = 0
        """A bit for each closed slot, the newest lowest"""
        self.bucket, self.mask = 0, 0
        """Five-minute bits, the one numbered `bucket` lowest"""
        self.last: float | None = None
        self.recent = (False, False)
        """Whether it had been used within an hour when the open slot and the one before began"""

    def use(self, at: float) -> None:
        """Take in a use."""
        self.mask = self.mask_at(at) | 1
        self.bucket = int(at // _BUCKET_S)
        self.used = True
        self.last = at

    def mask_at(self, at: float) -> int:
        """Return the bits as seen now."""
        shift = int(at // _BUCKET_S) - self.bucket
        return (self.mask << shift) & ((1 << _BUCKETS) - 1) if 0 <= shift < _BUCKETS else 0

    def share(self, at: float, buckets: int) -> float:
        """Return the share of the last five-minute buckets with a use."""
        return (self.mask_at(at) & ((1 << buckets) - 1)).bit_count() / buckets

    def fade(self) -> None:
        """Let half an hour pass."""
        self.table *= FADE
        self.total = self.total[0] * FADE, self.total[1] * FADE
        self.stay *= FADE
        self.after = {name: row * FADE for name, row in self.after.items()}

    def learn(self, slot: int, day: int, last: str | None, *, recent: bool, outcome: bool) -> None:
        """Count an hour."""
        one = np.array([float(outcome), 1.0])
        self.table[:, day, slot] += one
        self.total = self.total[0] + float(outcome), self.total[1] + 1.0
        self.stay[:, int(recent)] += one
        if last is not None and (last in self.after or len(self.after) < MOST_ROOMS):
            self.after[last] = self.after.get(last, np.zeros(2)) + one

    @property
    def rate(self) -> float:
        """Return the chance of an hour at any time."""
        on, count = self.total
        return _shrunk(on, count, _ROOM_RATE, _PRIOR[0])

    def rates(self, slot: int, day: int) -> tuple[float, float]:
        """Return the chance at a time of the week, the fallback of every forecast, and at that time of any day."""
        table = self.table
        near = _SIDE * (table[:, :, slot - 1] + table[:, :, (slot + 1) % SLOTS]) + table[:, :, slot]
        (work_on, free_on), (work, free) = near.tolist()
        any_day = _shrunk(work_on + free_on, work + free, self.rate, _PRIOR[1])
        on, count = (free_on, free) if day else (work_on, work)
        return _shrunk(on, count, any_day, _PRIOR[2]), any_day

    def stay_rate(self, *, recent: bool) -> float:
        """Return the chance given whether it has just been used."""
        on, count = self.stay[:, int(recent)].tolist()
        return _shrunk(on, count, self.rate, 2.0)

    def after_rate(self, last: str | None) -> float:
        """Return the chance after a room was used."""
        on, count = self.after[last].tolist() if last in self.after else (0.0, 0.0)
        return _shrunk(on, count, self.rate, 2.0)

    def snapshot(self) -> list[object]:
        """Return everything as JSON values."""
        return [
            [round(each, 6) for each in self.table.ravel().tolist()],
            [round(each, 6) for each in self.stay.ravel().tolist()],
            {name: [round(each, 6) for each in row.tolist()] for name, row in self.after.items()},
            [float(self.used), float(self.bucket), float(self.mask), *map(float, self.recent)],
            f"{self.past:x}",
            self.last,
        ]

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, list) or len(state) != 6 or not isinstance(state[2], dict):
            msg = "a stored room is not a row of six"
            raise SnapshotError(msg)
        self = cls()
        self.table = _counts(state[0], 2, 2, SLOTS)
        self.total = float(self.table[0].sum()), float(self.table[1].sum())
        self.stay = _counts(state[1], 2, 2)
        self.after = {str(name): _counts(row, 2) for name, row in list(state[2].items())[:MOST_ROOMS]}
        used, bucket, mask, newer, older = numbers(state[3], 5)
        self.used, self.bucket, self.mask = used > 0.0, int(bucket), int(mask)
        self.recent = newer > 0.0, older > 0.0
        self.past = bits(state[4])
        self.last = None if state[5] is None else numbers([state[5]], 1)[0]
        if not 0 <= self.mask < 1 << _BUCKETS:
            msg = "a stored room's minutes are out of bounds"
            raise SnapshotError(msg)
        return self


def _counts(state: object, *shape: int) -> Array:
    found = np.array(numbers(state, int(np.prod(shape)))).reshape(shape)
    if (found < 0.0).any() or (found[0] > found[1] + 1e-3).any():
        msg = "stored counts are below zero, or more used than all"
        raise SnapshotError(msg)
    return found


def bits(state: object) -> int:
    """Return stored slots; raises SnapshotError."""
    try:
        found = int(state, 16) if isinstance(state, str) and len(state) <= KEPT_SLOTS // 4 + 1 else -1
    except ValueError:
        found = -1
    if found < 0:
        msg = "stored slots are no bits"
        raise SnapshotError(msg)
    return found


def minutes(seconds: float) -> float:
    """Return log(1 + min), of at most two days."""
    return log1p(min(max(seconds, 0.0), 2.0 * DAY_S) / 60.0)
