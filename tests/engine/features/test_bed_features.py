"""A night's features: from any units and order, and nothing where nothing was seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from custom_components.smartloop.engine.features.bed import (
    CLOCK,
    HEART,
    MINUTE,
    MOST_MINUTES,
    MOTION,
    NAMES,
    QUIET,
    BedMinute,
    Night,
    deviation,
    night,
    smooth,
    smooth_known,
    table,
)

START = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)


def told(count: int = 300, seed: int = 1) -> list[BedMinute]:
    rng = np.random.default_rng(seed)
    rate = 55 + 4 * np.sin(np.arange(count) / 15) + rng.normal(0, 1.5, count)
    motion = np.where(rng.random(count) < 0.1, rng.random(count), 0.0)
    return [
        BedMinute(at=START + i * MINUTE, occupied=True, heart_rate=float(rate[i]), motion=float(motion[i]))
        for i in range(count)
    ]


def columns(seen: Night | None, *names: str) -> np.ndarray:
    assert seen is not None
    return table(seen)[:, [NAMES.index(name) for name in names]]


def test_units_of_motion_do_not_matter() -> None:
    minutes = told()
    other = [replace(each, motion=37.0 * (each.motion or 0.0)) for each in minutes]

    np.testing.assert_allclose(columns(night(minutes), *NAMES), columns(night(other), *NAMES), atol=1e-9)


def test_neither_order_nor_repetition_matters() -> None:
    minutes = told()
    shuffled = [minutes[i] for i in np.random.default_rng(0).permutation(len(minutes))]

    np.testing.assert_array_equal(columns(night(minutes), *NAMES), columns(night(shuffled + minutes[:50]), *NAMES))


def test_a_jumped_clock_is_another_night() -> None:
    minutes = told()
    lost = [replace(each, at=each.at + timedelta(days=400)) for each in minutes[:20]]
    seen = night(minutes[20:] + lost)

    assert seen is not None
    assert seen.start == minutes[20].at
    assert seen.minutes == 280


def test_a_night_has_an_end() -> None:
    seen = night([BedMinute(at=START + i * MINUTE, motion=float(i % 7)) for i in range(2 * MOST_MINUTES)])

    assert seen is not None
    assert seen.minutes == MOST_MINUTES
    assert night([]) is None


def test_what_is_unbelievable_is_not_known() -> None:
    minutes = told(200)
    odd = [replace(each, heart_rate=0.0, motion=float("nan")) for each in minutes]
    doubtful = [replace(each, quality=0.1, motion=-1.0) for each in minutes]

    for each in (odd, doubtful):
        seen = night(each)
        assert np.isnan(columns(seen, *MOTION, *HEART, *QUIET)).all()
        assert np.isfinite(columns(seen, *CLOCK)).all()


def test_a_dead_sensor_says_nothing_of_motion() -> None:
    seen = night([replace(each, motion=0.0) for each in told()])

    assert np.isnan(columns(seen, *MOTION, *QUIET)).all()
    assert np.isfinite(columns(seen, *HEART)).all()


def test_gaps_are_bridged_only_briefly() -> None:
    minutes = [replace(each, heart_rate=None) if 100 <= i < 140 or i == 50 else each for i, each in enumerate(told())]
    known = np.isfinite(columns(night(minutes), "heart")[:, 0])

    assert known[50]
    assert not known[110:130].any()
    assert known[:95].all()


def test_out_of_bed_nothing_moves_and_nothing_beats() -> None:
    seen = night([replace(each, occupied=not 100 <= i < 130) for i, each in enumerate(told())])

    assert seen is not None
    assert seen.away.sum() == 30
    assert np.isnan(seen.motion[100:130]).all()


def test_a_steady_pulse_deviates_less_than_a_swinging_one() -> None:
    steps = np.arange(240.0)
    calm, swinging = deviation(60 + 0.2 * np.sin(steps / 3)), deviation(60 + 5 * np.sin(steps / 3))

    np.testing.assert_allclose(swinging[20:-20] / calm[20:-20], 25.0, rtol=1e-6)
    assert np.isnan(deviation(np.full(50, np.nan))).all()


def test_smoothing_keeps_a_constant_and_what_is_unknown() -> None:
    np.testing.assert_allclose(smooth(np.full(30, 3.0), 5.0), 3.0)
    values = np.array([1.0, np.nan, 1.0, 1.0])
    np.testing.assert_allclose(smooth_known(values, 1.0), [1.0, np.nan, 1.0, 1.0])


@pytest.mark.parametrize("count", [1, 2, 7, 61])
def test_short_nights_do_not_fail(count: int) -> None:
    assert columns(night(told(count)), *NAMES).shape == (count, len(NAMES))
