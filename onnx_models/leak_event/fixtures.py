"""Fit and score what a draw was for: the labelled flat by weeks, and the showers of other homes.

There is one flat with labels, so its own flows must not be learned: each draw is also shown as other homes would draw
it, with other flows (`simulate.retuned`), and without its shape. Cisterns have no measured flow there and are left to
a rule. Showers of other homes have litres, seconds and flow only; nothing is learned of them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from custom_components.smartloop.engine.features.water import Draw, fingerprint
from custom_components.smartloop.engine.models.classifier import softmax, standardize
from custom_components.smartloop.engine.models.fixture import LEAST_L, Fixture, FixtureNamer, Guess
from custom_components.smartloop.engine.models.model import Tensor

from ..report import Bin, Metrics, bootstrap, expected_calibration_error, reliability
from .data import Array, Labelled
from .simulate import retuned

type Namer = Callable[[Draw], Guess]

FEATURES: Final = ("litres", "seconds", "flow", "peak", "running", "rough")
KINDS: Final = ("machine", "shower", "tap", "toilet")
FOLDS: Final = 5
FEWEST: Final = 5
"""Draws of a kind, from which it has a score"""
TAU: Final = 0.5
"""More likely than not; fixed before any look"""
_COPIES: Final = 3
_PENALTY, _STEPS, _RATE = 1e-3, 800, 0.7


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A fitted regression: a `Runner` itself, so that it is scored through the engine's own module. It does not ship."""

    metadata: Mapping[str, str]
    weight: Array
    """(features, classes)"""
    bias: Array
    version: str = "draft"

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the logits."""
        return {"logits": (inputs["features"] @ self.weight + self.bias).astype(np.float32)}


def rows(found: Sequence[Draw]) -> Array:
    """Return the engine's own features (draws, features); NaN where a draw shows none."""
    return np.array(
        [[np.nan if (v := one[name]) is None else v for name in FEATURES] for one in map(fingerprint, found)],
        np.float64,
    ).reshape(-1, len(FEATURES))


def useful(found: Sequence[Labelled]) -> list[Labelled]:
    """Return the draws that can be named: half a litre and more, of a known fixture."""
    return [each for each in found if each.draw.litres >= LEAST_L and each.fixture in KINDS]


def _regression(x: Array, y: Array, weight: Array) -> tuple[Array, Array]:
    """Return weights (features, classes) and biases of a multinomial logistic regression, by gradient descent with momentum."""
    x = np.column_stack([x, np.ones(len(x))])
    found = np.zeros((x.shape[1], y.shape[1]))
    pull = np.full(found.shape, _PENALTY)
    pull[-1] = 0.0
    moment = np.zeros_like(found)
    share = weight / weight.sum()
    for _ in range(_STEPS):
        moment = 0.9 * moment - 0.1 * _RATE * 10.0 * (x.T @ ((softmax(x @ found) - y) * share[:, None]) + pull * found)
        found += moment
    # Rounded, so that another machine's last bits make the same file.
    return found[:-1].round(4), found[-1].round(4)


def fit(found: Sequence[Labelled], seed: int) -> Draft:
    """Return a regression fitted to labelled draws, and to what other homes would make of them."""
    chance = np.random.default_rng(seed)
    draws = [each.draw for each in found]
    kinds = [each.fixture for each in found]
    for _ in range(_COPIES):
        draws += [retuned(each.draw, each.fixture, chance) for each in found]
        kinds += [each.fixture for each in found]
    classes = [kind for kind in KINDS if kind in kinds]
    x = rows(draws)
    mean, std = np.nanmean(x, axis=0).round(4), (np.nanstd(x, axis=0) + 1e-3).round(4)
    scores, distance = standardize(x, mean, std)
    y = np.array([[kind == each for each in classes] for kind in kinds], np.float64)
    # Rare fixtures count for more, but not as much as common ones.
    weight = (y / np.sqrt(y.mean(axis=0))).sum(axis=1)
    weights, bias = _regression(scores, y, weight)
    metadata: dict[str, Any] = {
        "features": list(FEATURES),
        "classes": classes,
        "mean": mean.tolist(),
        "std": std.tolist(),
        "tau": TAU,
        "reach": round(float(1.5 * np.quantile(distance, 0.999)), 2),
    }
    return Draft(metadata={key: json.dumps(value) for key, value in metadata.items()}, weight=weights, bias=bias)


def folds(found: Sequence[Labelled]) -> list[list[int]]:
    """Return the places of each fold's draws: whole weeks, in turn."""
    return [[i for i, each in enumerate(found) if each.week % FOLDS == fold] for fold in range(FOLDS)]


def network(found: Sequence[Labelled], seed: int) -> Namer:
    """Return a namer by a regression fitted to labelled draws."""
    namer = FixtureNamer(fit(found, seed))
    return lambda draw: namer.name(draw, explain=False)


def held_out(found: Sequence[Labelled], seed: int) -> list[Guess]:
    """Return what regressions say of weeks they were not fitted to."""
    out: list[Guess] = [Guess(fixture=None, why=())] * len(found)
    for place in folds(found):
        inside = set(place)
        others = [each for i, each in enumerate(found) if i not in inside]
        if place and len({each.fixture for each in others}) > 1:
            name = network(others, seed)
            for i in place:
                out[i] = name(found[i].draw)
    return out


def named(found: Sequence[Labelled], name: Namer) -> list[Guess]:
    """Return what a namer says of each draw."""
    return [name(each.draw) for each in found]


def _f1(truth: Sequence[str], said: Sequence[str | None], kind: str) -> float | None:
    true = sum(t == kind for t in truth)
    if true < FEWEST:
        return None
    hit = sum(t == s == kind for t, s in zip(truth, said, strict=True))
    return 2.0 * hit / (true + sum(s == kind for s in said))


def figures(found: Sequence[tuple[Labelled, Guess]]) -> Metrics:
    """Return how well draws were named; what was abstained from counts as missed."""
    truth = [each.fixture for each, _ in found]
    said = [None if one.fixture is None else one.fixture.value for _, one in found]
    scores: Metrics = {f"fixture_f1_{kind}": _f1(truth, said, kind) for kind in KINDS}
    known = [value for value in scores.values() if value is not None]
    right = [t == s for t, s in zip(truth, said, strict=True)]
    sure = [t == s for t, s in zip(truth, said, strict=True) if s is not None]
    return {
        "fixture_draws": float(len(found)) if found else None,
        "fixture_accuracy": float(np.mean(right)) if right else None,
        "fixture_named": len(sure) / len(right) if right else None,
        "fixture_right_when_named": float(np.mean(sure)) if sure else None,
        "fixture_macro_f1": float(np.mean(known)) if known else None,
        **scores,
        "fixture_ece": expected_calibration_error(bins(found)),
    }


def bins(found: Sequence[tuple[Labelled, Guess]]) -> list[Bin]:
    """Return how often draws were named rightly, by how sure the network was."""
    pairs = [
        (one.confidence, float(max(one.probabilities, key=one.probabilities.__getitem__) == each.fixture))
        for each, one in found
        if one.confidence is not None and one.probabilities
    ]
    return reliability([sure for sure, _ in pairs], [right for _, right in pairs]) if pairs else []


def weekly(
    found: Sequence[tuple[Labelled, Guess]],
) -> list[list[tuple[Labelled, Guess]]]:
    """Return the draws by week: what is redrawn."""
    weeks: dict[int, list[tuple[Labelled, Guess]]] = {}
    for each in found:
        weeks.setdefault(each[0].week, []).append(each)
    return list(weeks.values())


def spans(found: Sequence[tuple[Labelled, Guess]], seed: int) -> dict[str, list[float] | None]:
    """Return 90 % intervals by redrawing weeks of the one flat: not how homes differ."""
    return bootstrap(weekly(found), lambda some: figures([each for week in some for each in week]), seed=seed)


def shower_figures(shares: Sequence[float]) -> Metrics:
    """Return the mean share of homes' showers that were called one."""
    return {
        "showers_named": float(np.mean(shares)) if shares else None,
        "shower_homes": float(len(shares)) if shares else None,
    }


def shower_shares(by_home: Mapping[str, Sequence[Draw]], name: Namer) -> list[float]:
    """Return by home the share of its showers that a namer calls one."""
    return [float(np.mean([name(draw).fixture is Fixture.SHOWER for draw in each])) for each in by_home.values()]
