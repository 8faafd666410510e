"""Quirks meet the real registry of the real zha and zigpy, without a radio (with one: tests/e2e/test_zha.py)."""

import sys
from collections.abc import AsyncIterator
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockModule, mock_integration

from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.quirks import BOARDS, ISSUE_ZIGBEE_RELOAD, Quirks
from hardware.simulator.zigbee import DEVICES
from hardware.simulator.zigbee.zcl import Cluster

from .test_repairs import fix, go_on
from .test_repairs import mended as mended  # noqa: PLC0414  a fixture
from .wording import every_flow_has_words

zha_quirks = pytest.importorskip("zha.quirks", reason="ZHA's library is not installed (script/setup lab)")
zigpy_device = pytest.importorskip("zigpy.device")
zigpy_types = pytest.importorskip("zigpy.types")

HELPERS = "homeassistant.components.zha.helpers"


def joined(name: str) -> Any:
    """Return zigpy's device for a simulated one, as after its interview."""
    model = DEVICES[name]
    device = zigpy_device.Device(MagicMock(), zigpy_types.EUI64.convert("00:12:4b:00:00:00:00:01"), 0x1A01)
    device.manufacturer, device.model = model.manufacturer, model.model
    for endpoint, clusters in model.endpoints.items():
        added = device.add_endpoint(endpoint)
        for cluster in clusters:
            added.add_input_cluster(cluster)
    return device


def numbers(resolved: Any) -> dict[int, tuple[str | None, str | None]]:
    """Return class and unit of what a quirk says of a device, by endpoint."""
    entry = getattr(resolved, zha_quirks.QUIRK_REGISTRY_ENTRY_ATTR)
    found = entry.zha_device_factory.quirk_definition.entity_metadata
    return {each.endpoint_id: (each.device_class and each.device_class.value, each.unit) for each in found}


@pytest.fixture
async def zha(hass: HomeAssistant) -> AsyncIterator[MockConfigEntry]:
    mock_integration(hass, MockModule("zha"))
    entry = MockConfigEntry(domain="zha", state=ConfigEntryState.LOADED)
    entry.add_to_hass(hass)
    with zha_quirks.DEVICE_REGISTRY.preserve_state():
        yield entry


async def test_without_zha_nothing_of_it_is_imported(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "zhaquirks.builder", raising=False)
    stop = Quirks(hass).start()
    await hass.async_block_till_done()

    assert "zhaquirks.builder" not in sys.modules
    assert not zha_quirks.DEVICE_REGISTRY.match_entry(joined("dust"))
    stop()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("dust", {2: ("pm1", "μg/m³"), 3: ("pm10", "μg/m³")}),
        ("mold_battery", {1: ("temperature", "°C"), 2: ("humidity", "%"), 3: ("temperature", "°C")}),
        ("bed", {2: (None, "%"), 3: (None, "%"), 4: (None, "br/min")}),
    ],
)
async def test_a_board_gets_its_meaning(
    hass: HomeAssistant, zha: MockConfigEntry, name: str, wanted: dict[int, tuple[str | None, str | None]]
) -> None:
    stop = Quirks(hass).start()
    await hass.async_block_till_done()

    assert numbers(zha_quirks.DEVICE_REGISTRY.resolve(joined(name))) == wanted

    stop()
    bare = joined(name)
    assert zha_quirks.DEVICE_REGISTRY.resolve(bare) is bare


@pytest.mark.parametrize("name", ["climate", "leak", "mold"])
async def test_what_speaks_in_standard_clusters_is_left_alone(
    hass: HomeAssistant, zha: MockConfigEntry, name: str
) -> None:
    stop = Quirks(hass).start()
    await hass.async_block_till_done()
    device = joined(name)

    assert zha_quirks.DEVICE_REGISTRY.resolve(device) is device
    stop()


def test_the_endpoints_are_those_of_the_boards() -> None:
    """One number for each Analog Input a board has."""
    simulated = {each.model: each for each in DEVICES.values()}
    for board in BOARDS:
        analog = {
            endpoint
            for endpoint, clusters in simulated[board.model].endpoints.items()
            if Cluster.ANALOG_INPUT in clusters
        }
        assert {each.endpoint for each in board.numbers} == analog


async def test_registered_once_however_often_it_is_asked_for(hass: HomeAssistant, zha: MockConfigEntry) -> None:
    before = len(list(zha_quirks.DEVICE_REGISTRY))
    quirks = Quirks(hass)
    quirks.prepare()
    quirks.prepare()
    stop = quirks.start()
    await hass.async_block_till_done()

    assert len(list(zha_quirks.DEVICE_REGISTRY)) == before + len(BOARDS)
    stop()
    assert len(list(zha_quirks.DEVICE_REGISTRY)) == before


async def test_registered_when_zha_comes_later(hass: HomeAssistant) -> None:
    mock_integration(hass, MockModule("zha"))
    with zha_quirks.DEVICE_REGISTRY.preserve_state():
        stop = Quirks(hass).start()
        entry = MockConfigEntry(domain="zha")
        entry.add_to_hass(hass)
        entry.mock_state(hass, ConfigEntryState.SETUP_IN_PROGRESS)
        await hass.async_block_till_done()

        assert numbers(zha_quirks.DEVICE_REGISTRY.resolve(joined("dust")))
        stop()


@pytest.mark.parametrize(
    ("known", "asked"),
    [(SimpleNamespace(quirk_applied=False), True), (SimpleNamespace(quirk_applied=True), False), (None, False)],
)
async def test_the_owner_is_asked_when_a_board_was_loaded_before(
    hass: HomeAssistant,
    zha: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    known: SimpleNamespace | None,
    asked: bool,  # noqa: FBT001
) -> None:
    helpers = ModuleType(HELPERS)
    vars(helpers)["async_get_zha_device_proxy"] = lambda *_: SimpleNamespace(device=known)
    monkeypatch.setitem(sys.modules, HELPERS, helpers)
    dr.async_get(hass).async_get_or_create(
        config_entry_id=zha.entry_id, identifiers={("zha", "1")}, manufacturer="esphome", model=BOARDS[0].model,
        name="Dust",
    )  # fmt: skip
    household = MockConfigEntry(domain=DOMAIN)
    household.add_to_hass(hass)
    quirks = Quirks(hass)
    stop = quirks.start(household.entry_id)
    await hass.async_block_till_done()
    issue = ir.async_get(hass).async_get_issue(DOMAIN, ISSUE_ZIGBEE_RELOAD)

    assert (issue is not None) is asked
    if issue is not None:
        assert issue.translation_placeholders == {"devices": "Dust"}
        # Who does not want to hear of it is not asked again after a reload.
        ir.async_ignore_issue(hass, DOMAIN, ISSUE_ZIGBEE_RELOAD, ignore=True)
        stop()
        stop = quirks.start(household.entry_id)
        await hass.async_block_till_done()
        kept = ir.async_get(hass).async_get_issue(DOMAIN, ISSUE_ZIGBEE_RELOAD)
        assert kept is not None
        assert kept.dismissed_version is not None
    stop()
    await hass.config_entries.async_remove(household.entry_id)
    assert ir.async_get(hass).async_get_issue(DOMAIN, ISSUE_ZIGBEE_RELOAD) is None


async def test_a_library_of_another_shape_does_no_harm(
    hass: HomeAssistant, zha: MockConfigEntry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "zhaquirks.builder", ModuleType("zhaquirks.builder"))
    stop = Quirks(hass).start()
    await hass.async_block_till_done()

    assert "cannot be told what SmartLoop's own boards send" in caplog.text
    stop()


async def test_one_click_reloads_zha(
    mended: MockConfigEntry, household_hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = household_hass.config_entries.async_entries("zha")
    reloaded: list[str] = []
    monkeypatch.setattr(household_hass.config_entries, "async_schedule_reload", reloaded.append)
    ir.async_create_issue(
        household_hass, DOMAIN, ISSUE_ZIGBEE_RELOAD, is_fixable=True, severity=ir.IssueSeverity.WARNING,
        translation_key=ISSUE_ZIGBEE_RELOAD, translation_placeholders={"devices": "Dust"},
    )  # fmt: skip
    with every_flow_has_words():
        asked = await fix(household_hass, ISSUE_ZIGBEE_RELOAD)
        assert asked["description_placeholders"] == {"devices": "Dust"}
        assert reloaded == []
        done = await go_on(household_hass, asked, {})

    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert reloaded == [entry.entry_id]
    assert ir.async_get(household_hass).async_get_issue(DOMAIN, ISSUE_ZIGBEE_RELOAD) is None
