"""The file behind the ledger: opened privately, migrated, bounded, set aside when it is corrupt.

Everything here blocks and belongs to the ledger's one thread.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

type Job[T] = Callable[[sqlite3.Connection], T]

RETENTION: Final = timedelta(days=400)
ROW_CAPS: Final = {
    "actuations": 50_000,
    "bed_epochs": 1_200_000,
    "decisions": 50_000,
    "deliveries": 100_000,
    "feedback": 20_000,
    "labels": 20_000,
    "pending": 5_000,
}
"""A minute is an epoch: two beds fill a year's worth."""
BUSY_S: Final = 5.0
"""How long somebody else may hold the file."""
PRUNE_EVERY: Final = timedelta(days=1)
PRUNE_WRITES: Final = 1000
"""Changed rows after which the bounds are looked at early."""
SCARCE_BYTES: Final = 1 << 20
"""With less free, an input/output error means that the disk is full."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE decisions (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        severity TEXT NOT NULL,
        state TEXT NOT NULL,
        room TEXT,
        person TEXT,
        evidence TEXT NOT NULL,
        proposed TEXT,
        score REAL NOT NULL,
        at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        over_at TEXT,
        text TEXT NOT NULL
    );
    CREATE INDEX decisions_by_room ON decisions (room, at);
    CREATE INDEX decisions_by_at ON decisions (at);
    CREATE TABLE deliveries (
        decision_id TEXT NOT NULL,
        person TEXT NOT NULL,
        channel TEXT NOT NULL,
        state TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (decision_id, person, channel)
    );
    CREATE INDEX deliveries_by_at ON deliveries (at);
    CREATE TABLE feedback (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        key TEXT NOT NULL,
        verdict TEXT NOT NULL,
        at TEXT NOT NULL,
        room TEXT,
        person TEXT,
        decision_id TEXT
    );
    CREATE INDEX feedback_by_at ON feedback (at);
    CREATE TABLE undone (lesson_id TEXT PRIMARY KEY, at TEXT NOT NULL);
    CREATE TABLE pending (
        token TEXT PRIMARY KEY,
        decision_id TEXT NOT NULL,
        key TEXT NOT NULL,
        room TEXT,
        person TEXT,
        at TEXT NOT NULL,
        expires_at TEXT NOT NULL
    );
    CREATE TABLE labels (
        id TEXT PRIMARY KEY,
        room TEXT NOT NULL,
        label TEXT NOT NULL,
        start TEXT NOT NULL,
        "end" TEXT NOT NULL,
        at TEXT NOT NULL
    );
    """,
    """
    ALTER TABLE decisions ADD COLUMN source TEXT;
    CREATE TABLE actuations (
        id TEXT PRIMARY KEY,
        person TEXT NOT NULL,
        inhaler TEXT NOT NULL,
        at TEXT NOT NULL,
        uncertainty_s REAL,
        source TEXT NOT NULL,
        origin TEXT NOT NULL,
        shake_s REAL,
        tilt_deg REAL,
        peak_flow_lpm REAL,
        envelope TEXT,
        removed INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX actuations_by_at ON actuations (at);
    CREATE TABLE bed_epochs (
        id TEXT PRIMARY KEY,
        source TEXT NOT NULL,
        person TEXT,
        room TEXT,
        at TEXT NOT NULL,
        occupied INTEGER,
        heart_rate REAL,
        respiratory_rate REAL,
        motion REAL,
        quality REAL
    );
    CREATE INDEX bed_epochs_by_at ON bed_epochs (at);
    CREATE TABLE device_logs (address TEXT PRIMARY KEY, cursor INTEGER NOT NULL, counter INTEGER NOT NULL);
    CREATE TABLE leak_tests (source TEXT PRIMARY KEY, at TEXT NOT NULL);
    CREATE TABLE battery_changes (source TEXT PRIMARY KEY, at TEXT NOT NULL);
    """,
)
"""One script per schema version, in order; never changed once released, only added to."""


class Fault(StrEnum):
    """What is wrong with the file, by what its owner can do."""

    CORRUPT = "corrupt"
    FULL = "full"
    LOCKED = "locked"
    NEWER = "newer"
    UNUSABLE = "unusable"


class DatabaseError(Exception):
    """The file could not do what was asked; nothing of it was written."""

    def __init__(self, fault: Fault, reason: str) -> None:
        """Keep the fault for those who must act on it."""
        super().__init__(reason)
        self.fault = fault


_FAULTS: Final = {
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_CORRUPT: Fault.CORRUPT,
    sqlite3.SQLITE_NOTADB: Fault.CORRUPT,
}


class Database:
    """One SQLite file in a private folder."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is opened yet."""
        self.path = path
        self.set_aside: Path | None = None
        """Where a corrupt file was put since this was last asked; the asker resets it."""
        self._connection: sqlite3.Connection | None = None
        self._pruned_at: datetime | None = None
        self._pruned_after = 0

    def open(self) -> None:
        """Open, check and migrate the file; a corrupt one is set aside and a new one made."""
        try:
            self._open()
        except DatabaseError as err:
            if err.fault is not Fault.CORRUPT:
                raise
            self._set_aside()
            self._open()

    def close(self) -> None:
        """Close the file; what was committed stays."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def remove(self) -> None:
        """Delete the file, its companions and what was set aside; files the owner exported stay."""
        for part in self.path.parent.glob(f"{self.path.name}*"):
            part.unlink(missing_ok=True)

    def run[T](self, job: Job[T]) -> T:
        """Return what the job returns; its changes are on the disk by then, or none of them is."""
        if self._connection is None:
            self.open()
        try:
            result = self._transact(job)
        except DatabaseError as err:
            if err.fault is not Fault.CORRUPT:
                raise
            self._set_aside()
            self._open()
            result = self._transact(job)
        self._prune_when_due()
        return result

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.parent.chmod(0o700)
            # SQLite gives its companions (-wal, -shm) the mode of the file itself.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self.path.chmod(0o600)
            connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as err:
            raise self._error(err) from err
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 1048576")
            _check(connection)
            _migrate(connection)
        except (sqlite3.Error, DatabaseError) as err:
            connection.close()
            raise self._error(err) from err
        self._connection = connection

    def _transact[T](self, job: Job[T]) -> T:
        connection = self._connection
        assert connection is not None  # noqa: S101  for the type checker
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = job(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as err:
            raise self._error(err) from err
        return result

    def _set_aside(self) -> None:
        self.close()
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        aside = self.path.with_name(f"{self.path.name}.corrupt.{stamp}")
        try:
            for suffix in ("", "-wal", "-shm"):
                part = self.path.with_name(self.path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
        except OSError as err:
            raise self._error(err) from err
        self.set_aside = aside

    def _prune_when_due(self) -> None:
        connection = self._connection
        assert connection is not None  # noqa: S101  for the type checker
        now = datetime.now(UTC)
        due = self._pruned_at is None or not timedelta(0) <= now - self._pruned_at < PRUNE_EVERY
        if due or connection.total_changes - self._pruned_after >= PRUNE_WRITES:
            self._pruned_at = now
            # What was asked for is done by now; nothing here shall make it look undone.
            with suppress(DatabaseError):
                self._transact(lambda _: prune(connection, now))
            self._pruned_after = connection.total_changes

    def _error(self, err: Exception) -> DatabaseError:
        if isinstance(err, DatabaseError):
            return err
        if isinstance(err, OSError):
            full = err.errno in (errno.ENOSPC, errno.EDQUOT)
            return DatabaseError(Fault.FULL if full else Fault.UNUSABLE, err.strerror or str(err))
        code = getattr(err, "sqlite_errorcode", 0) & 0xFF
        fault = _FAULTS.get(code, Fault.UNUSABLE)
        if code == sqlite3.SQLITE_IOERR and self._space_is_scarce():
            fault = Fault.FULL
        return DatabaseError(fault, str(err))

    def _space_is_scarce(self) -> bool:
        try:
            return shutil.disk_usage(self.path.parent).free < SCARCE_BYTES
        except OSError:
            return False


def _check(connection: sqlite3.Connection) -> None:
    """Refuse a file whose pages do not hang together."""
    if (said := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise DatabaseError(Fault.CORRUPT, said)


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date, each version whole or not at all."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        msg = f"written by a newer SmartLoop (schema {version}, known up to {len(MIGRATIONS)})"
        raise DatabaseError(Fault.NEWER, msg)
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def prune(connection: sqlite3.Connection, now: datetime) -> None:
    """Forget what is too old or too much."""
    oldest = stamp(now - RETENTION)
    connection.execute("DELETE FROM pending WHERE expires_at < ?", (stamp(now),))
    for table, cap in ROW_CAPS.items():
        connection.execute(f"DELETE FROM {table} WHERE at < ?", (oldest,))  # noqa: S608  our own names
        connection.execute(
            f"DELETE FROM {table} WHERE rowid <= (SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 1 OFFSET ?)",  # noqa: S608
            (cap,),
        )
    connection.execute("DELETE FROM undone WHERE lesson_id NOT IN (SELECT id FROM feedback)")


def stamp(at: datetime) -> str:
    """Return a time as the file keeps it: UTC, of fixed length, so that texts sort as times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
