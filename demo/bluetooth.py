"""Bluetooth as an owner sets it up: a proxy through ESPHome's own flow, then what it hears is found."""

import asyncio
from typing import Any

from hardware.simulator.proxy import Proxy

from .client import Client
from .flows import walk, walk_found


async def add_proxy(owner: Client, proxy: Proxy) -> str:
    """Add the proxy; what it hears counts from here on."""
    step = await walk(owner, "esphome", {}, first={"host": "127.0.0.1", "port": proxy.port})
    entry_id: str = step["result"]["entry_id"]
    await owner.wait_loaded(entry_id)
    async with asyncio.timeout(60):
        while not proxy.listeners:
            await asyncio.sleep(0.2)
    return entry_id


async def discovered(owner: Client, handler: str, timeout: float = 60.0) -> dict[str, Any]:
    """Wait until an integration has found something over Bluetooth; returns its flow."""
    async with asyncio.timeout(timeout):
        while True:
            for flow in await owner.command("config_entries/flow/progress"):
                if (flow["handler"], flow["context"].get("source")) == (handler, "bluetooth"):
                    found: dict[str, Any] = flow
                    return found
            await asyncio.sleep(0.3)


async def add_found(owner: Client, handler: str, key: bytes | None = None) -> str:
    """Add what an integration has found; returns its entry."""
    flow = await discovered(owner, handler)
    answers = {"get_encryption_key": {"bindkey": key.hex()}} if key else {}
    step = await walk_found(owner, flow["flow_id"], answers)
    entry_id: str = step["result"]["entry_id"]
    await owner.wait_loaded(entry_id)
    return entry_id
