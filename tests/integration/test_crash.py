"""Power cuts and kill -9 at random moments: no acknowledged answer is lost, the file stays whole."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.engine import Feedback
from custom_components.smartloop.ledger import Ledger

ROUNDS = 25
LONGEST_LIFE_S = 0.15
BOUND_S = 120.0
WRITER = Path(__file__).with_name("crash_writer.py")

type Writer = subprocess.Popen[str]


@pytest.fixture
def writer() -> Iterator[Writer]:
    """Return a process that forks writers; Home Assistant is imported once for all rounds."""
    with subprocess.Popen([sys.executable, str(WRITER)], stdin=-1, stdout=-1, text=True, bufsize=1) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def kill_a_writer(writer: Writer, folder: str, number: int, wait: random.Random, *, early: bool) -> list[str]:
    """Let it write for a moment, kill it without warning; return what it had acknowledged."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write(f"{folder} {number} {'early' if early else 'late'}\n")
    writer.stdin.flush()
    pid = int(writer.stdout.readline().removeprefix("pid "))
    acknowledged = []
    if number % 5:
        # Mostly in the middle of its work; now and then while it still opens the file.
        acknowledged.append(writer.stdout.readline().strip())
    time.sleep(wait.uniform(0.0, LONGEST_LIFE_S))
    os.kill(pid, signal.SIGKILL)
    while (line := writer.stdout.readline().strip()) != "dead":
        acknowledged.append(line)
    return acknowledged


def kill_many(writer: Writer, folder: str, rounds: int, *, early: bool) -> list[str]:
    wait, began, acknowledged = random.Random(1), time.monotonic(), []
    for number in range(rounds):
        acknowledged += kill_a_writer(writer, folder, number, wait, early=early)
        assert time.monotonic() - began < BOUND_S
    return acknowledged


async def reopened(hass: HomeAssistant) -> list[Feedback]:
    ledger = Ledger(hass)
    await ledger.async_open()
    kept = await ledger.async_feedback()
    await ledger.async_close()
    return kept


async def test_no_acknowledged_answer_is_lost(hass: HomeAssistant, writer: Writer) -> None:
    acknowledged = await hass.async_add_executor_job(
        lambda: kill_many(writer, hass.config.config_dir, ROUNDS, early=False)
    )

    kept = [feedback.id for feedback in await reopened(hass)]

    assert len(acknowledged) > ROUNDS
    assert set(acknowledged) - set(kept) == set()
    assert len(set(kept)) == len(kept)
    # A kill may leave committed what could not be acknowledged any more: one answer per writer and round.
    assert len(kept) - len(acknowledged) <= 4 * ROUNDS
    path = Path(hass.config.path(DOMAIN, "ledger.db"))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert not list(path.parent.glob("*.corrupt.*"))
    assert ir.async_get(hass).async_get_issue(DOMAIN, "ledger_corrupt") is None


async def test_the_test_notices_what_is_acknowledged_too_early(hass: HomeAssistant, writer: Writer) -> None:
    acknowledged = await hass.async_add_executor_job(lambda: kill_many(writer, hass.config.config_dir, 10, early=True))

    kept = {feedback.id for feedback in await reopened(hass)}

    assert set(acknowledged) - kept
