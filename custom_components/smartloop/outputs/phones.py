"""The household's people and their phones, and one push to one phone."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import slugify

from ..const import CONF_PERSON, CONF_PHONES, CONF_USER, LOGGER, SUBENTRY_MEMBER

NOTIFY_DOMAIN: Final = "notify"
PHONE_DOMAIN: Final = "mobile_app"
"""The companion app's integration; its package is never imported, it is heavy."""
TIMEOUT_S: Final = 15.0
"""The app's own cloud push gives up after 10 s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phone:
    """One device with the companion app."""

    service: str
    """Its notify service, without the domain."""
    local_only: bool
    """Reached through its open connection alone: a push into a dead one is lost without a word."""


@callback
def people(entry: ConfigEntry[Any]) -> tuple[str, ...]:
    """Return the ids of the household's people."""
    return tuple(member.data[CONF_PERSON] for member in entry.get_subentries_of_type(SUBENTRY_MEMBER))


@callback
def phones_of(hass: HomeAssistant, entry: ConfigEntry[Any], person: str | None) -> tuple[Phone, ...]:
    """Return the phones of a person: those the owner chose, else all of the person's user."""
    member = next((each for each in _members(entry) if each.data[CONF_PERSON] == person), None)
    if member is None:
        return ()
    known = {each.entry_id: each for each in hass.config_entries.async_loaded_entries(PHONE_DOMAIN)}
    chosen = member.data.get(CONF_PHONES)
    if chosen is not None and (not chosen or known.keys() & set(chosen)):
        return tuple(_phone(known[each]) for each in chosen if each in known)
    # A phone that was set up anew is another entry; better the user's than none.
    user_id = member.data.get(CONF_USER)
    return tuple(_phone(each) for each in known.values() if user_id and each.data.get("user_id") == user_id)


def _members(entry: ConfigEntry[Any]) -> Iterator[ConfigSubentry]:
    yield from entry.get_subentries_of_type(SUBENTRY_MEMBER)


def _phone(entry: ConfigEntry[Any]) -> Phone:
    name = str(entry.data.get("device_name") or entry.title)
    app_data = entry.data.get("app_data") or {}
    return Phone(
        service=f"{PHONE_DOMAIN}_{slugify(name)}",
        local_only=bool(app_data.get("push_websocket_channel")) and "push_url" not in app_data,
    )


async def async_push(hass: HomeAssistant, service: str, message: Mapping[str, Any]) -> bool:
    """Hand one message over; return whether it was taken. Never raises."""
    if not hass.services.has_service(NOTIFY_DOMAIN, service):
        LOGGER.warning("There is no action notify.%s now, its phone cannot be reached", service)
        return False
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await hass.services.async_call(NOTIFY_DOMAIN, service, dict(message), blocking=True)
    except Exception as err:  # noqa: BLE001  whatever goes wrong in the app, somebody must still be told
        LOGGER.warning("Phone behind notify.%s cannot be reached: %s", service, str(err) or type(err).__name__)
        return False
    return True
