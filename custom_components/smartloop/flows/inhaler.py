"""A member's inhalers: what each is called, and what tells of its puffs."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import probatio as vol
from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_ID, CONF_NAME
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    EntityWithDeviceFilterSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TriggerSelector,
)
from homeassistant.util.ulid import ulid_now

from ..adapters.counter import count_of
from ..adapters.discovery import binding_id
from ..adapters.inhalers import CONF_TAG, CONF_TRIGGER, CONF_TYPES, Source, SourceKind, inhalers_of
from ..adapters.puff_offers import COUNTER_DOMAINS, PRESS_DOMAINS, event_types, likely_press, name_of, tags
from ..adapters.puff_triggers import async_valid_triggers
from ..const import CONF_INHALERS, CONF_KIND, CONF_PLAN, CONF_RELIEVER_LIMIT, CONF_ROLE, CONF_SOURCES
from ..engine import InhalerRole
from .fields import Errors, choice_selector, entity_refused, options_selector, shown

TAGS: Final = "tags"
BUTTONS: Final = "buttons"
COUNTERS: Final = "counters"
TRIGGERS: Final = "triggers"
PRESSES: Final = "presses"
INHALER: Final = "inhaler"

_MOST_PUFFS: Final = 100
"""What the engine takes for a plan"""
_BETWEEN: Final = "|"

type Fields = dict[str, Any]


class InhalerSteps(ConfigSubentryFlow):
    """The steps of a member's flow that are about inhalers; each ends by saving."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._data: Fields = {}
        self._title = ""
        self._inhaler: Fields = {}

    @property
    def _inhalers(self) -> list[Fields]:
        return list(self._data.get(CONF_INHALERS, ()))

    def _save(self) -> SubentryFlowResult:
        return self.async_update_and_abort(
            self._get_entry(), self._get_reconfigure_subentry(), title=self._title, data=self._data
        )

    def _menu(self) -> list[str]:
        """Return what can be changed of the member's inhalers."""
        options = ["inhaler"]
        if self._inhalers:
            options += ["change_inhaler", "remove_inhaler"]
        if any(each[CONF_ROLE] == InhalerRole.RELIEVER for each in self._inhalers):
            options.append("plan")
        return options

    async def async_step_change_inhaler(self, user_input: Fields | None = None) -> SubentryFlowResult:
        """Ask which one to change."""
        if len(self._inhalers) == 1:
            user_input = {INHALER: self._inhalers[0][CONF_ID]}
        if user_input is None:
            return self._choose("change_inhaler")
        self._inhaler = dict(next(each for each in self._inhalers if each[CONF_ID] == user_input[INHALER]))
        return await self.async_step_inhaler()

    async def async_step_remove_inhaler(self, user_input: Fields | None = None) -> SubentryFlowResult:
        """Ask which one to remove; what it told stays in the diary."""
        if user_input is None:
            return self._choose("remove_inhaler")
        self._data[CONF_INHALERS] = [each for each in self._inhalers if each[CONF_ID] != user_input[INHALER]]
        return self._save()

    def _choose(self, step: str) -> SubentryFlowResult:
        names = {each[CONF_ID]: each[CONF_NAME] for each in self._inhalers}
        return self.async_show_form(
            step_id=step,
            data_schema=vol.Schema({vol.Required(INHALER): options_selector(names)}),
            description_placeholders={"member": self._title},
        )

    async def async_step_inhaler(self, user_input: Fields | None = None) -> SubentryFlowResult:
        """Ask what it is called and what tells of its puffs."""
        errors: Errors = {}
        if user_input is not None:
            errors = self._refused(user_input) | await self._triggers_refused(user_input)
            if not errors:
                self._inhaler = self._taken(user_input)
                return await self.async_step_presses()
        known = tags(self.hass)
        known |= {tag: tag for tag in self._remembered(SourceKind.TAG, CONF_TAG) if tag not in known}
        schema = vol.Schema(
            {
                vol.Required(CONF_NAME): TextSelector(),
                vol.Required(CONF_ROLE): choice_selector(InhalerRole, "inhaler_role"),
                vol.Optional(TAGS): _tag_selector(known),
                vol.Optional(BUTTONS): _entity_selector(PRESS_DOMAINS),
                vol.Optional(COUNTERS): _entity_selector(COUNTER_DOMAINS),
                vol.Optional(TRIGGERS): TriggerSelector(),
            }
        )
        return self.async_show_form(
            step_id="inhaler",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or self._shown()),
            errors=errors,
            description_placeholders={"member": self._title},
        )

    async def async_step_presses(self, user_input: Fields | None = None) -> SubentryFlowResult:
        """Ask which of the events of a button are puffs, where it sends several."""
        offered = {
            source[CONF_ID]: types
            for source in self._inhaler[CONF_SOURCES]
            if source[CONF_KIND] == SourceKind.ENTITY and len(types := event_types(self.hass, source[CONF_ID])) > 1
        }
        errors: Errors = {}
        if user_input is not None:
            chosen = [tuple(each.rsplit(_BETWEEN, 1)) for each in user_input[PRESSES]]
            if offered.keys() <= {bound for bound, _ in chosen}:
                self._choose_presses(offered, chosen)
                return self._keep()
            errors[PRESSES] = "press_missing"
        if not offered:
            return self._keep()
        labels = {
            f"{bound}{_BETWEEN}{kind}": f"{name_of(self.hass, bound)}: {kind}"
            for bound, types in offered.items()
            for kind in types
        }
        schema = vol.Schema({vol.Required(PRESSES): options_selector(labels, multiple=True)})
        return self.async_show_form(
            step_id="presses",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or self._likely(offered)),
            errors=errors,
            description_placeholders={"inhaler": self._inhaler[CONF_NAME]},
        )

    async def async_step_plan(self, user_input: Fields | None = None) -> SubentryFlowResult:
        """Ask for the number in the person's own written plan; there is no other."""
        if user_input is not None:
            self._data.pop(CONF_PLAN, None)
            if (limit := user_input.get(CONF_RELIEVER_LIMIT)) is not None:
                self._data[CONF_PLAN] = {CONF_RELIEVER_LIMIT: int(limit)}
            return self._save()
        number = NumberSelectorConfig(min=1, max=_MOST_PUFFS, step=1, mode=NumberSelectorMode.BOX)
        schema = vol.Schema({vol.Optional(CONF_RELIEVER_LIMIT): NumberSelector(number)})
        return self.async_show_form(
            step_id="plan",
            data_schema=self.add_suggested_values_to_schema(schema, self._data.get(CONF_PLAN, {})),
            description_placeholders={"member": self._title},
        )

    # From the form to what is remembered, and back.

    def _remembered(self, kind: SourceKind, field: str) -> list[Any]:
        return [each[field] for each in self._inhaler.get(CONF_SOURCES, ()) if each[CONF_KIND] == kind]

    def _shown(self) -> Fields:
        if not self._inhaler:
            return {}
        fields = {
            CONF_NAME: self._inhaler[CONF_NAME],
            CONF_ROLE: self._inhaler[CONF_ROLE],
            TAGS: self._remembered(SourceKind.TAG, CONF_TAG),
            BUTTONS: shown(self.hass, self._remembered(SourceKind.ENTITY, CONF_ID)),
            COUNTERS: shown(self.hass, self._remembered(SourceKind.COUNTER, CONF_ID)),
            TRIGGERS: [dict(each) for each in self._remembered(SourceKind.TRIGGER, CONF_TRIGGER)],
        }
        return {name: value for name, value in fields.items() if value}

    def _taken(self, user_input: Mapping[str, Any]) -> Fields:
        return {
            CONF_ID: self._inhaler.get(CONF_ID) or ulid_now(),
            CONF_NAME: user_input[CONF_NAME].strip(),
            CONF_ROLE: user_input[CONF_ROLE],
            CONF_SOURCES: self._sources(user_input),
        }

    def _sources(self, user_input: Mapping[str, Any]) -> list[Fields]:
        """Return the sources of a form; what was chosen of a button before stays chosen."""
        types = {
            each[CONF_ID]: each[CONF_TYPES] for each in self._inhaler.get(CONF_SOURCES, ()) if each.get(CONF_TYPES)
        }
        found: list[Fields] = [{CONF_KIND: SourceKind.TAG.value, CONF_TAG: tag} for tag in _each(user_input.get(TAGS))]
        for kind, field in ((SourceKind.ENTITY, BUTTONS), (SourceKind.COUNTER, COUNTERS)):
            for entity_id in _each(user_input.get(field)):
                bound = binding_id(self.hass, entity_id)
                source = {CONF_KIND: kind.value, CONF_ID: bound}
                found.append(source | ({CONF_TYPES: types[bound]} if bound in types else {}))
        triggers = [_spelled(each) for each in user_input.get(TRIGGERS, ())]
        return found + [{CONF_KIND: SourceKind.TRIGGER.value, CONF_TRIGGER: each} for each in triggers]

    def _likely(self, offered: Mapping[str, tuple[str, ...]]) -> Fields:
        before = {each[CONF_ID]: each.get(CONF_TYPES) for each in self._inhaler[CONF_SOURCES] if CONF_ID in each}
        return {
            PRESSES: [
                f"{bound}{_BETWEEN}{kind}"
                for bound, types in offered.items()
                for kind in (before.get(bound) or likely_press(types))
                if kind in types
            ]
        }

    def _choose_presses(self, offered: Mapping[str, Any], chosen: Iterable[tuple[str, ...]]) -> None:
        pairs = [(bound, kind) for bound, kind in chosen]
        self._inhaler[CONF_SOURCES] = [
            source | {CONF_TYPES: [kind for bound, kind in pairs if bound == source[CONF_ID]]}
            if source.get(CONF_ID) in offered
            else source
            for source in self._inhaler[CONF_SOURCES]
        ]

    def _keep(self) -> SubentryFlowResult:
        kept = [self._inhaler if each[CONF_ID] == self._inhaler[CONF_ID] else each for each in self._inhalers]
        if self._inhaler not in kept:
            kept.append(self._inhaler)
        self._data[CONF_INHALERS] = kept
        return self._save()

    # What cannot be.

    def _refused(self, user_input: Mapping[str, Any]) -> Errors:
        errors: Errors = {}
        name = user_input[CONF_NAME].strip()
        others = [each for each in self._inhalers if each[CONF_ID] != self._inhaler.get(CONF_ID)]
        if not name:
            errors[CONF_NAME] = "inhaler_unnamed"
        elif name.casefold() in {each[CONF_NAME].casefold() for each in others}:
            errors[CONF_NAME] = "inhaler_name_taken"
        for field, domains in ((BUTTONS, PRESS_DOMAINS), (COUNTERS, COUNTER_DOMAINS)):
            for entity_id in _each(user_input.get(field)):
                if (error := entity_refused(self.hass, entity_id, domains)) is not None:
                    errors[field] = error
        for entity_id in _each(user_input.get(COUNTERS)):
            state = self.hass.states.get(entity_id)
            if state is not None and state.state not in ("unknown", "unavailable") and count_of(state.state) is None:
                errors[COUNTERS] = "counter_no_count"
        return errors or self._taken_elsewhere(user_input)

    def _taken_elsewhere(self, user_input: Mapping[str, Any]) -> Errors:
        """Refuse what tells of another inhaler already: one press is one puff of one."""
        taken = {
            source.key
            for own in inhalers_of(self._get_entry())
            if (own.person, own.id) != (self._data["person"], self._inhaler.get(CONF_ID))
            for source in own.sources
        }
        fields = {SourceKind.TAG: TAGS, SourceKind.ENTITY: BUTTONS, SourceKind.COUNTER: COUNTERS}
        return {
            fields.get(SourceKind(each[CONF_KIND]), TRIGGERS): "source_taken"
            for each in self._sources(user_input)
            if _key(each) in taken
        }

    async def _triggers_refused(self, user_input: Mapping[str, Any]) -> Errors:
        triggers = [_spelled(each) for each in user_input.get(TRIGGERS, ())]
        try:
            await async_valid_triggers(self.hass, triggers)
        except HomeAssistantError, TypeError, ValueError, vol.Invalid:
            return {TRIGGERS: "trigger_unusable"}
        return {}


def _tag_selector(known: Mapping[str, str]) -> SelectSelector:
    options = [SelectOptionDict(value=value, label=label) for value, label in known.items()]
    return SelectSelector(
        SelectSelectorConfig(options=options, multiple=True, custom_value=True, mode=SelectSelectorMode.DROPDOWN)
    )


def _entity_selector(domains: Iterable[str]) -> EntitySelector:
    config = EntitySelectorConfig(filter=EntityWithDeviceFilterSelectorConfig(domain=list(domains)), multiple=True)
    return EntitySelector(config)


def _each(values: Iterable[str] | None) -> Iterable[str]:
    return dict.fromkeys(value.strip() for value in values or () if value.strip())


def _spelled(trigger: Mapping[str, Any]) -> Fields:
    """Return a trigger as it is written nowadays; Home Assistant hands it on in its old spelling."""
    fields = dict(trigger)
    if "platform" in fields:
        fields = {"trigger": fields.pop("platform"), **fields}
    return fields


def _key(fields: Mapping[str, Any]) -> str:
    source = Source(
        kind=SourceKind(fields[CONF_KIND]),
        person="",
        inhaler="",
        bound=fields.get(CONF_TAG) or fields.get(CONF_ID) or "",
        trigger=fields.get(CONF_TRIGGER),
    )
    return source.key
