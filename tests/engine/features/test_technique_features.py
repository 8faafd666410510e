"""What movement tells of a puff: jolts, shaking, tilt, stillness; from any rate, and nothing from what is no recording."""

import math
from dataclasses import replace

import numpy as np
import pytest

from custom_components.smartloop.engine.features import technique
from custom_components.smartloop.engine.features.inhalation import curve
from custom_components.smartloop.engine.features.technique import Array, Trace
from tests.engine.puff import PRESS_S, every, trace


def seen(given: Trace) -> technique.Motion:
    found = technique.motion(given)
    assert found is not None
    return found


def at_press(moved: technique.Motion) -> int:
    return round((PRESS_S - float(moved.at[0])) * technique.RATE)


@pytest.mark.parametrize("rate", [40.0, 50.0, 104.0])
def test_a_press_is_among_the_jolts_and_looks_like_one(rate: float) -> None:
    moved = seen(trace(rate=rate))
    places = [place for place in technique.candidates(moved) if abs(place - at_press(moved)) < 8]
    assert len(places) == 1
    row = technique.press(moved, places[0], None)
    assert row["calm_before_g"] < 0.1
    assert row["along"] > 0.9
    assert math.isnan(row["flow_then"])
    assert set(row) == set(technique.PRESS_FEATURES)


@pytest.mark.parametrize("seconds", [0.0, 2.0, 5.0, 9.0])
@pytest.mark.parametrize("hertz", [2.5, 4.5])
def test_seconds_of_shaking(seconds: float, hertz: float) -> None:
    moved = seen(trace(shake_s=seconds, hertz=hertz))
    row = technique.shake(moved, at_press(moved))
    assert set(row) == set(technique.SHAKE_FEATURES)
    assert row["shake_s"] == pytest.approx(seconds, abs=0.9)
    if seconds:
        assert row["shake_hz"] == pytest.approx(hertz, abs=0.6)
        assert technique.settled(moved, at_press(moved)) == pytest.approx(2.0, abs=0.5)


@pytest.mark.parametrize("tilt", [0.0, 15.0, 45.0, 90.0, 170.0])
def test_tilt_without_and_with_a_gyroscope(tilt: float) -> None:
    given = trace(tilt_deg=tilt)
    assert technique.tilt(seen(given), 1500) == pytest.approx(tilt, abs=2.0)
    # A gyroscope of a sleeve that does not turn shows its own offset only.
    turning: Array = np.tile([3.0, -4.0, 2.0], (given.at.size, 1))
    moved = replace(seen(replace(given, turning=turning)), loose=np.full(2500, 0.061))
    assert technique.tilt(moved, 1500) == pytest.approx(tilt, abs=8.0)


def test_a_calibrated_sleeve_may_sit_askew() -> None:
    moved = seen(trace(tilt_deg=25.0))
    up = (math.sin(math.radians(25.0)), 0.0, math.cos(math.radians(25.0)))
    assert technique.tilt(moved, 1500, up) < 2.0


def test_stillness_after_the_breath_ends_with_movement() -> None:
    given = trace()
    assert given.acceleration is not None
    given.acceleration[2300:] = [1.0, 0.0, 0.0]
    times = np.arange(14.9, 24.0, 0.04)
    breath = curve(times, 40.0 * np.sin(np.pi * np.clip((times - 15.0) / 2.0, 0.0, 1.0)))
    moved = seen(given)
    row = technique.hold(moved, at_press(moved), breath)
    assert row is not None
    assert row["still_s"] == pytest.approx(6.0, abs=0.5)
    assert row["moved"] == 1.0
    assert technique.hold(moved, at_press(moved), None) is None


def test_order_does_not_matter_and_doubles_neither() -> None:
    given = trace()
    order = np.random.default_rng(2).permutation(np.concatenate([np.arange(given.at.size), np.arange(50)]))
    assert given.acceleration is not None
    mixed = Trace(at=given.at[order], acceleration=given.acceleration[order])
    assert np.allclose(seen(mixed).acceleration, seen(given).acceleration)


@pytest.mark.parametrize(
    "broken",
    [
        Trace(at=np.array([])),
        Trace(at=every(1.0, 100.0)),
        Trace(at=every(1.0, 100.0), acceleration=np.full((100, 3), np.nan)),
        Trace(at=np.full(200, 5.0), acceleration=np.ones((200, 3))),
        Trace(at=every(0.01, 2.0), acceleration=np.ones((200, 3))),
        Trace(at=every(0.9, 200.0), acceleration=np.ones((223, 3))),
        Trace(at=every(1.0, 10.0), acceleration=np.ones((7, 3))),
        Trace(at=np.full(300, np.nan), acceleration=np.ones((300, 3))),
    ],
)
def test_what_is_no_recording_tells_nothing(broken: Trace) -> None:
    assert technique.motion(broken) is None


def test_a_clock_that_jumps_leaves_the_longer_part() -> None:
    given = trace()
    at = given.at.copy()
    at[:500] -= 3600.0
    moved = seen(replace(given, at=at))
    assert moved.at[0] == pytest.approx(5.0)
