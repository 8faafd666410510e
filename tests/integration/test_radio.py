"""What radios say of boxes; whatever other integrations are like inside, nothing of it may hurt.

That the real ZHA and the real Bluetooth say it is tested end to end (tests/e2e).
"""

import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.smartloop.adapters.radio import EVERY, RadioWatch, last_seen, radio_fact, radio_facts
from custom_components.smartloop.adapters.radio_fact import RadioFact

IEEE = "00:12:4b:00:04:03:02:01"
MAC = "A4:C1:38:00:00:01"
SEEN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class Radios:
    """Modules of integrations that seem loaded, and boxes they hear."""

    hass: HomeAssistant
    monkeypatch: pytest.MonkeyPatch
    zigpy: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(lqi=212, rssi=-61, last_seen=SEEN.timestamp(), available=True)
    )

    def device(self, **facts: Any) -> str:
        entry = MockConfigEntry(domain="test")
        entry.add_to_hass(self.hass)
        return dr.async_get(self.hass).async_get_or_create(config_entry_id=entry.entry_id, **facts).id

    def zigbee(self, ieee: str = IEEE) -> str:
        return self.device(identifiers={("zha", ieee)}, connections={("zigbee", ieee)})

    def load(self, name: str, **content: Any) -> None:
        module = ModuleType(name)
        vars(module).update(content)
        self.monkeypatch.setitem(sys.modules, name, module)

    def load_zha(self) -> None:
        self.load(
            "homeassistant.components.zha.helpers",
            async_get_zha_device_proxy=lambda *_: SimpleNamespace(device=self.zigpy),
        )


@pytest.fixture
def radio(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> Radios:
    for name in ("homeassistant.components.zha.helpers", "homeassistant.components.bluetooth"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return Radios(hass, monkeypatch)


async def test_zigbee_tells_how_well_and_when(radio: Radios) -> None:
    radio.load_zha()
    source = radio.zigbee()

    assert radio_fact(radio.hass, source) == RadioFact(radio="zha", lqi=212, rssi=-61, last_seen=SEEN, available=True)
    assert radio_facts(radio.hass, [source, "nobody"]).keys() == {source}
    assert last_seen(radio.hass, source) == SEEN


async def test_without_zha_nothing_is_said_and_nothing_imported(radio: Radios) -> None:
    source = radio.zigbee()

    assert radio_fact(radio.hass, source) is None
    assert "homeassistant.components.zha.helpers" not in sys.modules


@pytest.mark.parametrize(
    ("known", "fact"),
    [
        (
            {"lqi": None, "rssi": None, "last_seen": None, "available": False},
            RadioFact(radio="zha", available=False),
        ),
        (
            {"lqi": 999, "rssi": "-60", "last_seen": 0, "available": True},
            RadioFact(radio="zha", available=True),
        ),
        ({"lqi": 200}, None),
        ({}, None),
    ],
)
async def test_whatever_zha_becomes_it_does_no_harm(
    radio: Radios, known: dict[str, Any], fact: RadioFact | None
) -> None:
    radio.zigpy = SimpleNamespace(**known)
    radio.load_zha()

    assert radio_fact(radio.hass, radio.zigbee()) == fact


@pytest.mark.parametrize("error", [KeyError, ValueError, StopIteration, RuntimeError])
async def test_a_gateway_that_is_not_there_does_no_harm(radio: Radios, error: type[Exception]) -> None:
    def fail(hass: HomeAssistant, device_id: str) -> None:
        raise error

    radio.load("homeassistant.components.zha.helpers", async_get_zha_device_proxy=fail)

    assert radio_fact(radio.hass, radio.zigbee()) is None


async def test_bluetooth_tells_how_well_and_when(radio: Radios, freezer: FrozenDateTimeFactory) -> None:
    asked: list[tuple[str, bool]] = []

    def heard(hass: HomeAssistant, address: str, connectable: bool = True) -> SimpleNamespace:  # noqa: FBT001, FBT002
        asked.append((address, connectable))
        return SimpleNamespace(time=time.monotonic() - 30.0, rssi=-77)

    radio.load(
        "homeassistant.components.bluetooth",
        async_last_service_info=heard,
        async_address_present=lambda *_, **__: True,
    )
    source = radio.device(connections={("bluetooth", MAC)})

    fact = radio_fact(radio.hass, source)

    assert asked == [(MAC, False)]
    assert fact is not None
    assert (fact.radio, fact.rssi, fact.lqi, fact.available) == ("bluetooth", -77, None, True)
    assert fact.last_seen is not None
    assert dt_util.utcnow() - fact.last_seen == pytest.approx(timedelta(seconds=30), abs=timedelta(seconds=1))


async def test_a_box_is_reported_once_for_each_time_it_was_heard(radio: Radios, freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(SEEN + timedelta(seconds=10))
    radio.load_zha()
    source = radio.zigbee()
    heard: list[tuple[str, datetime, int | None, int | None]] = []

    def receive(source: str, at: datetime, *, rssi: int | None = None, lqi: int | None = None) -> None:
        heard.append((source, at, rssi, lqi))

    async def minutes(count: int) -> None:
        for _ in range(count):
            freezer.tick(EVERY)
            async_fire_time_changed(radio.hass)
            await radio.hass.async_block_till_done()

    stop = RadioWatch(radio.hass, lambda: [source, "nobody"], receive).start()
    await minutes(3)
    assert heard == [(source, SEEN, -61, 212)]

    later = SEEN + timedelta(minutes=2)
    radio.zigpy.last_seen = later.timestamp()
    await minutes(2)
    assert heard[1:] == [(source, later, -61, 212)]

    radio.zigpy.last_seen = (SEEN + timedelta(days=300)).timestamp()
    await minutes(1)
    stop()
    radio.zigpy.last_seen = (SEEN + timedelta(minutes=4)).timestamp()
    await minutes(1)
    assert len(heard) == 2
