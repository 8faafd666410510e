"""A recorded past: hourly means and states of long ago, written by the recorder itself."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from homeassistant.components.recorder.models import StatisticData, StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
UNIT_CLASSES = {"°C": "temperature", "°F": "temperature", "%": "unitless"}


def this_hour() -> datetime:
    """Return the begin of the hour that is not over yet."""
    return dt_util.utcnow().replace(minute=0, second=0, microsecond=0)


def record_means(hass: HomeAssistant, entity_id: str, unit: str, means: Mapping[datetime, float]) -> None:
    """Put hourly means on record, as the recorder compiles them."""
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.ARITHMETIC,
        has_sum=False,
        name=None,
        source="recorder",
        statistic_id=entity_id,
        unit_class=UNIT_CLASSES[unit],
        unit_of_measurement=unit,
    )
    rows = [StatisticData(start=start, mean=mean, min=mean, max=mean) for start, mean in means.items()]
    async_import_statistics(hass, metadata, rows)


def record_state(
    hass: HomeAssistant, entity_id: str, text: str, at: datetime, attributes: Mapping[str, object] | None = None
) -> None:
    """Let an entity have said something long ago; each entity in time order."""
    hass.states.async_set(entity_id, text, dict(attributes or {}), timestamp=at.timestamp())


def hours(start: datetime, end: datetime) -> list[datetime]:
    """Return the hours that begin in a span."""
    first = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    found = []
    while first < end:
        if first >= start:
            found.append(first)
        first += HOUR
    return found


async def recorded(hass: HomeAssistant) -> None:
    """Wait until all of it is in the database."""
    await async_wait_recording_done(hass)
