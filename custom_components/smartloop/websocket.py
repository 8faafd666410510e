"""Websocket commands: what may be seen by who is logged in, and never enters the state machine."""

from collections.abc import Mapping
from typing import Any, Final

import probatio as vol
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import dt as dt_util

from .adapters.feedback import person_of
from .const import DOMAIN, LOGGER
from .coordinator import SmartLoopConfigEntry
from .engine import UNITS
from .puff_actions import A_WEEK, ATTR_HOURS, HOURS, async_listing
from .puff_book import SIGNAL_PUFFS

ERR_NOT_LOADED: Final = "not_loaded"


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands; they answer once a household is loaded."""
    websocket_api.async_register_command(hass, ws_context)
    websocket_api.async_register_command(hass, ws_puffs)


@callback
def loaded_entry(hass: HomeAssistant) -> SmartLoopConfigEntry | None:
    """Return the household if it is running."""
    return next(iter(hass.config_entries.async_loaded_entries(DOMAIN)), None)


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/context"})
@callback
def ws_context(hass: HomeAssistant, connection: ActiveConnection, msg: Mapping[str, Any]) -> None:
    """Return what the house knows now: the last value of every sensor, by place; of a person, only one's own."""
    if (entry := loaded_entry(hass)) is None:
        connection.send_error(msg["id"], ERR_NOT_LOADED, "SmartLoop is not running")
        return
    me = person_of(entry, connection.user.id)
    connection.send_result(
        msg["id"],
        [
            {
                "place": each.place,
                "measurand": each.measurand.value,
                "value": round(each.value, 3),
                "unit": UNITS[each.measurand],
                "person": each.person,
                "device_id": each.source,
                "at": each.at.isoformat(),
                "fresh": each.fresh,
                "carried_over": each.quality < 1.0,
            }
            for each in entry.runtime_data.engine.known(dt_util.utcnow())
            if each.person is None or each.person == me
        ],
    )


@websocket_api.websocket_command(
    {vol.Required("type"): f"{DOMAIN}/puffs", vol.Optional(ATTR_HOURS, default=A_WEEK): HOURS}
)
@websocket_api.async_response
async def ws_puffs(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Follow one's own puffs: the list now, and again whenever it changes. Nobody follows another's."""
    if (entry := loaded_entry(hass)) is None:
        connection.send_error(msg["id"], ERR_NOT_LOADED, "SmartLoop is not running")
        return
    me = person_of(entry, connection.user.id)
    if me is None:
        connection.send_error(msg["id"], websocket_api.ERR_UNAUTHORIZED, "Only a member of the household has puffs")
        return

    async def show(person: str) -> None:
        # The household may have been reloaded, or have another member for this login, since.
        if person != me or (entry := loaded_entry(hass)) is None or person_of(entry, connection.user.id) != me:
            return
        try:
            listing = await async_listing(entry.runtime_data, me, msg[ATTR_HOURS])
        except HomeAssistantError as err:
            LOGGER.debug("Puffs cannot be shown: %s", err)
            return
        if msg["id"] in connection.subscriptions:
            connection.send_event(msg["id"], listing)

    connection.subscriptions[msg["id"]] = async_dispatcher_connect(hass, SIGNAL_PUFFS, show)
    connection.send_result(msg["id"])
    await show(me)
