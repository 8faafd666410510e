"""Add one of our own Bluetooth devices, or change whose it is, where it is, and its key."""

from collections.abc import Mapping
from typing import Any, Final

import probatio as vol
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigEntryState, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_ADDRESS, CONF_ID, CONF_NAME
from homeassistant.helpers.selector import TextSelector
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ..adapters.bindings import rooms_of
from ..const import (
    CONF_FORMER,
    CONF_INHALER,
    CONF_INHALERS,
    CONF_KEY,
    CONF_KIND,
    CONF_PERSON,
    CONF_ROLE,
    CONF_ROOM,
    CONF_SOURCES,
    CONF_UNTIL,
    SUBENTRY_DEVICE,
)
from ..engine import InhalerRole, RoomKind
from ..protocol import DeviceKind
from .fields import options_selector
from .labels import async_device_labels
from .whose import NEW, async_inhaler_labels, members_of

BLUETOOTH: Final = "bluetooth"
OWNED: Final = (CONF_PERSON, CONF_INHALER, CONF_ROOM)
MOST_FORMER: Final = 20
"""Whoever had it before that has had it fetched, or its memory has overwritten it."""


class DeviceFlow(ConfigSubentryFlow):
    """Add or change one device."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._data: dict[str, Any] = {}
        self._title = ""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which of the devices in range it is; who comes from an offer has said so."""
        if BLUETOOTH not in self.hass.config.components:
            return self.async_abort(reason="bluetooth_missing")
        # What it imports is there only where Bluetooth is.
        from ..adapters.found_devices import found_devices  # noqa: PLC0415

        found = found_devices(self.hass, self._get_entry())
        errors: dict[str, str] = {}
        if user_input is not None:
            if (chosen := found.get(user_input[CONF_ADDRESS])) is not None:
                return await self._begin(chosen.address, chosen.kind)
            errors[CONF_ADDRESS] = "out_of_range"
        if not found:
            return self.async_abort(reason="no_devices_found")
        labels = await async_device_labels(self.hass, {each.address: each.kind for each in found.values()})
        schema = vol.Schema({vol.Required(CONF_ADDRESS): options_selector(labels)})
        return self.async_show_form(step_id="user", data_schema=schema, errors=errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what is to be changed."""
        subentry = self._get_reconfigure_subentry()
        self._data, self._title = dict(subentry.data), subentry.title
        return self.async_show_menu(
            step_id="reconfigure", menu_options=["key", self._data[CONF_KIND]], description_placeholders=self._words()
        )

    async def async_step_key(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the key, and try it at once."""
        if BLUETOOTH not in self.hass.config.components:
            return self.async_abort(reason="bluetooth_missing")
        from ..adapters.pairing import async_try_key  # noqa: PLC0415

        errors: dict[str, str] = {}
        if user_input is not None and self.source == SOURCE_RECONFIGURE and not self._loaded():
            # How far its log was read is not known now: counted on from 0, its next events would be taken for old ones.
            errors[CONF_KEY] = "household_not_running"
        elif user_input is not None:
            kind = DeviceKind(self._data[CONF_KIND])
            tried = await async_try_key(
                self.hass, self._data[CONF_ADDRESS], kind, user_input.get(CONF_KEY, ""), await self._async_cursor()
            )
            if tried.error is None:
                self._data[CONF_KEY] = tried.key
                if self.source == SOURCE_RECONFIGURE:
                    return self._finish()
                if kind is DeviceKind.INHALER_SLEEVE:
                    return await self.async_step_inhaler_sleeve()
                return await self.async_step_bed_node()
            errors[CONF_KEY] = tried.error
        return self.async_show_form(
            step_id="key",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Optional(CONF_KEY): TextSelector()}), user_input
            ),
            errors=errors,
            description_placeholders=self._words(),
        )

    async def async_step_inhaler_sleeve(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask on whose inhaler it sits."""
        labels = await async_inhaler_labels(self.hass, self._get_entry())
        if not labels:
            return self.async_abort(reason="no_member")
        errors = _refused(user_input, CONF_INHALER)
        if user_input is not None and not errors and (choice := user_input[CONF_INHALER]) in labels:
            self._title = user_input[CONF_NAME].strip()
            self._data |= self._inhaler(choice)
            return self._finish()
        schema = vol.Schema(
            {vol.Required(CONF_NAME): TextSelector(), vol.Optional(CONF_INHALER): options_selector(labels)}
        )
        shown = {CONF_NAME: self._title}
        if (mine := f"{self._data.get(CONF_PERSON)}/{self._data.get(CONF_INHALER)}") in labels:
            shown[CONF_INHALER] = mine
        return self._form(DeviceKind.INHALER_SLEEVE, schema, user_input or shown, errors)

    async def async_step_bed_node(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask whose bed it is, and where it stands."""
        entry = self._get_entry()
        people = {member.id: member.title for member in members_of(entry)}
        rooms = {area_id: room.title for area_id, room in rooms_of(entry).items()}
        if not people:
            return self.async_abort(reason="no_member")
        if not rooms:
            return self.async_abort(reason="no_room")
        errors = _refused(user_input, CONF_PERSON)
        if user_input is not None and not errors:
            self._title = user_input[CONF_NAME].strip()
            self._data |= {CONF_PERSON: user_input[CONF_PERSON], CONF_ROOM: user_input[CONF_ROOM]}
            return self._finish()
        schema = vol.Schema(
            {
                vol.Required(CONF_NAME): TextSelector(),
                vol.Optional(CONF_PERSON): options_selector(people),
                vol.Required(CONF_ROOM): options_selector(rooms),
            }
        )
        chosen = {CONF_PERSON: people, CONF_ROOM: rooms}
        known: dict[str, Any] = {} if (bedroom := self._bedroom()) is None else {CONF_ROOM: bedroom}
        if len(people) == 1:
            known[CONF_PERSON] = next(iter(people))
        known |= {name: self._data[name] for name, labels in chosen.items() if self._data.get(name) in labels}
        return self._form(DeviceKind.BED_NODE, schema, user_input or {CONF_NAME: self._title, **known}, errors)

    def _bedroom(self) -> str | None:
        """Return where the bed probably stands: in a bedroom, one without a bed node first."""
        entry = self._get_entry()
        taken = {each.data.get(CONF_ROOM) for each in entry.get_subentries_of_type(SUBENTRY_DEVICE)}
        found = [area for area, room in rooms_of(entry).items() if room.data[CONF_KIND] == RoomKind.BEDROOM]
        return min(found, key=lambda area: area in taken, default=None)

    async def _begin(self, address: str, kind: DeviceKind) -> SubentryFlowResult:
        self._data = {CONF_ADDRESS: address, CONF_KIND: kind.value}
        self._title = (await async_device_labels(self.hass, {address: kind}))[address]
        return await self.async_step_key()

    def _loaded(self) -> bool:
        return self._get_entry().state is ConfigEntryState.LOADED

    async def _async_cursor(self) -> int:
        """Return how far the device's log was read: with a new key it goes on from there."""
        if not self._loaded():
            return 0
        return (await self._get_entry().runtime_data.diary.async_log_state(self._data[CONF_ADDRESS])).cursor  # type: ignore[no-any-return]

    def _inhaler(self, choice: str) -> dict[str, str]:
        """Return whose inhaler was chosen; a new one is written down with its person first."""
        person, _, inhaler = choice.partition("/")
        if inhaler.startswith(NEW):
            entry = self._get_entry()
            member = next(each for each in members_of(entry) if each.id == person)
            role, inhaler = InhalerRole(inhaler.removeprefix(NEW)), ulid_now()
            new: dict[str, Any] = {CONF_ID: inhaler, CONF_NAME: self._title, CONF_ROLE: role.value, CONF_SOURCES: []}
            known = [*member.subentry.data.get(CONF_INHALERS, ()), new]
            data = {**member.subentry.data, CONF_INHALERS: known}
            self.hass.config_entries.async_update_subentry(entry, member.subentry, data=data)
        return {CONF_PERSON: person, CONF_INHALER: inhaler}

    def _form(
        self, kind: DeviceKind, schema: vol.Schema, shown: Mapping[str, Any], errors: dict[str, str]
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=kind.value,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders=self._words(),
        )

    def _words(self) -> dict[str, str]:
        return {"device": self._title}

    def _finish(self) -> SubentryFlowResult:
        entry = self._get_entry()
        if self.source == SOURCE_RECONFIGURE:
            subentry = self._get_reconfigure_subentry()
            self._data[CONF_FORMER] = _former(subentry.data, self._data)
            return self.async_update_and_abort(entry, subentry, title=self._title, data=self._data)
        address = self._data[CONF_ADDRESS]
        # Somebody else may have been quicker.
        if any(each.unique_id == address for each in entry.get_subentries_of_type(SUBENTRY_DEVICE)):
            return self.async_abort(reason="already_configured")
        return self.async_create_entry(title=self._title, data=self._data, unique_id=address)


def _refused(user_input: Mapping[str, Any] | None, owner: str) -> dict[str, str]:
    """Return what is missing. Whose it is has no proposal: a hasty "Submit" would give it to the first in the list."""
    if user_input is None:
        return {}
    errors = {} if user_input[CONF_NAME].strip() else {CONF_NAME: "name_empty"}
    return errors if user_input.get(owner) else errors | {owner: "owner_missing"}


def _former(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return whose it was until now: what it recorded and nobody fetched yet is still theirs."""
    former = [*old.get(CONF_FORMER, ())]
    if any(old.get(name) != new.get(name) for name in OWNED):
        whose = {name: old[name] for name in OWNED if name in old}
        former.append({CONF_UNTIL: dt_util.utcnow().isoformat(), **whose})
    return former[-MOST_FORMER:]
