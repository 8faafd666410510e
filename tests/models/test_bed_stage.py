"""The workshop of sleep stages: any folder of that layout, the same bytes, and skill on the shared nights."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.bed_stage.data import sleepers
from onnx_models.bed_stage.evaluate import NAME, evaluate
from onnx_models.bed_stage.fit import calibrate, conformal
from onnx_models.bed_stage.score import KEYS, at_sensitivity, kappa
from onnx_models.bed_stage.train import train
from onnx_models.export import FOLDER
from tests.models.command import evaluated

HEADER = "subject,epoch,stage,motion_count,hr_std_feature,hours_since_start,cosine_clock,circadian_model"


def study(
    folder: Path, names: tuple[str, ...] = ("X1", "X2", "X3", "X4"), count: int = 500, *, gaps: bool = False
) -> Path:
    """Write nights of stages in spells, in which motion and heart rate tell a little of them."""
    place = folder / "wrist_psg_features"
    place.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    rows = []
    for name in names:
        stages = np.repeat(rng.choice([0, 1, 2, 2, 3, 5], count // 20), 20)
        for epoch, stage in enumerate(stages):
            if gaps and rng.random() < 0.2:
                continue
            motion = rng.exponential(5.0) if stage == 0 else rng.exponential(0.5)
            heart = rng.lognormal({0: 0.5, 5: 0.3, 3: -1.0}.get(int(stage), 0.0), 0.3)
            seen = "" if gaps and rng.random() < 0.1 else f"{motion:.3f}"
            rows.append(f"{name},{epoch},{stage},{seen},{heart:.4f},{epoch / 120:.5f},0,0")
    with gzip.open(place / "other_30s.csv.gz", "wt", encoding="utf-8", newline="") as file:
        file.write("\n".join([HEADER, *rows, ""]))
    return folder


def test_persons_never_seen_are_scored(tmp_path: Path) -> None:
    report = evaluate(NAME, study(tmp_path, gaps=True), NumpyEngine())

    assert report["n_subjects"] == 4
    assert set(report["metrics"]) == set(KEYS)
    assert all(value is not None for value in report["metrics"].values())
    assert report["notes"] == []
    assert report["metrics"] == pytest.approx(report["float_model"], abs=0.02, rel=0.05)


def test_one_person_has_no_interval(tmp_path: Path) -> None:
    report = evaluate(NAME, study(tmp_path, ("X1",)), NumpyEngine())

    assert report["n_subjects"] == 1
    assert set(report["intervals"].values()) == {None}


@pytest.mark.parametrize("content", [None, b"", gzip.compress(HEADER.encode() + b"\nA,0,0,,,,,\nB,1,x,1,1,0.1,0,0\n")])
def test_what_cannot_be_scored_is_null(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        study(tmp_path)
        next(tmp_path.rglob("*.gz")).write_bytes(content)
    report = evaluate(NAME, tmp_path, NumpyEngine())

    assert report["n_subjects"] == 0
    assert set(report["metrics"]) == set(KEYS)
    assert set(report["metrics"].values()) == {None}


def test_a_constant_channel_is_no_channel(tmp_path: Path) -> None:
    study(tmp_path)
    path = next(tmp_path.rglob("*.gz"))
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    flat = [",".join([*line.split(",")[:4], "1", *line.split(",")[5:]]) for line in lines[1:]]
    path.write_bytes(gzip.compress("\n".join([lines[0], *flat, ""]).encode()))
    report = evaluate(NAME, tmp_path, NumpyEngine())

    assert report["metrics"] == report["subgroups"]["motion only"]


def test_training_again_gives_the_same_bytes(tmp_path: Path) -> None:
    data = study(tmp_path / "data", ("X1", "X2", "X3"), 300)
    first, second = (train(data, tmp_path / name, None) for name in ("one", "two"))

    assert first[0].read_bytes() == second[0].read_bytes()
    assert (tmp_path / "one" / "catalog.json").read_text() == (tmp_path / "two" / "catalog.json").read_text()


def test_two_persons_are_too_few_to_choose_anything(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="3 are needed"):
        train(study(tmp_path / "data", ("X1", "X2")), tmp_path / "out", None)


def test_halves_of_a_minute_join_and_what_differs_goes_by_the_first(tmp_path: Path) -> None:
    place = tmp_path / "wrist_psg_features"
    place.mkdir()
    rows = ["A,0,0,1,1,0,0,0", "A,1,5,3,2,0.00833,0,0", "A,2,4,,2,0.05833,0,0"]
    (place / "x.csv.gz").write_bytes(gzip.compress("\n".join([HEADER, *rows]).encode()))
    (found,) = sleepers(tmp_path)

    assert found.truth.tolist() == [0, -1, -1, 2]
    np.testing.assert_allclose(found.night.motion, [2.0, np.nan, np.nan, np.nan])


def test_what_cannot_be_is_not_known(tmp_path: Path) -> None:
    place = study(tmp_path, ("X1",)) / "wrist_psg_features" / "other_30s.csv.gz"
    header, first, second, *rest = gzip.decompress(place.read_bytes()).decode().splitlines()
    broken = [",".join([*each.split(",")[:3], "-99", "-1", *each.split(",")[5:]]) for each in (first, second)]
    place.write_bytes(gzip.compress("\n".join([header, *broken, *rest]).encode()))

    night = sleepers(tmp_path)[0].night

    assert np.isnan([night.motion[0], night.deviation[0]]).all()
    assert np.isfinite([night.motion[1], night.deviation[1]]).all()


def test_figures_are_the_textbooks() -> None:
    assert kappa(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])) == pytest.approx(0.5)
    assert kappa(np.array([1, 1]), np.array([1, 1])) is None
    assert at_sensitivity(np.linspace(0.0, 1.0, 200), np.arange(200) < 100) == 1.0
    assert at_sensitivity(np.zeros(10), np.arange(10) < 5) == pytest.approx(0.07)
    assert conformal(list(range(19))) == 17.0
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 4000)
    scores = 3.0 * (np.eye(4)[truth] + rng.normal(0, 0.8, (4000, 4)))
    assert calibrate(scores, truth)[0][0] > 1.5


def test_the_shipped_file_is_what_the_shared_nights_teach(tmp_path: Path, bed: Path) -> None:
    path, *_ = train(bed, tmp_path, None)

    assert path.read_bytes() == (FOLDER / path.name).read_bytes()


def test_the_command_line_scores_the_shared_nights(bed: Path) -> None:
    report = evaluated(NAME, bed)

    assert report["version"] == Catalog.open(FOLDER).entries[NAME].version
    assert report["metrics"]["kappa_4"] > report["fallback"]["kappa_4"] + 0.2
    assert report["metrics"]["kappa_4_half"] > report["metrics"]["kappa_4"]
    order = [report["subgroups"][name]["kappa_4"] for name in ("motion and heart", "heart only", "motion only")]
    assert order == sorted(order, reverse=True)
