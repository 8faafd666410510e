"""The simulated proxy against the client that Home Assistant itself uses, over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
from bleak.backends.device import BLEDevice
from bluetooth_data_tools import parse_advertisement_data
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak

from custom_components.smartloop.protocol import SERVICE_UUID, DeviceKind, Download, parse
from hardware.simulator.ble.bthome import BTHomeNode
from hardware.simulator.ble.peripheral import CONTROL_HANDLE, DATA_HANDLE, INFO_HANDLE, BedNode, InhalerSleeve
from hardware.simulator.ble.trace import TraceError, play, read
from hardware.simulator.proxy import Proxy, address_number

aioesphomeapi = pytest.importorskip("aioesphomeapi", reason="ESPHome's client is not installed (script/setup lab)")

SLEEVE, BED = "C0:FF:EE:00:00:07", "C0:FF:EE:00:00:08"
KEY = bytes(range(16))


@pytest.fixture(autouse=True)
def allow_loopback(socket_enabled: None) -> None:
    pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


@asynccontextmanager
async def client(proxy: Proxy) -> AsyncIterator[Any]:
    api = aioesphomeapi.APIClient("127.0.0.1", proxy.port, None)
    await api.connect(login=True)
    try:
        yield api
    finally:
        await api.disconnect(force=True)


class Ear:
    """What a subscriber of adverts heard."""

    def __init__(self, api: Any) -> None:
        self.heard: dict[int, list[bytes]] = {}
        self.batches = 0
        api.subscribe_bluetooth_le_raw_advertisements(self._hear)

    def _hear(self, message: Any) -> None:
        self.batches += 1
        for each in message.advertisements:
            self.heard.setdefault(each.address, []).append(bytes(each.data))

    async def hears(self, address: str, wanted: int = 1) -> list[bytes]:
        async with asyncio.timeout(5):
            while len(self.heard.get(address_number(address), [])) < wanted:  # noqa: ASYNC110  another side's doing
                await asyncio.sleep(0.01)
        return self.heard[address_number(address)]


async def link(api: Any, address: str, states: list[bool]) -> Callable[[], None]:
    """Connect to a device."""

    def changed(connected: bool, _mtu: int, _error: int) -> None:  # noqa: FBT001  the client's way
        states.append(connected)

    undo: Callable[[], None] = await api.bluetooth_device_connect(
        address_number(address), changed, timeout=2, feature_flags=0x7F, has_cache=False, address_type=1
    )
    return undo


async def fetch(api: Any, device: InhalerSleeve | BedNode, *, mtu: int = 23) -> Download:
    """Download the log as SmartLoop does, through the proxy."""
    number = address_number(device.address)
    talk = Download(kind=DeviceKind(device.kind), address=device.address, key=KEY, cursor=0, counter=0, mtu=mtu)
    packets: asyncio.Queue[bytes] = asyncio.Queue()
    await api.bluetooth_gatt_start_notify(number, DATA_HANDLE, lambda _handle, data: packets.put_nowait(bytes(data)))
    writes = talk.start(datetime.now(UTC))
    while not talk.done:
        for write in writes:
            await api.bluetooth_gatt_write(number, CONTROL_HANDLE, write.data, response=True)
        packet = await asyncio.wait_for(packets.get(), 5)
        writes = talk.feed("d7b40004-e49d-442a-8e79-b89fb412c841", packet, datetime.now(UTC))
    return talk


async def test_adverts_are_passed_on_in_batches() -> None:
    sleeve, beds = InhalerSleeve(SLEEVE, key=KEY), [BedNode(f"C0:FF:EE:00:01:{n:02X}", key=KEY) for n in range(20)]
    async with Proxy(devices=[sleeve, *beds], interval_s=0.05) as proxy, client(proxy) as api:
        ear = Ear(api)
        data = (await ear.hears(SLEEVE))[0]
        await ear.hears(beds[-1].address)

        assert ear.batches < len(ear.heard)
        assert parse_advertisement_data((data,)).service_data[SERVICE_UUID] == sleeve.payload()
        proxy.faults.deaf = True
        await asyncio.sleep(0.1)
        ear.heard.clear()
        await asyncio.sleep(0.15)
        assert ear.heard == {}
        proxy.faults.deaf = False
        proxy.advertise("AA:BB:CC:DD:EE:FF", b"\x02\x01\x06", -80)
        assert await ear.hears("AA:BB:CC:DD:EE:FF") == [b"\x02\x01\x06"]


@pytest.mark.parametrize("mtu", [23, 247])
async def test_a_log_is_fetched_through_the_proxy(mtu: int) -> None:
    sleeve = InhalerSleeve(SLEEVE, key=KEY)
    for _ in range(12):
        sleeve.puff(shake_s=5, envelope=[20] * 30)
    async with Proxy(devices=[sleeve], mtu=mtu) as proxy, client(proxy) as api:
        states: list[bool] = []
        undo = await link(api, SLEEVE, states)
        services = await api.bluetooth_gatt_get_services(address_number(SLEEVE))
        assert [str(each.uuid) for each in services.services] == [SERVICE_UUID]
        info = await api.bluetooth_gatt_read(address_number(SLEEVE), INFO_HANDLE)
        talk = await fetch(api, sleeve, mtu=mtu)
        await api.bluetooth_device_disconnect(address_number(SLEEVE))
        undo()

        assert len(info) == 15
        assert talk.cursor == 13
        assert sum(len(page.events) for page in talk.pages) == 13
        assert states[0]
        assert proxy.links == {}


async def test_slots_are_counted_and_reported() -> None:
    beds = [BedNode(f"C0:FF:EE:00:01:{n:02X}", key=KEY) for n in range(3)]
    async with Proxy(devices=beds, slots=2) as proxy, client(proxy) as api:
        free: list[tuple[int, int]] = []
        await asyncio.sleep(0)
        api.subscribe_bluetooth_connections_free(lambda now, limit, *_: free.append((now, limit)))
        undo = [await link(api, bed.address, []) for bed in beds[:2]]
        refused: list[bool] = []
        await link(api, beds[2].address, refused)
        assert refused == [False]
        await api.bluetooth_device_disconnect(address_number(beds[0].address))
        undo.append(await link(api, beds[2].address, []))

        assert (0, 2) in free
        assert set(proxy.links) == {address_number(bed.address) for bed in beds[1:]}
        for each in undo:
            each()


async def test_a_link_that_breaks_frees_its_slot_and_ends_the_session() -> None:
    sleeve = InhalerSleeve(SLEEVE, key=KEY)
    sleeve.puff(shake_s=5)
    async with Proxy(devices=[sleeve]) as proxy, client(proxy) as api:
        states: list[bool] = []
        await link(api, SLEEVE, states)
        proxy.faults.drop_after = 3
        with suppress(Exception):
            await asyncio.wait_for(fetch(api, sleeve), 1)

        assert states == [True, False]
        assert proxy.free == proxy.slots
        states.clear()
        await link(api, SLEEVE, states)
        assert (await fetch(api, sleeve)).done


async def test_a_reboot_of_the_proxy_drops_everything() -> None:
    sleeve = InhalerSleeve(SLEEVE, key=KEY)
    async with Proxy(devices=[sleeve]) as proxy, client(proxy) as api:
        await link(api, SLEEVE, [])
        proxy.drop()
        async with asyncio.timeout(2):
            while proxy.links or proxy.listeners:  # noqa: ASYNC110  another side's doing
                await asyncio.sleep(0.01)


async def test_a_passive_proxy_and_a_refusing_one_connect_nobody() -> None:
    sleeve = InhalerSleeve(SLEEVE, key=KEY)
    async with Proxy(devices=[sleeve], connections=False) as proxy, client(proxy) as api:
        described = await api.device_info()
        assert not described.bluetooth_proxy_feature_flags & 2
        states: list[bool] = []
        await link(api, SLEEVE, states)
        assert states == [False]
    async with Proxy(devices=[sleeve]) as proxy, client(proxy) as api:
        proxy.faults.refuse = True
        refused: list[bool] = []
        (await link(api, SLEEVE, refused))()
        proxy.faults.refuse = False
        await link(api, SLEEVE, states)
        assert (refused, states) == ([False], [False, True])


async def test_a_trace_drives_the_devices(tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    trace.write_text(
        '{"t": 60, "device": "sleeve", "puff": {"shake_s": 5.2, "tilt_deg": 12}}\n'
        '{"t": 0, "device": "bed", "epoch": {"occupied": true, "heart_rate": 58}}\n'
        '{"t": 61, "device": "sleeve", "battery": 9, "reboot": "low_voltage"}\n'
        '{"t": 62, "device": "mold", "bthome": [["temperature", 18.5], ["temperature", 12.0], ["humidity", 70]]}\n'
        '{"t": 63, "device": "somebody else", "puff": {}}\n'
    )
    sleeve, bed, mold = (
        InhalerSleeve(SLEEVE, key=KEY),
        BedNode(BED, key=KEY),
        BTHomeNode("A4:C1:38:00:00:01", "SL-Mold"),
    )

    await play(read(trace), {"sleeve": sleeve, "bed": bed, "mold": mold}, speed=1000)

    assert sleeve.flash.log.head == 3
    assert parse(sleeve.payload(), SLEEVE, KEY, None).battery_percent == 9
    assert parse(bed.payload(), BED, KEY, None).last_event == "occupied"
    assert mold.advert() is not None
    trace.write_text('{"t": 1, "device": "a"}\n{"t": "soon"}\n')
    with pytest.raises(TraceError, match="line 2"):
        read(trace)


@pytest.mark.parametrize("key", [None, bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")])
def test_home_assistants_bthome_parser_hears_the_nodes(key: bytes | None) -> None:
    node = BTHomeNode("A4:C1:38:00:00:01", "SL-Leak", key=key)
    parser = BTHomeBluetoothDeviceData(bindkey=key)
    for leak, temperature in ((0, 12.5), (1, -3.25)):
        node.measure({"leak": leak, "temperature": temperature, "battery": 90, "pm25": 38})
        raw = node.advert()
        assert raw is not None
        assert len(raw) <= 31
        data = parse_advertisement_data((raw,))
        info = BluetoothServiceInfoBleak(
            name=node.name, address=node.address, rssi=-60, manufacturer_data={}, service_data=data.service_data,
            service_uuids=[], source="test", device=BLEDevice(node.address, None, None), advertisement=None,
            connectable=False, time=0.0, tx_power=None,
        )  # fmt: skip
        assert parser.supported(info)
        update = parser.update(info)
        values = {each.key: value.native_value for each, value in update.entity_values.items()}
        binary = {each.key: value.native_value for each, value in update.binary_entity_values.items()}
        assert (values["temperature"], values["battery"], values["pm25"]) == (temperature, 90, 38)
        assert binary["moisture"] is bool(leak)
