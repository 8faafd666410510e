"""Features of beats: what a detector made up is removed, and a made-up cycle is seen where it was put."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.smartloop.engine.features.beats import CLIP, MINUTE_NAMES, NIGHT_NAMES, intervals, night
from tests.engine.beats import night as beats

BEATS = beats(120, ((40, 70),))


def test_extra_beats_go_and_missed_ones_are_not_sound() -> None:
    times = np.arange(0.0, 100.0, 1.0)
    extra = np.sort(np.append(times, [20.3, 50.4]))
    found = intervals(np.delete(extra, np.flatnonzero(extra == 80.0)))

    np.testing.assert_allclose(found.length[found.sound], 1.0)
    assert found.sound.sum() == found.sound.size - 1
    assert found.length[~found.sound].tolist() == [2.0]
    assert found.at[~found.sound].tolist() == [80.0]


def test_a_cycle_stands_out_where_it_is() -> None:
    found = night(BEATS, 120)

    assert found is not None
    columns = dict(zip(MINUTE_NAMES, found.minutes.T, strict=True))
    inside = slice(44, 66)
    outside = np.r_[8:36, 74:112]
    for name in ("cycle_power_5min", "cycle_peak_5min", "echo_5min", "surge_3min", "cycle_to_breath_3min"):
        assert np.median(columns[name][inside]) > np.median(columns[name][outside]) + 1.0, name
    assert found.cycle_share[inside].min() > 0.5
    assert found.heard.min() > 0.9
    assert found.sound > 0.99


def test_a_night_with_cycles_differs_from_a_quiet_one_as_a_whole() -> None:
    quiet, cyclic = night(beats(120), 120), night(beats(120, ((0, 120),)), 120)

    assert quiet is not None
    assert cyclic is not None
    assert (cyclic.night > quiet.night + 0.2).all()
    assert cyclic.night.shape == (len(NIGHT_NAMES),)


def test_it_does_not_matter_when_the_clock_began_or_which_beats_follow() -> None:
    one, two = night(BEATS, 120), night(np.append(BEATS, BEATS[-1] + 1e5), 120)

    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(one.night, two.night)


@pytest.mark.parametrize("times", [[], [1.0], [0.0, 1.0, 2.0], np.arange(50.0), np.full(500, 3.0)])
def test_too_little_is_no_night(times: list[float]) -> None:
    assert night(times, 120) is None
    assert night(BEATS, 20) is None


def test_what_was_not_heard_says_so() -> None:
    gap = BEATS[(BEATS < 3000.0) | (BEATS > 4200.0)]
    found = night(gap, 120)

    assert found is not None
    assert found.heard[54:66].max() == 0.0
    assert found.heard[[20, 100]].min() == 1.0
    assert np.isfinite(found.minutes).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 0.6), st.floats(0.0, 1.0))
def test_any_noise_gives_finite_features_or_none(seed: int, lost: float, added: float) -> None:
    rng = np.random.default_rng(seed)
    kept = BEATS[rng.random(BEATS.size) >= lost]
    times = np.unique(np.append(kept, rng.uniform(0.0, 7200.0, int(added * 2000))))
    found = night(times, 120)

    if found is not None:
        assert np.isfinite(found.minutes).all()
        assert np.abs(found.minutes).max() <= CLIP
        assert np.isfinite(found.night).all()
        assert ((found.heard >= 0.0) & (found.heard <= 1.0)).all()
