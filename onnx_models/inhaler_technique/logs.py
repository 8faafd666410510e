"""What real logs of inhalers tell of technique: hardly anything. One row a puff: user_key, date (day), hour, name."""

import csv
import gzip
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.models.technique_rules import gap

from ..report import Metrics

HOUR_S: Final = 3600.0


def _row(row: Mapping[str, str | None]) -> tuple[str, float, float, str] | None:
    """Return a puff, None where the row tells of none."""
    try:
        return row["user_key"] or "", float(row["date"] or ""), float(row["hour"] or ""), row.get("name") or ""
    except KeyError, ValueError:
        return None


def _rows(path: Path) -> list[tuple[str, float, float, str]]:
    """Return the puffs of a log; what comes after a torn end is lost."""
    found = []
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                puff = _row(row)
                if puff is not None:
                    found.append(puff)
    except OSError, EOFError, UnicodeDecodeError, csv.Error:
        pass
    return found


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
