"""What the heads would have done in the trial: learned person by person, in the order of time.

Every moment is decided first and learned from after. What a person's heads start from comes from other people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from custom_components.smartloop.engine.models.personal_action import ActionHead
from custom_components.smartloop.engine.models.personal_mixture import PersonalHead
from custom_components.smartloop.engine.models.personal_posterior import Posterior, Prior

from . import effects
from .heartsteps import CONTEXT, SENT_CHANCE, Array, Person

NOISE = 6.0
"""First guess; log steps of half an hour are mostly chance. It is learned."""
_CENTER = 4.0
_OUTSIDE = Prior.flat(len(CONTEXT), 4.0)
"""Of the reward as such, before anybody was seen"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Community:
    """What other people tell a newcomer's heads."""

    effect: effects.Effect
    bare: effects.Effect
    """The mean effect alone"""
    baseline: Prior


def baselines(people: Sequence[Person]) -> list[Posterior]:
    """Return what each person's moments alone say of the reward as such."""
    nobody = Prior((0.0,) * len(CONTEXT), (effects.NOTHING,) * len(CONTEXT))
    return [_lived(each, nobody, _OUTSIDE)[0].baseline.posterior for each in people]


def community(people: Sequence[Person], told: Sequence[Posterior], chosen: str) -> Community:
    """Return what these people, and their `baselines`, tell a newcomer."""
    return Community(
        effect=effects.fit(people, chosen),
        bare=effects.fit(people, "nothing"),
        baseline=Prior.pooled([each.mean for each in told], [each.variance for each in told], _OUTSIDE),
    )


def _lived(person: Person, effect: Prior, baseline: Prior) -> tuple[ActionHead, Array, Array]:
    """Return a person's head after all, and at each moment before it was learned: effect, and chance to act."""
    head = ActionHead(effect, baseline, NOISE)
    means, chances = np.zeros(len(person.x)), np.zeros(len(person.x))
    for place, row in enumerate(person.x):
        belief = head.predict_one(row)
        means[place] = 0.0 if belief is None else belief.value
        chances[place] = head.chance(row) or 0.0
        head.learn_one(
            str(place),
            row,
            acted=bool(person.sent[place]),
            chance=SENT_CHANCE,
            reward=float(person.reward[place]) - _CENTER,
        )
    return head, means, chances


def policies(people: Sequence[Person], known: Sequence[Community]) -> dict[str, list[Array]]:
    """Return with what chance each policy acts, per person and moment; `known` is what others tell each of them."""
    found: dict[str, list[Array]] = {
        name: [] for name in ("model", "exploring", "fallback", "contextless", "always", "never")
    }
    for person, told in zip(people, known, strict=True):
        _, means, chances = _lived(person, told.effect.prior, told.baseline)
        _, bare, _ = _lived(person, told.bare.prior, told.baseline)
        found["model"].append((means > 0.0).astype(np.float64))
        found["exploring"].append(chances)
        found["fallback"].append((told.effect.at(person) > 0.0).astype(np.float64))
        found["contextless"].append((bare > 0.0).astype(np.float64))
        found["always"].append(np.ones(len(means)))
        found["never"].append(np.zeros(len(means)))
    return found


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
