"""A house with radios as its owner sees it: what SmartLoop knows, and how soon."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import pytest

from demo.client import Client, ClientError

LOGGER = logging.getLogger(__name__)
IN_TIME_S = 0.1
"""From what the sensor sends to the reading in its room, as another program sees it."""
REPORTS = 25
BURST = 50
"""Messages of each of four quantities at once."""


class House:
    """The owner's view; rooms and devices by the names the test gives them."""

    def __init__(self, owner: Client) -> None:
        self.owner = owner
        self.rooms: dict[str, str] = {}
        self.devices: dict[str, str] = {}

    async def room(self, name: str) -> None:
        area = await self.owner.command("config/area_registry/create", name=name)
        self.rooms[name] = area["area_id"]

    async def known(self, name: str, measurand: str) -> dict[str, Any] | None:
        """Return what SmartLoop knows of a device's quantity."""
        try:
            context: list[dict[str, Any]] = await self.owner.command("smartloop/context")
        except ClientError as err:
            # While the household is loaded anew there is nobody to ask.
            assert "not_loaded" in str(err)  # noqa: PT017
            return None
        found = [each for each in context if (each["device_id"], each["measurand"]) == (self.devices[name], measurand)]
        assert len(found) <= 1
        return found[0] if found else None

    async def knows(self, name: str, measurand: str) -> dict[str, Any]:
        """Return what SmartLoop must know by now."""
        found = await self.known(name, measurand)
        assert found is not None
        return found

    async def arrives(self, name: str, measurand: str, value: float, room: str, limit_s: float = 10.0) -> float:
        """Wait until the reading is in its room; return how long that took."""
        began = perf_counter()
        async with asyncio.timeout(limit_s):
            while True:
                each = await self.known(name, measurand)
                if each is not None and each["value"] == pytest.approx(value, abs=0.02):
                    took = perf_counter() - began
                    assert each["place"] == self.rooms[room]
                    return took
                await asyncio.sleep(0.001)

    async def state(self, entity_id: str, wanted: str, limit_s: float = 30.0) -> None:
        async with asyncio.timeout(limit_s):
            while (await self.owner.states())[entity_id]["state"] != wanted:  # noqa: ASYNC110  another process
                await asyncio.sleep(0.05)

    async def hears_all(self, wanted: Mapping[str, Sequence[float]], send: Callable[[], Awaitable[None]]) -> None:
        """Send it all at once: every value becomes a state, and a question among them is answered."""
        events = await self.owner.subscribe("subscribe_events", event_type="state_changed")
        began = perf_counter()
        await send()
        asked = perf_counter()
        await self.owner.command("smartloop/context")
        answered = perf_counter() - asked
        heard: dict[str, list[float]] = {each: [] for each in wanted}
        async with asyncio.timeout(20):
            while any(len(heard[each]) < len(wanted[each]) for each in wanted):
                event = (await events.get())["data"]
                if event["entity_id"] in heard:
                    heard[event["entity_id"]].append(float(event["new_state"]["state"]))
        count = sum(len(values) for values in wanted.values())
        LOGGER.warning("%d in %.2f s, a question among them took %.3f s", count, perf_counter() - began, answered)
        for each, values in wanted.items():
            assert heard[each] == pytest.approx(list(values), abs=0.02), each
        assert answered < 2.0
