"""What a box tells of itself, not of its room: its battery, its voltage, how well it is heard."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import PERCENTAGE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from ..const import DOMAIN
from ..engine import Measurand


class Sign(StrEnum):
    """What a box can tell of itself."""

    BATTERY = "battery"
    """% left"""
    BATTERY_LOW = "battery_low"
    """on when it is nearly empty"""
    VOLTAGE = "voltage"
    """of its battery, V or mV"""
    LINK_QUALITY = "link_quality"
    """how well it is heard: LQI, or dBm"""
    LAST_SEEN = "last_seen"
    """when it was heard last"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """One entity in which a box tells of itself."""

    registry_id: str
    entity_id: str
    disabled: bool
    """Bridges leave link quality disabled until somebody asks for it."""


MEASURED: Final[Mapping[Sign, Measurand]] = {
    Sign.BATTERY: Measurand.BATTERY,
    Sign.VOLTAGE: Measurand.BATTERY_VOLTAGE,
    Sign.LINK_QUALITY: Measurand.LINK_QUALITY,
}
"""What the engine hears of it."""

_LQI_UNITS: Final = frozenset({"lqi", "LQI"})
_LINK_ENDINGS: Final = ("_linkquality", "_linkquality_zigbee2mqtt", "-lqi", "_lqi")
_SEEN_ENDINGS: Final = ("_last_seen", "_last_seen_zigbee2mqtt")


def _class(entry: er.RegistryEntry) -> str | None:
    return entry.device_class or entry.original_device_class


def _is_sensor(entry: er.RegistryEntry, device_class: str) -> bool:
    return entry.domain == SENSOR_DOMAIN and _class(entry) == device_class


def _is_battery(entry: er.RegistryEntry) -> bool:
    return _is_sensor(entry, SensorDeviceClass.BATTERY) and entry.unit_of_measurement == PERCENTAGE


def _is_battery_low(entry: er.RegistryEntry) -> bool:
    return entry.domain == BINARY_SENSOR_DOMAIN and _class(entry) == BinarySensorDeviceClass.BATTERY


def _is_voltage(entry: er.RegistryEntry) -> bool:
    # Of a battery: the mains voltage of a plug is what the plug measures, no word of itself.
    return _is_sensor(entry, SensorDeviceClass.VOLTAGE) and entry.entity_category is not None


def _is_lqi(entry: er.RegistryEntry) -> bool:
    return entry.domain == SENSOR_DOMAIN and (
        entry.unit_of_measurement in _LQI_UNITS or entry.unique_id.endswith(_LINK_ENDINGS)
    )


def _is_rssi(entry: er.RegistryEntry) -> bool:
    return _is_sensor(entry, SensorDeviceClass.SIGNAL_STRENGTH) and entry.entity_category is not None


def _is_last_seen(entry: er.RegistryEntry) -> bool:
    return _is_sensor(entry, SensorDeviceClass.TIMESTAMP) and entry.unique_id.endswith(_SEEN_ENDINGS)


_SIGNS: Final[tuple[tuple[Sign, Callable[[er.RegistryEntry], bool]], ...]] = (
    (Sign.BATTERY, _is_battery),
    (Sign.BATTERY_LOW, _is_battery_low),
    (Sign.VOLTAGE, _is_voltage),
    # LQI before dBm: of two, the one that says whether frames arrive.
    (Sign.LINK_QUALITY, _is_lqi),
    (Sign.LINK_QUALITY, _is_rssi),
    (Sign.LAST_SEEN, _is_last_seen),
)


@callback
def device_diagnostics(hass: HomeAssistant, device_id: str) -> dict[Sign, Own]:
    """Return where a box tells of itself; of two that say the same, an enabled one."""
    found: dict[Sign, Own] = {}
    entries = er.async_entries_for_device(er.async_get(hass), device_id, include_disabled_entities=True)
    for sign, own in _signs([entry for entry in entries if entry.platform != DOMAIN]):
        if sign not in found or (found[sign].disabled and not own.disabled):
            found[sign] = own
    return found


@callback
def box_name(hass: HomeAssistant, source: str, entity_id: str) -> str:
    """Return what its owner calls a box; where there is no device, what one of its entities is called."""
    if (device := dr.async_get(hass).async_get(source)) is not None:
        return device.name_by_user or device.name or entity_id
    state = hass.states.get(entity_id)
    return state.name if state else entity_id


def _signs(entries: list[er.RegistryEntry]) -> Iterator[tuple[Sign, Own]]:
    for sign, tells in _SIGNS:
        for entry in sorted(entries, key=lambda each: each.entity_id):
            if tells(entry):
                yield sign, Own(registry_id=entry.id, entity_id=entry.entity_id, disabled=entry.disabled)
