"""Form fields: from what the entry remembers to what the owner sees, and back."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    EntityFilterSelectorConfig,
    EntitySelector,
    EntitySelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TimeSelector,
)

from ..adapters.discovery import binding_id, convertible, entity_of, unit_of
from ..const import CONF_QUIET_HOURS, DOMAIN
from ..engine import Measurand

QUIET_START: Final = "quiet_start"
QUIET_END: Final = "quiet_end"
OUTDOOR_FIELDS: Final = {
    "outdoor_temperature": Measurand.TEMPERATURE,
    "outdoor_humidity": Measurand.RELATIVE_HUMIDITY,
}
ROOM_FIELDS: Final = {
    "temperature": Measurand.TEMPERATURE,
    "humidity": Measurand.RELATIVE_HUMIDITY,
    "window": Measurand.WINDOW_OPEN,
    "cold_corner": Measurand.SURFACE_TEMPERATURE,
    "dehumidifier": Measurand.SWITCH_ON,
}
"""The names of the fields of a room's form."""


def _sensor(*classes: SensorDeviceClass) -> EntityFilterSelectorConfig:
    return {"domain": "sensor", "device_class": list(classes)}


_ANY_ALARM: Final[EntityFilterSelectorConfig] = {"domain": "binary_sensor"}
"""Whatever its class: what a bridge does not know it shows without one, and the owner's word counts."""
_FILTERS: Final[Mapping[Measurand, EntityFilterSelectorConfig]] = {
    Measurand.TEMPERATURE: _sensor(SensorDeviceClass.TEMPERATURE),
    Measurand.RELATIVE_HUMIDITY: _sensor(SensorDeviceClass.HUMIDITY),
    Measurand.SURFACE_TEMPERATURE: _sensor(SensorDeviceClass.TEMPERATURE),
    Measurand.PM1: _sensor(SensorDeviceClass.PM1),
    Measurand.PM25: _sensor(SensorDeviceClass.PM25),
    Measurand.PM10: _sensor(SensorDeviceClass.PM10),
    Measurand.CO2: _sensor(SensorDeviceClass.CO2),
    Measurand.TVOC: _sensor(
        SensorDeviceClass.VOLATILE_ORGANIC_COMPOUNDS, SensorDeviceClass.VOLATILE_ORGANIC_COMPOUNDS_PARTS
    ),
    Measurand.WATER_FLOW: _sensor(SensorDeviceClass.VOLUME_FLOW_RATE),
    Measurand.WATER_VOLUME: _sensor(SensorDeviceClass.WATER),
    Measurand.WATER_PRESSURE: _sensor(SensorDeviceClass.PRESSURE),
    # No device class tells an index from a rate.
    Measurand.VOC_INDEX: {"domain": "sensor"},
    Measurand.HEART_RATE: {"domain": "sensor"},
    Measurand.RESPIRATORY_RATE: {"domain": "sensor"},
    Measurand.BED_MOTION: {"domain": "sensor"},
    **dict.fromkeys(
        (
            Measurand.WET,
            Measurand.WINDOW_OPEN,
            Measurand.BED_OCCUPANCY,
            Measurand.MOTION,
            Measurand.PRESENCE,
        ),
        _ANY_ALARM,
    ),
    Measurand.SWITCH_ON: {"domain": ["switch", "humidifier", "fan", "input_boolean"]},
}

type Errors = dict[str, str]


def entities_selector(measurand: Measurand) -> EntitySelector:
    """Return a field that takes entities measuring this."""
    return EntitySelector(EntitySelectorConfig(filter=_FILTERS[measurand], multiple=True))  # type: ignore[typeddict-item]


def weather_selector() -> EntitySelector:
    """Return a field that takes a weather entity."""
    return EntitySelector(EntitySelectorConfig(domain="weather"))


def choice_selector(values: Iterable[str], translation_key: str) -> SelectSelector:
    """Return a field that takes one of some translated values."""
    return SelectSelector(
        SelectSelectorConfig(options=list(values), translation_key=translation_key, mode=SelectSelectorMode.DROPDOWN)
    )


def options_selector(labels: Mapping[str, str], *, multiple: bool = False) -> SelectSelector:
    """Return a field that takes one or several of these labelled values."""
    options = [SelectOptionDict(value=value, label=label) for value, label in labels.items()]
    mode = SelectSelectorMode.LIST if multiple else SelectSelectorMode.DROPDOWN
    return SelectSelector(SelectSelectorConfig(options=options, multiple=multiple, mode=mode))


def time_selector() -> TimeSelector:
    """Return a field that takes a time of day."""
    return TimeSelector()


@callback
def shown(hass: HomeAssistant, bound: Iterable[str]) -> list[str]:
    """Return the entities that stand for remembered ids; what is gone or disabled is not shown."""
    return [entity_id for each in bound if (entity_id := entity_of(hass, each)) is not None]


@callback
def shown_bindings(
    hass: HomeAssistant, fields: Mapping[str, Measurand], bindings: Mapping[Any, Iterable[str]]
) -> dict[str, list[str]]:
    """Return the form's values of remembered bindings; empty fields are left out."""
    values = {name: shown(hass, bindings.get(measurand, ())) for name, measurand in fields.items()}
    return {name: entities for name, entities in values.items() if entities}


@callback
def remembered_bindings(
    hass: HomeAssistant, fields: Mapping[str, Measurand], user_input: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Return what the entry remembers of the form's entities."""
    bindings = {}
    for name, measurand in fields.items():
        if entities := user_input.get(name):
            bindings[measurand.value] = [binding_id(hass, entity_id) for entity_id in dict.fromkeys(entities)]
    return bindings


@callback
def refused(hass: HomeAssistant, fields: Mapping[str, Measurand], user_input: Mapping[str, Any]) -> Errors:
    """Return why an entity cannot be used, by field."""
    errors = {}
    for name, measurand in fields.items():
        for entity_id in user_input.get(name, ()):
            if (error := _refusal(hass, measurand, entity_id)) is not None:
                errors[name] = error
    return errors


@callback
def weather_refused(hass: HomeAssistant, entity_id: str | None) -> Errors:
    """Return why a weather entity cannot be used."""
    if entity_id is None or _exists(hass, entity_id):
        return {}
    return {"weather": "entity_missing"}


def quiet_hours(user_input: Mapping[str, Any]) -> tuple[dict[str, str] | None, Errors]:
    """Return the quiet hours of a form, None for none, and what is wrong with them."""
    start, end = user_input.get(QUIET_START), user_input.get(QUIET_END)
    if not start and not end:
        return None, {}
    if not start or not end:
        return None, {QUIET_END if start else QUIET_START: "quiet_hours_incomplete"}
    if start == end:
        return None, {QUIET_END: "quiet_hours_empty"}
    return {"start": start, "end": end}, {}


def shown_quiet_hours(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's values of remembered quiet hours."""
    if not (hours := data.get(CONF_QUIET_HOURS)):
        return {}
    return {QUIET_START: hours["start"], QUIET_END: hours["end"]}


def _refusal(hass: HomeAssistant, measurand: Measurand, entity_id: str) -> str | None:
    domains = _FILTERS[measurand]["domain"]
    if (refusal := entity_refused(hass, entity_id, [domains] if isinstance(domains, str) else domains)) is not None:
        return refusal
    return None if convertible(measurand, unit_of(hass, entity_id)) else "unit_unknown"


@callback
def entity_refused(hass: HomeAssistant, entity_id: str, domains: Iterable[str]) -> str | None:
    """Return why an entity cannot be used where these kinds can."""
    if not _exists(hass, entity_id):
        return "entity_missing"
    entry = er.async_get(hass).async_get(entity_id)
    if entry is not None and entry.platform == DOMAIN:
        return "entity_own"
    return None if _domain(hass, entity_id) in domains else "entity_wrong_kind"


def _exists(hass: HomeAssistant, entity_id: str) -> bool:
    entry = er.async_get(hass).async_get(entity_id)
    if entry is not None:
        return not entry.disabled
    return hass.states.get(entity_id) is not None


def _domain(hass: HomeAssistant, entity_id: str) -> str:
    entry = er.async_get(hass).async_get(entity_id)
    return entry.domain if entry is not None else entity_id.partition(".")[0]
