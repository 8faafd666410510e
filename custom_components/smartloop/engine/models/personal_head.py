"""Online heads: a person's yes or no (logistic) and a person's amount (linear), without a training runtime.

One answer is one rank-1 step of Laplace's approximation (Spiegelhalter and Lauritzen 1990): the mode
along `x` is found by Newton's method in one dimension. Features are standardised by the caller; what
is beyond 8 is taken for 8. A missing feature (NaN) is its mean, zero, with its own uncertainty added;
with more than half of them missing the head says it does not know and learns nothing.

Order of answers matters little (the steps are linearised one after the other), but it matters; an
answer named like one of the last 32 is a duplicate and is refused.
"""

from dataclasses import dataclass
from math import exp, isfinite, pi, sqrt
from typing import Final, Self

import numpy as np

from .personal_posterior import Posterior, Prior
from .personal_state import Array, Fields, Record

VERSION: Final = 1
_LOGISTIC: Final = "logistic_head"
_LINEAR: Final = "linear_head"
FARTHEST: Final = 8.0
"""Standard deviations beyond which a feature is not followed"""
_Z90: Final = 1.645
_STEPS = 12
_MOST_LOGIT = 30.0
_NOISE_COUNT = 8.0
"""Answers that the first guess of the noise is worth"""
_NOISE_MEMORY = 400.0


def sigmoid(value: float) -> float:
    """Return the logistic function."""
    value = min(max(value, -_MOST_LOGIT), _MOST_LOGIT)
    return 1.0 / (1.0 + exp(-value))


def clean(row: object, size: int) -> tuple[Array, Array] | None:
    """Return features within bounds, and which are missing; None when most are."""
    try:
        given = np.asarray(row, dtype=np.float64)
    except TypeError, ValueError:
        return None
    if given.shape != (size,):
        return None
    missing = ~np.isfinite(given)
    if 2 * int(missing.sum()) > size:
        return None
    return np.clip(np.where(missing, 0.0, given), -FARTHEST, FARTHEST), missing


@dataclass(frozen=True, slots=True)
class Belief:
    """A forecast with its 90 % band; a chance (0-1) or an amount."""

    value: float
    lo: float
    hi: float
    mean: float
    """Of the weighted sum: logits, or the amount"""
    variance: float


class _Head:
    """What both heads share: a posterior and how fast it forgets."""

    __slots__ = ("forgetting", "posterior")

    def __init__(self, prior: Prior, forgetting: float = 1.0) -> None:
        self.posterior = Posterior(prior)
        self.forgetting = min(max(forgetting, 0.5), 1.0)

    def _sum(self, row: object) -> tuple[Array, float, float] | None:
        """Return the features, and mean and variance of their weighted sum."""
        found = clean(row, self.posterior.size)
        if found is None:
            return None
        x, missing = found
        variance = self.posterior.spread(x)[0]
        mean = self.posterior.mean
        if missing.any():
            variance += float((mean**2 + self.posterior.variance)[missing].sum())
        return x, float(x @ mean), variance

    def retract(self, event: str) -> bool:
        """Take back one of the last 32 answers; False when it is not among them."""
        return self.posterior.retract(event)

    def widen(self, factor: float = 4.0) -> None:
        """Count all answers so far for less: the person changed."""
        self.posterior.forget(1.0 / factor)


class LogisticHead(_Head):
    """Chances of a yes."""

    __slots__ = ()

    def predict_one(self, row: object) -> Belief | None:
        """Return the chance, None when too little is given; changes nothing."""
        found = self._sum(row)
        if found is None:
            return None
        _, mean, variance = found
        half = _Z90 * sqrt(variance)
        # The chance under an uncertain logit is nearer to one half (MacKay 1992).
        value = sigmoid(mean / sqrt(1.0 + pi * variance / 8.0))
        lo, hi = sigmoid(mean - half), sigmoid(mean + half)
        return Belief(value, min(lo, value), max(hi, value), mean, variance)

    def learn_one(self, event: str, row: object, *, outcome: bool, weight: float = 1.0) -> bool:
        """Take in an answer of weight 0-1; False when it is a duplicate or says too little."""
        found = clean(row, self.posterior.size)
        if found is None or self.posterior.known(event) or not 0.0 < weight <= 1.0:
            return False
        x = found[0]
        self.posterior.forget(self.forgetting)
        start, spread = float(x @ self.posterior.mean), self.posterior.spread(x)[0]
        at = start
        for _ in range(_STEPS):
            chance = sigmoid(at)
            slope = 1.0 + spread * weight * chance * (1.0 - chance)
            step = (at - start - spread * weight * (outcome - chance)) / slope
            # Newton's step may overshoot where the curve is flat; from two logits on it is held back.
            at -= min(max(step, -2.0), 2.0)
            if abs(step) < 1e-9:
                break
        chance = sigmoid(at)
        self.posterior.add(event, x, weight * (outcome - chance), weight * chance * (1.0 - chance))
        return True

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": _LOGISTIC,
            "version": VERSION,
            "forgetting": self.forgetting,
            "posterior": self.posterior.snapshot(),
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, _LOGISTIC, VERSION)
        posterior = fields.part("posterior", Posterior.restored)
        self = cls(posterior.prior, fields.number("forgetting", 0.5, 1.0))
        self.posterior = posterior
        return self


class LinearHead(_Head):
    """Amounts; the noise is learned beside the weights."""

    __slots__ = ("_noise", "_seen")

    def __init__(self, prior: Prior, forgetting: float = 1.0, noise: float = 1.0) -> None:
        """Begin with the prior, and a first guess of the noise's variance."""
        super().__init__(prior, forgetting)
        self._noise = min(max(noise, 1e-4), 1e6)
        self._seen = _NOISE_COUNT

    @property
    def noise(self) -> float:
        """Return the variance that no feature explains."""
        return self._noise

    def predict_one(self, row: object) -> Belief | None:
        """Return the expected amount and the band of its mean, None when too little is given; changes nothing."""
        found = self._sum(row)
        if found is None:
            return None
        _, mean, variance = found
        half = _Z90 * sqrt(variance)
        return Belief(mean, mean - half, mean + half, mean, variance)

    def learn_one(self, event: str, row: object, *, outcome: float, weight: float = 1.0) -> bool:
        """Take in an amount of weight 0-1; False when it is a duplicate or says too little."""
        found = clean(row, self.posterior.size)
        if found is None or self.posterior.known(event) or not isfinite(outcome) or not 0.0 < weight <= 1.0:
            return False
        x = found[0]
        self.posterior.forget(self.forgetting)
        spread = self.posterior.spread(x)[0]
        error = outcome - float(x @ self.posterior.mean)
        limit = 4.0 * sqrt(self._noise + spread)
        error = min(max(error, -limit), limit)
        precision = weight / self._noise
        gain = precision * error / (1.0 + precision * spread)
        self._seen = min(self._seen + 1.0, _NOISE_MEMORY)
        # Of the squared error, what the weights' uncertainty accounts for is no noise.
        told = error * error * self._noise / (self._noise + spread)
        self._noise = min(max(self._noise + (told - self._noise) / self._seen, 1e-4), 1e6)
        self.posterior.add(event, x, gain, precision)
        return True

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": _LINEAR,
            "version": VERSION,
            "forgetting": self.forgetting,
            "noise": self._noise,
            "seen": self._seen,
            "posterior": self.posterior.snapshot(),
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, _LINEAR, VERSION)
        posterior = fields.part("posterior", Posterior.restored)
        self = cls(posterior.prior, fields.number("forgetting", 0.5, 1.0), fields.number("noise", 1e-4, 1e6))
        self._seen = fields.number("seen", _NOISE_COUNT, _NOISE_MEMORY)
        self.posterior = posterior
        return self
