"""The binary sensors of a room."""

from unittest.mock import patch

import pytest
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.smartloop.engine import RoomView, Severity

from .states import state_of
from .views import DAMP, SILENT, Household, growth


async def test_binary_sensors(
    hass: HomeAssistant, household: Household, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    # What hangs on others' devices is in test_boxes: their ids are new every time.
    with patch("custom_components.smartloop.binary_sensor.async_follow_boxes"):
        await household.set_up([Platform.BINARY_SENSOR])

    await snapshot_platform(hass, entity_registry, snapshot, household.entry.entry_id)


@pytest.mark.parametrize(
    ("severity", "state", "level"),
    [(None, STATE_OFF, "none"), (Severity.ADVICE, STATE_ON, "elevated"), (Severity.WARNING, STATE_ON, "high")],
)
async def test_mold_risk_follows_the_decision(
    hass: HomeAssistant, household: Household, severity: Severity | None, state: str, level: str
) -> None:
    await household.set_up([Platform.BINARY_SENSOR])
    await household.show(active=() if severity is None else (growth(severity),))

    risk = state_of(hass, "binary_sensor.bathroom_mold_risk")
    assert risk.state == state
    assert risk.attributes["level"] == level


async def test_condensation(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.BINARY_SENSOR])
    await household.show(condensation=True)
    wet = state_of(hass, "binary_sensor.bathroom_condensation")
    assert wet.state == STATE_ON
    # A leak would be another matter, and alarms are built on its class.
    assert wet.attributes["device_class"] == "problem"

    await household.show(condensation=None)
    assert state_of(hass, "binary_sensor.bathroom_condensation").state == STATE_UNKNOWN


async def test_old_readings_are_told(hass: HomeAssistant, household: Household) -> None:
    household.views["bathroom"] = RoomView(room="bathroom", at=None)
    await household.set_up([Platform.BINARY_SENSOR])
    assert state_of(hass, "binary_sensor.bathroom_stale_data").state == STATE_UNKNOWN
    assert state_of(hass, "binary_sensor.bathroom_mold_risk").state == STATE_UNKNOWN

    await household.show(SILENT)
    assert state_of(hass, "binary_sensor.bathroom_stale_data").state == STATE_ON
    assert state_of(hass, "binary_sensor.bathroom_condensation").state == STATE_UNAVAILABLE
    # What the wall has lived through does not become unknown with the sensor.
    assert state_of(hass, "binary_sensor.bathroom_mold_risk").state == STATE_OFF

    await household.show(DAMP)
    assert state_of(hass, "binary_sensor.bathroom_stale_data").state == STATE_OFF
