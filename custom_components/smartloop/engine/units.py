"""Convert other units of the same quantity to the engine's own."""

from collections.abc import Callable
from math import isfinite

from .errors import ReadingError, UnitError
from .reading import UNITS, Measurand

type Conversion = Callable[[float], float]


def _times(factor: float) -> Conversion:
    return lambda value: value * factor


_TEMPERATURE: dict[str, Conversion] = {
    "°F": lambda value: (value - 32.0) / 1.8,
    "K": lambda value: value - 273.15,
}
_DENSITY: dict[str, Conversion] = {
    # U+03BC (Greek) is Home Assistant's own spelling, U+00B5 (micro sign) the older one.
    "\u03bcg/m³": _times(1.0),
    "ug/m3": _times(1.0),
    "mg/m³": _times(1000.0),
    "g/m³": _times(1e6),
}
_TVOC_UG_PER_PPB = 4.5
"""µg/m³ per ppb at 25 °C and 1013 hPa: 110 g/mol, the mean of indoor mixtures (Mølhave), by 24.45 L/mol."""
_RATE: dict[str, Conversion] = {
    # ESPHome's radar gives breaths a minute without saying so.
    **dict.fromkeys(
        (
            "", "bpm", "BPM", "br/min", "brpm", "rpm", "/min", "min⁻¹", "beats/min", "breaths/min",
            "beats per minute", "breaths per minute",
        ),
        _times(1.0),
    ),
    "Hz": _times(60.0),
}  # fmt: skip
_STATE: dict[str, Conversion] = {"": _times(1.0)}

CONVERSIONS: dict[Measurand, dict[str, Conversion]] = {
    Measurand.TEMPERATURE: _TEMPERATURE,
    Measurand.SURFACE_TEMPERATURE: _TEMPERATURE,
    Measurand.PM1: _DENSITY,
    Measurand.PM25: _DENSITY,
    Measurand.PM10: _DENSITY,
    Measurand.TVOC: _DENSITY | {"ppb": _times(_TVOC_UG_PER_PPB), "ppm": _times(1000.0 * _TVOC_UG_PER_PPB)},
    Measurand.BATTERY_VOLTAGE: {"V": _times(1000.0)},
    Measurand.CO2: {"ppb": _times(1e-3), "%": _times(1e4)},
    Measurand.WATER_FLOW: {
        "m³/h": _times(1000.0 / 60.0),
        "m³/min": _times(1000.0),
        "m³/s": _times(60000.0),
        "L/h": _times(1.0 / 60.0),
        "L/s": _times(60.0),
        "mL/s": _times(0.06),
        "gal/min": _times(3.785411784),
        "gal/h": _times(3.785411784 / 60.0),
        "gal/d": _times(3.785411784 / 1440.0),
        "ft³/min": _times(28.316846592),
    },
    Measurand.WATER_VOLUME: {
        "m³": _times(1000.0),
        "mL": _times(1e-3),
        "gal": _times(3.785411784),
        "ft³": _times(28.316846592),
        "CCF": _times(2831.6846592),
    },
    Measurand.WATER_PRESSURE: {
        "Pa": _times(1e-3),
        "hPa": _times(0.1),
        "mbar": _times(0.1),
        "bar": _times(100.0),
        "psi": _times(6.894757293),
        "mmHg": _times(0.1333223874),
        "inHg": _times(3.386389),
    },
    Measurand.HEART_RATE: _RATE,
    Measurand.RESPIRATORY_RATE: _RATE,
    Measurand.BED_MOTION: {"%": _times(0.01), "": _times(1.0)},
    Measurand.PEAK_FLOW: {"L/s": _times(60.0)},
    **dict.fromkeys(
        (
            Measurand.VOC_INDEX,
            Measurand.WET,
            Measurand.BED_OCCUPANCY,
            Measurand.WINDOW_OPEN,
            Measurand.MOTION,
            Measurand.PRESENCE,
            Measurand.SWITCH_ON,
            Measurand.SYMPTOM_SCORE,
            Measurand.POLLEN_INDEX,
        ),
        _STATE,
    ),
    Measurand.LINK_QUALITY: {"": _times(1.0), "lqi": _times(1.0), "dBm": _times(1.0), "dB": _times(1.0)},
}


def convert(measurand: Measurand, value: float, unit: str) -> float:
    """Return the value in the measurand's own unit.

    Raises UnitError for a unit that is not one of this quantity, ReadingError for a value
    that is no number.
    """
    if not isfinite(value):
        msg = f"{measurand} is not a number"
        raise ReadingError(msg)
    if unit == UNITS[measurand]:
        return value
    try:
        return CONVERSIONS[measurand][unit](value)
    except KeyError:
        msg = f"{unit!r} is no unit of {measurand}"
        raise UnitError(msg) from None
