"""Nights with polysomnography, laid out like `../shared/data/bed/wrist_psg_features`, minute by minute."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.bed import MOST_MINUTES, Night

type Array = NDArray[np.float64]
type Integers = NDArray[np.int64]

FOLDER: Final = "wrist_psg_features"
_STAGES: Final = {0: 0, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3}
"""Rechtschaffen and Kales' stage 4 is deep as well"""
_PER_HOUR: Final = 120
"""Epochs of 30 s"""
UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Sleeper:
    """One person's night."""

    name: str
    night: Night
    truth: Integers
    """(T,) index into STAGES; UNKNOWN where nobody scored it. Of two halves that differ the first counts"""


def sleepers(data: Path) -> list[Sleeper]:
    """Return the persons below a folder of beds, sorted by name; none where there are no such files."""
    rows: dict[str, list[tuple[int, int, float, float]]] = {}
    for path in sorted((data / FOLDER).glob("*.csv.gz")):
        for name, epoch in _epochs(path):
            rows.setdefault(name, []).append(epoch)
    return [found for name, told in sorted(rows.items()) if (found := _sleeper(name, told)) is not None]


def _epochs(path: Path) -> Iterator[tuple[str, tuple[int, int, float, float]]]:
    """Yield subject, and epoch since the start, stage, motion, deviation; what cannot be read is left out."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            hours, stage = _number(row.get("hours_since_start")), _number(row.get("stage"))
            name = row.get("subject")
            if not name or not isfinite(hours) or not 0.0 <= hours < MOST_MINUTES / 60.0:
                continue
            known = _STAGES.get(int(stage), UNKNOWN) if isfinite(stage) else UNKNOWN
            seen = _number(row.get("motion_count")), _number(row.get("hr_std_feature"))
            yield name, (round(hours * _PER_HOUR), known, *seen)


def _number(text: str | None) -> float:
    """Return a number, NaN where there is none."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _sleeper(name: str, told: list[tuple[int, int, float, float]]) -> Sleeper | None:
    """Return one night of whole minutes; None where nobody scored a minute."""
    count = max(epoch for epoch, *_ in told) // 2 + 1
    motion, heart = np.full((2, 2 * count), np.nan)
    stage = np.full(2 * count, UNKNOWN)
    for epoch, known, moved, deviation in told:
        stage[epoch], motion[epoch], heart[epoch] = known, moved, deviation
    halves = stage.reshape(-1, 2)
    truth = np.where(halves[:, 0] != UNKNOWN, halves[:, 0], halves[:, 1])
    if (truth == UNKNOWN).all():
        return None
    seen = Night(
        start=None,
        motion=_minutes(motion),
        deviation=_minutes(heart),
        away=np.zeros(count, dtype=bool),
    )
    return Sleeper(name, seen, truth)


def _minutes(values: Array) -> Array:
    """Return the means of two halves, of what is known; neither motion nor a deviation is below nothing."""
    halves = values.reshape(-1, 2)
    known = np.isfinite(halves) & (halves >= 0.0)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, halves, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
