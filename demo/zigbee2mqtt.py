"""Zigbee2MQTT as an owner has it: the broker through Home Assistant's own flow, devices by discovery."""

import asyncio
from collections.abc import Mapping
from typing import Any

from hardware.simulator.zigbee2mqtt import Zigbee2Mqtt

from .client import Client
from .flows import walk


async def add_mqtt(owner: Client, port: int) -> str:
    """Add the broker; returns the entry."""
    broker = {
        "broker": "127.0.0.1",
        "port": port,
        "other_settings": {"set_client_cert": False, "set_ca_cert": "off"},
    }
    step = await walk(owner, "mqtt", {}, first=broker)
    entry_id: str = step["result"]["entry_id"]
    await owner.wait_loaded(entry_id)
    return entry_id


async def add_bridge_devices(owner: Client, bridge: Zigbee2Mqtt, kinds: Mapping[str, str]) -> dict[str, str]:
    """Let devices of these kinds join, by name; returns their registry ids once Home Assistant has them."""
    for number, (name, kind) in enumerate(kinds.items(), len(bridge.devices) + 1):
        await bridge.join(name, kind, f"0x00124b00000000{number:02x}")
    return {name: await found_device(owner, bridge, name) for name in kinds}


async def found_device(owner: Client, bridge: Zigbee2Mqtt, name: str) -> str:
    """Wait until Home Assistant has a device and its entities; returns its registry id."""
    device = bridge.devices[name]
    wanted = {f"{device.ieee}_{each.property}_zigbee2mqtt" for each in device.kind.exposes}
    async with asyncio.timeout(60):
        while True:
            entries = await owner.command("config/entity_registry/list")
            ids = {each["unique_id"]: each["device_id"] for each in entries if each["platform"] == "mqtt"}
            if ids.keys() >= wanted:
                return str(ids[next(iter(wanted))])
            await asyncio.sleep(0.1)


async def move_to(owner: Client, device_id: str, area_id: str) -> dict[str, Any]:
    """Say which room a device is in."""
    device: dict[str, Any] = await owner.command("config/device_registry/update", device_id=device_id, area_id=area_id)
    return device
