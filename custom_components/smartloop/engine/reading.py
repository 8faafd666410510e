"""What enters the engine: one measured value, with quantity, place and time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite

from .errors import ReadingError, UnitError

OUTDOOR = "outdoor"
"""The place of readings taken outside."""

HOUSE = "house"
"""The place of readings that belong to no single room."""


class Measurand(StrEnum):
    """The quantity of a reading; its unit is fixed (see `UNITS`)."""

    TEMPERATURE = "temperature"
    RELATIVE_HUMIDITY = "relative_humidity"
    SURFACE_TEMPERATURE = "surface_temperature"
    PM1 = "pm1"
    PM25 = "pm25"
    PM10 = "pm10"
    CO2 = "co2"
    VOC_INDEX = "voc_index"
    TVOC = "tvoc"
    WATER_FLOW = "water_flow"
    WATER_VOLUME = "water_volume"
    WATER_PRESSURE = "water_pressure"
    WET = "wet"
    BED_OCCUPANCY = "bed_occupancy"
    HEART_RATE = "heart_rate"
    RESPIRATORY_RATE = "respiratory_rate"
    BED_MOTION = "bed_motion"
    WINDOW_OPEN = "window_open"
    MOTION = "motion"
    PRESENCE = "presence"
    SWITCH_ON = "switch_on"
    PEAK_FLOW = "peak_flow"
    SYMPTOM_SCORE = "symptom_score"
    POLLEN_INDEX = "pollen_index"
    BATTERY = "battery"
    BATTERY_VOLTAGE = "battery_voltage"
    LINK_QUALITY = "link_quality"


UNITS: dict[Measurand, str] = {
    Measurand.TEMPERATURE: "°C",
    Measurand.RELATIVE_HUMIDITY: "%",
    Measurand.SURFACE_TEMPERATURE: "°C",
    Measurand.PM1: "µg/m³",
    Measurand.PM25: "µg/m³",
    Measurand.PM10: "µg/m³",
    Measurand.CO2: "ppm",
    Measurand.VOC_INDEX: "1",
    Measurand.TVOC: "µg/m³",
    Measurand.WATER_FLOW: "L/min",
    Measurand.WATER_VOLUME: "L",
    Measurand.WATER_PRESSURE: "kPa",
    Measurand.WET: "1",
    Measurand.BED_OCCUPANCY: "1",
    Measurand.HEART_RATE: "1/min",
    Measurand.RESPIRATORY_RATE: "1/min",
    Measurand.BED_MOTION: "1",
    Measurand.WINDOW_OPEN: "1",
    Measurand.MOTION: "1",
    Measurand.PRESENCE: "1",
    Measurand.SWITCH_ON: "1",
    Measurand.PEAK_FLOW: "L/min",
    Measurand.SYMPTOM_SCORE: "1",
    Measurand.POLLEN_INDEX: "1",
    Measurand.BATTERY: "%",
    Measurand.BATTERY_VOLTAGE: "mV",
    Measurand.LINK_QUALITY: "1",
}
"""The one unit of each measurand inside the engine."""

LIMITS: dict[Measurand, tuple[float, float]] = {
    # A thermometer in °F that says °C shows 65-75 indoors: refused, not believed.
    Measurand.TEMPERATURE: (-60.0, 60.0),
    Measurand.RELATIVE_HUMIDITY: (0.5, 100.0),
    Measurand.SURFACE_TEMPERATURE: (-60.0, 90.0),
    Measurand.PM1: (0.0, 5000.0),
    Measurand.PM25: (0.0, 5000.0),
    Measurand.PM10: (0.0, 10000.0),
    Measurand.CO2: (200.0, 40000.0),
    Measurand.VOC_INDEX: (0.0, 500.0),
    Measurand.TVOC: (0.0, 300000.0),
    Measurand.WATER_FLOW: (0.0, 500.0),
    Measurand.WATER_VOLUME: (0.0, 1e9),
    Measurand.WATER_PRESSURE: (0.0, 2500.0),
    Measurand.WET: (0.0, 1.0),
    Measurand.BED_OCCUPANCY: (0.0, 1.0),
    Measurand.HEART_RATE: (20.0, 250.0),
    Measurand.RESPIRATORY_RATE: (2.0, 80.0),
    Measurand.BED_MOTION: (0.0, 1.0),
    Measurand.WINDOW_OPEN: (0.0, 1.0),
    Measurand.MOTION: (0.0, 1.0),
    Measurand.PRESENCE: (0.0, 100.0),
    Measurand.SWITCH_ON: (0.0, 1.0),
    Measurand.PEAK_FLOW: (20.0, 1200.0),
    Measurand.SYMPTOM_SCORE: (0.0, 100.0),
    Measurand.POLLEN_INDEX: (0.0, 1000.0),
    Measurand.BATTERY: (0.0, 100.0),
    Measurand.BATTERY_VOLTAGE: (0.0, 60000.0),
    Measurand.LINK_QUALITY: (-150.0, 1000.0),
}
"""Values outside cannot be true of a home; a sensor that shows them is broken or mislabelled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One measured value; refuses what cannot be true."""

    measurand: Measurand
    value: float
    unit: str
    place: str
    """A room's id, `OUTDOOR` or `HOUSE`."""
    at: datetime
    source: str
    """What measured it. Quantities measured by one box share the source."""
    quality: float = 1.0
    """0-1; a fresh report is 1, a value carried over (restored, interpolated) less."""
    person: str | None = None

    def __post_init__(self) -> None:
        """Refuse NaN, naive time, foreign units and values outside `LIMITS`."""
        if self.unit != UNITS[self.measurand]:
            msg = f"{self.measurand} is kept in {UNITS[self.measurand]}, not {self.unit}"
            raise UnitError(msg)
        if not isfinite(self.value):
            msg = f"{self.measurand} is not a number"
            raise ReadingError(msg)
        low, high = LIMITS[self.measurand]
        if not low <= self.value <= high:
            msg = f"{self.measurand} of {self.value:g} {self.unit} is outside {low:g} to {high:g}"
            raise ReadingError(msg)
        if self.at.tzinfo is None:
            msg = f"{self.measurand} has a time without zone"
            raise ReadingError(msg)
        if not 0.0 < self.quality <= 1.0:
            msg = f"quality {self.quality:g} is outside 0 to 1"
            raise ReadingError(msg)


@dataclass(frozen=True, kw_only=True, slots=True)
class WeatherPoint:
    """One hour of a weather forecast."""

    at: datetime
    temperature: float
    """°C"""
    relative_humidity: float | None
    """%, None when the provider gives none"""

    def __post_init__(self) -> None:
        """Refuse naive time and impossible weather."""
        if self.at.tzinfo is None:
            msg = "a forecast point has a time without zone"
            raise ReadingError(msg)
        if not (isfinite(self.temperature) and -80.0 <= self.temperature <= 60.0):
            msg = f"a forecast temperature of {self.temperature:g} °C cannot be"
            raise ReadingError(msg)
        if self.relative_humidity is not None and not 0.0 < self.relative_humidity <= 100.0:
            msg = f"a forecast humidity of {self.relative_humidity:g} % cannot be"
            raise ReadingError(msg)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actuation:
    """One puff of an inhaler, with what the device could sense of it."""

    inhaler: str
    person: str
    at: datetime
    shake_s: float | None = None
    tilt_deg: float | None = None
    peak_flow_lpm: float | None = None

    def __post_init__(self) -> None:
        """Refuse naive time and impossible kinematics."""
        if self.at.tzinfo is None:
            msg = "an actuation has a time without zone"
            raise ReadingError(msg)
        for name, value, high in (
            ("shake", self.shake_s, 600.0),
            ("tilt", self.tilt_deg, 180.0),
            ("peak flow", self.peak_flow_lpm, 1200.0),
        ):
            if value is not None and not (isfinite(value) and 0.0 <= value <= high):
                msg = f"an actuation's {name} of {value:g} cannot be"
                raise ReadingError(msg)
