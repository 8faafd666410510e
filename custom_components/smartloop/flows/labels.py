"""Labels that are put together here, in the language of the house."""

from collections.abc import Mapping
from datetime import datetime

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util

from ..adapters.discovery import ProposedRoom
from ..const import DOMAIN


async def async_room_labels(hass: HomeAssistant, rooms: tuple[ProposedRoom, ...]) -> dict[str, str]:
    """Return what proposed rooms are called in a list, by area id: "Bathroom: 2 sensors"."""
    labels = {}
    for room in rooms:
        number = "one" if room.sensors == 1 else "many"
        # Of a room whose damp can be known it goes without saying.
        begin = "" if room.complete else "for_" if room.senses else "incomplete_"
        senses = ", ".join([await async_text(hass, "sense", each) for each in room.senses])
        text = await async_text(hass, "room_label", begin + number)
        labels[room.area_id] = text.format(name=room.name, count=room.sensors, senses=senses)
    return labels


async def async_new_room_label(hass: HomeAssistant, name: str) -> str:
    """Return what an area is called in a list of rooms when it would become one."""
    return (await async_text(hass, "place", "new_room")).format(name=name)


async def async_outdoor_label(hass: HomeAssistant) -> str:
    """Return what the air outside is called in a list of rooms."""
    return await async_text(hass, "place", "outdoor")


async def async_device_labels(hass: HomeAssistant, kinds: Mapping[str, str]) -> dict[str, str]:
    """Return what own devices are called in a list, by address: "Inhaler sleeve B1:22", as on their label."""
    return {
        address: (await async_text(hass, "device_label", kind)).format(address=address[-5:])
        for address, kind in kinds.items()
    }


async def async_leak_point_labels(
    hass: HomeAssistant, names: Mapping[str, str], tested: Mapping[str, datetime]
) -> dict[str, str]:
    """Return what leak sensors are called in a list, by source: "Sink: never tested"."""
    labels = {}
    for source, name in names.items():
        at = tested.get(source)
        text = await async_text(hass, "leak_point", "never" if at is None else "tested")
        labels[source] = text.format(name=name, date="" if at is None else dt_util.as_local(at).date().isoformat())
    return labels


async def async_text(hass: HomeAssistant, selector: str, option: str) -> str:
    """Return the words of one choice."""
    texts = await async_get_translations(hass, hass.config.language, "selector", [DOMAIN])
    return texts[f"component.{DOMAIN}.selector.{selector}.options.{option}"]
