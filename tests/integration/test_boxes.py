"""Entities on other integrations' devices, the household's count of them, and what is said of them."""

from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.smartloop.adapters.device_facts import SETTLE_S
from custom_components.smartloop.const import DOMAIN, EVENT_DECISION
from custom_components.smartloop.engine import Measurand

from .boxes import BATTERY, Boxes, add_leak_sensor, give_battery
from .house import ANA_USER, add_device, add_entity, humidity, temperature
from .living import Living
from .phones import load_phone
from .test_todo import silence, two_draining


@pytest.fixture
def boxes(living: Living) -> Boxes:
    return Boxes(living)


def ours(hass: HomeAssistant, device_id: str) -> dict[str, er.RegistryEntry]:
    """Return our entities on a device, by what they are."""
    entries = er.async_entries_for_device(er.async_get(hass), device_id, include_disabled_entities=True)
    return {str(each.translation_key): each for each in entries if each.platform == DOMAIN}


async def act(living: Living, name: str, **data: Any) -> dict[str, Any]:
    answer = await living.hass.services.async_call(DOMAIN, name, data, blocking=True, return_response=True)
    assert answer is not None
    return dict(answer)


# Where they hang.


async def test_they_hang_on_the_sensors_own_device(
    living: Living, boxes: Boxes, device_registry: dr.DeviceRegistry
) -> None:
    sink = add_leak_sensor(living, "Sink")
    await living.set_up()

    found = ours(living.hass, sink)
    assert set(found) == {"silent", "battery_days_left"}
    assert all(each.config_entry_id == living.entry.entry_id for each in found.values())
    device = device_registry.async_get(sink)
    assert device is not None
    # It stays its own integration's.
    assert device.config_entry_id == living.hass.config_entries.async_entries("zha")[0].entry_id
    assert device.identifiers == {("zha", "Sink")}
    assert living.shown(found["silent"].entity_id) == STATE_UNKNOWN


async def test_what_would_be_noise_is_off_from_the_start(living: Living) -> None:
    bath = give_battery(living.hass, "sensor.bathroom_humidity", model="H5075")
    await living.set_up()
    kitchen = give_battery(living.hass, "sensor.kitchen_humidity")

    assert [each.disabled for each in ours(living.hass, bath).values()] == [False, False]
    mains = ours(living.hass, kitchen)
    assert set(mains) == {"silent"}
    assert mains["silent"].disabled


async def test_a_box_that_turns_out_to_have_a_battery_gets_its_days(living: Living, boxes: Boxes) -> None:
    await living.set_up()
    kitchen = give_battery(living.hass, "sensor.kitchen_humidity")
    add_entity(living.hass, "esphome", BATTERY, "kitchen_battery", device_id=kitchen)
    await living.hass.async_block_till_done()
    await living.pass_silently(timedelta(seconds=SETTLE_S + 1))

    assert set(ours(living.hass, kitchen)) == {"silent", "battery_days_left"}


async def test_they_come_and_go_with_what_is_bound(living: Living, boxes: Boxes) -> None:
    await living.set_up()
    sink = add_leak_sensor(living, "Sink")
    await living.settle()
    found = ours(living.hass, sink)
    assert set(found) == {"silent", "battery_days_left"}

    # What the owner made of them lives through a restart.
    er.async_get(living.hass).async_update_entity(found["silent"].entity_id, name="Dead")
    await living.unload()
    await living.set_up()
    assert ours(living.hass, sink)["silent"].name == "Dead"

    kitchen = living.entry.subentries["room_kitchen"]
    bindings = {name: ids for name, ids in kitchen.data["bindings"].items() if name != "wet"}
    living.hass.config_entries.async_update_subentry(living.entry, kitchen, data={**kitchen.data, "bindings": bindings})
    await living.settle()
    assert ours(living.hass, sink) == {}


async def test_a_removed_device_takes_them_along(living: Living, boxes: Boxes) -> None:
    sink = add_leak_sensor(living, "Sink")
    await living.set_up()
    entity_ids = [each.entity_id for each in ours(living.hass, sink).values()]
    dr.async_get(living.hass).async_remove_device(sink)
    await living.hass.async_block_till_done()
    await living.pass_silently(timedelta(seconds=SETTLE_S + 1))

    assert sink not in boxes.care.facts
    assert [each for each in entity_ids if er.async_get(living.hass).async_get(each)] == []
    assert boxes.care.leak_points == ()


# What they show.


async def test_silence_is_shown_and_told(living: Living, boxes: Boxes) -> None:
    phone = load_phone(living.hass, ANA_USER, "Ana phone")
    told = async_capture_events(living.hass, EVENT_DECISION)
    bath = await silence(living, boxes)

    entity_id = ours(living.hass, bath)["silent"].entity_id
    assert living.shown(entity_id) == "on"
    state = living.hass.states.get(entity_id)
    assert state is not None
    assert state.attributes["usual_interval"] == pytest.approx(15.0, abs=3.0)
    assert state.attributes["missed"] >= 3
    assert living.shown("sensor.home_devices_needing_care") == "1"

    raised = [event.data for event in told if event.data["key"] == "device.silent"]
    assert [(each["state"], each["device_id"], each["device_name"]) for each in raised] == [
        ("raised", bath, "Bathroom")
    ]
    assert "Bathroom has been silent for" in raised[0]["text"]

    why = await act(living, "explain", device_id=bath)
    assert (why["key"], why["device_name"]) == ("device.silent", "Bathroom")
    assert phone is not None


async def test_days_left_with_their_band(living: Living, boxes: Boxes) -> None:
    bath, _ = await two_draining(living, boxes)

    entity_id = ours(living.hass, bath)["battery_days_left"].entity_id
    state = living.hass.states.get(entity_id)
    assert state is not None
    assert state.attributes["lo"] <= float(state.state) <= state.attributes["hi"]
    assert state.attributes["battery_type"] == "AAA"
    assert state.attributes["reason"] is None


async def test_without_a_trend_the_days_are_unknown_and_why_is_said(living: Living, boxes: Boxes) -> None:
    bath = give_battery(living.hass, "sensor.bathroom_humidity", model="lumi.weather")
    await living.set_up()
    await boxes.drain({bath: (100.0, 100.0)}, 20)

    state = living.hass.states.get(ours(living.hass, bath)["battery_days_left"].entity_id)
    assert state is not None
    assert (state.state, state.attributes["reason"]) == (STATE_UNKNOWN, "plateau")


async def test_a_tap_on_done_is_a_new_battery(living: Living, boxes: Boxes) -> None:
    phone = load_phone(living.hass, ANA_USER, "Ana phone")
    bath, _ = await two_draining(living, boxes)
    await act(living, "give_feedback", device_id=bath, key="device_battery", verdict="helpful")
    await living.settle()

    assert bath in await living.coordinator.diary.async_battery_changes()
    lessons = await act(living, "lessons")
    assert any("Bathroom" in each["sentence"] for each in lessons["lessons"])
    with pytest.raises(ServiceValidationError) as nothing:
        await act(living, "give_feedback", device_id=bath, key="device_battery", verdict="helpful")
    assert nothing.value.translation_key == "nothing_to_answer"
    assert phone is not None


# The leak points.


async def test_leak_points_are_counted_and_explained(living: Living, boxes: Boxes) -> None:
    await living.set_up()
    assert living.shown("sensor.home_leak_points_proven") == STATE_UNKNOWN

    sink = add_leak_sensor(living, "Sink")
    bath = add_leak_sensor(living, "Bath", "bathroom")
    await living.settle()
    for source in (sink, bath):
        boxes.say(source, Measurand.WET, 0.0)
    await boxes.care.async_record_leak_test(sink, living.now)
    boxes.care.look(living.now)
    await living.settle()

    state = living.hass.states.get("sensor.home_leak_points_proven")
    assert state is not None
    assert (state.state, state.attributes["total"], state.attributes["percent"]) == ("1", 2, 50)
    assert (state.attributes["weakest"], state.attributes["weakest_link"]) == ("Bath", "never_tested")
    answer = await act(living, "leak_assurance")
    assert (answer["proven"], answer["total"], answer["percent"]) == (1, 2, 50)
    first = answer["points"][0]
    assert (first["device_id"], first["proven"], first["weakest_link"]) == (bath, False, "never_tested")
    assert first["sentence"] == "It has never been tested: hold a wet cloth to its contacts."
    assert first["room"] == "bathroom"


async def test_what_is_no_box_is_refused(living: Living) -> None:
    await living.set_up()
    with pytest.raises(ServiceValidationError) as refused:
        await act(living, "explain", device_id="nothing")

    assert refused.value.translation_key == "unknown_box"
    bath = give_battery(living.hass, "sensor.bathroom_humidity")
    assert (await act(living, "explain", device_id=bath))["sentence"]


async def test_the_owners_word_on_batteries_is_asked_for(living: Living, boxes: Boxes) -> None:
    bath = give_battery(living.hass, "sensor.bathroom_humidity", model="H5075")
    await living.set_up()
    options = living.hass.config_entries.options
    flow = await options.async_init(living.entry.entry_id)
    await options.async_configure(flow["flow_id"], {"next_step_id": "batteries"})
    form = await options.async_configure(flow["flow_id"], {"box": bath})
    assert form["step_id"] == "battery"
    empty = await options.async_configure(flow["flow_id"], {"battery_type": " ", "battery_count": 1})
    assert empty["errors"] == {"battery_type": "battery_type_empty"}
    await options.async_configure(flow["flow_id"], {"battery_type": "CR2477", "battery_count": 1})
    await living.settle()

    assert boxes.care.facts[bath].battery_type == "CR2477"


# Cost.


async def test_a_hundred_boxes_cost_little(living: Living, boxes: Boxes) -> None:
    kitchen = living.entry.subentries["room_kitchen"]
    bindings: dict[str, list[str]] = {name: list(ids) for name, ids in kitchen.data["bindings"].items()}
    for number in range(100):
        name = f"Box {number}"
        add_device(living.hass, "zha", name, "kitchen", temperature(20.0), humidity(50.0), BATTERY, model="H5075")
        entry = er.async_get(living.hass).async_get(f"sensor.box_{number}_humidity")
        assert entry is not None
        bindings["relative_humidity"].append(entry.id)
    living.hass.config_entries.async_update_subentry(living.entry, kitchen, data={**kitchen.data, "bindings": bindings})
    await living.set_up()
    assert len(boxes.care.facts) == 104

    spans = []
    for _ in range(20):
        living.clock.tick(60)
        for source in boxes.care.facts:
            boxes.say(source, Measurand.BATTERY, 80.0)
        began = perf_counter()
        boxes.care.look(living.now)
        spans.append(perf_counter() - began)
        await living.hass.async_block_till_done()
    # s; a slice of the loop may last 10 ms, and this machine is not alone.
    assert sorted(spans)[10] < 0.01
