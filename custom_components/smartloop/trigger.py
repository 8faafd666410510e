"""What automations can start from: advice that was raised or is over, and a risk that rose."""

from typing import Any, cast, override

import probatio as vol
from homeassistant.const import CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig, TriggerNotTriggeredReporter
from homeassistant.helpers.typing import ConfigType

from .const import EVENT_DECISION
from .engine import DecisionKey, DecisionState, RoomView, Severity
from .room_watch import CONF_LEVEL, CONF_ROOMS, ROOMS, MoldRisk, RoomWatch, mold_risk, room_ids

CONF_KEYS = "keys"
CONF_MIN_SEVERITY = "min_severity"

_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def decision_key(value: object) -> str:
    """Return the decision's key; pickers may not use dots and write `mold_ventilate`."""
    text = cv.string(value)
    return DecisionKey(text if "." in text else text.replace("_", ".", 1)).value


_KEYS = {vol.Optional(CONF_KEYS, default=list): vol.All(cv.ensure_list, [decision_key])}
_CLEARED_SCHEMA = vol.Schema({vol.Required(CONF_OPTIONS, default=dict): {**ROOMS, **_KEYS}})
_RAISED_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_OPTIONS, default=dict): {
            **ROOMS,
            **_KEYS,
            vol.Optional(CONF_MIN_SEVERITY, default=Severity.INFO.value): vol.In([each.value for each in Severity]),
        }
    }
)
_ROSE_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_OPTIONS, default=dict): {
            **ROOMS,
            vol.Optional(CONF_LEVEL, default=MoldRisk.ELEVATED.value): vol.In([MoldRisk.ELEVATED, MoldRisk.HIGH]),
        }
    }
)


class _RoomTrigger(Trigger):
    """A trigger about rooms."""

    _schema: vol.Schema

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Validate the options and name rooms by their id."""
        checked = cast(ConfigType, cls._schema(config))
        options = checked[CONF_OPTIONS]
        options[CONF_ROOMS] = room_ids(hass, options[CONF_ROOMS])
        return checked

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take over the options."""
        super().__init__(hass, config)
        self._options: dict[str, Any] = config.options or {}
        self._rooms: list[str] = self._options.get(CONF_ROOMS, [])


class _DecisionTrigger(_RoomTrigger):
    """Fires on decisions; listening to the bus, it lives through every reload of the household."""

    _state: DecisionState
    _words: str

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Run the action on each decision asked for."""

        @callback
        def decided(event: Event[dict[str, Any]]) -> None:
            if self._asked_for(event.data):
                payload = {key: value for key, value in event.data.items() if key != "state"}
                run_action(payload, f"{event.data['key']} {self._words}", event.context)

        return self._hass.bus.async_listen(EVENT_DECISION, decided)

    def _asked_for(self, data: dict[str, Any]) -> bool:
        keys = self._options.get(CONF_KEYS)
        least = _RANKS[Severity(self._options.get(CONF_MIN_SEVERITY, Severity.INFO))]
        return (
            data["state"] == self._state
            and (not self._rooms or data["room"] in self._rooms)
            and (not keys or data["key"] in keys)
            and _RANKS[Severity(data["severity"])] >= least
        )


class DecisionRaised(_DecisionTrigger):
    """Advice or a warning was raised."""

    _schema = _RAISED_SCHEMA
    _state = DecisionState.RAISED
    _words = "was raised"


class DecisionCleared(_DecisionTrigger):
    """Advice or a warning is over."""

    _schema = _CLEARED_SCHEMA
    _state = DecisionState.CLEARED
    _words = "is over"


class MoldRiskRose(_RoomTrigger):
    """The risk of mold reached a level from below."""

    _schema = _ROSE_SCHEMA

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Compare each room with how it was; what is not known is never compared."""
        level = MoldRisk(self._options.get(CONF_LEVEL, MoldRisk.ELEVATED))
        before: dict[str, MoldRisk] = {}

        @callback
        def changed(room: str, view: RoomView) -> None:
            if (now := mold_risk(view)) is None:
                return
            was = before.get(room, now)
            before[room] = now
            if now.reaches(level) and not was.reaches(level):
                payload = {"room": room, "from_level": was.value, "to_level": now.value, "mold_index": view.mold_index}
                run_action(payload, f"mold risk rose to {now.value}")

        return RoomWatch(self._hass, self._rooms, changed).start()


TRIGGERS: dict[str, type[Trigger]] = {
    "decision_cleared": DecisionCleared,
    "decision_raised": DecisionRaised,
    "mold_risk_rose": MoldRiskRose,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
