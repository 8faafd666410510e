"""Only from YAML."""

from typing import Any

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult

from . import DOMAIN


class RecordedHomeFlow(ConfigFlow, domain=DOMAIN):
    """Import once."""

    async def async_step_import(self, data: dict[str, Any]) -> ConfigFlowResult:
        """Keep the first import: a restart goes on where the recording was."""
        await self.async_set_unique_id(DOMAIN)
        self._abort_if_unique_id_configured()
        return self.async_create_entry(title="Recorded home", data=data)
