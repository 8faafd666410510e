"""The event log in a device's flash, and the records in it (docs/protocol.md §5)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

PUFF, EPOCH, BOOT = 1, 2, 3
MISSING = 0xFF
PAGE_HEAD = 21


def quantised(value: float | None, unit: float, top: int = 0xFE) -> int:
    """Return a quantity as a byte, saturated; missing as such."""
    return MISSING if value is None else min(max(round(value / unit), 0), top)


def puff_body(
    *,
    shake_s: float | None = None,
    tilt_deg: float | None = None,
    peak_flow_lpm: float | None = None,
    envelope: Sequence[float | None] = (),
    envelope_step_s: float = 0.1,
    test: bool = False,
) -> bytes:
    """Return the body of a puff."""
    samples = [quantised(each, 2) for each in envelope[:32]]
    step = quantised(envelope_step_s, 0.01) if samples else 0
    return bytes([
        test, quantised(shake_s, 0.1), quantised(tilt_deg, 1, 180), quantised(peak_flow_lpm, 2), step, len(samples),
        *samples,
    ])  # fmt: skip


def epoch_body(
    *,
    occupied: bool | None,
    heart_rate: float | None = None,
    respiratory_rate: float | None = None,
    motion: float | None = None,
    quality: float | None = None,
    duration_s: int = 60,
) -> bytes:
    """Return the body of an epoch of a bed."""
    return bytes([
        quantised(duration_s, 10),
        MISSING if occupied is None else occupied,
        quantised(heart_rate, 1),
        quantised(respiratory_rate, 0.25),
        quantised(motion, 0.005, 200),
        quantised(quality, 0.01, 100),
    ])  # fmt: skip


@dataclass(kw_only=True)
class Event:
    """One entry of the ring."""

    id: int
    kind: int
    boot: int
    ticks: int
    body: bytes


@dataclass(kw_only=True)
class Log:
    """A ring in flash; reading deletes nothing."""

    capacity: int = 2000
    next_id: int = 1
    events: deque[Event] = field(default_factory=deque)
    shown: int = 0
    """Newest id ever sent in a page."""

    @property
    def head(self) -> int:
        """Return the newest id, 0 when there was none."""
        return self.next_id - 1

    @property
    def oldest(self) -> int:
        """Return the oldest id still there."""
        return self.events[0].id if self.events else self.next_id

    @property
    def overflowed(self) -> bool:
        """Return whether something was overwritten that no page had shown."""
        return self.oldest - 1 > self.shown

    def add(self, kind: int, boot: int, ticks: int, body: bytes) -> None:
        """Write an event; the oldest goes when the ring is full."""
        if len(self.events) >= self.capacity:
            self.events.popleft()
        self.events.append(Event(id=self.next_id, kind=kind, boot=boot, ticks=ticks, body=body))
        self.next_id += 1

    def restart(self, cursor: int) -> None:
        """Erase everything and number on from a cursor."""
        self.events.clear()
        self.next_id, self.shown = cursor + 1, cursor

    def page(self, cursor: int, room: int) -> bytes:
        """Return the page behind a cursor in at most so many bytes."""
        newer = [event for event in self.events if event.id > cursor]
        records = b""
        count = 0
        for event in newer:
            later = event.ticks - newer[0].ticks
            if event.boot != newer[0].boot or later >> 32:
                break
            record = bytes([event.kind, len(event.body)]) + later.to_bytes(4, "little") + event.body
            if count == 0xFF or PAGE_HEAD + len(records) + len(record) > room:
                break
            records += record
            count += 1
        first = newer[0].id if newer else self.next_id
        self.shown = max(self.shown, first + count - 1)
        boot, base = (newer[0].boot, newer[0].ticks) if newer else (0, 0)
        return (
            first.to_bytes(4, "little")
            + bytes([count])
            + self.oldest.to_bytes(4, "little")
            + self.head.to_bytes(4, "little")
            + boot.to_bytes(2, "little")
            + base.to_bytes(6, "little")
            + records
        )
