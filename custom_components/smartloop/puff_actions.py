"""Puffs by hand: enter one, take one back, and show a person their own. Of health, so nobody else's."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import probatio as vol
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from .adapters.actuations import BY, CLOCK_SLACK, actuation_id
from .adapters.discovery import binding_id
from .adapters.feedback import person_of
from .adapters.inhalers import OwnInhaler, inhalers_of
from .const import CONF_PERSON, CONF_USER, DOMAIN, SUBENTRY_MEMBER
from .coordinator import Coordinator
from .diary import Origin, StoredActuation

ATTR_COUNT: Final = "count"
ATTR_HOURS: Final = "hours"
ATTR_INHALER: Final = "inhaler"
ATTR_PERSON: Final = "person"
ATTR_PUFF: Final = "puff_id"
ATTR_TIME: Final = "time"
TECHNIQUE: Final[Mapping[str, float]] = {"shake_s": 600.0, "tilt_deg": 180.0, "peak_flow_lpm": 1200.0}
"""What may be told of how it was done, and up to how much."""

APART: Final = timedelta(seconds=15)
"""Between puffs taken one after the other"""
WITHIN: Final = 60.0
"""s that the times of several puffs entered at once may be off"""
OLDEST: Final = timedelta(days=365)
MOST_AT_ONCE: Final = 10
MOST_HOURS: Final = 400 * 24
A_WEEK: Final = 7 * 24

HOURS: Final = vol.All(vol.Coerce(int), vol.Range(min=1, max=MOST_HOURS))
RECORD_FIELDS: Final[dict[Any, Any]] = {
    vol.Required(ATTR_INHALER): cv.string,
    vol.Optional(ATTR_PERSON): cv.string,
    vol.Optional(ATTR_TIME): cv.datetime,
    vol.Optional(ATTR_COUNT, default=1): vol.All(vol.Coerce(int), vol.Range(min=1, max=MOST_AT_ONCE)),
    **{
        vol.Optional(name): vol.All(vol.Coerce(float), vol.Range(min=0.0, max=most)) for name, most in TECHNIQUE.items()
    },
}
REMOVE_FIELDS: Final[dict[Any, Any]] = {vol.Required(ATTR_PUFF): cv.string}
PUFFS_FIELDS: Final[dict[Any, Any]] = {vol.Optional(ATTR_HOURS, default=A_WEEK): HOURS}


async def async_record_puff(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    """Enter one puff or a few; returns their ids."""
    caller = person_of(coordinator.entry, call.context.user_id)
    own = _inhaler(coordinator, caller, call)
    now = dt_util.utcnow()
    last = dt_util.as_utc(call.data[ATTR_TIME]) if ATTR_TIME in call.data else now
    if not now - OLDEST <= last <= now + CLOCK_SLACK:
        raise _refused(key="impossible_time", days=str(OLDEST.days))
    count = call.data[ATTR_COUNT]
    by = "" if caller in (None, own.person) else f"{BY}{caller}"
    technique = {name: call.data.get(name) for name in TECHNIQUE}
    moments = [last - APART * behind for behind in reversed(range(count))]
    record = await coordinator.puffs.async_record(
        tuple(
            StoredActuation(
                id=actuation_id("service", own.person, own.id, at.isoformat()),
                person=own.person,
                inhaler=own.id,
                at=at,
                source=f"service{by}",
                origin=Origin.SERVICE,
                uncertainty_s=WITHIN if count > 1 else None,
                **technique,
            )
            for at in moments
        )
    )
    return {"puff_ids": [puff.id for puff in record.puffs], "kept": record.kept}


async def async_remove_puff(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    """Take back one puff: one's own, or that of somebody who has no login."""
    puff_id, user = call.data[ATTR_PUFF], call.context.user_id
    puff = await coordinator.diary.async_actuation(puff_id)
    # Whose it is, is nobody's business: what belongs to another is as unknown as what is not there.
    if (
        puff is None
        or not _may_change(coordinator, puff.person, user)
        or not await coordinator.puffs.async_remove(puff)
    ):
        raise _refused(key="unknown_puff", puff=puff_id)
    return {"puff_id": puff_id}


async def async_puffs(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    """Return the caller's own puffs; a call without a login, such as an automation's, has none."""
    person = person_of(coordinator.entry, call.context.user_id)
    if person is None:
        raise _refused(key="only_ones_own")
    return await async_listing(coordinator, person, call.data[ATTR_HOURS])


async def async_listing(coordinator: Coordinator, person: str, hours: int) -> dict[str, JsonValueType]:
    """Return a person's inhalers with their counts, and the puffs of the last hours."""
    now = dt_util.utcnow()
    # A clock that was ahead leaves puffs there; they are shown, so that they can be taken back.
    puffs = await coordinator.puffs.async_puffs(person, now - timedelta(hours=hours))
    names = {own.id: own.name for own in inhalers_of(coordinator.entry) if own.person == person}
    return {
        "inhalers": [
            _shown_inhaler(coordinator, own, now) for own in inhalers_of(coordinator.entry) if own.person == person
        ],
        "puffs": [_shown_puff(puff, names.get(puff.inhaler)) for puff in puffs],
    }


def _shown_inhaler(coordinator: Coordinator, own: OwnInhaler, now: datetime) -> JsonValueType:
    view = coordinator.engine.puffs(own.person, own.id, now)
    return {
        "id": own.id,
        "name": own.name,
        "role": own.role.value,
        "count_24h": view.count_24h,
        "count_7d": view.count_7d,
        "last_at": None if view.last_at is None else view.last_at.isoformat(),
        "limit_24h": view.limit_24h,
    }


def _shown_puff(puff: StoredActuation, name: str | None) -> JsonValueType:
    technique: dict[str, JsonValueType] = {each: getattr(puff, each) for each in TECHNIQUE}
    return {
        "id": puff.id,
        "inhaler": puff.inhaler,
        "name": name,
        "at": puff.at.isoformat(),
        "uncertainty_s": puff.uncertainty_s,
        "told_by": puff.origin.value,
        # What came over the phone or the hand of somebody else says so.
        "by_somebody_else": BY in puff.source,
        **technique,
    }


def _inhaler(coordinator: Coordinator, caller: str | None, call: ServiceCall) -> OwnInhaler:
    """Return the inhaler that is meant, by its name or id: the caller's own where two are called the same."""
    wanted = call.data[ATTR_INHALER]
    found = [
        own
        for own in inhalers_of(coordinator.entry)
        if wanted == own.id or wanted.strip().casefold() == own.name.casefold()
    ]
    if (person := call.data.get(ATTR_PERSON)) is not None:
        found = [own for own in found if own.person == _person(coordinator.hass, person)]
    elif len(found) > 1:
        found = [own for own in found if own.person == caller] or found
    if len(found) > 1:
        raise _refused(key="which_inhaler", inhaler=wanted)
    if not found:
        raise _refused(key="unknown_inhaler", inhaler=wanted)
    return found[0]


def _person(hass: HomeAssistant, given: str) -> str:
    return binding_id(hass, given) if "." in given else given


def _may_change(coordinator: Coordinator, person: str, user: str | None) -> bool:
    """Return whether a call may take back a person's puff; automations act for the house."""
    if user is None or person_of(coordinator.entry, user) == person:
        return True
    # For a child without a login the others of the household do it.
    members = coordinator.entry.get_subentries_of_type(SUBENTRY_MEMBER)
    logins = {member.data[CONF_PERSON]: member.data.get(CONF_USER) for member in members}
    return logins.get(person) is None and person_of(coordinator.entry, user) is not None


def _refused(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
