"""Stored numbers come back, garbage does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.state import numbers


def test_numbers_come_back() -> None:
    assert numbers([1, 2.5], 2) == (1.0, 2.5)
    assert numbers((), 0) == ()


@pytest.mark.parametrize(
    "state",
    [
        None,
        "ab",
        3.0,
        {},
        [1.0],
        [1.0, 2.0, 3.0],
        [1.0, "2"],
        [1.0, True],
        [1.0, None],
        [1.0, float("nan")],
        [1.0, float("inf")],
        [1.0, 10**400],
    ],
)
def test_garbage_is_refused(state: object) -> None:
    with pytest.raises(SnapshotError):
        numbers(state, 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON, st.integers(0, 4))
def test_anything_is_numbers_or_refused(state: object, count: int) -> None:
    if isinstance(state, list) and len(state) == count and all(is_sane(item) for item in state):
        assert list(numbers(state, count)) == state
    else:
        with pytest.raises(SnapshotError):
            numbers(state, count)


def is_sane(item: object) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < 1e12
