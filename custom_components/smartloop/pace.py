"""Long work in the loop goes back to Home Assistant in time."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterable
from time import perf_counter
from typing import cast

SLICE_S = 0.004
"""The loop goes back to Home Assistant after at most this long."""


class Pace:
    """Measures how long the loop has been kept, and lets go of it."""

    def __init__(self, pause: float = 0.0) -> None:
        """Begin now; others have the loop for `pause` seconds between two slices."""
        self._pause = pause
        self._began = perf_counter()

    async def breathe(self) -> None:
        """Let others run when they have waited long enough."""
        if perf_counter() - self._began > SLICE_S:
            await asyncio.sleep(self._pause)
            self._began = perf_counter()


async def paced[T](items: Iterable[T]) -> AsyncIterator[T]:
    """Yield the items, and let others run in between."""
    pace = Pace()
    for item in items:
        yield item
        await pace.breathe()


async def collected[T](pieces: Generator[None, None, T]) -> T:
    """Return what a generator returns, and let others run between its pieces."""
    pace = Pace()
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return cast(T, end.value)
        await pace.breathe()
