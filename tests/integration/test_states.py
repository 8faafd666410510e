"""States and reports become readings; what cannot be true is refused, once, and aloud."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, State
from homeassistant.util import dt as dt_util

from custom_components.smartloop.adapters.bindings import Binding
from custom_components.smartloop.adapters.states import CARRIED_OVER, Heard, Refusal, StateWatcher, readings_of
from custom_components.smartloop.engine import OUTDOOR, Measurand, Reading

BATH = "sensor.bath"
CELSIUS = {"unit_of_measurement": "°C"}
PERCENT = {"unit_of_measurement": "%"}


def binding(measurand: Measurand, entity_id: str = BATH, place: str = "bath") -> Binding:
    return Binding(entity_id=entity_id, registry_id=entity_id, measurand=measurand, place=place, source="box")


def hear(text: str, unit: str | None, measurand: Measurand = Measurand.TEMPERATURE) -> Heard:
    attributes = {} if unit is None else {"unit_of_measurement": unit}
    return readings_of(State(BATH, text, attributes), [binding(measurand)], dt_util.utcnow())


def read(text: str, unit: str | None, measurand: Measurand = Measurand.TEMPERATURE) -> Reading:
    heard = hear(text, unit, measurand)
    assert not heard.refused
    (reading,) = heard.readings
    return reading


def refused(text: str, unit: str | None, measurand: Measurand = Measurand.TEMPERATURE) -> str:
    heard = hear(text, unit, measurand)
    assert not heard.readings
    (reason,) = heard.refused
    return reason


def outside(state: str, **attributes: object) -> Heard:
    return readings_of(State("weather.home", state, attributes), (), dt_util.utcnow(), is_weather=True)


NOTHING = Heard(readings=(), refused=())


@dataclass
class Ear:
    """A watcher, and what it handed on."""

    hass: HomeAssistant
    readings: list[Reading] = field(default_factory=list)
    watcher: StateWatcher[Binding] | None = None
    stop: CALLBACK_TYPE | None = None
    seen: datetime | None = None
    """When the radio heard the box last."""

    def listen(self, *bindings: Binding, weather: str | None = None) -> None:
        by_entity: dict[str, tuple[Binding, ...]] = {}
        for each in bindings:
            by_entity[each.entity_id] = (*by_entity.get(each.entity_id, ()), each)
        self.watcher = StateWatcher(self.hass, by_entity, weather, self.readings.append, lambda _: self.seen)
        self.stop = self.watcher.start()

    @property
    def refusals(self) -> dict[str, Refusal]:
        assert self.watcher is not None
        return self.watcher.refusals

    @property
    def values(self) -> list[float]:
        return [reading.value for reading in self.readings]

    @property
    def fresh(self) -> list[bool]:
        return [reading.quality == 1.0 for reading in self.readings]

    async def say(self, text: str, attributes: dict[str, str], entity_id: str = BATH) -> None:
        self.hass.states.async_set(entity_id, text, attributes)
        await self.hass.async_block_till_done()


@pytest.fixture
def ear(hass: HomeAssistant) -> Iterator[Ear]:
    ear = Ear(hass)
    yield ear
    if ear.stop is not None:
        ear.stop()


@pytest.mark.parametrize(
    ("text", "unit", "measurand", "value"),
    [
        ("21.5", "°C", Measurand.TEMPERATURE, 21.5),
        ("70.7", "°F", Measurand.TEMPERATURE, 21.5),
        ("294.65", "K", Measurand.TEMPERATURE, 21.5),
        ("-4", "°F", Measurand.SURFACE_TEMPERATURE, -20.0),
        ("55", "%", Measurand.RELATIVE_HUMIDITY, 55.0),
        ("0.05", "%", Measurand.CO2, 500.0),
        ("0.02", "mg/m³", Measurand.PM25, 20.0),
        ("12", "μg/m³", Measurand.PM25, 12.0),
        ("1013", "hPa", Measurand.WATER_PRESSURE, 101.3),
        ("1e1", "°C", Measurand.TEMPERATURE, 10.0),
        ("3", None, Measurand.PRESENCE, 3.0),
    ],
)
def test_units_become_the_engines_own(text: str, unit: str | None, measurand: Measurand, value: float) -> None:
    reading = read(text, unit, measurand)

    assert reading.value == pytest.approx(value)
    assert (reading.measurand, reading.place, reading.source) == (measurand, "bath", "box")


@pytest.mark.parametrize(("text", "value"), [("on", 1.0), ("off", 0.0)])
@pytest.mark.parametrize("measurand", [Measurand.WINDOW_OPEN, Measurand.SWITCH_ON, Measurand.WET])
def test_on_and_off_are_1_and_0(text: str, value: float, measurand: Measurand) -> None:
    reading = read(text, None, measurand)

    assert reading.value == value


@pytest.mark.parametrize("text", [STATE_UNAVAILABLE, STATE_UNKNOWN, "", "none", "None"])
def test_a_state_that_says_nothing_is_no_reading(text: str) -> None:
    assert hear(text, "°C") == NOTHING


def test_a_state_remembered_from_before_the_restart_is_no_reading() -> None:
    state = State(BATH, "21.5", {**CELSIUS, "restored": True})

    assert readings_of(state, [binding(Measurand.TEMPERATURE)], dt_util.utcnow()) == NOTHING


@pytest.mark.parametrize(
    ("text", "unit", "measurand", "reason"),
    [
        ("nan", "°C", Measurand.TEMPERATURE, "not a number"),
        ("NaN", "%", Measurand.RELATIVE_HUMIDITY, "not a number"),
        ("inf", "°C", Measurand.TEMPERATURE, "not a number"),
        ("-inf", "%", Measurand.RELATIVE_HUMIDITY, "not a number"),
        ("1e999", "°C", Measurand.TEMPERATURE, "not a number"),
        ("warm", "°C", Measurand.TEMPERATURE, "'warm' is no number"),
        ("21,5", "°C", Measurand.TEMPERATURE, "'21,5' is no number"),
        # A thermometer in °F that says °C.
        ("72", "°C", Measurand.TEMPERATURE, "outside -60 to 60"),
        ("-273", "°C", Measurand.TEMPERATURE, "outside -60 to 60"),
        ("0", "%", Measurand.RELATIVE_HUMIDITY, "outside 0.5 to 100"),
        ("101", "%", Measurand.RELATIVE_HUMIDITY, "outside 0.5 to 100"),
        ("2", None, Measurand.WINDOW_OPEN, "outside 0 to 1"),
        # Temperature and humidity taken for each other.
        ("21.5", "°C", Measurand.RELATIVE_HUMIDITY, "'°C' is no unit of relative_humidity"),
        ("55", "%", Measurand.TEMPERATURE, "'%' is no unit of temperature"),
        ("21.5", None, Measurand.TEMPERATURE, "'' is no unit of temperature"),
    ],
)
def test_what_cannot_be_true_is_refused(text: str, unit: str | None, measurand: Measurand, reason: str) -> None:
    assert reason in refused(text, unit, measurand)


def test_a_long_text_is_not_quoted_whole() -> None:
    assert len(refused("x" * 255, "°C")) < 80


@pytest.mark.parametrize("text", ["on", "off"])
def test_a_switch_is_no_thermometer(text: str) -> None:
    """A helper bound to the wrong quantity says on: that is not 1 °C."""
    assert refused(text, "°C") == f"{text!r} is no number"


def test_the_air_outside_from_a_weather_entity(freezer: FrozenDateTimeFactory) -> None:
    warmth, damp = outside("cloudy", temperature=41.0, temperature_unit="°F", humidity=88).readings

    assert (warmth.measurand, warmth.place, warmth.source) == (Measurand.TEMPERATURE, OUTDOOR, "weather.home")
    assert warmth.at == dt_util.utcnow()
    assert warmth.value == pytest.approx(5.0)
    assert (damp.measurand, damp.value) == (Measurand.RELATIVE_HUMIDITY, 88.0)


@pytest.mark.parametrize("state", [STATE_UNAVAILABLE, STATE_UNKNOWN])
def test_weather_that_is_unavailable_says_nothing(state: str) -> None:
    assert outside(state, temperature=5.0, temperature_unit="°C", humidity=88) == NOTHING


def test_weather_remembered_from_before_the_restart_says_nothing() -> None:
    assert outside("cloudy", temperature=5.0, temperature_unit="°C", humidity=88, restored=True) == NOTHING


def test_weather_without_humidity_says_the_temperature() -> None:
    (only,) = outside("sunny", temperature=5).readings

    assert (only.measurand, only.value) == (Measurand.TEMPERATURE, 5.0)


@pytest.mark.parametrize("value", ["warm", True, [5], float("nan"), 900])
def test_weather_of_nonsense_is_refused(value: object) -> None:
    heard = outside("cloudy", temperature=value, temperature_unit="°C", humidity=88)

    assert [reading.measurand for reading in heard.readings] == [Measurand.RELATIVE_HUMIDITY]
    assert len(heard.refused) == 1


async def test_what_is_known_at_the_start_is_handed_on_with_its_own_time(
    ear: Ear, freezer: FrozenDateTimeFactory
) -> None:
    reported = dt_util.utcnow()
    await ear.say("21.5", CELSIUS)
    freezer.tick(timedelta(minutes=20))
    ear.listen(binding(Measurand.TEMPERATURE))

    assert ear.values == [21.5]
    assert ear.readings[0].at == reported


async def test_a_report_that_repeats_the_value_is_handed_on(ear: Ear, freezer: FrozenDateTimeFactory) -> None:
    await ear.say("21.5", CELSIUS)
    ear.listen(binding(Measurand.TEMPERATURE))
    for _ in range(3):
        freezer.tick(timedelta(minutes=10))
        await ear.say("21.5", CELSIUS)

    assert ear.values == [21.5] * 4
    assert [b.at - a.at for a, b in zip(ear.readings, ear.readings[1:], strict=False)] == [timedelta(minutes=10)] * 3


async def test_unavailable_again_and_again_says_nothing(ear: Ear) -> None:
    ear.listen(binding(Measurand.TEMPERATURE))
    await ear.say("21.5", CELSIUS)
    for _ in range(3):
        await ear.say(STATE_UNAVAILABLE, {})

    assert ear.values == [21.5]
    assert not ear.refusals


async def test_one_entity_may_serve_two_rooms(ear: Ear) -> None:
    ear.listen(binding(Measurand.TEMPERATURE), binding(Measurand.TEMPERATURE, place="hall"))
    await ear.say("21.5", CELSIUS)

    assert {reading.place for reading in ear.readings} == {"bath", "hall"}


async def test_a_removed_entity_says_nothing(ear: Ear) -> None:
    ear.listen(binding(Measurand.TEMPERATURE))
    await ear.say("21.5", CELSIUS)
    ear.hass.states.async_remove(BATH)
    await ear.hass.async_block_till_done()

    assert ear.values == [21.5]


async def test_nothing_is_heard_after_the_stop(ear: Ear) -> None:
    ear.listen(binding(Measurand.TEMPERATURE))
    await ear.say("21.5", CELSIUS)
    assert ear.stop is not None
    ear.stop()
    await ear.say("22.5", CELSIUS)
    await ear.say("22.5", CELSIUS)
    ear.stop = None

    assert ear.values == [21.5]


async def test_a_refusal_is_said_once_and_forgotten_when_all_is_well(
    ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    ear.listen(binding(Measurand.TEMPERATURE))
    for text in ("72", "73", "73", "nan"):
        await ear.say(text, CELSIUS)
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING and BATH in each.getMessage()]

    assert len(warnings) == 1
    assert "outside -60 to 60" in warnings[0].getMessage()
    assert ear.refusals[BATH].reason == "temperature is not a number"
    assert ear.values == []

    await ear.say("21.5", CELSIUS)
    assert ear.refusals == {}
    assert ear.values == [21.5]

    await ear.say("72", CELSIUS)
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING and BATH in each.getMessage()]
    assert len(warnings) == 2


async def test_an_entity_that_goes_silent_keeps_its_refusal(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    """Else a broken sensor that drops out every few minutes would fill the log."""
    ear.listen(binding(Measurand.TEMPERATURE))
    for _ in range(20):
        await ear.say("72", CELSIUS)
        await ear.say(STATE_UNAVAILABLE, {})

    assert caplog.text.count(f"Value of {BATH} is not used") == 1


async def test_one_bad_quantity_does_not_silence_the_other(ear: Ear) -> None:
    """What an entity is wrongly bound to is refused; what it is rightly bound to is not."""
    ear.listen(binding(Measurand.RELATIVE_HUMIDITY), binding(Measurand.TEMPERATURE))
    await ear.say("21.5", CELSIUS)

    assert ear.values == [21.5]
    assert BATH in ear.refusals


async def test_weather_is_heard_and_refused_like_a_sensor(ear: Ear) -> None:
    ear.listen(weather="weather.home")
    await ear.say("cloudy", {"temperature_unit": "°F", "temperature": "41", "humidity": "88"}, "weather.home")
    assert ear.values == pytest.approx([5.0, 88.0])

    await ear.say("cloudy", {"temperature_unit": "°F", "temperature": "warm", "humidity": "87"}, "weather.home")
    assert ear.values == pytest.approx([5.0, 88.0, 87.0])
    assert "weather.home" in ear.refusals

    await ear.say("cloudy", {"temperature_unit": "°C", "temperature": "6", "humidity": "87"}, "weather.home")
    assert ear.values[-2:] == [6.0, 87.0]
    assert not ear.refusals


WET = binding(Measurand.WET, "binary_sensor.leak")


async def test_what_was_there_before_us_is_carried_over_until_the_entity_speaks(
    ear: Ear, freezer: FrozenDateTimeFactory
) -> None:
    await ear.say("21.5", CELSIUS)
    freezer.tick(timedelta(minutes=1))
    ear.listen(binding(Measurand.TEMPERATURE))
    freezer.tick(timedelta(minutes=10))
    await ear.say("21.5", CELSIUS)
    await ear.say("21.7", CELSIUS)

    assert ear.values == [21.5, 21.5, 21.7]
    assert ear.fresh == [False, True, True]
    assert ear.readings[0].quality == CARRIED_OVER


@pytest.mark.parametrize("silence", [STATE_UNKNOWN, STATE_UNAVAILABLE, None])
async def test_the_first_value_after_silence_is_carried_over(
    ear: Ear, freezer: FrozenDateTimeFactory, silence: str | None
) -> None:
    ear.listen(binding(Measurand.TEMPERATURE))
    for text in ("20.0", "20.1"):
        await ear.say(text, CELSIUS)
    if silence is None:
        ear.hass.states.async_remove(BATH)
        await ear.hass.async_block_till_done()
    else:
        await ear.say(silence, {})
    for text in ("20.1", "20.2"):
        freezer.tick(timedelta(minutes=5))
        await ear.say(text, CELSIUS)

    assert ear.values == [20.0, 20.1, 20.1, 20.2]
    assert ear.fresh == [False, True, False, True]


async def test_a_state_remembered_by_the_registry_is_silence(ear: Ear) -> None:
    ear.listen(binding(Measurand.TEMPERATURE))
    for text in ("20.0", "20.1"):
        await ear.say(text, CELSIUS)
    ear.hass.states.async_set(BATH, "20.1", {**CELSIUS, "restored": True})
    await ear.say("20.1", CELSIUS)

    assert ear.fresh == [False, True, False]


async def test_a_state_written_twice_while_it_is_added_proves_nothing(ear: Ear, freezer: FrozenDateTimeFactory) -> None:
    """ZHA does that with what its database remembers."""
    ear.listen(WET)
    for _ in range(3):
        freezer.tick(timedelta(milliseconds=5))
        await ear.say("on", {}, WET.entity_id)

    assert ear.values == [1.0, 1.0, 1.0]
    assert ear.fresh == [False, False, False]


async def test_wet_after_a_restored_dry_is_believed_at_once(ear: Ear, freezer: FrozenDateTimeFactory) -> None:
    ear.listen(WET)
    await ear.say("off", {}, WET.entity_id)
    freezer.tick(timedelta(milliseconds=5))
    await ear.say("on", {}, WET.entity_id)

    assert ear.values == [0.0, 1.0]
    assert ear.fresh == [False, True]


async def test_a_first_word_that_the_radio_just_heard_is_fresh(ear: Ear, freezer: FrozenDateTimeFactory) -> None:
    ear.listen(WET)
    ear.seen = dt_util.utcnow()
    freezer.tick(timedelta(milliseconds=20))
    await ear.say("on", {}, WET.entity_id)

    assert ear.fresh == [True]
    assert ear.readings[0].at == dt_util.utcnow()


async def test_a_restored_value_is_as_old_as_the_last_word_over_the_radio(
    ear: Ear, freezer: FrozenDateTimeFactory
) -> None:
    ear.listen(WET)
    ear.seen = dt_util.utcnow()
    freezer.tick(timedelta(days=3))
    await ear.say("on", {}, WET.entity_id)

    assert ear.fresh == [False]
    assert ear.readings[0].at == ear.seen


async def test_a_word_of_the_box_after_the_state_does_not_make_the_state_newer(
    ear: Ear, freezer: FrozenDateTimeFactory
) -> None:
    """Its battery was reported, not its contact."""
    await ear.say("on", {}, WET.entity_id)
    written = dt_util.utcnow()
    freezer.tick(timedelta(hours=1))
    ear.seen = dt_util.utcnow()
    ear.listen(WET)

    assert ear.fresh == [False]
    assert ear.readings[0].at == written


async def test_a_refused_first_value_is_no_word(ear: Ear, freezer: FrozenDateTimeFactory) -> None:
    ear.listen(binding(Measurand.TEMPERATURE))
    await ear.say("nan", CELSIUS)
    freezer.tick(timedelta(minutes=5))
    await ear.say("20.0", CELSIUS)

    assert ear.fresh == [False]


async def test_the_first_weather_is_no_memory(ear: Ear) -> None:
    ear.listen(weather="weather.home")
    await ear.say("cloudy", {"temperature_unit": "°C", "temperature": "6", "humidity": "87"}, "weather.home")

    assert ear.fresh == [True, True]


async def test_asking_the_radio_is_no_part_of_every_event(ear: Ear) -> None:
    asked = []

    def seen(source: str) -> None:
        asked.append(source)

    ear.listen(binding(Measurand.TEMPERATURE))
    assert ear.watcher is not None
    ear.watcher._seen = seen
    for value in range(100):
        await ear.say(str(value / 10), CELSIUS)

    assert len(asked) <= 2
