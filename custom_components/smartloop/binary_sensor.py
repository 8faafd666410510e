"""Binary sensors: whether a room needs looking after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.binary_sensor import (
    DOMAIN,
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .adapters.bindings import damp_rooms
from .boxes import BoxEntity, async_follow_boxes
from .coordinator import Coordinator, SmartLoopConfigEntry
from .device_entity import OwnDeviceEntity
from .engine import Measurand, RoomView
from .entity import DisplayEntity, RoomEntity, Shown
from .figures import box_silence, silent
from .protocol import DeviceKind
from .room_watch import MoldRisk, mold_risk

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class RoomBinaryDescription(BinarySensorEntityDescription):
    """One row: a binary sensor every room has."""

    value_fn: Callable[[RoomView], bool | None]
    attributes_fn: Callable[[RoomView], Mapping[str, object]] = lambda _view: {}
    of_now: bool = False
    """About the air now: without readings it is unavailable, not unknown."""


def _risk(view: RoomView) -> bool | None:
    risk = mold_risk(view)
    return None if risk is None else risk is not MoldRisk.NONE


def _stale(view: RoomView) -> bool | None:
    """Return whether the room's newest values are too old to be used; unknown before the first look."""
    if view.relative_humidity is not None:
        return False
    return True if silent(view) else None


BINARY_SENSORS: Final = (
    RoomBinaryDescription(
        key="mold_risk",
        device_class=BinarySensorDeviceClass.PROBLEM,
        value_fn=_risk,
        attributes_fn=lambda view: {"level": mold_risk(view)},
    ),
    # Not the class `moisture`: that one means a leak, and alarms are built on it.
    RoomBinaryDescription(
        key="condensation",
        device_class=BinarySensorDeviceClass.PROBLEM,
        of_now=True,
        value_fn=lambda view: view.condensation,
    ),
    RoomBinaryDescription(
        key="stale_data",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_stale,
    ),
)


SILENT: Final = BinarySensorEntityDescription(
    key="silent", device_class=BinarySensorDeviceClass.PROBLEM, entity_category=EntityCategory.DIAGNOSTIC
)


BED_OCCUPIED: Final = BinarySensorEntityDescription(
    key="bed_occupied",
    device_class=BinarySensorDeviceClass.OCCUPANCY,
    entity_registry_enabled_default=False,
    translation_key="bed_occupied",
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartLoopConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the binary sensors of each room."""
    coordinator = entry.runtime_data
    for room_id, subentry_id in damp_rooms(entry).items():
        rows = [RoomBinarySensor(coordinator, description, room_id) for description in BINARY_SENSORS]
        async_add_entities(rows, config_subentry_id=subentry_id)
    async_follow_boxes(
        coordinator, DOMAIN, (SILENT.key,), lambda source: [BoxSilent(coordinator, SILENT, source)], async_add_entities
    )
    for subentry_id, device in coordinator.own_devices.devices.items():
        if device.owner.kind is DeviceKind.BED_NODE:
            async_add_entities([BedOccupied(device, BED_OCCUPIED)], config_subentry_id=subentry_id)


class BedOccupied(OwnDeviceEntity, BinarySensorEntity):
    """Whether somebody lies in the bed."""

    entity_description: BinarySensorEntityDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """Return what the bed node said last."""
        return self.device.occupied


class BoxSilent(BoxEntity, DisplayEntity, BinarySensorEntity):
    """Whether a box has been silent for longer than it ever is."""

    domain = DOMAIN

    def __init__(self, coordinator: Coordinator, description: BinarySensorEntityDescription, source: str) -> None:
        """Be there from the start where silence is likely, or costs most."""
        super().__init__(coordinator, description, source)
        facts = coordinator.care.facts[source]
        self._attr_entity_registry_enabled_default = not facts.mains or Measurand.WET in facts.measurands

    @override
    def look(self) -> Shown:
        """Return whether it is silent; unknown while its habits are not, or while it was taken along."""
        view = self.view
        return Shown(value=None if view is None else view.silent, attributes=box_silence(view))

    @override
    def show(self, value: StateType) -> None:
        """Take over the value to be shown."""
        self._attr_is_on = None if value is None else bool(value)


class RoomBinarySensor(RoomEntity, DisplayEntity, BinarySensorEntity):
    """One row of the rooms' table."""

    domain = DOMAIN
    entity_description: RoomBinaryDescription

    @override
    def look(self) -> Shown:
        """Return what there is to show now."""
        row, view = self.entity_description, self.view
        return Shown(
            value=row.value_fn(view),
            attributes=row.attributes_fn(view),
            available=not (row.of_now and silent(view)),
        )

    @override
    def show(self, value: StateType) -> None:
        """Take over the value to be shown."""
        self._attr_is_on = None if value is None else bool(value)
