"""The features of the forecast: reference values, what is missing, and the laws they obey."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.features.forecast import (
    HISTORY_HOURS,
    HISTORY_NAMES,
    HORIZONS,
    LEAD_HOURS,
    WEATHER_NAMES,
    Climate,
    Features,
    bridge,
    features,
    hold,
    trailing_mean,
    windows,
)
from custom_components.smartloop.engine.features.psychrometrics import saturation_pressure

NAN = np.nan


def climate(rows: int = 1, **changed: object) -> Climate:
    """Return rooms with a daily swing, two weeks long, under weather with a slow wave."""
    past = np.arange(-HISTORY_HOURS + 1, 1)
    ahead = np.arange(1, LEAD_HOURS + 1)

    def table(hours: np.ndarray, mean: float, swing: float, wave: float) -> np.ndarray:
        one = mean + swing * np.cos(2 * np.pi * hours / 24) + wave * np.sin(2 * np.pi * hours / 100)
        return np.tile(one, (rows, 1)).astype(np.float32)

    given: dict[str, object] = {
        "temperature": table(past, 20.0, 1.0, 0.5),
        "vapour_pressure": table(past, 11.0, 0.5, 0.7),
        "outdoor_temperature": table(past, 8.0, 4.0, 3.0),
        "outdoor_vapour_pressure": table(past, 8.0, 0.3, 1.0),
        "forecast_temperature": table(ahead, 8.0, 4.0, 3.0),
        "forecast_vapour_pressure": table(ahead, 8.0, 0.3, 1.0),
        "hour": np.full(rows, 9.0),
        "weekday": np.full(rows, 2),
    }
    return Climate(**(given | changed))  # type: ignore[arg-type]


def column(found: Features, name: str) -> float:
    return float(found.weather[0, WEATHER_NAMES.index(name)])


def test_names_are_unique_and_match_the_tables() -> None:
    found = features(climate())

    assert len(set(WEATHER_NAMES)) == len(WEATHER_NAMES)
    assert WEATHER_NAMES[: len(HISTORY_NAMES)] == HISTORY_NAMES
    assert found.history.shape == (1, len(HISTORY_NAMES))
    assert found.weather.shape == (1, len(WEATHER_NAMES))
    assert found.history.dtype == found.weather.dtype == np.float32
    np.testing.assert_array_equal(found.weather[:, : len(HISTORY_NAMES)], found.history)


def test_values_against_a_plain_computation() -> None:
    rows = climate()
    t = rows.temperature[0].astype(float)
    e = rows.vapour_pressure[0].astype(float)
    to = np.concatenate([rows.outdoor_temperature[0], rows.forecast_temperature[0]]).astype(float)
    now = HISTORY_HOURS - 1
    found = features(rows)
    day = t[-24:].mean()

    assert found.ready[0]
    assert found.weather_ready.all()
    np.testing.assert_allclose(found.now[0], [t[-1], e[-1]])
    np.testing.assert_allclose(found.day_mean[0], [day, e[-24:].mean()])
    np.testing.assert_allclose(found.same_hour[0, :, 0], [t[-19], t[-13], t[-1], t[-1]])
    np.testing.assert_allclose(found.blend[0, 1, 0], (t[-1] + t[-13] + day) / 3)
    assert column(found, "t_now") == pytest.approx(t[-1] - day, abs=1e-5)
    assert column(found, "t_mean_6h") == pytest.approx(t[-6:].mean() - day, abs=1e-5)
    assert column(found, "t_mean_168h") == pytest.approx(t[-168:].mean() - day, abs=1e-5)
    assert column(found, "t_mean_day_before") == pytest.approx(t[-48:-24].mean() - day, abs=1e-5)
    assert column(found, "e_lag_48h") == pytest.approx(e[-49] - e[-24:].mean(), abs=1e-5)
    assert column(found, "t_same_hour@6") == pytest.approx(t[-19] - day, abs=1e-5)
    assert column(found, "t_day_before@12") == pytest.approx(t[-37] - t[-13], abs=1e-5)
    usual = np.mean([t[-19 - 24 * d] - t[-42 - 24 * d : -18 - 24 * d].mean() for d in range(7)])
    assert column(found, "t_usual@6") == pytest.approx(usual, abs=1e-5)
    assert column(found, "to_turn@6") == pytest.approx(to[now + 6] - to[now - 18], abs=1e-5)
    assert column(found, "to_turn_6h@24") == pytest.approx(to[now + 19 : now + 25].mean() - to[now], abs=1e-5)
    shift = to[now + 25 : now + 49].mean() - to[now - 23 : now + 1].mean()
    assert column(found, "to_day@48") == pytest.approx(shift, abs=1e-5)
    assert column(found, "to_path@12") == pytest.approx(
        to[now + 1 : now + 13].mean() - to[now - 23 : now + 1].mean(), abs=1e-5
    )
    assert column(found, "to_gap@24") == pytest.approx(to[now + 1 : now + 25].mean() - day, abs=1e-5)
    assert column(found, "to_gap_168h") == pytest.approx(to[now - 167 : now + 1].mean() - t[-168:].mean(), abs=1e-4)


def test_unrest_is_the_change_from_day_to_day_shrunk_to_the_usual() -> None:
    steps = np.repeat(np.arange(HISTORY_HOURS // 24), 24).astype(np.float32)[None, :]

    found = features(climate(temperature=20.0 + 0.5 * steps))

    assert found.unrest[0, 0] == pytest.approx(np.sqrt((168 * 0.25 + 24 * 0.64) / (168 + 24)))


def test_the_clock_counts_in_units_of_unrest() -> None:
    found = features(climate(hour=np.array([20.0]), weekday=np.array([4])))
    t, e = found.unrest[0]

    assert column(found, "t_sin@6") == pytest.approx(t * np.sin(2 * np.pi * 26 / 24), abs=1e-5)
    assert column(found, "e_cos@12") == pytest.approx(e * np.cos(2 * np.pi * 32 / 24), abs=1e-5)
    # Friday 20:00: all targets but that of 0 h lie on the weekend.
    assert [column(found, f"t_weekend@{h}") > 0 for h in HORIZONS] == [True, True, True, True]
    found = features(climate(hour=np.array([20.0]), weekday=np.array([6])))
    assert [column(found, f"t_weekend@{h}") > 0 for h in HORIZONS] == [False, False, False, False]


def test_gain_is_how_far_the_room_followed_the_outdoor_air() -> None:
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(0, 0.8, HISTORY_HOURS))[None, :].astype(np.float32)

    follows = features(climate(temperature=20.0 + 0.6 * walk, outdoor_temperature=walk))
    ignores = features(climate(outdoor_temperature=walk))

    day = column(follows, "to_day@24")
    assert column(follows, "to_gain_day@24") / day == pytest.approx(0.6, abs=0.03)
    assert abs(column(ignores, "to_gain_day@24") / column(ignores, "to_day@24")) < 0.15


def test_equal_humidity_columns_are_the_slope_of_saturation_times_temperature() -> None:
    found = features(climate())
    t, e = found.day_mean[0]
    humidity = 100.0 * e / saturation_pressure(t)
    slope = humidity * (saturation_pressure(t + 0.01) - saturation_pressure(t - 0.01)) / 0.02 / 100.0

    assert column(found, "ht_lag_12h") == pytest.approx(slope * column(found, "t_lag_12h"), rel=1e-4)
    assert column(found, "hto_day@12") == pytest.approx(slope * column(found, "to_day@12"), rel=1e-4)


def test_a_silent_sensor_is_held_for_three_hours_and_no_longer() -> None:
    rows = climate()
    rows.temperature[:, -3:] = NAN
    held = features(rows)
    rows.temperature[:, -4:] = NAN
    gone = features(rows)

    assert held.ready[0]
    assert held.now[0, 0] == climate().temperature[0, -4]
    assert not gone.ready[0]


@pytest.mark.parametrize(("hours", "ready"), [(23, False), (24, True)])
def test_a_day_of_history_is_enough(hours: int, *, ready: bool) -> None:
    rows = climate()
    rows.temperature[:, :-hours] = NAN

    found = features(rows)

    assert found.ready[0] == ready
    assert np.isfinite(found.history).all()
    assert found.weather_ready.any() == ready


def test_a_day_with_less_than_half_its_hours_is_not_enough() -> None:
    rows = climate()
    rows.temperature[:, -24:-2] = NAN

    assert not features(rows).ready[0]


def test_one_day_of_history_falls_back_on_its_mean() -> None:
    rows = climate()
    rows.temperature[:, :-24] = NAN
    found = features(rows)

    assert column(found, "t_lag_48h") == 0
    assert column(found, "t_mean_day_before") == 0
    assert column(found, "t_day_before@24") == 0
    assert column(found, "t_usual@6") == pytest.approx(column(found, "t_same_hour@6"), abs=1e-5)


def test_without_a_forecast_only_the_weather_is_missing() -> None:
    rows = climate(forecast_temperature=np.full((1, LEAD_HOURS), NAN, np.float32))

    found = features(rows)

    assert found.ready[0]
    assert not found.weather_ready.any()
    assert np.isfinite(found.weather).all()


def test_without_outdoor_vapour_only_the_vapour_is_missing() -> None:
    found = features(climate(forecast_vapour_pressure=np.full((1, LEAD_HOURS), NAN, np.float32)))

    assert found.weather_ready[..., 0].all()
    assert not found.weather_ready[..., 1].any()


def test_a_short_forecast_serves_its_horizons() -> None:
    rows = climate()
    rows.forecast_temperature[:, 24:] = NAN

    assert features(rows).weather_ready[0, :, 0].tolist() == [True, True, True, False]


def test_a_three_hourly_forecast_is_bridged() -> None:
    rows = climate()
    rows.forecast_temperature[:, np.arange(LEAD_HOURS) % 3 != 2] = NAN

    assert features(rows).weather_ready[..., 0].all()


def test_hold_fills_forwards_only() -> None:
    values = np.array([[NAN, 1.0, NAN, NAN, NAN, 2.0]])

    np.testing.assert_array_equal(hold(values, 2), [[NAN, 1.0, 1.0, 1.0, NAN, 2.0]])


def test_bridge_joins_near_points_only() -> None:
    values = np.array([[NAN, 1.0, NAN, 3.0, NAN, NAN, NAN, 7.0, NAN]])

    np.testing.assert_allclose(bridge(values, 3), [[NAN, 1.0, 2.0, 3.0, NAN, NAN, NAN, 7.0, NAN]])


def test_trailing_mean_wants_enough() -> None:
    values = np.array([[1.0, NAN, 3.0, 5.0]])

    np.testing.assert_allclose(trailing_mean(values, 2, 2), [[NAN, NAN, NAN, 4.0]])
    np.testing.assert_allclose(trailing_mean(values, 3, 1), [[1.0, 1.0, 2.0, 4.0]])


def test_windows_end_at_their_hour() -> None:
    np.testing.assert_array_equal(windows(np.array([1, 2, 3], np.float32), 2), [[NAN, 1], [1, 2], [2, 3]])


@given(st.floats(-10, 10), st.integers(0, 3))
def test_differences_do_not_see_a_shift_of_both_airs(shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.5, (1, HISTORY_HOURS)).astype(np.float32)
    base = climate()
    plain = features(climate(temperature=base.temperature + noise))
    moved = features(
        climate(
            temperature=base.temperature + noise + np.float32(shift),
            outdoor_temperature=base.outdoor_temperature + np.float32(shift),
            forecast_temperature=base.forecast_temperature + np.float32(shift),
        )
    )
    same = [i for i, name in enumerate(WEATHER_NAMES) if not name.startswith("h")]

    np.testing.assert_allclose(moved.weather[:, same], plain.weather[:, same], atol=2e-4)
    np.testing.assert_allclose(moved.blend[..., 0], plain.blend[..., 0] + shift, atol=1e-4)


@given(st.integers(0, 1000))
def test_rooms_do_not_see_each_other(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = climate(3)
    for name in ("temperature", "vapour_pressure", "outdoor_temperature", "forecast_temperature"):
        table = getattr(rows, name)
        table += rng.normal(0, 1, table.shape).astype(np.float32)
        table[rng.random(table.shape) < 0.3] = NAN
    together = features(rows)
    for row in range(3):
        alone = features(Climate(**{f.name: getattr(rows, f.name)[row : row + 1] for f in fields(Climate)}))
        for field in fields(Features):
            np.testing.assert_allclose(
                getattr(together, field.name)[row], getattr(alone, field.name)[0], rtol=1e-6, atol=1e-6
            )


def test_nothing_known_gives_nothing_and_no_warning() -> None:
    with np.errstate(all="raise"):
        found = features(climate(temperature=np.full((1, HISTORY_HOURS), NAN, np.float32)))

    assert not found.ready[0]
