"""A household that lives: time passes when the test says so, sensors report, SmartLoop ticks."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.smartloop.coordinator import Coordinator
from custom_components.smartloop.engine import OUTDOOR, Engine, Feedback, Measurand, Reading, RoomView, Verdict

from .states import state_of

UNITS = {"temperature": "°C", "humidity": "%"}
DAMP = {"bathroom_temperature": 20.0, "bathroom_humidity": 78.0, "garden_temperature": 2.0, "garden_humidity": 80.0}
"""A bathroom that should be aired."""


class Living:
    """The household, the clock and the sensors."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, clock: FrozenDateTimeFactory) -> None:
        self.hass = hass
        self.entry = entry
        self.clock = clock
        self.values: dict[str, float] = dict(DAMP)

    @property
    def coordinator(self) -> Coordinator:
        coordinator: Coordinator = self.entry.runtime_data
        return coordinator

    @property
    def now(self) -> datetime:
        return dt_util.utcnow()

    @property
    def bathroom(self) -> RoomView:
        return self.coordinator.view("bathroom")

    def shown(self, entity_id: str) -> str:
        return state_of(self.hass, entity_id).state

    # Life.

    async def settle(self) -> None:
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def set_up(self) -> None:
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    async def unload(self) -> None:
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        await self.settle()

    async def report(self, **values: object) -> None:
        """Let sensors say something; `bathroom_humidity=64.0` is of sensor.bathroom_humidity."""
        for name, value in values.items():
            kind = name.rpartition("_")[2]
            attributes = {"unit_of_measurement": UNITS[kind], "device_class": kind}
            self.hass.states.async_set(f"sensor.{name}", str(value), attributes)
        await self.hass.async_block_till_done()

    async def wait(self, minutes: float, **values: float) -> None:
        """Let time pass; every minute the sensors report, and the timers of Home Assistant fire."""
        self.values |= values
        for _ in range(round(minutes)):
            self.clock.tick(timedelta(minutes=1))
            await self.report(**self.values)
            async_fire_time_changed(self.hass, self.now)
            await self.settle()

    async def pass_silently(self, span: timedelta) -> None:
        """Let time pass without a report."""
        self.clock.tick(span)
        async_fire_time_changed(self.hass, self.now)
        await self.settle()

    def relive(self, days: int) -> None:
        """Let the engine have lived through some days, up to now, an hour at a time."""
        engine, rooms = Engine(self.coordinator.household), tuple(self.coordinator.rooms)
        places = {OUTDOOR: (2.0, 80.0)} | dict.fromkeys(rooms, (20.0, 78.0))
        at = self.now.replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
        while at <= self.now:
            for place, (warmth, damp) in places.items():
                for measurand, value, unit in (
                    (Measurand.TEMPERATURE, warmth, "°C"),
                    (Measurand.RELATIVE_HUMIDITY, damp, "%"),
                ):
                    engine.observe(
                        Reading(
                            measurand=measurand, value=value, unit=unit, place=place, at=at, source=f"past of {place}"
                        )
                    )
            for room in rooms:
                engine.step(room, at)
            at += timedelta(hours=1)
        self.coordinator.engine.adopt(engine)

    # What is on the disk.

    @property
    def file(self) -> Path:
        return Path(self.hass.config.path(".storage", f"smartloop.{self.entry.entry_id}"))

    def stored(self) -> dict[str, Any]:
        """Return what the store's file holds."""
        data: dict[str, Any] = json.loads(self.file.read_text())["data"]
        return data

    def rewrite(self, data: object) -> None:
        """Change what the store's file holds."""
        whole = json.loads(self.file.read_text())
        self.file.write_text(json.dumps(whole | {"data": data}))

    def answer(self, number: int = 1, verdict: Verdict = Verdict.WRONG, **more: Any) -> Feedback:
        """Return what Ana answers to the advice to air the bathroom."""
        fields = {"id": f"answer-{number}", "key": "mold.ventilate", "room": "bathroom", "person": None} | more
        return Feedback(verdict=verdict, at=self.now, **fields)
