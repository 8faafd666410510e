"""script/demo --check: the whole line, headless, to the end."""

import asyncio
import time
from typing import Any

from .client import ClientError
from .household import Home, furnish, rejoin, wait_for_state
from .lab import RADIOS, Lab
from .senses import check_senses

SPEED = 40
"""Faster, and Home Assistant's own time-outs shrink below what two busy cores can do."""
PATIENCE_S = 180.0
MIN_HOURS = 400
"""Hours of recorded past behind the mold index, of about 800."""
ROOM_KEYS = ("surface_humidity", "mold_index", "days_to_mold", "best_act")


async def check(lab: Lab) -> dict[str, Any]:
    """Run the demo to the end, a house of radios and a damp home; return what was seen, and whether it was everything."""
    house = Lab(folder=lab.folder / "radios", integration=lab.integration, extra=RADIOS, recorded=False)
    senses = await check_senses(house)
    report = await check_damp_home(lab)
    report["radios"] = senses
    report["ok"] = report["ok"] and "failed" not in senses and not senses["errors"]
    report["seconds"] = round(report["seconds"] + senses["seconds"], 1)
    return report


async def check_damp_home(lab: Lab) -> dict[str, Any]:
    """Follow one advice from the sensor to what it did, over a restart and in accelerated time."""
    began = time.monotonic()
    report: dict[str, Any] = {"ok": False}
    lab.prepare()
    await lab.seed_owner()
    await lab.start()
    home: Home | None = None
    try:
        home = await furnish(lab, await lab.client())
        report["home_assistant"] = (await home.owner.command("get_config"))["version"]
        report["history"] = await history(home)
        report["entities"] = await entities(home)
        await home.close()
        await lab.stop()

        await lab.start(lapse=True)
        home = await rejoin(lab, home)
        report["restart"] = await restart(home, report["entities"])
        lab.accelerate(SPEED)
        report["notification"] = await notification(home)
        report["automation"] = await automation(home)
        report["feedback"] = await feedback(home, report["notification"])
        report["effect"] = await effect(home)
    except (TimeoutError, AssertionError, ClientError) as err:
        report["failed"] = f"{type(err).__name__}: {err}"
        report["log"] = lab.tail(60)
    finally:
        if home is not None:
            await home.close()
        await lab.stop()
    report["errors"] = lab.errors()
    report["seconds"] = round(time.monotonic() - began, 1)
    report["ok"] = "failed" not in report and not report["errors"]
    return report


async def history(home: Home) -> dict[str, Any]:
    """Wait until the recorded past is taken in."""
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            index = await find(home, "sensor", "bathroom", "mold_index") or {}
            hours = index.get("attributes", {}).get("hours") or 0
            if hours > MIN_HOURS:
                break
            await asyncio.sleep(0.5)
    return {"hours": hours, "mold_index": float(index["state"]), "seconds": round(time.monotonic() - began, 1)}


async def entities(home: Home) -> dict[str, dict[str, str]]:
    """Look whether every room has what was promised."""
    found: dict[str, dict[str, str]] = {}
    async with asyncio.timeout(PATIENCE_S):
        for room in ("bathroom", "kitchen", "bedroom"):
            found[room] = {}
            for key in ROOM_KEYS:
                while (state := await find(home, "sensor", room, key)) is None:
                    await asyncio.sleep(0.5)
                found[room][key] = state["state"]
            surface = float(found[room]["surface_humidity"])
            assert 20.0 < surface <= 100.0, f"{room}: surface humidity {surface}"
    return found


async def find(home: Home, platform: str, room: str, key: str) -> dict[str, Any] | None:
    """Return the state of one of SmartLoop's entities by its unique id's end."""
    areas = {area["area_id"]: area["name"].lower() for area in await home.owner.command("config/area_registry/list")}
    for entity in await home.owner.command("config/entity_registry/list"):
        if entity["platform"] != "smartloop" or not entity["entity_id"].startswith(f"{platform}."):
            continue
        unique = entity["unique_id"]
        if unique.endswith(f"_{key}") and any(name == room and f"_{area}_" in unique for area, name in areas.items()):
            return (await home.owner.states()).get(entity["entity_id"])
    return None


async def restart(home: Home, before: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Look whether the index is where it was before the restart."""
    state = await wait_for(home, "bathroom", "mold_index")
    was, now = float(before["bathroom"]["mold_index"]), float(state["state"])
    assert abs(now - was) < 0.1, f"mold index {was} before, {now} after the restart"
    return {"mold_index_before": was, "mold_index_after": now}


async def wait_for(home: Home, room: str, key: str) -> dict[str, Any]:
    """Wait until one of SmartLoop's sensors has a value."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            state = await find(home, "sensor", room, key)
            if state and state["state"] not in ("unknown", "unavailable"):
                return state
            await asyncio.sleep(0.5)


async def notification(home: Home) -> dict[str, Any]:
    """Wait until Ana's phone says what would help after the shower; Ben's phone is off line."""
    push = await home.ana.next_message(PATIENCE_S)
    data = push["data"]
    titles = [action["title"] for action in data["actions"]]
    assert titles == ["Done", "Not now", "Wrong"], titles
    assert data["tag"]
    return {"push": push, "title": push.get("title"), "message": push["message"]}


async def automation(home: Home) -> dict[str, Any]:
    """Look whether the owner's own automation ran on SmartLoop's trigger."""
    state = await wait_for_state(home.owner, "input_boolean.bathroom_fan")
    async with asyncio.timeout(30):
        while state["state"] != "on":
            await asyncio.sleep(0.5)
            state = await wait_for_state(home.owner, "input_boolean.bathroom_fan")
    return {"fan": state["state"]}


async def feedback(home: Home, seen: dict[str, Any]) -> dict[str, Any]:
    """Open the window and tap Done, as Ana; the house must learn it and say so."""
    await home.owner.call("recorded_home", "air", {"room": "bathroom", "minutes": 15})
    await home.ana.tap(seen.pop("push"), "Done")
    async with asyncio.timeout(60):
        while not (lessons := (await home.owner.call("smartloop", "lessons", response=True))["lessons"]):
            await asyncio.sleep(0.2)
    return {"lessons": [lesson["sentence"] for lesson in lessons]}


async def effect(home: Home) -> dict[str, Any]:
    """Wait until the phone says what the act did."""
    push = await home.ana.next_message(PATIENCE_S)
    return {"title": push.get("title"), "message": push["message"]}
