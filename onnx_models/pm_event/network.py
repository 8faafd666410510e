"""Fit the source network on simulated homes: standardise, drop sensors at random, a small MLP, a temperature."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier

from custom_components.smartloop.engine.features.particle_event import CLIMATE, FEATURES
from custom_components.smartloop.engine.models.classifier import softmax, standardize
from custom_components.smartloop.engine.models.model import Tensor
from custom_components.smartloop.engine.models.pm_source import Kind

from .events import BARE, SWITCHED, Features, HomeEvents, masked

type Array = NDArray[np.float64]

CLASSES: Final = tuple(Kind)
TAU: Final = 0.55
MASKS: Final[tuple[frozenset[str] | None, ...]] = (None, BARE, SWITCHED, BARE | frozenset(CLIMATE))
"""Each event is learned from once per set of sensors a home may have"""
FOLDS: Final = 3
MEMBERS: Final = 3
"""Networks that began differently and answer together: no single one decides what is near a border"""
REACH_QUANTILE: Final = 0.995


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """What is chosen by cross-validation over simulated homes."""

    hidden: tuple[int, ...]
    alpha: float
    balance: float
    """Exponent of the class weights: 0 as they come, 1 all classes alike"""


SETTINGS: Final = tuple(
    Setting(hidden=hidden, alpha=alpha, balance=0.0) for hidden in ((32, 16),) for alpha in (0.5, 1.5)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Events to learn from."""

    given: Array
    """(rows, features), NaN where unknown"""
    kind: NDArray[np.intp]
    home: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """One network before it ships."""

    layers: tuple[tuple[Array, Array], ...]
    """Weights (in, out) and biases"""
    mean: Array
    std: Array
    temperature: float
    reach: float

    def logits(self, scores: Array) -> Array:
        """Return logits of clipped standard scores (rows, features)."""
        value = scores
        for index, (weight, bias) in enumerate(self.layers):
            value = value @ weight + bias
            if index < len(self.layers) - 1:
                value = np.maximum(value, 0.0)
        return value

    def metadata(self) -> dict[str, str]:
        """Return what the engine's Classifier reads."""
        return {
            "classes": json.dumps([str(kind) for kind in CLASSES]),
            "features": json.dumps(list(FEATURES)),
            "mean": json.dumps(_short(self.mean)),
            "reach": f"{self.reach:.4g}",
            "std": json.dumps(_short(self.std)),
            "tau": f"{TAU:g}",
            "temperature": f"{self.temperature:.4g}",
        }


class Draft:
    """A network in memory as a Runner: stands in for the shipped file."""

    version = "draft"

    def __init__(self, network: Network) -> None:
        """Take the network."""
        self._network = network
        self.metadata: Mapping[str, str] = network.metadata()

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the logits."""
        return {"logits": self._network.logits(inputs["features"].astype(np.float64)).astype(np.float32)}


def _short(values: Array) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def table(features: Sequence[Features]) -> Array:
    """Return rows of features, NaN where unknown."""
    return np.array([[np.nan if (v := f.get(name)) is None else v for name in FEATURES] for f in features])


def rows(homes: Sequence[HomeEvents]) -> Rows:
    """Return what there is to learn: events with a visible source, and those of a lesser one."""
    found = [
        (each.features, kind, index)
        for index, home in enumerate(homes)
        for each in home.found
        if (kind := each.kind or each.lesser) is not None
    ]
    return Rows(
        given=np.concatenate([table([masked(f, names) for f, _, _ in found]) for names in MASKS]),
        kind=np.array([CLASSES.index(kind) for _, kind, _ in found] * len(MASKS)),
        home=np.array([index for _, _, index in found] * len(MASKS)),
    )


def fit(data: Rows, setting: Setting, seed: int, iterations: int = 60) -> Network:
    """Return a network fitted to the rows, temperature 1: the mean logits of a few that began differently."""
    found = [_one(data, setting, seed + member, iterations) for member in range(MEMBERS)]
    weights, biases = [], []
    last = len(found[0].layers) - 1
    for index in range(last + 1):
        parts = [each.layers[index] for each in found]
        if index == 0:
            weights.append(np.hstack([weight for weight, _ in parts]))
        elif index == last:
            weights.append(np.vstack([weight for weight, _ in parts]) / MEMBERS)
        else:
            weights.append(_blocks([weight for weight, _ in parts]))
        bias = [bias for _, bias in parts]
        biases.append(np.mean(bias, axis=0) if index == last else np.concatenate(bias))
    return replace(found[0], layers=tuple(zip(weights, biases, strict=True)))


def _blocks(parts: Sequence[Array]) -> Array:
    """Return the matrices along a diagonal, nothing between."""
    out = np.zeros((sum(len(p) for p in parts), sum(p.shape[1] for p in parts)))
    row = column = 0
    for part in parts:
        out[row : row + len(part), column : column + part.shape[1]] = part
        row, column = row + len(part), column + part.shape[1]
    return out


def _one(data: Rows, setting: Setting, seed: int, iterations: int) -> Network:
    """Return one member."""
    with warnings.catch_warnings():
        # What none of few homes measured says nothing: mean 0, step 1.
        warnings.simplefilter("ignore", RuntimeWarning)
        mean = np.nan_to_num(np.nanmean(data.given, axis=0))
        std = np.maximum(np.nan_to_num(np.nanstd(data.given, axis=0), nan=1.0), 1e-3)
    scores, distance = standardize(data.given, mean, std)
    count = np.bincount(data.kind, minlength=len(CLASSES)).astype(np.float64)
    weight = (count.mean() / np.maximum(count, 1.0)) ** setting.balance
    model = MLPClassifier(
        setting.hidden,
        alpha=setting.alpha,
        batch_size=128,
        learning_rate_init=2e-3,
        max_iter=iterations,
        early_stopping=False,
        n_iter_no_change=iterations,
        tol=0.0,
        random_state=seed,
    )
    # All classes must be known to it, whatever few homes a test gives.
    with warnings.catch_warnings():
        # It is told how long to learn, and judged on other homes: that it could learn on is no news.
        warnings.simplefilter("ignore", UserWarning)
        model.fit(scores, data.kind, sample_weight=weight[data.kind])
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    if len(model.classes_) < len(CLASSES):
        last_weight, last_bias = layers[-1]
        full_weight, full_bias = np.zeros((len(last_weight), len(CLASSES))), np.full(len(CLASSES), -20.0)
        full_weight[:, model.classes_], full_bias[model.classes_] = last_weight, last_bias
        layers[-1] = full_weight, full_bias
    return Network(
        layers=tuple(layers),
        mean=mean,
        std=std,
        temperature=1.0,
        reach=float(np.quantile(distance, REACH_QUANTILE)),
    )


def tempered(network: Network, temperature: float) -> Network:
    """Return the network with a temperature."""
    return replace(network, temperature=temperature)


def held_out(data: Rows, setting: Setting, seed: int, iterations: int = 60) -> Array:
    """Return logits of each row by a network that saw no event of its home."""
    out = np.zeros((len(data.kind), len(CLASSES)))
    folds = GroupKFold(min(FOLDS, len(np.unique(data.home))))
    for learn, judge in folds.split(data.given, data.kind, data.home):
        part = Rows(given=data.given[learn], kind=data.kind[learn], home=data.home[learn])
        network = fit(part, setting, seed, iterations)
        out[judge] = network.logits(standardize(data.given[judge], network.mean, network.std)[0])
    return out


def log_loss(logits: Array, kind: NDArray[np.intp], temperature: float) -> float:
    """Return the mean log-loss at a temperature."""
    chances = softmax(logits, temperature)[np.arange(len(kind)), kind]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())


def choose(
    data: Rows, seed: int, settings: Sequence[Setting] = SETTINGS, iterations: int = 60
) -> tuple[Setting, float, list[float]]:
    """Return the setting with the lowest log-loss on held-out homes, its temperature, and all losses."""
    grid = np.geomspace(0.5, 3.0, 40)
    tried = []
    for setting in settings:
        logits = held_out(data, setting, seed, iterations)
        losses = [log_loss(logits, data.kind, float(t)) for t in grid]
        tried.append((min(losses), float(grid[int(np.argmin(losses))]), setting))
    loss = [round(each[0], 4) for each in tried]
    _, temperature, best = min(tried, key=lambda each: each[0])
    return best, temperature, loss
