"""A sleeve and a bed node, heard by a simulated ESPHome proxy: found, added with a key, fetched; drops, full slots, power cuts.

Home Assistant, its `esphome` and its `bluetooth` are the real ones; the proxy and the devices are software that was
written from docs/protocol.md alone.
"""

import asyncio
import signal
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from demo.bluetooth import add_proxy, discovered
from demo.client import Client, ClientError
from demo.flows import FLOW, REPAIR_FLOW, SUBENTRY_FLOW, go_on, walk_subentry
from demo.household import add_person
from demo.lab import RADIOS, Lab
from hardware.simulator.ble.peripheral import BedNode, InhalerSleeve
from hardware.simulator.proxy import Faults, Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
pytest.importorskip("aioesphomeapi", reason="ESPHome's library is not installed (script/setup lab)")

KEY, OTHER = bytes(range(16)), bytes(range(100, 116))
SLEEVE, BED = "C0:FF:EE:00:00:07", "C0:FF:EE:00:00:08"
PATIENCE_S = 60.0


class Home:
    """The house as its owner sees it, and the devices that nobody sees."""

    def __init__(
        self, lab: Lab, owner: Client, phone: Client, proxy: Proxy, sleeve: InhalerSleeve, bed: BedNode
    ) -> None:
        self.lab = lab
        self.owner = owner
        self.phone = phone
        self.proxy = proxy
        self.sleeve = sleeve
        self.bed = bed
        self.entry_id = ""
        self.ana = ""

    async def answer(self, flow_id: str, answers: dict[str, Any], path: str = SUBENTRY_FLOW) -> Any:
        return await self.owner.rest("POST", f"{path}/{flow_id}", answers)

    def rows(self, sql: str) -> list[Any]:
        """Return what is on the disk."""
        ledger = self.lab.folder / "smartloop" / "ledger.db"
        with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as db:
            found = db.execute(sql).fetchall()
        db.close()
        return found

    def puffs(self) -> list[datetime]:
        """Return when the puffs on the disk were."""
        return sorted(datetime.fromisoformat(at) for (at,) in self.rows("SELECT at FROM actuations"))

    async def until(self, done: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        try:
            async with asyncio.timeout(patience_s):
                while not done():  # noqa: ASYNC110  another process
                    await asyncio.sleep(0.2)
        except TimeoutError:
            pytest.fail(f"{what}; {self.proxy.log[-30:]}; {self.lab.tail()}")

    async def devices(self) -> dict[str, dict[str, Any]]:
        """Return the own devices by address."""
        return {
            value: device
            for device in await self.owner.command("config/device_registry/list")
            for kind, value in device["connections"]
            if kind == "bluetooth" and value in (SLEEVE, BED)
        }

    async def state(self, address: str, device_class: str) -> str:
        device = (await self.devices())[address]
        states = await self.owner.states()
        return next(
            str(states[each["entity_id"]]["state"])
            for each in await self.owner.command("config/entity_registry/list")
            if each["device_id"] == device["id"]
            and each["entity_id"] in states
            and states[each["entity_id"]]["attributes"].get("device_class") == device_class
        )

    def say_slots(self, slots: int) -> None:
        """Let others take the proxy's connections, or give them back; it tells whoever listens."""
        self.proxy.slots = slots
        for client in self.proxy._clients:
            self.proxy._on_SubscribeBluetoothConnectionsFreeRequest(client, None)

    async def until_battery(self, percent: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while await self.state(SLEEVE, "battery") != percent:  # noqa: ASYNC110  another process
                await asyncio.sleep(0.3)

    async def refused(self) -> list[dict[str, int]]:
        """Return what the diagnostics count of adverts that were not believed."""
        told = await self.owner.rest("GET", f"/api/diagnostics/config_entry/{self.entry_id}")
        assert KEY.hex() not in str(told)
        assert SLEEVE not in str(told)
        assert self.ana not in str(told["data"]["own_devices"])
        return [each["adverts_refused"] for each in told["data"]["own_devices"]["devices"].values()]


async def the_first_device_leads_into_a_household(home: Home) -> None:
    flow = await discovered(home.owner, "smartloop")
    assert flow["context"]["title_placeholders"] == {"name": "Inhaler sleeve 00:07"}
    created = await go_on(home.owner, FLOW, await home.owner.rest("GET", f"{FLOW}/{flow['flow_id']}"), {})
    home.entry_id = created["result"]["entry_id"]
    kind, device_flow = created["next_flow"]
    assert kind == "config_subentries_flow"

    form = await home.answer(device_flow, {"key": OTHER.hex()})
    assert form["errors"] == {"key": "wrong_key"}
    assert "BluetoothDeviceRequest" not in home.proxy.log

    form = await home.answer(device_flow, {"key": f"SMARTLOOP1:{SLEEVE}:{KEY.hex()}"})
    assert form["step_id"] == "inhaler_sleeve", form
    assert home.sleeve.identifying
    relief = next(
        value
        for value, label in (
            (option["value"], option["label"])
            for field in form["data_schema"]
            if field["name"] == "inhaler"
            for option in field["selector"]["select"]["options"]
        )
        if label == "Ana: another inhaler, for relief"
    )
    home.ana = relief.partition("/")[0]
    added = await home.answer(device_flow, {"name": "Blue", "inhaler": relief})
    assert added["type"] == "create_entry", added


async def a_bed_node_is_offered_in_repairs(home: Home) -> None:
    area = await home.owner.command("config/area_registry/create", name="Bedroom")
    await walk_subentry(home.owner, home.entry_id, "room", {"user": {"area_id": area["area_id"]}})
    home.bed.epoch(occupied=True, heart_rate=57, respiratory_rate=14, motion=0.1, quality=0.9)
    home.proxy.devices.append(home.bed)
    offer = f"new_bed_node_{BED}"

    async def offered() -> bool:
        issues = (await home.owner.command("repairs/list_issues"))["issues"]
        return offer in {each["issue_id"] for each in issues}

    async with asyncio.timeout(PATIENCE_S):
        while not await offered():  # noqa: ASYNC110  another process
            await asyncio.sleep(0.2)
    menu = await home.owner.rest("POST", REPAIR_FLOW, {"handler": "smartloop", "issue_id": offer})
    handed_on = await home.answer(menu["flow_id"], {"next_step_id": "add"}, REPAIR_FLOW)
    kind, device_flow = handed_on["next_flow"]
    assert kind == "config_subentries_flow"
    form = await home.answer(device_flow, {"key": KEY.hex()})
    assert form["step_id"] == "bed_node", form
    added = await home.answer(device_flow, {"name": "Left side", "person": home.ana, "room": area["area_id"]})
    assert added["type"] == "create_entry", added
    async with asyncio.timeout(PATIENCE_S):
        while await offered():  # noqa: ASYNC110  another process
            await asyncio.sleep(0.2)
    assert set(await home.devices()) == {SLEEVE, BED}


async def the_bed_is_watched(home: Home) -> None:
    await home.until(lambda: bool(home.rows("SELECT * FROM bed_epochs")), "no minute of the bed")
    (person, heart_rate, occupied) = home.rows("SELECT person, heart_rate, occupied FROM bed_epochs")[0]
    assert (person, heart_rate, occupied) == (home.ana, 57.0, 1)


async def puffs_taken_away_are_fetched_on_return(home: Home) -> None:
    home.proxy.devices.remove(home.sleeve)
    await asyncio.sleep(2)
    begin = time.time()
    for _ in range(25):
        home.sleeve.puff(shake_s=3.0, tilt_deg=10, peak_flow_lpm=56)
        await asyncio.sleep(0.1)
    end = time.time()
    assert home.puffs() == []
    home.proxy.devices.append(home.sleeve)
    await home.until(lambda: len(home.puffs()) == 25, "the puffs were not fetched")

    assert all(begin - 2 <= at.timestamp() <= end + 2 for at in home.puffs())
    assert home.rows("SELECT DISTINCT person, origin, shake_s, tilt_deg, peak_flow_lpm FROM actuations") == [
        (home.ana, "ble", 3.0, 10.0, 56.0)
    ]
    # They are Ana's: she sees them, the house's owner does not.
    told = await (await home.phone.subscribe("smartloop/puffs")).get()
    assert "Blue" in str(told)
    with pytest.raises(ClientError, match="unauthorized"):
        await home.owner.command("smartloop/puffs")


async def a_connection_that_drops_goes_on_where_it_was(home: Home) -> None:
    for _ in range(60):
        home.sleeve.puff(envelope=[20.0] * 20)
    home.proxy.faults.drop_after = 8
    await home.until(lambda: 25 < len(home.puffs()) < 85, "it did not drop in the middle", 30)
    await home.until(lambda: len(home.puffs()) == 85, "it did not go on")
    assert home.proxy.faults == Faults()
    assert len({each for (each,) in home.rows("SELECT id FROM actuations")}) == 85


async def full_slots_are_waited_for(home: Home) -> None:
    slots = home.proxy.slots
    home.say_slots(0)
    home.proxy.log.clear()
    home.sleeve.puff()
    await asyncio.sleep(12)
    assert len(home.puffs()) == 85
    # Nobody hammers a proxy that has no slot left.
    assert home.proxy.log.count("BluetoothDeviceRequest") <= 12
    home.say_slots(slots)
    await home.until(lambda: len(home.puffs()) == 86, "it was not tried again", 90)
    assert home.proxy.links == {}


async def a_power_cut_brings_no_old_advert_back(home: Home) -> None:
    home.sleeve.battery = 64
    await home.until_battery("64")
    old = home.sleeve.advert()
    home.sleeve.battery = 37
    await home.until_battery("37")
    home.proxy.devices.clear()
    await home.owner.close()
    await home.phone.close()
    await home.lab.stop(signal.SIGKILL)
    await home.lab.start()
    home.owner = await home.lab.client()
    async with asyncio.timeout(PATIENCE_S):
        while not home.proxy.listeners:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.2)

    for _ in range(5):
        home.proxy.advertise(SLEEVE, old)
        await asyncio.sleep(0.3)
    assert any(set(each) == {"replayed"} for each in await home.refused())
    assert await home.state(SLEEVE, "battery") == "unknown"

    home.sleeve.battery = 36
    home.proxy.devices.append(home.sleeve)
    await home.until_battery("36")
    assert len(home.puffs()) == 86


async def test_own_devices_from_the_box_to_the_record(lab: Lab) -> None:
    lab.recorded = False
    lab.extra = RADIOS
    lab.prepare()
    await lab.seed_owner()
    await lab.start()
    owner = await lab.client()
    ana = await add_person(lab, owner, "ana", "Ana")
    sleeve, bed = InhalerSleeve(SLEEVE, key=KEY), BedNode(BED, key=KEY)
    async with Proxy(devices=[sleeve], interval_s=0.3) as proxy:
        home = Home(lab, owner, ana, proxy, sleeve, bed)
        try:
            await add_proxy(owner, proxy)
            await the_first_device_leads_into_a_household(home)
            await a_bed_node_is_offered_in_repairs(home)
            await the_bed_is_watched(home)
            await puffs_taken_away_are_fetched_on_return(home)
            await a_connection_that_drops_goes_on_where_it_was(home)
            await full_slots_are_waited_for(home)
            await a_power_cut_brings_no_old_advert_back(home)
            assert lab.errors() == []
        finally:
            await home.owner.close()
            await home.phone.close()
            await lab.stop()
