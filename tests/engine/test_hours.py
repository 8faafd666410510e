"""Hours in a row, kept and stored."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.forecast import HISTORY_HOURS
from custom_components.smartloop.engine.hours import Hours, Series


def row(value: float) -> list[float]:
    return [value] * len(Series)


def test_nothing_is_known_at_first() -> None:
    hours = Hours()

    assert hours.last is None
    assert np.isnan(hours.newest(Series.TEMPERATURE)).all()
    assert len(hours.newest(Series.TEMPERATURE)) == HISTORY_HOURS


def test_the_newest_hour_comes_last_and_skipped_ones_are_unknown() -> None:
    hours = Hours()
    hours.push(100, row(1.0))
    hours.push(101, row(2.0))
    hours.push(104, row(3.0))

    assert hours.last == 104
    np.testing.assert_equal(hours.newest(Series.EXCESS, 6), [np.nan, 1.0, 2.0, np.nan, np.nan, 3.0])


def test_a_long_silence_empties_everything() -> None:
    hours = Hours()
    hours.push(100, row(1.0))
    hours.push(100_000, row(2.0))

    assert np.flatnonzero(np.isfinite(hours.newest(Series.TEMPERATURE))).tolist() == [HISTORY_HOURS - 1]


def test_what_is_handed_out_is_a_copy() -> None:
    hours = Hours()
    hours.push(1, row(1.0))
    hours.newest(Series.TEMPERATURE)[-1] = 9.0

    assert hours.newest(Series.TEMPERATURE)[-1] == 1.0


@given(st.lists(st.tuples(st.integers(1, 400), st.floats(-100, 1e5, width=32)), max_size=20))
def test_a_snapshot_goes_round(pushes: list[tuple[int, float]]) -> None:
    hours, hour = Hours(), 490_000
    for step, value in pushes:
        hour += step
        hours.push(hour, row(value))

    again = Hours.restored(json.loads(json.dumps(hours.snapshot())))

    assert again.snapshot() == hours.snapshot()
    assert again.last == hours.last
    for series in Series:
        np.testing.assert_array_equal(again.newest(series), hours.newest(series))


def stored(values: Any, last: Any = 5) -> dict[str, Any]:
    return {"last": last, "rows": base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()}


FULL = np.zeros((len(Series), HISTORY_HOURS))


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        {},
        {"last": 5},
        {"last": 5, "rows": None},
        {"last": 5, "rows": "ä"},
        {"last": 5, "rows": "abc"},
        stored(FULL[:-1]),
        stored(FULL + np.inf),
        stored(FULL + 1e7),
        stored(FULL, last=-1),
        stored(FULL, last=1.5),
        stored(FULL, last=True),
        stored(FULL, last=10**9),
    ],
)
def test_a_bad_snapshot_is_refused(state: Any) -> None:
    with pytest.raises(SnapshotError):
        Hours.restored(state)
