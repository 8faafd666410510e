"""When water stands still, and what runs at one level: learned by the hour, refused where a state is spoilt."""

import json

import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.stillness import DAY, Habit, Lately
from custom_components.smartloop.engine.features.water import HOUR

T0 = 20_000 * DAY


def home(days: int = 14) -> Habit:
    """Return the habit of a home that draws from 7 to 23 o'clock."""
    habit = Habit()
    for hour in range(days * 24):
        at = T0 + hour * HOUR
        habit.learn(at, at + HOUR, 20.0 if 7 <= hour % 24 < 23 else 0.0)
    return habit


def test_a_day_weighs_a_day_and_a_night_most_of_it() -> None:
    for habit in (Habit(), home()):
        assert habit.weigh(T0 + 1234.0, T0 + 1234.0 + DAY) == pytest.approx(24.0)
    assert home().weigh(T0, T0 + 7 * HOUR) > 3.0 * home().weigh(T0 + 7 * HOUR, T0 + 14 * HOUR)
    assert Habit().weigh(T0, T0 + 6 * HOUR) == pytest.approx(6.0)


def test_quiet_hours_are_the_night_once_it_is_known() -> None:
    assert not Habit().known
    assert not home(3).known
    habit = home()
    assert habit.known
    quiet = [hour for hour in range(24) if habit.quiet(T0 + hour * HOUR, T0 + (hour + 1) * HOUR)]
    assert quiet == [0, 1, 2, 3, 4, 5, 6, 23]


@pytest.mark.parametrize(
    ("flows", "level"),
    [
        ([1.0, 1.0, 2.0, 1.0, 0.0, 1.0, 1.0, 9.0, 1.0], 0.857),
        ([60.0, 61.0, 64.0, 58.0, 90.0, 60.0, 60.0, 61.0], 60.571),
        ([0.0] * 8, 0.0),
        ([0.0, 8.0, 3.0, 17.0, 8.0, 12.0, 30.0, 5.0], None),
        ([7.0, 5.0, 13.0, 5.0, 2.0, 15.0, 14.0], None),
        ([1.0] * 6, None),
    ],
)
def test_a_level_is_what_most_quiet_hours_share(flows: list[float], level: float | None) -> None:
    lately = Lately()
    for place, flow in enumerate(flows):
        lately.observe(T0 + (place + 1) * HOUR, flow)
    found = lately.level(T0, 1.0)
    assert found == (None if level is None else pytest.approx(level, abs=1e-3))


def test_only_two_days_are_kept_and_only_what_came_since_counts() -> None:
    lately = Lately()
    for hour in range(1000):
        lately.observe(T0 + hour * HOUR, 4.0 if hour > 990 else 0.0)
    assert len(lately.snapshot()) <= 49
    assert lately.level(T0 + 990 * HOUR, 1.0) == pytest.approx(4.0)
    assert lately.level(T0, 1.0) == pytest.approx(0.0)


def test_states_are_kept_and_spoilt_ones_refused() -> None:
    habit, lately = home(), Lately()
    lately.observe(T0, 1.0)
    assert Habit.restored(json.loads(json.dumps(habit.snapshot()))).snapshot() == habit.snapshot()
    assert Lately.restored(json.loads(json.dumps(lately.snapshot()))).snapshot() == lately.snapshot()
    for bad in (None, [0.5] * 47, [2.0] * 48, [float("nan")] * 48, [0.5] * 24 + [99.0] * 24):
        with pytest.raises(SnapshotError):
            Habit.restored(bad)
    for rows in (None, [[1.0]], [[2.0, 1.0], [1.0, 1.0]], [[float(place), 1.0] for place in range(99)]):
        with pytest.raises(SnapshotError):
            Lately.restored(rows)
