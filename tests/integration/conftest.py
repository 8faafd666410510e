"""Fixtures of the integration's tests: a furnished house and the household's entry."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry, mock_storage
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from .house import furnish, make_entry
from .living import Living
from .views import Household, one_room


@pytest.fixture(autouse=True)
def with_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant find SmartLoop; the recorder must exist before `hass` does."""
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")
    request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
def hass_config_dir(tmp_path: Path) -> str:
    """Return a folder of the test's own: the ledger is a real file."""
    return str(tmp_path)


@pytest.fixture
def hass_storage(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Return what is stored, kept in memory; a living household has real files."""
    if "living" in request.fixturenames:
        yield {}
        return
    with mock_storage() as stored:
        yield stored


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


@pytest.fixture
def household(household_hass: HomeAssistant) -> Iterator[Household]:
    """Return a household of one bathroom that shows what it is told to, not set up yet."""
    made = Household(household_hass, one_room(household_hass))
    with made.patch:
        yield made


@pytest.fixture
def living(hass: HomeAssistant) -> Iterator[Living]:
    """Return a furnished household whose time the test moves, not set up yet."""
    with freeze_time("2026-11-22 12:00:30+00:00") as clock:
        assert isinstance(clock, FrozenDateTimeFactory)
        furnish(hass)
        entry = make_entry(hass)
        entry.add_to_hass(hass)
        yield Living(hass, entry, clock)


@pytest.fixture
def all_entities_enabled() -> Iterator[None]:
    """Enable what is disabled by default."""
    with patch("homeassistant.helpers.entity.Entity.entity_registry_enabled_default", new=True):
        yield


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Leave ids and times out of snapshots, as Home Assistant's own tests do."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)
