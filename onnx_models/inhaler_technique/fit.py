"""Learn one part: a small network over standardised features, and the rule's own error of measurement."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.classifier import softmax, standardize
from custom_components.smartloop.engine.models.technique_rules import RULERS, Ruler, Step, is_press

from .samples import FEATURES, Row

type Array = NDArray[np.float64]

HIDDEN: Final = 16
DECAYS: Final = (0.3, 3.0, 30.0)
COVERED: Final = 0.92
"""Share of puffs that shall get an answer, where that is wanted by the threshold alone"""
ENOUGH: Final = 0.97
LEAST: Final = 0.85
"""Of the answers, right"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layers:
    """A network of one hidden layer, before it is rounded."""

    weights: Sequence[Array]
    biases: Sequence[Array]

    def logits(self, scores: Array) -> Array:
        """Return (n, classes) of standard scores (n, features)."""
        hidden = np.maximum(scores @ self.weights[0] + self.biases[0], 0.0)
        return np.asarray(hidden @ self.weights[1] + self.biases[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of the file with all its metadata."""

    key: str
    layers: Layers
    mean: Array
    std: Array
    temperature: float
    tau: float
    reach: float

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of its classes."""
        return RULERS[self.key].classes

    def probabilities(self, rows: Sequence[Row]) -> Array:
        """Return (n, classes)."""
        scores, _ = standardize(table(self.key, rows), self.mean, self.std)
        return softmax(self.layers.logits(scores), self.temperature)


def table(key: str, rows: Sequence[Row]) -> Array:
    """Return (n, features), NaN where not known."""
    return np.array([[row.get(name, math.nan) for name in FEATURES[key]] for row in rows], dtype=np.float64)


def log_loss(probabilities: Array, classes: Sequence[int]) -> float:
    """Return the mean -log p of what was true."""
    return float(-np.log(np.clip(probabilities[np.arange(len(classes)), list(classes)], 1e-6, 1.0)).mean())


def _down(tau: float) -> float:
    """Return a threshold rounded down, so that rows as sure as the last one answered are answered as well."""
    return min(math.floor(tau * 1000.0) / 1000.0, 0.95)


def threshold(probabilities: Array, classes: Sequence[int]) -> float:
    """Return the confidence below which to abstain.

    As many answers as leave 97 % right, 92 % answered at least; but never so many that less than 85 % are right.
    """
    best, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == np.asarray(classes)
    order = np.argsort(-best, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, best.size + 1)
    last = int(COVERED * best.size) - 1
    for bound, least in ((ENOUGH, last), (LEAST, 0)):
        enough = np.flatnonzero(share >= bound)
        if enough.size and enough[-1] >= least:
            return _down(best[order[enough[-1]]])
        if share[last] >= LEAST:
            return _down(best[order[last]])
    return 0.95


def network(
    key: str,
    rows: Sequence[Row],
    classes: Sequence[int],
    tuning: tuple[Sequence[Row], Sequence[int]],
    decays: Sequence[float] = DECAYS,
) -> Part:
    """Learn from rows; weight decay, temperature and threshold are chosen on `tuning`, other people's rows."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415  only needed to train
    from sklearn.neural_network import MLPClassifier  # noqa: PLC0415
    from sklearn.utils._testing import ignore_warnings  # noqa: PLC0415

    values = table(key, rows)
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    std = np.maximum(np.sqrt((np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count), 1e-3)
    scores, far = standardize(values, mean, std)
    held, _ = standardize(table(key, tuning[0]), mean, std)
    tried: list[tuple[float, int, float, Layers]] = []
    for decay in decays:
        learner = MLPClassifier((HIDDEN,), solver="lbfgs", alpha=decay, max_iter=400, random_state=0)
        ignore_warnings(category=ConvergenceWarning)(learner.fit)(scores, np.asarray(classes))
        layers = _layers(learner, len(RULERS[key].classes))
        logits = layers.logits(held)
        temperatures = np.exp(np.linspace(np.log(0.5), np.log(5.0), 40))
        losses = [log_loss(softmax(logits, each), tuning[1]) for each in temperatures]
        tried.append((min(losses), len(tried), float(temperatures[int(np.argmin(losses))]), layers))
    _, _, temperature, layers = min(tried, key=lambda item: item[:2])
    return Part(
        key=key,
        layers=layers,
        mean=mean,
        std=std,
        temperature=round(temperature, 4),
        # Of a jolt there is nothing to wait for: the likelier answer counts.
        tau=0.5 if key == "trace_press" else threshold(softmax(layers.logits(held), temperature), tuning[1]),
        reach=round(float(np.quantile(far, 0.999)) * 2.0, 3),
    )


def _layers(learner: Any, classes: int) -> Layers:  # noqa: ANN401  scikit-learn has no types
    weights = [np.asarray(each, dtype=np.float64) for each in learner.coefs_]
    biases = [np.asarray(each, dtype=np.float64) for each in learner.intercepts_]
    if classes == 2:
        # scikit-learn has one logistic output for two classes.
        weights[1] = np.concatenate([-0.5 * weights[1], 0.5 * weights[1]], axis=1)
        biases[1] = np.concatenate([-0.5 * biases[1], 0.5 * biases[1]])
    return Layers(weights=weights, biases=biases)


def bar(part: Part, rows: Sequence[Row], classes: Sequence[int]) -> float:
    """Return the probability from which on a jolt counts as a press: the best F1 over single jolts."""
    chances, truth = part.probabilities(rows)[:, 1], np.asarray(classes) == 1
    bars = np.arange(0.1, 0.91, 0.05)
    scores = [2.0 * (truth & (chances >= each)).sum() / (truth.sum() + (chances >= each).sum()) for each in bars]
    # In the middle of the best, which often are a row.
    best = np.flatnonzero(np.asarray(scores) >= max(scores) - 1e-9)
    return round(float(bars[best].mean()), 3)


def figure(key: str, row: Row) -> float:
    """Return the figure a rule holds against its limit."""
    step = Step(key.partition("_")[2])
    if step is Step.PRESS:
        return 1.0 if is_press(row) else -1.0
    names = {
        Step.SHAKE: "shake_s",
        Step.ORIENTATION: "tilt_deg",
        Step.COORDINATION: "offset_s",
        Step.FLOW: "firm_peak",
        Step.HOLD: "still_s",
    }
    return row[names[step]]


def ruled(ruler: Ruler, key: str, rows: Sequence[Row]) -> Array:
    """Return a rule's probabilities (n, classes)."""
    return np.array([list(ruler.probabilities(figure(key, row)).values()) for row in rows])


def rule(key: str, rows: Sequence[Row], classes: Sequence[int]) -> Ruler:
    """Return the rule with the bias and error that fit some people's puffs best, and their threshold."""
    plain = RULERS[key]
    scale = {"orientation": 10.0, "flow": 0.15, "coordination": 0.3}.get(key.partition("_")[2], 1.0)
    # Filters lengthen shaking and delay a start. A gain or a mounting has no sign that could be known beforehand.
    known = key.partition("_")[2] in {"shake", "coordination", "hold"}
    biases = tuple(np.linspace(-1.5, 1.5, 25) * scale) if known else (0.0,)
    found = min(
        (
            Ruler(cuts=plain.cuts, classes=plain.classes, sigma=float(sigma), bias=float(bias))
            for bias in biases
            for sigma in np.exp(np.linspace(np.log(0.1), np.log(4.0), 16)) * scale
        ),
        key=lambda ruler: log_loss(_fast(ruler, key, rows), classes),
    )
    tau = 0.5 if key == "trace_press" else threshold(ruled(found, key, rows), classes)
    return Ruler(
        cuts=plain.cuts,
        classes=plain.classes,
        sigma=round(found.sigma, 4),
        bias=round(found.bias, 4),
        tau=round(tau, 4),
    )


def _fast(ruler: Ruler, key: str, rows: Sequence[Row]) -> Array:
    values = np.array([figure(key, row) for row in rows])
    erf = np.vectorize(math.erf, otypes=[float])
    below = [0.5 * (1.0 + erf((cut - values + ruler.bias) / (ruler.sigma * math.sqrt(2.0)))) for cut in ruler.cuts]
    edges = np.stack([np.zeros_like(values), *below, np.ones_like(values)], axis=1)
    return np.clip(np.diff(edges, axis=1), 1e-9, 1.0)


def settled(part: Part, ruler: Ruler, deciding: tuple[Sequence[Row], Sequence[int]]) -> Mapping[str, float]:
    """Return log loss and share right of network and rule on people who decide between them."""
    rows, classes = deciding
    one, two = part.probabilities(rows), ruled(ruler, part.key, rows)
    return {
        "network_log_loss": round(log_loss(one, classes), 4),
        "rule_log_loss": round(log_loss(two, classes), 4),
        "network_right": round(float((one.argmax(axis=1) == classes).mean()), 4),
        "rule_right": round(float((two.argmax(axis=1) == classes).mean()), 4),
        "rows": float(len(classes)),
    }
