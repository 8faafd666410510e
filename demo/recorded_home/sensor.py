"""One thermometer and one hygrometer per room, and their recorded past."""

from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.components.recorder.models import StatisticData, StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorStateClass
from homeassistant.const import PERCENTAGE, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from . import DOMAIN, PLACES, TICK, RecordedHomeEntry, Recording

KINDS = {
    "temp_c": (SensorDeviceClass.TEMPERATURE, UnitOfTemperature.CELSIUS, "temperature"),
    "rh_pct": (SensorDeviceClass.HUMIDITY, PERCENTAGE, None),
}


async def async_setup_entry(
    hass: HomeAssistant, entry: RecordedHomeEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of every place."""
    async_add_entities(RoomSensor(entry.runtime_data, room, kind) for room in PLACES for kind in KINDS)


class RoomSensor(SensorEntity):
    """One quantity of one room, as it was measured."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_state_class = SensorStateClass.MEASUREMENT

    def __init__(self, recording: Recording, room: str, kind: str) -> None:
        """Name it after its room."""
        self._recording = recording
        self._column = f"{room}_{kind}"
        device_class, unit, self._unit_class = KINDS[kind]
        self._attr_device_class = device_class
        self._attr_native_unit_of_measurement = unit
        self._attr_unique_id = self._column
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, room)},
            name=f"{PLACES[room]} sensor",
            manufacturer="Recorded",
            model="T/RH node of 2016",
            suggested_area=PLACES[room],
        )

    @property
    @override
    def native_value(self) -> float:
        """Return the recorded value that is valid now."""
        return self._recording.value(self._column, dt_util.utcnow())

    @override
    async def async_added_to_hass(self) -> None:
        """Report every minute, as a sensor would, and put the past on record."""
        self.async_on_remove(async_track_time_interval(self.hass, self._async_report, TICK))
        if "recorder" in self.hass.config.components:
            self._import_past()

    async def _async_report(self, _now: datetime) -> None:
        self.async_write_ha_state()

    def _import_past(self) -> None:
        recording, now = self._recording, dt_util.utcnow()
        hours: dict[datetime, list[float]] = {}
        for index in range(recording.index(now)):
            hour = recording.present(index).replace(minute=0, second=0, microsecond=0)
            if hour + timedelta(hours=1) <= now:
                hours.setdefault(hour, []).append(recording.columns[self._column][index])
        metadata: Any = StatisticMetaData(
            mean_type=StatisticMeanType.ARITHMETIC,
            has_sum=False,
            name=None,
            source="recorder",
            statistic_id=self.entity_id,
            unit_class=self._unit_class,
            unit_of_measurement=self._attr_native_unit_of_measurement,
        )
        rows = [
            StatisticData(start=hour, mean=sum(values) / len(values), min=min(values), max=max(values))
            for hour, values in sorted(hours.items())
        ]
        async_import_statistics(self.hass, metadata, rows)
