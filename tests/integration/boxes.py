"""Leak sensors and battery-fed boxes in a house that lives, and what is shown of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.smartloop.care import Care
from custom_components.smartloop.engine import UNITS, DeviceView, Measurand, Reading

from .house import Sensor, add_device, registry_id
from .living import Living

BATTERY = Sensor(kind="battery", value="80", unit="%", category=EntityCategory.DIAGNOSTIC)
LEAK = Sensor(kind="moisture", value="off", domain="binary_sensor")
MAINTENANCE = "todo.home_maintenance"
HOUR = timedelta(hours=1)


def add_leak_sensor(living: Living, name: str, room: str = "kitchen", **details: Any) -> str:
    """Put a leak sensor into a room and bind it; return its device."""
    hass = living.hass
    details = {"model": "lumi.sensor_wleak.aq1"} | details
    device = add_device(hass, "zha", name, room, LEAK, BATTERY, **details)
    bind(living, room, Measurand.WET, f"binary_sensor.{name.lower().replace(' ', '_')}_moisture")
    return device.id


def bind(living: Living, room: str, measurand: Measurand, entity_id: str) -> None:
    """Let an entity measure in a room."""
    subentry = living.entry.subentries[f"room_{room}"]
    bindings = {name: list(ids) for name, ids in subentry.data["bindings"].items()}
    bindings.setdefault(measurand.value, []).append(registry_id(living.hass, entity_id))
    data = {**subentry.data, "bindings": bindings}
    living.hass.config_entries.async_update_subentry(living.entry, subentry, data=data)


def give_battery(hass: HomeAssistant, entity_id: str, **model: Any) -> str:
    """Let the box of an entity run on a battery; return its device."""
    known = er.async_get(hass).async_get(entity_id)
    assert known is not None
    assert known.device_id is not None
    dr.async_get(hass).async_update_device(known.device_id, **model)
    return known.device_id


class Boxes:
    """What the boxes say, and what is shown of them."""

    def __init__(self, living: Living) -> None:
        self.living = living
        self.hass = living.hass

    @property
    def care(self) -> Care:
        return self.living.coordinator.care

    def view(self, source: str) -> DeviceView:
        return self.care.views[source]

    def say(self, source: str, measurand: Measurand, value: float, at: datetime | None = None) -> None:
        """Let a box say something, as the adapters hand it on."""
        reading = Reading(
            measurand=measurand,
            value=value,
            unit=UNITS[measurand],
            place=self.care.facts[source].place,
            at=at or self.living.now,
            source=source,
        )
        self.living.coordinator._receive(reading)

    async def live(self, span: timedelta, say: Callable[[datetime], None], every: timedelta = HOUR / 4) -> None:
        """Let time pass, and the boxes speak; somebody listens all the time."""
        end = self.living.now + span
        while self.living.now < end:
            self.living.clock.tick(every)
            say(self.living.now)
            self.care.look(self.living.now)
        await self.settle()

    async def drain(self, levels: dict[str, tuple[float, float]], days: int) -> None:
        """Let batteries fall from one level to another."""
        begin = self.living.now

        def say(now: datetime) -> None:
            share = (now - begin) / timedelta(days=days)
            for source, (first, last) in levels.items():
                self.say(source, Measurand.BATTERY, round(first + (last - first) * share, 1))
            for source in self.care.facts.keys() - levels.keys():
                self.say(source, Measurand.RELATIVE_HUMIDITY, 50.0 + now.day / 10.0)

        await self.live(timedelta(days=days), say, HOUR * 6)

    async def settle(self) -> None:
        async_fire_time_changed(self.hass, self.living.now)
        await self.living.settle()

    async def items(self, status: str | None = None) -> list[dict[str, Any]]:
        """Return the list as a card shows it."""
        data = {} if status is None else {"status": status}
        answer = await self.hass.services.async_call(
            "todo", "get_items", data, target={"entity_id": MAINTENANCE}, blocking=True, return_response=True
        )
        assert answer is not None
        found: Any = answer[MAINTENANCE]
        return list(found["items"])

    async def tick(self, item: str, status: str = "completed", **more: Any) -> None:
        """Tick an item off, or take that back."""
        await self.hass.services.async_call(
            "todo",
            "update_item",
            {"item": item, "status": status, **more},
            target={"entity_id": MAINTENANCE},
            blocking=True,
        )
        await self.living.settle()
