"""The routines of a home: learned at each day's end, told once, undone or edited by the household.

`observe` what was used and `advance` now and then. A day on which nothing at all was used does not count: nobody was
home, or nobody recorded. Time is an argument (see `features.presence`); a day is told from the next by when it began,
so an hour more or less of summer time does not matter.
"""

from collections import deque
from dataclasses import asdict, replace
from typing import Final, Self

from ..errors import SnapshotError
from ..features.presence import BACK_S, DAY_S, Instant
from .personal_state import Fields, Record
from .routine import (
    BY_HAND_S,
    DAY_START,
    DROP,
    EVIDENCE,
    KEPT_DAYS,
    QUARTERS,
    ByHand,
    Days,
    DayUse,
    Routine,
    Track,
    apart,
    quarter_of,
)

KIND: Final = "routines"
VERSION: Final = 1
MOST_THINGS: Final = 64
MOST_ROUTINES: Final = 128
_QUIET_S: Final = 1800.0
"""Without use, after which the next is a beginning"""


class RoutineBook:
    """Routines of all things of a home."""

    __slots__ = ("_evidence", "_free", "_named", "_now", "_number", "_start", "_tracks", "_used", "refused", "routines")

    def __init__(self, evidence: float = EVIDENCE) -> None:
        """Begin knowing nothing; `evidence` is the log of how much likelier than chance a habit has to be."""
        self._evidence = evidence
        self.routines: list[Routine] = []
        self.refused: deque[Routine] = deque(maxlen=MOST_ROUTINES)
        """Undone: they do not come back"""
        self._tracks: dict[str, Track] = {}
        self._start: float | None = None
        self._now = 0.0
        self._number = 0
        self._free = False
        self._used = False
        self._named = 0

    def observe(self, thing: str, now: Instant) -> bool:
        """Take in a use; False when it comes too late or is of one thing too many."""
        if not thing or (thing not in self._tracks and len(self._tracks) >= MOST_THINGS) or not self.advance(now):
            return False
        track = self._tracks.setdefault(thing, Track())
        if now.at - track.last > _QUIET_S:
            track.today |= 1 << quarter_of(now.minute)
        track.last = now.at
        self._used = True
        return True

    def advance(self, now: Instant) -> bool:
        """Let time pass, and learn when a day is over; False when it runs backwards."""
        if now.at < self._now - BACK_S:
            # The clock was wrong: nobody knows of which day today's uses are.
            self._start, self._used = None, False
            for track in self._tracks.values():
                track.today, track.last = 0, -DAY_S
            self._now = 0.0
        if now.at < self._now:
            return False
        self._now = now.at
        start = now.at - 60.0 * ((now.minute - DAY_START) % 1440.0)
        if self._start is not None and start - self._start > DAY_S / 2.0:
            self._close()
            self._number += max(round((start - self._start) / DAY_S), 1)
            self._start = None
        if self._start is None:
            # Between midnight and four it is still yesterday, whose class then nobody said: today's stands in.
            self._start, self._free = start, now.free
        return True

    def by_hand(self, key: str, now: Instant, *, wanted: bool) -> bool:
        """Count what a person does within ten minutes of a routine's time, against it or for it, as three days.

        False where it is no answer to it. Of several answers a day the last counts.
        """
        routine = next((each for each in self.routines if each.key == key), None)
        if routine is None or not self.advance(now):
            return False
        if not routine.days.include(free=now.free) or 60.0 * apart(routine.at, now.minute) > BY_HAND_S:
            return False
        track = self._tracks[routine.thing]
        act = ByHand(number=self._number, free=self._free, quarter=quarter_of(routine.at), wanted=wanted)
        kept = [each for each in track.by_hand if (each.number, each.quarter) != (act.number, act.quarter)]
        track.by_hand.clear()
        track.by_hand.extend([*kept, act])
        return True

    def undo(self, key: str) -> bool:
        """Take a routine back for good."""
        for each in self.routines:
            if each.key == key:
                self.routines.remove(each)
                self.refused.append(each)
                return True
        return False

    def edit(self, key: str, *, at: float, days: Days) -> bool:
        """Let the household say when: what it says is kept."""
        for place, each in enumerate(self.routines):
            if each.key == key and 0.0 <= at < 1440.0:
                shift = at - each.at
                start, end = (each.start + shift) % 1440.0, (each.end + shift) % 1440.0
                changed = replace(each, at=at, start=start, end=end, days=days, edited=True)
                self.routines[place] = self._tracks[each.thing].judged(changed, self._number)
                return True
        return False

    def due(self, now: Instant) -> tuple[Routine, ...]:
        """Return the routines of today, as yet to come or past."""
        return tuple(each for each in self.routines if each.days.include(free=now.free))

    def _close(self) -> None:
        """Learn from the day that is over."""
        if self._used:
            for track in self._tracks.values():
                track.days.append(DayUse(number=self._number, free=self._free, quarters=track.today))
            self._tell()
        for track in self._tracks.values():
            track.today = 0
        self._used = False

    def _tell(self) -> None:
        """Match what is found with what was told."""
        found = {thing: track.found(thing, self._number, self._evidence) for thing, track in self._tracks.items()}
        kept: list[Routine] = []
        for each in self.routines:
            follower = None if each.edited else next((new for new in found[each.thing] if each.near(new)), None)
            if follower is not None:
                found[each.thing].remove(follower)
                now = replace(follower, key=each.key)
            else:
                now = self._tracks[each.thing].judged(each, self._number)
            if (each.edited or now.probability >= DROP) and not any(now.overlaps(other) for other in kept):
                kept.append(now)
        for new in (each for several in found.values() for each in several):
            told = any(new.overlaps(other) for other in (*kept, *self.refused))
            if not told and len(kept) < MOST_ROUTINES:
                self._named += 1
                kept.append(replace(new, key=f"routine_{self._named}"))
        self.routines = kept

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": KIND,
            "version": VERSION,
            "routines": [asdict(each) for each in self.routines],
            "refused": [asdict(each) for each in self.refused],
            "things": {name: _stored(track) for name, track in self._tracks.items()},
            "start": self._start,
            "now": self._now,
            "number": self._number,
            "free": self._free,
            "used": self._used,
            "named": self._named,
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        self = cls()
        self._tracks = fields.part("things", _tracks)
        self.routines = [_routine(each) for each in fields.items("routines", MOST_ROUTINES)]
        self.refused.extend(_routine(each) for each in fields.items("refused", MOST_ROUTINES))
        self._start, self._now = fields.maybe("start"), fields.number("now")
        self._number, self._named = fields.count("number"), fields.count("named")
        self._free, self._used = fields.flag("free"), fields.flag("used")
        fields.require(holds=all(each.thing in self._tracks for each in self.routines), what="tells of unknown things")
        told = self._tracks.values()
        seen = [
            *(day.number for each in told for day in each.days),
            *(act.number for each in told for act in each.by_hand),
        ]
        fields.require(holds=all(0 <= number <= self._number for number in seen), what="has days to come")
        return self


def _stored(track: Track) -> Record:
    return {
        "kind": "routine_thing",
        "version": VERSION,
        "days": [[day.number, int(day.free), f"{day.quarters:x}"] for day in track.days],
        "by_hand": [[act.number, int(act.free), act.quarter, int(act.wanted)] for act in track.by_hand],
        "today": f"{track.today:x}",
        "last": max(track.last, -DAY_S),
    }


def _tracks(state: object) -> dict[str, Track]:
    if not isinstance(state, dict) or len(state) > MOST_THINGS:
        msg = "stored routines: the things are no record, or too many"
        raise SnapshotError(msg)
    return {str(name): _track(each) for name, each in state.items()}


def _track(state: object) -> Track:
    fields = Fields(state, "routine_thing", VERSION)
    track = Track()
    for each in fields.items("days", KEPT_DAYS):
        if not isinstance(each, list) or len(each) != 3 or not all(type(value) is int for value in each[:2]):
            msg = "stored routines: a day is not a row of three"
            raise SnapshotError(msg)
        track.days.append(DayUse(number=each[0], free=bool(each[1]), quarters=_quarters(each[2])))
    for row in fields.table("by_hand", 4, KEPT_DAYS).tolist():
        number, free, quarter, wanted = (int(value) for value in row)
        track.by_hand.append(ByHand(number=number, free=bool(free), quarter=quarter % QUARTERS, wanted=bool(wanted)))
    track.today = _quarters(state["today"] if isinstance(state, dict) and "today" in state else None)
    track.last = fields.number("last")
    return track


def _quarters(state: object) -> int:
    try:
        found = int(state, 16) if isinstance(state, str) and len(state) <= QUARTERS // 4 else -1
    except ValueError:
        found = -1
    if found < 0:
        msg = "stored routines: quarters are no bits"
        raise SnapshotError(msg)
    return found


def _routine(state: object) -> Routine:
    marked = {"kind": "routine", "version": VERSION, **state} if isinstance(state, dict) else state
    fields = Fields(marked, "routine", VERSION)
    key, thing, days = (fields.text(name) for name in ("key", "thing", "days"))
    fields.require(holds=days in tuple(Days), what="is of no known days")
    return Routine(
        key=key,
        thing=thing,
        days=Days(days),
        at=fields.number("at", 0.0, 1440.0),
        start=fields.number("start", 0.0, 1440.0),
        end=fields.number("end", 0.0, 1440.0),
        held=fields.count("held", KEPT_DAYS),
        of=fields.count("of", KEPT_DAYS),
        probability=fields.number("probability", 0.0, 1.0),
        edited=fields.flag("edited"),
    )
