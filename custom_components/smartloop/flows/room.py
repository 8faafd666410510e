"""Add a room, or change what is known of one."""

from collections.abc import Mapping
from typing import Any, Final

import probatio as vol
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.helpers.selector import NumberSelector, NumberSelectorConfig, NumberSelectorMode

from ..adapters.bindings import free_areas, rooms_of
from ..adapters.discovery import Bindings, area_is_outdoor, async_propose_room, entity_of
from ..adapters.words import room_kind
from ..const import (
    CONF_AREA,
    CONF_BINDINGS,
    CONF_CONSTRUCTION,
    CONF_DECLINED,
    CONF_F_RSI,
    CONF_KIND,
    CONF_SLEEPERS,
    CONF_VOLUME,
    CONF_WALL_CLASS,
)
from ..engine import Construction, RoomKind, WallClass
from .fields import (
    ROOM_FIELDS,
    choice_selector,
    entities_selector,
    options_selector,
    refused,
    remembered_bindings,
    shown_bindings,
)
from .sections import sections_refused, sections_remembered, sections_schema, sections_shown
from .sleepers import SLEEPER, bed_boxes, sleeper_schema
from .temperature_factor import (
    HIGHEST,
    LOWEST,
    FactorSource,
    factor_of_mold_indicator,
    factor_of_surface,
    mold_indicator_of,
    mold_indicators,
)
from .whose import members_of

FACTOR_SOURCE: Final = "f_rsi_source"
INDICATOR: Final = "mold_indicator"
SURFACE: Final = "surface"
INSIDE: Final = "inside"
OUTSIDE: Final = "outside"

_LEAST_VOLUME: Final = 1.0
_MOST_VOLUME: Final = 5000.0
"""m³; what the engine takes for a room."""


def new_room(area_id: str, kind: RoomKind, bindings: Bindings) -> dict[str, Any]:
    """Return the data of a room as proposed, nothing else known of it."""
    return {
        CONF_AREA: area_id,
        CONF_KIND: kind.value,
        CONF_CONSTRUCTION: Construction.UNKNOWN.value,
        CONF_WALL_CLASS: WallClass.SENSITIVE.value,
        CONF_BINDINGS: {measurand.value: list(ids) for measurand, ids in bindings.items()},
    }


def _number(low: float, high: float, unit: str | None = None) -> NumberSelector:
    config = NumberSelectorConfig(min=low, max=high, step="any", mode=NumberSelectorMode.BOX)
    if unit is not None:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


class RoomFlow(ConfigSubentryFlow):
    """Add or change one room."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._data: dict[str, Any] = {}
        self._title = ""
        self._shown_ids: set[str] = set()
        """What the owner was shown: of this, what is taken out is left out for good."""
        self._beds: list[str] = []

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which area becomes a room."""
        free = free_areas(self.hass, self._get_entry())
        if not free:
            return self.async_abort(reason="no_free_area")
        if user_input is not None and (area := free.get(user_input[CONF_AREA])) is not None:
            self._title = area.name
            proposed = await async_propose_room(self.hass, area.id)
            kind = room_kind((area.name, *sorted(area.aliases)), area.icon)
            self._data = new_room(area.id, kind, proposed)
            self._shown_ids = self._seen()
            return await self.async_step_details()
        # Rooms first, then what looks like the garden.
        ordered = sorted(free.values(), key=lambda area: (area_is_outdoor(area), area.name.casefold()))
        schema = vol.Schema({vol.Required(CONF_AREA): options_selector({area.id: area.name for area in ordered})})
        return self.async_show_form(step_id="user", data_schema=schema)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change a room."""
        subentry = self._get_reconfigure_subentry()
        self._data = dict(subentry.data)
        self._title = subentry.title
        self._shown_ids = self._seen() | set(self._data.get(CONF_DECLINED, ()))
        return await self.async_step_details()

    async def async_step_details(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the room is like and what measures in it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = refused(self.hass, ROOM_FIELDS, user_input) | sections_refused(self.hass, user_input)
            if not errors:
                self._take(user_input)
                return await self._factor(FactorSource(user_input[FACTOR_SOURCE]))
        return self.async_show_form(
            step_id="details",
            data_schema=self.add_suggested_values_to_schema(self._details(), user_input or self._shown()),
            errors=errors,
            description_placeholders={"room": self._title},
        )

    async def async_step_f_rsi_measured(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for a known factor."""
        if user_input is not None:
            return await self._finish(user_input[CONF_F_RSI])
        schema = vol.Schema({vol.Required(CONF_F_RSI): _number(LOWEST, HIGHEST)})
        return self.async_show_form(
            step_id="f_rsi_measured",
            data_schema=self.add_suggested_values_to_schema(schema, self._data),
            description_placeholders={"room": self._title},
        )

    async def async_step_f_rsi_mold_indicator(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask whose calibration to take over."""
        errors: dict[str, str] = {}
        if user_input is not None:
            factor = factor_of_mold_indicator(self.hass, user_input[INDICATOR])
            if factor is not None:
                return await self._finish(factor)
            errors[INDICATOR] = "calibration_impossible"
        sensors = shown_bindings(self.hass, ROOM_FIELDS, self._data[CONF_BINDINGS]).values()
        mine = mold_indicator_of(self.hass, {entity_id for each in sensors for entity_id in each})
        schema = vol.Schema({vol.Required(INDICATOR): options_selector(mold_indicators(self.hass))})
        suggested = user_input or ({INDICATOR: mine} if mine else {})
        return self.async_show_form(
            step_id="f_rsi_mold_indicator",
            data_schema=self.add_suggested_values_to_schema(schema, suggested),
            errors=errors,
            description_placeholders={"room": self._title},
        )

    async def async_step_f_rsi_surface(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for one reading of the coldest spot."""
        errors: dict[str, str] = {}
        unit = self.hass.config.units.temperature_unit
        if user_input is not None:
            factor = factor_of_surface(user_input[SURFACE], user_input[INSIDE], user_input[OUTSIDE], unit)
            if factor is not None:
                return await self._finish(factor)
            errors["base"] = "surface_impossible"
        schema = vol.Schema({vol.Required(name): _number(-100.0, 200.0, unit) for name in (SURFACE, INSIDE, OUTSIDE)})
        return self.async_show_form(
            step_id="f_rsi_surface",
            data_schema=self.add_suggested_values_to_schema(schema, user_input),
            errors=errors,
            description_placeholders={"room": self._title},
        )

    def _details(self) -> vol.Schema:
        sources = [FactorSource.KEEP] if CONF_F_RSI in self._data else []
        sources += [FactorSource.NONE, FactorSource.MEASURED, FactorSource.SURFACE]
        if mold_indicators(self.hass):
            sources.append(FactorSource.MOLD_INDICATOR)
        return vol.Schema(
            {
                vol.Required(CONF_KIND): choice_selector(RoomKind, "room_kind"),
                **{vol.Optional(name): entities_selector(measurand) for name, measurand in ROOM_FIELDS.items()},
                **sections_schema(self._data[CONF_BINDINGS]),
                vol.Required(CONF_CONSTRUCTION): choice_selector(Construction, "construction"),
                vol.Required(CONF_WALL_CLASS): choice_selector(WallClass, "wall_class"),
                vol.Optional(CONF_VOLUME): _number(_LEAST_VOLUME, _MOST_VOLUME, "m³"),
                vol.Required(FACTOR_SOURCE): choice_selector(sources, "f_rsi_source"),
            }
        )

    def _shown(self) -> dict[str, Any]:
        source = FactorSource.KEEP if CONF_F_RSI in self._data else FactorSource.NONE
        return {
            **{name: self._data[name] for name in (CONF_KIND, CONF_CONSTRUCTION, CONF_WALL_CLASS)},
            **({CONF_VOLUME: self._data[CONF_VOLUME]} if CONF_VOLUME in self._data else {}),
            **shown_bindings(self.hass, ROOM_FIELDS, self._data[CONF_BINDINGS]),
            **sections_shown(self.hass, self._data[CONF_BINDINGS]),
            FACTOR_SOURCE: source.value,
        }

    def _take(self, user_input: Mapping[str, Any]) -> None:
        bindings = remembered_bindings(self.hass, ROOM_FIELDS, user_input)
        bindings |= sections_remembered(self.hass, user_input, self._data[CONF_BINDINGS])
        left_out = sorted(self._shown_ids - {each for ids in bindings.values() for each in ids})
        data = {
            CONF_AREA: self._data[CONF_AREA],
            **{name: user_input[name] for name in (CONF_KIND, CONF_CONSTRUCTION, CONF_WALL_CLASS)},
            CONF_BINDINGS: bindings,
        }
        if CONF_VOLUME in user_input:
            data[CONF_VOLUME] = user_input[CONF_VOLUME]
        if CONF_F_RSI in self._data:
            data[CONF_F_RSI] = self._data[CONF_F_RSI]
        if left_out:
            data[CONF_DECLINED] = left_out
        if CONF_SLEEPERS in self._data:
            data[CONF_SLEEPERS] = self._data[CONF_SLEEPERS]
        self._data = data

    async def _factor(self, source: FactorSource) -> SubentryFlowResult:
        if source is FactorSource.MEASURED:
            return await self.async_step_f_rsi_measured()
        if source is FactorSource.MOLD_INDICATOR:
            return await self.async_step_f_rsi_mold_indicator()
        if source is FactorSource.SURFACE:
            return await self.async_step_f_rsi_surface()
        return await self._finish(self._data.get(CONF_F_RSI) if source is FactorSource.KEEP else None)

    async def _finish(self, factor: float | None) -> SubentryFlowResult:
        self._data.pop(CONF_F_RSI, None)
        if factor is not None:
            self._data[CONF_F_RSI] = factor
        boxes = bed_boxes(self.hass, self._data[CONF_BINDINGS])
        said = {source: who for source, who in self._data.pop(CONF_SLEEPERS, {}).items() if source in boxes}
        if said:
            self._data[CONF_SLEEPERS] = said
        self._beds = list(boxes) if members_of(self._get_entry()) else []
        return await self._next_bed()

    async def _next_bed(self) -> SubentryFlowResult:
        return await self.async_step_bed() if self._beds else self._store()

    async def async_step_bed(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask whose bed a sensor is in, box by box."""
        source = self._beds[0]
        sleepers: dict[str, str] = dict(self._data.get(CONF_SLEEPERS, {}))
        if user_input is not None:
            self._beds.pop(0)
            sleepers.pop(source, None)
            if (person := user_input.get(SLEEPER)) is not None:
                sleepers[source] = person
            self._data = {**self._data, CONF_SLEEPERS: sleepers}
            return await self._next_bed()
        members = {each.id: each.title for each in members_of(self._get_entry())}
        return self.async_show_form(
            step_id="bed",
            data_schema=sleeper_schema(members, sleepers.get(source)),
            description_placeholders={
                "room": self._title,
                "sensor": bed_boxes(self.hass, self._data[CONF_BINDINGS]).get(source, source),
            },
        )

    def _store(self) -> SubentryFlowResult:
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(self._get_entry(), self._get_reconfigure_subentry(), data=self._data)
        area_id = self._data[CONF_AREA]
        # Somebody else may have been quicker.
        if area_id in rooms_of(self._get_entry()):
            return self.async_abort(reason="already_configured")
        return self.async_create_entry(title=self._title, data=self._data, unique_id=area_id)

    def _seen(self) -> set[str]:
        """Return what of the bindings can be shown; what is disabled is nobody's decision."""
        bound = (each for ids in self._data[CONF_BINDINGS].values() for each in ids)
        return {each for each in bound if entity_of(self.hass, each) is not None}
