"""Sensors that appeared after the household was set up are offered, never taken.

An alarm whose bridge does not say what it is for is asked about, whenever it appeared.
"""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started

from ..const import CONF_DECLINED, DOMAIN, LOGGER
from ..engine import OUTDOOR, Measurand
from .bindings import places_of, rooms_of
from .box import box_name
from .discovery import Candidate, async_candidates
from .roles import Role
from .senses import AIR, ORDER, is_company

ISSUE_NEW_SENSOR: Final = "new_sensor"
ISSUE_UNKNOWN_SENSOR: Final = "unknown_sensor"

SETTLE_S: Final = 10.0
"""A device that joins brings its entities one after the other."""

AGAIN: Final = timedelta(hours=6)
"""What an alarm without a kind is for shows in its habits, which no event tells."""


_PREFIXES: Final = (f"{ISSUE_NEW_SENSOR}_", f"{ISSUE_UNKNOWN_SENSOR}_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """One box with sensors nobody uses yet."""

    name: str
    sensors: tuple[Candidate, ...]
    """The first one gives the issue its id."""
    place: str | None
    """The configured room it is in, `OUTDOOR`, or None when its owner has to say."""

    @property
    def role(self) -> Role | None:
        """Return what the box is taken for, when that is only a guess."""
        return self.sensors[0].role

    @property
    def kind(self) -> str:
        """Return what the owner is asked: whether to use it, or what it is."""
        return ISSUE_NEW_SENSOR if self.role is None else ISSUE_UNKNOWN_SENSOR

    @property
    def issue_id(self) -> str:
        """Return the repair issue's id."""
        return f"{self.kind}_{self.sensors[0].id}"


async def async_offers(hass: HomeAssistant, entry: ConfigEntry[Any]) -> tuple[Offer, ...]:
    """Return what could be added now.

    In a configured room that is whatever its owner has not left out; elsewhere only what
    appeared after the household was set up, for the rest was there to be chosen. What is only
    guessed to be a sensor was not, wherever it is.
    """
    found = await async_candidates(hass)
    rooms = rooms_of(entry)
    known = {each for remembered in places_of(entry).values() for ids in remembered.values() for each in ids}
    known |= {each for room in rooms.values() for each in room.data.get(CONF_DECLINED, ())}
    boxes: dict[tuple[str, str | None, Role | None], list[Candidate]] = {}
    for each in found:
        if each.id in known:
            continue
        place = _place(each, rooms.keys())
        if place in rooms or each.role is not None or _is_later(hass, each, entry):
            boxes.setdefault((each.source, place, each.role), []).append(each)
    offers = (
        Offer(
            name=box_name(hass, sensors[0].source, sensors[0].entity_id),
            sensors=tuple(sorted(sensors, key=lambda each: (ORDER.index(each.measurand), each.entity_id))),
            place=place,
        )
        for (_, place, role), sensors in boxes.items()
        if role is not None or _is_worth_it({each.measurand for each in sensors}, place)
    )
    return tuple(sorted(offers, key=lambda offer: offer.issue_id))


def _is_worth_it(measurands: set[Measurand], place: str | None) -> bool:
    """Return whether a box is worth asking about: whoever passes by a motion sensor is no news."""
    if place == OUTDOOR:
        return not measurands.isdisjoint(AIR)
    return not is_company(measurands) or Measurand.WINDOW_OPEN in measurands


async def async_offer_new_sensors(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Raise a repair issue for every offer; take back those that stand no longer.

    What the owner chose to ignore stays ignored as long as the sensor exists.
    """
    current = {offer.issue_id: offer for offer in await async_offers(hass, entry)}
    registry = ir.async_get(hass)
    for (domain, issue_id), issue in list(registry.issues.items()):
        if domain != DOMAIN or issue_id in current or not issue_id.startswith(_PREFIXES):
            continue
        gone = er.async_get(hass).async_get(issue_id.rpartition("_")[2]) is None
        if gone or issue.dismissed_version is None:
            registry.async_delete(DOMAIN, issue_id)
    for issue_id, offer in current.items():
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            config_entry_id=entry.entry_id,
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=offer.kind,
            translation_placeholders={"sensor": offer.name},
        )


@callback
def async_track_new_sensors(hass: HomeAssistant, entry: ConfigEntry[Any]) -> CALLBACK_TYPE:
    """Offer new sensors once Home Assistant has started, and whenever the registries settle after a change."""

    async def offer() -> None:
        await async_offer_new_sensors(hass, entry)

    debouncer = Debouncer(hass, LOGGER, cooldown=SETTLE_S, immediate=False, function=offer)

    @callback
    def changed(_event: Event[Any]) -> None:
        debouncer.async_schedule_call()

    @callback
    def look_again(_now: datetime) -> None:
        debouncer.async_schedule_call()

    @callback
    def started(hass: HomeAssistant) -> None:
        debouncer.async_schedule_call()
        unsubscribe.append(async_track_time_interval(hass, look_again, AGAIN, cancel_on_shutdown=True))
        unsubscribe.extend(
            hass.bus.async_listen(kind, changed)
            for kind in (
                er.EVENT_ENTITY_REGISTRY_UPDATED,
                dr.EVENT_DEVICE_REGISTRY_UPDATED,
                ar.EVENT_AREA_REGISTRY_UPDATED,
            )
        )

    unsubscribe: list[CALLBACK_TYPE] = []
    unsubscribe.append(async_at_started(hass, started))

    @callback
    def stop() -> None:
        debouncer.async_shutdown()
        for each in unsubscribe:
            each()

    return stop


def _place(candidate: Candidate, rooms: Container[str]) -> str | None:
    if candidate.outdoor:
        return OUTDOOR
    return candidate.area_id if candidate.area_id is not None and candidate.area_id in rooms else None


def _is_later(hass: HomeAssistant, candidate: Candidate, entry: ConfigEntry[Any]) -> bool:
    known = er.async_get(hass).async_get(candidate.id)
    return known is not None and known.created_at > entry.created_at
