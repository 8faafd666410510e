"""Read an ONNX file into a Graph, or refuse it.

Field numbers: onnx/onnx.proto. Whatever is not listed in a schema below is refused: external data,
subgraphs, local functions, sparse tensors, training information, segments, strings, doubles.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from .errors import ModelFileError
from .graph import MAX_BYTES, MAX_ELEMENTS, MAX_NODES, MAX_RANK, Array, Attribute, Graph, Node, Shape, TensorInfo
from .operators import MAX_OPSET, MIN_OPSET, OPERATORS, REQUIRED, Operator
from .wire import Kind, Message, Schema

DEFAULT_DOMAINS: Final = frozenset({"", "ai.onnx"})
IR_VERSIONS: Final = range(7, 11)
"""The versions that go with opset 13 to 21."""
MAX_NAME: Final = 256

_MODEL: Schema = {
    1: ("ir_version", Kind.INTEGER),
    2: ("producer_name", Kind.IGNORED),
    3: ("producer_version", Kind.IGNORED),
    4: ("domain", Kind.TEXT),
    5: ("model_version", Kind.IGNORED),
    6: ("doc_string", Kind.IGNORED),
    7: ("graph", Kind.BYTES),
    8: ("opset_import", Kind.CHUNKS),
    14: ("metadata_props", Kind.CHUNKS),
}
_OPSET: Schema = {1: ("domain", Kind.TEXT), 2: ("version", Kind.INTEGER)}
_ENTRY: Schema = {1: ("key", Kind.TEXT), 2: ("value", Kind.TEXT)}
_GRAPH: Schema = {
    1: ("node", Kind.CHUNKS),
    2: ("name", Kind.TEXT),
    5: ("initializer", Kind.CHUNKS),
    10: ("doc_string", Kind.IGNORED),
    11: ("input", Kind.CHUNKS),
    12: ("output", Kind.CHUNKS),
    13: ("value_info", Kind.IGNORED),
    16: ("metadata_props", Kind.IGNORED),
}
_NODE: Schema = {
    1: ("input", Kind.CHUNKS),
    2: ("output", Kind.CHUNKS),
    3: ("name", Kind.IGNORED),
    4: ("op_type", Kind.TEXT),
    5: ("attribute", Kind.CHUNKS),
    6: ("doc_string", Kind.IGNORED),
    7: ("domain", Kind.TEXT),
    9: ("metadata_props", Kind.IGNORED),
}
_ATTRIBUTE: Schema = {
    1: ("name", Kind.TEXT),
    2: ("f", Kind.FLOAT),
    3: ("i", Kind.INTEGER),
    4: ("s", Kind.TEXT),
    7: ("floats", Kind.FLOATS),
    8: ("ints", Kind.INTEGERS),
    9: ("strings", Kind.CHUNKS),
    13: ("doc_string", Kind.IGNORED),
    20: ("type", Kind.INTEGER),
}
_TENSOR: Schema = {
    1: ("dims", Kind.INTEGERS),
    2: ("data_type", Kind.INTEGER),
    4: ("float_data", Kind.FLOATS),
    5: ("int32_data", Kind.INTEGERS),
    7: ("int64_data", Kind.INTEGERS),
    8: ("name", Kind.TEXT),
    9: ("raw_data", Kind.BYTES),
    12: ("doc_string", Kind.IGNORED),
    16: ("metadata_props", Kind.IGNORED),
}
_VALUE: Schema = {
    1: ("name", Kind.TEXT),
    2: ("type", Kind.BYTES),
    3: ("doc_string", Kind.IGNORED),
    4: ("metadata_props", Kind.IGNORED),
}
_TYPE: Schema = {1: ("tensor_type", Kind.BYTES), 6: ("denotation", Kind.IGNORED)}
_TENSOR_TYPE: Schema = {1: ("elem_type", Kind.INTEGER), 2: ("shape", Kind.BYTES)}
_SHAPE: Schema = {1: ("dim", Kind.CHUNKS)}
_DIMENSION: Schema = {1: ("dim_value", Kind.INTEGER), 3: ("denotation", Kind.IGNORED)}

_FLOAT_TYPE: Final = 1
DTYPES: Final[Mapping[int, np.dtype[np.generic]]] = {
    _FLOAT_TYPE: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
}
"""TensorProto.DataType to numpy, for the types the operators take."""
_TYPED_FIELD: Final[Mapping[int, str]] = {
    _FLOAT_TYPE: "float_data",
    2: "int32_data",
    3: "int32_data",
    6: "int32_data",
    7: "int64_data",
}


def read(data: bytes) -> Graph:
    """Return the model in the bytes; ModelFileError when it is not one we run."""
    if len(data) > MAX_BYTES:
        msg = f"the file has {len(data)} bytes, more than {MAX_BYTES}"
        raise ModelFileError(msg)
    model = Message(data, _MODEL, "model")
    ir_version = model.integer("ir_version")
    if ir_version not in IR_VERSIONS:
        msg = f"IR version {ir_version} is not taken"
        raise ModelFileError(msg)
    opset = _opset(model.chunks("opset_import"))
    graph = Message(model.chunk("graph"), _GRAPH, "graph")
    inputs = tuple(_tensor_info(chunk) for chunk in graph.chunks("input"))
    outputs = tuple(_tensor_info(chunk) for chunk in graph.chunks("output"))
    constants = _constants(graph.chunks("initializer"))
    chunks = graph.chunks("node")
    if not inputs or not outputs or not 0 < len(chunks) <= MAX_NODES:
        msg = f"{len(inputs)} inputs, {len(outputs)} outputs and {len(chunks)} nodes are no model we run"
        raise ModelFileError(msg)
    nodes = tuple(_node(chunk) for chunk in chunks)
    _check_order(inputs, outputs, constants, nodes)
    return Graph(
        name=graph.text("name"),
        ir_version=ir_version,
        opset=opset,
        inputs=inputs,
        outputs=outputs,
        constants=constants,
        nodes=nodes,
        metadata=_metadata(model.chunks("metadata_props")),
    )


def _opset(chunks: Iterable[bytes]) -> int:
    """Return the version of the one operator set."""
    imports = [Message(chunk, _OPSET, "opset_import") for chunk in chunks]
    foreign = [item.text("domain") for item in imports if item.text("domain") not in DEFAULT_DOMAINS]
    if foreign or len(imports) != 1:
        msg = f"one default operator set is needed, not {len(imports)} with {foreign}"
        raise ModelFileError(msg)
    version = imports[0].integer("version")
    if not MIN_OPSET <= version <= MAX_OPSET:
        msg = f"opset {version} is outside {MIN_OPSET} to {MAX_OPSET}"
        raise ModelFileError(msg)
    return version


def _metadata(chunks: Iterable[bytes]) -> dict[str, str]:
    """Return the metadata properties."""
    metadata: dict[str, str] = {}
    for chunk in chunks:
        entry = Message(chunk, _ENTRY, "metadata")
        key = entry.text("key")
        if key in metadata:
            msg = f"metadata key {key!r} occurs twice"
            raise ModelFileError(msg)
        metadata[key] = entry.text("value")
    return metadata


def _name(text: str) -> str:
    """Return a value's name, if it can be one."""
    if not 0 < len(text) <= MAX_NAME:
        msg = "a value has no name, or an endless one"
        raise ModelFileError(msg)
    return text


def _shape(dims: tuple[int, ...]) -> Shape:
    """Return a shape within the limits."""
    if len(dims) > MAX_RANK or any(size <= 0 for size in dims) or math.prod(dims) > MAX_ELEMENTS:
        msg = f"shape {list(dims)[: MAX_RANK + 1]} is outside the limits"
        raise ModelFileError(msg)
    return dims


def _tensor_info(chunk: bytes) -> TensorInfo:
    """Return name and shape of a graph input or output."""
    value = Message(chunk, _VALUE, "value")
    name = _name(value.text("name"))
    tensor = Message(Message(value.chunk("type"), _TYPE, "type").chunk("tensor_type"), _TENSOR_TYPE, "tensor type")
    if tensor.integer("elem_type") != _FLOAT_TYPE or "shape" not in tensor:
        msg = f"{name} is no float32 tensor of known shape"
        raise ModelFileError(msg)
    dims = [
        Message(dim, _DIMENSION, "dimension") for dim in Message(tensor.chunk("shape"), _SHAPE, "shape").chunks("dim")
    ]
    return TensorInfo(name=name, shape=_shape(tuple(dim.integer("dim_value") for dim in dims)))


def _constants(chunks: tuple[bytes, ...]) -> dict[str, Array]:
    """Return the initialisers by name."""
    if len(chunks) > 4 * MAX_NODES:
        msg = f"{len(chunks)} constants are too many"
        raise ModelFileError(msg)
    constants: dict[str, Array] = {}
    for chunk in chunks:
        tensor = Message(chunk, _TENSOR, "tensor")
        name = _name(tensor.text("name"))
        if name in constants:
            msg = f"constant {name!r} occurs twice"
            raise ModelFileError(msg)
        constants[name] = _array(tensor, name)
    return constants


def _array(tensor: Message, name: str) -> Array:
    """Return a constant's values, read-only."""
    code = tensor.integer("data_type")
    if code not in DTYPES:
        msg = f"constant {name!r} has data type {code}"
        raise ModelFileError(msg)
    dtype, shape = DTYPES[code], tensor.integers("dims")
    if 0 in shape:
        # Reshape and Squeeze may carry an empty list; nothing else can be made of it.
        shape = (0,) if shape == (0,) and code == 7 else _shape(shape)
    size = math.prod(shape if shape == (0,) else _shape(shape))
    typed = {field for field in set(_TYPED_FIELD.values()) if field in tensor}
    if "raw_data" in tensor or not typed:
        raw = tensor.chunk("raw_data")
        if typed or len(raw) != size * dtype.itemsize:
            msg = f"constant {name!r} does not hold what its shape says"
            raise ModelFileError(msg)
        values: Array = np.frombuffer(raw, dtype=dtype)
    else:
        values = _typed(tensor, code, typed, name, size)
    if code == _FLOAT_TYPE and not np.isfinite(values.astype(np.float32)).all():
        msg = f"constant {name!r} is not finite"
        raise ModelFileError(msg)
    native = np.ascontiguousarray(values.reshape(shape).astype(dtype.newbyteorder("=")))
    native.flags.writeable = False
    return native


def _typed(tensor: Message, code: int, typed: set[str], name: str, size: int) -> Array:
    """Return values from the field of their type."""
    field = _TYPED_FIELD[code]
    numbers = tensor.numbers(field) if code == _FLOAT_TYPE else tensor.integers(field)
    if typed != {field} or len(numbers) != size:
        msg = f"constant {name!r} does not hold what its shape says"
        raise ModelFileError(msg)
    if code != _FLOAT_TYPE:
        limits = np.iinfo(DTYPES[code].name)
        if any(not limits.min <= number <= limits.max for number in numbers):
            msg = f"constant {name!r} holds numbers beyond its type"
            raise ModelFileError(msg)
    return np.array(numbers, dtype=DTYPES[code])


def _node(chunk: bytes) -> Node:
    """Return one accepted operator."""
    node = Message(chunk, _NODE, "node")
    op_type = node.text("op_type")
    operator = OPERATORS.get(op_type)
    if node.text("domain") not in DEFAULT_DOMAINS or operator is None:
        msg = f"operator {node.text('domain')}:{op_type} is not on the list"
        raise ModelFileError(msg)
    inputs, outputs = node.texts("input"), node.texts("output")
    if not operator.least <= len(inputs) <= operator.most or not all(inputs[: operator.least]):
        msg = f"{op_type} has {len(inputs)} inputs"
        raise ModelFileError(msg)
    if len(outputs) != operator.outputs or not outputs[-1] or any(outputs[:-1]):
        msg = f"{op_type} has outputs {list(outputs)}"
        raise ModelFileError(msg)
    return Node(
        op_type=op_type,
        inputs=tuple(_name(item) if item else "" for item in inputs),
        outputs=tuple(_name(item) if item else "" for item in outputs),
        attributes=_attributes(op_type, operator, node.chunks("attribute")),
    )


def _attributes(op_type: str, operator: Operator, chunks: Iterable[bytes]) -> dict[str, Attribute]:
    """Return every attribute the operator knows, given or by default."""
    given: dict[str, Attribute] = {}
    for chunk in chunks:
        attribute = Message(chunk, _ATTRIBUTE, "attribute")
        name = attribute.text("name")
        if name not in operator.attributes or name in given:
            msg = f"{op_type} has attribute {name!r} unknown to us or twice"
            raise ModelFileError(msg)
        given[name] = _value(attribute, operator.attributes[name], f"{op_type}.{name}")
    merged = {**operator.attributes, **given}
    missing = [name for name, value in merged.items() if value == REQUIRED]
    if missing:
        msg = f"{op_type} lacks {missing}"
        raise ModelFileError(msg)
    # A zero-length default of the kind "integers" stands for "absent".
    return {name: () if value == (0,) and name not in given else value for name, value in merged.items()}


_ATTRIBUTE_TYPES: Final[Mapping[str, int]] = {"f": 1, "i": 2, "s": 3, "floats": 6, "ints": 7, "strings": 8}


def _value(attribute: Message, default: Attribute, what: str) -> Attribute:
    """Return an attribute's value, if it is of the default's kind."""
    field = _field(default)
    others = [name for name in _ATTRIBUTE_TYPES if name != field and name in attribute]
    if others or attribute.integer("type") != _ATTRIBUTE_TYPES[field]:
        msg = f"{what} is not of kind {field}"
        raise ModelFileError(msg)
    value: Attribute
    if field == "f":
        value = attribute.number(field)
        if not math.isfinite(value):
            msg = f"{what} is not finite"
            raise ModelFileError(msg)
    elif field == "i":
        value = attribute.integer(field)
    elif field == "s":
        value = attribute.text(field)
    elif field == "ints":
        value = attribute.integers(field)
    else:
        value = attribute.texts(field)
    return value


def _field(default: Attribute) -> str:
    """Return the field that holds values of the default's kind."""
    if isinstance(default, int) or default == REQUIRED:
        return "i"
    if isinstance(default, float):
        return "f"
    if isinstance(default, str):
        return "s"
    return "ints" if isinstance(default[0], int) else "strings"


def _check_order(
    inputs: tuple[TensorInfo, ...],
    outputs: tuple[TensorInfo, ...],
    constants: Mapping[str, Array],
    nodes: tuple[Node, ...],
) -> None:
    """Refuse values that are used before they are made, or made twice."""
    made = [info.name for info in inputs] + list(constants)
    known = set(made)
    for node in nodes:
        unknown = [name for name in node.inputs if name and name not in known]
        if unknown:
            msg = f"{node.op_type} uses {unknown} before it is made"
            raise ModelFileError(msg)
        made.append(node.outputs[-1])
        known.add(node.outputs[-1])
    names = [info.name for info in outputs]
    if len(made) != len(known) or len(set(names)) != len(names):
        msg = "a value is made twice"
        raise ModelFileError(msg)
    absent = [name for name in names if name not in known]
    if absent:
        msg = f"outputs {absent} are never made"
        raise ModelFileError(msg)
