"""Counters of inhalations: more is a puff, midnight is none, and nobody takes fifty at once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.adapters.counter import MOST_AT_ONCE, Count, count_of, read

BRUSSELS = ZoneInfo("Europe/Brussels")
MORNING = datetime(2026, 11, 22, 8, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 22, 23, tzinfo=UTC)
"""In Brussels"""


class Sensor:
    """A counter that is read again and again."""

    def __init__(self, at: datetime = MORNING, **how: str | None) -> None:
        self.at = at
        self.how = how
        self.count: Count | None = None
        self.refused = 0

    def shows(self, value: int, *, after_h: float = 1.0, reset: datetime | None = None) -> int:
        self.at += timedelta(hours=after_h)
        counted = read(self.count, value, self.at, BRUSSELS, state_class=self.how.get("state_class"), reset=reset)
        self.count = counted.count
        self.refused += counted.refused
        return len(counted.puffs)


def test_the_first_value_is_where_counting_begins() -> None:
    sensor = Sensor()

    assert [sensor.shows(value) for value in (3, 3, 4, 6)] == [0, 0, 1, 2]


def test_midnight_is_no_puff() -> None:
    sensor = Sensor()

    assert [sensor.shows(value, after_h=after) for value, after in ((3, 0), (0, 15), (1, 1))] == [0, 0, 1]


def test_a_phone_that_slept_at_midnight_counts_the_new_day() -> None:
    sensor = Sensor()

    assert [sensor.shows(value, after_h=after) for value, after in ((3, 0), (2, 20))] == [0, 2]
    # It is known for a daily one now: the next day begins at zero though it shows more.
    assert sensor.shows(3, after_h=24) == 3


def test_the_same_value_next_day_is_an_old_one_told_again() -> None:
    sensor = Sensor()

    assert [sensor.shows(value, after_h=after) for value, after in ((0, 0), (2, 1), (2, 24))] == [0, 2, 0]


def test_a_correction_is_no_puff_and_is_not_counted_twice() -> None:
    first = read(Count(since=int(MORNING.timestamp()), value=1), 2, MORNING + timedelta(hours=1), BRUSSELS)
    less = read(first.count, 1, MORNING + timedelta(hours=2), BRUSSELS)
    again = read(less.count, 2, MORNING + timedelta(hours=3), BRUSSELS)

    assert list(less.puffs) == []
    # The same number of the same day is the same puff: its id is the same.
    assert (first.count.since, list(first.puffs)) == (again.count.since, list(again.puffs))


def test_a_total_never_begins_anew() -> None:
    sensor = Sensor(state_class="total")

    assert [sensor.shows(value, after_h=20) for value in (120, 119, 120, 0)] == [0, 0, 1, 0]


def test_a_total_that_only_increases_begins_anew_whenever_it_falls() -> None:
    sensor = Sensor(state_class="total_increasing")

    assert [sensor.shows(value) for value in (9, 2, 3)] == [0, 2, 1]


def test_a_reset_the_sensor_tells_of_is_believed() -> None:
    sensor = Sensor(state_class="total")
    before = MORNING - timedelta(hours=9)

    assert sensor.shows(3, reset=before) == 0
    assert sensor.shows(3, after_h=14, reset=MIDNIGHT) == 3
    assert sensor.shows(4, after_h=1, reset=MIDNIGHT) == 1


def test_nobody_takes_fifty_at_once() -> None:
    sensor = Sensor()
    sensor.shows(0)

    assert sensor.shows(MOST_AT_ONCE) == MOST_AT_ONCE
    assert sensor.shows(MOST_AT_ONCE + 50) == 0
    assert sensor.refused == 50
    assert sensor.shows(MOST_AT_ONCE + 51) == 1


def test_a_clock_that_goes_back_begins_nothing() -> None:
    sensor = Sensor()
    sensor.shows(3)

    assert sensor.shows(1, after_h=-48) == 0
    assert sensor.shows(2) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("3.0", 3), ("0", 0), ("3.5", None), ("-1", None), ("nan", None), ("inf", None), ("1e9", None)]
    + [(text, None) for text in ("", "unknown", "unavailable", "three")],
)
def test_what_is_no_count_is_none(text: str, value: int | None) -> None:
    assert count_of(text) == value


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.0, 30.0)), max_size=30), st.sampled_from([None, "total"]))
def test_the_cursor_keeps_all_and_only_grows_with_time(steps: list[tuple[int, float]], state_class: str | None) -> None:
    sensor = Sensor(state_class=state_class)
    high = 0
    for value, hours in steps:
        before = sensor.count
        puffs = sensor.shows(value, after_h=hours)
        assert sensor.count is not None
        assert puffs <= min(value, MOST_AT_ONCE)
        assert Count.at(sensor.count.cursor, int(sensor.count.daily)) == sensor.count
        if puffs:
            # What is kept with puffs is never behind what was kept before: a restart cannot tell them again.
            assert before is not None
            assert sensor.count.cursor > before.cursor
        high = max(high, sensor.count.cursor)


def test_nothing_read_yet_is_nothing() -> None:
    assert Count.at(0, 0) is None
