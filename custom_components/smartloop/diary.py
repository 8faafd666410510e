"""What people's own devices recorded: puffs, nights, and how far each device's log was read. Private, in the ledger's file."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from .database import stamp
from .ledger import Ledger
from .records import Row, insert, read_each

MOST_ROWS: Final = 100_000
"""Read at once; a year of nights is asked for in pieces."""


class Origin(StrEnum):
    """What told of a puff."""

    BLE = "ble"
    BUTTON = "button"
    ENTITY = "entity"
    EVENT = "event"
    NFC = "nfc"
    PHONE = "phone"
    SERVICE = "service"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredActuation:
    """One puff of an inhaler."""

    id: str
    """Unique per puff and the same however often it is told."""
    person: str
    inhaler: str
    at: datetime
    source: str
    origin: Origin
    uncertainty_s: float | None = None
    """How far `at` may be off; None when whoever told it was there."""
    shake_s: float | None = None
    tilt_deg: float | None = None
    peak_flow_lpm: float | None = None
    envelope: tuple[float, ...] | None = None
    """L/min, evenly spaced over the inhalation"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEpoch:
    """One minute of a bed; None is what was not measured."""

    id: str
    source: str
    person: str | None
    room: str | None
    at: datetime
    occupied: bool | None
    heart_rate: float | None
    """1/min"""
    respiratory_rate: float | None
    """1/min"""
    motion: float | None
    """0-1, the share of the minute"""
    quality: float | None
    """0-1"""


class LogState(NamedTuple):
    """How far a device's log was read, and the last advert that was believed."""

    cursor: int
    counter: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRows:
    """What was not known before."""

    actuations: tuple[StoredActuation, ...]
    epochs: tuple[StoredEpoch, ...]


class Diary:
    """Everything here is on the disk when a call returns; what is told twice is kept once."""

    def __init__(self, ledger: Ledger) -> None:
        """Write into the ledger's file."""
        self._ledger = ledger

    # A device's log.

    async def async_commit_page(
        self,
        address: str,
        *,
        cursor: int,
        counter: int,
        actuations: Iterable[StoredActuation] = (),
        epochs: Iterable[StoredEpoch] = (),
    ) -> NewRows:
        """Keep a page of a log and how far it reaches, both or neither; return what is new of it."""
        puffs, minutes = tuple(actuations), tuple(epochs)

        def commit(db: sqlite3.Connection) -> NewRows:
            new = NewRows(
                actuations=tuple(each for each in puffs if _add(db, "actuations", _puff_row(each))),
                epochs=tuple(each for each in minutes if _add(db, "bed_epochs", _epoch_row(each))),
            )
            _keep_log(db, address, cursor, counter)
            return new

        return await self._ledger.async_run(commit)

    async def async_log_state(self, address: str) -> LogState:
        """Return how far a device's log was read; 0, 0 for one that was never heard."""
        sql = "SELECT cursor, counter FROM device_logs WHERE address = ?"
        row = await self._ledger.async_run(lambda db: db.execute(sql, (address,)).fetchone())
        return LogState(0, 0) if row is None else LogState(row["cursor"], row["counter"])

    async def async_save_counter(self, address: str, counter: int) -> None:
        """Keep the last advert that was believed; an earlier one changes nothing."""
        await self._ledger.async_run(lambda db: _keep_log(db, address, 0, counter))

    async def async_forget_log(self, address: str) -> None:
        """Begin a device's log anew: it was reset, or belongs to somebody else now."""
        await self._ledger.async_run(lambda db: db.execute("DELETE FROM device_logs WHERE address = ?", (address,)))

    # Puffs.

    async def async_record_actuation(self, actuation: StoredActuation) -> bool:
        """Keep a puff; return whether it is a new one."""
        return await self._ledger.async_run(lambda db: _add(db, "actuations", _puff_row(actuation)))

    async def async_actuations(
        self, person: str | None, since: datetime, until: datetime | None = None
    ) -> list[StoredActuation]:
        """Return a person's puffs in order, or everybody's."""
        whose = "" if person is None else "AND person = :person"
        sql = f"SELECT * FROM actuations WHERE NOT removed AND at >= :since AND at < :until {whose} ORDER BY at LIMIT :most"  # noqa: S608
        values = _span(person, since, until)
        return await self._ledger.async_run(lambda db: list(read_each(db.execute(sql, values), _read_puff)))

    async def async_actuation(self, actuation_id: str) -> StoredActuation | None:
        """Return one puff; None when there is none, or it was taken back."""
        sql = "SELECT * FROM actuations WHERE id = ? AND NOT removed"
        found = await self._ledger.async_run(lambda db: list(read_each(db.execute(sql, (actuation_id,)), _read_puff)))
        return found[0] if found else None

    async def async_remove_actuation(self, actuation_id: str) -> bool:
        """Take a puff back; return whether there was one. Its row stays, so that no log brings it again."""
        sql = "UPDATE actuations SET removed = 1 WHERE id = ? AND NOT removed"
        return await self._ledger.async_run(lambda db: db.execute(sql, (actuation_id,)).rowcount == 1)

    # Nights.

    async def async_epochs(self, person: str, since: datetime, until: datetime | None = None) -> list[StoredEpoch]:
        """Return the minutes of a person's bed in order."""
        sql = "SELECT * FROM bed_epochs WHERE person = :person AND at >= :since AND at < :until ORDER BY at LIMIT :most"
        values = _span(person, since, until)
        return await self._ledger.async_run(lambda db: list(read_each(db.execute(sql, values), _read_epoch)))

    # Care.

    async def async_record_leak_test(self, source: str, at: datetime) -> None:
        """Keep that a leak sensor was seen to work, with water."""
        await self._async_keep_time("leak_tests", source, at)

    async def async_leak_tests(self) -> dict[str, datetime]:
        """Return when each leak sensor was last seen to work."""
        return await self._async_times("leak_tests")

    async def async_record_battery_change(self, source: str, at: datetime) -> None:
        """Keep that a box got a new battery."""
        await self._async_keep_time("battery_changes", source, at)

    async def async_forget_battery_change(self, source: str) -> None:
        """Forget a new battery that was none."""
        sql = "DELETE FROM battery_changes WHERE source = ?"
        await self._ledger.async_run(lambda db: db.execute(sql, (source,)))

    async def async_battery_changes(self) -> dict[str, datetime]:
        """Return when each box last got a new battery."""
        return await self._async_times("battery_changes")

    async def _async_keep_time(self, table: str, source: str, at: datetime) -> None:
        row = {"source": source, "at": stamp(at)}
        await self._ledger.async_run(lambda db: db.execute(insert(table, row, "REPLACE"), row))

    async def _async_times(self, table: str) -> dict[str, datetime]:
        rows = await self._ledger.async_run(lambda db: db.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608
        return {row["source"]: datetime.fromisoformat(row["at"]) for row in rows}


def _add(db: sqlite3.Connection, table: str, row: Row) -> bool:
    # IGNORE would drop a row that cannot be kept without a word.
    return db.execute(f"{insert(table, row, 'ABORT')} ON CONFLICT (id) DO NOTHING", row).rowcount == 1


def _keep_log(db: sqlite3.Connection, address: str, cursor: int, counter: int) -> None:
    """Move forward only: what comes late over another path may not bring old adverts back to life."""
    db.execute(
        "INSERT INTO device_logs (address, cursor, counter) VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE SET "
        "cursor = max(cursor, excluded.cursor), counter = max(counter, excluded.counter)",
        (address, cursor, counter),
    )


def _span(person: str | None, since: datetime, until: datetime | None) -> Row:
    end = "9999" if until is None else stamp(until)
    return {"person": person, "since": stamp(since), "until": end, "most": MOST_ROWS}


def _puff_row(puff: StoredActuation) -> Row:
    envelope = None if puff.envelope is None else json.dumps(puff.envelope)
    return asdict(puff) | {"at": stamp(puff.at), "origin": puff.origin.value, "envelope": envelope}


def _read_puff(row: sqlite3.Row) -> StoredActuation:
    fields = {name: row[name] for name in row.keys() if name != "removed"}  # noqa: SIM118  a row is no mapping
    envelope = None if row["envelope"] is None else tuple(json.loads(row["envelope"]))
    at, origin = datetime.fromisoformat(row["at"]), Origin(row["origin"])
    return StoredActuation(**fields | {"at": at, "origin": origin, "envelope": envelope})


def _epoch_row(epoch: StoredEpoch) -> Row:
    return asdict(epoch) | {"at": stamp(epoch.at)}


def _read_epoch(row: sqlite3.Row) -> StoredEpoch:
    occupied = None if row["occupied"] is None else bool(row["occupied"])
    return StoredEpoch(**dict(row) | {"at": datetime.fromisoformat(row["at"]), "occupied": occupied})
