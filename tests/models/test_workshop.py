"""What all workshops share: intervals, calibration, twins, cards."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

from custom_components.smartloop.inference.catalog import Catalog, noise
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.reader import read
from onnx_models.card import Card, Claim, Source, fidelity, write
from onnx_models.export import GraphBuilder, ship_twins
from onnx_models.report import (
    Evaluation,
    Metrics,
    Twin,
    bootstrap,
    expected_calibration_error,
    plain,
    reliability,
    warn_if_trained_on,
)

METADATA = {"description": "a test", "licence": "Apache-2.0", "training_data": "none", "temperature": 1.0}


def mean(blocks: Sequence[float]) -> Metrics:
    return {"mean": float(np.mean(blocks)), "nothing": None}


def test_the_bootstrap_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for trial in range(200):
        found = bootstrap(rng.normal(3.0, 1.0, 30).tolist(), mean, seed=trial, resamples=200)["mean"]
        assert found is not None
        inside += found[0] <= 3.0 <= found[1]
    assert 0.82 <= inside / 200 <= 0.96


def test_one_subject_has_no_interval_and_what_is_not_scored_neither() -> None:
    assert bootstrap([1.0], mean, seed=0) == {"mean": None, "nothing": None}
    assert bootstrap([1.0, 2.0], mean, seed=0)["nothing"] is None


def test_calibration_is_measured_in_groups_of_one_size() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(size=20_000)
    honest = reliability(p, rng.uniform(size=p.size) < p)
    assert [each["n"] for each in honest] == [2000] * 10
    error = expected_calibration_error(honest)
    assert error is not None
    assert error < 0.02
    bold = expected_calibration_error(reliability(p, rng.uniform(size=p.size) < 0.5))
    assert bold == pytest.approx(0.25, abs=0.02)
    assert expected_calibration_error([]) is None


def test_numbers_for_json() -> None:
    assert (plain(0.123456), plain(np.nan), plain(None), plain(np.float32(2.0))) == (0.1235, None, None, 2.0)


def test_a_subject_the_file_learned_from_is_pointed_out() -> None:
    metadata = {"trained_on": json.dumps(["a", "b"])}
    assert warn_if_trained_on(metadata, ["b", "c"])[0].startswith("1 of 2 subjects")
    assert not warn_if_trained_on(metadata, ["c"])
    assert not warn_if_trained_on({}, ["c"])


def weights(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(12, 3))


def night(graph: GraphBuilder) -> None:
    value = graph.input("features", (1, 12, 64))
    kernel = weights(1).T[:, :, None]
    graph.output(graph.conv1d(value, kernel, np.zeros(3)), "logits", (1, 3, 64))


def row(graph: GraphBuilder) -> None:
    value = graph.input("features", (1, 12))
    graph.output(graph.dense(value, weights(1), np.zeros(3)), "logits", (1, 3))


@pytest.mark.parametrize("grow", [night, row])
def test_twins_are_one_network_before_and_after_rounding(grow: Callable[[GraphBuilder], None], tmp_path: Path) -> None:
    folder = tmp_path / "onnx"
    path = ship_twins(
        "twins",
        grow,
        version="1.0.0",
        metadata=METADATA,
        folder=folder,
        twin_folder=tmp_path,
    )
    exact = onnx.load(tmp_path / "twins.float.onnx")
    rounded = onnx.load(path)
    assert "DequantizeLinear" not in {node.op_type for node in exact.graph.node}
    assert "DequantizeLinear" in {node.op_type for node in rounded.graph.node}

    engine = NumpyEngine()
    catalog = Catalog.open(folder)
    data = (tmp_path / "twins.float.onnx").read_bytes()
    twin = Twin(version="1.0.0", metadata={}, session=engine.load(data, read(data)))
    found = fidelity(catalog.entries["twins"], catalog.load("twins", engine), twin)
    assert 0 < found["mean_abs_dp"] <= 0.005
    assert found["argmax"] >= 0.98


def splitmix(number: int, count: int) -> float:
    """Return one value of `noise` by plain integers."""
    mixed = (count + (number << 32)) * 0x9E3779B97F4A7C15 % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    return ((mixed ^ mixed >> 31) >> 40) / 2**21 - 4


def test_a_long_sequence_is_proved_on_noise_that_is_the_same_everywhere(tmp_path: Path) -> None:
    ship_twins("twins", night, version="1.0.0", metadata=METADATA, folder=tmp_path, twin_folder=tmp_path)
    stored = json.loads((tmp_path / "catalog.json").read_text("utf-8"))["models"]["twins"]["golden"]
    assert [vector["inputs"]["features"] for vector in stored] == [0, 1]
    Catalog.open(tmp_path).load("twins", NumpyEngine())

    found = noise(1, (3, 1000))
    assert found.dtype == np.float32
    assert (found.min() >= -4, found.max() < 4) == (True, True)
    assert found.std() == pytest.approx(8 / 12**0.5, rel=0.05)
    assert found[0, :3].tolist() == [splitmix(1, n) for n in (1, 2, 3)]
    assert not np.array_equal(found, noise(2, (3, 1000)))


def test_the_card_says_what_was_measured_and_what_was_missed(tmp_path: Path) -> None:
    metrics: Metrics = {"auc": 0.8765, "kappa": None}
    evaluation = Evaluation(
        model="nothing_ships",
        version="1.0.0",
        engine="numpy",
        n_subjects=7,
        n_rows=70,
        metrics=metrics,
        float_model=metrics,
        fallback={"auc": 0.5, "kappa": None},
        baselines={"naive": {"auc": 0.5, "kappa": 0.0}},
        intervals={"auc": [0.81, 0.92], "kappa": None},
        calibration=reliability(np.linspace(0, 1, 100), np.linspace(0, 1, 100) > 0.5),
    )
    card = Card(
        name="nothing_ships",
        title="A test",
        purpose="Shows.",
        sources=(Source(name="made", licence="CC0", subjects="7", real=False, used_for="all"),),
        split="by person",
        seeds="1",
        chosen="nothing",
        evaluation=evaluation,
        claims=(
            Claim(what="area", metric="auc", value=0.8765, interval=[0.81, 0.92], n="7", real=False, target=0.9),
            Claim(what="error", metric="e", value=0.1, interval=None, n="7", real=True, target=0.2, at_least=False),
        ),
        limits=("It is a test.",),
        data="bed",
    )
    text = write(card, tmp_path).read_text("utf-8")

    assert "| area | 0.876 | 0.81 to 0.92 | 7 | simulated | ≥ 0.9 | **missed** | - |" in text
    assert "| error | 0.1 | - | 7 | real | ≤ 0.2 | met | - |" in text
    assert "| auc | 0.876 | 0.876 | 0.5 | 0.5 | 0.81 to 0.92 |" in text
    assert "not a medical device" in text
    assert (tmp_path / "calibration.svg").read_text("utf-8").startswith("<?xml")
    first = (tmp_path / "calibration.svg").read_bytes()
    write(card, tmp_path)
    assert (tmp_path / "calibration.svg").read_bytes() == first
    assert json.loads((tmp_path / "results.json").read_text("utf-8"))["claims"][0]["met"] is False
