"""What the entities of own devices share: they belong to the device, and write when something about it changed."""

from typing import override

from homeassistant.core import callback
from homeassistant.helpers.device_registry import CONNECTION_BLUETOOTH, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription

from .adapters.own_device import OwnDevice
from .const import DOMAIN


class OwnDeviceEntity(Entity):
    """An entity of one own device."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, device: OwnDevice, description: EntityDescription) -> None:
        """Take the identity from the device's address."""
        self.device = device
        self.entity_description = description
        address = device.owner.address
        self._attr_unique_id = f"{address}_{description.key}"
        self._attr_device_info = DeviceInfo(
            connections={(CONNECTION_BLUETOOTH, address)}, identifiers={(DOMAIN, address)}
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the device."""
        await super().async_added_to_hass()
        self.async_on_remove(self.device.async_add_listener(self._changed))

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Stay as it is: the listener hangs on the device, not on the entity's id."""
        super().async_entity_id_changed(old_entity_id)

    @callback
    def _changed(self) -> None:
        self.async_write_ha_state()
