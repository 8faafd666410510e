"""The parts of a room's form that fold away: what most rooms have no sensors for."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import probatio as vol
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import section

from ..engine import Measurand
from .fields import Errors, entities_selector, refused, remembered_bindings, shown_bindings

ROOM_SECTIONS: Final[Mapping[str, Mapping[str, Measurand]]] = {
    "leaks": {
        "leak": Measurand.WET,
        "water_flow": Measurand.WATER_FLOW,
        "water_meter": Measurand.WATER_VOLUME,
        "water_pressure": Measurand.WATER_PRESSURE,
    },
    "dust": {
        "pm25": Measurand.PM25,
        "pm10": Measurand.PM10,
        "pm1": Measurand.PM1,
        "co2": Measurand.CO2,
        "voc_index": Measurand.VOC_INDEX,
        "tvoc": Measurand.TVOC,
    },
    "sleep": {
        "bed": Measurand.BED_OCCUPANCY,
        "heart_rate": Measurand.HEART_RATE,
        "breathing": Measurand.RESPIRATORY_RATE,
        "bed_motion": Measurand.BED_MOTION,
    },
    "people": {
        "motion": Measurand.MOTION,
        "presence": Measurand.PRESENCE,
    },
}
"""The names of the sections and of their fields."""


@callback
def sections_schema(bindings: Mapping[str, Iterable[str]]) -> dict[vol.Marker, section]:
    """Return the sections; open are those with something in them."""
    return {
        vol.Optional(name): section(
            vol.Schema({vol.Optional(field): entities_selector(measurand) for field, measurand in fields.items()}),
            {"collapsed": not any(bindings.get(measurand) for measurand in fields.values())},
        )
        for name, fields in ROOM_SECTIONS.items()
    }


@callback
def sections_shown(hass: HomeAssistant, bindings: Mapping[Any, Iterable[str]]) -> dict[str, dict[str, list[str]]]:
    """Return the sections' values of remembered bindings."""
    return {name: shown_bindings(hass, fields, bindings) for name, fields in ROOM_SECTIONS.items()}


@callback
def sections_refused(hass: HomeAssistant, user_input: Mapping[str, Any]) -> Errors:
    """Return why an entity cannot be used, by section: there a form can show it."""
    errors = {}
    for name, fields in ROOM_SECTIONS.items():
        for error in refused(hass, fields, user_input.get(name, {})).values():
            errors[name] = error
    return errors


@callback
def sections_remembered(
    hass: HomeAssistant, user_input: Mapping[str, Any], before: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Return what the entry remembers of the sections; one that was not sent stays as it was."""
    bindings: dict[str, list[str]] = {}
    for name, fields in ROOM_SECTIONS.items():
        if name in user_input:
            bindings |= remembered_bindings(hass, fields, user_input[name])
        else:
            bindings |= {each.value: before[each.value] for each in fields.values() if before.get(each.value)}
    return bindings
