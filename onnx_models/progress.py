"""How far long work has come."""

import sys
from collections.abc import Iterable

from tqdm import tqdm

# No thread that watches the bar: it would outlive the work.
tqdm.monitor_interval = 0


def track[T](items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
    """Return the items, with a bar on stderr while a person is looking."""
    bar: Iterable[T] = tqdm(
        items, desc=label, total=total, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False
    )
    return bar
