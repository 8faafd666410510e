"""The ledger: committed before acknowledged, private, bounded, and never in Home Assistant's way."""

import errno
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from custom_components.smartloop import database
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.database import Database, Fault
from custom_components.smartloop.engine import DecisionState
from custom_components.smartloop.ledger import Ledger, LedgerError
from custom_components.smartloop.records import Delivery, DeliveryState, Label, Pending

from .said import NOON, answer, decision


@pytest.fixture
async def ledger(hass: HomeAssistant) -> AsyncIterator[Ledger]:
    ledger = Ledger(hass)
    await ledger.async_open()
    yield ledger
    await ledger.async_close()


@pytest.fixture
def path(hass: HomeAssistant) -> Path:
    return Path(hass.config.path(DOMAIN, "ledger.db"))


def pragma(ledger: Ledger, name: str) -> object:
    connection = ledger._database._connection
    assert connection is not None
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def issue(hass: HomeAssistant, name: str) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, name)


def fill_disk(ledger: Ledger) -> None:
    connection = ledger._database._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")


def damage(path: Path) -> None:
    """Overwrite every page but the first: the header still looks like a database."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def set_aside(path: Path) -> list[Path]:
    return list(path.parent.glob("ledger.db.corrupt.*"))


def content(path: Path) -> bytes:
    return path.read_bytes()


async def record_until_full(ledger: Ledger, size: int = 500) -> list[str]:
    """Record answers until the disk is full; return those that were acknowledged."""
    kept: list[str] = []
    for number in range(10_000):
        feedback = answer(number, key="x" * size)
        try:
            await ledger.async_record_feedback(feedback)
        except LedgerError:
            return kept
        kept.append(feedback.id)
    raise AssertionError


async def test_the_file_is_private_durable_and_versioned(ledger: Ledger, path: Path) -> None:
    await ledger.async_record_feedback(answer())

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {
        "ledger.db": 0o600,
        "ledger.db-shm": 0o600,
        "ledger.db-wal": 0o600,
    }
    assert pragma(ledger, "journal_mode") == "wal"
    assert pragma(ledger, "synchronous") == 2  # FULL
    assert pragma(ledger, "user_version") == len(database.MIGRATIONS)


async def test_a_decision_comes_back_as_it_was_said(ledger: Ledger) -> None:
    said = decision(at=NOON)
    await ledger.async_record_decision(said, "Open the window")

    recorded = await ledger.async_decision(said.id)

    assert recorded is not None
    assert recorded.decision == said
    assert recorded.text == "Open the window"
    assert recorded.over_at is None
    assert [each.decision.id for each in await ledger.async_open_decisions()] == [said.id]


async def test_a_decision_that_is_over_keeps_when_it_was_raised(ledger: Ledger) -> None:
    said = decision(at=NOON)
    await ledger.async_record_decision(said, "Open the window")
    await ledger.async_record_decision(
        replace(said, state=DecisionState.CLEARED, at=NOON + timedelta(hours=1)), "It is over"
    )

    recorded = await ledger.async_decision(said.id)

    assert recorded is not None
    assert recorded.decision.at == NOON
    assert recorded.decision.state is DecisionState.CLEARED
    assert recorded.over_at == NOON + timedelta(hours=1)
    assert recorded.text == "Open the window"
    assert await ledger.async_open_decisions() == []


async def test_an_unknown_decision_is_nothing(ledger: Ledger) -> None:
    assert await ledger.async_decision("mold.heat:attic:1") is None


async def test_a_delivery_has_one_row_per_person_and_channel(ledger: Ledger) -> None:
    sent = Delivery(decision_id="d", person="ana", channel="mobile_app_ana", state=DeliveryState.SENT, at=NOON)
    house = Delivery(decision_id="d", person=None, channel="persistent_notification", state=DeliveryState.SENT, at=NOON)
    await ledger.async_record_delivery(sent)
    await ledger.async_record_delivery(house)
    await ledger.async_record_delivery(replace(sent, state=DeliveryState.ANSWERED, at=NOON + timedelta(minutes=5)))

    found = await ledger.async_deliveries("d")

    assert found == [house, replace(sent, state=DeliveryState.ANSWERED, at=NOON + timedelta(minutes=5))]
    assert await ledger.async_deliveries("other") == []


async def test_a_token_is_known_until_it_expires(ledger: Ledger) -> None:
    now = dt_util.utcnow()
    pending = Pending(
        token="T1",
        decision_id="d",
        key="mold.ventilate",
        room="bathroom",
        person="ana",
        at=now,
        expires_at=now + timedelta(hours=1),
    )
    old = replace(pending, token="T2", at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1))
    await ledger.async_record_pending(pending)
    await ledger.async_record_pending(old)

    assert await ledger.async_pending("T1") == pending
    assert await ledger.async_pending("T2") is None
    assert await ledger.async_pending("T3") is None


async def test_the_same_answer_twice_is_one(ledger: Ledger) -> None:
    first = answer(1)

    assert await ledger.async_record_feedback(first) is True
    assert await ledger.async_record_feedback(replace(first, at=NOON + timedelta(days=1))) is False
    assert await ledger.async_record_feedback(answer(2)) is True
    assert await ledger.async_feedback() == [first, answer(2)]
    assert await ledger.async_feedback(answer(2).at) == [answer(2)]


async def test_answers_and_undone_lessons_survive_a_restart(hass: HomeAssistant, ledger: Ledger) -> None:
    await ledger.async_record_feedback(answer(1))
    await ledger.async_record_feedback(answer(2))
    await ledger.async_record_undo("answer-1")
    await ledger.async_record_undo("answer-1")
    await ledger.async_close()

    again = Ledger(hass)
    await again.async_open()

    assert await again.async_feedback() == [answer(1), answer(2)]
    assert await again.async_undone() == ["answer-1"]
    await again.async_close()


async def test_labels_are_found_by_when_they_ended(ledger: Ledger) -> None:
    label = Label(id="L", room="bathroom", label="shower", start=NOON, end=NOON + timedelta(minutes=10))
    await ledger.async_record_label(label)

    assert await ledger.async_labels(NOON) == [label]
    assert await ledger.async_labels(NOON + timedelta(hours=1)) == []


async def test_a_row_nobody_understands_is_left_out(ledger: Ledger, caplog: pytest.LogCaptureFixture) -> None:
    await ledger.async_record_feedback(answer(1))
    await ledger.async_record_feedback(answer(2))
    await ledger.async_run(lambda db: db.execute("UPDATE feedback SET verdict = 'maybe' WHERE id = 'answer-1'"))

    assert await ledger.async_feedback() == [answer(2)]
    assert "not understood" in caplog.text


# Bounds.


async def test_what_is_old_or_too_much_is_forgotten(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(database.ROW_CAPS, "feedback", 3)
    now = dt_util.utcnow()
    for number in range(5):
        await ledger.async_record_feedback(answer(number, at=now - timedelta(days=number)))
    await ledger.async_record_feedback(answer(9, at=now - timedelta(days=401)))
    await ledger.async_record_undo("answer-0")
    await ledger.async_record_undo("answer-4")

    await ledger.async_run(lambda db: database.prune(db, now))

    assert [each.id for each in await ledger.async_feedback()] == ["answer-2", "answer-3", "answer-4"]
    assert await ledger.async_undone() == ["answer-4"]


async def test_the_bounds_are_looked_at_after_many_writes(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(database.ROW_CAPS, "feedback", 5)
    monkeypatch.setattr(database, "PRUNE_WRITES", 20)
    now = dt_util.utcnow()
    for number in range(60):
        await ledger.async_record_feedback(answer(number, at=now))

    assert len(await ledger.async_feedback()) < 30


# Versions.


async def test_an_older_file_is_brought_up_to_date(
    hass: HomeAssistant, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.async_record_feedback(answer())
    await ledger.async_close()
    monkeypatch.setattr(
        database, "MIGRATIONS", (*database.MIGRATIONS, "ALTER TABLE feedback ADD COLUMN note TEXT DEFAULT 'none'")
    )

    again = Ledger(hass)
    await again.async_open()

    assert await again.async_feedback() == [answer()]
    assert pragma(again, "user_version") == len(database.MIGRATIONS)
    await again.async_close()


async def test_a_migration_that_fails_changes_nothing(
    hass: HomeAssistant, ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.async_record_feedback(answer())
    await ledger.async_close()
    broken = "ALTER TABLE feedback ADD COLUMN note TEXT; ALTER TABLE nothing ADD COLUMN note TEXT"
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, broken))
        with pytest.raises(ConfigEntryNotReady):
            await Ledger(hass).async_open()

    again = Ledger(hass)
    await again.async_open()
    assert await again.async_feedback() == [answer()]
    assert pragma(again, "user_version") == len(database.MIGRATIONS)
    assert set_aside(path) == []
    await again.async_close()


async def test_a_newer_file_is_left_alone(hass: HomeAssistant, ledger: Ledger, path: Path) -> None:
    await ledger.async_close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = content(path)

    with pytest.raises(ConfigEntryNotReady) as raised:
        await Ledger(hass).async_open()

    assert raised.value.translation_key == "ledger_unusable"
    assert content(path) == before


# What goes wrong.


@pytest.mark.parametrize("spoil", [damage, overwrite])
async def test_a_damaged_file_is_set_aside(
    hass: HomeAssistant, ledger: Ledger, path: Path, spoil: Callable[[Path], object]
) -> None:
    for number in range(200):
        await ledger.async_record_feedback(answer(number))
    await ledger.async_close()
    spoil(path)

    again = Ledger(hass)
    await again.async_open()

    assert await again.async_feedback() == []
    assert await again.async_record_feedback(answer()) is True
    aside = set_aside(path)
    found = issue(hass, "ledger_corrupt")
    assert len(aside) == 1
    assert found is not None
    assert found.translation_placeholders == {"path": str(aside[0])}
    await again.async_close()


async def test_an_empty_file_is_a_new_one(hass: HomeAssistant, ledger: Ledger, path: Path) -> None:
    await ledger.async_close()
    empty(path)
    await ledger.async_open()

    assert await ledger.async_record_feedback(answer()) is True
    assert set_aside(path) == []


async def test_damage_found_while_running_loses_nothing_new(hass: HomeAssistant, ledger: Ledger, path: Path) -> None:
    for number in range(200):
        await ledger.async_record_feedback(answer(number))
    await ledger.async_close()
    await ledger.async_open()
    connection = ledger._database._connection
    assert connection is not None
    # What SQLite remembers it does not read again.
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("PRAGMA shrink_memory")
    damage(path)

    assert await ledger.async_record_feedback(answer(500)) is True

    assert await ledger.async_feedback() == [answer(500)]
    assert issue(hass, "ledger_corrupt") is not None


async def test_what_cannot_be_set_aside_is_tried_again(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.async_close()
    overwrite(path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", Mock(side_effect=PermissionError(13, "Permission denied")))
        with pytest.raises(ConfigEntryNotReady):
            await ledger.async_open()

    await ledger.async_open()
    assert await ledger.async_record_feedback(answer()) is True


async def test_a_connection_that_was_lost_is_opened_again(ledger: Ledger) -> None:
    ledger._database.close()

    assert await ledger.async_record_feedback(answer()) is True


async def test_tidying_up_that_fails_undoes_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PRUNE_WRITES", 1)
    monkeypatch.setattr(database, "prune", Mock(side_effect=sqlite3.OperationalError("disk I/O error")))

    assert await ledger.async_record_feedback(answer()) is True
    assert await ledger.async_feedback() == [answer()]


@pytest.mark.parametrize(
    ("code", "free", "fault"),
    [
        (sqlite3.SQLITE_IOERR, 0, Fault.FULL),
        (sqlite3.SQLITE_IOERR, 1 << 30, Fault.UNUSABLE),
        (sqlite3.SQLITE_IOERR, None, Fault.UNUSABLE),
        (sqlite3.SQLITE_FULL, 1 << 30, Fault.FULL),
        (sqlite3.SQLITE_READONLY, 0, Fault.UNUSABLE),
    ],
)
def test_a_fault_is_named_by_who_can_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, free: int | None, fault: Fault
) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    usage = Mock(side_effect=OSError("gone")) if free is None else Mock(return_value=Mock(free=free))
    monkeypatch.setattr("shutil.disk_usage", usage)

    assert Database(tmp_path / "ledger.db")._error(error).fault is fault


def test_a_folder_on_a_full_disk_is_a_full_disk(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")

    assert Database(tmp_path / "ledger.db")._error(error).fault is Fault.FULL


async def test_a_full_disk_acknowledges_nothing_and_heals(hass: HomeAssistant, ledger: Ledger) -> None:
    fill_disk(ledger)

    kept = await record_until_full(ledger)

    with pytest.raises(LedgerError) as raised:
        await ledger.async_record_feedback(answer(77_777, key="x" * 5000))
    assert raised.value.translation_key == "ledger_full"
    assert issue(hass, "ledger_full") is not None
    # What was acknowledged is there, what was refused is not.
    assert [each.id for each in await ledger.async_feedback()] == kept

    connection = ledger._database._connection
    assert connection is not None
    connection.execute("PRAGMA max_page_count = 1000000")
    assert await ledger.async_record_feedback(answer(88_888)) is True
    assert issue(hass, "ledger_full") is None


async def test_a_file_somebody_else_holds_is_said_so(
    hass: HomeAssistant, ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    await ledger.async_close()
    await ledger.async_open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerError) as raised:
        await ledger.async_record_feedback(answer())
    assert raised.value.translation_key == "ledger_locked"

    other.execute("ROLLBACK")
    other.close()
    assert await ledger.async_record_feedback(answer()) is True


async def test_a_folder_that_cannot_be_used_stops_only_smartloop(hass: HomeAssistant, path: Path) -> None:
    path.parent.write_text("a file where the folder should be")

    with pytest.raises(ConfigEntryNotReady) as raised:
        await Ledger(hass).async_open()

    assert raised.value.translation_key == "ledger_unusable"


async def test_a_closed_ledger_refuses(ledger: Ledger) -> None:
    await ledger.async_close()
    await ledger.async_close()

    with pytest.raises(LedgerError):
        await ledger.async_record_feedback(answer())


async def test_it_closes_itself_when_home_assistant_does(hass: HomeAssistant, ledger: Ledger, path: Path) -> None:
    await ledger.async_record_feedback(answer())

    hass.bus.async_fire(EVENT_HOMEASSISTANT_CLOSE)
    await hass.async_block_till_done()

    # All that was committed is in the one file.
    assert [each.name for each in path.parent.iterdir()] == ["ledger.db"]
    with pytest.raises(LedgerError):
        await ledger.async_record_feedback(answer(2))
