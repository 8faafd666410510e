"""What a room's own past forecasts taught: which expert to trust, how far to bend it, how wide to band it.

Three learners, each updated only when the truth of an earlier forecast arrives, all bounded:
- a personal correction: recursive ridge regression of the outcome on the causes the models name, pulled
  towards "take the models as they are", forgetting over weeks (models.md §7). Behind the named causes come
  the traits: directions in which rooms were found to answer differently, which count for nothing until
  this room's own outcomes ask for them;
- a mixture of experts by their discounted squared loss (exponential weights, Vovk 1990), in which the
  fallback and the uncorrected models stay: the correction has to earn its weight, so it is never
  worse than off by more than the price of finding out;
- adaptive conformal bands (Gibbs and Candès 2021): a miss widens, a hit narrows. Misses come in runs; what a run
  takes beyond the end of the table is remembered as debt, or the long-run share of misses would be too high.
Everything is a batch: the first axis counts rooms. Quantities are differences from the blend of simple
forecasts, in units of the room's usual unrest.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import SnapshotError
from ..features.forecast import CHANNELS, HORIZONS, Array
from .forecast_bands import BANDS

type Hours = NDArray[np.int64]
type Stored = dict[str, str]

EXPERTS: Final = ("blend", "history", "weather", "personal", "day_mean", "same_hour")
TRAITS: Final = 6
CAUSES: Final = ("habit", "weather_trend", "weather_turn", "bias", *(f"trait_{n}" for n in range(1, TRAITS + 1)))
NAMED: Final = 4
"""The first causes mean something each; the traits mean something together."""
TARGET_MISS: Final = 0.1
"""Share of outcomes that may lie outside a band"""
CATCH_UP_HOURS: Final = 48

_LEADS = np.array(HORIZONS)
_OFFSETS = np.concatenate([[0], np.cumsum(_LEADS)[:-1]])
_SLOTS = int(_LEADS.sum())
_PRIOR_TRUST = np.array([0.05, 0.1, 0.2, 0.65, 0.05, 0.05]) / 1.1
_LEARNING_RATE = 0.02
_WORST_LOSS = 9.0
"""Squared units of unrest: one odd day must not decide."""
_TRUST_KEEPS = 0.5 ** (1.0 / 504.0)
"""Per hour: half forgotten after three weeks"""
_BEND_KEEPS = 0.5 ** (1.0 / 1000.0)
AS_IS: Final[Array] = np.array([1.0, 1.0, 1.0, 0.0] + [0.0] * TRAITS)
"""What the causes count for in a room never seen"""
_STIFFNESS = np.diag([100.0, 100.0, 100.0, 300.0] + [5.0] * TRAITS)
"""Hours of one unit of unrest that weigh as much as the prior"""
_BEND_LIMITS = (np.array([-0.5, -0.5, -0.5, -1.0] + [-3.0] * TRAITS), np.array([1.5, 1.5, 1.5, 1.0] + [3.0] * TRAITS))
_OUTLIER = 3.0
_CONFORMAL_STEP = 0.007
_MISS_LIMITS = (-0.05, 0.4)
_MISS_LEAST = 0.005
"""What the table is asked for; below is debt."""
_ROUNDED = 1e-6
"""By which a stored share of misses may differ"""
_HALF_LIMIT = 6.0e4
"""What half a float holds, in which trials are stored"""

_CAUSE_COUNT, _EXPERT_COUNT, _CHANNEL_COUNT = len(CAUSES), len(EXPERTS), len(CHANNELS)
_PENDING = _CHANNEL_COUNT * (_CAUSE_COUNT + _EXPERT_COUNT + 2) + 2 * len(BANDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One hour's forecasts, kept until their truth is known."""

    causes: Array
    """(rooms, horizons, channels, causes)"""
    experts: Array
    """(rooms, horizons, channels, experts)"""
    blend: Array
    """(rooms, horizons, channels) °C, hPa"""
    unrest: Array
    """(rooms, channels) K, hPa"""
    lo: Array
    """(rooms, horizons, bands) °C, hPa, %"""
    hi: Array

    def rows(self) -> Array:
        """Return the trial as one row per room and horizon."""
        rooms, leads = self.blend.shape[:2]
        unrest = np.broadcast_to(self.unrest[:, None, :], self.blend.shape)
        parts = (self.causes, self.experts, self.blend, unrest, self.lo, self.hi)
        return np.concatenate([part.reshape(rooms, leads, -1) for part in parts], axis=2)

    @classmethod
    def of_rows(cls, rows: Array) -> Self:
        """Read rows back; the unrest is then one per horizon."""
        shapes = [(2, _CAUSE_COUNT), (2, _EXPERT_COUNT), (2,), (2,), (len(BANDS),), (len(BANDS),)]
        cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        parts = [p.reshape(*p.shape[:2], *shape) for p, shape in zip(np.split(rows, cuts, axis=2), shapes, strict=True)]
        names = ("causes", "experts", "blend", "unrest", "lo", "hi")
        return cls(**dict(zip(names, parts, strict=True)))


@dataclass(kw_only=True, slots=True)
class Record:
    """The learned state of some rooms; float64 in use, float32 when stored."""

    hour: Hours
    """(rooms,) the last hour learned from; -1 before the first"""
    gram: Array
    """(rooms, horizons, channels, causes, causes)"""
    pull: Array
    """(rooms, horizons, channels, causes)"""
    loss: Array
    """(rooms, horizons, channels, experts)"""
    miss: Array
    """(rooms, horizons, bands): the miss rate the bands now aim at; below 0 is debt"""
    made: Hours
    """(rooms, slots): the hour of each pending trial; -1 is none"""
    pending: Array
    """(rooms, slots, numbers): rings of as many slots as the horizon has hours"""

    @classmethod
    def new(cls, rooms: int) -> Self:
        """Return the state of rooms never seen."""
        shape = (rooms, len(HORIZONS), _CHANNEL_COUNT)
        return cls(
            hour=np.full(rooms, -1),
            gram=np.zeros((*shape, _CAUSE_COUNT, _CAUSE_COUNT)),
            pull=np.zeros((*shape, _CAUSE_COUNT)),
            loss=np.zeros((*shape, _EXPERT_COUNT)),
            miss=np.full((rooms, len(HORIZONS), len(BANDS)), TARGET_MISS),
            made=np.full((rooms, _SLOTS), -1),
            pending=np.zeros((rooms, _SLOTS, _PENDING)),
        )

    @classmethod
    def join(cls, records: Sequence[Self]) -> Self:
        """Return a copy of several rooms as one batch."""
        return cls(**{f.name: np.concatenate([getattr(r, f.name) for r in records]) for f in fields(cls)})

    def split(self) -> list[Self]:
        """Return one record per room."""
        return [
            type(self)(**{f.name: getattr(self, f.name)[i : i + 1].copy() for f in fields(self)})
            for i in range(self.hour.size)
        ]

    def store(self) -> Stored:
        """Return the state of one room as text."""
        out: Stored = {}
        for field in fields(self):
            values = getattr(self, field.name)
            kind = _kind(field.name, values)
            plain = np.clip(values, -_HALF_LIMIT, _HALF_LIMIT) if kind == "<f2" else values
            out[field.name] = base64.b64encode(plain.astype(kind).tobytes()).decode("ascii")
        return out

    @classmethod
    def restore(cls, stored: object) -> Self:
        """Read one room's state back; raises SnapshotError unless it is exactly that."""
        empty = cls.new(1)
        names = [field.name for field in fields(cls)]
        if not isinstance(stored, dict) or set(stored) != set(names):
            msg = "a stored forecast record has other parts than it should"
            raise SnapshotError(msg)
        for name in names:
            setattr(empty, name, _read(stored[name], getattr(empty, name), name))
        low, high = _MISS_LIMITS
        if (empty.miss < low - _ROUNDED).any() or (empty.miss > high + _ROUNDED).any():
            msg = "a stored forecast record's bands cannot be"
            raise SnapshotError(msg)
        return empty

    def bend(self) -> Array:
        """Return the personal weight of each cause: (rooms, horizons, channels, causes)."""
        change = np.linalg.solve(self.gram + _STIFFNESS, self.pull[..., None])[..., 0]
        return np.clip(AS_IS + change, *_BEND_LIMITS)

    def trust(self) -> Array:
        """Return the share of each expert: (rooms, horizons, channels, experts)."""
        score = np.log(_PRIOR_TRUST) - _LEARNING_RATE * self.loss
        share = np.exp(score - score.max(axis=-1, keepdims=True))
        return np.asarray(share / share.sum(axis=-1, keepdims=True))

    def levels(self) -> Array:
        """Return the share of outcomes each band has to hold by the table: (rooms, horizons, bands)."""
        return 1.0 - np.maximum(self.miss, _MISS_LEAST)

    def owed(self, hour: int) -> int:
        """Return how many hours up to this one there are to learn from."""
        # A room never seen has nothing pending.
        since = np.where(self.hour < 0, hour, self.hour).min(initial=hour)
        return int(np.clip(hour - since, 0, CATCH_UP_HOURS))

    def remember(self, hour: int, trial: Trial, ready: NDArray[np.bool_]) -> None:
        """Keep this hour's forecasts of the rooms that have one."""
        slots = _OFFSETS + hour % _LEADS
        self.made[:, slots] = np.where(ready[:, None], hour, -1)
        self.pending[:, slots] = np.where(ready[:, None, None], trial.rows(), 0.0)

    def learn(self, hour: int, truth: Array) -> None:
        """Learn from the hours up to this one that were not learned from yet.

        `truth` is (rooms, hours, bands), at least the `owed` hours: what was measured, NaN where nothing was; the
        last is `hour`.
        """
        for past in range(hour - self.owed(hour) + 1, hour + 1):
            self._learn_one(past, truth[:, past - hour - 1], new=self.hour < past)
        # A clock that was ahead by days was wrong: the room would learn nothing until then.
        self.hour = np.where(self.hour > hour + CATCH_UP_HOURS, hour, np.maximum(self.hour, hour))

    def _learn_one(self, hour: int, truth: Array, *, new: NDArray[np.bool_]) -> None:
        """Learn from one hour, in the rooms for which it is new."""
        slots = _OFFSETS + hour % _LEADS
        due = (self.made[:, slots] == hour - _LEADS) & (new & np.isfinite(truth).all(axis=1))[:, None]
        trial = Trial.of_rows(self.pending[:, slots])
        unrest = np.where(due[..., None], trial.unrest, 1.0)
        outcome = np.where(due[..., None], (truth[:, None, :2] - trial.blend) / unrest, 0.0)
        keeps = np.where(new, _BEND_KEEPS, 1.0)[:, None, None, None]
        causes = np.where(due[..., None, None], trial.causes, 0.0)
        surprise = np.clip(outcome - causes @ AS_IS, -_OUTLIER, _OUTLIER)
        self.gram = self.gram * keeps[..., None] + causes[..., :, None] * causes[..., None, :]
        self.pull = self.pull * keeps + causes * surprise[..., None]
        loss = np.minimum((trial.experts - outcome[..., None]) ** 2, _WORST_LOSS)
        regret = np.where(due[..., None, None], loss - loss.min(axis=-1, keepdims=True), 0.0)
        self.loss = self.loss * np.where(new, _TRUST_KEEPS, 1.0)[:, None, None, None] + regret
        missed = (truth[:, None, :] < trial.lo) | (truth[:, None, :] > trial.hi)
        step = np.where(due[..., None], _CONFORMAL_STEP * (TARGET_MISS - missed), 0.0)
        self.miss = np.clip(self.miss + step, *_MISS_LIMITS)


def _kind(name: str, values: NDArray[np.generic]) -> str:
    """Return how numbers are stored; trials are many and need no more than three digits."""
    if values.dtype.kind == "i":
        return "<i8"
    return "<f2" if name == "pending" else "<f4"


def _read(text: object, like: NDArray[np.generic], name: str) -> NDArray[np.generic]:
    """Return stored numbers in the shape and type of others."""
    kind = _kind(name, like)
    try:
        raw = base64.b64decode(text if isinstance(text, str) else "?", validate=True)
    except (binascii.Error, ValueError) as err:
        msg = "a stored forecast record is not readable"
        raise SnapshotError(msg) from err
    if len(raw) != like.size * np.dtype(kind).itemsize:
        msg = "a stored forecast record has another size than it should"
        raise SnapshotError(msg)
    values = np.frombuffer(raw, dtype=kind).reshape(like.shape)
    if not np.isfinite(values).all():
        msg = "a stored forecast record holds something that is no finite number"
        raise SnapshotError(msg)
    return values.astype(like.dtype)
