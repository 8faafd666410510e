"""Own devices on a made-up radio: real adverts into the real `bluetooth`, connections straight to a simulated device.

Home Assistant's own Bluetooth stack ends at bleak's client here; what lies below it runs in tests/e2e/test_own_devices.py.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError
from bleak_retry_connector import BleakOutOfConnectionSlotsError
from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from custom_components.smartloop.protocol import SERVICE_UUID
from hardware.simulator.ble.peripheral import CONTROL_UUID, DATA_UUID, BedNode, InhalerSleeve, Peripheral

SLEEVE, BED = "C0:FF:EE:00:00:07", "C0:FF:EE:00:00:08"
KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
OTHER_KEY = bytes.fromhex("ffeeddccbbaa99887766554433221100")


def sleeve(address: str = SLEEVE, **more: Any) -> InhalerSleeve:
    """Return a sleeve whose clock is the test's."""
    return InhalerSleeve(address, clock=_now, **{"key": KEY} | more)


def bed_node(address: str = BED, **more: Any) -> BedNode:
    return BedNode(address, clock=_now, **{"key": KEY} | more)


def _now() -> float:
    return dt_util.utcnow().timestamp()


def advertise(
    hass: HomeAssistant, device: Peripheral, payload: bytes | None = None, *, connectable: bool = True, rssi: int = -60
) -> None:
    """Let Home Assistant hear a packet of the device."""
    data = {SERVICE_UUID: device.payload() if payload is None else payload}
    bluetooth.async_get_advertisement_callback(hass)(
        bluetooth.BluetoothServiceInfoBleak(
            name=device.name,
            address=device.address,
            rssi=rssi,
            manufacturer_data={},
            service_data=data,
            service_uuids=[],
            source="local",
            device=BLEDevice(device.address, device.name, {}),
            advertisement=AdvertisementData(device.name, {}, data, [], None, rssi, ()),
            connectable=connectable,
            time=time.monotonic(),
            tx_power=None,
        )
    )


class Air:
    """The devices that can be connected to, and what goes wrong on the way."""

    def __init__(self) -> None:
        self.devices: dict[str, Peripheral] = {}
        self.connections: list[str] = []
        self.open = 0
        self.most_open = 0
        self.out_of_slots = False
        self.drop_after: int | None = None
        """Break the next connection after so many writes."""
        self.before_write: Callable[[], None] = lambda: None
        self.during: Callable[[], Awaitable[None]] | None = None
        """What every write waits for."""
        self.instead: Callable[[Client], None] | None = None
        """Who answers in the device's place."""

    async def connect(self, client_class: type, device: BLEDevice, name: str, *args: Any, **kwargs: Any) -> Client:
        """Stand in for bleak_retry_connector.establish_connection."""
        if self.out_of_slots:
            msg = "no connection slot became available"
            raise BleakOutOfConnectionSlotsError(msg)
        if device.address not in self.devices:
            msg = "it went away"
            raise BleakError(msg)
        self.connections.append(device.address)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        return Client(self, self.devices[device.address], kwargs["disconnected_callback"])


class Client:
    """What of bleak's client is used."""

    mtu_size = 247

    def __init__(self, air: Air, device: Peripheral, dropped: Callable[[Any], None]) -> None:
        self._air = air
        self._device = device
        self._dropped = dropped
        self._connected = True
        self._notified: Callable[[Any, bytearray], None] | None = None
        device.connect(self.mtu_size, self._notify)

    def _notify(self, _handle: int, data: bytes) -> None:
        assert self._notified is not None
        self._notified(SimpleNamespace(uuid=DATA_UUID), bytearray(data))

    def notify(self, data: bytes) -> None:
        """Say something in the device's place."""
        self._notify(0x0016, data)

    async def start_notify(self, uuid: str, notified: Callable[[Any, bytearray], None]) -> None:
        assert uuid == DATA_UUID
        self._notified = notified

    async def write_gatt_char(self, uuid: str, data: bytes, *, response: bool) -> None:
        assert uuid == CONTROL_UUID
        assert response
        if self._air.drop_after is not None:
            self._air.drop_after -= 1
            if self._air.drop_after < 0:
                self._air.drop_after = None
                self._hang_up()
                self._dropped(self)
                return
        self._air.before_write()
        if self._air.during is not None:
            await self._air.during()
        if self._air.instead is not None:
            self._air.instead(self)
            return
        if not self._connected:
            msg = "not connected"
            raise BleakError(msg)
        self._device.write(0x0013, data)

    async def disconnect(self) -> None:
        self._hang_up()

    async def clear_cache(self) -> bool:
        return True

    def _hang_up(self) -> None:
        if self._connected:
            self._connected = False
            self._air.open -= 1
            self._device.disconnect()


@contextmanager
def radio(*devices: Peripheral) -> Iterator[Air]:
    """Let these devices be connected to."""
    air = Air()
    air.devices = {device.address: device for device in devices}
    with patch("custom_components.smartloop.adapters.gatt.establish_connection", air.connect):
        yield air


def puffs(device: InhalerSleeve, count: int, **measured: Any) -> list[datetime]:
    """Let somebody take some puffs; return when."""
    taken = []
    for _ in range(count):
        device.puff(**measured)
        taken.append(dt_util.utcnow())
    return taken
