"""Bands: reference values and what may not happen at the edges."""

import numpy as np
import pytest

from custom_components.smartloop.engine.models.forecast_bands import (
    FALLBACK_QUANTILES,
    LEVELS,
    agreeing,
    banded,
    quantiles,
    yardsticks,
)


def test_the_fallback_table_is_whole_and_rises() -> None:
    assert FALLBACK_QUANTILES.shape == (4, 3, len(LEVELS))
    assert (np.diff(FALLBACK_QUANTILES, axis=-1) > 0).all()
    assert (FALLBACK_QUANTILES > 0).all()


def test_vapour_is_held_between_nothing_and_saturation() -> None:
    value = agreeing(np.array([[20.0, 11.666], [20.0, 30.0], [20.0, -4.0]]))

    np.testing.assert_allclose(value[:, 2], [50.0, 100.0, 0.857], atol=0.02)


def test_the_yardstick_of_humidity_follows_from_the_others() -> None:
    value = agreeing(np.array([[[20.0, 11.666]]]))

    yard = yardsticks(value, np.array([[2.0, 1.0]]))

    np.testing.assert_allclose(yard[0, 0], [2.0, 1.0, np.hypot(50 / 11.666, 0.062 * 50 * 2)], rtol=1e-3)


def test_quantiles_lie_on_lines_between_the_levels() -> None:
    table = np.broadcast_to(np.array(LEVELS) * 10, (4, len(LEVELS)))

    found = quantiles(table, np.array([0.9, 0.55, 0.5, 1.0]))

    np.testing.assert_allclose(found, [9.0, 5.5, 5.0, 10.0])


def test_humidity_stays_within_what_the_others_allow() -> None:
    value = agreeing(np.array([[[20.0, 22.0]]]))

    wide = banded(value, np.array([[[1.0, 5.0, 60.0]]]))
    narrow = banded(value, np.array([[[0.0, 0.0, 60.0]]]))

    assert wide.hi[0, 0, 2] == 100.0
    assert wide.hi[0, 0, 1] == pytest.approx(24.81, abs=0.02)
    np.testing.assert_allclose(narrow.lo, narrow.value)
    np.testing.assert_allclose(narrow.hi, narrow.value)
