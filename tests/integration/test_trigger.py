"""Triggers, in automations as an owner writes them."""

from typing import Any

import probatio as vol
import pytest
from homeassistant.components import automation
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.trigger import async_get_all_descriptions, async_validate_trigger_config
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.engine import DecisionKey, DecisionState, Severity

from .views import DAMP, SILENT, Household, decision, growth

SAID = {
    "key": "{{ trigger.key }}",
    "room": "{{ trigger.room }}",
    "severity": "{{ trigger.severity }}",
    "text": "{{ trigger.text }}",
    "description": "{{ trigger.description }}",
}
RISEN = {
    "room": "{{ trigger.room }}",
    "from": "{{ trigger.from_level }}",
    "to": "{{ trigger.to_level }}",
    "index": "{{ trigger.mold_index }}",
}


@pytest.fixture
def calls(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what automations have done."""
    made: list[ServiceCall] = async_mock_service(hass, "test", "automation")
    return made


async def automate(hass: HomeAssistant, trigger: str, options: dict[str, Any] | None, data: dict[str, str]) -> None:
    """Set up an automation that calls `test.automation` with these data."""
    config = {"trigger": trigger} if options is None else {"trigger": trigger, "options": options}
    assert await async_setup_component(
        hass,
        automation.DOMAIN,
        {
            automation.DOMAIN: {
                "alias": "test",
                "triggers": [config],
                "actions": [{"action": "test.automation", "data": data}],
            }
        },
    )
    await hass.async_block_till_done()


async def test_advice_starts_an_automation(hass: HomeAssistant, household: Household, calls: list[ServiceCall]) -> None:
    await household.set_up()
    await automate(hass, "smartloop.decision_raised", None, SAID)
    await household.decide(decision())

    assert len(calls) == 1
    data = calls[0].data
    assert data["key"] == "mold.ventilate"
    assert data["room"] == "bathroom"
    assert data["severity"] == "advice"
    assert "12 minutes" in data["text"]
    assert data["description"] == "mold.ventilate was raised"


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({}, 1),
        ({"rooms": ["bathroom"]}, 1),
        ({"rooms": "bathroom"}, 1),
        ({"keys": ["mold.ventilate"]}, 1),
        ({"keys": ["mold_ventilate"]}, 1),
        ({"keys": ["mold.heat", "mold_growth"]}, 0),
        ({"min_severity": "advice"}, 1),
        ({"min_severity": "warning"}, 0),
    ],
)
async def test_options_pick_decisions(
    hass: HomeAssistant, household: Household, calls: list[ServiceCall], options: dict[str, Any], times: int
) -> None:
    await household.set_up()
    await automate(hass, "smartloop.decision_raised", options, SAID)
    await household.decide(decision())

    assert len(calls) == times


async def test_only_the_state_asked_for_starts_it(
    hass: HomeAssistant, household: Household, calls: list[ServiceCall]
) -> None:
    await household.set_up()
    await automate(hass, "smartloop.decision_cleared", {"keys": ["mold_ventilate"]}, SAID)
    await household.decide(decision())
    await household.decide(decision(state=DecisionState.SHADOW))
    assert not calls

    await household.decide(decision(state=DecisionState.CLEARED))
    assert len(calls) == 1
    assert calls[0].data["description"] == "mold.ventilate is over"


async def test_a_room_may_be_named_by_its_device(
    hass: HomeAssistant, household: Household, device_registry: dr.DeviceRegistry, calls: list[ServiceCall]
) -> None:
    await household.set_up()
    entry_id = household.entry.entry_id
    device = device_registry.async_get_device_by_identifier((DOMAIN, f"{entry_id}_bathroom"), entry_id)
    assert device is not None
    await automate(hass, "smartloop.decision_raised", {"rooms": [device.id]}, SAID)
    await household.decide(decision())

    assert len(calls) == 1


@pytest.mark.parametrize(
    ("trigger", "options"),
    [
        ("smartloop.decision_raised", {"rooms": ["cellar"]}),
        ("smartloop.decision_raised", {"keys": ["mold.pray"]}),
        ("smartloop.decision_raised", {"min_severity": "dreadful"}),
        ("smartloop.decision_cleared", {"min_severity": "advice"}),
        ("smartloop.mold_risk_rose", {"level": "none"}),
        ("smartloop.mold_risk_rose", {"depth": 3}),
        ("smartloop.nothing", {}),
    ],
)
async def test_what_makes_no_sense_is_refused(
    hass: HomeAssistant, household: Household, trigger: str, options: dict[str, Any]
) -> None:
    await household.set_up()

    with pytest.raises(vol.Invalid):
        await async_validate_trigger_config(hass, [{"platform": trigger, "options": options}])


async def test_before_there_is_a_household_any_room_is_taken(hass: HomeAssistant) -> None:
    config = [{"platform": "smartloop.decision_raised", "options": {"rooms": ["cellar"]}}]

    (checked,) = await async_validate_trigger_config(hass, config)
    assert checked["options"]["rooms"] == ["cellar"]


async def test_a_risk_that_rose_starts_an_automation(
    hass: HomeAssistant, household: Household, calls: list[ServiceCall]
) -> None:
    await household.set_up()
    await automate(hass, "smartloop.mold_risk_rose", None, RISEN)

    await household.show(active=(growth(Severity.ADVICE),))
    assert len(calls) == 1
    assert dict(calls[0].data) == {"room": "bathroom", "from": "none", "to": "elevated", "index": 0.424}

    # Neither more of the same, nor a fall, nor a gap in what is known.
    await household.show(active=(growth(Severity.WARNING),))
    await household.show(active=())
    await household.show(SILENT, mold_index=None)
    assert len(calls) == 1

    await household.show(DAMP, active=(growth(Severity.WARNING),))
    assert len(calls) == 2
    assert calls[1].data["to"] == "high"


async def test_only_the_level_asked_for_starts_it(
    hass: HomeAssistant, household: Household, calls: list[ServiceCall]
) -> None:
    await household.set_up()
    await automate(hass, "smartloop.mold_risk_rose", {"level": "high", "rooms": ["bathroom"]}, RISEN)

    await household.show(active=(growth(Severity.ADVICE),))
    assert not calls
    await household.show(active=(growth(Severity.WARNING),))
    assert len(calls) == 1
    assert calls[0].data["from"] == "elevated"


async def test_a_risk_that_is_there_at_the_start_has_not_risen(
    hass: HomeAssistant, household: Household, calls: list[ServiceCall]
) -> None:
    household.views["bathroom"] = DAMP
    await household.set_up()
    await household.show(active=(growth(),))
    await automate(hass, "smartloop.mold_risk_rose", None, RISEN)
    await household.show(surface_humidity=95.0)

    assert not calls


async def test_triggers_live_through_a_reload(
    hass: HomeAssistant, household: Household, calls: list[ServiceCall]
) -> None:
    await household.set_up()
    await automate(hass, "smartloop.mold_risk_rose", None, RISEN)
    before = household.coordinator

    assert await hass.config_entries.async_reload(household.entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert household.coordinator is not before
    assert not calls
    await household.show(active=(growth(),))
    assert len(calls) == 1

    await hass.services.async_call(automation.DOMAIN, "turn_off", {"entity_id": "automation.test"}, blocking=True)
    await household.show(active=())
    await household.show(active=(growth(Severity.WARNING),))
    assert len(calls) == 1


async def test_triggers_wait_for_a_household_that_comes_later(
    hass: HomeAssistant, household: Household, calls: list[ServiceCall]
) -> None:
    await automate(hass, "smartloop.mold_risk_rose", None, RISEN)
    await household.set_up()
    await household.show(active=(growth(),))

    assert len(calls) == 1
    assert await hass.config_entries.async_remove(household.entry.entry_id)


async def test_triggers_are_described(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()

    await automate(hass, "smartloop.decision_raised", None, SAID)
    described = await async_get_all_descriptions(hass)
    assert {key for key in described if key.startswith("smartloop.")} == {
        "smartloop.decision_cleared",
        "smartloop.decision_raised",
        "smartloop.mold_risk_rose",
    }
    raised = described["smartloop.decision_raised"]
    assert raised is not None
    assert set(raised["fields"]) == {"rooms", "keys", "min_severity"}
    options = raised["fields"]["keys"]["selector"]["select"]["options"]
    assert {key.replace("_", ".", 1) for key in options} == set(DecisionKey)
