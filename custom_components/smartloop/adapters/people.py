"""The people Home Assistant knows, and their phones."""

from dataclasses import dataclass
from typing import Final

from homeassistant.core import HomeAssistant, callback

from .discovery import binding_id

PERSON_DOMAIN: Final = "person"
PHONE_DOMAIN: Final = "mobile_app"
"""The companion app's integration; its package is never imported, it is heavy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phone:
    """One device with the companion app."""

    id: str
    """The config entry's id: it stays when the device is renamed."""
    name: str
    user_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedMember:
    """One person who can become a member of the household."""

    id: str
    """The registry id of the person's entity."""
    name: str
    user_id: str | None
    phones: tuple[Phone, ...]


@callback
def phones(hass: HomeAssistant) -> tuple[Phone, ...]:
    """Return every device with the companion app, by name."""
    found = (
        Phone(
            id=entry.entry_id,
            name=str(entry.data.get("device_name") or entry.title),
            user_id=entry.data.get("user_id"),
        )
        for entry in hass.config_entries.async_entries(PHONE_DOMAIN, include_ignore=False, include_disabled=False)
    )
    return tuple(sorted(found, key=lambda phone: phone.name.casefold()))


@callback
def people(hass: HomeAssistant) -> tuple[ProposedMember, ...]:
    """Return the persons, by name."""
    known = phones(hass)
    found = []
    for state in hass.states.async_all(PERSON_DOMAIN):
        user_id = state.attributes.get("user_id")
        found.append(
            ProposedMember(
                id=binding_id(hass, state.entity_id),
                name=state.name,
                user_id=user_id,
                phones=tuple(phone for phone in known if user_id is not None and phone.user_id == user_id),
            )
        )
    return tuple(sorted(found, key=lambda member: member.name.casefold()))


@callback
def propose_members(hass: HomeAssistant) -> tuple[ProposedMember, ...]:
    """Return the persons who can be reached or can answer: those with a user."""
    return tuple(member for member in people(hass) if member.user_id is not None)
