"""Which batteries a box takes, in the owner's own words."""

from collections.abc import Mapping
from typing import Any, Final

import probatio as vol
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from ..adapters.batteries import TYPES
from ..const import CONF_COUNT, CONF_TYPE

BOX: Final = "box"
BATTERY_TYPE: Final = "battery_type"
BATTERY_COUNT: Final = "battery_count"
MOST_CELLS: Final = 8
LONGEST_TYPE: Final = 20


def battery_schema() -> vol.Schema:
    """Return the form of one box."""
    types = SelectSelectorConfig(options=list(TYPES), custom_value=True, mode=SelectSelectorMode.DROPDOWN)
    counts = NumberSelectorConfig(min=1, max=MOST_CELLS, step=1, mode=NumberSelectorMode.BOX)
    return vol.Schema(
        {
            vol.Required(BATTERY_TYPE): SelectSelector(types),
            vol.Required(BATTERY_COUNT, default=1): NumberSelector(counts),
        }
    )


def battery_remembered(user_input: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the entry remembers of the form; None when no type is named."""
    kind = str(user_input[BATTERY_TYPE]).strip()[:LONGEST_TYPE]
    return {CONF_TYPE: kind, CONF_COUNT: int(user_input[BATTERY_COUNT])} if kind else None
