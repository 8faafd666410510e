"""From what each minute looks like alone to what it was within its night.

Sleep stages are sticky: a hidden Markov chain says how they follow each other. Forward-backward (Rabiner 1989) over the
whole night joins both; then a temperature and a bias per stage (Guo et al. 2017) make probabilities of the scores.
"""

from dataclasses import dataclass
from math import isqrt
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
    """Return filtered probabilities (T, 4).

    Blocks of about sqrt(T) minutes run side by side as products of matrices, then are strung together: numpy's overhead
    on four numbers, a thousand times over, would cost more than all the rest of a night.
    """
    first = start * emission[0]
    count, width = len(emission) - 1, start.size
    if count == 0:
        return np.asarray((first / first.sum())[None, :])
    size = isqrt(count - 1) + 1
    blocks = -(-count // size)
    padded = np.ones((blocks * size, width))
    padded[:count] = emission[1:]
    seen = padded.reshape(blocks, size, width)
    products = np.empty((size, blocks, width, width))
    running = np.tile(np.eye(width), (blocks, 1, 1))
    for step in range(size):
        running = (running @ transition) * seen[:, step, None, :]
        running /= running.sum(axis=(1, 2), keepdims=True)
        products[step] = running
    entries = np.empty((blocks, width))
    state = first / first.sum()
    for block in range(blocks):
        entries[block] = state
        state = state @ products[-1, block]
        state /= state.sum()
    states = np.einsum("bi,sbij->bsj", entries, products).reshape(-1, width)[:count]
    return np.concatenate([(first / first.sum())[None, :], states / states.sum(axis=1, keepdims=True)])


def calibrated(scores: Array, temperature: Array | float, bias: Array) -> Array:
    """Return probabilities (T, 4): softmax of scores / temperature + bias."""
    values = scores / np.asarray(temperature)[..., None] + bias
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def balanced(probabilities: Array, prior: Array, emphasis: float) -> Array:
    """Return probabilities (T, 4) in which rare stages count more, by the prior to the power of -emphasis."""
    raised = probabilities * prior**-emphasis
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
