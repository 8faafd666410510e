"""Every kind of sensor is found, whatever it comes over, and what only looks like one is not."""

from datetime import datetime

import pytest
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.bindings import BindingIndex
from custom_components.smartloop.adapters.box import Sign, device_diagnostics
from custom_components.smartloop.adapters.discovery import async_candidates, async_propose_room, propose
from custom_components.smartloop.adapters.following import async_track_bindings
from custom_components.smartloop.adapters.senses import Sense
from custom_components.smartloop.adapters.states import readings_of
from custom_components.smartloop.engine import Measurand

from .house import Sensor, add_device, add_entity, add_platform, contact, humidity, registry_id, temperature
from .states import state_of


def sensor(kind: str, unit: str | None = None, value: str = "1") -> Sensor:
    return Sensor(kind=kind, value=value, unit=unit)


async def found(hass: HomeAssistant, area_id: str = "hallway") -> dict[str, Measurand]:
    """Return what is found in an area beside what the furnished house has."""
    return {
        each.entity_id: each.measurand
        for each in await async_candidates(hass)
        if each.area_id == area_id and each.entity_id != f"sensor.{area_id}_temperature"
    }


@pytest.mark.parametrize(
    ("measurand", "box", "one"),
    [
        (Measurand.PM1, "Air", sensor("pm1", "μg/m³")),
        (Measurand.PM25, "Air", sensor("pm25", "µg/m³")),
        (Measurand.PM10, "Air", sensor("pm10", "µg/m³")),
        (Measurand.CO2, "Air", sensor("carbon_dioxide", "ppm")),
        (Measurand.TVOC, "Air", sensor("volatile_organic_compounds", "mg/m³")),
        (Measurand.TVOC, "Air", sensor("volatile_organic_compounds_parts", "ppb")),
        (Measurand.WATER_FLOW, "Main tap", sensor("volume_flow_rate", "L/min")),
        (Measurand.WATER_VOLUME, "Meter", sensor("water", "m³")),
        (Measurand.WATER_PRESSURE, "Wasserdruck", sensor("pressure", "bar")),
        (Measurand.WET, "Sink", contact("moisture")),
        (Measurand.WINDOW_OPEN, "Roof", contact("window")),
        (Measurand.MOTION, "Corner", contact("motion")),
        (Measurand.PRESENCE, "Ceiling", contact("occupancy")),
        (Measurand.PRESENCE, "Bedroom ceiling", contact("occupancy")),
        (Measurand.PRESENCE, "Bettinas Zimmer", contact("presence")),
        (Measurand.BED_OCCUPANCY, "Bed left", contact("occupancy")),
        (Measurand.BED_OCCUPANCY, "Bett", contact("presence")),
        (Measurand.BED_OCCUPANCY, "Lit de Marie", contact("occupancy")),
    ],
)
@pytest.mark.parametrize("platform", ["zha", "mqtt", "esphome", "bthome", "matter"])
async def test_a_device_class_tells_whatever_the_platform(
    household_hass: HomeAssistant, platform: str, measurand: Measurand, box: str, one: Sensor
) -> None:
    add_device(household_hass, platform, box, "hallway", one)

    assert list((await found(household_hass)).values()) == [measurand]


@pytest.mark.parametrize(
    ("box", "one"),
    [
        ("Barometer", sensor("pressure", "hPa")),
        ("Heizung Wasserdruck", sensor("pressure", "bar")),
        ("Lüftung", sensor("volume_flow_rate", "m³/h")),
        ("Air handling unit", sensor("volume_flow_rate", "m³/h")),
        ("Plant", sensor("moisture", "%")),
        ("Air", sensor("pm25", "pieces")),
        ("Air", sensor("aqi")),
        ("Front", contact("door")),
        ("Fire", contact("smoke")),
    ],
)
async def test_what_only_looks_like_it_is_not_found(household_hass: HomeAssistant, box: str, one: Sensor) -> None:
    add_device(household_hass, "zha", box, "hallway", one)

    assert await found(household_hass) == {}


async def rate(hass: HomeAssistant, name: str, unit: str | None, platform: str = "esphome") -> dict[str, Measurand]:
    entry = er.async_get(hass).async_get_or_create(
        "sensor",
        platform,
        name,
        suggested_object_id="rate",
        config_entry=add_platform(hass, platform),
        original_name=name,
        unit_of_measurement=unit,
        capabilities={"state_class": "measurement"},
    )
    er.async_get(hass).async_update_entity(entry.entity_id, area_id="hallway")
    return await found(hass)


@pytest.mark.parametrize(
    ("name", "unit", "measurand"),
    [
        ("Heart rate", "bpm", Measurand.HEART_RATE),
        ("Real-time heart rate", "bpm", Measurand.HEART_RATE),
        ("Herzfrequenz", "bpm", Measurand.HEART_RATE),
        ("Puls", "1/min", Measurand.HEART_RATE),
        ("Fréquence cardiaque", "bpm", Measurand.HEART_RATE),
        ("Hartslag", "bpm", Measurand.HEART_RATE),
        ("Frequenza cardiaca", "bpm", Measurand.HEART_RATE),
        ("Respiratory rate", "br/min", Measurand.RESPIRATORY_RATE),
        ("Real-time respiratory rate", None, Measurand.RESPIRATORY_RATE),
        ("Breathing", "bpm", Measurand.RESPIRATORY_RATE),
        ("Atemfrequenz", "bpm", Measurand.RESPIRATORY_RATE),
        ("Ademhaling", "breaths per minute", Measurand.RESPIRATORY_RATE),
        ("VOC index", None, Measurand.VOC_INDEX),
        ("Bed motion", "%", Measurand.BED_MOTION),
    ],
)
async def test_names_tell_what_no_class_does(
    household_hass: HomeAssistant, name: str, unit: str | None, measurand: Measurand
) -> None:
    assert await rate(household_hass, name, unit) == {"sensor.rate": measurand}


@pytest.mark.parametrize(
    ("name", "unit", "platform"),
    [
        ("Average heart rate", "bpm", "withings"),
        ("Ruhepuls", "bpm", "withings"),
        ("Fan speed", "rpm", "esphome"),
        ("Bed load", "%", "esphome"),
        ("Motion", "%", "esphome"),
        ("Heart", "beats", "esphome"),
        ("Heart", None, "esphome"),
        ("Number of targets", None, "esphome"),
        ("Heart rate", "bpm", "mobile_app"),
    ],
)
async def test_a_nights_mean_and_a_fan_are_no_heart(
    household_hass: HomeAssistant, name: str, unit: str | None, platform: str
) -> None:
    assert await rate(household_hass, name, unit, platform) == {}


@pytest.mark.parametrize(
    ("name", "measurand"),
    [
        ("Cold corner surface temperature", Measurand.SURFACE_TEMPERATURE),
        ("Oberflächentemperatur", Measurand.SURFACE_TEMPERATURE),
        ("Air temperature", Measurand.TEMPERATURE),
    ],
)
async def test_a_cold_corner_is_not_the_air_of_its_room(
    household_hass: HomeAssistant, name: str, measurand: Measurand
) -> None:
    box = add_device(household_hass, "esphome", "Cold corner", "hallway")
    add_entity(household_hass, "esphome", temperature(14.0), "probe", device_id=box.id, original_name=name)

    assert await found(household_hass) == {"sensor.probe": measurand}


@pytest.mark.parametrize(
    ("model", "further"),
    [
        ("SmartLoop mold node", {"sensor.two": Measurand.SURFACE_TEMPERATURE}),
        ("SmartLoop dust node", {}),
        ("Weather station", {}),
    ],
)
async def test_the_second_thermometer_of_a_box_is_not_the_rooms_air(
    household_hass: HomeAssistant, model: str, further: dict[str, Measurand]
) -> None:
    box = add_device(household_hass, "zha", "Wall", "hallway", humidity(60.0), manufacturer="esphome", model=model)
    # In the order that endpoints do not have as text.
    for endpoint, name in ((10, "two"), (2, "one")):
        add_thermometer(household_hass, box, endpoint, name)

    assert await found(household_hass) == {
        "sensor.wall_humidity": Measurand.RELATIVE_HUMIDITY,
        "sensor.one": Measurand.TEMPERATURE,
        **further,
    }


async def test_thermometers_of_one_box_in_two_rooms_are_both_air(household_hass: HomeAssistant) -> None:
    box = add_device(household_hass, "esphome", "Two rooms", "hallway")
    add_thermometer(household_hass, box, 1, "one")
    entry = add_thermometer(household_hass, box, 2, "two")
    er.async_get(household_hass).async_update_entity(entry.entity_id, area_id="kitchen")

    assert await found(household_hass) == {"sensor.one": Measurand.TEMPERATURE}
    assert (await found(household_hass, "kitchen"))["sensor.two"] is Measurand.TEMPERATURE


async def test_the_thermometer_an_owner_chose_is_the_air(household_hass: HomeAssistant) -> None:
    box = add_device(household_hass, "zha", "Wall", "hallway", model="SmartLoop mold node")
    for endpoint, name in ((1, "one"), (2, "two")):
        add_thermometer(household_hass, box, endpoint, name)
    ar.async_get(household_hass).async_update("hallway", temperature_entity_id="sensor.two")

    assert (await found(household_hass))["sensor.two"] is Measurand.TEMPERATURE


def add_thermometer(hass: HomeAssistant, box: dr.DeviceEntry, endpoint: int, name: str) -> er.RegistryEntry:
    """Put a thermometer in a box as ZHA does: both are called alike."""
    entry = er.async_get(hass).async_get_or_create(
        "sensor",
        "zha",
        f"00:11:22:33:44:55:66:77-{endpoint}-1026",
        suggested_object_id=name,
        config_entry=add_platform(hass, "zha"),
        device_id=box.id,
        original_name="Temperature",
        original_device_class="temperature",
        unit_of_measurement="°C",
    )
    hass.states.async_set(entry.entity_id, "20.0", {"device_class": "temperature", "unit_of_measurement": "°C"})
    return entry


async def test_sensirions_index_is_told_by_its_name(household_hass: HomeAssistant) -> None:
    entry = add_entity(household_hass, "esphome", sensor("aqi"), "air", original_name="VOC Index")
    er.async_get(household_hass).async_update_entity(entry.entity_id, area_id="hallway")

    assert await found(household_hass) == {"sensor.air": Measurand.VOC_INDEX}


async def test_a_childs_leak_sensor_is_in_its_parents_room(household_hass: HomeAssistant) -> None:
    parent = add_device(household_hass, "matter", "Bridge", "hallway")
    child = dr.async_get(household_hass).async_get_or_create_child(
        config_entry_id=add_platform(household_hass, "matter").entry_id,
        parent_device_id=parent.id,
        identifiers={("matter", "leak")},
        name="Dishwasher",
    )
    add_entity(household_hass, "matter", contact("moisture"), "dishwasher", device_id=child.id)

    assert await found(household_hass) == {"binary_sensor.dishwasher": Measurand.WET}


async def test_a_leak_sensor_alone_makes_a_room(household_hass: HomeAssistant) -> None:
    ar.async_get(household_hass).async_create("Pantry")
    add_device(household_hass, "zha", "Pantry floor", "pantry", contact("moisture"))
    room = next(
        each
        for each in propose(household_hass, await async_candidates(household_hass)).rooms
        if each.area_id == "pantry"
    )

    assert room.senses == (Sense.LEAK,)
    assert not room.complete


async def test_passers_by_alone_make_no_room(household_hass: HomeAssistant) -> None:
    ar.async_get(household_hass).async_create("Pantry")
    add_device(household_hass, "zha", "Pantry", "pantry", contact("motion"), contact("occupancy"), contact("window"))

    assert "pantry" not in {
        each.area_id for each in propose(household_hass, await async_candidates(household_hass)).rooms
    }
    assert len(await async_propose_room(household_hass, "pantry")) == 3


# What a box tells of itself.

BATTERY = Sensor(kind="battery", value="87", unit="%", category=EntityCategory.DIAGNOSTIC)


def furnish_box(hass: HomeAssistant) -> dr.DeviceEntry:
    box = add_device(hass, "mqtt", "Box", "bathroom", temperature(20.0), humidity(50.0), BATTERY)
    for object_id, details in {
        "box_lqi": {"unit_of_measurement": "lqi", "disabled_by": er.RegistryEntryDisabler.INTEGRATION},
        "box_seen": {"original_device_class": "timestamp"},
        "box_voltage": {"original_device_class": "voltage", "unit_of_measurement": "mV"},
    }.items():
        er.async_get(hass).async_get_or_create(
            "sensor",
            "mqtt",
            {"box_lqi": "0x1_linkquality_zigbee2mqtt", "box_seen": "0x1_last_seen_zigbee2mqtt"}.get(
                object_id, object_id
            ),
            suggested_object_id=object_id,
            device_id=box.id,
            config_entry=add_platform(hass, "mqtt"),
            entity_category=EntityCategory.DIAGNOSTIC,
            **details,  # type: ignore[arg-type]
        )
    low = Sensor(kind="battery", value="off", domain="binary_sensor", category=EntityCategory.DIAGNOSTIC)
    add_entity(hass, "mqtt", low, "box_battery_low", device_id=box.id)
    return box


def test_a_box_tells_of_its_battery_and_its_link(household_hass: HomeAssistant) -> None:
    told = device_diagnostics(household_hass, furnish_box(household_hass).id)

    assert {sign: (own.entity_id, own.disabled) for sign, own in told.items()} == {
        Sign.BATTERY: ("sensor.box_battery", False),
        Sign.BATTERY_LOW: ("binary_sensor.box_battery_low", False),
        Sign.VOLTAGE: ("sensor.box_voltage", False),
        Sign.LINK_QUALITY: ("sensor.box_lqi", True),
        Sign.LAST_SEEN: ("sensor.box_seen", False),
    }
    assert device_diagnostics(household_hass, "nobody") == {}


async def test_a_battery_is_no_sensor_of_its_room(household_hass: HomeAssistant) -> None:
    before = await async_propose_room(household_hass, "bathroom")
    add_device(household_hass, "zha", "Plug", "bathroom", BATTERY)

    assert await async_propose_room(household_hass, "bathroom") == before


def bind(hass: HomeAssistant, entry: MockConfigEntry, **bindings: str) -> None:
    room = entry.subentries["room_bathroom"]
    more = {name: [registry_id(hass, entity_id)] for name, entity_id in bindings.items()}
    data = {**room.data, "bindings": {**room.data["bindings"], **more}}
    hass.config_entries.async_update_subentry(entry, room, data=data)


def told_by(index: BindingIndex, box: dr.DeviceEntry) -> dict[str, Measurand]:
    own = (Measurand.BATTERY, Measurand.LINK_QUALITY)
    return {each.entity_id: each.measurand for each in index.all if each.source == box.id and each.measurand in own}


async def test_what_a_bound_box_tells_of_itself_is_heard(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    box = furnish_box(hass)
    assert told_by(BindingIndex(hass, entry), box) == {}

    bind(hass, entry, temperature="sensor.box_temperature")
    assert told_by(BindingIndex(hass, entry), box) == {"sensor.box_battery": Measurand.BATTERY}

    changes: list[None] = []
    stop = async_track_bindings(hass, entry, lambda: changes.append(None))
    er.async_get(hass).async_update_entity("sensor.box_lqi", disabled_by=None)
    await hass.async_block_till_done()
    index = BindingIndex(hass, entry)
    assert told_by(index, box)["sensor.box_lqi"] is Measurand.LINK_QUALITY
    assert len(changes) == 1
    binding = index.by_entity["sensor.box_battery"][0]
    (reading,) = readings_of(state_of(hass, "sensor.box_battery"), [binding], binding_time(hass)).readings
    assert (reading.value, reading.place, reading.source) == (87.0, "bathroom", box.id)
    stop()


def binding_time(hass: HomeAssistant) -> datetime:
    return state_of(hass, "sensor.box_battery").last_updated


# Whose body it is.


def test_a_body_is_somebodys(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass, entry = household_hass, smartloop_entry
    box = add_device(hass, "esphome", "Bed", "bathroom", contact("occupancy"), temperature(20.0))
    bind(hass, entry, bed_occupancy="binary_sensor.bed_occupancy", temperature="sensor.bed_temperature")

    def people() -> dict[Measurand, str | None]:
        return {each.measurand: each.person for each in BindingIndex(hass, entry).all if each.source == box.id}

    assert people() == {Measurand.BED_OCCUPANCY: None, Measurand.TEMPERATURE: None}

    ana = registry_id(hass, "person.ana")
    for said, person in ((ana, ana), ("somebody gone", None)):
        room = entry.subentries["room_bathroom"]
        hass.config_entries.async_update_subentry(entry, room, data={**room.data, "sleepers": {box.id: said}})
        assert people() == {Measurand.BED_OCCUPANCY: person, Measurand.TEMPERATURE: None}
