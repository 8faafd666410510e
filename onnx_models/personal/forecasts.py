"""How good foretold answers were: log-loss, Brier score, AUC and calibration, people redrawn for intervals."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from .heartsteps import Array

RESAMPLES: Final = 500
SETTLED: Final = 50
"""Answers after which a head should know its person (models.md section 7)"""
_EDGE = 1e-4
_BINS = 10


def _losses(said: Array, outcome: Array) -> Array:
    clipped = np.clip(said, _EDGE, 1.0 - _EDGE)
    found: Array = -np.log(np.where(outcome > 0.5, clipped, 1.0 - clipped))
    return found


def auc(said: Array, outcome: Array) -> float | None:
    """Return the chance that a yes was foretold higher than a no."""
    yes, no = said[outcome > 0.5], said[outcome < 0.5]
    if not len(yes) or not len(no):
        return None
    order = np.sort(no)
    above = np.searchsorted(order, yes, "left") + np.searchsorted(order, yes, "right")
    return float(above.sum() / (2.0 * len(yes) * len(no)))


def calibration_error(said: Array, outcome: Array) -> float:
    """Return the expected calibration error over ten bins of equal mass."""
    order = np.argsort(said, kind="stable")
    parts = np.array_split(order, _BINS)
    return float(
        sum(len(part) * abs(said[part].mean() - outcome[part].mean()) for part in parts if len(part)) / len(said)
    )


def figures(people: Sequence[dict[str, Array]], name: str, prefix: str) -> dict[str, float | None]:
    """Return one forecaster's figures, named."""
    said = np.concatenate([each[name] for each in people])
    outcome = np.concatenate([each["outcome"] for each in people])
    late = np.concatenate([np.arange(len(each["outcome"])) >= SETTLED for each in people])
    prior = np.concatenate([each["everyones_rate"] for each in people])
    rate = np.concatenate([each["personal_rate"] for each in people])
    loss = _losses(said, outcome)
    out: dict[str, float | None] = {
        f"{prefix}_log_loss": float(loss.mean()),
        f"{prefix}_brier": float(((said - outcome) ** 2).mean()),
        # Who is left out has a rate on the other side of the mean: sorting by it would be sorting by the answer.
        f"{prefix}_auc": None if name == "everyones_rate" else auc(said, outcome),
        f"{prefix}_ece": calibration_error(said, outcome),
    }
    for what, reference in (("everyones_rate", prior), ("personal_rate", rate)):
        against = _losses(reference, outcome)
        out[f"{prefix}_skill_over_{what}"] = float(1.0 - loss.mean() / against.mean())
        enough = int(late.sum()) >= 10 * len(people)
        out[f"{prefix}_skill_over_{what}_after_{SETTLED}"] = (
            float(1.0 - loss[late].mean() / against[late].mean()) if enough else None
        )
    return out


def intervals(people: Sequence[dict[str, Array]], name: str, prefix: str, seed: int) -> dict[str, list[float] | None]:
    """Return 90 % bootstrap intervals; people are redrawn."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        pick = [people[i] for i in rng.integers(0, len(people), len(people))]
        for key, value in figures(pick, name, prefix).items():
            drawn.setdefault(key, [])
            if value is not None:
                drawn[key].append(value)
    return {
        key: [round(float(q), 4) for q in np.quantile(values, (0.05, 0.95))] if values else None
        for key, values in drawn.items()
    }
