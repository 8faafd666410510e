"""The people of the demo, their phones, and SmartLoop's set-up."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from .client import Client, log_in
from .flows import walk, walk_subentry
from .lab import Lab
from .phone import Phone

PEOPLE = {"ana": "Ana", "ben": "Ben"}
AUTOMATION = {
    "alias": "Fan on when SmartLoop advises to air a room",
    "triggers": [{"trigger": "smartloop.decision_raised", "options": {"keys": ["mold_ventilate"]}}],
    "conditions": [],
    "actions": [{"action": "input_boolean.turn_on", "target": {"entity_id": "input_boolean.bathroom_fan"}}],
    "mode": "single",
}


@dataclass(kw_only=True)
class Home:
    """Who is there."""

    owner: Client
    ana: Phone
    ben: Phone

    async def close(self) -> None:
        """Everybody hangs up."""
        for phone in (self.ana, self.ben):
            await phone.close()
            await phone.client.close()
        with contextlib.suppress(Exception):
            await self.owner.close()


async def add_person(lab: Lab, owner: Client, username: str, name: str) -> Client:
    """Make a user with a person, and log in as it."""
    user = (await owner.command("config/auth/create", name=name, group_ids=["system-users"]))["user"]
    await owner.command(
        "config/auth_provider/homeassistant/create",
        user_id=user["id"],
        username=username,
        password=f"{username}-home-1",
    )
    await owner.command("person/create", name=name, user_id=user["id"], device_trackers=[])
    return await Client.connect(lab.url, await log_in(lab.url, username, f"{username}-home-1"))


async def log_in_people(lab: Lab, owner: Client, phones: dict[str, Phone] | None = None) -> Home:
    """Bring the phones on line; registered ones come back with the webhook they had."""
    found = {}
    for username, name in PEOPLE.items():
        if phones is None:
            client = await add_person(lab, owner, username, name)
            phone = Phone(client=client, name=f"{name} phone", system="Android" if username == "ana" else "iOS")
            await phone.register()
        else:
            client = await Client.connect(lab.url, phones[username].client.token)
            phone = Phone(client=client, name=phones[username].name, system=phones[username].system)
            phone.webhook = phones[username].webhook
        # Ben's phone is registered but off line: his messages must reach somebody all the same.
        phone.online = username == "ana"
        await phone.listen()
        found[username] = phone
    return Home(owner=owner, ana=found["ana"], ben=found["ben"])


async def rejoin(lab: Lab, home: Home) -> Home:
    """Come back after a restart."""
    owner = await Client.connect(lab.url, home.owner.token)
    return await log_in_people(lab, owner, {"ana": home.ana, "ben": home.ben})


async def furnish(lab: Lab, owner: Client) -> Home:
    """Bring in the people and their phones, set SmartLoop up as proposed, add an automation."""
    home = await log_in_people(lab, owner)
    await wait_for_state(owner, "weather.airport")
    entry = await set_up(owner)
    await insulate_badly(owner, entry)
    await owner.rest("POST", "/api/config/automation/config/demo_fan", AUTOMATION)
    return home


async def wait_for_state(client: Client, entity_id: str, timeout: float = 60.0) -> dict[str, Any]:
    """Wait until an entity has a value."""
    async with asyncio.timeout(timeout):
        while True:
            state = (await client.states()).get(entity_id)
            if state and state["state"] not in ("unknown", "unavailable"):
                return state
            await asyncio.sleep(0.5)


async def set_up(owner: Client) -> str:
    """Walk through SmartLoop's own set-up and take every proposal; returns the entry's id."""
    entry_id: str = (await walk(owner, "smartloop", {}))["result"]["entry_id"]
    return entry_id


async def insulate_badly(owner: Client, entry_id: str) -> None:
    """Say of the bathroom what its owner knows: an outer wall without insulation."""
    subentries = await owner.command("config_entries/subentries/list", entry_id=entry_id)
    bathroom = next(each for each in subentries if each["title"] == "Bathroom")
    answers = {"details": {"construction": "uninsulated"}}
    await walk_subentry(owner, entry_id, "room", answers, subentry_id=bathroom["subentry_id"])
