"""Read the rows of people: compressed tables somewhere below a folder, any of which may be absent."""

import csv
import gzip
from math import isfinite, nan
from pathlib import Path

type Row = dict[str, str]


def rows(folder: Path, table: str, key: str) -> dict[str, list[Row]]:
    """Return a table's rows by person, in the order of the file; nothing where there is no such table."""
    path = next(iter(sorted(folder.rglob(f"{table}.csv.gz"))), None)
    found: dict[str, list[Row]] = {}
    if path is not None and path.stat().st_size:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row.get(key) or "", []).append(row)
    return found


def by_day(folder: Path, table: str) -> dict[str, dict[int, Row]]:
    """Return a diary's rows by person and day; of two rows for one day the later one."""
    return {
        person: {int(day): row for row in told if isfinite(day := number(row, "date"))}
        for person, told in rows(folder, table, "user_key").items()
    }


def number(row: Row | None, name: str) -> float:
    """Return a finite number, NaN where there is none."""
    try:
        value = float((row or {}).get(name) or "nan")
    except ValueError:
        return nan
    return value if isfinite(value) else nan


def known(value: float) -> float | None:
    """Return a number, None for NaN."""
    return value if isfinite(value) else None


def truth(row: Row, name: str) -> bool:
    """Return whether a field says yes."""
    return (row.get(name) or "").lower() in {"1", "true", "1.0"}
