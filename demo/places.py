"""Rooms, and which box stands where: what an owner says in Home Assistant itself."""

import asyncio
from collections.abc import Iterable
from typing import Any

from .client import Client


async def make_areas(owner: Client, names: Iterable[str]) -> dict[str, str]:
    """Make the rooms that are missing; returns their ids by name."""
    known = {each["name"]: each["area_id"] for each in await owner.command("config/area_registry/list")}
    for name in names:
        if name not in known:
            known[name] = (await owner.command("config/area_registry/create", name=name))["area_id"]
    return known


async def put(owner: Client, device_id: str, area_id: str, name: str | None = None) -> None:
    """Say where a box stands, and what it is called."""
    called = {} if name is None else {"name_by_user": name}
    await owner.command("config/device_registry/update", device_id=device_id, area_id=area_id, **called)


async def device_of(owner: Client, entry_id: str, timeout: float = 60.0) -> str:
    """Wait for the box of a config entry that has one."""
    async with asyncio.timeout(timeout):
        while True:
            for device in await owner.command("config/device_registry/list"):
                if entry_id in device["config_entries"]:
                    found: str = device["id"]
                    return found
            await asyncio.sleep(0.3)


async def issues(owner: Client, *, beginning: str, count: int = 1, timeout: float = 60.0) -> list[dict[str, Any]]:
    """Wait until SmartLoop offers so many things in Repairs."""
    async with asyncio.timeout(timeout):
        while True:
            found = [
                each
                for each in (await owner.command("repairs/list_issues"))["issues"]
                if each["domain"] == "smartloop" and each["issue_id"].startswith(beginning) and not each["ignored"]
            ]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.3)
