"""The maintenance list: what the sensors need, ticked off by people or by itself."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from custom_components.smartloop.engine import Measurand

from .boxes import HOUR, MAINTENANCE, Boxes, add_leak_sensor, give_battery
from .living import Living


@pytest.fixture
def boxes(living: Living) -> Boxes:
    return Boxes(living)


def summaries(items: list[dict[str, Any]]) -> list[str]:
    return [item["summary"] for item in items]


async def two_draining(living: Living, boxes: Boxes) -> tuple[str, str]:
    """Let two boxes of one type of battery run empty, one sooner."""
    hall = give_battery(living.hass, "sensor.bathroom_humidity", model="H5075")
    bed = give_battery(living.hass, "sensor.bedroom_humidity", model="H5075")
    await living.set_up()
    await boxes.drain({hall: (60.0, 14.0), bed: (60.0, 32.0)}, 40)
    return hall, bed


async def test_it_is_empty_when_nothing_is_to_do(living: Living, boxes: Boxes) -> None:
    await living.set_up()

    assert living.shown(MAINTENANCE) == "0"
    assert await boxes.items() == []


async def test_batteries_are_one_errand_by_type(living: Living, boxes: Boxes) -> None:
    bath, bed = await two_draining(living, boxes)

    battery = boxes.view(bath).battery
    assert battery is not None
    assert battery.days_left is not None
    assert battery.lo is not None
    items = await boxes.items("needs_action")
    assert [item["uid"] for item in items] == ["battery:AAA"]
    item = items[0]
    assert item["summary"].startswith("4 × AAA: Bathroom (about ")
    assert "Bedroom" in item["summary"]
    assert f"about {battery.days_left:.0f} days left, {battery.lo:.0f}–" in item["summary"]
    assert item["due"] == dt_util.as_local(living.now + timedelta(days=battery.lo)).date().isoformat()
    assert item["description"].startswith("Bathroom: 14 %. By its trend it runs out between ")
    assert living.shown(MAINTENANCE) == "1"
    assert boxes.view(bed).battery is not None


async def test_done_begins_the_forecast_anew_and_can_be_taken_back(living: Living, boxes: Boxes) -> None:
    bath, bed = await two_draining(living, boxes)
    await boxes.tick("battery:AAA")

    assert living.shown(MAINTENANCE) == "0"
    done = await boxes.items("completed")
    assert [item["uid"] for item in done] == ["battery:AAA"]
    assert done[0]["summary"] == "Replaced 4 × AAA: Bathroom; Bedroom"
    assert done[0]["description"].startswith("You said so.")
    assert set(await living.coordinator.diary.async_battery_changes()) == {bath, bed}
    battery = boxes.view(bath).battery
    assert battery is not None
    assert battery.fresh_since is not None

    await boxes.tick("battery:AAA", "needs_action")
    assert await living.coordinator.diary.async_battery_changes() == {}
    await boxes.settle()
    restored = boxes.view(bath).battery
    assert restored is not None
    assert restored.fresh_since is None


async def test_done_lives_through_a_restart(living: Living, boxes: Boxes) -> None:
    bath, _ = await two_draining(living, boxes)
    await boxes.tick("battery:AAA")
    await living.unload()
    await living.set_up()

    assert [item["uid"] for item in await boxes.items("completed")] == ["battery:AAA"]
    assert living.shown(MAINTENANCE) == "0"
    battery = boxes.view(bath).battery
    assert battery is not None
    assert battery.fresh_since is not None


async def test_what_the_engine_could_not_save_is_known_from_the_diary(living: Living, boxes: Boxes) -> None:
    bath, _ = await two_draining(living, boxes)
    await living.unload()
    stored = living.stored()
    await living.set_up()
    await boxes.tick("battery:AAA")
    await living.unload()
    living.rewrite(stored)
    await living.set_up()

    battery = boxes.view(bath).battery
    assert battery is not None
    assert battery.fresh_since is not None


async def test_a_new_battery_is_noticed_by_itself(living: Living, boxes: Boxes) -> None:
    bath, bed = await two_draining(living, boxes)

    def say(_now: datetime) -> None:
        for source in (bath, bed):
            boxes.say(source, Measurand.BATTERY, 100.0)

    await boxes.live(HOUR, say)
    assert living.shown(MAINTENANCE) == "0"
    done = await boxes.items("completed")
    assert summaries(done) == ["Replaced 4 × AAA: Bathroom; Bedroom"]
    assert done[0]["description"].startswith("Nobody had to say so")

    with pytest.raises(ServiceValidationError) as refused:
        await boxes.tick("battery:AAA", "needs_action")
    assert refused.value.translation_key == "battery_is_new"

    # After a day it is no news any more.
    await boxes.live(timedelta(days=1, hours=1), say, HOUR)
    assert await boxes.items() == []


async def silence(living: Living, boxes: Boxes) -> str:
    """Let the bathroom's box speak every 15 min for two days, then fall silent while others go on."""
    bath = give_battery(living.hass, "sensor.bathroom_humidity", model="H5075")
    await living.set_up()
    others = [source for source in boxes.care.facts if source != bath]

    def speak(now: datetime) -> None:
        hum(now)
        boxes.say(bath, Measurand.RELATIVE_HUMIDITY, 60.0 + now.minute / 10.0)

    def hum(now: datetime) -> None:
        for source in others:
            boxes.say(source, Measurand.RELATIVE_HUMIDITY, 50.0 + now.minute / 10.0)

    await boxes.live(timedelta(days=2), speak)
    assert boxes.view(bath).silent is False
    await boxes.live(timedelta(hours=6), hum)
    return bath


async def test_a_silent_sensor_is_on_the_list_until_it_speaks(living: Living, boxes: Boxes) -> None:
    bath = await silence(living, boxes)

    assert boxes.view(bath).silent is True
    items = await boxes.items("needs_action")
    assert summaries(items) == ["Bathroom is silent: find out why"]
    lines = items[0]["description"].splitlines()
    assert lines[0].startswith("Last heard 2026-11-24")
    assert "every 15 minutes" in lines[0]
    assert [line[:10] for line in lines[1:]] == ["1. Battery", "2. Radio: ", "3. Press i", "4. If it s"]

    boxes.say(bath, Measurand.RELATIVE_HUMIDITY, 61.0)
    boxes.care.look(living.now)
    await living.settle()
    assert await boxes.items() == []


async def test_done_to_a_silent_one_is_an_answer_and_can_be_undone(living: Living, boxes: Boxes) -> None:
    bath = await silence(living, boxes)
    uid = f"silent:{bath}"
    await boxes.tick(uid)

    assert living.shown(MAINTENANCE) == "0"
    assert summaries(await boxes.items("completed")) == ["Seen to Bathroom"]
    answers = await living.coordinator.ledger.async_feedback()
    assert [(each.key, each.source, each.verdict) for each in answers] == [("device.silent", bath, "helpful")]

    # It is remembered.
    await living.unload()
    await living.set_up()
    assert summaries(await boxes.items("completed")) == ["Seen to Bathroom"]

    await boxes.tick(uid, "needs_action")
    assert await boxes.items("completed") == []
    assert living.coordinator.engine.lessons() == ()


async def test_a_leak_sensor_never_tested_is_on_the_list(living: Living, boxes: Boxes) -> None:
    sink = add_leak_sensor(living, "Sink")
    await living.set_up()

    items = await boxes.items("needs_action")
    assert summaries(items) == ["Wet-cloth test: Sink"]
    uid = items[0]["uid"]
    # A tick alone proves nothing.
    with pytest.raises(ServiceValidationError) as refused:
        await boxes.tick(uid)
    assert refused.value.translation_key == "leak_not_heard"

    boxes.say(sink, Measurand.WET, 1.0)
    boxes.say(sink, Measurand.WET, 0.0)
    await boxes.tick(uid)
    assert summaries(await boxes.items("completed")) == ["Sink was tested with water"]
    assert living.shown(MAINTENANCE) == "0"
    assert set(await living.coordinator.diary.async_leak_tests()) == {sink}
    with pytest.raises(ServiceValidationError) as heard:
        await boxes.tick(uid, "needs_action")
    assert heard.value.translation_key == "test_was_heard"


async def test_its_words_are_not_the_owners_to_change(living: Living, boxes: Boxes) -> None:
    add_leak_sensor(living, "Sink")
    await living.set_up()
    item = (await boxes.items())[0]

    with pytest.raises(ServiceValidationError) as refused:
        await boxes.tick(item["uid"], "needs_action", rename="Something else")
    assert refused.value.translation_key == "item_generated"
    with pytest.raises(ServiceValidationError):
        await living.hass.services.async_call(
            "todo", "add_item", {"item": "Milk"}, target={"entity_id": MAINTENANCE}, blocking=True
        )


async def test_it_speaks_the_language_of_the_house(living: Living, boxes: Boxes) -> None:
    living.hass.config.language = "de"
    add_leak_sensor(living, "Sink")
    await living.set_up()

    assert summaries(await boxes.items()) == ["Test mit nassem Tuch: Sink"]


async def test_switched_off_it_keeps_to_leak_tests(living: Living, boxes: Boxes) -> None:
    options = {**living.entry.options, "journeys": {"mold": "inform", "device": "off"}}
    living.hass.config_entries.async_update_entry(living.entry, options=options)
    bath = await silence(living, boxes)

    assert boxes.view(bath).silent is True
    assert await boxes.items() == []


async def test_unloaded_it_is_unavailable_and_gone_with_the_household(
    living: Living, entity_registry: er.EntityRegistry
) -> None:
    await living.set_up()
    await living.unload()
    assert living.shown(MAINTENANCE) == "unavailable"

    await living.hass.config_entries.async_remove(living.entry.entry_id)
    await living.settle()
    assert entity_registry.async_get(MAINTENANCE) is None
