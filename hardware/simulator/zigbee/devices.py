"""The table of simulated sensors: two that a homeowner buys, and what the boards of this project say.

A board built with ESPHome calls itself "esphome" and has one endpoint for each quantity that
is no cluster of its own (Analog Input), so the endpoint numbers here are those of its YAML.
"""

from dataclasses import dataclass, field
from typing import Final

from .zcl import Attribute, Cluster, Kind, Value

type Attributes = dict[int, Attribute]
type Clusters = dict[int, Attributes]

MEASURED: Final = 0x0000
"""The measured value of every measurement cluster."""
BATTERY_VOLTAGE: Final = 0x0020
BATTERY_PERCENT: Final = 0x0021
PRESENT_VALUE: Final = 0x0055
ZONE_STATUS: Final = 0x0002

_TEMPERATURE_SENSOR: Final = 0x0302
_IAS_ZONE: Final = 0x0402
_SIMPLE_SENSOR: Final = 0x000C
_WATER_SENSOR: Final = 0x002A
"""The IAS zone type of a leak sensor."""
_PERCENT_HUMIDITY: Final = 29
_CELSIUS: Final = 62
_NO_UNITS: Final = 95
_PERCENT: Final = 98
"""BACnet engineering units, as Analog Input carries them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """Where a device keeps a quantity, and how it writes it."""

    cluster: int
    attribute: int = MEASURED
    endpoint: int = 1
    scale: float = 1.0
    """Raw value of one unit."""

    def raw(self, value: float, kind: Kind) -> Value:
        """Return the value as it goes over the air."""
        raw = value * self.scale
        return raw if kind is Kind.SINGLE else round(raw)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceModel:
    """One kind of device."""

    manufacturer: str
    model: str
    endpoints: dict[int, Clusters]
    quantities: dict[str, Quantity] = field(default_factory=dict)
    device_type: int = _TEMPERATURE_SENSOR
    mains: bool = False


def _single(value: float) -> Attributes:
    return {MEASURED: Attribute(kind=Kind.SINGLE, value=value)}


def _temperature(celsius: float) -> Attributes:
    return {
        MEASURED: Attribute(kind=Kind.INT16, value=round(celsius * 100)),
        0x0001: Attribute(kind=Kind.INT16, value=-4000),
        0x0002: Attribute(kind=Kind.INT16, value=8500),
    }


def _humidity(percent: float) -> Attributes:
    return {
        MEASURED: Attribute(kind=Kind.UINT16, value=round(percent * 100)),
        0x0001: Attribute(kind=Kind.UINT16, value=0),
        0x0002: Attribute(kind=Kind.UINT16, value=10000),
    }


def _battery(volts: float, percent: float) -> Attributes:
    return {
        BATTERY_VOLTAGE: Attribute(kind=Kind.UINT8, value=round(volts * 10)),
        BATTERY_PERCENT: Attribute(kind=Kind.UINT8, value=round(percent * 2)),
    }


def _poll_control() -> Attributes:
    """Return a sleepy device's habits, in quarters of a second."""
    return {
        0x0000: Attribute(kind=Kind.UINT32, value=14400),
        0x0001: Attribute(kind=Kind.UINT32, value=2),
        0x0002: Attribute(kind=Kind.UINT16, value=2),
        0x0003: Attribute(kind=Kind.UINT16, value=40),
    }


def _leak() -> Attributes:
    return {
        0x0000: Attribute(kind=Kind.ENUM8, value=0),
        0x0001: Attribute(kind=Kind.ENUM16, value=_WATER_SENSOR),
        ZONE_STATUS: Attribute(kind=Kind.BITMAP16, value=0),
        0x0010: Attribute(kind=Kind.EUI64, value=bytes(8)),
        0x0011: Attribute(kind=Kind.UINT8, value=0xFF),
    }


def _analog(name: str, value: float, unit: int) -> Clusters:
    return {
        Cluster.ANALOG_INPUT: {
            0x001C: Attribute(kind=Kind.STRING, value=name),
            0x0051: Attribute(kind=Kind.BOOL, value=0),
            PRESENT_VALUE: Attribute(kind=Kind.SINGLE, value=value),
            0x006F: Attribute(kind=Kind.BITMAP8, value=0),
            0x0075: Attribute(kind=Kind.ENUM16, value=unit),
        }
    }


_T: Final = Quantity(cluster=Cluster.TEMPERATURE, scale=100.0)
_RH: Final = Quantity(cluster=Cluster.HUMIDITY, scale=100.0)
_BATTERY: Final = Quantity(cluster=Cluster.POWER, attribute=BATTERY_PERCENT, scale=2.0)
_VOLTS: Final = Quantity(cluster=Cluster.POWER, attribute=BATTERY_VOLTAGE, scale=10.0)


def _analog_at(endpoint: int) -> Quantity:
    return Quantity(cluster=Cluster.ANALOG_INPUT, attribute=PRESENT_VALUE, endpoint=endpoint)


CLIMATE: Final = DeviceModel(
    manufacturer="SONOFF",
    model="SNZB-02D",
    endpoints={
        1: {
            Cluster.POWER: _battery(3.0, 90.0),
            Cluster.POLL_CONTROL: _poll_control(),
            Cluster.TEMPERATURE: _temperature(21.5),
            Cluster.HUMIDITY: _humidity(55.0),
        }
    },
    quantities={"temperature": _T, "humidity": _RH, "battery": _BATTERY, "voltage": _VOLTS},
)

LEAK: Final = DeviceModel(
    manufacturer="SONOFF",
    model="SNZB-05P",
    device_type=_IAS_ZONE,
    endpoints={
        1: {
            Cluster.POWER: _battery(3.0, 90.0),
            Cluster.POLL_CONTROL: _poll_control(),
            Cluster.IAS_ZONE: _leak(),
        }
    },
    quantities={"battery": _BATTERY, "voltage": _VOLTS},
)

DUST_NODE: Final = DeviceModel(
    manufacturer="esphome",
    model="SmartLoop dust node",
    mains=True,
    endpoints={
        1: {
            Cluster.TEMPERATURE: _temperature(22.0),
            Cluster.HUMIDITY: _humidity(48.0),
            Cluster.PM25: _single(7.0),
            Cluster.CO2: _single(0.0006),
        },
        2: _analog("PM1", 4.0, _NO_UNITS),
        3: _analog("PM10", 9.0, _NO_UNITS),
    },
    quantities={
        "temperature": _T,
        "humidity": _RH,
        "pm25": Quantity(cluster=Cluster.PM25),
        # A fraction of the air: 400 ppm are 0.0004.
        "co2": Quantity(cluster=Cluster.CO2, scale=1e-6),
        "pm1": _analog_at(2),
        "pm10": _analog_at(3),
    },
)

MOLD_NODE: Final = DeviceModel(
    manufacturer="esphome",
    model="SmartLoop mold node",
    mains=True,
    endpoints={
        1: {
            Cluster.TEMPERATURE: _temperature(20.5),
            Cluster.HUMIDITY: _humidity(58.0),
        },
        2: {Cluster.TEMPERATURE: _temperature(15.5)},
    },
    quantities={
        "temperature": _T,
        "humidity": _RH,
        "surface_temperature": Quantity(cluster=Cluster.TEMPERATURE, endpoint=2, scale=100.0),
    },
)

MOLD_NODE_ON_BATTERY: Final = DeviceModel(
    manufacturer="esphome",
    model="SmartLoop mold node battery",
    device_type=_SIMPLE_SENSOR,
    endpoints={
        1: _analog("air_temperature", 20.5, _CELSIUS),
        2: _analog("air_humidity", 58.0, _PERCENT_HUMIDITY),
        3: _analog("surface_temperature", 15.5, _CELSIUS),
    },
    quantities={"temperature": _analog_at(1), "humidity": _analog_at(2), "surface_temperature": _analog_at(3)},
)

BED_STRIP: Final = DeviceModel(
    manufacturer="esphome",
    model="SmartLoop bed strip",
    mains=True,
    device_type=_SIMPLE_SENSOR,
    endpoints={
        1: {
            Cluster.OCCUPANCY: {
                MEASURED: Attribute(kind=Kind.BITMAP8, value=0),
                0x0001: Attribute(kind=Kind.ENUM8, value=0),
                0x0002: Attribute(kind=Kind.BITMAP8, value=1),
            }
        },
        2: _analog("Bed load", 0.0, _PERCENT),
        3: _analog("Bed motion", 0.0, _PERCENT),
        4: _analog("Breathing rate", 14.0, _NO_UNITS),
    },
    quantities={
        "occupancy": Quantity(cluster=Cluster.OCCUPANCY),
        "load": _analog_at(2),
        "motion": _analog_at(3),
        "breathing": _analog_at(4),
    },
)

DEVICES: Final = {
    "climate": CLIMATE,
    "leak": LEAK,
    "dust": DUST_NODE,
    "mold": MOLD_NODE,
    "mold_battery": MOLD_NODE_ON_BATTERY,
    "bed": BED_STRIP,
}
"""What a coordinator has around it unless told otherwise, by name."""
