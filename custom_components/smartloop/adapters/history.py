"""What the recorder knows of the past, in time order and in small portions."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import merge
from typing import Protocol

from homeassistant.components.recorder.history import get_significant_states
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.recorder import async_migration_in_progress, get_instance
from sqlalchemy.exc import SQLAlchemyError

from ..const import LOGGER
from ..engine import UNITS, Measurand, Reading, ReadingError
from .states import Bound, readings_of

STATES_FOR = timedelta(days=10)
"""States older than this are usually purged; long-term statistics take over."""

STATISTICS_STEP = timedelta(days=14)
STATES_STEP = timedelta(hours=24)

_STATISTIC_UNITS = {"temperature": "°C"}
_KNOWN_AFTER = timedelta(minutes=59, seconds=59)
"""A mean belongs to the whole hour; it is known at its end."""
_MEANS_SAY_SOMETHING = frozenset({Measurand.TEMPERATURE, Measurand.RELATIVE_HUMIDITY, Measurand.SURFACE_TEMPERATURE})


class HistoryError(Exception):
    """The recorder's database could not be read."""


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
    goes on with its work between two of them; what it returns is turned into readings there.
    """
    wanted: dict[str, list[HasEntity]] = {}
    for each in bindings:
        wanted.setdefault(each.entity_id, []).append(each)
    # On the hour: an hour's mean belongs to one portion as a whole.
    at = _hour(start)
    recent = max(at, _hour(end - STATES_FOR))
    while at < recent:
        until = min(at + STATISTICS_STEP, recent)
        yield Portion(start=at, end=until, readings=await _ask(hass, _hourly_means, hass, wanted, {}, at, until))
        at = until
    while at < end:
        until = min(at + STATES_STEP, end)
        yield Portion(start=at, end=until, readings=await _states(hass, wanted, weather, at, until))
        at = until


async def _ask[**P, T](hass: HomeAssistant, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a query where the recorder wants it."""
    try:
        return await get_instance(hass).async_add_executor_job(partial(job, *args, **kwargs))
    except SQLAlchemyError as err:
        raise HistoryError(str(err)) from err


async def _states(
    hass: HomeAssistant, wanted: Mapping[str, list[HasEntity]], weather: str | None, start: datetime, end: datetime
) -> tuple[Reading, ...]:
    """Return the readings of a span; hours in which an entity said nothing are taken from its means.

    They were purged early, or the value stayed what it was: only changes are on record.
    """
    runs = {
        entity_id: await _ask(
            hass, _changes, hass, entity_id, wanted.get(entity_id, ()), start, end, is_weather=entity_id == weather
        )
        for entity_id in (*wanted, *(() if weather is None or weather in wanted else (weather,)))
    }
    return await _ask(hass, _hourly_means, hass, wanted, runs, start, end)


# What follows runs on the recorder's pool.


def _changes(
    hass: HomeAssistant,
    entity_id: str,
    bindings: Iterable[HasEntity],
    start: datetime,
    end: datetime,
    *,
    is_weather: bool,
) -> list[Reading]:
    """Return what one entity said in a span, oldest first; what cannot be used is left out."""
    found = get_significant_states(
        hass,
        # The recorder means "after".
        start - timedelta(microseconds=1),
        end,
        [entity_id],
        include_start_time_state=False,
        # The weather's temperature is an attribute: it changes while the state stays "cloudy".
        significant_changes_only=False,
    )
    return [
        reading
        for state in found.get(entity_id, ())
        if isinstance(state, State)
        for reading in readings_of(state, bindings, state.last_updated, is_weather=is_weather).readings
    ]


def _hourly_means(
    hass: HomeAssistant,
    wanted: Mapping[str, list[HasEntity]],
    runs: Mapping[str, list[Reading]],
    start: datetime,
    end: datetime,
) -> tuple[Reading, ...]:
    """Return what is known of a span in time order: `runs`, and the means of all other hours."""
    means: dict[str, list[Reading]] = {}
    if wanted:
        rows = statistics_during_period(hass, start, end, set(wanted), "hour", _STATISTIC_UNITS, {"mean"})
        for entity_id, hours in rows.items():
            spoken = {_hour(reading.at) for reading in runs.get(entity_id, ())}
            means[entity_id] = [
                reading
                for hour in hours
                if (begin := datetime.fromtimestamp(hour["start"], UTC)) not in spoken
                and (mean := hour.get("mean")) is not None
                for reading in _mean(wanted[entity_id], mean, begin + _KNOWN_AFTER)
                if reading.at <= end
            ]
    # Merged, not sorted: sorting a great list would keep the loop's thread from running.
    return tuple(merge(*runs.values(), *means.values(), key=_when))


def _mean(bound: list[HasEntity], mean: float, at: datetime) -> list[Reading]:
    """Return the hour's mean as readings; only quantities whose mean says something."""
    readings = []
    for each in bound:
        if each.measurand not in _MEANS_SAY_SOMETHING:
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
                    person=each.person,
                )
            )
        except ReadingError as err:
            LOGGER.debug("Recorded hour of %s is not used: %s", each.entity_id, err)
    return readings


def _hour(at: datetime) -> datetime:
    """Return the begin of the hour, as UTC has it."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _when(reading: Reading) -> datetime:
    return reading.at
