"""What was learned, kept in Home Assistant's store."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, override

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import Store

from .const import DOMAIN

VERSION = 1
MINOR_VERSION = 1
SAVE_DELAY = 1800
"""s between a change and its write: an SD card does not like many. What a power cut takes is no more than
the recorder gives back; answers are in the ledger."""

type Stored = dict[str, Any]


class _Store(Store[Stored]):
    """Store with room for later versions."""

    @override
    async def _async_migrate_func(self, old_major_version: int, old_minor_version: int, old_data: Stored) -> Stored:
        """Return the data as this version wants them; there is only one yet."""
        return old_data


class EngineStorage:
    """Keeps one household's snapshot in a private, atomically written file."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Name the file; nothing is read yet."""
        self._hass = hass
        self._store = _Store(
            hass,
            VERSION,
            f"{DOMAIN}.{entry_id}",
            private=True,
            atomic_writes=True,
            minor_version=MINOR_VERSION,
            serialize_in_event_loop=False,
        )
        self._snapshot: Callable[[], Awaitable[Stored]] | None = None
        self._stops: list[CALLBACK_TYPE] = []

    async def async_load(self) -> Mapping[str, Any] | None:
        """Return what was saved; None on the first run or when the file was corrupt (it is set aside)."""
        return await self._store.async_load()

    @callback
    def schedule(self, snapshot: Callable[[], Awaitable[Stored]]) -> None:
        """Save some minutes from the first change on, however many follow, and when Home Assistant stops.

        Store's own delay would do neither: each change puts the write off again, and it takes the
        snapshot in a thread while the loop goes on changing the engine.
        """
        if self._snapshot is not None:
            return
        self._snapshot = snapshot
        due = HassJob(self._async_due, "SmartLoop save", cancel_on_shutdown=True)
        self._stops = [
            async_call_later(self._hass, SAVE_DELAY, due),
            self._hass.bus.async_listen(EVENT_HOMEASSISTANT_FINAL_WRITE, self._async_due),
        ]

    async def _async_due(self, _when: datetime | Event) -> None:
        if (snapshot := self._snapshot) is not None:
            # First: what changes while the pieces are gathered is for the next time.
            self._forget_schedule()
            await self._store.async_save(await snapshot())

    async def async_save(self, snapshot: Stored) -> None:
        """Save now; a value nobody changes any more."""
        self._forget_schedule()
        await self._store.async_save(snapshot)

    async def async_remove(self) -> None:
        """Forget everything."""
        self._forget_schedule()
        await self._store.async_remove()

    def _forget_schedule(self) -> None:
        self._snapshot = None
        while self._stops:
            self._stops.pop()()
