"""Shout measurements as encrypted BTHome v2 adverts: ESPHome only receives BTHome, it does not send it."""

from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome import automation
from esphome.components import binary_sensor, esp32_ble, sensor
from esphome.components.esp32 import request_bluetooth
from esphome.components.esp32_ble import CONF_BLE_ID
from esphome.const import (
    CONF_BINARY_SENSOR,
    CONF_ID,
    CONF_NAME,
    CONF_SENSOR,
    CONF_TYPE,
)
from esphome.core import TimePeriod
from esphome.types import ConfigType

AUTO_LOAD = ["ble_device_base", "esp32_ble"]
DEPENDENCIES = ["esp32"]
CODEOWNERS = ["@smartloop"]

CONF_DURATION = "duration"
CONF_ENCRYPTION_KEY = "encryption_key"
CONF_INTERVAL = "advert_interval"
CONF_MEASUREMENTS = "measurements"
CONF_ON_SENT = "on_sent"
CONF_PATIENCE = "patience"
CONF_TRIGGER_BASED = "trigger_based"

ns = cg.esphome_ns.namespace("bthome_broadcast")
BThomeBroadcast = ns.class_("BThomeBroadcast", cg.Component)

# Name -> object id, bytes, steps per unit, signed. https://bthome.io/format
TYPES = {
    "battery": (0x01, 1, 1.0, False),
    "temperature": (0x02, 2, 100.0, True),
    "humidity": (0x03, 2, 100.0, False),
    "voltage": (0x0C, 2, 1000.0, False),
    "pm25": (0x0D, 2, 1.0, False),
    "pm10": (0x0E, 2, 1.0, False),
    "co2": (0x12, 2, 1.0, False),
    "moisture": (0x20, 1, 1.0, False),
    "problem": (0x26, 1, 1.0, False),
    "water": (0x4F, 4, 1000.0, False),
}
OBJECTS_MAX = 15


def _key(value: Any) -> str:
    key: str = cv.string_strict(value).lower()
    if len(key) != 32 or any(char not in "0123456789abcdef" for char in key):
        msg = "The key is 32 hexadecimal digits; make one with: openssl rand -hex 16"
        raise cv.Invalid(msg)
    return key


def _fits(value: list[ConfigType]) -> list[ConfigType]:
    length = sum(1 + TYPES[each[CONF_TYPE]][1] for each in value)
    if length > OBJECTS_MAX:
        msg = f"One advert holds {OBJECTS_MAX} bytes of measurements; these need {length}"
        raise cv.Invalid(msg)
    return value


MEASUREMENT = cv.All(
    cv.Schema(
        {
            cv.Required(CONF_TYPE): cv.one_of(*TYPES, lower=True),
            cv.Optional(CONF_SENSOR): cv.use_id(sensor.Sensor),
            cv.Optional(CONF_BINARY_SENSOR): cv.use_id(binary_sensor.BinarySensor),
        }
    ),
    cv.has_exactly_one_key(CONF_SENSOR, CONF_BINARY_SENSOR),
)

CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(BThomeBroadcast),
        cv.GenerateID(CONF_BLE_ID): cv.use_id(esp32_ble.ESP32BLE),
        cv.Required(CONF_ENCRYPTION_KEY): cv.sensitive(_key),
        cv.Required(CONF_NAME): cv.All(cv.string_strict, cv.Length(min=1, max=20)),
        cv.Required(CONF_MEASUREMENTS): cv.All(cv.ensure_list(MEASUREMENT), cv.Length(min=1), _fits),
        cv.Optional(CONF_TRIGGER_BASED, default=False): cv.boolean,
        # How often while shouting, how long, and how long to wait for the slowest sensor.
        cv.Optional(CONF_INTERVAL, default="100ms"): cv.All(
            cv.positive_time_period_milliseconds,
            cv.Range(min=TimePeriod(milliseconds=20), max=TimePeriod(milliseconds=10240)),
        ),
        cv.Optional(CONF_DURATION, default="1500ms"): cv.positive_time_period_milliseconds,
        cv.Optional(CONF_PATIENCE, default="4s"): cv.positive_time_period_milliseconds,
        cv.Optional(CONF_ON_SENT): automation.validate_automation(single=True),
    }
).extend(cv.COMPONENT_SCHEMA)

FINAL_VALIDATE_SCHEMA = esp32_ble.validate_variant


async def to_code(config: ConfigType) -> None:
    """Generate the C++ that makes the component."""
    var = cg.new_Pvariable(config[CONF_ID])
    await cg.register_component(var, config)
    parent = await cg.get_variable(config[CONF_BLE_ID])
    esp32_ble.register_gap_event_handler(parent, var)

    key = bytes.fromhex(config[CONF_ENCRYPTION_KEY])
    cg.add(var.set_key([cg.RawExpression(f"0x{byte:02x}") for byte in key]))
    cg.add(var.set_name(config[CONF_NAME]))
    cg.add(var.set_trigger_based(config[CONF_TRIGGER_BASED]))
    cg.add(var.set_interval(config[CONF_INTERVAL]))
    cg.add(var.set_duration(config[CONF_DURATION]))
    cg.add(var.set_patience(config[CONF_PATIENCE]))
    # Receivers want rising ids; of two alike the order of the YAML counts (Temperature 1, Temperature 2).
    for each in sorted(config[CONF_MEASUREMENTS], key=lambda each: TYPES[each[CONF_TYPE]][0]):
        number, size, per_unit, signed = TYPES[each[CONF_TYPE]]
        if CONF_SENSOR in each:
            cg.add(var.add_sensor(await cg.get_variable(each[CONF_SENSOR]), number, size, per_unit, signed))
        else:
            source = await cg.get_variable(each[CONF_BINARY_SENSOR])
            cg.add(var.add_binary_sensor(source, number, size, per_unit, signed))
    if CONF_ON_SENT in config:
        await automation.build_automation(var.get_sent_trigger(), [], config[CONF_ON_SENT])

    cg.add_define("USE_ESP32_BLE_ADVERTISING")
    request_bluetooth()
