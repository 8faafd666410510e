"""Power cuts and kill -9 while a sleeve's log is fetched: no puff is lost, none is there twice."""

import contextlib
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

from .radio import SLEEVE

FETCHER = Path(__file__).with_name("crash_fetcher.py")
PUFFS = 1500
LONGEST_LIFE_S = 0.12
MOST_ROUNDS = 60
BOUND_S = 150.0

type Fetcher = subprocess.Popen[str]


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """Return a process that forks fetchers; Home Assistant is imported once for all rounds."""
    with subprocess.Popen([sys.executable, str(FETCHER)], stdin=-1, stdout=-1, text=True, bufsize=1) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield process
        assert process.stdin is not None
        process.stdin.close()


def fetch(fetcher: Fetcher, folder: Path, life: float | None, *, early: bool = False) -> bool:
    """Let it fetch, for so long or to the end; return whether it came to the end."""
    assert fetcher.stdin is not None
    assert fetcher.stdout is not None
    fetcher.stdin.write(f"{folder} {'early' if early else 'late'}\n")
    fetcher.stdin.flush()
    pid, done = 0, False
    while (line := fetcher.stdout.readline().strip()) != "dead":
        assert line, "the fetchers' process died"
        if line.startswith("pid "):
            pid = int(line.removeprefix("pid "))
        elif line == "fetching" and life is not None:
            time.sleep(life)
            # Of the last pages it may have been done already.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        elif line == "done":
            done = True
    return done


def kept(folder: Path) -> tuple[int, list[int]]:
    """Return the cursor and the ids of the puffs on the disk."""
    path = folder / "smartloop" / "ledger.db"
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        row = db.execute("SELECT cursor FROM device_logs WHERE address = ?", (SLEEVE,)).fetchone()
        ids = [int(each[0].rpartition("/")[2]) for each in db.execute("SELECT id FROM actuations")]
    db.close()
    return (0 if row is None else row[0]), sorted(ids)


def test_no_puff_is_lost_or_doubled(fetcher: Fetcher, tmp_path: Path) -> None:
    wait, began, rounds = random.Random(3), time.monotonic(), 0
    cursors = [0]
    while rounds < MOST_ROUNDS and cursors[-1] <= PUFFS:
        fetch(fetcher, tmp_path, wait.uniform(0.0, LONGEST_LIFE_S))
        rounds += 1
        assert time.monotonic() - began < BOUND_S
        if (tmp_path / "smartloop" / "ledger.db").exists():
            cursor, puffs = kept(tmp_path)
            # Event 1 is the sleeve's own start; all behind it are puffs.
            assert puffs == list(range(2, cursor + 1))
            cursors.append(cursor)

    assert rounds >= 5
    assert cursors == sorted(cursors)
    assert len(set(cursors)) >= 5

    assert fetch(fetcher, tmp_path, None)
    assert fetch(fetcher, tmp_path, None)
    assert kept(tmp_path) == (PUFFS + 1, list(range(2, PUFFS + 2)))


def test_the_test_notices_a_cursor_that_runs_ahead(fetcher: Fetcher, tmp_path: Path) -> None:
    wait, lost = random.Random(4), 0
    for number in range(MOST_ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        fetch(fetcher, folder, wait.uniform(0.0, LONGEST_LIFE_S), early=True)
        cursor, puffs = kept(folder) if (folder / "smartloop" / "ledger.db").exists() else (0, [])
        lost += puffs != list(range(2, cursor + 1))
        if lost:
            break

    assert lost
