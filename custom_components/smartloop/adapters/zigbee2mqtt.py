"""What Zigbee2MQTT says of its radio, in the entities of a device.

Its message carries all a device ever said, so an entity that is written anew may repeat an old
value: "last seen" tells when the device really spoke. Both that and the link quality are disabled
until their owner enables them; whether the bridge can reach the device shows in the others.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .radio_fact import RadioFact

ZIGBEE2MQTT: Final = "zigbee2mqtt"
_PLATFORM: Final = "mqtt"
_PREFIX: Final = "zigbee2mqtt_0x"
_LQI: Final = "linkquality"
_SEEN: Final = "last_seen"
_MOST_LQI: Final = 255
_MILLISECONDS: Final = 1e11
"""Seconds do not get so far before the year 5138: greater numbers count milliseconds."""
_NOTHING: Final = frozenset({STATE_UNAVAILABLE, STATE_UNKNOWN, ""})


@callback
def ieee_of(device: dr.BaseDeviceEntry) -> str | None:
    """Return the address of a device that Zigbee2MQTT brought, None for any other."""
    for domain, identifier in device.identifiers:
        if domain == _PLATFORM and identifier.startswith(_PREFIX):
            return identifier.removeprefix("zigbee2mqtt_")
    return None


@callback
def facts_of(hass: HomeAssistant, device: dr.BaseDeviceEntry) -> RadioFact | None:
    """Return how Zigbee2MQTT hears a device, None when it does not."""
    if ieee_of(device) is None:
        return None
    lqi: int | None = None
    seen: datetime | None = None
    available: bool | None = None
    for entry, state in _states(hass, device.id):
        # Since version 2 each is an entity; before, both were attributes of every entity.
        if entry.unique_id.endswith(f"_{_LQI}_{ZIGBEE2MQTT}"):
            lqi = _quality(state.state)
        elif entry.unique_id.endswith(f"_{_SEEN}_{ZIGBEE2MQTT}"):
            seen = _moment(state.state)
        lqi = _quality(state.attributes.get(_LQI)) if lqi is None else lqi
        seen = _moment(state.attributes.get(_SEEN)) if seen is None else seen
        if not state.attributes.get("restored"):
            available = available or state.state != STATE_UNAVAILABLE
    return RadioFact(radio=ZIGBEE2MQTT, lqi=lqi, last_seen=seen, available=available)


def _states(hass: HomeAssistant, device_id: str) -> Iterator[tuple[er.RegistryEntry, State]]:
    for entry in er.async_entries_for_device(er.async_get(hass), device_id):
        if entry.platform == _PLATFORM and (state := hass.states.get(entry.entity_id)) is not None:
            yield entry, state


def _quality(value: object) -> int | None:
    try:
        lqi = float(str(value))
    except ValueError:
        return None
    return round(lqi) if 0 <= lqi <= _MOST_LQI else None


def _moment(value: object) -> datetime | None:
    """Return a time as any of Zigbee2MQTT's settings writes it: ISO 8601 with zone, or an epoch."""
    if value is None or (text := str(value)) in _NOTHING:
        return None
    if (parsed := dt_util.parse_datetime(text)) is not None:
        return None if parsed.tzinfo is None else parsed.astimezone(UTC)
    try:
        number = float(text)
        return datetime.fromtimestamp(number / 1000.0 if number > _MILLISECONDS else number, UTC)
    except ValueError, OverflowError, OSError:
        return None
