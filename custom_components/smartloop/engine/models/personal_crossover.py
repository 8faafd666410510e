"""The time-stratified case-crossover: whether bad days go with an exposure, within two weeks.

Within each stratum of 14 days only which of its days were bad is looked at, not how many: what does
not change within a fortnight (the season, the person, the medication) cannot confound (Maclure 1991;
Levy et al. 2001). The likelihood is the exact conditional one, days drawn without replacement with
weights exp(x.b); its normaliser is an elementary symmetric polynomial, found by recursion (Howard
1972; Gail, Lubin and Rubinstein 1981). Priors are normal; the posterior is Laplace's, with Hajek's
variance of such draws (Hajek 1964), which is exact when days weigh the same.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .personal_state import Array

STRATUM_DAYS: Final = 14
_ROUNDS = 25
_CLOSE = 1e-7
_MOST_STEP = 1.0
_FARTHEST = 8.0
"""Log odds that a day's weight may reach"""


@dataclass(frozen=True, slots=True)
class Strata:
    """Days by stratum."""

    x: Array
    """Stratum, day, exposure; a missing one is the mean of its stratum"""
    bad: NDArray[np.bool_]
    known: NDArray[np.bool_]
    """Whether it is known if the day was bad"""

    def usable(self) -> Strata:
        """Return the strata that say something: some days bad, some not."""
        cases = (self.bad & self.known).sum(axis=1)
        keep = (cases > 0) & (cases < self.known.sum(axis=1))
        return Strata(self.x[keep], self.bad[keep] & self.known[keep], self.known[keep])

    def without(self, place: int) -> Strata:
        """Return the same days without one exposure."""
        return Strata(np.delete(self.x, place, axis=2), self.bad, self.known)


@dataclass(frozen=True, slots=True)
class Fit:
    """Log odds ratios, as far as the days and the prior say."""

    mean: Array
    variance: Array
    information: Array
    """What the days alone say of each, 1 / variance, the others taken as known"""


def _expected(strata: Strata, weights: Array) -> Array:
    """Return with what chance each day is among the bad ones of its stratum."""
    count, days = weights.shape
    cases = strata.bad.sum(axis=1)
    most = int(cases.max()) + 1
    ahead = np.zeros((count, days + 1, most))
    behind = np.zeros((count, days + 1, most))
    ahead[:, 0, 0] = behind[:, days, 0] = 1.0
    for day in range(days):
        ahead[:, day + 1] = ahead[:, day]
        ahead[:, day + 1, 1:] += weights[:, day, None] * ahead[:, day, :-1]
        last = days - 1 - day
        behind[:, last] = behind[:, last + 1]
        behind[:, last, 1:] += weights[:, last, None] * behind[:, last + 1, :-1]
    # Of the others, one fewer is drawn: so many before the day, the rest after it.
    rest = cases[:, None] - 1 - np.arange(most)
    there = np.take_along_axis(behind[:, 1:], np.maximum(rest, 0)[:, None, :].repeat(days, axis=1), axis=2)
    others = (ahead[:, :-1] * there * (rest >= 0)[:, None, :]).sum(axis=2)
    total = np.take_along_axis(ahead[:, days], cases[:, None], axis=1)
    found: Array = weights * others / total
    return found


def expected(strata: Strata, mean: Array) -> Array:
    """Return each day's chance to be a bad one, given the log odds ratios; zero where nothing is known."""
    line = np.clip(strata.x @ mean, -_FARTHEST, _FARTHEST)
    scaled: Array = np.where(strata.known, np.exp(line - line.mean(axis=1, keepdims=True)), 0.0)
    return _expected(strata, scaled)


def _information(strata: Strata, chance: Array) -> Array:
    """Return the precision of the log odds ratios that the days give."""
    each = chance * (1.0 - chance)
    days = strata.known.sum(axis=1)
    each = each * (days / np.maximum(days - 1, 1))[:, None]
    total = np.maximum(each.sum(axis=1), 1e-12)
    moved = np.einsum("sd,sdj->sj", each, strata.x)
    found: Array = np.einsum("sd,sdj,sdk->jk", each, strata.x, strata.x) - np.einsum(
        "sj,sk->jk", moved / total[:, None], moved
    )
    return found


def fit(strata: Strata, mean: Array, sd: Array) -> Fit:
    """Return the posterior of the log odds ratios under a normal prior; bounded time."""
    strata = strata.usable()
    precision = np.diag(1.0 / sd**2)
    at = mean.copy()
    information = np.zeros_like(precision)
    for _ in range(_ROUNDS if strata.bad.size else 0):
        chance = expected(strata, at)
        information = _information(strata, chance)
        slope = np.einsum("sd,sdj->j", strata.bad - chance, strata.x) - precision @ (at - mean)
        step = np.linalg.solve(information + precision, slope)
        longest = float(np.abs(step).max())
        at = at + step * min(1.0, _MOST_STEP / max(longest, 1e-12))
        if longest < _CLOSE:
            break
    return Fit(at, np.diag(np.linalg.inv(information + precision)).copy(), np.diag(information).copy())


def shifted_chance(strata: Strata, place: int, prior_mean: Array, prior_sd: Array) -> float:
    """Return how often the exposure, moved round in time, goes as well with the bad days: a p-value.

    Both keep their own rhythm, only what they have in common is broken. The other exposures are
    accounted for; strata must be in the order of time.
    """
    rest = strata.without(place)
    fitted = fit(rest, np.delete(prior_mean, place), np.delete(prior_sd, place))
    cases = (rest.bad & rest.known).sum(axis=1)
    live = (cases > 0) & (cases < rest.known.sum(axis=1))
    if not live.any():
        return 1.0
    residual = np.zeros(rest.bad.shape)
    usable = rest.usable()
    residual[live] = usable.bad - expected(usable, fitted.mean)
    series, line = residual.ravel(), strata.x[..., place].ravel()
    days = len(series)
    order = (np.arange(days)[:, None] + np.arange(days)[None, :]) % days
    found = line[order] @ series
    return float((found >= found[0] - 1e-9).sum() / days)
