"""The workshop of the breathing pattern: any folder of that layout, the same bytes, and skill on the shared nights."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.breathing_pattern.data import UNKNOWN, records
from onnx_models.breathing_pattern.evaluate import HERE, NAME, evaluate
from onnx_models.breathing_pattern.fit import logistic
from onnx_models.breathing_pattern.score import auc
from onnx_models.breathing_pattern.train import train
from onnx_models.export import FOLDER
from tests.engine.beats import night
from tests.models.command import evaluated

MINUTES = 150
STRETCHES: dict[str, tuple[tuple[int, int], ...]] = {
    "x1": ((20, 60),),
    "x2": (),
    "x3": ((60, 130),),
    "x4": (),
    "x5": ((10, 40), (100, 120)),
}
KEYS = {"auc", "log_loss", "share_error", "night_auc", "coverage", "auc_answered"}


def put(path: Path, header: str, rows: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        file.write("\n".join([header, *rows, ""]))


def study(folder: Path, names: Sequence[str] = tuple(STRETCHES), *, gaps: bool = False, ages: bool = True) -> Path:
    """Write made-up nights, in some of which breathing stops and starts; under other file names."""
    place = folder / "apnea_ecg_rr"
    rng = np.random.default_rng(3)
    beats, labels, people = [], [], []
    for number, name in enumerate(names):
        cyclic = STRETCHES[name]
        times = night(MINUTES, cyclic, seed=number)
        seen = [(m, int(any(a <= m < b for a, b in cyclic))) for m in range(MINUTES)]
        if gaps:
            times = times[(times < 2000.0) | (times > 2600.0)]
            times = times[rng.random(times.size) > 0.01]
            seen = [pair for pair in seen if rng.random() > 0.2]
        beats += [f"{name},{at:.2f}" for at in times]
        labels += [f"{name},{minute},{label}" for minute, label in seen]
        people.append(f"{name},{30 if cyclic else 0},{40 + number},M,{MINUTES},0,0")
    put(place / "others_beats.csv.gz", "record,beat_s", beats)
    put(place / "others_minute_labels.csv.gz", "record,minute,apnea", labels)
    if ages:
        put(place / "records_b.csv.gz", "record,ahi,age,sex,minutes,non_apnea_min,apnea_min", people)
    return folder


def test_nights_never_seen_are_scored(tmp_path: Path) -> None:
    report = evaluate(NAME, study(tmp_path, gaps=True), NumpyEngine())
    metrics, fallback = report["metrics"], report["fallback"]

    assert report["n_subjects"] == 5
    assert set(metrics) >= KEYS
    assert all(value is not None for value in metrics.values())
    assert metrics["auc"] is not None
    assert metrics["auc"] > 0.95
    assert metrics["night_auc"] == 1.0
    assert metrics["coverage"] is not None
    assert metrics["coverage"] < 0.95, "the gap is not answered"
    assert report["notes"] == []
    assert set(fallback) == set(metrics)
    assert metrics == pytest.approx(report["float_model"], abs=0.02, rel=0.05)


def test_one_night_without_a_table_of_people(tmp_path: Path) -> None:
    report = evaluate(NAME, study(tmp_path, ["x1"], ages=False), NumpyEngine())

    assert report["n_subjects"] == 1
    assert set(report["intervals"].values()) == {None}
    assert report["metrics"]["night_auc"] is None
    assert report["metrics"]["auc"] is not None


@pytest.mark.parametrize("missing", ["everything", "beats", "labels", "empty beats", "no rows", "nonsense"])
def test_what_cannot_be_scored_is_null(tmp_path: Path, missing: str) -> None:
    if missing != "everything":
        study(tmp_path, ["x1"])
        beats, labels = (next(tmp_path.rglob(f"*{name}*.gz")) for name in ("beats", "labels"))
        match missing:
            case "beats":
                beats.unlink()
            case "labels":
                labels.unlink()
            case "empty beats":
                beats.write_bytes(b"")
            case "no rows":
                put(beats, "record,beat_s", [])
            case _:
                put(beats, "record,beat_s", ["x1,", "x1,nan", "x1,abc", "x1,5"])
    report = evaluate(NAME, tmp_path, NumpyEngine())

    assert set(report["metrics"]) >= KEYS
    assert report["metrics"]["auc"] is None
    assert report["metrics"]["coverage"] in {None, 0.0}


def test_records_of_one_age_and_sex_are_one_person(tmp_path: Path) -> None:
    place = tmp_path / "apnea_ecg_rr"
    put(place / "beats.csv.gz", "record,beat_s", [f"{name},1.0" for name in "abcd"])
    put(place / "minute_labels.csv.gz", "record,minute,apnea", ["a,0,1", "a,2,0", "b,0,0", "c,1,1", "d,0,x", "e,0,1"])
    put(place / "records.csv.gz", "record,ahi,age,sex", ["a,5,40,M", "b,,40,M", "c,9,40,F"])
    found = records(tmp_path)

    assert [(each.name, each.person, each.events) for each in found] == [
        ("a", "M40", 5.0),
        ("b", "M40", None),
        ("c", "F40", 9.0),
    ]
    assert found[0].labels.tolist() == [1, UNKNOWN, 0]


def test_training_again_gives_the_same_bytes(tmp_path: Path) -> None:
    data = study(tmp_path / "data")
    first, second = (train(data, tmp_path / name, None) for name in ("one", "two"))

    assert first[0].read_bytes() == second[0].read_bytes()
    assert (tmp_path / "one" / "catalog.json").read_text() == (tmp_path / "two" / "catalog.json").read_text()


def test_three_persons_are_too_few_to_choose_anything(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="4 are needed"):
        train(study(tmp_path / "data", ["x1", "x2", "x3"]), tmp_path / "out", None)


def test_figures_are_the_textbooks() -> None:
    assert auc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])) == 0.75
    assert auc(np.full(4, 0.5), np.array([0, 1, 0, 1])) == 0.5
    assert np.isnan(auc(np.ones(3), np.ones(3)))
    rng = np.random.default_rng(2)
    x = np.column_stack([rng.normal(size=(4000, 2)), np.ones(4000)])
    y = (rng.random(4000) < 1.0 / (1.0 + np.exp(-x @ [1.0, -2.0, 0.5]))).astype(np.float64)
    np.testing.assert_allclose(logistic(x, y, np.ones(4000), np.zeros(3)), [1.0, -2.0, 0.5], atol=0.15)
    separable = logistic(x, (x[:, 0] > 0).astype(np.float64), np.ones(4000), np.array([1.0, 1.0, 0.0]))
    assert np.isfinite(separable).all()


def test_the_shipped_file_is_what_the_shared_nights_teach(tmp_path: Path, bed: Path) -> None:
    path, *_ = train(bed, tmp_path, None)

    assert path.read_bytes() == (FOLDER / path.name).read_bytes()
    assert (tmp_path / f"{NAME}.float.onnx").read_bytes() == (HERE / f"{NAME}.float.onnx").read_bytes()


def test_the_command_line_scores_the_shared_nights(bed: Path) -> None:
    report = evaluated(NAME, bed)

    assert report["version"] == Catalog.open(FOLDER).entries[NAME].version
    assert report["metrics"]["auc"] > report["fallback"]["auc"] + 0.1
    assert report["metrics"]["auc_answered"] > report["metrics"]["auc"]
    assert report["baselines"]["base_rate"]["auc"] == 0.5
