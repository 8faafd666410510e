"""Rooms with people counted: read them, and ask the nowcast minute by minute.

Two layouts: `*_10s.csv.gz` (measurements of one room by several nodes, 10 s means, `occupants`), and
`data*.csv.gz` (one room, a minute a row, `co2_ppm`, `occupied`). A file is a subject.
"""

import csv
import gzip
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.presence_air import MINUTE_S, AirTrail
from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.engine.models.presence_nowcast import NAMES, REQUIRED, PresenceNowcaster

from .fit import Fit, fit

type Array = NDArray[np.float64]

RIDGE: Final = {"co2": 0.01, "climate": 0.1}
THRESHOLD_PPM: Final = 800.0
"""What an absolute rule would take: Pettenkofer's 1000 less 200, for a small office"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One row of a sensor."""

    at: float
    temperature: float | None
    humidity: float | None
    co2: float | None
    occupied: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """One subject: streams of one room in one period, each from one sensor."""

    name: str
    streams: tuple[tuple[Reading, ...], ...]

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the rules it can be judged by."""
        has_co2 = any(row.co2 is not None for stream in self.streams for row in stream)
        return ("co2", "climate") if has_co2 else ("climate",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Minutes:
    """A room's minutes, as one rule sees them."""

    name: str
    source: str
    rows: Array
    """Features (minutes, names), NaN where unknown"""
    outcome: NDArray[np.bool_]
    co2: Array
    chance: Array
    """NaN where the nowcast abstains, or none was asked"""


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _time(text: str) -> float:
    found = datetime.fromisoformat(text.strip())
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _row(row: Mapping[str, str]) -> tuple[str, Reading] | None:
    """Return the stream and the reading of a row, None where it is not usable."""
    try:
        people = float(row["occupants"] if "occupants" in row else row["occupied"])
        at = _time(row["start_utc"]) + float(row["bin_s"]) if "start_utc" in row else _time(row["time_local"])
    except KeyError, TypeError, ValueError:
        return None
    if not (math.isfinite(people) and math.isfinite(at)):
        return None
    reading = Reading(
        at=at,
        temperature=_number(row.get("temp_c")),
        humidity=_number(row.get("rh_pct")),
        co2=_number(row.get("co2_ppm")),
        occupied=people > 0.0,
    )
    return f"{row.get('measurement', '')} {row.get('node', '')}", reading


def _room(path: Path) -> Room | None:
    streams: dict[str, list[Reading]] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for found in map(_row, csv.DictReader(file)):
                if found is not None:
                    streams.setdefault(found[0], []).append(found[1])
    except (OSError, EOFError, UnicodeDecodeError) as err:
        print(f"{path.name}: left out, {err}", file=sys.stderr)
    ordered = tuple(tuple(sorted(rows, key=lambda row: row.at)) for _, rows in sorted(streams.items()))
    return Room(name=path.name.removesuffix(".csv.gz"), streams=ordered) if ordered else None


def rooms(folders: Sequence[Path]) -> list[Room]:
    """Return the rooms below some folders; none twice."""
    found = {path.resolve(): path for folder in folders for path in _paths(folder)}
    return [room for path in sorted(found.values()) if (room := _room(path)) is not None]


def _paths(folder: Path) -> list[Path]:
    climate = [
        path for path in folder.rglob("*_10s.csv.gz") if "occupancy" in path.parent.name or path.parent == folder
    ]
    office = [path for path in folder.rglob("data*.csv.gz") if "occupancy" in path.parent.name or path.parent == folder]
    return climate + office


def minutes(room: Room, source: str, runner: Runner | None = None) -> Minutes:
    """Return a room's minutes, each as it is seen at its end; without CO2 for the rule on climate.

    With a runner the shipped module answers; else there is no answer.
    """
    names = NAMES[source]
    rows: list[list[float]] = []
    meta: list[tuple[bool, float, float]] = []
    for stream in room.streams:
        caster = None if runner is None else PresenceNowcaster(runner)
        trail = AirTrail() if caster is None else caster.trail
        for place, reading in enumerate(stream):
            trail.observe(reading.at, reading.temperature, reading.humidity, reading.co2 if source == "co2" else None)
            after = stream[place + 1].at if place + 1 < len(stream) else np.inf
            if after // MINUTE_S <= reading.at // MINUTE_S:
                continue
            features = trail.features()
            said = None if caster is None else caster.nowcast(reading.at)
            chance = np.nan if said is None or said.probability is None or said.source != source else said.probability
            rows.append([np.nan if (value := features[name]) is None else value for name in names])
            meta.append((reading.occupied, np.nan if reading.co2 is None else reading.co2, chance))
    return Minutes(
        name=room.name,
        source=source,
        rows=np.array(rows, dtype=np.float64).reshape(len(rows), len(names)),
        outcome=np.array([each[0] for each in meta], dtype=bool),
        co2=np.array([each[1] for each in meta], dtype=np.float64),
        chance=np.array([each[2] for each in meta], dtype=np.float64),
    )


def _complete(rows: Array, source: str) -> NDArray[np.bool_]:
    places = [NAMES[source].index(name) for name in REQUIRED[source]]
    return np.asarray(np.isfinite(rows[:, places]).all(axis=1))


def learned(found: Sequence[Minutes], source: str) -> Fit | None:
    """Return a rule fitted on rooms, each counting the same; None without any."""
    known = [(each, _complete(each.rows, source)) for each in found if each.source == source]
    known = [(each, use) for each, use in known if use.any()]
    if not known:
        return None
    rows = np.concatenate([each.rows[use] for each, use in known])
    outcome = np.concatenate([each.outcome[use] for each, use in known]).astype(np.float64)
    weight = np.concatenate([np.full(int(use.sum()), 1.0 / int(use.sum())) for _, use in known])
    return fit(rows, outcome, weight, RIDGE[source])


def stored(rule: Fit) -> dict[str, object]:
    """Return a rule as the file's metadata holds it."""
    return {
        "mean": rule.mean.tolist(),
        "std": rule.std.tolist(),
        "weights": rule.weights.round(5).tolist(),
        "bias": round(rule.bias, 5),
        "reach": rule.reach,
    }
