"""Small ONNX models for the tests, and the engines that run them."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from custom_components.smartloop.inference.graph import Session
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.reader import read
from onnx_models.export import GraphBuilder

SHIPPED = Path(__file__).resolve().parents[2] / "custom_components" / "smartloop" / "onnx"

type Feeds = Mapping[str, NDArray[np.float32]]


def catalog() -> dict[str, Any]:
    """Return the shipped catalog's models."""
    models: dict[str, Any] = json.loads((SHIPPED / "catalog.json").read_text())["models"]
    return models


def proto(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int]],
    outputs: Mapping[str, Sequence[int]],
    constants: Mapping[str, NDArray[Any]] | None = None,
    *,
    opset: int = 17,
    ir_version: int = 8,
) -> onnx.ModelProto:
    """Return a model, unchecked."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in outputs.items()],
        [numpy_helper.from_array(values, name) for name, values in (constants or {}).items()],
    )
    return helper.make_model(graph, ir_version=ir_version, opset_imports=[helper.make_opsetid("", opset)])


def relu() -> onnx.ModelProto:
    """Return the smallest model."""
    return proto([helper.make_node("Relu", ["x"], ["y"])], {"x": (1, 4)}, {"y": (1, 4)})


def session(model: onnx.ModelProto | bytes) -> Session:
    """Return the model on the built-in engine."""
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return NumpyEngine().load(data, read(data))


def reference(model: onnx.ModelProto, feeds: Feeds) -> dict[str, NDArray[Any]]:
    """Return what the specification's own evaluator says."""
    raised = onnx.ModelProto.FromString(model.SerializeToString())
    # It knows DequantizeLinear from opset 19 on; no operator of ours changed its meaning by 21.
    raised.opset_import[0].version = 21
    results = ReferenceEvaluator(raised).run(None, dict(feeds))
    return dict(zip((info.name for info in model.graph.output), results, strict=True))


@dataclass
class Grown:
    """A random model of allowed operators: (1, features) or (1, channels, time) from node to node."""

    seed: int
    random: random.Random = field(init=False)
    rng: np.random.Generator = field(init=False)
    builder: GraphBuilder = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.rng = np.random.default_rng(self.seed)
        self.builder = GraphBuilder(f"random_{self.seed}")

    def weights(self, *shape: int) -> NDArray[np.float32]:
        fan_in = max(1, int(np.prod(shape[1:])))
        values: NDArray[np.float32] = (self.rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32)
        return values

    def build(self) -> onnx.ModelProto:
        shape: tuple[int, ...] = self.random.choice([(1, 7), (1, 12), (1, 3, 20), (1, 5, 16)])
        value = self.builder.input("x", shape)
        for _ in range(self.random.randint(3, 9)):
            grow = self.on_sequence if len(shape) == 3 else self.on_vector
            value, shape = grow(value, shape)
        if len(shape) == 3:
            value = self.builder.op("Flatten", value, axis=1)
            shape = (1, shape[1] * shape[2])
        value = self.builder.dense(value, self.weights(shape[1], 4), self.weights(4), activation="Softmax")
        self.builder.output(value, "y", (1, 4))
        return self.builder.build({})

    def on_vector(self, value: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        b, width, new = self.builder, shape[1], self.random.randint(2, 24)
        grow: list[Callable[[], tuple[str, tuple[int, ...]]]] = [
            lambda: (b.dense(value, self.weights(width, new), self.weights(new), activation="Relu"), (1, new)),
            lambda: (b.op("MatMul", value, b.constant(self.weights(width, new))), (1, new)),
            lambda: (b.op(self.random.choice(["Add", "Sub", "Mul"]), value, b.constant(self.weights(width))), shape),
            lambda: (b.op("Div", value, b.constant(np.abs(self.weights(width)) + 1)), shape),
            lambda: (b.op(self.random.choice(["Relu", "Sigmoid", "Tanh", "Identity"]), value), shape),
            lambda: (b.op("Clip", value, b.constant(-2.0), b.constant(2.0)), shape),
            lambda: (b.op("Concat", value, b.op("Tanh", value), axis=1), (1, 2 * width)),
            lambda: (b.op("Unsqueeze", value, b.constant([1], np.int64)), (1, 1, width)),
            lambda: (
                b.op("Transpose", b.op("Reshape", value, b.constant([width, 1], np.int64)), perm=[1, 0]),
                shape,
            ),
        ]
        return self.random.choice(grow)()

    def on_sequence(self, value: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        b, (_, channels, time) = self.builder, shape
        kind = self.random.randrange(6)
        if kind == 0 and time >= 5:
            new, stride = self.random.randint(1, 8), self.random.randint(1, 2)
            out = b.conv1d(value, self.weights(new, channels, 3), self.weights(new), stride=stride, pads=(1, 1))
            return out, (1, new, (time - 1) // stride + 1)
        if kind == 1:
            steps = b.op("Transpose", value, perm=[2, 0, 1])
            size = self.random.randint(2, 6)
            state = b.gru(
                steps,
                self.weights(1, 3 * size, channels),
                self.weights(1, 3 * size, size),
                self.weights(1, 6 * size),
                linear_before_reset=bool(self.random.randrange(2)),
            )
            return b.op("Squeeze", state, b.constant([0], np.int64)), (1, size)
        if kind == 2:
            return b.op("Flatten", b.op("GlobalAveragePool", value), axis=1), (1, channels)
        if kind == 3:
            return b.op(self.random.choice(["Relu", "Tanh", "Sigmoid"]), value), shape
        if kind == 4:
            return b.op("Softmax", value, axis=self.random.choice([1, 2, -1])), shape
        return b.op("Transpose", value, perm=[0, 2, 1]), (1, time, channels)
