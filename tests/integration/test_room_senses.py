"""The forms take every sense, in words of the house, and ask whose bed it is."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, section
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.bindings import BindingIndex, damp_rooms
from custom_components.smartloop.adapters.following import async_track_bindings
from custom_components.smartloop.adapters.offers import async_offer_new_sensors
from custom_components.smartloop.engine import Measurand

from .house import Sensor, add_device, contact, humidity, registry_id, temperature
from .living import Living
from .test_config_flow import change_subentry, go_on, go_on_subentry, labels, start, start_subentry, suggested
from .test_repairs import fix, issue_of
from .test_repairs import go_on as go_on_repair
from .test_repairs import mended as mended  # noqa: PLC0414  a fixture
from .wording import every_flow_has_words

LEAK = contact("moisture")
PM25 = Sensor(kind="pm25", value="5", unit="µg/m³")


@pytest.fixture(autouse=True)
def wording() -> Iterator[None]:
    with every_flow_has_words():
        yield


@pytest.fixture
def not_set_up() -> Iterator[None]:
    with (
        patch("custom_components.smartloop.async_setup", return_value=True),
        patch("custom_components.smartloop.async_setup_entry", return_value=None),
        patch("custom_components.smartloop.async_unload_entry", return_value=None),
    ):
        yield


def within(result: Any, name: str) -> dict[str, Any]:
    """Return what a section suggests."""
    part = result["data_schema"].schema[name]
    assert isinstance(part, section)
    return {str(field): field.description["suggested_value"] for field in part.schema.schema if field.description}


def folded(result: Any) -> dict[str, bool]:
    return {
        str(field): each.options["collapsed"]
        for field, each in result["data_schema"].schema.items()
        if isinstance(each, section)
    }


@pytest.mark.usefixtures("not_set_up")
async def test_a_house_with_nothing_but_leak_sensors_can_be_set_up(hass: HomeAssistant) -> None:
    """The room is ticked and says what for; nobody is told that a thermometer is missing."""
    for name in ("Cellar", "Kitchen"):
        ar.async_get(hass).async_create(name)
        add_device(hass, "zha", f"{name} floor", name.lower(), LEAK)
    add_device(hass, "zha", "Kitchen air", "kitchen", PM25)
    result = await go_on(hass, await start(hass), {"name": "Home"})

    assert result["step_id"] == "rooms"
    assert suggested(result) == {"rooms": ["cellar", "kitchen"]}
    assert labels(result, "rooms") == {
        "cellar": "Cellar: 1 sensor, for leaks",
        "kitchen": "Kitchen: 2 sensors, for leaks, dust and stale air",
    }
    result = await go_on(hass, result, suggested(result))
    assert [each["data"]["bindings"] for each in result["subentries"]] == [
        {"wet": [registry_id(hass, "binary_sensor.cellar_floor_moisture")]},
        {
            "pm25": [registry_id(hass, "sensor.kitchen_air_pm25")],
            "wet": [registry_id(hass, "binary_sensor.kitchen_floor_moisture")],
        },
    ]


@pytest.mark.usefixtures("not_set_up")
async def test_whose_bed_it_is_is_asked_when_the_household_is_made(household_hass: HomeAssistant) -> None:
    hass = household_hass
    beds = [add_device(hass, "esphome", f"Bed {side}", "bedroom", contact("occupancy")) for side in ("left", "right")]
    ana, ben = (registry_id(hass, f"person.{name}") for name in ("ana", "ben"))
    result = await start(hass)
    for _ in range(3):
        result = await go_on(hass, result, suggested(result))
    assert result["step_id"] == "bed"
    assert result["description_placeholders"] == {"room": "Bedroom", "sensor": "Bed left"}
    assert labels(result, "sleeper") == {ana: "Ana", ben: "Ben"}
    assert suggested(result) == {}

    result = await go_on(hass, result, {"sleeper": ana})
    assert result["description_placeholders"]["sensor"] == "Bed right"
    result = await go_on(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    bedroom = next(each for each in result["subentries"] if each["unique_id"] == "bedroom")
    assert bedroom["data"]["sleepers"] == {beds[0].id: ana}


@pytest.mark.usefixtures("not_set_up")
async def test_a_room_shows_what_was_found_and_folds_the_rest(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    add_device(hass, "zha", "Floor", "hallway", LEAK)
    add_device(hass, "esphome", "Shelf", "hallway", PM25, contact("motion"))
    result = await start_subentry(hass, entry, "room")
    result = await go_on_subentry(hass, result, {"area_id": "hallway"})

    assert folded(result) == {"leaks": False, "dust": False, "sleep": True, "people": False}
    assert within(result, "leaks") == {"leak": ["binary_sensor.floor_moisture"]}
    assert within(result, "dust") == {"pm25": ["sensor.shelf_pm25"]}
    answers = suggested(result) | {"leaks": within(result, "leaks"), "dust": {}, "people": within(result, "people")}
    result = await go_on_subentry(hass, result, answers)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert set(result["data"]["bindings"]) == {"temperature", "wet", "motion"}
    assert result["data"]["declined"] == [registry_id(hass, "sensor.shelf_pm25")]


@pytest.mark.usefixtures("not_set_up")
async def test_a_section_that_was_not_sent_stays_as_it_was(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    add_device(hass, "zha", "Floor", "bathroom", LEAK)
    result = await change_subentry(hass, entry, "room", "room_bathroom")
    await go_on_subentry(hass, result, suggested(result) | {"leaks": {"leak": ["binary_sensor.floor_moisture"]}})
    for _ in range(2):
        result = await change_subentry(hass, entry, "room", "room_bathroom")
        await go_on_subentry(hass, result, suggested(result))

    bound = [registry_id(hass, "binary_sensor.floor_moisture")]
    assert entry.subentries["room_bathroom"].data["bindings"]["wet"] == bound


@pytest.mark.usefixtures("not_set_up")
async def test_what_cannot_measure_is_refused_at_its_section(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    result = await change_subentry(hass, entry, "room", "room_bathroom")
    wrong = {"dust": {"pm25": ["sensor.bathroom_humidity"]}, "leaks": {"leak": ["sensor.bathroom_humidity"]}}
    result = await go_on_subentry(hass, result, suggested(result) | wrong)

    assert result["errors"] == {"dust": "unit_unknown", "leaks": "entity_wrong_kind"}
    assert within(result, "dust") == {"pm25": ["sensor.bathroom_humidity"]}


@pytest.mark.usefixtures("not_set_up")
async def test_whose_bed_it_is_can_be_changed_and_goes_with_the_box(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    ana = registry_id(hass, "person.ana")
    box = add_device(hass, "esphome", "Bed", "bedroom", contact("occupancy"))
    result = await change_subentry(hass, entry, "room", "room_bedroom")
    bed = {"sleep": {"bed": ["binary_sensor.bed_occupancy"]}}
    result = await go_on_subentry(hass, result, suggested(result) | bed)
    assert result["step_id"] == "bed"
    # There is one member: nobody else is likely.
    assert suggested(result) == {"sleeper": ana}
    result = await go_on_subentry(hass, result, suggested(result))
    assert result["reason"] == "reconfigure_successful"
    (binding,) = BindingIndex(hass, entry).by_entity["binary_sensor.bed_occupancy"]
    assert (binding.measurand, binding.place, binding.person) == (Measurand.BED_OCCUPANCY, "bedroom", ana)

    stop = async_track_bindings(hass, entry, lambda: None)
    dr.async_get(hass).async_update_device(box.id, area_id="kitchen")
    await hass.async_block_till_done()
    (binding,) = BindingIndex(hass, entry).by_entity["binary_sensor.bed_occupancy"]
    assert (binding.place, binding.person) == ("kitchen", ana)
    stop()

    assert entry.subentries["room_bedroom"].data["sleepers"] == {}
    result = await change_subentry(hass, entry, "room", "room_kitchen")
    result = await go_on_subentry(hass, result, suggested(result))
    await go_on_subentry(hass, result, {})
    (binding,) = BindingIndex(hass, entry).by_entity["binary_sensor.bed_occupancy"]
    assert binding.person is None

    result = await change_subentry(hass, entry, "room", "room_kitchen")
    result = await go_on_subentry(hass, result, suggested(result) | {"sleep": {}})
    assert result["reason"] == "reconfigure_successful"
    assert "sleepers" not in entry.subentries["room_kitchen"].data


async def test_whose_bed_it_is_is_asked_of_a_new_sensor(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass, entry = household_hass, mended
    box = add_device(hass, "esphome", "Bed", "bedroom", contact("occupancy"))
    await async_offer_new_sensors(hass, entry)
    result = await fix(hass, issue_of(hass, "binary_sensor.bed_occupancy"))
    result = await go_on_repair(hass, result, {"next_step_id": "add"})
    assert suggested(result) == {"place": "bedroom", "sleeper": registry_id(hass, "person.ana")}
    await go_on_repair(hass, result, suggested(result))

    assert entry.subentries["room_bedroom"].data["sleepers"] == {box.id: registry_id(hass, "person.ana")}


async def test_a_new_leak_sensor_makes_its_area_a_room(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass, entry = household_hass, mended
    add_device(hass, "zha", "Floor", "hallway", LEAK)
    await async_offer_new_sensors(hass, entry)
    result = await fix(hass, issue_of(hass, "binary_sensor.floor_moisture"))
    result = await go_on_repair(hass, result, {"next_step_id": "add"})
    assert labels(result, "place")["hallway"] == "Hallway (becomes a room of SmartLoop)"
    await go_on_repair(hass, result, suggested(result))

    room = next(each for each in entry.subentries.values() if each.unique_id == "hallway")
    assert set(room.data["bindings"]) == {"temperature", "wet"}


def test_damp_is_looked_after_where_the_air_is_measured(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    for name, bindings in (("bathroom", {"wet": ["x"]}), ("kitchen", {})):
        room = entry.subentries[f"room_{name}"]
        hass.config_entries.async_update_subentry(entry, room, data={**room.data, "bindings": bindings})

    assert damp_rooms(entry) == {"bedroom": "room_bedroom", "kitchen": "room_kitchen"}


async def test_a_room_with_a_leak_sensor_alone_shows_no_mold(living: Living) -> None:
    """Nine figures that would be unknown for ever are no help to the owner of a leak sensor."""
    hass, entry = living.hass, living.entry
    add_device(hass, "zha", "Floor", "bathroom", LEAK, temperature(20.0), humidity(50.0))
    room = entry.subentries["room_bathroom"]
    wet = {"wet": [registry_id(hass, "binary_sensor.floor_moisture")]}
    hass.config_entries.async_update_subentry(entry, room, data={**room.data, "bindings": wet})
    await living.set_up()

    mine = {
        each.entity_id
        for each in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if each.config_subentry_id == "room_bathroom"
    }
    assert {each.partition(".")[0] for each in mine} == {"event"}
    assert living.shown("sensor.bedroom_mold_index") != "unavailable"
