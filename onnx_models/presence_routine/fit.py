"""Fit the network: a ridge logistic regression on pooled homes, by Newton's method, so that any machine gets the same.

A multilayer perceptron of 8 units did no better on unseen homes (the card says what was tried).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.classifier import standardize

type Array = NDArray[np.float64]

_STEPS: Final = 40
_REACH_QUANTILE: Final = 0.999


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """A logistic regression over standardised features."""

    mean: Array
    std: Array
    weights: Array
    bias: float
    reach: float
    """Mean square of standard scores that nearly all rows stay below"""

    def odds(self, rows: Array) -> Array:
        """Return log-odds of rows of features."""
        scores, _ = standardize(rows, self.mean, self.std)
        return np.asarray(scores @ self.weights + self.bias)


def logistic(rows: Array, outcome: Array, weight: Array, ridge: float) -> tuple[Array, float]:
    """Return weights and bias minimising mean weighted log-loss + ridge/2 * |weights|^2."""
    design = np.hstack([rows, np.ones((len(rows), 1))])
    share = weight / weight.sum()
    penalty = np.append(np.full(rows.shape[1], ridge), 1e-9)
    beta = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-design @ beta))
        slope = design.T @ (share * (chance - outcome)) + penalty * beta
        curve = (design * (share * np.maximum(chance * (1.0 - chance), 1e-6))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        beta = beta - step
        if float(np.abs(step).max()) < 1e-10:
            break
    return beta[:-1], float(beta[-1])


def fit(rows: Array, outcome: Array, weight: Array, ridge: float) -> Fit:
    """Return a regression on features with NaN where unknown."""
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0.0).sum(axis=0) / count
    std = np.sqrt((np.where(known, rows - mean, 0.0) ** 2).sum(axis=0) / count)
    std = np.where(std > 1e-6, std, 1.0)
    mean, std = mean.round(6), std.round(6)
    scores, distance = standardize(rows, mean, std)
    weights, bias = logistic(scores, outcome, weight, ridge)
    reach = 1.5 * float(np.quantile(distance, _REACH_QUANTILE))
    return Fit(mean=mean, std=std, weights=weights, bias=bias, reach=round(reach, 3))
