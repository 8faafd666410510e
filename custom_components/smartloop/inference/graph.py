"""The part of an ONNX model that is left once it has been read and accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 512 * 1024
MAX_NODES = 256
MAX_ELEMENTS = 262_144
MAX_RANK = 5

type Shape = tuple[int, ...]
type Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...]
type Array = NDArray[np.generic]
type Tensor = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorInfo:
    """A float32 input or output of fixed shape."""

    name: str
    shape: Shape


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One operator of the allow-list; every attribute is present, given or by default."""

    op_type: str
    inputs: tuple[str, ...]
    """Names of values; empty for an optional input that is absent."""
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    def integer(self, name: str) -> int:
        """Return an integer attribute."""
        value = self.attributes[name]
        assert isinstance(value, int)  # noqa: S101  the reader has checked the kind
        return value

    def number(self, name: str) -> float:
        """Return a float attribute."""
        value = self.attributes[name]
        assert isinstance(value, float)  # noqa: S101  the reader has checked the kind
        return value

    def text(self, name: str) -> str:
        """Return a string attribute."""
        value = self.attributes[name]
        assert isinstance(value, str)  # noqa: S101  the reader has checked the kind
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        """Return a list of integers; empty when absent."""
        value = self.attributes[name]
        assert isinstance(value, tuple)  # noqa: S101  the reader has checked the kind
        return tuple(int(item) for item in value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """A model: constants and nodes in the order they run."""

    name: str
    ir_version: int
    opset: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    constants: Mapping[str, Array]
    nodes: tuple[Node, ...]
    metadata: Mapping[str, str]

    @property
    def ops(self) -> frozenset[str]:
        """Return the operators the file uses."""
        return frozenset(node.op_type for node in self.nodes)


class Session(Protocol):
    """A model loaded by one engine."""

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the outputs by name; the arrays belong to the caller."""
        ...


class Engine(Protocol):
    """Something that can load an accepted model."""

    @property
    def name(self) -> str:
        """Return `builtin` or `onnxruntime`."""
        ...

    @property
    def version(self) -> str:
        """Return the version of the library behind it."""
        ...

    def load(self, data: bytes, graph: Graph) -> Session:
        """Return a session. `graph` was read from the same `data`."""
        ...
