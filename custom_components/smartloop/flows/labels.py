"""Labels that are put together here, in the language of the house."""

from collections.abc import Mapping

from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from ..adapters.discovery import ProposedRoom
from ..const import DOMAIN


async def async_room_labels(hass: HomeAssistant, rooms: tuple[ProposedRoom, ...]) -> dict[str, str]:
    """Return what proposed rooms are called in a list, by area id: "Bathroom: 2 sensors"."""
    labels = {}
    for room in rooms:
        key = ("" if room.complete else "incomplete_") + ("one" if room.sensors == 1 else "many")
        labels[room.area_id] = (await async_text(hass, "room_label", key)).format(name=room.name, count=room.sensors)
    return labels


async def async_outdoor_label(hass: HomeAssistant) -> str:
    """Return what the air outside is called in a list of rooms."""
    return await async_text(hass, "place", "outdoor")


async def async_device_labels(hass: HomeAssistant, kinds: Mapping[str, str]) -> dict[str, str]:
    """Return what own devices are called in a list, by address: "Inhaler sleeve B1:22", as on their label."""
    return {
        address: (await async_text(hass, "device_label", kind)).format(address=address[-5:])
        for address, kind in kinds.items()
    }


async def async_text(hass: HomeAssistant, selector: str, option: str) -> str:
    """Return the words of one choice."""
    texts = await async_get_translations(hass, hass.config.language, "selector", [DOMAIN])
    return texts[f"component.{DOMAIN}.selector.{selector}.options.{option}"]
