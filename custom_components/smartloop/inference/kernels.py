"""Kernels that go value by value, change a shape, or quantise."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .graph import Array, Node, Shape
from .step import FLOAT, Kernel, Operand, Operands, Step, axis_of, buffer, constant, floats, needed, refuse

HALF = np.float32(0.5)
ZERO = np.float32(0)

_CAST_TARGETS: Mapping[int, np.dtype[np.generic]] = {1: FLOAT, 6: np.dtype(np.int32), 7: np.dtype(np.int64)}
"""TensorProto.DataType; narrower integers are left out, what does not fit them is undefined in ONNX."""
_ZERO_POINTS = {np.dtype(np.int8), np.dtype(np.uint8)}


def sigmoid_into(values: NDArray[np.float32], out: NDArray[np.float32]) -> NDArray[np.float32]:
    """Write 1 / (1 + exp(-x)) as a hyperbolic tangent: no overflow at the far ends."""
    np.multiply(values, HALF, out=out)
    np.tanh(out, out=out)
    np.multiply(out, HALF, out=out)
    return np.add(out, HALF, out=out)


def _binary(ufunc: np.ufunc) -> Kernel:
    """Return the kernel of an arithmetic operator with broadcasting."""

    def kernel(node: Node, operands: Operands) -> Step:
        left, right = floats(node, operands, 2)
        try:
            shape = np.broadcast_shapes(left.shape, right.shape)
        except ValueError as err:
            raise refuse(node, f"{left.shape} and {right.shape} do not go together") from err
        out = buffer(node, shape)

        def run(a: Array, b: Array) -> Array:
            result: Array = ufunc(a, b, out=out)
            return result

        return Step(run, shape, work=out.size)

    return kernel


def _relu(node: Node, operands: Operands) -> Step:
    (source,) = floats(node, operands, 1)
    out = buffer(node, source.shape)
    return Step(lambda x: np.maximum(x, ZERO, out=out), source.shape)


def _tanh(node: Node, operands: Operands) -> Step:
    (source,) = floats(node, operands, 1)
    out = buffer(node, source.shape)
    return Step(lambda x: np.tanh(x, out=out), source.shape)


def _sigmoid(node: Node, operands: Operands) -> Step:
    (source,) = floats(node, operands, 1)
    out = buffer(node, source.shape).astype(np.float32)
    return Step(lambda x: sigmoid_into(x, out), source.shape)


def _clip(node: Node, operands: Operands) -> Step:
    (source,) = floats(node, operands, 1)
    bounds = [constant(node, operands, position) for position in (1, 2)]
    if any(bound is not None and (bound.size != 1 or bound.dtype != FLOAT) for bound in bounds):
        raise refuse(node, "a bound is no single float32")
    low, high = (None if bound is None else bound.reshape(()) for bound in bounds)
    out = buffer(node, source.shape)

    def run(x: Array, *_: Array) -> Array:
        result = np.maximum(x, -np.inf if low is None else low, out=out)
        return result if high is None else np.minimum(result, high, out=out)

    return Step(run, source.shape)


def _one(node: Node, operands: Operands) -> Operand:
    """Return the first operand."""
    if operands[0] is None:
        raise refuse(node, "the input is absent")
    return operands[0]


def _cast(node: Node, operands: Operands) -> Step:
    source, target = _one(node, operands), _CAST_TARGETS.get(node.integer("to"))
    if target is None:
        raise refuse(node, f"data type {node.integer('to')} is no target")
    return Step(lambda x: x.astype(target), source.shape, target)


def _identity(node: Node, operands: Operands) -> Step:
    source = _one(node, operands)
    return Step(lambda x: x, source.shape, source.dtype)


def _reshaped(node: Node, source: Operand, shape: Shape) -> Step:
    """Return a step that only looks at the same values in another shape."""
    if math.prod(shape) != math.prod(source.shape) or any(size < 0 for size in shape):
        raise refuse(node, f"{source.shape} cannot become {shape}")
    buffer(node, shape)
    return Step(lambda x, *_: x.reshape(shape), shape, source.dtype)


def _integers(node: Node, operands: Operands, position: int) -> list[int]:
    """Return a constant list of int64."""
    values = needed(node, operands, position)
    if values.dtype != np.int64 or values.ndim > 1:
        raise refuse(node, f"input {position} is no list of int64")
    return [int(value) for value in values.reshape(-1)]


def _reshape(node: Node, operands: Operands) -> Step:
    source, wanted = _one(node, operands), _integers(node, operands, 1)
    if wanted.count(-1) > 1 or (node.integer("allowzero") and 0 in wanted):
        raise refuse(node, f"shape {wanted} leaves a choice")
    if any(size == 0 and position >= len(source.shape) for position, size in enumerate(wanted)):
        raise refuse(node, f"shape {wanted} copies an axis that is not there")
    shape = [source.shape[position] if size == 0 else size for position, size in enumerate(wanted)]
    if -1 in shape:
        rest = -math.prod(shape)
        shape[shape.index(-1)] = math.prod(source.shape) // rest if rest > 0 else -1
    return _reshaped(node, source, tuple(shape))


def _flatten(node: Node, operands: Operands) -> Step:
    source, axis = _one(node, operands), node.integer("axis")
    rank = len(source.shape)
    if not -rank <= axis <= rank:
        raise refuse(node, f"axis {axis} is outside rank {rank}")
    axis = axis + rank if axis < 0 else axis
    return _reshaped(node, source, (math.prod(source.shape[:axis]), math.prod(source.shape[axis:])))


def _squeeze(node: Node, operands: Operands) -> Step:
    source = _one(node, operands)
    rank = len(source.shape)
    if constant(node, operands, 1) is None:
        axes = {axis for axis, size in enumerate(source.shape) if size == 1}
    else:
        axes = {axis_of(node, rank, axis) for axis in _integers(node, operands, 1)}
    if any(source.shape[axis] != 1 for axis in axes):
        raise refuse(node, f"axes {sorted(axes)} of {source.shape} are not 1")
    return _reshaped(node, source, tuple(size for axis, size in enumerate(source.shape) if axis not in axes))


def _unsqueeze(node: Node, operands: Operands) -> Step:
    source, wanted = _one(node, operands), _integers(node, operands, 1)
    rank = len(source.shape) + len(wanted)
    axes = {axis_of(node, rank, axis) for axis in wanted}
    if len(axes) != len(wanted):
        raise refuse(node, f"axes {wanted} repeat")
    rest = iter(source.shape)
    return _reshaped(node, source, tuple(1 if axis in axes else next(rest) for axis in range(rank)))


def _transpose(node: Node, operands: Operands) -> Step:
    source = _one(node, operands)
    rank = len(source.shape)
    order = node.integers("perm") or tuple(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        raise refuse(node, f"order {order} does not fit rank {rank}")
    return Step(lambda x: x.transpose(order), tuple(source.shape[axis] for axis in order), source.dtype)


def _concat(node: Node, operands: Operands) -> Step:
    first = _one(node, operands)
    parts = [operand for operand in operands if operand is not None]
    axis = axis_of(node, len(first.shape), node.integer("axis"))
    frames = {operand.shape[:axis] + operand.shape[axis + 1 :] for operand in parts}
    ranks = {len(operand.shape) for operand in parts}
    if len(parts) != len(operands) or len(frames | ranks | {operand.dtype for operand in parts}) != 3:
        raise refuse(node, "the parts do not go together")
    shape = (*first.shape[:axis], sum(operand.shape[axis] for operand in parts), *first.shape[axis + 1 :])
    out = buffer(node, shape, first.dtype)
    return Step(lambda *values: np.concatenate(values, axis=axis, out=out), shape, first.dtype)


def _scale(node: Node, operands: Operands, shape: Shape) -> tuple[NDArray[np.float32], Array | None]:
    """Return scale and zero point, shaped so that they broadcast along their axis."""
    scale, zero = needed(node, operands, 1), constant(node, operands, 2)
    if scale.dtype != FLOAT or scale.ndim > 1 or not (scale.astype(np.float32) > 0).all():
        raise refuse(node, "the scale is no list of positive float32")
    if zero is not None and zero.shape != scale.shape:
        raise refuse(node, "scale and zero point differ in shape")
    if node.integer("block_size"):
        raise refuse(node, "blocks are not taken")
    fitting: Shape = ()
    if scale.size > 1:
        axis = axis_of(node, len(shape), node.integer("axis"))
        if shape[axis] != scale.size:
            raise refuse(node, f"{scale.size} scales do not fit {shape}")
        fitting = tuple(scale.size if position == axis else 1 for position in range(len(shape)))
    return scale.astype(np.float32).reshape(fitting), None if zero is None else zero.reshape(fitting)


def _dequantize(node: Node, operands: Operands) -> Step:
    source = _one(node, operands)
    scale, zero = _scale(node, operands, source.shape)
    if source.dtype not in {*_ZERO_POINTS, np.dtype(np.int32)}:
        raise refuse(node, f"{source.dtype} is not dequantised")
    if zero is not None and (zero.dtype != source.dtype or (source.dtype == np.int32 and zero.any())):
        raise refuse(node, "the zero point does not fit the values")
    out = buffer(node, source.shape).astype(np.float32)
    # Differences of 8-bit numbers are exact in float32, and int32 has no zero point.
    offset = None if zero is None or not zero.any() else zero.astype(np.float32)

    def run(x: Array, *_: Array) -> Array:
        np.copyto(out, x, casting="same_kind" if x.dtype != np.int32 else "unsafe")
        if offset is not None:
            np.subtract(out, offset, out=out)
        return np.multiply(out, scale, out=out)

    return Step(run, source.shape)


def _quantize(node: Node, operands: Operands) -> Step:
    (source,) = floats(node, operands, 1)
    scale, zero = _scale(node, operands, source.shape)
    dtype = np.dtype(np.uint8) if zero is None else zero.dtype
    output = {0: dtype, 2: np.dtype(np.uint8), 3: np.dtype(np.int8)}.get(node.integer("output_dtype"))
    if dtype not in _ZERO_POINTS or output is None or (zero is not None and output != dtype):
        raise refuse(node, f"values are not quantised to {dtype}")
    limits = np.iinfo(output.name)
    low, high = np.float32(limits.min), np.float32(limits.max)
    offset = ZERO if zero is None else zero.astype(np.float32)
    scratch, out = buffer(node, source.shape).astype(np.float32), buffer(node, source.shape, output)

    def run(x: Array, *_: Array) -> Array:
        np.divide(x, scale, out=scratch)
        np.rint(scratch, out=scratch)
        np.add(scratch, offset, out=scratch)
        np.maximum(scratch, low, out=scratch)
        np.minimum(scratch, high, out=scratch)
        np.copyto(out, scratch, casting="unsafe")
        return out

    return Step(run, source.shape, output)


KERNELS: Mapping[str, Kernel] = {
    "Add": _binary(np.add),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "DequantizeLinear": _dequantize,
    "Div": _binary(np.divide),
    "Flatten": _flatten,
    "Identity": _identity,
    "Mul": _binary(np.multiply),
    "QuantizeLinear": _quantize,
    "Relu": _relu,
    "Reshape": _reshape,
    "Sigmoid": _sigmoid,
    "Squeeze": _squeeze,
    "Sub": _binary(np.subtract),
    "Tanh": _tanh,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
