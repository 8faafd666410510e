"""Fit the network of one layer, and choose its features and shrinkage, on the people at hand.

Logistic regression by Newton's method (iteratively reweighted least squares; McCullagh and Nelder 1989) with a ridge
penalty on standardised features. Whatever is chosen is chosen by leaving each of these people out in turn.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.reliever import (
    FEATURES,
    RATES,
    STATUS,
    SYMPTOMS,
    enough,
    features,
    known,
    week,
)
from custom_components.smartloop.engine.models.classifier import standardize
from custom_components.smartloop.engine.models.model import Tensor
from custom_components.smartloop.engine.models.reliever_day import CLASSES

from ..export import quantize
from .diaries import Person

type Array = NDArray[np.float64]

SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "rates": RATES,
    "rates and today": RATES + STATUS,
    "rates, today and symptoms": RATES + STATUS + SYMPTOMS,
    "all": FEATURES,
}
RIDGES: Final = (3.0, 10.0, 30.0)
STRENGTHS: Final = (0.3, 0.5, 0.7, 1.0, 2.0)
"""Days that other people's mean counts for in the seven-day rate"""
EDGE: Final = 1e-4
_STEPS = 50
_SCALE: Final = 1e-3
"""No feature varies less"""


@dataclass(frozen=True, slots=True)
class Rows:
    """One person's days to be foretold, each as of the evening before."""

    name: str
    x: Array
    """Days by all features, NaN where not known"""
    used: Array
    """1 or 0"""
    week: Array
    """Days by (days with use, known days) of the last seven"""


def rows(person: Person) -> Rows:
    """Return the days that can be foretold and scored."""
    truth = {each.day: each.used for each in person.days}
    x, used, lately = [], [], []
    for day in person.scored:
        told = known(person.days, day - 1)
        if enough(told, day - 1):
            row = features(told, day - 1)
            x.append([np.nan if (value := row[name]) is None else value for name in FEATURES])
            used.append(float(bool(truth[day])))
            lately.append(week(told, day - 1))
    return Rows(
        person.name,
        np.array(x, dtype=np.float64).reshape(len(x), len(FEATURES)),
        np.array(used, dtype=np.float64),
        np.array(lately, dtype=np.float64).reshape(len(lately), 2),
    )


def log_loss(said: Array, outcome: Array) -> Array:
    """Return the losses (nats), chances bounded to EDGE and 1 - EDGE."""
    bounded = np.clip(said, EDGE, 1.0 - EDGE)
    found: Array = -np.log(np.where(outcome > 0.5, bounded, 1.0 - bounded))
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """A network of one layer."""

    names: tuple[str, ...]
    ridge: float
    mean: Array
    std: Array
    weight: Array
    bias: float
    reach: float
    """Largest mean square of the standard scores of a day learned from"""

    def chance(self, x: Array) -> Array:
        """Return chances of use of days by all features."""
        line = standardize(x[:, _columns(self.names)], self.mean, self.std)[0] @ self.weight + self.bias
        found: Array = 1.0 / (1.0 + np.exp(-line))
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What was chosen on some people."""

    features: str
    """Name of the set"""
    ridge: float
    strength: float


def _columns(names: Sequence[str]) -> list[int]:
    return [FEATURES.index(name) for name in names]


def fit(people: Sequence[Rows], names: tuple[str, ...], ridge: float) -> Fitted:
    """Fit on some people; every day counts the same."""
    x = np.concatenate([each.x for each in people])[:, _columns(names)]
    used = np.concatenate([each.used for each in people])
    counts = np.maximum(np.isfinite(x).sum(axis=0), 1)
    mean = np.nansum(x, axis=0) / counts
    std = np.maximum(np.sqrt(np.nansum((x - mean) ** 2, axis=0) / counts), _SCALE)
    scores, distance = standardize(x, mean, std)
    design = np.concatenate([np.ones((len(scores), 1)), scores], axis=1)
    penalty = np.diag([1e-6, *np.full(len(names), ridge)])
    weight = np.zeros(len(names) + 1)
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-(design @ weight)))
        slope = design.T @ (chance - used) + penalty @ weight
        step = np.linalg.solve(design.T @ (design * (chance * (1.0 - chance))[:, None]) + penalty, slope)
        weight -= step
        if np.abs(step).max() < 1e-10:
            break
    # Rounded, so that another machine's last digits change no byte of the file.
    return Fitted(
        names=names,
        ridge=ridge,
        mean=mean.round(6),
        std=std.round(6),
        weight=weight[1:].round(6),
        bias=round(float(weight[0]), 6),
        reach=round(float(distance.max()), 3),
    )


def population(people: Sequence[Rows]) -> float:
    """Return the mean of people's shares of days with use."""
    shares = [float(each.used.mean()) for each in people if each.used.size]
    return float(np.mean(shares)) if shares else 0.5


def week_rate(rows_: Rows, mean: float, strength: float) -> Array:
    """Return the seven-day rate drawn towards a mean."""
    found: Array = (rows_.week[:, 0] + strength * mean) / (rows_.week[:, 1] + strength)
    return found


def choose(people: Sequence[Rows]) -> Choice:
    """Return the set, ridge and strength of least mean loss on these people, each left out in turn."""
    rests = [[*people[:i], *people[i + 1 :]] for i in range(len(people))]
    losses = {
        (name, ridge): np.concatenate(
            [
                log_loss(fit(rest, names, ridge).chance(each.x), each.used)
                for each, rest in zip(people, rests, strict=True)
            ]
        ).mean()
        for name, names in SETS.items()
        for ridge in RIDGES
    }
    rates = {
        strength: np.concatenate(
            [
                log_loss(week_rate(each, population(rest), strength), each.used)
                for each, rest in zip(people, rests, strict=True)
            ]
        ).mean()
        for strength in STRENGTHS
    }
    name, ridge = min(losses, key=lambda key: losses[key])
    return Choice(features=name, ridge=ridge, strength=min(rates, key=lambda key: rates[key]))


def metadata(found: Fitted, people: Sequence[Rows], strength: float) -> dict[str, str]:
    """Return what the engine reads of the file."""
    values: dict[str, object] = {
        "features": list(found.names),
        "classes": list(CLASSES),
        "mean": found.mean.tolist(),
        "std": found.std.tolist(),
        "temperature": 1.0,
        # A chance of one half is an answer, too: only what is unlike all training days is none.
        "tau": 0.5,
        "reach": found.reach,
        "rate": [round(population(people), 6), strength],
        "trained_on": sorted(each.name for each in people),
    }
    return {key: json.dumps(value) for key, value in values.items()}


def weights(found: Fitted) -> tuple[Array, Array]:
    """Return the layer's weight (features, 2) and bias (2,): log-odds are half of either logit's distance from zero."""
    return np.stack([-found.weight / 2.0, found.weight / 2.0], axis=1), np.array([-found.bias / 2.0, found.bias / 2.0])


@dataclass(frozen=True, slots=True)
class Draft:
    """A network that is not shipped: int8 weights as the file would have, run as the engine runs a file."""

    version: str
    metadata: Mapping[str, str]
    weight: Array
    bias: Array

    @classmethod
    def of(cls, found: Fitted, people: Sequence[Rows], strength: float) -> Draft:
        """Return what shipping would make of it."""
        weight, bias = weights(found)
        rounded, scale = quantize(weight, axis=1)
        return cls("draft", metadata(found, people, strength), rounded.astype(np.float64) * scale, bias)

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the logits."""
        return {"logits": (inputs["features"] @ self.weight + self.bias).astype(np.float32)}
