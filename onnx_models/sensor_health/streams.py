"""When messages came, in homes laid out as in `../shared/data/humidity`; any home names will do.

Smart Green Homes kept every message as it came. Its files do not tell several sensors of one kind
apart, so a file is one stream here, and "silent" means that all of a kind are. The other homes were
resampled to a grid; they are scored as recorded, and as a Zigbee sensor in the same room would have
reported: on a change of 0.2 K or 1 %, at least every hour, with a twentieth of the messages late.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]

DAY = 86400.0
MESSAGE_S = 2.0
_STEP_K, _STEP_RH, _LATEST_S = 0.2, 1.0, 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """When one source spoke."""

    home: str
    name: str
    at: Array
    """s since 1970 by the recording's clock, increasing"""
    events: bool
    """Speaks when something happens, rather than of the climate"""
    real: bool
    """Messages as they came, with whatever went wrong"""

    @property
    def gaps(self) -> Array:
        """Return the seconds between messages."""
        return np.diff(self.at)

    @property
    def interval(self) -> float:
        """Return the interval of its signs of life, s, with hindsight: 95 % of the gaps are shorter."""
        return float(np.quantile(self.gaps, 0.95))


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _time(text: str | None) -> float:
    """Return seconds since 1970, NaN where there is no time."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(text: str | None) -> float:
    """Return a number, NaN for a cell that holds none."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _spoken(at: Array) -> Array:
    """Return the messages: values that come within two seconds are one."""
    at = np.unique(at[np.isfinite(at)])
    return at[np.concatenate([[True], np.diff(at) > MESSAGE_S])] if at.size else at


def _sgh(folder: Path) -> Iterator[Stream]:
    for path in sorted(folder.glob("*_climate.csv.gz")):
        home = path.name.removesuffix("_climate.csv.gz")
        for kind in ("climate", "motion", "contact"):
            file = path.with_name(f"{home}_{kind}.csv.gz")
            if file.exists():
                at = _spoken(np.array([_time(row.get("time")) for row in _rows(file)], dtype=np.float64))
                yield Stream(home=home, name=kind, at=at, events=kind != "climate", real=True)


def _grid(home: str, rows: list[dict[str, str]], zones: list[tuple[str, str, str]]) -> Iterator[Stream]:
    """Yield each zone as recorded, and as it would have been reported."""
    times = np.array([_time(row.get("time_local")) for row in rows], dtype=np.float64)
    for zone, temperature, humidity in zones:
        values = np.array([[_number(row.get(name)) for name in (temperature, humidity)] for row in rows]).reshape(-1, 2)
        known = np.isfinite(values).all(axis=1) & np.isfinite(times)
        at, shown = times[known], values[known]
        if at.size < 2:
            continue
        yield Stream(home=home, name=zone, at=_spoken(at), events=False, real=False)
        yield Stream(home=home, name=f"{zone}, on change", at=_on_change(at, shown), events=False, real=False)


def _on_change(at: Array, values: Array) -> Array:
    """Return when a sensor that reports changes would have spoken."""
    chance = np.random.default_rng(int(at[0]) % 2**32)
    found, said, then = [float(at[0])], values[0], float(at[0])
    for moment, value in zip(at[1:], values[1:], strict=True):
        moved = np.abs(value - said) >= (_STEP_K, _STEP_RH)
        if moved.any() or moment - then >= _LATEST_S:
            said, then = value, float(moment)
            found.append(then + float(chance.exponential(20.0)) * (chance.random() < 0.05))
    return _spoken(np.array(found))


def streams(folder: Path) -> list[Stream]:
    """Return every stream below a folder; none where there is no home."""
    found = list(_sgh(folder / "sgh_zigbee_homes"))
    for path in sorted((folder / "baltimore_homes").glob("*_1min.csv.gz")):
        home = f"baltimore_{path.name.removesuffix('_1min.csv.gz')}"
        found += _grid(home, _rows(path), [("room", "temp_c", "rh_pct")])
    for path in sorted((folder / "belgium_house_10min").glob("*.csv.gz")):
        rows = _rows(path)
        names = rows[0] if rows else {}
        zones = [key.removesuffix("_temp_c") for key in names if key.endswith("_temp_c") and key != "out_temp_c"]
        home = f"belgium_{path.name.removesuffix('.csv.gz')}"
        found += _grid(home, rows, [(zone, f"{zone}_temp_c", f"{zone}_rh_pct") for zone in zones])
    return [stream for stream in found if stream.at.size > 50]
