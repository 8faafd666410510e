"""Who our devices are: UUIDs, kinds and the open part that anyone may read (docs/protocol.md §2 and §4)."""

from dataclasses import dataclass
from enum import StrEnum
from struct import Struct
from typing import Final

from .errors import MalformedError

VERSION: Final = 1
"""The version of the protocol that this package speaks."""

SERVICE_UUID: Final = "d7b40001-e49d-442a-8e79-b89fb412c841"
"""Names the service data of adverts and the primary GATT service."""

INFO_UUID: Final = "d7b40002-e49d-442a-8e79-b89fb412c841"
"""Read: what the device is."""

CONTROL_UUID: Final = "d7b40003-e49d-442a-8e79-b89fb412c841"
"""Write: fragments of messages to the device."""

DATA_UUID: Final = "d7b40004-e49d-442a-8e79-b89fb412c841"
"""Notify: fragments of messages from the device."""

_INFO = Struct("<BBBBBBB8s")


class DeviceKind(StrEnum):
    """What an own device is."""

    INHALER_SLEEVE = "inhaler_sleeve"
    BED_NODE = "bed_node"


KIND_NUMBERS: Final = {DeviceKind.INHALER_SLEEVE: 1, DeviceKind.BED_NODE: 2}
KINDS: Final = {number: kind for kind, number in KIND_NUMBERS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """The open description of a device; says nothing about anybody's health and proves nothing."""

    kind: DeviceKind
    version: int
    """The newest version of the protocol the device speaks."""
    oldest_version: int
    """The oldest version it still speaks."""
    setup_mode: bool
    """Its button was held: it takes a new key now."""
    has_key: bool
    firmware: str
    """`major.minor.patch`."""
    hardware: int
    """Revision of the board."""
    serial: str
    """16 hex digits."""


def parse_info(data: bytes) -> Info:
    """Read the INFO characteristic; later versions may be longer."""
    if len(data) < _INFO.size:
        msg = "the description of the device is too short"
        raise MalformedError(msg)
    version, oldest, first, major, minor, patch, hardware, serial = _INFO.unpack_from(data)
    kind = KINDS.get(first & 0x0F)
    if kind is None or not 1 <= oldest <= version:
        msg = "the description of the device is not one of ours"
        raise MalformedError(msg)
    return Info(
        kind=kind,
        version=version,
        oldest_version=oldest,
        setup_mode=bool(first & 0x10),
        has_key=bool(first & 0x20),
        firmware=f"{major}.{minor}.{patch}",
        hardware=hardware,
        serial=serial.hex(),
    )
