"""A key is tried before it is kept: on the device's latest advert, then in a talk with the device itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..protocol import (
    VERSION,
    DeviceKind,
    Flag,
    Identify,
    KeyExchange,
    KeyMissingError,
    MalformedError,
    ProtocolError,
    SetupModeError,
    VersionError,
    WrongKeyError,
    parse,
    parse_label,
    peek,
)
from .found_devices import latest_payload
from .gatt import async_converse
from .reach import GattError

BLINK_S: Final = 3

_AGREED: HassKey[dict[str, bytes]] = HassKey(f"{DOMAIN}_agreed_keys")
"""Keys agreed on in dialogs, by address: who closes one before its end has not locked the device out."""


class Refusal(StrEnum):
    """Why a key is not kept: translation keys of what the owner can do."""

    CONNECTION_FAILED = "connection_failed"
    KEY_MALFORMED = "key_malformed"
    KEY_OF_ANOTHER = "key_of_another"
    NO_KEY = "no_key"
    NOT_IN_SET_UP = "not_in_set_up"
    OUT_OF_RANGE = "out_of_range"
    SET_UP_MODE = "set_up_mode"
    VERSION_UNKNOWN = "version_unknown"
    WRONG_KEY = "wrong_key"


_REFUSALS: Final[dict[type[ProtocolError], Refusal]] = {
    KeyMissingError: Refusal.NO_KEY,
    SetupModeError: Refusal.NOT_IN_SET_UP,
    VersionError: Refusal.VERSION_UNKNOWN,
    WrongKeyError: Refusal.WRONG_KEY,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A key the device is known to have, or why there is none."""

    key: str = ""
    """32 hex digits"""
    error: str | None = None
    """The translation key of what the owner can do: a Refusal or a Trouble"""


async def async_try_key(hass: HomeAssistant, address: str, kind: DeviceKind, text: str, cursor: int) -> Tried:
    """Return the key in a typed or scanned text once the device has shown that it is its own.

    An empty text agrees on a new key with a device in set-up mode; it counts its events on from the cursor.
    """
    try:
        key = await _async_key(hass, address, kind, text.strip(), cursor)
    except _Refused as refused:
        return Tried(error=refused.reason)
    except GattError as err:
        return Tried(error=err.trouble.value)
    except ProtocolError as err:
        return Tried(error=_REFUSALS.get(type(err), Refusal.CONNECTION_FAILED))
    return Tried(key=key.hex())


class _Refused(Exception):  # noqa: N818  an answer, not a fault
    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


async def _async_key(hass: HomeAssistant, address: str, kind: DeviceKind, text: str, cursor: int) -> bytes:
    key = _read(text, address) if text else None
    payload = latest_payload(hass, address)
    claim = None if payload is None else peek(payload)
    if payload is None or claim is None:
        raise _Refused(Refusal.OUT_OF_RANGE)
    if claim.version != VERSION:
        raise _Refused(Refusal.VERSION_UNKNOWN)
    agreed = hass.data.setdefault(_AGREED, {})
    if key is None and claim.encrypted:
        key = agreed.get(address)
    flags = Flag(0) if claim.encrypted else parse(payload, address, None, None).flags
    if key is None:
        if Flag.SETUP_MODE not in flags:
            raise _Refused(Refusal.NOT_IN_SET_UP if claim.encrypted or Flag.HAS_KEY in flags else Refusal.NO_KEY)
        agreed[address] = await _async_agree(hass, address, kind, cursor)
        return agreed[address]
    if not claim.encrypted:
        raise _Refused(Refusal.SET_UP_MODE if Flag.SETUP_MODE in flags else Refusal.NO_KEY)
    parse(payload, address, key, None)
    # It blinks: the owner sees that it is this one, and the way to it is known to work.
    await async_converse(
        hass, address, lambda mtu: Identify(kind=kind, address=address, key=key, seconds=BLINK_S, mtu=mtu)
    )
    return key


def _read(text: str, address: str) -> bytes:
    try:
        label = parse_label(text)
    except MalformedError as err:
        raise _Refused(Refusal.KEY_MALFORMED) from err
    if label.address is not None and label.address != address:
        raise _Refused(Refusal.KEY_OF_ANOTHER)
    return label.key


async def _async_agree(hass: HomeAssistant, address: str, kind: DeviceKind, cursor: int) -> bytes:
    exchange = await async_converse(
        hass, address, lambda mtu: KeyExchange(kind=kind, address=address, cursor=cursor, mtu=mtu)
    )
    if exchange.key is None:
        raise _Refused(Refusal.CONNECTION_FAILED)
    return exchange.key
