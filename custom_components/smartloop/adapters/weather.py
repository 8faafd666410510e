"""The weather forecast of the owner's weather entity."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from homeassistant.components.weather import DOMAIN as WEATHER_DOMAIN
from homeassistant.components.weather import SERVICE_GET_FORECASTS
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..engine import Measurand, ReadingError, WeatherPoint, convert, relative_humidity_of_dew_point

PATIENCE_S: Final = 30.0
"""How long a provider may take."""
COLDEST: Final = -80.0
"""°C"""
ROUNDED: Final = 1.0
"""K by which rounding may put a dew point above the temperature."""


async def async_get_forecast(hass: HomeAssistant, entity_id: str) -> tuple[WeatherPoint, ...]:
    """Return the hourly forecast, empty when there is none.

    Having none is normal: some providers give daily forecasts only, and any may be down.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            response = await hass.services.async_call(
                WEATHER_DOMAIN,
                SERVICE_GET_FORECASTS,
                {ATTR_ENTITY_ID: entity_id, "type": "hourly"},
                blocking=True,
                return_response=True,
            )
    except Exception as err:  # noqa: BLE001  the provider is somebody else's code and raises what it likes
        LOGGER.debug("No weather forecast: %r", err)
        return ()
    found = response.get(entity_id) if response else None
    rows = found.get("forecast") if isinstance(found, Mapping) else None
    state = hass.states.get(entity_id)
    unit = str(state.attributes.get("temperature_unit") or "°C") if state else "°C"
    points = [_point(row, unit) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return tuple(sorted((point for point in points if point is not None), key=_time))


def _point(row: Mapping[str, object], unit: str) -> WeatherPoint | None:
    """Return one row of a forecast as a point, None when it cannot be used."""
    at = dt_util.parse_datetime(str(row.get("datetime")))
    temperature = _number(row.get("temperature"))
    if at is None or temperature is None:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    relative, dew_point = _number(row.get("humidity")), _number(row.get("dew_point"))
    try:
        celsius = convert(Measurand.TEMPERATURE, temperature, unit)
        if relative is None and dew_point is not None:
            relative = _humidity(celsius, convert(Measurand.TEMPERATURE, dew_point, unit))
        return WeatherPoint(at=at, temperature=celsius, relative_humidity=relative)
    except ReadingError as err:
        LOGGER.debug("Forecast hour is not used: %s", err)
        return None


def _humidity(celsius: float, dew_point: float) -> float:
    """Return the humidity, %, that a dew point in °C means; raises ReadingError when it cannot be."""
    if not COLDEST <= dew_point <= celsius + ROUNDED:
        msg = f"a dew point of {dew_point:g} °C at {celsius:g} °C cannot be"
        raise ReadingError(msg)
    return min(relative_humidity_of_dew_point(celsius, dew_point), 100.0)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _time(point: WeatherPoint) -> datetime:
    return point.at
