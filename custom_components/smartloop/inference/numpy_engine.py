"""The built-in engine: a compiled plan of numpy calls. It runs on every install."""

from collections.abc import Mapping
from threading import Lock

import numpy as np

from .errors import InferenceError, ModelFileError
from .graph import Array, Graph, Node, Tensor
from .layers import ALL_KERNELS
from .step import FLOAT, Operand, Run, Step

MAX_WORK = 50_000_000
"""Multiply-adds of one run: seconds on a small computer, far above any model we ship."""

# What numpy raises on shapes and numbers it cannot work with.
_NUMPY_ERRORS = (ArithmeticError, AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError)


def _compile(node: Node, operands: list[Operand | None]) -> Step:
    """Return the step of one node."""
    try:
        return ALL_KERNELS[node.op_type](node, operands)
    except _NUMPY_ERRORS as err:
        msg = f"{node.op_type} {node.outputs[-1]!r} cannot be run: {err}"
        raise ModelFileError(msg) from err


def _evaluate(step: Step, values: list[Array | None]) -> Array:
    """Return a folded constant."""
    try:
        return np.array(step.run(*values))
    except _NUMPY_ERRORS as err:
        msg = f"a constant cannot be folded: {err}"
        raise ModelFileError(msg) from err


class NumpySession:
    """One model: constants folded, shapes known, scratch at hand; one run at a time."""

    def __init__(self, graph: Graph) -> None:
        """Compile the graph, or raise ModelFileError."""
        self._lock = Lock()
        self._slots: list[Array | None] = [None]
        self._plan: list[tuple[Run, tuple[int, ...], int]] = []
        known: dict[str, tuple[int, Operand]] = {}
        for info in graph.inputs:
            known[info.name] = (self._slot(None), Operand(info.shape, FLOAT))
        for name, values in graph.constants.items():
            known[name] = (self._slot(values), Operand(values.shape, values.dtype, values))
        self._inputs = [(info.name, known[info.name][0]) for info in graph.inputs]
        work = 0
        with np.errstate(all="ignore"):
            for node in graph.nodes:
                step = _compile(node, [known[name][1] if name else None for name in node.inputs])
                work += step.work
                if work > MAX_WORK:
                    msg = f"one run takes more than {MAX_WORK} multiply-adds"
                    raise ModelFileError(msg)
                known[node.outputs[-1]] = self._add(step, [known[name] if name else None for name in node.inputs])
        self._outputs = [(info.name, known[info.name][0]) for info in graph.outputs]
        for info in graph.outputs:
            operand = known[info.name][1]
            if operand.shape != info.shape or operand.dtype != FLOAT:
                msg = f"output {info.name} is {operand.dtype} {operand.shape}, not float32 {info.shape}"
                raise ModelFileError(msg)

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs by name; inputs are checked by the catalog's runner."""
        slots = self._slots
        with self._lock, np.errstate(all="ignore"):
            for name, slot in self._inputs:
                slots[slot] = inputs[name]
            try:
                for run, sources, target in self._plan:
                    slots[target] = run(*[slots[source] for source in sources])
            except _NUMPY_ERRORS as err:
                msg = f"a step cannot be run: {err}"
                raise InferenceError(msg) from err
            return {name: np.array(slots[slot], dtype=np.float32) for name, slot in self._outputs}

    def _slot(self, values: Array | None) -> int:
        """Return a new place for a value."""
        self._slots.append(values)
        return len(self._slots) - 1

    def _add(self, step: Step, sources: list[tuple[int, Operand] | None]) -> tuple[int, Operand]:
        """Put a step into the plan, or fold it when all it needs is constant."""
        given = [None if source is None else source[1].value for source in sources]
        if all(source is None or source[1].value is not None for source in sources):
            values = _evaluate(step, given)
            return self._slot(values), Operand(step.shape, step.dtype, values)
        slot = self._slot(None)
        # Slot 0 is always None: an optional input that is absent.
        self._plan.append((step.run, tuple(0 if source is None else source[0] for source in sources), slot))
        return slot, Operand(step.shape, step.dtype)


class NumpyEngine:
    """Loads accepted models; needs nothing but numpy."""

    name = "builtin"
    version = np.__version__

    def load(self, data: bytes, graph: Graph) -> NumpySession:
        """Return the compiled model."""
        return NumpySession(graph)
