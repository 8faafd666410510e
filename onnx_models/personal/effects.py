"""What a suggestion does on other people, by context: the prior that a person's own head starts from.

An action-centred regression (Boruvka et al. 2018): reward on context, and (act - chance) on the few contexts that may
move the effect; unbiased for the effect whatever the reward is like otherwise, as the chance is known. Which contexts
may move it is chosen among six sets by what a policy that sends where the effect is above zero would have been worth
on people left out in turn. The sets are the moderators of the trial's own papers: time in the study, recent dose,
place, and how variable steps are at that hour (Klasnja et al. 2019; Liao et al. 2020).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from custom_components.smartloop.engine.models.personal_posterior import Prior

from .heartsteps import CONTEXT, SENT_CHANCE, Array, Person
from .value import reward_model, sums

SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "nothing": ("one",),
    "time": ("one", "study_day"),
    "dose": ("one", "recent_dose"),
    "place": ("one", "at_work", "elsewhere"),
    "place and dose": ("one", "at_work", "elsewhere", "recent_dose"),
    "place, dose and habit": ("one", "at_work", "elsewhere", "recent_dose", "variable_hour"),
}
RIDGE: Final = 30.0
SCATTER: Final = 0.01
"""Variance between people of an effect's weight: 0.1 log steps, about the mean effect itself"""
NOTHING: Final = 1e-6
"""Variance of a weight that stays at zero"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What other people's moments say of the effect of sending."""

    chosen: str
    """Name of the set"""
    weight: Array
    """By CONTEXT, zero where it is not in the set"""

    @property
    def prior(self) -> Prior:
        """Return what a person's head starts from."""
        names = SETS[self.chosen]
        return Prior(tuple(self.weight.tolist()), tuple(SCATTER if name in names else NOTHING for name in CONTEXT))

    def at(self, person: Person) -> Array:
        """Return the effect at each of a person's moments, as other people have it."""
        found: Array = np.nan_to_num(person.x) @ self.weight
        return found


def fit(people: Sequence[Person], chosen: str) -> Effect:
    """Return the effect by the contexts of a set; people differ in their mean reward."""
    columns = [CONTEXT.index(name) for name in SETS[chosen]]
    weight = np.zeros(len(CONTEXT))
    if people:
        x = np.nan_to_num(np.concatenate([each.x for each in people]))
        reward = np.concatenate([each.reward - each.reward.mean() for each in people])
        acted = np.concatenate([each.sent for each in people]).astype(np.float64) - SENT_CHANCE
        design = np.concatenate([x, acted[:, None] * x[:, columns]], axis=1)
        # The mean effect is what the trial measured; only what moves it is drawn to zero.
        penalty = np.diag([1.0] * len(CONTEXT) + [1.0] + [RIDGE] * (len(columns) - 1))
        weight[columns] = np.linalg.solve(design.T @ design + penalty, design.T @ reward)[len(CONTEXT) :]
    return Effect(chosen=chosen, weight=weight.round(6))


def choose(people: Sequence[Person]) -> str:
    """Return the set whose policy was worth most on these people, each left out in turn (doubly robust)."""
    if len(people) < 3:
        return next(iter(SETS))
    rests = [[*people[:i], *people[i + 1 :]] for i in range(len(people))]
    models = [reward_model(rest) for rest in rests]
    worth = {
        name: sum(
            sums(person, (fit(rest, name).at(person) > 0.0).astype(np.float64), model).dr
            for person, rest, model in zip(people, rests, models, strict=True)
        )
        for name in SETS
    }
    return max(worth, key=lambda name: worth[name])
