"""What a person will answer: three heads weighed by their record, watched for drift, guarded.

One head is the prior and never learns, one learns and never forgets, one forgets (0.97 an answer).
Their log-chances are mixed by what each lost so far, recent losses counting most; a small share of
every weight goes to all, so that none is ruled out for ever (fixed share: Herbster and Warmuth 1998).
If over the last fifty answers the mixture was worse than the prior, the prior speaks until it no
longer is. After a drift both learners are widened.

Every answer is scored before it is learned from, so order matters. A duplicate (one of the last 32 names) is neither
scored nor learned. Taking an answer back takes it out of both learners; the record of who foretold
what stays, as that is what was said.
"""

from collections import deque
from typing import Final, Self

import numpy as np

from .personal_drift import PageHinkley
from .personal_head import Belief, LogisticHead
from .personal_posterior import Prior
from .personal_score import Score, log_loss
from .personal_state import Fields, Record

KIND: Final = "personal_head"
VERSION: Final = 1
FORGETTING: Final = 0.97
GUARD: Final = 50
_SHARE: Final = 0.02
_START: Final[tuple[float, float, float]] = (0.4, 0.4, 0.2)
"""Weights of prior, memory and forgetting before any answer"""
_NAMES: Final = ("prior", "steady", "forgetting")


class PersonalHead:
    """Chances of a person's yes."""

    __slots__ = ("_drift", "_excess", "_heads", "_weights", "score")

    def __init__(self, prior: Prior) -> None:
        """Begin with the prior."""
        self._heads = (LogisticHead(prior), LogisticHead(prior), LogisticHead(prior, FORGETTING))
        self._weights: tuple[float, float, float] = _START
        self._excess: deque[float] = deque(maxlen=GUARD)
        """Loss of the mixture less that of the prior"""
        self._drift = PageHinkley()
        self.score = Score()

    @property
    def weights(self) -> dict[str, float]:
        """Return how much each head has to say."""
        return dict(zip(_NAMES, self._weights, strict=True))

    @property
    def reverted(self) -> bool:
        """Return whether the prior speaks, as learning did worse."""
        return len(self._excess) == GUARD and sum(self._excess) > 0.0

    @property
    def drifts(self) -> int:
        """Return how often the person changed."""
        return self._drift.alarms

    @property
    def steady(self) -> LogisticHead:
        """Return the head that forgets nothing: what it knows may go into a pooled prior."""
        return self._heads[1]

    def _mixed(self, beliefs: list[Belief]) -> Belief:
        value, lo, hi, mean, variance = (
            sum(weight * part for weight, part in zip(self._weights, parts, strict=True))
            for parts in zip(
                *((each.value, each.lo, each.hi, each.mean, each.variance) for each in beliefs), strict=True
            )
        )
        return Belief(min(max(value, 0.0), 1.0), min(lo, value), max(hi, value), mean, variance)

    def _beliefs(self, row: object) -> list[Belief] | None:
        found = [belief for head in self._heads if (belief := head.predict_one(row)) is not None]
        return found if len(found) == len(self._heads) else None

    def predict_one(self, row: object) -> Belief | None:
        """Return the chance, None when too little is given; changes nothing."""
        found = self._beliefs(row)
        if found is None:
            return None
        return found[0] if self.reverted else self._mixed(found)

    def learn_one(self, event: str, row: object, *, outcome: bool, weight: float = 1.0) -> bool:
        """Score, then learn; return False when the answer is a duplicate or says too little."""
        if self._heads[1].posterior.known(event) or not 0.0 < weight <= 1.0:
            return False
        found = self._beliefs(row)
        if found is None:
            self.score.update(None, prior=0.5, outcome=outcome)
            return False
        mixed = self._mixed(found).value
        said = found[0].value if self.reverted else mixed
        self.score.update(said, prior=found[0].value, outcome=outcome)
        losses = [log_loss(each.value, outcome=outcome) for each in found]
        loss = log_loss(mixed, outcome=outcome)
        self._excess.append(loss - losses[0])
        self._weigh([weight * each for each in losses])
        for head in self._heads[1:]:
            head.learn_one(event, row, outcome=outcome, weight=weight)
        if self._drift.update(loss):
            for head in self._heads[1:]:
                head.widen()
        return True

    def _weigh(self, losses: list[float]) -> None:
        raised = np.array(self._weights) * np.exp(-np.array(losses))
        prior, steady, forgetting = ((1.0 - _SHARE) * raised / raised.sum() + _SHARE * np.array(_START)).tolist()
        self._weights = prior, steady, forgetting

    def retract(self, event: str) -> bool:
        """Take back one of the last 32 answers; False when it is not among them."""
        steady, forgetting = (head.retract(event) for head in self._heads[1:])
        return steady or forgetting

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": KIND,
            "version": VERSION,
            "heads": [head.snapshot() for head in self._heads],
            "weights": list(self._weights),
            "excess": list(self._excess),
            "drift": self._drift.snapshot(),
            "score": self.score.snapshot(),
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        heads = [LogisticHead.restored(each) for each in fields.items("heads", len(_NAMES))]
        same = len(heads) == len(_NAMES) and len({head.posterior.prior for head in heads}) == 1
        fields.require(holds=same, what="has heads of different priors")
        self = cls(heads[0].posterior.prior)
        self._heads = (heads[0], heads[1], heads[2])
        weights = fields.row("weights", len(_NAMES), low=0.0, high=1.0).tolist()
        fields.require(holds=abs(sum(weights) - 1.0) < 1e-6, what="has weights that are no shares")
        self._weights = weights[0], weights[1], weights[2]
        self._excess.extend(fields.row("excess", most=GUARD, low=-20.0, high=20.0).tolist())
        self._drift = fields.part("drift", PageHinkley.restored)
        self.score = fields.part("score", Score.restored)
        return self
