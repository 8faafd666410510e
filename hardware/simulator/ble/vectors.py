"""Make docs/protocol-vectors.json from the device's side of the protocol.

usage: python -m hardware.simulator.ble.vectors [--check] [FILE]
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import advert, seal
from .log import BOOT, EPOCH, PUFF, Log, epoch_body, puff_body
from .peripheral import CONTROL_HANDLE, BedNode, InhalerSleeve

FILE = Path(__file__).resolve().parents[3] / "docs" / "protocol-vectors.json"
KEY = bytes.fromhex("9a3f61c5d20e7b4488f1065dbe2377ac")
OTHER_KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
SLEEVE, BED = "C4:7C:8D:6A:3E:01", "C4:7C:8D:6A:3E:02"
HOST_NONCE, DEVICE_NONCE = bytes(range(8)), bytes(range(0xA0, 0xA8))
HOST_SECRET, DEVICE_SECRET = bytes(range(1, 33)), bytes(range(65, 97))
START = 1_800_000_000.0


class World:
    """A clock that stands until it is moved, and numbers that are not random."""

    def __init__(self) -> None:
        """Begin at a fixed time."""
        self.now = START

    def clock(self) -> float:
        """Return the time."""
        return self.now

    @staticmethod
    def random(size: int) -> bytes:
        """Return the device's nonce or its secret."""
        return DEVICE_NONCE if size == 8 else DEVICE_SECRET


def _advert(name: str, kind: str, counter: int, plain: bytes, last: int | None, **outcome: Any) -> dict[str, Any]:
    address = SLEEVE if kind == "inhaler_sleeve" else BED
    payload = advert.sealed(kind, address, KEY, counter, plain)
    return {
        "name": name,
        "address": address,
        "key": KEY.hex(),
        "last": last,
        "advertising_data": advert.frame(payload).hex(),
        "payload": payload.hex(),
        "plain": plain.hex(),
        **(outcome or {"counter": counter}),
    }


def adverts() -> list[dict[str, Any]]:
    """Return adverts and what must come of them."""
    puff = advert.state(87, 300, "puff", 0)
    sealed = [
        _advert("a puff", "inhaler_sleeve", 4711, puff, 4710),
        _advert("first contact", "inhaler_sleeve", 4711, puff, None),
        _advert("first contact late in life", "inhaler_sleeve", 0xFF0001, puff, None),
        _advert("everything flagged, battery unknown", "bed_node", 70001, advert.state(None, 255, "empty", 15), 69999),
        _advert("low bits roll over", "bed_node", 0x20003, advert.state(55, 0, "occupied", 0), 0x1FFFE),
        _advert("as far ahead as allowed", "inhaler_sleeve", 1000 + 0x7FFF, puff, 1000),
        _advert("too far ahead", "inhaler_sleeve", 1000 + 0x8000, puff, 1000, error="replay"),
        _advert("the same again", "inhaler_sleeve", 4711, puff, 4711, error="repeat"),
        _advert("replayed", "inhaler_sleeve", 4711, puff, 4712, error="replay"),
        _advert("a whole turn ahead", "inhaler_sleeve", 4711 + 0x10000, puff, 4710, error="wrong_key"),
    ]
    wrong = _advert("another key", "inhaler_sleeve", 4711, puff, 4710, error="wrong_key") | {"key": OTHER_KEY.hex()}
    moved = _advert("another address", "inhaler_sleeve", 4711, puff, 4710, error="wrong_key") | {"address": BED}
    opened = []
    for name, setup_mode, has_key in (("new device", False, False), ("button held", True, True)):
        payload = advert.in_the_open("inhaler_sleeve", 7, (1, 2, 3), 100, setup_mode=setup_mode, has_key=has_key)
        opened.append(
            {
                "name": name,
                "address": SLEEVE,
                "key": None,
                "last": None,
                "advertising_data": advert.frame(payload).hex(),
                "payload": payload.hex(),
                "setup_mode": setup_mode,
                "has_key": has_key,
                "counter": 7,
            }
        )
    later = {
        "name": "a later version",
        "address": SLEEVE,
        "key": KEY.hex(),
        "last": None,
        "payload": "92" + "00" * 12,
        "error": "version",
    }
    foreign = {
        "name": "kind 7",
        "address": SLEEVE,
        "key": KEY.hex(),
        "last": None,
        "payload": "f1" + "00" * 9,
        "error": "malformed",
    }
    return [*sealed, wrong, moved, *opened, later, foreign]


class Host:
    """The other end, as plain as can be: one message at a time, its fragments at MTU 23."""

    def __init__(self, device: Any, world: World) -> None:
        """Connect."""
        self._device, self._world = device, world
        self._heard: list[bytes] = []
        device.connect(23, lambda _handle, data: self._heard.append(data))
        self.channel: seal.Channel | None = None
        self.steps: list[dict[str, Any]] = []

    def say(self, message: bytes, *, plain: bytes | None = None) -> bytes:
        """Send a message, note both it and the answer."""
        pieces = [message[start : start + 19] for start in range(0, len(message), 19)]
        writes = []
        for number, piece in enumerate(pieces):
            head = number | (0x80 if number == 0 else 0) | (0x40 if number == len(pieces) - 1 else 0)
            writes.append(bytes([head]) + piece)
        self._heard.clear()
        for each in writes:
            self._device.write(CONTROL_HANDLE, each)
        self._world.now += 0.05
        answer = b"".join(each[1:] for each in self._heard)
        step = {
            "message": message.hex(),
            "writes": [each.hex() for each in writes],
            "answer": answer.hex(),
            "notifications": [each.hex() for each in self._heard],
        }
        if plain is not None and self.channel is not None:
            answer = self.channel.unseal(answer[1:])
            step |= {"request": plain.hex(), "content": answer.hex()}
        self.steps.append(step)
        return answer

    def ask(self, plain: bytes) -> bytes:
        """Send a sealed request; return the answer's content."""
        assert self.channel is not None
        return self.say(b"\x10" + self.channel.seal(plain), plain=plain)


def session(device: Any, world: World, cursor: int) -> dict[str, Any]:
    """Return a whole download, message by message."""
    host = Host(device, world)
    began = world.now
    challenge = host.say(b"\x01\x01" + HOST_NONCE)
    assert device.key is not None
    head = bytes([advert.VERSION, advert.KINDS[device.kind]])
    address = advert.address_bytes(device.address)
    key = seal.session_key(device.key, head, address, HOST_NONCE, challenge[2:10])
    host.channel = seal.Channel(key, end=seal.HOST)
    host.ask(b"\x20")
    asked = world.now
    time = host.ask(b"\x22")
    middle, error = round((asked + world.now) * 500), round((world.now - asked) * 500) + 1
    host.ask(b"\x24" + time[1:9] + middle.to_bytes(6, "little") + error.to_bytes(2, "little"))
    at = cursor
    while at < device.head:
        page = host.ask(b"\x28" + at.to_bytes(4, "little") + (400).to_bytes(2, "little"))
        at = int.from_bytes(page[1:5], "little") + page[5] - 1
    if device.kind == "bed_node":
        host.ask(b"\x2a")
    device.disconnect()
    return {
        "kind": device.kind,
        "address": device.address,
        "key": device.key.hex(),
        "host_nonce": HOST_NONCE.hex(),
        "device_nonce": challenge[2:10].hex(),
        "session_key": key.hex(),
        "cursor": cursor,
        "cursor_after": at,
        "began": began,
        "step_s": 0.05,
        "steps": host.steps,
    }


def sessions(a_sleeve: Callable[..., Any] = InhalerSleeve, a_bed: Callable[..., Any] = BedNode) -> list[dict[str, Any]]:
    """Return a download of a sleeve and one of a bed node; firmware is put in their place by its test."""
    world = World()
    sleeve = a_sleeve(SLEEVE, key=KEY, clock=world.clock, random=world.random, drift_ppm=40)
    for minute in range(3):
        world.now += 3600
        sleeve.puff(
            shake_s=5.0 + minute,
            tilt_deg=10 * minute,
            peak_flow_lpm=40,
            envelope=[0, 12, 30, 40, None, 22, 8],
            test=minute == 0,
        )
    sleeve.reboot("watchdog")
    world.now += 60
    sleeve.puff()
    world.now += 5
    first = session(sleeve, world, 0)
    bed = a_bed(BED, key=KEY, clock=world.clock, random=world.random, capacity=40)
    for minute in range(60):
        world.now += 60
        asleep = minute > 5
        bed.epoch(
            occupied=minute > 2,
            heart_rate=54 + minute % 3 if asleep else None,
            respiratory_rate=13.25,
            motion=0.05,
            quality=0.9,
        )
    return [first, session(bed, world, 10)]


def key_exchange(a_sleeve: Callable[..., Any] = InhalerSleeve) -> dict[str, Any]:
    """Return how a new key is agreed on."""
    world = World()
    sleeve = a_sleeve(SLEEVE, clock=world.clock, random=world.random)
    sleeve.hold_button()
    host = Host(sleeve, world)
    ours = seal.public_key(HOST_SECRET)
    theirs = host.say(b"\x03\x01" + ours)[2:34]
    head = bytes([advert.VERSION, advert.KINDS[sleeve.kind]])
    key = seal.agree(HOST_SECRET, head, advert.address_bytes(SLEEVE), ours, theirs, other=theirs)
    cursor = (41).to_bytes(4, "little")
    host.say(b"\x05" + cursor + seal.proof(seal.derive(key, "SL1 confirm"), seal.HOST + cursor))
    assert sleeve.key == key
    return {
        "kind": sleeve.kind,
        "address": SLEEVE,
        "host_secret": HOST_SECRET.hex(),
        "device_secret": DEVICE_SECRET.hex(),
        "cursor": 41,
        "key": key.hex(),
        "steps": host.steps,
    }


def pages() -> list[dict[str, Any]]:
    """Return single pages and what is in them."""
    log = Log(capacity=3)
    log.add(BOOT, 7, 0, bytes([1, 1, 2, 3]))
    log.add(PUFF, 7, 60_000, puff_body(shake_s=5.2, tilt_deg=12, peak_flow_lpm=44, envelope=[10, None, 44]))
    log.add(EPOCH, 7, 120_000, epoch_body(occupied=True, heart_rate=61, respiratory_rate=14.5, motion=0.02, quality=1))
    log.add(9, 7, 130_000, b"from the future")
    gone = log.page(0, 400)
    rest = log.page(2, 400)
    none = log.page(4, 400)
    return [
        {
            "name": "the first event is lost, the last of a later kind",
            "cursor": 0,
            "page": gone.hex(),
            "cursor_after": 4,
            "lost": 1,
            "unreadable": 1,
            "events": [
                {"id": 2, "ticks": 60_000, "shake_s": 5.2, "tilt_deg": 12, "peak_flow_lpm": 44, "envelope": [10, None, 44]},
                {"id": 3, "ticks": 120_000, "occupied": True, "heart_rate": 61, "respiratory_rate": 14.5, "motion": 0.02},
            ],
        },
        {
            "name": "from the middle",
            "cursor": 2,
            "page": rest.hex(),
            "cursor_after": 4,
            "lost": 0,
            "unreadable": 1,
            "events": [{"id": 3, "ticks": 120_000, "occupied": True, "quality": 1}],
        },
        {"name": "nothing new", "cursor": 4, "page": none.hex(), "cursor_after": 4, "lost": 0, "unreadable": 0, "events": []},
    ]  # fmt: skip


def vectors() -> dict[str, Any]:
    """Return everything of the file."""
    return {
        "protocol": advert.VERSION,
        "derive": [
            {"key": KEY.hex(), "label": label, "context": context, "derived": seal.derive(KEY, label, bytes.fromhex(context)).hex()}
            for label, context in (("SL1 advert", ""), ("SL1 session", "0101c47c8d6a3e01"), ("SL1 proof", "44"))
        ],
        "adverts": adverts(),
        "sessions": sessions(),
        "key_exchange": key_exchange(),
        "pages": pages(),
        "labels": [
            {"text": f"SMARTLOOP1:{SLEEVE}:{KEY.hex()}", "address": SLEEVE, "key": KEY.hex()},
            {"text": "9A3F 61C5 D20E 7B44 88F1 065D BE23 77AC", "address": None, "key": KEY.hex()},
            {"text": "9a3f-61c5-d20e-7b44-88f1-065d-be23-77ac\n", "address": None, "key": KEY.hex()},
            {"text": "9a3f61c5", "error": "malformed"},
            {"text": "0" * 32, "error": "malformed"},
        ],
    }  # fmt: skip


def main(arguments: list[str], write: Callable[[str], object] = sys.stdout.write) -> int:
    """Write the file, or check it."""
    check = "--check" in arguments
    path = next((Path(each) for each in arguments if not each.startswith("-")), FILE)
    text = json.dumps(vectors(), indent=1) + "\n"
    if check:
        same = path.exists() and path.read_text(encoding="utf-8") == text
        write(f"{path.name} is {'up to date' if same else 'out of date'}\n")
        return 0 if same else 1
    path.write_text(text, encoding="utf-8")
    write(f"wrote {path.name}: {len(text)} characters\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
