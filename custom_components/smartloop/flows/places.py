"""Where a sensor that is offered may measure: a room, an area that becomes one, or the open air."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from ..adapters.bindings import free_areas, rooms_of
from ..adapters.discovery import Candidate, area_is_outdoor, async_propose_room
from ..adapters.offers import Offer
from ..adapters.senses import AIR
from ..adapters.words import room_kind
from ..const import CONF_BINDINGS, CONF_OUTDOOR, CONF_SLEEPERS, SUBENTRY_ROOM
from ..engine import OUTDOOR, Measurand
from .labels import async_new_room_label, async_outdoor_label
from .room import new_room

type Measured = Iterable[tuple[str, Measurand]]
"""Registry ids, and what each measures."""


async def async_place_labels(hass: HomeAssistant, entry: ConfigEntry[Any], offer: Offer) -> dict[str, str]:
    """Return the places an offer can be put to, by id."""
    labels = {area_id: room.title for area_id, room in rooms_of(entry).items()}
    if (area_id := own_area(hass, entry, offer)) is not None:
        labels[area_id] = await async_new_room_label(hass, free_areas(hass, entry)[area_id].name)
    if offer.role is None and any(each.measurand in AIR for each in offer.sensors):
        labels[OUTDOOR] = await async_outdoor_label(hass)
    return labels


@callback
def own_area(hass: HomeAssistant, entry: ConfigEntry[Any], offer: Offer) -> str | None:
    """Return the area an offered box stands in when that is no room yet, but can become one."""
    area = free_areas(hass, entry).get(offer.sensors[0].area_id or "")
    return area.id if area is not None and not area_is_outdoor(area) else None


async def async_bind(
    hass: HomeAssistant, entry: ConfigEntry[Any], place: str, measured: Measured, sleepers: Mapping[str, str]
) -> None:
    """Write sensors into the entry; an area that is no room yet becomes one, with what else measures there."""
    room = rooms_of(entry).get(place)
    if room is None and place != OUTDOOR:
        await _async_new_room(hass, entry, place, measured, sleepers)
        return
    remembered = room.data.get(CONF_BINDINGS, {}) if room else entry.options.get(CONF_OUTDOOR, {})
    bindings = _with(remembered, (each for each in measured if room is not None or each[1] in AIR))
    if room is None:
        hass.config_entries.async_update_entry(entry, options={**entry.options, CONF_OUTDOOR: bindings})
        return
    data = {**room.data, CONF_BINDINGS: bindings}
    if sleepers:
        data[CONF_SLEEPERS] = {**room.data.get(CONF_SLEEPERS, {}), **sleepers}
    hass.config_entries.async_update_subentry(entry, room, data=data)


async def _async_new_room(
    hass: HomeAssistant, entry: ConfigEntry[Any], area_id: str, measured: Measured, sleepers: Mapping[str, str]
) -> None:
    if (area := free_areas(hass, entry).get(area_id)) is None:
        return
    proposed = await async_propose_room(hass, area_id, guesses=False)
    data = new_room(area_id, room_kind((area.name, *sorted(area.aliases)), area.icon), proposed)
    data[CONF_BINDINGS] = _with(data[CONF_BINDINGS], measured)
    if sleepers:
        data[CONF_SLEEPERS] = dict(sleepers)
    room = ConfigSubentry(data=MappingProxyType(data), subentry_type=SUBENTRY_ROOM, title=area.name, unique_id=area_id)
    hass.config_entries.async_add_subentry(entry, room)


def _with(remembered: Mapping[str, Iterable[str]], measured: Measured) -> dict[str, list[str]]:
    bindings = {name: list(ids) for name, ids in remembered.items()}
    for bound, measurand in measured:
        ids = bindings.setdefault(measurand.value, [])
        if bound not in ids:
            ids.append(bound)
    return bindings


def measured_by(sensors: Iterable[Candidate]) -> list[tuple[str, Measurand]]:
    """Return what the sensors of an offer measure."""
    return [(each.id, each.measurand) for each in sensors]
