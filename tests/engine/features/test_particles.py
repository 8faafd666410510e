"""Rates of a fall whose truth is known, the quiet level, and what says nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.features.particles import (
    HOUR,
    Decay,
    Envelope,
    Trace,
    clean_air,
    decays,
    usable,
)


def fall(rate: float, *, peak: float = 200.0, hours: float = 3.0, noise: float = 0.03, seed: int = 1) -> np.ndarray:
    """Return times and readings each minute: ten minutes up, then down at a rate."""
    rng = np.random.default_rng(seed)
    t = np.arange(0.0, hours * HOUR, 60.0)
    shape = np.where(t < 600.0, t / 600.0, np.exp(-rate * (t - 600.0) / HOUR))
    return np.stack([t, peak * shape * np.exp(rng.normal(0.0, noise, t.size))])


@pytest.mark.parametrize("rate", [0.8, 2.0, 4.0])
def test_a_rate_is_found(rate: float) -> None:
    t, y = fall(rate)
    (found,) = decays(t.tolist(), (y + 8.0).tolist(), 8.0)
    assert found.rate == pytest.approx(rate, rel=0.05)
    assert found.error < 0.15 * rate
    assert found.fall > 2.0


def test_one_wild_reading_in_ten_changes_little() -> None:
    t, y = fall(2.0)
    y[30::10] *= 1.8
    (found,) = decays(t.tolist(), y.tolist(), 0.0)
    assert found.rate == pytest.approx(2.0, rel=0.07)


def test_a_cleaner_switched_on_makes_two_stretches() -> None:
    t = np.arange(0.0, 2.0 * HOUR, 30.0)
    y = np.where(t < HOUR, 400.0 * np.exp(-0.8 * t / HOUR), 400.0 * np.exp(-0.8) * np.exp(-9.0 * (t - HOUR) / HOUR))
    before, after = decays(t.tolist(), (y + 3.0).tolist(), 3.0)
    assert before.rate == pytest.approx(0.8, rel=0.05)
    assert after.rate == pytest.approx(9.0, rel=0.05)
    assert after.start == pytest.approx(HOUR, abs=90.0)


def test_a_ceiling_is_no_plateau() -> None:
    t, y = fall(2.0, peak=3000.0, noise=0.0)
    (found,) = decays(t.tolist(), np.minimum(y, 999.9).tolist(), 0.0)
    assert found.rate == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [5.0] * 50,
        [float(k) for k in range(50)],
        [100.0, 90.0, 85.0] * 3,
        [float("nan")] * 50,
    ],
)
def test_what_shows_no_fall_has_no_rate(values: list[float]) -> None:
    assert decays([60.0 * k for k in range(len(values))], values, 4.0) == ()


def test_times_that_go_back_have_no_rate() -> None:
    t, y = fall(2.0)
    assert decays(t[::-1].tolist(), y.tolist(), 0.0) == ()


@given(st.lists(st.floats(0.0, 1e4), min_size=1, max_size=80), st.floats(0.0, 100.0))
def test_whatever_comes_rates_are_positive_and_finite(values: list[float], quiet: float) -> None:
    for found in decays([30.0 * k for k in range(len(values))], values, quiet):
        assert 0.0 < found.rate < 1e6
        assert found.error >= 0.0


def test_the_quiet_level_falls_soon_and_rises_late() -> None:
    level = Envelope()
    for k in range(120):
        level.observe(60.0 * k, 20.0)
    for k in range(120, 150):
        level.observe(60.0 * k, 5.0)
    assert level.level < 8.0
    for k in range(150, 160):
        level.observe(60.0 * k, 100.0, event=True)
    assert level.level < 12.0


def test_noise_is_learned_but_not_from_an_event() -> None:
    rng = np.random.default_rng(3)
    level = Envelope()
    for k in range(600):
        level.observe(60.0 * k, 10.0 + float(rng.normal(0.0, 2.0)))
    assert level.sigma == pytest.approx(2.0, rel=0.35)
    before = level.sigma
    level.observe(60.0 * 601, 500.0, event=True)
    assert level.sigma == before


def test_a_trace_is_bounded_and_keeps_its_mean() -> None:
    trace = Trace()
    for k in range(100_000):
        trace.add(float(k), float(k % 7))
    assert len(trace.times) < 512
    assert np.mean(trace.values) == pytest.approx(3.0, abs=0.05)
    assert (np.diff(trace.times) > 0.0).all()


def test_a_purifier_delivers_the_difference_times_the_room() -> None:
    def rates(*values: float) -> list[Decay]:
        return [Decay(rate=v, error=0.1, start=0.0, end=1.0, fall=2.0) for v in values]

    found = clean_air(rates(5.0, 5.2, 4.9), rates(0.9, 1.1, 1.0), 40.0)
    assert found is not None
    assert found.rate == pytest.approx(160.0, abs=8.0)
    assert 0.0 < found.error < 20.0
    assert clean_air([], rates(1.0), 40.0) is None
    assert clean_air(rates(5.0), rates(1.0), 0.0) is None


def test_only_concentrations_are_usable() -> None:
    assert usable(0.0)
    assert not any(usable(v) for v in (None, -1.0, float("nan"), float("inf"), 1e9))
