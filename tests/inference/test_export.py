"""The workshop's export: the same weights give the same bytes, and int8 costs what it should."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.export import NOTHING, GraphBuilder, quantize, ship
from onnx_models.selftest import make

from .graphs import SHIPPED

METADATA = {"description": "test", "licence": "Apache-2.0", "training_data": "none"}


def small(name: str = "small") -> GraphBuilder:
    rng = np.random.default_rng(5)
    graph = GraphBuilder(name)
    value = graph.input("x", (1, 6))
    value = graph.dense(value, rng.standard_normal((6, 8)), rng.standard_normal(8), activation="Relu")
    graph.output(graph.dense(value, rng.standard_normal((8, 2)), np.zeros(2), exact=True), "y", (1, 2))
    return graph


def test_the_same_weights_give_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        for name in ("beta", "alpha"):
            ship(small(name), version="1.0.0", metadata=METADATA, folder=folder)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})

    assert written[0] == written[1]
    assert set(written[0]) == {"alpha.onnx", "beta.onnx", "catalog.json"}
    assert list(json.loads(written[0]["catalog.json"])["models"]) == ["alpha", "beta"]


def test_the_packaged_self_test_can_be_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(make, "ship", lambda graph, **rest: ship(graph, **{**rest, "folder": tmp_path}))
    make.main()

    assert (tmp_path / "selftest.onnx").read_bytes() == (SHIPPED / "selftest.onnx").read_bytes()


def test_what_is_shipped_loads(tmp_path: Path) -> None:
    golden = [{"x": np.full((1, 6), 0.25, np.float32)}]
    ship(small(), version="2.1.0", metadata={**METADATA, "mean": [1.5, 2]}, golden=golden, folder=tmp_path)
    model = Catalog.open(tmp_path).load("small", NumpyEngine())

    assert model.version == "2.1.0"
    assert json.loads(model.metadata["mean"]) == [1.5, 2]
    assert model.metadata["name"] == "small"
    (first, *rest) = Catalog.open(tmp_path).entries["small"].golden
    assert len(rest) == 15
    np.testing.assert_array_equal(first.inputs["x"], golden[0]["x"])


@pytest.mark.parametrize("missing", METADATA)
def test_a_model_must_say_where_it_comes_from(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        ship(small(), version="1", metadata={**METADATA, missing: ""}, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_too_large_is_not_shipped(tmp_path: Path) -> None:
    graph = GraphBuilder("large")
    graph.output(graph.dense(graph.input("x", (1, 600)), np.ones((600, 600)), np.zeros(600)), "y", (1, 600))

    with pytest.raises(ValueError, match="bytes"):
        ship(graph, version="1", metadata=METADATA, folder=tmp_path)


@given(
    st.lists(st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from([0, 1]),
)
def test_int8_is_off_by_half_a_step_at_most(rows: list[list[float]], axis: int) -> None:
    weight = np.array(rows, np.float32)
    quantized, scale = quantize(weight, axis)
    step = scale.reshape(-1, 1) if axis == 0 else scale.reshape(1, -1)

    assert quantized.dtype == np.int8
    assert np.abs(quantized.astype(int)).max() <= 127
    assert (np.abs(quantized * step - weight) <= step * 0.5001 + NOTHING).all()


def test_int8_reference_values() -> None:
    quantized, scale = quantize([[1.27, -0.5, 0.0], [0.0, 0.0, 0.0]], axis=0)

    assert quantized.tolist() == [[127, -50, 0], [0, 0, 0]]
    np.testing.assert_allclose(scale, [0.01, 1.0], rtol=1e-6)


def test_a_channel_of_next_to_nothing_is_zero() -> None:
    quantized, scale = quantize([[1e-40, -1e-38], [1.0, 0.5]], axis=0)

    assert quantized.tolist() == [[0, 0], [127, 64]]
    assert scale[0] == 1
