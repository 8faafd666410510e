"""A person's day with a phone: a tag scanned, the health app counting, the power gone, and nobody else looking."""

import asyncio
import signal
from typing import Any

import pytest

from demo.client import Client, ClientError
from demo.flows import walk_subentry
from demo.household import Home, log_in_people, rejoin, set_up, wait_for_state
from demo.lab import Lab
from demo.phone import Phone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TAG = "0011-blue"
BOUNCE_S = 2.0
"""Within which a second scan is the echo of the first"""


async def app(phone: Phone, kind: str, data: Any) -> None:
    """Let the companion app say something."""
    await phone.client.rest("POST", f"/api/webhook/{phone.webhook}", {"type": kind, "data": data})


async def health_app(phone: Phone, count: int, *, new: bool = False) -> None:
    """Let the phone tell how many inhalations its health app knows of today."""
    known = {"unique_id": "inhaler_usage", "type": "sensor", "state": count, "icon": "mdi:lungs"}
    if new:
        await app(phone, "register_sensor", known | {"name": "Inhaler usage", "state_class": "total"})
    else:
        await app(phone, "update_sensor_states", [known])


async def member(owner: Client, entry_id: str, name: str) -> str:
    found = await owner.command("config_entries/subentries/list", entry_id=entry_id)
    subentry_id: str = next(each["subentry_id"] for each in found if each["title"] == name)
    return subentry_id


async def restart(lab: Lab, home: Home, entry_id: str, sig: int = signal.SIGTERM) -> Home:
    await lab.stop(sig)
    await home.close()
    await lab.start()
    home = await rejoin(lab, home)
    await home.owner.wait_loaded(entry_id)
    return home


async def puffs(who: Client) -> list[dict[str, Any]]:
    """Return what the first message of a subscription shows."""
    events = await who.subscribe("smartloop/puffs")
    listing = await asyncio.wait_for(events.get(), 10)
    shown: list[dict[str, Any]] = listing["puffs"]
    return shown


async def give_ana_an_inhaler(home: Home, entry_id: str) -> None:
    await health_app(home.ana, 0, new=True)
    await wait_for_state(home.owner, "sensor.ana_phone_inhaler_usage")
    answers: dict[str, dict[str, Any]] = {
        "reconfigure": {"next_step_id": "inhaler"},
        "inhaler": {
            "name": "Blue one",
            "role": "reliever",
            "tags": [TAG],
            "counters": ["sensor.ana_phone_inhaler_usage"],
        },
    }
    await walk_subentry(home.owner, entry_id, "member", answers, subentry_id=await member(home.owner, entry_id, "Ana"))
    await home.owner.wait_loaded(entry_id)


async def test_a_day_with_an_inhaler(lab: Lab) -> None:
    lab.prepare()
    await lab.seed_owner()
    await lab.start()
    home = await log_in_people(lab, await lab.client())
    try:
        await wait_for_state(home.owner, "weather.airport")
        entry_id = await set_up(home.owner)
        await home.owner.wait_loaded(entry_id)
        await give_ana_an_inhaler(home, entry_id)
        # Home Assistant itself writes down minutes later that there is a new sensor, or when it stops.
        home = await restart(lab, home, entry_id)

        events = await home.ana.client.subscribe("smartloop/puffs")
        assert (await asyncio.wait_for(events.get(), 10))["puffs"] == []
        await app(home.ana, "scan_tag", {"tag_id": TAG})
        listing = await asyncio.wait_for(events.get(), 10)
        assert [(puff["told_by"], puff["by_somebody_else"]) for puff in listing["puffs"]] == [("nfc", False)]
        await health_app(home.ana, 2)
        listing = await asyncio.wait_for(events.get(), 10)
        # Of two that were counted together nobody knows which was when.
        assert sorted(puff["told_by"] for puff in listing["puffs"]) == ["nfc", "phone", "phone"]
        await asyncio.sleep(BOUNCE_S + 0.5)
        await app(home.ben, "scan_tag", {"tag_id": TAG})
        listing = await asyncio.wait_for(events.get(), 10)
        assert listing["puffs"][-1]["by_somebody_else"]
        told = {puff["id"] for puff in listing["puffs"]}

        # Ben is a member and sees his own, which are none; the administrator is none and is refused.
        assert await puffs(home.ben.client) == []
        with pytest.raises(ClientError):
            await puffs(home.owner)

        # The power goes without a warning.
        home = await restart(lab, home, entry_id, signal.SIGKILL)
        assert {puff["id"] for puff in await puffs(home.ana.client)} == told
        # The health app goes on where it was, though Home Assistant has forgotten what it showed.
        await health_app(home.ana, 3)
        assert len(await puffs(home.ana.client)) == 5

        # Nothing of it is in the states, nor in what Home Assistant wrote down.
        states = str(await home.owner.states())
        assert "Blue one" not in states
        assert "Blue one" not in lab.log.read_text()
        assert lab.errors() == []
    finally:
        await home.close()
        await lab.stop()
