"""What was learned, kept in Home Assistant's store."""

from collections.abc import Callable, Mapping
from typing import Any, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .const import DOMAIN

VERSION = 1
MINOR_VERSION = 1
SAVE_DELAY = 300
"""s between a change and its write: an SD card does not like many."""

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
        self._store = _Store(
            hass,
            VERSION,
            f"{DOMAIN}.{entry_id}",
            private=True,
            atomic_writes=True,
            minor_version=MINOR_VERSION,
            serialize_in_event_loop=False,
        )

    async def async_load(self) -> Mapping[str, Any] | None:
        """Return what was saved; None on the first run or when the file was corrupt (it is set aside)."""
        return await self._store.async_load()

    def schedule(self, snapshot: Callable[[], Stored]) -> None:
        """Save some minutes from now; `snapshot` must return data nobody changes any more."""
        self._store.async_delay_save(snapshot, SAVE_DELAY)

    async def async_save(self, snapshot: Stored) -> None:
        """Save now."""
        await self._store.async_save(snapshot)

    async def async_remove(self) -> None:
        """Forget everything."""
        await self._store.async_remove()
