"""Read nights of beat times laid out as `apnea_ecg_rr` in `../shared/data/bed`; any record names will do.

Nothing is shipped from here. Beat times are passed on as the detector left them: the engine's own features must cope.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.beats import Array

FOLDER: Final = "apnea_ecg_rr"
UNKNOWN: Final = -1
HIGH, LOW = 15.0, 5.0
"""Events an hour of a reference night from which, and below which, nights are told apart"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One night."""

    name: str
    person: str
    """The unit of every split"""
    beats: Array
    """s since the record's start"""
    labels: NDArray[np.int8]
    """(minutes,) what the expert saw at the start of each: 1, 0, or UNKNOWN"""
    events: float | None
    """An hour, by the reference"""

    @property
    def minutes(self) -> int:
        """Return how long the night is."""
        return self.labels.size

    @property
    def share(self) -> float:
        """Return the share of labelled minutes with events; NaN without labels."""
        known = self.labels[self.labels != UNKNOWN]
        return float(known.mean()) if known.size else float("nan")


def _rows(folder: Path, pattern: str, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the named columns of all files that match; a file that is not there or empty has none.

    What a short row or a file lacks is an empty text.
    """
    for path in sorted(folder.glob(pattern)):
        try:
            with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
                lines = csv.reader(file)
                header = next(lines, [])
                columns = [header.index(name) if name in header else len(header) for name in names]
                for line in lines:
                    yield [line[column] if column < len(line) else "" for column in columns]
        except EOFError, gzip.BadGzipFile:
            continue


def _number(text: str) -> float | None:
    """Return a finite number, else None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _people(folder: Path) -> tuple[dict[str, str], dict[str, float | None]]:
    """Return person and events an hour by record.

    The source gives no names: its 70 records are of 32 people. Records of the same age and sex are taken for one
    person's, which may join two people but parts none.
    """
    person, events = {}, {}
    for name, age, sex, count in _rows(folder, "*records*.csv.gz", ("record", "age", "sex", "ahi")):
        person[name] = f"{sex}{age}" if age and sex else name
        events[name] = _number(count)
    return person, events


def records(data: Path) -> list[Record]:
    """Return the nights with both beats and labels below a domain folder, in order of their names."""
    folder = data / FOLDER if (data / FOLDER).is_dir() else data
    beats: dict[str, list[float]] = defaultdict(list)
    for name, at in _rows(folder, "*beats*.csv.gz", ("record", "beat_s")):
        value = _number(at)
        if value is not None:
            beats[name].append(value)
    labels: dict[str, dict[int, int]] = defaultdict(dict)
    for name, at, said in _rows(folder, "*labels*.csv.gz", ("record", "minute", "apnea")):
        minute, label = _number(at), _number(said)
        if minute is not None and label in {0.0, 1.0} and 0 <= minute < 10_000:
            labels[name][int(minute)] = int(label)
    person, events = _people(folder)
    return [
        Record(
            name=name,
            person=person.get(name, name),
            beats=np.array(beats[name]),
            labels=_series(labels[name]),
            events=events.get(name),
        )
        for name in sorted(labels)
        if name in beats
    ]


def _series(labels: dict[int, int]) -> NDArray[np.int8]:
    """Return labels by minute, UNKNOWN where there is none."""
    out = np.full(max(labels) + 1, UNKNOWN, dtype=np.int8)
    out[list(labels)] = list(labels.values())
    return out


def by_person(nights: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the nights of each person."""
    out: dict[str, list[Record]] = {}
    for each in nights:
        out.setdefault(each.person, []).append(each)
    return out
