"""The weather forecast by the hour."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.forecast import LEAD_HOURS
from custom_components.smartloop.engine.features.psychrometrics import vapour_pressure
from custom_components.smartloop.engine.reading import WeatherPoint
from custom_components.smartloop.engine.weather import Weather
from tests.engine.house import START

HOUR = int(START.timestamp() // 3600) - 1
"""The hour before the start."""


def points(*hours: float, humidity: float | None = 80.0) -> list[WeatherPoint]:
    return [
        WeatherPoint(at=START + timedelta(hours=hour), temperature=float(hour), relative_humidity=humidity)
        for hour in hours
    ]


def test_no_forecast_is_unknown() -> None:
    temperature, pressure = Weather().coming(HOUR)

    assert np.isnan(temperature).all()
    assert np.isnan(pressure).all()
    assert Weather().next_day(HOUR) is None


def test_the_first_column_is_the_hour_after_the_last_complete_one() -> None:
    temperature, pressure = Weather(points(1, 0, 47, 48, -1)).coming(HOUR)

    assert len(temperature) == LEAD_HOURS
    assert np.flatnonzero(np.isfinite(temperature)).tolist() == [0, 1, 47]
    assert temperature[1] == 1.0
    assert pressure[1] == pytest.approx(vapour_pressure(1.0, 80.0) / 100.0)


def test_a_forecast_without_humidity_has_no_vapour_pressure() -> None:
    temperature, pressure = Weather(points(0, humidity=None)).coming(HOUR)

    assert temperature[0] == 0.0
    assert np.isnan(pressure[0])


def test_a_three_hourly_day_is_bridged() -> None:
    day = Weather(points(*range(0, 25, 3))).next_day(HOUR)

    assert day is not None
    np.testing.assert_allclose(day[:22], np.arange(22))


@pytest.mark.parametrize("hours", [(0, 12, 23), (5, 10, 15, 20, 23), (0, 5, 10, 15)])
def test_a_day_with_too_little_is_unknown(hours: tuple[int, ...]) -> None:
    assert Weather(points(*hours)).next_day(HOUR) is None


def test_a_snapshot_goes_round() -> None:
    weather = Weather([*points(0, 1, 2), *points(3, humidity=None)])

    again = Weather.restored(json.loads(json.dumps(weather.snapshot())))

    assert again.snapshot() == weather.snapshot()


AT = START.isoformat()


@pytest.mark.parametrize(
    "state",
    [
        None,
        [1],
        [[AT, 1.0]],
        [["soon", 1.0, None]],
        [[AT[:-6], 1.0, None]],
        [[5, 1.0, None]],
        [[AT, "mild", None]],
        [[AT, 1e9, None]],
        [[AT, 10**400, None]],
        [[AT, 1.0, None]] * 1000,
    ],
)
def test_a_bad_snapshot_is_refused(state: Any) -> None:
    with pytest.raises(SnapshotError):
        Weather.restored(state)
