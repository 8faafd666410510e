"""Counters of inhalations, mostly of a phone's health app: what they count more becomes puffs."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.components.sensor import ATTR_LAST_RESET, ATTR_STATE_CLASS
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_RESTORED
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..diary import LogState, Origin, StoredActuation
from .actuations import STEP, LogMark, Receive, Told, actuation_id, async_track_bound, box_of
from .counter import Count, count_of, read
from .discovery import entity_of
from .inhalers import Source, SourceKind, inhalers_of

LONGEST_DOUBT: Final = timedelta(days=1)

type LogOf = Callable[[str], Awaitable[LogState]]


class CounterListener:
    """Listens to the sensors that count inhalations."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], log_of: LogOf, receive: Receive) -> None:
        """Prepare; `log_of` tells how far a counter was read before."""
        self._hass = hass
        self._entry = entry
        self._log_of = log_of
        self._receive = receive
        self._sources = [each for own in inhalers_of(entry) for each in own.sources if each.kind is SourceKind.COUNTER]
        self._entities: dict[str, list[Source]] = {}
        self._counts: dict[str, Count | None] = {}
        self._heard: dict[str, datetime] = {}
        self._stop_following: CALLBACK_TYPE = _nothing

    async def async_load(self) -> None:
        """Take up how far each was read."""
        for source in self._sources:
            log = await self._log_of(_address(source))
            self._counts[_address(source)] = Count.at(log.cursor, log.counter)

    def start(self) -> CALLBACK_TYPE:
        """Listen from here on; returns the way to stop. What was counted meanwhile is taken in at once."""
        stop_tracking = async_track_bound(self._hass, {each.bound for each in self._sources}, self._follow)
        self._follow()

        @callback
        def stop() -> None:
            stop_tracking()
            self._stop_following()

        return stop

    @callback
    def _follow(self) -> None:
        self._stop_following()
        self._entities = {}
        for source in self._sources:
            if (entity_id := entity_of(self._hass, source.bound)) is not None:
                self._entities.setdefault(entity_id, []).append(source)
        for entity_id in self._entities:
            if (state := self._hass.states.get(entity_id)) is not None:
                self._take(entity_id, state)
        self._stop_following = async_track_state_change_event(self._hass, [*self._entities], self._changed)

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            self._take(event.data["entity_id"], state)

    def _take(self, entity_id: str, state: State) -> None:
        value = count_of(state.state)
        if value is None or state.attributes.get(ATTR_RESTORED):
            return
        at, heard = state.last_updated, self._heard.get(entity_id)
        self._heard[entity_id] = at
        for source in self._entities[entity_id]:
            self._count(source, state, value, heard)

    def _count(self, source: Source, state: State, value: int, heard: datetime | None) -> None:
        address, at = _address(source), state.last_updated
        before = self._counts.get(address)
        counted = read(
            before,
            value,
            at,
            dt_util.get_default_time_zone(),
            state_class=state.attributes.get(ATTR_STATE_CLASS),
            reset=_time(state.attributes.get(ATTR_LAST_RESET)),
        )
        if counted.refused:
            LOGGER.warning("A jump of %s is not used: it is too far for a day", state.entity_id)
        if counted.count == before:
            return
        self._counts[address] = counted.count
        # Somewhere between the last value and this one: nobody knows where.
        doubt = LONGEST_DOUBT if heard is None else min(max(at - heard, timedelta(0)), LONGEST_DOUBT)
        last = counted.puffs.stop - 1
        puffs = tuple(
            StoredActuation(
                id=actuation_id(source.key, source.person, source.inhaler, f"{counted.count.since}:{number}"),
                person=source.person,
                inhaler=source.inhaler,
                at=at - (last - number) * STEP,
                source=box_of(self._hass, source.bound),
                origin=Origin.PHONE,
                uncertainty_s=doubt.total_seconds(),
            )
            for number in counted.puffs
        )
        mark = LogMark(address=address, cursor=counted.count.cursor, flags=int(counted.count.daily))
        self._receive(Told(actuations=puffs, mark=mark))


def _nothing() -> None:
    """Stop what was not begun."""


def _address(source: Source) -> str:
    return f"{source.key}:{source.inhaler}"


def _time(value: Mapping[str, Any] | datetime | str | None) -> datetime | None:
    moment = dt_util.parse_datetime(value) if isinstance(value, str) else value
    return moment if isinstance(moment, datetime) and moment.tzinfo is not None else None
