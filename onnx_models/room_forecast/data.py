"""Read homes laid out as in `../shared/data/humidity` into hourly series; any home names will do.

Nothing is shipped from here. Vapour pressure is taken from each message that carries temperature and
humidity, then averaged by the hour, as at run time. Where a station publishes no humidity but its
heat index (Baltimore), the outdoor vapour pressure is recovered from that (`station.py`). What a home does
not tell is unknown: a table or a column may be missing, a room without a reading is left out.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import Tensor
from custom_components.smartloop.engine.features.psychrometrics import saturation_pressure

from . import station

type Array = NDArray[np.float64]

HOUR = 3600
_ROOM_LIMITS, _OUTDOOR_LIMITS = (-30.0, 60.0), (-50.0, 55.0)
LICENCES: Mapping[str, str] = {
    "baltimore": "Apache-2.0 (Howard Center, Code Red 2019)",
    "belgium": "CC BY 4.0 (Candanedo et al. 2017, UCI 374)",
    "room_climate": "open data sets, cite Morgner et al., ESORICS 2017",
    "sgh": "CC BY 4.0 (Santos et al. 2023, doi 10.48527/RXSATI)",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """One room's hourly series; NaN is unknown."""

    name: str
    start: int
    """Hours since 1970 of the first value, by the clock of the recording"""
    temperature: Tensor
    vapour_pressure: Tensor
    outdoor_temperature: Tensor
    outdoor_vapour_pressure: Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """One home: the unit of every split."""

    name: str
    source: str
    rooms: tuple[Room, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Messages:
    """Times (s) and what was measured."""

    at: Array
    temperature: Array
    humidity: Array


type _Row = dict[str, str]


def _rows(path: Path, moment: Callable[[_Row], float]) -> tuple[list[_Row], Array]:
    """Return the rows of a compressed table and their moments (s); rows without one are left out."""
    rows, at = [], []
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            with suppress(KeyError, TypeError, ValueError):
                found = moment(row)
                if isfinite(found):
                    rows.append(row)
                    at.append(found)
    return rows, np.array(at, dtype=np.float64)


def _number(text: str | None) -> float:
    """Return a number, NaN for a cell that holds none."""
    try:
        return float(text) if text else np.nan
    except ValueError:
        return np.nan


def _seconds(text: str) -> float:
    """Return seconds since 1970 by the recording's own clock."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _messages(
    rows: Sequence[Mapping[str, str]], at: Array, temperature: str, humidity: str, limits: tuple[float, float]
) -> _Messages:
    """Return what two columns say; impossible values are unknown."""
    t = np.array([_number(row.get(temperature)) for row in rows])
    rh = np.array([_number(row.get(humidity)) for row in rows])
    t = np.where((t >= limits[0]) & (t <= limits[1]), t, np.nan)
    rh = np.where((rh > 1.0) & (rh <= 100.0), rh, np.nan)
    return _Messages(at=at, temperature=t, humidity=rh)


def _hourly(at: Array, values: Array, start: int, hours: int) -> Tensor:
    """Return the mean of each hour."""
    index = (at // HOUR).astype(np.int64) - start
    known = np.isfinite(values) & (index >= 0) & (index < hours)
    count = np.bincount(index[known], minlength=hours)
    total = np.bincount(index[known], weights=values[known], minlength=hours)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _vapour(temperature: Array, humidity: Array) -> Array:
    """Return the vapour pressure, hPa."""
    return np.asarray(1e-4 * humidity * saturation_pressure(temperature))


def _room(name: str, room: _Messages, outdoor: _Messages | None) -> Room | None:
    """Return the hourly series of a room, None without a reading; temperature counts only with a humidity beside it."""
    if not np.isfinite(room.temperature + room.humidity).any():
        return None
    start = int(room.at.min() // HOUR)
    hours = int(room.at.max() // HOUR) - start + 1
    vapour = _vapour(room.temperature, room.humidity)
    nothing = np.full(hours, np.nan, np.float32)
    return Room(
        name=name,
        start=start,
        temperature=_hourly(room.at, np.where(np.isfinite(vapour), room.temperature, np.nan), start, hours),
        vapour_pressure=_hourly(room.at, vapour, start, hours),
        outdoor_temperature=nothing if outdoor is None else _hourly(outdoor.at, outdoor.temperature, start, hours),
        outdoor_vapour_pressure=nothing
        if outdoor is None
        else _hourly(outdoor.at, _vapour(outdoor.temperature, outdoor.humidity), start, hours),
    )


def _home(name: str, source: str, rooms: Sequence[Room | None]) -> Iterator[Home]:
    """Give a home unless it has no room with a reading."""
    known = tuple(room for room in rooms if room is not None)
    if known:
        yield Home(name=name, source=source, rooms=known)


def _sgh(folder: Path) -> Iterator[Home]:
    """Read Smart Green Homes: Zigbee messages as they came, hourly weather (-99 is missing)."""
    for path in sorted(folder.glob("*_climate.csv.gz")):
        name = path.name.removesuffix("_climate.csv.gz")
        rows, at = _rows(path, lambda row: _seconds(row["time"]))
        room = _messages(rows, at, "temp_c", "rh_pct", _ROOM_LIMITS)
        weather = path.with_name(f"{name}_outdoor.csv.gz")
        outdoor = None
        if weather.exists():
            # Always one hour before the fetch, summer and winter: it is in UTC whatever its column is called.
            rows, at = _rows(weather, lambda row: _seconds(row["observed_at"] or row["time"]))
            outdoor = _messages(rows, at, "temp_c", "rh_pct", _OUTDOOR_LIMITS)
        yield from _home(name, "sgh", [_room("room", room, outdoor)])


def _station(start: int, hours: int, at: Array, temperature: Array, index: Array) -> tuple[Tensor, Tensor]:
    """Return the hourly outdoor temperature, °C, and the vapour pressure, hPa, that its heat index betrays."""
    mean, felt = _hourly(at, temperature, start, hours), _hourly(at, index, start, hours)
    known = np.where(np.isfinite(felt), mean, np.nan).astype(np.float64)
    vapour = station.vapour_pressure(known * 1.8 + 32.0, felt.astype(np.float64) * 1.8 + 32.0)
    return mean, vapour.astype(np.float32)


def _baltimore(folder: Path) -> Iterator[Home]:
    """Read Baltimore row houses: one room each, outdoor temperature and heat index of a station."""
    for path in sorted(folder.glob("*_1min.csv.gz")):
        rows, at = _rows(path, lambda row: _seconds(row["time_local"]))
        room = _room("room", _messages(rows, at, "temp_c", "rh_pct", _ROOM_LIMITS), None)
        if room is None:
            continue
        outdoor = np.array([_number(row.get("outdoor_temp_c")) for row in rows])
        index = np.array([_number(row.get("outdoor_heat_index_c")) for row in rows])
        temperature, vapour = _station(room.start, room.temperature.size, at, outdoor, index)
        yield Home(
            name=f"baltimore_{path.name.removesuffix('_1min.csv.gz')}",
            source="baltimore",
            rooms=(replace(room, outdoor_temperature=temperature, outdoor_vapour_pressure=vapour),),
        )


def _belgium(folder: Path) -> Iterator[Home]:
    """Read houses with many zones and the airport's weather: all zones are one home."""
    for path in sorted(folder.glob("*.csv.gz")):
        rows, at = _rows(path, lambda row: _seconds(row["time_local"]))
        zones = [
            key.removesuffix("_temp_c")
            for key in (rows[0] if rows else ())
            if key.endswith("_temp_c") and not key.startswith("out")
        ]
        outdoor = _messages(rows, at, "out_temp_c", "out_rh_pct", _OUTDOOR_LIMITS)
        rooms = [
            _room(zone, _messages(rows, at, f"{zone}_temp_c", f"{zone}_rh_pct", _ROOM_LIMITS), outdoor)
            for zone in zones
        ]
        yield from _home(f"belgium_{path.name.removesuffix('.csv.gz')}", "belgium", rooms)


def _room_climate(folder: Path) -> Iterator[Home]:
    """Read locations of short measurements with several nodes: all nodes are one home."""
    for path in sorted(folder.glob("*_10s.csv.gz")):
        nodes: defaultdict[str, list[tuple[_Row, float]]] = defaultdict(list)
        for row, moment in zip(
            *_rows(path, lambda row: _seconds(row["start_utc"]) + _number(row["bin_s"])), strict=True
        ):
            nodes[row.get("node") or ""].append((row, moment))
        rooms = []
        for node, told in sorted(nodes.items()):
            rows, at = [row for row, _ in told], np.array([moment for _, moment in told])
            rooms.append(_room(f"node_{node}", _messages(rows, at, "temp_c", "rh_pct", _ROOM_LIMITS), None))
        name = f"room_climate_{path.name.removesuffix('_10s.csv.gz')}"
        yield from _home(name, "room_climate", rooms)


READERS = {
    "baltimore_homes": _baltimore,
    "belgium_house_10min": _belgium,
    "room_climate_occupancy": _room_climate,
    "sgh_zigbee_homes": _sgh,
}


def homes(folder: Path) -> list[Home]:
    """Return every home below a folder laid out like the reference data."""
    return [home for name, reader in READERS.items() for home in reader(folder / name)]
