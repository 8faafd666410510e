"""What in this house could tell of a puff: the tags, and the kinds of events a button sends."""

from collections.abc import Iterable
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from .discovery import entity_of

TAG_DOMAIN: Final = "tag"
PRESS_DOMAINS: Final = ("binary_sensor", "button", "event", "input_boolean", "input_button")
COUNTER_DOMAINS: Final = ("sensor",)
_EVENT_TYPES: Final = "event_types"
_LIKELY: Final = (
    "press",
    "pressed",
    "single",
    "single_press",
    "short_press",
    "short_release",
    "click",
    "initial_press",
    "multi_press_1",
    "press_end",
    "press_start",
    "on",
)
"""What integrations call one plain press, the likeliest first; one of them, since a press may send several."""


@callback
def tags(hass: HomeAssistant) -> dict[str, str]:
    """Return the names of the tags Home Assistant knows, by their ids."""
    entries = [each for each in er.async_get(hass).entities.values() if each.platform == TAG_DOMAIN]
    named = {each.unique_id: each.name or each.original_name or each.unique_id for each in entries}
    return dict(sorted(named.items(), key=lambda item: item[1].casefold()))


@callback
def event_types(hass: HomeAssistant, bound: str) -> tuple[str, ...]:
    """Return the events an entity can send; none for what is no event entity."""
    entity_id = entity_of(hass, bound)
    if entity_id is None or not entity_id.startswith("event."):
        return ()
    state, entry = hass.states.get(entity_id), er.async_get(hass).async_get(entity_id)
    told: Any = state.attributes.get(_EVENT_TYPES) if state is not None else None
    if not told and entry is not None:
        told = (entry.capabilities or {}).get(_EVENT_TYPES)
    return tuple(map(str, told or ()))


def likely_press(types: Iterable[str]) -> list[str]:
    """Return which event is one press, if one can tell."""
    offered = list(types)
    return next(([each] for each in _LIKELY if each in offered), offered if len(offered) == 1 else [])


@callback
def name_of(hass: HomeAssistant, bound: str) -> str:
    """Return what the owner calls an entity."""
    entity_id = entity_of(hass, bound) or bound
    state = hass.states.get(entity_id)
    return state.name if state is not None else entity_id
