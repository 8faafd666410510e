"""Entity states and reports become readings.

Not every value that appears was measured just now. ZHA writes what its database remembers
before any sensor has spoken, wet included, with the time of the writing; MQTT hands out what
the broker kept; other integrations restore what they knew. Nothing in the state tells. So the
first value of an entity after it said nothing (it was absent, unknown or unavailable), or that
was there before us, is **carried over**: usable at once, but of lesser quality, no sign of
life, and as old as the box's last word where its radio knows that. Two things make a value
fresh: the radio heard the box just when the value was written, or the entity speaks again,
with another value or later than integrations write twice. So a sensor that turns wet right
after the start, having been dry, is believed at once; and one whose radio tells when it spoke,
even in its first word. Weather is asked for anew at every start and is never carried over.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

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
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..engine import OUTDOOR, UNITS, Measurand, Reading, ReadingError, convert
from .radio import last_seen

type Receive = Callable[[Reading], None]
type Seen = Callable[[str], datetime | None]
"""Tells when the radio heard a box last, by source."""

CARRIED_OVER: Final = 0.5
"""The quality of a value that nobody proved to be measured just now."""
SPOKE_WITHIN: Final = timedelta(seconds=2)
"""A state is written so soon after the frame it comes from."""
SETTLED: Final = timedelta(seconds=5)
"""While an entity is being added its integration may write the same state several times, so long at most."""

_NOTHING = frozenset({STATE_UNAVAILABLE, STATE_UNKNOWN, "", "none", "None"})
_SWITCHED = {STATE_ON: 1.0, STATE_OFF: 0.0}
_ON_OFF: Final = frozenset(
    {
        Measurand.WET,
        Measurand.BED_OCCUPANCY,
        Measurand.WINDOW_OPEN,
        Measurand.MOTION,
        Measurand.PRESENCE,
        Measurand.SWITCH_ON,
    }
)
"""What a state of on or off may mean."""
_OUTSIDE: Final = (
    (Measurand.TEMPERATURE, ATTR_WEATHER_TEMPERATURE),
    (Measurand.RELATIVE_HUMIDITY, ATTR_WEATHER_HUMIDITY),
)


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

    @property
    def person(self) -> str | None:
        """Return whose body is measured, if any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What a state says."""

    readings: tuple[Reading, ...]
    refused: tuple[str, ...]
    """Why something of it was not believed."""


def readings_of(state: State, bindings: Iterable[Bound], at: datetime, *, is_weather: bool = False) -> Heard:
    """Return all that a state says, each quantity for itself."""
    readings: list[Reading] = []
    refused: list[str] = []
    if _says_nothing(state):
        return Heard(readings=(), refused=())
    for binding in bindings:
        try:
            readings.append(_measured(state, binding, at))
        except ReadingError as err:
            refused.append(str(err))
    for measurand, name in _OUTSIDE if is_weather else ():
        if (value := state.attributes.get(name)) is None:
            continue
        try:
            readings.append(_outside(state, measurand, value, at))
        except ReadingError as err:
            refused.append(str(err))
    return Heard(readings=tuple(readings), refused=tuple(refused))


def _says_nothing(state: State) -> bool:
    return state.state in _NOTHING or bool(state.attributes.get(ATTR_RESTORED))


def _measured(state: State, binding: Bound, at: datetime) -> Reading:
    """Return the state as a reading; raises ReadingError when it cannot be true."""
    measurand = binding.measurand
    if measurand in _ON_OFF and (switched := _SWITCHED.get(state.state)) is not None:
        value = switched
    else:
        unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) or ""
        value = convert(measurand, _number(state.state), str(unit))
    return Reading(
        measurand=measurand,
        value=value,
        unit=UNITS[measurand],
        place=binding.place,
        at=at,
        source=binding.source,
        person=binding.person,
    )


def _outside(state: State, measurand: Measurand, value: object, at: datetime) -> Reading:
    """Return what a weather entity says of the air outside now."""
    unit = UNITS[measurand]
    if measurand is Measurand.TEMPERATURE:
        unit = str(state.attributes.get(ATTR_WEATHER_TEMPERATURE_UNIT) or unit)
    return Reading(
        measurand=measurand,
        value=convert(measurand, _number(value), unit),
        unit=UNITS[measurand],
        place=OUTDOOR,
        at=at,
        source=state.entity_id,
    )


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        msg = f"{str(value)[:40]!r} is no number"
        raise ReadingError(msg) from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A value that was not believed, and why."""

    entity_id: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class _Carried:
    """What an entity showed first after it had said nothing."""

    text: str
    at: datetime


class StateWatcher[BindingT: Bound]:
    """Listens to the bound entities and hands on what they say.

    A reading that repeats the last value is handed on too: it shows that the sensor lives.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        bindings: dict[str, tuple[BindingT, ...]],
        weather: str | None,
        receive: Receive,
        seen: Seen | None = None,
    ) -> None:
        """Prepare; nothing is heard before `start`."""
        self._hass = hass
        self._bindings = bindings
        self._weather = weather
        self._receive = receive
        self._seen: Seen = seen if seen is not None else partial(last_seen, hass)
        self._unproven: dict[str, _Carried | None] = {}
        """The entities that have not spoken since they said nothing, with what was carried over since."""
        self.refusals: dict[str, Refusal] = {}
        """The last refused value of each entity that has said nothing better since."""

    def start(self) -> CALLBACK_TYPE:
        """Take in what is known now, then listen; returns the way to stop."""
        ids = [*self._bindings]
        if self._weather is not None:
            ids.append(self._weather)
        now = dt_util.utcnow()
        for entity_id in ids:
            state = self._hass.states.get(entity_id)
            if entity_id in self._bindings:
                self._unproven[entity_id] = None
            # What was reported under a clock that was ahead would silence everything up to that time.
            if state is not None and state.last_reported <= now:
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
        elif event.data["entity_id"] in self._bindings:
            self._unproven[event.data["entity_id"]] = None

    @callback
    def _reported(self, event: Event[EventStateReportedData]) -> None:
        self._take(event.data["entity_id"], event.data["new_state"], event.data["last_reported"])

    def _take(self, entity_id: str, state: State, at: datetime) -> None:
        bindings = self._bindings.get(entity_id, ())
        heard = readings_of(state, bindings, at, is_weather=entity_id == self._weather)
        readings = heard.readings
        if entity_id in self._unproven:
            readings = self._prove(entity_id, state, readings, at)
        elif not readings and bindings and _says_nothing(state):
            self._unproven[entity_id] = None
        for reading in readings:
            self._receive(reading)
        if heard.refused:
            self._refuse(entity_id, heard.refused[0], at)
        elif heard.readings:
            # A sensor that only falls silent has not recovered.
            self.refusals.pop(entity_id, None)

    def _prove(self, entity_id: str, state: State, readings: tuple[Reading, ...], at: datetime) -> tuple[Reading, ...]:
        """Return the readings as they are when something proves them fresh, else as carried over."""
        if not readings:
            return ()
        carried = self._unproven[entity_id]
        seen = self._seen(readings[0].source)
        again = carried is not None and (state.state != carried.text or at - carried.at > SETTLED)
        if again or (seen is not None and abs(at - seen) <= SPOKE_WITHIN):
            del self._unproven[entity_id]
            return readings
        if carried is None:
            self._unproven[entity_id] = _Carried(text=state.state, at=at)
        since = at if seen is None else min(at, seen)
        return tuple(replace(reading, at=since, quality=CARRIED_OVER) for reading in readings)

    def _refuse(self, entity_id: str, reason: str, at: datetime) -> None:
        # One line when it begins: a broken sensor reports every few seconds.
        if entity_id not in self.refusals:
            LOGGER.warning("Value of %s is not used: %s", entity_id, reason)
        self.refusals[entity_id] = Refusal(entity_id=entity_id, reason=reason, at=at)
