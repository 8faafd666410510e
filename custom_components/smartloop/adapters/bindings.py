"""Bindings: which entity measures what where, as the entry remembers it and as it is in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er

from ..const import (
    CONF_AREA,
    CONF_BINDINGS,
    CONF_OUTDOOR,
    CONF_PERSON,
    CONF_SLEEPERS,
    CONF_WEATHER,
    SUBENTRY_MEMBER,
    SUBENTRY_ROOM,
)
from ..engine import OUTDOOR, Measurand
from .box import MEASURED, device_diagnostics
from .discovery import entity_of
from .senses import AIR, PERSONAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """One entity measures one quantity at one place."""

    entity_id: str
    """What it is called now."""
    registry_id: str
    """What it is remembered by; equals the entity id where the registry does not know the entity."""
    measurand: Measurand
    place: str
    """A room's id, or `OUTDOOR`."""
    source: str
    """The device's id, else the registry id: what one box measures shares its source."""
    person: str | None = None
    """Whose body it measures."""


class BindingIndex:
    """The bindings as they are in force: without entities that are gone or disabled.

    What a bound box tells of itself, its battery and its link, is heard without being asked for.
    """

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Resolve what the entry remembers to the entities of this moment."""
        registry = er.async_get(hass)
        sleepers = sleepers_of(entry)
        found: list[Binding] = []
        boxes: dict[str, str] = {}
        for place, remembered in places_of(entry).items():
            for measurand, bound in ((m, each) for m, ids in remembered.items() for each in ids):
                if (entity_id := entity_of(hass, bound)) is None:
                    continue
                known = registry.async_get(bound)
                source = (known.device_id if known else None) or bound
                found.append(
                    Binding(
                        entity_id=entity_id,
                        registry_id=bound,
                        measurand=measurand,
                        place=place,
                        source=source,
                        person=sleepers.get(source) if measurand in PERSONAL else None,
                    )
                )
                if known is not None and known.device_id is not None:
                    boxes.setdefault(known.device_id, place)
        remembered_ids = {each.registry_id for each in found}
        for device_id, place in boxes.items():
            found += (each for each in _told_by(hass, device_id, place) if each.registry_id not in remembered_ids)
        self.boxes: frozenset[str] = frozenset(boxes)
        """The devices of what is bound."""
        self.all: tuple[Binding, ...] = tuple(found)
        self.by_entity: dict[str, tuple[Binding, ...]] = {}
        for binding in found:
            self.by_entity[binding.entity_id] = (*self.by_entity.get(binding.entity_id, ()), binding)
        weather = entry.options.get(CONF_WEATHER)
        self.weather: str | None = entity_of(hass, weather) if weather else None
        """The weather entity's present id."""

    def says_the_same(self, other: BindingIndex) -> bool:
        """Return whether nothing changed for who listens to the entities."""
        return self.all == other.all and self.weather == other.weather


def _told_by(hass: HomeAssistant, device_id: str, place: str) -> list[Binding]:
    """Return the bindings of what a box tells of itself."""
    return [
        Binding(
            entity_id=own.entity_id,
            registry_id=own.registry_id,
            measurand=MEASURED[sign],
            place=place,
            source=device_id,
        )
        for sign, own in device_diagnostics(hass, device_id).items()
        if sign in MEASURED and not own.disabled
    ]


def sleepers_of(entry: ConfigEntry[Any]) -> dict[str, str]:
    """Return whose bed a box is in, by source; who is no member any more is nobody."""
    members = {sub.data[CONF_PERSON] for sub in entry.get_subentries_of_type(SUBENTRY_MEMBER)}
    said = [item for room in rooms_of(entry).values() for item in room.data.get(CONF_SLEEPERS, {}).items()]
    return {source: person for source, person in said if person in members}


def rooms_of(entry: ConfigEntry[Any]) -> dict[str, ConfigSubentry]:
    """Return the room subentries by the room's id."""
    return {sub.data[CONF_AREA]: sub for sub in entry.get_subentries_of_type(SUBENTRY_ROOM)}


def damp_rooms(entry: ConfigEntry[Any]) -> dict[str, str]:
    """Return the rooms whose damp is looked after, their subentries by their ids.

    That is all but those whose owner put sensors into them, none of which measures the air.
    """
    found = {}
    for area_id, room in rooms_of(entry).items():
        bound = {name for name, ids in room.data.get(CONF_BINDINGS, {}).items() if ids}
        if not bound or not bound.isdisjoint(AIR):
            found[area_id] = room.subentry_id
    return found


@callback
def free_areas(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dict[str, ar.AreaEntry]:
    """Return the areas that can still become a room, by id; one called "Outdoor" would be taken for the outside."""
    taken = {OUTDOOR, *rooms_of(entry)}
    return {area.id: area for area in ar.async_get(hass).async_list_areas() if area.id not in taken}


def places_of(entry: ConfigEntry[Any]) -> dict[str, dict[Measurand, list[str]]]:
    """Return what the entry remembers: ids by place and measurand."""
    places = {area_id: _measured(room.data.get(CONF_BINDINGS, {})) for area_id, room in rooms_of(entry).items()}
    places[OUTDOOR] = _measured(entry.options.get(CONF_OUTDOOR, {}))
    return places


def _measured(remembered: Mapping[str, list[str]]) -> dict[Measurand, list[str]]:
    return {Measurand(name): list(ids) for name, ids in remembered.items()}
