"""Figures of nights judged by the shipped module, by its fallback and by the naive; the same for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.bed import Night
from custom_components.smartloop.engine.models.bed_chain import STAGES, WAKE
from custom_components.smartloop.engine.models.bed_night import summary
from custom_components.smartloop.engine.models.bed_stage import (
    NONE,
    RESTLESS_SHARE,
    RESTLESS_SPARE,
    BedStager,
    asleep_by_rule,
)

from ..report import Metrics, plain
from .data import UNKNOWN, Sleeper

type Array = NDArray[np.float64]
type Integers = NDArray[np.int64]

HALF: Final = 0.5
SENSITIVITY: Final = 0.93
_LEAST: Final = 1e-4
_THREE: Final = np.array([0, 1, 1, 2])
"""Wake, non-REM, REM"""
VARIANTS: Final = ("motion and heart", "heart only", "motion only")


@dataclass(frozen=True, slots=True)
class Judged:
    """Scored minutes (N,) of one person's night."""

    name: str
    truth: Integers
    probabilities: Array
    """(N, 4)"""
    certainty: Array
    likeliest: Integers
    answered: NDArray[np.bool_]
    awake: Integers
    """1 or 0"""
    asleep: float
    """Minutes, as the summary adds them up"""
    band: tuple[float, float]
    """Of minutes asleep"""


def kappa(truth: Integers, said: Integers) -> float | None:
    """Return Cohen's kappa; None where there is nothing to agree on."""
    if not truth.size:
        return None
    size = int(max(truth.max(), said.max())) + 1
    counts = np.bincount(truth * size + said, minlength=size * size).reshape(size, size) / truth.size
    chance = float(counts.sum(axis=1) @ counts.sum(axis=0))
    return None if chance >= 1.0 else (float(np.trace(counts)) - chance) / (1.0 - chance)


def without(night: Night, channel: str) -> Night:
    """Return a night that lost a channel."""
    nothing = np.full(night.minutes, np.nan)
    if channel == "heart":
        return replace(night, deviation=nothing)
    return replace(night, motion=nothing)


def variant(sleeper: Sleeper, name: str) -> Sleeper:
    """Return a sleeper as seen with these channels."""
    lost = {"heart only": "motion", "motion only": "heart"}.get(name)
    return sleeper if lost is None else replace(sleeper, night=without(sleeper.night, lost))


def judge(sleeper: Sleeper, stager: BedStager) -> Judged:
    """Return a night as the shipped module sees it; minutes it did not see count as the usual mix, left open."""
    stages = stager.stages(sleeper.night)
    short = summary(stages, stager.bands)
    known = sleeper.truth != UNKNOWN
    seen = stages.head != NONE
    probabilities = np.where(seen[:, None], stages.probabilities, stager.chain.prior)[known]
    missing = float((1.0 - stages.probabilities[seen & ~known, WAKE]).sum()) if (seen & ~known).any() else 0.0
    asleep = float((1.0 - probabilities[:, WAKE]).sum())
    band = (
        (short.asleep_lo - missing, short.asleep_hi - missing)
        if short.asleep_lo is not None and short.asleep_hi is not None
        else (0.0, float(known.sum()))
    )
    return Judged(
        sleeper.name,
        sleeper.truth[known],
        probabilities,
        stages.certainty[known],
        np.where(seen, stages.likeliest, STAGES.index("light")).astype(np.int64)[known],
        (stages.stage != NONE)[known],
        np.maximum(stages.awake, 0).astype(np.int64)[known],
        asleep,
        band,
    )


def _hard(sleeper: Sleeper, said: Integers, sure: float = 0.9) -> Judged:
    """Return a night judged by a rule that has no doubts; those are put at 1 - `sure`."""
    truth = sleeper.truth
    known = truth != UNKNOWN
    probabilities = np.full((said.size, len(STAGES)), (1.0 - sure) / (len(STAGES) - 1))
    probabilities[np.arange(said.size), said] = sure
    awake = (said == WAKE).astype(np.int64)[known]
    minutes = float((awake == 0).sum())
    return Judged(
        sleeper.name,
        truth[known],
        probabilities[known],
        np.full(int(known.sum()), sure),
        said[known],
        np.ones(int(known.sum()), dtype=bool),
        awake,
        minutes,
        (minutes, minutes),
    )


def by_rule(sleeper: Sleeper, share: float = RESTLESS_SHARE, spare: int = RESTLESS_SPARE) -> Judged:
    """Return a night by the causal motion rule: asleep is light."""
    asleep = asleep_by_rule(sleeper.night.motion, share, spare)
    return _hard(sleeper, np.where(asleep == 0, WAKE, STAGES.index("light")).astype(np.int64))


def all_light(sleeper: Sleeper) -> Judged:
    """Return a night of nothing but light sleep."""
    return _hard(sleeper, np.full(sleeper.truth.size, STAGES.index("light"), dtype=np.int64))


def by_clock(sleeper: Sleeper, clock: Array) -> Judged:
    """Return a night by the shares of stages at each half-hour of other people's nights."""
    at = np.minimum(np.arange(sleeper.truth.size) // 30, len(clock) - 1)
    known = sleeper.truth != UNKNOWN
    probabilities = clock[at][known]
    asleep = float((1.0 - probabilities[:, WAKE]).sum())
    return Judged(
        sleeper.name,
        sleeper.truth[known],
        probabilities,
        probabilities.max(axis=1),
        probabilities.argmax(axis=1),
        np.ones(int(known.sum()), dtype=bool),
        (probabilities[:, WAKE] > 0.5).astype(np.int64),
        asleep,
        (asleep, asleep),
    )


def figures(nights: Sequence[Judged]) -> Metrics:
    """Return the figures of all minutes together; null where there are none."""
    if not nights:
        return dict.fromkeys(KEYS)
    truth = np.concatenate([each.truth for each in nights])
    probabilities = np.concatenate([each.probabilities for each in nights])
    likeliest = np.concatenate([each.likeliest for each in nights])
    certainty = np.concatenate([each.certainty for each in nights])
    answered = np.concatenate([each.answered for each in nights])
    awake = np.concatenate([each.awake for each in nights])
    half = np.argsort(-certainty, kind="stable")[: max(int(HALF * truth.size), 1)]
    three = np.stack([probabilities[:, 0], probabilities[:, 1] + probabilities[:, 2], probabilities[:, 3]], axis=1)
    said = three.argmax(axis=1)
    slept = truth != WAKE
    errors = np.array([each.asleep - float((each.truth != WAKE).sum()) for each in nights])
    inside = [each.band[0] <= float((each.truth != WAKE).sum()) <= each.band[1] for each in nights]
    found: dict[str, float | None] = {
        "kappa_4": kappa(truth, likeliest),
        "kappa_4_half": kappa(truth[half], likeliest[half]),
        "accuracy_4": float((truth == likeliest).mean()),
        "accuracy_3": float((_THREE[truth] == said).mean()),
        "kappa_3": kappa(_THREE[truth], said),
        "answered": float(answered.mean()),
        "kappa_4_answered": kappa(truth[answered], likeliest[answered]),
        "sleep_sensitivity": _share(awake[slept] == 0),
        "wake_specificity": _share(awake[~slept] == 1),
        "wake_specificity_at_93": at_sensitivity(probabilities[:, WAKE], slept),
        "tst_mae_min": float(np.abs(errors).mean()),
        "tst_bias_min": float(errors.mean()),
        "tst_band_coverage": float(np.mean(inside)),
        "log_loss": float(-np.log(np.maximum(probabilities[np.arange(truth.size), truth], _LEAST)).mean()),
    }
    return {key: plain(found[key]) for key in KEYS}


KEYS: Final = (
    "kappa_4",
    "kappa_4_half",
    "accuracy_4",
    "accuracy_3",
    "kappa_3",
    "answered",
    "kappa_4_answered",
    "sleep_sensitivity",
    "wake_specificity",
    "wake_specificity_at_93",
    "tst_mae_min",
    "tst_bias_min",
    "tst_band_coverage",
    "log_loss",
)


def at_sensitivity(wake: Array, slept: NDArray[np.bool_]) -> float | None:
    """Return the share of waking minutes found where SENSITIVITY of sleeping ones are kept: a point of the ROC curve.

    Ties are split evenly, as a coin would.
    """
    if slept.all() or not slept.any():
        return None
    threshold = float(np.quantile(wake[slept], SENSITIVITY))
    above, equal = (wake > threshold), (wake == threshold)
    spare = 1.0 - SENSITIVITY - float(above[slept].mean())
    tied = float(equal[slept].mean())
    return float(above[~slept].mean() + equal[~slept].mean() * (min(max(spare, 0.0) / tied, 1.0) if tied else 0.0))


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if hits.size else None


def stage_calibration(nights: Sequence[Judged]) -> tuple[Array, Array]:
    """Return all stages' probabilities and whether each was true, for the reliability plot."""
    if not nights:
        return np.empty(0), np.empty(0)
    probabilities = np.concatenate([each.probabilities for each in nights])
    truth = np.concatenate([each.truth for each in nights])
    return probabilities.ravel(), np.eye(len(STAGES))[truth].ravel()
