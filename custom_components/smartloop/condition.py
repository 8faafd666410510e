"""What automations can ask: whether airing helps a room now, and how far it is with mold."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Unpack, cast, override

import probatio as vol
from homeassistant.const import CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import Condition, ConditionCheckParams, ConditionConfig
from homeassistant.helpers.typing import ConfigType

from .engine import ActKind, RoomView
from .room_watch import CONF_LEVEL, MoldRisk, RoomWatch, loaded_coordinator, mold_risk, room_ids

CONF_ROOM = "room"

_ROOM = {vol.Required(CONF_ROOM): cv.string}
_ROOM_SCHEMA = vol.Schema({vol.Required(CONF_OPTIONS): _ROOM})
_RISK_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_OPTIONS): {
            **_ROOM,
            vol.Optional(CONF_LEVEL, default=MoldRisk.ELEVATED.value): vol.In([MoldRisk.ELEVATED, MoldRisk.HIGH]),
        }
    }
)


class _RoomCondition(Condition):
    """A condition about one room; what is not known is not so."""

    _schema = _ROOM_SCHEMA

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Validate the options and name the room by its id."""
        checked = cast(ConfigType, cls._schema(config))
        options = checked[CONF_OPTIONS]
        options[CONF_ROOM] = room_ids(hass, [options[CONF_ROOM]])[0]
        return checked

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Take over the options."""
        super().__init__(hass, config)
        self._options: dict[str, Any] = config.options or {}
        self._room: str = self._options[CONF_ROOM]

    @property
    @override
    def needs_polling(self) -> bool:
        """Return that every change is reported."""
        return False

    @override
    async def _async_track_changes(self, action: Callable[[], None]) -> CALLBACK_TYPE:
        return RoomWatch(self._hass, [self._room], lambda _room, _view: action()).start()

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        coordinator = loaded_coordinator(self._hass)
        if coordinator is None or self._room not in coordinator.rooms:
            return False
        return self._holds(coordinator.view(self._room))

    @abstractmethod
    def _holds(self, view: RoomView) -> bool:
        """Return whether it is so."""


class AiringHelps(_RoomCondition):
    """Opening the window is the act that helps now."""

    @override
    def _holds(self, view: RoomView) -> bool:
        return view.best_act is not None and view.best_act.kind is ActKind.VENTILATE


class MoldRiskIs(_RoomCondition):
    """The risk of mold is at least at a level."""

    _schema = _RISK_SCHEMA

    @override
    def _holds(self, view: RoomView) -> bool:
        risk = mold_risk(view)
        return risk is not None and risk.reaches(MoldRisk(self._options[CONF_LEVEL]))


CONDITIONS: dict[str, type[Condition]] = {
    "airing_helps": AiringHelps,
    "mold_risk": MoldRiskIs,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
