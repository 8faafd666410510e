"""A household whose members have inhalers, and what tells of their puffs."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .house import BEN_USER, add_platform, registry_id

BLUE, BROWN, BENS = "01BLUE", "01BROWN", "01BENS"


def inhaler(
    inhaler_id: str, *sources: dict[str, Any], name: str = "Blue one", role: str = "reliever"
) -> dict[str, Any]:
    return {"id": inhaler_id, "name": name, "role": role, "sources": list(sources)}


def tag(tag_id: str) -> dict[str, Any]:
    return {"kind": "tag", "tag": tag_id}


def entity(bound: str, *types: str) -> dict[str, Any]:
    return {"kind": "entity", "id": bound, "types": list(types)}


def counter(bound: str) -> dict[str, Any]:
    return {"kind": "counter", "id": bound}


def trigger(**fields: Any) -> dict[str, Any]:
    return {"kind": "trigger", "trigger": fields}


def give(hass: HomeAssistant, entry: MockConfigEntry, *inhalers: dict[str, Any], **more: Any) -> None:
    """Give Ana these inhalers."""
    ana = entry.subentries["member_ana"]
    hass.config_entries.async_update_subentry(entry, ana, data={**ana.data, "inhalers": list(inhalers), **more})


def with_ben(hass: HomeAssistant, entry: MockConfigEntry, *inhalers: dict[str, Any]) -> MockConfigEntry:
    """Return the entry, not added, with Ben as a second member."""
    ben = registry_id(hass, "person.ben")
    subentries = [
        {
            "data": dict(each.data),
            "subentry_id": each.subentry_id,
            "subentry_type": each.subentry_type,
            "title": each.title,
            "unique_id": each.unique_id,
        }
        for each in entry.subentries.values()
    ]
    subentries.append(
        {
            "data": {"person": ben, "user_id": BEN_USER, "inhalers": list(inhalers)},
            "subentry_id": "member_ben",
            "subentry_type": "member",
            "title": "Ben",
            "unique_id": ben,
        }
    )
    return MockConfigEntry(
        domain=entry.domain,
        title=entry.title,
        entry_id=entry.entry_id,
        options=dict(entry.options),
        subentries_data=subentries,
    )


def add_source(
    hass: HomeAssistant, domain: str, object_id: str, *, state: str | None = None, **attributes: Any
) -> er.RegistryEntry:
    """Put an entity that may tell of puffs into the registry, and show it if it has a state."""
    entry = er.async_get(hass).async_get_or_create(
        domain, "mqtt", object_id, suggested_object_id=object_id, config_entry=add_platform(hass, "mqtt")
    )
    if state is not None:
        hass.states.async_set(entry.entity_id, state, attributes)
    return entry
