"""What no sensor, clock or disk should do: the learners of houses and nights stay whole, or refuse a stored state."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import inf, isfinite, nan
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from custom_components.smartloop import inference
from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.bed import BedMinute, night
from custom_components.smartloop.engine.features.particle_event import Surroundings
from custom_components.smartloop.engine.features.presence import Instant
from custom_components.smartloop.engine.features.reliever import DiaryDay
from custom_components.smartloop.engine.features.stillness import Habit
from custom_components.smartloop.engine.features.technique import Trace
from custom_components.smartloop.engine.features.water import Interval, Meter
from custom_components.smartloop.engine.models.breathing_pattern import MOST_MINUTES, BreathingPattern
from custom_components.smartloop.engine.models.burst import BurstWatch
from custom_components.smartloop.engine.models.forecast_record import CATCH_UP_HOURS, Record
from custom_components.smartloop.engine.models.infiltration import Infiltration
from custom_components.smartloop.engine.models.leak import LeakWatch
from custom_components.smartloop.engine.models.night import NightBaselines, NightFigures, figures
from custom_components.smartloop.engine.models.pm_event import Event, RoomWatch
from custom_components.smartloop.engine.models.presence_routine import PresenceForecaster
from custom_components.smartloop.engine.models.reliever_day import RelieverDay
from custom_components.smartloop.engine.models.routine_book import RoutineBook
from custom_components.smartloop.engine.models.technique import TechniqueJudge
from custom_components.smartloop.engine.models.technique_rules import Step
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine

FOLDER = Path(inference.__path__[0]).with_name("onnx")
CATALOG = Catalog.open(FOLDER)
PRESENCE, RELIEVER = (CATALOG.load(name, NumpyEngine()) for name in ("presence_routine", "reliever_day"))
START = 1.79e9
DAY = 86400.0
TODAY = 740_000
WRONG: tuple[object, ...] = (
    *(None, True, "", "ffff", [], {}, [[None]], [1, [2]], {"a": 1}, list(range(5000))),
    *(nan, inf, -1, 0, 3.7, 9.9e11, -1e11, 1e300, 10**400, -(10**400)),
)
TRIED = 500
"""Broken states of each learner"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Learner:
    name: str
    make: Callable[[], Any]
    restored: Callable[[object], Any]
    learn: Callable[[Any, int, random.Random], object]
    ask: Callable[[Any], object]
    events: int

    def __str__(self) -> str:
        return self.name


def moment(at: float) -> Instant:
    return Instant(at=at, minute=at / 60.0 % 1440.0, free=int(at // DAY) % 7 >= 5)


def drawn(i: int, rng: random.Random) -> Interval:
    busy = rng.random() * 9.0 if i // 36 % 2 else 0.0
    return Interval(start=START + 600.0 * i, end=START + 600.0 * (i + 1), litres=busy)


def live(home: PresenceForecaster, i: int, rng: random.Random) -> None:
    now = moment(START + 900.0 * i)
    home.advance(now)
    if rng.random() < 0.4:
        home.use(rng.choice(("kitchen", "bath", "hall")), now)


def breakfast(book: RoutineBook, i: int, rng: random.Random) -> None:
    now = moment(START + 1800.0 * i)
    book.advance(now)
    if i % 48 in {12, 30}:
        book.observe("kettle", now)
    if rng.random() < 0.1:
        book.observe("tv", now)
    if i == 500:
        habit = book.routines[0]
        assert book.by_hand(habit.key, replace(now, minute=habit.at), wanted=True)
    if i == 700:
        book.undo(book.routines[0].key)


def diary(days: int) -> list[DiaryDay]:
    return [DiaryDay(day=TODAY + i, used=i * 7 % 3 == 0, puffs=2.0) for i in range(max(days - 40, 0), days)]


LEARNERS = (
    Learner(
        name="leak watch",
        make=LeakWatch,
        restored=LeakWatch.restored,
        learn=lambda model, i, rng: model.observe(drawn(i, rng), step=1.0),
        ask=lambda model: (model.predict(START + 1e6), model.bounds(), model.silences()),
        events=2000,
    ),
    Learner(
        name="burst watch",
        make=BurstWatch,
        restored=BurstWatch.restored,
        learn=lambda model, i, _: model.observe(Interval(start=START + 5.0 * i, end=START + 5.0 * i + 5.0, litres=0.5)),
        ask=lambda model: (model.bound, model.able),
        events=300,
    ),
    Learner(
        name="meter",
        make=Meter,
        restored=Meter.restored,
        learn=lambda model, i, _: model.total(START + 600.0 * i, 5.0 * i),
        ask=lambda model: model.step,
        events=20,
    ),
    Learner(
        name="infiltration",
        make=Infiltration,
        restored=Infiltration.restored,
        learn=lambda model, i, rng: model.observe(START + 1800.0 * i, 20.0 * rng.random(), 40.0 * rng.random()),
        ask=lambda model: (model.share, model.expected(10.0)),
        events=300,
    ),
    Learner(
        name="rooms of the next hour",
        make=lambda: PresenceForecaster(PRESENCE),
        restored=lambda state: PresenceForecaster.restored(state, PRESENCE),
        learn=live,
        ask=lambda model: [model.forecast(room, moment(model.home.now + 60.0)) for room in model.home.names],
        events=300,
    ),
    Learner(
        name="routines",
        make=RoutineBook,
        restored=RoutineBook.restored,
        learn=breakfast,
        ask=lambda model: [(each.at, each.days, each.probability, each.held) for each in model.routines],
        events=1200,
    ),
    Learner(
        name="nights",
        make=NightBaselines,
        restored=NightBaselines.restored,
        learn=lambda model, i, rng: model.learn_one(
            datetime(2026, 1, 1, 23, tzinfo=UTC) + timedelta(days=i),
            NightFigures(heart_rate=60.0 + rng.random(), asleep=400.0, bedtime=600.0),
        ),
        ask=lambda model: model.coverage("heart_rate"),
        events=50,
    ),
    Learner(
        name="reliever days",
        make=lambda: RelieverDay(RELIEVER),
        restored=lambda state: RelieverDay.restored(RELIEVER, state),
        learn=lambda model, i, _: model.learn_one(diary(i + 1), TODAY + i),
        ask=lambda model: model.predict(diary(30), TODAY + 29, explain=False),
        events=60,
    ),
)
every = pytest.mark.parametrize("learner", LEARNERS, ids=str)


def taught(learner: Learner) -> Any:
    model, rng = learner.make(), random.Random(1)
    for i in range(learner.events):
        learner.learn(model, i, rng)
    return model


def stored(model: Any) -> Any:
    return json.loads(json.dumps(model.snapshot(), allow_nan=False))


def goes_on(learner: Learner, model: Any, events: int) -> object:
    rng = random.Random(2)
    for i in range(learner.events, learner.events + events):
        learner.learn(model, i, rng)
    return learner.ask(model)


def places(state: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(state, dict | list):
        return [path]
    items = state.items() if isinstance(state, dict) else enumerate(state)
    return [path, *(place for key, value in items for place in places(value, (*path, key)))]


def changed(state: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    out = deepcopy(state)
    inner = out
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return out


@every
def test_what_was_stored_goes_on_as_if_nothing_had_happened(learner: Learner) -> None:
    model = taught(learner)
    again = learner.restored(stored(model))

    assert stored(again) == stored(model)
    if learner.name != "rooms of the next hour":  # whose counts are stored to the sixth digit
        assert goes_on(learner, again, 60) == goes_on(learner, model, 60)
        assert stored(again) == stored(model)


@every
def test_a_broken_state_is_refused_or_works(learner: Learner) -> None:
    state, rng = stored(taught(learner)), random.Random(3)
    broken = [(path, wrong) for path in places(state) for wrong in WRONG]
    refused = 0
    for path, wrong in rng.sample(broken, min(TRIED, len(broken))):
        try:
            model = learner.restored(changed(state, path, wrong))
        except SnapshotError:
            refused += 1
            continue
        said = repr(goes_on(learner, model, 60 if learner.name == "routines" else 4))
        assert "nan" not in said, (path, wrong)
        assert "inf" not in said, (path, wrong)
        learner.restored(stored(model))
    assert refused > 0


def test_states_that_once_hung_or_broke_are_refused_or_work() -> None:
    leak = stored(taught(LEARNERS[0]))
    row = leak["tests"][1]
    with pytest.raises(SnapshotError):
        LeakWatch.restored({**leak, "tests": [[{"a": 1}, *row[1:]]]})
    # A whole century is weighed by its days, not by its hours.
    assert Habit().weigh(0.0, 36_525.0 * DAY + 7200.0) == pytest.approx(24.0 * 36_525.0 + 2.0)

    lines = stored(taught(LEARNERS[3]))
    steep = changed(lines, ("lines", 0, 2), 1e9)
    with pytest.raises(SnapshotError):
        Infiltration.restored(steep)

    rooms = stored(taught(LEARNERS[4]))
    for wrong in (changed(rooms, ("home", "slots", 0, 0), 0), changed(rooms, ("spread", 43), -1e11)):
        with pytest.raises(SnapshotError):
            PresenceForecaster.restored(wrong, PRESENCE)

    book = stored(taught(LEARNERS[5]))
    assert book["things"]["kettle"]["by_hand"]
    for path, wrong in (
        (("things", "tv", "days", 7, 0), 10**400),
        (("things", "kettle", "by_hand", 0, 0), 1e11),
        (("routines", 0, "key"), None),
    ):
        with pytest.raises(SnapshotError):
            RoutineBook.restored(changed(book, path, wrong))


@pytest.mark.parametrize("odd", [nan, inf, -inf, -3.0, 1e300])
def test_a_meter_that_shows_what_cannot_be_says_nothing(odd: float) -> None:
    for told in ("total", "flow"):
        meter, watch = Meter(), LeakWatch()
        for i in range(12):
            value = odd if i % 4 in {0, 2} else 10.0 + i
            found = getattr(meter, told)(START + 60.0 * i, value)
            if found is not None:
                assert isfinite(found.litres)
                watch.observe(found, step=1.0)
        assert stored(Meter.restored(stored(meter))) == stored(meter)
        assert stored(LeakWatch.restored(stored(watch))) == stored(watch)


def test_a_clock_that_was_ahead_by_weeks_costs_a_day_not_weeks() -> None:
    ahead = START + 47.0 * DAY
    total, flow, watch, air = Meter(), Meter(), LeakWatch(), Infiltration()
    for at in (START, START + 600.0, ahead, ahead + 600.0):
        for found in (total.total(at, 100.0), flow.flow(at, 0.0)):
            if found is not None:
                watch.observe(found, step=1.0)
        air.observe(at, 5.0, 10.0)
    # An hour back is waited for, as a summer time that somebody took for the clock.
    assert total.total(ahead - 3000.0, 101.0) is None
    intervals = [(total.total(START + 600.0 * i, 100.0 + i), flow.flow(START + 600.0 * i, 1.0)) for i in range(2, 300)]

    assert all(one is not None and other is not None for one, other in intervals[1:])
    for found, _ in intervals[1:]:
        assert found is not None
        watch.observe(found, step=1.0)
    for i in range(2, 300):
        air.observe(START + 600.0 * i, 5.0 + i % 3, 10.0 + i % 3)
    assert watch.predict(START + 300.0 * 600.0).value is not None
    assert watch.predict(START + 300.0 * 600.0).data_age_s < 3600.0
    assert air.share is not None
    assert stored(LeakWatch.restored(stored(watch))) == stored(watch)


@pytest.mark.parametrize("evening", [datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 3, 28, 20, tzinfo=UTC)])
def test_a_night_in_which_summer_time_changes_is_as_long_as_it_was(evening: datetime) -> None:
    rng = random.Random(4)
    told = [
        BedMinute(at=evening + timedelta(minutes=i), heart_rate=50.0 + 20.0 * rng.random(), motion=rng.random())
        for i in range(540)
    ]
    local = [replace(each, at=each.at.astimezone(ZoneInfo("Europe/Berlin"))) for each in told]
    one, other = night(told), night(local)

    assert one is not None
    assert other is not None
    assert other.minutes == one.minutes == 540
    assert np.array_equal(other.motion, one.motion)
    assert np.array_equal(other.deviation, one.deviation)
    assert figures(local).heart_rate == figures(told).heart_rate


def test_one_time_out_of_the_world_does_not_ask_for_all_memory() -> None:
    model = BreathingPattern(CATALOG.load("breathing_pattern", NumpyEngine()))
    beats = np.cumsum(np.random.default_rng(1).normal(0.9, 0.03, 12_000))
    for last in (1.7e12, 1e300):
        found = model.judge(np.append(beats, last))
        assert found.share is None
        assert found.reasons == ("too_long",)
        assert found.probability.size == MOST_MINUTES
    assert model.judge(None, minutes=-5).probability.size == 0
    unplaced, placed = model.judge(beats, start_s=nan), model.judge(beats)
    assert (unplaced.share, unplaced.reasons) == (placed.share, placed.reasons)


def test_a_room_watch_lives_on_odd_readings() -> None:
    rng = random.Random(5)
    odd = (nan, inf, -inf, 1e300, -1.0, 0.0, None)

    def strange(value: float) -> float | None:
        return rng.choice(odd) if rng.random() < 0.05 else value

    events = 0
    for _ in range(12):
        watch, at, level = RoomWatch("kitchen"), START, 5.0
        for _ in range(500):
            at += rng.choice((10.0, 30.0, 60.0))
            at += rng.choice((-5400.0, 47.0 * DAY, -47.0 * DAY)) if rng.random() < 0.005 else 0.0
            level = rng.choice((5.0, 200.0, 1000.0)) if rng.random() < 0.02 else level + 0.03 * (5.0 - level)
            around = Surroundings(
                humidity=strange(50.0), outdoor=strange(10.0), window=strange(1.0), hour=strange(12.0)
            )
            for found in watch.observe(at, strange(level), strange(0.7 * level), strange(1.3 * level), around):
                if isinstance(found, Event):
                    events += 1
                    assert found.start <= found.peak_at <= found.end
                    assert all(value is None or isfinite(value) for value in found.features.values())
                    assert all(each.rate > 0.0 and isfinite(each.error) for each in found.decays)
    assert events > 10


def test_a_forecast_goes_on_learning_after_a_clock_weeks_ahead() -> None:
    record, nothing = Record.new(1), np.full((1, CATCH_UP_HOURS, 3), nan)
    for hour in (1000, 1000 + 47 * 24, 1001):
        record.learn(hour, nothing)

    assert record.hour.tolist() == [1001]
    assert record.owed(1002) == 1


@pytest.mark.parametrize("share", [-5.0, 5.0, 1e30])
def test_a_forecast_takes_up_no_bands_that_would_turn_around(share: float) -> None:
    record = Record.new(1)
    assert Record.restore(record.store()).miss.shape == record.miss.shape
    record.miss[0, 1, 2] = share
    with pytest.raises(SnapshotError):
        Record.restore(record.store())


@pytest.mark.parametrize("press_s", [1e307, -1e307, 500.0])
def test_a_press_outside_a_trace_is_not_measured(press_s: float) -> None:
    still = np.tile([0.0, 0.0, 1.0], (800, 1))
    found = TechniqueJudge().judge_trace(Trace(at=np.arange(800) / 100.0, acceleration=still), press_s=press_s)

    assert all(verdict.label is None and verdict.why for verdict in found.steps.values())
    assert found.steps[Step.SHAKE].why == ("outside_trace",)


def test_motion_beyond_all_numbers_is_no_motion() -> None:
    evening = datetime(2026, 1, 1, 22, tzinfo=UTC)
    told = [BedMinute(at=evening + timedelta(minutes=i), motion=1e308 if i % 9 else 1.0) for i in range(600)]
    found = figures(told)

    assert found.restlessness == 1.0
