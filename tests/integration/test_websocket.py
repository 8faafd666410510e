"""The websocket commands: everybody sees the rooms, only oneself sees one's own body."""

from typing import Any

import pytest
from homeassistant.auth.models import User
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.smartloop.const import CONF_USER
from custom_components.smartloop.engine import Measurand, Reading


async def ask(client: Any) -> Any:
    await client.send_json_auto_id({"type": "smartloop/context"})
    return await client.receive_json()


def hearts(answer: Any) -> list[float]:
    return [each["value"] for each in answer["result"] if each["measurand"] == "heart_rate"]


@pytest.fixture
async def household(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> MockConfigEntry:
    assert await household_hass.config_entries.async_setup(smartloop_entry.entry_id)
    await household_hass.async_block_till_done()
    return smartloop_entry


async def test_the_context_is_what_the_sensors_said(
    household_hass: HomeAssistant, household: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    answer = await ask(await hass_ws_client(household_hass))

    assert answer["success"]
    bathroom = {each["measurand"]: each for each in answer["result"] if each["place"] == "bathroom"}
    assert bathroom["temperature"]["unit"] == "°C"
    assert bathroom["temperature"]["fresh"]
    assert {"value", "device_id", "at", "carried_over"} <= bathroom["relative_humidity"].keys()


async def test_a_heart_is_shown_to_its_owner_only(
    household_hass: HomeAssistant,
    household: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: User,
) -> None:
    member, *_ = household.get_subentries_of_type("member")
    beat = Reading(
        measurand=Measurand.HEART_RATE,
        value=58,
        unit="1/min",
        place="bathroom",
        at=dt_util.utcnow(),
        source="bed",
        person=member.data["person"],
    )
    household.runtime_data.engine.observe(beat)
    client = await hass_ws_client(household_hass)

    assert hearts(await ask(client)) == []

    # The administrator turns out to be that person.
    household_hass.config_entries.async_update_subentry(
        household, member, data={**member.data, CONF_USER: hass_admin_user.id}
    )
    await household_hass.async_block_till_done()
    household.runtime_data.engine.observe(beat)
    assert hearts(await ask(client)) == [58.0]


async def test_without_a_household_it_says_so(
    household_hass: HomeAssistant, household: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    client = await hass_ws_client(household_hass)
    assert await household_hass.config_entries.async_unload(household.entry_id)

    answer = await ask(client)

    assert not answer["success"]
    assert answer["error"]["code"] == "not_loaded"
