"""What is proposed from the registries, and what is not."""

import pytest
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from custom_components.smartloop.adapters.discovery import (
    Proposal,
    ProposedRoom,
    async_candidates,
    async_propose_room,
    binding_id,
    convertible,
    entity_of,
    propose,
    unit_of,
)
from custom_components.smartloop.adapters.words import is_outdoor_place, is_room_air, room_kind
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.engine import Measurand, RoomKind

from .house import (
    Sensor,
    add_device,
    add_entity,
    add_platform,
    add_weather,
    contact,
    humidity,
    registry_id,
    temperature,
)


async def proposed(hass: HomeAssistant) -> Proposal:
    return propose(hass, await async_candidates(hass))


def room(proposal: Proposal, area_id: str) -> ProposedRoom:
    return next(each for each in proposal.rooms if each.area_id == area_id)


def entities(hass: HomeAssistant, ids: tuple[str, ...]) -> list[str | None]:
    return [entity_of(hass, each) for each in ids]


async def test_rooms_are_proposed_from_any_platform(household_hass: HomeAssistant) -> None:
    proposal = await proposed(household_hass)

    assert [(each.area_id, each.floor, each.kind, each.sensors, each.complete) for each in proposal.rooms] == [
        ("hallway", "Ground floor", RoomKind.HALLWAY, 1, False),
        ("kitchen", "Ground floor", RoomKind.KITCHEN, 2, True),
        ("bathroom", "Upper floor", RoomKind.BATHROOM, 2, True),
        ("bedroom", "Upper floor", RoomKind.BEDROOM, 3, True),
    ]
    assert room(proposal, "bedroom").bindings == {
        Measurand.TEMPERATURE: (registry_id(household_hass, "sensor.bedroom_temperature"),),
        Measurand.RELATIVE_HUMIDITY: (registry_id(household_hass, "sensor.bedroom_humidity"),),
        Measurand.WINDOW_OPEN: (registry_id(household_hass, "binary_sensor.bedroom_window"),),
    }
    assert proposal.unassigned == ()


async def test_the_garden_and_the_weather_are_outdoor(household_hass: HomeAssistant) -> None:
    outdoor = (await proposed(household_hass)).outdoor

    assert outdoor.weather == registry_id(household_hass, "weather.home")
    assert outdoor.bindings == {
        Measurand.TEMPERATURE: (registry_id(household_hass, "sensor.garden_temperature"),),
        Measurand.RELATIVE_HUMIDITY: (registry_id(household_hass, "sensor.garden_humidity"),),
    }


async def test_nothing_there_is_nothing_proposed(hass: HomeAssistant) -> None:
    proposal = await proposed(hass)

    assert proposal.rooms == ()
    assert proposal.outdoor.weather is None
    assert proposal.outdoor.bindings == {}


async def test_the_areas_own_sensors_come_first(household_hass: HomeAssistant) -> None:
    add_device(household_hass, "bthome", "Shelf", "bathroom", temperature(22.0), humidity(60.0))
    chosen = add_entity(household_hass, "template", humidity(61.0), "bathroom_mean_humidity")
    household_hass.states.async_set(
        "sensor.unregistered", "21", {"device_class": "temperature", "unit_of_measurement": "°C"}
    )
    ar.async_get(household_hass).async_update(
        "bathroom", temperature_entity_id="sensor.unregistered", humidity_entity_id=chosen.entity_id
    )

    bindings = room(await proposed(household_hass), "bathroom").bindings

    assert entities(household_hass, bindings[Measurand.TEMPERATURE]) == [
        "sensor.unregistered",
        "sensor.bathroom_temperature",
        "sensor.shelf_temperature",
    ]
    assert entities(household_hass, bindings[Measurand.RELATIVE_HUMIDITY]) == [
        "sensor.bathroom_mean_humidity",
        "sensor.bathroom_humidity",
        "sensor.shelf_humidity",
    ]


async def test_a_chosen_sensor_belongs_to_the_area_that_chose_it(household_hass: HomeAssistant) -> None:
    """A sensor that stands in the hallway may be what the owner reads the bathroom by, whatever it is called."""
    chosen = add_device(household_hass, "zha", "Outdoor fridge", "hallway", temperature(20.0))
    ar.async_get(household_hass).async_update("bathroom", temperature_entity_id="sensor.outdoor_fridge_temperature")

    proposal = await proposed(household_hass)

    bound = registry_id(household_hass, "sensor.outdoor_fridge_temperature")
    assert chosen.area_id is None or chosen.area_id == "hallway"
    assert room(proposal, "bathroom").bindings[Measurand.TEMPERATURE][0] == bound
    assert bound not in room(proposal, "hallway").bindings[Measurand.TEMPERATURE]


@pytest.mark.parametrize("why", ["disabled", "own", "unit"])
async def test_a_chosen_sensor_that_cannot_be_used_is_not_proposed(household_hass: HomeAssistant, why: str) -> None:
    platform = DOMAIN if why == "own" else "template"
    chosen = add_entity(household_hass, platform, temperature(21.0, "furlong" if why == "unit" else "°C"), "chosen")
    ar.async_get(household_hass).async_update("bathroom", temperature_entity_id=chosen.entity_id)
    if why == "disabled":
        er.async_get(household_hass).async_update_entity(chosen.entity_id, disabled_by=er.RegistryEntryDisabler.USER)

    assert chosen.id not in room(await proposed(household_hass), "bathroom").bindings[Measurand.TEMPERATURE]


async def test_boxes_that_measure_both_come_before_others(household_hass: HomeAssistant) -> None:
    add_device(household_hass, "zha", "A thermometer", "bathroom", temperature(20.0))

    bindings = room(await proposed(household_hass), "bathroom").bindings

    assert entities(household_hass, bindings[Measurand.TEMPERATURE]) == [
        "sensor.bathroom_temperature",
        "sensor.a_thermometer_temperature",
    ]


def _hide(hass: HomeAssistant, entity_id: str) -> None:
    er.async_get(hass).async_update_entity(entity_id, hidden_by=er.RegistryEntryHider.USER)


def _disable(hass: HomeAssistant, entity_id: str) -> None:
    er.async_get(hass).async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)


async def test_hidden_and_disabled_sensors_are_left_alone(household_hass: HomeAssistant) -> None:
    _hide(household_hass, "sensor.bathroom_temperature")
    _disable(household_hass, "sensor.bathroom_humidity")

    assert "bathroom" not in {each.area_id for each in (await proposed(household_hass)).rooms}


@pytest.mark.parametrize(
    ("platform", "name", "sensor"),
    [
        ("zha", "Plug", Sensor(kind="temperature", value="40", unit="°C", category=EntityCategory.DIAGNOSTIC)),
        (DOMAIN, "Bathroom wall", humidity(80.0)),
        ("mold_indicator", "Mold", humidity(70.0)),
        ("statistics", "Mean", temperature(20.0)),
        ("zha", "Kühlschrank", temperature(6.0)),
        ("zha", "Furlong", temperature(20.0, "furlong")),
        ("zha", "Unitless", Sensor(kind="temperature", value="20")),
        ("zha", "Ratio", Sensor(kind="humidity", value="0.5", unit="g/m³")),
        ("zha", "Front", contact("door")),
        ("zha", "Pressure", Sensor(kind="pressure", value="1000", unit="hPa")),
    ],
)
async def test_what_is_no_room_air_is_not_proposed(
    household_hass: HomeAssistant, platform: str, name: str, sensor: Sensor
) -> None:
    before = await proposed(household_hass)
    add_device(household_hass, platform, name, "bathroom", sensor)

    assert await proposed(household_hass) == before


async def test_names_of_entities_tell_what_is_no_room_air(household_hass: HomeAssistant) -> None:
    before = await proposed(household_hass)
    for name in ("CPU temperature", "Vorlauftemperatur", "Dew point", "Target temperature", "Heat index"):
        add_entity(household_hass, "esphome", temperature(30.0), name.lower().replace(" ", "_"), original_name=name)
        er.async_get(household_hass).async_update_entity(f"sensor.{name.lower().replace(' ', '_')}", area_id="bathroom")

    assert await proposed(household_hass) == before


async def test_an_opening_counts_as_a_window(household_hass: HomeAssistant) -> None:
    add_device(household_hass, "zha", "Roof", "bathroom", contact("opening"))

    bindings = room(await proposed(household_hass), "bathroom").bindings

    assert entities(household_hass, bindings[Measurand.WINDOW_OPEN]) == ["binary_sensor.roof_opening"]


async def test_a_window_alone_makes_no_room(household_hass: HomeAssistant) -> None:
    ar.async_get(household_hass).async_create("Pantry")
    add_device(household_hass, "zha", "Pantry", "pantry", contact())

    assert "pantry" not in {each.area_id for each in (await proposed(household_hass)).rooms}


async def test_the_owners_device_class_wins(household_hass: HomeAssistant) -> None:
    entry = add_entity(household_hass, "mqtt", Sensor(kind="illuminance", value="50", unit="%"), "raw")
    er.async_get(household_hass).async_update_entity(entry.entity_id, device_class="humidity", area_id="hallway")

    assert room(await proposed(household_hass), "hallway").complete


async def test_the_entitys_area_wins_over_the_devices_and_children_take_their_parents(
    household_hass: HomeAssistant,
) -> None:
    er.async_get(household_hass).async_update_entity("sensor.bathroom_humidity", name="Towels", area_id="hallway")
    parent = add_device(household_hass, "matter", "Bridge", "hallway")
    child = dr.async_get(household_hass).async_get_or_create_child(
        config_entry_id=add_platform(household_hass, "matter").entry_id,
        parent_device_id=parent.id,
        identifiers={("matter", "node")},
        name="Node",
    )
    add_entity(household_hass, "matter", humidity(50.0), "node_humidity", device_id=child.id)

    bindings = room(await proposed(household_hass), "hallway").bindings

    assert entities(household_hass, bindings[Measurand.RELATIVE_HUMIDITY]) == [
        "sensor.bathroom_humidity",
        "sensor.node_humidity",
    ]


async def test_sensors_named_after_the_outside_are_outdoor_in_any_area(household_hass: HomeAssistant) -> None:
    add_device(household_hass, "zha", "Außenfühler", "hallway", temperature(3.0), humidity(90.0))
    add_device(household_hass, "zha", "Balkon", None, temperature(4.0))

    proposal = await proposed(household_hass)

    assert room(proposal, "hallway").sensors == 1
    assert len(proposal.outdoor.bindings[Measurand.TEMPERATURE]) == 3
    assert len(proposal.outdoor.bindings[Measurand.RELATIVE_HUMIDITY]) == 2


async def test_an_outdoor_areas_chosen_sensor_comes_first(household_hass: HomeAssistant) -> None:
    add_device(household_hass, "zha", "Shed", "garden", temperature(6.0), contact())
    ar.async_get(household_hass).async_update("garden", temperature_entity_id="sensor.shed_temperature")

    bindings = (await proposed(household_hass)).outdoor.bindings

    assert entities(household_hass, bindings[Measurand.TEMPERATURE])[0] == "sensor.shed_temperature"
    assert Measurand.WINDOW_OPEN not in bindings


async def test_sensors_without_an_area_are_named_but_services_are_not(household_hass: HomeAssistant) -> None:
    add_device(household_hass, "zha", "New", None, temperature(20.0), humidity(50.0))
    add_device(household_hass, "openweather", "Town", None, temperature(9.0), entry_type=dr.DeviceEntryType.SERVICE)

    assert entities(household_hass, (await proposed(household_hass)).unassigned) == [
        "sensor.new_humidity",
        "sensor.new_temperature",
    ]


async def test_the_weather_with_an_hourly_forecast_is_preferred(household_hass: HomeAssistant) -> None:
    registry = er.async_get(household_hass)
    registry.async_get_or_create("weather", "daily", "1", suggested_object_id="a_daily", supported_features=1)
    other = add_weather(household_hass, "another")

    assert (await proposed(household_hass)).outdoor.weather == other.id

    _hide(household_hass, "weather.another")
    _disable(household_hass, "weather.home")

    assert (await proposed(household_hass)).outdoor.weather == registry_id(household_hass, "weather.a_daily")


def test_the_unit_is_the_states_else_the_registrys(household_hass: HomeAssistant) -> None:
    loading = er.async_get(household_hass).async_get_or_create(
        "sensor", "zha", "loading", suggested_object_id="loading", unit_of_measurement="°F"
    )
    registered = add_entity(household_hass, "zha", temperature(20.0), "converted")
    household_hass.states.async_set(registered.entity_id, "68", {"unit_of_measurement": "°F"})
    silent = add_entity(household_hass, "zha", Sensor(kind="temperature", value="unavailable", unit="K"), "silent")
    household_hass.states.async_set(silent.entity_id, "unavailable", {})

    assert unit_of(household_hass, loading.entity_id) == "°F"
    assert unit_of(household_hass, registered.entity_id) == "°F"
    assert unit_of(household_hass, silent.entity_id) == "K"
    assert unit_of(household_hass, "sensor.nowhere") is None


async def test_a_unit_only_the_state_knows_is_enough(household_hass: HomeAssistant) -> None:
    entry = er.async_get(household_hass).async_get_or_create(
        "sensor",
        "mqtt",
        "late",
        suggested_object_id="late",
        original_device_class="humidity",
        config_entry=add_platform(household_hass, "mqtt"),
    )
    er.async_get(household_hass).async_update_entity(entry.entity_id, area_id="hallway")
    assert not room(await proposed(household_hass), "hallway").complete

    household_hass.states.async_set(entry.entity_id, "50", {"unit_of_measurement": "%"})

    assert room(await proposed(household_hass), "hallway").complete


def test_units_are_asked_of_the_engine() -> None:
    assert convertible(Measurand.TEMPERATURE, "°F")
    assert convertible(Measurand.WINDOW_OPEN, None)
    assert not convertible(Measurand.TEMPERATURE, None)
    assert not convertible(Measurand.RELATIVE_HUMIDITY, "°C")


def test_entities_are_remembered_by_registry_id(household_hass: HomeAssistant) -> None:
    bound = binding_id(household_hass, "sensor.bathroom_temperature")
    assert bound == registry_id(household_hass, "sensor.bathroom_temperature")

    er.async_get(household_hass).async_update_entity("sensor.bathroom_temperature", new_entity_id="sensor.wet_room")
    assert entity_of(household_hass, bound) == "sensor.wet_room"

    _disable(household_hass, "sensor.wet_room")
    assert entity_of(household_hass, bound) is None
    assert entity_of(household_hass, "0" * 32) is None

    assert binding_id(household_hass, "sensor.yaml_only") == "sensor.yaml_only"
    assert entity_of(household_hass, "sensor.yaml_only") == "sensor.yaml_only"


async def test_one_area_is_proposed_by_itself(household_hass: HomeAssistant) -> None:
    assert (
        await async_propose_room(household_hass, "bathroom")
        == room(await proposed(household_hass), "bathroom").bindings
    )
    assert await async_propose_room(household_hass, "nowhere") == {}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Badezimmer", RoomKind.BATHROOM),
        ("Gästebad", RoomKind.BATHROOM),
        ("Salle de bain", RoomKind.BATHROOM),
        ("Baño", RoomKind.BATHROOM),
        ("Bagno", RoomKind.BATHROOM),
        ("Casa de banho", RoomKind.BATHROOM),
        ("Łazienka", RoomKind.BATHROOM),
        ("WC", RoomKind.BATHROOM),
        ("Master Bedroom", RoomKind.BEDROOM),
        ("Kinderzimmer", RoomKind.BEDROOM),
        ("Chambre Émile", RoomKind.BEDROOM),  # codespell:ignore
        ("Slaapkamer", RoomKind.BEDROOM),
        ("Camera da letto", RoomKind.BEDROOM),
        ("Sypialnia", RoomKind.BEDROOM),
        ("Küche", RoomKind.KITCHEN),
        ("Cuisine", RoomKind.KITCHEN),
        ("Keuken", RoomKind.KITCHEN),
        ("Cocina", RoomKind.KITCHEN),
        ("Kuchnia", RoomKind.KITCHEN),
        ("Waschküche", RoomKind.LAUNDRY),
        ("Bijkeuken", RoomKind.LAUNDRY),
        ("Wohnzimmer", RoomKind.LIVING_ROOM),
        ("Salon", RoomKind.LIVING_ROOM),
        ("Woonkamer", RoomKind.LIVING_ROOM),
        ("Soggiorno", RoomKind.LIVING_ROOM),
        ("Home office", RoomKind.OFFICE),
        ("Büro", RoomKind.OFFICE),
        ("Kantoor", RoomKind.OFFICE),
        ("Eingang", RoomKind.HALLWAY),
        ("Couloir", RoomKind.HALLWAY),
        ("Keller", RoomKind.BASEMENT),
        ("Kelder", RoomKind.BASEMENT),
        ("Cave", RoomKind.BASEMENT),
        ("Zolder", RoomKind.ATTIC),
        ("Grenier", RoomKind.ATTIC),
        ("Dachboden", RoomKind.ATTIC),
        ("Zimmer 4", RoomKind.OTHER),
    ],
)
def test_the_kind_is_guessed_in_many_languages(name: str, kind: RoomKind) -> None:
    assert room_kind([name], None) is kind


def test_the_kind_is_guessed_from_aliases_and_the_icon() -> None:
    assert room_kind(["Oben", "Bad"], "mdi:sofa") is RoomKind.BATHROOM
    assert room_kind(["Oben"], "mdi:sofa-outline") is RoomKind.LIVING_ROOM
    assert room_kind(["Oben"], "mdi:cat") is RoomKind.OTHER


@pytest.mark.parametrize("name", ["Garden", "Südbalkon", "Dachterrasse", "Jardín", "Tuin", "Ogród", "Outdoor", "Patio"])
def test_places_under_the_open_sky_are_known(name: str) -> None:
    assert is_outdoor_place([name])


@pytest.mark.parametrize("name", ["Wintergarten", "Jardin d'hiver", "Kindergarten", "Kitchen", "Garage"])
def test_places_with_a_roof_are_rooms(name: str) -> None:
    assert not is_outdoor_place([name])


def test_an_outdoor_icon_makes_an_outdoor_place() -> None:
    assert is_outdoor_place(["Back"], "mdi:flower")
    assert not is_outdoor_place(["Back"], "mdi:sofa")


def test_room_air_is_not_mistaken() -> None:
    """A flower bed is no flow, a ground floor no floor heating."""
    assert is_room_air(["Temperature", None], ["Flower corner", "Ground floor sensor", "Dachboden"])
    assert not is_room_air(["Flow temperature"], [])
    # The names our own boards, ZHA's quirk and the Zigbee2MQTT converter give to the cold corner.
    for name in ("Cold corner surface temperature", "Surface temperature", "Temperature surface"):
        assert not is_room_air([name], ["Mold node"])
    assert not is_room_air(["Oberflächentemperatur"], [])
    assert not is_room_air([None], ["Gefrierschrank"])
