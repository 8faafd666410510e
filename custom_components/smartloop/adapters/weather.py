"""The weather forecast of the owner's weather entity."""

from collections.abc import Mapping
from datetime import UTC, datetime

from homeassistant.components.weather import DOMAIN as WEATHER_DOMAIN
from homeassistant.components.weather import SERVICE_GET_FORECASTS
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..engine import Measurand, ReadingError, WeatherPoint, convert, relative_humidity_of_dew_point


def _point(row: Mapping[str, object], unit: str) -> WeatherPoint | None:
    """Return one row of a forecast as a point, None when it cannot be used."""
    at = dt_util.parse_datetime(str(row.get("datetime")))
    temperature = row.get("temperature")
    if at is None or not isinstance(temperature, int | float):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    celsius = convert(Measurand.TEMPERATURE, float(temperature), unit)
    humidity, dew_point = row.get("humidity"), row.get("dew_point")
    relative: float | None = None
    if isinstance(humidity, int | float):
        relative = float(humidity)
    elif isinstance(dew_point, int | float):
        relative = relative_humidity_of_dew_point(celsius, convert(Measurand.TEMPERATURE, float(dew_point), unit))
    try:
        return WeatherPoint(at=at, temperature=celsius, relative_humidity=relative)
    except ReadingError as err:
        LOGGER.debug("Forecast hour is not used: %s", err)
        return None


async def async_get_forecast(hass: HomeAssistant, entity_id: str) -> tuple[WeatherPoint, ...]:
    """Return the hourly forecast, empty when there is none.

    Having none is normal: some providers give daily forecasts only, and any may be down.
    """
    try:
        response = await hass.services.async_call(
            WEATHER_DOMAIN,
            SERVICE_GET_FORECASTS,
            {ATTR_ENTITY_ID: entity_id, "type": "hourly"},
            blocking=True,
            return_response=True,
        )
    except HomeAssistantError as err:
        LOGGER.debug("No weather forecast: %s", err)
        return ()
    found = response.get(entity_id) if response else None
    rows = found.get("forecast") if isinstance(found, Mapping) else None
    state = hass.states.get(entity_id)
    unit = str(state.attributes.get("temperature_unit") or "°C") if state else "°C"
    points = [_point(row, unit) for row in rows or () if isinstance(row, Mapping)]  # type: ignore[union-attr]
    return tuple(sorted((point for point in points if point is not None), key=_time))


def _time(point: WeatherPoint) -> datetime:
    return point.at
