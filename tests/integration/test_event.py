"""The event entity of a room."""

import pytest
from homeassistant.const import STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.smartloop.engine import Decision, DecisionKey, DecisionState

from .states import state_of
from .views import Household, decision, growth

EVENT = "event.bathroom_decision"


async def test_events(
    hass: HomeAssistant, household: Household, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    await household.set_up([Platform.EVENT])

    await snapshot_platform(hass, entity_registry, snapshot, household.entry.entry_id)


@pytest.mark.parametrize(
    ("decided", "event_type", "act"),
    [
        (decision(), "mold_ventilate_raised", "ventilate"),
        (decision(state=DecisionState.CLEARED), "mold_ventilate_cleared", "ventilate"),
        (growth(), "mold_growth_raised", None),
    ],
    ids=["raised", "cleared", "growth"],
)
async def test_decisions_become_events(
    hass: HomeAssistant, household: Household, decided: Decision, event_type: str, act: str | None
) -> None:
    await household.set_up([Platform.EVENT])
    await household.decide(decided)

    event = state_of(hass, EVENT)
    assert event.state != STATE_UNKNOWN
    assert event.attributes["event_type"] == event_type
    assert event.attributes["severity"] == "advice"
    assert event.attributes["decision_id"] == "0123"
    assert event.attributes.get("act") == act


@pytest.mark.parametrize(
    "decided",
    [decision(room="kitchen"), decision(person="person.ana"), decision(state=DecisionState.SHADOW)],
    ids=["another room", "a person's", "shadow"],
)
async def test_what_is_not_the_rooms_is_not_shown(hass: HomeAssistant, household: Household, decided: Decision) -> None:
    await household.set_up([Platform.EVENT])
    await household.decide(decided)

    assert state_of(hass, EVENT).state == STATE_UNKNOWN


async def test_every_kind_of_decision_has_its_types(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.EVENT])

    types = state_of(hass, EVENT).attributes["event_types"]
    assert len(types) == 2 * len(DecisionKey)


async def test_a_renamed_event_entity_goes_on(
    hass: HomeAssistant, household: Household, entity_registry: er.EntityRegistry
) -> None:
    await household.set_up([Platform.EVENT])
    entity_registry.async_update_entity(EVENT, new_entity_id="event.advice")
    await hass.async_block_till_done()
    await household.decide(decision())

    assert state_of(hass, "event.advice").attributes["event_type"] == "mold_ventilate_raised"


async def test_nothing_is_heard_after_unloading(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.EVENT])
    coordinator = household.coordinator
    assert len(coordinator._decision_listeners) == 1

    assert await hass.config_entries.async_unload(household.entry.entry_id)
    assert not coordinator._decision_listeners
