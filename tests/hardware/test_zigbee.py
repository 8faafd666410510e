"""The simulated radio's wire format, held against the packing of the real host's library where it is installed."""

import json
import struct
from pathlib import Path

import pytest

from hardware.simulator.zigbee import DEVICES, Coordinator, JoinRefusedError, Node, wire, zcl
from hardware.simulator.zigbee.wire import Aps, Frame, FrameType, Link, WireError
from hardware.simulator.zigbee.zcl import Attribute, Cluster, Command, Header, Kind

IEEE = bytes.fromhex("0100000000 4b1200")


def node(name: str = "climate") -> Node:
    return Node(name=name, model=DEVICES[name], ieee=IEEE, nwk=0x1A01, joined=True)


def ask(device: Node, cluster: int, data: bytes, *, profile: int = 0x0104, endpoint: int = 1) -> list[bytes]:
    asked = Aps(nwk=device.nwk, profile=profile, cluster=cluster, source=1, target=endpoint, data=data)
    return [answer.data for answer in device.answers(asked)]


@pytest.mark.parametrize("kind", list(FrameType))
def test_a_frame_survives_the_wire(kind: FrameType) -> None:
    frame = Frame(command=0x30, kind=kind, request=0x3FFF, body=b"abc")

    assert Frame.unpack(frame.pack()) == frame


def test_a_header_is_a_command_and_a_little_endian_word() -> None:
    frame = Frame(command=0x20, kind=FrameType.RESPONSE, request=5, body=b"\0")

    assert frame.pack() == bytes([0x20, 5 << 2 | 1, 0, 0])


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01\x02"])
def test_what_is_shorter_than_a_header_is_no_frame(data: bytes) -> None:
    with pytest.raises(WireError):
        Frame.unpack(data)


def unicast(route: int, between: bytes, data: bytes) -> bytes:
    head = struct.pack("<BH8sHHBBBBbB", 3, 0x1A01, IEEE, 0x0104, 0x0402, 1, 2, 9, 30, 0, route)
    return head + between + struct.pack("<H", len(data)) + data


@pytest.mark.parametrize(("route", "between"), [(0, b""), (1, b"\1\2"), (2, b"\1\2"), (3, b"\2\1\2\3\4"), (4, b"\0")])
def test_a_unicast_is_read_whatever_its_route(route: int, between: bytes) -> None:
    found = wire.unpack_unicast(unicast(route, between, b"hello"))

    assert (found.ieee, found.acknowledged) == (IEEE, True)
    assert found.aps == Aps(nwk=0x1A01, profile=0x0104, cluster=0x0402, source=1, target=2, data=b"hello")


@pytest.mark.parametrize("cut", [1, 10, 21, 25])
def test_a_unicast_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(WireError):
        wire.unpack_unicast(unicast(0, b"", b"hello")[:cut])


def test_a_received_message_is_what_the_real_host_unpacks() -> None:
    real = pytest.importorskip("zigpy_ziggurat.zigbee.wire", reason="the workshop's libraries are not installed")
    aps = Aps(nwk=0x1A01, profile=0x0104, cluster=0x0402, source=1, target=1, data=b"\x18\x01\x0a")

    payload, rest = real.ReceivedApsPayload.deserialize(wire.received(aps, Link(lqi=40, rssi=-88)))

    assert rest == b""
    assert (payload.source, payload.destination, payload.cluster_id) == (0x1A01, 0x0000, 0x0402)
    assert (payload.lqi, payload.rssi, payload.data) == (40, -88, b"\x18\x01\x0a")


def test_join_and_leave_are_what_the_real_host_unpacks() -> None:
    real = pytest.importorskip("zigpy_ziggurat.zigbee.wire", reason="the workshop's libraries are not installed")

    came, rest = real.DeviceJoinedPayload.deserialize(wire.joined(0x1A01, IEEE, mains=False))
    assert rest == b""
    assert (came.nwk, came.ieee.serialize(), came.rx_on_when_idle) == (0x1A01, IEEE, 0)
    assert came.device_type == real.ChildDeviceType.END_DEVICE

    gone, rest = real.DeviceLeftPayload.deserialize(wire.left(0x1A01, IEEE, rejoin=True))
    assert rest == b""
    assert (gone.nwk, gone.ieee.serialize(), gone.rejoin) == (0x1A01, IEEE, 1)
    assert gone.reason == real.LeaveReason.ANNOUNCED


def test_what_a_host_sends_is_understood() -> None:
    real = pytest.importorskip("zigpy_ziggurat.zigbee.wire", reason="the workshop's libraries are not installed")
    types = pytest.importorskip("zigpy.types")
    sent = real.SendUnicastPayload(
        has_eui64=1, aps_ack=0, aps_encryption=0, sleepy_destination=0, reserved=0, destination=0x1A01,
        destination_eui64=types.EUI64(IEEE), profile_id=0, cluster_id=5, src_ep=0, dst_ep=0, aps_seq=1, radius=30,
        priority=0, route=real.RouteControl.STACK_DECIDES, asdu=types.LongOctetString(b"\1\1\x1a"),
    )  # fmt: skip

    found = wire.unpack_unicast(sent.serialize())

    assert (found.ieee, found.acknowledged, found.aps.cluster, found.aps.data) == (IEEE, False, 5, b"\1\1\x1a")


@pytest.mark.parametrize(
    ("quantity", "value", "raw"),
    [
        ("temperature", 18.75, struct.pack("<h", 1875)),
        ("temperature", -4.0, struct.pack("<h", -400)),
        ("humidity", 72.3, struct.pack("<H", 7230)),
        ("battery", 90.5, bytes([181])),
        ("voltage", 2.9, bytes([29])),
    ],
)
def test_a_report_carries_the_value_in_the_clusters_own_unit(quantity: str, value: float, raw: bytes) -> None:
    report = node().report(quantity, value)
    header, body = Header.unpack(report.data)

    assert (header.command, header.from_server, header.silent) == (Command.REPORT, True, True)
    assert body.endswith(raw)


def test_dust_and_carbon_dioxide_go_as_floats() -> None:
    dust = node("dust")

    assert dust.report("pm25", 38.0).data.endswith(struct.pack("<f", 38.0))
    assert dust.report("co2", 800.0).data.endswith(struct.pack("<f", 0.0008))


def test_the_cold_corner_has_an_endpoint_of_its_own() -> None:
    mold = node("mold")

    assert mold.report("temperature", 20.0).source == 1
    assert mold.report("surface_temperature", 14.5).source == 2


def test_a_read_returns_what_was_reported_and_refuses_what_is_not_there() -> None:
    device = node()
    device.report("temperature", 18.75)
    (answer,) = ask(device, Cluster.TEMPERATURE, b"\x00\x07\x00" + struct.pack("<HH", 0, 0x77))

    header, body = Header.unpack(answer)
    assert (header.sequence, header.command) == (7, Command.READ_RESPONSE)
    assert body == b"\0\0\0" + bytes([Kind.INT16]) + struct.pack("<h", 1875) + b"\x77\0\x86"


def test_an_answer_about_a_client_cluster_comes_from_a_client() -> None:
    """Sent as a server it is dropped unread, and the interview waits for ever."""
    from_server = bytes([0x08, 3, Command.READ, 2, 0])
    (answer,) = ask(node(), Cluster.OTA, from_server)

    assert not Header.unpack(answer)[0].from_server


def test_a_leak_sensor_asks_to_be_enrolled_when_it_knows_whom_to_tell() -> None:
    leak = node("leak")
    write = bytes([0x10, 1, Command.WRITE]) + struct.pack("<HB", 0x10, Kind.EUI64) + bytes(range(8))
    written, request = ask(leak, Cluster.IAS_ZONE, write)
    ask(leak, Cluster.IAS_ZONE, bytes([0x11, 2, 0, 0, 5]))

    assert Header.unpack(written)[0].command == Command.WRITE_RESPONSE
    assert Header.unpack(request)[0].cluster_command
    assert leak.enrolled
    assert leak.endpoints[1][Cluster.IAS_ZONE][0x0011] == Attribute(kind=Kind.UINT8, value=5)


def test_reporting_is_remembered_with_and_without_a_change_worth_telling() -> None:
    device = node()
    wanted = struct.pack("<BHBHHh", 0, 0, Kind.INT16, 30, 900, 50) + struct.pack("<BHBHH", 0, 1, Kind.ENUM8, 1, 60)
    ask(device, Cluster.TEMPERATURE, bytes([0x10, 1, Command.CONFIGURE_REPORTING]) + wanted)

    assert device.reporting[1, Cluster.TEMPERATURE, 0] == zcl.Reporting(attribute=0, shortest_s=30, longest_s=900)
    assert device.reporting[1, Cluster.TEMPERATURE, 1].longest_s == 60


def test_the_descriptors_name_every_endpoint_and_cluster() -> None:
    mold = node("mold")
    (active,) = ask(mold, 0x0005, b"\x01\x01\x1a", profile=0, endpoint=0)
    (simple,) = ask(mold, 0x0004, b"\x02\x01\x1a\x02", profile=0, endpoint=0)
    (unknown,) = ask(mold, 0x0004, b"\x03\x01\x1a\x09", profile=0, endpoint=0)

    assert active == b"\x01\0\x01\x1a\x02\x01\x02"
    assert simple[5] == 2
    assert struct.pack("<H", Cluster.TEMPERATURE) in simple
    assert unknown[1] != 0


async def test_the_network_is_closed_until_the_host_opens_it(socket_enabled: None) -> None:
    async with Coordinator() as radio:
        with pytest.raises(JoinRefusedError):
            await radio.join("climate")


async def test_a_replaced_device_has_other_addresses(socket_enabled: None) -> None:
    async with Coordinator() as radio:
        before = radio.devices["climate"]
        after = radio.replace("climate")

    assert before.ieee != after.ieee
    assert before.nwk != after.nwk
    assert len(after.address) == 23


async def test_a_trace_drives_the_devices(socket_enabled: None, tmp_path: Path) -> None:
    events = [
        {"t": 0, "device": "climate", "rejoin": True},
        {"t": 0.01, "device": "climate", "report": {"temperature": 18.75}, "lqi": 40},
        {"t": 0.02, "device": "leak", "wet": True},
        {"t": 0.03, "device": "leak", "mute": True},
        {"t": 0.04, "drop": True},
    ]
    trace = tmp_path / "evening.jsonl"
    trace.write_text("\n".join(json.dumps(each) for each in events), encoding="utf-8")
    async with Coordinator() as radio:
        await radio.play(trace, speed=10.0)
        climate, leak = radio.devices["climate"], radio.devices["leak"]

    assert climate.joined
    assert climate.link == Link(lqi=40, rssi=-55)
    assert climate.endpoints[1][Cluster.TEMPERATURE][0].value == 1875
    assert leak.endpoints[1][Cluster.IAS_ZONE][2].value == 1
    assert leak.mute
