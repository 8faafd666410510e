"""Websocket commands: what may be seen by who is logged in, and never enters the state machine."""

from collections.abc import Mapping
from typing import Any, Final

import probatio as vol
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .adapters.feedback import person_of
from .const import DOMAIN
from .coordinator import SmartLoopConfigEntry
from .engine import UNITS

ERR_NOT_LOADED: Final = "not_loaded"


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands; they answer once a household is loaded."""
    websocket_api.async_register_command(hass, ws_context)


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
