"""Writes answers until it is killed; started by test_crash.py, once, and forks a writer per round.

A line on standard input names the folder, the round and whether to acknowledge too early (which a
test must notice). Out come the writer's process id, each answer's id once it is acknowledged, and
`dead` when the writer is gone.
"""

import asyncio
import itertools
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import homeassistant  # noqa: F401  its aliases come first
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.smartloop.engine import Feedback, Verdict
from custom_components.smartloop.ledger import Ledger

WRITERS = 4


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


async def write(folder: str, number: str, *, early: bool) -> None:
    hass = HomeAssistant(folder)
    await ir.async_load(hass, read_only=True)
    ledger = Ledger(hass)
    await ledger.async_open()
    count = itertools.count()

    async def answer() -> None:
        while True:
            name = f"{number}-{next(count)}"
            feedback = Feedback(id=name, key="mold.ventilate", verdict=Verdict.WRONG, at=datetime.now(UTC))
            if early:
                say(name)
            await ledger.async_record_feedback(feedback)
            if not early:
                say(name)

    await asyncio.gather(*(answer() for _ in range(WRITERS)))


def main() -> None:
    say("ready")
    for line in sys.stdin:
        folder, number, early = line.split()
        if (pid := os.fork()) == 0:
            try:
                asyncio.run(write(folder, number, early=early == "early"))
            finally:
                os._exit(1)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
        say("dead")


if __name__ == "__main__":
    main()
