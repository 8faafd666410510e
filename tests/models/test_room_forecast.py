"""The forecast's workshop: reading homes, reproducible training, and the shipped files' skill on real homes."""

import csv
import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop.engine.features.forecast import HORIZONS, features
from custom_components.smartloop.engine.models.forecast import Forecaster
from custom_components.smartloop.engine.models.forecast_voices import HISTORY_MODEL, WEATHER_MODEL
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.select import open_onnxruntime
from onnx_models.export import FOLDER
from onnx_models.room_forecast import fit, score, simulate
from onnx_models.room_forecast.data import homes
from onnx_models.room_forecast.evaluate import evaluate, scored
from onnx_models.room_forecast.learn import Size
from onnx_models.room_forecast.replay import aligned
from onnx_models.room_forecast.samples import Outlook, climate, truth
from onnx_models.room_forecast.station import heat_index, vapour_pressure
from onnx_models.room_forecast.train import train
from tests.models.command import evaluated


def write(path: Path, header: str, rows: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder laid out like the reference data, with simulated homes under names never seen."""
    folder = tmp_path_factory.mktemp("humidity")
    made = simulate.rooms(5, 4, 24)
    humidity = 100 * made.vapour_pressure / simulate.saturation(made.temperature)
    outside = 100 * made.outdoor.vapour_pressure / simulate.saturation(made.outdoor.temperature)
    hours = range(made.temperature.shape[1])

    def at(hour: int, *, zone: str = "") -> str:
        return f"2021-03-{1 + hour // 24:02d}T{hour % 24:02d}:30{zone}"

    for index, name in enumerate(("home_Q", "home_R")):
        t, rh, to = made.temperature[index], humidity[index], made.outdoor.temperature[index]
        write(
            folder / "baltimore_homes" / f"{name}_1min.csv.gz",
            "time_local,temp_c,rh_pct,outdoor_temp_c,indoor_heat_index_c,outdoor_heat_index_c",
            [[at(h), round(t[h], 2), round(rh[h], 1), round(to[h], 1), "", ""] for h in hours],
        )
    t, rh = made.temperature[2], humidity[2]
    write(
        folder / "sgh_zigbee_homes" / "home_ffff_climate.csv.gz",
        "time,temp_c,rh_pct,pressure_hpa,linkquality,battery_pct,voltage_mv",
        [[at(h, zone=":00Z"), round(t[h], 2), round(rh[h], 1) if h % 9 else "", "", 90, "", ""] for h in hours],
    )
    write(
        folder / "sgh_zigbee_homes" / "home_ffff_outdoor.csv.gz",
        "time,temp_c,rh_pct,pressure_hpa,wind_speed,wind_dir_pt,precip_mm,observed_at",
        [
            [
                at(h, zone=":00Z"),
                round(made.outdoor.temperature[2][h], 1) if h % 50 else -99,
                round(outside[2][h]),
                "",
                "",
                "",
                "",
                at(h),
            ]
            for h in hours
        ],
    )
    write(
        folder / "belgium_house_10min" / "other_house.csv.gz",
        "time_local,den_temp_c,den_rh_pct,outdoor_north_temp_c,out_temp_c,out_rh_pct,appliances_wh",
        [
            [
                at(h).replace("T", " "),
                round(made.temperature[3][h], 2),
                round(humidity[3][h], 1),
                5,
                round(made.outdoor.temperature[3][h], 1),
                round(outside[3][h]),
                60,
            ]
            for h in hours
        ],
    )
    write(
        folder / "room_climate_occupancy" / "location_Z_10s.csv.gz",
        "measurement,start_utc,node,bin_s,temp_c,rh_pct,light1,light2,occupants,activity,door_open,window_open",
        [
            ["Z01", "2021-03-01T08:00:00Z", node, 10 * i, 20.5, 40.1, 0, 0, 0, 0, 0, 0]
            for i in range(50)
            for node in (1, 2)
        ],
    )
    return folder


def test_any_home_names_are_read(made_up: Path) -> None:
    found = {home.name: home for home in homes(made_up)}

    assert list(found) == [
        "baltimore_home_Q",
        "baltimore_home_R",
        "belgium_other_house",
        "room_climate_location_Z",
        "home_ffff",
    ]
    den = found["belgium_other_house"].rooms
    assert [room.name for room in den] == ["den"]
    assert np.isfinite(den[0].outdoor_vapour_pressure).all()
    sgh = found["home_ffff"].rooms[0]
    assert np.isnan(sgh.temperature[9])
    assert np.isnan(sgh.outdoor_temperature[50])
    assert np.nanmin(sgh.outdoor_temperature) > -60
    assert np.isnan(found["baltimore_home_Q"].rooms[0].outdoor_vapour_pressure).all()
    assert len(found["room_climate_location_Z"].rooms) == 2


def test_rows_without_a_moment_are_left_out(made_up: Path) -> None:
    write(
        made_up / "sgh_zigbee_homes" / "home_eeee_climate.csv.gz", "time,temp_c,rh_pct", [["", 20, 50], ["soon", 1, 2]]
    )
    write(made_up / "baltimore_homes" / "home_S_1min.csv.gz", "temp_c,rh_pct", [[20, 50]])
    write(
        made_up / "room_climate_occupancy" / "location_Y_10s.csv.gz",
        "start_utc,bin_s,temp_c,rh_pct",
        [["2021-03-01T08:00:00Z", "late", 20, 40], ["2021-03-01T08:00:00Z", 0, 20, 40]],
    )

    found = {home.name: home for home in homes(made_up)}

    assert "home_eeee" not in found
    assert "baltimore_home_S" not in found
    assert np.nanmax(found["room_climate_location_Y"].rooms[0].temperature) == 20.0


def test_a_folder_without_homes_teaches_and_claims_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="baltimore_homes"):
        train(tmp_path, folder=tmp_path, card=None)

    report = evaluate(WEATHER_MODEL, tmp_path, NumpyEngine())

    assert report["n_subjects"] == 0
    assert set(report["metrics"].values()) == {None}
    assert "skill_rh_24h" in report["metrics"]


@pytest.mark.parametrize(
    ("place", "header", "rows"),
    [
        ("baltimore_homes/home_S_1min.csv.gz", "time_local,temp_c,rh_pct,outdoor_temp_c,outdoor_heat_index_c", []),
        ("baltimore_homes/home_S_1min.csv.gz", "time_local,temp_c,rh_pct", [["2021-03-01T00:00", "warm", ""]]),
        ("belgium_house_10min/void.csv.gz", "time_local,den_temp_c,den_rh_pct", []),
        ("sgh_zigbee_homes/home_s_climate.csv.gz", "time,temp_c,rh_pct", [["2021-03-01T00:00:00Z", "", "50"]]),
    ],
)
def test_a_table_that_says_nothing_is_no_home(
    place: str, header: str, rows: list[list[object]], tmp_path: Path
) -> None:
    write(tmp_path / place, header, rows)

    assert homes(tmp_path) == []


def test_a_home_without_weather_is_judged_by_its_history(tmp_path: Path) -> None:
    made = simulate.rooms(6, 1, 12)
    humidity = 100 * made.vapour_pressure / simulate.saturation(made.temperature)
    rows: list[list[object]] = [
        [f"2021-03-{1 + h // 24:02d}T{h % 24:02d}:30", round(t, 2), round(r, 1)]
        for h, (t, r) in enumerate(zip(made.temperature[0], humidity[0], strict=True))
        if h % 11
    ]
    write(tmp_path / "baltimore_homes" / "home_T_1min.csv.gz", "time_local,temp_c,rh_pct", rows)

    history, weather = (evaluate(name, tmp_path, NumpyEngine()) for name in (HISTORY_MODEL, WEATHER_MODEL))

    assert history["n_subjects"] == 1
    assert history["metrics"]["rmse_t_24h"] is not None
    # Of a home alone, its weeks are redrawn.
    assert history["intervals"]["rmse_t_24h"] is not None
    assert weather["n_subjects"] == 0
    assert set(weather["metrics"].values()) == {None}


def test_humidity_comes_back_from_the_heat_index() -> None:
    # 90 °F at 70 % feels like 105.9 °F in the National Weather Service's own table (106).
    assert heat_index(np.array([90.0]), np.array([70.0]))[0] == pytest.approx(105.9, abs=0.1)
    hours = np.arange(96)
    warm = 75.0 + 15.0 * np.sin(2 * np.pi * hours / 24)
    vapour = 18.0 + 4.0 * np.sin(2 * np.pi * hours / 96)
    humidity = np.minimum(100 * vapour / simulate.saturation((warm - 32) / 1.8), 100.0)
    felt = heat_index(warm, humidity)

    found = vapour_pressure(np.round(warm), np.round(felt))

    # Whole degrees, mild nights included: a fifth of the range of that weather.
    assert np.isfinite(found).mean() > 0.9
    assert np.sqrt(np.nanmean((found - np.minimum(vapour, simulate.saturation((warm - 32) / 1.8))) ** 2)) < 1.6


def test_a_station_that_says_nothing_leaves_the_humidity_unknown() -> None:
    nothing = np.full(30, np.nan)

    assert np.isnan(vapour_pressure(nothing, nothing)).all()
    assert np.isnan(vapour_pressure(np.full(30, 70.0), nothing)).all()


def test_rooms_of_a_home_share_one_line_of_time(made_up: Path) -> None:
    home = next(home for home in homes(made_up) if home.source == "room_climate")

    rooms = aligned(home)

    assert len({(room.start, room.temperature.size) for room in rooms}) == 1


def test_samples_are_what_was_and_what_came(made_up: Path) -> None:
    room = homes(made_up)[0].rooms[0]
    at = np.array([300])

    rows, came = climate(room, at, Outlook.OBSERVED), truth(room, at)

    assert rows.temperature[0, -1] == room.temperature[300]
    assert rows.forecast_temperature[0, 5] == room.outdoor_temperature[306]
    np.testing.assert_allclose(came[0, :, 0], room.temperature[300 + np.array(HORIZONS)])
    assert rows.weekday[0] == 5  # 13 March 2021
    assert rows.hour[0] == 12
    again = climate(room, at, Outlook.YESTERDAY)
    assert again.forecast_temperature[0, 23] == room.outdoor_temperature[300]
    assert np.isnan(climate(room, at, Outlook.NONE).forecast_temperature).all()
    noisy = climate(room, at, Outlook.NOISY, seed=1)
    assert 0 < np.abs(noisy.forecast_temperature - rows.forecast_temperature).mean() < 4


def test_no_row_looks_into_the_future(made_up: Path) -> None:
    room = homes(made_up)[2].rooms[0]
    at = np.array([400])
    before = features(climate(room, at, Outlook.NONE))
    for name in ("temperature", "vapour_pressure", "outdoor_temperature", "outdoor_vapour_pressure"):
        getattr(room, name)[401:] = 0.0

    after = features(climate(room, at, Outlook.NONE))

    np.testing.assert_array_equal(before.weather, after.weather)
    np.testing.assert_array_equal(before.blend, after.blend)


def test_the_simulation_is_seeded_and_physical() -> None:
    one, two = simulate.rooms(1, 6, 5), simulate.rooms(1, 6, 5)

    np.testing.assert_array_equal(one.vapour_pressure, two.vapour_pressure)
    assert (one.temperature != simulate.rooms(2, 6, 5).temperature).all()
    assert (one.vapour_pressure <= 1.05 * simulate.saturation(one.temperature)).all()
    assert one.temperature.shape == (6, 120)


def test_every_column_has_a_cause_and_heads_see_their_horizon_only() -> None:
    for weather in (False, True):
        names = fit.names(weather=weather)
        used = {names[i] for head in fit.HEADS for i in fit.columns(head, weather=weather)}
        assert {fit.cause(name) for name in used} == ({0, 1, 2} if weather else {0})
        for head in fit.HEADS:
            horizons = {names[i].partition("@")[2] for i in fit.columns(head, weather=weather)}
            allowed = {"", str(HORIZONS[head[0]])} | ({"24"} if HORIZONS[head[0]] == 48 else set())
            assert horizons <= allowed


def test_traits_say_what_everyone_does_not() -> None:
    """Two kinds of rooms, half of which answer a column the other way: the first trait is that column."""
    rng = np.random.default_rng(0)
    columns = {head: fit.columns(head, weather=True) for head in fit.HEADS}
    odd = 3

    def room(sign: float, head: fit.Head) -> fit.Gram:
        x = rng.standard_normal((400, len(columns[head])))
        return x.T @ x / 400, x.T @ (sign * x[:, odd]) / 400

    homes_of = [{head: [room(sign, head)] for head in fit.HEADS} for sign in (1.0, -1.0)]
    made = {head: [room(sign, head) for sign in (1.0, -1.0)] for head in fit.HEADS}
    nothing = {head: np.zeros(len(fit.names(weather=True))) for head in fit.HEADS}

    found = fit.traits(homes_of, made, nothing)

    for head in fit.HEADS:
        first = found[head][:, 0]
        assert np.abs(first).argmax() == columns[head][odd]
        assert first[columns[head][odd]] > 3 * np.abs(np.delete(first, columns[head][odd])).max()


def test_training_twice_gives_the_same_bytes_and_models_that_load(made_up: Path, tmp_path: Path) -> None:
    size = Size(rooms=6, days=20)
    few = part(made_up, tmp_path / "few", *SGH, "belgium_house_10min/other_house.csv.gz")
    first, second = tmp_path / "first", tmp_path / "second"

    train(few, folder=first, card=None, size=size)
    train(few, folder=second, card=None, size=size)

    written = sorted(path.name for path in first.iterdir())
    assert written == [
        "catalog.json",
        "room_forecast.float.onnx",
        "room_forecast.onnx",
        "room_forecast_weather.float.onnx",
        "room_forecast_weather.onnx",
    ]
    for name in written:
        assert (first / name).read_bytes() == (second / name).read_bytes()
    catalog = Catalog.open(first)
    runners = [catalog.load(name, NumpyEngine()) for name in (HISTORY_MODEL, WEATHER_MODEL)]
    assert Forecaster(*runners).problems == ()
    report = scored(WEATHER_MODEL, few, runners, [], "builtin")
    assert report["n_subjects"] == 2
    assert report["notes"] == [
        "2 of 2 subjects taught the shipped file: in sample. The card's figures are of held-out ones."
    ]


SGH = ("sgh_zigbee_homes/home_ffff_climate.csv.gz", "sgh_zigbee_homes/home_ffff_outdoor.csv.gz")


def engine(name: str) -> Engine:
    """Return an engine, or skip."""
    if name == "builtin":
        return NumpyEngine()
    pytest.importorskip("onnxruntime")
    return open_onnxruntime()


@pytest.mark.parametrize("name", ["builtin", "onnxruntime"])
def test_the_shipped_models_fit_the_shipped_code(name: str) -> None:
    catalog = Catalog.open(FOLDER)

    forecaster = Forecaster(*(catalog.load(model, engine(name)) for model in (HISTORY_MODEL, WEATHER_MODEL)))

    assert forecaster.problems == ()
    assert all(forecaster.versions)
    for model in (HISTORY_MODEL, WEATHER_MODEL):
        assert catalog.entries[model].size < 64 * 1024
        assert catalog.entries[model].metadata["licence"] == "Apache-2.0"


def part(humidity: Path, folder: Path, *names: str) -> Path:
    """Return a folder with some of the shared homes."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(humidity / name, folder / name)
    return folder


def test_skill_on_shared_homes_stays_above_its_floor(humidity: Path, tmp_path: Path) -> None:
    data = part(humidity, tmp_path, "baltimore_homes/home_C_1min.csv.gz")

    report = evaluate(WEATHER_MODEL, data, NumpyEngine())

    assert report["n_subjects"] == 1
    assert set(report["baselines"]) == set(score.BASELINES)
    for column in (report["fallback"], *report["baselines"].values()):
        assert set(column) == set(report["metrics"])
    found = {key: value for key, value in report["metrics"].items() if value is not None}
    fallback = {key: value for key, value in report["fallback"].items() if value is not None}
    assert found["skill_t_24h"] >= 0.45
    assert found["skill_e_24h"] >= 0.20
    assert found["skill_rh_24h"] >= 0.15
    assert found["answered"] >= 0.95
    for band in score.SHORT:
        for hours in HORIZONS:
            assert found[f"rmse_{band}_{hours}h"] < fallback[f"rmse_{band}_{hours}h"]
            assert 0.85 <= found[f"coverage_{band}_{hours}h"] <= 0.97
    # Without any forecast but the day before again it may not fall behind the fallback by more than a little.
    assert found["rmse_rh_24h_yesterday"] < 1.05 * fallback["rmse_rh_24h"]


def test_the_command_line_speaks_json(made_up: Path) -> None:
    report = evaluated(HISTORY_MODEL, made_up)

    assert report["model"] == HISTORY_MODEL
    assert report["engine"] == "builtin"
    assert not report["notes"]
    assert report["float_model"]["rmse_t_24h"] == pytest.approx(report["metrics"]["rmse_t_24h"], rel=0.02)
    weather = evaluated(WEATHER_MODEL, made_up)
    for column in ("metrics", "fallback", "intervals"):
        assert report[column]["skill_rh_24h_with_weather"] == weather[column]["skill_rh_24h"]
    assert weather["metrics"]["skill_rh_24h"] is not None
