"""The recorded weather, and as forecast what then really came."""

from datetime import datetime, timedelta
from typing import override

from homeassistant.components.weather import Forecast, WeatherEntity, WeatherEntityFeature
from homeassistant.const import UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from . import TICK, RecordedHomeEntry, Recording

HOURS = 48


async def async_setup_entry(
    hass: HomeAssistant, entry: RecordedHomeEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the one weather entity."""
    async_add_entities([RecordedWeather(entry.runtime_data)])


class RecordedWeather(WeatherEntity):
    """The airport's air."""

    _attr_name = "Airport"
    _attr_native_temperature_unit = UnitOfTemperature.CELSIUS
    _attr_should_poll = False
    _attr_supported_features = WeatherEntityFeature.FORECAST_HOURLY
    _attr_unique_id = "weather"

    def __init__(self, recording: Recording) -> None:
        """Keep the recording."""
        self._recording = recording

    def _value(self, name: str, at: datetime) -> float:
        return self._recording.columns[name][self._recording.index(at)]

    @property
    @override
    def native_temperature(self) -> float:
        """Return °C outside now."""
        return self._value("out_temp_c", dt_util.utcnow())

    @property
    @override
    def humidity(self) -> float:
        """Return % relative humidity outside now."""
        return self._value("out_rh_pct", dt_util.utcnow())

    @property
    @override
    def condition(self) -> str:
        """Return a condition; the recording has none."""
        return "cloudy"

    @override
    async def async_added_to_hass(self) -> None:
        """Report every minute."""
        self.async_on_remove(async_track_time_interval(self.hass, self._async_report, TICK))

    async def _async_report(self, _now: datetime) -> None:
        self.async_write_ha_state()

    @override
    async def async_forecast_hourly(self) -> list[Forecast]:
        """Return the hours to come."""
        hour = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)
        return [
            Forecast(
                datetime=at.isoformat(),
                native_temperature=self._value("out_temp_c", at),
                humidity=self._value("out_rh_pct", at),
            )
            for at in (hour + timedelta(hours=n) for n in range(1, HOURS + 1))
        ]
