"""Read stored numbers back, or refuse them."""

from ..errors import SnapshotError

_MOST = 1e12

type State = tuple[float, ...]
"""What a learner remembers, as plain numbers."""


def numbers(state: object, count: int) -> State:
    """Return the stored numbers; raises SnapshotError unless they are `count` sane ones."""
    if not isinstance(state, list | tuple) or len(state) != count:
        msg = f"stored state is not a row of {count} numbers"
        raise SnapshotError(msg)
    # Compared, not converted: JSON may hold integers that no float can; NaN fails as well.
    if not all(type(item) in (int, float) and abs(item) < _MOST for item in state):
        msg = "stored state holds something that is no number or out of all bounds"
        raise SnapshotError(msg)
    return tuple(float(item) for item in state)
