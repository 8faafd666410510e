"""Each operator of the allow-list against the specification's own evaluator, and against onnxruntime."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from custom_components.smartloop.inference.errors import InferenceError, ModelFileError
from custom_components.smartloop.inference.layers import ALL_KERNELS
from custom_components.smartloop.inference.operators import OPERATORS
from custom_components.smartloop.inference.step import Step

from .graphs import proto, reference, session

RNG = np.random.default_rng(17)


def f32(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape).astype(np.float32)


def i64(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


@dataclass
class Case:
    """One operator with its inputs: a shape is fed, an array is constant, None is absent."""

    op: str
    inputs: Sequence[tuple[int, ...] | NDArray[Any] | np.generic | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    back: str = ""
    """Operator that returns to float32 what the operator made of it."""
    scale: float = 1.0
    """Spread of the fed values."""

    @property
    def id(self) -> str:
        shapes = "-".join(
            "none" if i is None else "x".join(map(str, i if isinstance(i, tuple) else i.shape)) for i in self.inputs
        )
        return f"{self.op}-{shapes}-{'-'.join(map(str, self.attributes.values()))}"


SCALES, ZEROS = np.array([0.1, 0.2, 0.5], np.float32), np.array([3, -5, 0], np.int8)
GRU_WEIGHTS = (f32(1, 12, 3), f32(1, 12, 4), f32(1, 24))

CASES = [
    Case("Add", [(2, 3), (3,)]),
    Case("Add", [(1, 4), f32(1, 4)]),
    Case("Sub", [(2, 1, 3), (4, 1)]),
    Case("Mul", [(2, 3), f32(2, 1)]),
    Case("Div", [(2, 3), np.abs(f32(2, 3)) + 1]),
    Case("MatMul", [(1, 5), f32(5, 7)]),
    Case("MatMul", [(3, 5), (5, 2)]),
    Case("MatMul", [(2, 3, 5), (5, 2)]),
    Case("MatMul", [(2, 1, 3, 5), (4, 5, 2)]),
    Case("Gemm", [(1, 5), f32(5, 7), f32(7)]),
    Case("Gemm", [(5, 2), f32(7, 5), f32(2, 1)], {"alpha": 0.5, "beta": 2.0, "transA": 1, "transB": 1}),
    Case("Gemm", [(2, 5), (7, 5), (1, 7)], {"transB": 1}),
    Case("Gemm", [(2, 5), (5, 3)]),
    Case("Relu", [(2, 3, 4)]),
    Case("Sigmoid", [(2, 8)], scale=30),
    Case("Tanh", [(2, 8)], scale=5),
    Case("Softmax", [(2, 5)]),
    Case("Softmax", [(2, 5, 3)], {"axis": 1}),
    Case("Softmax", [(1, 6)], {"axis": -1}, scale=60),
    Case("Clip", [(2, 5), np.float32(-0.5), np.float32(0.5)]),
    Case("Clip", [(2, 5), None, np.float32(0.5)]),
    Case("Clip", [(2, 5), np.float32(-0.5)]),
    Case("Clip", [(2, 5)]),
    Case("Conv", [(1, 3, 12), f32(4, 3, 3), f32(4)]),
    Case("Conv", [(1, 3, 12), f32(4, 3, 3)], {"kernel_shape": [3], "strides": [2], "pads": [1, 2]}),
    Case("Conv", [(2, 3, 12), f32(4, 3, 3), f32(4)], {"dilations": [3], "pads": [3, 3]}),
    Case("Conv", [(1, 2, 9), f32(1, 2, 4)], {"auto_pad": "SAME_UPPER", "strides": [2]}),
    Case("Conv", [(1, 2, 9), f32(1, 2, 4)], {"auto_pad": "SAME_LOWER"}),
    Case("Conv", [(1, 2, 9), f32(1, 2, 4)], {"auto_pad": "VALID", "group": 1}),
    Case("GlobalAveragePool", [(1, 3, 12)]),
    Case("GlobalAveragePool", [(2, 3, 4, 5)]),
    Case("Flatten", [(2, 3, 4)]),
    Case("Flatten", [(2, 3, 4)], {"axis": 0}),
    Case("Flatten", [(2, 3, 4)], {"axis": -1}),
    Case("Reshape", [(2, 3, 4), i64(0, -1)]),
    Case("Reshape", [(2, 3, 4), i64(4, 6)], {"allowzero": 0}),
    Case("Reshape", [(1, 4), i64(2, 1, 2)]),
    Case("Reshape", [(1, 1), i64()]),
    Case("Squeeze", [(1, 3, 1), i64(0)]),
    Case("Squeeze", [(1, 3, 1), i64(0, -1)]),
    Case("Squeeze", [(1, 3, 1)]),
    Case("Unsqueeze", [(3, 2), i64(0, -1)]),
    Case("Unsqueeze", [(3, 2), i64(1)]),
    Case("Transpose", [(2, 3, 4)], {"perm": [1, 2, 0]}),
    Case("Transpose", [(2, 3, 4)]),
    Case("Concat", [(2, 3), (2, 1), f32(2, 2)], {"axis": 1}),
    Case("Concat", [(2, 3), (1, 3)], {"axis": -2}),
    Case("Cast", [(2, 6)], {"to": 7}, back="Cast", scale=50),
    Case("Cast", [(2, 6)], {"to": 6}, back="Cast", scale=50),
    Case("Cast", [(2, 6)], {"to": 1}),
    Case("Identity", [(2, 3)]),
    Case("QuantizeLinear", [(2, 40), np.float32(0.05), np.int8(3)], back="DequantizeLinear"),
    Case("QuantizeLinear", [(2, 40), np.float32(0.05), np.uint8(128)], back="DequantizeLinear", scale=4),
    Case("QuantizeLinear", [(2, 3, 9), SCALES, ZEROS], {"axis": 1}, back="DequantizeLinear", scale=20),
    Case("QuantizeLinear", [(2, 40), np.float32(0.05)], back="DequantizeLinear"),
    Case("DequantizeLinear", [RNG.integers(-128, 128, (2, 3), np.int8), SCALES, ZEROS], {"axis": -1}),
    Case("DequantizeLinear", [RNG.integers(0, 256, (2, 3), np.uint8), np.float32(0.1), np.uint8(100)]),
    Case("DequantizeLinear", [RNG.integers(-128, 128, (3, 2, 2), np.int8), SCALES], {"axis": 0}),
    Case("DequantizeLinear", [RNG.integers(-99999, 99999, (5,), np.int32), np.float32(0.001)]),
    Case("GRU", [(6, 1, 3), *GRU_WEIGHTS], {"hidden_size": 4}),
    Case("GRU", [(6, 1, 3), *GRU_WEIGHTS], {"hidden_size": 4, "linear_before_reset": 1}),
    Case("GRU", [(1, 1, 3), *GRU_WEIGHTS, None, (1, 1, 4)], {"hidden_size": 4, "direction": "forward"}),
    Case("GRU", [(5, 2, 3), *GRU_WEIGHTS, None, (1, 2, 4)], {"hidden_size": 4, "linear_before_reset": 1}),
    Case("GRU", [(3, 1, 3), *GRU_WEIGHTS[:2]], {"hidden_size": 4, "activations": ["Sigmoid", "Tanh"]}),
]


def model_of(case: Case, opset: int) -> Any:
    """Return the operator as a model of float32 inputs and one float32 output."""
    names = ["" if given is None else f"x{position}" for position, given in enumerate(case.inputs)]
    inputs = {name: given for name, given in zip(names, case.inputs, strict=True) if isinstance(given, tuple)}
    constants = {
        name: np.asarray(given)
        for name, given in zip(names, case.inputs, strict=True)
        if given is not None and not isinstance(given, tuple)
    }
    made = ["", "made"] if case.op == "GRU" else ["made"]
    nodes = [helper.make_node(case.op, names, made, **case.attributes)]
    if case.back == "Cast":
        nodes.append(helper.make_node("Cast", ["made"], ["back"], to=1))
    elif case.back:
        nodes.append(helper.make_node(case.back, ["made", *names[1:]], ["back"], **case.attributes))
    last = nodes[-1].output[-1]
    if not inputs:
        # A model needs an input: the constant's result is added to it.
        nodes.append(helper.make_node("Add", ["zero", last], ["sum"]))
        inputs, last = {"zero": (1,)}, "sum"
    shape = reference(proto(nodes, inputs, {last: ()}, constants, opset=opset), feeds_of(inputs, case))[last].shape
    return proto(nodes, inputs, {last: shape}, constants, opset=opset)


def feeds_of(inputs: dict[str, Any], case: Case, seed: int = 1) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    return {
        name: (rng.standard_normal(shape) * (case.scale if name != "zero" else 0)).astype(np.float32)
        for name, shape in inputs.items()
    }


def test_every_operator_has_a_case() -> None:
    assert {case.op for case in CASES} == set(OPERATORS)


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_operator_equals_the_reference(case: Case, opset: int) -> None:
    if opset < 14 and "allowzero" in case.attributes:
        pytest.skip("allowzero came with opset 14")
    model = model_of(case, opset)
    ours = session(model)
    inputs = {info.name: tuple(d.dim_value for d in info.type.tensor_type.shape.dim) for info in model.graph.input}
    name = model.graph.output[0].name

    for seed in range(5):
        feeds = feeds_of(inputs, case, seed)
        wanted, got = reference(model, feeds)[name], ours.run(feeds)[name]
        assert got.dtype == np.float32
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)
        if case.back:
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_operator_equals_onnxruntime(case: Case) -> None:
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    model = model_of(case, 17)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    theirs = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    inputs = {info.name: tuple(d.dim_value for d in info.type.tensor_type.shape.dim) for info in model.graph.input}
    feeds = feeds_of(inputs, case, 3)

    (got,) = session(model).run(feeds).values()

    np.testing.assert_allclose(got, theirs.run(None, feeds)[0], rtol=2e-6, atol=2e-6)


REFUSED = {
    "two-dimensional convolution": Case("Conv", [(1, 2, 5, 5), f32(1, 2, 3, 3)]),
    "grouped convolution": Case("Conv", [(1, 2, 5), f32(2, 1, 3)], {"group": 2}),
    "convolution with a weight that is fed": Case("Conv", [(1, 2, 5), (1, 2, 3)]),
    "kernel longer than the input": Case("Conv", [(1, 2, 5), f32(1, 2, 9)]),
    "negative pads": Case("Conv", [(1, 2, 5), f32(1, 2, 3)], {"pads": [-1, 0]}),
    "backward GRU": Case("GRU", [(6, 1, 3), *GRU_WEIGHTS], {"hidden_size": 4, "direction": "reverse"}),
    "GRU with other activations": Case("GRU", [(6, 1, 3), *GRU_WEIGHTS], {"hidden_size": 4, "activations": ["A", "B"]}),
    "GRU of another size": Case("GRU", [(6, 1, 3), *GRU_WEIGHTS], {"hidden_size": 5}),
    "batch-first GRU": Case("GRU", [(6, 1, 3), *GRU_WEIGHTS], {"hidden_size": 4, "layout": 1}),
    "shapes that do not broadcast": Case("Add", [(2, 3), (4,)]),
    "matrices that do not multiply": Case("MatMul", [(2, 3), (4, 5)]),
    "bias of another width": Case("Gemm", [(1, 3), f32(3, 4), f32(5)]),
    "reshape to another size": Case("Reshape", [(2, 3), i64(4)]),
    "reshape with two unknowns": Case("Reshape", [(2, 3), i64(-1, -1)]),
    "reshape by a fed shape": Case("Reshape", [(2, 3), (2,)]),
    "squeeze of a long axis": Case("Squeeze", [(2, 3), i64(0)]),
    "transpose with an axis twice": Case("Transpose", [(2, 3)], {"perm": [0, 0]}),
    "concat of different frames": Case("Concat", [(2, 3), (3, 3)], {"axis": 1}),
    "softmax over an absent axis": Case("Softmax", [(2, 3)], {"axis": 2}),
    "cast to a type we do not have": Case("Cast", [(2, 3)], {"to": 10}),
    "bounds that are lists": Case("Clip", [(2, 3), f32(3)]),
    "reshape by floats": Case("Reshape", [(2, 3), f32(2)]),
    "reshape that copies an axis too many": Case("Reshape", [(6,), i64(2, 3, 0)]),
    "flatten at an absent axis": Case("Flatten", [(2, 3)], {"axis": 3}),
    "unsqueeze at an axis twice": Case("Unsqueeze", [(2, 3), i64(0, 0)]),
    "scale and zero point of different shapes": Case("QuantizeLinear", [(2, 3), np.float32(1), ZEROS]),
    "quantisation in blocks": Case("DequantizeLinear", [np.ones(3, np.int8), SCALES], {"axis": 0, "block_size": 1}),
    "dequantisation of floats": Case("DequantizeLinear", [(2, 3), np.float32(1)]),
    "quantisation to int32": Case("QuantizeLinear", [(2, 3), np.float32(1), np.int32(0)]),
    "quantisation to two types": Case("QuantizeLinear", [(2, 3), np.float32(1), np.int8(0)], {"output_dtype": 2}),
    "scale that is fed": Case("QuantizeLinear", [(2, 3), (1,)]),
    "arithmetic on integers": Case("Add", [i64(1, 2, 3), i64(1, 2, 3)]),
    "convolution with int8 weights": Case("Conv", [(1, 2, 5), np.ones((1, 2, 3), np.int8)]),
    "convolution of other channels": Case("Conv", [(1, 2, 5), f32(1, 3, 3)]),
    "convolution with a bias of another width": Case("Conv", [(1, 2, 5), f32(1, 2, 3), f32(2)]),
    "convolution with two strides": Case("Conv", [(1, 2, 5), f32(1, 2, 3)], {"strides": [1, 1]}),
    "convolution with strange pads": Case("Conv", [(1, 2, 5), f32(1, 2, 3)], {"auto_pad": "SAME"}),
    "batches that do not broadcast": Case("MatMul", [(2, 3, 4), (3, 4, 5)]),
    "Gemm of a cube": Case("Gemm", [(2, 3, 4), f32(4, 5)]),
    "average over nothing": Case("GlobalAveragePool", [(2, 3)]),
    "GRU with a narrow recurrence": Case("GRU", [(6, 1, 3), f32(1, 12, 3), f32(1, 12, 5)], {"hidden_size": 4}),
    "GRU with a short bias": Case("GRU", [(6, 1, 3), *GRU_WEIGHTS[:2], f32(1, 12)], {"hidden_size": 4}),
    "GRU with a strange first state": Case("GRU", [(6, 1, 3), *GRU_WEIGHTS, None, (1, 1, 5)], {"hidden_size": 4}),
    "GRU with sequence lengths": Case("GRU", [(6, 1, 3), *GRU_WEIGHTS, i64(6)], {"hidden_size": 4}),
    "scale that is no positive number": Case("QuantizeLinear", [(2, 3), np.float32(-1), np.int8(0)]),
    "zero point of another type": Case("DequantizeLinear", [np.ones(3, np.int8), np.float32(1), np.uint8(1)]),
    "scales that do not fit": Case("DequantizeLinear", [np.ones((2, 2), np.int8), SCALES], {"axis": 0}),
}
OUTPUTS = [Case("Cast", [(2, 3)], {"to": 7}), Case("Transpose", [(2, 3)])]
"""What runs, but gives another type or shape than the file says."""


@pytest.mark.parametrize(
    "case", [*REFUSED.values(), *OUTPUTS], ids=[*REFUSED, "type of the output", "shape of the output"]
)
def test_what_cannot_run_is_refused_when_loaded(case: Case) -> None:
    names = ["" if given is None else f"x{position}" for position, given in enumerate(case.inputs)]
    inputs: dict[str, Any] = {n: i for n, i in zip(names, case.inputs, strict=True) if isinstance(i, tuple)}
    constants = {n: np.asarray(i) for n, i in zip(names, case.inputs, strict=True) if n and not isinstance(i, tuple)}
    outputs = ["", "made"] if case.op == "GRU" else ["made"]
    node = helper.make_node(case.op, names, outputs, **case.attributes)

    with pytest.raises(ModelFileError) as refusal:
        session(proto([node], inputs or {"x": (1,)}, {"made": (2, 3)}, constants))
    # The declared output is a last net; each case must be caught by the rule it was made for.
    assert str(refusal.value).startswith("output made") == any(case is other for other in OUTPUTS)


@pytest.mark.parametrize(
    "case",
    [
        Case("MatMul", [(200_000, 1), (1, 200_000)]),
        Case("Add", [(2000, 1), (1, 2000)]),
        Case("Conv", [(1, 1, 10), f32(1, 1, 3)], {"pads": [300_000, 0]}),
        Case("GRU", [(200_000, 1, 1), f32(1, 3, 1), f32(1, 3, 1)], {"hidden_size": 1}),
        Case("MatMul", [(500, 500), (500, 500)]),
        Case("Gemm", [(500, 500), (500, 500)]),
        Case("Conv", [(1, 300, 600), f32(300, 300, 1)]),
    ],
    ids=lambda case: case.id,
)
def test_what_would_take_all_memory_or_time_is_refused_when_loaded(case: Case) -> None:
    test_what_cannot_run_is_refused_when_loaded(case)


def test_halves_are_rounded_to_even() -> None:
    node = helper.make_node("QuantizeLinear", ["x", "scale"], ["q"])
    back = helper.make_node("DequantizeLinear", ["q", "scale"], ["y"])
    model = proto([node, back], {"x": (6,)}, {"y": (6,)}, {"scale": np.asarray(np.float32(1))})
    feeds = {"x": np.array([0.5, 1.5, 2.5, 3.5, 254.5, 255.5], np.float32)}

    assert session(model).run(feeds)["y"].tolist() == [0, 2, 2, 4, 254, 255]
    assert reference(model, feeds)["y"].tolist() == [0, 2, 2, 4, 254, 255]


def test_what_numpy_raises_comes_out_as_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise IndexError

    fed = proto([helper.make_node("Relu", ["x"], ["y"])], {"x": (2,)}, {"y": (2,)})
    folded = proto([helper.make_node("Relu", ["c"], ["y"])], {"x": (2,)}, {"y": (2,)}, {"c": f32(2)})
    with monkeypatch.context() as patched:
        patched.setitem(ALL_KERNELS, "Relu", broken)
        with pytest.raises(ModelFileError, match="cannot be run"):
            session(fed)
    monkeypatch.setitem(ALL_KERNELS, "Relu", lambda _node, _operands: Step(broken, (2,)))
    with pytest.raises(ModelFileError, match="cannot be folded"):
        session(folded)
    with pytest.raises(InferenceError, match="cannot be run"):
        session(fed).run({"x": np.zeros(2, np.float32)})
