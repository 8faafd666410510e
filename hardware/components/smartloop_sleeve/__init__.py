"""The inhaler sleeve's own part: movements, cap, switch and pressure in, one record per puff out."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome import automation
from esphome.components import binary_sensor, motion, sensor
from esphome.const import CONF_ID
from esphome.types import ConfigType

DEPENDENCIES = ["motion"]
AUTO_LOAD = ["binary_sensor", "sensor"]
CODEOWNERS = ["@smartloop"]

CONF_CAP = "cap"
CONF_DIFFERENTIAL_PRESSURE = "differential_pressure"
CONF_FLOW_FACTOR = "flow_factor"
CONF_MOTION_ID = "motion_id"
CONF_ON_PUFF = "on_puff"
CONF_PRESSED = "pressed"

ns = cg.esphome_ns.namespace("smartloop_sleeve")
Sleeve = ns.class_("Sleeve", cg.Component)
Puff = cg.global_ns.namespace("smartloop").struct("Puff")

CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(Sleeve),
        cv.GenerateID(CONF_MOTION_ID): cv.use_id(motion.MotionComponent),
        # On while the cap is off. Without it every jolt of a calm sleeve counts.
        cv.Required(CONF_CAP): cv.use_id(binary_sensor.BinarySensor),
        # On while the canister is pressed, where the sleeve has such a switch; it then decides alone.
        cv.Optional(CONF_PRESSED): cv.use_id(binary_sensor.BinarySensor),
        # In pascal; the factor, L/min per square root of pascal, is found with the README's calibration.
        cv.Optional(CONF_DIFFERENTIAL_PRESSURE): cv.use_id(sensor.Sensor),
        cv.Optional(CONF_FLOW_FACTOR, default=6.0): cv.positive_float,
        cv.Optional(CONF_ON_PUFF): automation.validate_automation(single=True),
    }
).extend(cv.COMPONENT_SCHEMA)


async def to_code(config: ConfigType) -> None:
    """Generate the C++ that makes the component."""
    var = cg.new_Pvariable(config[CONF_ID])
    await cg.register_component(var, config)
    cg.add(var.set_motion(await cg.get_variable(config[CONF_MOTION_ID])))
    cg.add(var.set_cap(await cg.get_variable(config[CONF_CAP])))
    if CONF_PRESSED in config:
        cg.add(var.set_pressed(await cg.get_variable(config[CONF_PRESSED])))
    if CONF_DIFFERENTIAL_PRESSURE in config:
        pressure = await cg.get_variable(config[CONF_DIFFERENTIAL_PRESSURE])
        cg.add(var.set_differential_pressure(pressure, config[CONF_FLOW_FACTOR]))
    if CONF_ON_PUFF in config:
        await automation.build_automation(var.get_puff_trigger(), [(Puff, "puff")], config[CONF_ON_PUFF])
