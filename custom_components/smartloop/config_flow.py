"""Set up a household: its name, the air outside, its rooms and its people."""

from collections.abc import Mapping
from typing import Any, Final, override

import probatio as vol
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    OptionsFlow,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector

from .adapters.discovery import Proposal, propose
from .adapters.people import ProposedMember, propose_members
from .const import CONF_QUIET_HOURS, DOMAIN, SUBENTRY_MEMBER, SUBENTRY_ROOM
from .flows.fields import QUIET_END, QUIET_START, options_selector, quiet_hours, time_selector
from .flows.labels import async_room_labels
from .flows.member import MemberFlow, new_member
from .flows.options import DEFAULT_OPTIONS, SmartLoopOptionsFlow
from .flows.outdoor import outdoor_proposed, outdoor_refused, outdoor_remembered, outdoor_schema, outdoor_shown
from .flows.room import RoomFlow, new_room

ROOMS: Final = "rooms"
PEOPLE: Final = "people"
QUIET_BY_DEFAULT: Final = {QUIET_START: "22:00:00", QUIET_END: "07:00:00"}


def _name_refused(user_input: Mapping[str, Any]) -> dict[str, str]:
    return {} if user_input[CONF_NAME].strip() else {CONF_NAME: "name_empty"}


class SmartLoopConfigFlow(ConfigFlow, domain=DOMAIN):
    """Set up or change the household."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._name = ""
        self._options: dict[str, Any] = {}
        self._rooms: list[ConfigSubentryData] = []

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry[Any]) -> OptionsFlow:
        """Return the flow that changes the options."""
        return SmartLoopOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry[Any]) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what a household is made of."""
        return {SUBENTRY_MEMBER: MemberFlow, SUBENTRY_ROOM: RoomFlow}

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the household's name, the air outside and the quiet hours."""
        errors: dict[str, str] = {}
        if user_input is not None:
            quiet, errors = quiet_hours(user_input)
            errors |= _name_refused(user_input) | outdoor_refused(self.hass, user_input)
            if not errors:
                self._name = user_input[CONF_NAME].strip()
                self._options = {
                    **DEFAULT_OPTIONS,
                    **outdoor_remembered(self.hass, user_input),
                    CONF_QUIET_HOURS: quiet,
                }
                return await self.async_step_rooms()
        schema = vol.Schema(
            {
                vol.Required(CONF_NAME): TextSelector(),
                **outdoor_schema(),
                vol.Optional(QUIET_START): time_selector(),
                vol.Optional(QUIET_END): time_selector(),
            }
        )
        proposed = {
            CONF_NAME: self.hass.config.location_name,
            **outdoor_proposed(self.hass, propose(self.hass).outdoor),
            **QUIET_BY_DEFAULT,
        }
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or proposed),
            errors=errors,
        )

    async def async_step_rooms(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which of the proposed rooms to take."""
        proposal = propose(self.hass)
        if user_input is not None:
            return await self._take_rooms(proposal, user_input)
        complete = [room.area_id for room in proposal.rooms if room.complete]
        return self.async_show_form(
            # Without a single room that measures both, the other text says what is missing.
            step_id="rooms" if complete else "no_rooms",
            data_schema=await self._room_choice(proposal, complete),
        )

    async def async_step_no_rooms(self, user_input: dict[str, Any]) -> ConfigFlowResult:
        """Go on all the same."""
        return await self.async_step_rooms(user_input)

    async def _room_choice(self, proposal: Proposal, checked: list[str]) -> vol.Schema:
        if not proposal.rooms:
            return vol.Schema({})
        labels = await async_room_labels(self.hass, proposal.rooms)
        return vol.Schema({vol.Required(ROOMS, default=checked): options_selector(labels, multiple=True)})

    async def _take_rooms(self, proposal: Proposal, user_input: dict[str, Any]) -> ConfigFlowResult:
        chosen = user_input.get(ROOMS, [])
        self._rooms = [
            ConfigSubentryData(
                data=new_room(room.area_id, room.kind, room.bindings),
                subentry_type=SUBENTRY_ROOM,
                title=room.name,
                unique_id=room.area_id,
            )
            for room in proposal.rooms
            if room.area_id in chosen
        ]
        return await self.async_step_people()

    async def async_step_people(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask who lives here."""
        members = propose_members(self.hass)
        if not members:
            return self._create([])
        if user_input is not None:
            return self._create([member for member in members if member.id in user_input[PEOPLE]])
        labels = {member.id: _label(member) for member in members}
        schema = vol.Schema({vol.Required(PEOPLE, default=list(labels)): options_selector(labels, multiple=True)})
        return self.async_show_form(step_id="people", data_schema=schema)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Change the household's name and the air outside."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = _name_refused(user_input) | outdoor_refused(self.hass, user_input)
            if not errors:
                return self.async_update_and_abort(
                    entry,
                    title=user_input[CONF_NAME].strip(),
                    options={**entry.options, **outdoor_remembered(self.hass, user_input)},
                )
        schema = vol.Schema({vol.Required(CONF_NAME): TextSelector(), **outdoor_schema()})
        shown = {CONF_NAME: entry.title, **outdoor_shown(self.hass, entry.options)}
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or shown),
            errors=errors,
        )

    def _create(self, members: list[ProposedMember]) -> ConfigFlowResult:
        people = [
            ConfigSubentryData(
                data=new_member(member), subentry_type=SUBENTRY_MEMBER, title=member.name, unique_id=member.id
            )
            for member in members
        ]
        return self.async_create_entry(
            title=self._name, data={}, options=self._options, subentries=[*self._rooms, *people]
        )


def _label(member: ProposedMember) -> str:
    """Return a member's name and phones."""
    if not member.phones:
        return member.name
    return f"{member.name}: {', '.join(phone.name for phone in member.phones)}"
