"""Stored state of the personal learners, read back field by field or refused whole.

Every learner stores one flat JSON record with its kind and version. Nothing is repaired: a record
that is not exactly what the learner writes is refused with a SnapshotError, and learning starts anew.
"""

from collections.abc import Callable
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from ..errors import SnapshotError

type Array = NDArray[np.float64]
type Record = dict[str, object]
"""JSON values by name."""

MOST: Final = 1e12
"""No stored number is larger: what is, was corrupted."""


class Fields:
    """One stored record."""

    __slots__ = ("_kind", "_state")

    def __init__(self, state: object, kind: str, version: int) -> None:
        """Take a record of this kind and version; raises SnapshotError."""
        self._kind = kind
        if not isinstance(state, dict):
            self._refuse("record", "is no record")
        self._state: dict[object, object] = state
        if state.get("kind") != kind or state.get("version") != version or isinstance(state["version"], bool):
            self._refuse("kind", f"is not {kind} of version {version}")

    def _refuse(self, name: str, what: str) -> NoReturn:
        msg = f"stored {self._kind}: {name} {what}"
        raise SnapshotError(msg)

    def _get(self, name: str) -> object:
        if name not in self._state:
            self._refuse(name, "is absent")
        return self._state[name]

    def _number(self, name: str, value: object, low: float, high: float) -> float:
        # Compared, not converted: NaN fails as well, and so does an integer that no float can hold.
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self._refuse(name, "holds something that cannot be")
        return float(value)

    def number(self, name: str, low: float = -MOST, high: float = MOST) -> float:
        """Return a number within bounds."""
        return self._number(name, self._get(name), low, high)

    def count(self, name: str, high: int = 10**12) -> int:
        """Return a whole number from zero."""
        value = self.number(name, 0, high)
        if value != int(value):
            self._refuse(name, "is no whole number")
        return int(value)

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        value = self._get(name)
        if not isinstance(value, bool):
            self._refuse(name, "is neither true nor false")
        return value

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._get(name)
        if not isinstance(value, str):
            self._refuse(name, "is no text")
        return value

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.items(name, most)
        if not all(isinstance(each, str) for each in value):
            self._refuse(name, "holds something that is no text")
        return tuple(str(each) for each in value)

    def items(self, name: str, most: int) -> list[object]:
        """Return a list of at most so many."""
        value = self._get(name)
        if not isinstance(value, list) or len(value) > most:
            self._refuse(name, f"is no list of at most {most}")
        return value

    def maybe(self, name: str, low: float = -MOST, high: float = MOST) -> float | None:
        """Return a number, or None where none was known."""
        return None if self._get(name) is None else self.number(name, low, high)

    def row(
        self, name: str, count: int | None = None, most: int = 4096, low: float = -MOST, high: float = MOST
    ) -> Array:
        """Return a row of numbers, of exactly `count` where that is given."""
        value = self.items(name, most if count is None else count)
        if count is not None and len(value) != count:
            self._refuse(name, f"is no row of {count}")
        return np.array([self._number(name, each, low, high) for each in value], dtype=np.float64)

    def table(self, name: str, width: int, most: int) -> Array:
        """Return rows of `width` numbers each."""
        found = []
        for each in self.items(name, most):
            if not isinstance(each, list) or len(each) != width:
                self._refuse(name, f"holds a row that is not of {width}")
            found.append([self._number(name, value, -MOST, MOST) for value in each])
        return np.array(found, dtype=np.float64).reshape(len(found), width)

    def part[T](self, name: str, restored: Callable[[object], T]) -> T:
        """Return a part that reads itself back."""
        return restored(self._get(name))

    def require(self, *, holds: bool, what: str) -> None:
        """Refuse the record unless its fields agree with each other."""
        if not holds:
            self._refuse("record", what)
