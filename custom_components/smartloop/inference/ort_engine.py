"""onnxruntime as an accelerator; no other file knows it, and only the selector imports this one.

From 1.29 on it reports to its maker on Linux unless told otherwise before its first import
(its Privacy.md). So importing this module, long before onnxruntime itself, switches that off.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from .errors import EngineUnavailableError, InferenceError, ModelFileError
from .graph import Graph, Tensor

SWITCH: Final = "ORT_DISABLE_TELEMETRY"


def _off_from_the_start() -> bool:
    """Return whether the process was started with the switch set."""
    try:
        return f"{SWITCH}=1".encode() in Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return False


STARTED_ELSEWHERE: Final = "onnxruntime" in sys.modules and not _off_from_the_start()
"""Something else initialised onnxruntime before we could speak: the switch no longer reaches it."""
os.environ[SWITCH] = "1"


class OrtSession:
    """One model loaded by onnxruntime; runs may overlap."""

    def __init__(self, session: Any, outputs: tuple[str, ...]) -> None:  # noqa: ANN401  onnxruntime has no types
        """Keep the session."""
        self._session = session
        self._outputs = outputs

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs by name."""
        try:
            results = self._session.run(list(self._outputs), dict(inputs))
        except Exception as err:  # its exceptions share no base but this one
            msg = f"onnxruntime failed: {err}"
            raise InferenceError(msg) from err
        return {name: np.asarray(values) for name, values in zip(self._outputs, results, strict=True)}


class OrtEngine:
    """Loads accepted models into onnxruntime: processor only, one thread, nothing fused that changes a number."""

    name = "onnxruntime"

    def __init__(self) -> None:
        """Import onnxruntime; slow, and reads many files."""
        try:
            import onnxruntime  # noqa: PLC0415  only here, and only once it was chosen and tried in a child

            self.version: str = onnxruntime.__version__
        except Exception as err:  # a broken extension raises anything
            msg = f"onnxruntime cannot be imported: {err}"
            raise EngineUnavailableError(msg) from err
        self._ort = onnxruntime

    def load(self, data: bytes, graph: Graph) -> OrtSession:
        """Return a session made from the bytes: a path would open the door to external data."""
        ort = self._ort
        options = ort.SessionOptions()
        # The numbers must be those of the specification. BASIC leaves QuantizeLinear and DequantizeLinear unfused, but
        # rounds a float bias beside them to int32 unless told not to; told so, it also folds the int8 weights once.
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.log_severity_level = 3
        try:
            session = ort.InferenceSession(data, sess_options=options, providers=["CPUExecutionProvider"])
            session.disable_fallback()
        except Exception as err:  # its exceptions share no base but this one
            msg = f"onnxruntime does not take {graph.name!r}: {err}"
            raise ModelFileError(msg) from err
        return OrtSession(session, tuple(info.name for info in graph.outputs))
