"""What a policy would have been worth, from what another one did: IPS, SNIPS and doubly robust.

The logged propensity is known by design, so IPS is unbiased; SNIPS (Swaminathan and Joachims 2015)
trades a little bias for variance; doubly robust (Dudik, Langford and Li 2011) adds a reward model
fitted on the other people. Intervals redraw people, as moments of one person are no independent rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..report import Metrics
from .heartsteps import SENT_CHANCE, Array, Person, Rounds

ESTIMATORS: Final = ("ips", "snips", "dr")
_FIGURES: Final = (
    *(f"value_{each}" for each in ESTIMATORS),
    *(f"gain_over_{each}" for each in ("always", "never", "contextless", "as_often")),
    "share_sent",
)
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


def figures(people: Sequence[Mapping[str, Sums]], name: str) -> Metrics:
    """Return a policy's value by every estimator, and what it gains over the others (doubly robust).

    `gain_over_as_often` is against sending as often at moments of no choice: whether the moments are well chosen.
    """
    if not people:
        return dict.fromkeys(_FIGURES)
    own, others = (
        _values(people, name),
        {each: _values(people, each)["dr"] for each in ("always", "never", "contextless")},
    )
    out: Metrics = {f"value_{key}": own[key] for key in ESTIMATORS}
    out |= {f"gain_over_{each}": own["dr"] - value for each, value in others.items()}
    as_often = others["never"] + own["sent"] * (others["always"] - others["never"])
    return out | {"gain_over_as_often": own["dr"] - as_often, "share_sent": own["sent"]}


def _values(people: Sequence[Mapping[str, Sums]], name: str) -> dict[str, float]:
    told = [each[name] for each in people]
    rows = sum(each.rows for each in told)
    return {
        "ips": sum(each.ips for each in told) / rows,
        "snips": sum(each.ips for each in told) / max(sum(each.weight for each in told), 1e-9),
        "dr": sum(each.dr for each in told) / rows,
        "sent": sum(each.sent for each in told) / rows,
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
