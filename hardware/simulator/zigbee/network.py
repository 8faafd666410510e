"""A device as it behaves on the network: what it answers, without a clock or a socket."""

import struct
from dataclasses import dataclass, field
from typing import Final

from . import zcl
from .devices import Attributes, DeviceModel
from .wire import ROUTERS_AND_ALL_AWAKE, Aps, Link
from .zcl import Attribute, Cluster, Command, Header, Kind, Value

HOME_AUTOMATION: Final = 0x0104
MANUFACTURER: Final = 0x1286
_DEVICE_OBJECT: Final = 0x0000
_ANNOUNCE: Final = 0x0013
_ANSWER: Final = 0x8000
"""An answer of the device object has this bit more than its question."""
_ON_MAINS: Final = 0x8E
_ON_BATTERY: Final = 0x80
_ENROLL_REQUEST: Final = 0x01
_STATUS_CHANGED: Final = 0x00
_ZONE_ADDRESS: Final = 0x0010

_NODE_DESCRIPTOR: Final = 0x0002
_SIMPLE_DESCRIPTOR: Final = 0x0004
_ACTIVE_ENDPOINTS: Final = 0x0005
_BIND: Final = 0x0021
_LEAVE: Final = 0x0034
_NEIGHBORS: Final = 0x0031
_NETWORK_ADDRESS: Final = 0x0000
_IEEE_ADDRESS: Final = 0x0001
_AGREED: Final = frozenset({_BIND, 0x0022, _LEAVE, 0x0036})
"""What the device object agrees to without more words: bind, unbind, leave, permit joins."""
_NOT_SUPPORTED: Final = 0x84


@dataclass(kw_only=True, slots=True)
class Node:
    """One device and what it has been told."""

    name: str
    model: DeviceModel
    ieee: bytes
    """Eight bytes, the first on the air first."""
    nwk: int
    joined: bool = False
    mute: bool = False
    """Whether it neither speaks nor answers, as with a flat battery."""
    link: Link = field(default_factory=Link)
    endpoints: dict[int, dict[int, Attributes]] = field(default_factory=dict)
    bound: set[tuple[int, int]] = field(default_factory=set)
    """Endpoint and cluster of each binding."""
    reporting: dict[tuple[int, int, int], zcl.Reporting] = field(default_factory=dict)
    """What it was asked to report, by endpoint, cluster and attribute."""
    enrolled: bool = False
    _sequence: int = 0

    def __post_init__(self) -> None:
        """Take a copy of the model's values; every device has the clusters that say what it is."""
        self.endpoints = {
            endpoint: {cluster: dict(attributes) for cluster, attributes in clusters.items()}
            for endpoint, clusters in self.model.endpoints.items()
        }
        first = self.endpoints[min(self.endpoints)]
        first[Cluster.BASIC] = {
            0x0000: Attribute(kind=Kind.UINT8, value=3),
            0x0001: Attribute(kind=Kind.UINT8, value=1),
            0x0004: Attribute(kind=Kind.STRING, value=self.model.manufacturer),
            0x0005: Attribute(kind=Kind.STRING, value=self.model.model),
            0x0007: Attribute(kind=Kind.ENUM8, value=1 if self.model.mains else 3),
            0x4000: Attribute(kind=Kind.STRING, value="1.0.0"),
        }
        first[Cluster.IDENTIFY] = {0x0000: Attribute(kind=Kind.UINT16, value=0)}

    @property
    def address(self) -> str:
        """Return the IEEE address as people write it."""
        return ":".join(f"{each:02x}" for each in reversed(self.ieee))

    # What it says unasked.

    def announce(self) -> Aps:
        """Return what a device calls out when it has joined."""
        data = struct.pack("<BH8sB", self._next(), self.nwk, self.ieee, _ON_MAINS if self.model.mains else _ON_BATTERY)
        return Aps(
            nwk=self.nwk, profile=_DEVICE_OBJECT, cluster=_ANNOUNCE, source=0, target=0, data=data,
            destination=ROUTERS_AND_ALL_AWAKE,
        )  # fmt: skip

    def report(self, quantity: str, value: float) -> Aps:
        """Return a report of a quantity in its own unit (°C, %, µg/m³, ppm, V)."""
        where = self.model.quantities[quantity]
        kind = self.endpoints[where.endpoint][where.cluster][where.attribute].kind
        return self.report_raw(where.endpoint, where.cluster, where.attribute, where.raw(value, kind))

    def report_raw(self, endpoint: int, cluster: int, attribute: int, value: Value) -> Aps:
        """Return a report of any attribute as it goes over the air."""
        known = self.endpoints[endpoint][cluster]
        known[attribute] = Attribute(kind=known[attribute].kind, value=value)
        return self._say(endpoint, cluster, zcl.report(self._next(), attribute, known[attribute]))

    def zone(self, status: int) -> Aps:
        """Return the notice that the zone's status is another; bit 0 is the alarm (wet)."""
        endpoint = self._endpoint_of(Cluster.IAS_ZONE)
        self.endpoints[endpoint][Cluster.IAS_ZONE][0x0002] = Attribute(kind=Kind.BITMAP16, value=status)
        header = Header(sequence=self._next(), command=_STATUS_CHANGED, cluster_command=True, from_server=True)
        return self._say(endpoint, Cluster.IAS_ZONE, header.pack() + struct.pack("<HBBH", status, 0, 0, 0))

    # What it answers.

    def answers(self, asked: Aps) -> list[Aps]:
        """Return what the device says to a message."""
        if asked.profile == _DEVICE_OBJECT and asked.target == 0:
            answer = asked.data[:1] + self._device_object(asked.cluster, asked.data[1:])
            return [
                Aps(nwk=self.nwk, profile=0, cluster=asked.cluster | _ANSWER, source=0, target=0, data=answer),
            ]
        return [
            Aps(
                nwk=self.nwk, profile=asked.profile, cluster=asked.cluster,
                source=asked.target, target=asked.source, data=data,
            )
            for data in self._cluster_answers(asked)
        ]  # fmt: skip

    def _device_object(self, cluster: int, body: bytes) -> bytes:
        nwk = struct.pack("<H", self.nwk)
        if cluster == _SIMPLE_DESCRIPTOR:
            return self._simple_descriptor(body[2])
        if cluster == _BIND:
            endpoint, bound = struct.unpack_from("<BH", body, 8)
            self.bound.add((endpoint, bound))
        elif cluster == _LEAVE:
            self.joined = False
        known = {
            _NETWORK_ADDRESS: self.ieee + nwk,
            _IEEE_ADDRESS: self.ieee + nwk,
            _NODE_DESCRIPTOR: nwk + self._node_descriptor(),
            _ACTIVE_ENDPOINTS: nwk + bytes([len(self.endpoints), *sorted(self.endpoints)]),
            _NEIGHBORS: bytes(3),
        }
        if cluster in known:
            return b"\0" + known[cluster]
        return bytes([0 if cluster in _AGREED else _NOT_SUPPORTED])

    def _node_descriptor(self) -> bytes:
        # A router or an end device, 2.4 GHz, sizes of its buffers; the stack's revision 22 in the server mask.
        logical, capabilities = (1, _ON_MAINS) if self.model.mains else (2, _ON_BATTERY)
        return struct.pack("<BBBHBHHHB", logical, 0x40, capabilities, MANUFACTURER, 82, 82, 22 << 9, 82, 0)

    def _simple_descriptor(self, endpoint: int) -> bytes:
        nwk = struct.pack("<H", self.nwk)
        if (clusters := self.endpoints.get(endpoint)) is None:
            return b"\x83" + nwk + b"\0"
        inputs = sorted(clusters)
        outputs = [Cluster.OTA] if endpoint == min(self.endpoints) else []
        text = struct.pack("<BHHB", endpoint, HOME_AUTOMATION, self.model.device_type, 1)
        for each in (inputs, outputs):
            text += bytes([len(each)]) + b"".join(struct.pack("<H", cluster) for cluster in each)
        return b"\0" + nwk + bytes([len(text)]) + text

    def _cluster_answers(self, asked: Aps) -> list[bytes]:
        header, body = Header.unpack(asked.data)
        known = self.endpoints.get(asked.target, {}).get(asked.cluster, {})
        if header.cluster_command:
            return self._cluster_command(header, asked.cluster, known, body)
        if header.command == Command.WRITE:
            return self._written(header, asked, known, body)
        if header.command in (Command.DEFAULT_RESPONSE, Command.REPORT):
            return []
        if header.command == Command.READ:
            # A manufacturer's own attributes are none of ours.
            answer, content = Command.READ_RESPONSE, zcl.read_answer(body, {} if header.manufacturer else known)
        elif header.command == Command.CONFIGURE_REPORTING:
            for each in zcl.reporting(body):
                self.reporting[asked.target, asked.cluster, each.attribute] = each
            answer, content = Command.CONFIGURE_REPORTING_RESPONSE, b"\0"
        elif header.command == Command.READ_REPORTING:
            answer, content = Command.READ_REPORTING_RESPONSE, bytes([zcl.UNSUPPORTED_ATTRIBUTE, 0]) + body[1:3]
        else:
            answer, content = Command.DEFAULT_RESPONSE, bytes([header.command, zcl.UNSUPPORTED_COMMAND])
        return [header.answer(answer).pack() + content]

    def _written(self, header: Header, asked: Aps, known: Attributes, body: bytes) -> list[bytes]:
        known |= {each: content for each, content in zcl.written(body).items() if each in known}
        answers = [header.answer(Command.WRITE_RESPONSE).pack() + b"\0"]
        zone = known.get(_ZONE_ADDRESS)
        if asked.cluster == Cluster.IAS_ZONE and zone is not None and zone.value != bytes(8):
            # Told whom to report to, a real sensor asks to be enrolled.
            request = Header(sequence=self._next(), command=_ENROLL_REQUEST, cluster_command=True, from_server=True)
            answers.append(request.pack() + struct.pack("<HH", known[0x0001].value, MANUFACTURER))
        return answers

    def _cluster_command(self, header: Header, cluster: int, known: Attributes, body: bytes) -> list[bytes]:
        if cluster == Cluster.IAS_ZONE and header.command == 0x00 and len(body) >= 2:
            self.enrolled = body[0] == 0
            known[0x0000] = Attribute(kind=Kind.ENUM8, value=1)
            known[0x0011] = Attribute(kind=Kind.UINT8, value=body[1])
        if header.silent:
            return []
        return [header.answer(Command.DEFAULT_RESPONSE).pack() + bytes([header.command, 0])]

    def _say(self, endpoint: int, cluster: int, data: bytes) -> Aps:
        return Aps(nwk=self.nwk, profile=HOME_AUTOMATION, cluster=cluster, source=endpoint, target=1, data=data)

    def _endpoint_of(self, cluster: int) -> int:
        return next(endpoint for endpoint, clusters in self.endpoints.items() if cluster in clusters)

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) & 0xFF
        return self._sequence
