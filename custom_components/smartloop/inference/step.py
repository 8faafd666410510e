"""What a kernel is given when the plan is made, and what it gives back."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .errors import ModelFileError
from .graph import MAX_ELEMENTS, MAX_RANK, Array, Node, Shape

type Run = Callable[..., Array]
type Operands = list[Operand | None]
type Kernel = Callable[[Node, Operands], Step]

FLOAT = np.dtype(np.float32)


@dataclass(frozen=True, slots=True)
class Operand:
    """One input of an operator as known before the first run."""

    shape: Shape
    dtype: np.dtype[np.generic]
    value: Array | None = None
    """The values, when they are constant."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator made ready; `run` takes all its inputs and may keep scratch of its own."""

    run: Run
    shape: Shape
    dtype: np.dtype[np.generic] = FLOAT
    work: int = 0
    """Multiply-adds of one run."""


def refuse(node: Node, why: str) -> ModelFileError:
    """Return the error for a node that cannot be run."""
    return ModelFileError(f"{node.op_type} {node.outputs[-1]!r}: {why}")


def buffer(node: Node, shape: Shape, dtype: np.dtype[np.generic] = FLOAT) -> Array:
    """Return scratch for a result, if it stays within the limits."""
    if len(shape) > MAX_RANK or math.prod(shape) > MAX_ELEMENTS or math.prod(shape) == 0:
        raise refuse(node, f"shape {list(shape)[: MAX_RANK + 1]} is outside the limits")
    return np.zeros(shape, dtype=dtype)


def floats(node: Node, operands: Operands, count: int) -> list[Operand]:
    """Return the first operands, all present and float32."""
    chosen = [operand for operand in operands[:count] if operand is not None]
    if len(chosen) != count or any(operand.dtype != FLOAT for operand in chosen):
        raise refuse(node, "an input is absent or not float32")
    return chosen


def constant(node: Node, operands: Operands, position: int) -> Array | None:
    """Return the values of an optional input that must be constant; None when it is absent."""
    operand = operands[position] if position < len(operands) else None
    if operand is None:
        return None
    if operand.value is None:
        raise refuse(node, f"input {position} is not constant")
    return operand.value


def needed(node: Node, operands: Operands, position: int) -> Array:
    """Return the values of an input that must be there and constant."""
    values = constant(node, operands, position)
    if values is None:
        raise refuse(node, f"input {position} is absent")
    return values


def axis_of(node: Node, rank: int, axis: int) -> int:
    """Return an axis counted from the front."""
    if not -rank <= axis < rank:
        raise refuse(node, f"axis {axis} is outside rank {rank}")
    return axis % rank
