"""Where particles came from, by rules: the fallback of the network, and what it has to beat.

Read from top to bottom, the first row that fits answers; none fits: nobody knows. Smoke and frying are fine (most mass
below 1 µm), dust stirred up is coarse, droplets lie between and come with humidity (Wallace 1996; Chan et al. 2018).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import log
from typing import Final

from .classifier import Classification

VERSION: Final = "rules 1"


class Kind(StrEnum):
    """What raises the particles in a room."""

    COOKING = "cooking"
    COMBUSTION = "combustion"
    """Candles, incense, tobacco, something burnt"""
    CLEANING = "cleaning"
    """Dust stirred up by a vacuum or a broom"""
    OUTDOOR = "outdoor"
    """Comes in from outside"""
    AEROSOL = "aerosol"
    """Steam, humidifier, spray, nebuliser: droplets, no dust"""
    OCCUPANCY = "occupancy"
    """Dust stirred up by people"""


type Features = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row of the table."""

    kind: Kind
    name: str
    holds: Callable[[Features], bool]


def _least(features: Features, name: str, bound: float) -> bool:
    value = features.get(name)
    return value is not None and value >= bound


def _most(features: Features, name: str, bound: float) -> bool:
    value = features.get(name)
    return value is not None and value <= bound


def _fine(features: Features) -> bool:
    return _least(features, "pm25_pm10", 0.8)


RULES: Final = (
    Rule(
        kind=Kind.OUTDOOR,
        name="outdoor_higher_and_slow",
        holds=lambda f: _most(f, "outdoor_share", 0.1) and _least(f, "minutes_up", log(25.0)),
    ),
    Rule(
        kind=Kind.AEROSOL,
        name="humidity_up",
        holds=lambda f: (
            _least(f, "humidity_up", 8.0) and not _least(f, "cooking", 1.0) and not _least(f, "kitchen", 1.0)
        ),
    ),
    Rule(kind=Kind.CLEANING, name="vacuum_on", holds=lambda f: _least(f, "vacuum", 1.0) and not _fine(f)),
    Rule(kind=Kind.COOKING, name="hood_or_stove_on", holds=lambda f: _least(f, "cooking", 1.0)),
    Rule(
        kind=Kind.CLEANING,
        name="coarse_and_much",
        holds=lambda f: _most(f, "pm25_pm10", 0.5) and _least(f, "rise", log(15.0)),
    ),
    Rule(kind=Kind.OCCUPANCY, name="coarse", holds=lambda f: _most(f, "pm25_pm10", 0.5)),
    Rule(
        kind=Kind.AEROSOL,
        name="between_fine_and_coarse",
        holds=lambda f: _most(f, "pm25_pm10", 0.8) and _most(f, "pm1_pm25", 0.6),
    ),
    Rule(kind=Kind.COOKING, name="fine_in_the_kitchen", holds=lambda f: _fine(f) and _least(f, "kitchen", 1.0)),
    Rule(kind=Kind.COMBUSTION, name="fine_elsewhere", holds=lambda f: _fine(f) and _most(f, "kitchen", 0.0)),
)


def by_rules(features: Features, *, data_age_s: float = 0.0) -> Classification:
    """Return the source by the table; abstains where no row fits. A rule is trusted by 0.6, never measured."""
    for rule in RULES:
        if rule.holds(features):
            rest = 0.4 / (len(Kind) - 1)
            return Classification(
                label=rule.kind,
                probabilities={kind: 0.6 if kind is rule.kind else rest for kind in Kind},
                confidence=0.6,
                abstained=False,
                why=(f"+{rule.name}",),
                out_of_range=False,
                data_age_s=data_age_s,
                model_version=VERSION,
            )
    return Classification(
        label=None,
        probabilities={},
        confidence=0.0,
        abstained=True,
        why=("uncertain",),
        out_of_range=False,
        data_age_s=data_age_s,
        model_version=VERSION,
    )
