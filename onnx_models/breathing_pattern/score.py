"""Figures of judged nights: minutes told apart, shares of nights, nights told apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.beats import Array, Mask, Night
from custom_components.smartloop.engine.models.breathing_pattern import HEARD, BreathingPattern, Wording

from ..report import Metrics, expected_calibration_error, plain, reliability
from .data import HIGH, LOW, UNKNOWN, Record

EDGE: Final = 1e-6
MIXED: Final = 6
"""Minutes of either kind a night needs for an area of its own"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One night as a judge sees it."""

    record: Record
    probability: Array
    """(minutes,); NaN: no answer at all"""
    answered: Mask
    share: float | None
    lo: float | None = None
    hi: float | None = None
    wording: Wording | None = None
    """None: this judge has no words"""
    reasons: tuple[str, ...] = ()

    @property
    def known(self) -> Mask:
        """Return the minutes with a label."""
        return np.asarray(self.record.labels != UNKNOWN)

    @property
    def truth(self) -> NDArray[np.int8]:
        """Return the labels of the known minutes."""
        return self.record.labels[self.known]


def judge(record: Record, model: BreathingPattern, found: Night | None, reason: str) -> Judged:
    """Return a night as the engine's module answers what it prepared of it."""
    if found is None:
        silent = constant(record, float("nan"))
        return replace(silent, wording=Wording.DONT_KNOW, reasons=(reason,))
    said = model.judge_night(found)
    return Judged(
        record=record,
        probability=said.probability,
        answered=~said.abstained,
        share=said.share,
        lo=said.lo,
        hi=said.hi,
        wording=said.wording,
        reasons=said.reasons,
    )


def simple(record: Record, found: Night | None, line: Sequence[float], values: str) -> Judged:
    """Return a night as a logistic regression of one feature of `Night` sees it; no abstention but for noise."""
    if found is None:
        return constant(record, float("nan"))
    odds = np.clip(line[0] * getattr(found, values) + line[1], -50.0, 50.0)
    probability = np.where(found.heard >= HEARD, 1.0 / (1.0 + np.exp(-odds)), np.nan)
    return _plainly(record, probability)


def constant(record: Record, probability: float) -> Judged:
    """Return a night of which every minute is told the same."""
    return _plainly(record, np.full(record.minutes, probability))


def _plainly(record: Record, probability: Array) -> Judged:
    answered = np.isfinite(probability)
    share = float(probability[answered].mean()) if answered.any() else None
    return Judged(record=record, probability=probability, answered=answered, share=share)


def auc(score: Array, truth: Array) -> float:
    """Return the area under the curve, ties half (Mann and Whitney 1947); NaN with one kind only."""
    yes, no = score[truth > 0], np.sort(score[truth == 0])
    if not yes.size or not no.size:
        return float("nan")
    below = np.searchsorted(no, yes, "left") + np.searchsorted(no, yes, "right")
    return float(below.mean() / 2.0 / no.size)


def _mean(values: Array | Mask) -> float:
    return float(np.mean(values)) if values.size else float("nan")


def figures(nights: Sequence[Judged]) -> Metrics:
    """Return all metrics; what cannot be scored is null."""
    return {key: plain(value) for key, value in (_minutes(nights) | _shares(nights)).items()}


def joined(nights: Sequence[Judged]) -> tuple[Array, Array, Mask]:
    """Return probability, label and whether answered, of all labelled minutes with a probability."""
    if not nights:
        return np.empty(0), np.empty(0), np.empty(0, dtype=bool)
    p = np.concatenate([each.probability[each.known] for each in nights])
    y = np.concatenate([each.truth for each in nights]).astype(np.float64)
    answered = np.concatenate([each.answered[each.known] for each in nights])
    told = np.isfinite(p)
    return p[told], y[told], answered[told]


def _minutes(nights: Sequence[Judged]) -> dict[str, float]:
    """Return the metrics of minutes."""
    p, y, answered = joined(nights)
    total = sum(int(each.known.sum()) for each in nights)
    yes = p >= 0.5
    safe = np.clip(p, EDGE, 1.0 - EDGE)
    error = expected_calibration_error(reliability(p, y)) if p.size else None
    return {
        "auc": auc(p, y),
        "auc_within_night": _within(nights),
        "accuracy": _mean(yes == (y > 0)),
        "sensitivity": _mean(yes[y > 0]),
        "specificity": _mean(~yes[y == 0]),
        "log_loss": _mean(-np.where(y > 0, np.log(safe), np.log(1.0 - safe))),
        "brier": _mean((p - y) ** 2),
        "ece": float("nan") if error is None else error,
        "coverage": float(answered.sum()) / total if total else float("nan"),
        "auc_answered": auc(p[answered], y[answered]),
        "accuracy_answered": _mean((yes == (y > 0))[answered]),
    }


def _within(nights: Sequence[Judged]) -> float:
    """Return the mean of the areas of the nights that hold both kinds of minutes."""
    areas = []
    for each in nights:
        p, y, _ = joined([each])
        if min(int((y > 0).sum()), int((y == 0).sum())) >= MIXED:
            areas.append(auc(p, y))
    return _mean(np.array(areas))


def _shares(nights: Sequence[Judged]) -> dict[str, float]:
    """Return the metrics of whole nights."""
    told = [each for each in nights if each.share is not None and each.known.any()]
    share = np.array([each.share for each in told], dtype=np.float64)
    truth = np.array([each.record.share for each in told])
    held = [each for each in told if each.lo is not None and each.hi is not None]
    inside = np.array([(each.lo or 0.0) <= each.record.share <= (each.hi or 0.0) for each in held])
    events = np.array([np.nan if each.record.events is None else each.record.events for each in told])
    apart = (events >= HIGH) | (events < LOW)
    shown = np.array([each.wording is Wording.WORTH_SHOWING for each in told], dtype=bool)
    nothing = np.array([each.wording is Wording.NOTHING_SEEN for each in told], dtype=bool)
    spoken = any(each.wording is not None for each in told)
    none = np.empty(0)
    return {
        "share_error": _mean(np.abs(share - truth)),
        "share_bias": _mean(share - truth),
        "share_in_band": _mean(inside),
        "night_auc": auc(share[apart], (events[apart] >= HIGH).astype(np.float64)),
        "shown_of_high": _mean(shown[events >= HIGH] if spoken else none),
        "shown_of_low": _mean(shown[events < LOW] if spoken else none),
        "nothing_of_high": _mean(nothing[events >= HIGH] if spoken else none),
        "nights_answered": len(told) / len(nights) if nights else float("nan"),
    }
