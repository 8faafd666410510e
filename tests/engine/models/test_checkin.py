"""How often a box speaks: learned, bounded, and not fooled by outages."""

import json
import random
from itertools import pairwise
from math import exp

import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.models.checkin import CHANCE, MISSED, CheckIn, Habit

HOUR = 3600.0


def lived(intervals: list[float], begin: float = 1.7e9) -> CheckIn:
    checkin, at = CheckIn(), begin
    checkin.heard(at)
    for interval in intervals:
        at += interval
        checkin.heard(at)
        if checkin.stale:
            checkin.refit()
    return checkin


def habit_of(intervals: list[float]) -> Habit:
    habit = lived(intervals).refit()
    assert habit is not None
    return habit


def jittered(mean: float, count: int, share: float = 0.01, seed: int = 0) -> list[float]:
    chance = random.Random(seed)
    return [mean * exp(chance.gauss(0.0, share)) for _ in range(count)]


@pytest.mark.parametrize("interval", [300.0, 3600.0, 6 * HOUR, 24 * HOUR])
def test_what_speaks_regularly_is_silent_after_three_of_its_intervals(interval: float) -> None:
    habit = habit_of(jittered(interval, 400))
    assert habit.typical == pytest.approx(interval, rel=0.05)
    assert habit.interval == pytest.approx(interval, rel=0.1)
    assert MISSED * 0.95 <= habit.limit / interval <= 3.3
    assert habit.survival(habit.limit) < CHANCE


def test_bursts_of_events_do_not_hide_the_sign_of_life_between_them() -> None:
    chance = random.Random(1)
    intervals = [chance.uniform(5.0, 120.0) if chance.random() < 0.85 else 3300.0 for _ in range(3000)]
    habit = habit_of(intervals)
    assert 3000.0 <= habit.interval <= 3700.0
    assert habit.limit <= 4.0 * 3300.0


def test_lost_messages_widen_the_limit_and_no_more_than_they_must() -> None:
    chance = random.Random(2)
    lossy = []
    for _ in range(2000):
        lost = 1
        while chance.random() < 0.05:
            lost += 1
        lossy.append(600.0 * lost)
    clean, wide = habit_of(jittered(600.0, 2000)), habit_of(lossy)
    assert clean.limit < wide.limit < 10 * 600.0


def test_outages_do_not_become_the_habit() -> None:
    intervals = jittered(HOUR, 300)
    for count in range(20):
        intervals[100 + 10 * count] = 30 * HOUR
    assert habit_of(intervals).limit < 4 * HOUR


def test_a_new_habit_is_learned() -> None:
    habit = habit_of(jittered(300.0, 1000) + jittered(2 * HOUR, 60))
    assert habit.interval == pytest.approx(2 * HOUR, rel=0.1)


def test_nothing_is_known_before_a_few_intervals() -> None:
    checkin = lived(jittered(HOUR, 4))
    assert checkin.refit() is None
    assert not checkin.stale


def test_silence_for_the_rest_of_the_first_day_is_no_surprise() -> None:
    habit = habit_of(jittered(300.0, 24))
    assert habit.limit == pytest.approx(22 * HOUR, rel=0.01)


def test_time_in_which_nobody_listened_is_neither_learned_nor_counted() -> None:
    checkin = lived(jittered(HOUR, 50))
    before = checkin.intervals
    at = checkin.last + 40 * HOUR
    assert checkin.elapsed(at, 39.5 * HOUR) == pytest.approx(0.5 * HOUR)
    checkin.heard(at, 39.5 * HOUR)
    assert checkin.intervals == before
    assert checkin.outages == 0
    assert checkin.elapsed(at + HOUR, 39.5 * HOUR) == pytest.approx(HOUR)


def test_several_values_at_once_are_one_message() -> None:
    checkin = CheckIn()
    for count in range(30):
        for part in range(3):
            checkin.heard(1.7e9 + count * HOUR + 0.3 * part)
    assert checkin.intervals == 29


def test_what_is_late_or_twice_changes_nothing() -> None:
    checkin = lived(jittered(HOUR, 20))
    before = json.dumps(checkin.snapshot())
    checkin.heard(checkin.last)
    checkin.heard(checkin.last - 100.0)
    assert json.dumps(checkin.snapshot()) == before


def test_it_stays_small_and_sane_for_ever() -> None:
    checkin = lived(jittered(60.0, 50_000, share=0.3))
    assert len(json.dumps(checkin.snapshot())) < 8000
    assert checkin.habit is not None
    assert checkin.habit.typical == pytest.approx(60.0, rel=0.1)


def test_survival_falls() -> None:
    habit = habit_of(jittered(600.0, 500, share=0.4))
    chances = [habit.survival(seconds) for seconds in (10.0, 300.0, 600.0, 1800.0, 7200.0, 86400.0)]
    assert all(one >= other for one, other in pairwise(chances))
    assert chances[0] == pytest.approx(1.0, abs=0.01)


def test_a_restart_loses_nothing() -> None:
    checkin = lived(jittered(HOUR, 100))
    checkin.refit()
    back = CheckIn.restored(json.loads(json.dumps(checkin.snapshot())))
    assert back.last == checkin.last
    assert back.habit is not None
    assert checkin.habit is not None
    assert back.habit.limit == pytest.approx(checkin.habit.limit)
    then = checkin.last + HOUR
    for each in (checkin, back):
        each.heard(then)
        each.refit()
    assert back.habit.interval == pytest.approx(checkin.habit.interval)


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        [1] * 8,
        [None, None, 0.0, 0.0, 6, 0, 0.5, [[200, 1.0, 5.0]]],
        [None, None, 0.0, 0.0, 6, 0, float("nan"), []],
    ],
)
def test_what_cannot_be_is_refused(state: object) -> None:
    with pytest.raises(SnapshotError):
        CheckIn.restored(state)
