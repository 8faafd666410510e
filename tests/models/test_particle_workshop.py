"""The particle workshop: simulated homes from a seed, honest matching, any folder, the rates of real recordings."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop.engine.models.pm_event import MODEL
from custom_components.smartloop.engine.models.pm_source import Kind
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.export import FOLDER
from onnx_models.pm_event import chicago, events, network, score
from onnx_models.pm_event.evaluate import OWN, gather, judge
from onnx_models.pm_event.ranges import FIRST, OTHER
from onnx_models.pm_event.recordings import PUBLISHED, heard, pairs, recordings
from onnx_models.pm_event.simulate import home
from onnx_models.pm_event.train import Size, train
from onnx_models.pm_event.truth import Truth, merged

AIR = Path(__file__).resolve().parents[3] / "shared" / "data" / "air"
QUICK = replace(FIRST, intervals=(120.0,))


@pytest.fixture(scope="module")
def air() -> Path:
    """Return the shared recordings, or skip."""
    if not AIR.is_dir():
        pytest.skip("the reference data is not here: shared/data/air beside the repository is absent")
    return AIR


def put(path: Path, header: str, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write("\n".join([header, *rows, ""]))


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder laid out like the reference data: one natural decay under two sensors, two homes, an empty file."""
    folder = tmp_path_factory.mktemp("air")
    t = np.arange(0.0, 5400.0, 2.0)
    y = 900.0 * np.where(t < 200.0, t / 200.0, np.exp(-2.912 * (t - 200.0) / 3600.0))
    rows = [
        f"20310101_ACH_vd,20310101,{sensor},mesh,{a:.1f},{one * v:.1f},{v:.1f},{v / 0.65:.1f}"
        for sensor, one in (("pms5003", 0.4), ("sps30", 0.5))
        for a, v in zip(t, y, strict=True)
    ]
    header = "run,day,sensor,aerosol,t_s,pm1_ugm3,pm2_5_ugm3,pm10_ugm3"
    put(folder / "pm_event_decay" / "runs_B.csv.gz", header, [*rows, "x,y,z,mesh,,,,"])
    (folder / "pm_event_decay" / "runs_C.csv.gz").write_bytes(b"")
    rng, days = np.random.default_rng(1), []
    for name, factor in (("Q1", 0.3), ("Q2", 0.6)):
        for day in range(60):
            outdoor = float(rng.lognormal(2.3, 0.6))
            shown = "" if day % 9 == 0 else f"{outdoor:.1f}"
            date = np.datetime64("2031-01-01") + day
            days.append(f"{name},{date},{factor * outdoor + rng.normal(1.0, 0.3):.2f},30,,{shown},40,1.0")
    put(
        folder / "chicago_indoor_outdoor_pm25" / "daily.csv.gz",
        "home,date,indoor_pm2_5,indoor_rh_pct,smoke_class,outdoor_pm2_5,outdoor_rh_pct,outdoor_sensor_km",
        days,
    )
    return folder


def test_a_home_is_the_same_each_time() -> None:
    one, two = home(5, 0, QUICK, 2), home(5, 0, QUICK, 2)
    assert np.array_equal(one.streams[0].pm[1], two.streams[0].pm[1])
    assert one.surroundings == two.surroundings
    assert one.streams[0].truths == two.streams[0].truths
    assert not np.array_equal(one.streams[0].pm[1][:100], home(6, 0, QUICK, 2).streams[0].pm[1][:100])


def test_overlapping_sources_are_one_event_of_the_higher_one() -> None:
    def truth(kind: Kind, start: float, peak: float) -> Truth:
        return Truth(kind=kind, name=kind, start=start, peak_at=start + 600.0, end=start + 5400.0, peak=peak, share=0.9)

    grid = np.arange(0.0, 6 * 3600.0, 30.0)

    def level(start: float, peak: float) -> np.ndarray:
        return np.where(
            grid < start, 0.0, peak * np.minimum((grid - start) / 600.0, np.exp(-(grid - start - 600.0) / 3600.0))
        )

    cooking, candle = truth(Kind.COOKING, 0.0, 100.0), truth(Kind.COMBUSTION, 1200.0, 30.0)
    (one,) = merged([cooking, candle], level(0.0, 100.0) + level(1200.0, 30.0))
    assert one.kind is Kind.COOKING
    late = truth(Kind.COMBUSTION, 3.0 * 3600.0, 30.0)
    assert len(merged([cooking, late], level(0.0, 100.0) + level(3.0 * 3600.0, 30.0))) == 2


def test_silence_counts_as_missed() -> None:
    table = np.array([[5, 0, 5], [0, 10, 0]])
    assert score.macro_f1(table) == pytest.approx((2 * 5 / 15 + 1.0) / 2)


def test_what_a_home_does_not_measure_is_hidden() -> None:
    shown = events.masked({"rise": 2.0, "cooking": 1.0, "humidity_up": 9.0}, events.BARE)
    assert shown == {"rise": 2.0, "cooking": None, "humidity_up": None}
    assert events.masked(shown, None) == shown


def test_recordings_are_read_from_any_files_and_give_their_rate(made_up: Path) -> None:
    tapes = recordings(made_up)
    assert [(tape.sensor, tape.natural) for tape in tapes] == [("pms5003", True), ("sps30", True)]
    found = [heard(tape) for tape in tapes]
    for each in found:
        assert each.events == 1
        assert each.decays[0].rate == pytest.approx(PUBLISHED["mesh"], rel=0.03)
        assert each.bursts == 0
    ((_, one, other),) = pairs(found)
    assert one == pytest.approx(other, rel=0.02)


def test_homes_are_foretold_and_days_without_outdoors_left_out(made_up: Path) -> None:
    places = chicago.homes(made_up)
    assert [(place.home, place.at.size) for place in places] == [("Q1", 53), ("Q2", 53)]
    for each in chicago.judged(places):
        assert set(each.tomorrow) == set(each.later) == set(each.unseen) == set(chicago.WAYS)
        assert each.tomorrow["model"] < each.tomorrow["naive"]
    assert chicago.judged(places[:1])[0].unseen == {}


def test_any_folder_is_scored_with_the_same_names(made_up: Path, tmp_path: Path) -> None:
    engine = NumpyEngine()
    runner = Catalog.open(FOLDER).load(MODEL, engine)
    full = judge(gather(made_up, 1), runner, runner, engine.name, "1")
    empty = judge(gather(tmp_path, 1), runner, None, engine.name, "1")
    assert full["n_subjects"] == 3
    assert empty["n_subjects"] == 0
    for report in (full, empty):
        columns = [report["metrics"], report["fallback"], *report["baselines"].values()]
        assert all(set(column) == set(full["metrics"]) for column in columns)
        assert json.loads(json.dumps(report)) == report
    assert full["metrics"]["real_decay_within_10pct"] == 1.0
    assert full["metrics"]["real_event_f1"] == 1.0
    assert {full["fallback"][key] for key in OWN} == {None}, "the watch's own figures are nobody else's"
    assert empty["metrics"]["real_decay_error"] is None
    assert empty["metrics"]["real_indoor_mae_tomorrow"] is None
    assert empty["metrics"]["sim_event_f1"] is not None


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    size = Size(homes=3, days=3, iterations=3, settings=network.SETTINGS[:1], world=QUICK)
    files = [train(tmp_path, tmp_path / name, None, size)[0] for name in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()
    twins = [path.with_name(f"{MODEL}.float.onnx").read_bytes() for path in files]
    assert twins[0] == twins[1]


def test_on_other_simulated_homes_most_events_are_found() -> None:
    """Figures of the card, with room; on a few homes, for time."""
    found = [events.watched(home(77, index, replace(OTHER, intervals=(60.0, 150.0)), 5)) for index in range(4)]
    visible, hit = sum(each.visible for each in found), sum(each.hits["watch"][0] for each in found)
    false = sum(each.hits["watch"][1] for each in found)
    assert visible > 20
    assert 2 * hit / (visible + hit + false) > 0.75


def test_on_real_recordings_natural_decay_is_the_published_one(air: Path) -> None:
    """Where the sensor is linear and the aerosol has one rate: mesh and smoke on the pms5003."""
    tapes = [tape for tape in recordings(air) if tape.natural and tape.sensor == "pms5003" and tape.aerosol != "jet"]
    assert tapes
    for tape in tapes:
        (found,) = heard(tape).decays
        assert found.rate == pytest.approx(PUBLISHED[tape.aerosol], rel=0.1)
