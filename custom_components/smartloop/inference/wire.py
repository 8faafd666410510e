"""The protobuf wire format, read strictly: what the schema does not name is refused.

Protobuf lets a later copy of a field win and merges repeated messages; two readers could then
see two models in one file. Here a field that may occur once does occur at most once.
"""

import struct
from collections.abc import Iterator, Mapping
from enum import Enum

from .errors import ModelFileError

_VARINT, _FIXED64, _CHUNK, _FIXED32 = 0, 1, 2, 5


class Kind(Enum):
    """What a field holds."""

    INTEGER = "integer"
    FLOAT = "float"
    BYTES = "bytes"
    TEXT = "text"
    INTEGERS = "integers"
    FLOATS = "floats"
    CHUNKS = "chunks"
    IGNORED = "ignored"


type Schema = Mapping[int, tuple[str, Kind]]

_WIRE_TYPES: Mapping[Kind, tuple[int, ...]] = {
    Kind.INTEGER: (_VARINT,),
    Kind.FLOAT: (_FIXED32,),
    Kind.BYTES: (_CHUNK,),
    Kind.TEXT: (_CHUNK,),
    Kind.INTEGERS: (_VARINT, _CHUNK),
    Kind.FLOATS: (_FIXED32, _CHUNK),
    Kind.CHUNKS: (_CHUNK,),
    Kind.IGNORED: (_VARINT, _FIXED64, _CHUNK, _FIXED32),
}
_ONCE = frozenset({Kind.INTEGER, Kind.FLOAT, Kind.BYTES, Kind.TEXT})


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return an unsigned 64-bit number and the position behind it."""
    result = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            msg = "a number is cut off or too long"
            raise ModelFileError(msg)
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    if result >> 64:
        msg = "a number has more than 64 bits"
        raise ModelFileError(msg)
    return result, position


def _signed(value: int) -> int:
    """Return an int64 from its two's complement."""
    return value - (1 << 64) if value >> 63 else value


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield number, wire type and raw content of each field."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        wire_type = key & 7
        if wire_type == _VARINT:
            number, position = _varint(data, position)
            yield key >> 3, wire_type, number
            continue
        if wire_type == _CHUNK:
            size, position = _varint(data, position)
        elif wire_type in {_FIXED32, _FIXED64}:
            size = 4 if wire_type == _FIXED32 else 8
        else:
            msg = f"wire type {wire_type} is unknown"
            raise ModelFileError(msg)
        if position + size > len(data):
            msg = "a field reaches beyond the end"
            raise ModelFileError(msg)
        yield key >> 3, wire_type, data[position : position + size]
        position += size


def _integers(data: bytes) -> list[int]:
    """Return packed integers."""
    position, numbers = 0, []
    while position < len(data):
        number, position = _varint(data, position)
        numbers.append(_signed(number))
    return numbers


def _floats(data: bytes) -> list[float]:
    """Return one or several packed float32."""
    if len(data) % 4:
        msg = "a list of floats is cut off"
        raise ModelFileError(msg)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


class Message:
    """One decoded message with typed access to its fields."""

    def __init__(self, data: bytes, schema: Schema, what: str) -> None:
        """Read all fields; `what` names the message in errors."""
        self._what = what
        self._numbers: dict[str, list[int]] = {}
        self._floats: dict[str, list[float]] = {}
        self._chunks: dict[str, list[bytes]] = {}
        seen: set[int] = set()
        for number, wire_type, raw in _fields(data):
            if number not in schema:
                msg = f"{what} has field {number}, which we do not take"
                raise ModelFileError(msg)
            name, kind = schema[number]
            if wire_type not in _WIRE_TYPES[kind]:
                msg = f"{what}.{name} has wire type {wire_type}"
                raise ModelFileError(msg)
            if kind in _ONCE and number in seen:
                msg = f"{what}.{name} occurs twice"
                raise ModelFileError(msg)
            seen.add(number)
            self._keep(name, kind, raw)

    def _keep(self, name: str, kind: Kind, raw: int | bytes) -> None:
        """Store one occurrence."""
        if kind is Kind.IGNORED:
            return
        if isinstance(raw, int):
            self._numbers.setdefault(name, []).append(_signed(raw))
        elif kind is Kind.INTEGERS:
            self._numbers.setdefault(name, []).extend(_integers(raw))
        elif kind in {Kind.FLOAT, Kind.FLOATS}:
            self._floats.setdefault(name, []).extend(_floats(raw))
        else:
            self._chunks.setdefault(name, []).append(raw)

    def __contains__(self, name: str) -> bool:
        """Return whether the field is present."""
        return name in self._numbers or name in self._floats or name in self._chunks

    def integer(self, name: str, default: int = 0) -> int:
        """Return a single integer."""
        return self._numbers.get(name, [default])[0]

    def integers(self, name: str) -> tuple[int, ...]:
        """Return a list of integers."""
        return tuple(self._numbers.get(name, ()))

    def number(self, name: str) -> float:
        """Return a single float."""
        return self._floats.get(name, [0.0])[0]

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return a list of floats."""
        return tuple(self._floats.get(name, ()))

    def chunk(self, name: str) -> bytes:
        """Return a single chunk."""
        return self._chunks.get(name, [b""])[0]

    def chunks(self, name: str) -> tuple[bytes, ...]:
        """Return all chunks of a repeated field."""
        return tuple(self._chunks.get(name, ()))

    def text(self, name: str) -> str:
        """Return a single string."""
        return self._decode(name, self.chunk(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings."""
        return tuple(self._decode(name, chunk) for chunk in self.chunks(name))

    def _decode(self, name: str, chunk: bytes) -> str:
        """Return a chunk as text."""
        try:
            return chunk.decode()
        except UnicodeDecodeError as err:
            msg = f"{self._what}.{name} is not UTF-8"
            raise ModelFileError(msg) from err
