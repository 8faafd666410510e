"""What a house does to software: nonsense, storms, jumping clocks, full disks, files that rot.

Each time: it is said clearly, nothing is made up, nothing is lost, and Home Assistant stays up.
"""

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.smartloop import runtime
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.engine import DecisionKey

from .living import Living

NOT_KNOWN = {"unknown", "unavailable"}


def issue(living: Living, name: str) -> ir.IssueEntry | None:
    return ir.async_get(living.hass).async_get_issue(DOMAIN, name)


# Sensors.


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "72.5", "-100", "warm", "1e400"])
async def test_a_thermometer_that_talks_nonsense(living: Living, value: str, caplog: pytest.LogCaptureFixture) -> None:
    living.hass.states.async_set("sensor.bathroom_temperature", value, {"unit_of_measurement": "°C"})
    await living.set_up()
    living.values = {"bathroom_humidity": 78.0, "garden_temperature": 2.0, "garden_humidity": 80.0}
    for _ in range(70):
        await living.report(bathroom_temperature=value)
        await living.wait(1)

    assert caplog.text.count("Value of sensor.bathroom_temperature is not used") == 1
    assert living.coordinator.refusals["sensor.bathroom_temperature"].reason
    assert living.shown("sensor.home_status") in ("degraded", "advice")
    assert "values_refused" in living.hass.states.get("sensor.home_status").attributes["reasons"]  # type: ignore[union-attr]
    # A humidity without a temperature says nothing of the wall.
    assert living.bathroom.temperature is None
    assert living.bathroom.mold_index is None
    assert living.shown("sensor.bathroom_surface_humidity") in NOT_KNOWN
    assert living.shown("sensor.bathroom_mold_index") in NOT_KNOWN
    assert living.shown("sensor.bathroom_best_act") in NOT_KNOWN
    assert not living.bathroom.active

    await living.wait(30, bathroom_temperature=20.0)
    assert living.bathroom.temperature == pytest.approx(20.0)
    assert DecisionKey.MOLD_VENTILATE in {each.key for each in living.bathroom.active}
    assert not living.coordinator.refusals


async def test_one_nonsense_among_good_values_changes_nothing(living: Living) -> None:
    await living.set_up()
    await living.wait(10)
    before = living.bathroom
    await living.report(bathroom_temperature="nan", bathroom_humidity="inf")
    await living.pass_silently(timedelta(minutes=1))

    assert living.bathroom.temperature == before.temperature
    assert living.bathroom.relative_humidity == before.relative_humidity


async def test_a_sensor_changes_its_unit(living: Living) -> None:
    """Somebody switches the sensor to °F: honest ones say so, others are not believed."""
    await living.set_up()
    living.values.pop("bathroom_temperature")
    await living.wait(2)
    living.hass.states.async_set("sensor.bathroom_temperature", "70.7", {"unit_of_measurement": "°F"})
    await living.wait(2)
    assert living.bathroom.temperature == pytest.approx(21.5)

    living.hass.states.async_set("sensor.bathroom_temperature", "70.7", {"unit_of_measurement": "°C"})
    await living.wait(2)
    assert living.bathroom.temperature == pytest.approx(21.5)
    assert "sensor.bathroom_temperature" in living.coordinator.refusals


async def test_a_thermometer_and_a_hygrometer_swap_names(living: Living) -> None:
    await living.set_up()
    living.values = {}
    for _ in range(200):
        living.clock.tick(timedelta(minutes=1))
        living.hass.states.async_set("sensor.bathroom_temperature", "64", {"unit_of_measurement": "%"})
        living.hass.states.async_set("sensor.bathroom_humidity", "21.5", {"unit_of_measurement": "°C"})
    await living.wait(1)

    assert living.coordinator.refusals.keys() == {"sensor.bathroom_temperature", "sensor.bathroom_humidity"}
    assert living.bathroom.temperature is None
    assert living.bathroom.relative_humidity is None
    assert living.shown("sensor.bathroom_surface_humidity") in NOT_KNOWN


async def test_an_unavailable_storm(living: Living, caplog: pytest.LogCaptureFixture) -> None:
    """A coordinator stick that comes and goes: every entity flips, hundreds of times."""
    await living.set_up()
    await living.wait(130)
    before, index, hours = living.bathroom, living.bathroom.mold_index, living.bathroom.mold_hours
    caplog.clear()
    written = async_capture_events(living.hass, EVENT_STATE_CHANGED)
    flips = 0
    for _ in range(20):
        for _ in range(15):
            for name in living.values:
                living.hass.states.async_set(f"sensor.{name}", "unavailable", {})
            await living.report(**living.values)
            flips += 2 * len(living.values)
        await living.wait(1)

    ours = [each for each in written if each.data["entity_id"].startswith(("sensor.home", "sensor.bathroom_s"))]
    assert flips == 2400
    assert len(ours) <= 5
    assert living.bathroom.temperature == before.temperature
    assert living.bathroom.relative_humidity == pytest.approx(before.relative_humidity)
    assert living.bathroom.mold_hours <= hours + 1
    assert living.bathroom.mold_index == pytest.approx(index, abs=0.02)
    assert {each.id for each in living.bathroom.active} == {each.id for each in before.active}
    assert not [each for each in caplog.records if each.name.startswith("custom_components") and each.levelno >= 30]

    for name in living.values:
        living.hass.states.async_set(f"sensor.{name}", "unavailable", {})
    living.values = {}
    await living.wait(200)
    assert living.bathroom.relative_humidity is None
    assert living.shown("sensor.bathroom_surface_humidity") in NOT_KNOWN
    # What the wall lived through stays known; the hours nobody saw are not counted.
    assert living.bathroom.mold_index == pytest.approx(index, abs=0.02)
    assert living.bathroom.mold_hours <= hours + 3


# The clock.


async def test_the_clock_jumps_back(living: Living) -> None:
    await living.set_up()
    await living.wait(130)
    view = living.bathroom
    assert view.at is not None
    living.clock.move_to(living.now - timedelta(hours=1))

    await living.wait(30, bathroom_humidity=40.0)
    assert living.entry.state is ConfigEntryState.LOADED
    assert living.bathroom.mold_hours == view.mold_hours
    assert living.bathroom.at == view.at

    await living.wait(60)
    assert living.bathroom.at > view.at
    assert living.bathroom.relative_humidity == pytest.approx(40.0)
    assert living.bathroom.mold_hours == pytest.approx(view.mold_hours + 1, abs=1)


async def test_the_clock_jumps_forward(living: Living) -> None:
    """A laptop wakes up, or a board without a clock hears the time at last."""
    await living.set_up()
    await living.wait(130)
    view = living.bathroom
    living.clock.move_to(living.now + timedelta(days=30))
    await living.wait(1)

    assert living.bathroom.mold_hours <= view.mold_hours + 1
    assert living.bathroom.held_hours == pytest.approx(30 * 24, abs=3)
    assert living.bathroom.mold_index == pytest.approx(view.mold_index, abs=0.02)
    assert living.bathroom.relative_humidity == pytest.approx(78.0)
    await living.wait(70)
    assert living.bathroom.mold_hours >= view.mold_hours + 1


async def test_a_clock_that_was_years_ahead_does_not_stop_the_house(living: Living) -> None:
    """One look in 2036, then the right time: the house goes on now, not in 2036."""
    await living.set_up()
    await living.wait(70)
    right = living.now
    living.clock.move_to(right + timedelta(days=3650))
    await living.wait(2)
    living.clock.move_to(right + timedelta(minutes=5))
    # The loop's own clock never jumps; the test's does, and its timers stay in 2036.
    await living.coordinator.async_tick(living.now)
    await living.settle()

    await living.wait(90, bathroom_humidity=50.0)

    assert living.bathroom.at is not None
    assert timedelta() <= living.now - living.bathroom.at <= timedelta(minutes=10)
    assert living.bathroom.relative_humidity == pytest.approx(50.0)
    await living.unload()
    await living.set_up()
    await living.wait(2, bathroom_humidity=45.0)
    assert living.bathroom.relative_humidity == pytest.approx(45.0)


# Files.


@pytest.mark.parametrize("content", [b"", b"\x00" * 4096, b"{", b'{"version": 1', b"\xff\xfe garbage"])
async def test_a_store_that_rots(living: Living, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    await living.set_up()
    await living.wait(130)
    await living.coordinator.async_feedback(living.answer())
    await living.unload()
    living.file.write_bytes(content)
    caplog.clear()

    await living.set_up()

    assert living.entry.state is ConfigEntryState.LOADED
    assert "smartloop.household" in caplog.text
    aside = list(living.file.parent.glob("smartloop.household.corrupt*"))
    assert [each.read_bytes() for each in aside] == [content]
    assert living.bathroom.mold_hours == 0
    assert living.bathroom.relative_humidity == pytest.approx(78.0)
    assert [each.id for each in living.coordinator.engine.lessons()] == ["answer-1"]
    await living.unload()
    assert living.stored()["engine"]["version"] == 1


async def test_a_store_of_a_newer_version_is_left_alone(living: Living, caplog: pytest.LogCaptureFixture) -> None:
    """Its owner went back to an older SmartLoop: better no household than the newer one's past overwritten."""
    await living.set_up()
    await living.unload()
    newer = living.file.read_text().replace('"version": 1', '"version": 99', 1)
    living.file.write_text(newer)

    assert not await living.hass.config_entries.async_setup(living.entry.entry_id)
    await living.settle()

    assert living.entry.state is ConfigEntryState.SETUP_ERROR
    assert "version" in caplog.text
    assert living.file.read_text() == newer


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the shipped models, in use instead of them."""
    copy = tmp_path / "onnx"
    shutil.copytree(runtime.FOLDER, copy)
    monkeypatch.setattr(runtime, "FOLDER", copy)
    return copy


def flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x01
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["room_forecast", "room_forecast_weather"])
async def test_a_model_that_was_tampered_with(
    living: Living, models: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    flip_a_byte(models / f"{name}.onnx")

    await living.set_up()
    living.relive(15)
    await living.wait(62)

    assert f"Model {name} is not used" in caplog.text
    raised = issue(living, "model_rejected")
    assert raised is not None
    assert raised.translation_placeholders == {"models": name}
    assert name in living.coordinator.runtime.facts()["rejected"]
    assert living.coordinator.runtime.runner(name) is None
    # The physics needs no model, and the forecast has a fallback.
    assert living.bathroom.relative_humidity == pytest.approx(78.0)
    assert living.bathroom.forecast
    assert all(each.relative_humidity.value is not None for each in living.bathroom.forecast)


async def test_models_that_are_gone(living: Living, models: Path) -> None:
    shutil.rmtree(models)

    await living.set_up()
    living.relive(15)
    await living.wait(62)

    assert living.entry.state is ConfigEntryState.LOADED
    assert issue(living, "model_rejected") is not None or issue(living, "engine_missing") is not None
    assert living.bathroom.surface_humidity is not None
    assert DecisionKey.MOLD_VENTILATE in {each.key for each in living.bathroom.active}


@contextmanager
def full_disk(living: Living) -> Iterator[None]:
    """Give the ledger's database no page more than it has."""
    connection = living.coordinator.ledger._database._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    connection.execute("PRAGMA max_page_count = 1073741823")


async def test_a_disk_that_is_full(living: Living) -> None:
    """What cannot be kept is not acknowledged, and not learned."""
    await living.set_up()
    await living.wait(30)
    kept: list[str] = []
    with full_disk(living):
        refused = await answer_until_refused(living, kept)

        assert (refused.translation_domain, refused.translation_key) == (DOMAIN, "ledger_full")
        assert kept
        assert issue(living, "ledger_full") is not None
        lessons = [each.id for each in living.coordinator.engine.lessons()]
        assert lessons == kept
        with pytest.raises(HomeAssistantError, match="no space left"):
            await call_until_refused(living)
        assert len(living.coordinator.engine.lessons()) == len(await living.coordinator.ledger.async_feedback())
        # The house is looked at and spoken of all the same.
        await living.wait(5, bathroom_humidity=70.0)
        assert living.bathroom.relative_humidity == pytest.approx(70.0)

    assert await living.coordinator.async_feedback(living.answer(10_001)) is not None
    assert issue(living, "ledger_full") is None
    lessons = [each.id for each in living.coordinator.engine.lessons()]
    assert lessons[-1] == "answer-10001"
    await living.unload()
    await living.set_up()
    assert [each.id for each in living.coordinator.engine.lessons()] == lessons


async def answer_until_refused(living: Living, kept: list[str]) -> HomeAssistantError:
    """Answer until one is not taken; `kept` are those that were."""
    for number in range(10_000):
        try:
            await living.coordinator.async_feedback(living.answer(number, key="x" * 500))
        except HomeAssistantError as err:
            return err
        kept.append(f"answer-{number}")
    pytest.fail("the disk is never full")


async def call_until_refused(living: Living) -> None:
    """Answer by the service action; the pages that are there may hold a few more."""
    for _ in range(200):
        data = {"room": "bathroom", "key": "mold.ventilate", "verdict": "wrong"}
        await living.hass.services.async_call(DOMAIN, "give_feedback", data, blocking=True, return_response=True)
        living.clock.tick(timedelta(seconds=1))


@contextmanager
def small_files_only() -> Iterator[None]:
    """Let the system refuse every file of more than 4 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_store_that_cannot_be_written(living: Living, caplog: pytest.LogCaptureFixture) -> None:
    await living.set_up()
    await living.wait(32)
    whole = living.file.read_bytes()
    assert len(whole) > 4096
    with small_files_only():
        await living.coordinator.storage.async_save(living.coordinator._snapshot())

    assert "Error writing config for smartloop.household" in caplog.text
    assert living.file.read_bytes() == whole
    await living.wait(32, bathroom_humidity=60.0)
    assert living.file.read_bytes() != whole
    assert living.bathroom.relative_humidity == pytest.approx(60.0)
