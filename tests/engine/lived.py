"""A home that is lived in by the clock, for tests of rooms and routines."""

from collections.abc import Iterator

import numpy as np

from custom_components.smartloop.engine.features.presence import DAY_S, Instant

MONDAY = 1_767_571_200.0
"""2026-01-05"""
PLAN = (("bathroom", 420.0), ("kitchen", 440.0), ("office", 540.0), ("kitchen", 1110.0), ("living", 1200.0))


def instant(day: int, minute: float) -> Instant:
    """Return a local minute of the n-th day; minutes may run beyond the day."""
    late, within = divmod(minute, 1440.0)
    return Instant(at=MONDAY + day * DAY_S + minute * 60.0, minute=within, free=(day + int(late)) % 7 >= 5)


def life(days: int, seed: int = 0, scatter: float = 8.0) -> Iterator[tuple[str, Instant]]:
    """Return who uses what when: the office on working days only."""
    rng = np.random.default_rng(seed)
    for day in range(days):
        found = []
        for room, minute in PLAN:
            if room == "office" and day % 7 >= 5:
                continue
            begin = minute + scatter * rng.normal()
            found += [(begin + step, room) for step in (0.0, 5.0, 12.0)]
        yield from ((room, instant(day, minute)) for minute, room in sorted(found))
