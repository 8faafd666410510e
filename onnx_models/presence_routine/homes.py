"""Read homes' events: who used what in which room, by local time.

Three layouts: `*_sensors.csv.gz` with `name` (a sensor), or with `place` (a room), both in local time; and
`*_motion.csv.gz` with `*_contact.csv.gz` (UTC; two places, `motion` and `door`). Whatever cannot be read is left out
and said on stderr.

Rooms by name: a place beside the sensor, or before a comma in its name, is the room. Otherwise the first word of
`ROOMS` found in the sensor's name decides; a sensor that no word knows is a room of its own.
"""

import csv
import gzip
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from custom_components.smartloop.engine.features.presence import DAY_S, Instant

ROOMS: Final[Mapping[str, tuple[str, ...]]] = {
    "entrance": ("frontdoor", "front door", "main door", "maindoor", "entrance", "foyer", "hallway door", "keys"),
    "toilet": ("toilet", "flush", "wc"),
    "laundry": ("washing machine", "washingmachine", "laundry", "tumble", "dryer"),
    "bathroom": ("bath", "shower", "basin", "washbasin", "medicine", "douche"),
    "bedroom": ("bedroom", "bed ", "bed-", "dresser", "wardrobe", "mat bed", "bed"),
    "living": ("couch", "sofa", "living", "tv", "television", "lounge", "piano", "dvd"),
    "office": ("office", "study", "desk", "computer"),
    "kitchen": (
        *("kitchen", "fridge", "refrigerator", "freezer", "cupboard", "groceries", "plates", "pans", "cutlery"),
        *("microwave", "oven", "stove", "cooktop", "toaster", "dishwasher", "kettle", "coffee", "burner", "cups"),
        *("bowl", "herb", "scraps", "sink", "gootsteen", "drawer", "cabinet"),
    ),
    "balcony": ("balcony", "terrace", "garden", "balkon"),
}
"""Rooms by words of a sensor's name, in the order in which they are tried"""
HELD: Final = ("pir", "pressure", "mat", "couch", "sofa", "bed ", "seat", "motion", "presence")
"""Sensors that are on while somebody is there; others tell of a moment, at both ends"""
ONCE: Final = ("flush", "float")
"""Of these only the beginning"""
_REPEAT_S: Final = 300.0
_MOST_HELD_S: Final = 12.0 * 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A use of a thing in a room."""

    at: float
    """s since 1970, as a local clock counts them where only that is known"""
    room: str
    thing: str
    begins: bool
    """Whether it is the beginning of a use, not a sensor still on or the end"""


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """A home's events in order."""

    name: str
    events: tuple[Event, ...]
    zone: str = "UTC"

    @property
    def days(self) -> float:
        """Return how long it was watched."""
        return (self.events[-1].at - self.events[0].at) / DAY_S if self.events else 0.0

    def instant(self, at: float) -> Instant:
        """Return a moment by the local clock."""
        local = datetime.fromtimestamp(at, _zone(self.zone))
        return Instant(at=at, minute=local.hour * 60.0 + local.minute + local.second / 60.0, free=local.weekday() >= 5)


@cache
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return UTC


def room_of(sensor: str, place: str = "") -> str:
    """Return the room a sensor is in."""
    named = place or (sensor.partition(",")[0] if "," in sensor else "")
    if named:
        return named.strip().lower()
    low = sensor.strip().lower()
    return next((room for room, words in ROOMS.items() if any(word in low for word in words)), low)


def _uses(start: float, end: float, room: str, thing: str) -> Iterator[Event]:
    low = thing.lower()
    yield Event(at=start, room=room, thing=thing, begins=True)
    if any(word in low for word in ONCE):
        return
    if any(word in low for word in HELD):
        stop = min(end, start + _MOST_HELD_S)
        for step in range(1, math.ceil((stop - start) / _REPEAT_S)):
            yield Event(at=start + step * _REPEAT_S, room=room, thing=thing, begins=False)
        end = stop
    if end > start:
        yield Event(at=end, room=room, thing=thing, begins=False)


def _local(text: str) -> float:
    return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp()


def _sensor_events(row: Mapping[str, str]) -> Iterator[Event]:
    start = _local(row["start_local"])
    if row.get("place"):
        thing = f"{row['place']} {row['location']} {row['type']}"
        yield from _uses(start, _local(row["end_local"]), room_of(row["location"], row["place"]), thing)
    else:
        length = float(row["duration_s"])
        end = start + max(length, 0.0) if math.isfinite(length) else start
        yield from _uses(start, end, room_of(row["name"]), row["name"])


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _sensors(path: Path) -> list[Event]:
    found: list[Event] = []
    for row in _rows(path):
        try:
            found.extend(_sensor_events(row))
        except KeyError, TypeError, ValueError:
            continue
    return found


def _zigbee(path: Path, column: str, room: str) -> list[Event]:
    found: list[Event] = []
    known = ""
    for row in _rows(path):
        try:
            at = datetime.fromisoformat(row["time"]).timestamp()
        except KeyError, TypeError, ValueError:
            continue
        value = row.get(column) or ""
        if room == "motion":
            begins, used = value == "1" and known != "1", value == "1"
        else:
            # The first message tells no change.
            begins, used = value == "0" and known == "1", bool(known) and value not in ("", known)
        known = value or known
        if used:
            found.append(Event(at=at, room=room, thing=room, begins=begins))
    return found


def _readable(path: Path) -> Iterator[Path]:
    try:
        with gzip.open(path, "rb") as file:
            while file.read(1 << 20):
                pass
        yield path
    except (OSError, EOFError) as err:
        print(f"{path.name}: left out, {err}", file=sys.stderr)


def _below(data: Path, pattern: str) -> list[Path]:
    return [good for path in sorted(data.rglob(pattern)) for good in _readable(path)]


def homes(data: Path) -> list[House]:
    """Return the homes below a folder that hold any event, by name."""
    found: dict[str, tuple[list[Event], str]] = {}
    for path in _below(data, "*_sensors.csv.gz"):
        name = path.name.removesuffix("_sensors.csv.gz")
        label = f"{path.parent.name.partition('_')[0]}_{name}" if name.startswith("home") else name
        found[label] = _sensors(path), "UTC"
    for pattern, column, room in (
        ("*_motion.csv.gz", "occupancy", "motion"),
        ("*_contact.csv.gz", "contact_closed", "door"),
    ):
        for path in _below(data, pattern):
            name = path.name.removesuffix(pattern[1:])
            label = f"{path.parent.name.partition('_')[0]}_{name}"
            kept = found.setdefault(label, ([], "Europe/Lisbon"))
            kept[0].extend(_zigbee(path, column, room))
    return [
        House(name=name, events=tuple(sorted(events, key=lambda each: each.at)), zone=zone)
        for name, (events, zone) in sorted(found.items())
        if events
    ]
