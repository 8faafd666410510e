"""Changes of a room's air: the same for slow and fast sensors, unknown where nothing was seen."""

import math

import pytest

from custom_components.smartloop.engine.features.presence_air import CLIMATE, CO2, AirTrail


def trail(minutes: int, step_s: float = 60.0, *, co2: bool = True) -> AirTrail:
    out = AirTrail()
    for place in range(int(minutes * 60 / step_s) + 1):
        at = 1e9 + place * step_s
        minute = place * step_s / 60.0
        out.observe(at, 20.0 + 0.01 * minute, 40.0, 500.0 + 2.0 * minute if co2 else None)
    return out


@pytest.mark.parametrize("step_s", [10.0, 60.0, 300.0])
def test_changes_do_not_depend_on_how_often_it_reports(step_s: float) -> None:
    features = trail(120, step_s).features()

    assert tuple(features) == (*CLIMATE, *CO2)
    assert features["temperature_15"] == pytest.approx(0.15, abs=0.03)
    assert features["co2_15"] == pytest.approx(30.0, abs=6.0)
    assert features["co2_above_3h"] == pytest.approx(math.log1p(240.0 / 50.0), abs=0.05)


def test_what_was_not_seen_is_unknown() -> None:
    assert set(AirTrail().features().values()) == {None}
    short = trail(10).features()
    assert short["co2_15"] is None
    assert short["temperature_5"] is not None
    assert trail(60, co2=False).features()["co2_above_3h"] is None


def test_nonsense_counts_as_not_measured() -> None:
    out = trail(60)
    before = out.features()
    for value in (float("nan"), float("inf"), -400.0, 1e9):
        assert out.observe(out.at + 30.0, value, value, value)
    after = out.features()
    assert after == pytest.approx(before)


def test_late_readings_are_refused_and_a_wrong_clock_begins_anew() -> None:
    out = trail(60)

    assert not out.observe(out.at - 600.0, 20.0, 40.0)
    assert out.observe(out.at - 1e7, 20.0, 40.0, 500.0)
    assert out.features()["co2_15"] is None


def test_a_gap_is_unknown() -> None:
    out = trail(60)
    out.observe(out.at + 7200.0, 20.0, 40.0, 500.0)

    features = out.features()
    assert features["co2_15"] is None
    assert features["co2_above_24h"] is not None
