"""Zigbee as an owner sets it up: the stick through ZHA's own flow, then "Add device"."""

import asyncio
from typing import Any

from hardware.simulator.zigbee import Coordinator

from .client import Client
from .flows import Answers, walk
from .lab import LabError

RADIO = "Ziggurat = Open source host-side Zigbee stack in Rust"


async def add_zha(owner: Client, radio: Coordinator) -> str:
    """Add the stick and form a network; returns ZHA's entry."""
    answers: Answers = {
        # A path that is no serial line is not probed: the owner names the kind of radio.
        "choose_serial_port": {"path": radio.url},
        "manual_pick_radio_type": {"radio_type": RADIO},
        "manual_port_config": {"path": radio.url, "baudrate": 115200, "flow_control": "none"},
        "choose_setup_strategy": {"next_step_id": "setup_strategy_recommended"},
    }
    step = await walk(owner, "zha", answers, first={"path": radio.url})
    entry_id: str = step["result"]["entry_id"]
    await owner.wait_loaded(entry_id)
    return entry_id


async def add_devices(owner: Client, radio: Coordinator, *names: str) -> dict[str, dict[str, Any]]:
    """Permit joins, let the devices join, wait for their interviews; returns ZHA's view of each by name."""
    await owner.call("zha", "permit", {"duration": 120})
    async with asyncio.timeout(30):
        while not radio.permit_s:
            await asyncio.sleep(0.1)
    for name in names:
        await radio.join(name)
    found: dict[str, dict[str, Any]] = {}
    async with asyncio.timeout(120):
        while len(found) < len(names):
            await asyncio.sleep(0.5)
            for device in await owner.command("zha/devices"):
                known = next((each for each in names if ieee_of(radio, each) == device["ieee"]), None)
                if known is not None and len(device["entities"]) > 1:
                    found[known] = device
    return found


def ieee_of(radio: Coordinator, name: str) -> str:
    """Return a device's address as Home Assistant writes it."""
    return ":".join(f"{byte:02x}" for byte in reversed(radio.devices[name].ieee))


def device_id(device: dict[str, Any]) -> str:
    """Return the registry id in ZHA's view of a device."""
    found = device.get("device_reg_id")
    if not isinstance(found, str):
        msg = f"ZHA has no registry id for {device.get('name')}"
        raise LabError(msg)
    return found
