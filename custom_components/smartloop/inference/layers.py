"""Kernels that sum over an axis: matrix products, convolution, pooling, softmax, GRU."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .graph import Array, Node, Shape
from .kernels import KERNELS, sigmoid_into
from .step import FLOAT, Kernel, Operand, Operands, Step, axis_of, buffer, floats, needed, refuse

type Floats = NDArray[np.float32]

STEP_WORK = 2_000
"""What one step of a GRU costs beyond its sums, in multiply-adds."""


def _scratch(node: Node, shape: Shape) -> Floats:
    """Return float32 scratch within the limits."""
    return buffer(node, shape).astype(np.float32)


def _floats(node: Node, operands: Operands, position: int) -> Floats:
    """Return a constant float32 input."""
    values = needed(node, operands, position)
    if values.dtype != FLOAT:
        raise refuse(node, f"input {position} is not float32")
    return values.astype(np.float32)


def _matmul(node: Node, operands: Operands) -> Step:
    left, right = floats(node, operands, 2)
    if len(left.shape) < 2 or len(right.shape) < 2 or left.shape[-1] != right.shape[-2]:
        raise refuse(node, f"{left.shape} and {right.shape} do not multiply")
    try:
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    except ValueError as err:
        raise refuse(node, f"{left.shape} and {right.shape} do not multiply") from err
    shape = (*batch, left.shape[-2], right.shape[-1])
    out, work = _scratch(node, shape), math.prod(shape) * left.shape[-1]
    if len(left.shape) == len(right.shape) == 2:
        return Step(lambda a, b: np.dot(a, b, out=out), shape, work=work)
    return Step(lambda a, b: np.matmul(a, b, out=out), shape, work=work)


def _gemm(node: Node, operands: Operands) -> Step:
    left, right = floats(node, operands, 2)
    if len(left.shape) != 2 or len(right.shape) != 2:
        raise refuse(node, "Gemm takes matrices")
    flip_left, flip_right = bool(node.integer("transA")), bool(node.integer("transB"))
    rows, inner = reversed(left.shape) if flip_left else left.shape
    depth, columns = reversed(right.shape) if flip_right else right.shape
    bias = operands[2] if len(operands) > 2 else None
    if inner != depth or not _fits(bias, (rows, columns)):
        raise refuse(node, f"{left.shape}, {right.shape} and the bias do not go together")
    out = _scratch(node, (rows, columns))
    alpha, beta = np.float32(node.number("alpha")), np.float32(node.number("beta"))
    # A constant matrix is turned once, not at every run.
    fixed = None if right.value is None else np.ascontiguousarray(right.value.T if flip_right else right.value)

    def run(a: Floats, b: Floats, c: Floats | None = None) -> Array:
        weight = fixed if fixed is not None else (b.T if flip_right else b)
        np.dot(a.T if flip_left else a, weight, out=out)
        if alpha != 1:
            np.multiply(out, alpha, out=out)
        if c is not None:
            np.add(out, c if beta == 1 else c * beta, out=out)
        return out

    return Step(run, (rows, columns), work=rows * columns * inner)


def _fits(bias: Operand | None, shape: Shape) -> bool:
    """Return whether a bias is absent, or float32 and broadcasts to the shape."""
    if bias is None:
        return True
    try:
        return bias.dtype == FLOAT and np.broadcast_shapes(bias.shape, shape) == shape
    except ValueError:
        return False


def _pads(node: Node, length: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return the zeros before and behind, given or as `auto_pad` says."""
    mode, given = node.text("auto_pad"), node.integers("pads") or (0, 0)
    if mode == "NOTSET":
        if len(given) != 2 or min(given) < 0:
            raise refuse(node, f"pads {given} are not taken")
        return given[0], given[1]
    if mode == "VALID":
        return 0, 0
    if mode not in {"SAME_LOWER", "SAME_UPPER"}:
        raise refuse(node, f"auto_pad {mode} is unknown")
    total = max((math.ceil(length / stride) - 1) * stride + dilation * (kernel - 1) + 1 - length, 0)
    less, more = total // 2, total - total // 2
    return (less, more) if mode == "SAME_UPPER" else (more, less)


def _single(node: Node, name: str) -> int:
    """Return the one number of a list with one default of 1."""
    given = node.integers(name) or (1,)
    if len(given) != 1 or not 0 < given[0] <= 4096:
        raise refuse(node, f"{name} {given} is not taken")
    return given[0]


def _conv(node: Node, operands: Operands) -> Step:
    (source,) = floats(node, operands, 1)
    weight = _floats(node, operands, 1)
    bias = _floats(node, operands, 2) if len(operands) > 2 and operands[2] is not None else None
    if len(source.shape) != 3 or weight.ndim != 3 or node.integer("group") != 1:
        raise refuse(node, "only one-dimensional convolutions of one group are taken")
    batch, channels, length = source.shape
    filters, depth, kernel = weight.shape
    stride, dilation = _single(node, "strides"), _single(node, "dilations")
    if depth != channels or (node.integers("kernel_shape") or (kernel,)) != (kernel,):
        raise refuse(node, f"{source.shape} and {weight.shape} do not go together")
    if bias is not None and bias.shape != (filters,):
        raise refuse(node, "the bias does not fit")
    before, behind = _pads(node, length, kernel, stride, dilation)
    padded = _scratch(node, (batch, channels, before + length + behind))
    reach = dilation * (kernel - 1) + 1
    count = (padded.shape[2] - reach) // stride + 1
    if count < 1:
        raise refuse(node, "the kernel is longer than its input")
    # Every window of the padded input, as a view: (batch, channels, kernel, count).
    one, two, three = padded.strides
    windows = np.lib.stride_tricks.as_strided(
        padded, (batch, channels, kernel, count), (one, two, dilation * three, stride * three), writeable=False
    )
    columns = _scratch(node, (batch, channels * kernel, count))
    spread = columns.reshape(batch, channels, kernel, count)
    middle = padded[:, :, before : before + length]
    flat = np.ascontiguousarray(weight.reshape(filters, channels * kernel))
    column = None if bias is None else bias.reshape(filters, 1)
    out = _scratch(node, (batch, filters, count))

    def run(x: Array, *_: Array) -> Array:
        np.copyto(middle, x)
        np.copyto(spread, windows)
        np.matmul(flat, columns, out=out)
        return out if column is None else np.add(out, column, out=out)

    return Step(run, (batch, filters, count), work=out.size * channels * kernel)


def _global_average_pool(node: Node, operands: Operands) -> Step:
    (source,) = floats(node, operands, 1)
    rank = len(source.shape)
    if rank < 3:
        raise refuse(node, "there is nothing to average over")
    axes = tuple(range(2, rank))
    shape = source.shape[:2] + (1,) * (rank - 2)
    out, share = _scratch(node, shape), np.float32(1 / math.prod(source.shape[2:]))

    def run(x: Array) -> Array:
        np.add.reduce(x, axis=axes, keepdims=True, out=out)
        return np.multiply(out, share, out=out)

    return Step(run, shape, work=math.prod(source.shape))


def _softmax(node: Node, operands: Operands) -> Step:
    (source,) = floats(node, operands, 1)
    axis = axis_of(node, len(source.shape), node.integer("axis"))
    out = _scratch(node, source.shape)

    def run(x: Floats) -> Array:
        np.subtract(x, np.maximum.reduce(x, axis=axis, keepdims=True), out=out)
        np.exp(out, out=out)
        np.divide(out, np.add.reduce(out, axis=axis, keepdims=True), out=out)
        return out

    return Step(run, source.shape, work=4 * math.prod(source.shape))


def _gru(node: Node, operands: Operands) -> Step:
    """Return a forward GRU's last state, (1, batch, hidden), by the equations of onnx/docs/Operators.md."""
    (source,) = floats(node, operands, 1)
    weight, recurrence = _floats(node, operands, 1), _floats(node, operands, 2)
    size = node.integer("hidden_size")
    if (
        node.text("direction") != "forward"
        or node.attributes["activations"] != ("Sigmoid", "Tanh")
        or node.integer("layout")
        or (len(operands) > 4 and operands[4] is not None)
    ):
        raise refuse(node, "only a plain forward GRU is taken")
    if len(source.shape) != 3 or weight.shape != (1, 3 * size, source.shape[2]):
        raise refuse(node, f"{source.shape} and {weight.shape} do not go together")
    if recurrence.shape != (1, 3 * size, size):
        raise refuse(node, f"the recurrence has shape {recurrence.shape}")
    steps, batch, _ = source.shape
    start = operands[5] if len(operands) > 5 else None
    if start is not None and (start.shape != (1, batch, size) or start.dtype != FLOAT):
        raise refuse(node, "the first state does not fit")
    given = operands[3] if len(operands) > 3 else None
    bias = np.zeros((1, 6 * size), np.float32) if given is None else _floats(node, operands, 3)
    if bias.shape != (1, 6 * size):
        raise refuse(node, "the bias does not fit")
    work = steps * (batch * 3 * size * (source.shape[2] + size) + STEP_WORK)
    return Step(_GruRun(node, source.shape, weight[0], recurrence[0], bias[0]).run, (1, batch, size), work=work)


class _GruRun:
    """A GRU with its scratch; gates in ONNX order z, r, h."""

    def __init__(self, node: Node, shape: Shape, weight: Floats, recurrence: Floats, bias: Floats) -> None:
        """Turn the weights once and put every bias where it is added only once."""
        steps, batch, depth = shape
        self._size = size = recurrence.shape[1]
        self._late = bool(node.integer("linear_before_reset"))
        self._weight = np.ascontiguousarray(weight.T)
        self._gates = np.ascontiguousarray(recurrence[: 2 * size].T)
        self._candidate = np.ascontiguousarray(recurrence[2 * size :].T)
        outer, inner = bias[: 3 * size].copy(), bias[3 * size :]
        outer[: 2 * size] += inner[: 2 * size]
        self._inner = inner[2 * size :].copy()
        if not self._late:
            outer[2 * size :] += self._inner
        self._outer = outer
        self._flat = (steps * batch, depth)
        self._projected = _scratch(node, (steps * batch, 3 * size))
        self._steps = self._projected.reshape(steps, batch, 3 * size)
        self._pair = _scratch(node, (batch, 2 * size))
        self._new = _scratch(node, (batch, size))
        self._state = _scratch(node, (batch, size))

    def run(self, x: Array, *others: Array | None) -> Array:
        """Walk through the sequence and return the last state."""
        size, pair, new, state = self._size, self._pair, self._new, self._state
        start = others[4] if len(others) > 4 else None
        np.copyto(state, 0 if start is None else start[0])
        np.dot(x.reshape(self._flat), self._weight, out=self._projected)
        np.add(self._projected, self._outer, out=self._projected)
        update, reset = pair[:, :size], pair[:, size:]
        for step in self._steps:
            np.dot(state, self._gates, out=pair)
            np.add(pair, step[:, : 2 * size], out=pair)
            sigmoid_into(pair, pair)
            if self._late:
                np.dot(state, self._candidate, out=new)
                np.add(new, self._inner, out=new)
                np.multiply(new, reset, out=new)
            else:
                np.dot(reset * state, self._candidate, out=new)
            np.add(new, step[:, 2 * size :], out=new)
            np.tanh(new, out=new)
            # Rearranged from (1 - z) new + z state, one product less.
            np.subtract(state, new, out=state)
            np.multiply(state, update, out=state)
            np.add(state, new, out=state)
        return state[np.newaxis]


ALL_KERNELS: Mapping[str, Kernel] = {
    **KERNELS,
    "Conv": _conv,
    "GRU": _gru,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_average_pool,
    "MatMul": _matmul,
    "Softmax": _softmax,
}
