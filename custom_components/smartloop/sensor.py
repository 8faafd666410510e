"""Sensors: what is known and expected of each room, and how the household is doing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.sensor import (
    DOMAIN,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfDensity,
    UnitOfPressure,
    UnitOfTemperature,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .adapters.bindings import damp_rooms
from .best_act import NOTHING, best_act, best_act_sentence
from .boxes import BoxEntity, async_follow_boxes
from .coordinator import Coordinator, SmartLoopConfigEntry
from .device_sensor import device_sensors
from .engine import ActKind, RoomView
from .entity import DisplayEntity, Figure, HouseEntity, RoomEntity, Shown, settle
from .figures import (
    Attributes,
    box_battery,
    care_attributes,
    expected,
    f_rsi,
    f_rsi_attributes,
    grams_per_cubic_metre,
    horizons,
    index_attributes,
    leak_attributes,
    needing_care,
    no_attributes,
    proven_points,
    silent,
    surface_attributes,
)
from .outputs.sentences import templates
from .runtime import NO_ENGINE
from .status import HouseState

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class RoomSensorDescription(SensorEntityDescription):
    """One row: a sensor every room has."""

    value_fn: Callable[[RoomView], float | None]
    attributes_fn: Callable[[RoomView], Attributes] = no_attributes
    resolution: float
    """What is less than this, in the sensor's unit, is not worth a new state."""
    share: float = 0.0
    """The same as a share of the value, where that is more."""
    of_now: bool = False
    """About the air now: without readings it is unavailable, not unknown."""


@dataclass(frozen=True, kw_only=True)
class HouseSensorDescription(SensorEntityDescription):
    """One row: a sensor the household has."""

    value_fn: Callable[[Coordinator], StateType]
    attributes_fn: Callable[[Coordinator], Attributes] = lambda _coordinator: {}


ROOM_SENSORS: Final = (
    RoomSensorDescription(
        key="surface_humidity",
        device_class=SensorDeviceClass.HUMIDITY,
        native_unit_of_measurement=PERCENTAGE,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        resolution=1.0,
        of_now=True,
        value_fn=lambda view: view.surface_humidity,
        attributes_fn=surface_attributes,
    ),
    RoomSensorDescription(
        key="mold_index",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=2,
        resolution=0.01,
        value_fn=lambda view: view.mold_index,
        attributes_fn=index_attributes,
    ),
    RoomSensorDescription(
        key="days_to_mold",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.DAYS,
        suggested_display_precision=0,
        resolution=1.0,
        share=0.05,
        value_fn=lambda view: view.days_to_mold,
    ),
    RoomSensorDescription(
        key="forecast_humidity",
        device_class=SensorDeviceClass.HUMIDITY,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        resolution=1.0,
        value_fn=expected(lambda horizon: horizon.relative_humidity),
        attributes_fn=horizons(lambda horizon: horizon.relative_humidity, 1.0),
    ),
    RoomSensorDescription(
        key="forecast_surface_humidity",
        device_class=SensorDeviceClass.HUMIDITY,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        resolution=1.0,
        value_fn=lambda view: view.forecast_surface_humidity,
    ),
    RoomSensorDescription(
        key="forecast_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        suggested_display_precision=1,
        resolution=0.2,
        value_fn=expected(lambda horizon: horizon.temperature),
        attributes_fn=horizons(lambda horizon: horizon.temperature, 0.2),
    ),
    RoomSensorDescription(
        key="dew_point",
        device_class=SensorDeviceClass.TEMPERATURE,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        resolution=0.2,
        of_now=True,
        value_fn=lambda view: view.dew_point,
    ),
    RoomSensorDescription(
        key="absolute_humidity",
        device_class=SensorDeviceClass.ABSOLUTE_HUMIDITY,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfDensity.GRAMS_PER_CUBIC_METER,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        resolution=0.2,
        of_now=True,
        value_fn=grams_per_cubic_metre,
    ),
    RoomSensorDescription(
        key="vapour_pressure",
        device_class=SensorDeviceClass.PRESSURE,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfPressure.HPA,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        resolution=0.2,
        of_now=True,
        value_fn=lambda view: None if view.vapour_pressure is None else view.vapour_pressure / 100.0,
    ),
    RoomSensorDescription(
        key="surface_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=1,
        resolution=0.2,
        of_now=True,
        value_fn=lambda view: view.surface_temperature,
    ),
    RoomSensorDescription(
        key="f_rsi",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        suggested_display_precision=2,
        resolution=0.01,
        value_fn=f_rsi,
        attributes_fn=f_rsi_attributes,
    ),
    RoomSensorDescription(
        key="data_age",
        device_class=SensorDeviceClass.DURATION,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.MINUTES,
        suggested_display_precision=0,
        resolution=5.0,
        share=0.25,
        value_fn=lambda view: None if view.data_age_s is None else view.data_age_s / 60.0,
    ),
    RoomSensorDescription(
        key="mold_hours",
        device_class=SensorDeviceClass.DURATION,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=0,
        resolution=1.0,
        value_fn=lambda view: view.mold_hours,
        attributes_fn=lambda view: {"held_hours": int(view.held_hours)},
    ),
)

BEST_ACT: Final = SensorEntityDescription(
    key="best_act", device_class=SensorDeviceClass.ENUM, options=[NOTHING, *(kind.value for kind in ActKind)]
)


BATTERY_DAYS: Final = SensorEntityDescription(
    key="battery_days_left",
    device_class=SensorDeviceClass.DURATION,
    entity_category=EntityCategory.DIAGNOSTIC,
    native_unit_of_measurement=UnitOfTime.DAYS,
    suggested_display_precision=0,
)


def _lessons(coordinator: Coordinator) -> Attributes:
    """Return what every answer changed, newest first."""
    return {"sentences": [coordinator.notifier.lesson_text(each) for each in reversed(coordinator.engine.lessons())]}


def _engine(coordinator: Coordinator) -> Attributes:
    facts = coordinator.runtime.facts()
    return {key: facts[key] for key in ("reason", "engine_version", "telemetry")}


def _history_progress(coordinator: Coordinator) -> int | None:
    status = coordinator.status
    if status.state is HouseState.STARTING:
        return None
    return 100 if status.history_progress is None else status.history_progress


HOUSE_SENSORS: Final = (
    HouseSensorDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[state.value for state in HouseState],
        value_fn=lambda coordinator: coordinator.status.state.value,
        attributes_fn=lambda coordinator: {"reasons": list(coordinator.status.reasons)},
    ),
    HouseSensorDescription(
        key="history_progress",
        entity_category=EntityCategory.DIAGNOSTIC,
        native_unit_of_measurement=PERCENTAGE,
        value_fn=_history_progress,
    ),
    HouseSensorDescription(
        key="lessons",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda coordinator: len(coordinator.engine.lessons()),
        attributes_fn=_lessons,
    ),
    HouseSensorDescription(
        key="devices_needing_care",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda coordinator: sum(needing_care(coordinator.care).values()),
        attributes_fn=lambda coordinator: care_attributes(coordinator.care),
    ),
    HouseSensorDescription(
        key="leak_points_proven",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda coordinator: proven_points(coordinator.care),
        attributes_fn=lambda coordinator: leak_attributes(coordinator.care),
    ),
    HouseSensorDescription(
        key="inference_engine",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        options=["builtin", "onnxruntime", NO_ENGINE],
        value_fn=lambda coordinator: coordinator.runtime.facts()["engine"],
        attributes_fn=_engine,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant, entry: SmartLoopConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of the household and of each room."""
    coordinator = entry.runtime_data
    async_add_entities(HouseSensor(coordinator, description) for description in HOUSE_SENSORS)
    for room_id, subentry_id in damp_rooms(entry).items():
        rows = [RoomSensor(coordinator, description, room_id) for description in ROOM_SENSORS]
        async_add_entities([*rows, BestAct(coordinator, BEST_ACT, room_id)], config_subentry_id=subentry_id)
    for subentry_id, device in coordinator.own_devices.devices.items():
        async_add_entities(device_sensors(device), config_subentry_id=subentry_id)
    async_follow_boxes(
        coordinator,
        DOMAIN,
        (BATTERY_DAYS.key,),
        lambda source: [BoxBattery(coordinator, BATTERY_DAYS, source)],
        async_add_entities,
        wants=lambda facts: facts.mains is False,
    )


class _Sensor(DisplayEntity, SensorEntity):
    """A sensor that shows what it looked up."""

    domain = DOMAIN

    @override
    def show(self, value: StateType) -> None:
        """Take over the value to be shown."""
        self._attr_native_value = value


class HouseSensor(HouseEntity, _Sensor):
    """One row of the household's table."""

    entity_description: HouseSensorDescription
    _unrecorded_attributes = frozenset({"sentences"})

    @override
    def look(self) -> Shown:
        """Return what there is to show now."""
        row = self.entity_description
        return Shown(value=row.value_fn(self.coordinator), attributes=row.attributes_fn(self.coordinator))


class BoxBattery(BoxEntity, _Sensor):
    """How long a box's battery will last."""

    entity_description: SensorEntityDescription

    @override
    def look(self) -> Shown:
        """Return the days with their band, or why they are not known."""
        view = self.view
        return box_battery(None if view is None else view.battery)


class RoomSensor(RoomEntity, _Sensor):
    """One row of the rooms' table."""

    entity_description: RoomSensorDescription
    _unrecorded_attributes = frozenset({"horizons"})
    _hourly: tuple[object, object] = (None, None)

    @override
    def look(self) -> Shown:
        """Return what there is to show now."""
        row, view = self.entity_description, self.view
        value = Figure(value=row.value_fn(view), step=row.resolution, share=row.share)
        before, hourly = self._shown or Shown(), (view.mold_hours, view.forecast)
        # What goes with a figure is made anew when the figure moved, or once an hour: a room is looked at far more often.
        still = (
            settle(before.value, value) == before.value
            and hourly[0] == self._hourly[0]
            and hourly[1] is self._hourly[1]
        )
        self._hourly = hourly
        return Shown(
            value=value,
            attributes=before.attributes if still else row.attributes_fn(view),
            available=not (row.of_now and silent(view)),
        )


class BestAct(RoomEntity, _Sensor):
    """The one act that would help a room most now."""

    entity_description: SensorEntityDescription
    _unrecorded_attributes = frozenset({"minutes", "amount", "before", "after", "sentence"})

    @override
    def look(self) -> Shown:
        """Return the act; unknown while too little is known to choose one."""
        return best_act(self.view)

    @override
    def show(self, value: StateType) -> None:
        """Show the act, and say it with the figures that are shown."""
        super().show(value)
        said = self._attr_extra_state_attributes
        words, room = templates(self.hass), self.coordinator.room_name(self.room_id)
        self._attr_extra_state_attributes = {**said, "sentence": best_act_sentence(self.view, value, said, words, room)}
