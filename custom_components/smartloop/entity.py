"""What all entities share: identity, device, and writing only what moved by more than its resolution."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, cast, override

from homeassistant.core import callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.typing import StateType
from homeassistant.util import slugify

from .const import DOMAIN
from .coordinator import Coordinator
from .engine import RoomView


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number that is only worth showing again when it moved by its resolution."""

    value: float | None
    step: float
    """The resolution, in the number's own unit."""
    share: float = 0.0
    """The resolution as a share of what is shown, where that is more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What an entity shows."""

    value: StateType | Figure = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    available: bool = True


def settle(before: object, now: object) -> object:
    """Return what to show: figures stay as they are until they moved by their resolution."""
    if isinstance(now, Figure):
        return _settle_figure(before, now)
    if isinstance(now, Mapping):
        earlier = before if isinstance(before, Mapping) else {}
        return {key: settle(earlier.get(key), value) for key, value in now.items()}
    if isinstance(now, list | tuple):
        known = before if isinstance(before, list) and len(before) == len(now) else [None] * len(now)
        return [settle(old, new) for old, new in zip(known, now, strict=True)]
    return now


def _settle_figure(before: object, now: Figure) -> float | None:
    if now.value is None:
        return None
    if isinstance(before, int | float) and abs(now.value - before) < max(now.step, now.share * abs(before)) - 1e-9:
        return before
    return round(round(now.value / now.step) * now.step, 6)


class SmartLoopEntity(Entity):
    """An entity of a room, of a box or of the household."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    domain: ClassVar[str]
    """The platform's."""

    def __init__(self, coordinator: Coordinator, description: EntityDescription, place: str | None) -> None:
        """Take the identity from place and description."""
        self.coordinator = coordinator
        self.entity_description = description
        self.place = place
        parts = (coordinator.entry.entry_id, *(() if place is None else (place,)), description.key)
        self._attr_unique_id = "_".join(parts)
        self._attr_translation_key = description.key

    def _name_after(self, owner: str | None) -> None:
        """Take an entity id: Home Assistant would say a room twice, once for its area, once for its device."""
        self.entity_id = f"{self.domain}.{slugify(f'{owner} {self.entity_description.key}')}"

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Stay as it is: nothing here hangs on the entity's id."""
        super().async_entity_id_changed(old_entity_id)


class RoomEntity(SmartLoopEntity):
    """An entity of one room."""

    def __init__(self, coordinator: Coordinator, description: EntityDescription, room_id: str) -> None:
        """Belong to the room's device."""
        super().__init__(coordinator, description, room_id)
        self._name_after(coordinator.room_name(room_id))
        self.room_id = room_id
        self._attr_device_info = room_device(coordinator, room_id)

    @property
    def view(self) -> RoomView:
        """Return what is known of the room now."""
        return self.coordinator.view(self.room_id)


class HouseEntity(SmartLoopEntity):
    """An entity of the household."""

    def __init__(self, coordinator: Coordinator, description: EntityDescription) -> None:
        """Belong to the household's device."""
        super().__init__(coordinator, description, None)
        self._name_after(coordinator.entry.title)
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, coordinator.entry.entry_id)})


class DisplayEntity(SmartLoopEntity):
    """An entity that hears of its own place only, and writes when what it shows has changed."""

    _shown: Shown | None = None

    @abstractmethod
    def look(self) -> Shown:
        """Return what there is to show now; figures may be `Figure`."""

    @abstractmethod
    def show(self, value: StateType) -> None:
        """Take over the value to be shown."""

    @override
    async def async_added_to_hass(self) -> None:
        """Show what is known and listen from here on."""
        await super().async_added_to_hass()
        self._refresh()
        self.async_on_remove(self.coordinator.async_add_listener(self.place, self._changed))

    @callback
    @override
    def async_entity_id_changed(self, old_entity_id: str) -> None:
        """Stay as it is: the listener hangs on the place, not on the entity's id."""
        super().async_entity_id_changed(old_entity_id)

    @callback
    def _changed(self) -> None:
        if self._refresh():
            self.async_write_ha_state()

    def _refresh(self) -> bool:
        """Look again; return whether there is something new to show."""
        before, now = self._shown or Shown(), self.look()
        value = cast(StateType, settle(before.value, now.value))
        attributes = cast(dict[str, object], settle(before.attributes, now.attributes))
        shown = Shown(value=value, attributes=attributes, available=now.available)
        if shown == self._shown:
            return False
        self._shown = shown
        self._attr_available = shown.available
        self._attr_extra_state_attributes = attributes
        self.show(value)
        return True


def room_device(coordinator: Coordinator, room_id: str) -> DeviceInfo:
    """Return the device of a room: its own, behind the household's, in the room's area."""
    area = ar.async_get(coordinator.hass).async_get_area(room_id)
    return DeviceInfo(
        identifiers={(DOMAIN, f"{coordinator.entry.entry_id}_{room_id}")},
        name=coordinator.room_name(room_id),
        manufacturer="SmartLoop",
        model="Room",
        suggested_area=area.name if area is not None else None,
        via_device_id=coordinator.household_device_id,
    )
