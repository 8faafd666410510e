"""A house whose sensors come by radio: a Zigbee stick, a Bluetooth proxy, and sensors of every kind."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.simulator.ble import trace
from hardware.simulator.ble.bthome import BTHomeNode
from hardware.simulator.ble.peripheral import BedNode, InhalerSleeve
from hardware.simulator.proxy import Proxy
from hardware.simulator.zigbee import Coordinator

from .bluetooth import add_found, add_proxy
from .client import Client
from .places import device_of, make_areas, put
from .zigbee import add_devices, add_zha, device_id

ZIGBEE = {"mold": "Bathroom", "leak": "Kitchen", "dust": "Living room", "climate": "Bedroom"}
"""Where the Zigbee sensors stand."""
NAMES = {
    "mold": "Bathroom wall",
    "leak": "Under the sink",
    "dust": "Air monitor",
    "climate": "Bedroom climate",
}
EVENING = Path(__file__).parent / "data" / "radios.jsonl"
"""What happens in the house within ten minutes: a shower, cooking, a drop under the sink, two puffs, going to bed."""


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

    def come_home(self) -> None:
        """Bring SmartLoop's own devices within reach of the proxy."""
        self.proxy.devices += [self.sleeve, self.bed]

    async def evening(self, *, speed: float = 1.0) -> None:
        """Let the evening happen."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for action in trace.read(EVENING):
            await asyncio.sleep(begun + action["t"] / speed - loop.time())
            await self.do(action)

    async def do(self, action: Mapping[str, Any]) -> None:
        """Let one sensor do what a line of a trace says; one that has not joined yet has nobody to tell."""
        name = action["device"]
        if name in self.zigbee.devices:
            if self.zigbee.devices[name].joined:
                await self.zigbee.do(action)
        else:
            actors: dict[str, trace.Actor] = {"pipe": self.pipe, "sleeve": self.sleeve, "bed": self.bed}
            actors[name].perform(action)


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
