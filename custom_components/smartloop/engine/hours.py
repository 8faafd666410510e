"""Two weeks of hourly means of one room and the air outside, for forecasts and projections."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from enum import IntEnum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .errors import SnapshotError
from .features.forecast import HISTORY_HOURS

type Row = NDArray[np.float32]

_MOST: Final = 1e6
_STORED = np.dtype("<f4")


class Series(IntEnum):
    """What is kept of each hour; NaN is unknown."""

    TEMPERATURE = 0
    """°C"""
    VAPOUR_PRESSURE = auto()
    """Pa"""
    OUTDOOR_TEMPERATURE = auto()
    OUTDOOR_VAPOUR_PRESSURE = auto()
    SURFACE_TEMPERATURE = auto()
    """°C, of the sensor in the cold corner, if any"""
    MOLD_INDEX = auto()
    """Nominal, of the worst surface, at the hour's end"""
    EXCESS = auto()
    """% of surface humidity above the critical one, at the worst surface"""


class Hours:
    """The newest hours, oldest first; a column per hour without gaps."""

    def __init__(self) -> None:
        """Begin knowing none."""
        self._rows = np.full((len(Series), HISTORY_HOURS), np.nan, np.float32)
        self.last: int | None = None
        """Hours since 1970 of the newest."""

    def push(self, hour: int, values: list[float]) -> None:
        """Append an hour later than all before; those skipped are unknown."""
        shift = 1 if self.last is None else min(hour - self.last, HISTORY_HOURS)
        self._rows[:, :-shift] = self._rows[:, shift:]
        self._rows[:, -shift:] = np.nan
        self._rows[:, -1] = values
        self.last = hour

    def newest(self, series: Series, count: int = HISTORY_HOURS) -> Row:
        """Return a copy of the newest hours of a series, oldest first."""
        return self._rows[series, -count:].copy()

    def snapshot(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {"last": self.last, "rows": b64encode(self._rows.astype(_STORED).tobytes()).decode()}

    @classmethod
    def restored(cls, state: object) -> Hours:
        """Return what a snapshot holds; raises SnapshotError."""
        last = state.get("last") if isinstance(state, dict) else False
        text = state.get("rows") if isinstance(state, dict) else None
        in_time = last is None or (type(last) is int and 0 <= last < _MOST * 10)
        if not in_time or not isinstance(text, str):
            msg = "stored hours are not a time and a text"
            raise SnapshotError(msg)
        self = cls()
        try:
            rows = np.frombuffer(b64decode(text, validate=True), _STORED).reshape(self._rows.shape)
        except (Base64Error, ValueError) as err:
            msg = f"stored hours cannot be read: {err}"
            raise SnapshotError(msg) from err
        if not (np.isnan(rows) | (np.abs(rows) <= _MOST)).all():
            msg = "stored hours hold something out of all bounds"
            raise SnapshotError(msg)
        self._rows = rows.astype(np.float32)
        self.last = last
        return self
