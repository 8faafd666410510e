"""Sensors of own devices: how much battery is left, when and how well they were heard."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, SIGNAL_STRENGTH_DECIBELS_MILLIWATT, EntityCategory

from .adapters.own_device import OwnDevice
from .device_entity import OwnDeviceEntity


@dataclass(frozen=True, kw_only=True)
class DeviceSensorDescription(SensorEntityDescription):
    """One row: a sensor every own device has."""

    value_fn: Callable[[OwnDevice], float | datetime | None]


DEVICE_SENSORS: Final = (
    DeviceSensorDescription(
        key="battery",
        device_class=SensorDeviceClass.BATTERY,
        entity_category=EntityCategory.DIAGNOSTIC,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda device: device.battery,
    ),
    DeviceSensorDescription(
        key="last_heard",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        translation_key="last_heard",
        value_fn=lambda device: device.heard_at,
    ),
    DeviceSensorDescription(
        key="signal_strength",
        device_class=SensorDeviceClass.SIGNAL_STRENGTH,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda device: device.rssi,
    ),
)


def device_sensors(device: OwnDevice) -> Iterable[SensorEntity]:
    """Return the sensors of one device."""
    return [DeviceSensor(device, description) for description in DEVICE_SENSORS]


class DeviceSensor(OwnDeviceEntity, SensorEntity):
    """One row of the devices' table."""

    entity_description: DeviceSensorDescription

    @property
    @override
    def native_value(self) -> float | datetime | None:
        """Return what is known."""
        return self.entity_description.value_fn(self.device)
