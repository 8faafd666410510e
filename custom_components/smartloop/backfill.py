"""The cold start: the recorded past goes through the same engine, in small slices."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from time import perf_counter

from homeassistant.core import HomeAssistant

from .adapters.bindings import Binding
from .const import LOGGER
from .engine import HOUSE, OUTDOOR, Engine, Household, Reading, ReadingError, Room, SnapshotError

FIRST_SIGHT = timedelta(days=365)
"""How far back a room nobody has seen yet is followed."""

STEP = timedelta(hours=1)
SLICE_S = 0.004
PAUSE_S = 0.002
"""The loop has this long for others between two slices."""


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
        self._slice = perf_counter()

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
            while step is not None and step <= portion.end:
                await self._step(engine, rooms, step)
                step += STEP
            yield portion.end

    async def _step(self, engine: Engine, rooms: Iterable[str], at: datetime) -> None:
        for room in rooms:
            engine.step(room, at)
            if perf_counter() - self._slice > SLICE_S:
                await asyncio.sleep(PAUSE_S)
                self._slice = perf_counter()


def _observe(engine: Engine, rooms: set[str], reading: Reading) -> None:
    if reading.place not in rooms and reading.place not in (OUTDOOR, HOUSE):
        return
    try:
        engine.observe(reading)
    except ReadingError as err:
        LOGGER.debug("Recorded value is not used: %s", err)


def _hour_after(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0) + STEP


def _only(household: Household, rooms: tuple[Room, ...]) -> Household:
    """Return the household with these rooms alone and nobody to tell."""
    return Household(timezone=household.timezone, rooms=rooms, journeys=household.journeys)
