"""One household, whole: readings in, views and entities out, and nothing lost on the way."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.smartloop import coordinator as coordinator_module
from custom_components.smartloop import pace
from custom_components.smartloop.const import EVENT_DECISION
from custom_components.smartloop.coordinator import Coordinator
from custom_components.smartloop.database import Database
from custom_components.smartloop.engine import (
    Decision,
    DecisionKey,
    DecisionState,
    Engine,
    ForecastJob,
    ForecastResult,
    Measurand,
    Verdict,
)
from custom_components.smartloop.ledger import Ledger
from custom_components.smartloop.outputs.events import async_fire_decision
from custom_components.smartloop.status import HouseState

from .living import Living
from .said import decision

HUMIDITY = "sensor.bathroom_humidity"
STANDS = DecisionKey.MOLD_VENTILATE


def standing(living: Living, room: str = "bathroom") -> set[DecisionKey]:
    return {each.key for each in living.coordinator.view(room).active}


# From readings to entities.


async def test_readings_become_views_and_entities(living: Living) -> None:
    await living.set_up()

    assert living.bathroom.temperature == 21.5
    assert living.bathroom.relative_humidity == pytest.approx(64.0)
    assert living.bathroom.outdoor_temperature == pytest.approx(5.0, abs=1.0)
    assert living.coordinator.view("kitchen").temperature == pytest.approx(21.0)
    assert living.coordinator.view("bedroom").window_open is False
    before = float(living.shown("sensor.bathroom_surface_humidity"))

    await living.wait(2, bathroom_temperature=21.5, bathroom_humidity=40.0)

    assert living.bathroom.relative_humidity == pytest.approx(40.0)
    assert float(living.shown("sensor.bathroom_surface_humidity")) < before - 5
    assert living.coordinator.view("kitchen").relative_humidity == pytest.approx(48.0)


async def test_a_damp_room_is_told_of_and_kept(living: Living) -> None:
    events = async_capture_events(living.hass, EVENT_DECISION)
    heard: list[Decision] = []
    await living.set_up()
    living.coordinator.async_add_decision_listener(heard.append)

    def fired() -> list[dict[str, Any]]:
        return [dict(event.data) for event in events if event.data["room"] == "bathroom"]

    await living.wait(30)

    (stands,) = living.bathroom.active
    assert stands.key is STANDS
    assert living.coordinator.status.state is HouseState.ADVICE
    assert living.shown("sensor.home_status") == "advice"
    assert living.shown("sensor.bathroom_best_act") == "ventilate"
    (event,) = fired()
    assert event["decision_id"] == stands.id
    assert event["room_name"] == "Bathroom"
    assert event["state"] == "raised"
    assert "surface humidity 100" in event["text"]
    assert [each.state for each in heard if each.room == "bathroom"] == [DecisionState.RAISED]
    recorded = await living.coordinator.ledger.async_decision(stands.id)
    assert recorded is not None
    assert recorded.text == event["text"]

    await living.wait(150, bathroom_temperature=21.0, bathroom_humidity=35.0)
    assert living.bathroom.active == ()
    assert [each["state"] for each in fired()] == ["raised", "cleared"]
    assert [each.state for each in heard if each.room == "bathroom"] == [DecisionState.RAISED, DecisionState.CLEARED]
    recorded = await living.coordinator.ledger.async_decision(stands.id)
    assert recorded is not None
    assert recorded.over_at is not None


async def test_what_is_kept_to_oneself_is_not_on_the_bus(living: Living) -> None:
    fired = async_capture_events(living.hass, EVENT_DECISION)
    await living.set_up()

    said = decision(state=DecisionState.SHADOW)
    living.coordinator._decide(said)
    await living.settle()

    assert not fired
    assert await living.coordinator.ledger.async_decision(said.id) is not None


async def test_of_a_person_the_bus_is_told_nothing(hass: HomeAssistant) -> None:
    fired = async_capture_events(hass, EVENT_DECISION)

    async_fire_decision(hass, decision(person="person-of-ana"), "Bathroom", "Air it.")
    await hass.async_block_till_done()

    assert dict(fired[0].data) == {
        "decision_id": fired[0].data["decision_id"],
        "key": "mold.ventilate",
        "severity": "advice",
        "state": "raised",
        "room": "bathroom",
        "room_name": "Bathroom",
        "device_id": None,
        "device_name": None,
        "text": "Air it.",
    }
    assert "ana" not in str(fired[0].data)


async def test_a_sensor_that_repeats_itself_is_alive(living: Living) -> None:
    await living.set_up()
    await living.wait(180)
    assert living.bathroom.relative_humidity == pytest.approx(78.0)
    assert living.bathroom.data_age_s is not None
    assert living.bathroom.data_age_s <= 60.0
    # Nobody spoke in the kitchen for three hours.
    assert living.coordinator.view("kitchen").relative_humidity is None
    assert living.shown("sensor.kitchen_surface_humidity") == "unavailable"
    assert living.shown("binary_sensor.kitchen_stale_data") == "on"


async def test_a_refused_value_degrades_the_household_until_a_good_one(living: Living) -> None:
    await living.set_up()
    await living.report(kitchen_humidity="nan")
    await living.pass_silently(timedelta(minutes=1))

    assert "values_refused" in living.coordinator.status.reasons
    assert living.coordinator.refusals.keys() == {"sensor.kitchen_humidity"}

    await living.report(kitchen_humidity=50.0)
    assert not living.coordinator.refusals
    assert "values_refused" not in living.coordinator.status.reasons


# Forecasts and weather.


async def test_a_forecast_is_run_in_the_executor_and_appears(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    run = ForecastJob.run

    def watched(self: ForecastJob) -> ForecastResult:
        threads.append(threading.get_ident())
        return run(self)

    monkeypatch.setattr(ForecastJob, "run", watched)
    await living.set_up()
    assert living.shown("sensor.bathroom_forecast_humidity") == "unknown"
    living.relive(15)

    await living.wait(62)

    assert len(threads) <= 3
    assert threads
    assert threading.get_ident() not in threads
    assert {each.hours for each in living.bathroom.forecast} == {6, 12, 24, 48}
    forecast = living.bathroom.forecast[2]
    assert forecast.temperature.value == pytest.approx(20.0, abs=2.0)
    assert float(living.shown("sensor.bathroom_forecast_humidity")) == pytest.approx(78.0, abs=10.0)


async def test_set_up_and_looks_do_not_wait_for_weather(living: Living) -> None:
    asked = 0

    async def hang(_call: ServiceCall) -> ServiceResponse:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()
        return None

    living.hass.services.async_register("weather", "get_forecasts", hang, supports_response=SupportsResponse.ONLY)
    assert await living.hass.config_entries.async_setup(living.entry.entry_id)
    await asyncio.sleep(0)
    assert living.entry.state is ConfigEntryState.LOADED
    await living.report(bathroom_temperature=20.0, bathroom_humidity=78.0)
    later = living.now + timedelta(minutes=2)
    await living.coordinator.async_tick(later)

    assert asked == 1
    assert living.bathroom.at == later
    assert living.bathroom.relative_humidity == pytest.approx(78.0)
    # Past its patience the unload goes on without it.
    unload = asyncio.ensure_future(living.hass.config_entries.async_unload(living.entry.entry_id))
    while not unload.done():
        await asyncio.sleep(0)
        living.clock.tick(1)
    assert unload.result()


async def test_weather_is_asked_for_every_half_hour(living: Living) -> None:
    asked: list[Any] = []

    async def forecast(call: ServiceCall) -> ServiceResponse:
        asked.append(call.data["entity_id"])
        at = living.now + timedelta(hours=1)
        return {"weather.home": {"forecast": [{"datetime": at.isoformat(), "temperature": 3.0, "humidity": 90}]}}

    living.hass.services.async_register("weather", "get_forecasts", forecast, supports_response=SupportsResponse.ONLY)
    await living.set_up()
    await living.wait(65)

    assert len(asked) == 3
    stored = living.coordinator.engine.snapshot()["weather"]
    assert isinstance(stored, list)
    assert len(stored) == 1


# Nothing is lost.


async def test_a_reload_changes_nothing(living: Living) -> None:
    await living.set_up()
    await living.wait(150)
    await living.coordinator.async_feedback(living.answer(verdict=Verdict.HELPFUL))
    before, view, shown = living.coordinator.engine.snapshot(), living.bathroom, all_shown(living)

    await living.unload()
    assert living.stored()["engine"] == json.loads(json.dumps(before))
    await living.set_up()

    assert living.coordinator.engine.snapshot() == before
    assert living.bathroom == view
    # What is shown is rounded, to the side it came from.
    assert all_shown(living) == {name: pytest.approx(value, abs=1.0) for name, value in shown.items()}


def all_shown(living: Living) -> dict[str, float | str]:
    return {
        entry.entity_id: number_or_text(living.shown(entry.entity_id))
        for entry in er.async_entries_for_config_entry(er.async_get(living.hass), living.entry.entry_id)
        if not entry.disabled
    }


def number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


async def test_a_restart_changes_nothing(living: Living) -> None:
    """When Home Assistant stops, entries are not unloaded: what is due to be saved is saved."""
    await living.set_up()
    await living.wait(64)
    await living.coordinator.async_feedback(living.answer())
    before = living.coordinator.engine.snapshot()

    living.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await living.settle()

    assert living.stored()["engine"] == json.loads(json.dumps(before))
    again = Coordinator(living.hass, living.entry, living.coordinator.ledger, living.coordinator.runtime)
    await again.async_load()
    assert again.engine.snapshot() == before
    assert again.engine.lessons() == living.coordinator.engine.lessons() != ()


async def test_it_is_saved_while_things_go_on_changing(living: Living) -> None:
    """A power cut may cost half an hour, not weeks: a room changes every minute."""
    await living.set_up()
    await living.wait(29)
    assert not living.file.exists()
    await living.wait(2)
    assert living.file.exists()
    first = living.file.stat().st_mtime_ns

    for minute in range(62):
        await living.wait(1, bathroom_humidity=70.0 + minute % 7)
    kept = Engine(living.coordinator.household)
    kept.restore(living.stored()["engine"])
    await living.coordinator.async_stop()
    assert living.file.stat().st_mtime_ns > first
    context: Any = kept.snapshot()["context"]
    newest = max(row[4] for row in context)
    assert living.now.timestamp() - newest <= 31 * 60


async def test_snapshots_are_taken_in_the_loops_own_thread(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    pieces = Engine.snapshot_pieces

    def watched(self: Engine) -> Generator[None, None, dict[str, object]]:
        threads.add(threading.get_ident())
        return pieces(self)

    monkeypatch.setattr(Engine, "snapshot_pieces", watched)
    await living.set_up()
    await living.wait(32)

    assert living.file.exists()
    assert threads == {threading.get_ident()}


async def test_a_snapshot_lets_others_run_between_its_rooms(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    await living.set_up()
    await living.wait(2)
    monkeypatch.setattr(pace, "SLICE_S", -1.0)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    snapshot = await living.coordinator._async_snapshot()
    task.cancel()

    assert turns >= len(living.coordinator.rooms)
    assert snapshot == living.coordinator._snapshot()


async def test_what_changes_while_a_snapshot_is_gathered_is_saved_next_time(living: Living) -> None:
    await living.set_up()
    await living.wait(2)
    storage, coordinator = living.coordinator.storage, living.coordinator
    storage._forget_schedule()

    async def meanwhile() -> dict[str, Any]:
        coordinator._keep()
        return coordinator._snapshot()

    storage.schedule(meanwhile)
    await storage._async_due(living.now)

    assert storage._snapshot == coordinator._async_snapshot


async def test_nothing_is_written_after_the_unload(living: Living) -> None:
    """A late write of an old coordinator would put the new one's back."""
    await living.set_up()
    await living.wait(3)
    old = living.coordinator
    await living.unload()
    written = living.file.read_bytes()
    await living.set_up()
    await living.coordinator.async_feedback(living.answer())
    await living.unload()
    assert living.file.read_bytes() != written
    newest = living.file.read_bytes()

    await living.pass_silently(timedelta(hours=1))
    assert living.file.read_bytes() == newest
    assert old.storage._snapshot is None


async def test_unloading_stops_everything(living: Living) -> None:
    hass = living.hass
    listeners = dict(hass.bus.async_listeners())
    await living.set_up()
    await living.wait(3)
    old = living.coordinator
    at = old.view("bathroom").at
    assert hass.bus.async_listeners()[EVENT_STATE_REPORTED] >= 1

    await living.unload()

    after = hass.bus.async_listeners()
    for event in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED, "mobile_app_notification_action"):
        assert after.get(event, 0) == listeners.get(event, 0), event
    await living.wait(5)
    assert old.view("bathroom").at == at
    assert not old._tasks
    with pytest.raises(HomeAssistantError):
        await old.ledger.async_feedback()


async def test_an_unload_lets_what_is_under_way_end(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    await living.set_up()
    said = decision()
    living.coordinator._decide(said)
    # At once: the decision is not in the ledger yet.
    await living.unload()

    ledger = Ledger(living.hass)
    await ledger.async_open()
    assert await ledger.async_decision(said.id) is not None
    await ledger.async_close()


async def test_removing_forgets(living: Living) -> None:
    await living.set_up()
    await living.wait(32)
    assert living.file.exists()

    assert await living.hass.config_entries.async_remove(living.entry.entry_id)
    await living.settle()

    assert not living.file.exists()
    await living.pass_silently(timedelta(hours=1))
    assert not living.file.exists()


async def test_removing_forgets_the_answers_too(living: Living) -> None:
    await living.set_up()
    folder = Path(living.hass.config.path("smartloop"))
    aside = folder / "ledger.db.corrupt.20260101T000000000000Z"
    aside.write_bytes(b"")
    exported = folder / "exports" / "trace.jsonl"
    exported.parent.mkdir()
    exported.write_text("{}")
    assert (folder / "ledger.db").exists()

    assert await living.hass.config_entries.async_remove(living.entry.entry_id)
    await living.settle()

    assert await living.hass.async_add_executor_job(os.listdir, folder) == ["exports"]
    assert exported.exists()


async def test_a_ledger_that_cannot_be_deleted_stops_no_removal(
    living: Living, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_database: Database) -> None:
        raise PermissionError

    await living.set_up()
    with monkeypatch.context() as broken:
        broken.setattr(Database, "remove", refuse)
        assert await living.hass.config_entries.async_remove(living.entry.entry_id)
        await living.settle()

    assert living.hass.config_entries.async_entries("smartloop") == []
    assert "The ledger cannot be deleted" in caplog.text


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, error: Exception) -> Iterator[None]:
    async def fail(*_args: Any) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(where, name, fail)
        yield


async def test_a_set_up_that_fails_leaves_nothing_open(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    with failing(monkeypatch, coordinator_module.Coordinator, "async_load", RuntimeError("boom")):
        assert not await living.hass.config_entries.async_setup(living.entry.entry_id)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("SmartLoop ledger")]
    assert await living.hass.config_entries.async_reload(living.entry.entry_id)
    assert living.entry.state.value == "loaded"


# What people say.


async def test_an_answer_is_kept_learned_and_shown(living: Living) -> None:
    await living.set_up()
    await living.wait(30)
    assert standing(living) == {STANDS}

    lesson = await living.coordinator.async_feedback(living.answer(verdict=Verdict.WRONG))

    assert lesson is not None
    assert [each.id for each in await living.coordinator.ledger.async_feedback()] == ["answer-1"]
    assert living.coordinator.engine.lessons() == (lesson,)
    # In force when it returns: nothing has to happen first.
    assert standing(living) == set()
    assert living.shown("sensor.home_lessons") == "1"
    assert await living.coordinator.async_feedback(living.answer(verdict=Verdict.WRONG)) is None
    assert living.shown("sensor.home_lessons") == "1"

    await living.wait(60)
    assert standing(living) == set()


async def test_an_answer_that_cannot_be_kept_is_not_learned(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    await living.set_up()
    await living.wait(30)
    with (
        failing(monkeypatch, living.coordinator.ledger, "async_record_feedback", HomeAssistantError("full")),
        pytest.raises(HomeAssistantError),
    ):
        await living.coordinator.async_feedback(living.answer())

    assert living.coordinator.engine.lessons() == ()
    assert standing(living) == {STANDS}


async def test_a_lesson_is_taken_back(living: Living) -> None:
    await living.set_up()
    await living.wait(30)
    await living.coordinator.async_feedback(living.answer())
    assert standing(living) == set()

    assert await living.coordinator.async_undo("answer-1")
    assert not await living.coordinator.async_undo("answer-1")
    assert not await living.coordinator.async_undo("never said")
    assert await living.coordinator.ledger.async_undone() == ["answer-1"]
    assert living.shown("sensor.home_lessons") == "0"

    await living.wait(300)
    assert standing(living) >= {STANDS}
    await living.unload()
    await living.set_up()
    assert living.coordinator.engine.lessons() == ()


async def test_a_room_is_reset(living: Living) -> None:
    await living.set_up()
    await living.wait(130)
    await living.coordinator.async_feedback(living.answer())
    assert living.bathroom.mold_hours >= 2

    await living.coordinator.async_reset("bathroom")

    assert living.bathroom.mold_hours == 0
    assert living.coordinator.engine.lessons() == ()
    assert living.coordinator.view("kitchen").at is not None
    # Also if the power fails this instant.
    again = Coordinator(living.hass, living.entry, living.coordinator.ledger, living.coordinator.runtime)
    await again.async_load()
    assert again.engine.view("bathroom").mold_hours == 0
    assert again.engine.lessons() == ()


async def test_answers_the_store_does_not_know_come_from_the_ledger(living: Living) -> None:
    """Killed between the ledger's commit and the store's next write."""
    await living.set_up()
    await living.unload()
    older = living.stored()
    assert older["engine"]["policy"]
    await living.set_up()
    await living.coordinator.async_feedback(living.answer(1))
    await living.coordinator.async_feedback(living.answer(2))
    await living.coordinator.async_undo("answer-1")
    lessons = living.coordinator.engine.lessons()
    await living.unload()
    living.rewrite(older)

    await living.set_up()

    assert [each.id for each in living.coordinator.engine.lessons()] == ["answer-2"]
    assert living.coordinator.engine.lessons() == lessons
    assert living.shown("sensor.home_lessons") == "1"


@pytest.mark.parametrize(
    "change",
    [
        lambda _data: {},
        lambda _data: {"engine": {}, "seen": {}},
        lambda data: {"engine": data["engine"]},
        lambda data: data | {"engine": None},
        lambda data: data | {"seen": ["bathroom"]},
        lambda data: data | {"seen": {"bathroom": "yesterday"}},
        lambda data: data | {"seen": {"bathroom": "2026-11-22T12:00:00"}},
        lambda data: data | {"seen": {"bathroom": None}},
        lambda data: data | {"engine": data["engine"] | {"version": 99}},
        lambda data: data | {"engine": data["engine"] | {"rooms": {"bathroom": "?"}}},
        lambda data: data | {"engine": data["engine"] | {"context": [["bathroom"]]}},
        lambda data: data | {"engine": data["engine"] | {"rooms": []}},
    ],
)
async def test_a_stored_state_that_makes_no_sense_is_not_used(
    living: Living, caplog: pytest.LogCaptureFixture, change: Any
) -> None:
    await living.set_up()
    await living.wait(130)
    await living.coordinator.async_feedback(living.answer())
    assert living.bathroom.mold_hours >= 2
    await living.unload()
    living.rewrite(change(living.stored()))
    caplog.clear()

    await living.set_up()

    warnings = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each for each in warnings if "learning starts anew" in each]
    assert len(warnings) == 1
    assert living.entry.state.value == "loaded"
    assert living.bathroom.mold_hours == 0
    assert living.bathroom.relative_humidity == pytest.approx(78.0)
    # What people said is not in the store alone.
    assert [each.id for each in living.coordinator.engine.lessons()] == ["answer-1"]
    await living.unload()
    assert living.stored()["engine"]["version"] == 1


# The house changes.


async def test_a_renamed_entity_goes_on(living: Living) -> None:
    await living.set_up()
    er.async_get(living.hass).async_update_entity(HUMIDITY, new_entity_id="sensor.shower_humidity")
    living.hass.states.async_remove(HUMIDITY)
    await living.settle()
    before = living.coordinator

    living.values.pop("bathroom_humidity")
    await living.wait(3, shower_humidity=70.0)

    assert living.coordinator is before
    assert living.bathroom.relative_humidity == pytest.approx(70.0)


async def test_a_disabled_entity_is_heard_no_more_and_again_when_enabled(living: Living) -> None:
    await living.set_up()
    registry = er.async_get(living.hass)
    registry.async_update_entity(HUMIDITY, disabled_by=er.RegistryEntryDisabler.USER)
    await living.settle()
    await living.wait(3, bathroom_humidity=90.0)
    assert living.bathroom.relative_humidity == pytest.approx(64.0, abs=5.0)
    await living.wait(180)
    assert living.bathroom.relative_humidity is None

    registry.async_update_entity(HUMIDITY, disabled_by=None)
    await living.settle()
    await living.wait(3)
    assert living.bathroom.relative_humidity == pytest.approx(90.0)


async def test_a_removed_entity_is_heard_no_more(living: Living) -> None:
    await living.set_up()
    er.async_get(living.hass).async_remove(HUMIDITY)
    await living.settle()
    await living.wait(3, bathroom_humidity=90.0)

    assert living.entry.state is ConfigEntryState.LOADED
    assert HUMIDITY not in living.coordinator.bindings.by_entity
    assert living.bathroom.relative_humidity == pytest.approx(64.0, abs=5.0)
    await living.wait(180)
    assert living.bathroom.relative_humidity is None
    assert living.bathroom.temperature == pytest.approx(20.0)


async def test_a_sensor_carried_to_another_room_measures_there(living: Living) -> None:
    await living.set_up()
    await living.wait(2)
    entity = er.async_get(living.hass).async_get(HUMIDITY)
    assert entity is not None
    assert entity.device_id is not None
    dr.async_get(living.hass).async_update_device(entity.device_id, area_id="kitchen")
    await living.settle()

    places = {each.place for each in living.coordinator.bindings.by_entity[HUMIDITY]}
    assert places == {"kitchen"}
    await living.wait(180, bathroom_humidity=90.0)
    assert living.bathroom.relative_humidity is None
    assert living.coordinator.view("kitchen").relative_humidity == pytest.approx(90.0)


async def test_a_room_more_and_a_room_less(living: Living) -> None:
    await living.set_up()
    await living.wait(70)
    hours = living.bathroom.mold_hours
    data = living.entry.subentries["room_bathroom"].data | {"area_id": "hallway", "bindings": {}}
    living.hass.config_entries.async_add_subentry(
        living.entry,
        ConfigSubentry(data=MappingProxyType(data), subentry_type="room", title="Hallway", unique_id="hallway"),
    )
    await living.settle()
    assert set(living.coordinator.rooms) == {"bathroom", "bedroom", "kitchen", "hallway"}
    assert living.bathroom.mold_hours == hours
    assert living.coordinator.view("hallway").temperature is None

    living.hass.config_entries.async_remove_subentry(living.entry, "room_kitchen")
    await living.settle()
    assert set(living.coordinator.rooms) == {"bathroom", "bedroom", "hallway"}
    assert living.bathroom.mold_hours == hours
    with pytest.raises(Exception, match="is no room"):
        living.coordinator.view("kitchen")


async def test_a_household_with_nothing_says_so(living: Living) -> None:
    entry = MockConfigEntry(domain="smartloop", title="Empty", entry_id="empty")
    await living.hass.config_entries.async_remove(living.entry.entry_id)
    entry.add_to_hass(living.hass)
    living.entry = entry
    await living.set_up()
    await living.wait(2)

    assert living.coordinator.status.state is HouseState.OK
    assert living.coordinator.rooms == {}


async def test_two_looks_at_once_are_one(living: Living) -> None:
    await living.set_up()
    written: list[Event[Any]] = async_capture_events(living.hass, EVENT_STATE_CHANGED)
    living.clock.tick(timedelta(seconds=1))
    await living.report(bathroom_humidity=45.0)
    later = living.now + timedelta(minutes=2)

    await asyncio.gather(*(living.coordinator.async_tick(later) for _ in range(5)))
    await living.settle()

    surface = [each for each in written if each.data["entity_id"] == "sensor.bathroom_surface_humidity"]
    assert len(surface) == 1
    assert Measurand.RELATIVE_HUMIDITY in {each.measurand for each in living.coordinator.bindings.all}
