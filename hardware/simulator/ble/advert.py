"""What a device broadcasts (docs/protocol.md §2)."""

from .seal import seal_advert

SERVICE_UUID = "d7b40001-e49d-442a-8e79-b89fb412c841"
VERSION = 1
KINDS = {"inhaler_sleeve": 1, "bed_node": 2}
EVENTS = {
    "none": 0,
    "boot": 1,
    "puff": 2,
    "test_fire": 3,
    "cap_opened": 4,
    "cap_closed": 5,
    "occupied": 8,
    "empty": 9,
}
LOW_BATTERY, CLOCK_LOST, LOG_OVERFLOW, IDENTIFYING = 1, 2, 4, 8
UNKNOWN = 0xFF


def address_bytes(address: str) -> bytes:
    """Return an address in the order it is written."""
    return bytes.fromhex(address.replace(":", ""))


def structure(kind: int, data: bytes) -> bytes:
    """Return one AD structure."""
    return bytes([len(data) + 1, kind]) + data


def frame(payload: bytes) -> bytes:
    """Return the whole advertising data around a payload; never more than 31 bytes."""
    uuid = bytes.fromhex(SERVICE_UUID.replace("-", ""))[::-1]
    data = structure(0x01, b"\x06") + structure(0x21, uuid + payload)
    assert len(data) <= 31, "a legacy advert has 31 bytes"
    return data


def state(battery: int | None, event_id: int, last_event: str, flags: int) -> bytes:
    """Return the three bytes that go under the seal."""
    return bytes([UNKNOWN if battery is None else battery, event_id & 0xFF, EVENTS[last_event] | flags << 4])


def sealed(kind: str, address: str, key: bytes, counter: int, plain: bytes) -> bytes:
    """Return the payload of a device with a key."""
    head = VERSION | KINDS[kind] << 4 | 0x80
    low = (counter & 0xFFFF).to_bytes(2, "little")
    return bytes([head]) + low + seal_advert(key, address_bytes(address), head, counter, plain)


def in_the_open(
    kind: str, counter: int, firmware: tuple[int, int, int], battery: int | None, *, setup_mode: bool, has_key: bool
) -> bytes:
    """Return the payload of a device without key, or whose button was held."""
    head = VERSION | KINDS[kind] << 4
    return (
        bytes([head])
        + (counter & 0xFFFF).to_bytes(2, "little")
        + bytes([setup_mode | has_key << 1, *firmware[:2], UNKNOWN if battery is None else battery])
        + bytes(3)
    )
