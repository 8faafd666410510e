"""How much of a puff may arrive, compared with the same puff done well: a band, never an amount.

The product of what published measurements found for three errors, each with a wide error of its own because studies
differ by more than their intervals say (all recalled, not looked up again): pressed before or long after the start of
the breath (7 % against 19 to 21 % deposited, Newman 1991), not shaken (25 to 36 % less of the dose, Everard 1995),
breathed too fast (about half). Only for sprays. Without shaking, coordination or flow measured there is no band.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .technique_rules import Step, Verdict

BANDS: Final = ("poor", "reduced", "good")
_CUTS: Final = (0.45, 0.75)
"""Of the puff done well; chosen so that one error reduces and two are poor"""
_FACTORS: Final[Mapping[tuple[Step, str], tuple[float, float]]] = {
    (Step.COORDINATION, "early"): (math.log(0.35), 0.35),
    (Step.COORDINATION, "late"): (math.log(0.5), 0.5),
    (Step.SHAKE, "short"): (math.log(0.7), 0.2),
    (Step.FLOW, "fast"): (math.log(0.5), 0.35),
}
"""Logarithm of the factor and its standard error. Nobody measured "late" alone: its error is widest. Shaken for less
than 5 s is counted as not shaken."""
_BASE_SD: Final = 0.2
"""Even a puff done well differs from the next"""
_LIKELY: Final = 0.15


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """A relative band, or why there is none."""

    label: str | None
    possible: tuple[str, ...]
    """Every band with a chance of 15 % or more, best last"""
    why: tuple[str, ...]
    """Errors that weigh, or steps not measured"""


def band(steps: Mapping[Step, Verdict]) -> Band:
    """Return the band of one puff of a spray; "not measured" where a step is."""
    asked = (Step.SHAKE, Step.COORDINATION, Step.FLOW)
    absent = tuple(
        f"not_measured:{step.value}"
        for step in asked
        if step not in steps or not steps[step].measured or "slow" in steps[step].probabilities
    )
    if absent:
        return Band(label=None, possible=(), why=absent)
    chance = dict.fromkeys(BANDS, 0.0)
    for outcome in itertools.product(*(steps[step].probabilities.items() for step in asked)):
        share = math.prod(p for _, p in outcome)
        parts = [_FACTORS.get((step, name), (0.0, 0.0)) for step, (name, _) in zip(asked, outcome, strict=True)]
        middle, error = sum(m for m, _ in parts), math.hypot(_BASE_SD, *(sd for _, sd in parts))
        low, high = (0.5 * (1.0 + math.erf((math.log(cut) - middle) / (error * math.sqrt(2.0)))) for cut in _CUTS)
        for name, part in zip(BANDS, (low, high - low, 1.0 - high), strict=True):
            chance[name] += share * part
    why = tuple(f"{step.value}:{name}" for (step, name) in _FACTORS if steps[step].probabilities.get(name, 0.0) > 0.3)
    possible = tuple(name for name in BANDS if chance[name] >= _LIKELY)
    return Band(label=max(chance, key=lambda name: chance[name]), possible=possible, why=why)
