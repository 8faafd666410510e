"""Repairs' way to add an own device that was found: the same flow as by hand, begun with it."""

from typing import Any

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.components.repairs.const import FlowType
from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.const import CONF_ADDRESS
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from ..adapters.own_devices import OFFERS
from ..const import DOMAIN, SUBENTRY_DEVICE

ISSUE_IDS = tuple(f"{key}_" for key in OFFERS.values())
"""How they begin."""


class FoundDeviceFlow(RepairsFlow):
    """Add the device, or leave it be for good."""

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask whether it is theirs."""
        if self._entry() is None:
            return self._settled()
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return self.async_show_menu(
            step_id="init",
            menu_options=["add", "ignore"],
            description_placeholders=(issue.translation_placeholders if issue else None) or {},
        )

    async def async_step_add(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Hand over to the flow that adds devices; the offer stands until it has."""
        entry = self._entry()
        if entry is None:
            return self._settled()
        device = await self.hass.config_entries.subentries.async_init(
            (entry.entry_id, SUBENTRY_DEVICE),
            context={"source": SOURCE_USER},
            data={CONF_ADDRESS: (self.data or {}).get(CONF_ADDRESS)},
        )
        if device["type"] is not FlowResultType.FORM:
            return self.async_abort(reason="add_device")
        return self.async_abort(reason="add_device", next_flow=(FlowType.CONFIG_SUBENTRIES_FLOW, device["flow_id"]))

    async def async_step_ignore(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Never ask again: the issue stays, ignored."""
        ir.async_ignore_issue(self.hass, DOMAIN, self.issue_id, ignore=True)
        return self.async_abort(reason="device_ignored")

    def _entry(self) -> ConfigEntry[Any] | None:
        """Return the household, unless the device has become part of it meanwhile."""
        entry = next(iter(self.hass.config_entries.async_entries(DOMAIN, include_ignore=False)), None)
        address = (self.data or {}).get(CONF_ADDRESS)
        known = () if entry is None else entry.get_subentries_of_type(SUBENTRY_DEVICE)
        return None if any(sub.unique_id == address for sub in known) else entry

    def _settled(self) -> RepairsFlowResult:
        ir.async_delete_issue(self.hass, DOMAIN, self.issue_id)
        return self.async_abort(reason="device_settled")
