"""An owner at the browser: log in, add SmartLoop through the UI only, look at a room."""

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from demo.browser import add_smartloop, browse, chromium, log_in, shoot
from demo.client import Client
from demo.household import log_in_people, wait_for_state
from demo.lab import Lab

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium here (script/setup lab installs it)"),
]

# script/screenshots sets this; a test run leaves the repository as it is.
PICTURES = os.environ.get("SMARTLOOP_PICTURES")


async def say_how_the_bathroom_is_built(page: Page, lab: Lab) -> None:
    """Open the room's settings from the integration's page and look at them."""
    await page.goto(f"{lab.url}/config/integrations/integration/smartloop")
    for name in ("Bathroom", "Bedroom", "Kitchen", "Ana", "Ben"):
        await expect(page.get_by_text(name, exact=True).first).to_be_visible()


async def bathroom(owner: Client) -> str:
    """Return the id of SmartLoop's device for the bathroom."""
    devices = await owner.command("config/device_registry/list")
    found = [each for each in devices if (each["name"], each["manufacturer"]) == ("Bathroom", "SmartLoop")]
    assert len(found) == 1
    device_id: str = found[0]["id"]
    return device_id


async def test_an_owner_sets_it_up_and_sees_the_room(lab: Lab) -> None:
    lab.prepare()
    await lab.seed_owner()
    await lab.start()
    home = await log_in_people(lab, await lab.client())
    try:
        await wait_for_state(home.owner, "weather.airport")
        async with browse(lab.url) as page:
            await log_in(page, lab.url)
            await add_smartloop(page, lab.url)
            await say_how_the_bathroom_is_built(page, lab)
            index = await wait_for_state(home.owner, "sensor.bathroom_mold_index")
            assert index["attributes"]["hours"] > 700
            forecast = await wait_for_state(home.owner, "sensor.bathroom_forecast_humidity")
            assert 20.0 < float(forecast["state"]) <= 100.0

            await page.goto(f"{lab.url}/config/devices/device/{await bathroom(home.owner)}")
            for name in ("Surface humidity", "Mold index", "Days to mold", "Best act", "Humidity in 24 hours"):
                await expect(page.get_by_text(name, exact=True).first).to_be_visible()
            surface = (await home.owner.states())["sensor.bathroom_surface_humidity"]["state"]
            await expect(page.get_by_text(f"{float(surface):g}%").first).to_be_visible()
            await asyncio.sleep(2.0)
            await shoot(page, (Path(PICTURES) if PICTURES else lab.folder) / "room.png")
        assert lab.errors() == []
    finally:
        await home.close()
        await lab.stop()
