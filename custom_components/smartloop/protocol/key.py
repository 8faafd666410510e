"""The bind key as owners see it: 32 hex digits, or the label a device wears (docs/protocol.md §3.1)."""

import re
from dataclasses import dataclass

from .errors import MalformedError

KEY_BYTES = 16
LABEL_PREFIX = "SMARTLOOP1:"
_MAX_TEXT = 128
"""Longer than any key with all its separators."""
_SEPARATORS = re.compile(r"[\s:\-_.]+")
_HEX = re.compile(r"[0-9a-fA-F]*")
_LABEL = re.compile(r"SMARTLOOP1:((?:[0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{12}):(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a scanned label says."""

    address: str | None
    """The device it belongs to; None when only a key was given."""
    key: bytes


def parse_address(text: str) -> bytes:
    """Return the six bytes of an address as it is written (first byte first)."""
    digits = text.replace(":", "").replace("-", "")
    if len(digits) != 12 or _HEX.fullmatch(digits) is None:
        msg = "that is no Bluetooth address of six bytes"
        raise MalformedError(msg)
    return bytes.fromhex(digits)


def parse_label(text: str) -> Label:
    """Read a label `SMARTLOOP1:<address>:<key>` or a bare key."""
    if len(text) > _MAX_TEXT:
        msg = "that is too long for a key"
        raise MalformedError(msg)
    text = text.strip()
    address: str | None = None
    if (label := _LABEL.fullmatch(text)) is not None:
        address = parse_address(label[1]).hex(":").upper()
        text = label[2]
    digits = _SEPARATORS.sub("", text)
    if len(digits) != 2 * KEY_BYTES or _HEX.fullmatch(digits) is None:
        msg = "a key is 32 digits of 0-9 and a-f"
        raise MalformedError(msg)
    key = bytes.fromhex(digits)
    if len(set(key)) == 1:
        msg = "one byte sixteen times is no secret"
        raise MalformedError(msg)
    return Label(address=address, key=key)


def parse_key(text: str) -> bytes:
    """Return the 16 bytes of a key that was typed or scanned."""
    return parse_label(text).key


def format_label(address: str, key: bytes) -> str:
    """Return the text of the QR label of a device."""
    return f"{LABEL_PREFIX}{parse_address(address).hex(':').upper()}:{key.hex()}"
