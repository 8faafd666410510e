"""Turn trained numpy weights into a shipped file: int8 weights per channel, float32 maths.

A model's `make.py` grows a `GraphBuilder`, then calls `ship`, which writes
`custom_components/smartloop/onnx/<name>.onnx` and the model's entry in `catalog.json` beside it:

    {"catalog": 1,
     "models": {NAME: {
        "file", "version", "sha256", "size", "opset", "ir_version",
        "inputs":  [{"name", "shape", "dtype"}, ...],     dtype is always float32
        "outputs": [{"name", "shape", "dtype"}, ...],
        "ops":     [...],                                 sorted operator names in the file
        "tolerance": 1e-05,                               largest |difference| to a golden output
        "metadata": {...},                                strings, equal to the file's own
        "golden": [{"inputs": {NAME: [...]}, "outputs": {NAME: [...]}}, x 16]}}}   flat, C order

The same weights give the same bytes: initialisers and metadata are sorted, nothing is dated.
Golden outputs come from `onnx.reference`, which is neither of the two engines that must match them.
"""

import contextlib
import fcntl
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.checker
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from custom_components.smartloop.inference.catalog import GOLDEN_COUNT, STORED_MOST, golden_count, noise
from custom_components.smartloop.inference.graph import TensorInfo

OPSET = 17
IR_VERSION = 8
MAX_BYTES = 256 * 1024
NOTHING = 1e-30
"""The largest weight of a channel that counts as none."""
FOLDER = Path(__file__).resolve().parents[1] / "custom_components" / "smartloop" / "onnx"
REQUIRED_METADATA = ("description", "licence", "training_data")

type Attribute = int | float | str | Sequence[int]
type Floats = NDArray[np.float32]


def quantize(weight: ArrayLike, axis: int) -> tuple[NDArray[np.int8], Floats]:
    """Return int8 values and one scale per channel along `axis`; symmetric, so zero stays zero."""
    values = np.asarray(weight, dtype=np.float32)
    others = tuple(i for i in range(values.ndim) if i != axis)
    peak = np.abs(values).max(axis=others, keepdims=True)
    # Below it a step would be no normal float32 any more; such a channel is zero.
    scale = np.where(peak > NOTHING, peak / np.float32(127), np.float32(1)).astype(np.float32)
    quantized = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
    return quantized, scale.reshape(-1)


class GraphBuilder:
    """A graph that grows node by node; each method returns the name of the value it made."""

    def __init__(self, name: str, *, exact: bool = False) -> None:
        """Start an empty graph; `name` becomes the file's name, `exact` keeps every weight float32."""
        self.name = name
        self.exact = exact
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, NDArray[Any]] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, shape: Sequence[int]) -> str:
        """Declare a float32 input of fixed shape, batch 1 first."""
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))
        return name

    def output(self, value: str, name: str, shape: Sequence[int]) -> None:
        """Publish a value under a name."""
        for node in self._nodes:
            node.input[:] = [name if item == value else item for item in node.input]
            node.output[:] = [name if item == value else item for item in node.output]
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))

    def constant(self, values: ArrayLike, dtype: type[np.generic] = np.float32) -> str:
        """Store a constant as it is."""
        name = f"c{len(self._initializers):03d}"
        self._initializers[name] = np.asarray(values, dtype=dtype)
        return name

    def int8(self, weight: ArrayLike, axis: int) -> str:
        """Store a weight as int8 with one scale per channel, behind DequantizeLinear."""
        if self.exact:
            return self.constant(weight)
        quantized, scale = quantize(weight, axis)
        return self.op("DequantizeLinear", self.constant(quantized, np.int8), self.constant(scale), axis=axis)

    def op(self, op_type: str, *inputs: str, **attributes: Attribute) -> str:
        """Add any allowed operator with one output."""
        name = f"v{len(self._nodes):03d}_{op_type.lower()}"
        node = helper.make_node(op_type, list(inputs), [name])
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
        self._nodes.append(node)
        return name

    def dense(
        self, value: str, weight: ArrayLike, bias: ArrayLike, *, activation: str = "", exact: bool = False
    ) -> str:
        """Add `activation(value @ weight + bias)`; weight is (in, out) as in scikit-learn, `exact` keeps it float32.

        It is stored transposed. From its level EXTENDED on, onnxruntime replaces an int8 weight that is not by
        MatMulNBits, which rounds the activations to int8 as well: 0.04 off on a layer of 32 (onnxruntime 1.31.1).
        """
        turned = np.asarray(weight, dtype=np.float32).T
        stored = self.constant(turned) if exact else self.int8(turned, axis=0)
        result = self.op("Gemm", value, stored, self.constant(bias), transB=1)
        return self.op(activation, result) if activation else result

    def conv1d(
        self,
        value: str,
        weight: ArrayLike,
        bias: ArrayLike,
        *,
        stride: int = 1,
        dilation: int = 1,
        pads: tuple[int, int] = (0, 0),
        activation: str = "",
    ) -> str:
        """Add a convolution over (1, channels, time); weight is (out, in, kernel) as in torch."""
        kernel = np.asarray(weight).shape[2]
        result = self.op(
            "Conv",
            value,
            self.int8(weight, axis=0),
            self.constant(bias),
            kernel_shape=[kernel],
            strides=[stride],
            dilations=[dilation],
            pads=list(pads),
            group=1,
        )
        return self.op(activation, result) if activation else result

    def gru(
        self,
        value: str,
        weight: ArrayLike,
        recurrence: ArrayLike,
        bias: ArrayLike,
        *,
        hidden: str = "",
        linear_before_reset: bool = False,
    ) -> str:
        """Add a forward GRU over (time, 1, in) and return its last state Y_h (1, 1, hidden).

        Weights are in ONNX order z, r, h: (1, 3 hidden, in), (1, 3 hidden, hidden), (1, 6 hidden).
        torch and Keras train GRUs with `linear_before_reset`.
        """
        size = np.asarray(recurrence).shape[2]
        inputs = [value, self.int8(weight, axis=1), self.int8(recurrence, axis=1), self.constant(bias)]
        inputs += ["", hidden] if hidden else []
        name = f"v{len(self._nodes):03d}_gru"
        flag = int(linear_before_reset)
        self._nodes.append(helper.make_node("GRU", inputs, ["", name], hidden_size=size, linear_before_reset=flag))
        return name

    def build(self, metadata: Mapping[str, str]) -> onnx.ModelProto:
        """Return the checked model."""
        graph = helper.make_graph(
            self._nodes,
            self.name,
            self._inputs,
            self._outputs,
            [numpy_helper.from_array(values, name) for name, values in sorted(self._initializers.items())],
        )
        model = helper.make_model(
            graph,
            producer_name="smartloop",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        helper.set_model_props(model, dict(sorted(metadata.items())))
        onnx.checker.check_model(model, full_check=True)
        return model


def _tensors(values: Sequence[onnx.ValueInfoProto]) -> list[dict[str, Any]]:
    """Return name, shape and dtype of graph inputs or outputs."""
    return [
        {"name": v.name, "shape": [d.dim_value for d in v.type.tensor_type.shape.dim], "dtype": "float32"}
        for v in values
    ]


def golden_inputs(inputs: Sequence[Mapping[str, Any]], seed: int) -> list[dict[str, Floats]]:
    """Return 16 input sets: zeros, ones, both far ends of a standardised feature, then seeded normals.

    Of long sequences few sets, of noise that the catalog need not spell out.
    """
    if long(inputs):
        return [{i["name"]: noise(n, tuple(i["shape"])) for i in inputs} for n in range(golden_count(_infos(inputs)))]
    rng = np.random.default_rng(seed)
    sets = [{i["name"]: np.full(i["shape"], edge, dtype=np.float32) for i in inputs} for edge in (0, 1, -4, 4)]
    while len(sets) < GOLDEN_COUNT:
        # Four decimals keep the catalog short and are exact once they are float32 on both sides.
        sets.append({i["name"]: rng.standard_normal(i["shape"]).round(4).astype(np.float32) for i in inputs})
    return sets


def _infos(inputs: Sequence[Mapping[str, Any]]) -> tuple[TensorInfo, ...]:
    """Return names and shapes as the catalog holds them."""
    return tuple(TensorInfo(name=i["name"], shape=tuple(i["shape"])) for i in inputs)


def long(inputs: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether an input has more values than the catalog spells out."""
    return any(math.prod(i["shape"]) > STORED_MOST for i in inputs)


def _flat(values: NDArray[Any]) -> list[float]:
    """Return shortest decimals that read back as the same float32."""
    return [float(str(v)) for v in np.asarray(values, dtype=np.float32).reshape(-1)]


def _golden(model: onnx.ModelProto, sets: Sequence[Mapping[str, Floats]]) -> list[dict[str, Any]]:
    """Return inputs and reference outputs."""
    # The reference knows DequantizeLinear only from opset 19 on; no allowed operator changed its meaning by 21.
    raised = onnx.ModelProto.FromString(model.SerializeToString())
    raised.opset_import[0].version = 21
    reference = ReferenceEvaluator(raised)
    names = [o.name for o in model.graph.output]
    golden = []
    noisy = long(_tensors(model.graph.input))
    for number, given in enumerate(sets):
        got = reference.run(None, dict(given))
        if not all(np.isfinite(values).all() for values in got):
            msg = "a golden input gives an output that is not finite"
            raise ValueError(msg)
        golden.append(
            {
                "inputs": {name: number if noisy else _flat(values) for name, values in given.items()},
                "outputs": {name: _flat(values) for name, values in zip(names, got, strict=True)},
            }
        )
    return golden


def _write(catalog: Mapping[str, Any], path: Path) -> None:
    """Write the catalog readably: one line a tensor, one line a golden vector."""
    lines: list[str] = []

    def keep(value: object) -> str:
        lines.append(json.dumps(value, ensure_ascii=False))
        return f"@{len(lines) - 1}@"

    models = {
        name: {k: [keep(v) for v in e[k]] if k in {"golden", "inputs", "outputs"} else e[k] for k in sorted(e)}
        for name, e in sorted(catalog["models"].items())
    }
    text = json.dumps({"catalog": 1, "models": models}, indent=2, ensure_ascii=False)
    for number, line in enumerate(lines):
        text = text.replace(f'"@{number}@"', line, 1)
    new = path.with_suffix(".new")
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(path)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one model at a time rewrite the catalog."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def ship(
    graph: GraphBuilder,
    *,
    version: str,
    metadata: Mapping[str, Any],
    golden: Sequence[Mapping[str, Floats]] | None = None,
    tolerance: float = 1e-5,
    seed: int = 0,
    folder: Path = FOLDER,
) -> Path:
    """Write the model file and its catalog entry; return the file.

    `metadata` values that are no strings are stored as JSON; `description`, `licence` and `training_data`
    are required. `golden` may give up to 16 realistic input sets; seeded ones fill the rest. Long sequences are
    proved on noise alone.
    """
    missing = [key for key in REQUIRED_METADATA if not metadata.get(key)]
    if missing:
        msg = f"metadata lacks {', '.join(missing)}"
        raise ValueError(msg)
    plain = {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in metadata.items()}
    plain |= {"name": graph.name, "version": version}
    model = graph.build(plain)
    data: bytes = model.SerializeToString(deterministic=True)
    if len(data) > MAX_BYTES:
        msg = f"{graph.name} has {len(data)} bytes, more than {MAX_BYTES}"
        raise ValueError(msg)
    inputs = _tensors(model.graph.input)
    sets = [] if long(inputs) else [dict(given) for given in golden or ()]
    sets = (sets + golden_inputs(inputs, seed))[: golden_count(_infos(inputs))]
    entry = {
        "file": f"{graph.name}.onnx",
        "version": version,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "opset": OPSET,
        "ir_version": IR_VERSION,
        "inputs": inputs,
        "outputs": _tensors(model.graph.output),
        "ops": sorted({node.op_type for node in model.graph.node}),
        "tolerance": tolerance,
        "metadata": dict(sorted(plain.items())),
        "golden": _golden(model, sets),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path, catalog_path = folder / f"{graph.name}.onnx", folder / "catalog.json"
    with _locked(folder):
        catalog = json.loads(catalog_path.read_text("utf-8")) if catalog_path.exists() else {"models": {}}
        catalog["models"][graph.name] = entry
        path.write_bytes(data)
        _write(catalog, catalog_path)
    return path


def ship_twins(
    name: str,
    grow: Callable[[GraphBuilder], None],
    *,
    version: str,
    metadata: Mapping[str, Any],
    golden: Sequence[Mapping[str, Floats]] | None = None,
    seed: int = 0,
    folder: Path = FOLDER,
    twin_folder: Path,
) -> Path:
    """Ship a network, and keep it beside its workshop as it was before its weights were rounded.

    `grow` is called with two builders of the same network. The twin `NAME.float.onnx` is what the rounding is judged
    against; it never ships.
    """
    exact = GraphBuilder(name, exact=True)
    grow(exact)
    rounded = GraphBuilder(name)
    grow(rounded)
    path = ship(rounded, version=version, metadata=metadata, golden=golden, seed=seed, folder=folder)
    twin_folder.mkdir(parents=True, exist_ok=True)
    model = exact.build({"name": name, "version": version})
    (twin_folder / f"{name}.float.onnx").write_bytes(model.SerializeToString(deterministic=True))
    return path
