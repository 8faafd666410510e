"""Devices driven by a file: one JSON object a line, `{"t": seconds, "device": name, ...what happens}`."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol


class TraceError(Exception):
    """A line of a trace cannot be played."""


class Actor(Protocol):
    """Whatever a trace can drive."""

    def perform(self, action: Mapping[str, Any]) -> None:
        """Do what a line says."""


def read(path: Path) -> list[dict[str, Any]]:
    """Return the actions of a trace in order of time."""
    actions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            action = json.loads(line)
            float(action["t"]), str(action["device"])
        except (ValueError, KeyError, TypeError) as err:
            msg = f"{path.name}, line {number}: {err}"
            raise TraceError(msg) from err
        actions.append(action)
    return sorted(actions, key=lambda action: float(action["t"]))


async def play(actions: Iterable[Mapping[str, Any]], actors: Mapping[str, Actor], *, speed: float = 1.0) -> None:
    """Let the devices do it; lines about devices that are not here are another radio's."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for action in actions:
        await asyncio.sleep(max(start + float(action["t"]) / speed - loop.time(), 0.0))
        if (actor := actors.get(str(action["device"]))) is not None:
            actor.perform(action)
