"""How good foretold answers were: log-loss, Brier score, AUC and calibration, people redrawn for intervals."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..report import Bin, Metrics, expected_calibration_error, reliability
from .heartsteps import Array

SETTLED: Final = 50
"""Answers after which a head should know its person (models.md section 7)"""
_EDGE = 1e-4


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


def _joined(people: Sequence[dict[str, Array]], name: str) -> Array:
    return np.concatenate([each[name] for each in people] or [np.zeros(0)])


def bins(people: Sequence[dict[str, Array]], name: str) -> list[Bin]:
    """Return what was foretold against what came."""
    return reliability(_joined(people, name), _joined(people, "outcome")) if people else []


def figures(people: Sequence[dict[str, Array]], name: str, prefix: str) -> Metrics:
    """Return one forecaster's figures, named; None where there is nobody, or too few answers."""
    said, outcome = _joined(people, name), _joined(people, "outcome")
    late = np.concatenate([np.arange(len(each["outcome"])) >= SETTLED for each in people] or [np.zeros(0, np.bool_)])
    loss = _losses(said, outcome)
    any_at_all = bool(len(loss))
    out: Metrics = {
        "log_loss": float(loss.mean()) if any_at_all else None,
        "brier": float(((said - outcome) ** 2).mean()) if any_at_all else None,
        # Who is left out has a rate on the other side of the mean: sorting by it would be sorting by the answer.
        "auc": None if name == "everyones_rate" else auc(said, outcome),
        "ece": expected_calibration_error(reliability(said, outcome)),
    }
    for what in ("everyones_rate", "personal_rate"):
        against = _losses(_joined(people, what), outcome)
        out[f"skill_over_{what}"] = float(1.0 - loss.mean() / against.mean()) if any_at_all else None
        enough = any_at_all and int(late.sum()) >= 10 * len(people)
        out[f"skill_over_{what}_after_{SETTLED}"] = (
            float(1.0 - loss[late].mean() / against[late].mean()) if enough else None
        )
    return {f"{prefix}_{key}": value for key, value in out.items()}
