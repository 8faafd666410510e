"""Whose device it is: the members of the household and their inhalers, as choices."""

from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant

from ..const import CONF_INHALERS, CONF_PERSON, SUBENTRY_MEMBER
from ..engine import InhalerRole
from .labels import async_text

NEW: Final = "new:"
"""Begins the choice of an inhaler that is not known yet; its role follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Somebody whose device it can be."""

    id: str
    title: str
    subentry: ConfigSubentry


def members_of(entry: ConfigEntry[Any]) -> list[Member]:
    """Return the members of the household."""
    return [
        Member(id=sub.data[CONF_PERSON], title=sub.title, subentry=sub)
        for sub in entry.get_subentries_of_type(SUBENTRY_MEMBER)
    ]


async def async_inhaler_labels(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dict[str, str]:
    """Return everybody's inhalers, and for everybody one of each role that is not known yet."""
    known = await async_text(hass, "inhaler_label", "known")
    new = {role: await async_text(hass, "inhaler_label", f"new_{role.value}") for role in InhalerRole}
    labels = {}
    for member in members_of(entry):
        for inhaler in member.subentry.data.get(CONF_INHALERS, ()):
            labels[f"{member.id}/{inhaler['id']}"] = known.format(member=member.title, inhaler=inhaler["name"])
        for role, text in new.items():
            labels[f"{member.id}/{NEW}{role.value}"] = text.format(member=member.title)
    return labels
