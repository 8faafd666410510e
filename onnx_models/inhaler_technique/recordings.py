"""People's own recordings, where somebody made them: what would replace the simulator.

    DIR/recordings/*.csv.gz       one row a sample: person, maneuver, t_s, ax_g, ay_g, az_g
                                  optional: gx_dps, gy_dps, gz_dps, flow_lpm (empty where there is none)
    DIR/recordings/labels.csv.gz  one row a maneuver: person, maneuver, pressed (0 or 1), press_s
                                  optional, empty where nobody wrote it down: shake_s, tilt_deg, offset_s, peak_lpm, hold_s

z runs along the canister, upwards in use; a sensor at rest shows +1 g along what is up. Times are s of any beginning,
those of labels on the same clock. Without a `person` column a file is one person's and its name is theirs.
"""

import csv
import gzip
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.technique import Trace

from .draft import Draft
from .fit import network, rule
from .maneuver import Truth
from .samples import Case, case, examples

type Key = tuple[str, str]

LABELS: Final = "labels.csv.gz"
FOLDS: Final = 30
LEAST: Final = 40
"""Rows a part needs to be learned anew"""


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _rows(path: Path) -> list[dict[str, str]]:
    """Return a file's rows; none where it cannot be read."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError, EOFError, UnicodeDecodeError, csv.Error:
        return []


def _truth(row: dict[str, str]) -> Truth:
    names = ("press_s", "shake_s", "tilt_deg", "offset_s", "peak_lpm", "hold_s")
    press, shake, tilt, offset, peak, hold = (_number(row.get(name)) for name in names)
    return Truth(
        pressed=row.get("pressed", "1").strip() in {"1", "1.0", "true", "True"} and math.isfinite(press),
        press_s=press if math.isfinite(press) else 0.0,
        shake_s=shake,
        tilt_deg=tilt,
        offset_s=offset,
        peak_lpm=peak,
        hold_s=hold,
    )


def _trace(rows: Sequence[dict[str, str]]) -> Trace:
    def columns(*names: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
        table = np.array([[_number(row.get(name)) for name in names] for row in rows])
        return table if np.isfinite(table).any() else None

    flow = columns("flow_lpm")
    return Trace(
        at=np.array([_number(row.get("t_s")) for row in rows]),
        acceleration=columns("ax_g", "ay_g", "az_g"),
        turning=columns("gx_dps", "gy_dps", "gz_dps"),
        flow=None if flow is None else flow[:, 0],
    )


def recordings(data: Path) -> list[Case]:
    """Return the labelled maneuvers below a folder; none is no error."""
    folder = data / "recordings"
    labels: dict[Key, Truth] = {}
    for row in _rows(folder / LABELS):
        labels[row.get("person", ""), row.get("maneuver", "")] = _truth(row)
    samples: dict[Key, list[dict[str, str]]] = defaultdict(list)
    for path in sorted(folder.glob("*.csv.gz")):
        if path.name != LABELS:
            for row in _rows(path):
                samples[row.get("person") or path.name.split(".")[0], row.get("maneuver", "")].append(row)
    return [case(key[0], labels[key], _trace(rows), None) for key, rows in sorted(samples.items()) if key in labels]


def left_out(found: Sequence[Case], shipped: Draft | None, judged: Callable[[Sequence[Case], Draft], None]) -> int:
    """Learn every part of the shipped file anew without one person, and hand that person's puffs to `judged`.

    Returns the people so judged: 0 with fewer than four. With more than 30 people several are left out at once. A part
    with too few rows is judged by its rule.
    """
    people = sorted({each.person for each in found})
    if shipped is None or len(people) < 4:
        return 0
    for fold in np.array_split(np.array(people), min(len(people), FOLDS)):
        out = set(fold.tolist())
        others = [each for each in found if each.person not in out]
        halves = sorted({each.person for each in others})[::2]
        teach, tune = ([each for each in others if (each.person in halves) is kind] for kind in (True, False))
        parts, rules = [], dict(shipped.rules)
        for key in rules:
            rows, classes = examples(key, others)
            if len(rows) >= LEAST and key.startswith("trace_"):
                rules[key] = rule(key, rows, classes)
        for part in shipped.parts:
            (rows, classes), (held, truth) = examples(part.key, teach), examples(part.key, tune)
            enough = min(len(rows), len(held)) >= LEAST and len(set(classes)) == len(part.classes)
            if enough:
                parts.append(network(part.key, rows, classes, (held, truth), (3.0,)))
        judged(
            [each for each in found if each.person in out], Draft(parts=parts, rules=rules, press_bar=shipped.press_bar)
        )
    return len(people)
