"""What the heads would have done in the trial: learned person by person, in the order of time.

For each person the prior is what the others' heads amount to (leave one person out); then every moment
is decided first and learned from after. Nothing here is tuned: rates and priors are the engine's own.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from custom_components.smartloop.engine.models.personal_action import ActionHead
from custom_components.smartloop.engine.models.personal_mixture import PersonalHead
from custom_components.smartloop.engine.models.personal_posterior import Prior

from .heartsteps import SENT_CHANCE, Array, Person

OUTSIDE_VARIANCE: Final = 0.25
"""Of an effect's weight before anybody was seen: effects of suggestions are small"""
NOISE: Final = 6.0
"""First guess; log steps of half an hour are mostly chance. It is learned."""


def _lived(person: Person, x: Array, effect: Prior, baseline: Prior) -> tuple[ActionHead, Array, Array]:
    """Return a person's head after all, and at each moment before it was learned: effect, and chance to act."""
    head = ActionHead(effect, baseline, NOISE)
    means, chances = np.zeros(len(x)), np.zeros(len(x))
    for place, row in enumerate(x):
        belief = head.predict_one(row)
        means[place] = 0.0 if belief is None else belief.value
        chances[place] = head.chance(row) or 0.0
        head.learn_one(
            str(place),
            row,
            acted=bool(person.sent[place]),
            chance=SENT_CHANCE,
            reward=float(person.reward[place]) - 4.0,
        )
    return head, means, chances


def _narrow(x: Array, context: int) -> Array:
    return x[:, :context]


def _pooled(heads: Sequence[ActionHead], size: int) -> tuple[Prior, Prior]:
    effects, bases = ([each.effect.posterior for each in heads], [each.baseline.posterior for each in heads])
    return (
        Prior.pooled([e.mean for e in effects], [e.variance for e in effects], Prior.flat(size, OUTSIDE_VARIANCE)),
        Prior.pooled([b.mean for b in bases], [b.variance for b in bases], Prior.flat(size, 4.0)),
    )


def _learned(people: Sequence[Person], context: int) -> tuple[list[Array], list[Array], list[Array]]:
    """Return per person, moment by moment: the personal effect, the chance to act, the others' effect."""
    views = [_narrow(each.x, context) for each in people]
    outside = Prior.flat(context, OUTSIDE_VARIANCE), Prior.flat(context, 4.0)
    alone = [_lived(each, x, *outside)[0] for each, x in zip(people, views, strict=True)]
    effects, chances, common = [], [], []
    for place, (person, x) in enumerate(zip(people, views, strict=True)):
        effect, baseline = _pooled(alone[:place] + alone[place + 1 :], context)
        _, means, acts = _lived(person, x, effect, baseline)
        effects.append(means)
        chances.append(acts)
        common.append(np.nan_to_num(x) @ np.array(effect.mean))
    return effects, chances, common


def policies(people: Sequence[Person]) -> dict[str, list[Array]]:
    """Return with what chance each policy acts, per person and moment."""
    size = people[0].x.shape[1]
    effects, chances, common = _learned(people, size)
    bare, _, _ = _learned(people, 1)
    return {
        "model": [(each > 0.0).astype(np.float64) for each in effects],
        "exploring": chances,
        "fallback": [(each > 0.0).astype(np.float64) for each in common],
        "contextless": [(each > 0.0).astype(np.float64) for each in bare],
        "always": [np.ones(len(each)) for each in effects],
        "never": [np.zeros(len(each)) for each in effects],
    }


def answers(rows: Sequence[tuple[Array, Array]]) -> list[dict[str, Array]]:
    """Return what was foretold of each person's yes or no, each before it was learned from."""
    if not rows:
        return []
    size = rows[0][0].shape[1]
    outside = Prior.flat(size)
    alone = [_answered(x, y, outside)[0].steady.posterior for x, y in rows]
    found = []
    for place, (x, y) in enumerate(rows):
        others = alone[:place] + alone[place + 1 :]
        prior = Prior.pooled([e.mean for e in others], [e.variance for e in others], outside)
        total = sum(float(each[1].sum()) for i, each in enumerate(rows) if i != place)
        count = sum(len(each[1]) for i, each in enumerate(rows) if i != place)
        found.append(
            {
                "model": _answered(x, y, prior)[1],
                "fallback": np.array([_chance(PersonalHead(prior), row) for row in x]),
                "flat_prior": _answered(x, y, outside)[1],
                "personal_rate": (np.concatenate([[0.0], np.cumsum(y)[:-1]]) + 1.0) / (np.arange(len(y)) + 2.0),
                "everyones_rate": np.full(len(y), (total + 1.0) / (count + 2.0)),
                "outcome": y.astype(np.float64),
            }
        )
    return found


def _chance(head: PersonalHead, row: Array) -> float:
    belief = head.predict_one(row)
    return 0.5 if belief is None else belief.value


def _answered(x: Array, y: Array, prior: Prior) -> tuple[PersonalHead, Array]:
    head = PersonalHead(prior)
    said = np.zeros(len(y))
    for place, (row, outcome) in enumerate(zip(x, y, strict=True)):
        said[place] = _chance(head, row)
        head.learn_one(str(place), row, outcome=bool(outcome))
    return head, said
