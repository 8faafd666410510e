"""Registries to a proposal: which rooms there are, and which entity measures what in them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.components.weather import DOMAIN as WEATHER_DOMAIN
from homeassistant.components.weather import WeatherEntityFeature
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import floor_registry as fr

from ..const import DOMAIN
from ..engine import OUTDOOR, Measurand, RoomKind, UnitError, convert
from ..pace import paced
from .roles import MEASURANDS, Role, guess
from .senses import (
    AIR,
    Names,
    Sense,
    device_class_of,
    is_company,
    is_known_class,
    measurand_of,
    names_of,
    senses_of,
)
from .words import is_outdoor_place, is_outside, is_room_air, room_kind

type Bindings = Mapping[Measurand, tuple[str, ...]]
"""Entity registry ids by what they measure, the most trusted first."""

_DERIVED: Final = frozenset(
    {
        "derivative", "filter", "integration", "min_max", "mold_indicator", "random", "statistics", "threshold",
        "trend", "utility_meter",
    }
)  # fmt: skip
"""Platforms that compute from other sensors: their values would count twice, or are not what the class says."""

_COLD_CORNER_BOARD: Final = "SmartLoop mold node"
"""Our board whose further thermometer touches the coldest surface; over Zigbee both have the same name."""

_ON_OFF_UNIT: Final = ""

_PLAIN_DOMAINS: Final = frozenset({BINARY_SENSOR_DOMAIN, SENSOR_DOMAIN})
"""Where names may tell what no device class does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedRoom:
    """One area that can become a room."""

    area_id: str
    name: str
    kind: RoomKind
    """Guessed from the name and the icon."""
    floor: str | None
    bindings: Bindings

    @property
    def sensors(self) -> int:
        """Return how many entities would be bound."""
        return len({each for ids in self.bindings.values() for each in ids})

    @property
    def senses(self) -> tuple[Sense, ...]:
        """Return what can be looked after there; without any, something is missing."""
        return senses_of(measurand for measurand, ids in self.bindings.items() if ids)

    @property
    def complete(self) -> bool:
        """Return whether there is what the damp journey needs: temperature and humidity."""
        return Sense.DAMP in self.senses


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedOutdoor:
    """What tells of the air outside."""

    weather: str | None = None
    """A weather entity's registry id."""
    bindings: Bindings = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What the registries say of the house."""

    rooms: tuple[ProposedRoom, ...]
    """By floor, then by name."""
    outdoor: ProposedOutdoor
    unassigned: tuple[str, ...]
    """Registry ids of sensors that could be used if they had an area."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One entity that measures something we understand."""

    id: str
    """The registry id."""
    entity_id: str
    measurand: Measurand
    source: str
    """The device's id, else the registry id."""
    area_id: str | None
    outdoor: bool
    """Whether it measures the air outside, by its area or its own name."""
    chosen: bool = False
    """Whether it is its area's own by the owner's word."""
    role: Role | None = None
    """Why its measurand is only a guess: its bridge does not say what it is for."""


def binding_id(hass: HomeAssistant, entity_id: str) -> str:
    """Return what an entity is remembered by: its registry id, or its entity id when it has none."""
    entry = er.async_get(hass).async_get(entity_id)
    return entry.id if entry is not None else entity_id


def entity_of(hass: HomeAssistant, bound: str) -> str | None:
    """Return the entity id of what `binding_id` gave, None when it is gone or disabled."""
    entry = er.async_get(hass).async_get(bound)
    if entry is not None:
        return None if entry.disabled else entry.entity_id
    return bound if "." in bound else None


def unit_of(hass: HomeAssistant, entity_id: str) -> str | None:
    """Return the unit an entity reports in; the registry knows it before the entity has a state."""
    state = hass.states.get(entity_id)
    if state is not None and (unit := state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)) is not None:
        return str(unit)
    entry = er.async_get(hass).async_get(entity_id)
    return entry.unit_of_measurement if entry is not None else None


def convertible(measurand: Measurand, unit: str | None) -> bool:
    """Return whether values in this unit can become the measurand's own."""
    try:
        convert(measurand, 1.0, unit or _ON_OFF_UNIT)
    except UnitError:
        return False
    return True


@callback
def area_is_outdoor(area: ar.AreaEntry) -> bool:
    """Return whether an area is under the open sky, as far as its name tells."""
    return area.id == OUTDOOR or is_outdoor_place((area.name, *area.aliases), area.icon)


@callback
def propose(hass: HomeAssistant, found: tuple[Candidate, ...]) -> Proposal:
    """Return the rooms of what was found in the registries, whatever platform it comes from."""
    by_area: dict[str, list[Candidate]] = {}
    for each in found:
        if each.area_id is not None and not each.outdoor and each.role is None:
            by_area.setdefault(each.area_id, []).append(each)
    floors = fr.async_get(hass)
    rooms: list[tuple[tuple[int, str], ProposedRoom]] = []
    for area in ar.async_get(hass).async_list_areas():
        bindings = _bindings(by_area.get(area.id, ()), _chosen(hass, area))
        if area_is_outdoor(area) or is_company(bindings):
            continue
        floor = floors.async_get_floor(area.floor_id) if area.floor_id else None
        room = ProposedRoom(
            area_id=area.id,
            name=area.name,
            kind=room_kind((area.name, *sorted(area.aliases)), area.icon),
            floor=floor.name if floor else None,
            bindings=bindings,
        )
        level = floor.level if floor and floor.level is not None else 0
        rooms.append(((level, area.name.casefold()), room))
    return Proposal(
        rooms=tuple(room for _, room in sorted(rooms, key=lambda each: each[0])),
        outdoor=_outdoor(hass, found),
        unassigned=tuple(each.id for each in found if each.area_id is None and not each.outdoor and each.role is None),
    )


async def async_propose_room(hass: HomeAssistant, area_id: str, *, guesses: bool = True) -> Bindings:
    """Return what measures in one area, and what may: its owner sees it before it is used."""
    area = ar.async_get(hass).async_get_area(area_id)
    if area is None:
        return {}
    found = [
        each
        for each in await async_candidates(hass)
        if each.area_id == area_id and not each.outdoor and (guesses or each.role is None)
    ]
    return _bindings(found, _chosen(hass, area))


async def async_candidates(hass: HomeAssistant) -> tuple[Candidate, ...]:
    """Return every entity that measures something we understand, by entity id; a house may have thousands of others."""
    areas = ar.async_get(hass)
    chosen = {each: area for area in areas.async_list_areas() for each in _chosen(hass, area)}
    found = []
    async for entry in paced(tuple(er.async_get(hass).entities.values())):
        if entry.disabled or entry.platform == DOMAIN or not _may_measure(entry):
            continue
        if (candidate := _candidate(hass, entry, chosen.get(entry.id))) is not None:
            found.append(candidate)
    return tuple(sorted(_one_air_each(hass, found), key=lambda each: each.entity_id))


def _one_air_each(hass: HomeAssistant, found: Sequence[Candidate]) -> Iterator[Candidate]:
    """Leave out every further temperature of one box in one place: it is a probe's, in a corner or a pipe.

    What the further one of our own boards touches is known; of others their owner has to say it.
    """
    registry, seen = er.async_get(hass), set[tuple[str, str | None, bool]]()
    warm = [each for each in found if each.measurand is Measurand.TEMPERATURE]
    yield from (each for each in found if each.measurand is not Measurand.TEMPERATURE)
    for each in sorted(warm, key=lambda each: _natural(registry, each.id)):
        box = each.source, each.area_id, each.outdoor
        if each.chosen or box not in seen:
            seen.add(box)
            yield each
        elif _has_cold_corner(hass, each.source):
            yield replace(each, measurand=Measurand.SURFACE_TEMPERATURE)


def _natural(registry: er.EntityRegistry, bound: str) -> tuple[tuple[bool, int, str], ...]:
    """Return what sorts a box's entities as their makers count them: endpoint 2 comes before endpoint 10."""
    entry = registry.async_get(bound)
    parts = re.split(r"(\d+)", entry.unique_id) if entry is not None else []
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)


def _has_cold_corner(hass: HomeAssistant, source: str) -> bool:
    device = dr.async_get(hass).async_get(source)
    return isinstance(device, dr.DeviceEntry) and (device.model or "").startswith(_COLD_CORNER_BOARD)


def _candidate(hass: HomeAssistant, entry: er.RegistryEntry, chosen_by: ar.AreaEntry | None) -> Candidate | None:
    device = dr.async_get(hass).async_get(entry.device_id) if entry.device_id else None
    names, unit = names_of(entry, device), unit_of(hass, entry.entity_id)
    measurand, role = measurand_of(entry, names, unit), None
    if measurand is None and (role := guess(hass, entry)) is not None:
        measurand = MEASURANDS.get(role)
    if measurand is None or not convertible(measurand, unit):
        return None
    area = chosen_by
    if area is not None:
        # What the owner made a room's sensor needs no second opinion.
        outdoor = area_is_outdoor(area)
    else:
        if not _is_plain(entry) or not _is_of_the_room(measurand, names):
            return None
        area_id = er.async_get_effective_area_id(hass, entry)
        area = ar.async_get(hass).async_get_area(area_id) if area_id else None
        outdoor = is_outside(names.all) or (area_is_outdoor(area) if area else is_outdoor_place(names.all))
        # Without an area a service (a weather account, a region's air quality) is nowhere in the house.
        if area is None and not outdoor and _is_service(device):
            return None
    return Candidate(
        id=entry.id,
        entity_id=entry.entity_id,
        measurand=measurand,
        source=entry.device_id or entry.id,
        area_id=area.id if area else None,
        outdoor=outdoor,
        chosen=chosen_by is not None,
        role=role,
    )


def _may_measure(entry: er.RegistryEntry) -> bool:
    """Return whether an entity is worth a closer look: there are thousands that are not."""
    return is_known_class(entry) or (device_class_of(entry) is None and entry.domain in _PLAIN_DOMAINS)


def _is_of_the_room(measurand: Measurand, names: Names) -> bool:
    """Return whether a temperature or humidity is the room's, not that of a thing or of water in a pipe."""
    if measurand is Measurand.SURFACE_TEMPERATURE:
        return is_room_air((), names.all)
    return measurand not in AIR or is_room_air(names.own[:2], names.all)


def _is_plain(entry: er.RegistryEntry) -> bool:
    """Return whether an entity is meant to be seen and measures by itself."""
    return not entry.hidden and entry.entity_category is None and entry.platform not in _DERIVED


def _is_service(device: dr.BaseDeviceEntry | None) -> bool:
    return isinstance(device, dr.DeviceEntry) and device.entry_type is dr.DeviceEntryType.SERVICE


def _chosen(hass: HomeAssistant, area: ar.AreaEntry) -> dict[str, Measurand]:
    """Return the sensors the owner made the area's own, by what they are remembered by."""
    chosen = {}
    for entity_id, measurand in (
        (area.temperature_entity_id, Measurand.TEMPERATURE),
        (area.humidity_entity_id, Measurand.RELATIVE_HUMIDITY),
    ):
        if entity_id is None or not convertible(measurand, unit_of(hass, entity_id)):
            continue
        entry = er.async_get(hass).async_get(entity_id)
        if entry is None or not (entry.disabled or entry.platform == DOMAIN):
            chosen[binding_id(hass, entity_id)] = measurand
    return chosen


def _bindings(found: Iterable[Candidate], chosen: Mapping[str, Measurand]) -> Bindings:
    """Return the ids by measurand: the area's own first, then boxes that measure both, then the others."""
    known = tuple(found)
    measured: dict[str, set[Measurand]] = {}
    for each in known:
        measured.setdefault(each.source, set()).add(each.measurand)
    bindings: dict[Measurand, list[str]] = {}
    for bound, measurand in chosen.items():
        bindings.setdefault(measurand, []).append(bound)
    for each in sorted(known, key=lambda each: not measured[each.source].issuperset(AIR)):
        if each.id not in chosen:
            bindings.setdefault(each.measurand, []).append(each.id)
    return {measurand: tuple(bindings[measurand]) for measurand in Measurand if measurand in bindings}


def _outdoor(hass: HomeAssistant, found: Iterable[Candidate]) -> ProposedOutdoor:
    chosen: dict[str, Measurand] = {}
    for area in ar.async_get(hass).async_list_areas():
        if area_is_outdoor(area):
            chosen |= _chosen(hass, area)
    outside = [each for each in found if each.outdoor and each.measurand in AIR]
    return ProposedOutdoor(weather=_weather(hass), bindings=_bindings(outside, chosen))


def _weather(hass: HomeAssistant) -> str | None:
    """Return the weather entity that says most: an hourly forecast, then a value of now."""

    def worth(entry: er.RegistryEntry) -> tuple[bool, bool, str]:
        hourly = bool(entry.supported_features & WeatherEntityFeature.FORECAST_HOURLY)
        return not hourly, not _tells_air(hass.states.get(entry.entity_id)), entry.entity_id

    entries = [
        entry
        for entry in er.async_get(hass).entities.values()
        if entry.domain == WEATHER_DOMAIN and not entry.disabled and not entry.hidden
    ]
    return min(entries, key=worth).id if entries else None


def _tells_air(state: State | None) -> bool:
    return state is not None and state.attributes.get("temperature") is not None
