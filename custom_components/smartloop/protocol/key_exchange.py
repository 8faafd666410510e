"""A new bind key, agreed on while the device's button says so (docs/protocol.md §3.3)."""

import secrets
from datetime import datetime

from .crypto import DEVICE, HOST, agree, check_proof, derive, proof, public_key
from .errors import MalformedError, VersionError
from .fragments import MIN_MTU
from .key import parse_address
from .service import KIND_NUMBERS, VERSION, DeviceKind
from .session import ERROR, Conversation, Script, device_error

KEY_OFFER, KEY_ANSWER, KEY_CONFIRM, KEY_DONE = 0x03, 0x04, 0x05, 0x06
_PUBLIC_BYTES = 32


class KeyExchange(Conversation):
    """Give a device in set-up mode a key nobody else heard; `key` holds it when done."""

    def __init__(
        self,
        *,
        kind: DeviceKind,
        address: str,
        cursor: int = 0,
        mtu: int = MIN_MTU,
        secret: bytes | None = None,
    ) -> None:
        """Begin; the device erases its log and counts its events on from the cursor. Tests give the secret."""
        super().__init__(mtu=mtu)
        self._kind = kind
        self._address = parse_address(address)
        self._cursor = cursor
        self._secret = secrets.token_bytes(32) if secret is None else secret
        self.key: bytes | None = None

    def _run(self, now: datetime) -> Script:
        ours = public_key(self._secret)
        answer, _ = yield bytes([KEY_OFFER, VERSION]) + ours
        if answer[0] == ERROR:
            raise device_error(answer)
        if answer[0] != KEY_ANSWER or len(answer) < 2 + _PUBLIC_BYTES:
            msg = "the device does not answer our offer of a key"
            raise MalformedError(msg)
        if answer[1] != VERSION:
            msg = f"the device speaks version {answer[1]} of the protocol"
            raise VersionError(msg)
        theirs = answer[2 : 2 + _PUBLIC_BYTES]
        context = bytes([VERSION, KIND_NUMBERS[self._kind]]) + self._address + ours + theirs
        key = agree(self._secret, theirs, context)
        confirm = derive(key, b"SL1 confirm")
        cursor = self._cursor.to_bytes(4, "little")
        answer, _ = yield bytes([KEY_CONFIRM]) + cursor + proof(confirm, HOST + cursor)
        if answer[0] == ERROR:
            raise device_error(answer)
        if answer[0] != KEY_DONE:
            msg = "the device did not take the key"
            raise MalformedError(msg)
        check_proof(proof(confirm, DEVICE + cursor), answer[1:9])
        self.key = key
