"""The frames between a host and a Ziggurat radio, packed by hand.

Nothing of zigpy is used, so that a fault in its packing cannot hide behind itself. A frame is
a command byte, a little-endian 16-bit word (request number times 4 plus the frame type), and
a body. Version 2 of the protocol, as zigpy-ziggurat 1.1 speaks it.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

PROTOCOL_VERSION: Final = 2
COORDINATOR: Final = 0x0000
"""The radio's own network address."""
ROUTERS_AND_ALL_AWAKE: Final = 0xFFFD
"""The broadcast address devices announce themselves to."""

_HEADER: Final = struct.Struct("<BH")
_APS: Final = struct.Struct("<HHBHHHBBBbH")
_UNICAST: Final = struct.Struct("<BH8sHHBBBBbB")


class WireError(Exception):
    """A frame that no host sends."""


class FrameType(IntEnum):
    """What a frame is."""

    REQUEST = 0
    RESPONSE = 1
    EVENT = 2
    NOTIFICATION = 3


class Request(IntEnum):
    """What a host asks."""

    RESET = 0x00
    GET_FIRMWARE_INFO = 0x01
    GET_HW_ADDRESS = 0x02
    SHUTDOWN = 0x03
    CONFIGURE = 0x10
    LOAD_KEY_TABLE = 0x11
    LOAD_CHILDREN = 0x12
    LOAD_ADDRESS_CACHE = 0x13
    LOAD_ROUTE_TABLE = 0x14
    LOAD_SOURCE_ROUTES = 0x15
    START_NETWORK = 0x16
    GET_NETWORK_INFO = 0x20
    SCAN_KEY_TABLE = 0x21
    SCAN_CHILDREN = 0x22
    SCAN_ADDRESS_CACHE = 0x23
    SCAN_ROUTE_TABLE = 0x24
    SEND_UNICAST = 0x30
    SEND_BROADCAST = 0x31
    SEND_GROUPCAST = 0x32
    CANCEL_REQUEST = 0x33
    PERMIT_JOINS = 0x34
    SET_CHANNEL = 0x35
    SET_NWK_UPDATE_ID = 0x36
    SET_PROVISIONAL_KEY = 0x37
    SET_TUNABLE = 0x38
    ENERGY_SCAN = 0x40
    NETWORK_SCAN = 0x41


class Notification(IntEnum):
    """What a radio says unasked."""

    HELLO = 0x00
    RECEIVED_APS = 0x10
    SEND_CONFIRM = 0x11
    APS_ACK_CONFIRM = 0x12
    BROADCAST_CONFIRM = 0x13
    DEVICE_JOINED = 0x20
    DEVICE_LEFT = 0x21


class Status(IntEnum):
    """How a request went."""

    OK = 0x00
    MALFORMED_PAYLOAD = 0x01
    UNKNOWN_COMMAND = 0x02
    NOT_CONFIGURED = 0x10


class Sent(IntEnum):
    """How a transmission went."""

    SUCCESS = 0
    APS_ACK_TIMEOUT = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One frame in either direction."""

    command: int
    kind: FrameType
    request: int = 0
    """The request's number, 0-16383; an answer repeats it."""
    body: bytes = b""

    def pack(self) -> bytes:
        """Return the bytes."""
        return _HEADER.pack(self.command, self.request << 2 | self.kind) + self.body

    @classmethod
    def unpack(cls, data: bytes) -> Frame:
        """Return the frame; raises WireError when it is too short to be one."""
        if len(data) < _HEADER.size:
            msg = f"{data.hex()} is shorter than a header"
            raise WireError(msg)
        command, word = _HEADER.unpack_from(data)
        return cls(command=command, kind=FrameType(word & 3), request=word >> 2, body=data[_HEADER.size :])


@dataclass(frozen=True, kw_only=True, slots=True)
class Aps:
    """One message of an application, to or from a device."""

    nwk: int
    """The device's network address."""
    profile: int
    cluster: int
    source: int
    """The endpoint it comes from."""
    target: int
    """The endpoint it goes to."""
    data: bytes
    destination: int = COORDINATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class Unicast:
    """What a host wants sent to one device."""

    aps: Aps
    ieee: bytes | None
    """Eight bytes, the first on the air first."""
    acknowledged: bool
    """Whether the host waits for the device to acknowledge it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """How well a frame was heard."""

    lqi: int = 200
    """0-255"""
    rssi: int = -55
    """dBm"""


def received(aps: Aps, link: Link) -> bytes:
    """Return the body that hands a device's message to the host."""
    return _APS.pack(
        aps.nwk, aps.destination, False, 0, aps.profile, aps.cluster, aps.source, aps.target,  # noqa: FBT003  the layout is positional
        link.lqi, link.rssi, len(aps.data),
    ) + aps.data  # fmt: skip


def unpack_unicast(body: bytes) -> Unicast:
    """Return what the host wants sent; raises WireError when the body is cut short."""
    try:
        flags, nwk, ieee, profile, cluster, source, target, _, _, _, route = _UNICAST.unpack_from(body)
        at = _UNICAST.size
        if route in (1, 2):
            at += 2
        elif route in (3, 4):
            at += 1 + 2 * body[at]
        (length,) = struct.unpack_from("<H", body, at)
    except (struct.error, IndexError) as err:
        msg = f"{body.hex()} is no unicast"
        raise WireError(msg) from err
    data = body[at + 2 :]
    if len(data) != length:
        msg = f"a unicast of {length} bytes has {len(data)}"
        raise WireError(msg)
    aps = Aps(nwk=nwk, profile=profile, cluster=cluster, source=source, target=target, data=data)
    return Unicast(aps=aps, ieee=ieee if flags & 1 else None, acknowledged=bool(flags & 2))


def joined(nwk: int, ieee: bytes, *, mains: bool) -> bytes:
    """Return the body that tells of a device that joined right here."""
    return struct.pack("<H8sHB", nwk, ieee, COORDINATOR, mains | (1 if mains else 2) << 1)


def left(nwk: int, ieee: bytes, *, rejoin: bool) -> bytes:
    """Return the body that tells of a device that announced its leave."""
    return struct.pack("<HB8sBH8s", nwk, 1 | rejoin << 1, ieee, 0, COORDINATOR, bytes(8))


def firmware(version: str) -> bytes:
    """Return the body that names the radio's firmware."""
    text = version.encode()
    return struct.pack("<BH", PROTOCOL_VERSION, len(text)) + text


def hello(*, configured: bool) -> bytes:
    """Return the body of a radio's first word."""
    return bytes([PROTOCOL_VERSION, configured])
