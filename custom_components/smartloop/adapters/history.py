"""What the recorder knows of the past, in time order and in small portions."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from homeassistant.components.recorder.history import state_changes_during_period
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.recorder import async_migration_in_progress, get_instance

from ..const import LOGGER
from ..engine import UNITS, Measurand, Reading, ReadingError
from .states import Bound, reading_of, weather_readings

STATES_FOR = timedelta(days=10)
"""States older than this are usually purged; long-term statistics take over."""

STATISTICS_STEP = timedelta(days=14)
STATES_STEP = timedelta(hours=24)

_STATISTIC_UNITS = {"temperature": "°C"}


class HasEntity(Bound, Protocol):
    """A binding that names its entity."""

    @property
    def entity_id(self) -> str:
        """Return the entity bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Portion:
    """Readings of one span of time, oldest first."""

    start: datetime
    end: datetime
    readings: tuple[Reading, ...]


async def async_available(hass: HomeAssistant) -> bool:
    """Return whether there is a recorder that can be asked."""
    if "recorder" not in hass.config.components:
        return False
    if async_migration_in_progress(hass):
        LOGGER.info("History is not read: the recorder is migrating its database")
        return False
    return bool(await get_instance(hass).async_db_ready)


async def async_portions(
    hass: HomeAssistant,
    bindings: Iterable[HasEntity],
    weather: str | None,
    start: datetime,
    end: datetime,
) -> AsyncIterator[Portion]:
    """Yield the past from `start` to `end`: hourly statistics first, then states.

    Every query runs on the recorder's own pool and covers little, so that a Raspberry Pi
    goes on with its work between two of them.
    """
    bound = tuple(bindings)
    recent = max(start, end - STATES_FOR)
    at = start
    while at < recent:
        until = min(at + STATISTICS_STEP, recent)
        yield Portion(start=at, end=until, readings=await _statistics(hass, bound, at, until))
        at = until
    while at < end:
        until = min(at + STATES_STEP, end)
        readings, silent = await _states(hass, bound, weather, at, until)
        if silent:
            # Purged early, or never recorded as states: the hourly means are still there.
            readings = tuple(sorted((*readings, *await _statistics(hass, silent, at, until)), key=_when))
        yield Portion(start=at, end=until, readings=readings)
        at = until


async def _statistics(
    hass: HomeAssistant, bound: tuple[HasEntity, ...], start: datetime, end: datetime
) -> tuple[Reading, ...]:
    wanted: dict[str, list[HasEntity]] = {}
    for each in bound:
        wanted.setdefault(each.entity_id, []).append(each)
    if not wanted:
        return ()
    rows = await get_instance(hass).async_add_executor_job(
        partial(statistics_during_period, hass, start, end, set(wanted), "hour", _STATISTIC_UNITS, {"mean"})
    )
    readings = []
    for entity_id, hours in rows.items():
        for hour in hours:
            # The mean belongs to the whole hour; it is known at its end.
            at = datetime.fromtimestamp(hour["start"], UTC) + timedelta(minutes=59, seconds=59)
            mean = hour.get("mean")
            if mean is not None:
                readings += _hourly(wanted[entity_id], mean, at)
    return tuple(sorted(readings, key=_when))


def _hourly(bound: list[HasEntity], mean: float, at: datetime) -> list[Reading]:
    """Return the hour's mean as readings; only quantities whose mean says something."""
    readings = []
    for each in bound:
        if each.measurand not in (Measurand.TEMPERATURE, Measurand.RELATIVE_HUMIDITY, Measurand.SURFACE_TEMPERATURE):
            continue
        try:
            readings.append(
                Reading(
                    measurand=each.measurand,
                    value=mean,
                    unit=UNITS[each.measurand],
                    place=each.place,
                    at=at,
                    source=each.source,
                )
            )
        except ReadingError as err:
            LOGGER.debug("Recorded hour of %s is not used: %s", each.entity_id, err)
    return readings


async def _states(
    hass: HomeAssistant, bound: tuple[HasEntity, ...], weather: str | None, start: datetime, end: datetime
) -> tuple[tuple[Reading, ...], tuple[HasEntity, ...]]:
    """Return the readings of the span, and the bindings of which no state is on record."""
    readings: list[Reading] = []
    silent: list[HasEntity] = []
    wanted: dict[str, list[HasEntity]] = {}
    for each in bound:
        wanted.setdefault(each.entity_id, []).append(each)
    if weather is not None:
        wanted.setdefault(weather, [])
    for entity_id, bindings in wanted.items():
        found: Mapping[str, list[State]] = await get_instance(hass).async_add_executor_job(
            partial(state_changes_during_period, hass, start, end, entity_id, include_start_time_state=False)
        )
        if not (states := found.get(entity_id)):
            silent += bindings
            continue
        for state in states:
            readings += _past(state, bindings, weather)
    return tuple(sorted(readings, key=_when)), tuple(silent)


def _past(state: State, bindings: list[HasEntity], weather: str | None) -> list[Reading]:
    """Return a recorded state as readings; what cannot be used is left out."""
    readings: list[Reading] = []
    try:
        if state.entity_id == weather:
            readings += weather_readings(state, state.entity_id, state.last_updated)
        for binding in bindings:
            if (reading := reading_of(state, binding, state.last_updated)) is not None:
                readings.append(reading)
    except (ReadingError, TypeError, ValueError) as err:
        LOGGER.debug("Recorded value of %s is not used: %s", state.entity_id, err)
    return readings


def _when(reading: Reading) -> datetime:
    return reading.at
