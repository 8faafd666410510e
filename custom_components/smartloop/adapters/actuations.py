"""A puff from anything: tags, buttons, events, counters and triggers become actuations, at once and once each.

What is heard is handed on before anything waits for a disk. An id is made of what told and when it says the puff was,
so that a puff that is told again, or found again after a restart, is the same puff.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_RESTORED, STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from ..diary import Origin, StoredActuation
from .discovery import entity_of
from .feedback import person_of
from .inhalers import Source, SourceKind, fingerprint, inhalers_of

EVENT_TAG: Final = "tag_scanned"
ATTR_TAG: Final = "tag_id"
ATTR_EVENT_TYPE: Final = "event_type"
ATTR_DEVICE_CLASS: Final = "device_class"

BOUNCE_S: Final = 2.0
"""A contact bounces and a phone reads a tag twice; a person takes a quarter of a minute between two puffs."""
CLOCK_SLACK: Final = timedelta(minutes=1)
STEP: Final = timedelta(seconds=1)
"""Between puffs that were told together: two of one moment would be one."""

BY: Final = " by:"
"""Between a source and the member, if it is one, whose phone or hand it was when it was not the owner's"""

_NOTHING: Final = frozenset({STATE_UNAVAILABLE, STATE_UNKNOWN, "", "None"})
_CONTACTS: Final = frozenset({"binary_sensor", "input_boolean"})
_UNHEARD: HassKey[dict[str, datetime]] = HassKey(f"{DOMAIN}_puffs_unheard")
"""Since when nobody listens, by household: what happened while it was reloaded is caught up with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogMark:
    """How far a counter was read, to be kept with the puffs it told of."""

    address: str
    cursor: int
    flags: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What came in at once and is kept at once."""

    actuations: tuple[StoredActuation, ...]
    mark: LogMark | None = None


type Receive = Callable[[Told], None]


def actuation_id(source_key: str, person: str, inhaler: str, when: object) -> str:
    """Return the id of a puff."""
    return fingerprint(source_key, person, inhaler, when)


class Clock:
    """Tells bounces from puffs, and how far a time may be off, when the clock is put forward or back."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        """Begin with nothing heard; `elapsed` gives seconds that only grow."""
        self._elapsed = elapsed
        self._heard: dict[tuple[str, str, str], tuple[float, datetime]] = {}
        self._latest = dt_util.utc_from_timestamp(0)

    def bounces(self, source: Source, at: datetime) -> bool:
        """Return whether this is the echo of what the source told just now."""
        key, elapsed = (source.key, source.person, source.inhaler), self._elapsed()
        before = self._heard.get(key)
        self._heard[key] = elapsed, at
        # A clock that is put back must not make a new puff an echo: that takes both clocks.
        return before is not None and elapsed - before[0] < BOUNCE_S and (at - before[1]).total_seconds() < BOUNCE_S

    def doubt(self, at: datetime) -> float | None:
        """Return how far a time may be off, s: None while the clock goes forward."""
        back = self._latest - at
        self._latest = max(self._latest, at)
        return back.total_seconds() if back > CLOCK_SLACK else None


class ActuationListener:
    """Listens to the tags, buttons, events and contacts of every inhaler."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], receive: Receive) -> None:
        """Prepare; nothing is heard before `start`."""
        self._hass = hass
        self._entry = entry
        self._receive = receive
        self._clock = Clock(hass.loop.time)
        self._tags: dict[str, list[Source]] = {}
        self._bound: dict[str, list[Source]] = {}
        self._entities: dict[str, list[Source]] = {}
        self._pressed: dict[str, datetime] = {}
        self._since = dt_util.utcnow()
        self._stop_entities: CALLBACK_TYPE | None = None
        for own in inhalers_of(entry):
            for source in own.sources:
                if source.kind is SourceKind.TAG:
                    self._tags.setdefault(source.bound, []).append(source)
                elif source.kind is SourceKind.ENTITY:
                    self._bound.setdefault(source.bound, []).append(source)

    def start(self) -> CALLBACK_TYPE:
        """Listen from here on; returns the way to stop."""
        bus = self._hass.bus
        unheard = self._hass.data.setdefault(_UNHEARD, {})
        self._since = unheard.pop(self._entry.entry_id, dt_util.utcnow())
        stops = [
            bus.async_listen(EVENT_TAG, self._scanned, event_filter=self._is_ours),
            async_track_bound(self._hass, self._bound, self._follow),
        ]
        self._follow()

        @callback
        def stop() -> None:
            for each in stops:
                each()
            self._unfollow()
            unheard[self._entry.entry_id] = dt_util.utcnow()

        return stop

    # Tags.

    @callback
    def _is_ours(self, data: Mapping[str, Any]) -> bool:
        return data.get(ATTR_TAG) in self._tags

    @callback
    def _scanned(self, event: Event[Mapping[str, Any]]) -> None:
        tag, user = event.data[ATTR_TAG], event.context.user_id
        for source in self._tags[tag]:
            reader = person_of(self._entry, user)
            # The puff is the owner's, whoever held the phone; that it was another one is kept with it.
            by = "" if user is None or reader == source.person else f"{BY}{reader or 'guest'}"
            self._tell(source, event.time_fired, Origin.NFC, f"{source.key}{by}")

    # Buttons, events, contacts.

    @callback
    def _follow(self) -> None:
        self._unfollow()
        self._entities = {}
        for bound, sources in self._bound.items():
            if (entity_id := entity_of(self._hass, bound)) is not None:
                self._entities[entity_id] = sources
                self._look(entity_id)
        if self._entities:
            self._stop_entities = async_track_state_change_event(self._hass, [*self._entities], self._changed)

    def _unfollow(self) -> None:
        if self._stop_entities is not None:
            self._stop_entities()
            self._stop_entities = None

    def _look(self, entity_id: str) -> None:
        """Catch up with what was pressed while nobody listened."""
        state = self._hass.states.get(entity_id)
        if state is None or state.domain in _CONTACTS or (moment := _moment(state)) is None:
            return
        before = self._pressed.get(entity_id, self._since)
        self._pressed[entity_id] = moment
        if before < moment <= dt_util.utcnow():
            self._press(entity_id, state, moment)

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        entity_id, old, new = event.data["entity_id"], event.data["old_state"], event.data["new_state"]
        if new is None or new.state in _NOTHING or new.attributes.get(ATTR_RESTORED):
            return
        if new.domain in _CONTACTS:
            if old is not None and (old.state, new.state) == (STATE_OFF, STATE_ON):
                self._press(entity_id, new, new.last_changed)
            return
        moment, before = _moment(new), self._pressed.get(entity_id, self._since)
        if moment is None or moment == self._pressed.get(entity_id):
            return
        self._pressed[entity_id] = moment
        # Out of nowhere comes what was restored; it is as old as it says. What was there tells something new.
        restored = old is None or old.state == STATE_UNAVAILABLE
        if not restored or moment > before:
            self._press(entity_id, new, moment)

    def _press(self, entity_id: str, state: State, at: datetime) -> None:
        kind = state.attributes.get(ATTR_EVENT_TYPE)
        button = state.domain != "event" or state.attributes.get(ATTR_DEVICE_CLASS) == "button"
        for source in self._entities[entity_id]:
            if not source.types or kind in source.types:
                box = box_of(self._hass, source.bound)
                self._tell(source, at, Origin.BUTTON if button else Origin.ENTITY, box)

    # All of them.

    def _tell(self, source: Source, at: datetime, origin: Origin, box: str) -> None:
        if self._clock.bounces(source, at):
            return
        puff = StoredActuation(
            id=actuation_id(source.key, source.person, source.inhaler, at.isoformat()),
            person=source.person,
            inhaler=source.inhaler,
            at=at,
            source=box,
            origin=origin,
            uncertainty_s=self._clock.doubt(at),
        )
        self._receive(Told(actuations=(puff,)))


@callback
def async_track_bound(hass: HomeAssistant, bound: Container[str], on_change: Callable[[], None]) -> CALLBACK_TYPE:
    """Call back when an entity that is remembered was renamed, disabled, may have been removed, or came back."""

    @callback
    def matters(data: Mapping[str, Any]) -> bool:
        known = er.async_get(hass).async_get(data["entity_id"])
        # Of what was removed the registry knows no more whether it was ours.
        return data["action"] == "remove" or (known is not None and known.id in bound)

    @callback
    def changed(_event: Event[Any]) -> None:
        on_change()

    return hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, changed, event_filter=matters)


def box_of(hass: HomeAssistant, bound: str) -> str:
    """Return the device an entity belongs to, else the entity: what one box tells shares its source."""
    known = er.async_get(hass).async_get(bound)
    return (known.device_id if known else None) or bound


def _moment(state: State) -> datetime | None:
    """Return when a button was pressed or an event happened; None when the state tells no time."""
    moment = dt_util.parse_datetime(state.state)
    return None if moment is None or moment.tzinfo is None else dt_util.as_utc(moment)
