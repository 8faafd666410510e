"""Run the simulated coordinator until it is interrupted."""

import argparse
import asyncio
import contextlib
from pathlib import Path

from .coordinator import Coordinator


async def run(port: int, trace: Path | None, speed: float) -> None:
    """Listen, play the trace once a host has formed its network, stay."""
    async with Coordinator(port=port) as radio:
        print(radio.url, flush=True)
        if trace is not None:
            while not radio.permit_s:
                await asyncio.sleep(0.5)
            await radio.play(trace, speed=speed)
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 lets the kernel choose")
    parser.add_argument("--trace", type=Path, help="JSON Lines; begins when the host permits joins")
    parser.add_argument("--speed", type=float, default=1.0)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(given.port, given.trace, given.speed))


main()
