"""Will a reliever be used tomorrow? A chance from the person's own last weeks; never anything about attacks.

One small network for everybody (logistic, trained on other people) gives log-odds from `features.reliever`; a personal
head shifts and stretches them by what it got wrong of this person before (Bayesian logistic regression, models.md
section 6.3). With fewer than three known days in the last fourteen it does not know. The fallback is the share of days
with use among the last seven, drawn towards other people's mean. Inputs are a diary and a day; no clock is read.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import log
from typing import Final, Self

from ..features.reliever import MOST_PUFFS, DiaryDay, decayed, enough, features, known, week
from .classifier import Classifier
from .model import Prediction, Runner
from .personal_head import LogisticHead
from .personal_posterior import Prior
from .personal_state import Fields, Record

KIND: Final = "reliever_day"
VERSION: Final = 1
USED: Final = "used"
CLASSES: Final = ("not_used", USED)
PRIOR: Final = Prior((0.0, 1.0), (0.3, 0.1))
"""A new person is like the others: no shift, no stretch, by so much variance"""
TOO_FEW: Final = "too_few_known_days"
_DAY_S: Final = 86400.0
_EDGE: Final = 1e-6


def week_rate(days: Iterable[DiaryDay], today: int, mean: float, strength: float) -> float | None:
    """Return the share of the last seven days with use, `strength` days of the mean added; None with too few days."""
    told = known(days, today)
    used, count = week(told, today)
    return (used + strength * mean) / (count + strength) if enough(told, today) else None


def usual_puffs(days: Iterable[DiaryDay], today: int) -> float | None:
    """Return the puffs of a day like those lately (their median, a day's weight halving in four); None with too few."""
    told = known(days, today)
    counts = sorted(
        (min(each.puffs, MOST_PUFFS), decayed(today - each.day))
        for each in told
        if each.used is not None and each.puffs is not None and each.puffs >= 0.0
    )
    if not counts or not enough(told, today):
        return None
    half = sum(weight for _, weight in counts) / 2.0
    return next(
        puffs
        for (puffs, _), below in zip(counts, accumulate(weight for _, weight in counts), strict=True)
        if below >= half
    )


class RelieverDay:
    """One person's forecast, learning from how each day went."""

    def __init__(self, runner: Runner, head: LogisticHead | None = None) -> None:
        """Take the shipped network, and what is known of the person; raises ModelError for a file of another kind."""
        self._network = Classifier(runner, required=frozenset({"use_28d"}))
        self._head = LogisticHead(PRIOR) if head is None else head

    def predict(self, days: Sequence[DiaryDay], today: int, *, explain: bool = True) -> Prediction:
        """Return the chance that tomorrow has a reliever use, with its 90 % band, as known at the end of `today`."""
        told = known(days, today)
        last = max((each.day for each in told if each.used is not None), default=None)
        age = _DAY_S * (today - last) if last is not None else 0.0
        if not enough(told, today):
            return self._silent((TOO_FEW,), age)
        found = self._network.classify(features(told, today), data_age_s=age, explain=explain)
        belief = None if found.abstained else self._head.predict_one(_row(found.probabilities[USED]))
        if belief is None:
            return self._silent(found.why, age)
        return Prediction(
            value=belief.value,
            lo=belief.lo,
            hi=belief.hi,
            confidence=max(belief.value, 1.0 - belief.value),
            abstained=False,
            why=found.why,
            data_age_s=age,
            model_version=self._network.version,
        )

    def learn_one(self, days: Sequence[DiaryDay], day: int) -> bool:
        """Learn how `day` went against what the days before it foretold; False when there is nothing to learn."""
        told = known(days, day)
        used = told[-1].used if told and told[-1].day == day else None
        before = told[:-1]
        if used is None or not enough(before, day - 1):
            return False
        found = self._network.classify(features(before, day - 1), explain=False)
        if found.abstained:
            return False
        return self._head.learn_one(str(day), _row(found.probabilities[USED]), outcome=used)

    def _silent(self, why: tuple[str, ...], age: float) -> Prediction:
        return Prediction(
            value=None,
            lo=None,
            hi=None,
            confidence=0.0,
            abstained=True,
            why=why,
            data_age_s=age,
            model_version=self._network.version,
        )

    def snapshot(self) -> Record:
        """Return what was learned of the person as JSON values; the network's version is that it was learned with."""
        return {"kind": KIND, "version": VERSION, "network": self._network.version, "head": self._head.snapshot()}

    @classmethod
    def restored(cls, runner: Runner, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError, also when it was learned with another network."""
        fields = Fields(state, KIND, VERSION)
        head = fields.part("head", LogisticHead.restored)
        same = fields.text("network") == runner.version and head.posterior.prior == PRIOR
        fields.require(holds=same, what="was learned with another network")
        return cls(runner, head)


def _row(chance: float) -> tuple[float, float]:
    """Return what the head weighs: one, and the network's log-odds."""
    bounded = min(max(chance, _EDGE), 1.0 - _EDGE)
    return 1.0, log(bounded / (1.0 - bounded))
