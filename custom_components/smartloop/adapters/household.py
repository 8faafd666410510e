"""The config entry and its subentries become the engine's household."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_AREA,
    CONF_CONSTRUCTION,
    CONF_DAILY_BUDGET,
    CONF_F_RSI,
    CONF_JOURNEYS,
    CONF_KIND,
    CONF_PERSON,
    CONF_QUIET_HOURS,
    CONF_VOLUME,
    CONF_WALL_CLASS,
    SUBENTRY_MEMBER,
)
from ..engine import (
    Autonomy,
    Construction,
    Household,
    Journey,
    Person,
    QuietHours,
    Room,
    RoomKind,
    WallClass,
)
from .bindings import rooms_of
from .inhalers import action_plan, engine_inhalers

DEFAULT_BUDGET = 3
"""Non-critical messages per person and day."""


def household_of(hass: HomeAssistant, entry: ConfigEntry[Any]) -> Household:
    """Return who lives where, as the engine needs to know it."""
    areas = ar.async_get(hass)
    options = entry.options
    return Household(
        timezone=dt_util.get_default_time_zone(),
        rooms=tuple(_room(areas.async_get_area(area_id), room) for area_id, room in rooms_of(entry).items()),
        people=tuple(_person(member) for member in entry.get_subentries_of_type(SUBENTRY_MEMBER)),
        journeys={Journey(name): Autonomy(level) for name, level in options.get(CONF_JOURNEYS, {}).items()},
        quiet_hours=_quiet_hours(options),
        daily_budget=int(options.get(CONF_DAILY_BUDGET, DEFAULT_BUDGET)),
    )


def _room(area: ar.AreaEntry | None, subentry: ConfigSubentry) -> Room:
    data = subentry.data
    return Room(
        id=data[CONF_AREA],
        name=area.name if area else subentry.title,
        kind=RoomKind(data.get(CONF_KIND, RoomKind.OTHER)),
        volume_m3=data.get(CONF_VOLUME),
        construction=Construction(data.get(CONF_CONSTRUCTION, Construction.UNKNOWN)),
        wall_class=WallClass(data.get(CONF_WALL_CLASS, WallClass.SENSITIVE)),
        f_rsi=data.get(CONF_F_RSI),
    )


def _person(subentry: ConfigSubentry) -> Person:
    return Person(
        id=subentry.data[CONF_PERSON],
        name=subentry.title,
        quiet_hours=_quiet_hours(subentry.data),
        inhalers=engine_inhalers(subentry),
        plan=action_plan(subentry),
    )


def _quiet_hours(data: Mapping[str, Any]) -> QuietHours | None:
    if not (hours := data.get(CONF_QUIET_HOURS)):
        return None
    return QuietHours(start=time.fromisoformat(hours["start"]), end=time.fromisoformat(hours["end"]))
