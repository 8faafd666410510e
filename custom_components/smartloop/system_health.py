"""What the system information page says of SmartLoop."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .room_watch import loaded_coordinator


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register what this page shows."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return which engine runs and why, and how far the household is."""
    coordinator = loaded_coordinator(hass)
    if coordinator is None:
        return {"status": "not_loaded"}
    status = coordinator.status
    facts = coordinator.runtime.facts()
    return {
        # Models and what was rejected are in the diagnostics.
        **{key: value for key, value in facts.items() if value and not isinstance(value, dict)},
        "rooms": len(coordinator.rooms),
        "status": status.state.value,
        "history_progress": "done" if status.history_progress is None else f"{status.history_progress} %",
    }
