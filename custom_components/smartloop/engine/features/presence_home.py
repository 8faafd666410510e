"""The rooms of one home together: who was where last, when the day began, and the features of a forecast.

Whoever feeds it calls `use` when something in a room was used (and every five minutes while a sensor stays on), and
`advance` at least every two hours; what lies between later looks is unknown, not unused.
"""

from typing import Final, NamedTuple, Self

from ..errors import SnapshotError
from .presence import (
    BACK_S,
    DAY_S,
    HOUR_S,
    KEPT_SLOTS,
    MOST_ROOMS,
    SILENT_S,
    SLOT_S,
    SLOTS,
    STILL_S,
    UNWATCHED_S,
    Instant,
    RoomUse,
    bits,
    logit,
    minutes,
)
from .state import numbers

_MASK: Final = (1 << KEPT_SLOTS) - 1


class _Slot(NamedTuple):
    """A half-hour, and who had been where when it began."""

    start: float
    slot: int
    day: int
    last: str | None


class Home:
    """Use of all rooms of a home."""

    __slots__ = ("_before", "_changed", "_days", "_last", "_now", "_open", "_used", "_watched", "rooms", "wake")

    def __init__(self) -> None:
        """Begin knowing no room."""
        self.rooms: dict[str, RoomUse] = {}
        self._open: _Slot | None = None
        self._before: _Slot | None = None
        """The slot before, where it was watched"""
        self._watched = 0
        """A bit for each closed slot, as in the rooms"""
        self._now = 0.0
        self._last: str | None = None
        self._used: float | None = None
        self._changed: float | None = None
        self.wake: float | None = None
        """When the day began: the first change of room after four hours without"""
        self._days = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Return the rooms that were ever used."""
        return tuple(self.rooms)

    @property
    def days(self) -> float:
        """Return for how many days it has watched."""
        return self._days

    @property
    def now(self) -> float:
        """Return when it was last looked at, s since 1970; 0 before."""
        return self._now

    def silent(self, now: Instant) -> bool:
        """Return whether nothing was used for a day, or ever."""
        return self._used is None or now.at - self._used > SILENT_S

    def use(self, room: str, now: Instant) -> bool:
        """Take in a use; False when it comes too late or is of one room too many."""
        if not room or (room not in self.rooms and len(self.rooms) >= MOST_ROOMS) or not self.advance(now):
            return False
        if room != self._last:
            still = self._changed is not None and now.at - self._changed >= STILL_S
            if self._last is not None and still:
                self.wake = now.at
            self._changed = now.at
        self._last = room
        self.rooms.setdefault(room, RoomUse()).use(now.at)
        self._used = now.at
        return True

    def advance(self, now: Instant) -> bool:
        """Let time pass; False when it runs backwards."""
        if now.at < self._now - BACK_S:
            self._forget()
        if now.at < self._now:
            return False
        start = now.at - 60.0 * (now.minute % 30.0)
        if self._open is None or now.at - self._now > UNWATCHED_S:
            self._skip(now, start)
        while self._open is not None and start - self._open.start > SLOT_S / 2.0:
            self._close(now)
        self._now = now.at
        return True

    def _forget(self) -> None:
        """Drop what depends on the clock, keep what was counted."""
        self._now, self._open, self._before, self._watched = 0.0, None, None, 0
        self._changed = self._used = self.wake = None
        for each in self.rooms.values():
            each.last, each.past, each.mask, each.used = None, 0, 0, False

    def _skip(self, now: Instant, start: float) -> None:
        """Leave out what nobody watched."""
        if self._open is not None:
            slots = min(max(round((start - self._open.start) / SLOT_S), 1), KEPT_SLOTS)
            self._watched = self._watched << slots & _MASK
            for each in self.rooms.values():
                each.past, each.used = each.past << slots & _MASK, False
        self._before = None
        self._begin(_Slot(start, now.slot, int(now.free), self._last))

    def _begin(self, opened: _Slot) -> None:
        self._open = opened
        for each in self.rooms.values():
            recent = each.last is not None and opened.start - each.last <= HOUR_S
            each.recent = recent, each.recent[0]

    def _close(self, now: Instant) -> None:
        """Close the open slot, count the hour that began with the one before, open the next."""
        done, before = self._open, self._before
        if done is None:
            return
        counted = before is not None and not self.silent(Instant(at=done.start, minute=0.0, free=False))
        self._watched = (self._watched << 1 | 1) & _MASK
        for each in self.rooms.values():
            if counted and before is not None:
                outcome = each.used or bool(each.past & 1)
                each.learn(before.slot, before.day, before.last, recent=each.recent[1], outcome=outcome)
            each.past = (each.past << 1 | int(each.used)) & _MASK
            each.used = False
            each.fade()
        self._days += SLOT_S / DAY_S
        self._before = done
        slot = (done.slot + 1) % SLOTS
        start = done.start + SLOT_S
        # The slot of the last look is known; one in between takes the day class of the look after midnight.
        if now.at - start < SLOT_S:
            slot, day = now.slot, int(now.free)
        else:
            day = int(now.free) if slot < done.slot else done.day
        self._begin(_Slot(start, slot, day, self._last))

    def _same_hour(self, room: RoomUse, ago: int) -> float | None:
        """Return whether the room was used in the hour that began so many slots before the open one."""
        two = 0b11 << (ago - 2)
        return float(bool(room.past & two)) if self._watched & two == two else None

    def features(self, name: str, now: Instant) -> dict[str, float | None] | None:
        """Return the features of the hour that begins now; None for a room never used, or in a silent home."""
        room, used = self.rooms.get(name), self._used
        if room is None or room.last is None or used is None or self.silent(now):
            return None
        slot, day, at = now.slot, int(now.free), now.at
        week, any_day = room.rates(slot, day)
        return {
            "week_rate": logit(week),
            "day_rate": logit(any_day),
            "room_rate": logit(room.rate),
            "stay_rate": logit(room.stay_rate(recent=at - room.last <= HOUR_S)),
            "after_rate": logit(room.after_rate(self._last)),
            "used_15_min": room.share(at, 3),
            "used_60_min": room.share(at, 12),
            "used_180_min": room.share(at, 36),
            "since_use": minutes(at - room.last),
            "since_home": minutes(at - used),
            "here": float(name == self._last),
            "yesterday": self._same_hour(room, SLOTS),
            "last_week": self._same_hour(room, 7 * SLOTS),
            "since_wake": None if self.wake is None else minutes(at - self.wake),
        }

    def snapshot(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "rooms": {name: each.snapshot() for name, each in self.rooms.items()},
            "slots": [None if each is None else list(each) for each in (self._open, self._before)],
            "watched": f"{self._watched:x}",
            "now": [self._now, self._days],
            "last": self._last,
            "times": [self._used, self._changed, self.wake],
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        keys = {"rooms", "slots", "watched", "now", "last", "times"}
        if not isinstance(state, dict) or set(state) != keys or not isinstance(state["rooms"], dict):
            msg = "a stored home is no record of rooms"
            raise SnapshotError(msg)
        self = cls()
        rooms = list(state["rooms"].items())
        if len(rooms) > MOST_ROOMS:
            msg = "a stored home has too many rooms"
            raise SnapshotError(msg)
        self.rooms = {str(name): RoomUse.restored(each) for name, each in rooms}
        slots, times = state["slots"], state["times"]
        if not isinstance(slots, list) or len(slots) != 2 or not isinstance(times, list) or len(times) != 3:
            msg = "a stored home's slots or times are not as many as they should be"
            raise SnapshotError(msg)
        self._open, self._before = (_slot(each) for each in slots)
        self._watched = bits(state["watched"])
        self._now, self._days = numbers(state["now"], 2)
        if self._open is not None and not -SLOT_S <= self._now - self._open.start <= 2.0 * SLOT_S:
            msg = "a stored home's open slot is not that of its last look"
            raise SnapshotError(msg)
        self._last = None if state["last"] is None else str(state["last"])
        self._used, self._changed, self.wake = (None if each is None else numbers([each], 1)[0] for each in times)
        return self


def _slot(state: object) -> _Slot | None:
    if state is None:
        return None
    if not isinstance(state, list) or len(state) != 4:
        msg = "a stored slot is not a row of four"
        raise SnapshotError(msg)
    start, slot, day = numbers(state[:3], 3)
    if slot not in range(SLOTS) or day not in range(2):
        msg = "a stored slot is none of a day"
        raise SnapshotError(msg)
    return _Slot(start, int(slot), int(day), None if state[3] is None else str(state[3]))
