"""The reader takes what we ship and refuses everything else, in its own words."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from custom_components.smartloop.inference.errors import ModelFileError
from custom_components.smartloop.inference.graph import MAX_BYTES, MAX_ELEMENTS, MAX_NODES
from custom_components.smartloop.inference.reader import read

from .graphs import SHIPPED, catalog, proto, relu


@pytest.mark.parametrize("name", catalog())
def test_shipped_files_are_read_as_onnx_reads_them(name: str) -> None:
    data = (SHIPPED / f"{name}.onnx").read_bytes()
    graph, model = read(data), onnx.ModelProto.FromString(data)

    assert [node.op_type for node in graph.nodes] == [node.op_type for node in model.graph.node]
    assert graph.metadata == {entry.key: entry.value for entry in model.metadata_props}
    assert len(graph.constants) == len(model.graph.initializer) > 0
    for tensor in model.graph.initializer:
        np.testing.assert_array_equal(graph.constants[tensor.name], numpy_helper.to_array(tensor))


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint8, np.int32, np.int64])
def test_typed_fields_hold_the_same_as_raw_bytes(dtype: type[np.generic]) -> None:
    values = np.array([[1, 2, 3], [100, 0, 7]], dtype)
    code = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    model = relu()
    model.graph.initializer.append(helper.make_tensor("typed", code, values.shape, values.reshape(-1).tolist()))
    model.graph.initializer.append(numpy_helper.from_array(values, "raw"))
    graph = read(model.SerializeToString())

    np.testing.assert_array_equal(graph.constants["typed"], values)
    np.testing.assert_array_equal(graph.constants["raw"], values)
    assert graph.constants["typed"].dtype == dtype
    with pytest.raises(ValueError, match="read-only"):
        graph.constants["raw"][0, 0] = 1


def test_attributes_get_their_defaults() -> None:
    node = helper.make_node("Gemm", ["x", "w"], ["y"], alpha=0.5)
    graph = read(proto([node], {"x": (1, 2)}, {"y": (1, 3)}, {"w": np.ones((2, 3), np.float32)}).SerializeToString())

    assert graph.nodes[0].attributes == {"alpha": 0.5, "beta": 1.0, "transA": 0, "transB": 0}


def external_data(model: onnx.ModelProto) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../secrets.yaml")
    model.graph.initializer.append(tensor)


def external_data_without_flag(model: onnx.ModelProto) -> None:
    external_data(model)
    model.graph.initializer[0].ClearField("data_location")


def subgraph(model: onnx.ModelProto) -> None:
    branch = helper.make_graph([], "branch", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["z"], then_branch=branch, else_branch=branch))


def subgraph_in_an_allowed_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("body", helper.make_graph([], "branch", [], [])))


def function(model: onnx.ModelProto) -> None:
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(
        helper.make_function("", "Relu", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["b"])], opsets)
    )


def sparse(model: onnx.ModelProto) -> None:
    values = helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))


def foreign_node(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.microsoft"


def foreign_opset(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Loop"


def unknown_attribute(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("slope", 0.1))


def attribute_of_another_kind(model: onnx.ModelProto) -> None:
    model.graph.node[0].CopyFrom(helper.make_node("Flatten", ["x"], ["y"], axis=1.0))


def attribute_twice(model: onnx.ModelProto) -> None:
    model.graph.node[0].CopyFrom(helper.make_node("Flatten", ["x"], ["y"], axis=1))
    model.graph.node[0].attribute.append(helper.make_attribute("axis", 0))


def attribute_missing(model: onnx.ModelProto) -> None:
    model.graph.node[0].CopyFrom(helper.make_node("Concat", ["x"], ["y"]))


def too_old(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 12


def too_new(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 22


def no_opset(model: onnx.ModelProto) -> None:
    model.ClearField("opset_import")


def strange_ir(model: onnx.ModelProto) -> None:
    model.ir_version = 99


def training(model: onnx.ModelProto) -> None:
    model.training_info.add()


def too_many_nodes(model: onnx.ModelProto) -> None:
    for number in range(MAX_NODES):
        model.graph.node.append(helper.make_node("Relu", ["x"], [f"z{number}"]))


def no_nodes(model: onnx.ModelProto) -> None:
    model.graph.ClearField("node")


def rank_six(model: onnx.ModelProto) -> None:
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1] * 6))


def too_many_elements(model: onnx.ModelProto) -> None:
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, MAX_ELEMENTS + 1]))


def dynamic(model: onnx.ModelProto) -> None:
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4]))


def input_of_int64(model: onnx.ModelProto) -> None:
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.INT64, [1, 4]))


def half_precision(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.ones(2, np.float16), "h"))


def strings(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="s", data_type=TensorProto.STRING, dims=[1], string_data=[b"x"]))


def not_a_number(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, np.nan], np.float32), "n"))


def short_of_data(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="w", data_type=1, dims=[2], raw_data=b"\0\0\0\0"))


def two_kinds_of_data(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="w", data_type=1, dims=[1], raw_data=b"\0\0\0\0", float_data=[1]))


def beyond_its_type(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="w", data_type=3, dims=[1], int32_data=[300]))


def segmented(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0]))
    model.graph.initializer[0].segment.begin = 0


def constant_twice(model: onnx.ModelProto) -> None:
    for _ in range(2):
        model.graph.initializer.append(numpy_helper.from_array(np.ones(2, np.float32), "w"))


def constant_that_is_an_input(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.ones((1, 4), np.float32), "x"))


def value_made_twice(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Tanh", ["x"], ["y"]))


def value_used_before_made(model: onnx.ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("Tanh", ["y"], ["z"]))


def output_never_made(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "nothing"


def too_few_inputs(model: onnx.ModelProto) -> None:
    model.graph.node[0].CopyFrom(helper.make_node("Add", ["x"], ["y"]))


def too_many_outputs(model: onnx.ModelProto) -> None:
    model.graph.node[0].output.append("z")


def whole_gru_sequence(model: onnx.ModelProto) -> None:
    model.graph.node[0].CopyFrom(helper.make_node("GRU", ["x", "x", "x"], ["y", "h"], hidden_size=1))


def nameless(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.ones(2, np.float32), ""))


def endless_name(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = model.graph.input[0].name = "x" * 1000


def too_many_constants(model: onnx.ModelProto) -> None:
    for number in range(4 * MAX_NODES + 1):
        model.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), f"c{number}"))


def empty_constant(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.ones((0, 3), np.float32), "c"))


def short_of_typed_data(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(TensorProto(name="w", data_type=1, dims=[2], float_data=[1]))


def endless_factor(model: onnx.ModelProto) -> None:
    model.graph.node[0].CopyFrom(helper.make_node("Gemm", ["x", "x"], ["y"], alpha=float("inf")))


def metadata_twice(model: onnx.ModelProto) -> None:
    for value in "ab":
        model.metadata_props.add(key="version", value=value)


def quantization_annotation(model: onnx.ModelProto) -> None:
    model.graph.quantization_annotation.add(tensor_name="x")


CHANGES: list[Callable[[onnx.ModelProto], None]] = [
    value
    for value in list(globals().values())
    if callable(value) and getattr(value, "__annotations__", {}).get("model") is onnx.ModelProto
]


def test_all_changes_are_tried() -> None:
    assert len(CHANGES) > 35


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_everything_else_is_refused(change: Callable[[onnx.ModelProto], None]) -> None:
    model = relu()
    read(model.SerializeToString())
    change(model)

    with pytest.raises(ModelFileError):
        read(model.SerializeToString())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"not a model",
        b"\xff" * 100,
        relu().SerializeToString() * 2,
        relu().SerializeToString()[:-1],
        relu().SerializeToString() + b"\x0b",
        b"\x08" + b"\x80" * 9 + b"\x02",
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    ],
    ids=["empty", "zero", "text", "ones", "two models", "cut", "group", "wide number", "endless field"],
)
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        read(data)


def test_oversize_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ModelFileError, match="more than"):
        read(b"\xff" * (MAX_BYTES + 1))


def test_names_that_are_not_text_are_refused() -> None:
    data = relu().SerializeToString().replace(b"Relu", b"Re\xff\xfe")

    with pytest.raises(ModelFileError, match="UTF-8"):
        read(data)
