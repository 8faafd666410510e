"""Run simulated ESPHome boards until interrupted; each prints the port its API listens on."""

import argparse
import asyncio
import contextlib
from pathlib import Path

from .node import BOARDS, HostNode


async def run(names: list[str], trace: Path | None, speed: float) -> None:
    """Start the boards, play the trace on all of them, stay."""
    async with contextlib.AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(HostNode(BOARDS[name])) for name in names]
        for node in nodes:
            print(f"{node.board.name} 127.0.0.1:{node.port}", flush=True)
        if trace is not None:
            await asyncio.gather(*(node.play(trace, speed=speed) for node in nodes))
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boards", nargs="*", choices=tuple(BOARDS), default=list(BOARDS))
    parser.add_argument("--trace", type=Path, help='JSON Lines: {"t": 0, "device": "dust", "pm25": 40}')
    parser.add_argument("--speed", type=float, default=1.0)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(given.boards, given.trace, given.speed))


main()
