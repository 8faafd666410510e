"""Meters of every kind become intervals, draws and day minima."""

import json
import random

import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.water import HOUR, DayMinimum, Draw, Draws, Interval, Meter

T0 = 1_700_000_000.0


def test_a_total_gives_what_passed_and_the_meters_step() -> None:
    meter = Meter()
    assert meter.total(T0, 100.0) is None
    found = meter.total(T0 + HOUR, 103.0)
    assert found == Interval(start=T0, end=T0 + HOUR, litres=3.0)
    assert meter.step == 3.0
    meter.total(T0 + 2 * HOUR, 103.5)
    assert meter.step == 0.5
    assert meter.total(T0 + 2 * HOUR, 104.0) is None


@pytest.mark.parametrize("lie", [20.0, 1e6])
def test_one_wrong_total_is_lost_and_a_swapped_meter_believed_the_second_time(lie: float) -> None:
    meter = Meter()
    meter.total(T0, 100.0)
    assert meter.total(T0 + HOUR, lie) is None
    kept = meter.total(T0 + 2 * HOUR, 104.0)
    assert kept is not None
    assert (kept.start, kept.litres) == (T0, 4.0)
    assert meter.total(T0 + 3 * HOUR, lie) is None
    assert meter.total(T0 + 4 * HOUR, lie + 2.0) is None
    swapped = meter.total(T0 + 5 * HOUR, lie + 5.0)
    assert swapped is not None
    assert swapped.litres == 3.0


def test_a_flow_is_held_but_not_for_ever() -> None:
    meter = Meter()
    assert meter.flow(T0, 6.0) is None
    found = meter.flow(T0 + 30.0, 0.0)
    assert found is not None
    assert found.litres == pytest.approx(3.0)
    assert meter.lowest_flow == 6.0
    still = meter.flow(T0 + 30.0 + 8 * HOUR, 2.0)
    assert still is not None
    assert still.litres == 0.0
    assert meter.flow(T0 + 20 * HOUR, 0.0) is None


def test_a_meter_survives_a_restart() -> None:
    meter = Meter()
    meter.total(T0, 100.0)
    meter.total(T0 + HOUR, 101.0)
    again = Meter.restored(json.loads(json.dumps(meter.snapshot())))
    assert again.total(T0 + 2 * HOUR, 105.0) == meter.total(T0 + 2 * HOUR, 105.0)
    for bad in (None, [1.0], [float("nan")] * 6, [0.0, 0.0, 0.0, 0.0, -5.0, 0.0]):
        with pytest.raises(SnapshotError):
            Meter.restored(bad)


def drawn(parts: list[tuple[float, float]]) -> list[Draw]:
    """Return the draws of parts of (seconds, L/min), second by second."""
    draws, at, found = Draws(), T0, []
    for seconds, flow in parts:
        for _ in range(int(seconds)):
            if (over := draws.observe(Interval(start=at, end=at + 1.0, litres=flow / 60.0))) is not None:
                found.append(over)
            at += 1.0
    if (last := draws.close()) is not None:
        found.append(last)
    return found


def test_a_pause_of_half_a_minute_cuts_a_draw() -> None:
    one = drawn([(60, 6.0), (20, 0.0), (60, 6.0)])
    assert len(one) == 1
    assert one[0].litres == pytest.approx(12.0)
    assert one[0].running == pytest.approx(120 / 140)
    two = drawn([(60, 6.0), (40, 0.0), (60, 6.0)])
    assert [round(each.litres, 6) for each in two] == [6.0, 6.0]
    assert two[0].peak == pytest.approx(6.0)


def test_a_steady_draw_is_smoother_than_a_hand_at_the_tap() -> None:
    (level,) = drawn([(60, 6.0)])
    (wild,) = drawn([(10, 6.0), (10, 2.0)] * 3)
    assert level.rough == 0.0
    assert wild.rough > 0.05


def test_the_day_minimum_is_what_never_stops() -> None:
    low, chance = DayMinimum(3.0), random.Random(1)
    for hour in range(72):
        litres = 2.0 + (chance.uniform(0.0, 50.0) if 7 <= hour % 24 <= 22 else 0.0)
        low.observe(Interval(start=T0 + hour * HOUR, end=T0 + (hour + 1) * HOUR, litres=litres))
    assert low.value == pytest.approx(2.0)
    again = DayMinimum.restored(json.loads(json.dumps(low.snapshot())))
    assert again.value == low.value


def test_the_day_minimum_forgets_a_day_and_stays_small() -> None:
    low = DayMinimum(1.0)
    for minute in range(60 * 24 * 3):
        litres = 0.0 if minute < 120 else 0.1
        low.observe(Interval(start=T0 + minute * 60.0, end=T0 + (minute + 1) * 60.0, litres=litres))
    assert low.value == pytest.approx(6.0)
    assert len(json.dumps(low.snapshot())) < 4000
    with pytest.raises(SnapshotError):
        DayMinimum.restored([1.0, 0.0, [[2.0, 1.0], [1.0, 1.0]], []])
