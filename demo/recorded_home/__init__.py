"""A recorded home played back as sensors and weather: the demo's stand-in for radios.

Values, their order and their spacing are those of the recording; only the dates are moved so
that the recording's ANCHOR falls on the moment the demo was first started.
"""

import csv
import gzip
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp
from pathlib import Path

import probatio as vol
from homeassistant.config_entries import SOURCE_IMPORT, ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

DOMAIN = "recorded_home"
PLATFORMS = [Platform.SENSOR, Platform.WEATHER]
PLACES = {"bathroom": "Bathroom", "kitchen": "Kitchen", "parents_room": "Bedroom", "out": "Garden"}
CONFIG_SCHEMA = vol.Schema(
    {DOMAIN: vol.Schema({vol.Required("csv"): cv.string, vol.Required("anchor"): cv.string})}, extra=vol.ALLOW_EXTRA
)

type RecordedHomeEntry = ConfigEntry[Recording]


@dataclass(kw_only=True, slots=True)
class Airing:
    """A window that somebody in the demo opened; the recording knows nothing of it.

    The room's vapour pressure goes to the outdoor one at AIR_CHANGES per hour while the window is
    open and comes back to the recorded one at RETURN_PER_HOUR afterwards, as walls give off what
    they stored.
    """

    start: datetime
    minutes: float

    def share(self, now: datetime) -> float:
        """Return how much of the difference to the outdoor air is gone, 0 to 1."""
        since = (now - self.start).total_seconds() / 3600.0
        if since < 0.0:
            return 0.0
        open_for = min(since, self.minutes / 60.0)
        return (1.0 - exp(-AIR_CHANGES * open_for)) * exp(-RETURN_PER_HOUR * (since - open_for))


AIR_CHANGES = 8.0
RETURN_PER_HOUR = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """The recording and where in it the present is."""

    times: tuple[datetime, ...]
    """naive, the recording's own clock"""
    columns: dict[str, tuple[float, ...]]
    anchor: datetime
    began: datetime
    airings: dict[str, Airing] = field(default_factory=dict)

    def value(self, column: str, now: datetime) -> float:
        """Return the recorded value that is valid now, with what an open window makes of a humidity."""
        index = self.index(now)
        value = self.columns[column][index]
        place, kind = column.split("_rh_pct", maxsplit=1)[0], column.endswith("_rh_pct")
        airing = self.airings.get(place)
        if not kind or airing is None or not (share := airing.share(now)):
            return value
        inside = self.columns[f"{place}_temp_c"][index]
        pressure = value * _saturated(inside)
        outside = self.columns["out_rh_pct"][index] * _saturated(self.columns["out_temp_c"][index])
        return round((pressure + share * (outside - pressure)) / _saturated(inside), 1)

    def index(self, now: datetime) -> int:
        """Return the row that is valid at a present moment."""
        return max(0, bisect_right(self.times, self.anchor + (now - self.began)) - 1)

    def present(self, index: int) -> datetime:
        """Return the present moment of a row."""
        return self.began + (self.times[index] - self.anchor)


def _saturated(temperature: float) -> float:
    """Return the saturation vapour pressure over water, Pa (Magnus)."""
    return 611.2 * exp(17.62 * temperature / (243.12 + temperature))


def load(path: Path, anchor: str, began: datetime) -> Recording:
    """Read the recording."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return Recording(
        times=tuple(datetime.fromisoformat(row["time_local"]) for row in rows),
        columns={name: tuple(float(row[name]) for row in rows) for name in rows[0] if name != "time_local"},
        anchor=datetime.fromisoformat(anchor),
        began=began,
    )


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Take the YAML once; the moment of the first start becomes the anchor."""
    if DOMAIN in config:
        hass.async_create_task(
            hass.config_entries.flow.async_init(
                DOMAIN,
                context={"source": SOURCE_IMPORT},
                data=dict(config[DOMAIN]) | {"began": dt_util.utcnow().isoformat()},
            )
        )
    return True


async def async_setup_entry(hass: HomeAssistant, entry: RecordedHomeEntry) -> None:
    """Play the recording."""
    began = dt_util.parse_datetime(entry.data["began"], raise_on_error=True)
    entry.runtime_data = await hass.async_add_executor_job(load, Path(entry.data["csv"]), entry.data["anchor"], began)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)

    async def air(call: ServiceCall) -> None:
        entry.runtime_data.airings[call.data["room"]] = Airing(start=dt_util.utcnow(), minutes=call.data["minutes"])

    hass.services.async_register(
        DOMAIN,
        "air",
        air,
        vol.Schema({vol.Required("room"): vol.In(list(PLACES)), vol.Required("minutes"): vol.Coerce(float)}),
    )


async def async_unload_entry(hass: HomeAssistant, entry: RecordedHomeEntry) -> None:
    """Stop."""
    await hass.config_entries.async_unload_platforms_or_raise(entry, PLATFORMS)


TICK = timedelta(minutes=1)
