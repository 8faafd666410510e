"""The forecast of a room: agreeing values in bands, abstention, fallback, learning, and what is stored."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.forecast import (
    HISTORY_HOURS,
    HISTORY_NAMES,
    HORIZONS,
    LEAD_HOURS,
    WEATHER_NAMES,
    Tensor,
)
from custom_components.smartloop.engine.features.psychrometrics import relative_humidity, saturation_pressure
from custom_components.smartloop.engine.models.forecast import MAX_AGE_S, Forecaster, ForecastInput, ForecastOutput
from custom_components.smartloop.engine.models.forecast_bands import LEVELS
from custom_components.smartloop.engine.models.forecast_voices import HISTORY_MODEL, WEATHER_MODEL, WEATHER_PARTS
from custom_components.smartloop.engine.models.model import Runner

HOUR = 480_000
NAN = np.nan


class Stub:
    """A model that always says the same parts."""

    version = "7"

    def __init__(self, names: tuple[str, ...], parts: NDArray[np.floating[Any]], **metadata: object) -> None:
        given = {
            "features": list(names),
            "mean": [0.0] * len(names),
            "std": [1.0] * len(names),
            "reach": "100",
            "conformal": np.tile(np.linspace(0.1, 3.0, len(LEVELS)), (4, 3, 1)).tolist(),
        }
        self.metadata: Mapping[str, str] = {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in (given | metadata).items()
        }
        self.parts = parts
        self.runs = 0

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        self.runs += 1
        assert inputs["features"].shape == (1, len(json.loads(self.metadata["features"])))
        assert inputs["features"].dtype == np.float32
        return {"parts": self.parts.astype(np.float32)[None, :]}


def history(parts: NDArray[np.floating[Any]] | None = None, **metadata: object) -> Stub:
    return Stub(HISTORY_NAMES, np.zeros(8) if parts is None else parts, **metadata)


def weather(parts: NDArray[np.floating[Any]] | None = None, **metadata: object) -> Stub:
    return Stub(WEATHER_NAMES, np.zeros(8 * WEATHER_PARTS) if parts is None else parts, **metadata)


def wave(hours: np.ndarray, mean: float, swing: float) -> Tensor:
    return (mean + swing * np.cos(2 * np.pi * hours / 24)).astype(np.float32)


def room(hour: int = HOUR, name: str = "bath", **changed: object) -> ForecastInput:
    past, ahead = hour + np.arange(-HISTORY_HOURS + 1, 1), hour + np.arange(1, LEAD_HOURS + 1)
    given: dict[str, object] = {
        "room": name,
        "temperature": wave(past, 20.0, 1.0),
        "vapour_pressure": wave(past, 12.0, 0.5),
        "outdoor_temperature": wave(past, 8.0, 4.0),
        "outdoor_vapour_pressure": wave(past, 8.0, 0.2),
        "forecast_temperature": wave(ahead, 8.0, 4.0),
        "forecast_vapour_pressure": wave(ahead, 8.0, 0.2),
        "local_hour": float(hour % 24),
        "weekday": hour // 24 % 7,
        "age_s": 60.0,
    }
    return ForecastInput(**(given | changed))  # type: ignore[arg-type]


def ask(forecaster: Forecaster, *inputs: ForecastInput, hour: int = HOUR) -> tuple[ForecastOutput, ...]:
    return forecaster.apply(forecaster.job(hour, inputs).run())


def one(forecaster: Forecaster, given: ForecastInput | None = None, hour: int = HOUR) -> ForecastOutput:
    return ask(forecaster, given or room(hour), hour=hour)[0]


def check(output: ForecastOutput) -> None:
    """Hold a forecast to its laws."""
    assert [h.hours for h in output.horizons] == list(HORIZONS)
    for ahead in output.horizons:
        t, e, rh = ahead.temperature, ahead.vapour_pressure, ahead.relative_humidity
        assert not t.abstained
        for band in (t, e, rh):
            assert band.lo is not None
            assert band.value is not None
            assert band.hi is not None
            assert band.lo <= band.value <= band.hi
            assert band.confidence == pytest.approx(0.9)
        assert e.lo is not None
        assert rh.lo is not None
        assert rh.hi is not None
        assert t.value is not None
        assert e.value is not None
        assert e.lo >= 0
        assert 0 <= rh.lo <= rh.hi <= 100
        assert rh.value == pytest.approx(relative_humidity(t.value, 100 * e.value))
        assert t.lo is not None
        assert t.hi is not None
        assert e.hi is not None
        assert e.hi <= saturation_pressure(t.hi) / 100 + 1e-9
        assert rh.lo >= relative_humidity(t.hi, 100 * e.lo) - 1e-9
        assert rh.hi <= min(relative_humidity(t.lo, 100 * e.hi), 100) + 1e-9


def abstains(output: ForecastOutput, why: str) -> bool:
    bands = [b for h in output.horizons for b in (h.temperature, h.vapour_pressure, h.relative_humidity)]
    return all(b.abstained and b.value is b.lo is b.hi is None and b.why == (why,) and not b.confidence for b in bands)


def test_runners_are_what_the_engine_calls_runners() -> None:
    runner: Runner = history()

    assert runner.version == "7"


def test_the_fallback_answers_alone() -> None:
    output = one(Forecaster())

    check(output)
    assert output.room == "bath"
    assert output.hour == HOUR
    assert {h.temperature.model_version for h in output.horizons} == {"fallback"}
    t = room().temperature.astype(float)
    ahead = output.horizons[0].temperature
    assert ahead.value is not None
    assert min(t[-1], t[-19], t[-24:].mean()) <= ahead.value <= max(t[-1], t[-19], t[-24:].mean())
    assert ahead.data_age_s == 60.0


def test_models_shift_the_forecast_and_are_named() -> None:
    shift = np.zeros((4, 2))
    shift[2, 0] = 1.0
    plain = one(Forecaster()).horizons[2]
    own = one(Forecaster(history(shift.reshape(-1)))).horizons[2]
    sky = np.zeros((4, 2, WEATHER_PARTS))
    sky[2, 0, 1] = 1.0
    both = one(Forecaster(history(), weather(sky.reshape(-1)))).horizons[2]

    assert plain.temperature.value is not None
    assert own.temperature.value is not None
    assert both.temperature.value is not None
    # History, weather and personal experts follow the history model; the weather's alone two of the six.
    assert own.temperature.value - plain.temperature.value == pytest.approx(0.95 / 1.1, abs=1e-6)
    assert both.temperature.value - plain.temperature.value == pytest.approx(0.85 / 1.1, abs=1e-6)
    assert own.temperature.model_version == f"{HISTORY_MODEL} 7"
    assert both.temperature.model_version == f"{WEATHER_MODEL} 7"
    assert own.temperature.why == ("habit",)
    assert both.temperature.why == ("weather_trend",)
    assert plain.temperature.why == ()


def test_the_history_model_answers_where_the_weather_is_not_known() -> None:
    dry = room(forecast_vapour_pressure=np.full(LEAD_HOURS, NAN, np.float32))
    short = room()
    short.forecast_temperature[24:] = NAN

    output = one(Forecaster(history(), weather()), dry)
    late = one(Forecaster(history(), weather()), short)

    assert {h.temperature.model_version for h in output.horizons} == {f"{WEATHER_MODEL} 7"}
    assert {h.vapour_pressure.model_version for h in output.horizons} == {f"{HISTORY_MODEL} 7"}
    assert {h.relative_humidity.model_version for h in output.horizons} == {f"{HISTORY_MODEL} 7"}
    assert [h.temperature.model_version.split()[0] for h in late.horizons] == [WEATHER_MODEL] * 3 + [HISTORY_MODEL]


def test_no_forecast_leaves_the_blend_by_more_than_its_bound() -> None:
    wild = one(Forecaster(history(np.full(8, 1e4))))

    check(wild)
    for ahead in wild.horizons:
        assert ahead.temperature.value is not None
        assert ahead.temperature.value < 20 + 4 * 1.0 + 1


def test_saturated_air_stays_at_100_percent() -> None:
    wet = room(vapour_pressure=np.full(HISTORY_HOURS, 23.0, np.float32))

    output = one(Forecaster(), wet)

    check(output)


def test_dry_air_stays_above_nothing() -> None:
    check(one(Forecaster(history(np.full(8, -50.0))), room(vapour_pressure=np.full(HISTORY_HOURS, 0.5, np.float32))))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"age_s": MAX_AGE_S + 1}, "stale"),
        ({"temperature": np.full(HISTORY_HOURS, NAN, np.float32)}, "stale"),
        (
            {"temperature": np.r_[np.full(HISTORY_HOURS - 13, NAN), np.full(13, 20.0)].astype(np.float32)},
            "short_history",
        ),
    ],
)
def test_it_abstains_with_a_reason(changed: dict[str, Any], why: str) -> None:
    assert abstains(one(Forecaster(history(), weather()), room(**changed)), why)


def test_it_abstains_where_the_model_knows_no_such_room() -> None:
    model = history(reach="1e-12")

    assert abstains(one(Forecaster(model)), "unlike_training")
    assert model.runs == 0


def test_strange_weather_leaves_the_history_model() -> None:
    output = one(Forecaster(history(), weather(reach="1e-12")))

    check(output)
    assert {h.temperature.model_version for h in output.horizons} == {f"{HISTORY_MODEL} 7"}


class Broken(Stub):
    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        msg = f"cannot take {sorted(inputs)}"
        raise RuntimeError(msg)


def test_a_failing_model_is_named_and_the_fallback_answers() -> None:
    forecaster = Forecaster(Broken(HISTORY_NAMES, np.zeros(8)), Broken(WEATHER_NAMES, np.zeros(24)))

    output = one(forecaster)

    check(output)
    assert {h.temperature.model_version for h in output.horizons} == {"fallback"}
    assert forecaster.problems == (
        "room_forecast: cannot take ['features']",
        "room_forecast_weather: cannot take ['features']",
    )


def test_an_answer_that_is_no_number_is_a_failure() -> None:
    forecaster = Forecaster(history(np.full(8, NAN)))

    check(one(forecaster))
    assert forecaster.problems == ("room_forecast: answered something that is no finite number",)


def test_a_model_made_for_other_features_is_left_out() -> None:
    forecaster = Forecaster(history(features=["other"]), weather())

    output = one(forecaster)

    check(output)
    assert forecaster.problems[0].startswith("room_forecast: ")
    assert forecaster.versions == ("", "7")
    # Without the history model nothing says whether the room is a strange one; the weather model still answers.
    assert {h.temperature.model_version for h in output.horizons} == {f"{WEATHER_MODEL} 7"}


def test_no_rooms_no_work() -> None:
    assert ask(Forecaster(history())) == ()


def test_rooms_do_not_see_each_other() -> None:
    odd = room(name="attic", temperature=wave(np.arange(HISTORY_HOURS), 30.0, 3.0))
    mute = room(name="shed", age_s=1e6)
    together = ask(Forecaster(history(), weather()), odd, room(), mute)
    alone = one(Forecaster(history(), weather()))

    assert [o.room for o in together] == ["attic", "bath", "shed"]
    assert together[1] == alone
    assert abstains(together[2], "stale")


def live(
    forecaster: Forecaster, hours: int, begin: int = HOUR, *, drift: float = 0.0, swing: float = 1.0
) -> list[ForecastOutput]:
    """Forecast hour after hour a room that swings, or warms steadily."""
    out = []
    for hour in range(begin, begin + hours):
        past = hour + np.arange(-HISTORY_HOURS + 1, 1)
        given = room(hour, temperature=(wave(past, 20.0, swing) + drift * (past - HOUR)).astype(np.float32))
        out.append(one(forecaster, given, hour))
    return out


def test_a_room_teaches_how_it_differs_and_that_is_said() -> None:
    # The only trait is the truth that everyone's model leaves out: after a week the room says so.
    sky = np.zeros((4, 2, WEATHER_PARTS))
    sky[:, 0, 3] = 1.0
    forecaster = Forecaster(history(), weather(sky.reshape(-1)))

    outputs = live(forecaster, 24 * 14, drift=0.1)

    assert "own_way" not in outputs[0].horizons[2].temperature.why
    assert "own_way" in outputs[-1].horizons[2].temperature.why


def test_it_learns_which_expert_to_trust() -> None:
    wrong = np.zeros((4, 2))
    wrong[:, 0] = 3.0
    forecaster = Forecaster(history(wrong.reshape(-1)))

    outputs = live(forecaster, 150)

    def miss(output: ForecastOutput) -> float:
        value = output.horizons[0].temperature.value
        assert value is not None
        return abs(value - float(wave(np.array([output.hour + 6]), 20.0, 1.0)[0]))

    early, late = np.mean([miss(o) for o in outputs[:24]]), np.mean([miss(o) for o in outputs[-24:]])
    assert late < 0.5 * early


def test_bands_narrow_when_they_are_never_missed_and_widen_when_they_are() -> None:
    calm, torn = Forecaster(), Forecaster(history(conformal=np.full((4, 3, len(LEVELS)), 1e-3).tolist()))
    calm_out, torn_out = live(calm, 80, swing=0.0), live(torn, 80, drift=0.05)

    def width(output: ForecastOutput) -> float:
        band = output.horizons[0].temperature
        assert band.lo is not None
        assert band.hi is not None
        return band.hi - band.lo

    assert width(calm_out[-1]) < width(calm_out[0])
    miss = torn.job(HOUR + 80, [room(HOUR + 80)]).records[0].miss
    assert miss[0, 0, 0] < 0.005
    assert calm.job(HOUR + 80, [room(HOUR + 80)]).records[0].miss[0, 0, 0] > 0.1
    assert torn_out[-1].horizons[0].temperature.lo is not None


def test_a_job_changes_nothing_until_it_is_applied() -> None:
    forecaster = Forecaster(history())
    live(forecaster, 30)
    before = json.dumps(forecaster.snapshot())

    job = forecaster.job(HOUR + 30, [room(HOUR + 30)])
    first, second = job.run(), job.run()

    assert json.dumps(forecaster.snapshot()) == before
    assert first.outputs == second.outputs
    forecaster.apply(first)
    assert json.dumps(forecaster.snapshot()) != before


def test_what_was_forgotten_meanwhile_stays_forgotten() -> None:
    forecaster = Forecaster(history())
    live(forecaster, 10)
    result = forecaster.job(HOUR + 10, [room(HOUR + 10)]).run()

    forecaster.forget("bath")
    outputs = forecaster.apply(result)

    check(outputs[0])
    assert forecaster.snapshot()["rooms"] == {}


def test_going_on_after_a_restart_is_as_if_it_had_never_stopped() -> None:
    forecaster = Forecaster(history(np.full(8, 0.5)), weather())
    live(forecaster, 60)
    again = Forecaster(history(np.full(8, 0.5)), weather())
    again.restore(json.loads(json.dumps(forecaster.snapshot())))

    def values(outputs: list[ForecastOutput]) -> list[float | None]:
        return [h.relative_humidity.hi for o in outputs for h in o.horizons]

    assert values(live(again, 20, HOUR + 60)) == pytest.approx(values(live(forecaster, 20, HOUR + 60)), rel=1e-4)


def test_what_was_learned_of_other_models_is_not_taken_up() -> None:
    forecaster = Forecaster(history())
    live(forecaster, 10)
    other = Forecaster()

    other.restore(forecaster.snapshot())

    assert other.snapshot()["rooms"] == {}


@pytest.mark.parametrize("stored", [{"versions": ["", ""]}, {"format": 1, "versions": ["", ""]}])
def test_what_an_older_release_stored_is_left_behind(stored: dict[str, object]) -> None:
    forecaster = Forecaster()
    live(forecaster, 2)

    forecaster.restore(stored | {"rooms": {"bath": {"gram": "of another size"}}})

    assert forecaster.snapshot()["rooms"] == {}
    check(one(forecaster, hour=HOUR + 2))


@pytest.mark.parametrize(
    "stored", [None, [], {}, {"rooms": []}, {"format": 2, "versions": ["", ""], "rooms": {"bath": {}}}]
)
def test_unreadable_state_is_refused(stored: object) -> None:
    forecaster = Forecaster()
    live(forecaster, 2)
    before = forecaster.snapshot()

    with pytest.raises(SnapshotError):
        forecaster.restore(stored)

    assert forecaster.snapshot() == before


def test_missed_hours_are_caught_up_from_the_history() -> None:
    often, seldom = Forecaster(), Forecaster()
    live(often, 13)
    for hour in (HOUR, HOUR + 12):
        one(seldom, hour=hour)

    a = often.job(HOUR + 13, [room(HOUR + 13)]).records[0]
    b = seldom.job(HOUR + 13, [room(HOUR + 13)]).records[0]

    assert a.hour == b.hour == HOUR + 12
    # The one forecast both made at the start was judged at both horizons that fell due.
    assert (b.miss[0, :2, 0] != 0.1).all()
    assert (b.miss[0, 2:, 0] == 0.1).all()


@settings(max_examples=100, deadline=None)
@given(
    st.floats(-10, 40),
    st.floats(2, 99),
    st.floats(0, 4),
    st.integers(0, 10_000),
    st.lists(st.floats(-5, 5), min_size=24, max_size=24),
)
def test_laws_of_every_forecast(mean: float, humidity: float, swing: float, seed: int, parts: list[float]) -> None:
    rng = np.random.default_rng(seed)
    past = np.arange(HISTORY_HOURS)
    temperature = wave(past, mean, swing) + rng.normal(0, 0.3, HISTORY_HOURS).astype(np.float32)
    vapour = (saturation_pressure(temperature.astype(float)) * humidity / 10_000).astype(np.float32)
    holes = rng.random(HISTORY_HOURS) < 0.2
    holes[-1] = False
    temperature[holes] = NAN
    given_room = room(temperature=temperature, vapour_pressure=vapour)

    forecaster = Forecaster(history(np.array(parts[:8])), weather(np.array(parts)))

    check(one(forecaster, given_room))
    check(one(forecaster, replace(given_room, local_hour=3.0), hour=HOUR + 6))
