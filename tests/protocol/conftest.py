"""A device and a home that talk in memory, under a clock that stands until it is moved."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from custom_components.smartloop.protocol import DATA_UUID, Conversation
from hardware.simulator.ble.peripheral import CONTROL_HANDLE, BedNode, InhalerSleeve, Peripheral

ROOT = Path(__file__).resolve().parents[2]
VECTORS: dict[str, Any] = json.loads((ROOT / "docs" / "protocol-vectors.json").read_text(encoding="utf-8"))
KEY = bytes.fromhex("9a3f61c5d20e7b4488f1065dbe2377ac")
SLEEVE, BED = "C4:7C:8D:6A:3E:01", "C4:7C:8D:6A:3E:02"


def defaults(options: dict[str, Any]) -> dict[str, Any]:
    return {"key": KEY} | options


class LinkLostError(Exception):
    """The connection broke."""


@dataclass
class World:
    now: float = 1_800_000_000.0
    step_s: float = 0.01
    """What every packet takes."""
    heard: list[bytes] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    @property
    def utc(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def sleeve(self, **options: Any) -> InhalerSleeve:
        return InhalerSleeve(SLEEVE, clock=self.clock, **defaults(options))

    def bed(self, **options: Any) -> BedNode:
        return BedNode(BED, clock=self.clock, **defaults(options))

    def talk(self, device: Peripheral, talk: Conversation, *, mtu: int = 23, drop_after: int | None = None) -> None:
        """Carry packets until nobody has anything to say; break off at so many notifications."""
        self.heard = []
        incoming: list[bytes] = []
        device.connect(mtu, lambda _handle, data: incoming.append(data))
        try:
            writes = talk.start(self.utc)
            while writes or incoming:
                for write in writes:
                    assert len(write.data) <= mtu - 3
                    self.now += self.step_s
                    assert device.write(CONTROL_HANDLE, write.data)
                writes = []
                while incoming:
                    self.now += self.step_s
                    packet = incoming.pop(0)
                    assert len(packet) <= mtu - 3
                    if drop_after is not None and len(self.heard) >= drop_after:
                        raise LinkLostError
                    self.heard.append(packet)
                    writes += talk.feed(DATA_UUID, packet, self.utc)
        finally:
            device.disconnect()


@pytest.fixture
def world() -> World:
    return World()
