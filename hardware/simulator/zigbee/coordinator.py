"""The radio: a WebSocket server that ZHA takes for a Zigbee stick, and the devices within its reach.

ZHA is set up with the serial port path `Coordinator.url` and the radio type Ziggurat. What is
above the radio is all real: forming the network, interview, quirks, binding, reporting,
enrolling, reports. The radio keeps its network while it lives, as a stick does, whoever connects.
"""

import asyncio
import contextlib
import json
import struct
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from aiohttp import WSMsgType, web

from . import wire
from .devices import DEVICES, DeviceModel
from .network import Node
from .wire import Aps, Frame, FrameType, Link, Notification, Request, Sent, Status, WireError
from .zcl import Value

_HARDWARE_ADDRESS: Final = bytes.fromhex("c0010101004b1200")
_EMPTY_TABLES: Final = frozenset(
    {Request.SCAN_KEY_TABLE, Request.SCAN_CHILDREN, Request.SCAN_ADDRESS_CACHE, Request.SCAN_ROUTE_TABLE}
)
_AGREED: Final = frozenset(
    {
        Request.RESET,
        Request.LOAD_KEY_TABLE,
        Request.LOAD_CHILDREN,
        Request.LOAD_ADDRESS_CACHE,
        Request.LOAD_ROUTE_TABLE,
        Request.LOAD_SOURCE_ROUTES,
        Request.SET_CHANNEL,
        Request.SET_NWK_UPDATE_ID,
        Request.SET_PROVISIONAL_KEY,
        Request.SET_TUNABLE,
        Request.ENERGY_SCAN,
        Request.NETWORK_SCAN,
    }
)
"""Requests that are agreed to and change nothing here."""
_QUIET_DBM: Final = -85
_ACK_TIMEOUT_S: Final = 1.0


class JoinRefusedError(Exception):
    """The network does not permit joins now."""


class Coordinator:
    """One radio and its devices.

    `async with Coordinator() as radio:` listens on `radio.url`; then devices are driven by their
    names, from Python or by a trace (`play`).
    """

    def __init__(self, models: Mapping[str, DeviceModel] = DEVICES, *, port: int = 0, sleepy_s: float = 0.0) -> None:
        """Prepare; port 0 lets the kernel choose. A device on a battery polls every `sleepy_s` seconds."""
        self.port = port
        self.devices: dict[str, Node] = {}
        self.permit_s = 0
        """For how long the host permits joins; 0 is not at all."""
        self._sleepy_s = sleepy_s
        self._next_address = 0
        self._state: bytes | None = None
        self._started = False
        self._socket: web.WebSocketResponse | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        for name, model in models.items():
            self.add(name, model)

    @property
    def url(self) -> str:
        """Return what to enter in ZHA as the serial port."""
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def connected(self) -> bool:
        """Return whether a host is connected."""
        return self._socket is not None and not self._socket.closed

    @property
    def started(self) -> bool:
        """Return whether the host has formed or resumed a network."""
        return self._started

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application()
        app.add_routes([web.get("/", self._serve)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        for task in tuple(self._tasks):
            task.cancel()
        await self.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    # What a test or a trace makes devices do.

    def add(self, name: str, model: DeviceModel) -> Node:
        """Bring a device within reach; it has not joined yet."""
        self._next_address += 1
        node = Node(
            name=name, model=model,
            ieee=struct.pack("<IHH", self._next_address, 0x4B00, 0x0012), nwk=0x1A00 + self._next_address,
        )  # fmt: skip
        self.devices[name] = node
        return node

    async def join(self, name: str) -> None:
        """Let a device join; raises JoinRefusedError when the host does not permit it now."""
        if not self.permit_s:
            msg = f"{name} may not join: the network is closed"
            raise JoinRefusedError(msg)
        await self.rejoin(name)

    async def rejoin(self, name: str) -> None:
        """Let a device that has the network's key come back, which needs no permission."""
        node = self.devices[name]
        node.joined, node.mute = True, False
        await self._notify(Notification.DEVICE_JOINED, wire.joined(node.nwk, node.ieee, mains=node.model.mains))
        await self._hear(node, node.announce())

    async def leave(self, name: str, *, rejoin: bool = False) -> None:
        """Let a device announce that it leaves."""
        node = self.devices[name]
        node.joined = False
        await self._notify(Notification.DEVICE_LEFT, wire.left(node.nwk, node.ieee, rejoin=rejoin))

    def replace(self, name: str) -> Node:
        """Take another device of the same kind into its place: same name, new addresses, not joined."""
        return self.add(name, self.devices[name].model)

    def mute(self, name: str, *, on: bool = True) -> None:
        """Let a device neither speak nor answer, or do so again."""
        self.devices[name].mute = on

    def link(self, name: str, *, lqi: int, rssi: int) -> None:
        """Say how well a device is heard from now on."""
        self.devices[name].link = Link(lqi=lqi, rssi=rssi)

    async def report(self, name: str, **quantities: float) -> None:
        """Let a device report quantities of its model, each in a frame of its own."""
        node = self.devices[name]
        for quantity, value in quantities.items():
            await self._hear(node, node.report(quantity, value))

    async def report_raw(self, name: str, endpoint: int, cluster: int, attribute: int, value: Value) -> None:
        """Let a device report any attribute as it goes over the air."""
        node = self.devices[name]
        await self._hear(node, node.report_raw(endpoint, cluster, attribute, value))

    async def zone(self, name: str, *, wet: bool) -> None:
        """Let a leak sensor say that it is wet or dry."""
        node = self.devices[name]
        await self._hear(node, node.zone(int(wet)))

    async def drop(self) -> None:
        """Break the connection to the host, as when a stick is pulled out and put back."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def play(self, trace: Path, *, speed: float = 1.0) -> None:
        """Do what a trace says, `speed` times as fast."""
        lines = await asyncio.to_thread(trace.read_text, encoding="utf-8")
        began = asyncio.get_running_loop().time()
        for line in lines.splitlines():
            event = json.loads(line)
            await asyncio.sleep(began + event["t"] / speed - asyncio.get_running_loop().time())
            await self.do(event)

    async def do(self, event: Mapping[str, Any]) -> None:
        """Do one thing: `{"t": 0, "device": "leak", "wet": true}` and the like; see README.md."""
        if event.get("drop"):
            await self.drop()
            return
        name = event["device"]
        if "lqi" in event or "rssi" in event:
            link = self.devices[name].link
            self.link(name, lqi=event.get("lqi", link.lqi), rssi=event.get("rssi", link.rssi))
        if "mute" in event:
            self.mute(name, on=event["mute"])
        if event.get("replace"):
            self.replace(name)
        for word, act in (("join", self.join), ("rejoin", self.rejoin), ("leave", self.leave)):
            if event.get(word):
                await act(name)
        if "wet" in event:
            await self.zone(name, wet=event["wet"])
        await self.report(name, **event.get("report", {}))

    # The radio.

    async def _hear(self, node: Node, aps: Aps) -> None:
        if node.joined and not node.mute:
            await self._notify(Notification.RECEIVED_APS, wire.received(aps, node.link))

    async def _notify(self, command: Notification, body: bytes, request: int = 0) -> None:
        await self._send(Frame(command=command, kind=FrameType.NOTIFICATION, request=request, body=body))

    async def _send(self, frame: Frame) -> None:
        if self._socket is not None and not self._socket.closed:
            with contextlib.suppress(ConnectionError):
                await self._socket.send_bytes(frame.pack())

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        # A stick has one serial line: who connects last has it.
        await self.drop()
        self._socket = socket
        await self._notify(Notification.HELLO, wire.hello(configured=self._state is not None))
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                with contextlib.suppress(WireError):
                    await self._handle(Frame.unpack(message.data))
        return socket

    async def _handle(self, frame: Frame) -> None:
        status, payload, after = self._answer(frame)
        if frame.command == Request.ENERGY_SCAN:
            for channel in frame.body[2 : 2 + struct.unpack_from("<H", frame.body)[0]]:
                quiet = struct.pack("<Bb", channel, _QUIET_DBM)
                await self._send(Frame(command=frame.command, kind=FrameType.EVENT, request=frame.request, body=quiet))
        answer = bytes([status]) + payload
        await self._send(Frame(command=frame.command, kind=FrameType.RESPONSE, request=frame.request, body=answer))
        if after is not None:
            task = asyncio.create_task(after)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _answer(self, frame: Frame) -> tuple[Status, bytes, Coroutine[Any, Any, None] | None]:
        """Return how a request goes, what it returns, and what happens after it."""
        if frame.command in _AGREED:
            return Status.OK, b"", None
        if frame.command in _EMPTY_TABLES:
            return Status.OK, struct.pack("<H", 0), None
        if frame.command == Request.SEND_UNICAST:
            return Status.OK, b"", self._deliver(frame.request, wire.unpack_unicast(frame.body))
        if frame.command in (Request.SEND_BROADCAST, Request.SEND_GROUPCAST):
            sent = self._notify(Notification.BROADCAST_CONFIRM, bytes([Sent.SUCCESS]), frame.request)
            return Status.OK, b"", sent
        return *self._manage(frame.command, frame.body), None

    def _manage(self, command: int, body: bytes) -> tuple[Status, bytes]:
        """Form, resume, open and describe the network."""
        payload = b""
        match command:
            case Request.GET_FIRMWARE_INFO:
                payload = wire.firmware("simulated")
            case Request.GET_HW_ADDRESS:
                payload = _HARDWARE_ADDRESS
            case Request.CONFIGURE:
                self._state, self._started = body[2:], False
            case Request.SHUTDOWN:
                self._state, self._started = None, False
            case Request.START_NETWORK:
                self._started = True
            case Request.GET_NETWORK_INFO if self._state is None:
                return Status.NOT_CONFIGURED, b""
            case Request.GET_NETWORK_INFO:
                payload = (self._state or b"") + struct.pack("<HB", 0, self._started)
            case Request.PERMIT_JOINS:
                (self.permit_s,) = struct.unpack_from("<H", body)
            case Request.CANCEL_REQUEST:
                payload = b"\0"
            case _:
                return Status.UNKNOWN_COMMAND, b""
        return Status.OK, payload

    async def _deliver(self, request: int, unicast: wire.Unicast) -> None:
        """Carry a message to a device and its answers back."""
        node = _addressed(self.devices.values(), unicast)
        if node is None:
            await self._notify(Notification.SEND_CONFIRM, bytes([Sent.SUCCESS]), request)
            await asyncio.sleep(_ACK_TIMEOUT_S)
            if unicast.acknowledged:
                await self._notify(Notification.APS_ACK_CONFIRM, bytes([Sent.APS_ACK_TIMEOUT]), request)
            return
        if not node.model.mains and self._sleepy_s:
            # It waits at the parent until the device polls.
            await asyncio.sleep(self._sleepy_s)
        await self._notify(Notification.SEND_CONFIRM, bytes([Sent.SUCCESS]), request)
        if unicast.acknowledged:
            await self._notify(Notification.APS_ACK_CONFIRM, bytes([Sent.SUCCESS]), request)
        for answer in node.answers(unicast.aps):
            await self._hear(node, answer)


def _addressed(nodes: Iterable[Node], unicast: wire.Unicast) -> Node | None:
    """Return the device a message reaches; one that left or is mute is not reached."""
    for node in nodes:
        if (node.nwk == unicast.aps.nwk or node.ieee == unicast.ieee) and node.joined and not node.mute:
            return node
    return None
