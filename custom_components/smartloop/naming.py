"""What the owner calls a box, wherever it is spoken of."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er


@callback
def device_name(hass: HomeAssistant, source: str) -> str:
    """Return the name of a box, of an entity without one, or of the integration that brings their reports."""
    if (device := dr.async_get(hass).async_get(source)) is not None:
        return device.name_by_user or device.name or source
    if (config_entry := hass.config_entries.async_get_entry(source)) is not None:
        return config_entry.title
    entry = er.async_get(hass).async_get(source)
    state = hass.states.get(entry.entity_id if entry is not None else source)
    if state is not None:
        return state.name
    return (entry.name or entry.original_name or entry.entity_id) if entry is not None else source
