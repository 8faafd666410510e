"""A folder of other homes and persons: the layout of ../shared/data, other names, fewer of them, cut short."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SUBJECT = ("household", "user_key", "record", "night", "subject", "person", "user", "home", "day")
"""Columns that tell whose a row is, the first that a file has"""
RENAMED = (
    ("home_9c86", "home_0f0f"),
    ("home_A", "home_B"),
    ("home_C", "home_D"),
    ("location_A", "location_C"),
    ("kasteren_A", "kasteren_B"),
    ("mit_1", "mit_2"),
    ("resp5hz_s", "resp5hz_z"),
    ("datatraining", "datatest2"),
    ("datatest.", "datatest3."),
)
LEFT_OUT = ("belgium_house_10min", "kasteren_C", "open_bandit_small", "men_", "dict_")
"""Sets need not all be there."""
STREAM_SHARE = 0.5
"""The later part of what has no subjects"""


def _name(subject: str) -> str:
    """Return a name nobody ever trained on; numbers stay numbers, days get another year."""
    if subject.isdigit():
        return str(int(subject) + (10_000 if len(subject) == len("20200101") else 5000))
    return f"z{subject[1:]}"


def _person(subject: str) -> str:
    """Return whose a night is."""
    return subject.split("_", maxsplit=1)[0]


def _rows(header: Sequence[str], rows: Sequence[list[str]], keep: int) -> Iterator[list[str]]:
    """Yield the rows of a few subjects under other names, or the later part of a stream."""
    column = next((header.index(name) for name in SUBJECT if name in header), None)
    if column is None:
        yield from rows[int(len(rows) * (1 - STREAM_SHARE)) :]
        return
    persons = sorted({_person(row[column]) for row in rows})
    # From the middle: the first may be all alike.
    first = max(0, len(persons) // 2 - keep // 2)
    kept = set(persons[first : first + keep])
    for row in rows:
        if _person(row[column]) in kept:
            yield [*row[:column], _name(row[column]), *row[column + 1 :]]


def lay_out(target: Path, keep: int = 4, source: Path = DATA) -> Path:
    """Write the folder below `target` and return it."""
    for path in sorted(source.glob("*/*/*.csv.gz")):
        place = str(path.relative_to(source))
        if source.joinpath("gold") in path.parents or any(word in place for word in LEFT_OUT):
            continue
        for old, new in RENAMED:
            place = place.replace(old, new)
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        out = target / place
        out.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(out, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(_rows(header, rows, keep))
    return target
