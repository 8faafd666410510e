"""The GATT server of sleeve and bed node (docs/protocol.md §4), and the two devices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

from . import seal
from .advert import EVENTS, KINDS, SERVICE_UUID, UNKNOWN, VERSION, address_bytes
from .device import Anchor, Device
from .log import EPOCH, PUFF, epoch_body, puff_body

INFO_UUID = SERVICE_UUID.replace("d7b40001", "d7b40002")
CONTROL_UUID = SERVICE_UUID.replace("d7b40001", "d7b40003")
DATA_UUID = SERVICE_UUID.replace("d7b40001", "d7b40004")
INFO_HANDLE, CONTROL_HANDLE, DATA_HANDLE = 0x0011, 0x0013, 0x0015
MAX_MESSAGE = 512
VERSION_ERROR, NO_KEY, NOT_IN_SETUP, WRONG_KEY, BUSY, NOT_UNDERSTOOD, BEYOND_LOG = range(1, 8)


class Property(IntFlag):
    """What may be done with a characteristic."""

    READ = 0x02
    WRITE = 0x08
    NOTIFY = 0x10


@dataclass(frozen=True, kw_only=True)
class Characteristic:
    """One row of a GATT table; a notifying one has its descriptor at the next handle."""

    uuid: str
    handle: int
    properties: Property


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of a GATT table."""

    uuid: str
    handle: int
    characteristics: tuple[Characteristic, ...]


class TalkError(Exception):
    """What the device answers with ERROR."""

    def __init__(self, code: int) -> None:
        """Hold the code of §4.3."""
        super().__init__(code)
        self.code = code


@dataclass(kw_only=True)
class Talk:
    """What lives as long as a connection."""

    mtu: int
    notify: Callable[[int, bytes], None]
    incoming: bytearray = field(default_factory=bytearray)
    expected: int | None = None
    channel: seal.Channel | None = None
    offered: bytes | None = None
    """The key agreed on but not confirmed."""


class Peripheral(Device):
    """A device that can be connected to, by one at a time."""

    services = (
        Service(
            uuid=SERVICE_UUID,
            handle=0x0010,
            characteristics=(
                Characteristic(uuid=INFO_UUID, handle=INFO_HANDLE, properties=Property.READ),
                Characteristic(uuid=CONTROL_UUID, handle=CONTROL_HANDLE, properties=Property.WRITE),
                Characteristic(uuid=DATA_UUID, handle=DATA_HANDLE, properties=Property.NOTIFY),
            ),
        ),
    )
    _talk: Talk | None = None

    def connect(self, mtu: int, notify: Callable[[int, bytes], None]) -> None:
        """Begin a connection; `notify(handle, data)` carries notifications."""
        self._talk = Talk(mtu=mtu, notify=notify)

    def disconnect(self) -> None:
        """Forget the connection and its session."""
        self._talk = None

    def reboot(self, cause: str = "power") -> None:
        """Restart; a connection does not survive it."""
        self.disconnect()
        super().reboot(cause)

    def read(self, handle: int) -> bytes | None:
        """Return a readable characteristic."""
        if handle != INFO_HANDLE:
            return None
        state = KINDS[self.kind] | self.setup_mode << 4 | (self.flash.key is not None) << 5
        return bytes([VERSION, VERSION, state, *self.firmware, self.hardware]) + self.serial

    def write(self, handle: int, data: bytes) -> bool:
        """Take a fragment; answers come as notifications. False for what cannot be written."""
        if handle != CONTROL_HANDLE or self._talk is None:
            return False
        talk = self._talk
        try:
            message = self._reassemble(talk, data)
            if message is not None:
                self._send(talk, self._answer(talk, message))
        except TalkError as err:
            talk.channel = talk.offered = None
            self._send(talk, bytes([0x7F, err.code]))
        return True

    @staticmethod
    def _reassemble(talk: Talk, data: bytes) -> bytes | None:
        """Return a message when its last fragment came."""
        if len(data) < 2:
            raise TalkError(NOT_UNDERSTOOD)
        if data[0] & 0x80:
            talk.incoming.clear()
            talk.expected = 0
        if (
            talk.expected is None
            or data[0] & 0x3F != talk.expected % 64
            or len(talk.incoming) + len(data) - 1 > MAX_MESSAGE
        ):
            talk.expected = None
            raise TalkError(NOT_UNDERSTOOD)
        talk.incoming += data[1:]
        talk.expected += 1
        if not data[0] & 0x40:
            return None
        talk.expected = None
        return bytes(talk.incoming)

    @staticmethod
    def _send(talk: Talk, message: bytes) -> None:
        """Notify a message in fragments."""
        room = talk.mtu - 4
        pieces = [message[start : start + room] for start in range(0, len(message), room)]
        for number, piece in enumerate(pieces):
            head = number % 64 | (0x80 if number == 0 else 0) | (0x40 if number == len(pieces) - 1 else 0)
            talk.notify(DATA_HANDLE, bytes([head]) + piece)

    @property
    def _head(self) -> bytes:
        return bytes([VERSION, KINDS[self.kind]])

    def _answer(self, talk: Talk, message: bytes) -> bytes:
        """Return the answer to a message."""
        opcode = message[0]
        if opcode == 0x01:
            return self._challenge(talk, message)
        if opcode == 0x03:
            return self._key_answer(talk, message)
        if opcode == 0x05:
            return self._key_done(talk, message)
        if opcode != 0x10 or talk.channel is None:
            raise TalkError(NOT_UNDERSTOOD)
        try:
            plain = talk.channel.unseal(message[1:])
        except seal.SealError as err:
            raise TalkError(WRONG_KEY) from err
        try:
            answer = self._request(plain[:1], plain[1:])
        except TalkError as err:
            answer = bytes([0x7F, err.code])
        return b"\x10" + talk.channel.seal(answer)

    def _challenge(self, talk: Talk, message: bytes) -> bytes:
        """Answer HELLO."""
        if len(message) < 10:
            raise TalkError(NOT_UNDERSTOOD)
        if message[1] != VERSION:
            raise TalkError(VERSION_ERROR)
        if self.flash.key is None:
            raise TalkError(NO_KEY)
        nonce = self.random(8)
        key = seal.session_key(self.flash.key, self._head, address_bytes(self.address), message[2:10], nonce)
        talk.channel = seal.Channel(key)
        return b"\x02" + bytes([VERSION]) + nonce + seal.proof(key, seal.DEVICE)

    def _key_answer(self, talk: Talk, message: bytes) -> bytes:
        """Answer KEY_OFFER."""
        if not self.setup_mode:
            raise TalkError(NOT_IN_SETUP)
        if len(message) < 34:
            raise TalkError(NOT_UNDERSTOOD)
        if message[1] != VERSION:
            raise TalkError(VERSION_ERROR)
        secret, theirs = self.random(32), message[2:34]
        ours = seal.public_key(secret)
        try:
            talk.offered = seal.agree(secret, self._head, address_bytes(self.address), theirs, ours, other=theirs)
        except seal.SealError as err:
            raise TalkError(NOT_UNDERSTOOD) from err
        return b"\x04" + bytes([VERSION]) + ours

    def _key_done(self, talk: Talk, message: bytes) -> bytes:
        """Answer KEY_CONFIRM: take the key, erase the log."""
        if talk.offered is None or not self.setup_mode:
            raise TalkError(NOT_IN_SETUP)
        confirm = seal.derive(talk.offered, "SL1 confirm")
        if message[5:13] != seal.proof(confirm, seal.HOST + message[1:5]):
            raise TalkError(WRONG_KEY)
        self.adopt_key(talk.offered, int.from_bytes(message[1:5], "little"))
        talk.offered = None
        return b"\x06" + seal.proof(confirm, seal.DEVICE + message[1:5])

    def _request(self, opcode: bytes, body: bytes) -> bytes:
        """Return the answer to the content of a sealed message."""
        if opcode == b"\x20":
            return b"\x21" + self._status()
        if opcode == b"\x22":
            return b"\x23" + self.flash.boot.to_bytes(2, "little") + self.ticks.to_bytes(6, "little")
        if opcode == b"\x24" and len(body) >= 16:
            numbers = [int.from_bytes(body[a:b], "little") for a, b in ((0, 2), (2, 8), (8, 14), (14, 16))]
            if numbers[0] != self.flash.boot:
                raise TalkError(NOT_UNDERSTOOD)
            self.anchor(Anchor(boot=numbers[0], ticks=numbers[1], utc_ms=numbers[2], error_ms=numbers[3]))
            return b"\x26"
        if opcode == b"\x25" and body:
            self.identify(body[0])
            return b"\x26"
        if opcode == b"\x28" and len(body) >= 6:
            cursor = int.from_bytes(body[:4], "little")
            if cursor > self.flash.log.head:
                raise TalkError(BEYOND_LOG)
            return b"\x29" + self.flash.log.page(cursor, min(int.from_bytes(body[4:6], "little"), 480))
        if opcode == b"\x2a" and (current := self.current()) is not None:
            return b"\x2b" + current
        raise TalkError(NOT_UNDERSTOOD)

    def _status(self) -> bytes:
        """Return the content of STATUS."""
        log = self.flash.log
        return (
            bytes([UNKNOWN if self.battery is None else self.battery])
            + self.battery_mv.to_bytes(2, "little")
            + bytes([self.flags])
            + self.counter.to_bytes(4, "little")
            + log.head.to_bytes(4, "little")
            + log.oldest.to_bytes(4, "little")
            + self.flash.boot.to_bytes(2, "little")
            + self.ticks.to_bytes(6, "little")
            + bytes(self.firmware)
            + self.tolerance_ppm.to_bytes(2, "little")
            + bytes([len(self.flash.anchors)])
            + b"".join(anchor.packed() for anchor in self.flash.anchors)
            + bytes([len(self.flash.ends)])
            + b"".join(boot.to_bytes(2, "little") + ticks.to_bytes(6, "little") for boot, ticks in self.flash.ends)
        )

    def current(self) -> bytes | None:
        """Return the epoch that is going on; a sleeve has none."""
        return None


class InhalerSleeve(Peripheral):
    """Counts the puffs of an inhaler and how they were taken."""

    kind = "inhaler_sleeve"

    def puff(self, **measured: Any) -> int:
        """Let somebody take a puff (arguments of `puff_body`); return the event's id."""
        return self.log(PUFF, puff_body(**measured), "test_fire" if measured.get("test") else "puff")

    def perform(self, action: Mapping[str, Any]) -> None:
        """Do what a line of a trace says."""
        super().perform(action)
        if "puff" in action:
            self.puff(**action["puff"])
        if "cap" in action:
            self.last_event = f"cap_{action['cap']}"
            assert self.last_event in EVENTS


class BedNode(Peripheral):
    """Minutes of a bed."""

    kind = "bed_node"
    _current = epoch_body(occupied=False)

    def epoch(self, **measured: Any) -> int:
        """Let a minute pass (arguments of `epoch_body`); return the event's id."""
        occupied = measured.get("occupied")
        self._current = epoch_body(**measured)
        return self.log(EPOCH, self._current, None if occupied is None else "occupied" if occupied else "empty")

    def current(self) -> bytes | None:
        """Return the epoch that is going on."""
        return self._current

    def perform(self, action: Mapping[str, Any]) -> None:
        """Do what a line of a trace says."""
        super().perform(action)
        if "epoch" in action:
            self.epoch(**action["epoch"])
