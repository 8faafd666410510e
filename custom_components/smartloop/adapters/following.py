"""Bindings follow their entities: renamed, moved, disabled, removed and back again."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir

from ..const import CONF_BINDINGS, CONF_OUTDOOR, CONF_SLEEPERS, CONF_WEATHER, DOMAIN, LOGGER
from ..engine import OUTDOOR, Measurand
from .bindings import BindingIndex, places_of, rooms_of
from .discovery import area_is_outdoor

ISSUE_AREA_REMOVED: Final = "area_removed"

_ENTITY_CHANGES: Final = frozenset({"area_id", "device_id", "disabled_by", "entity_id"})
_DEVICE_CHANGES: Final = frozenset({"area_id", "parent_device_id"})
_OUTDOOR_MEASURANDS: Final = frozenset({Measurand.TEMPERATURE, Measurand.RELATIVE_HUMIDITY})

type _Places = dict[str, dict[Measurand, list[str]]]


@callback
def async_track_bindings(hass: HomeAssistant, entry: ConfigEntry[Any], on_change: Callable[[], None]) -> CALLBACK_TYPE:
    """Keep the entry's bindings true to the registries; call back when what is in force changed.

    A sensor carried to another configured room measures there from now on; one carried to a
    place that is no room stops measuring. Both are written into the entry.
    """
    return _Follower(hass, entry, on_change).start()


class _Follower:
    """Remembers where every bound entity was last seen."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], on_change: Callable[[], None]) -> None:
        self._hass = hass
        self._entry = entry
        self._on_change = on_change
        self._index = BindingIndex(hass, entry)
        self._areas: dict[str, str | None] = {}
        self._look()

    def start(self) -> CALLBACK_TYPE:
        """Listen to the registries; returns the way to stop."""
        bus = self._hass.bus
        unsubscribe = (
            bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._changed, event_filter=self._entity_matters),
            bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._changed, event_filter=_device_matters),
            bus.async_listen(ar.EVENT_AREA_REGISTRY_UPDATED, self._areas_changed),
        )
        self._check_areas()

        @callback
        def stop() -> None:
            for each in unsubscribe:
                each()

        return stop

    @callback
    def _entity_matters(self, data: Mapping[str, Any]) -> bool:
        """Return whether an event is about an entity of ours; there are thousands of others at start-up."""
        if data["action"] == "remove":
            return data["entity_id"] in self._index.by_entity or data["entity_id"] == self._index.weather
        if data["action"] == "update" and not _ENTITY_CHANGES & data["changes"].keys():
            return False
        known = er.async_get(self._hass).async_get(data["entity_id"])
        # A box that is bound may get a battery or a link quality to tell of.
        return known is not None and (known.id in self._areas or known.device_id in self._index.boxes)

    @callback
    def _changed(self, _event: Event[Any]) -> None:
        moved = self._look()
        if moved:
            self._move(moved)
        index = BindingIndex(self._hass, self._entry)
        if not index.says_the_same(self._index):
            self._index = index
            self._on_change()

    @callback
    def _areas_changed(self, event: Event[ar.EventAreaRegistryUpdatedData]) -> None:
        area_id = event.data["area_id"]
        room = rooms_of(self._entry).get(area_id) if area_id else None
        if room is None:
            return
        self._check_areas()
        area = ar.async_get(self._hass).async_get_area(room.data["area_id"])
        if area is not None and area.name != room.title:
            self._hass.config_entries.async_update_subentry(self._entry, room, title=area.name)

    def _look(self) -> dict[str, tuple[str | None, str]]:
        """See where everything is; return what was carried, from where and where to."""
        registry = er.async_get(self._hass)
        bound = {each for remembered in places_of(self._entry).values() for ids in remembered.values() for each in ids}
        moved = {}
        areas: dict[str, str | None] = {}
        for each in bound:
            before = self._areas.get(each)
            known = registry.async_get(each)
            # Of what is gone the last place is kept: it may come back elsewhere.
            areas[each] = er.async_get_effective_area_id(self._hass, known) if known else before
            now = areas[each]
            if each in self._areas and now is not None and now != before:
                moved[each] = (before, now)
        if weather := self._entry.options.get(CONF_WEATHER):
            areas.setdefault(weather, None)
        self._areas = areas
        return moved

    def _move(self, moved: Mapping[str, tuple[str | None, str]]) -> None:
        places = places_of(self._entry)
        sleepers = {area_id: dict(room.data.get(CONF_SLEEPERS, {})) for area_id, room in rooms_of(self._entry).items()}
        for bound, (before, area_id) in moved.items():
            target = self._place(area_id)
            self._carry_sleeper(sleepers, bound, target)
            left = self._place(before) if before is not None else None
            for place in places:
                # What its owner bound from somewhere else stays bound until it comes to a known place.
                if place != target and (target is not None or place == left):
                    _carry(places, bound, place, target)
        self._persist(places, sleepers)

    def _carry_sleeper(self, sleepers: dict[str, dict[str, str]], bound: str, target: str | None) -> None:
        """Let a bed stay somebody's in whatever room it is."""
        known = er.async_get(self._hass).async_get(bound)
        source = (known.device_id if known else None) or bound
        for place, said in sleepers.items():
            if target in sleepers and place != target and source in said:
                sleepers[target][source] = said.pop(source)

    def _place(self, area_id: str) -> str | None:
        if area_id in rooms_of(self._entry):
            return area_id
        area = ar.async_get(self._hass).async_get_area(area_id)
        return OUTDOOR if area is not None and area_is_outdoor(area) else None

    def _persist(self, places: _Places, sleepers: Mapping[str, dict[str, str]]) -> None:
        entries = self._hass.config_entries
        for area_id, room in rooms_of(self._entry).items():
            data = {**room.data, CONF_BINDINGS: _stored(places[area_id])}
            if CONF_SLEEPERS in data or sleepers[area_id]:
                data[CONF_SLEEPERS] = sleepers[area_id]
            if entries.async_update_subentry(self._entry, room, data=data):
                LOGGER.info("Sensors of %s changed: they follow what was moved", room.title)
        outdoor = _stored(places[OUTDOOR])
        if outdoor != dict(self._entry.options.get(CONF_OUTDOOR, {})):
            entries.async_update_entry(self._entry, options={**self._entry.options, CONF_OUTDOOR: outdoor})

    def _check_areas(self) -> None:
        """Ask the owner what becomes of a room whose area is gone."""
        areas = ar.async_get(self._hass)
        homeless = [room for area_id, room in rooms_of(self._entry).items() if areas.async_get_area(area_id) is None]
        with ir.async_refresh_issues(
            self._hass, DOMAIN, issue_id_pattern=f"{ISSUE_AREA_REMOVED}_", config_entry_id=self._entry.entry_id
        ):
            for room in homeless:
                ir.async_create_issue(
                    self._hass,
                    DOMAIN,
                    f"{ISSUE_AREA_REMOVED}_{room.subentry_id}",
                    config_entry_id=self._entry.entry_id,
                    data={"subentry_id": room.subentry_id},
                    is_fixable=True,
                    severity=ir.IssueSeverity.WARNING,
                    translation_key=ISSUE_AREA_REMOVED,
                    translation_placeholders={"room": room.title},
                )


@callback
def _device_matters(data: Mapping[str, Any]) -> bool:
    return data["action"] == "update" and bool(_DEVICE_CHANGES & data["changes"].keys())


def _carry(places: _Places, bound: str, place: str, target: str | None) -> None:
    for measurand, ids in places[place].items():
        if bound not in ids:
            continue
        ids.remove(bound)
        if target is None or (target == OUTDOOR and measurand not in _OUTDOOR_MEASURANDS):
            continue
        there = places[target].setdefault(measurand, [])
        if bound not in there:
            there.append(bound)


def _stored(remembered: Mapping[Measurand, list[str]]) -> dict[str, list[str]]:
    return {measurand.value: ids for measurand, ids in remembered.items() if ids}
