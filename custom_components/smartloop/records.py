"""What the ledger keeps, as values, and how each becomes a row and is read back."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .const import LOGGER
from .database import stamp
from .engine import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    EngineError,
    Evidence,
    Feedback,
    Severity,
    Verdict,
)

type Row = dict[str, Any]


class DeliveryState(StrEnum):
    """How far a message got on one channel."""

    FAILED = "failed"
    SENT = "sent"
    RECEIVED = "received"
    ANSWERED = "answered"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message on its way to one person."""

    decision_id: str
    person: str | None
    channel: str
    """The phone's notify service, or `persistent_notification`."""
    state: DeliveryState
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """What an opaque token on a notification's buttons stands for."""

    token: str
    decision_id: str
    key: str
    room: str | None
    person: str | None
    """Whom it was sent to."""
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A decision as it was said."""

    decision: Decision
    text: str
    over_at: datetime | None
    """When it was cleared; None while it stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """What a person says went on in a room."""

    id: str
    room: str
    label: str
    start: datetime
    end: datetime


def insert(table: str, row: Row, conflict: str) -> str:
    """Return the statement that writes a row; `conflict` says what happens to one of the same key."""
    names, values = ", ".join(f'"{name}"' for name in row), ", ".join(f":{name}" for name in row)
    return f"INSERT OR {conflict} INTO {table} ({names}) VALUES ({values})"  # noqa: S608  our own names


def read_each[T](rows: Iterable[sqlite3.Row], read: Callable[[sqlite3.Row], T]) -> Iterator[T]:
    """Yield what the rows say; one that says nothing sensible is left out, not guessed at."""
    for row in rows:
        try:
            yield read(row)
        except (EngineError, TypeError, ValueError) as err:
            LOGGER.warning("A row of the ledger is not understood: %s", err)


def row_of(value: Delivery | Feedback | Label | Pending) -> Row:
    """Return the row of a flat value."""
    row = asdict(value)
    return {name: stamp(each) if isinstance(each, datetime) else each for name, each in row.items()}


def decision_row(decision: Decision, text: str) -> Row:
    """Return the row of a decision."""
    row = asdict(decision)
    return row | {
        "evidence": json.dumps(row["evidence"]),
        "proposed": None if decision.proposed is None else json.dumps(row["proposed"]),
        "at": stamp(decision.at),
        "expires_at": stamp(decision.expires_at),
        "text": text,
    }


def read_decision(row: sqlite3.Row) -> Recorded:
    """Return the decision of a row."""
    proposed = None if row["proposed"] is None else json.loads(row["proposed"])
    decision = Decision(
        id=row["id"],
        key=DecisionKey(row["key"]),
        severity=Severity(row["severity"]),
        state=DecisionState(row["state"]),
        room=row["room"],
        person=row["person"],
        evidence=tuple(Evidence(**each) for each in json.loads(row["evidence"])),
        proposed=None if proposed is None else Act(**proposed | {"kind": ActKind(proposed["kind"])}),
        at=datetime.fromisoformat(row["at"]),
        expires_at=datetime.fromisoformat(row["expires_at"]),
        score=row["score"],
        source=row["source"],
    )
    return Recorded(
        decision=decision,
        text=row["text"],
        over_at=None if row["over_at"] is None else datetime.fromisoformat(row["over_at"]),
    )


def read_delivery(row: sqlite3.Row) -> Delivery:
    """Return the delivery of a row."""
    return Delivery(
        decision_id=row["decision_id"],
        person=row["person"] or None,
        channel=row["channel"],
        state=DeliveryState(row["state"]),
        at=datetime.fromisoformat(row["at"]),
    )


def read_pending(row: sqlite3.Row) -> Pending:
    """Return what a token's row says it stands for."""
    return Pending(
        token=row["token"],
        decision_id=row["decision_id"],
        key=row["key"],
        room=row["room"],
        person=row["person"],
        at=datetime.fromisoformat(row["at"]),
        expires_at=datetime.fromisoformat(row["expires_at"]),
    )


def read_feedback(row: sqlite3.Row) -> Feedback:
    """Return the answer of a row."""
    return Feedback(
        id=row["id"],
        key=row["key"],
        verdict=Verdict(row["verdict"]),
        at=datetime.fromisoformat(row["at"]),
        room=row["room"],
        person=row["person"],
        decision_id=row["decision_id"],
        source=row["source"],
    )


def feedback_row(feedback: Feedback) -> Row:
    """Return the row of an answer; which box it was about, its decision's row says."""
    row = row_of(feedback)
    del row["source"]
    return row


def read_label(row: sqlite3.Row) -> Label:
    """Return the label of a row."""
    times = {name: datetime.fromisoformat(row[name]) for name in ("start", "end")}
    return Label(id=row["id"], room=row["room"], label=row["label"], **times)
