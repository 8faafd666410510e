"""The ways an owner can know the temperature factor fRsi of a room's coldest surface."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from homeassistant.const import UnitOfTemperature
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.unit_conversion import TemperatureConverter

from ..engine import ReadingError, from_mold_indicator, from_single_reading

MOLD_INDICATOR_DOMAIN: Final = "mold_indicator"
_CALIBRATION: Final = "calibration_factor"

LOWEST: Final = 0.2
HIGHEST: Final = 1.0


class FactorSource(StrEnum):
    """Where the factor comes from."""

    NONE = "none"
    KEEP = "keep"
    MEASURED = "measured"
    MOLD_INDICATOR = "mold_indicator"
    SURFACE = "surface"


@callback
def mold_indicators(hass: HomeAssistant) -> dict[str, str]:
    """Return the calibrated mold indicators: titles by config entry id."""
    entries = hass.config_entries.async_entries(MOLD_INDICATOR_DOMAIN, include_ignore=False)
    return {
        entry.entry_id: f"{entry.title} ({entry.options[_CALIBRATION]:g})"
        for entry in entries
        if _calibrated(entry.options)
    }


@callback
def mold_indicator_of(hass: HomeAssistant, entity_ids: set[str]) -> str | None:
    """Return the mold indicator that listens to one of these entities."""
    for entry_id in mold_indicators(hass):
        entry = hass.config_entries.async_get_known_entry(entry_id)
        if entity_ids & {str(value) for value in entry.options.values()}:
            return entry_id
    return None


@callback
def factor_of_mold_indicator(hass: HomeAssistant, entry_id: str) -> float | None:
    """Return the factor a calibration means, None when it can be none."""
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or not _calibrated(entry.options):
        return None
    try:
        return round(from_mold_indicator(float(entry.options[_CALIBRATION])).mean, 3)
    except ReadingError:
        return None


def factor_of_surface(surface: float, inside: float, outside: float, unit: str) -> float | None:
    """Return the factor one reading of a surface means, None when it can be none."""
    celsius = (
        TemperatureConverter.convert(each, unit, UnitOfTemperature.CELSIUS) for each in (surface, inside, outside)
    )
    try:
        return round(from_single_reading(*celsius).mean, 3)
    except ReadingError:
        return None


def _calibrated(options: Mapping[str, object]) -> bool:
    calibration = options.get(_CALIBRATION)
    return isinstance(calibration, int | float) and calibration > 0
