"""Whether a room will be used within the next hour: a small network of other homes' habits, corrected by one's own.

The network sees rates learned at home and how things stand. A Bayesian logistic head (Laplace, rank-one updates) takes
its log-odds beside the rates and learns, hour by hour, how far to trust each here; it begins by believing the network.
Where the network cannot be used, lies out of its range, or has lately been worse than the time-of-week average, that
average answers: it is the fallback, and is said so in `why`.

Call `use` for what is used and `advance` at least every two hours; time is an argument (see `features.presence`).
"""

from collections import deque
from dataclasses import dataclass
from math import exp, log
from typing import Final, NamedTuple, Self

import numpy as np

from ..errors import SnapshotError
from ..features.presence import BACK_S, HOUR_S, MOST_ROOMS, SLOT_S, UNWATCHED_S, Array, Instant
from ..features.presence_home import Home
from ..features.state import numbers
from .classifier import Classifier
from .model import Runner
from .personal_state import Fields, Record

KIND: Final = "presence_routine"
VERSION: Final = 1
NAME: Final = "presence_routine"
LEAST_DAYS: Final = 1.0
DEFAULT_TAU: Final = 0.6
HEAD: Final = (
    *("network", "week_rate", "stay_rate", "after_rate", "room_rate", "used_15_min", "used_60_min", "since_use"),
    "one",
)
"""What the head weighs"""
_SD: Final = 0.3
"""Of the head's weights before any hour"""
_KEPT_HOURS: Final = 336.0
"""Room-hours over which the record of network against average is kept"""
PATIENCE: Final = 3.0
"""Log-loss by which the head may fall behind the average before it is silenced: luck of a few hours"""
_BOUND: Final = 1e-3
_TINY: Final = 1e-9

SILENT: Final = "silent_home"
UNKNOWN: Final = "unknown_room"
EARLY: Final = "too_early"
FALLBACK: Final = "time_of_week"


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomForecast:
    """The chance that a room is used within the hour."""

    room: str
    probability: float | None
    """None when abstained"""
    usual: float | None
    """The time-of-week average"""
    expected: bool | None
    """Whether it is expected to be used; None below the file's confidence threshold, or when abstained"""
    confidence: float
    """0.5 to 1; 0 when abstained"""
    abstained: bool
    why: tuple[str, ...]
    """Features for (+) and against (-), the fallback's name where it answered, or why there is no answer"""
    out_of_range: bool
    data_age_s: float
    model_version: str


class _Due(NamedTuple):
    """An hour whose end is awaited."""

    at: float
    rows: dict[str, tuple[list[float], float]]
    """Of each room the head's inputs and the average's log-odds"""
    used: set[str]


def sigmoid(value: float) -> float:
    """Return the probability of log-odds."""
    return 1.0 / (1.0 + exp(-min(max(value, -30.0), 30.0)))


def _loss(probability: float, *, outcome: bool) -> float:
    kept = min(max(probability, _BOUND), 1.0 - _BOUND)
    return -log(kept if outcome else 1.0 - kept)


class PresenceForecaster:
    """Forecasts for the rooms of one home."""

    __slots__ = ("_classifier", "_due", "_lead", "_mean", "_spread", "_tau", "home", "version")

    def __init__(self, runner: Runner | None = None, home: Home | None = None) -> None:
        """Begin with the shipped network, or with none: then the time-of-week average answers."""
        self._classifier = None if runner is None else Classifier(runner)
        self._tau = DEFAULT_TAU if self._classifier is None else self._classifier.tau
        self.version = "fallback" if runner is None else runner.version
        self.home = Home() if home is None else home
        self._mean: Array = np.zeros(len(HEAD))
        self._mean[0] = 1.0
        self._spread: Array = np.eye(len(HEAD)) * _SD**2
        self._due: deque[_Due] = deque(maxlen=3)
        self._lead = 0.0
        """Loss of the average less that of the head, fading: below zero the average speaks"""

    @property
    def reverted(self) -> bool:
        """Return whether the average speaks, as the network did worse here."""
        return self._lead < -PATIENCE

    def use(self, room: str, now: Instant) -> bool:
        """Take in a use; False when it comes too late."""
        if not self.advance(now) or not self.home.use(room, now):
            return False
        for each in self._due:
            each.used.add(room)
        return True

    def advance(self, now: Instant) -> bool:
        """Let time pass: learn from hours that are over, and remember what is foretold at each half-hour."""
        if not -BACK_S <= now.at - self.home.now <= UNWATCHED_S:
            self._due.clear()
        while self._due and now.at >= self._due[0].at + HOUR_S:
            self._settle(self._due.popleft())
        if not self.home.advance(now):
            return False
        if self.home.days >= LEAST_DAYS and (not self._due or now.at - self._due[-1].at >= SLOT_S):
            rows = {room: found for room in self.home.names if (found := self._foreseen(room, now)) is not None}
            self._due.append(_Due(now.at, rows, set()))
        return True

    def _foreseen(self, room: str, now: Instant) -> tuple[list[float], float] | None:
        """Return the head's inputs and the average's log-odds; None where the network does not answer."""
        if self._due and self._due[-1].at == now.at and room in self._due[-1].rows and room not in self._due[-1].used:
            return self._due[-1].rows[room]
        features = self.home.features(room, now)
        row = None if features is None else self._row(features)
        return None if row is None else (row, row[HEAD.index("week_rate")])

    def _row(self, features: dict[str, float | None]) -> list[float] | None:
        """Return the head's inputs; None where the network does not answer."""
        if self._classifier is None:
            return None
        found = self._classifier.classify(features, explain=False)
        if not found.probabilities or found.out_of_range:
            return None
        chance = min(max(found.probabilities["used"], _BOUND), 1.0 - _BOUND)
        rest = (features[name] for name in HEAD[1:-1])
        return [log(chance / (1.0 - chance)), *(0.0 if value is None else value for value in rest), 1.0]

    def _settle(self, due: _Due) -> None:
        """Learn from an hour that is over."""
        for room, (row, usual) in due.rows.items():
            outcome = room in due.used
            values = np.array(row)
            chance = sigmoid(float(self._mean @ values))
            gain = _loss(sigmoid(usual), outcome=outcome) - _loss(chance, outcome=outcome)
            self._lead += gain - self._lead / _KEPT_HOURS
            weight = max(chance * (1.0 - chance), 0.01)
            turned = self._spread @ values
            step = turned / (1.0 / weight + float(values @ turned))
            self._mean = self._mean + step * ((float(outcome) - chance) / weight)
            self._spread = self._spread - np.outer(step, turned)

    def network(self, room: str, now: Instant) -> float:
        """Return what the network alone says, NaN where it does not answer."""
        found = self._foreseen(room, now)
        return float("nan") if found is None else sigmoid(found[0][0])

    def forecast(self, room: str, now: Instant, *, explain: bool = True) -> RoomForecast:
        """Return the chance that a room is used within the hour from now; changes nothing."""
        features = self.home.features(room, now)
        age = max(now.at - self.home.now, 0.0)
        if features is None or features["week_rate"] is None or self.home.days < LEAST_DAYS:
            reason = UNKNOWN if room not in self.home.names else SILENT if self.home.silent(now) else EARLY
            return self._answer(room, None, None, (reason,), age=age, far=False)
        usual = sigmoid(features["week_rate"])
        foreseen = self._foreseen(room, now)
        if foreseen is None or self.reverted:
            far = foreseen is None and self._classifier is not None
            return self._answer(room, usual, usual, (FALLBACK,), age=age, far=far)
        why: tuple[str, ...] = ()
        if explain and self._classifier is not None:
            why = self._classifier.classify(features).why
        chance = min(max(sigmoid(float(self._mean @ np.array(foreseen[0]))), _BOUND), 1.0 - _BOUND)
        return self._answer(room, chance, usual, why, age=age, far=False)

    def _answer(
        self, room: str, chance: float | None, usual: float | None, why: tuple[str, ...], *, age: float, far: bool
    ) -> RoomForecast:
        confidence = 0.0 if chance is None else max(chance, 1.0 - chance)
        return RoomForecast(
            room=room,
            probability=chance,
            usual=usual,
            expected=None if chance is None or confidence < self._tau else chance > 0.5,
            confidence=confidence,
            abstained=chance is None,
            why=why,
            out_of_range=far,
            data_age_s=age,
            model_version=self.version,
        )

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": KIND,
            "version": VERSION,
            "model": self.version,
            "home": self.home.snapshot(),
            "mean": self._mean.tolist(),
            "spread": self._spread.ravel().tolist(),
            "lead": self._lead,
            "due": [
                [each.at, {room: [*row, usual] for room, (row, usual) in each.rows.items()}, sorted(each.used)]
                for each in self._due
            ],
        }

    @classmethod
    def restored(cls, state: object, runner: Runner | None = None) -> Self:
        """Return what a snapshot holds; raises SnapshotError. Of another network's file the head begins anew."""
        fields = Fields(state, KIND, VERSION)
        self = cls(runner, fields.part("home", Home.restored))
        mean, spread = fields.row("mean", len(HEAD)), fields.row("spread", len(HEAD) ** 2)
        square = spread.reshape(len(HEAD), len(HEAD))
        spreads = bool(np.allclose(square, square.T, atol=1e-9) and (np.linalg.eigvalsh(square) > -_TINY).all())
        fields.require(holds=spreads, what="holds a spread that cannot be")
        lead = fields.number("lead")
        due = [_restored_due(each) for each in fields.items("due", 3)]
        if isinstance(state, dict) and state.get("model") == self.version:
            self._mean, self._spread, self._lead = mean, square, lead
            self._due.extend(due)
        return self


def _restored_due(state: object) -> _Due:
    if not isinstance(state, list) or len(state) != 3 or not isinstance(state[1], dict):
        msg = "a stored hour is no time with rooms"
        raise SnapshotError(msg)
    rows = {str(room): numbers(row, len(HEAD) + 1) for room, row in state[1].items()}
    if not isinstance(state[2], list) or len(state[2]) > MOST_ROOMS:
        msg = "a stored hour's rooms are no list"
        raise SnapshotError(msg)
    kept = {room: (list(row[:-1]), row[-1]) for room, row in rows.items()}
    return _Due(numbers(state[:1], 1)[0], kept, {str(each) for each in state[2]})
