"""A person at a browser: Chromium on Home Assistant's real frontend."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright

from .lab import PASSWORD, USER

# Without these, Chromium asks the internet for updates all the time, even when there is none.
QUIET = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Return the browser's path, None when there is none."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


@asynccontextmanager
async def browse(url: str) -> AsyncIterator[Page]:
    """Open a page that may talk to this Home Assistant only."""
    executable = chromium()
    assert executable, "no Chromium here"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        context = await browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
        await context.route(lambda target: not target.startswith(url), lambda route: route.abort())
        page = await context.new_page()
        try:
            yield page
        finally:
            await browser.close()


async def log_in(page: Page, url: str) -> None:
    """Type name and password."""
    await page.goto(url, wait_until="domcontentloaded")
    await page.locator("input[name=username]").fill(USER)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator("home-assistant-main").wait_for()


async def shoot(page: Page, path: Path) -> None:
    """Save what is on the screen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path)


async def add_smartloop(page: Page, url: str) -> None:
    """Press what an owner presses; every proposal is taken as it is."""
    await page.goto(f"{url}/config/integrations/dashboard")
    await page.get_by_role("button", name="Add integration").click()
    await page.locator("dialog-add-integration ha-integration-list-item").first.wait_for()
    await page.keyboard.type("SmartLoop")
    await page.locator("ha-integration-list-item", has_text="SmartLoop").first.click()
    for title in ("Your household", "SmartLoop found these rooms", "Who lives here?"):
        await page.get_by_text(title).first.wait_for()
        await page.get_by_role("button", name="Submit").click()
    await page.get_by_role("button", name="Finish").click()


async def add_own_device(page: Page, url: str, offer: str, key: str, **choices: str) -> None:
    """Take up an offer of Repairs: type the key, choose by a field's and an option's words, finish."""
    await page.goto(f"{url}/config/repairs")
    await page.get_by_text(offer).first.click()
    dialog = page.locator("dialog-data-entry-flow")
    await dialog.locator("ha-list-item", has_text="Add it").click()
    await dialog.get_by_text("Key of").first.wait_for()
    await dialog.locator("input").first.fill(key)
    await dialog.get_by_role("button", name="Submit").click()
    for field, option in choices.items():
        await dialog.locator("ha-selector-select", has_text=field).click()
        await dialog.locator("ha-dropdown-item", has_text=option).first.click()
    await dialog.get_by_role("button", name="Submit").click()
    await dialog.get_by_role("button", name="Finish").click()
