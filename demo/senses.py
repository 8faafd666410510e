"""A house whose sensors come by radio: a Zigbee stick, a Bluetooth proxy, and one sensor of every kind."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hardware.simulator.ble.bthome import BTHomeNode
from hardware.simulator.ble.peripheral import BedNode, InhalerSleeve
from hardware.simulator.proxy import Proxy
from hardware.simulator.zigbee import Coordinator

from .bluetooth import add_found, add_proxy
from .client import Client
from .household import Home
from .places import device_of, issues, make_areas, put
from .zigbee import add_devices, add_zha, device_id

ZIGBEE = {"mold": "Bathroom", "leak": "Kitchen", "dust": "Living room", "climate": "Bedroom"}
"""Where the Zigbee sensors stand."""
NAMES = {
    "mold": "Bathroom wall",
    "leak": "Under the sink",
    "dust": "Air monitor",
    "climate": "Bedroom climate",
}
PATIENCE_S = 60.0


@dataclass(kw_only=True)
class Radios:
    """What is in the air of the house."""

    zigbee: Coordinator
    proxy: Proxy
    pipe: BTHomeNode
    """A leak sensor that broadcasts."""
    sleeve: InhalerSleeve
    bed: BedNode
    sleeve_key: bytes
    bed_key: bytes


@asynccontextmanager
async def radios() -> AsyncIterator[Radios]:
    """Switch everything on; nothing of it is known to Home Assistant yet."""
    sleeve_key, bed_key = secrets.token_bytes(16), secrets.token_bytes(16)
    pipe = BTHomeNode("A4:C1:38:5E:00:01", "SL-LEAK")
    sleeve = InhalerSleeve("C2:5E:57:00:00:10", key=sleeve_key, name="SL-SLEEVE", drift_ppm=20.0)
    bed = BedNode("C2:5E:57:00:00:20", key=bed_key, name="SL-BED", drift_ppm=-15.0)
    pipe.measure({"battery": 97, "leak": 0})
    async with Coordinator() as zigbee, Proxy(devices=[pipe], slots=3) as proxy:
        yield Radios(
            zigbee=zigbee,
            proxy=proxy,
            pipe=pipe,
            sleeve=sleeve,
            bed=bed,
            sleeve_key=sleeve_key,
            bed_key=bed_key,
        )


async def connect(owner: Client, air: Radios) -> dict[str, str]:
    """Bring stick, proxy and bought sensors into Home Assistant and say where each stands; returns boxes by name."""
    areas = await make_areas(owner, dict.fromkeys([*ZIGBEE.values(), "Laundry"]))
    await add_zha(owner, air.zigbee)
    boxes = {}
    for name, device in (await add_devices(owner, air.zigbee, *ZIGBEE)).items():
        boxes[name] = device_id(device)
        await put(owner, boxes[name], areas[ZIGBEE[name]], NAMES[name])
    await add_proxy(owner, air.proxy)
    boxes["pipe"] = await device_of(owner, await add_found(owner, "bthome"))
    await put(owner, boxes["pipe"], areas["Laundry"], "Washing machine")
    return boxes


async def offered(owner: Client, air: Radios) -> dict[str, str]:
    """Bring SmartLoop's own devices home; returns Repairs' offer of each kind."""
    air.proxy.devices += [air.sleeve, air.bed]
    found = await issues(owner, beginning="new_inhaler_sleeve_", count=1)
    found += await issues(owner, beginning="new_bed_node_", count=1)
    return {each["translation_key"].removeprefix("new_"): each["issue_id"] for each in found}


async def speak(air: Radios) -> None:
    """Let every sensor say something."""
    await air.zigbee.report("mold", temperature=18.6, humidity=74.5, surface_temperature=14.2)
    await air.zigbee.report("climate", temperature=17.9, humidity=61.0)
    await air.zigbee.report("dust", pm25=38.0, co2=1210.0, temperature=21.2)
    await air.zigbee.zone("leak", wet=True)
    air.pipe.measure({"battery": 97, "leak": 1})
    air.proxy.advertise_now()


def away(air: Radios) -> None:
    """Ana takes two puffs while she is out, and sleeps a night in between: the devices remember."""
    air.sleeve.puff(shake_s=3.1, tilt_deg=12.0, peak_flow_lpm=48.0, envelope=(0.0, 22.0, 48.0, 40.0, 12.0))
    air.sleeve.puff(shake_s=0.4, tilt_deg=50.0, peak_flow_lpm=96.0)
    air.bed.epoch(occupied=True, heart_rate=58.0, respiratory_rate=14.5, motion=0.03, quality=0.9)


@dataclass(frozen=True, kw_only=True)
class Sense:
    """One kind of sensor, and what has to be known of it."""

    kind: str
    path: str
    place: str
    measurands: tuple[str, ...]
    personal: bool = False


SENSES = (
    Sense(kind="mold", path="Zigbee (ZHA)", place="bathroom", measurands=("temperature", "relative_humidity")),
    Sense(kind="dust", path="Zigbee (ZHA)", place="living_room", measurands=("pm25", "co2")),
    Sense(kind="leak", path="Zigbee (ZHA)", place="kitchen", measurands=("wet",)),
    Sense(kind="leak", path="Bluetooth (BTHome)", place="laundry", measurands=("wet",)),
    Sense(
        kind="bed",
        path="Bluetooth (own protocol)",
        place="bedroom",
        measurands=("bed_occupancy", "heart_rate", "respiratory_rate"),
        personal=True,
    ),
)


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
            if set(sense.measurands) <= values.keys():
                break
            await asyncio.sleep(0.05)
    return {
        "kind": sense.kind,
        "path": sense.path,
        "room": sense.place,
        "values": {name: f"{values[name]['value']:g} {values[name]['unit']}" for name in sense.measurands},
        "seconds": round(time.monotonic() - since, 2),
    }


async def hidden(home: Home) -> None:
    """Look whether anybody else sees Ana's body or puffs."""
    for client in (home.owner, home.ben.client):
        context: list[Mapping[str, Any]] = await client.command("smartloop/context")
        assert not [each for each in context if each["person"] is not None], "somebody else sees a person's readings"


async def puffs(home: Home, count: int) -> dict[str, Any]:
    """Wait until Ana's puffs have come over from her sleeve."""
    feed = await home.ana.client.subscribe("smartloop/puffs")
    async with asyncio.timeout(PATIENCE_S):
        while True:
            listing: dict[str, Any] = await feed.get()
            if len(listing["puffs"]) >= count:
                return listing
