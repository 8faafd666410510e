"""The engine as a whole: readings in, decisions out, nothing lost over a restart."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.smartloop.engine import (
    HOUSE,
    OUTDOOR,
    ActKind,
    Autonomy,
    Decision,
    DecisionKey,
    DecisionState,
    Engine,
    EngineError,
    Feedback,
    Forecaster,
    ForecastResult,
    Journey,
    Measurand,
    Outcome,
    ReadingError,
    Reason,
    Room,
    SnapshotError,
    Verdict,
    WeatherPoint,
)
from tests.engine.house import ATTIC, BATH, HOUSEHOLD, RH, START, air, live, reading

DAMP = (20.0, 75.0)
LONG = timedelta(hours=200)


def engine(*, forecaster: bool = False, **household: Any) -> Engine:
    return Engine(replace(HOUSEHOLD, **household), Forecaster(None, None) if forecaster else None)


def keys(decisions: list[Decision]) -> list[tuple[str, str]]:
    return [(decision.key.value, decision.state.value) for decision in decisions]


def answer(decision: Decision, verdict: Verdict, at: datetime, name: str = "f1") -> Feedback:
    return Feedback(
        id=name,
        key=decision.key,
        verdict=verdict,
        at=at,
        room=decision.room,
        person="ana",
        decision_id=decision.id,
    )


def weather(begin: datetime, temperature: float = 2.0) -> list[WeatherPoint]:
    return [
        WeatherPoint(at=begin + timedelta(hours=n), temperature=temperature, relative_humidity=80.0) for n in range(60)
    ]


def foretold(made: Engine, now: datetime) -> None:
    made.apply_forecast(made.forecast_job(made.forecast_due(now), now).run(), now)


# Readings and looks.


def test_a_damp_room_gets_advice_and_a_dry_one_silence() -> None:
    assert keys(live(engine(), indoor=DAMP)) == [("mold.ventilate", "raised")]
    assert live(engine(), indoor=(20.0, 30.0)) == []


def test_air_that_is_wetter_outside_is_never_let_in() -> None:
    decisions = live(engine(), indoor=(14.0, 85.0), outdoor=(13.0, 98.0), hours=6)

    assert decisions
    assert DecisionKey.MOLD_VENTILATE not in {decision.key for decision in decisions}


@pytest.mark.parametrize(("indoor", "outdoor"), [(None, (2.0, 80.0)), (DAMP, None)])
def test_without_data_there_is_no_decision(indoor: Any, outdoor: Any) -> None:
    made = engine()

    assert live(made, indoor=indoor, outdoor=outdoor, hours=5) == []
    view = made.view("bath")
    assert view.surface_humidity is None
    assert view.mold_index is None
    assert view.best_act is None
    assert view.no_act_reason is (Reason.NO_READINGS if indoor is None else Reason.STALE_OUTDOOR)
    assert view.held_hours == 5.0


def test_a_journey_that_is_off_is_off() -> None:
    made = engine(journeys={Journey.MOLD: Autonomy.OFF})

    assert live(made, indoor=DAMP) == []
    assert made.view("bath").no_act_reason is Reason.JOURNEY_OFF


def test_a_reading_of_nowhere_is_refused() -> None:
    made = engine()

    with pytest.raises(ReadingError, match="cellar"):
        made.observe(reading(RH, 50.0, "cellar", START))
    made.observe(reading(Measurand.WATER_FLOW, 1.0, HOUSE, START, "meter"))
    assert made.liveness("meter") == START


def test_rooms_are_told_apart() -> None:
    made = engine()
    live(made, indoor=DAMP)

    assert made.view("attic").at is None
    assert made.view("attic").temperature is None
    assert made.view("bath").temperature == 20.0
    with pytest.raises(ReadingError, match="cellar"):
        made.view("cellar")


def test_the_view_says_what_is_known() -> None:
    made = engine()
    live(made, indoor=DAMP, hours=5)
    view = made.view("bath")

    assert view.at == START + timedelta(hours=5)
    assert view.relative_humidity == pytest.approx(75.0)
    # 20 °C at 75 %: 15.4 °C (ASHRAE 2017).
    assert view.dew_point == pytest.approx(15.4, abs=0.1)
    assert view.data_age_s == 0.0
    assert view.surface_humidity == max(surface.humidity or 0.0 for surface in view.surfaces)
    assert view.condensation
    assert view.mold_hours == 5.0
    assert view.mold_index is not None
    assert view.mold_index_lo is not None
    assert view.mold_index_hi is not None
    assert view.mold_index_lo <= view.mold_index <= view.mold_index_hi
    assert view.best_act is not None
    assert view.best_act.kind is ActKind.VENTILATE
    assert [decision.key for decision in view.active] == [DecisionKey.MOLD_VENTILATE]
    assert view.air_change_rate == pytest.approx(6.0)
    assert view.window_open is None
    assert all(surface.mold_index is not None for surface in view.surfaces)


def test_an_open_window_and_a_running_dryer_are_seen() -> None:
    made = engine()
    made.observe(reading(Measurand.WINDOW_OPEN, 1.0, "bath", START))
    made.observe(reading(Measurand.SWITCH_ON, 1.0, "bath", START, "dryer"))

    assert live(made, indoor=DAMP) == []
    assert made.view("bath").window_open
    assert made.view("bath").no_act_reason is Reason.WINDOW_OPEN


def test_very_dry_cold_air_breaks_nothing() -> None:
    live(engine(), indoor=(-40.0, 0.5), outdoor=(-50.0, 0.5))
    live(engine(), indoor=(60.0, 100.0), outdoor=(-60.0, 0.5))


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.tuples(st.floats(-60.0, 60.0), st.floats(0.5, 100.0)), st.tuples(st.floats(-60.0, 60.0), st.floats(0.5, 100.0))
)
def test_every_climate_that_is_let_in_can_be_lived_through(
    indoor: tuple[float, float], outdoor: tuple[float, float]
) -> None:
    made = engine()
    live(made, indoor=indoor, outdoor=outdoor, hours=3, every=30)

    assert made.view("bath").mold_hours == 3.0


# The clock.


def test_a_clock_that_jumps_back_changes_nothing() -> None:
    made = engine()
    live(made, indoor=DAMP)
    before, view = made.snapshot(), made.view("bath")

    result = made.step("bath", START)

    assert (result.decisions, result.effect, result.changed) == ((), None, False)
    assert made.snapshot() == before
    assert made.view("bath") is view


def test_a_clock_without_zone_is_refused() -> None:
    for ask in (engine().due, lambda now: engine().step("bath", now)):
        with pytest.raises(ReadingError, match="zone"):
            ask(START.replace(tzinfo=None))


def test_what_is_not_confirmed_expires() -> None:
    made = engine()
    live(made, indoor=DAMP)

    result = made.step("bath", START + timedelta(hours=20))

    assert keys(list(result.decisions)) == [("mold.ventilate", "cleared")]
    assert made.view("bath").active == ()


def test_rooms_are_due_when_something_is_new_or_an_hour_is_over() -> None:
    made = engine()
    assert made.due(START) == ("bath", "attic")
    for room in ("bath", "attic"):
        made.step(room, START)

    def due(**later: float) -> tuple[str, ...]:
        return made.due(START + timedelta(**later))

    assert due() == due(minutes=9) == due(minutes=-30) == ()
    assert due(minutes=10) == ("bath", "attic")
    made.observe(reading(RH, 50.0, "bath", START))
    made.observe(reading(RH, 50.0, OUTDOOR, START))
    assert due(seconds=59) == ()
    assert due(seconds=60) == ("bath",)

    late = START + timedelta(minutes=59, seconds=30)
    for room in ("bath", "attic"):
        made.step(room, late)
    assert made.due(late + timedelta(seconds=29)) == ()
    assert made.due(late + timedelta(seconds=30)) == ("bath", "attic")


def test_a_look_tells_whether_anything_changed() -> None:
    made = engine()
    for each in (*air("bath", 20.0, 50.0, START), *air(OUTDOOR, 2.0, 80.0, START)):
        made.observe(each)

    assert made.step("bath", START).changed
    assert not made.step("bath", START).changed


# Answers.


def raised(made: Engine) -> Decision:
    (decision,) = live(made, indoor=DAMP)
    assert decision.state is DecisionState.RAISED
    return decision


NOW = START + timedelta(hours=2)


def test_wrong_raises_the_bar_within_one_event() -> None:
    made = engine()
    decision = raised(made)

    lesson = made.learn(answer(decision, Verdict.WRONG, NOW))

    assert lesson is not None
    assert lesson.bar_shift > 0.0
    assert made.lessons() == (lesson,)
    assert made.view("bath").active == ()
    assert "bath" in made.due(NOW)
    assert keys(list(made.step("bath", NOW).decisions)) == [("mold.ventilate", "cleared")]
    later = live(made, begin=NOW, hours=10, indoor=DAMP)
    assert keys(later) == [("mold.ventilate", "shadow")]
    assert made.recipients(later[0], NOW + timedelta(hours=10)) == ()
    assert made.view("bath").shadows


def test_a_lesson_can_be_undone_once() -> None:
    made = engine()
    made.learn(answer(raised(made), Verdict.WRONG, NOW))

    assert made.undo("f1")
    assert not made.undo("f1")
    assert made.lessons() == ()


def test_the_same_answer_twice_is_one_lesson() -> None:
    made = engine()
    decision = raised(made)

    assert made.learn(answer(decision, Verdict.WRONG, NOW)) is not None
    assert made.learn(answer(decision, Verdict.WRONG, NOW)) is None
    assert len(made.lessons()) == 1


def test_an_answer_that_teaches_nothing_new_leaves_every_view_alone() -> None:
    """Each start reads the ledger's answers again: in a large house renewing all views for each takes seconds."""
    made = engine()
    decision = raised(made)
    views = [made.view(room.id) for room in made.household.rooms]

    made.learn(answer(decision, Verdict.ACKNOWLEDGED, NOW, "f0"))
    assert all(made.view(view.room) is view for view in views)

    made.learn(answer(decision, Verdict.WRONG, NOW))
    views = [made.view(room.id) for room in made.household.rooms]
    assert made.view("bath").active == ()
    made.learn(answer(decision, Verdict.WRONG, NOW))
    assert all(made.view(view.room) is view for view in views)


@pytest.mark.parametrize("named", [True, False])
def test_done_is_verified_afterwards(*, named: bool) -> None:
    made = engine()
    decision = raised(made)
    feedback = answer(decision, Verdict.HELPFUL, NOW)
    made.learn(feedback if named else replace(feedback, decision_id=None))

    begin = NOW + timedelta(minutes=10)
    live(made, begin=begin, hours=1.5, indoor=(19.0, 45.0))

    effect = made.view("bath").effect
    assert effect is not None
    assert effect.outcome is Outcome.CONFIRMED
    assert made.record(DecisionKey.MOLD_VENTILATE, "bath").helpful == 1


def test_an_answer_to_something_else_is_no_act() -> None:
    made = engine()
    decision = raised(made)
    made.learn(replace(answer(decision, Verdict.HELPFUL, NOW), decision_id=None, room="attic"))

    live(made, begin=NOW, hours=2, indoor=DAMP)

    assert made.view("bath").effect is None


def test_what_an_answer_ended_is_told_even_when_the_clock_jumps_back() -> None:
    made = engine()
    made.learn(answer(raised(made), Verdict.WRONG, NOW))

    result = made.step("bath", START)

    assert keys(list(result.decisions)) == [("mold.ventilate", "cleared")]
    assert result.changed


def test_who_was_told_is_not_told_again() -> None:
    made = engine()
    decision = raised(made)

    assert made.recipients(decision, NOW) == ("ana",)
    made.told(decision, "ana", NOW)
    assert made.recipients(decision, NOW) == ()


def test_a_room_can_be_forgotten() -> None:
    made = engine(forecaster=True)
    decision = raised(made)
    made.learn(answer(decision, Verdict.HELPFUL, NOW))
    made.step("bath", NOW)
    live(made, begin=NOW, hours=8, indoor=DAMP)
    assert made.view("bath").active

    made.reset("bath")

    assert made.lessons() == ()
    assert made.view("bath").mold_index is None
    assert keys(list(made.step("bath", NOW + timedelta(hours=8)).decisions)) == [("mold.ventilate", "cleared")]
    engine().reset("bath")


# Forecasts.


def test_forecasts_are_due_once_an_hour() -> None:
    made = engine(forecaster=True)
    assert made.forecast_due(START) == ()
    live(made, hours=30)
    now = START + timedelta(hours=30, minutes=20)
    made.observe_weather(weather(now))

    assert made.forecast_due(now) == ("bath",)
    foretold(made, now)
    assert made.forecast_due(now) == ()
    view = made.view("bath")
    assert [each.hours for each in view.forecast] == [6, 12, 24, 48]
    assert view.forecast[2].temperature.value == pytest.approx(20.0, abs=0.5)
    assert view.forecast_surface_humidity == pytest.approx(view.surface_humidity, abs=5.0)

    made.step("bath", now)
    assert made.view("bath").forecast == view.forecast
    live(made, begin=now, hours=0)
    made.step("bath", now + timedelta(hours=5))
    assert made.view("bath").forecast == ()


def test_without_weather_the_surface_is_not_forecast() -> None:
    made = engine(forecaster=True)
    live(made, hours=30)
    foretold(made, START + timedelta(hours=30))

    assert made.view("bath").forecast
    assert made.view("bath").forecast_surface_humidity is None


def test_a_room_that_fell_silent_is_not_forecast() -> None:
    made = engine(forecaster=True)
    live(made, hours=30)
    live(made, begin=START + timedelta(hours=30), hours=4, indoor=None)
    now = START + timedelta(hours=34)
    made.observe_weather(weather(now))
    foretold(made, now)

    assert all(each.temperature.abstained for each in made.view("bath").forecast)
    assert made.view("bath").forecast_surface_humidity is None


def test_a_short_history_is_not_forecast() -> None:
    made = engine(forecaster=True)
    live(made, hours=3)
    made.observe_weather(weather(START))
    foretold(made, START + timedelta(hours=3))

    assert all(each.temperature.abstained for each in made.view("bath").forecast)
    assert made.view("bath").forecast_surface_humidity is None


def test_an_engine_without_forecaster_forecasts_nothing() -> None:
    made, other = engine(), engine(forecaster=True)
    for each in (made, other):
        live(each, hours=30)
    now = START + timedelta(hours=30)

    assert made.forecast_due(now) == ()
    with pytest.raises(ReadingError, match="no forecaster"):
        made.forecast_job(("bath",), now)
    made.apply_forecast(other.forecast_job(("bath",), now).run(), now)
    assert made.view("bath").forecast == ()


def test_a_forecast_of_a_room_that_is_gone_is_dropped() -> None:
    made, small = engine(forecaster=True), engine(forecaster=True, rooms=(ATTIC,))
    live(made, hours=30)
    now = START + timedelta(hours=30)
    result: ForecastResult = made.forecast_job(("bath",), now).run()

    small.apply_forecast(result, now)

    assert small.view("attic").forecast == ()


def test_another_forecaster_takes_over_what_was_learned() -> None:
    made = engine(forecaster=True)
    live(made, hours=30)
    foretold(made, START + timedelta(hours=30))
    assert made.forecaster is not None
    learned = made.forecaster.snapshot()

    made.forecaster = Forecaster(None, None)
    assert made.forecaster.snapshot() == learned
    made.forecaster = None
    assert made.forecaster is None
    made.forecaster = Forecaster(None, None)
    assert made.forecaster.snapshot() != learned


# Over a restart.


def busy() -> Engine:
    """Return an engine that knows, stands for, was taught and waits for something."""
    made = engine(forecaster=True)
    live(made, hours=30, indoor=DAMP)
    now = START + timedelta(hours=30)
    made.observe_weather(weather(now))
    foretold(made, now)
    (decision,) = made.view("bath").active
    made.told(decision, "ana", now)
    made.learn(answer(decision, Verdict.WRONG, now))
    return made


def restored(state: Any, **household: Any) -> Engine:
    made = engine(forecaster=True, **household)
    made.restore(json.loads(json.dumps(state)))
    return made


def test_a_snapshot_goes_round_and_goes_on_the_same() -> None:
    made = busy()
    again = restored(made.snapshot())

    assert again.snapshot() == made.snapshot()
    assert again.lessons() == made.lessons()
    now = START + timedelta(hours=30)
    assert again.view("bath").at == now
    assert again.view("bath").mold_index == made.view("bath").mold_index
    assert again.view("bath").temperature is None
    for each in (made, again):
        live(each, begin=now, hours=20, indoor=DAMP)
    assert keys(list(made.view("bath").active)) == keys(list(again.view("bath").active))
    assert again.view("bath").mold_index == made.view("bath").mold_index
    assert again.snapshot()["rooms"] == made.snapshot()["rooms"]
    assert again.snapshot()["policy"] == made.snapshot()["policy"]


def test_a_snapshot_comes_in_pieces_of_a_room_at_most() -> None:
    made = busy()
    whole: dict[str, object] = {}

    def gather() -> Iterator[None]:
        whole.update((yield from made.snapshot_pieces()))

    pieces = list(gather())

    assert whole == made.snapshot()
    assert len(pieces) == len(made.household.rooms) + 2


def test_a_snapshot_is_of_its_moment() -> None:
    made = busy()
    snapshot = made.snapshot()
    kept = deepcopy(snapshot)
    live(made, begin=START + timedelta(hours=31), hours=3, indoor=DAMP)

    assert snapshot == kept


def test_what_waited_is_told_after_the_restart() -> None:
    again = restored(busy().snapshot())

    assert keys(list(again.step("bath", START + timedelta(hours=30)).decisions)) == [("mold.ventilate", "cleared")]


def test_rooms_that_are_gone_are_left_out_and_new_ones_begin() -> None:
    cellar = Room(id="cellar", name="Cellar")
    again = restored(busy().snapshot(), rooms=(BATH, cellar))

    assert again.view("bath").mold_hours == 30.0
    assert again.view("cellar").mold_hours == 0.0
    assert restored(busy().snapshot(), rooms=(cellar,)).step("cellar", START + LONG).decisions == ()


def test_an_engine_without_forecaster_can_be_restored_either_way() -> None:
    without = engine()
    without.restore(busy().snapshot())

    assert without.snapshot()["forecasts"] is None
    assert restored(without.snapshot()).view("bath").mold_hours == 30.0


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": True},
        {"version": None},
        {"rooms": []},
        {"rooms": {"bath": None}},
        {"context": None},
        {"policy": {}},
        {"effects": {}},
        {"weather": None},
        {"forecasts": {"rooms": 1}},
        {"waiting": None},
        {"waiting": [{}]},
    ],
)
def test_a_bad_snapshot_is_refused_and_the_engine_untouched(change: dict[str, Any]) -> None:
    state = busy().snapshot() | change
    made = busy()
    before, view = made.snapshot(), made.view("bath")

    with pytest.raises(SnapshotError):
        made.restore(state)
    assert made.snapshot() == before
    assert made.view("bath") is view


@pytest.mark.parametrize("state", [None, [], "x", {}, {"version": 1}])
def test_what_is_no_snapshot_is_refused(state: Any) -> None:
    with pytest.raises(SnapshotError):
        engine().restore(state)


SNAPSHOT = json.dumps(busy().snapshot())
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 10**400, 1.5e300, float("nan"), "", "x", [], {}, [[]], {"a": 1}]
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container with every key in it."""
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value[:8]))
    else:
        return []
    return [(value, key) for key, _ in inner] + [place for _, each in inner for place in places(each)]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_whatever_is_stored_it_is_taken_whole_or_refused(data: st.DataObject) -> None:
    state = json.loads(SNAPSHOT)
    container, key = data.draw(st.sampled_from(places(state)), label="where")
    container[key] = data.draw(JUNK, label="junk")
    made = engine(forecaster=True)
    before = made.snapshot()

    try:
        made.restore(state)
    except EngineError as err:
        assert isinstance(err, SnapshotError)  # noqa: PT017  anything else fails by itself
        assert made.snapshot() == before
    else:
        live(made, begin=START + timedelta(hours=31), hours=1.5, indoor=DAMP)
        made.snapshot()


# The past.


def test_the_past_is_taken_over() -> None:
    past, now = engine(), engine()
    live(past, hours=100, every=60, indoor=DAMP)
    begin = START + timedelta(hours=100)
    live(now, begin=begin, hours=0.5)

    now.adopt(past)
    live(now, begin=begin + timedelta(minutes=30), hours=1)

    assert now.view("bath").mold_hours == 101.0
    assert now.view("bath").mold_index == pytest.approx(past.view("bath").mold_index, abs=0.01)
    live(past, begin=START + LONG, hours=1)
    assert now.view("bath").mold_hours == 101.0


def test_a_past_that_knows_less_is_not_taken_over() -> None:
    now = engine()
    live(now, hours=10, indoor=DAMP)
    less, elsewhere, nothing = engine(), engine(rooms=(Room(id="cellar", name="Cellar"),)), engine()
    live(less, hours=3)

    for past in (less, elsewhere, nothing):
        now.adopt(past)

    assert now.view("bath").mold_hours == 10.0
    engine().adopt(nothing)
