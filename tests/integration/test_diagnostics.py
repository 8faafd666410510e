"""Diagnostics: enough to find a fault, nothing to find a person."""

import json
from collections.abc import Mapping
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import paths

from custom_components.smartloop.engine import Feedback, Verdict
from custom_components.smartloop.ledger import Ledger, LedgerError

from .house import ANA_USER
from .views import AT, Household, decision, growth


async def test_diagnostics(
    hass: HomeAssistant, household: Household, hass_client: ClientSessionGenerator, snapshot: SnapshotAssertion
) -> None:
    await household.set_up()
    await household.show(active=(growth(),), shadows=(decision(),))
    answer = Feedback(id="f1", key="mold.ventilate", verdict=Verdict.WRONG, at=AT, room="bathroom", person="ana")
    await household.coordinator.async_feedback(answer)
    assert await async_setup_component(hass, "diagnostics", {})

    found = await get_diagnostics_for_config_entry(hass, hass_client, household.entry)

    # Which models ship and how fast they ran is not this test's business.
    assert found == snapshot(exclude=paths("inference.models", "inference.numpy", "inference.engine_version"))
    assert found["inference"]["models"]


async def test_nobody_is_named(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    hass = household_hass
    assert await hass.config_entries.async_setup(smartloop_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await async_setup_component(hass, "diagnostics", {})

    text = json.dumps(await get_diagnostics_for_config_entry(hass, hass_client, smartloop_entry)).lower()

    for word in ("bedroom", "ana", ANA_USER, "sensor.", "person.", "22:00", str(hass.config.latitude)):
        # A room's kind is no name.
        assert word not in text.replace('"kind": "bedroom"', "").replace("analog", ""), word
    registry = [value for sub in smartloop_entry.subentries.values() for value in _ids(sub.data)]
    assert registry
    assert not [value for value in registry if value in text]


def _ids(data: object) -> list[str]:
    """Return every registry id in a subentry."""
    if isinstance(data, str):
        return [data] if len(data) == 32 else []
    if isinstance(data, Mapping):
        return _ids([*data.values()])
    return [each for item in data for each in _ids(item)] if isinstance(data, list | tuple) else []


async def test_a_broken_ledger_does_not_break_them(
    hass: HomeAssistant, household: Household, hass_client: ClientSessionGenerator
) -> None:
    await household.set_up()
    assert await async_setup_component(hass, "diagnostics", {})
    broken = LedgerError(translation_domain="smartloop", translation_key="ledger_unusable")

    with patch.object(Ledger, "async_feedback", side_effect=broken):
        found = await get_diagnostics_for_config_entry(hass, hass_client, household.entry)

    assert found["ledger"] == {"error": "ledger_unusable"}
