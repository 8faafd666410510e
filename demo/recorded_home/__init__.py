"""A recorded home played back as sensors and weather: the demo's stand-in for radios.

Values, their order and their spacing are those of the recording; only the dates are moved so
that the recording's ANCHOR falls on the moment the demo was first started.
"""

import csv
import gzip
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import probatio as vol
from homeassistant.config_entries import SOURCE_IMPORT, ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

DOMAIN = "recorded_home"
PLATFORMS = [Platform.SENSOR, Platform.WEATHER]
ROOMS = {"bathroom": "Bathroom", "kitchen": "Kitchen", "parents_room": "Bedroom"}
CONFIG_SCHEMA = vol.Schema(
    {DOMAIN: vol.Schema({vol.Required("csv"): cv.string, vol.Required("anchor"): cv.string})}, extra=vol.ALLOW_EXTRA
)

type RecordedHomeEntry = ConfigEntry[Recording]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """The recording and where in it the present is."""

    times: tuple[datetime, ...]
    """naive, the recording's own clock"""
    columns: dict[str, tuple[float, ...]]
    anchor: datetime
    began: datetime

    def index(self, now: datetime) -> int:
        """Return the row that is valid at a present moment."""
        return max(0, bisect_right(self.times, self.anchor + (now - self.began)) - 1)

    def present(self, index: int) -> datetime:
        """Return the present moment of a row."""
        return self.began + (self.times[index] - self.anchor)


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


async def async_unload_entry(hass: HomeAssistant, entry: RecordedHomeEntry) -> None:
    """Stop."""
    await hass.config_entries.async_unload_platforms_or_raise(entry, PLATFORMS)


TICK = timedelta(minutes=1)
