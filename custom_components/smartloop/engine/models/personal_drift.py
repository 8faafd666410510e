"""Whether a person changed: the losses of the forecasts, and the features they are made from.

Losses: Page and Hinkley's test (Page, Biometrika 41, 1954) for a rise of the mean log-loss. Features:
the population stability index of a week against the first hundred rows, in ten bins of equal mass;
above 0.25 a feature is another one than it was (the usual reading of the index in credit scoring).

Order matters in both, and what comes twice counts twice. Missing values are skipped; a week with fewer than thirty rows says nothing.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Final, Self

import numpy as np

from .personal_state import Array, Fields, Record

VERSION: Final = 1
_HINKLEY: Final = "page_hinkley"
_SHIFT: Final = "feature_shift"
WEEK_S: Final = 7 * 86400.0
REFERENCE_ROWS: Final = 100
LEAST_ROWS: Final = 30
SHIFTED: Final = 0.25
MOST_FEATURES: Final = 32
_BINS = 10
_LEAST_SHARE = 1e-3
_MOST_LOSS = 10.0
_FARTHEST, _MISSING = 1e8, 1e9
"""Beyond which no value is followed, and what stands for a missing one in a snapshot"""


class PageHinkley:
    """A rise of the mean of losses."""

    __slots__ = ("_count", "_low", "_mean", "_sum", "alarms", "drift_detected")

    DELTA: Final = 0.05
    """nats by which the mean may rise unnoticed"""
    LIMIT: Final = 12.0
    """nats of excess, summed up, that raise an alarm: simulated, at most one in a thousand answers without a change,
    and 4 answers (of who was 95 % foreseeable) to 40 (70 %) until a turn to the contrary is noticed"""
    WARM_UP: Final = 30
    MEMORY: Final = 200
    """Losses; the mean is a running one, so that a person who is hard to foresee is not one who changed"""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.alarms = 0
        self.drift_detected = False
        """Whether the last loss raised an alarm"""
        self._reset()

    def _reset(self) -> None:
        self._count, self._mean, self._sum, self._low = 0, 0.0, 0.0, 0.0

    def update(self, loss: float) -> bool:
        """Take in a loss; return whether it raises an alarm, after which the test begins anew."""
        self.drift_detected = False
        if not isfinite(loss):
            return False
        loss = min(max(float(loss), 0.0), _MOST_LOSS)
        self._count = min(self._count + 1, self.MEMORY)
        self._mean += (loss - self._mean) / self._count
        if self._count <= self.WARM_UP:
            return False
        self._sum += loss - self._mean - self.DELTA
        self._low = min(self._low, self._sum)
        self._sum, self._low = self._sum - self._low, 0.0
        if self._sum > self.LIMIT:
            self.alarms += 1
            self.drift_detected = True
            self._reset()
        return self.drift_detected

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": _HINKLEY,
            "version": VERSION,
            "alarms": self.alarms,
            "detected": self.drift_detected,
            "count": self._count,
            "sums": [self._mean, self._sum],
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, _HINKLEY, VERSION)
        self = cls()
        self.alarms, self.drift_detected = fields.count("alarms"), fields.flag("detected")
        self._count = fields.count("count", cls.MEMORY)
        self._mean, self._sum = fields.row("sums", 2, low=0.0, high=_MOST_LOSS * 2).tolist()
        return self


class FeatureShift:
    """Each feature's stability index, once a week."""

    __slots__ = ("_counts", "_edges", "_first", "_rows", "_since", "_size", "index")

    def __init__(self, size: int) -> None:
        """Begin knowing nothing of so many features."""
        self._size = min(max(size, 1), MOST_FEATURES)
        self._first: list[list[float]] = []
        """The first rows, missing values as they were (None in a snapshot)"""
        self._edges: Array | None = None
        self._counts = np.zeros((2, self._size, _BINS))
        """Of the reference and of the week"""
        self._rows = 0
        self._since: float | None = None
        self.index: tuple[float | None, ...] = (None,) * self._size
        """Of the last whole week"""

    @property
    def shifted(self) -> tuple[int, ...]:
        """Return the places of the features that are no longer what they were."""
        return tuple(place for place, value in enumerate(self.index) if value is not None and value > SHIFTED)

    def update(self, at: float, row: Sequence[float]) -> bool:
        """Take in a row at a time in s; return whether a week was judged. Constant time."""
        values = np.asarray(row, dtype=np.float64)
        if values.shape != (self._size,) or not isfinite(at):
            return False
        if self._edges is None:
            self._first.append(np.where(np.isfinite(values), np.clip(values, -_FARTHEST, _FARTHEST), np.nan).tolist())
            if len(self._first) == REFERENCE_ROWS:
                self._settle()
                self._since = at
            return False
        judged = False
        if self._since is None or at - self._since >= WEEK_S or at < self._since:
            judged = self._judge()
            self._since = at
        self._count(1, values)
        self._rows += 1
        return judged

    def _settle(self) -> None:
        rows = np.array(self._first)
        known = np.isfinite(rows)
        quantiles = np.linspace(0.0, 1.0, _BINS + 1)[1:-1]
        self._edges = np.stack(
            [
                np.quantile(rows[known[:, j], j], quantiles) if known[:, j].any() else np.zeros(_BINS - 1)
                for j in range(self._size)
            ]
        )
        for row in rows:
            self._count(0, row)
        self._first = []

    def _count(self, which: int, values: Array) -> None:
        if self._edges is None:
            return
        places = np.minimum((values[:, None] > self._edges).sum(axis=1), _BINS - 1)
        known = np.flatnonzero(np.isfinite(values))
        self._counts[which, known, places[known]] += 1.0

    def _judge(self) -> bool:
        if self._rows < LEAST_ROWS:
            return False
        total = self._counts.sum(axis=-1)
        shares = np.maximum(self._counts / np.maximum(total, 1.0)[..., None], _LEAST_SHARE)
        found = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum(axis=-1)
        known = (total >= LEAST_ROWS).all(axis=0)
        self.index = tuple(float(value) if ok else None for value, ok in zip(found, known, strict=True))
        self._counts[1], self._rows = 0.0, 0
        return True

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": _SHIFT,
            "version": VERSION,
            "size": self._size,
            "first": [[each if isfinite(each) else _MISSING for each in row] for row in self._first],
            "edges": [] if self._edges is None else self._edges.ravel().tolist(),
            "counts": self._counts.ravel().tolist(),
            "rows": self._rows,
            "since": self._since,
            "index": list(self.index),
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, _SHIFT, VERSION)
        size = fields.count("size", MOST_FEATURES)
        fields.require(holds=size > 0, what="is of no feature")
        self = cls(size)
        first = fields.table("first", size, REFERENCE_ROWS - 1)
        self._first = [[np.nan if each == _MISSING else each for each in row] for row in first.tolist()]
        edges = fields.row("edges", most=size * (_BINS - 1))
        fields.require(holds=edges.size in (0, size * (_BINS - 1)), what="has bins that cannot be")
        fields.require(holds=not (edges.size and self._first), what="is settled and is not")
        if edges.size:
            self._edges = edges.reshape(size, _BINS - 1)
        self._counts = fields.row("counts", 2 * size * _BINS, low=0.0).reshape(2, size, _BINS)
        self._rows, self._since = fields.count("rows"), fields.maybe("since")
        index = fields.items("index", size)
        fields.require(holds=len(index) == size, what="has another number of features")
        self.index = tuple(None if each is None else _index(each, fields) for each in index)
        return self


def _index(value: object, fields: Fields) -> float:
    sane = isinstance(value, float) and 0.0 <= value < 1e3
    fields.require(holds=sane, what="has an index that cannot be")
    return value if isinstance(value, float) else 0.0
