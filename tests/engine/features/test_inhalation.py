"""The curve of a breath through an inhaler: its start, peak, end; nothing where nobody inhaled."""

import math

import numpy as np
import pytest

from custom_components.smartloop.engine.features.inhalation import breath, curve, envelope


def flow(start: float, peak: float, seconds: float = 3.0) -> tuple[list[float], list[float]]:
    times = np.arange(-5.0, 8.0, 0.04)
    share = np.clip((times - start) / seconds, 0.0, 1.0)
    return times.tolist(), (peak * np.sin(np.pi * share)).tolist()


@pytest.mark.parametrize("start", [-1.5, -0.4, 0.0, 0.3, 1.2])
def test_the_start_is_found_before_and_after_the_press(start: float) -> None:
    row = breath(curve(*flow(start, 60.0)))
    assert row is not None
    assert row["offset_s"] == pytest.approx(-start, abs=0.06)
    assert math.exp(row["firm_peak"]) == pytest.approx(60.0, rel=0.02)
    assert row["begun"] == 0.0


def test_an_envelope_that_begins_within_the_breath_says_so() -> None:
    row = breath(envelope([44.0, 58.0, 60.0, 60.0, 50.0, 30.0, 10.0, 0.0], 0.15))
    assert row is not None
    assert row["begun"] == 1.0
    assert 0.3 < row["offset_s"] <= 0.6
    late = breath(envelope([0.0, 0.0, 4.0, 20.0, 50.0, 60.0, 60.0, 30.0], 0.15))
    assert late is not None
    assert late["offset_s"] < -0.2


def test_the_sprays_own_pulse_is_no_peak() -> None:
    times, values = flow(0.2, 40.0)
    values[int(5.0 / 0.04) + 1] += 70.0
    row = breath(curve(times, values))
    assert row is not None
    assert math.exp(row["firm_peak"]) == pytest.approx(40.0, rel=0.05)


@pytest.mark.parametrize(
    "samples", [[], [1.0, 2.0], [0.0] * 30, [math.nan] * 30, [900.0] * 30, [5.0, 5.9, 5.0, 5.0, 5.0, 5.0]]
)
def test_no_breath_is_no_row(samples: list[float]) -> None:
    assert breath(envelope(samples, 0.15)) is None


def test_steps_that_cannot_be_are_refused() -> None:
    assert envelope([30.0] * 10, 0.0) is None
    assert envelope([30.0] * 10, math.nan) is None
    assert curve([0.0, 1.0], [[1.0], [2.0]]) is None
    assert curve([0.0], None) is None


def test_order_does_not_matter() -> None:
    times, values = flow(0.1, 50.0)
    there, back = curve(times, values), curve(times[::-1], values[::-1])
    assert breath(there) == breath(back)


def test_the_end_and_breathing_out() -> None:
    times, values = flow(0.0, 50.0)
    values = [value - 20.0 if 6.0 < at < 7.0 else value for at, value in zip(times, values, strict=True)]
    found = curve(times, values)
    assert found is not None
    assert found.breath_end(0.0) == pytest.approx(2.9, abs=0.15)
    assert found.exhaled(3.0) == pytest.approx(6.04, abs=0.05)
    assert math.isnan(found.breath_end(-30.0))
