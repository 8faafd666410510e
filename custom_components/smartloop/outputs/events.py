"""Decisions become events on Home Assistant's bus."""

from typing import Final

from homeassistant.core import HomeAssistant, callback

from ..const import EVENT_DECISION
from ..engine import Decision

ATTR_DECISION_ID: Final = "decision_id"
ATTR_DEVICE_ID: Final = "device_id"
ATTR_DEVICE_NAME: Final = "device_name"
ATTR_ROOM: Final = "room"
ATTR_ROOM_NAME: Final = "room_name"
ATTR_TEXT: Final = "text"


@callback
def async_fire_decision(
    hass: HomeAssistant, decision: Decision, room_name: str | None, text: str, device_name: str | None = None
) -> None:
    """Tell the bus of a decision; of a person nothing but that there is one is said."""
    hass.bus.async_fire(
        EVENT_DECISION,
        {
            ATTR_DECISION_ID: decision.id,
            "key": decision.key,
            "severity": decision.severity,
            "state": decision.state,
            ATTR_ROOM: decision.room,
            ATTR_ROOM_NAME: room_name,
            ATTR_DEVICE_ID: decision.source,
            ATTR_DEVICE_NAME: device_name,
            ATTR_TEXT: text,
        },
    )
