"""Fit the heads of the network and all rules around them, on the persons at hand.

Multinomial logistic regression with a ridge penalty, one for each set of channels. Ridge, chain, calibration, emphasis,
thresholds and bands are chosen on predictions of these persons by networks that did not see them (five groups).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from custom_components.smartloop.engine.features.bed import CLOCK, HEART, HEART_ALONE, MOTION, NAMES, QUIET, table
from custom_components.smartloop.engine.models.bed_chain import STAGES, WAKE, Chain, balanced, calibrated
from custom_components.smartloop.engine.models.bed_stage import HEADS
from custom_components.smartloop.engine.models.classifier import standardize
from custom_components.smartloop.engine.models.model import Tensor

from ..export import quantize
from .data import UNKNOWN, Sleeper
from .score import kappa

type Array = NDArray[np.float64]
type Integers = NDArray[np.int64]

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "logits": (*MOTION, *HEART, *QUIET, *CLOCK),
    "logits_heart": (*HEART, *HEART_ALONE, *CLOCK),
    "logits_motion": (*MOTION, *CLOCK),
}
RIDGES: Final = (10.0, 30.0, 100.0)
CHAINS: Final = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.25), (0.3, 0.5, 0.5), (0.3, 0.5, 0.25), (0.3, 0.5, 0.0))
"""Trust, balance, share of the chain; the last is no chain"""
EMPHASES: Final = (0.0, 0.15, 0.3, 0.45, 0.6)
SENSITIVITY: Final = 0.935
"""Of sleep, at the wake threshold; a little above what is promised"""
COVERAGE: Final = 0.5
REACH: Final = 0.995
BAND: Final = 0.9
CLOCK_MINUTES: Final = 30
FOLDS: Final = 5
_SCALE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Rows:
    """One person's night as features."""

    name: str
    x: Array
    truth: Integers


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """Everything that ships."""

    weights: Mapping[str, tuple[Array, Array]]
    """Per head (features, 4) and (4,)"""
    metadata: Mapping[str, str]
    ridge: float
    chain: tuple[float, float, float]
    emphasis: float


def rows(sleeper: Sleeper) -> Rows:
    """Return the features of a night."""
    return Rows(sleeper.name, table(sleeper.night), sleeper.truth)


def scale(people: Sequence[Rows]) -> tuple[Array, Array]:
    """Return mean and standard deviation of each feature."""
    x = np.concatenate([each.x for each in people])
    known = np.isfinite(x)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, x, 0.0).sum(axis=0) / count
    std = np.sqrt((np.where(known, x - mean, 0.0) ** 2).sum(axis=0) / count)
    return mean.round(6), np.maximum(std, _SCALE).round(6)


def fit(people: Sequence[Rows], head: str, ridge: float, mean: Array, std: Array) -> tuple[Array, Array]:
    """Return weight (features, 4) and bias (4,); features the head must not see have weight 0."""
    columns = [NAMES.index(name) for name in COLUMNS[head]]
    x = np.concatenate([standardize(each.x, mean, std)[0][each.truth != UNKNOWN] for each in people])[:, columns]
    truth = np.concatenate([each.truth[each.truth != UNKNOWN] for each in people])
    found = LogisticRegression(C=1.0 / ridge, max_iter=400).fit(x, truth)
    weight, bias = np.zeros((len(NAMES), len(STAGES))), np.full(len(STAGES), -8.0)
    present = found.classes_.astype(int)
    coefficients, intercepts = found.coef_, found.intercept_
    if len(present) == 2:
        coefficients, intercepts = (
            np.concatenate([-coefficients, coefficients]) / 2,
            np.array([-1.0, 1.0]) * intercepts / 2,
        )
    weight[np.ix_(columns, present)] = coefficients.T
    bias[present] = intercepts
    # Rounded, so that another machine's last digits change no byte of the file.
    return weight.round(5), bias.round(5)


def log_probabilities(x: Array, weight: Array, bias: Array) -> Array:
    """Return log-probabilities (T, 4) of standard scores (T, features)."""
    logits = x @ weight + bias
    logits = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


def unseen(people: Sequence[Rows], head: str, ridge: float) -> list[Array]:
    """Return everybody's log-probabilities by a network of others."""
    out: list[Array] = [np.empty(0)] * len(people)
    groups = min(FOLDS, len(people))
    for group in range(groups):
        rest = [each for i, each in enumerate(people) if i % groups != group]
        mean, std = scale(rest)
        weight, bias = fit(rest, head, ridge, mean, std)
        for i in range(group, len(people), groups):
            out[i] = log_probabilities(standardize(people[i].x, mean, std)[0], weight, bias)
    return out


def follow(people: Sequence[Rows]) -> tuple[Array, Array]:
    """Return how often each stage is, and how stages follow each other; half a minute of each is added."""
    counts, steps = np.full(len(STAGES), 0.5), np.full((len(STAGES), len(STAGES)), 0.5)
    for each in people:
        known = each.truth != UNKNOWN
        counts += np.bincount(each.truth[known], minlength=len(STAGES))
        both = known[1:] & known[:-1]
        np.add.at(steps, (each.truth[:-1][both], each.truth[1:][both]), 1.0)
    return (counts / counts.sum()).round(6), (steps / steps.sum(axis=1, keepdims=True)).round(6)


def calibrate(scores: Array, truth: Integers) -> tuple[Array, float]:
    """Return temperature and biases (5,) of least loss, lightly held, and that loss (nats a minute)."""
    picked = np.eye(len(STAGES))[truth]

    def loss(values: Array) -> float:
        probabilities = calibrated(scores, float(np.exp(values[0])), values[1:])
        return float(-np.log((probabilities * picked).sum(axis=1) + 1e-9).mean() + 1e-3 * (values**2).sum())

    found = minimize(loss, np.zeros(1 + len(STAGES)), method="L-BFGS-B")
    return np.concatenate([[np.exp(found.x[0])], found.x[1:]]).round(4), float(found.fun)


def _joined(said: Sequence[Array], people: Sequence[Rows]) -> tuple[Array, Integers]:
    """Return what was said and true of all scored minutes."""
    known = [each.truth != UNKNOWN for each in people]
    return (
        np.concatenate([each[mask] for each, mask in zip(said, known, strict=True)]),
        np.concatenate([each.truth[mask] for each, mask in zip(people, known, strict=True)]),
    )


def conformal(errors: Sequence[float]) -> float:
    """Return the half-width that holds BAND of new persons' errors (split conformal; Lei et al. 2018), else the largest."""
    ordered = np.sort(np.abs(errors))
    return float(ordered[min(int(np.ceil((ordered.size + 1) * BAND)), ordered.size) - 1])


def learn(people: Sequence[Rows]) -> Learned:
    """Choose and fit everything on these persons."""
    prior, transition = follow(people)
    said = {ridge: unseen(people, HEADS[0], ridge) for ridge in RIDGES}

    def loss(ridge: float) -> float:
        probabilities, truth = _joined(said[ridge], people)
        return float(-probabilities[np.arange(truth.size), truth].mean())

    ridge = min(RIDGES, key=loss)
    alone = {HEADS[0]: said[ridge]} | {head: unseen(people, head, ridge) for head in HEADS[1:]}

    def scored(chain: tuple[float, float, float], head: str) -> list[Array]:
        trust, balance, share = chain
        rules = Chain(prior=prior, transition=transition, trust=trust, balance=balance, share=share)
        return [rules.scores(each) for each in alone[head]]

    chain = min(CHAINS, key=lambda each: calibrate(*_joined(scored(each, HEADS[0]), people))[1])
    calibration, bands = [], []
    final: dict[str, list[Array]] = {}
    for head in HEADS:
        scores = scored(chain, head)
        found, _ = calibrate(*_joined(scores, people))
        calibration.append(found)
        final[head] = [calibrated(each, float(found[0]), found[1:]) for each in scores]
        bands.append(
            conformal(
                [
                    float(
                        (1.0 - p[each.truth != UNKNOWN, WAKE]).sum() - (each.truth[each.truth != UNKNOWN] > WAKE).sum()
                    )
                    for p, each in zip(final[head], people, strict=True)
                ]
            )
        )
    probabilities, truth = _joined(final[HEADS[0]], people)
    emphasis = max(EMPHASES, key=lambda each: kappa(truth, balanced(probabilities, prior, each).argmax(axis=1)) or 0.0)
    certainty = balanced(probabilities, prior, emphasis).max(axis=1)
    mean, std = scale(people)
    x = np.concatenate([each.x for each in people])
    metadata: dict[str, object] = {
        "features": list(NAMES),
        "classes": list(STAGES),
        "mean": mean.tolist(),
        "std": std.tolist(),
        "reach": round(float(np.quantile(standardize(x, mean, std)[1], REACH)), 3),
        "temperature": float(calibration[0][0]),
        "calibration": [each.tolist() for each in calibration],
        "chain": list(chain),
        "prior": prior.tolist(),
        "transition": transition.tolist(),
        "emphasis": emphasis,
        "tau": round(float(np.quantile(certainty, 1.0 - COVERAGE)), 4),
        "wake": round(float(np.quantile(probabilities[truth != WAKE, WAKE], SENSITIVITY)), 4),
        "bands": [round(each, 1) for each in bands],
        "clock": clock(people).tolist(),
        "trained_on": sorted(each.name for each in people),
    }
    return Learned(
        weights={head: fit(people, head, ridge, mean, std) for head in HEADS},
        metadata={key: json.dumps(value) for key, value in metadata.items()},
        ridge=ridge,
        chain=chain,
        emphasis=emphasis,
    )


def clock(people: Sequence[Rows]) -> Array:
    """Return the share of stages (half-hours, 4) by time since the start: what a clock alone would say."""
    most = max(each.truth.size for each in people) // CLOCK_MINUTES + 1
    counts = np.zeros((most, len(STAGES)))
    for each in people:
        known = each.truth != UNKNOWN
        np.add.at(counts, (np.flatnonzero(known) // CLOCK_MINUTES, each.truth[known]), 1.0)
    share = counts.sum(axis=0) / counts.sum()
    drawn = counts + 30.0 * share
    return np.asarray((drawn / drawn.sum(axis=1, keepdims=True)).round(4))


@dataclass(frozen=True, slots=True)
class Draft:
    """A network that is not shipped: weights rounded as in the file, run as the engine runs a file."""

    version: str
    metadata: Mapping[str, str]
    weights: Mapping[str, tuple[Array, Array]]

    @classmethod
    def of(cls, learned: Learned) -> Draft:
        """Return what shipping would make of it."""
        rounded = {}
        for head, (weight, bias) in learned.weights.items():
            values, steps = quantize(weight, axis=1)
            rounded[head] = values.astype(np.float64) * steps, bias
        return cls("draft", learned.metadata, rounded)

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the logits of each head (1, 4, block)."""
        x = inputs["features"][0].T
        return {head: (x @ weight + bias).T[None].astype(np.float32) for head, (weight, bias) in self.weights.items()}
