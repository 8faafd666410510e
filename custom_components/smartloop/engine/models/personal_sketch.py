"""Quantiles of a person's own values: bounded, mergeable, exactly the same in any order.

Values are counted in bins that grow by 2 %, so every quantile is within 1 % of a true value of that
rank (DDSketch: Masson, Rim and Lee, PVLDB 12, 2019). Magnitudes from 1e-4 to 1e7 are told apart; what
is smaller counts as zero, what is larger as the largest. That bounds the bins, so none is ever
collapsed: merging is commutative and associative, and taking a value back is exact.

Order does not matter, but for `age`, which makes what came before it count for less. Duplicates are
counted twice; whoever can tell them apart must. Missing values (None, NaN, infinite) are refused.
"""

from collections.abc import Iterable
from math import ceil, exp, isfinite, log
from typing import Final, Self

from .personal_state import Fields, Record

KIND: Final = "quantile_sketch"
VERSION: Final = 1
ACCURACY: Final = 0.01
"""Of a value: how far a quantile may be off"""
LEAST, LARGEST = 1e-4, 1e7
_GROWTH = log((1.0 + ACCURACY) / (1.0 - ACCURACY))
_LOW, _HIGH = ceil(log(LEAST) / _GROWTH), ceil(log(LARGEST) / _GROWTH)
_SPAN = _HIGH - _LOW + 1
MOST_BINS: Final = 2 * _SPAN + 1
_DUST = 1e-6
"""Weight below which an aged bin is dropped"""
_MOST_WEIGHT = 1e11


def _bin(value: float) -> int:
    """Return the place of a value: zero for zero, above and below it in the order of the values."""
    size = abs(value)
    if size < LEAST:
        return 0
    place = min(ceil(log(size) / _GROWTH), _HIGH) - _LOW + 1
    return place if value > 0.0 else -place


def _value(place: int) -> float:
    """Return the middle of a bin."""
    if place == 0:
        return 0.0
    size = exp((abs(place) + _LOW - 1) * _GROWTH) * (1.0 - ACCURACY)
    return size if place > 0 else -size


class Sketch:
    """Counts of values in bins."""

    __slots__ = ("_bins", "weight")

    def __init__(self) -> None:
        """Begin empty."""
        self._bins: dict[int, float] = {}
        self.weight = 0.0
        """How many values it holds, those that aged less than whole"""

    @property
    def bins(self) -> int:
        """Return how many bins are in use, at most MOST_BINS."""
        return len(self._bins)

    def update(self, value: float | None, weight: float = 1.0) -> bool:
        """Count a value; False where there is none. Constant time."""
        if value is None or not isfinite(value) or not 0.0 < weight < _MOST_WEIGHT - self.weight:
            return False
        place = _bin(value)
        self._bins[place] = self._bins.get(place, 0.0) + weight
        self.weight += weight
        return True

    def retract(self, value: float, weight: float = 1.0) -> bool:
        """Take a value back; False where none of its kind is held."""
        if not isfinite(value) or weight <= 0.0:
            return False
        place = _bin(value)
        held = self._bins.get(place, 0.0)
        if held < weight - _DUST:
            return False
        if held - weight < _DUST:
            del self._bins[place]
        else:
            self._bins[place] = held - weight
        self.weight = sum(self._bins.values())
        return True

    def age(self, factor: float) -> None:
        """Let everything held count for less, by a factor from 0 to 1."""
        factor = min(max(factor, 0.0), 1.0)
        self._bins = {place: held * factor for place, held in self._bins.items() if held * factor > _DUST}
        self.weight = sum(self._bins.values())

    def merge(self, other: Self) -> None:
        """Take in all that another sketch holds."""
        for place, held in other._bins.items():
            self._bins[place] = self._bins.get(place, 0.0) + held
        self.weight += other.weight

    def quantiles(self, shares: Iterable[float]) -> tuple[float | None, ...]:
        """Return the values below which these shares lie, None while nothing is held; bounded by MOST_BINS."""
        wanted = list(shares)
        if not self._bins:
            return tuple(None for _ in wanted)
        order = sorted(self._bins)
        found: dict[float, float] = {}
        below, place = 0.0, 0
        for share in sorted(wanted):
            rank = min(max(share, 0.0), 1.0) * self.weight
            while place < len(order) - 1 and below + self._bins[order[place]] < rank:
                below += self._bins[order[place]]
                place += 1
            found[share] = _value(order[place])
        return tuple(found[share] for share in wanted)

    def quantile(self, share: float) -> float | None:
        """Return the value below which this share lies."""
        return self.quantiles((share,))[0]

    def share_below(self, value: float) -> float | None:
        """Return the share of values below this one, half of its own bin counted; None while nothing is held."""
        if not self._bins or not isfinite(value):
            return None
        place = _bin(value)
        below = sum(held for each, held in self._bins.items() if each < place) + 0.5 * self._bins.get(place, 0.0)
        return min(max(below / self.weight, 0.0), 1.0)

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {"kind": KIND, "version": VERSION, "bins": [[place, self._bins[place]] for place in sorted(self._bins)]}

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        self = cls()
        for place, held in fields.table("bins", 2, MOST_BINS).tolist():
            known = place == int(place) and abs(place) <= _SPAN and int(place) not in self._bins
            fields.require(holds=known and 0.0 < held < _MOST_WEIGHT, what="holds a bin that cannot be")
            self._bins[int(place)] = held
        self.weight = sum(self._bins.values())
        return self
