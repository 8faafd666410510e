"""Breaths and beats a minute, with what a night does to a belt and a strap."""

import numpy as np
import pytest

from custom_components.smartloop.engine.features.breath import breaths
from custom_components.smartloop.engine.features.pulse import heart_minutes, sound_beats

HERTZ = 5.0


def belt(rate: float, minutes: int = 20, *, noise: float = 0.2, seed: int = 1) -> np.ndarray:
    seconds = np.arange(minutes * 300) / HERTZ
    rng = np.random.default_rng(seed)
    return 9000 + 100 * (np.sin(2 * np.pi * rate * seconds / 60) + noise * rng.normal(0, 1, seconds.size)) + seconds


@pytest.mark.parametrize("rate", [8.0, 12.3, 15.0, 19.7, 27.0])
def test_a_steady_breath_is_counted_both_ways(rate: float) -> None:
    found = breaths(belt(rate), HERTZ)

    assert np.isfinite(found.rate).mean() > 0.9
    assert np.nanmedian(found.spectral) == pytest.approx(rate, abs=0.15)
    assert np.nanmedian(found.counted) == pytest.approx(rate, abs=0.25)


def test_units_and_posture_do_not_matter() -> None:
    plain = breaths(belt(14.0), HERTZ).rate
    turned = breaths(0.01 * belt(14.0) + np.repeat([0.0, 5.0], 3000), HERTZ).rate

    assert np.nanmedian(turned) == pytest.approx(np.nanmedian(plain), abs=0.1)


@pytest.mark.parametrize(
    "signal",
    [
        np.zeros(3000),
        np.full(3000, np.nan),
        np.random.default_rng(4).normal(0, 1, 3000),
        np.arange(3000.0),
    ],
)
def test_what_is_no_breath_gives_no_rate(signal: np.ndarray) -> None:
    assert np.isnan(breaths(signal, HERTZ).rate).mean() >= 0.7


def test_gaps_and_short_signals_give_no_rate() -> None:
    signal = belt(14.0)
    signal[600:1200] = np.nan
    found = breaths(signal, HERTZ).rate

    assert np.isnan(found[2:4]).all()
    assert np.isfinite(found[6:]).mean() > 0.9
    assert breaths(signal[:200], HERTZ).rate.size == 0


def strap(bpm: float, minutes: int = 30, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    length = 60_000 / bpm * (1 + 0.03 * rng.normal(0, 1, int(bpm * minutes)))
    return np.floor(np.cumsum(length) / 1000), length


def test_noise_and_missed_beats_do_not_move_the_heart_rate() -> None:
    at, length = strap(56.0)
    rng = np.random.default_rng(3)
    spoiled = length.copy()
    bad = rng.random(length.size) < 0.1
    spoiled[bad] = rng.choice([255.0, 400.0, 2.0 * 1071.0, 9000.0], int(bad.sum()))

    clean, dirty = heart_minutes(at, length, 29), heart_minutes(at, spoiled, 29)

    assert np.nanmax(np.abs(clean - 56.0)) < 1.0
    assert np.nanmax(np.abs(dirty - clean)) < 1.0
    assert (sound_beats(spoiled)[bad]).mean() < 0.05


def test_minutes_hardly_heard_have_no_heart_rate() -> None:
    at, length = strap(60.0)
    keep = (at < 300) | (at > 540)
    found = heart_minutes(at[keep], length[keep], 29)

    assert np.isnan(found[5:9]).all()
    assert np.isfinite(found[:5]).all()
    assert np.isnan(heart_minutes([], [], 3)).all()
    assert np.isnan(heart_minutes([0.0, 1.0], [np.nan, 5.0], 1)).all()
