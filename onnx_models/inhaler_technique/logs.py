"""What real logs of inhalers tell of technique: hardly anything. One row a puff: user_key, date (day), hour, name."""

import csv
import gzip
from collections import Counter
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.models.technique_rules import gap

from ..report import Metrics

HOUR_S: Final = 3600.0


def _rows(path: Path) -> list[tuple[str, float, float, str]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            return [
                (row["user_key"], float(row["date"]), float(row["hour"]), row.get("name") or "")
                for row in csv.DictReader(file)
                if row.get("user_key") and row.get("date") and row.get("hour")
            ]
    except OSError, EOFError, UnicodeDecodeError, KeyError, ValueError, csv.Error:
        return []


def figures(data: Path) -> Metrics:
    """Return counts, and how many pauses between two puffs of one hour the engine could judge; null without a log.

    The hour is all there is, so a pause of 30 s is beyond it: the engine says "not measured" of each.
    """
    rows = [row for path in sorted(data.rglob("smartinhaler*.csv.gz")) for row in _rows(path)]
    hours = Counter(rows)
    pauses = sum(count - 1 for count in hours.values())
    judged = gap(1.0, HOUR_S).measured
    return {
        "log_people": float(len({row[0] for row in rows})) if rows else None,
        "log_puffs": float(len(rows)) if rows else None,
        "log_hours_with_puffs": float(len(hours)) if rows else None,
        "log_share_of_hours_with_two_or_more": sum(n > 1 for n in hours.values()) / len(hours) if rows else None,
        "log_share_of_hours_with_exactly_two": sum(n == 2 for n in hours.values()) / len(hours) if rows else None,
        "log_pauses_within_an_hour": float(pauses) if rows else None,
        "log_pauses_judged": float(judged * pauses) if rows else None,
        "log_second_puff_gap_s": None,
    }
