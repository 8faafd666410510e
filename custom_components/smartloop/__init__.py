"""SmartLoop: a home that notices, explains, helps and learns."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN
from .coordinator import Coordinator, SmartLoopConfigEntry
from .ledger import Ledger, LedgerError
from .quirks import async_get_quirks
from .runtime import Runtime
from .services import async_setup_services
from .storage import EngineStorage
from .websocket import async_setup_websocket

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [Platform.BINARY_SENSOR, Platform.BUTTON, Platform.EVENT, Platform.SENSOR, Platform.TODO]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register what does not depend on a household."""
    async_setup_services(hass)
    async_setup_websocket(hass)
    async_get_quirks(hass).prepare()
    return True


async def async_setup_entry(hass: HomeAssistant, entry: SmartLoopConfigEntry) -> None:
    """Set up one household."""
    ledger = Ledger(hass)
    await ledger.async_open()
    try:
        runtime = Runtime(hass, entry)
        await runtime.async_load()
        coordinator = Coordinator(hass, entry, ledger, runtime)
        await coordinator.async_load()
        entry.runtime_data = coordinator
        await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    except LedgerError as err:
        await ledger.async_close()
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key=err.translation_key,
            translation_placeholders=err.translation_placeholders,
        ) from err
    except BaseException:
        # Else its thread and its file stay open for good.
        await ledger.async_close()
        raise
    entry.async_on_unload(entry.add_update_listener(_async_reload))
    coordinator.async_start()
    entry.async_on_unload(async_get_quirks(hass).start(entry.entry_id))


async def async_unload_entry(hass: HomeAssistant, entry: SmartLoopConfigEntry) -> None:
    """Unload the household and save what it learned."""
    await hass.config_entries.async_unload_platforms_or_raise(entry, PLATFORMS)
    await entry.runtime_data.async_stop()


async def async_remove_entry(hass: HomeAssistant, entry: SmartLoopConfigEntry) -> None:
    """Forget what was learned of a household its owner removed."""
    await EngineStorage(hass, entry.entry_id).async_remove()
    await Ledger(hass).async_remove()


async def _async_reload(hass: HomeAssistant, entry: SmartLoopConfigEntry) -> None:
    hass.config_entries.async_schedule_reload(entry.entry_id)
