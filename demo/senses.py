"""One sensor of every kind: discovered over its radio, added in the browser, known to the house."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Error as BrowserError

from .browser import add_own_device, add_smartloop, browse, chromium, log_in
from .client import Client, ClientError
from .flows import SUBENTRY_FLOW, go_on, walk_repair
from .household import Home, log_in_people, set_up
from .lab import Lab, LabError
from .places import issues
from .radios import Radios, connect, radios

PATIENCE_S = 60.0
ROUNDED = 0.05
OFFERS = {"inhaler": "new_inhaler_sleeve_", "bed": "new_bed_node_"}


@dataclass(frozen=True, kw_only=True)
class Sense:
    """One kind of sensor, and what has to be known of it."""

    kind: str
    path: str
    place: str
    measurands: tuple[str, ...]
    values: tuple[float, ...] = ()
    """What they have to be, where one sensor may be taken for another."""
    personal: bool = False


SENSES = (
    Sense(
        kind="mold",
        path="Zigbee (ZHA)",
        place="bathroom",
        measurands=("temperature", "relative_humidity", "surface_temperature"),
        values=(18.6, 74.5, 14.2),
    ),
    Sense(kind="dust", path="Zigbee (ZHA)", place="living_room", measurands=("pm25", "co2")),
    Sense(kind="leak", path="Zigbee (ZHA)", place="kitchen", measurands=("wet",)),
    Sense(kind="leak", path="Bluetooth (BTHome, ESPHome proxy)", place="laundry", measurands=("wet",)),
    Sense(
        kind="bed",
        path="Bluetooth (own protocol, ESPHome proxy)",
        place="bedroom",
        measurands=("bed_occupancy", "heart_rate", "respiratory_rate"),
        personal=True,
    ),
)


async def check_senses(lab: Lab) -> dict[str, Any]:
    """Bring the house up, add everything as a new owner does, let every sensor speak; return what was seen."""
    began = time.monotonic()
    report: dict[str, Any] = {"added_with": "browser" if chromium() else "flows over REST, as there is no Chromium"}
    lab.prepare()
    await lab.seed_owner()
    await lab.start()
    home: Home | None = None
    try:
        async with radios() as air:
            home = await log_in_people(lab, await lab.client())
            await connect(home.owner, air)
            report["offered"] = await (add_in_browser if chromium() else add_over_rest)(lab, home, air)
            report["senses"] = await listen(home, air)
            await hidden(home)
    except (AssertionError, BrowserError, ClientError, LabError, TimeoutError) as err:
        report["failed"] = f"{type(err).__name__}: {err}"
        report["log"] = lab.tail(60)
    finally:
        if home is not None:
            await home.close()
        await lab.stop()
    report["errors"] = lab.errors()
    report["seconds"] = round(time.monotonic() - began, 1)
    return report


# Adding.


async def add_in_browser(lab: Lab, home: Home, air: Radios) -> dict[str, str]:
    """Set SmartLoop up and take up its offers by mouse and keyboard."""
    async with browse(lab.url) as page:
        await log_in(page, lab.url)
        await add_smartloop(page, lab.url)
        found = await offered(home.owner, air)
        await add_own_device(page, lab.url, "Bed node", air.bed_key.hex(), Person="Ana", Room="Bedroom")
        await add_own_device(
            page, lab.url, "Inhaler sleeve", air.sleeve_key.hex(), Inhaler="Ana: another inhaler, for relief"
        )
    return found


async def add_over_rest(lab: Lab, home: Home, air: Radios) -> dict[str, str]:
    """Do the same without a browser."""
    await set_up(home.owner)
    found = await offered(home.owner, air)
    people = await home.owner.command("person/list")
    ana = next(each["id"] for each in people["storage"] if each["name"] == "Ana")
    for kind, key in (("bed", air.bed_key), ("inhaler", air.sleeve_key)):
        step = await walk_repair(home.owner, found[kind], {"init": {"next_step_id": "add"}})
        flow = await home.owner.rest("GET", f"{SUBENTRY_FLOW}/{step['next_flow'][1]}")
        answers = {
            "key": {"key": key.hex()},
            "bed_node": {"person": ana, "room": "bedroom"},
            "inhaler_sleeve": {"inhaler": f"{ana}/new:reliever"},
        }
        await go_on(home.owner, SUBENTRY_FLOW, flow, answers)
    return found


async def offered(owner: Client, air: Radios) -> dict[str, str]:
    """Bring SmartLoop's own devices home; returns Repairs' offer of each kind."""
    # A bed is asked every few minutes, and at once when it is added: so somebody lies in it by then.
    air.bed.epoch(occupied=True, heart_rate=58.0, respiratory_rate=14.5, motion=0.03, quality=0.9)
    air.come_home()
    return {kind: (await issues(owner, beginning=begin))[0]["issue_id"] for kind, begin in OFFERS.items()}


# Listening.


async def listen(home: Home, air: Radios) -> list[dict[str, Any]]:
    """Let every sensor say something, and wait until the house knows it."""
    # Both devices must have been heard with their keys before Ana leaves.
    await downloaded(home)
    air.proxy.devices.remove(air.sleeve)
    air.sleeve.puff(shake_s=3.1, tilt_deg=12.0, peak_flow_lpm=48.0, envelope=(0.0, 22.0, 48.0, 40.0, 12.0))
    await asyncio.sleep(1)
    air.sleeve.puff(shake_s=0.4, tilt_deg=50.0, peak_flow_lpm=96.0)
    since = time.monotonic()
    await air.zigbee.report("mold", temperature=18.6, humidity=74.5, surface_temperature=14.2)
    await air.zigbee.report("dust", pm25=38.0, co2=1210.0, temperature=21.2)
    await air.zigbee.zone("leak", wet=True)
    air.pipe.measure({"battery": 97, "leak": 1})
    air.proxy.advertise_now()
    seen = [await known(home, sense, since=since) for sense in SENSES]
    air.proxy.devices.append(air.sleeve)
    return [*seen, await puffs(home, 2, since=time.monotonic())]


async def downloaded(home: Home) -> None:
    """Wait until both own devices have told what they are."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            devices = await home.owner.command("config/device_registry/list")
            if sum(bool(each["sw_version"]) and each["manufacturer"] == "SmartLoop" for each in devices) >= len(OFFERS):
                return
            await asyncio.sleep(0.3)


async def known(home: Home, sense: Sense, *, since: float) -> dict[str, Any]:
    """Wait until the house knows a sense's fresh values; a person's are asked for as that person."""
    client = home.ana.client if sense.personal else home.owner
    async with asyncio.timeout(PATIENCE_S):
        while True:
            values = {
                each["measurand"]: each
                for each in await client.command("smartloop/context")
                if each["place"] == sense.place and each["fresh"] and not each["carried_over"]
            }
            told = [values[name]["value"] for name in sense.measurands if name in values]
            if len(told) == len(sense.measurands) and not any(
                abs(value - wanted) > ROUNDED for value, wanted in zip(told, sense.values, strict=False)
            ):
                break
            await asyncio.sleep(0.05)
    return {
        "kind": sense.kind,
        "path": sense.path,
        "room": sense.place,
        "values": {name: _worded(**values[name]) for name in sense.measurands},
        "seconds": round(time.monotonic() - since, 2),
    }


def _worded(*, value: float, unit: str, **_: Any) -> str:
    """Return a value as people say it: a unit of 1 is none."""
    return f"{value:g} {unit}".removesuffix(" 1")


async def puffs(home: Home, count: int, *, since: float) -> dict[str, Any]:
    """Wait until Ana's puffs of when she was out have come over from her sleeve."""
    feed = await home.ana.client.subscribe("smartloop/puffs")
    async with asyncio.timeout(PATIENCE_S):
        while len((listing := await feed.get())["puffs"]) < count:
            pass
    return {
        "kind": "inhaler",
        "path": "Bluetooth (own protocol, ESPHome proxy)",
        "room": None,
        "values": {"count_24h": listing["inhalers"][0]["count_24h"], "told_by": listing["puffs"][0]["told_by"]},
        "seconds": round(time.monotonic() - since, 2),
    }


async def hidden(home: Home) -> None:
    """Look whether anybody else sees Ana's body."""
    for client in (home.owner, home.ben.client):
        context: list[Mapping[str, Any]] = await client.command("smartloop/context")
        assert not [each for each in context if each["person"] is not None], "somebody else sees a person's readings"
