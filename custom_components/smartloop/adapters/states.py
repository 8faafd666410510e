"""Entity states and reports become readings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from homeassistant.components.weather import (
    ATTR_WEATHER_HUMIDITY,
    ATTR_WEATHER_TEMPERATURE,
    ATTR_WEATHER_TEMPERATURE_UNIT,
)
from homeassistant.const import (
    ATTR_RESTORED,
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers.event import async_track_state_change_event, async_track_state_report_event

from ..const import LOGGER
from ..engine import OUTDOOR, UNITS, Measurand, Reading, ReadingError, convert

type Receive = Callable[[Reading], None]

_NOTHING = frozenset({STATE_UNAVAILABLE, STATE_UNKNOWN, "", "none", "None"})
_SWITCHED = {STATE_ON: 1.0, STATE_OFF: 0.0}


class Bound(Protocol):
    """What this adapter needs to know of a binding."""

    @property
    def measurand(self) -> Measurand:
        """Return the quantity."""

    @property
    def place(self) -> str:
        """Return the room's id, or outdoor."""

    @property
    def source(self) -> str:
        """Return what measures: the device, else the entity."""


def reading_of(state: State, binding: Bound, at: datetime) -> Reading | None:
    """Return the state as a reading, None when it says nothing; raise ReadingError when it cannot be true."""
    text = state.state
    if text in _NOTHING or state.attributes.get(ATTR_RESTORED):
        return None
    measurand = binding.measurand
    if (value := _SWITCHED.get(text)) is None:
        try:
            value = float(text)
        except ValueError:
            msg = f"{text[:40]!r} is no number"
            raise ReadingError(msg) from None
        value = convert(measurand, value, state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) or "")
    return Reading(
        measurand=measurand, value=value, unit=UNITS[measurand], place=binding.place, at=at, source=binding.source
    )


def weather_readings(state: State, source: str, at: datetime) -> list[Reading]:
    """Return what a weather entity says of the air outside now."""
    if state.state in _NOTHING:
        return []
    readings = []
    for measurand, name, unit in (
        (Measurand.TEMPERATURE, ATTR_WEATHER_TEMPERATURE, state.attributes.get(ATTR_WEATHER_TEMPERATURE_UNIT) or "°C"),
        (Measurand.RELATIVE_HUMIDITY, ATTR_WEATHER_HUMIDITY, "%"),
    ):
        if (value := state.attributes.get(name)) is not None:
            readings.append(
                Reading(
                    measurand=measurand,
                    value=convert(measurand, float(value), unit),
                    unit=UNITS[measurand],
                    place=OUTDOOR,
                    at=at,
                    source=source,
                )
            )
    return readings


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A value that was not believed, and why."""

    entity_id: str
    reason: str
    at: datetime


class StateWatcher[BindingT: Bound]:
    """Listens to the bound entities and hands on what they say.

    A reading that repeats the last value is handed on too: it shows that the sensor lives.
    """

    def __init__(
        self, hass: HomeAssistant, bindings: dict[str, tuple[BindingT, ...]], weather: str | None, receive: Receive
    ) -> None:
        """Prepare; nothing is heard before `start`."""
        self._hass = hass
        self._bindings = bindings
        self._weather = weather
        self._receive = receive
        self.refusals: dict[str, Refusal] = {}
        """The last refused value of each entity whose present value is refused."""

    def start(self) -> CALLBACK_TYPE:
        """Take in what is known now, then listen; returns the way to stop."""
        ids = [*self._bindings]
        if self._weather is not None:
            ids.append(self._weather)
        for entity_id in ids:
            if (state := self._hass.states.get(entity_id)) is not None:
                self._take(entity_id, state, state.last_reported)
        unsubscribe = (
            async_track_state_change_event(self._hass, ids, self._changed),
            async_track_state_report_event(self._hass, ids, self._reported),
        )

        @callback
        def stop() -> None:
            for each in unsubscribe:
                each()

        return stop

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            self._take(event.data["entity_id"], state, state.last_reported)

    @callback
    def _reported(self, event: Event[EventStateReportedData]) -> None:
        self._take(event.data["entity_id"], event.data["new_state"], event.data["last_reported"])

    def _take(self, entity_id: str, state: State, at: datetime) -> None:
        try:
            if entity_id == self._weather:
                for each in weather_readings(state, entity_id, at):
                    self._receive(each)
            for binding in self._bindings.get(entity_id, ()):
                if (reading := reading_of(state, binding, at)) is not None:
                    self._receive(reading)
        except (ReadingError, TypeError, ValueError) as err:
            self._refuse(entity_id, str(err), at)
        else:
            self.refusals.pop(entity_id, None)

    def _refuse(self, entity_id: str, reason: str, at: datetime) -> None:
        # One line when it begins: a broken sensor reports every few seconds.
        if entity_id not in self.refusals:
            LOGGER.warning("Value of %s is not used: %s", entity_id, reason)
        self.refusals[entity_id] = Refusal(entity_id=entity_id, reason=reason, at=at)
