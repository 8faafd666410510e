"""The workshop of nightly baselines: any folder of that layout, whatever of it is there."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from onnx_models.night_baseline.data import watches
from onnx_models.night_baseline.evaluate import NAME, evaluate
from onnx_models.night_baseline.train import train
from tests.models.command import evaluated


def put(path: Path, header: str, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join([header, *rows, ""]).encode()))


def study(folder: Path) -> Path:
    """Write two watches, one belt and one strap under names never seen, with days missing."""
    rng = np.random.default_rng(9)
    resting, slept, said = [], [], []
    for person in ("q2", "q4"):
        for day in range(1, 60):
            at = f"2021-{3 + day // 29:02d}-{1 + day % 28:02d}"
            if day % 7:
                resting.append(f"{person},{at},{rng.normal(58, 1):.2f}")
            slept.append(
                f"{person},{at},{at} 23:{day % 60:02d}:00,{at}T23:59:30.000,stages,1,{rng.normal(400, 20):.0f}"
            )
            said.append(f"{person},{at}T08:00:00.000Z,{rng.integers(2, 5)}")
    put(folder / "pmdata_sleep_logs" / "resting_hr.csv.gz", "person,date,resting_hr", resting)
    put(
        folder / "pmdata_sleep_logs" / "nights.csv.gz",
        "person,date,start_local,end_local,type,main_sleep,asleep_min",
        slept,
    )
    put(folder / "pmdata_sleep_logs" / "wellness_daily.csv.gz", "person,effective_time_frame,sleep_quality", said)
    seconds = np.arange(90 * 300) / 5.0
    belt = 9000 + 100 * np.sin(2 * np.pi * 15 * seconds / 60) + rng.normal(0, 20, seconds.size)
    home = folder / "home_nights_hr_resp"
    put(home / "resp5hz_x9_20250101_t0ms1.csv.gz", "resp_raw", [f"{value:.0f}" for value in belt])
    beats = np.arange(7200)
    put(
        home / "rr_intervals.csv.gz",
        "night,t_s,hr_bpm,rr_ms",
        [f"x9_20250102,{t},60,{1000 + 40 * (t % 3)}" for t in beats],
    )
    return folder


def test_persons_never_seen_are_scored(tmp_path: Path) -> None:
    report = evaluate(NAME, study(tmp_path))

    assert report["n_subjects"] == 3
    assert report["metrics"]["breath_gap_night"] == pytest.approx(0.0, abs=0.2)
    assert report["metrics"]["heart_error_minute"] == pytest.approx(1.5, abs=1.0)
    assert report["metrics"]["notes_per_quarter"] == 0.0
    assert report["metrics"]["quality_rmse"] is not None
    assert all(set(each) == set(report["metrics"]) for each in (report["fallback"], *report["baselines"].values()))


@pytest.mark.parametrize("kept", ["", "resp5hz", "rr_intervals", "resting_hr", "nights", "wellness_daily"])
@pytest.mark.parametrize("empty", [True, False])
def test_what_cannot_be_scored_is_null(tmp_path: Path, kept: str, empty: bool) -> None:  # noqa: FBT001  parametrized
    study(tmp_path)
    for path in tmp_path.rglob("*.gz"):
        if not kept or not path.name.startswith(kept):
            path.write_bytes(b"") if empty else path.unlink()
    report = evaluate(NAME, tmp_path)

    found = {key for key, value in report["metrics"].items() if value is not None}
    assert bool(found) == bool(kept)
    assert set(report["metrics"]) == set(report["fallback"])


def test_the_card_is_written_twice_alike(tmp_path: Path) -> None:
    data = study(tmp_path / "data")
    for name in ("one", "two"):
        train(data, card=tmp_path / name)

    assert (tmp_path / "one" / "MODEL_CARD.md").read_text() == (tmp_path / "two" / "MODEL_CARD.md").read_text()
    assert train(data, card=None) == []


def test_days_are_those_of_getting_up(tmp_path: Path) -> None:
    put(
        tmp_path / "pmdata_sleep_logs" / "nights.csv.gz",
        "person,start_local,end_local,main_sleep,asleep_min",
        ["a,2021-03-01 23:30:00,2021-03-02T07:00:00.000,1,400", "a,2021-03-02 14:00:00,2021-03-02T15:00:00.000,0,50"],
    )
    (found,) = watches(tmp_path)

    assert {day.isoformat(): value for day, value in found.bedtime.items()} == {"2021-03-02": 690.0}


def test_the_command_line_scores_the_shared_nights(bed: Path) -> None:
    report = evaluated(NAME, bed)

    assert report["metrics"]["notes_per_quarter"] <= 1.0 < report["fallback"]["notes_per_quarter"]
    assert report["metrics"]["breath_gap_night"] < 0.2
    assert report["metrics"]["minute_for_second"] > 0.8
