"""Read stored numbers back, or refuse them."""

from math import isfinite

from ..errors import SnapshotError

type State = tuple[float, ...]
"""What a learner remembers, as plain numbers."""


def numbers(state: object, count: int) -> State:
    """Return the stored numbers; raises SnapshotError unless they are `count` finite ones."""
    if not isinstance(state, list | tuple) or len(state) != count:
        msg = f"stored state is not a row of {count} numbers"
        raise SnapshotError(msg)
    if not all(type(item) in (int, float) and isfinite(item) for item in state):
        msg = "stored state holds something that is no finite number"
        raise SnapshotError(msg)
    return tuple(float(item) for item in state)
