"""Nights at home, laid out like `../shared/data/bed`: breathing belts, beat intervals, months of a watch's nights."""

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.breath import Breaths, breaths

type Array = NDArray[np.float64]

HERTZ: Final = 5.0
MOST_S: Final = 86400.0
_DAILY: Final = (
    ("resting_hr", "date", "resting_hr", "resting", (25.0, 220.0)),
    ("sleep_score", "timestamp", "restlessness", "restlessness", (0.0, 1.0)),
    ("wellness_daily", "effective_time_frame", "sleep_quality", "quality", (1.0, 5.0)),
)
"""Table, column of the day, column, field of `Watch`, what can be: people who say nothing say 0"""


@dataclass(frozen=True, slots=True)
class Belt:
    """One night of a breathing belt, counted both ways."""

    person: str
    name: str
    found: Breaths


@dataclass(frozen=True, slots=True)
class Beats:
    """One night of a chest strap."""

    person: str
    name: str
    at_s: Array
    length_ms: Array
    device: Array
    """1/min, the strap's own heart rate at each beat"""


@dataclass(slots=True)
class Watch:
    """Months of one person."""

    name: str
    resting: dict[date, float] = field(default_factory=dict)
    """1/min"""
    bedtime: dict[date, float] = field(default_factory=dict)
    """min after noon, by the day one got up"""
    asleep: dict[date, float] = field(default_factory=dict)
    """min"""
    restlessness: dict[date, float] = field(default_factory=dict)
    quality: dict[date, float] = field(default_factory=dict)
    """1-5, told in the morning"""


def belts(data: Path) -> list[Belt]:
    """Return the belt's nights below a folder; resp5hz_PERSON_NIGHT_*."""
    out = []
    for path in sorted((data / "home_nights_hr_resp").glob("resp5hz_*.csv.gz")):
        person, night = [*path.name.split("_"), "", ""][1:3]
        (signal,) = _columns(path, "resp_raw")
        if np.isfinite(signal).any():
            out.append(Belt(person, f"{person}_{night}", breaths(signal, HERTZ)))
    return out


def straps(data: Path) -> list[Beats]:
    """Return the strap's nights below a folder."""
    out = []
    for path in sorted((data / "home_nights_hr_resp").glob("rr_intervals*.csv.gz")):
        names, *numbers = _texts(path, "night", "t_s", "rr_ms", "hr_bpm")
        at, length, device = (_numbers(each) for each in numbers)
        night = np.array(names)
        for name in sorted(set(names) - {""}):
            of = (night == name) & (at >= 0.0) & (at <= MOST_S)
            if of.any():
                out.append(Beats(name.split("_")[0], name, at[of], length[of], device[of]))
    return out


def watches(data: Path) -> list[Watch]:
    """Return everybody's months below a folder, sorted by name."""
    folder = data / "pmdata_sleep_logs"
    people: dict[str, Watch] = {}

    def of(row: Mapping[str, str | None]) -> Watch:
        name = row.get("person") or ""
        return people.setdefault(name, Watch(name))

    for table, when, column, kept, (low, high) in _DAILY:
        for row in _table(folder, table):
            day, value = _day(row.get(when)), _number(row.get(column))
            if day is not None and low <= value <= high:
                getattr(of(row), kept)[day] = value
    for row in _table(folder, "nights"):
        began, ended = _moment(row.get("start_local")), _moment(row.get("end_local"))
        if row.get("main_sleep") == "1" and began is not None and ended is not None:
            of(row).bedtime[ended.date()] = float((began.hour * 60 + began.minute - 720) % 1440)
            if isfinite(slept := _number(row.get("asleep_min"))):
                of(row).asleep[ended.date()] = slept
    return [people[name] for name in sorted(people) if name]


def _table(folder: Path, name: str) -> Iterator[dict[str, str | None]]:
    for path in sorted(folder.glob(f"{name}*.csv.gz")):
        yield from _rows(path)


def _rows(path: Path) -> Iterator[dict[str, str | None]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _texts(path: Path, *names: str) -> list[list[str]]:
    """Return columns as they are written; of long tables a dictionary a row would cost most of the time."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        told = [row for row in rows if len(row) == len(header)]
    return [[row[header.index(name)] for row in told] if name in header else [""] * len(told) for name in names]


def _columns(path: Path, *names: str) -> list[Array]:
    return [_numbers(each) for each in _texts(path, *names)]


def _numbers(texts: list[str]) -> Array:
    """Return numbers, NaN where there is none."""
    try:
        return np.array(texts, dtype=np.float64)
    except ValueError:
        return np.array([_number(each) for each in texts], dtype=np.float64)


def _number(text: str | None) -> float:
    """Return a number, NaN where there is none."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _moment(text: str | None) -> datetime | None:
    """Return a local time, None where there is none."""
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return None


def _day(text: str | None) -> date | None:
    """Return the day of a time, None where there is none."""
    found = _moment((text or "")[:10])
    return None if found is None else found.date()
