"""The rules every shipped file keeps (onnx-runtime.md, models.md §9), and what every model's folder must hold."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from custom_components.smartloop.inference.catalog import SELFTEST, Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.card import fidelity, latency, probes
from onnx_models.export import FOLDER
from onnx_models.page import PAGE, results
from onnx_models.page import write as write_page
from onnx_models.registry import MODELS, WORKSHOP, Kind
from onnx_models.report import twin

ENTRIES = Catalog.open(FOLDER).entries
LEARNED = sorted(set(ENTRIES) - {SELFTEST})
ROW_US, NIGHT_US = 100.0, 10_000.0
BUSY = 3.0
"""What a machine doing other work may cost; the cards tell the figure of the quietest moment"""
REGRESSIONS = frozenset({"parts"})
"""Outputs that are no logits: judged by their size, not as probabilities"""


def folder_of(name: str) -> Path:
    """Return the workshop of a file: NAME__part belongs to NAME."""
    return WORKSHOP / MODELS[name.split("__", maxsplit=1)[0]].package


def proto(name: str) -> onnx.ModelProto:
    return onnx.load(FOLDER / ENTRIES[name].file)


def test_every_file_belongs_to_a_model() -> None:
    assert {name.split("__")[0] for name in LEARNED} <= set(MODELS)


@pytest.mark.parametrize("name", ENTRIES)
def test_files_are_small_and_plain(name: str) -> None:
    model = proto(name)
    assert ENTRIES[name].size <= 256 * 1024
    assert (model.ir_version, [(o.domain, o.version) for o in model.opset_import]) == (8, [("", 17)])
    assert all(not item.external_data for item in model.graph.initializer)


@pytest.mark.parametrize("name", ENTRIES)
def test_weights_are_int8_per_channel(name: str) -> None:
    """Whatever multiplies an activation is int8 behind DequantizeLinear; biases stay float32."""
    graph = proto(name).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    multiplied = {node.input[1] for node in graph.node if node.op_type in {"Gemm", "MatMul", "Conv"}}
    unpacked = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    assert multiplied
    assert multiplied <= set(unpacked), "a weight is float32"
    for weight in multiplied:
        node = unpacked[weight]
        (axis,) = [item.i for item in node.attribute if item.name == "axis"]
        values, scale = stored[node.input[0]], stored[node.input[1]]
        assert values.dtype == np.int8
        assert scale.shape == (values.shape[axis],)


@pytest.mark.parametrize("name", LEARNED)
def test_rounding_changes_next_to_nothing(name: str) -> None:
    entry, engine = ENTRIES[name], NumpyEngine()
    exact = twin(name, folder_of(name), engine)
    assert exact is not None, "the float32 twin is missing"
    found = fidelity(entry, Catalog.open(FOLDER).load(name, engine), exact)
    if {info.name for info in entry.outputs} <= REGRESSIONS:
        assert found["mean_abs_dp"] <= 0.03  # in units of the room's unrest, where 1 is an usual day
    else:
        assert found["mean_abs_dp"] <= 0.005
        assert found["argmax"] >= 0.98


@pytest.mark.parametrize("name", LEARNED)
def test_files_run_in_time(name: str) -> None:
    entry = ENTRIES[name]
    bound = NIGHT_US if any(len(info.shape) > 2 for info in entry.inputs) else ROW_US
    assert latency(Catalog.open(FOLDER).load(name, NumpyEngine()), probes(entry)[0]) <= bound * BUSY


@pytest.mark.parametrize("name", LEARNED)
def test_files_carry_what_keeps_them_honest(name: str) -> None:
    metadata = ENTRIES[name].metadata
    assert {"description", "licence", "training_data", "trained_on", "features", "mean", "std", "reach"} <= set(
        metadata
    )
    assert (
        len(json.loads(metadata["mean"])) == len(json.loads(metadata["std"])) == len(json.loads(metadata["features"]))
    )
    assert float(metadata["reach"]) > 0
    calibrated = {"temperature", "platt", "conformal"} & set(metadata)
    assert calibrated, "not calibrated"
    assert "conformal" in metadata or 0 < float(metadata["tau"]) < 1, "never abstains"


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_card(name: str) -> None:
    model = MODELS[name]
    assert (model.folder / "MODEL_CARD.md").exists()
    found = results()[model.trained_with or name]
    assert found["claims"], "claims nothing"
    for file in found["files"]:
        assert file["bytes"] == ENTRIES[Path(file["file"]).stem].size, "the card is of another file"
    if model.kind is Kind.NETWORK:
        assert found["files"], "a network without a file"


def test_the_page_is_the_cards(tmp_path: Path) -> None:
    assert write_page(tmp_path / "README.md").read_text("utf-8") == PAGE.read_text("utf-8")
