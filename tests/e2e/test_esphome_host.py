"""Real ESPHome firmware with simulated serial sensors, found by a real Home Assistant and proposed by SmartLoop."""

import asyncio
from typing import Any

import pytest

from demo.client import Client
from demo.flows import proposals
from demo.household import set_up, wait_for_state
from demo.lab import Lab
from hardware.simulator.esphome import BED, DUST, HostNode
from hardware.simulator.esphome.firmware import missing

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


async def add_node(owner: Client, node: HostNode, area: str) -> None:
    """Add a board as its owner does: its address, then the room it is in."""
    step = await owner.rest("POST", "/api/config/config_entries/flow", {"handler": "esphome"})
    step = await owner.rest(
        "POST", f"/api/config/config_entries/flow/{step['flow_id']}", {"host": "127.0.0.1", "port": node.port}
    )
    assert step["type"] == "create_entry", step
    async with asyncio.timeout(30):
        while True:
            if found := await devices_of(owner, step["result"]["entry_id"]):
                break
            await asyncio.sleep(0.25)
    await owner.command("config/device_registry/update", device_id=found[0]["id"], area_id=area)


async def devices_of(owner: Client, entry: str) -> list[dict[str, Any]]:
    return [each for each in await owner.command("config/device_registry/list") if entry in each["config_entries"]]


async def state(owner: Client, entity_id: str, value: str) -> dict[str, Any]:
    """Wait until an entity says this."""
    async with asyncio.timeout(20):
        while True:
            found = (await owner.states()).get(entity_id, {})
            if found.get("state") == value:
                return found
            await asyncio.sleep(0.1)


async def proposed_rooms(owner: Client) -> dict[str, str]:
    """Open SmartLoop's set-up, look at what it proposes, and leave again."""
    flow = "/api/config/config_entries/flow"
    step = await owner.rest("POST", flow, {"handler": "smartloop"})
    step = await owner.rest("POST", f"{flow}/{step['flow_id']}", proposals(step))
    assert step["step_id"] == "rooms", step
    await owner.rest("DELETE", f"{flow}/{step['flow_id']}")
    options = step["data_schema"][0]["selector"]["select"]["options"]
    return {option["value"]: option["label"] for option in options}


async def fresh(owner: Client, place: str, measurand: str, value: float) -> dict[str, float]:
    """Wait until SmartLoop knows this value, heard just now; return all it knows of the place."""
    async with asyncio.timeout(20):
        while True:
            known = [each for each in await owner.command("smartloop/context") if each["place"] == place]
            heard = {each["measurand"]: each["value"] for each in known if not each["carried_over"]}
            if heard.get(measurand) == value:
                return {each["measurand"]: each["value"] for each in known}
            await asyncio.sleep(0.1)


async def test_boards_are_found_and_proposed(lab: Lab) -> None:
    lab.prepare()
    await lab.seed_owner()
    async with HostNode(DUST) as dust, HostNode(BED) as bed:
        await lab.start()
        owner = await lab.client()
        try:
            await wait_for_state(owner, "weather.airport")
            await add_node(owner, dust, "kitchen")
            await add_node(owner, bed, "bedroom")

            dust.say(pm1=40, pm25=77, pm10=95)
            bed.say(heart_rate=71.0, breathing_rate=18.5)
            pm25 = await state(owner, "sensor.dust_node_pm2_5", "77.0")
            assert pm25["attributes"]["device_class"] == "pm25"
            heart = await state(owner, "sensor.bed_node_heart_rate", "71.0")
            assert heart["attributes"]["unit_of_measurement"] == "bpm"
            breath = await state(owner, "sensor.bed_node_breathing_rate", "18.5")
            assert breath["attributes"]["unit_of_measurement"] == "br/min"
            await state(owner, "binary_sensor.bed_node_in_bed", "on")

            assert await proposed_rooms(owner) == {
                "bathroom": "Bathroom: 2 sensors",
                "bedroom": "Bedroom: 5 sensors",
                "kitchen": "Kitchen: 5 sensors",
            }
            await set_up(owner)
            dust.say(pm1=41, pm25=78, pm10=96)
            bed.say(heart_rate=72.0, breathing_rate=19.0)
            known = await fresh(owner, "kitchen", "pm25", 78.0)
            assert (known["pm1"], known["pm10"]) == (41.0, 96.0)
            known = await fresh(owner, "bedroom", "heart_rate", 72.0)
            assert (known["respiratory_rate"], known["bed_occupancy"]) == (19.0, 1.0)

            bed.say(present=False)
            await state(owner, "binary_sensor.bed_node_in_bed", "off")
            await state(owner, "sensor.bed_node_heart_rate", "unknown")
        finally:
            await owner.close()
            await lab.stop()
