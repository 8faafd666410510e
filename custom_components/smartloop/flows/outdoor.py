"""The fields about the air outside, shared by set-up, reconfigure and options."""

from collections.abc import Mapping
from typing import Any

import probatio as vol
from homeassistant.core import HomeAssistant, callback

from ..adapters.discovery import ProposedOutdoor, binding_id, entity_of
from ..const import CONF_OUTDOOR, CONF_WEATHER
from .fields import (
    OUTDOOR_FIELDS,
    Errors,
    entities_selector,
    refused,
    remembered_bindings,
    shown_bindings,
    weather_refused,
    weather_selector,
)


def outdoor_schema() -> dict[vol.Marker, Any]:
    """Return the fields."""
    return {
        vol.Optional(CONF_WEATHER): weather_selector(),
        **{vol.Optional(name): entities_selector(measurand) for name, measurand in OUTDOOR_FIELDS.items()},
    }


@callback
def outdoor_proposed(hass: HomeAssistant, outdoor: ProposedOutdoor) -> dict[str, Any]:
    """Return the fields' values as found in the registries."""
    return outdoor_shown(hass, {CONF_WEATHER: outdoor.weather, CONF_OUTDOOR: outdoor.bindings})


@callback
def outdoor_shown(hass: HomeAssistant, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields' values as the entry remembers them."""
    values: dict[str, Any] = dict(shown_bindings(hass, OUTDOOR_FIELDS, options.get(CONF_OUTDOOR, {})))
    weather = options.get(CONF_WEATHER)
    if weather and (entity_id := entity_of(hass, weather)) is not None:
        values[CONF_WEATHER] = entity_id
    return values


@callback
def outdoor_refused(hass: HomeAssistant, user_input: Mapping[str, Any]) -> Errors:
    """Return what of the fields cannot be used, and why."""
    return weather_refused(hass, user_input.get(CONF_WEATHER)) | refused(hass, OUTDOOR_FIELDS, user_input)


@callback
def outdoor_remembered(hass: HomeAssistant, user_input: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the entry's options remember of the fields."""
    weather = user_input.get(CONF_WEATHER)
    return {
        CONF_WEATHER: binding_id(hass, weather) if weather else None,
        CONF_OUTDOOR: remembered_bindings(hass, OUTDOOR_FIELDS, user_input),
    }
