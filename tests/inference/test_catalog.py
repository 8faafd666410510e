"""A model is used only when it is what was shipped and gives what it gave; its inputs are never guessed."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from custom_components.smartloop.inference import catalog as catalog_module
from custom_components.smartloop.inference.catalog import SELFTEST, Catalog, LoadedModel, RunTimes, golden_count, noise
from custom_components.smartloop.inference.errors import (
    CatalogError,
    GoldenError,
    InferenceError,
    InputError,
    ModelFileError,
    OutputError,
)
from custom_components.smartloop.inference.graph import Graph, Session, Tensor
from custom_components.smartloop.inference.numpy_engine import NumpyEngine

from .graphs import SHIPPED, catalog


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the shipped folder."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "onnx"))


def rewrite(folder: Path, **changes: Any) -> None:
    """Change the self-test's entry."""
    path = folder / "catalog.json"
    document = json.loads(path.read_text())
    document["models"][SELFTEST].update(changes)
    path.write_text(json.dumps(document))


def load(folder: Path, name: str = SELFTEST) -> LoadedModel:
    return Catalog.open(folder).load(name, NumpyEngine())


@pytest.mark.parametrize("name", catalog())
def test_every_shipped_model_loads_and_reproduces_its_golden_vectors(name: str) -> None:
    model, row = load(SHIPPED, name), catalog()[name]

    assert model.version == row["version"] == model.metadata["version"]
    assert model.metadata["licence"]
    assert model.metadata["training_data"]
    assert len(row["golden"]) == golden_count(Catalog.open(SHIPPED).entries[name].inputs)
    assert model.times.get() is None, "proving a model is not running it"
    for vector in row["golden"]:
        feeds = {}
        for info in row["inputs"]:
            given, shape = vector["inputs"][info["name"]], tuple(info["shape"])
            values = noise(given, shape) if isinstance(given, int) else np.array(given, np.float32).reshape(shape)
            feeds[info["name"]] = values
        outputs = model.run(feeds)
        for info in row["outputs"]:
            wanted = np.array(vector["outputs"][info["name"]], np.float32).reshape(info["shape"])
            np.testing.assert_allclose(outputs[info["name"]], wanted, rtol=0, atol=row["tolerance"])


@pytest.mark.parametrize("name", catalog())
def test_shipped_files_keep_the_format_rules(name: str) -> None:
    row = catalog()[name]

    assert row["opset"] == 17
    assert row["ir_version"] == 8
    assert row["size"] <= 256 * 1024
    assert "DequantizeLinear" in row["ops"], "weights are int8"
    assert "QuantizeLinear" in row["ops"] or row["tolerance"] <= 1e-5


def test_a_changed_file_is_refused_before_it_is_parsed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "selftest.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(catalog_module, "read", lambda _: pytest.fail("parsed"))

    with pytest.raises(CatalogError, match="sha256"):
        load(folder)


@pytest.mark.parametrize("change", [b"", b"x"], ids=["shorter", "longer"])
def test_a_file_of_another_size_is_refused(folder: Path, change: bytes) -> None:
    path = folder / "selftest.onnx"
    path.write_bytes(path.read_bytes() + change if change else path.read_bytes()[:-1])

    with pytest.raises(CatalogError, match="bytes"):
        load(folder)


def test_an_absent_file_is_refused(folder: Path) -> None:
    (folder / "selftest.onnx").unlink()

    with pytest.raises(CatalogError, match="cannot be read"):
        load(folder)


def test_an_unknown_model_is_refused(folder: Path) -> None:
    with pytest.raises(CatalogError, match="no model"):
        load(folder, "oracle")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("metadata", {"version": "9"}),
        ("ops", ["Gemm", "Relu", "Sigmoid"]),
        ("opset", 18),
    ],
)
def test_an_entry_that_describes_another_file_is_refused(folder: Path, key: str, value: Any) -> None:
    rewrite(folder, **{key: value})

    with pytest.raises(CatalogError, match="not what the catalog describes"):
        load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("file", "../secrets.onnx"),
        ("file", "/etc/passwd"),
        ("file", 3),
        ("size", 10_000_000),
        ("size", 0),
        ("size", None),
        ("sha256", "short"),
        ("ops", ["Gemm", "Loop"]),
        ("golden", []),
        ("golden", [{}] * 16),
        ("tolerance", 0.5),
        ("tolerance", float("nan")),
        ("inputs", [{"name": "features", "shape": [1, 32], "dtype": "float64"}]),
        ("inputs", None),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused(folder: Path, key: str, value: Any) -> None:
    rewrite(folder, **{key: value})

    with pytest.raises(CatalogError):
        load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"catalog": 2, "models": {}}', '{"catalog": 1}', '{"models": {}}'])
def test_a_broken_catalog_is_refused(folder: Path, text: str) -> None:
    (folder / "catalog.json").write_text(text)

    with pytest.raises(CatalogError):
        Catalog.open(folder)


def test_an_absent_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError):
        Catalog.open(tmp_path)


class OffEngine(NumpyEngine):
    """An engine that is off by a little."""

    def __init__(self, error: float) -> None:
        self.error = error

    def load(self, data: bytes, graph: Graph) -> Any:
        return OffSession(super().load(data, graph), self.error)


class OffSession:
    def __init__(self, session: Session, error: float) -> None:
        self.session = session
        self.error = error

    def run(self, inputs: Any) -> dict[str, Tensor]:
        return {
            name: (values + np.float32(self.error)).astype(np.float32)
            for name, values in self.session.run(inputs).items()
        }


def test_an_engine_that_is_off_is_refused() -> None:
    catalog_ = Catalog.open(SHIPPED)

    assert catalog_.load(SELFTEST, OffEngine(1e-6)).name == SELFTEST
    with pytest.raises(GoldenError):
        catalog_.load(SELFTEST, OffEngine(2e-5))
    with pytest.raises(GoldenError, match="not finite"):
        catalog_.load(SELFTEST, OffEngine(float("nan")))


GOOD = np.zeros((1, 32), np.float32)


def spoiled(value: float) -> Tensor:
    values = GOOD.copy()
    values[0, 31] = value
    return values


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"other": GOOD},
        {"features": GOOD, "more": GOOD},
        {"features": GOOD[0]},
        {"features": np.zeros((2, 32), np.float32)},
        {"features": GOOD.astype(np.float64)},
        {"features": GOOD.astype(np.int64)},
        {"features": GOOD.tolist()},
        {"features": spoiled(np.nan)},
        {"features": spoiled(np.inf)},
        {"features": spoiled(-np.inf)},
    ],
)
def test_inputs_are_refused_before_the_engine(inputs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(SHIPPED)
    monkeypatch.setattr(model, "_session", None)

    with pytest.raises(InputError):
        model.run(inputs)
    assert model.last_error
    assert model.times.count == 0


def test_outputs_that_are_not_finite_are_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(SHIPPED)
    monkeypatch.setattr(model, "_session", OffSession(model._session, float("inf")))

    with pytest.raises(OutputError):
        model.run({"features": GOOD})
    assert model.last_error


def test_outputs_belong_to_the_caller() -> None:
    model = load(SHIPPED)
    first = model.run({"features": GOOD})["probability"]
    kept = first.copy()
    model.run({"features": GOOD + 1})

    np.testing.assert_array_equal(first, kept)


def test_runs_from_several_threads_do_not_mix() -> None:
    model = load(SHIPPED)
    rng = np.random.default_rng(3)
    feeds = [rng.standard_normal((1, 32)).astype(np.float32) for _ in range(8)]
    wanted = [model.run({"features": values})["probability"] for values in feeds]
    wrong: list[int] = []

    def work(number: int) -> None:
        wrong.extend(
            number
            for _ in range(200)
            if not np.array_equal(model.run({"features": feeds[number]})["probability"], wanted[number])
        )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(feeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong
    assert model.times.count == 8 + 8 * 200


def test_run_times_are_kept_for_diagnostics() -> None:
    times = RunTimes()
    for value in range(1, 101):
        times.update(value)

    assert times.get() == (50.5, 99)
    for _ in range(1000):
        times.update(7)
    assert times.count == 1100
    assert times.get() == (7, 7)


def test_all_errors_share_a_base() -> None:
    for error in (CatalogError, GoldenError, InputError, ModelFileError, OutputError):
        assert issubclass(error, InferenceError)
