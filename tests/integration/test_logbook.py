"""The logbook says what was decided."""

from typing import Any

from homeassistant.core import Event, HomeAssistant
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.smartloop.const import DOMAIN, EVENT_DECISION
from custom_components.smartloop.logbook import async_describe_events

from .views import Household, decision


def described(hass: HomeAssistant, event: Event[Any]) -> dict[str, str]:
    """Return what the logbook would say of an event."""
    found: dict[tuple[str, str], Any] = {}
    async_describe_events(hass, lambda domain, event_type, describe: found.update({(domain, event_type): describe}))
    said: dict[str, str] = found[DOMAIN, EVENT_DECISION](event)
    return said


async def test_a_decision_is_said_in_its_own_words(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    events = async_capture_events(hass, EVENT_DECISION)
    await household.decide(decision())

    said = described(hass, events[0])
    assert said["name"] == "Bathroom"
    assert said["message"].startswith("12 minutes of airing")


async def test_a_decision_about_no_room_is_the_households(hass: HomeAssistant, household: Household) -> None:
    await household.set_up()
    events = async_capture_events(hass, EVENT_DECISION)
    await household.decide(decision(room=None))

    assert described(hass, events[0])["name"] == "SmartLoop"
