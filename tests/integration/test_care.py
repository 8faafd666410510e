"""Looking after the boxes: who is called back, and how long the loop is kept."""

import asyncio
import logging
from datetime import timedelta

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE

from custom_components.smartloop.care import box_place
from custom_components.smartloop.coordinator import Coordinator
from custom_components.smartloop.engine import Measurand

from .boxes import Boxes, add_leak_sensor
from .living import Living
from .states import state_of
from .test_todo import silence


@pytest.fixture
def boxes(living: Living) -> Boxes:
    return Boxes(living)


async def test_nobody_is_called_back_while_nothing_changes(living: Living, boxes: Boxes) -> None:
    bath = await silence(living, boxes)
    now = living.now + timedelta(minutes=5)
    for _ in range(10):
        # What is worked out one box a look.
        boxes.care.look(now)
    called: list[str] = []
    living.coordinator.async_add_listener(None, lambda: called.append("house"))
    living.coordinator.async_add_listener(box_place(bath), lambda: called.append("bath"))
    missed = boxes.view(bath).missed
    for second in range(1, 10):
        boxes.care.look(now + timedelta(seconds=5 * second))
    assert called == []
    assert boxes.view(bath).missed != missed
    boxes.say(bath, Measurand.RELATIVE_HUMIDITY, 61.0, now + timedelta(minutes=1))
    boxes.care.look(now + timedelta(minutes=1))
    assert called == ["bath", "house"]


async def test_a_look_by_the_clock_lets_others_run(
    living: Living, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in range(3):
        add_leak_sensor(living, f"Sink {count}")
    await living.set_up()
    monkeypatch.setattr("custom_components.smartloop.pace.SLICE_S", -1.0)
    ran = 0

    async def other() -> None:
        nonlocal ran
        while True:
            ran += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    await boxes.care.async_look(living.now + timedelta(minutes=1))
    task.cancel()
    assert ran >= 2


async def test_a_part_that_cannot_start_takes_nobody_along(
    living: Living, boxes: Boxes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_self: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("custom_components.smartloop.adapters.radio.RadioWatch.start", broken)
    await living.set_up()
    assert living.entry.state is ConfigEntryState.LOADED
    assert living.bathroom.temperature == 21.5
    assert "Care cannot be started" in caplog.text
    caplog.clear()
    # Nor does one that cannot be stopped keep what was learned from being saved.
    living.coordinator._stops.append(lambda: broken(None))
    await living.unload()
    assert living.file.exists()


async def test_the_status_says_that_sensors_need_care(living: Living, boxes: Boxes) -> None:
    await silence(living, boxes)
    assert "sensors_need_care" in living.coordinator.status.reasons
    assert "sensors_need_care" in state_of(living.hass, "sensor.home_status").attributes["reasons"]


async def test_home_assistant_ending_during_set_up_is_no_error(
    living: Living, boxes: Boxes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A reload begun by a new device may still be under way when everything stops: its ledger is closed under it."""
    load = Coordinator.async_load

    async def ended(coordinator: Coordinator) -> None:
        await load(coordinator)
        coordinator.hass.bus.async_fire(EVENT_HOMEASSISTANT_CLOSE)
        await coordinator.hass.async_block_till_done()

    monkeypatch.setattr(Coordinator, "async_load", ended)
    caplog.clear()
    await living.set_up()
    assert not boxes.care.loaded
    assert [each.message for each in caplog.records if each.levelno >= logging.ERROR] == []
