"""Set up a household: its name, the air outside, its rooms and its people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, override

import probatio as vol
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
)
from homeassistant.const import CONF_ADDRESS, CONF_NAME
from homeassistant.core import callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.selector import TextSelector

from .adapters.discovery import Proposal, async_candidates, propose
from .adapters.people import ProposedMember, propose_members
from .const import (
    CONF_BINDINGS,
    CONF_QUIET_HOURS,
    CONF_SLEEPERS,
    DOMAIN,
    SUBENTRY_DEVICE,
    SUBENTRY_MEMBER,
    SUBENTRY_ROOM,
)
from .flows.device import DeviceFlow
from .flows.fields import QUIET_END, QUIET_START, options_selector, quiet_hours, time_selector
from .flows.labels import async_device_labels, async_room_labels
from .flows.member import MemberFlow, new_member
from .flows.options import DEFAULT_OPTIONS, SmartLoopOptionsFlow
from .flows.outdoor import outdoor_proposed, outdoor_refused, outdoor_remembered, outdoor_schema, outdoor_shown
from .flows.room import RoomFlow, new_room
from .flows.sleepers import SLEEPER, bed_boxes, sleeper_schema
from .protocol import SERVICE_UUID, peek

if TYPE_CHECKING:
    from homeassistant.components.bluetooth import BluetoothServiceInfoBleak

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
        self._members: list[ProposedMember] = []
        self._beds: list[tuple[int, str, str]] = []
        """Whose bed is still to be asked: which room, which box, and its name."""
        self._address: str | None = None
        """The own device that was found, to be added once there is a household"""

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
        return {SUBENTRY_DEVICE: DeviceFlow, SUBENTRY_MEMBER: MemberFlow, SUBENTRY_ROOM: RoomFlow}

    @override
    async def async_step_bluetooth(self, discovery_info: BluetoothServiceInfoBleak) -> ConfigFlowResult:
        """Begin with an own device in range; Home Assistant asks only while there is no household."""
        payload = discovery_info.service_data.get(SERVICE_UUID)
        peeked = None if payload is None else peek(payload)
        if peeked is None:
            return self.async_abort(reason="not_supported")
        self._address = discovery_info.address
        await self.async_set_unique_id(self._address)
        self._abort_if_unique_id_configured()
        labels = await async_device_labels(self.hass, {self._address: peeked.kind})
        self.context["title_placeholders"] = {"name": labels[self._address]}
        return await self.async_step_bluetooth_confirm()

    async def async_step_bluetooth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say what comes: the household first."""
        if user_input is None:
            return self.async_show_form(
                step_id="bluetooth_confirm",
                data_schema=vol.Schema({}),
                description_placeholders=dict(self.context["title_placeholders"]),
            )
        return await self.async_step_user()

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the device that was found."""
        if self._address is not None:
            device = await self.hass.config_entries.subentries.async_init(
                (result["result"].entry_id, SUBENTRY_DEVICE),
                context={"source": SOURCE_USER},
                data={CONF_ADDRESS: self._address},
            )
            if device["type"] is FlowResultType.FORM:
                result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, device["flow_id"])
        return result

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
            **outdoor_proposed(self.hass, propose(self.hass, await async_candidates(self.hass)).outdoor),
            **QUIET_BY_DEFAULT,
        }
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or proposed),
            errors=errors,
        )

    async def async_step_rooms(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which of the proposed rooms to take."""
        proposal = propose(self.hass, await async_candidates(self.hass))
        if user_input is not None:
            return await self._take_rooms(proposal, user_input)
        useful = [room.area_id for room in proposal.rooms if room.senses]
        return self.async_show_form(
            # Without a single room that has what anything needs, the other text says what is missing.
            step_id="rooms" if useful else "no_rooms",
            data_schema=await self._room_choice(proposal, useful),
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
            self._members = [member for member in members if member.id in user_input[PEOPLE]]
            self._beds = [
                (number, source, name)
                for number, room in enumerate(self._rooms if self._members else ())
                for source, name in bed_boxes(self.hass, room["data"][CONF_BINDINGS]).items()
            ]
            return await self._next_bed()
        labels = {member.id: _label(member) for member in members}
        schema = vol.Schema({vol.Required(PEOPLE, default=list(labels)): options_selector(labels, multiple=True)})
        return self.async_show_form(step_id="people", data_schema=schema)

    async def async_step_bed(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whose bed a sensor is in, box by box."""
        number, source, name = self._beds[0]
        room = self._rooms[number]
        if user_input is not None:
            self._beds.pop(0)
            if (person := user_input.get(SLEEPER)) is not None:
                sleepers = {**room["data"].get(CONF_SLEEPERS, {}), source: person}
                self._rooms[number] = {**room, "data": {**room["data"], CONF_SLEEPERS: sleepers}}
            return await self._next_bed()
        return self.async_show_form(
            step_id="bed",
            data_schema=sleeper_schema({member.id: member.name for member in self._members}),
            description_placeholders={"room": room["title"], "sensor": name},
        )

    async def _next_bed(self) -> ConfigFlowResult:
        return await self.async_step_bed() if self._beds else self._create(self._members)

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
        # A device that was found names its offer, so that it can be ignored; the household has no such name.
        self.context["unique_id"] = None
        return self.async_create_entry(
            title=self._name, data={}, options=self._options, subentries=[*self._rooms, *people]
        )


def _label(member: ProposedMember) -> str:
    """Return a member's name and phones."""
    if not member.phones:
        return member.name
    return f"{member.name}: {', '.join(phone.name for phone in member.phones)}"
