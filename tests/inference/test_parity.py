"""The same file gives the same numbers on both engines, and in the specification."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from custom_components.smartloop.inference.graph import Session, Tensor
from custom_components.smartloop.inference.ort_engine import OrtEngine
from custom_components.smartloop.inference.reader import read
from onnx_models.export import quantize

from .graphs import SHIPPED, Grown, catalog, proto, reference, session

ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")

BOUND = 1e-5
"""Of the larger of 1 and the value."""
CANCELLED = 1e-3
ENGINES = ("ours", "stock")
"""onnxruntime as `ort_engine.py` sets it up (BASIC), and as it comes (ALL)."""
EDGE = np.finfo(np.float32)
EDGES = (0.0, -0.0, float(EDGE.max), float(EDGE.min), float(EDGE.tiny) / 8, -float(EDGE.tiny) / 8)
"""Zeros, the largest numbers of both signs, denormals."""

type Feeds = dict[str, NDArray[np.float32]]


class Stock:
    """onnxruntime with all its optimisations."""

    def __init__(self, data: bytes) -> None:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self.session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self.names = [info.name for info in self.session.get_outputs()]

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(zip(self.names, self.session.run(self.names, dict(inputs)), strict=True))


def opened(data: bytes, engine: str) -> Session:
    """Return an onnxruntime session."""
    return Stock(data) if engine == "stock" else OrtEngine().load(data, read(data))


def inputs_of(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    return {info.name: tuple(dim.dim_value for dim in info.type.tensor_type.shape.dim) for info in model.graph.input}


def drawn(shapes: dict[str, tuple[int, ...]], count: int, seed: int = 0) -> Iterator[Feeds]:
    """Yield seeded inputs of growing spread."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        spread = (0.1, 1, 3)[number % 3]
        yield {name: (rng.standard_normal(shape) * spread).astype(np.float32) for name, shape in shapes.items()}


def furthest(ours: Session, theirs: Session, feeds: Feeds) -> float:
    """Return the largest difference where both are finite, relative for values above 1."""
    got, wanted = ours.run(feeds), theirs.run(feeds)
    assert got.keys() == wanted.keys()
    worst = 0.0
    for name, values in wanted.items():
        assert got[name].shape == values.shape
        both = np.isfinite(got[name]) & np.isfinite(values)
        scale = np.maximum(1, np.abs(values[both].astype(np.float64)))
        worst = max(worst, float((np.abs(got[name][both].astype(np.float64) - values[both]) / scale).max(initial=0)))
    return worst


def test_there_are_shipped_models() -> None:
    assert catalog(), "the catalog is empty"
    assert {path.name for path in SHIPPED.glob("*.onnx")} == {row["file"] for row in catalog().values()}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", catalog())
def test_shipped_models_agree(name: str, engine: str, record_property: Any) -> None:
    data = (SHIPPED / f"{name}.onnx").read_bytes()
    ours, theirs = session(data), opened(data, engine)
    shapes = inputs_of(onnx.ModelProto.FromString(data))
    worst = max(furthest(ours, theirs, feeds) for feeds in drawn(shapes, 1000))
    record_property("max_difference", worst)

    assert worst <= catalog()[name]["tolerance"] <= 2 / 256


@pytest.mark.parametrize("name", catalog())
def test_shipped_models_agree_at_the_edges(name: str) -> None:
    data = (SHIPPED / f"{name}.onnx").read_bytes()
    ours, theirs = session(data), opened(data, "ours")
    shapes = inputs_of(onnx.ModelProto.FromString(data))

    for edge in EDGES:
        feeds = {key: np.full(shape, edge, np.float32) for key, shape in shapes.items()}
        if abs(edge) < 1:
            assert all(np.isfinite(values).all() for values in ours.run(feeds).values())
        # Of huge terms that cancel nearly, a sum in another order keeps fewer digits; no feature gets there, all are clipped.
        assert furthest(ours, theirs, feeds) <= (catalog()[name]["tolerance"] if abs(edge) < 1 else CANCELLED)


@pytest.mark.parametrize("seed", range(60))
def test_random_models_agree(seed: int) -> None:
    model = Grown(seed).build()
    data = model.SerializeToString()
    ours, shapes = session(data), inputs_of(model)

    for engine in ENGINES:
        theirs = opened(data, engine)
        assert max(furthest(ours, theirs, feeds) for feeds in drawn(shapes, 20, seed)) <= BOUND
    feeds = next(drawn(shapes, 1, seed))
    (got,) = ours.run(feeds).values()
    np.testing.assert_allclose(got, reference(model, feeds)["y"], atol=BOUND)


def test_random_models_use_every_operator_between_them() -> None:
    used = {node.op_type for seed in range(60) for node in Grown(seed).build().graph.node}

    assert {"Add", "Clip", "Concat", "Conv", "DequantizeLinear", "Div", "Flatten", "GRU", "Gemm"} <= used
    assert {"GlobalAveragePool", "Identity", "MatMul", "Mul", "Relu", "Reshape", "Sigmoid"} <= used
    assert {"Softmax", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze"} <= used


def quantized_activations() -> onnx.ModelProto:
    """Return a network whose activations are int8 and whose weights have 7 bits."""
    rng = np.random.default_rng(7)
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, NDArray[Any]] = {}
    value = "x"
    for layer, (fan_in, fan_out) in enumerate(((32, 64), (64, 32), (32, 1))):
        weight, scale = quantize(rng.standard_normal((fan_in, fan_out)) / np.sqrt(fan_in), axis=1)
        made = {
            f"w{layer}": (weight // 2).astype(np.int8),
            f"ws{layer}": (scale * 2).astype(np.float32),
            f"b{layer}": (rng.standard_normal(fan_out) / 10).astype(np.float32),
            f"s{layer}": np.float32(0.04),
            f"z{layer}": np.uint8(128),
        }
        constants |= {key: np.asarray(values) for key, values in made.items()}
        nodes += [
            helper.make_node("QuantizeLinear", [value, f"s{layer}", f"z{layer}"], [f"q{layer}"]),
            helper.make_node("DequantizeLinear", [f"q{layer}", f"s{layer}", f"z{layer}"], [f"d{layer}"]),
            helper.make_node("DequantizeLinear", [f"w{layer}", f"ws{layer}"], [f"dw{layer}"], axis=1),
            helper.make_node("Gemm", [f"d{layer}", f"dw{layer}", f"b{layer}"], [f"g{layer}"]),
            helper.make_node("Sigmoid" if fan_out == 1 else "Relu", [f"g{layer}"], [value := f"a{layer}"]),
        ]
    return proto(nodes, {"x": (1, 32)}, {value: (1, 1)}, constants)


@pytest.mark.parametrize(("engine", "bound"), [("ours", BOUND), ("stock", 2 / 256)])
def test_int8_activations_agree(engine: str, bound: float) -> None:
    data = quantized_activations().SerializeToString()
    ours, theirs = session(data), opened(data, engine)
    differences = [furthest(ours, theirs, feeds) for feeds in drawn({"x": (1, 32)}, 1000)]

    # A value that lies on a rounding edge may fall to either side once in a while.
    assert np.quantile(differences, 0.99) <= bound
    assert max(differences) <= 2 / 256
