"""What the owner may change at any time: how far SmartLoop goes, and when it keeps still."""

from typing import Any, Final

import probatio as vol
from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import NumberSelector, NumberSelectorConfig, NumberSelectorMode

from ..adapters.household import DEFAULT_BUDGET
from ..care import Care
from ..const import CONF_BATTERIES, CONF_DAILY_BUDGET, CONF_INFERENCE, CONF_JOURNEYS, CONF_QUIET_HOURS
from ..engine import Autonomy, Journey
from ..inference.select import Choice
from .batteries import BATTERY_COUNT, BATTERY_TYPE, BOX, battery_remembered, battery_schema
from .fields import (
    QUIET_END,
    QUIET_START,
    choice_selector,
    options_selector,
    quiet_hours,
    shown_quiet_hours,
    time_selector,
)
from .leak_test import LeakTestSteps
from .outdoor import outdoor_refused, outdoor_remembered, outdoor_schema, outdoor_shown

MAX_BUDGET: Final = 20
JOURNEYS: Final = (Journey.MOLD, Journey.DEVICE)
AUTONOMY: Final = (Autonomy.OFF, Autonomy.INFORM)
"""How far these journeys may go; acting by itself has to be earned first."""

DEFAULT_OPTIONS: Final = {
    CONF_DAILY_BUDGET: DEFAULT_BUDGET,
    CONF_INFERENCE: Choice.AUTOMATIC.value,
    CONF_JOURNEYS: {Journey.MOLD.value: Autonomy.INFORM.value},
}


class SmartLoopOptionsFlow(LeakTestSteps[ConfigFlowResult], OptionsFlow):
    """Change the options, or look after the sensors."""

    _box: str | None = None

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show and take all of them; first ask what to do where there is more."""
        errors: dict[str, str] = {}
        if user_input is None and self._more():
            return await self.async_step_menu()
        return await self._settings(user_input, errors)

    async def async_step_menu(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask what to do."""
        return self.async_show_menu(step_id="menu", menu_options=["settings", *self._more()])

    async def async_step_settings(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the options."""
        return await self._settings(None, {})

    async def async_step_batteries(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a box that runs on batteries."""
        care = self._care()
        boxes = {} if care is None else {source: care.name(source) for source in _on_batteries(care)}
        if not boxes:
            return self.async_abort(reason="no_batteries")
        if user_input is not None and user_input[BOX] in boxes:
            self._box = user_input[BOX]
            return await self.async_step_battery()
        labels = dict(sorted(boxes.items(), key=lambda each: each[1].casefold()))
        return self.async_show_form(
            step_id="batteries", data_schema=vol.Schema({vol.Required(BOX): options_selector(labels)})
        )

    async def async_step_battery(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask which batteries it takes."""
        care = self._care()
        if care is None or self._box not in care.facts:
            return self.async_abort(reason="no_batteries")
        errors: dict[str, str] = {}
        if user_input is not None:
            if (said := battery_remembered(user_input)) is not None:
                options = self.config_entry.options
                batteries = {**options.get(CONF_BATTERIES, {}), self._box: said}
                return self.async_create_entry(data={**options, CONF_BATTERIES: batteries})
            errors[BATTERY_TYPE] = "battery_type_empty"
        facts = care.facts[self._box]
        shown = {BATTERY_TYPE: facts.battery_type, BATTERY_COUNT: facts.battery_count or 1}
        return self.async_show_form(
            step_id="battery",
            data_schema=self.add_suggested_values_to_schema(battery_schema(), user_input or shown),
            errors=errors,
            description_placeholders={"sensor": care.name(self._box)},
        )

    async def async_step_leak_end(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Finish; no option has changed."""
        return self.async_create_entry(data=dict(self.config_entry.options))

    def _more(self) -> list[str]:
        """Return what there is to do beside the settings."""
        care = self._care()
        if care is None:
            return []
        leak_test = ["leak_test"] if care.leak_points else []
        return [*leak_test, *(["batteries"] if _on_batteries(care) else [])]

    async def _settings(self, user_input: dict[str, Any] | None, errors: dict[str, str]) -> ConfigFlowResult:
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
                        CONF_JOURNEYS: {each.value: user_input[each.value] for each in JOURNEYS},
                        CONF_INFERENCE: user_input[CONF_INFERENCE],
                    }
                )
        schema = vol.Schema(
            {
                vol.Required(Journey.MOLD.value): choice_selector(AUTONOMY, "autonomy"),
                vol.Required(Journey.DEVICE.value, default=Autonomy.INFORM.value): choice_selector(
                    AUTONOMY, "autonomy"
                ),
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
            **{each.value: options[CONF_JOURNEYS].get(each.value, Autonomy.INFORM.value) for each in JOURNEYS},
            CONF_DAILY_BUDGET: options[CONF_DAILY_BUDGET],
            CONF_INFERENCE: options[CONF_INFERENCE],
            **shown_quiet_hours(options),
            **outdoor_shown(self.hass, options),
        }


def _on_batteries(care: Care) -> list[str]:
    return [source for source, facts in care.facts.items() if facts.mains is False]
