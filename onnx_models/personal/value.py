"""What a policy would have been worth, from what another one did: IPS, SNIPS and doubly robust.

The logged propensity is known by design, so IPS is unbiased; SNIPS (Swaminathan and Joachims 2015)
trades a little bias for variance; doubly robust (Dudik, Langford and Li 2011) adds a reward model
fitted on the other people. Intervals redraw people, as moments of one person are no independent rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .heartsteps import SENT_CHANCE, Array, Person, Rounds

RESAMPLES: Final = 2000
ESTIMATORS: Final = ("ips", "snips", "dr")
_RIDGE = 10.0


@dataclass(frozen=True, slots=True)
class Sums:
    """One person's sums under one policy; every figure is a ratio of such sums."""

    rows: float
    ips: float
    weight: float
    dr: float
    sent: float


def _design(x: Array, acted: Array) -> Array:
    return np.concatenate([x, acted[:, None] * x], axis=1)


def reward_model(others: Sequence[Person]) -> Array:
    """Return a ridge regression of the reward on context, act and both, fitted on other people."""
    if not others:
        return np.zeros(0)
    x = np.concatenate([_design(each.x, each.sent.astype(np.float64)) for each in others])
    y = np.concatenate([each.reward for each in others])
    x = np.nan_to_num(x)
    found: Array = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ y)
    return found


def sums(person: Person, chance: Array, model: Array) -> Sums:
    """Return a person's sums under a policy that acts with these chances."""
    acted = person.sent.astype(np.float64)
    logged = np.where(person.sent, SENT_CHANCE, 1.0 - SENT_CHANCE)
    weight = np.where(person.sent, chance, 1.0 - chance) / logged
    x = np.nan_to_num(person.x)
    if model.size:
        ahead = [_design(x, np.full(len(acted), value)) @ model for value in (0.0, 1.0)]
    else:
        ahead = [np.zeros(len(acted)), np.zeros(len(acted))]
    said = (1.0 - chance) * ahead[0] + chance * ahead[1]
    robust = said + weight * (person.reward - np.where(person.sent, ahead[1], ahead[0]))
    return Sums(
        float(len(acted)),
        float((weight * person.reward).sum()),
        float(weight.sum()),
        float(robust.sum()),
        float(chance.sum()),
    )


def figures(found: Mapping[str, Sequence[Sums]], name: str) -> dict[str, float]:
    """Return a policy's value by every estimator, and what it gains over the others (doubly robust)."""
    own = _values(found[name])
    out = {f"value_{key}": own[key] for key in ESTIMATORS}
    out |= {f"gain_over_{each}": own["dr"] - _values(found[each])["dr"] for each in ("always", "never", "contextless")}
    out["share_sent"] = own["sent"]
    return out


def _values(people: Sequence[Sums]) -> dict[str, float]:
    rows = sum(each.rows for each in people)
    return {
        "ips": sum(each.ips for each in people) / rows,
        "snips": sum(each.ips for each in people) / max(sum(each.weight for each in people), 1e-9),
        "dr": sum(each.dr for each in people) / rows,
        "sent": sum(each.sent for each in people) / rows,
    }


def intervals(found: Mapping[str, Sequence[Sums]], name: str, seed: int) -> dict[str, list[float]]:
    """Return 90 % bootstrap intervals of a policy's figures; people are redrawn."""
    rng = np.random.default_rng(seed)
    count = len(found[name])
    drawn: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        pick = rng.integers(0, count, count)
        for key, value in figures({each: [rows[i] for i in pick] for each, rows in found.items()}, name).items():
            drawn.setdefault(key, []).append(value)
    return {
        key: [round(float(quantile), 4) for quantile in np.quantile(values, (0.05, 0.95))]
        for key, values in drawn.items()
    }


def check(logged: Rounds, other: Rounds) -> tuple[float, float]:
    """Return SNIPS' estimate of the other policy's click rate from the uniform log, and the true one.

    The other policy's chances are taken as how often it showed each item in each place.
    """
    size = int(max(logged.item.max(), other.item.max())) + 1
    shown: dict[int, Array] = {
        int(place): np.bincount(other.item[other.place == place], minlength=size) / max((other.place == place).sum(), 1)
        for place in np.unique(other.place)
    }
    chance = np.array(
        [
            shown[int(place)][item] if int(place) in shown else 0.0
            for place, item in zip(logged.place, logged.item, strict=True)
        ]
    )
    weight = chance / logged.chance
    return float((weight * logged.click).sum() / weight.sum()), float(other.click.mean())
