"""Fetches a sleeve's log until it is killed; started by test_own_devices_crash.py, once, and forks a fetcher per round.

A line on standard input names the folder and whether to move the cursor before the puffs are kept (which a test
must notice). Out come the fetcher's process id, `fetching` when it begins, `done` when it came to the log's end,
and `dead` when it is gone. The sleeve is the same in every round: reading deletes nothing.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

sys.path.insert(0, str(Path(__file__).parents[2]))

import homeassistant  # noqa: F401  its aliases come first
from bleak.backends.device import BLEDevice
from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.smartloop.adapters import gatt
from custom_components.smartloop.adapters.device_log import Owner
from custom_components.smartloop.adapters.own_device import Hands, OwnDevice
from custom_components.smartloop.diary import Diary
from custom_components.smartloop.ledger import Ledger
from custom_components.smartloop.protocol import DeviceKind
from hardware.simulator.ble.peripheral import InhalerSleeve
from tests.integration.radio import KEY, SLEEVE, Air, Client

PUFFS = 1500
BEGIN = 1_790_000_000.0


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def the_sleeve() -> InhalerSleeve:
    """Return the sleeve, one puff a minute."""
    now = [BEGIN]
    device = InhalerSleeve(SLEEVE, key=KEY, clock=lambda: now[0])
    for number in range(PUFFS):
        now[0] = BEGIN + 60.0 * number
        device.puff(shake_s=3.0, envelope=[float(number % 100)] * 20)
    return device


async def fetch(folder: str, *, early: bool) -> None:
    hass = HomeAssistant(folder)
    await ir.async_load(hass, read_only=True)
    ledger = Ledger(hass)
    await ledger.async_open()
    diary = Diary(ledger)
    owner = Owner(
        address=SLEEVE, kind=DeviceKind.INHALER_SLEEVE, source="sleeve", person="ana", inhaler="blue", room=None
    )
    hands = Hands(receive=Mock(), checked_in=Mock(), actuated=Mock())
    entry: Any = None
    own = OwnDevice(hass, entry, "Sleeve", owner, KEY, diary, hands)
    await own.async_load()
    if early:
        keep = diary.async_commit_page

        async def cursor_first(address: str, *, cursor: int, counter: int, **rows: Any) -> Any:
            await keep(address, cursor=cursor, counter=counter)
            return await keep(address, cursor=cursor, counter=counter, **rows)

        diary.async_commit_page = cursor_first  # type: ignore[method-assign]
    air, device = Air(), the_sleeve()
    air.devices = {SLEEVE: device}

    async def connect(*args: Any, disconnected_callback: Any, **kwargs: Any) -> Client:
        return Client(air, device, disconnected_callback)

    with (
        patch.object(gatt, "establish_connection", connect),
        patch.object(bluetooth, "async_ble_device_from_address", return_value=BLEDevice(SLEEVE, "sleeve", {})),
        patch("custom_components.smartloop.adapters.own_device.dr"),
    ):
        say("fetching")
        await own._async_download()
    await ledger.async_close()
    say("done")


def main() -> None:
    say("ready")
    for line in sys.stdin:
        folder, early = line.split()
        if (pid := os.fork()) == 0:
            try:
                asyncio.run(fetch(folder, early=early == "early"))
            finally:
                os._exit(1)
        say(f"pid {pid}")
        os.waitpid(pid, 0)
        say("dead")


if __name__ == "__main__":
    main()
