"""Repairs: new sensors are offered, rooms without area are settled, an engine is given up."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import probatio as vol
import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.repairs import issue_handler, repairs_flow_manager
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.smartloop.adapters.following import async_track_bindings
from custom_components.smartloop.adapters.offers import SETTLE_S, async_offer_new_sensors, async_track_new_sensors
from custom_components.smartloop.const import DOMAIN

from .house import add_device, add_entity, contact, humidity, registry_id, temperature
from .wording import every_flow_has_words


@pytest.fixture(autouse=True)
def wording() -> Iterator[None]:
    with every_flow_has_words():
        yield


@pytest.fixture
def mended(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> Iterator[MockConfigEntry]:
    """Return the entry in a Home Assistant that can mend; SmartLoop counts as loaded."""
    household_hass.data["repairs"] = {}
    issue_handler.async_setup(household_hass)
    household_hass.config.components.add(DOMAIN)
    with patch("custom_components.smartloop.async_setup_entry", return_value=None):
        yield smartloop_entry


async def fix(hass: HomeAssistant, issue_id: str) -> Any:
    manager = repairs_flow_manager(hass)
    assert manager is not None
    return await manager.async_init(DOMAIN, context={"issue_id": issue_id})


async def go_on(hass: HomeAssistant, result: Any, answers: dict[str, Any]) -> Any:
    manager = repairs_flow_manager(hass)
    assert manager is not None
    return await manager.async_configure(result["flow_id"], answers)


def offered(hass: HomeAssistant) -> dict[str, bool]:
    """Return the offers there are: whether they are ignored, by their sensor's entity id."""
    found = {}
    for (domain, issue_id), issue in ir.async_get(hass).issues.items():
        if domain == DOMAIN and issue_id.startswith("new_sensor_") and issue.active:
            entry = er.async_get(hass).async_get(issue_id.removeprefix("new_sensor_"))
            found[entry.entity_id if entry else "gone"] = issue.dismissed_version is not None
    return found


def issue_of(hass: HomeAssistant, entity_id: str) -> str:
    return f"new_sensor_{registry_id(hass, entity_id)}"


def bound(entry: MockConfigEntry, subentry_id: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = entry.subentries[subentry_id].data["bindings"]
    return found


# What is offered.


async def test_nothing_is_offered_of_what_was_there(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    await async_offer_new_sensors(household_hass, smartloop_entry)

    assert offered(household_hass) == {}


async def test_a_new_box_is_offered_once(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    add_device(household_hass, "zha", "Shelf", "bathroom", humidity(60.0), temperature(20.0))
    await async_offer_new_sensors(household_hass, smartloop_entry)

    assert offered(household_hass) == {"sensor.shelf_temperature": False}
    issue = ir.async_get(household_hass).async_get_issue(DOMAIN, issue_of(household_hass, "sensor.shelf_temperature"))
    assert issue is not None
    assert issue.translation_placeholders == {"sensor": "Shelf"}


async def test_the_owners_name_of_a_box_is_used(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    box = add_device(household_hass, "zha", "0x00158d", "bathroom", temperature(20.0))
    dr.async_get(household_hass).async_update_device(box.id, name_by_user="Above the bath")
    lone = add_entity(household_hass, "mqtt", humidity(50.0), "lone")
    er.async_get(household_hass).async_update_entity(lone.entity_id, area_id="bathroom")
    silent = add_entity(household_hass, "mqtt", humidity(50.0), "silent")
    er.async_get(household_hass).async_update_entity(silent.entity_id, area_id="bathroom")
    household_hass.states.async_remove(silent.entity_id)
    await async_offer_new_sensors(household_hass, smartloop_entry)

    names = {
        (issue.translation_placeholders or {})["sensor"]
        for (domain, _), issue in ir.async_get(household_hass).issues.items()
        if domain == DOMAIN
    }
    assert names == {"Above the bath", "lone", "sensor.silent"}


async def test_a_sensor_moved_into_a_room_is_offered(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    er.async_get(household_hass).async_update_entity("sensor.hallway_temperature", name="Loose", area_id="bathroom")
    await async_offer_new_sensors(household_hass, smartloop_entry)

    assert offered(household_hass) == {"sensor.hallway_temperature": False}


async def test_a_sensor_its_owner_left_out_is_not_offered(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    room = smartloop_entry.subentries["room_bathroom"]
    left_out = registry_id(household_hass, "sensor.bathroom_humidity")
    data = {**room.data, "bindings": {}, "declined": [left_out]}
    household_hass.config_entries.async_update_subentry(smartloop_entry, room, data=data)
    await async_offer_new_sensors(household_hass, smartloop_entry)

    assert offered(household_hass) == {"sensor.bathroom_temperature": False}


async def test_new_sensors_of_nowhere_and_outdoors_are_offered(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    add_device(household_hass, "zha", "New", None, temperature(20.0))
    add_device(household_hass, "zha", "Shed", "garden", humidity(80.0), contact())
    add_device(household_hass, "zha", "Gate", "garden", contact())
    await async_offer_new_sensors(household_hass, smartloop_entry)

    assert offered(household_hass) == {"sensor.new_temperature": False, "sensor.shed_humidity": False}


async def test_an_offer_is_taken_back_when_it_stands_no_longer(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    add_device(household_hass, "zha", "Shelf", "bathroom", temperature(20.0))
    await async_offer_new_sensors(household_hass, smartloop_entry)
    er.async_get(household_hass).async_update_entity(
        "sensor.shelf_temperature", disabled_by=er.RegistryEntryDisabler.USER
    )
    await async_offer_new_sensors(household_hass, smartloop_entry)

    assert offered(household_hass) == {}


async def test_an_ignored_offer_stays_ignored_until_the_sensor_is_gone(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass = household_hass
    add_device(hass, "zha", "Shelf", "bathroom", temperature(20.0))
    await async_offer_new_sensors(hass, smartloop_entry)
    issue_id = issue_of(hass, "sensor.shelf_temperature")
    ir.async_ignore_issue(hass, DOMAIN, issue_id, ignore=True)

    er.async_get(hass).async_update_entity("sensor.shelf_temperature", disabled_by=er.RegistryEntryDisabler.USER)
    await async_offer_new_sensors(hass, smartloop_entry)
    er.async_get(hass).async_update_entity("sensor.shelf_temperature", disabled_by=None)
    await async_offer_new_sensors(hass, smartloop_entry)
    assert offered(hass) == {"sensor.shelf_temperature": True}

    er.async_get(hass).async_remove("sensor.shelf_temperature")
    await async_offer_new_sensors(hass, smartloop_entry)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None


async def test_other_issues_are_left_alone(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    for domain, issue_id in ((DOMAIN, "engine_missing"), ("other", "new_sensor_x")):
        ir.async_create_issue(
            household_hass, domain, issue_id, is_fixable=False, severity=ir.IssueSeverity.ERROR, translation_key="x"
        )
    await async_offer_new_sensors(household_hass, smartloop_entry)

    assert ir.async_get(household_hass).async_get_issue(DOMAIN, "engine_missing") is not None
    assert ir.async_get(household_hass).async_get_issue("other", "new_sensor_x") is not None


async def settle(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    await hass.async_block_till_done()
    freezer.tick(timedelta(seconds=SETTLE_S + 1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def test_sensors_that_join_later_are_offered_once_they_settled(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    hass = household_hass
    hass.set_state(CoreState.starting)
    freezer.tick(1)
    stop = async_track_new_sensors(hass, smartloop_entry)
    add_device(hass, "zha", "Early", "bathroom", temperature(20.0))
    await settle(hass, freezer)
    assert offered(hass) == {}

    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await settle(hass, freezer)
    assert offered(hass) == {"sensor.early_temperature": False}

    box = add_device(hass, "zha", "Late", "hallway", temperature(20.0), humidity(50.0))
    await hass.async_block_till_done()
    assert offered(hass) == {"sensor.early_temperature": False}
    await settle(hass, freezer)
    assert offered(hass) == {"sensor.early_temperature": False, "sensor.late_temperature": False}

    dr.async_get(hass).async_remove_device(box.id)
    await settle(hass, freezer)
    assert offered(hass) == {"sensor.early_temperature": False}

    stop()
    add_device(hass, "zha", "Too late", "bathroom", temperature(20.0))
    await settle(hass, freezer)
    assert offered(hass) == {"sensor.early_temperature": False}


# How an offer is answered.


async def test_an_offer_is_accepted_in_its_own_room(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    add_device(hass, "zha", "Shelf", "bathroom", temperature(20.0), humidity(60.0), contact())
    await async_offer_new_sensors(hass, mended)
    issue_id = issue_of(hass, "sensor.shelf_temperature")

    result = await fix(hass, issue_id)
    assert result["type"] is FlowResultType.MENU
    assert result["description_placeholders"] == {"sensor": "Shelf"}

    result = await go_on(hass, result, {"next_step_id": "add"})
    assert result["step_id"] == "add"
    assert result["data_schema"]({}) == {"place": "bathroom"}
    choices = result["data_schema"].schema["place"].config["options"]
    assert [choice["label"] for choice in choices] == ["Bathroom", "Bedroom", "Kitchen", "Outside, in the open air"]

    result = await go_on(hass, result, {"place": "bathroom"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert bound(mended, "room_bathroom") == {
        kind: [*first, registry_id(hass, shelf)]
        for kind, first, shelf in (
            ("temperature", [registry_id(hass, "sensor.bathroom_temperature")], "sensor.shelf_temperature"),
            ("relative_humidity", [registry_id(hass, "sensor.bathroom_humidity")], "sensor.shelf_humidity"),
            ("window_open", [], "binary_sensor.shelf_window"),
        )
    }
    await async_offer_new_sensors(hass, mended)
    assert offered(hass) == {}


async def test_a_sensor_of_nowhere_needs_a_place(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    add_device(hass, "zha", "New", None, temperature(5.0), contact())
    await async_offer_new_sensors(hass, mended)
    result = await fix(hass, issue_of(hass, "sensor.new_temperature"))
    result = await go_on(hass, result, {"next_step_id": "add"})
    with pytest.raises(vol.Invalid):
        result["data_schema"]({})

    result = await go_on(hass, result, {"place": "outdoor"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert mended.options["outdoor"]["temperature"][1] == registry_id(hass, "sensor.new_temperature")
    assert "window_open" not in mended.options["outdoor"]
    assert mended.options["daily_budget"] == 3


async def test_a_window_contact_is_not_for_the_garden(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    add_device(hass, "zha", "Skylight", "bathroom", contact())
    await async_offer_new_sensors(hass, mended)
    result = await fix(hass, issue_of(hass, "binary_sensor.skylight_window"))
    result = await go_on(hass, result, {"next_step_id": "add"})

    choices = result["data_schema"].schema["place"].config["options"]
    assert [choice["value"] for choice in choices] == ["bathroom", "bedroom", "kitchen"]


async def test_a_room_removed_meanwhile_is_not_taken_for_the_outside(
    household_hass: HomeAssistant, mended: MockConfigEntry
) -> None:
    hass = household_hass
    add_device(hass, "zha", "New", None, temperature(20.0))
    await async_offer_new_sensors(hass, mended)
    result = await fix(hass, issue_of(hass, "sensor.new_temperature"))
    result = await go_on(hass, result, {"next_step_id": "add"})
    hass.config_entries.async_remove_subentry(mended, "room_kitchen")

    result = await go_on(hass, result, {"place": "kitchen"})
    assert result["step_id"] == "add"
    assert len(mended.options["outdoor"]["temperature"]) == 1


async def test_an_offer_can_be_ignored_for_good(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    add_device(hass, "zha", "Shelf", "bathroom", temperature(20.0))
    await async_offer_new_sensors(hass, mended)
    result = await fix(hass, issue_of(hass, "sensor.shelf_temperature"))
    result = await go_on(hass, result, {"next_step_id": "ignore"})

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "sensor_ignored"
    await async_offer_new_sensors(hass, mended)
    assert offered(hass) == {"sensor.shelf_temperature": True}
    assert len(bound(mended, "room_bathroom")["temperature"]) == 1


async def test_an_offer_may_be_outdated(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    add_device(hass, "zha", "Shelf", "bathroom", temperature(20.0))
    add_device(hass, "zha", "Board", "bathroom", temperature(20.0))
    await async_offer_new_sensors(hass, mended)
    late = await fix(hass, issue_of(hass, "sensor.board_temperature"))
    for name in ("shelf", "board"):
        er.async_get(hass).async_update_entity(f"sensor.{name}_temperature", disabled_by=er.RegistryEntryDisabler.USER)

    result = await fix(hass, issue_of(hass, "sensor.shelf_temperature"))
    assert result["reason"] == "sensor_gone"
    late = await go_on(hass, late, {"next_step_id": "add"})
    assert late["reason"] == "sensor_gone"
    assert offered(hass) == {}


# Rooms whose area is gone.


def delete_kitchen(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    ar.async_get(hass).async_delete("kitchen")
    async_track_bindings(hass, entry, lambda: None)()
    return "area_removed_room_kitchen"


async def test_a_room_gets_another_area(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    result = await fix(hass, delete_kitchen(hass, mended))
    assert result["menu_options"] == ["area", "remove"]
    assert result["description_placeholders"] == {"room": "Kitchen"}

    result = await go_on(hass, result, {"next_step_id": "area"})
    choices = result["data_schema"].schema["area_id"].config["options"]
    assert [choice["value"] for choice in choices] == ["hallway", "garden"]

    result = await go_on(hass, result, {"area_id": "hallway"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    room = mended.subentries["room_kitchen"]
    assert (room.title, room.unique_id, room.data["area_id"], room.data["kind"]) == (
        "Hallway",
        "hallway",
        "hallway",
        "kitchen",
    )
    assert ir.async_get(hass).async_get_issue(DOMAIN, "area_removed_room_kitchen") is None


async def test_an_area_taken_meanwhile_is_not_given_twice(
    household_hass: HomeAssistant, mended: MockConfigEntry
) -> None:
    hass = household_hass
    result = await fix(hass, delete_kitchen(hass, mended))
    result = await go_on(hass, result, {"next_step_id": "area"})
    ar.async_get(hass).async_delete("hallway")

    result = await go_on(hass, result, {"area_id": "hallway"})
    assert result["step_id"] == "area"
    assert mended.subentries["room_kitchen"].data["area_id"] == "kitchen"


async def test_a_room_without_area_is_removed(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    for area_id in ("hallway", "garden"):
        ar.async_get(hass).async_delete(area_id)
    result = await fix(hass, delete_kitchen(hass, mended))
    assert result["menu_options"] == ["remove"]

    result = await go_on(hass, result, {"next_step_id": "remove"})
    assert result["step_id"] == "remove"
    result = await go_on(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "room_kitchen" not in mended.subentries


async def test_a_room_may_be_settled_otherwise(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    issue_id = delete_kitchen(hass, mended)
    menus = [await fix(hass, issue_id) for _ in range(2)]
    ar.async_get(hass).async_create("Kitchen")
    result = await fix(hass, issue_id)
    assert result["reason"] == "room_settled"

    for menu, step in zip(menus, ("area", "remove"), strict=True):
        result = await go_on(hass, menu, {"next_step_id": step})
        assert result["reason"] == "room_settled"
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None


# The engine, and issues of others.


def raise_issue(hass: HomeAssistant, issue_id: str, **placeholders: str) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=issue_id,
        translation_placeholders=placeholders,
    )


async def test_onnxruntime_is_given_up(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    hass.config_entries.async_update_entry(mended, options={**mended.options, "inference": "onnxruntime"})
    raise_issue(hass, "onnxruntime_unavailable", requirement="onnxruntime", reason="install_failed")
    result = await fix(hass, "onnxruntime_unavailable")
    assert result["step_id"] == "confirm"
    assert result["description_placeholders"] == {"requirement": "onnxruntime", "reason": "install_failed"}

    result = await go_on(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert mended.options["inference"] == "builtin"
    assert mended.options["daily_budget"] == 3
    assert ir.async_get(hass).async_get_issue(DOMAIN, "onnxruntime_unavailable") is None


async def test_a_household_removed_meanwhile_needs_no_mending(
    household_hass: HomeAssistant, mended: MockConfigEntry
) -> None:
    hass = household_hass
    raise_issue(hass, "onnxruntime_unavailable", requirement="onnxruntime", reason="install_failed")
    raise_issue(hass, "new_sensor_1", sensor="Shelf")
    raise_issue(hass, "area_removed_1", room="Kitchen")
    del hass.config_entries._entries[mended.entry_id]

    result = await fix(hass, "onnxruntime_unavailable")
    assert (await go_on(hass, result, {}))["type"] is FlowResultType.CREATE_ENTRY
    assert (await fix(hass, "new_sensor_1"))["reason"] == "sensor_gone"
    assert (await fix(hass, "area_removed_1"))["reason"] == "room_settled"


async def test_an_issue_of_no_flow_is_confirmed(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    raise_issue(household_hass, "something_else")
    result = await fix(household_hass, "something_else")

    assert result["step_id"] == "confirm"
