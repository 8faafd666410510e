"""A running household follows its entities: nothing patched, nobody restarts anything."""

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .house import registry_id


@pytest.fixture
async def running(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> MockConfigEntry:
    assert await household_hass.config_entries.async_setup(smartloop_entry.entry_id)
    await household_hass.async_block_till_done(wait_background_tasks=True)
    assert smartloop_entry.state is ConfigEntryState.LOADED
    return smartloop_entry


def places(entry: MockConfigEntry, entity_id: str) -> list[str]:
    return [each.place for each in entry.runtime_data.bindings.by_entity.get(entity_id, ())]


async def test_a_rename_is_heard_without_a_reload(household_hass: HomeAssistant, running: MockConfigEntry) -> None:
    before = running.runtime_data
    er.async_get(household_hass).async_update_entity("sensor.bathroom_humidity", new_entity_id="sensor.wet")
    await household_hass.async_block_till_done(wait_background_tasks=True)

    assert running.runtime_data is before
    assert places(running, "sensor.wet") == ["bathroom"]
    assert places(running, "sensor.bathroom_humidity") == []


async def test_disabling_and_removing_let_go(household_hass: HomeAssistant, running: MockConfigEntry) -> None:
    registry = er.async_get(household_hass)
    registry.async_update_entity("sensor.bathroom_humidity", disabled_by=er.RegistryEntryDisabler.USER)
    registry.async_remove("sensor.kitchen_humidity")
    await household_hass.async_block_till_done(wait_background_tasks=True)

    assert running.state is ConfigEntryState.LOADED
    assert places(running, "sensor.bathroom_humidity") == places(running, "sensor.kitchen_humidity") == []
    assert places(running, "sensor.bathroom_temperature") == ["bathroom"]


async def test_a_box_carried_to_another_room_is_heard_there(
    household_hass: HomeAssistant, running: MockConfigEntry
) -> None:
    box = er.async_get(household_hass).async_get("sensor.kitchen_temperature")
    assert box is not None
    assert box.device_id is not None
    dr.async_get(household_hass).async_update_device(box.device_id, area_id="bathroom")
    await household_hass.async_block_till_done(wait_background_tasks=True)

    assert running.state is ConfigEntryState.LOADED
    assert places(running, "sensor.kitchen_temperature") == ["bathroom"]
    remembered = running.subentries["room_bathroom"].data["bindings"]["temperature"]
    assert remembered[1] == registry_id(household_hass, "sensor.kitchen_temperature")


async def test_a_child_device_goes_where_its_parent_is_carried(
    household_hass: HomeAssistant, running: MockConfigEntry
) -> None:
    """A hub with probes is one box in the owner's hands: only the parent has an area."""
    devices, entities = dr.async_get(household_hass), er.async_get(household_hass)
    kitchen = entities.async_get("sensor.kitchen_temperature")
    assert kitchen is not None
    assert kitchen.device_id is not None
    parent = devices.async_get(kitchen.device_id)
    assert isinstance(parent, dr.DeviceEntry)
    child = devices.async_get_or_create_child(
        config_entry_id=str(parent.config_entry_id), parent_device_id=parent.id, identifiers={("test", "probe")}
    )
    entities.async_update_entity("sensor.kitchen_temperature", device_id=child.id)
    await household_hass.async_block_till_done(wait_background_tasks=True)
    assert places(running, "sensor.kitchen_temperature") == ["kitchen"]

    devices.async_update_device(parent.id, area_id="bathroom")
    await household_hass.async_block_till_done(wait_background_tasks=True)

    assert running.state is ConfigEntryState.LOADED
    assert places(running, "sensor.kitchen_temperature") == ["bathroom"]
    (bound,) = running.runtime_data.bindings.by_entity["sensor.kitchen_temperature"]
    assert bound.source == child.id
