"""BTHome v2 adverts, plain and encrypted, and the mold, leak and dust nodes that send them (bthome.io/format)."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from .advert import address_bytes, structure

UUID = b"\xd2\xfc"
OBJECTS: dict[str, tuple[int, int, float, bool]] = {
    # name: object id, bytes, unit, signed
    "packet": (0x00, 1, 1, False),
    "battery": (0x01, 1, 1, False),
    "temperature": (0x02, 2, 0.01, True),
    "humidity": (0x03, 2, 0.01, False),
    "voltage": (0x0C, 2, 0.001, False),
    "pm25": (0x0D, 2, 1, False),
    "pm10": (0x0E, 2, 1, False),
    "co2": (0x12, 2, 1, False),
    "tvoc": (0x13, 2, 1, False),
    "moisture": (0x14, 2, 0.01, False),
    "low_battery": (0x15, 1, 1, False),
    "leak": (0x20, 1, 1, False),
    "occupancy": (0x23, 1, 1, False),
    "button": (0x3A, 1, 1, False),
}
_ENCRYPTED = 0x01
_VERSION = 2 << 5


def body(objects: Iterable[tuple[str, float]]) -> bytes:
    """Return the measurements in the order of their object ids, as the format asks for."""
    out = b""
    for name, value in sorted(objects, key=lambda each: OBJECTS[each[0]][0]):
        number, size, unit, signed = OBJECTS[name]
        out += bytes([number]) + round(value / unit).to_bytes(size, "little", signed=signed)
    return out


def service_data(address: str, content: bytes, key: bytes | None = None, counter: int = 0) -> bytes:
    """Return the service data, UUID included; with a key, encrypted under a counter that must grow."""
    if key is None:
        return UUID + bytes([_VERSION]) + content
    info = bytes([_VERSION | _ENCRYPTED])
    count = counter.to_bytes(4, "little")
    sealed = AESCCM(key, tag_length=4).encrypt(address_bytes(address) + UUID + info + count, content, None)
    return UUID + info + sealed[:-4] + count + sealed[-4:]


class BTHomeNode:
    """A sensor that broadcasts."""

    def __init__(
        self,
        address: str,
        name: str,
        *,
        key: bytes | None = None,
        rssi: int = -58,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Switch the sensor on; it is silent until it has measured."""
        self.address = address
        self.name = name
        self.rssi = rssi
        self._key = key
        self._packet = 0
        # As common firmware does, so that the counter grows over restarts without flash.
        self._counter = int(clock())
        self._data: bytes | None = None

    def measure(self, objects: Mapping[str, float] | Iterable[tuple[str, float]]) -> None:
        """Put new measurements on the air; pairs may name a quantity twice (air and cold corner)."""
        pairs = list(objects.items()) if isinstance(objects, Mapping) else list(objects)
        self._packet = (self._packet + 1) & 0xFF
        self._counter += 1
        data = service_data(self.address, body([("packet", self._packet), *pairs]), self._key, self._counter)
        self._data = structure(0x01, b"\x06") + structure(0x16, data)
        assert len(self._data) <= 31, "a legacy advert has 31 bytes"

    def advert(self) -> bytes | None:
        """Return the advertising data now on the air."""
        if self._data is None:
            return None
        name = structure(0x09, self.name.encode())
        return self._data + name if len(self._data) + len(name) <= 31 else self._data

    def scan_response(self) -> bytes:
        """Return the name."""
        return structure(0x09, self.name.encode()[:29])

    def perform(self, action: Mapping[str, Any]) -> None:
        """Do what a line of a trace says."""
        if "bthome" in action:
            said = action["bthome"]
            self.measure([(name, value) for name, value in said] if isinstance(said, list) else said)
