"""A board as a process: firmware, serial sensor and the port its native API listens on."""

import asyncio
import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from .firmware import FirmwareError, build
from .line import Line
from .sensors import Dust, Radar

START_S: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Board:
    """A host configuration and the sensor it wants on its line."""

    name: str
    configuration: str
    sensor: Callable[[], Dust | Radar]


DUST: Final = Board(name="dust", configuration="dust_node/dust-node-host.yaml", sensor=Dust)
BED: Final = Board(name="bed", configuration="bed_node/bed-node-host.yaml", sensor=Radar)
BOARDS: Final[Mapping[str, Board]] = {board.name: board for board in (DUST, BED)}


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class HostNode:
    """One running board."""

    def __init__(self, board: Board, *, round_s: float = 1.0) -> None:
        """Keep what it is; nothing is built or started yet."""
        self.board = board
        self.sensor = board.sensor()
        self.port = 0
        """Where Home Assistant's ESPHome integration finds it, on this host."""
        self._line = Line(self.sensor, round_s=round_s)
        self._process: asyncio.subprocess.Process | None = None
        self._home: tempfile.TemporaryDirectory[str] | None = None

    async def __aenter__(self) -> Self:
        """Build when that was not done before, start, wait for the API."""
        program = await build(self.board.configuration)
        await self._line.__aenter__()
        self.port = free_port()
        # The program keeps its preferences in the home folder; each gets its own.
        self._home = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="smartloop-node-")
        self._process = await asyncio.create_subprocess_exec(
            program,
            env=os.environ
            | {
                "ESPHOME_PREFDIR": self._home.name,
                "SMARTLOOP_API_PORT": str(self.port),
                "SMARTLOOP_SERIAL": self._line.path,
            },
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(START_S):
                await self._listening()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the program and close its line."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 10)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await self._line.__aexit__(None, None, None)
        if self._home is not None:
            await asyncio.to_thread(self._home.cleanup)

    async def _listening(self) -> None:
        assert self._process is not None
        while True:
            if self._process.returncode is not None:
                msg = f"the {self.board.name} node ended with {self._process.returncode}"
                raise FirmwareError(msg)
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.1)

    def say(self, **values: Any) -> None:
        """Let the sensor measure something else from its next frame on."""
        for name, value in values.items():
            if not hasattr(self.sensor, name):
                msg = f"a {self.board.name} node does not measure {name}"
                raise ValueError(msg)
            setattr(self.sensor, name, value)

    async def play(self, trace: Path, *, speed: float = 1.0) -> None:
        """Measure what a trace says, `speed` times as fast; lines of other devices are passed over."""
        lines = await asyncio.to_thread(trace.read_text, encoding="utf-8")
        loop = asyncio.get_running_loop()
        began = loop.time()
        for line in lines.splitlines():
            event = json.loads(line)
            if event.pop("device") == self.board.name:
                await asyncio.sleep(began + event.pop("t") / speed - loop.time())
                self.say(**event)
