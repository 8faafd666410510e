"""The event log of a device: puffs, minutes in bed, restarts; and the state it tells (docs/protocol.md §5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from struct import Struct, error
from typing import Final

from .advert import Flag
from .clock import CRYSTAL_PPM, Anchor
from .errors import MalformedError

PUFF, EPOCH, BOOT = 1, 2, 3
MAX_ENVELOPE: Final = 32
_MISSING: Final = 0xFF
_FIRMWARE: Final = Struct("<BBB")
_STATUS: Final = Struct("<BHBIIIH6sBBBH")
_ANCHOR: Final = Struct("<H6s6sH")
_BOOT_END: Final = Struct("<H6s")
_PAGE: Final = Struct("<IBIIH6s")
_RECORD: Final = Struct("<BBI")
_PUFF: Final = Struct("<BBBBBB")
_EPOCH: Final = Struct("<BBBBBB")

type Place = Callable[[int, int], tuple[datetime, float]]
"""Turns boot and ticks into a time and its uncertainty: `DeviceClock.at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PuffRecord:
    """One actuation of an inhaler; None is what the sleeve does not measure or did not catch."""

    event_id: int
    at: datetime
    uncertainty_s: float
    shake_s: float | None
    """Seconds of shaking in the 15 s before."""
    tilt_deg: float | None
    """Of the canister from upright, at the actuation."""
    peak_flow_lpm: float | None
    """Of the inhalation, L/min."""
    envelope: tuple[float | None, ...] | None
    """The inhalation's flow, L/min, from the actuation on; None among them is a sample not caught."""
    envelope_step_s: float | None
    """Time between two samples of the envelope."""
    test: bool
    """Sprayed into the air: far from upright-and-inhaled, as after weeks of disuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One minute of a bed (the time is its end); None is what was not measured."""

    event_id: int
    at: datetime
    uncertainty_s: float
    duration_s: int
    occupied: bool | None
    heart_rate: float | None
    """Beats per minute."""
    respiratory_rate: float | None
    """Breaths per minute."""
    motion: float | None
    """Share of the epoch with movement, 0 to 1."""
    quality: float | None
    """0 to 1, the node's own opinion of its figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootRecord:
    """The device started anew."""

    event_id: int
    at: datetime
    uncertainty_s: float
    boot: int
    cause: int
    """0 unknown, 1 power, 2 button, 3 watchdog, 4 software, 5 low voltage."""
    firmware: str


type Record = PuffRecord | EpochRecord | BootRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the device says about itself, under seal."""

    battery_percent: int | None
    battery_mv: int | None
    flags: Flag
    counter: int
    """The whole counter of its newest advert."""
    head: int
    """Id of the newest event, 0 when there never was one."""
    oldest: int
    """Id of the oldest event still there."""
    boot: int
    ticks_ms: int
    firmware: str
    tolerance_ppm: int
    """What the rate of its clock is good for."""
    anchors: tuple[Anchor, ...]
    last_ticks: dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Events that belong together; to be committed together with the cursor behind them."""

    events: tuple[Record, ...]
    cursor: int
    """Ask from here the next time."""
    counter: int
    """The device's advert counter, authentic: older adverts are replays."""
    lost: int
    """Events overwritten before they were fetched, just before this page's first."""
    unreadable: int
    """Events of a kind this version does not know, or damaged in the device."""
    head: int
    """Id of the newest event in the device."""


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


def _value(byte: int, factor: float, low: float, high: float) -> float | None:
    """Return a byte as a quantity; None when it is missing or impossible."""
    value = round(float(byte * factor), 3)
    return None if byte == _MISSING or not low <= value <= high else value


def parse_status(body: bytes) -> Status:
    """Read the answer to STATUS_GET; what a later version appends is not looked at."""
    try:
        battery, millivolts, flags, counter, head, oldest, boot, ticks, *firmware, tolerance = _STATUS.unpack_from(body)
        at = _STATUS.size
        anchors = []
        for index in range(body[at]):
            its_boot, its_ticks, utc, off = _ANCHOR.unpack_from(body, at + 1 + index * _ANCHOR.size)
            anchors.append(Anchor(boot=its_boot, ticks_ms=_number(its_ticks), utc_ms=_number(utc), error_ms=off))
        at += 1 + len(anchors) * _ANCHOR.size
        ends = [_BOOT_END.unpack_from(body, at + 1 + index * _BOOT_END.size) for index in range(body[at])]
    except (error, IndexError) as err:
        msg = "the device's state is cut off"
        raise MalformedError(msg) from err
    return Status(
        battery_percent=None if battery == _MISSING else min(battery, 100),
        battery_mv=millivolts or None,
        flags=Flag(flags & 0x0F),
        counter=counter,
        head=head,
        oldest=oldest,
        boot=boot,
        ticks_ms=_number(ticks),
        firmware=".".join(map(str, firmware)),
        tolerance_ppm=tolerance or CRYSTAL_PPM,
        anchors=tuple(anchors),
        last_ticks={its_boot: _number(its_ticks) for its_boot, its_ticks in ends},
    )


def parse_page(body: bytes, cursor: int, counter: int, place: Place) -> Page:
    """Read a page asked for from a cursor on; what is not newer than the cursor is left out."""
    try:
        first, count, _oldest, head, boot, base = _PAGE.unpack_from(body)
    except error as err:
        msg = "a page of the log is cut off"
        raise MalformedError(msg) from err
    last = first + count - 1 if count else head
    if last < cursor or last > head or (count and not first):
        msg = "a page of the log goes back"
        raise MalformedError(msg)
    events: list[Record] = []
    unreadable = 0
    rest = body[_PAGE.size :]
    for event_id in range(first, first + count):
        if len(rest) < _RECORD.size:
            msg = "a page of the log is cut off"
            raise MalformedError(msg)
        kind, size, later = _RECORD.unpack_from(rest)
        content, rest = rest[_RECORD.size : _RECORD.size + size], rest[_RECORD.size + size :]
        if len(content) < size:
            msg = "a record of the log is cut off"
            raise MalformedError(msg)
        if event_id <= cursor:
            continue
        record = _record(kind, content, event_id, boot, place(boot, _number(base) + later))
        if record is None:
            unreadable += 1
        else:
            events.append(record)
    if rest:
        msg = "a page of the log is too long"
        raise MalformedError(msg)
    return Page(
        events=tuple(events),
        cursor=last,
        counter=counter,
        lost=max((first if count else head + 1) - cursor - 1, 0),
        unreadable=unreadable,
        head=head,
    )


def _record(kind: int, content: bytes, event_id: int, boot: int, when: tuple[datetime, float]) -> Record | None:
    """Return one event; None when we cannot read it, which must not stop those behind it."""
    at, uncertainty_s = when
    try:
        if kind == PUFF:
            return _puff(content, event_id, at, uncertainty_s)
        if kind == EPOCH:
            return parse_epoch(content, event_id, at, uncertainty_s)
        if kind == BOOT:
            return BootRecord(
                event_id=event_id,
                at=at,
                uncertainty_s=uncertainty_s,
                boot=boot,
                cause=content[0],
                firmware=".".join(map(str, _FIRMWARE.unpack_from(content, 1))),
            )
    except error, IndexError:
        return None
    return None


def _puff(content: bytes, event_id: int, at: datetime, uncertainty_s: float) -> PuffRecord | None:
    """Return a puff."""
    flags, shake, tilt, peak, step, samples = _PUFF.unpack_from(content)
    if samples > MAX_ENVELOPE or len(content) < _PUFF.size + samples:
        return None
    envelope = tuple(_value(byte, 2, 0, 500) for byte in content[_PUFF.size : _PUFF.size + samples])
    return PuffRecord(
        event_id=event_id,
        at=at,
        uncertainty_s=uncertainty_s,
        shake_s=_value(shake, 0.1, 0, 25.4),
        tilt_deg=_value(tilt, 1, 0, 180),
        peak_flow_lpm=_value(peak, 2, 0, 500),
        envelope=envelope if samples and step else None,
        envelope_step_s=step / 100 if samples and step else None,
        test=bool(flags & 1),
    )


def parse_epoch(content: bytes, event_id: int, at: datetime, uncertainty_s: float) -> EpochRecord:
    """Return a minute of a bed."""
    duration, occupied, heart, breath, motion, quality = _EPOCH.unpack_from(content)
    return EpochRecord(
        event_id=event_id,
        at=at,
        uncertainty_s=uncertainty_s,
        duration_s=10 * duration,
        occupied={0: False, 1: True}.get(occupied),
        heart_rate=_value(heart, 1, 20, 250),
        respiratory_rate=_value(breath, 0.25, 2, 60),
        motion=_value(motion, 0.005, 0, 1),
        quality=_value(quality, 0.01, 0, 1),
    )
