"""One connection's talk, as a script that neither reads nor writes anything itself (docs/protocol.md §4).

The caller subscribes to DATA_UUID, writes what `start` and `feed` return to the characteristic named,
and hands every notification to `feed`. Times are the caller's: when it wrote, when it heard.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .crypto import DEVICE, SessionCipher, check_proof, proof, session_key
from .errors import (
    BusyError,
    KeyMissingError,
    MalformedError,
    ProtocolError,
    ReplayError,
    SetupModeError,
    VersionError,
    WrongKeyError,
)
from .fragments import MIN_MTU, Reassembly, split
from .key import parse_address
from .service import CONTROL_UUID, DATA_UUID, KIND_NUMBERS, VERSION, DeviceKind

HELLO, CHALLENGE, SEALED, ERROR = 0x01, 0x02, 0x10, 0x7F
IDENTIFY, DONE = 0x25, 0x26
NONCE_BYTES: Final = 8

_ERRORS: Final[dict[int, tuple[type[ProtocolError], str]]] = {
    1: (VersionError, "the device does not speak our version of the protocol"),
    2: (KeyMissingError, "the device has no key yet"),
    3: (SetupModeError, "the device is not in set-up mode: hold its button"),
    4: (WrongKeyError, "the device has another key than the one entered"),
    5: (BusyError, "the device is busy"),
    6: (MalformedError, "the device did not understand"),
    7: (ReplayError, "the device's log ends before what was fetched already"),
}

type Script = Generator[bytes, tuple[bytes, datetime]]
"""Yields a message to send, is sent the answer and when it was heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """To be written to a characteristic, with response."""

    characteristic: str
    data: bytes


def device_error(message: bytes) -> ProtocolError:
    """Return the error a device reports."""
    kind, text = _ERRORS.get(message[1] if len(message) > 1 else 0, (MalformedError, "the device reports an error"))
    return kind(text)


class Conversation(ABC):
    """Messages back and forth over one connection."""

    def __init__(self, *, mtu: int = MIN_MTU) -> None:
        """Prepare for a link of this MTU."""
        self._mtu = mtu
        self._incoming = Reassembly()
        self._script: Script | None = None
        self.done = False

    def start(self, now: datetime) -> list[Write]:
        """Return what to write first."""
        self._script = self._run(now)
        return self._writes(next(self._script))

    def feed(self, characteristic: str, data: bytes, at: datetime) -> list[Write]:
        """Take a notification; return what to write now."""
        if self._script is None or self.done or characteristic.lower() != DATA_UUID:
            return []
        try:
            message = self._incoming.feed(data)
            if message is None:
                return []
            return self._writes(self._script.send((message, at)))
        except StopIteration:
            self.done = True
            return []
        except ProtocolError:
            self._script = None
            raise

    def _writes(self, message: bytes) -> list[Write]:
        """Return a message in fragments."""
        return [Write(characteristic=CONTROL_UUID, data=piece) for piece in split(message, self._mtu)]

    @abstractmethod
    def _run(self, now: datetime) -> Script:
        """Say what is to be said."""


class Session(Conversation):
    """A conversation under the bind key."""

    def __init__(
        self, *, kind: DeviceKind, address: str, key: bytes, mtu: int = MIN_MTU, nonce: bytes | None = None
    ) -> None:
        """Prepare; the nonce is fresh for every connection and given by tests only."""
        super().__init__(mtu=mtu)
        self._kind = kind
        self._address = parse_address(address)
        self._key = key
        self._nonce = secrets.token_bytes(NONCE_BYTES) if nonce is None else nonce
        self._cipher: SessionCipher | None = None

    def _greet(self) -> Generator[bytes, tuple[bytes, datetime], datetime]:
        """Challenge each other; afterwards both hold a session key no one else has."""
        answer, at = yield bytes([HELLO, VERSION]) + self._nonce
        if answer[0] == ERROR:
            raise device_error(answer)
        if answer[0] != CHALLENGE or len(answer) < 2 + NONCE_BYTES + 8:
            msg = "the device does not answer our greeting"
            raise MalformedError(msg)
        if answer[1] != VERSION:
            msg = f"the device speaks version {answer[1]} of the protocol"
            raise VersionError(msg)
        context = bytes([VERSION, KIND_NUMBERS[self._kind]]) + self._address + self._nonce + answer[2:10]
        key = session_key(self._key, context)
        check_proof(proof(key, DEVICE), answer[10:18])
        self._cipher = SessionCipher(key)
        return at

    def _ask(
        self, opcode: int, body: bytes, expected: int
    ) -> Generator[bytes, tuple[bytes, datetime], tuple[bytes, datetime]]:
        """Send a sealed request and return the body of the answer."""
        if self._cipher is None:
            msg = "nothing is asked before the greeting"
            raise MalformedError(msg)
        answer, at = yield bytes([SEALED]) + self._cipher.seal(bytes([opcode]) + body)
        if answer[0] == ERROR:
            raise device_error(answer)
        if answer[0] != SEALED:
            msg = "the device answered in the open"
            raise MalformedError(msg)
        plain = self._cipher.unseal(answer[1:])
        if plain[:1] == bytes([ERROR]):
            raise device_error(plain)
        if plain[:1] != bytes([expected]):
            msg = "the device answered something else"
            raise MalformedError(msg)
        return plain[1:], at


class Identify(Session):
    """Let the device blink, so that the owner sees which one it is."""

    def __init__(
        self,
        *,
        kind: DeviceKind,
        address: str,
        key: bytes,
        seconds: int = 10,
        mtu: int = MIN_MTU,
        nonce: bytes | None = None,
    ) -> None:
        """Blink for so many seconds; 0 stops."""
        super().__init__(kind=kind, address=address, key=key, mtu=mtu, nonce=nonce)
        self._seconds = min(max(seconds, 0), 255)

    def _run(self, now: datetime) -> Script:
        yield from self._greet()
        yield from self._ask(IDENTIFY, bytes([self._seconds]), DONE)
