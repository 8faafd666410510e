"""The reference tables beside the engine's tests."""

import csv
from pathlib import Path

_FOLDER = Path(__file__).parent / "engine" / "gold"


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one table; never none."""
    with (_FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert found, f"{name} holds no rows"
    return found
