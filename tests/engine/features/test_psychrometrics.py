"""Psychrometrics against PsychroLib, published examples and the laws of moist air."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.errors import ReadingError
from custom_components.smartloop.engine.features.psychrometrics import (
    absolute_humidity,
    dew_point,
    dew_point_of_pressure,
    relative_humidity,
    relative_humidity_of_dew_point,
    saturation_pressure,
    vapour_pressure,
)
from tests.gold import rows

TEMPERATURES = st.floats(-40.0, 60.0)
HUMIDITIES = st.floats(0.5, 100.0)
DEW_TOLERANCE = 0.04
"""K: Magnus beside PsychroLib, dew points from 0 to 40 °C."""
FROST_TOLERANCE = 2.8
"""K: below 0 °C PsychroLib gives the frost point, Magnus the dew point over supercooled water."""


@pytest.mark.parametrize("row", rows("psychrometrics"), ids=lambda row: f"{row['temp_c']}C-{row['rh_pct']}%")
def test_psychrolib(row: dict[str, str]) -> None:
    temperature, humidity = float(row["temp_c"]), float(row["rh_pct"])
    over_water = temperature >= 0.0
    expected = float(row["dewpoint_c"])
    tolerance = DEW_TOLERANCE if expected >= 0.0 else FROST_TOLERANCE
    assert dew_point(temperature, humidity) == pytest.approx(expected, abs=tolerance)
    pressure = float(row["vapour_pressure_pa"])
    assert vapour_pressure(temperature, humidity) == pytest.approx(pressure, rel=0.003 if over_water else 0.052)
    mass = float(row["abs_humidity_gm3"])
    assert absolute_humidity(temperature, humidity) == pytest.approx(mass, rel=0.003 if over_water else 0.052)
    assert relative_humidity(temperature, vapour_pressure(temperature, humidity)) == pytest.approx(humidity)


@pytest.mark.parametrize("row", rows("dewpoint_published"), ids=lambda row: row["quoted_as"])
def test_published_dew_points(row: dict[str, str]) -> None:
    assert dew_point(float(row["temp_c"]), float(row["rh_pct"])) == pytest.approx(float(row["dewpoint_c"]), abs=0.2)


def test_reference_values() -> None:
    # The Magnus form worked out in 30-digit decimals: tight, so that no digit of a constant can slip.
    assert saturation_pressure(0.0) == 611.2
    assert saturation_pressure(20.0) == pytest.approx(2332.596, abs=0.001)
    assert saturation_pressure(-10.0) == pytest.approx(287.031, abs=0.001)
    assert vapour_pressure(20.0, 50.0) == pytest.approx(1166.298, abs=0.001)
    assert dew_point(20.0, 50.0) == pytest.approx(9.25517, abs=1e-5)
    assert dew_point_of_pressure(1000.0) == pytest.approx(6.98843, abs=1e-5)
    assert absolute_humidity(20.0, 50.0) == pytest.approx(8.62081, abs=1e-5)
    assert relative_humidity_of_dew_point(20.0, 9.25517) == pytest.approx(50.0, abs=1e-4)


@given(TEMPERATURES, HUMIDITIES)
def test_dew_point_is_not_above_the_temperature(temperature: float, humidity: float) -> None:
    dew = dew_point(temperature, humidity)
    assert dew <= temperature + 1e-9
    assert relative_humidity_of_dew_point(temperature, dew) == pytest.approx(humidity)
    assert dew_point(20.0, 50.0) == pytest.approx(9.25517, abs=1e-5)


@given(TEMPERATURES)
def test_dew_point_of_saturated_air_is_its_temperature(temperature: float) -> None:
    assert dew_point_of_pressure(saturation_pressure(temperature)) == pytest.approx(temperature, abs=1e-9)


@given(TEMPERATURES, st.floats(0.01, 20.0), HUMIDITIES, st.floats(0.01, 20.0))
def test_warmer_and_damper_air_holds_more(temperature: float, warmer: float, humidity: float, damper: float) -> None:
    assert saturation_pressure(temperature + warmer) > saturation_pressure(temperature)
    assert absolute_humidity(temperature, humidity + damper) > absolute_humidity(temperature, humidity)
    assert dew_point(temperature, humidity + damper) > dew_point(temperature, humidity)


@pytest.mark.parametrize(
    ("function", "other"),
    [
        (vapour_pressure, 55.0),
        (dew_point, 55.0),
        (absolute_humidity, 55.0),
        (relative_humidity, 900.0),
        (relative_humidity_of_dew_point, 4.0),
    ],
)
def test_arrays_agree_with_floats(function: Callable[..., float], other: float) -> None:
    temperatures = np.array([-8.0, 0.0, 21.5])
    each = [function(float(item), other) for item in temperatures]
    assert isinstance(each[0], float)
    np.testing.assert_allclose(np.asarray(function(temperatures, other)), each)
    np.testing.assert_allclose(np.asarray(function(temperatures, np.full(3, other))), each)
    first = function(-8.0, np.full(3, other))
    np.testing.assert_allclose(np.asarray(first), [each[0]] * 3)


@pytest.mark.parametrize("dry", [0.0, -1.0, float("nan")])
def test_dry_air_has_no_dew_point(dry: float) -> None:
    with pytest.raises(ReadingError):
        dew_point_of_pressure(dry)
    with pytest.raises(ReadingError):
        dew_point_of_pressure(np.array([900.0, dry]))
