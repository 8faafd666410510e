"""An ESPHome Bluetooth proxy in software, for Home Assistant's real `esphome` and `bluetooth`.

It speaks the ESPHome native API in plain text (frames 0x00, varint length, varint type, protobuf) with the
message classes of aioesphomeapi. Home Assistant believes it is an ESP32 with `bluetooth_proxy:`; it hears raw
adverts and connects to the peripherals given, within the slots there are.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

from aioesphomeapi import api_pb2 as pb

from .ble.peripheral import Property, Service
from .native_api import Client

PASSIVE_SCAN, ACTIVE_CONNECTIONS, REMOTE_CACHING, PAIRING = 1, 2, 4, 8
CACHE_CLEARING, RAW_ADVERTISEMENTS, STATE_AND_MODE = 16, 32, 64
RANDOM_ADDRESS = 1
BATCH = 16
"""Adverts in one message, as an ESP32 sends them."""
ERROR_TIMEOUT, ERROR_NOT_FOUND, ERROR_FAILED = 0x08, 0x85, 0x3E
SCANNER_RUNNING = 2
MODE_PASSIVE, MODE_ACTIVE = 0, 1
CLIENT_CONFIGURATION = "00002902-0000-1000-8000-00805f9b34fb"


@runtime_checkable
class Broadcaster(Protocol):
    """Whatever is on the air."""

    address: str
    rssi: int

    def advert(self) -> bytes | None:
        """Return the advertising data, None while silent."""

    def scan_response(self) -> bytes:
        """Return what an active scanner hears on top."""


@runtime_checkable
class Connectable(Broadcaster, Protocol):
    """Whatever can be connected to."""

    services: tuple[Service, ...]

    def connect(self, mtu: int, notify: Callable[[int, bytes], None]) -> None:
        """Begin a connection."""

    def disconnect(self) -> None:
        """End it."""

    def read(self, handle: int) -> bytes | None:
        """Return a value; None when there is none to read."""

    def write(self, handle: int, data: bytes) -> bool:
        """Take a value; False when it cannot be written."""


@dataclass(kw_only=True)
class Faults:
    """What goes wrong on this proxy."""

    refuse: bool = False
    """Every connection fails."""
    delay_s: float = 0.0
    """Before every answer about a connection."""
    drop_after: int | None = None
    """Break the connection at this many notifications, once."""
    deaf: bool = False
    """No adverts are passed on."""


@dataclass(kw_only=True)
class Link:
    """One connection of a slot."""

    client: Client
    peripheral: Connectable
    subscribed: set[int] = field(default_factory=set)


def address_number(address: str) -> int:
    """Return an address as the API has it."""
    return int(address.replace(":", ""), 16)


def uuid_halves(uuid: str) -> list[int]:
    """Return a UUID as the API has it."""
    number = int(uuid.replace("-", ""), 16)
    return [number >> 64, number & (1 << 64) - 1]


class Proxy:
    """`async with Proxy(devices=[...]) as proxy:` gives `proxy.port`."""

    def __init__(
        self,
        *,
        name: str = "ble-proxy",
        mac: str = "02:5E:57:00:00:01",
        devices: Iterable[Broadcaster] = (),
        slots: int = 3,
        connections: bool = True,
        interval_s: float = 1.0,
        mtu: int = 247,
    ) -> None:
        """Describe the proxy; `connections=False` is a passive one, `devices` is a list that may grow later."""
        self.name, self.mac = name, mac
        self.devices = list(devices)
        self.slots = slots
        self.mtu = mtu
        self.faults = Faults()
        self.log: list[str] = []
        self.port = 0
        self.links: dict[int, Link] = {}
        self._connections = connections
        self._interval = interval_s
        self._mode = MODE_ACTIVE
        self._clients: set[Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers: dict[str, Callable[[Client, Any], None]] = {
            name.removeprefix("_on_"): getattr(self, name) for name in dir(self) if name.startswith("_on_")
        }

    async def __aenter__(self) -> Self:
        """Listen on a port of the kernel's choice."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._beacon = asyncio.create_task(self._broadcast())
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Hang up and stop."""
        self._beacon.cancel()
        self._server.close()
        self.drop()
        await asyncio.gather(self._beacon, *self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def listeners(self) -> int:
        """Return how many clients want adverts."""
        return sum(client.listening for client in self._clients)

    @property
    def free(self) -> int:
        """Return the connection slots left."""
        return max(self.slots - len(self.links), 0)

    def drop(self) -> None:
        """Close every API connection, as a reboot of the proxy does."""
        for client in list(self._clients):
            client.close()

    def advertise(self, address: str, data: bytes, rssi: int = -60) -> int:
        """Pass one raw advert on; return how many heard it."""
        return self._pass_on([(address, data, rssi)])

    def advertise_now(self) -> int:
        """Pass on what is on the air now, without waiting for the next round; return how many adverts."""
        heard = []
        for device in self.devices:
            busy = any(link.peripheral is device for link in self.links.values())
            data = None if busy else device.advert()
            if data is None:
                continue
            heard.append((device.address, data, device.rssi))
            if self._mode == MODE_ACTIVE:
                heard.append((device.address, data + device.scan_response(), device.rssi))
        self._pass_on(heard)
        return len(heard)

    def _pass_on(self, heard: list[tuple[str, bytes, int]]) -> int:
        """Send adverts in batches."""
        if self.faults.deaf:
            return 0
        for start in range(0, len(heard), BATCH):
            message = pb.BluetoothLERawAdvertisementsResponse()
            for address, data, rssi in heard[start : start + BATCH]:
                message.advertisements.add(
                    address=address_number(address), rssi=rssi, address_type=RANDOM_ADDRESS, data=data
                )
            for client in self._clients:
                if client.listening:
                    client.send(message)
        return self.listeners

    async def _broadcast(self) -> None:
        """Pass on what is on the air, again and again."""
        while True:
            self.advertise_now()
            await asyncio.sleep(self._interval)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves."""
        client = Client(reader, writer)
        self._clients.add(client)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                await self._handle(client, await client.receive())
                await client.drain()
        except asyncio.IncompleteReadError, ConnectionError:
            pass
        finally:
            self._clients.discard(client)
            self._tasks.discard(task)
            for number in [number for number, link in self.links.items() if link.client is client]:
                self._unlink(number)
            client.close()

    async def _handle(self, client: Client, message: Any) -> None:
        """Answer one message."""
        kind = type(message).__name__
        if kind.startswith(("BluetoothDeviceRequest", "BluetoothGATT")) and self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        if kind not in {"NoneType", "PingRequest", "PingResponse"}:
            self.log.append(kind)
        if (handler := self._handlers.get(kind)) is not None:
            handler(client, message)

    def _on_HelloRequest(self, client: Client, message: Any) -> None:  # noqa: N802 - named as the message
        client.send(pb.HelloResponse(api_version_major=1, api_version_minor=12, server_info=self.name, name=self.name))

    def _on_AuthenticationRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        client.send(pb.AuthenticationResponse())

    def _on_PingRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        client.send(pb.PingResponse())

    def _on_DisconnectRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        client.send(pb.DisconnectResponse())
        client.close()

    def _on_DeviceInfoRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        features = PASSIVE_SCAN | REMOTE_CACHING | CACHE_CLEARING | RAW_ADVERTISEMENTS | STATE_AND_MODE
        client.send(
            pb.DeviceInfoResponse(
                name=self.name,
                friendly_name=f"{self.name} (simulated)",
                mac_address=self.mac,
                bluetooth_mac_address=f"{self.mac[:-2]}{int(self.mac[-2:], 16) ^ 0x80:02X}",
                esphome_version="2026.10.0",
                model="esp32dev",
                manufacturer="Simulated",
                compilation_time="Nov 21 2026, 12:00:00",
                bluetooth_proxy_feature_flags=features | (ACTIVE_CONNECTIONS if self._connections else 0),
            )
        )

    def _on_ListEntitiesRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        client.send(pb.ListEntitiesDoneResponse())

    def _on_SubscribeBluetoothLEAdvertisementsRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        client.listening = True
        self._tell_mode(client)

    def _on_UnsubscribeBluetoothLEAdvertisementsRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        client.listening = False

    def _on_BluetoothScannerSetModeRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        self._mode = message.mode
        self._tell_mode(client)

    def _tell_mode(self, client: Client) -> None:
        client.send(
            pb.BluetoothScannerStateResponse(state=SCANNER_RUNNING, mode=self._mode, configured_mode=MODE_ACTIVE)
        )

    def _on_SubscribeBluetoothConnectionsFreeRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        client.send(pb.BluetoothConnectionsFreeResponse(free=self.free, limit=self.slots, allocated=sorted(self.links)))

    def _on_BluetoothDeviceRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        match message.request_type:
            case pb.BLUETOOTH_DEVICE_REQUEST_TYPE_DISCONNECT:
                self._unlink(message.address)
                client.send(pb.BluetoothDeviceConnectionResponse(address=message.address, connected=False))
            case pb.BLUETOOTH_DEVICE_REQUEST_TYPE_PAIR:
                client.send(pb.BluetoothDevicePairingResponse(address=message.address, paired=False, error=1))
            case pb.BLUETOOTH_DEVICE_REQUEST_TYPE_UNPAIR:
                client.send(pb.BluetoothDeviceUnpairingResponse(address=message.address, success=True))
            case pb.BLUETOOTH_DEVICE_REQUEST_TYPE_CLEAR_CACHE:
                client.send(pb.BluetoothDeviceClearCacheResponse(address=message.address, success=True))
            case _:
                self._link(client, message.address)
        self._on_SubscribeBluetoothConnectionsFreeRequest(client, message)

    def _link(self, client: Client, number: int) -> None:
        """Connect to a peripheral if it is here and a slot is free."""
        device = next((each for each in self.devices if address_number(each.address) == number), None)
        error = 0
        if not isinstance(device, Connectable) or not self._connections:
            error = ERROR_NOT_FOUND
        elif self.faults.refuse or not self.free or number in self.links:
            error = ERROR_FAILED
        else:
            link = Link(client=client, peripheral=device)
            self.links[number] = link
            device.connect(self.mtu, lambda handle, data: self._notify(number, link, handle, data))
        client.send(
            pb.BluetoothDeviceConnectionResponse(
                address=number, connected=not error, mtu=0 if error else self.mtu, error=error
            )
        )

    def _unlink(self, number: int) -> None:
        """Free the slot of a connection."""
        if (link := self.links.pop(number, None)) is not None:
            link.peripheral.disconnect()

    def break_link(self, address: str) -> None:
        """Lose the connection to a device, as at the edge of its range."""
        number = address_number(address)
        if (link := self.links.get(number)) is not None:
            self._unlink(number)
            link.client.send(pb.BluetoothDeviceConnectionResponse(address=number, connected=False, error=ERROR_TIMEOUT))
            self._on_SubscribeBluetoothConnectionsFreeRequest(link.client, None)

    def _notify(self, number: int, link: Link, handle: int, data: bytes) -> None:
        """Carry a notification to whoever subscribed."""
        if self.links.get(number) is not link or handle not in link.subscribed:
            return
        if self.faults.drop_after is not None:
            self.faults.drop_after -= 1
            if self.faults.drop_after < 0:
                self.faults.drop_after = None
                self.break_link(link.peripheral.address)
                return
        link.client.send(pb.BluetoothGATTNotifyDataResponse(address=number, handle=handle, data=data))

    def _find(self, client: Client, message: Any) -> Link | None:
        """Return the connection a GATT message is about; answer the error when there is none."""
        if (link := self.links.get(message.address)) is None:
            self._refuse(client, message)
        return link

    @staticmethod
    def _refuse(client: Client, message: Any) -> None:
        """Answer that a handle cannot be used so."""
        handle = getattr(message, "handle", 0)
        client.send(pb.BluetoothGATTErrorResponse(address=message.address, handle=handle, error=ERROR_NOT_FOUND))

    def _on_BluetoothGATTGetServicesRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        if (link := self._find(client, message)) is None:
            return
        for service in link.peripheral.services:
            said = pb.BluetoothGATTService(uuid=uuid_halves(service.uuid), handle=service.handle)
            for each in service.characteristics:
                row = said.characteristics.add(
                    uuid=uuid_halves(each.uuid), handle=each.handle, properties=int(each.properties)
                )
                if each.properties & Property.NOTIFY:
                    row.descriptors.add(uuid=uuid_halves(CLIENT_CONFIGURATION), handle=each.handle + 1)
            client.send(pb.BluetoothGATTGetServicesResponse(address=message.address, services=[said]))
        client.send(pb.BluetoothGATTGetServicesDoneResponse(address=message.address))

    def _on_BluetoothGATTReadRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        if (link := self._find(client, message)) is None:
            return
        if (data := link.peripheral.read(message.handle)) is None:
            self._refuse(client, message)
        else:
            client.send(pb.BluetoothGATTReadResponse(address=message.address, handle=message.handle, data=data))

    def _on_BluetoothGATTWriteRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        if (link := self._find(client, message)) is None:
            return
        if len(message.data) > self.mtu - 3:
            self._refuse(client, message)
            return
        if message.response:
            client.send(pb.BluetoothGATTWriteResponse(address=message.address, handle=message.handle))
        link.peripheral.write(message.handle, message.data)

    def _on_BluetoothGATTWriteDescriptorRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        if self._find(client, message) is not None:
            client.send(pb.BluetoothGATTWriteResponse(address=message.address, handle=message.handle))

    def _on_BluetoothGATTNotifyRequest(self, client: Client, message: Any) -> None:  # noqa: N802
        if (link := self._find(client, message)) is None:
            return
        (link.subscribed.add if message.enable else link.subscribed.discard)(message.handle)
        client.send(pb.BluetoothGATTNotifyResponse(address=message.address, handle=message.handle))
