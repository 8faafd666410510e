"""The bed node's own part: load or pressure in; somebody in bed, movement and breathing out."""

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome import automation
from esphome.components import binary_sensor, sensor
from esphome.const import CONF_ID
from esphome.types import ConfigType

AUTO_LOAD = ["binary_sensor", "sensor"]
CODEOWNERS = ["@smartloop"]

CONF_BREATHING = "breathing"
CONF_LOAD = "load"
CONF_IN_BED = "in_bed"
CONF_MOTION = "motion"
CONF_MOVING_ABOVE = "moving_above"
CONF_OCCUPIED_ABOVE = "occupied_above"
CONF_ON_MINUTE = "on_minute"

ns = cg.esphome_ns.namespace("smartloop_bed")
Bed = ns.class_("Bed", cg.Component)

CONFIG_SCHEMA = cv.Schema(
    {
        cv.GenerateID(): cv.declare_id(Bed),
        # Ten samples a second, in any unit; the two thresholds are in the same one.
        cv.Required(CONF_LOAD): cv.use_id(sensor.Sensor),
        cv.Required(CONF_OCCUPIED_ABOVE): cv.positive_float,
        cv.Required(CONF_MOVING_ABOVE): cv.positive_float,
        cv.Required(CONF_IN_BED): cv.use_id(binary_sensor.BinarySensor),
        cv.Required(CONF_MOTION): cv.use_id(sensor.Sensor),
        cv.Required(CONF_BREATHING): cv.use_id(sensor.Sensor),
        # Once a minute: occupied, share of time moving (0-1), breaths per minute (NaN when unknown).
        cv.Optional(CONF_ON_MINUTE): automation.validate_automation(single=True),
    }
).extend(cv.COMPONENT_SCHEMA)


async def to_code(config: ConfigType) -> None:
    """Generate the C++ that makes the component."""
    var = cg.new_Pvariable(config[CONF_ID], config[CONF_OCCUPIED_ABOVE], config[CONF_MOVING_ABOVE])
    await cg.register_component(var, config)
    cg.add(var.set_load(await cg.get_variable(config[CONF_LOAD])))
    cg.add(var.set_in_bed(await cg.get_variable(config[CONF_IN_BED])))
    cg.add(var.set_motion(await cg.get_variable(config[CONF_MOTION])))
    cg.add(var.set_breathing(await cg.get_variable(config[CONF_BREATHING])))
    if CONF_ON_MINUTE in config:
        arguments = [(bool, "occupied"), (float, "motion"), (float, "breathing")]
        await automation.build_automation(var.get_minute_trigger(), arguments, config[CONF_ON_MINUTE])
