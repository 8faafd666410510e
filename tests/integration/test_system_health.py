"""The system information page."""

import asyncio

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.smartloop.const import DOMAIN

from .views import Household


async def info_of(hass: HomeAssistant) -> dict[str, object]:
    """Return what the page shows."""
    assert await async_setup_component(hass, "system_health", {})
    await hass.async_block_till_done()
    found = await get_system_health_info(hass, DOMAIN)
    return {key: await value if asyncio.iscoroutine(value) else value for key, value in found.items()}


async def test_it_says_which_engine_runs_and_why(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    info = await info_of(hass)

    assert info["engine"] == "builtin"
    assert info["choice"] == "builtin"
    assert info["reason"] == "user_choice"
    assert info["rooms"] == 1
    assert info["history_progress"] == "done"
    # Only what the page has words for.
    assert not {key for key, value in info.items() if value is None or isinstance(value, dict)}


async def test_progress_is_said(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    household.coordinator._report(7)

    assert (await info_of(hass))["history_progress"] == "7 %"


async def test_without_a_household_it_says_so(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    assert await async_setup_component(hass, "system_health", {})
    assert await hass.config_entries.async_unload(household.entry.entry_id)

    assert await info_of(hass) == {"status": "not_loaded"}
