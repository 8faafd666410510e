"""Say in the logbook what SmartLoop decided, in the sentence the owner knows."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback

from .const import DOMAIN, EVENT_DECISION
from .outputs.events import ATTR_DEVICE_NAME, ATTR_ROOM_NAME, ATTR_TEXT


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event[Any]], dict[str, str]]], None],
) -> None:
    """Describe the decision event."""

    @callback
    def describe(event: Event[dict[str, Any]]) -> dict[str, str]:
        return {
            LOGBOOK_ENTRY_NAME: event.data.get(ATTR_DEVICE_NAME) or event.data.get(ATTR_ROOM_NAME) or "SmartLoop",
            LOGBOOK_ENTRY_MESSAGE: event.data[ATTR_TEXT],
        }

    async_describe_event(DOMAIN, EVENT_DECISION, describe)
