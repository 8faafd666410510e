"""The cold start: the recorded past goes through the same engine, in small slices."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .adapters.bindings import Binding, BindingIndex
from .const import LOGGER
from .engine import HOUSE, OUTDOOR, Engine, Household, Reading, ReadingError, Room, SnapshotError
from .pace import Pace

FIRST_SIGHT = timedelta(days=365)
"""How far back a room nobody has seen yet is followed."""

STEP = timedelta(hours=1)
PAUSE_S = 0.002
"""The loop has this long for others between two slices."""


CLOCK_SLACK = timedelta(hours=1)
"""How far a clock may go back; further, and what was learned under the wrong time is dropped."""


class Past:
    """Which rooms have their recorded past, and what is kept of the others until they have it."""

    def __init__(self, stored: Mapping[str, Any] | None = None) -> None:
        """Begin with what was stored; raises KeyError, TypeError or ValueError when it is no record of ours."""
        self._seen: dict[str, datetime] = {}
        """Rooms whose past has been taken in, and up to when that was so at the start."""
        self._held: Mapping[str, Any] | None = None
        """The engine as stored, until the time since then has been followed."""
        self._reset: set[str] = set()
        """Rooms whose owner wants what is under way forgotten."""
        if stored is not None:
            if stored.get("until") is not None and _time(stored["until"]) > dt_util.utcnow() + CLOCK_SLACK:
                msg = f"it was written under a clock that showed {stored['until']}"
                raise ValueError(msg)
            self._held = stored["engine"]
            known = stored["engine"]["rooms"].keys()
            self._seen = {room: _time(text) for room, text in stored["seen"].items() if room in known}

    def stored(self, snapshot: dict[str, object], looks: Mapping[str, datetime]) -> dict[str, Any]:
        """Return what to keep: the engine's snapshot, and up to when each room has its past.

        `looks` are the rooms' last looks of before the snapshot was begun.

        A room whose past is still being followed is kept as it was before, so that nothing is missed
        when this is broken off.
        """
        rooms: dict[str, Any] = dict(snapshot["rooms"])  # type: ignore[call-overload]
        context = snapshot["context"] if self._held is None else self._held["context"]
        seen: dict[str, str] = {}
        for room in self._seen.keys() & rooms.keys():
            if self._held is not None and room not in self._reset:
                rooms[room], seen[room] = self._held["rooms"][room], self._seen[room].isoformat()
            else:
                seen[room] = looks.get(room, self._seen[room]).isoformat()
        # A context that knows what is said now would take nothing that was said before.
        state = snapshot | {"rooms": rooms, "context": context}
        until = max((at.isoformat() for at in looks.values()), default=None)
        return {"engine": state, "seen": seen, "until": until}

    def reset(self, room: str) -> None:
        """Take note that a room begins anew, without a past."""
        self._reset.add(room)
        self._seen[room] = dt_util.utcnow()

    async def async_learn(
        self,
        hass: HomeAssistant,
        engine: Engine,
        bindings: BindingIndex,
        report: Callable[[int | None], None],
    ) -> bool:
        """Let the engine take over what the recorder knows; return whether it could be asked."""
        learned = False
        if "recorder" in hass.config.components:
            # The recorder is optional: its package is imported where there is one.
            from .adapters.history import HistoryError, async_available  # noqa: PLC0415

            if await async_available(hass):
                try:
                    await self._async_adopt(hass, engine, Backfill(hass, bindings.all, bindings.weather), report)
                    learned = True
                except HistoryError as err:
                    LOGGER.warning("The recorded past cannot be read, rooms without one go on without: %s", err)
                finally:
                    report(None)
        self._held = None
        return learned

    async def _async_adopt(
        self, hass: HomeAssistant, engine: Engine, backfill: Backfill, report: Callable[[int | None], None]
    ) -> None:
        report(0)
        now = dt_util.utcnow()
        for past in await backfill.async_run(engine.household, self._held, self._seen, now, report):
            for room in self._reset & {room.id for room in past.household.rooms}:
                past.reset(room)
            engine.adopt(past)
        self._seen |= {room.id: now for room in engine.household.rooms}


class Backfill:
    """Feeds one engine with the past of its rooms, up to now.

    The live engine goes on meanwhile; it takes over what was learned at the end, so that
    time never runs backwards for it.
    """

    def __init__(self, hass: HomeAssistant, bindings: Iterable[Binding], weather: str | None) -> None:
        """Prepare for these bindings."""
        self._hass = hass
        self._bindings = tuple(bindings)
        self._weather = weather
        self._pace = Pace(PAUSE_S)

    async def async_run(
        self,
        household: Household,
        snapshot: Mapping[str, object] | None,
        seen: Mapping[str, datetime],
        now: datetime,
        report: Callable[[int], None],
    ) -> list[Engine]:
        """Return engines that have lived through the past.

        Rooms that were seen before start where they stopped, from `snapshot`; the others
        start a year ago. `report` is told the progress in %.
        """
        known = tuple(room for room in household.rooms if room.id in seen)
        fresh = tuple(room for room in household.rooms if room.id not in seen)
        parts: list[tuple[Engine, datetime]] = []
        if known:
            engine = Engine(_only(household, known))
            try:
                if snapshot is not None:
                    engine.restore(snapshot)
            except SnapshotError as err:
                LOGGER.warning("Stored state cannot be followed on: %s", err)
            parts.append((engine, min(seen[room.id] for room in known)))
        if fresh:
            parts.append((Engine(_only(household, fresh)), now - FIRST_SIGHT))
        total = sum((now - start).total_seconds() for _, start in parts) or 1.0
        done = 0.0
        for engine, start in parts:
            async for at in self._follow(engine, start, now):
                report(int(100 * (done + (at - start).total_seconds()) / total))
            done += (now - start).total_seconds()
        report(100)
        return [engine for engine, _ in parts]

    async def _follow(self, engine: Engine, start: datetime, now: datetime) -> AsyncIterator[datetime]:
        """Live through one engine's past; yields how far it came."""
        # The recorder is optional: its package is imported where there is one.
        from .adapters.history import async_portions  # noqa: PLC0415

        rooms = {room.id for room in engine.household.rooms}
        step: datetime | None = None
        async for portion in async_portions(self._hass, self._bindings, self._weather, start, now):
            for reading in portion.readings:
                # The past begins with the first thing on record, not a year ago.
                step = step or _hour_after(reading.at)
                while reading.at >= step:
                    await self._step(engine, rooms, step)
                    step += STEP
                _observe(engine, rooms, reading)
                await self._pace.breathe()
            while step is not None and step <= portion.end:
                await self._step(engine, rooms, step)
                step += STEP
            yield portion.end

    async def _step(self, engine: Engine, rooms: Iterable[str], at: datetime) -> None:
        for room in rooms:
            engine.step(room, at)
            await self._pace.breathe()


def _observe(engine: Engine, rooms: set[str], reading: Reading) -> None:
    if reading.place not in rooms and reading.place not in (OUTDOOR, HOUSE):
        return
    try:
        engine.observe(reading)
    except ReadingError as err:
        LOGGER.debug("Recorded value is not used: %s", err)


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        msg = f"{text} is a time without zone"
        raise ValueError(msg)
    return at


def _hour_after(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0) + STEP


def _only(household: Household, rooms: tuple[Room, ...]) -> Household:
    """Return the household with these rooms alone and nobody to tell."""
    return Household(timezone=household.timezone, rooms=rooms, journeys=household.journeys)
