"""A room through time: which hours count, which are held."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.psychrometrics import vapour_pressure
from custom_components.smartloop.engine.features.surface import SurfaceKind
from custom_components.smartloop.engine.hours import Series
from custom_components.smartloop.engine.room import HOUR, Air, RoomTwin
from tests.engine.house import BATH, START

NOON = START.timestamp()
DAMP = Air(20.0, vapour_pressure(20.0, 75.0), 2.0, 500.0, None)
DRY = Air(20.0, vapour_pressure(20.0, 20.0), 2.0, 500.0, None)
NOTHING = Air(None, None, None, None, None)


def lived(*moments: tuple[float, Air], twin: RoomTwin | None = None) -> RoomTwin:
    """Return the room after looks at hours from the start."""
    twin = twin or RoomTwin(BATH)
    for hours, air in moments:
        twin.advance(air, NOON + hours * HOUR)
    return twin


def steady(hours: int, air: Air = DAMP, begin: int = 0) -> list[tuple[float, Air]]:
    return [(begin + n / 6, air) for n in range(6 * hours + 1)]


def test_a_new_room_knows_nothing() -> None:
    twin = RoomTwin(BATH)

    assert twin.moment is None
    assert twin.at is None
    assert twin.outlook.worst is None
    assert twin.outlook.days_to_mold is None
    assert twin.outlook.growth_per_day is None
    assert twin.outlook.hours_above_critical is None
    assert len(twin.factors) == len(SurfaceKind)


def test_full_hours_count() -> None:
    twin = lived(*steady(5))

    assert twin.mold.hours == 5.0
    assert twin.mold.held_hours == 0.0
    assert twin.hours.last == int(NOON // HOUR) + 4
    np.testing.assert_allclose(twin.hours.newest(Series.TEMPERATURE, 5), 20.0)
    assert twin.at == datetime(2026, 1, 10, 5, tzinfo=UTC)
    assert twin.outlook.hours_above_critical == 5.0


def test_hourly_looks_count_as_well() -> None:
    """The recorded past is followed by the hour."""
    twin = lived(*((float(n), DAMP) for n in range(6)))

    assert twin.mold.hours == 5.0


def test_an_hour_s_mean_is_weighted_by_time() -> None:
    warm = DAMP._replace(temperature=24.0)
    twin = lived((0.0, DAMP), (0.75, DAMP), (1.0, warm))

    assert twin.hours.newest(Series.TEMPERATURE, 1)[0] == pytest.approx(21.0)


def test_a_look_across_the_hour_stands_for_both_sides() -> None:
    twin = lived((0.0, DAMP), (0.5, DAMP), (1.25, DAMP._replace(temperature=24.0)), (2.0, DAMP))

    np.testing.assert_allclose(twin.hours.newest(Series.TEMPERATURE, 2), [22.0, 21.0])


@pytest.mark.parametrize("missing", ["temperature", "vapour_pressure", "outdoor_temperature"])
def test_an_hour_without_data_is_held_and_not_counted(missing: str) -> None:
    twin = lived(*steady(3))
    before = twin.mold.index

    lived(*steady(2, DAMP._replace(**{missing: None}), begin=3)[1:], twin=twin)

    assert (twin.mold.hours, twin.mold.held_hours) == (3.0, 2.0)
    assert twin.mold.index == before


def test_less_than_half_an_hour_is_no_hour() -> None:
    some = lived((0.0, NOTHING), (0.5, NOTHING), (0.95, DAMP), (1.0, NOTHING))
    enough = lived((0.0, NOTHING), (0.45, NOTHING), (1.0, DAMP))

    assert (some.mold.hours, some.mold.held_hours) == (0.0, 1.0)
    assert (enough.mold.hours, enough.mold.held_hours) == (1.0, 0.0)


def test_after_a_short_gap_only_the_last_hour_was_seen() -> None:
    twin = lived(*steady(2), (10.0, DAMP))

    assert (twin.mold.hours, twin.mold.held_hours) == (3.0, 7.0)
    assert np.isfinite(twin.hours.newest(Series.TEMPERATURE, 10)).sum() == 3


def test_a_long_gap_is_held_whole() -> None:
    twin = lived(*steady(2), (2.0 + 49.25, DAMP))

    assert (twin.mold.hours, twin.mold.held_hours) == (2.0, 49.0)
    lived(*((51.25 + n / 6, DAMP) for n in range(6)), twin=twin)
    assert twin.mold.hours == 3.0
    assert np.isfinite(twin.hours.newest(Series.TEMPERATURE)).sum() == 3


@given(st.lists(st.floats(0.0, 60.0), min_size=1, max_size=12))
def test_every_hour_is_counted_or_held_once(gaps: list[float]) -> None:
    twin, at = RoomTwin(BATH), 0.0
    twin.advance(DAMP, NOON)
    for gap in gaps:
        at += gap
        twin.advance(DAMP, NOON + at * HOUR)

    # A gap of days drops the parts of the hours at its ends.
    long = sum(gap > 48.0 for gap in gaps)
    assert abs(twin.mold.hours + twin.mold.held_hours - int(at)) <= 1 + long


@given(st.lists(st.integers(4, 3600), min_size=1, max_size=30))
def test_how_often_one_looks_does_not_matter_while_nothing_changes(gaps: list[int]) -> None:
    often, once = lived((0.0, DAMP)), lived((0.0, DAMP))
    at = 0
    for gap in gaps:
        at += gap
        often.advance(DAMP, NOON + at)
    for hour in range(1, at // 3600 + 1):
        once.advance(DAMP, NOON + hour * HOUR)

    assert often.mold.hours == once.mold.hours
    np.testing.assert_allclose(often.mold.index, once.mold.index)


def test_the_trend_needs_a_day() -> None:
    assert lived(*steady(24)).outlook.growth_per_day is None
    day = lived(*steady(30)).outlook
    assert day.growth_per_day is not None
    assert day.growth_per_day > 0.0
    assert day.days_to_mold is not None


def test_a_dry_room_has_no_days_to_mold() -> None:
    outlook = lived(*steady(30, DRY)).outlook

    assert outlook.days_to_mold is None
    assert outlook.growth_per_day == 0.0
    assert outlook.hours_above_critical == 0.0
    assert outlook.index[outlook.worst or 0] == 0.0


def test_the_coldest_surface_is_the_least_insulated_in_winter_and_the_best_in_summer() -> None:
    twin = RoomTwin(BATH)
    means = [factor.mean for factor in twin.factors]

    assert twin.worst(20.0, 0.0) == means.index(min(means))
    assert twin.worst(20.0, 35.0) == means.index(max(means))
    states = twin.surfaces(20.0, 1000.0, 0.0)
    assert min(states, key=lambda state: state.temperature) is states[twin.worst(20.0, 0.0)]


def test_a_sensor_in_the_cold_corner_teaches_the_factor() -> None:
    corner = DAMP._replace(surface_temperature=2.0 + 0.8 * 18.0)
    twin = lived(*steady(72, corner))

    assert twin.surface.hours > 60
    assert max(factor.mean for factor in twin.factors) == pytest.approx(0.8, abs=0.05)


AIRS = st.sampled_from([DAMP, DRY, NOTHING, DAMP._replace(surface_temperature=12.0), DAMP._replace(temperature=None)])


@given(
    st.lists(st.tuples(st.floats(0.01, 60.0), AIRS), max_size=15),
    st.lists(st.tuples(st.floats(0.01, 5.0), AIRS), max_size=5),
)
def test_a_snapshot_goes_round(past: list[tuple[float, Air]], coming: list[tuple[float, Air]]) -> None:
    twin, at = RoomTwin(BATH), 0.0
    for gap, air in past:
        at += gap
        twin.advance(air, NOON + at * HOUR)

    again = RoomTwin.restored(BATH, json.loads(json.dumps(twin.snapshot())))

    assert again.snapshot() == twin.snapshot()
    assert again.outlook == twin.outlook
    for gap, air in coming:
        at += gap
        twin.advance(air, NOON + at * HOUR)
        again.advance(air, NOON + at * HOUR)
    assert again.snapshot() == twin.snapshot()


@pytest.mark.parametrize(
    "change",
    [
        None,
        {"moment": "now"},
        {"moment": -1.0},
        {"moment": 1e11 * 9},
        {"moment": None},
        {"moment": 5.0},
        {"sums": None},
        {"sums": [1.0]},
        {"sums": [float("nan")] * 5},
        {"seen": [1.0]},
        {"seen": [4000.0] * 5},
        {"seen": [-1.0] * 5},
        {"hours": None},
        {"mold": [1.0]},
        {"surface": []},
    ],
)
def test_a_bad_snapshot_is_refused(change: dict[str, Any] | None) -> None:
    good = lived(*steady(3)).snapshot()

    with pytest.raises(SnapshotError):
        RoomTwin.restored(BATH, None if change is None else good | change)
