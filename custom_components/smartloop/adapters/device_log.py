"""What an own device's log says, as the diary keeps it and as the engine hears of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ..diary import Origin, StoredActuation, StoredEpoch
from ..engine import HOUSE, UNITS, Measurand, Reading, ReadingError
from ..protocol import DeviceKind, EpochRecord, Page, PuffRecord

FRESH: Final = timedelta(minutes=20)
"""A bed's older minutes say nothing of now: they go to the diary alone. Beds are asked every five minutes."""

TRUSTED: Final = 0.5
"""A pulse or breath the device itself doubts is not known; the diary keeps it with its quality."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenure:
    """Whose a device was before, and where."""

    until: datetime
    person: str
    inhaler: str | None
    room: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose device it is and where, as its subentry says."""

    address: str
    kind: DeviceKind
    source: str
    """The device registry's id."""
    person: str
    inhaler: str | None
    room: str | None
    former: tuple[Tenure, ...] = ()
    """In order of time"""

    def then(self, at: datetime) -> Owner:
        """Return whose it was: what is fetched late belongs to who had the device when it happened."""
        for tenure in self.former:
            if at < tenure.until:
                return replace(self, person=tenure.person, inhaler=tenure.inhaler, room=tenure.room, former=())
        return self

    @property
    def place(self) -> str:
        """Return where its readings belong."""
        return self.room or HOUSE


def stored_puffs(owner: Owner, page: Page) -> Iterator[StoredActuation]:
    """Yield the puffs of a page; those sprayed into the air are none."""
    for record in page.events:
        if isinstance(record, PuffRecord) and not record.test and (its := owner.then(record.at)).inhaler is not None:
            yield StoredActuation(
                id=_event(owner, record.event_id),
                person=its.person,
                inhaler=its.inhaler,
                at=record.at,
                uncertainty_s=record.uncertainty_s,
                source=owner.source,
                origin=Origin.BLE,
                shake_s=record.shake_s,
                tilt_deg=record.tilt_deg,
                peak_flow_lpm=record.peak_flow_lpm,
                envelope=_whole(record.envelope),
            )


def stored_epochs(owner: Owner, page: Page) -> Iterator[StoredEpoch]:
    """Yield the minutes of a page."""
    for record in page.events:
        if isinstance(record, EpochRecord):
            yield stored_epoch(owner, record)


def stored_epoch(owner: Owner, record: EpochRecord) -> StoredEpoch:
    """Return one minute of a bed."""
    its = owner.then(record.at)
    return StoredEpoch(
        id=_event(owner, record.event_id),
        source=owner.source,
        person=its.person,
        room=its.room,
        at=record.at,
        occupied=record.occupied,
        heart_rate=record.heart_rate,
        respiratory_rate=record.respiratory_rate,
        motion=record.motion,
        quality=record.quality,
    )


def readings(owner: Owner, epoch: StoredEpoch, now: datetime) -> Iterator[Reading]:
    """Yield what a minute of a bed measured, while it is fresh."""
    if not timedelta(0) <= now - epoch.at <= FRESH:
        return
    doubtful = epoch.quality is not None and epoch.quality < TRUSTED
    measured = (
        (Measurand.BED_OCCUPANCY, None if epoch.occupied is None else float(epoch.occupied)),
        (Measurand.HEART_RATE, None if doubtful else epoch.heart_rate),
        (Measurand.RESPIRATORY_RATE, None if doubtful else epoch.respiratory_rate),
        (Measurand.BED_MOTION, epoch.motion),
    )
    for measurand, value in measured:
        if value is not None:
            yield from reading(owner.then(epoch.at), measurand, value, epoch.at)


def reading(owner: Owner, measurand: Measurand, value: float, at: datetime) -> Iterator[Reading]:
    """Yield one reading, or nothing where the value cannot be true."""
    try:
        yield Reading(
            measurand=measurand,
            value=value,
            unit=UNITS[measurand],
            place=owner.place,
            at=at,
            source=owner.source,
            person=None if measurand is Measurand.BATTERY else owner.person,
        )
    except ReadingError:
        return


def _event(owner: Owner, event_id: int) -> str:
    """Return the id an event has for ever: the device counts them and never twice."""
    return f"{owner.address}/{event_id}"


def _whole(envelope: tuple[float | None, ...] | None) -> tuple[float, ...] | None:
    """Return an inhalation none of whose samples is missing."""
    if envelope is None:
        return None
    samples = tuple(each for each in envelope if each is not None)
    return samples if len(samples) == len(envelope) else None
