"""Our own Bluetooth protocol (docs/protocol.md) on an ESP32: advert, encrypted event log, key by button.

The arithmetic is in device.cpp, records.cpp and crypto.cpp, without ESPHome, and tested on the computer.
"""

from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome import automation
from esphome.components import binary_sensor, esp32_ble, esp32_ble_server, sensor
from esphome.components.esp32_ble import CONF_BLE_ID
from esphome.const import CONF_ID, CONF_KEY
from esphome.types import ConfigType

AUTO_LOAD = ["ble_device_base", "esp32_ble_server"]
DEPENDENCIES = ["esp32"]
CODEOWNERS = ["@smartloop"]

CONF_BATTERY = "battery"
CONF_BATTERY_VOLTAGE = "battery_voltage"
CONF_CAPACITY = "capacity"
CONF_KIND = "kind"
CONF_ON_IDENTIFY = "on_identify"
CONF_SERVER_ID = "server_id"
CONF_SETUP_BUTTON = "setup_button"
CONF_TOLERANCE = "clock_tolerance_ppm"

ns = cg.esphome_ns.namespace("smartloop_ble")
SmartLoopBLE = ns.class_("SmartLoopBLE", cg.Component)
Kind = cg.global_ns.namespace("smartloop").namespace("ble").enum("Kind", is_class=True)
KINDS = {"inhaler_sleeve": Kind.INHALER_SLEEVE, "bed_node": Kind.BED_NODE}


def _key(value: Any) -> str:
    key: str = cv.string_strict(value).lower()
    if key and (len(key) != 32 or any(char not in "0123456789abcdef" for char in key)):
        msg = (
            "The key is 32 hexadecimal digits (make one with: openssl rand -hex 16), or empty to agree on one by button"
        )
        raise cv.Invalid(msg)
    return key


CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(SmartLoopBLE),
        cv.GenerateID(CONF_BLE_ID): cv.use_id(esp32_ble.ESP32BLE),
        cv.GenerateID(CONF_SERVER_ID): cv.use_id(esp32_ble_server.BLEServer),
        cv.Required(CONF_KIND): cv.enum(KINDS, lower=True),
        # Only for a board that has none yet: a key agreed on later stays.
        cv.Optional(CONF_KEY, default=""): cv.sensitive(_key),
        # Events kept while nobody fetches them; each takes 96 bytes of flash. A night in bed is 480.
        cv.Optional(CONF_CAPACITY, default=500): cv.int_range(min=16, max=1000),
        cv.Optional(CONF_BATTERY): cv.use_id(sensor.Sensor),
        cv.Optional(CONF_BATTERY_VOLTAGE): cv.use_id(sensor.Sensor),
        # Held for 5 s (debounce it in its own filters): two minutes of set-up mode.
        cv.Optional(CONF_SETUP_BUTTON): cv.use_id(binary_sensor.BinarySensor),
        # 200 with a 32 kHz crystal; a sleeping ESP32 without one is off by per cent.
        cv.Optional(CONF_TOLERANCE, default=50000): cv.int_range(min=1, max=65535),
        cv.Optional(CONF_ON_IDENTIFY): automation.validate_automation(single=True),
    }
).extend(cv.COMPONENT_SCHEMA)

FINAL_VALIDATE_SCHEMA = esp32_ble.validate_variant


async def to_code(config: ConfigType) -> None:
    """Generate the C++ that makes the component."""
    var = cg.new_Pvariable(config[CONF_ID])
    await cg.register_component(var, config)
    parent = await cg.get_variable(config[CONF_BLE_ID])
    esp32_ble.register_gap_event_handler(parent, var)
    esp32_ble.register_gatts_event_handler(parent, var)
    await cg.get_variable(config[CONF_SERVER_ID])
    cg.add(var.set_kind(config[CONF_KIND]))
    cg.add(var.set_capacity(config[CONF_CAPACITY]))
    cg.add(var.set_tolerance(config[CONF_TOLERANCE]))
    if config[CONF_KEY]:
        key = bytes.fromhex(config[CONF_KEY])
        cg.add(var.set_key([cg.RawExpression(f"0x{byte:02x}") for byte in key]))
    if CONF_BATTERY in config:
        cg.add(var.set_battery(await cg.get_variable(config[CONF_BATTERY])))
    if CONF_BATTERY_VOLTAGE in config:
        cg.add(var.set_battery_voltage(await cg.get_variable(config[CONF_BATTERY_VOLTAGE])))
    if CONF_SETUP_BUTTON in config:
        cg.add(var.set_setup_button(await cg.get_variable(config[CONF_SETUP_BUTTON])))
    if CONF_ON_IDENTIFY in config:
        await automation.build_automation(var.get_identify_trigger(), [], config[CONF_ON_IDENTIFY])
