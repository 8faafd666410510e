"""script/demo: show it, or check it."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
from pathlib import Path

from .check import check
from .household import Home, furnish
from .lab import PASSWORD, RADIOS, USER, Lab, LabError
from .radios import Radios, connect, radios


async def show(lab: Lab, speed: int, *, with_radios: bool) -> None:
    """Run until interrupted; whoever is at the browser is the owner."""
    lab.prepare()
    fresh = not (lab.folder / ".storage" / "onboarding").exists()
    await lab.seed_owner()
    print("Starting Home Assistant ...", flush=True)
    await lab.start(lapse=speed != 1)
    home = None
    try:
        if fresh:
            home = await furnish(lab, await lab.client())
        lab.accelerate(speed)
        print(f"\n  Home Assistant  {lab.url}\n  log in as       {USER} / {PASSWORD}\n")
        print("  SmartLoop is set up in a recorded home; the bathroom's evening of showers is about to begin.")
        print("  What Ana's phone gets is printed here. Ctrl-C ends it.\n", flush=True)
        stop = asyncio.Event()
        for sig in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sig, stop.set)
        async with contextlib.AsyncExitStack() as stack:
            if with_radios and home is not None:
                air = await stack.enter_async_context(radios())
                evening = asyncio.create_task(live(home, air))
                stack.callback(evening.cancel)
            await listen(home, stop)
    finally:
        if home is not None:
            with contextlib.suppress(Exception):
                await home.close()
        await lab.stop()


async def listen(home: Home | None, stop: asyncio.Event) -> None:
    """Print what Ana's phone gets until somebody ends it."""
    waiting = asyncio.create_task(stop.wait())
    while not waiting.done():
        tasks: set[asyncio.Task[object]] = {waiting}
        if home is not None:
            tasks.add(asyncio.create_task(home.ana.inbox.get()))
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiting}:
            print("  phone:", json.dumps(task.result(), ensure_ascii=False)[:400], flush=True)
        for task in rest - {waiting}:
            task.cancel()


async def live(home: Home, air: Radios) -> None:
    """Let sensors appear one after the other, then speak for as long as the demo runs."""
    print("  A Zigbee stick and a Bluetooth proxy are being plugged in ...", flush=True)
    await connect(home.owner, air)
    air.come_home()
    print(
        "  Five sensors have joined, an inhaler sleeve and a bed node are in range.\n"
        "  SmartLoop offers to use them: Settings -> Repairs. The labels of the two say\n"
        f"    {air.sleeve.name:10} SMARTLOOP1:{air.sleeve.address}:{air.sleeve_key.hex()}\n"
        f"    {air.bed.name:10} SMARTLOOP1:{air.bed.address}:{air.bed_key.hex()}\n",
        flush=True,
    )
    while True:
        await air.evening()


def main() -> int:
    """Parse the arguments and go."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument("--check", action="store_true", help="run headless to the end, print one JSON object")
    parser.add_argument("--folder", type=Path, help="configuration folder (default: a temporary one)")
    parser.add_argument("--keep", action="store_true", help="keep the folder for the next time")
    parser.add_argument("--speed", type=int, default=1, help="time lapse, at most 40 (needs faketime)")
    parser.add_argument("--port", type=int, help="port to listen on (default: a free one; 8123 with --keep)")
    options = parser.parse_args()
    folder = options.folder.resolve() if options.folder else Path(tempfile.mkdtemp(prefix="smartloop-demo-"))
    lab = Lab(folder=folder)
    if options.port or options.keep:
        lab.port = options.port or 8123
    try:
        if options.check:
            report = asyncio.run(check(lab))
            print(json.dumps(report, indent=2, ensure_ascii=False))
            return 0 if report["ok"] else 1
        # A radio that is gone after a restart would be missed, and in accelerated time it answers too late.
        alive = options.speed == 1 and not options.keep
        lab.extra = RADIOS if alive else ""
        asyncio.run(show(lab, options.speed, with_radios=alive))
    except LabError as err:
        print(f"demo: {err}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            lab.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
