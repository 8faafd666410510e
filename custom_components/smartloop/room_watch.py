"""Follow rooms of the household across reloads, for triggers and conditions."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import probatio as vol
from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from .const import CONF_AREA, DOMAIN, SUBENTRY_ROOM
from .coordinator import Coordinator
from .engine import DecisionKey, RoomView, Severity

CONF_LEVEL = "level"
CONF_ROOMS = "rooms"
ROOMS = {vol.Optional(CONF_ROOMS, default=list): vol.All(cv.ensure_list, [cv.string])}


class MoldRisk(StrEnum):
    """How far it is with mold in a room."""

    NONE = "none"
    ELEVATED = "elevated"
    """First growth has begun or is two weeks off."""
    HIGH = "high"
    """Growth that can be seen is there or two weeks off."""

    def reaches(self, level: MoldRisk) -> bool:
        """Return whether it is at least that much."""
        ranks = list(MoldRisk)
        return ranks.index(self) >= ranks.index(level)


def mold_risk(view: RoomView) -> MoldRisk | None:
    """Return the risk as the engine has decided, hysteresis included; None when nothing is known."""
    if view.mold_index is None:
        return None
    severities = {decision.severity for decision in view.active if decision.key is DecisionKey.MOLD_GROWTH}
    if severities & {Severity.WARNING, Severity.CRITICAL}:
        return MoldRisk.HIGH
    return MoldRisk.ELEVATED if severities else MoldRisk.NONE


def loaded_coordinator(hass: HomeAssistant) -> Coordinator | None:
    """Return the household's coordinator while there is one."""
    entries = hass.config_entries.async_loaded_entries(DOMAIN)
    found: Coordinator | None = entries[0].runtime_data if entries else None
    return found


def room_ids(hass: HomeAssistant, chosen: Sequence[str]) -> list[str]:
    """Return the chosen rooms, named by area or by device; raise Invalid for what is no room here."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    if not entries:
        return list(chosen)
    known = {sub.data[CONF_AREA] for sub in entries[0].get_subentries_of_type(SUBENTRY_ROOM)}
    return [_room_id(hass, entries[0], known, each) for each in chosen]


def _room_id(hass: HomeAssistant, entry: ConfigEntry[Any], known: set[str], chosen: str) -> str:
    if chosen in known:
        return chosen
    prefix = f"{entry.entry_id}_"
    device = dr.async_get(hass).async_get(chosen)
    for domain, identifier in device.identifiers if device is not None else ():
        if domain == DOMAIN and (room := identifier.removeprefix(prefix)) in known:
            return room
    msg = f"{chosen} is no room of this household"
    raise vol.Invalid(msg)


class RoomWatch:
    """Calls back when something changed in one of the rooms, through every reload of the household."""

    def __init__(self, hass: HomeAssistant, rooms: Sequence[str], changed: Callable[[str, RoomView], None]) -> None:
        """Prepare; no rooms means all of them."""
        self._hass = hass
        self._rooms = tuple(rooms)
        self._changed = changed
        self._coordinator: Coordinator | None = None
        self._stop_listening: list[CALLBACK_TYPE] = []

    def start(self) -> CALLBACK_TYPE:
        """Look at every room now and listen from here on; returns the way to stop."""
        stop_following = async_dispatcher_connect(self._hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed)
        if (coordinator := loaded_coordinator(self._hass)) is not None:
            self._listen(coordinator)

        @callback
        def stop() -> None:
            stop_following()
            self._forget()

        return stop

    @callback
    def _entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry[Any]) -> None:
        if entry.domain != DOMAIN:
            return
        if change is ConfigEntryChange.REMOVED or entry.state is not ConfigEntryState.LOADED:
            self._forget()
        elif entry.runtime_data is not self._coordinator:
            self._forget()
            self._listen(entry.runtime_data)

    def _listen(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        for room in coordinator.rooms:
            if not self._rooms or room in self._rooms:
                self._stop_listening.append(coordinator.async_add_listener(room, self._caller(coordinator, room)))
                self._changed(room, coordinator.view(room))

    def _caller(self, coordinator: Coordinator, room: str) -> Callable[[], None]:
        @callback
        def call() -> None:
            self._changed(room, coordinator.view(room))

        return call

    def _forget(self) -> None:
        self._coordinator = None
        while self._stop_listening:
            self._stop_listening.pop()()
