"""The Zigbee Cluster Library as far as sensors need it: types, frames, general commands."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

type Value = int | float | str | bytes


class Cluster(IntEnum):
    """Cluster ids (ZCL revision 8)."""

    BASIC = 0x0000
    POWER = 0x0001
    IDENTIFY = 0x0003
    ANALOG_INPUT = 0x000C
    BINARY_INPUT = 0x000F
    OTA = 0x0019
    POLL_CONTROL = 0x0020
    TEMPERATURE = 0x0402
    HUMIDITY = 0x0405
    OCCUPANCY = 0x0406
    CO2 = 0x040D
    PM25 = 0x042A
    IAS_ZONE = 0x0500


class Kind(IntEnum):
    """Attribute types."""

    BOOL = 0x10
    BITMAP8 = 0x18
    BITMAP16 = 0x19
    UINT8 = 0x20
    UINT16 = 0x21
    UINT32 = 0x23
    INT8 = 0x28
    INT16 = 0x29
    ENUM8 = 0x30
    ENUM16 = 0x31
    SINGLE = 0x39
    STRING = 0x42
    EUI64 = 0xF0


class Command(IntEnum):
    """General commands."""

    READ = 0x00
    READ_RESPONSE = 0x01
    WRITE = 0x02
    WRITE_RESPONSE = 0x04
    CONFIGURE_REPORTING = 0x06
    CONFIGURE_REPORTING_RESPONSE = 0x07
    READ_REPORTING = 0x08
    READ_REPORTING_RESPONSE = 0x09
    REPORT = 0x0A
    DEFAULT_RESPONSE = 0x0B


UNSUPPORTED_COMMAND: Final = 0x82
UNSUPPORTED_ATTRIBUTE: Final = 0x86

_FORMATS: Final = {
    Kind.BOOL: "<B",
    Kind.BITMAP8: "<B",
    Kind.BITMAP16: "<H",
    Kind.UINT8: "<B",
    Kind.UINT16: "<H",
    Kind.UINT32: "<I",
    Kind.INT8: "<b",
    Kind.INT16: "<h",
    Kind.ENUM8: "<B",
    Kind.ENUM16: "<H",
    Kind.SINGLE: "<f",
}
_ANALOG: Final = frozenset({Kind.UINT8, Kind.UINT16, Kind.UINT32, Kind.INT8, Kind.INT16, Kind.SINGLE})
"""Types whose reporting configuration carries a change worth a report."""

_CLUSTER_COMMAND: Final = 0x01
_MANUFACTURER: Final = 0x04
_FROM_SERVER: Final = 0x08
_NO_DEFAULT_RESPONSE: Final = 0x10


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """One attribute of a cluster."""

    kind: Kind
    value: Value

    def pack(self) -> bytes:
        """Return the value's bytes."""
        if isinstance(self.value, str):
            text = self.value.encode()
            return bytes([len(text)]) + text
        if isinstance(self.value, bytes):
            return self.value
        return struct.pack(_FORMATS[self.kind], self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What leads every ZCL frame."""

    sequence: int
    command: int
    cluster_command: bool = False
    from_server: bool = False
    silent: bool = False
    """Whether no default response is wanted."""
    manufacturer: int | None = None

    def pack(self) -> bytes:
        """Return the bytes."""
        control = (
            self.cluster_command * _CLUSTER_COMMAND
            | (self.manufacturer is not None) * _MANUFACTURER
            | self.from_server * _FROM_SERVER
            | self.silent * _NO_DEFAULT_RESPONSE
        )
        code = b"" if self.manufacturer is None else struct.pack("<H", self.manufacturer)
        return bytes([control]) + code + bytes([self.sequence, self.command])

    def answer(self, command: int) -> Header:
        """Return the header of an answer: the other direction, the same number."""
        return Header(
            sequence=self.sequence,
            command=command,
            # A reply about a client cluster (updates) comes from a client; sent as a server it is dropped unread.
            from_server=not self.from_server,
            silent=True,
            manufacturer=self.manufacturer,
        )

    @classmethod
    def unpack(cls, data: bytes) -> tuple[Header, bytes]:
        """Return the header and what follows it."""
        control, at, manufacturer = data[0], 1, None
        if control & _MANUFACTURER:
            (manufacturer,) = struct.unpack_from("<H", data, 1)
            at = 3
        header = cls(
            sequence=data[at],
            command=data[at + 1],
            cluster_command=bool(control & _CLUSTER_COMMAND),
            from_server=bool(control & _FROM_SERVER),
            silent=bool(control & _NO_DEFAULT_RESPONSE),
            manufacturer=manufacturer,
        )
        return header, data[at + 2 :]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reporting:
    """What a host asked to be told of an attribute."""

    attribute: int
    shortest_s: int
    longest_s: int


def unpack_value(kind: Kind, data: bytes) -> tuple[Value, bytes]:
    """Return a value and what follows it."""
    if kind is Kind.STRING:
        end = 1 + data[0]
        return data[1:end].decode(errors="replace"), data[end:]
    if kind is Kind.EUI64:
        return data[:8], data[8:]
    layout = _FORMATS[kind]
    value: Value = struct.unpack_from(layout, data)[0]
    return value, data[struct.calcsize(layout) :]


def report(sequence: int, attribute: int, content: Attribute) -> bytes:
    """Return a frame that reports one attribute."""
    header = Header(sequence=sequence, command=Command.REPORT, from_server=True, silent=True)
    return header.pack() + struct.pack("<HB", attribute, content.kind) + content.pack()


def read_answer(asked: bytes, known: dict[int, Attribute]) -> bytes:
    """Return the records that answer a read."""
    answer = b""
    for (attribute,) in struct.iter_unpack("<H", asked[: len(asked) // 2 * 2]):
        answer += struct.pack("<H", attribute)
        if (content := known.get(attribute)) is None:
            answer += bytes([UNSUPPORTED_ATTRIBUTE])
        else:
            answer += bytes([0, content.kind]) + content.pack()
    return answer


def written(body: bytes) -> dict[int, Attribute]:
    """Return what a write changes."""
    found: dict[int, Attribute] = {}
    while len(body) >= 3:
        attribute, kind = struct.unpack_from("<HB", body)
        value, body = unpack_value(Kind(kind), body[3:])
        found[attribute] = Attribute(kind=Kind(kind), value=value)
    return found


def reporting(body: bytes) -> list[Reporting]:
    """Return what a host wants to be told."""
    found = []
    while len(body) >= 8:
        _, attribute, kind, shortest, longest = struct.unpack_from("<BHBHH", body)
        found.append(Reporting(attribute=attribute, shortest_s=shortest, longest_s=longest))
        change = struct.calcsize(_FORMATS[Kind(kind)]) if Kind(kind) in _ANALOG else 0
        body = body[8 + change :]
    return found
