"""The recorder's past, in time order: long-term statistics first, then states, each where it is best."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from sqlalchemy import text

from custom_components.smartloop.adapters.bindings import Binding
from custom_components.smartloop.adapters.history import (
    STATES_FOR,
    STATES_STEP,
    STATISTICS_STEP,
    HistoryError,
    Portion,
    async_available,
    async_portions,
)
from custom_components.smartloop.engine import OUTDOOR, Measurand, Reading

from .past import DAY, HOUR, hours, record_means, record_state, recorded, this_hour

WARMTH, DAMP, WINDOW, SKY = "sensor.bath_temperature", "sensor.bath_humidity", "binary_sensor.window", "weather.home"
CELSIUS = {"unit_of_measurement": "°C"}


def binding(entity_id: str, measurand: Measurand, place: str = "bath") -> Binding:
    return Binding(entity_id=entity_id, registry_id=entity_id, measurand=measurand, place=place, source=entity_id)


BATH = (binding(WARMTH, Measurand.TEMPERATURE), binding(DAMP, Measurand.RELATIVE_HUMIDITY))


async def portions(
    hass: HomeAssistant,
    start: datetime,
    end: datetime,
    bindings: tuple[Binding, ...] = BATH,
    weather: str | None = None,
) -> list[Portion]:
    return [portion async for portion in async_portions(hass, bindings, weather, start, end)]


def readings(found: list[Portion]) -> list[Reading]:
    return [reading for portion in found for reading in portion.readings]


def known_at(hour: datetime) -> datetime:
    """Return when the mean of an hour is known."""
    return hour + timedelta(minutes=59, seconds=59)


async def test_months_of_means_then_days_of_states(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    now = dt_util.utcnow()
    start = now - timedelta(days=40)
    old = hours(start, now - 11 * DAY)
    record_means(hass, WARMTH, "°C", dict.fromkeys(old, 20.0))
    record_means(hass, DAMP, "%", dict.fromkeys(old, 60.0))
    said = [now - timedelta(hours=each) for each in range(9 * 24, 0, -1)]
    for number, at in enumerate(said):
        record_state(hass, WARMTH, str(18 + number % 5), at, CELSIUS)
    await recorded(hass)

    found = await portions(hass, start, now)

    assert found[0].start <= start < found[0].start + HOUR
    assert found[-1].end == now
    assert all(one.end == other.start for one, other in pairwise(found))
    assert {portion.end - portion.start for portion in found[:-1]} <= {STATISTICS_STEP, STATES_STEP, *rest(found, now)}
    every = readings(found)
    assert [reading.at for reading in every] == sorted(reading.at for reading in every)
    for portion in found:
        assert all(portion.start <= reading.at <= portion.end for reading in portion.readings)
    means = [reading for reading in every if reading.at < now - STATES_FOR]
    assert len(means) == 2 * len(old)
    assert {(reading.measurand, reading.value) for reading in means} == {
        (Measurand.TEMPERATURE, 20.0),
        (Measurand.RELATIVE_HUMIDITY, 60.0),
    }
    states = [reading for reading in every if reading.at >= now - STATES_FOR]
    assert [reading.at for reading in states] == said
    assert [reading.value for reading in states] == [18 + number % 5 for number in range(len(said))]


def rest(found: list[Portion], now: datetime) -> set[timedelta]:
    """Return the length of the last portion of statistics: what is left of its span."""
    before = [portion for portion in found if portion.end <= now - STATES_FOR]
    return {before[-1].end - before[-1].start}


async def test_an_hours_mean_is_known_when_the_hour_is_over(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    hour = this_hour() - 30 * DAY
    record_means(hass, WARMTH, "°C", {hour: 20.0})
    await recorded(hass)

    (only,) = readings(await portions(hass, hour, hour + 2 * HOUR))

    assert only.at == known_at(hour)
    assert (only.place, only.source, only.value) == ("bath", WARMTH, 20.0)


@pytest.mark.parametrize("minutes", [1, 25, 59])
async def test_a_start_within_an_hour_does_not_lose_it(
    recorder_mock: Recorder, hass: HomeAssistant, minutes: int
) -> None:
    hour = this_hour() - 30 * DAY
    record_means(hass, WARMTH, "°C", {hour: 20.0, hour + HOUR: 21.0})
    await recorded(hass)

    found = await portions(hass, hour + timedelta(minutes=minutes), hour + 3 * HOUR)

    assert [reading.value for reading in readings(found)] == [20.0, 21.0]


async def test_means_in_fahrenheit_are_converted(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    hour = this_hour() - 30 * DAY
    record_means(hass, WARMTH, "°F", {hour: 68.0})
    await recorded(hass)

    (only,) = readings(await portions(hass, hour, hour + HOUR))

    assert only.value == pytest.approx(20.0)


async def test_means_that_cannot_be_are_left_out(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    hour = this_hour() - 30 * DAY
    record_means(hass, WARMTH, "°C", {hour: 72.0, hour + HOUR: 20.0})
    record_means(hass, DAMP, "%", {hour: 0.0, hour + HOUR: 180.0})
    await recorded(hass)

    (only,) = readings(await portions(hass, hour, hour + 2 * HOUR))

    assert (only.measurand, only.value) == (Measurand.TEMPERATURE, 20.0)


async def test_a_mean_of_open_and_shut_says_nothing(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    hour = this_hour() - 30 * DAY
    record_means(hass, "sensor.window", "%", {hour: 0.5})
    await recorded(hass)

    assert readings(await portions(hass, hour, hour + HOUR, (binding("sensor.window", Measurand.WINDOW_OPEN),))) == []


async def test_means_fill_in_where_states_were_purged(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """An owner may keep two days of states only."""
    now = dt_util.utcnow()
    every = hours(now - 6 * DAY, this_hour())
    record_means(hass, WARMTH, "°C", dict.fromkeys(every, 20.0))
    kept = now - 2 * DAY
    said = [kept + number * timedelta(minutes=20) for number in range(6 * 24)]
    for number, at in enumerate(said):
        record_state(hass, WARMTH, str(15 + number % 3), at, CELSIUS)
    await recorded(hass)

    found = readings(await portions(hass, now - 6 * DAY, now))

    spoken = {at.replace(minute=0, second=0, microsecond=0) for at in said}
    means = {reading.at for reading in found if reading.value == 20.0}
    assert means == {known_at(hour) for hour in every if hour not in spoken}
    assert [reading.at for reading in found if reading.value != 20.0] == said
    assert [reading.at for reading in found] == sorted(reading.at for reading in found)


async def test_means_fill_in_where_a_value_stayed_what_it_was(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Only changes are on record; a quiet sensor is no dead one."""
    start = this_hour() - 8 * HOUR
    record_state(hass, WARMTH, "19.0", start + timedelta(minutes=5), CELSIUS)
    record_state(hass, WARMTH, "19.5", start + 5 * HOUR, CELSIUS)
    record_means(hass, WARMTH, "°C", {start + each * HOUR: 19.0 + 0.1 * each for each in range(7)})
    await recorded(hass)

    found = readings(await portions(hass, start, start + 8 * HOUR))

    assert [round(reading.value, 1) for reading in found] == [19.0, 19.1, 19.2, 19.3, 19.4, 19.5, 19.6]


async def test_states_are_read_as_live_ones_are(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    start = this_hour() - 3 * HOUR
    for minute, value in enumerate(("21.0", "unavailable", "nan", "72", "warm", "21.5")):
        record_state(hass, WARMTH, value, start + timedelta(minutes=minute), CELSIUS)
    record_state(hass, WINDOW, "on", start + timedelta(minutes=2))
    record_state(hass, WINDOW, "off", start + timedelta(minutes=4))
    await recorded(hass)

    bindings = (*BATH, binding(WINDOW, Measurand.WINDOW_OPEN))
    found = readings(await portions(hass, start, start + HOUR, bindings))

    assert [(reading.measurand, reading.value) for reading in found] == [
        (Measurand.TEMPERATURE, 21.0),
        (Measurand.WINDOW_OPEN, 1.0),
        (Measurand.WINDOW_OPEN, 0.0),
        (Measurand.TEMPERATURE, 21.5),
    ]


async def test_one_entity_of_two_rooms_speaks_in_both(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    start = this_hour() - 3 * HOUR
    record_state(hass, WARMTH, "21.0", start + timedelta(minutes=1), CELSIUS)
    record_means(hass, WARMTH, "°C", {start + HOUR: 20.0})
    await recorded(hass)

    bindings = (binding(WARMTH, Measurand.TEMPERATURE), binding(WARMTH, Measurand.TEMPERATURE, "hall"))
    found = readings(await portions(hass, start, start + 2 * HOUR, bindings))

    assert [(reading.place, reading.value) for reading in found] == [
        ("bath", 21.0),
        ("hall", 21.0),
        ("bath", 20.0),
        ("hall", 20.0),
    ]


async def test_the_weather_of_the_last_days(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    start = this_hour() - 3 * HOUR
    outside = {"temperature": 41.0, "temperature_unit": "°F", "humidity": 88}
    record_state(hass, SKY, "cloudy", start, outside)
    record_state(hass, SKY, "cloudy", start + timedelta(minutes=30), outside | {"temperature": 42.8})
    record_state(hass, SKY, "unavailable", start + HOUR)
    await recorded(hass)

    found = readings(await portions(hass, start, start + 2 * HOUR, (), SKY))

    assert {reading.place for reading in found} == {OUTDOOR}
    assert [reading.at for reading in found] == [start] * 2 + [start + timedelta(minutes=30)] * 2
    # It went on being cloudy, and got warmer.
    assert [reading.value for reading in found] == pytest.approx([5.0, 88.0, 6.0, 88.0])


async def test_a_state_between_two_portions_is_in_one(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    start = this_hour() - 2 * DAY
    for number in range(5):
        record_state(hass, WARMTH, str(20 + number), start + number * 12 * HOUR, CELSIUS)
    await recorded(hass)

    found = await portions(hass, start, start + 2 * DAY + HOUR)

    assert len(found) == 3
    assert [reading.value for reading in readings(found)] == [20.0, 21.0, 22.0, 23.0, 24.0]


async def test_nothing_on_record(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    now = dt_util.utcnow()

    assert readings(await portions(hass, now - 30 * DAY, now)) == []
    assert readings(await portions(hass, now - 30 * DAY, now, (), None)) == []
    assert readings(await portions(hass, now, now)) == []
    assert await portions(hass, now + DAY, now) == []


async def test_a_recorder_can_be_asked(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    assert await async_available(hass)


async def test_a_migrating_recorder_cannot(
    recorder_mock: Recorder, hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_mock, "migration_in_progress", True)

    assert not await async_available(hass)


async def test_no_recorder_cannot(hass: HomeAssistant) -> None:
    assert not await async_available(hass)


async def test_a_broken_database_is_said(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    def break_it() -> None:
        with recorder_mock.engine.begin() as connection:  # type: ignore[union-attr]
            connection.execute(text("ALTER TABLE states RENAME TO gone"))

    record_state(hass, WARMTH, "21.0", this_hour() - HOUR, CELSIUS)
    await recorded(hass)
    await recorder_mock.async_add_executor_job(break_it)

    with pytest.raises(HistoryError, match="no such table"):
        await portions(hass, this_hour() - 2 * HOUR, this_hour())
