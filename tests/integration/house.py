"""A made-up house: areas, devices of several platforms, sensors with values, people with phones."""

from dataclasses import dataclass
from typing import Any

from homeassistant.components.weather import WeatherEntityFeature
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import floor_registry as fr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.const import DOMAIN

ANA_USER = "0123456789abcdef0123456789abcdef"
BEN_USER = "fedcba9876543210fedcba9876543210"


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """One entity of a made-up device."""

    kind: str
    """The device class, and the last word of the entity's id."""
    value: str
    unit: str | None = None
    domain: str = "sensor"
    category: EntityCategory | None = None


def temperature(value: float, unit: str = "°C") -> Sensor:
    return Sensor(kind="temperature", value=str(value), unit=unit)


def humidity(value: float) -> Sensor:
    return Sensor(kind="humidity", value=str(value), unit="%")


def contact(kind: str = "window", value: str = "off") -> Sensor:
    return Sensor(kind=kind, value=value, domain="binary_sensor")


def add_platform(hass: HomeAssistant, platform: str) -> MockConfigEntry:
    """Return the platform's entry, made when it is missing."""
    if entries := hass.config_entries.async_entries(platform):
        found = entries[0]
        assert isinstance(found, MockConfigEntry)
        return found
    entry = MockConfigEntry(domain=platform, title=platform)
    entry.add_to_hass(hass)
    return entry


def add_entity(
    hass: HomeAssistant,
    platform: str,
    sensor: Sensor,
    object_id: str,
    *,
    device_id: str | None = None,
    **details: Any,
) -> er.RegistryEntry:
    """Put one entity into the registry and give it a state."""
    entry = er.async_get(hass).async_get_or_create(
        sensor.domain,
        platform,
        f"{object_id}-{sensor.kind}",
        suggested_object_id=object_id,
        config_entry=add_platform(hass, platform),
        device_id=device_id,
        entity_category=sensor.category,
        original_device_class=sensor.kind,
        unit_of_measurement=sensor.unit,
        **details,
    )
    attributes = {"device_class": sensor.kind}
    if sensor.unit is not None:
        attributes["unit_of_measurement"] = sensor.unit
    hass.states.async_set(entry.entity_id, sensor.value, attributes)
    return entry


def add_device(
    hass: HomeAssistant, platform: str, name: str, area_id: str | None, *sensors: Sensor, **details: Any
) -> dr.DeviceEntry:
    """Put a device with its entities into the registries; entity ids are `<name>_<kind>`."""
    registry = dr.async_get(hass)
    device = registry.async_get_or_create(
        config_entry_id=add_platform(hass, platform).entry_id, identifiers={(platform, name)}, name=name, **details
    )
    registry.async_update_device(device.id, area_id=area_id)
    slug = name.lower().replace(" ", "_")
    for sensor in sensors:
        add_entity(hass, platform, sensor, f"{slug}_{sensor.kind}", device_id=device.id)
    return device


def add_phone(hass: HomeAssistant, user_id: str, name: str) -> MockConfigEntry:
    """Register a phone as the companion app does."""
    entry = MockConfigEntry(
        domain="mobile_app",
        title=name,
        entry_id=f"phone_{name.lower().replace(' ', '_')}",
        data={"user_id": user_id, "device_name": name, "os_name": "Android", "manufacturer": "Example"},
    )
    entry.add_to_hass(hass)
    return entry


def add_person(hass: HomeAssistant, name: str, user_id: str | None) -> er.RegistryEntry:
    """Make a person, linked to a user or not."""
    slug = name.lower()
    entry = er.async_get(hass).async_get_or_create(
        "person", "person", slug, suggested_object_id=slug, original_name=name
    )
    attributes = {"friendly_name": name, "id": slug}
    if user_id is not None:
        attributes["user_id"] = user_id
    hass.states.async_set(entry.entity_id, "home", attributes)
    return entry


def add_weather(hass: HomeAssistant, object_id: str = "home") -> er.RegistryEntry:
    """Add a weather entity with an hourly forecast."""
    features = WeatherEntityFeature.FORECAST_DAILY | WeatherEntityFeature.FORECAST_HOURLY
    entry = er.async_get(hass).async_get_or_create(
        "weather",
        "met",
        object_id,
        suggested_object_id=object_id,
        config_entry=add_platform(hass, "met"),
        supported_features=features,
    )
    hass.states.async_set(
        entry.entity_id,
        "cloudy",
        {"temperature": 4.0, "temperature_unit": "°C", "humidity": 88, "supported_features": int(features)},
    )
    return entry


def furnish(hass: HomeAssistant) -> None:
    """Furnish the house every integration test lives in."""
    areas = ar.async_get(hass)
    ground = fr.async_get(hass).async_create("Ground floor", level=0)
    upper = fr.async_get(hass).async_create("Upper floor", level=1)
    areas.async_create("Bathroom", floor_id=upper.floor_id, icon="mdi:shower")
    areas.async_create("Bedroom", floor_id=upper.floor_id)
    areas.async_create("Kitchen", floor_id=ground.floor_id)
    areas.async_create("Hallway", floor_id=ground.floor_id)
    areas.async_create("Garden")
    add_device(hass, "zha", "Bathroom", "bathroom", temperature(21.5), humidity(64.0))
    add_device(hass, "mqtt", "Bedroom", "bedroom", temperature(18.0), humidity(55.0), contact("window"))
    add_device(hass, "esphome", "Kitchen", "kitchen", temperature(69.8, "°F"), humidity(48.0))
    add_device(hass, "matter", "Hallway", "hallway", temperature(17.0))
    add_device(hass, "bthome", "Garden", "garden", temperature(5.0), humidity(85.0))
    add_weather(hass)
    add_person(hass, "Ana", ANA_USER)
    add_person(hass, "Ben", BEN_USER)
    add_phone(hass, ANA_USER, "Ana phone")


def registry_id(hass: HomeAssistant, entity_id: str) -> str:
    """Return an entity's registry id."""
    entry = er.async_get(hass).async_get(entity_id)
    assert entry is not None, entity_id
    return entry.id


def room_data(hass: HomeAssistant, area_id: str, kind: str, **more: Any) -> dict[str, Any]:
    """Return a room subentry's data with what its own device measures."""
    bindings = {
        "temperature": [registry_id(hass, f"sensor.{area_id}_temperature")],
        "relative_humidity": [registry_id(hass, f"sensor.{area_id}_humidity")],
    }
    return {
        "area_id": area_id,
        "kind": kind,
        "construction": "unknown",
        "wall_class": "sensitive",
        "bindings": bindings,
    } | more


def make_entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return the household's entry with three rooms and one member; it is not added yet."""
    rooms = [
        room_data(hass, "bathroom", "bathroom", construction="uninsulated", volume_m3=14.0),
        room_data(hass, "bedroom", "bedroom"),
        room_data(hass, "kitchen", "kitchen"),
    ]
    rooms[1]["bindings"]["window_open"] = [registry_id(hass, "binary_sensor.bedroom_window")]
    ana = registry_id(hass, "person.ana")
    subentries: list[dict[str, Any]] = [
        {
            "data": data,
            "subentry_id": f"room_{data['area_id']}",
            "subentry_type": "room",
            "title": data["area_id"].title(),
            "unique_id": data["area_id"],
        }
        for data in rooms
    ]
    subentries.append(
        {
            "data": {"person": ana, "user_id": ANA_USER, "phones": ["phone_ana_phone"]},
            "subentry_id": "member_ana",
            "subentry_type": "member",
            "title": "Ana",
            "unique_id": ana,
        }
    )
    return MockConfigEntry(
        domain=DOMAIN,
        title="Home",
        entry_id="household",
        options={
            "weather": registry_id(hass, "weather.home"),
            "outdoor": {
                "temperature": [registry_id(hass, "sensor.garden_temperature")],
                "relative_humidity": [registry_id(hass, "sensor.garden_humidity")],
            },
            "quiet_hours": {"start": "22:00:00", "end": "07:00:00"},
            "daily_budget": 3,
            "journeys": {"mold": "inform"},
            "inference": "builtin",
        },
        subentries_data=subentries,
    )
