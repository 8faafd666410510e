"""Conditions, alone and in an automation."""

from typing import Any

import probatio as vol
import pytest
from homeassistant.components import automation
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import condition
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.smartloop.engine import Act, ActKind, RoomView, Severity

from .views import DAMP, Household, growth

HEAT = Act(kind=ActKind.HEAT, minutes=None, amount=2.0, surface_humidity_before=86.0, surface_humidity_after=79.0)


@pytest.fixture
def calls(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what automations have done."""
    made: list[ServiceCall] = async_mock_service(hass, "test", "automation")
    return made


async def checker(hass: HomeAssistant, key: str, **options: Any) -> condition.ConditionChecker:
    """Return a condition as an automation would hold it."""
    config = await condition.async_validate_condition_config(
        hass, {"condition": f"smartloop.{key}", "options": options}
    )
    return await condition.async_from_config(hass, config)


async def test_airing_helps(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    check = await checker(hass, "airing_helps", room="bathroom")

    assert check.async_check() is True
    await household.show(best_act=HEAT)
    assert check.async_check() is False
    # What is not known is not so.
    await household.show(RoomView(room="bathroom", at=None))
    assert check.async_check() is False


@pytest.mark.parametrize(
    ("severity", "levels"),
    [(None, []), (Severity.ADVICE, ["elevated"]), (Severity.WARNING, ["elevated", "high"])],
)
async def test_mold_risk(
    hass: HomeAssistant, household: Household, severity: Severity | None, levels: list[str]
) -> None:
    await household.set_up()
    await household.show(active=() if severity is None else (growth(severity),))
    checks = {level: await checker(hass, "mold_risk", room="bathroom", level=level) for level in ("elevated", "high")}

    assert [level for level, check in checks.items() if check.async_check()] == levels


async def test_without_the_household_nothing_holds(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    check = await checker(hass, "airing_helps", room="bathroom")
    assert check.async_check() is True

    assert await hass.config_entries.async_unload(household.entry.entry_id)
    assert check.async_check() is False


async def test_changes_are_reported(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    check = await checker(hass, "airing_helps", room="bathroom")
    reported = []

    @callback
    def report() -> None:
        reported.append(check.async_check())

    stop = await check.async_track_changes(report)
    assert check.needs_polling is False
    reported.clear()
    await household.show(best_act=HEAT)
    assert reported == [False]
    stop()
    await household.show(DAMP)
    assert reported == [False]


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("airing_helps", {}),
        ("airing_helps", {"room": "cellar"}),
        ("airing_helps", {"room": "bathroom", "level": "high"}),
        ("mold_risk", {"room": "bathroom", "level": "none"}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    hass: HomeAssistant, household: Household, key: str, options: dict[str, Any]
) -> None:
    await household.set_up()

    with pytest.raises(vol.Invalid):
        await checker(hass, key, **options)


async def test_in_an_automation(hass: HomeAssistant, household: Household, calls: list[ServiceCall]) -> None:
    await household.set_up()
    assert await async_setup_component(
        hass,
        automation.DOMAIN,
        {
            automation.DOMAIN: {
                "triggers": [{"trigger": "event", "event_type": "showered"}],
                "conditions": [
                    {"condition": "smartloop.airing_helps", "options": {"room": "bathroom"}},
                    {"condition": "smartloop.mold_risk", "options": {"room": "bathroom", "level": "elevated"}},
                ],
                "actions": [{"action": "test.automation"}],
            }
        },
    )
    await hass.async_block_till_done()

    hass.bus.async_fire("showered")
    await hass.async_block_till_done()
    assert not calls

    await household.show(active=(growth(),))
    hass.bus.async_fire("showered")
    await hass.async_block_till_done()
    assert len(calls) == 1


async def test_conditions_are_described(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    await checker(hass, "airing_helps", room="bathroom")

    described = await condition.async_get_all_descriptions(hass)
    assert {key for key in described if key.startswith("smartloop.")} == {
        "smartloop.airing_helps",
        "smartloop.mold_risk",
    }
