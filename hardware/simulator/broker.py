"""A real MQTT broker of a test's own: mosquitto on a port the kernel chose."""

import asyncio
import contextlib
import getpass
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import Self

PROGRAM = "mosquitto"
_START_S = 10.0
_TRIES = 5


class BrokerError(Exception):
    """There is no broker; says why."""


def available() -> bool:
    """Return whether the broker is installed."""
    return program() is not None


def program() -> str | None:
    """Return where the broker is; Debian keeps it where only root looks."""
    return shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin:/usr/local/sbin")


class Broker:
    """One process; `async with Broker() as broker:` gives `broker.port`."""

    def __init__(self, *, persistent: bool = False) -> None:
        """Prepare; persistent means that it remembers retained messages over `restart`."""
        self.port = 0
        self._persistent = persistent
        self._folder = tempfile.TemporaryDirectory(prefix="smartloop-broker-")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start."""
        # The port is free when it is chosen; another process may still be quicker.
        for _ in range(_TRIES):
            self.port = _free_port()
            with contextlib.suppress(BrokerError):
                await self._start()
                return self
        msg = "the broker does not start"
        raise BrokerError(msg)

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()
        self._folder.cleanup()

    async def restart(self) -> None:
        """End and begin again, on the same port."""
        await self.stop()
        await self._start()

    async def stop(self) -> None:
        """End, writing down what is to be kept."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        await self._process.wait()

    async def _start(self) -> None:
        if (path := program()) is None:
            msg = "mosquitto is not installed"
            raise BrokerError(msg)
        folder = Path(self._folder.name)
        configuration = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true"]
        if self._persistent:
            lines += ["persistence true", f"persistence_location {folder}/"]
        # Started as root it would become another user, to whom the folder is closed.
        lines.append(f"user {getpass.getuser()}")
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._process = await asyncio.create_subprocess_exec(
            path, "-c", str(configuration), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(_START_S):
            while not await _listens(self.port):
                if self._process.returncode is not None:
                    msg = f"the broker ended with {self._process.returncode}"
                    raise BrokerError(msg)
                await asyncio.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
