"""What may not be lost: decisions, their delivery, people's answers; on the disk before it is acknowledged."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final

from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady, HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .database import Database, DatabaseError, Fault, Job, stamp
from .engine import Decision, DecisionState, Feedback
from .records import (
    Delivery,
    Label,
    Pending,
    Recorded,
    decision_row,
    feedback_row,
    insert,
    read_decision,
    read_delivery,
    read_each,
    read_feedback,
    read_label,
    read_pending,
    row_of,
)

FOLDER: Final = DOMAIN
FILE: Final = "ledger.db"
ISSUE_CORRUPT: Final = "ledger_corrupt"
ISSUE_FULL: Final = "ledger_full"

_ERRORS: Final = {
    Fault.CORRUPT: "ledger_unusable",
    Fault.FULL: "ledger_full",
    Fault.LOCKED: "ledger_locked",
    Fault.NEWER: "ledger_unusable",
    Fault.UNUSABLE: "ledger_unusable",
}


class LedgerError(HomeAssistantError):
    """Nothing of what was to be kept has been kept."""


class LedgerClosedError(LedgerError):
    """It was asked after it had been closed on purpose: the household is unloaded, or Home Assistant ends."""


class Ledger:
    """The household's ledger; every call is done, and on the disk, when it returns."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Name the file; nothing is opened yet."""
        self._hass = hass
        self._database = Database(Path(hass.config.path(FOLDER, FILE)))
        self._executor: ThreadPoolExecutor | None = None
        self._stop_listening: CALLBACK_TYPE | None = None

    # Life.

    async def async_open(self) -> None:
        """Open the file; raises ConfigEntryNotReady when it cannot be used now."""
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="SmartLoop ledger")
        self._stop_listening = self._hass.bus.async_listen_once(EVENT_HOMEASSISTANT_CLOSE, self._async_closing)
        try:
            await self._async_do(self._database.open)
        except LedgerError as err:
            await self.async_close()
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key=err.translation_key,
                translation_placeholders=err.translation_placeholders,
            ) from err

    async def async_close(self) -> None:
        """Finish what is under way and close the file."""
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None
        executor, self._executor = self._executor, None
        if executor is not None:
            await self._hass.loop.run_in_executor(executor, self._database.close)
            # Waited for in another thread: the loop does not stand still for it, and nothing is left behind.
            await self._hass.loop.run_in_executor(None, executor.shutdown)

    async def _async_closing(self, _event: Event) -> None:
        self._stop_listening = None
        await self.async_close()

    async def async_remove(self) -> None:
        """Forget everything; what was set aside as corrupt, too. Not to be called while it is open."""
        try:
            await self._hass.async_add_executor_job(self._database.remove)
        except OSError as err:
            LOGGER.error("The ledger cannot be deleted: %s", err)
        for issue in (ISSUE_CORRUPT, ISSUE_FULL):
            ir.async_delete_issue(self._hass, DOMAIN, issue)

    # Decisions.

    async def async_record_decision(self, decision: Decision, text: str) -> None:
        """Keep a decision that was raised or shadowed, or that one is over."""
        if decision.state is DecisionState.CLEARED:
            over = (decision.state, stamp(decision.at), decision.id)
            await self.async_run(
                lambda db: db.execute("UPDATE decisions SET state = ?, over_at = ? WHERE id = ?", over)
            )
        else:
            row = decision_row(decision, text)
            await self.async_run(lambda db: db.execute(insert("decisions", row, "REPLACE"), row))

    async def async_decision(self, decision_id: str) -> Recorded | None:
        """Return one decision."""
        found = await self._async_decisions("WHERE id = ?", decision_id)
        return found[0] if found else None

    async def async_open_decisions(self) -> list[Recorded]:
        """Return what was raised and is not known to be over, oldest first."""
        return await self._async_decisions("WHERE state = ? ORDER BY at LIMIT 500", DecisionState.RAISED)

    async def _async_decisions(self, where: str, *values: str) -> list[Recorded]:
        sql = f"SELECT * FROM decisions {where}"  # noqa: S608  our own words
        return await self._async_read(sql, values, read_decision)

    # Deliveries.

    async def async_record_delivery(self, delivery: Delivery) -> None:
        """Keep how far a message got; a later state replaces an earlier one."""
        row = row_of(delivery) | {"person": delivery.person or ""}
        await self.async_run(lambda db: db.execute(insert("deliveries", row, "REPLACE"), row))

    async def async_deliveries(self, decision_id: str) -> list[Delivery]:
        """Return how far the messages about a decision got, in the order of their last change."""
        sql = "SELECT * FROM deliveries WHERE decision_id = ? ORDER BY at, rowid"
        return await self._async_read(sql, (decision_id,), read_delivery)

    async def async_record_pending(self, pending: Pending) -> None:
        """Keep what a token stands for."""
        row = row_of(pending)
        await self.async_run(lambda db: db.execute(insert("pending", row, "REPLACE"), row))

    async def async_pending(self, token: str) -> Pending | None:
        """Return what a token stands for; None when it was never given out or has expired."""
        sql = "SELECT * FROM pending WHERE token = ? AND expires_at > ?"
        found = await self._async_read(sql, (token, stamp(dt_util.utcnow())), read_pending)
        return found[0] if found else None

    # Answers.

    async def async_record_feedback(self, feedback: Feedback) -> bool:
        """Keep an answer; return whether it is a new one. Only what has returned may be acknowledged."""
        row = feedback_row(feedback)

        def record(db: sqlite3.Connection) -> bool:
            return db.execute(insert("feedback", row, "IGNORE"), row).rowcount == 1

        return await self.async_run(record)

    async def async_feedback(self, since: datetime | None = None) -> list[Feedback]:
        """Return the answers in the order they came, all or those given since a time."""
        values = ("" if since is None else stamp(since),)
        sql = (
            "SELECT feedback.*, decisions.source FROM feedback LEFT JOIN decisions ON decisions.id = decision_id "
            "WHERE feedback.at >= ? ORDER BY seq"
        )
        return await self._async_read(sql, values, read_feedback)

    async def async_record_undo(self, lesson_id: str) -> None:
        """Keep that a lesson was taken back."""
        row = {"lesson_id": lesson_id, "at": stamp(dt_util.utcnow())}
        await self.async_run(lambda db: db.execute(insert("undone", row, "IGNORE"), row))

    async def async_undone(self) -> list[str]:
        """Return the lessons that were taken back, in that order."""
        return await self._async_read("SELECT * FROM undone ORDER BY at, rowid", (), lambda row: row["lesson_id"])

    # Labels.

    async def async_record_label(self, label: Label) -> None:
        """Keep what a person says went on in a room."""
        row = row_of(label) | {"at": stamp(dt_util.utcnow())}
        await self.async_run(lambda db: db.execute(insert("labels", row, "REPLACE"), row))

    async def async_labels(self, since: datetime) -> list[Label]:
        """Return the labels of what ended since a time, in order."""
        sql = 'SELECT * FROM labels WHERE "end" >= ? ORDER BY start'
        return await self._async_read(sql, (stamp(since),), read_label)

    # The one thread.

    async def async_run[T](self, job: Job[T]) -> T:
        """Return what a job returns; its changes are on the disk by then, or none is. Others keep tables here, too."""
        return await self._async_do(lambda: self._database.run(job))

    async def _async_read[T](self, sql: str, values: tuple[str, ...], read: Callable[[sqlite3.Row], T]) -> list[T]:
        return await self.async_run(lambda db: list(read_each(db.execute(sql, values), read)))

    async def _async_do[T](self, work: Callable[[], T]) -> T:
        if self._executor is None:
            raise _error(Fault.UNUSABLE, "closed", LedgerClosedError)
        try:
            result = await self._hass.loop.run_in_executor(self._executor, work)
        except DatabaseError as err:
            LOGGER.error("The ledger cannot be used (%s): %s", err.fault, err)
            if err.fault is Fault.FULL:
                self._raise_issue(ISSUE_FULL, ir.IssueSeverity.ERROR, str(self._database.path.parent))
            raise _error(err.fault, str(err)) from err
        finally:
            if (aside := self._database.set_aside) is not None:
                self._database.set_aside = None
                LOGGER.error("The ledger was corrupt and has been set aside as %s", aside)
                self._raise_issue(ISSUE_CORRUPT, ir.IssueSeverity.WARNING, str(aside))
        ir.async_delete_issue(self._hass, DOMAIN, ISSUE_FULL)
        return result

    def _raise_issue(self, issue: str, severity: ir.IssueSeverity, path: str) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue,
            is_fixable=False,
            severity=severity,
            translation_key=issue,
            translation_placeholders={"path": path},
        )


def _error(fault: Fault, reason: str, kind: type[LedgerError] = LedgerError) -> LedgerError:
    return kind(translation_domain=DOMAIN, translation_key=_ERRORS[fault], translation_placeholders={"reason": reason})
