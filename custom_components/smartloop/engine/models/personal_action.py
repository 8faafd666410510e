"""Whether an act (a message, an offer) helps this person at this moment: action-centred, with logged chances.

The reward is r = b(x) + (a - p) x.w + noise, where p is the chance with which it had been decided to
act (Greenewald et al., NeurIPS 2017): however badly b is known, the estimate of the effect x.w stays
unbiased. The chance to act is that of a Thompson sample of the effect being above the cost, clipped to
0.1-0.9 so that what was done can be judged afterwards. The draw itself is the caller's.

Order of events matters little, duplicates (one of the last 32 names) are refused, as in the heads.
"""

from math import erfc, isfinite, sqrt
from typing import Final, Self

import numpy as np

from .personal_head import Belief, LinearHead
from .personal_posterior import Prior
from .personal_state import Fields, Record

KIND: Final = "personal_action"
VERSION: Final = 1
LEAST_CHANCE, MOST_CHANCE = 0.1, 0.9
"""To act and not to act are never ruled out, or nothing could be learned"""
FORGETTING: Final = 1.0


class ActionHead:
    """The effect of one kind of act on one person."""

    __slots__ = ("_baseline", "_effect")

    def __init__(self, effect: Prior, baseline: Prior | None = None, noise: float = 1.0) -> None:
        """Begin with the priors."""
        size = len(effect.mean)
        self._baseline = LinearHead(baseline or Prior.flat(size, 4.0), FORGETTING, noise)
        self._effect = LinearHead(effect, FORGETTING, noise)

    @property
    def effect(self) -> LinearHead:
        """Return what is known of the effect; it may go into a pooled prior."""
        return self._effect

    @property
    def baseline(self) -> LinearHead:
        """Return what is known of the reward as such."""
        return self._baseline

    def predict_one(self, row: object) -> Belief | None:
        """Return the effect of acting, None when too little is given; changes nothing."""
        return self._effect.predict_one(row)

    def chance(self, row: object, cost: float = 0.0) -> float | None:
        """Return the chance with which to act; None (do not act) when too little is given."""
        found = self.predict_one(row)
        if found is None:
            return None
        above = (found.mean - cost) / sqrt(max(found.variance, 1e-12))
        return min(max(0.5 * erfc(-above / sqrt(2.0)), LEAST_CHANCE), MOST_CHANCE)

    def learn_one(self, event: str, row: object, *, acted: bool, chance: float, reward: float) -> bool:
        """Take in what came of acting, or not; False when it is a duplicate or says too little."""
        if not isfinite(reward) or not LEAST_CHANCE / 2.0 <= chance <= 1.0 - LEAST_CHANCE / 2.0:
            return False
        expected = self._baseline.predict_one(row)
        if expected is None or self._effect.posterior.known(event):
            return False
        centered = (float(acted) - chance) * np.asarray(row, dtype=np.float64)
        self._effect.learn_one(event, centered, outcome=reward - expected.mean)
        return self._baseline.learn_one(event, row, outcome=reward)

    def retract(self, event: str) -> bool:
        """Take back one of the last 32 events; False when it is not among them."""
        effect, baseline = self._effect.retract(event), self._baseline.retract(event)
        return effect or baseline

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": KIND,
            "version": VERSION,
            "baseline": self._baseline.snapshot(),
            "effect": self._effect.snapshot(),
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        baseline, effect = (fields.part(name, LinearHead.restored) for name in ("baseline", "effect"))
        fields.require(holds=baseline.posterior.size == effect.posterior.size, what="has parts of different sizes")
        self = cls(effect.posterior.prior, baseline.posterior.prior)
        self._baseline, self._effect = baseline, effect
        return self
