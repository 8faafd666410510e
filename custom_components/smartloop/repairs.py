"""Repairs: offer new sensors, ask what unknown ones are, place rooms whose area is gone, give up an engine that cannot run."""

from abc import abstractmethod
from typing import Any, override

import probatio as vol
from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import issue_registry as ir

from .adapters.bindings import free_areas
from .adapters.following import ISSUE_AREA_REMOVED
from .adapters.offers import ISSUE_NEW_SENSOR, ISSUE_UNKNOWN_SENSOR, Offer, async_offer_new_sensors, async_offers
from .adapters.roles import MEASURANDS, Role
from .adapters.senses import PERSONAL
from .care import ISSUE_LEAK_TEST
from .const import CONF_AREA, CONF_INFERENCE, DOMAIN
from .flows.fields import choice_selector, options_selector
from .flows.found_device import ISSUE_IDS, FoundDeviceFlow
from .flows.leak_test import LeakTestSteps
from .flows.places import async_bind, async_place_labels, measured_by, own_area
from .flows.sleepers import SLEEPER, sleeper_schema
from .flows.whose import members_of
from .inference.select import Choice
from .quirks import ISSUE_ZIGBEE_RELOAD, zha_entry

__all__ = ["async_create_fix_flow", "async_offer_new_sensors"]

ISSUE_ONNXRUNTIME = "onnxruntime_unavailable"
PLACE = "place"
ROLE = "role"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    flows: dict[str, type[RepairsFlow]] = {
        ISSUE_ONNXRUNTIME: UseBuiltinFlow,
        ISSUE_ZIGBEE_RELOAD: ReloadZigbeeFlow,
        f"{ISSUE_NEW_SENSOR}_": NewSensorFlow,
        f"{ISSUE_UNKNOWN_SENSOR}_": UnknownSensorFlow,
        f"{ISSUE_AREA_REMOVED}_": AreaRemovedFlow,
        ISSUE_LEAK_TEST: LeakTestFlow,
        **dict.fromkeys(ISSUE_IDS, FoundDeviceFlow),
    }
    return next((flow() for begin, flow in flows.items() if issue_id.startswith(begin)), ConfirmRepairFlow())


class _Flow(RepairsFlow):
    """What the flows share: the household and the issue's own words."""

    def _entry(self) -> ConfigEntry[Any] | None:
        return next(iter(self.hass.config_entries.async_entries(DOMAIN, include_ignore=False)), None)

    def _placeholders(self) -> dict[str, str]:
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return (issue.translation_placeholders if issue else None) or {}


class _ConfirmFlow(_Flow):
    """One question; when it is confirmed, `_mend` does it."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin; what Home Assistant passes here is the issue's id, not an answer."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask, then do it."""
        if user_input is None:
            return self.async_show_form(
                step_id="confirm", data_schema=vol.Schema({}), description_placeholders=self._placeholders()
            )
        self._mend()
        return self.async_create_entry(data={})

    @abstractmethod
    def _mend(self) -> None:
        """Do it."""


class ReloadZigbeeFlow(_ConfirmFlow):
    """Let ZHA load our boards again, now that it knows what they send; the network is down for some seconds."""

    @override
    def _mend(self) -> None:
        if (entry := zha_entry(self.hass)) is not None:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)


class LeakTestFlow(LeakTestSteps[RepairsFlowResult], _Flow):
    """Test the leak sensors nobody has seen at work, one after the other."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin with the choice; of one sensor there is none."""
        care = self._care()
        points = () if care is None else care.never_tested
        if len(points) != 1:
            return await self.async_step_leak_test()
        self._point = points[0]
        return await self.async_step_leak_ready()

    async def async_step_leak_end(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Finish; only what was heard settles the issue, and only when nothing is left to test."""
        if not self._passed:
            return self.async_abort(reason="leak_not_tested")
        if (care := self._care()) is not None and (left := care.never_tested):
            names = ", ".join(care.name(source) for source in left)
            return self.async_abort(reason="leak_others_left", description_placeholders={"sensors": names})
        return self.async_create_entry(data={})


class UseBuiltinFlow(_ConfirmFlow):
    """Go back to the built-in engine."""

    @override
    def _mend(self) -> None:
        if (entry := self._entry()) is not None:
            options = {**entry.options, CONF_INFERENCE: Choice.BUILTIN.value}
            self.hass.config_entries.async_update_entry(entry, options=options)


class _OfferFlow(_Flow):
    """What the flows about one box share."""

    async def _offer(self) -> Offer | None:
        entry = self._entry()
        found = await async_offers(self.hass, entry) if entry is not None else ()
        return next((offer for offer in found if offer.issue_id == self.issue_id), None)

    def _outdated(self) -> RepairsFlowResult:
        ir.async_delete_issue(self.hass, DOMAIN, self.issue_id)
        return self.async_abort(reason="sensor_gone")


class NewSensorFlow(_OfferFlow):
    """Add a sensor that appeared later, or leave it be for good."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask whether to add it."""
        if await self._offer() is None:
            return self._outdated()
        return self.async_show_menu(
            step_id="init", menu_options=["add", "ignore"], description_placeholders=self._placeholders()
        )

    async def async_step_add(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask where it measures, and whose bed it is in, then bind it."""
        entry, offer = self._entry(), await self._offer()
        if entry is None or offer is None:
            return self._outdated()
        labels = await async_place_labels(self.hass, entry, offer)
        # The room may have been removed meanwhile.
        if user_input is not None and user_input[PLACE] in labels:
            sleepers = {offer.sensors[0].source: user_input[SLEEPER]} if SLEEPER in user_input else {}
            await async_bind(self.hass, entry, user_input[PLACE], measured_by(offer.sensors), sleepers)
            return self.async_create_entry(data={})
        suggested = offer.place or own_area(self.hass, entry, offer)
        place = vol.Required(PLACE, default=suggested) if suggested else vol.Required(PLACE)
        schema: dict[vol.Marker, Any] = {place: options_selector(labels)}
        members = {each.id: each.title for each in members_of(entry)}
        if members and not PERSONAL.isdisjoint(each.measurand for each in offer.sensors):
            schema |= sleeper_schema(members).schema
        return self.async_show_form(
            step_id="add", data_schema=vol.Schema(schema), description_placeholders=self._placeholders()
        )

    async def async_step_ignore(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Never ask again: the issue stays, ignored; finishing the flow would delete it and with it the answer."""
        ir.async_ignore_issue(self.hass, DOMAIN, self.issue_id, ignore=True)
        return self.async_abort(reason="sensor_ignored")


class UnknownSensorFlow(_OfferFlow):
    """Say what an alarm is for whose bridge does not know it."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin; what Home Assistant passes here is the issue's id, not an answer."""
        return await self.async_step_role()

    async def async_step_role(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask what it is and where, then bind it: one step."""
        entry, offer = self._entry(), await self._offer()
        if entry is None or offer is None:
            return self._outdated()
        errors = {}
        labels = await async_place_labels(self.hass, entry, offer)
        if user_input is not None:
            role, place = Role(user_input[ROLE]), user_input.get(PLACE)
            if role is Role.OTHER:
                ir.async_ignore_issue(self.hass, DOMAIN, self.issue_id, ignore=True)
                return self.async_abort(reason="sensor_ignored")
            if place in labels:
                measured = [(each.id, MEASURANDS[role]) for each in offer.sensors]
                await async_bind(self.hass, entry, place, measured, {})
                return self.async_create_entry(data={})
            errors[PLACE] = "place_missing"
        suggested = offer.place if offer.place in labels else own_area(self.hass, entry, offer)
        # Something else has no place, so none is demanded.
        place_field = vol.Optional(PLACE, description={"suggested_value": suggested} if suggested else None)
        return self.async_show_form(
            step_id="role",
            data_schema=vol.Schema(
                {
                    vol.Required(ROLE, default=str(offer.role)): choice_selector(Role, "sensor_role"),
                    place_field: options_selector(labels),
                }
            ),
            errors=errors,
            description_placeholders=self._placeholders(),
        )


class AreaRemovedFlow(_Flow):
    """Say what becomes of a room whose area was deleted."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask what to do."""
        if self._room() is None:
            return self._outdated()
        options = ["area", "remove"] if self._free_areas() else ["remove"]
        return self.async_show_menu(step_id="init", menu_options=options, description_placeholders=self._placeholders())

    async def async_step_area(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask which area the room is now."""
        entry, room, free = self._entry(), self._room(), self._free_areas()
        if entry is None or room is None:
            return self._outdated()
        if user_input is not None and (area_id := user_input[CONF_AREA]) in free:
            self.hass.config_entries.async_update_subentry(
                entry, room, data={**room.data, CONF_AREA: area_id}, title=free[area_id], unique_id=area_id
            )
            return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="area",
            data_schema=vol.Schema({vol.Required(CONF_AREA): options_selector(free)}),
            description_placeholders=self._placeholders(),
        )

    async def async_step_remove(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Remove the room."""
        entry, room = self._entry(), self._room()
        if entry is None or room is None:
            return self._outdated()
        if user_input is None:
            return self.async_show_form(
                step_id="remove", data_schema=vol.Schema({}), description_placeholders=self._placeholders()
            )
        self.hass.config_entries.async_remove_subentry(entry, room.subentry_id)
        return self.async_create_entry(data={})

    def _room(self) -> ConfigSubentry | None:
        """Return the room in question while its area is still gone."""
        entry = self._entry()
        room = entry.subentries.get(str((self.data or {}).get("subentry_id"))) if entry is not None else None
        if room is None or ar.async_get(self.hass).async_get_area(room.data[CONF_AREA]) is not None:
            return None
        return room

    def _free_areas(self) -> dict[str, str]:
        entry = self._entry()
        return {area.id: area.name for area in free_areas(self.hass, entry).values()} if entry is not None else {}

    def _outdated(self) -> RepairsFlowResult:
        ir.async_delete_issue(self.hass, DOMAIN, self.issue_id)
        return self.async_abort(reason="room_settled")
