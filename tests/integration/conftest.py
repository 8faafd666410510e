"""Fixtures of the integration's tests: a furnished house and the household's entry."""

import pytest
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .house import furnish, make_entry


@pytest.fixture(autouse=True)
def with_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant find SmartLoop; the recorder must exist before `hass` does."""
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")
    request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
def household_hass(hass: HomeAssistant) -> HomeAssistant:
    """Return Home Assistant in a furnished house (see `house.furnish`), SmartLoop not yet there."""
    furnish(hass)
    return hass


@pytest.fixture
def smartloop_entry(household_hass: HomeAssistant) -> MockConfigEntry:
    """Return the household's entry with rooms and a member, added but not set up."""
    entry = make_entry(household_hass)
    entry.add_to_hass(household_hass)
    return entry
