"""onnxruntime: silent, from bytes only, one thread; and what it raises comes out as ours."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from custom_components.smartloop.inference import ort_engine
from custom_components.smartloop.inference.errors import EngineUnavailableError, InferenceError, ModelFileError
from custom_components.smartloop.inference.reader import read

from .graphs import SHIPPED, relu

needs_onnxruntime = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed here"
)
INFERENCE = Path(ort_engine.__file__).resolve().parent

BARE = f"""
import json, os, sys, types
package = types.ModuleType("bare")
package.__path__ = [{str(INFERENCE)!r}]
sys.modules["bare"] = package
"""

WATCHED = (
    BARE
    + """
import importlib.abc
seen = []
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            seen.append(os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
from pathlib import Path
from bare.catalog import Catalog
from bare.ort_engine import OrtEngine
assert "onnxruntime" not in sys.modules, "imported before it was chosen"
model = Catalog.open(Path(sys.argv[1])).load("selftest", OrtEngine())
threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
print(json.dumps({"seen": seen, "threads": threads, "engine": model.engine}))
"""
)


def child(code: str, home: Path, *arguments: str, **environment: str) -> Any:
    """Run code in a clean process whose home is empty; return its last line."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"HOME": str(home), "PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().rsplit("\n", 1)[-1])


@needs_onnxruntime
def test_telemetry_is_off_before_the_import_and_leaves_no_file(tmp_path: Path) -> None:
    answer = child(WATCHED, tmp_path, str(SHIPPED))

    assert answer["engine"] == "onnxruntime"
    assert answer["seen"], "the import was not seen"
    assert set(answer["seen"]) == {"1"}
    assert answer["threads"] == 1
    assert list(tmp_path.rglob("*")) == []


def test_an_onnxruntime_that_was_there_first_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("__version__ = '1.31.1'\n")
    before = (
        "import onnxruntime\n" + BARE + "from bare import ort_engine\nprint(json.dumps(ort_engine.STARTED_ELSEWHERE))"
    )
    after = BARE + "from bare import ort_engine\nimport onnxruntime\nprint(json.dumps(ort_engine.STARTED_ELSEWHERE))"

    assert child(before, tmp_path, PYTHONPATH=str(tmp_path)) is True
    assert child(after, tmp_path, PYTHONPATH=str(tmp_path)) is False
    assert child(before, tmp_path, PYTHONPATH=str(tmp_path), ORT_DISABLE_TELEMETRY="1") is False


def test_importing_our_module_imports_no_onnxruntime(tmp_path: Path) -> None:
    code = BARE + "from bare import select\nprint(json.dumps('onnxruntime' in sys.modules))"

    assert child(code, tmp_path) is False


def test_a_broken_installation_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.raises(EngineUnavailableError, match="cannot be imported"):
        ort_engine.OrtEngine()


@needs_onnxruntime
def test_what_onnxruntime_refuses_is_a_model_file_error() -> None:
    graph = read(relu().SerializeToString())

    with pytest.raises(ModelFileError):
        ort_engine.OrtEngine().load(b"not a model", graph)


@needs_onnxruntime
def test_what_onnxruntime_raises_in_a_run_is_ours() -> None:
    data = relu().SerializeToString()
    session = ort_engine.OrtEngine().load(data, read(data))

    np.testing.assert_array_equal(session.run({"x": np.full((1, 4), -1, np.float32)})["y"], np.zeros((1, 4)))
    with pytest.raises(InferenceError):
        session.run({"x": np.zeros((3, 3), np.float32)})


@needs_onnxruntime
def test_the_session_is_set_up_as_the_design_says(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime  # noqa: PLC0415

    made: list[tuple[Any, Any, Any]] = []
    real = onnxruntime.InferenceSession

    def record(data: Any, sess_options: Any, providers: Any) -> Any:
        made.append((data, sess_options, providers))
        return real(data, sess_options=sess_options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    data = relu().SerializeToString()
    ort_engine.OrtEngine().load(data, read(data))
    ((given, options, providers),) = made

    assert given is data, "bytes, never a path"
    assert providers == ["CPUExecutionProvider"]
    assert options.graph_optimization_level == onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    assert options.intra_op_num_threads == options.inter_op_num_threads == 1
    assert options.execution_mode == onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    assert options.enable_cpu_mem_arena is False
    assert options.log_severity_level == 3
    for key in ("session.intra_op.allow_spinning", "session.inter_op.allow_spinning"):
        assert options.get_session_config_entry(key) == "0"
    assert options.get_session_config_entry("session.disable_quant_qdq") == "1"
