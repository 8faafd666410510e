"""What the registries know of the boxes: what feeds them, what they are called, and how it follows changes."""

from datetime import timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.smartloop.adapters.batteries import TYPES, batteries_of
from custom_components.smartloop.adapters.bindings import BindingIndex
from custom_components.smartloop.adapters.device_facts import SETTLE_S, async_track_device_facts, device_facts
from custom_components.smartloop.adapters.radio import tells_when_heard
from custom_components.smartloop.engine import HOUSE, DeviceFacts, Measurand
from custom_components.smartloop.naming import device_name

from .house import Sensor, add_device, add_entity, add_platform, registry_id, temperature

BATTERY = Sensor(kind="battery", value="80", unit="%", category=EntityCategory.DIAGNOSTIC)
VOLTAGE = Sensor(kind="voltage", value="2900", unit="mV", category=EntityCategory.DIAGNOSTIC)


def device_of(hass: HomeAssistant, entity_id: str) -> str:
    entry = er.async_get(hass).async_get(entity_id)
    assert entry is not None
    assert entry.device_id is not None
    return entry.device_id


def facts_of(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, DeviceFacts]:
    return device_facts(hass, entry, BindingIndex(hass, entry).all)


def bathroom(hass: HomeAssistant, entry: MockConfigEntry) -> DeviceFacts:
    return facts_of(hass, entry)[device_of(hass, "sensor.bathroom_humidity")]


def give(hass: HomeAssistant, *sensors: Sensor, **model: Any) -> None:
    """Give the bathroom's box more entities, and a model."""
    device_id = device_of(hass, "sensor.bathroom_humidity")
    for sensor in sensors:
        add_entity(hass, "zha", sensor, f"bathroom_{sensor.kind}", device_id=device_id)
    if model:
        dr.async_get(hass).async_update_device(device_id, **model)


def test_every_bound_box_is_there_once(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    facts = facts_of(household_hass, smartloop_entry)

    names = sorted(device_name(household_hass, source) for source in facts)
    assert names == ["Bathroom", "Bedroom", "Garden", "Kitchen"]
    box = bathroom(household_hass, smartloop_entry)
    assert box.place == "bathroom"
    assert box.measurands == {Measurand.TEMPERATURE, Measurand.RELATIVE_HUMIDITY}


def test_without_a_battery_it_runs_on_mains(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    assert bathroom(household_hass, smartloop_entry).mains is True

    give(household_hass, BATTERY, VOLTAGE)
    box = bathroom(household_hass, smartloop_entry)
    assert (box.mains, box.voltage_mv, box.battery_type) == (False, True, None)


def test_a_meters_voltage_is_no_batterys(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    give(household_hass, Sensor(kind="voltage", value="230", unit="V"))

    assert bathroom(household_hass, smartloop_entry).voltage_mv is False


@pytest.mark.parametrize(
    ("model", "battery_type", "count"),
    [
        ({"model": "lumi.weather"}, "CR2032", 1),
        ({"model": "Temperature and humidity sensor", "model_id": "WSDCGQ11LM"}, "CR2032", 1),
        ({"model": "Aqara water leak sensor (SJCGQ11LM)"}, "CR2032", 1),
        ({"model": "VALLHORN", "model_id": "E2134"}, "AAA", 3),
    ],
)
def test_known_models_say_which_battery(
    household_hass: HomeAssistant,
    smartloop_entry: MockConfigEntry,
    model: dict[str, str],
    battery_type: str,
    count: int,
) -> None:
    give(household_hass, **model)
    box = bathroom(household_hass, smartloop_entry)

    assert (box.battery_type, box.battery_count, box.mains) == (battery_type, count, False)
    assert box.model in model.values()


def test_the_owners_word_counts_more(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    give(household_hass, BATTERY, model="lumi.weather")
    said = {device_of(household_hass, "sensor.bathroom_humidity"): {"type": "AAA", "count": 2}}
    household_hass.config_entries.async_update_entry(
        smartloop_entry, options={**smartloop_entry.options, "batteries": said}
    )
    box = bathroom(household_hass, smartloop_entry)

    assert (box.battery_type, box.battery_count) == ("AAA", 2)


def test_unknown_models_are_not_guessed_at() -> None:
    assert batteries_of(None, "", "Some sensor", "TS0201") is None
    assert all(kind == kind.strip() for kind in TYPES)


def test_a_box_in_two_rooms_is_the_houses(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass = household_hass
    kitchen = smartloop_entry.subentries["room_kitchen"]
    bindings = {
        **kitchen.data["bindings"],
        "relative_humidity": [
            *kitchen.data["bindings"]["relative_humidity"],
            registry_id(hass, "sensor.bathroom_humidity"),
        ],
    }
    hass.config_entries.async_update_subentry(smartloop_entry, kitchen, data={**kitchen.data, "bindings": bindings})

    assert bathroom(hass, smartloop_entry).place == HOUSE


def test_what_brings_the_reports(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass = household_hass
    zha = hass.config_entries.async_entries("zha")[0]
    box = bathroom(hass, smartloop_entry)
    assert box.via == zha.entry_id
    assert device_name(hass, zha.entry_id) == "zha"

    stick = add_device(hass, "zha", "Stick", None)
    add_device(hass, "zha", "Bathroom", "bathroom", via_device_id=stick.id)
    assert bathroom(hass, smartloop_entry).via == stick.id


def test_names(household_hass: HomeAssistant) -> None:
    hass = household_hass
    device_id = device_of(hass, "sensor.bathroom_humidity")
    assert device_name(hass, device_id) == "Bathroom"
    dr.async_get(hass).async_update_device(device_id, name_by_user="Above the bath")
    assert device_name(hass, device_id) == "Above the bath"
    lone = add_entity(hass, "mqtt", temperature(20.0), "lone")
    assert device_name(hass, lone.id) == "lone"
    hass.states.async_remove(lone.entity_id)
    assert device_name(hass, lone.id) == "sensor.lone"
    assert device_name(hass, "nothing") == "nothing"


async def test_changes_of_our_boxes_are_told_once_they_settled(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    hass = household_hass
    ours = device_of(hass, "sensor.bathroom_humidity")
    told: list[int] = []
    stop = async_track_device_facts(hass, lambda source: source == ours, lambda: told.append(1))

    async def settle() -> int:
        await hass.async_block_till_done()
        freezer.tick(timedelta(seconds=SETTLE_S + 1))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        count, told[:] = len(told), []
        return count

    give(hass, BATTERY, VOLTAGE, model="lumi.weather")
    assert await settle() == 1
    er.async_get(hass).async_update_entity("sensor.bathroom_battery", name="Renamed")
    dr.async_get(hass).async_update_device(device_of(hass, "sensor.kitchen_humidity"), name_by_user="Other")
    assert await settle() == 0
    er.async_get(hass).async_remove("sensor.bathroom_battery")
    assert await settle() == 1
    stop()
    dr.async_get(hass).async_update_device(ours, name_by_user="Later")
    assert await settle() == 0


@pytest.mark.parametrize(
    ("platform", "connections", "heartbeat"),
    [
        ("zha", set(), True),
        ("mqtt", set(), False),
        ("deconz", set(), False),
        ("shelly", {(dr.CONNECTION_BLUETOOTH, "AA:BB:CC:DD:EE:FF")}, True),
    ],
)
def test_who_is_heard_though_nothing_happens(
    hass: HomeAssistant, platform: str, connections: set[tuple[str, str]], *, heartbeat: bool
) -> None:
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=add_platform(hass, platform).entry_id,
        identifiers={(platform, "zigbee2mqtt_0x00124b0000000001" if platform == "mqtt" else "leak")},
        connections=connections,
    )
    assert tells_when_heard(hass, device) is heartbeat


def test_zigbee2mqtt_tells_once_its_owner_asked_for_it(hass: HomeAssistant) -> None:
    ieee = "0x00124b0000000001"
    config = add_platform(hass, "mqtt")
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=config.entry_id, identifiers={("mqtt", f"zigbee2mqtt_{ieee}")}, name="Leak"
    )
    seen = er.async_get(hass).async_get_or_create(
        "sensor",
        "mqtt",
        f"{ieee}_last_seen_zigbee2mqtt",
        device_id=device.id,
        config_entry=config,
        original_device_class="timestamp",
        disabled_by=er.RegistryEntryDisabler.INTEGRATION,
    )
    assert not tells_when_heard(hass, device)
    er.async_get(hass).async_update_entity(seen.entity_id, disabled_by=None)
    assert tells_when_heard(hass, device)


def test_a_link_quality_that_is_heard_is_a_heartbeat(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, box = household_hass, device_of(household_hass, "sensor.kitchen_humidity")
    before = facts_of(hass, smartloop_entry)[box].heartbeat
    link = Sensor(kind="linkquality", value="120", unit="lqi", category=EntityCategory.DIAGNOSTIC)
    add_entity(hass, "mqtt", link, "kitchen_linkquality", device_id=box)
    assert (before, facts_of(hass, smartloop_entry)[box].heartbeat) == (False, True)
