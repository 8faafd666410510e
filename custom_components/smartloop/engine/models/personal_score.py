"""How good forecasts of yes or no were, each scored before its outcome was learned from.

Beside the model's own log-loss run those of its prior and of the person's running rate so far (with
one yes and one no to begin with). Skill is 1 - loss / loss of the reference. The calibration error is
over ten bins of equal mass of the last 500 forecasts, and None below 200 (models.md section 7).

Order matters only for the running rate; a forecast scored twice counts twice.
"""

from collections import deque
from math import isfinite, log
from typing import Final, Self

import numpy as np

from .personal_state import Fields, Record

KIND: Final = "prequential_score"
VERSION: Final = 1
MOST_KEPT: Final = 500
LEAST_FOR_CALIBRATION: Final = 200
_BINS = 10
_EDGE = 1e-4
"""Forecasts are scored as if no surer than this: one surprise is no ruin"""


def log_loss(chance: float, *, outcome: bool) -> float:
    """Return the log-loss of one forecast, nats; a forecast that is no number is scored as one half."""
    if not isfinite(chance):
        chance = 0.5
    chance = min(max(chance, _EDGE), 1.0 - _EDGE)
    return -log(chance if outcome else 1.0 - chance)


class Score:
    """The record of one model's forecasts."""

    __slots__ = ("_base", "_brier", "_loss", "_prior", "_recent", "_yes", "abstained", "count")

    def __init__(self) -> None:
        """Begin with none."""
        self.count = 0
        self.abstained = 0
        self._yes = 0
        self._loss = self._prior = self._base = self._brier = 0.0
        self._recent: deque[tuple[float, bool]] = deque(maxlen=MOST_KEPT)

    @property
    def base_rate(self) -> float:
        """Return the person's running rate, from one half."""
        return (self._yes + 1.0) / (self.count + 2.0)

    def update(self, chance: float | None, *, prior: float, outcome: bool) -> None:
        """Score one forecast; None is an abstention, which is counted and not scored."""
        if chance is None or not isfinite(chance):
            self.abstained += 1
            return
        self._loss += log_loss(chance, outcome=outcome)
        self._prior += log_loss(prior, outcome=outcome)
        self._base += log_loss(self.base_rate, outcome=outcome)
        self._brier += (chance - outcome) ** 2
        self._recent.append((float(chance), bool(outcome)))
        self.count += 1
        self._yes += bool(outcome)

    def _mean(self, total: float) -> float | None:
        return total / self.count if self.count else None

    @property
    def loss(self) -> float | None:
        """Return the mean log-loss, nats."""
        return self._mean(self._loss)

    @property
    def brier(self) -> float | None:
        """Return the mean squared error."""
        return self._mean(self._brier)

    @property
    def skill_over_prior(self) -> float | None:
        """Return by what share the loss is below that of the prior."""
        return 1.0 - self._loss / self._prior if self._prior else None

    @property
    def skill_over_rate(self) -> float | None:
        """Return by what share the loss is below that of the person's running rate."""
        return 1.0 - self._loss / self._base if self._base else None

    @property
    def calibration_error(self) -> float | None:
        """Return the expected calibration error of the last forecasts."""
        if len(self._recent) < LEAST_FOR_CALIBRATION:
            return None
        rows = np.array(sorted(self._recent), dtype=np.float64)
        gaps = [len(each) * abs(float(each[:, 0].mean() - each[:, 1].mean())) for each in np.array_split(rows, _BINS)]
        return sum(gaps) / len(rows)

    def snapshot(self) -> Record:
        """Return everything as JSON values."""
        return {
            "kind": KIND,
            "version": VERSION,
            "count": self.count,
            "abstained": self.abstained,
            "yes": self._yes,
            "sums": [self._loss, self._prior, self._base, self._brier],
            "recent": [[chance, int(outcome)] for chance, outcome in self._recent],
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        self = cls()
        self.count, self.abstained, self._yes = (fields.count(name) for name in ("count", "abstained", "yes"))
        self._loss, self._prior, self._base, self._brier = fields.row("sums", 4, low=0.0).tolist()
        recent = fields.table("recent", 2, MOST_KEPT)
        sane = self._yes <= self.count and len(recent) == min(self.count, MOST_KEPT)
        chances = bool(((recent[:, 0] >= 0.0) & (recent[:, 0] <= 1.0) & np.isin(recent[:, 1], (0.0, 1.0))).all())
        fields.require(holds=sane and chances, what="holds a record that cannot be")
        self._recent.extend((float(chance), bool(outcome)) for chance, outcome in recent)
        return self
