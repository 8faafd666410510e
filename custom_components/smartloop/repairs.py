"""Repairs: offer new sensors, place rooms whose area is gone, give up an engine that cannot run."""

from typing import Any

import probatio as vol
from homeassistant.components.repairs import ConfirmRepairFlow, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import issue_registry as ir

from .adapters.bindings import free_areas, rooms_of
from .adapters.following import ISSUE_AREA_REMOVED
from .adapters.offers import ISSUE_NEW_SENSOR, Offer, async_offer_new_sensors, offers
from .const import CONF_AREA, CONF_BINDINGS, CONF_INFERENCE, CONF_OUTDOOR, DOMAIN
from .engine import OUTDOOR, Measurand
from .flows.fields import options_selector
from .flows.labels import async_outdoor_label
from .inference.select import Choice

__all__ = ["async_create_fix_flow", "async_offer_new_sensors"]

ISSUE_ONNXRUNTIME = "onnxruntime_unavailable"
PLACE = "place"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow that mends an issue."""
    if issue_id == ISSUE_ONNXRUNTIME:
        return UseBuiltinFlow()
    if issue_id.startswith(f"{ISSUE_NEW_SENSOR}_"):
        return NewSensorFlow()
    if issue_id.startswith(f"{ISSUE_AREA_REMOVED}_"):
        return AreaRemovedFlow()
    return ConfirmRepairFlow()


class _Flow(RepairsFlow):
    """What the flows share: the household and the issue's own words."""

    def _entry(self) -> ConfigEntry[Any] | None:
        return next(iter(self.hass.config_entries.async_entries(DOMAIN)), None)

    def _placeholders(self) -> dict[str, str]:
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return (issue.translation_placeholders if issue else None) or {}


class UseBuiltinFlow(_Flow):
    """Go back to the built-in engine."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin; what Home Assistant passes here is the issue's id, not an answer."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask, then do it."""
        if user_input is None:
            return self.async_show_form(
                step_id="confirm", data_schema=vol.Schema({}), description_placeholders=self._placeholders()
            )
        if (entry := self._entry()) is not None:
            options = {**entry.options, CONF_INFERENCE: Choice.BUILTIN.value}
            self.hass.config_entries.async_update_entry(entry, options=options)
        return self.async_create_entry(data={})


class NewSensorFlow(_Flow):
    """Add a sensor that appeared later, or leave it be for good."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask whether to add it."""
        if self._offer() is None:
            return self._outdated()
        return self.async_show_menu(
            step_id="init", menu_options=["add", "ignore"], description_placeholders=self._placeholders()
        )

    async def async_step_add(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask where it measures, then bind it."""
        entry, offer = self._entry(), self._offer()
        if entry is None or offer is None:
            return self._outdated()
        labels = {area_id: room.title for area_id, room in rooms_of(entry).items()}
        if any(each.measurand is not Measurand.WINDOW_OPEN for each in offer.sensors):
            labels[OUTDOOR] = await async_outdoor_label(self.hass)
        # The room may have been removed meanwhile.
        if user_input is not None and user_input[PLACE] in labels:
            _bind(self.hass, entry, offer, user_input[PLACE])
            return self.async_create_entry(data={})
        place = vol.Required(PLACE, default=offer.place) if offer.place else vol.Required(PLACE)
        return self.async_show_form(
            step_id="add",
            data_schema=vol.Schema({place: options_selector(labels)}),
            description_placeholders=self._placeholders(),
        )

    async def async_step_ignore(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Never ask again: the issue stays, ignored; finishing the flow would delete it and with it the answer."""
        ir.async_ignore_issue(self.hass, DOMAIN, self.issue_id, ignore=True)
        return self.async_abort(reason="sensor_ignored")

    def _offer(self) -> Offer | None:
        entry = self._entry()
        found = offers(self.hass, entry) if entry is not None else ()
        return next((offer for offer in found if offer.issue_id == self.issue_id), None)

    def _outdated(self) -> RepairsFlowResult:
        ir.async_delete_issue(self.hass, DOMAIN, self.issue_id)
        return self.async_abort(reason="sensor_gone")


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


def _bind(hass: HomeAssistant, entry: ConfigEntry[Any], offer: Offer, place: str) -> None:
    """Write the offered sensors into the entry."""
    room = rooms_of(entry).get(place)
    remembered = room.data.get(CONF_BINDINGS, {}) if room else entry.options.get(CONF_OUTDOOR, {})
    bindings = {name: list(ids) for name, ids in remembered.items()}
    for each in offer.sensors:
        if room is not None or each.measurand is not Measurand.WINDOW_OPEN:
            bindings.setdefault(each.measurand.value, []).append(each.id)
    if room is not None:
        hass.config_entries.async_update_subentry(entry, room, data={**room.data, CONF_BINDINGS: bindings})
    else:
        hass.config_entries.async_update_entry(entry, options={**entry.options, CONF_OUTDOOR: bindings})
