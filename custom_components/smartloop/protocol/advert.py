"""The ten bytes a device broadcasts: who it is, how it is, what happened last (docs/protocol.md §2)."""

from dataclasses import dataclass
from enum import Flag as EnumFlag
from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidTag

from .crypto import advert_opener
from .errors import KeyMissingError, MalformedError, RepeatError, ReplayError, VersionError, WrongKeyError
from .key import parse_address
from .service import KINDS, VERSION, DeviceKind

ADVERT_BYTES: Final = 10
_ENCRYPTED: Final = 0x80
_WINDOW: Final = 0x8000
"""A counter may run ahead of the last one by less than this; all else lies behind it."""
_FIRST_CONTACT_TURNS: Final = 256
"""Without a last counter, so many values of its high half are tried: 32 years of one advert a minute."""
_UNKNOWN: Final = 0xFF


class Flag(EnumFlag):
    """The state a device tells in every advert."""

    LOW_BATTERY = 1
    CLOCK_LOST = 2
    """It restarted and has not been told the time since."""
    LOG_OVERFLOW = 4
    """Events were overwritten that nobody had fetched."""
    IDENTIFYING = 8
    SETUP_MODE = 16
    """Its button was held: it takes a new key. Only in the open form."""
    HAS_KEY = 32
    """It has a key already. Only in the open form."""


class LastEvent(StrEnum):
    """What happened last."""

    NONE = "none"
    BOOT = "boot"
    PUFF = "puff"
    TEST_FIRE = "test_fire"
    CAP_OPENED = "cap_opened"
    CAP_CLOSED = "cap_closed"
    OCCUPIED = "occupied"
    EMPTY = "empty"
    UNKNOWN = "unknown"
    """A later version's event."""


LAST_EVENTS: Final = {
    0: LastEvent.NONE,
    1: LastEvent.BOOT,
    2: LastEvent.PUFF,
    3: LastEvent.TEST_FIRE,
    4: LastEvent.CAP_OPENED,
    5: LastEvent.CAP_CLOSED,
    8: LastEvent.OCCUPIED,
    9: LastEvent.EMPTY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """What the first byte says; believed by nobody yet."""

    kind: DeviceKind
    version: int
    encrypted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Advert:
    """One advert; authentic when `encrypted`, mere words otherwise."""

    kind: DeviceKind
    version: int
    encrypted: bool
    counter: int
    """Grows with every advert of new content, for the device's whole life; only 16 bits of it in the open form."""
    battery_percent: int | None
    event_count: int
    """Low 8 bits of the id of the newest event in the log."""
    last_event: LastEvent
    flags: Flag
    firmware: str | None = None
    """`major.minor`, only in the open form."""


def _first_bytes() -> tuple[Peek | None, ...]:
    """Return what each first byte means."""
    return tuple(
        Peek(kind=KINDS[first >> 4 & 7], version=first & 0x0F, encrypted=bool(first & _ENCRYPTED))
        if first >> 4 & 7 in KINDS and first & 0x0F
        else None
        for first in range(256)
    )


_PEEKS: Final = _first_bytes()
_STATES: Final = tuple((Flag(byte >> 4), LAST_EVENTS.get(byte & 0x0F, LastEvent.UNKNOWN)) for byte in range(256))


def peek(payload: bytes) -> Peek | None:
    """Return what an advert claims to be; None when it cannot be ours. Never raises, costs next to nothing."""
    if not payload:
        return None
    claim = _PEEKS[payload[0]]
    if claim is None or (claim.version == VERSION and len(payload) != ADVERT_BYTES):
        return None
    return claim


def parse(payload: bytes, address: str, key: bytes | None, last_counter: int | None) -> Advert:
    """Open an advert; `last_counter` is the counter of the last one accepted, None at the first contact."""
    claim = peek(payload)
    if claim is None:
        msg = "not an advert of our devices"
        raise MalformedError(msg)
    if claim.version != VERSION:
        msg = f"the device speaks version {claim.version} of the protocol"
        raise VersionError(msg)
    low = payload[1] | payload[2] << 8
    if not claim.encrypted:
        return _open_form(claim, low, payload)
    if key is None:
        msg = "the advert is sealed and there is no key for it"
        raise KeyMissingError(msg)
    counter, plain = _unseal(payload, low, parse_address(address), key, last_counter)
    flags, last_event = _STATES[plain[2]]
    return Advert(
        kind=claim.kind,
        version=VERSION,
        encrypted=True,
        counter=counter,
        battery_percent=_percent(plain[0]),
        event_count=plain[1],
        last_event=last_event,
        flags=flags,
    )


def _unseal(payload: bytes, low: int, address: bytes, key: bytes, last: int | None) -> tuple[int, bytes]:
    """Return the whole counter and the three bytes under the seal."""
    if last is None:
        counters = [turn << 16 | low for turn in range(_FIRST_CONTACT_TURNS)]
    else:
        ahead = (low - last) & 0xFFFF
        if not ahead:
            msg = "the advert was accepted before"
            raise RepeatError(msg)
        if ahead >= _WINDOW or last + ahead > 0xFFFFFFFF:
            msg = "the advert is older than one already accepted"
            raise ReplayError(msg)
        counters = [last + ahead]
    decrypt = advert_opener(key)
    sealed = payload[3:]
    head = address + payload[:1]
    for counter in counters:
        try:
            return counter, decrypt(head + counter.to_bytes(4, "little") + b"A\x00", sealed, None)
        except InvalidTag:
            continue
    msg = "the advert was not sealed with this key"
    raise WrongKeyError(msg)


def _open_form(claim: Peek, low: int, payload: bytes) -> Advert:
    """Return the form of a device without key or in set-up mode."""
    flags = Flag(0)
    if payload[3] & 1:
        flags |= Flag.SETUP_MODE
    if payload[3] & 2:
        flags |= Flag.HAS_KEY
    return Advert(
        kind=claim.kind,
        version=VERSION,
        encrypted=False,
        counter=low,
        battery_percent=_percent(payload[6]),
        event_count=0,
        last_event=LastEvent.NONE,
        flags=flags,
        firmware=f"{payload[4]}.{payload[5]}",
    )


def _percent(byte: int) -> int | None:
    """Return a battery percentage; None when the device does not know."""
    return None if byte == _UNKNOWN else min(byte, 100)
