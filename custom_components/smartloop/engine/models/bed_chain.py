"""From what each minute looks like alone to what it was within its night.

Sleep stages are sticky: a hidden Markov chain says how they follow each other. Forward-backward (Rabiner 1989) over the
whole night joins both; then a temperature and a bias per stage (Guo et al. 2017) make probabilities of the scores.
"""

from dataclasses import dataclass
from math import sumprod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError

type Array = NDArray[np.float64]

STAGES: Final = ("wake", "light", "deep", "rem")
"""light is N1 and N2, deep is N3"""
WAKE: Final = 0
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """How stages follow each other, and how much that counts."""

    prior: Array
    """(4,) share of all minutes"""
    transition: Array
    """(4, 4) from, to"""
    trust: float
    """0-1, of one minute beside the chain: minutes near each other say nearly the same"""
    balance: float
    """0-1, how far the prior is taken out of what a minute says; the chain has its own"""
    share: float
    """0-1, of the chain in the score"""

    def __post_init__(self) -> None:
        """Refuse what is no chain of these stages; raises ModelError."""
        count = len(STAGES)
        usable = (
            self.prior.shape == (count,)
            and self.transition.shape == (count, count)
            and (self.prior > 0.0).all()
            and (self.transition > 0.0).all()
            and all(0.0 <= value <= 1.0 for value in (self.trust, self.balance, self.share))
        )
        if not usable:
            msg = "the chain of sleep stages is not usable"
            raise ModelError(msg)

    def scores(self, alone: Array) -> Array:
        """Return scores (T, 4) of log-probabilities (T, 4) of each minute alone."""
        emission = np.exp(self.trust * (alone - self.balance * np.log(self.prior)))
        emission /= emission.max(axis=1, keepdims=True)
        forth = _forward(emission, self.transition, self.prior)
        back = _forward(emission[::-1], self.transition.T, np.ones(len(STAGES)))[::-1]
        joint = forth * back / np.maximum(emission, 1e-12)
        joint /= joint.sum(axis=1, keepdims=True)
        return np.asarray(self.share * np.log(joint + _LEAST) + (1.0 - self.share) * alone)


def _forward(emission: Array, transition: Array, start: Array) -> Array:
    """Return filtered probabilities (T, 4); plain floats, since numpy's overhead on four numbers is larger."""
    columns = transition.T.tolist()
    state = start.tolist()
    out = []
    for index, row in enumerate(emission.tolist()):
        coming = [sumprod(state, column) for column in columns] if index else state
        state = [seen * value for seen, value in zip(row, coming, strict=True)]
        total = sum(state)
        state = [value / total for value in state]
        out.append(state)
    return np.array(out)


def calibrated(scores: Array, temperature: Array | float, bias: Array) -> Array:
    """Return probabilities (T, 4): softmax of scores / temperature + bias."""
    values = scores / np.asarray(temperature)[..., None] + bias
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def balanced(probabilities: Array, prior: Array, emphasis: float) -> Array:
    """Return probabilities (T, 4) in which rare stages count more, by the prior to the power of -emphasis."""
    raised = probabilities * prior**-emphasis
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
