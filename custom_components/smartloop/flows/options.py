"""What the owner may change at any time: how far SmartLoop goes, and when it keeps still."""

from typing import Any, Final

import probatio as vol
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import NumberSelector, NumberSelectorConfig, NumberSelectorMode

from ..adapters.household import DEFAULT_BUDGET
from ..const import CONF_DAILY_BUDGET, CONF_INFERENCE, CONF_JOURNEYS, CONF_QUIET_HOURS
from ..engine import Autonomy, Journey
from ..inference.select import Choice
from .fields import QUIET_END, QUIET_START, choice_selector, quiet_hours, shown_quiet_hours, time_selector
from .outdoor import outdoor_refused, outdoor_remembered, outdoor_schema, outdoor_shown

MAX_BUDGET: Final = 20
AUTONOMY: Final = (Autonomy.OFF, Autonomy.INFORM)
"""How far the damp journey may go; acting by itself has to be earned first."""

DEFAULT_OPTIONS: Final = {
    CONF_DAILY_BUDGET: DEFAULT_BUDGET,
    CONF_INFERENCE: Choice.AUTOMATIC.value,
    CONF_JOURNEYS: {Journey.MOLD.value: Autonomy.INFORM.value},
}


class SmartLoopOptionsFlow(OptionsFlow):
    """Change the options."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and take all of them."""
        errors: dict[str, str] = {}
        if user_input is not None:
            quiet, errors = quiet_hours(user_input)
            errors |= outdoor_refused(self.hass, user_input)
            if not errors:
                return self.async_create_entry(
                    data={
                        **self.config_entry.options,
                        **outdoor_remembered(self.hass, user_input),
                        CONF_QUIET_HOURS: quiet,
                        CONF_DAILY_BUDGET: int(user_input[CONF_DAILY_BUDGET]),
                        CONF_JOURNEYS: {Journey.MOLD.value: user_input[Journey.MOLD.value]},
                        CONF_INFERENCE: user_input[CONF_INFERENCE],
                    }
                )
        schema = vol.Schema(
            {
                vol.Required(Journey.MOLD.value): choice_selector(AUTONOMY, "autonomy"),
                vol.Required(CONF_DAILY_BUDGET): NumberSelector(
                    NumberSelectorConfig(min=0, max=MAX_BUDGET, step=1, mode=NumberSelectorMode.BOX)
                ),
                vol.Optional(QUIET_START): time_selector(),
                vol.Optional(QUIET_END): time_selector(),
                **outdoor_schema(),
                vol.Required(CONF_INFERENCE): choice_selector(Choice, "inference"),
            }
        )
        return self.async_show_form(
            step_id="init",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or self._shown()),
            errors=errors,
        )

    def _shown(self) -> dict[str, Any]:
        options = {**DEFAULT_OPTIONS, **self.config_entry.options}
        return {
            Journey.MOLD.value: options[CONF_JOURNEYS].get(Journey.MOLD.value, Autonomy.INFORM.value),
            CONF_DAILY_BUDGET: options[CONF_DAILY_BUDGET],
            CONF_INFERENCE: options[CONF_INFERENCE],
            **shown_quiet_hours(options),
            **outdoor_shown(self.hass, options),
        }
