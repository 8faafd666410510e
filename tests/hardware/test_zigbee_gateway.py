"""The simulated radio and SmartLoop's quirks under ZHA's own library, without Home Assistant around it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import pytest_socket
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.radio import radio_fact
from custom_components.smartloop.quirks import BOARDS, quirk_of
from hardware.simulator.zigbee import Coordinator

gateways = pytest.importorskip("zha.application.gateway", reason="ZHA's library is not installed (script/setup lab)")
settings = pytest.importorskip("zha.application.helpers")
builder = pytest.importorskip("zhaquirks.builder")
registry = pytest.importorskip("zha.quirks").DEVICE_REGISTRY

pytestmark = [
    pytest.mark.timeout(120),
    # zigpy looks after a join once more when the test is long over.
    pytest.mark.parametrize("expected_lingering_timers", [True]),
]


@pytest.fixture
async def radio(socket_enabled: None) -> AsyncIterator[Coordinator]:
    pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    async with Coordinator() as radio:
        yield radio


@asynccontextmanager
async def gateway(radio: Coordinator, folder: Path) -> AsyncIterator[Any]:
    stick = {"path": radio.url, "baudrate": 115200, "flow_control": None}
    config = settings.ZHAConfiguration(
        coordinator_configuration=settings.CoordinatorConfiguration(radio_type="ziggurat", **stick),
        quirks_configuration=settings.QuirksConfiguration(enabled=False),
    )
    zigpy = {"device": stick, "database_path": str(folder / "zigbee.db")}
    made = await gateways.Gateway.async_from_config(settings.ZHAData(config=config, zigpy_config=zigpy))
    await made.async_initialize()
    await made.async_initialize_devices_and_entities()
    try:
        yield made
    finally:
        await made.shutdown()


async def until(done: Callable[[], bool], limit_s: float = 30.0) -> None:
    async with asyncio.timeout(limit_s):
        while not done():  # noqa: ASYNC110  the library sets no event for it
            await asyncio.sleep(0.05)


async def join(radio: Coordinator, made: Any, *names: str) -> dict[str, Any]:
    """Return ZHA's devices by name, once they are interviewed."""
    await made.application_controller.permit(60)
    for name in names:
        await radio.join(name)
    await until(lambda: all(is_ready(devices(radio, made).get(name)) for name in names))
    return devices(radio, made)


def is_ready(device: Any) -> bool:
    return device is not None and device.status.name == "INITIALIZED" and len(device.platform_entities) > 3


def devices(radio: Coordinator, made: Any) -> dict[str, Any]:
    known = {str(device.ieee): device for device in made.devices.values()}
    return {name: known[node.address] for name, node in radio.devices.items() if node.address in known}


def numbers(device: Any) -> dict[str, tuple[str | None, str | None]]:
    """Return class and unit of what a device sends as bare numbers, by the end of its entity's id."""
    return {
        unique_id.removeprefix(f"{device.ieee}-"): (
            entity.state.device_class and entity.state.device_class.value,
            entity.state.unit,
        )
        for (_, unique_id), entity in device.platform_entities.items()
        if unique_id.endswith("analog_input")
    }


async def test_boards_get_their_meaning_with_the_ids_they_had(radio: Coordinator, tmp_path: Path) -> None:
    async with gateway(radio, tmp_path) as made:
        found = await join(radio, made, "dust", "mold_battery")
        bare = {name: numbers(found[name]) for name in ("dust", "mold_battery")}
        assert bare["dust"].keys() == {"2-12-analog_input", "3-12-analog_input"}
        assert {kind for each in bare.values() for kind, _ in each.values()} == {None}
    with registry.preserve_state():
        for board in BOARDS:
            quirk_of(builder, board).add_to_registry()
        async with gateway(radio, tmp_path) as made:
            found = devices(radio, made)
            assert numbers(found["dust"]) == {
                "2-12-analog_input": ("pm1", "μg/m³"),
                "3-12-analog_input": ("pm10", "μg/m³"),
            }
            assert numbers(found["mold_battery"]) == {
                "1-12-analog_input": ("temperature", "°C"),
                "2-12-analog_input": ("humidity", "%"),
                "3-12-analog_input": ("temperature", "°C"),
            }
            found = await join(radio, made, "bed")
            assert found["bed"].quirk_applied
            assert {unit for _, unit in numbers(found["bed"]).values()} == {"%", "br/min"}


async def test_a_report_is_heard_with_how_well_it_was_heard(radio: Coordinator, tmp_path: Path) -> None:
    async with gateway(radio, tmp_path) as made:
        climate = (await join(radio, made, "climate"))["climate"]
        radio.link("climate", lqi=41, rssi=-88)
        before = climate.last_seen
        await radio.report("climate", temperature=18.75)
        await until(lambda: climate.lqi == 41)
        (temperature,) = [
            entity for (_, unique_id), entity in climate.platform_entities.items() if unique_id.endswith("-1-1026")
        ]

        assert (climate.rssi, climate.last_seen >= before) == (-88, True)
        assert temperature.state.native_value == pytest.approx(18.75)


async def test_smartloop_reads_the_radio_from_the_library_as_it_is(
    radio: Coordinator, tmp_path: Path, hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home Assistant's part in between (it finds the device by its id) is tested end to end."""
    async with gateway(radio, tmp_path) as made:
        dust = (await join(radio, made, "dust"))["dust"]
        radio.link("dust", lqi=41, rssi=-88)
        await radio.report("dust", temperature=18.75)
        await until(lambda: dust.lqi == 41)
        helpers = ModuleType("homeassistant.components.zha.helpers")
        vars(helpers)["async_get_zha_device_proxy"] = lambda *_: SimpleNamespace(device=dust)
        monkeypatch.setitem(sys.modules, helpers.__name__, helpers)
        entry = MockConfigEntry(domain="zha")
        entry.add_to_hass(hass)
        box = dr.async_get(hass).async_get_or_create(
            config_entry_id=entry.entry_id, identifiers={("zha", str(dust.ieee))}
        )
        fact = radio_fact(hass, box.id)

    assert fact is not None
    assert (fact.radio, fact.lqi, fact.rssi, fact.available) == ("zha", 41, -88, True)
    assert fact.last_seen is not None
    assert abs(dt_util.utcnow() - fact.last_seen) < timedelta(seconds=30)


async def test_a_leak_sensor_is_enrolled_and_told_of(radio: Coordinator, tmp_path: Path) -> None:
    async with gateway(radio, tmp_path) as made:
        leak = (await join(radio, made, "leak"))["leak"]
        assert radio.devices["leak"].enrolled
        (contact,) = [
            entity for (_, unique_id), entity in leak.platform_entities.items() if unique_id.endswith("-1-1280")
        ]
        await radio.zone("leak", wet=True)
        await until(lambda: contact.state.is_on, 5.0)
        await radio.zone("leak", wet=False)
        await until(lambda: not contact.state.is_on, 5.0)


async def test_a_mute_device_is_not_reached(radio: Coordinator, tmp_path: Path) -> None:
    async with gateway(radio, tmp_path) as made:
        dust = (await join(radio, made, "dust"))["dust"]
        radio.mute("dust")
        seen = dust.last_seen
        await radio.report("dust", pm25=77.0)
        await asyncio.sleep(0.2)
        assert dust.last_seen == seen
        radio.mute("dust", on=False)
        await radio.report("dust", pm25=78.0)
        await until(lambda: dust.last_seen > seen)
