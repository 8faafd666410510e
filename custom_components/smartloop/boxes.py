"""Entities on other integrations' devices: they come with a box that is bound, and go with it."""

from collections.abc import Callable, Iterable

from homeassistant.core import callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .care import box_place
from .coordinator import Coordinator
from .engine import DeviceFacts, DeviceView
from .entity import SmartLoopEntity


class BoxEntity(SmartLoopEntity):
    """An entity of ours on a box of somebody else's, named after it and in its room."""

    def __init__(self, coordinator: Coordinator, description: EntityDescription, source: str) -> None:
        """Hang on the box's own device; its makers' integration goes on owning it."""
        super().__init__(coordinator, description, box_place(source))
        self.source = source
        self._attr_unique_id = unique_id(coordinator, source, description.key)
        self.device_entry = dr.async_get(coordinator.hass).async_get(source)

    @property
    def view(self) -> DeviceView | None:
        """Return what is known of the box; None before the first look."""
        return self.coordinator.care.views.get(self.source)


def unique_id(coordinator: Coordinator, source: str, key: str) -> str:
    """Return what an entity of a box is remembered by."""
    return f"{coordinator.entry.entry_id}_{source}_{key}"


@callback
def async_follow_boxes(
    coordinator: Coordinator,
    domain: str,
    keys: Iterable[str],
    make: Callable[[str], Iterable[Entity]],
    async_add_entities: AddConfigEntryEntitiesCallback,
    *,
    wants: Callable[[DeviceFacts], bool] = lambda _facts: True,
) -> None:
    """Add the entities of every box now and later, and remove those of boxes that are bound no more."""
    known: set[str] = set()
    suffixes = tuple(f"_{key}" for key in keys)

    @callback
    def follow() -> None:
        devices = dr.async_get(coordinator.hass)
        boxes = coordinator.care.facts.items()
        present = {source for source, facts in boxes if wants(facts) and devices.async_get(source) is not None}
        _remove(coordinator, domain, suffixes, present)
        known.intersection_update(present)
        new = sorted(present - known)
        known.update(new)
        if new:
            async_add_entities(entity for source in new for entity in make(source))

    follow()
    coordinator.entry.async_on_unload(coordinator.care.async_add_listener(follow))


def _remove(coordinator: Coordinator, domain: str, suffixes: tuple[str, ...], present: set[str]) -> None:
    registry = er.async_get(coordinator.hass)
    prefix = f"{coordinator.entry.entry_id}_"
    for entry in er.async_entries_for_config_entry(registry, coordinator.entry.entry_id):
        ours = entry.domain == domain and entry.unique_id.startswith(prefix)
        for suffix in suffixes if ours else ():
            source = _source(entry, prefix, suffix)
            if source is not None and source not in present:
                registry.async_remove(entry.entity_id)


def _source(entry: er.RegistryEntry, prefix: str, suffix: str) -> str | None:
    if not entry.unique_id.endswith(suffix):
        return None
    return entry.unique_id.removeprefix(prefix).removesuffix(suffix)
