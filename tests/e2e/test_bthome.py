"""BTHome sensors, open and encrypted, heard by a simulated proxy and added through the core integrations only."""

import asyncio
from typing import Any

import pytest

from demo.bluetooth import add_found, add_proxy
from demo.client import Client
from demo.household import set_up
from demo.lab import RADIOS, Lab
from hardware.simulator.ble.bthome import BTHomeNode
from hardware.simulator.proxy import Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
pytest.importorskip("bthome_ble", reason="BTHome's library is not installed (script/setup lab)")

KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
MOLD, LEAK, DUST = "A4:C1:38:00:00:01", "A4:C1:38:00:00:02", "A4:C1:38:00:00:03"
ROOMS = {MOLD: "Bathroom", LEAK: "Kitchen", DUST: "Living room"}
WANTED = {
    (MOLD, "temperature"): 18.75,
    (MOLD, "relative_humidity"): 72.3,
    (LEAK, "wet"): 1.0,
    (DUST, "pm25"): 38.0,
}


async def boxes(owner: Client) -> dict[str, dict[str, Any]]:
    """Return the BTHome devices by address."""
    devices = await owner.command("config/device_registry/list")
    addresses = {value: device for device in devices for kind, value in device["connections"] if kind == "bluetooth"}
    return {address: addresses[address] for address in ROOMS if address in addresses}


async def heard(owner: Client, found: dict[str, dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what SmartLoop knows, by address and quantity."""
    by_id = {device["id"]: address for address, device in found.items()}
    return {
        (by_id[each["device_id"]], each["measurand"]): each
        for each in await owner.command("smartloop/context")
        if each["device_id"] in by_id
    }


async def test_bthome_sensors_are_found_and_proposed(lab: Lab) -> None:
    mold, leak, dust = BTHomeNode(MOLD, "SL-Mold"), BTHomeNode(LEAK, "SL-Leak", key=KEY), BTHomeNode(DUST, "SL-Dust")
    lab.recorded = False
    lab.extra = RADIOS
    lab.prepare()
    await lab.seed_owner()
    await lab.start()
    owner = await lab.client()
    try:
        # Two proxies hear the same sensors, one of them without the means to connect.
        async with (
            Proxy(devices=[mold, leak, dust], interval_s=0.3) as proxy,
            Proxy(name="ble-proxy-attic", mac="02:5E:57:00:01:01", devices=[mold, dust], connections=False) as attic,
        ):
            await add_proxy(owner, proxy)
            await add_proxy(owner, attic)
            for node, key, said in (
                (mold, None, {"temperature": 20.5, "humidity": 61.0, "battery": 88}),
                (leak, KEY, {"leak": 0, "temperature": 12.0, "battery": 95}),
                (dust, None, {"pm25": 7, "pm10": 9, "co2": 640}),
            ):
                node.measure(said)
                await add_found(owner, "bthome", key)
            found = await boxes(owner)
            assert set(found) == set(ROOMS)
            areas: dict[str, str] = {}
            for address, room in ROOMS.items():
                areas[address] = (await owner.command("config/area_registry/create", name=room))["area_id"]
                await owner.command(
                    "config/device_registry/update", device_id=found[address]["id"], area_id=areas[address]
                )
            await set_up(owner)

            mold.measure([("temperature", 18.75), ("humidity", 72.3), ("battery", 87)])
            leak.measure({"leak": 1, "temperature": 11.5, "battery": 95})
            dust.measure({"pm25": 38, "pm10": 44, "co2": 812})
            async with asyncio.timeout(30):
                while True:
                    known = await heard(owner, found)
                    if all(key in known and known[key]["value"] == pytest.approx(WANTED[key]) for key in WANTED):
                        break
                    await asyncio.sleep(0.2)

            for address, measurand in WANTED:
                assert known[address, measurand]["place"] == areas[address]
            states = await owner.states()
            classes = {
                states[each["entity_id"]]["attributes"].get("device_class")
                for each in await owner.command("config/entity_registry/list")
                if each["platform"] == "bthome" and each["entity_id"] in states
            }
            assert {"temperature", "humidity", "moisture", "pm25", "battery"} <= classes
            assert "SubscribeBluetoothLEAdvertisementsRequest" in attic.log
        assert lab.errors() == []
    finally:
        await owner.close()
        await lab.stop()
