"""The leak watch on made-up homes whose truth is known: found in time, quiet else, silent where it cannot know."""

import json
import math
import random
import time

import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.water import HOUR, Meter
from custom_components.smartloop.engine.models.leak import LeakWatch, Silence, Stage

T0 = 1_699_999_200.0
DAY = 24 * HOUR


class House:
    """A home that draws by day, and at night now and then; a meter with a step."""

    def __init__(self, *, step: float = 1.0, every: float = HOUR, seed: int = 1) -> None:
        self.step, self.every = step, every
        self.chance = random.Random(seed)
        self.at, self.used = T0, 0.4
        self.meter, self.watch = Meter(), LeakWatch()

    def live(self, days: float, leak: float = 0.0, *, always: bool = False, on: bool = False) -> float | None:
        """Live on; returns the hours after which there was an alarm."""
        begin = self.at
        while self.at < begin + days * DAY:
            self.at += self.every
            hour = self.at % DAY / HOUR
            awake = 7.0 <= hour <= 23.0 or always
            share = self.every / HOUR
            if self.chance.random() < (1.0 if always else 0.6 if awake else 0.03) * share:
                self.used += self.chance.uniform(1.0, 60.0)
            self.used += leak * share
            interval = self.meter.total(self.at, math.floor(self.used / self.step) * self.step)
            if interval is not None:
                self.watch.observe(interval, step=self.meter.step)
            if self.watch.alarm() is not None and not on:
                return (self.at - begin) / HOUR
        return None


@pytest.mark.parametrize(("rate", "hours"), [(1.0, 48.0), (2.0, 48.0), (10.0, 48.0), (0.5, 14 * 24.0)])
@pytest.mark.parametrize("seed", range(4))
def test_a_leak_is_found_in_time(rate: float, hours: float, seed: int) -> None:
    house = House(seed=seed)
    assert house.live(40) is None
    found = house.live(20, rate)
    assert found is not None
    assert found <= hours
    said = house.watch.predict(house.at)
    assert not said.abstained
    assert said.value is not None
    assert said.lo is not None
    assert said.hi is not None
    assert said.lo <= rate <= said.hi + 0.5
    assert said.value == pytest.approx(rate, abs=1.0)


def test_two_days_at_one_level_are_advice_and_three_are_confirmed() -> None:
    house = House()
    house.live(40)
    found = house.live(5, 2.0)
    assert found is not None
    assert house.watch.stage() is Stage.ADVICE
    assert "advice" in house.watch.predict(house.at).why
    house.live(1.6, 2.0, on=True)
    assert house.watch.stage() is Stage.CONFIRMED


@pytest.mark.parametrize("seed", range(4))
def test_two_days_of_uneven_use_are_nothing_and_four_are_confirmed(seed: int) -> None:
    house = House(seed=seed)
    house.live(40)
    assert house.live(2.2, always=True) is None
    assert house.live(2.0, always=True) is not None
    assert house.watch.stage() is Stage.CONFIRMED


def test_a_leak_from_the_first_day_on_is_found_within_days() -> None:
    house = House()
    found = house.live(10, 2.0)
    assert found is not None
    assert found <= 5 * 24.0


@pytest.mark.parametrize("seed", range(3))
def test_a_cistern_that_refills_is_found_within_two_weeks(seed: int) -> None:
    house = House(seed=seed)
    house.live(60)
    for gulp in range(14 * 8):
        house.used += 6.0
        if house.live(0.125) is not None:
            assert gulp > 7 * 8
            assert house.watch.alarm() == 1.6
            return
    pytest.fail("not found")


def test_what_comes_and_goes_at_one_level_waits_for_the_third_day() -> None:
    house, hours = House(), []
    house.live(40)
    for _ in range(3):
        found = house.live(6, 2.0)
        assert found is not None
        hours.append(found)
        house.live(2, on=True)
        assert house.watch.alarm() is None
        house.live(5, on=True)
    assert max(hours[:2]) <= 48.0
    assert 60.0 < hours[2] <= 84.0
    worse = house.live(6, 6.0)
    assert worse is not None
    assert worse <= 48.0


def test_an_alarm_stays_when_readings_get_lost() -> None:
    house = House()
    house.live(40)
    assert house.live(10, 4.0) is not None
    for _ in range(12):
        house.at += 12 * HOUR
        house.used += 50.0
        house.live(2 / 24, 4.0, on=True)
        assert house.watch.alarm() is not None


def test_a_year_without_a_leak_is_quiet_and_says_what_is_ruled_out() -> None:
    house = House(seed=5)
    assert house.live(365) is None
    said = house.watch.predict(house.at)
    assert (said.value, said.hi) == (0.0, 0.45)
    assert said.why == ()


def test_the_alarm_ends_with_the_leak() -> None:
    house = House()
    house.live(40)
    assert house.live(10, 3.0) is not None
    house.live(2, on=True)
    assert house.watch.alarm() is None


@pytest.mark.parametrize("every", [60.0, 300.0, 900.0])
def test_a_fine_and_fast_meter_finds_the_same(every: float) -> None:
    house = House(step=0.1, every=every)
    assert house.live(40) is None
    found = house.live(5, 1.0)
    assert found is not None
    assert found <= 48.0


def test_lost_readings_do_not_make_a_leak() -> None:
    house = House(seed=3)
    house.live(30)
    for _ in range(60):
        assert house.live(0.25) is None
        house.at += 18 * HOUR
        house.used += 100.0
    assert set(house.watch.silences().values()) == {Silence.SELDOM}
    said = house.watch.predict(house.at)
    assert said.abstained
    assert said.value is None
    assert said.why == ("readings_too_seldom",)


def test_a_coarse_meter_abstains_by_rate_and_says_why() -> None:
    house = House(step=10.0)
    house.live(30)
    assert house.watch.silences() == dict.fromkeys((0.45, 0.9, 1.6, 1.8), Silence.COARSE)
    assert house.live(10, 30.0) is not None
    coarse = House(step=100.0)
    coarse.live(30)
    assert coarse.live(10, 30.0) is None
    assert coarse.watch.predict(coarse.at).why == ("meter_step_too_coarse",)


def test_a_flow_sensor_that_stands_still_below_abstains() -> None:
    meter, watch = Meter(), LeakWatch()
    for minute in range(2000):
        interval = meter.flow(T0 + 60.0 * minute, 1.5 if minute % 30 == 0 else 0.0)
        if interval is not None:
            watch.observe(interval, step=meter.step, lowest_flow=meter.lowest_flow)
    assert set(watch.silences().values()) == {Silence.SLUGGISH}


def test_nothing_is_said_before_anything_was_read() -> None:
    said = LeakWatch().predict(T0)
    assert said.abstained
    assert said.why == ("too_few_readings",)


def test_a_home_that_never_sleeps_gets_a_later_bound() -> None:
    calm, busy = House(seed=8), House(seed=8)
    calm.live(100)
    for _ in range(20):
        busy.live(3)
        busy.live(2.5, always=True, on=True)
    assert busy.watch.bounds()[0.9][1] > calm.watch.bounds()[0.9][1]


def test_what_the_owner_calls_normal_is_learned() -> None:
    house = House()
    house.live(40)
    assert house.live(10, 3.0) is not None
    before = house.watch.bounds()[0.9][1]
    house.watch.accept()
    assert house.watch.alarm() is None
    assert house.watch.bounds()[0.9][1] >= before


def test_a_restart_changes_nothing_and_the_state_stays_small() -> None:
    house = House(every=60.0, step=0.1)
    house.live(20)
    stored = json.dumps(house.watch.snapshot())
    assert len(stored) < 8000
    again = LeakWatch.restored(json.loads(stored))
    interval = house.meter.total(house.at + HOUR, house.used + 3.0)
    assert interval is not None
    for watch in (house.watch, again):
        watch.observe(interval, step=house.meter.step)
    assert again.snapshot() == house.watch.snapshot()
    assert again.predict(house.at) == house.watch.predict(house.at)


@pytest.mark.parametrize("bad", [None, {}, {"version": 1}, {"version": 2, "meter": [1.0]}])
def test_a_foreign_state_is_refused(bad: object) -> None:
    with pytest.raises(SnapshotError):
        LeakWatch.restored(bad)


_RATES = (0.45, 0.9, 1.6, 1.8, 4.5)


@pytest.mark.parametrize(
    "spoilt",
    [
        [],
        [[0.45, 1.0]],
        [[each, *[-1.0] * 12] for each in _RATES],
        [{}] * 99,
    ],
)
def test_spoilt_tests_are_refused(spoilt: object) -> None:
    state = LeakWatch().snapshot() | {"tests": spoilt}
    with pytest.raises(SnapshotError):
        LeakWatch.restored(json.loads(json.dumps(state)))


def test_a_reading_costs_the_same_after_a_year() -> None:
    house = House()

    def cost(days: float) -> float:
        begin = time.perf_counter()
        house.live(days)
        return time.perf_counter() - begin

    house.live(20)
    early = min(cost(5) for _ in range(5))
    house.live(365)
    late = min(cost(5) for _ in range(5))
    assert late < 3.0 * early
