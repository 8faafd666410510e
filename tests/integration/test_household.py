"""The entry becomes the engine's household; its bindings follow their entities."""

from collections.abc import Callable, Iterator
from datetime import time

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.bindings import Binding, BindingIndex
from custom_components.smartloop.adapters.following import async_track_bindings
from custom_components.smartloop.adapters.household import household_of
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.engine import (
    OUTDOOR,
    Autonomy,
    Construction,
    Journey,
    Measurand,
    Person,
    QuietHours,
    Room,
    RoomKind,
    WallClass,
)

from .house import add_device, humidity, registry_id, room_data, temperature


@pytest.fixture
def changes(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> Iterator[list[BindingIndex]]:
    """Follow the bindings; each change appends what is in force then."""
    seen: list[BindingIndex] = []
    stop = async_track_bindings(
        household_hass, smartloop_entry, lambda: seen.append(BindingIndex(household_hass, smartloop_entry))
    )
    yield seen
    stop()


def device_of(hass: HomeAssistant, entity_id: str) -> str:
    entry = er.async_get(hass).async_get(entity_id)
    assert entry is not None
    assert entry.device_id is not None
    return entry.device_id


def bound(entry: MockConfigEntry, subentry_id: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = entry.subentries[subentry_id].data["bindings"]
    return found


def test_the_household_is_read_from_the_entry(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    ar.async_get(household_hass).async_update("kitchen", name="Cuisine")
    household = household_of(household_hass, smartloop_entry)

    assert household.rooms == (
        Room(
            id="bathroom",
            name="Bathroom",
            kind=RoomKind.BATHROOM,
            volume_m3=14.0,
            construction=Construction.UNINSULATED,
            wall_class=WallClass.SENSITIVE,
        ),
        Room(id="bedroom", name="Bedroom", kind=RoomKind.BEDROOM),
        Room(id="kitchen", name="Cuisine", kind=RoomKind.KITCHEN),
    )
    assert household.people == (Person(id=registry_id(household_hass, "person.ana"), name="Ana"),)
    assert household.journeys == {Journey.MOLD: Autonomy.INFORM}
    assert household.quiet_hours == QuietHours(start=time(22), end=time(7))
    assert household.daily_budget == 3
    assert household.timezone is dt_util.get_default_time_zone()


def test_an_entry_without_options_has_defaults(hass: HomeAssistant) -> None:
    entry = MockConfigEntry(domain=DOMAIN)
    household = household_of(hass, entry)

    assert household.quiet_hours is None
    assert household.daily_budget == 3
    assert household.autonomy(Journey.MOLD) is Autonomy.INFORM
    assert BindingIndex(hass, entry).all == ()
    assert BindingIndex(hass, entry).weather is None


def test_a_room_without_its_area_keeps_its_name(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    ar.async_get(household_hass).async_delete("kitchen")

    assert [room.name for room in household_of(household_hass, smartloop_entry).rooms][2] == "Kitchen"


def test_bindings_name_entity_place_and_box(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    index = BindingIndex(household_hass, smartloop_entry)

    box = device_of(household_hass, "sensor.bathroom_temperature")
    assert index.by_entity["sensor.bathroom_temperature"] == (
        Binding(
            entity_id="sensor.bathroom_temperature",
            registry_id=registry_id(household_hass, "sensor.bathroom_temperature"),
            measurand=Measurand.TEMPERATURE,
            place="bathroom",
            source=box,
        ),
    )
    assert index.by_entity["sensor.bathroom_humidity"][0].source == box
    assert index.by_entity["sensor.garden_temperature"][0].place == OUTDOOR
    assert index.weather == "weather.home"
    assert len(index.all) == len(index.by_entity) == 9


def test_one_sensor_may_serve_two_rooms(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    kitchen = smartloop_entry.subentries["room_kitchen"]
    shared = registry_id(household_hass, "sensor.bathroom_temperature")
    household_hass.config_entries.async_update_subentry(
        smartloop_entry, kitchen, data={**kitchen.data, "bindings": {"temperature": [shared, "sensor.yaml_only"]}}
    )

    index = BindingIndex(household_hass, smartloop_entry)

    assert [each.place for each in index.by_entity["sensor.bathroom_temperature"]] == ["bathroom", "kitchen"]
    assert index.by_entity["sensor.yaml_only"][0].source == "sensor.yaml_only"


async def test_a_renamed_entity_is_followed(household_hass: HomeAssistant, changes: list[BindingIndex]) -> None:
    er.async_get(household_hass).async_update_entity("sensor.bathroom_humidity", new_entity_id="sensor.wet")
    await household_hass.async_block_till_done()

    assert len(changes) == 1
    assert "sensor.wet" in changes[0].by_entity
    assert "sensor.bathroom_humidity" not in changes[0].by_entity


async def test_a_renamed_weather_entity_is_followed(household_hass: HomeAssistant, changes: list[BindingIndex]) -> None:
    er.async_get(household_hass).async_update_entity("weather.home", new_entity_id="weather.town")
    await household_hass.async_block_till_done()

    assert [each.weather for each in changes] == ["weather.town"]

    er.async_get(household_hass).async_remove("weather.town")
    await household_hass.async_block_till_done()

    assert [each.weather for each in changes] == ["weather.town", None]


async def test_a_disabled_entity_is_let_go_and_taken_up_again(
    household_hass: HomeAssistant, changes: list[BindingIndex]
) -> None:
    registry = er.async_get(household_hass)
    registry.async_update_entity("sensor.bathroom_humidity", disabled_by=er.RegistryEntryDisabler.USER)
    await household_hass.async_block_till_done()
    registry.async_update_entity("sensor.bathroom_humidity", disabled_by=None)
    await household_hass.async_block_till_done()

    assert ["sensor.bathroom_humidity" in each.by_entity for each in changes] == [False, True]


async def test_a_removed_entity_is_let_go_and_known_again_when_it_returns(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, changes: list[BindingIndex]
) -> None:
    registry = er.async_get(household_hass)
    device_id = device_of(household_hass, "sensor.bathroom_humidity")
    registry.async_remove("sensor.bathroom_humidity")
    household_hass.states.async_remove("sensor.bathroom_humidity")
    await household_hass.async_block_till_done()

    assert ["sensor.bathroom_humidity" in each.by_entity for each in changes] == [False]
    assert len(bound(smartloop_entry, "room_bathroom")["relative_humidity"]) == 1

    registry.async_get_or_create(
        "sensor",
        "zha",
        "bathroom_humidity-humidity",
        config_entry=household_hass.config_entries.async_entries("zha")[0],
        device_id=device_id,
        original_device_class="humidity",
        unit_of_measurement="%",
    )
    await household_hass.async_block_till_done()

    assert ["sensor.bathroom_humidity" in each.by_entity for each in changes] == [False, True]


async def test_what_does_not_matter_is_not_reported(household_hass: HomeAssistant, changes: list[BindingIndex]) -> None:
    registry = er.async_get(household_hass)
    registry.async_update_entity("sensor.bathroom_humidity", icon="mdi:water")
    registry.async_update_entity("sensor.hallway_temperature", new_entity_id="sensor.corridor")
    registry.async_remove("sensor.corridor")
    add_device(household_hass, "zha", "New", "bathroom", temperature(20.0))
    dr.async_get(household_hass).async_update_device(
        device_of(household_hass, "sensor.bathroom_humidity"), name_by_user="Box"
    )
    ar.async_get(household_hass).async_create("Cellar")
    ar.async_get(household_hass).async_reorder(["garden", "cellar", "bathroom", "bedroom", "kitchen", "hallway"])
    await household_hass.async_block_till_done()

    assert changes == []


async def test_a_box_carried_to_another_room_measures_there(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, changes: list[BindingIndex]
) -> None:
    moved = [registry_id(household_hass, f"sensor.bathroom_{kind}") for kind in ("temperature", "humidity")]
    dr.async_get(household_hass).async_update_device(
        device_of(household_hass, "sensor.bathroom_temperature"), area_id="bedroom"
    )
    await household_hass.async_block_till_done()

    assert len(changes) == 1
    assert [each.place for each in changes[0].by_entity["sensor.bathroom_temperature"]] == ["bedroom"]
    assert bound(smartloop_entry, "room_bathroom") == {}
    assert bound(smartloop_entry, "room_bedroom")["temperature"][1] == moved[0]
    assert bound(smartloop_entry, "room_bedroom")["relative_humidity"][1] == moved[1]


async def test_an_entity_given_an_area_of_its_own_measures_there(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, changes: list[BindingIndex]
) -> None:
    er.async_get(household_hass).async_update_entity("sensor.bathroom_humidity", name="Probe", area_id="kitchen")
    await household_hass.async_block_till_done()

    assert [each.place for each in changes[-1].by_entity["sensor.bathroom_humidity"]] == ["kitchen"]
    assert [each.place for each in changes[-1].by_entity["sensor.bathroom_temperature"]] == ["bathroom"]


async def test_a_window_contact_is_carried_too_but_not_outdoors(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, changes: list[BindingIndex]
) -> None:
    dr.async_get(household_hass).async_update_device(
        device_of(household_hass, "sensor.bedroom_temperature"), area_id="garden"
    )
    await household_hass.async_block_till_done()

    assert bound(smartloop_entry, "room_bedroom") == {}
    assert [each.place for each in changes[-1].by_entity["sensor.bedroom_humidity"]] == [OUTDOOR]
    assert "binary_sensor.bedroom_window" not in changes[-1].by_entity
    assert len(smartloop_entry.options["outdoor"]["temperature"]) == 2
    assert smartloop_entry.options["daily_budget"] == 3


async def test_a_box_carried_out_of_all_rooms_stops_measuring(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, changes: list[BindingIndex]
) -> None:
    dr.async_get(household_hass).async_update_device(
        device_of(household_hass, "sensor.bathroom_temperature"), area_id="hallway"
    )
    dr.async_get(household_hass).async_update_device(
        device_of(household_hass, "sensor.garden_temperature"), area_id="hallway"
    )
    await household_hass.async_block_till_done()

    assert bound(smartloop_entry, "room_bathroom") == {}
    assert smartloop_entry.options["outdoor"] == {}
    assert "sensor.bathroom_temperature" not in changes[-1].by_entity


async def test_an_outdoor_box_brought_into_a_room_measures_there(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, changes: list[BindingIndex]
) -> None:
    dr.async_get(household_hass).async_update_device(
        device_of(household_hass, "sensor.garden_temperature"), area_id="kitchen"
    )
    await household_hass.async_block_till_done()

    assert smartloop_entry.options["outdoor"] == {}
    assert [each.place for each in changes[-1].by_entity["sensor.garden_temperature"]] == ["kitchen"]


async def test_what_the_owner_bound_from_elsewhere_stays_until_it_comes_to_a_room(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    box = add_device(household_hass, "zha", "Loose", "hallway", temperature(20.0))
    loose = registry_id(household_hass, "sensor.loose_temperature")
    bathroom = smartloop_entry.subentries["room_bathroom"]
    household_hass.config_entries.async_update_subentry(
        smartloop_entry, bathroom, data={**bathroom.data, "bindings": {"temperature": [loose]}}
    )
    ar.async_get(household_hass).async_create("Pantry")
    stop = async_track_bindings(household_hass, smartloop_entry, lambda: None)

    for area_id in ("pantry", None, "bathroom"):
        dr.async_get(household_hass).async_update_device(box.id, area_id=area_id)
        await household_hass.async_block_till_done()
        assert bound(smartloop_entry, "room_bathroom") == {"temperature": [loose]}, area_id

    dr.async_get(household_hass).async_update_device(box.id, area_id="kitchen")
    await household_hass.async_block_till_done()
    stop()

    assert bound(smartloop_entry, "room_bathroom") == {}
    assert loose in bound(smartloop_entry, "room_kitchen")["temperature"]


async def test_a_box_carried_to_a_room_that_shares_it_is_bound_once(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    shared = registry_id(household_hass, "sensor.bathroom_temperature")
    kitchen = smartloop_entry.subentries["room_kitchen"]
    household_hass.config_entries.async_update_subentry(
        smartloop_entry, kitchen, data={**kitchen.data, "bindings": {"temperature": [shared]}}
    )
    stop = async_track_bindings(household_hass, smartloop_entry, lambda: None)

    dr.async_get(household_hass).async_update_device(
        device_of(household_hass, "sensor.bathroom_temperature"), area_id="kitchen"
    )
    await household_hass.async_block_till_done()
    stop()

    assert bound(smartloop_entry, "room_kitchen")["temperature"] == [shared]


async def test_nothing_is_followed_after_stopping(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    called: list[bool] = []
    stop: Callable[[], None] = async_track_bindings(household_hass, smartloop_entry, lambda: called.append(True))
    stop()
    er.async_get(household_hass).async_update_entity("sensor.bathroom_humidity", new_entity_id="sensor.wet")
    await household_hass.async_block_till_done()

    assert called == []


async def test_a_renamed_area_renames_its_room(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, changes: list[BindingIndex]
) -> None:
    ar.async_get(household_hass).async_update("kitchen", name="Cuisine")
    ar.async_get(household_hass).async_update("bathroom", icon="mdi:bathtub")
    await household_hass.async_block_till_done()

    assert smartloop_entry.subentries["room_kitchen"].title == "Cuisine"
    assert smartloop_entry.subentries["room_bathroom"].title == "Bathroom"
    assert changes == []


async def test_a_deleted_area_is_asked_about_until_it_is_settled(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, changes: list[BindingIndex]
) -> None:
    issues = ir.async_get(household_hass)
    ar.async_get(household_hass).async_delete("kitchen")
    await household_hass.async_block_till_done()

    issue = issues.async_get_issue(DOMAIN, "area_removed_room_kitchen")
    assert issue is not None
    assert issue.is_fixable
    assert issue.translation_placeholders == {"room": "Kitchen"}
    assert issue.data == {"subentry_id": "room_kitchen"}
    assert bound(smartloop_entry, "room_kitchen") == room_data(household_hass, "kitchen", "kitchen")["bindings"]

    ar.async_get(household_hass).async_create("Kitchen")
    await household_hass.async_block_till_done()

    assert issues.async_get_issue(DOMAIN, "area_removed_room_kitchen") is None
    assert changes == []


async def test_an_area_deleted_while_nobody_looked_is_noticed_at_start(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    ar.async_get(household_hass).async_delete("kitchen")
    async_track_bindings(household_hass, smartloop_entry, lambda: None)()

    assert ir.async_get(household_hass).async_get_issue(DOMAIN, "area_removed_room_kitchen") is not None

    household_hass.config_entries.async_remove_subentry(smartloop_entry, "room_kitchen")
    async_track_bindings(household_hass, smartloop_entry, lambda: None)()

    assert ir.async_get(household_hass).async_get_issue(DOMAIN, "area_removed_room_kitchen") is None


async def test_two_boxes_of_one_room_keep_their_own_source(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    second = add_device(household_hass, "bthome", "Second", "bathroom", temperature(20.0), humidity(60.0))
    bathroom = smartloop_entry.subentries["room_bathroom"]
    ids = [registry_id(household_hass, f"sensor.{box}_temperature") for box in ("bathroom", "second")]
    household_hass.config_entries.async_update_subentry(
        smartloop_entry, bathroom, data={**bathroom.data, "bindings": {"temperature": ids}}
    )

    sources = {each.source for each in BindingIndex(household_hass, smartloop_entry).all if each.place == "bathroom"}

    assert sources == {device_of(household_hass, "sensor.bathroom_temperature"), second.id}


async def test_a_household_without_weather_is_followed_too(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    household_hass.config_entries.async_update_entry(smartloop_entry, options={})
    called: list[bool] = []
    stop = async_track_bindings(household_hass, smartloop_entry, lambda: called.append(True))
    er.async_get(household_hass).async_update_entity("weather.home", new_entity_id="weather.town")
    er.async_get(household_hass).async_update_entity("sensor.bathroom_humidity", new_entity_id="sensor.wet")
    await household_hass.async_block_till_done()
    stop()

    assert called == [True]
