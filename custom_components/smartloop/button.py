"""Buttons: what the owner asks of a device of their own."""

from typing import Final, override

from homeassistant.components.button import ButtonDeviceClass, ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SmartLoopConfigEntry
from .device_entity import OwnDeviceEntity

PARALLEL_UPDATES = 1

IDENTIFY: Final = ButtonEntityDescription(
    key="identify",
    device_class=ButtonDeviceClass.IDENTIFY,
    entity_category=EntityCategory.DIAGNOSTIC,
    translation_key="identify",
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartLoopConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add a button per own device."""
    for subentry_id, device in entry.runtime_data.own_devices.devices.items():
        async_add_entities([IdentifyButton(device, IDENTIFY)], config_subentry_id=subentry_id)


class IdentifyButton(OwnDeviceEntity, ButtonEntity):
    """Lets the device blink."""

    @override
    async def async_press(self) -> None:
        """Connect and ask for it."""
        await self.device.async_identify()
