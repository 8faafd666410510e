"""What the people of one folder tell newcomers, kept as numbers beside the card; no row of theirs is in it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from custom_components.smartloop.engine.models.personal_posterior import Prior

from . import effects
from .heartsteps import CONTEXT, Person
from .policies import Community, baselines, community

FILE: Final = "prior.json"
FOLDER: Final = Path(__file__).resolve().parents[1] / "context_head"
_DIGITS = 6


def learned(people: Sequence[Person]) -> Community:
    """Return what all these people tell a newcomer."""
    return community(people, baselines(people), effects.choose(people))


def held_out(people: Sequence[Person]) -> list[Community]:
    """Return what all the others tell each of them; what is chosen is chosen without the one left out."""
    told = baselines(people)
    found = []
    for place in range(len(people)):
        rest = [*people[:place], *people[place + 1 :]]
        found.append(community(rest, [*told[:place], *told[place + 1 :]], effects.choose(rest)))
    return found


def write(found: Community, people: Sequence[Person], folder: Path) -> Path:
    """Keep it; the same people give the same bytes."""
    values = {
        "contexts": list(CONTEXT),
        "chosen": found.effect.chosen,
        "effect": found.effect.weight.tolist(),
        "mean_effect": found.bare.weight.tolist(),
        "baseline": {
            "mean": [round(each, _DIGITS) for each in found.baseline.mean],
            "variance": [round(each, _DIGITS) for each in found.baseline.variance],
        },
        "trained_on": sorted(each.name for each in people),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    return path


def read(folder: Path = FOLDER) -> tuple[Community, str]:
    """Return what was kept, and as JSON whom it was learned on."""
    values = json.loads((folder / FILE).read_text("utf-8"))
    if values["contexts"] != list(CONTEXT):
        msg = f"{FILE} is of other contexts: train context_head anew"
        raise OSError(msg)
    return (
        Community(
            effect=effects.Effect(chosen=values["chosen"], weight=np.array(values["effect"])),
            bare=effects.Effect(chosen="nothing", weight=np.array(values["mean_effect"])),
            baseline=Prior(tuple(values["baseline"]["mean"]), tuple(values["baseline"]["variance"])),
        ),
        json.dumps(values["trained_on"]),
    )
