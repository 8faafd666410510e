"""What is written, and how often."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events, async_fire_time_changed

from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.entity import Figure, settle

from .views import AIRING, Household

BUDGET = 0.3
"""Derived writes per sensor event (DESIGN §5)."""
MINUTES = 180


@pytest.mark.parametrize(
    ("before", "now", "shown"),
    [
        (None, Figure(value=50.4, step=1.0), 50.0),
        (50.0, Figure(value=50.99, step=1.0), 50.0),
        (50.0, Figure(value=51.0, step=1.0), 51.0),
        (50.0, Figure(value=48.7, step=1.0), 49.0),
        (200.0, Figure(value=209.0, step=1.0, share=0.05), 200.0),
        (200.0, Figure(value=210.0, step=1.0, share=0.05), 210.0),
        (50.0, Figure(value=None, step=1.0), None),
        (0.42, Figure(value=0.4349, step=0.01), 0.43),
        ("old", "new", "new"),
        ([1.0], [Figure(value=1.4, step=1.0)], [1.0]),
        ([1.0, 2.0], [Figure(value=1.6, step=1.0)], [2.0]),
        ({"lo": 1.0, "gone": 2.0}, {"lo": Figure(value=1.4, step=1.0), "n": 3}, {"lo": 1.0, "n": 3}),
    ],
)
def test_settle(before: object, now: object, shown: object) -> None:
    assert settle(before, now) == shown


class Walk:
    """Sensors that wander about, each reporting once a minute."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass
        self._random = random.Random(20261122)
        self.inputs = {
            f"sensor.{place}_{kind}": value
            for place, temperature, humidity in (
                ("bathroom", 21.5, 60.0),
                ("bedroom", 18.0, 55.0),
                ("kitchen", 20.5, 48.0),
                ("garden", 5.0, 85.0),
            )
            for kind, value in (("temperature", temperature), ("humidity", humidity))
        }

    def minute(self) -> int:
        """Let every sensor report; return how many did."""
        for entity_id, value in self.inputs.items():
            warm = entity_id.endswith("temperature")
            sigma, low, high = (0.05, -5.0, 24.0) if warm else (0.3, 35.0, 92.0)
            self.inputs[entity_id] = min(max(value + self._random.gauss(0.0, sigma), low), high)
            attributes = {"unit_of_measurement": "°C" if warm else "%", "device_class": entity_id.rpartition("_")[2]}
            self._hass.states.async_set(entity_id, f"{self.inputs[entity_id]:.2f}", attributes)
        return len(self.inputs)


async def test_writes_stay_within_the_budget(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    hass, walk, writes = household_hass, Walk(household_hass), []
    assert await hass.config_entries.async_setup(smartloop_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    ours = {
        entry.entity_id
        for entry in er.async_entries_for_config_entry(er.async_get(hass), smartloop_entry.entry_id)
        if entry.platform == DOMAIN
    }

    @callback
    def count(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] in ours:
            writes.append(event.data["entity_id"])

    hass.bus.async_listen("state_changed", count)
    events = 0
    for _ in range(MINUTES):
        freezer.tick(timedelta(minutes=1))
        events += walk.minute()
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)

    # Something is written at all ...
    assert "sensor.bathroom_surface_humidity" in writes
    assert "sensor.bathroom_mold_index" in writes
    # ... but not much.
    assert len(writes) / events <= BUDGET


async def test_noise_alone_stays_within_the_budget(hass: HomeAssistant, household: Household) -> None:
    """Even if every pair of reports had the engine look, the figures' resolution would hold."""
    await household.set_up()
    writes = async_capture_events(hass, "state_changed")
    noise, humidity = random.Random(20261122), 86.0
    for _ in range(MINUTES):
        # What 0.05 K and 0.3 % of wandering do to the surface.
        humidity += noise.gauss(0.0, 0.35)
        act = replace(
            AIRING,
            minutes=round(humidity - 74.0),
            surface_humidity_before=humidity,
            surface_humidity_after=humidity - 16.0,
        )
        await household.show(
            surface_humidity=humidity, best_act=act, forecast_surface_humidity=humidity + 2.0, mold_index=humidity / 1e4
        )

    assert {event.data["entity_id"] for event in writes} >= {"sensor.bathroom_surface_humidity"}
    assert len(writes) / (2 * MINUTES) <= BUDGET
