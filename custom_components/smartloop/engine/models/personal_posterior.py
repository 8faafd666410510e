"""A normal posterior over a person's weights, as a sum of what each answer contributed.

Kept in information form: precision L and L times mean, h. Every answer adds a site to both, so

- forgetting is exact: (L, h) <- (L0, h0) + f ((L, h) - (L0, h0)), and without answers the posterior
  returns to the prior, never beyond it (exponential forgetting with a prior: Kulhavy and Zarrop 1993);
- widening after a drift is the same with f = 1/4: the variance grows up to four times, and the mean
  moves towards the prior, as the answers that moved it away count for less;
- one answer is taken back by subtracting its site, discounted as it meanwhile was.

Small heads (to 24 weights) keep the full matrix, larger ones the diagonal. A step is a solve of at
most 24 x 24: constant in the number of answers. Of the last 32 answers the sites are kept for taking
back; older ones can no longer be told apart.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from .personal_state import Array, Fields, Record

KIND: Final = "personal_posterior"
VERSION: Final = 1
MOST_FULL: Final = 24
MOST_WEIGHTS: Final = 64
MOST_SITES: Final = 32
_ROUNDS = 40
LEAST_VARIANCE: Final = 0.1
"""No prior of a pool is surer than this of a weight: the next person may be another one (models.md section 7)"""


@dataclass(frozen=True, slots=True)
class Prior:
    """What is held of a weight before a person said anything."""

    mean: tuple[float, ...]
    variance: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        sane = np.isfinite(self.mean).all() and all(1e-6 <= each <= 1e6 for each in self.variance)
        if not 0 < len(self.mean) == len(self.variance) <= MOST_WEIGHTS or not sane:
            msg = "a prior needs a finite mean and a variance for each weight"
            raise ValueError(msg)

    @classmethod
    def flat(cls, size: int, variance: float = 1.0) -> Self:
        """Return a prior that knows nothing."""
        return cls((0.0,) * size, (variance,) * size)

    @classmethod
    def pooled(cls, told: Sequence[Array], known: Sequence[Array], outside: Self) -> Self:
        """Return the prior that other people's posteriors amount to (empirical Bayes).

        `told` and `known` are their means and variances, `outside` the prior these were computed with: what it
        contributed is taken out first, or everybody would be drawn to it twice. It stays as one more person of
        whom nothing is known. Expectation and maximisation of the random-effects model, weight by weight.
        """
        if not told:
            return outside
        mean, given = np.array(outside.mean), np.array(outside.variance)
        own = np.maximum(1.0 / np.array(known) - 1.0 / given, 1e-6)
        said = (np.array(told) / np.array(known) - mean / given) / own
        center, spread = mean, given
        for _ in range(_ROUNDS):
            precision = own + 1.0 / spread
            each = (own * said + center / spread) / precision
            center = (each.sum(axis=0) + center) / (len(each) + 1)
            spread = (((each - center) ** 2 + 1.0 / precision).sum(axis=0) + given) / (len(each) + 1)
        return cls(tuple(center.tolist()), tuple(np.clip(spread, LEAST_VARIANCE, 1e6).tolist()))


class Posterior:
    """Weights of one person."""

    __slots__ = (
        "_covariance",
        "_full",
        "_ids",
        "_information",
        "_mean",
        "_origin",
        "_precision",
        "_scales",
        "_sites",
        "count",
        "prior",
    )

    def __init__(self, prior: Prior) -> None:
        """Begin with the prior."""
        self.prior = prior
        self.count = 0
        """Answers taken in, those taken back not counted"""
        self._full = len(prior.mean) <= MOST_FULL
        precision = 1.0 / np.array(prior.variance)
        self._origin = np.diag(precision) if self._full else precision, precision * np.array(prior.mean)
        """The prior's own precision, and times its mean"""
        self._precision, self._information = self._origin
        self._solve()
        self._ids: deque[str] = deque(maxlen=MOST_SITES)
        self._sites: deque[Array] = deque(maxlen=MOST_SITES)
        """Per answer: x, then what it added to h (full: along x), then its precision"""
        self._scales = np.empty(0)
        """By how much each has been discounted since"""

    @property
    def size(self) -> int:
        """Return the number of weights."""
        return len(self.prior.mean)

    @property
    def mean(self) -> Array:
        """Return the weights' means."""
        return self._mean.copy()

    @property
    def variance(self) -> Array:
        """Return the weights' variances."""
        return np.diag(self._covariance).copy() if self._full else self._covariance.copy()

    def spread(self, x: Array) -> tuple[float, Array]:
        """Return the variance of the weighted sum of `x`, and how the weights go with it."""
        column = self._across(x)
        return max(float(x @ column), 0.0), column

    def _across(self, x: Array) -> Array:
        found: Array = self._covariance @ x if self._full else self._covariance * x
        return found

    def known(self, event: str) -> bool:
        """Return whether an answer of that name is among the last ones."""
        return event in self._ids

    def forget(self, factor: float) -> None:
        """Let all answers so far count for less."""
        if factor >= 1.0:
            return
        precision, information = self._origin
        self._precision = precision + factor * (self._precision - precision)
        self._information = information + factor * (self._information - information)
        self._scales = self._scales * factor
        self._solve()

    def add(self, event: str, x: Array, gain: float, weight: float) -> None:
        """Take in an answer: the mean moves by `gain` along `x`, the precision grows by `weight` along it."""
        column = self.spread(x)[1]
        before = self._information
        moved = self._mean + gain * column
        self._change(x, weight)
        # The full one moves along x only; so a number says by how much.
        part = np.array([gain + weight * float(x @ moved)]) if self._full else self._precision * moved - before
        self._information = before + (part * x if self._full else part)
        self._ids.append(event)
        self._sites.append(np.concatenate([x, part, [weight]]))
        self._scales = np.append(self._scales, 1.0)[-MOST_SITES:]
        self.count += 1
        self._solve()

    def retract(self, event: str) -> bool:
        """Take back one of the last answers; False when it is not among them."""
        if event not in self._ids:
            return False
        place = self._ids.index(event)
        site, scale = self._sites[place], float(self._scales[place])
        del self._ids[place], self._sites[place]
        self._scales = np.delete(self._scales, place)
        self._change(site[: self.size], -scale * float(site[-1]))
        part = site[self.size : -1]
        self._information = self._information - scale * (part * site[: self.size] if self._full else part)
        self.count -= 1
        self._solve()
        return True

    def _change(self, x: Array, weight: float) -> None:
        self._precision = self._precision + (weight * np.outer(x, x) if self._full else weight * x * x)

    def _solve(self) -> None:
        inverse = np.linalg.inv(self._precision) if self._full else 1.0 / self._precision
        self._covariance = np.asarray(inverse, dtype=np.float64)
        self._mean = self._across(self._information)

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": KIND,
            "version": VERSION,
            "prior_mean": list(self.prior.mean),
            "prior_variance": list(self.prior.variance),
            "count": self.count,
            "precision": self._precision.ravel().tolist(),
            "information": self._information.tolist(),
            "ids": list(self._ids),
            "sites": [site.tolist() for site in self._sites],
            "scales": self._scales.tolist(),
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        mean = fields.row("prior_mean", most=MOST_WEIGHTS)
        size = len(mean)
        fields.require(holds=size > 0, what="has no weight")
        variance = fields.row("prior_variance", size, low=1e-6, high=1e6)
        self = cls(Prior(tuple(mean.tolist()), tuple(variance.tolist())))
        self.count = fields.count("count")
        precision = fields.row("precision", size * size if self._full else size)
        self._precision = precision.reshape(size, size) if self._full else precision
        fields.require(holds=self._sane(), what="has a precision that cannot be")
        self._information = fields.row("information", size)
        ids = fields.texts("ids", MOST_SITES)
        fields.require(holds=len(set(ids)) == len(ids) <= self.count, what="names an answer twice")
        self._ids.extend(ids)
        self._sites.extend(fields.table("sites", size + 2 if self._full else 2 * size + 1, MOST_SITES))
        self._scales = fields.row("scales", len(ids), low=0.0, high=1.0)
        fields.require(holds=len(self._sites) == len(ids), what="has answers without a site")
        self._solve()
        return self

    def _sane(self) -> bool:
        """Return whether the precision is one, and no answer took away from the prior's."""
        if not self._full:
            return bool((self._precision > 0.0).all())
        if not np.allclose(self._precision, self._precision.T, rtol=1e-9, atol=1e-12):
            return False
        return bool(np.linalg.eigvalsh(self._precision).min() > 0.0)
