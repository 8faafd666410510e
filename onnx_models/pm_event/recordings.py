"""Real recordings of a rise and its fall in a small room, laid out as `air/pm_event_decay`: scored by the watch.

Twice: as recorded, for the rates; and scaled to what homes see, on a quiet home's air, for detection and source. The
quiet half hour before a recording is made up (the room had been cleaned); so is the scale. A day is the unit: both
sensors of a day stay together.
"""

import csv
import gzip
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.particles import Decay
from custom_components.smartloop.engine.models.pm_event import Burst, Event, RoomWatch
from custom_components.smartloop.engine.models.pm_source import Kind

FOLDER: Final = "pm_event_decay"
KINDS: Final = {
    "jet": Kind.AEROSOL,
    "mesh": Kind.AEROSOL,
    "incense": Kind.COMBUSTION,
    "smoke": Kind.COMBUSTION,
    "woodsmoke": Kind.COMBUSTION,
}
PUBLISHED: Final = {"jet": 3.658926, "mesh": 2.912472, "smoke": 2.077015}
"""1/h without a cleaner, as the author of the recordings published them"""
CHAMBER: Final = 4.15
"""m³, the author's room"""
NATURAL: Final = "ach_vd"
PRELUDE_S: Final = 1800.0
HOME_PEAK: Final = (30.0, 300.0)
"""µg/m³"""
HOME_AIR: Final = (5.0, 8.0, 10.0)
STEPS: Final = {"pms5003": 1.0}
"""µg/m³; other models show tenths"""
SAME_S: Final = 180.0
"""s between the starts of a stretch as two sensors saw it"""

type Reading = tuple[float, float | None, float, float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One event, seen by one sensor."""

    day: str
    run: str
    sensor: str
    aerosol: str
    readings: tuple[Reading, ...]
    """s, PM1, PM2.5, PM10"""

    @property
    def natural(self) -> bool:
        """Return whether no cleaner ran."""
        return NATURAL in self.run.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What the watch made of a recording."""

    recording: Recording
    decays: tuple[Decay, ...]
    half_life: float | None
    """1/h by the time from peak to half, the naive rate"""
    least_squares: float | None
    """1/h by ordinary least squares between 50 % and 5 % of the peak, the fallback"""
    events: int
    """Found at home scale"""
    features: Mapping[str, float | None] | None
    """Of the highest event at home scale"""
    bursts: int
    """Smoke-like bursts as recorded"""
    bursts_home: int


def recordings(data: Path) -> list[Recording]:
    """Return all recordings below a folder of the domain; none where there are no such files."""
    found: dict[tuple[str, str, str, str], list[Reading]] = defaultdict(list)
    for path in sorted((data / FOLDER).glob("*.csv.gz")):
        for row in rows(path):
            at, pm25 = number(row.get("t_s")), number(row.get("pm2_5_ugm3"))
            if at is None or pm25 is None:
                continue
            key = (row.get("day") or "", row.get("run") or "", row.get("sensor") or "", row.get("aerosol") or "")
            found[key].append((at, number(row.get("pm1_ugm3")), pm25, number(row.get("pm10_ugm3"))))
    return [
        Recording(day=day, run=run, sensor=sensor, aerosol=aerosol, readings=tuple(readings))
        for (day, run, sensor, aerosol), readings in sorted(found.items())
        if len(readings) >= 30
    ]


def rows(path: Path) -> Iterator[Mapping[str, str]]:
    """Return the rows of a table; nothing of an empty or broken file."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    except EOFError, gzip.BadGzipFile:
        return


def number(text: str | None) -> float | None:
    """Return a cell as a finite number, None where it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def heard(recording: Recording) -> Heard:
    """Return what the watch makes of a recording, as recorded and at home scale."""
    native, bursts = _replay(recording, scale=1.0, air=_clean(recording))
    rng = np.random.default_rng(zlib.crc32(f"{recording.day}{recording.run}{recording.aerosol}".encode()))
    peak = float(np.exp(rng.uniform(*np.log(HOME_PEAK))))
    top = max(reading[2] for reading in recording.readings)
    home, home_bursts = _replay(recording, scale=peak / max(top, 1.0), air=HOME_AIR)
    main = max(native, key=lambda event: event.peak, default=None)
    said = max(home, key=lambda event: event.peak, default=None)
    t = np.array([reading[0] for reading in recording.readings])
    y = np.array([reading[2] for reading in recording.readings])
    return Heard(
        recording=recording,
        decays=main.decays if main else (),
        half_life=_half_life(t, y),
        least_squares=_least_squares(t, y),
        events=len(home),
        features=said.features if said else None,
        bursts=len(bursts),
        bursts_home=len(home_bursts),
    )


def _clean(recording: Recording) -> tuple[float, float, float]:
    """Return the room's air before the source: the lowest ever shown, as it was cleaned between runs."""
    table = np.array([[np.nan if v is None else v for v in r[1:]] for r in recording.readings])
    low = np.min(np.nan_to_num(table, nan=np.inf), axis=0)
    pm1, pm25, pm10 = (
        min(float(v), most) if np.isfinite(v) else 0.0 for v, most in zip(low, (10, 10, 15), strict=True)
    )
    return pm1, pm25, pm10


def _replay(recording: Recording, *, scale: float, air: tuple[float, float, float]) -> tuple[list[Event], list[Burst]]:
    """Return events and bursts of a recording on a quiet room's air."""
    rng = np.random.default_rng(1)
    watch = RoomWatch()
    events: list[Event] = []
    bursts: list[Burst] = []
    step = STEPS.get(recording.sensor, 0.1)
    quiet = scale != 1.0

    def show(value: float | None, base: float) -> float | None:
        return None if value is None else round((base * quiet + value * scale) / step) * step

    def take(at: float, one: float | None, two: float | None, three: float | None) -> None:
        for each in watch.observe(at, two, one, three):
            if isinstance(each, Event):
                events.append(each)
            elif isinstance(each, Burst):
                bursts.append(each)

    has1 = any(reading[1] is not None for reading in recording.readings)
    for at in np.arange(0.0, PRELUDE_S, 15.0).tolist():
        wave = rng.normal(0.0, 0.5, 3)
        one, two, three = (
            max(round((base + w) / step) * step, 0.0) for base, w in zip(air, wave.tolist(), strict=True)
        )
        take(at, one if has1 else None, two, three)
    first = recording.readings[0][0]
    for at, pm1, pm25, pm10 in recording.readings:
        take(PRELUDE_S + at - first, show(pm1, air[0]), show(pm25, air[1]), show(pm10, air[2]))
    last = watch.finish()
    return ([*events, last] if last else events), bursts


def _half_life(t: np.ndarray, y: np.ndarray) -> float | None:
    top = int(np.argmax(y))
    below = np.flatnonzero(y[top:] <= 0.5 * y[top])
    return (
        float(np.log(2.0) * 3600.0 / (t[top + below[0]] - t[top]))
        if below.size and t[top + below[0]] > t[top]
        else None
    )


def _least_squares(t: np.ndarray, y: np.ndarray) -> float | None:
    top = int(np.argmax(y))
    fall_t, fall = t[top:], y[top:]
    part = (fall <= 0.5 * y[top]) & (fall >= 0.05 * y[top])
    if part.sum() < 10 or fall_t[part][-1] <= fall_t[part][0]:
        return None
    return float(-np.polyfit(fall_t[part] / 3600.0, np.log(fall[part]), 1)[0])


def pairs(found: Sequence[Heard]) -> list[tuple[str, float, float]]:
    """Return day and rates of each stretch that two sensor models saw of one event."""
    groups: dict[tuple[str, str, str], list[Heard]] = defaultdict(list)
    for each in found:
        groups[each.recording.day, each.recording.run, each.recording.aerosol].append(each)
    out = []
    for (day, _, _), members in sorted(groups.items()):
        for i, one in enumerate(members):
            for other in members[i + 1 :]:
                out += [
                    (day, a.rate, b.rate) for a in one.decays for b in other.decays if abs(a.start - b.start) <= SAME_S
                ]
    return out
