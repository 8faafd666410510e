"""A serial line whose far end is a simulated sensor."""

import asyncio
import contextlib
import os
import pty
import tty
from types import TracebackType
from typing import Final, Self

from .sensors import Sensor

ROUND_S: Final = 1.0


class Line:
    """A pseudo-terminal on which a sensor talks while the context is open."""

    def __init__(self, sensor: Sensor, *, round_s: float = ROUND_S) -> None:
        """Keep the sensor; nothing is opened yet."""
        self.sensor = sensor
        self.round_s = round_s
        self.path = ""
        """Where a program finds the line."""
        self._ends: tuple[int, int] | None = None
        self._talk: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open the line and begin to talk."""
        near, far = self._ends = pty.openpty()
        for end in (near, far):
            tty.setraw(end)
            os.set_blocking(end, False)
        # Our own hold on the far end keeps the line alive while the program restarts.
        self.path = os.ttyname(far)
        self._talk = asyncio.create_task(self._go_on(near))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Fall silent and close."""
        if self._talk is not None:
            self._talk.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._talk
        for end in self._ends or ():
            os.close(end)
        self._ends = None

    async def _go_on(self, near: int) -> None:
        while True:
            # What the driver asks (sleep, wake, mode) is read and ignored; what nobody reads is lost, as on a wire.
            with contextlib.suppress(BlockingIOError):
                os.read(near, 4096)
            with contextlib.suppress(BlockingIOError):
                os.write(near, self.sensor.say())
            await asyncio.sleep(self.round_s)
