"""Messages in pieces, so that the smallest radio packet will do (docs/protocol.md §4.2)."""

from typing import Final

from .errors import MalformedError

MIN_MTU: Final = 23
MAX_MESSAGE: Final = 512
"""Longer ones are refused on both sides: what a stranger sends decides no memory."""
_ATT_HEADER: Final = 3
_FIRST, _LAST, _NUMBER = 0x80, 0x40, 0x3F


def split(message: bytes, mtu: int = MIN_MTU) -> list[bytes]:
    """Return the fragments of a message for a link of this MTU."""
    size = max(mtu, MIN_MTU) - _ATT_HEADER - 1
    pieces = [message[start : start + size] for start in range(0, len(message), size)]
    last = len(pieces) - 1
    return [
        bytes([(_FIRST if not n else 0) | (_LAST if n == last else 0) | n & _NUMBER]) + piece
        for n, piece in enumerate(pieces)
    ]


class Reassembly:
    """Puts the fragments of one direction together."""

    def __init__(self) -> None:
        """Wait for a first fragment."""
        self._pieces = bytearray()
        self._next: int | None = None

    def feed(self, fragment: bytes) -> bytes | None:
        """Take a fragment; return the message when it was the last one."""
        if len(fragment) < 2:
            msg = "an empty fragment"
            raise MalformedError(msg)
        head, piece = fragment[0], fragment[1:]
        if head & _FIRST:
            self._pieces.clear()
            self._next = 0
        if self._next is None or head & _NUMBER != self._next & _NUMBER:
            self._next = None
            msg = "a fragment is missing"
            raise MalformedError(msg)
        if len(self._pieces) + len(piece) > MAX_MESSAGE:
            self._next = None
            msg = "a message is too long"
            raise MalformedError(msg)
        self._pieces += piece
        self._next += 1
        if not head & _LAST:
            return None
        self._next = None
        return bytes(self._pieces)
