"""Whether somebody is in a room, from its air alone: for rooms without a motion sensor, and never for more than comfort.

Two logistic rules on changes and rises (`features.presence_air`): one on CO2, which answers where there is CO2, one on
vapour pressure and temperature. Their weights come with the file `presence_routine` as metadata; they are statistics,
not a network. Beyond the range of what they were fitted on, or without a quarter of an hour of data, they are silent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isfinite
from typing import Final

import numpy as np

from ..errors import ModelError
from ..features.presence import Array
from ..features.presence_air import CLIMATE, CO2, MINUTE_S, AirTrail
from .classifier import OUT_OF_RANGE, standardize
from .model import Runner

METADATA: Final = "nowcast"
NAMES: Final[dict[str, tuple[str, ...]]] = {"co2": CO2, "climate": CLIMATE}
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "co2": ("co2_15", "co2_above_3h"),
    "climate": ("pressure_15", "temperature_15"),
}
STALE_S: Final = 20.0 * MINUTE_S
MISSING: Final = "missing:"
STALE: Final = "stale"


@dataclass(frozen=True, kw_only=True, slots=True)
class Nowcast:
    """The chance that somebody is there."""

    probability: float | None
    """None when abstained"""
    confidence: float
    abstained: bool
    source: str
    """`co2` or `climate`"""
    why: tuple[str, ...]
    out_of_range: bool
    data_age_s: float
    model_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One logistic rule."""

    mean: Array
    std: Array
    weights: Array
    bias: float
    reach: float


def rules(text: str) -> dict[str, Rule]:
    """Return the rules stored as JSON; raises ModelError where they cannot be used."""
    try:
        stored = json.loads(text)
        return {source: _rule(stored[source], len(names)) for source, names in NAMES.items()}
    except (KeyError, TypeError, ValueError) as err:
        msg = f"nowcast not usable: {err!r}"
        raise ModelError(msg) from err


def _rule(part: Mapping[str, object], count: int) -> Rule:
    mean, std, weights = (np.array(part[key], dtype=np.float64) for key in ("mean", "std", "weights"))
    bias, reach = (float(str(part[key])) for key in ("bias", "reach"))
    usable = all(row.shape == (count,) and np.isfinite(row).all() for row in (mean, std, weights))
    if not usable or not (std > 0.0).all() or not isfinite(bias) or not reach > 0.0:
        msg = "weights, scales or reach are not usable"
        raise ValueError(msg)
    return Rule(mean=mean, std=std, weights=weights, bias=bias, reach=reach)


class PresenceNowcaster:
    """Nowcasts for one room."""

    __slots__ = ("_rules", "trail", "version")

    def __init__(self, runner: Runner) -> None:
        """Read the rules of a file; raises ModelError."""
        self._rules = rules(runner.metadata.get(METADATA, ""))
        self.version = runner.version
        self.trail = AirTrail()

    def observe(self, at: float, temperature: float | None, humidity: float | None, co2: float | None = None) -> bool:
        """Take in °C, % and ppm; False when they come too late."""
        return self.trail.observe(at, temperature, humidity, co2)

    def nowcast(self, at: float) -> Nowcast:
        """Return the chance at a time, s."""
        features = self.trail.features()
        source = "co2" if features["co2_15"] is not None else "climate"
        age = max(at - self.trail.at, 0.0)
        missing = tuple(MISSING + name for name in REQUIRED[source] if features[name] is None)
        if missing or age > STALE_S:
            return self._silent(source, missing or (STALE,), age, far=False)
        rule, names = self._rules[source], NAMES[source]
        row = np.array([np.nan if (value := features[name]) is None else value for name in names])
        scores, distance = standardize(row, rule.mean, rule.std)
        if float(distance) > rule.reach:
            return self._silent(source, (OUT_OF_RANGE,), age, far=True)
        parts = scores * rule.weights
        chance = 1.0 / (1.0 + exp(-min(max(float(parts.sum()) + rule.bias, -30.0), 30.0)))
        signed = parts if chance >= 0.5 else -parts
        order = [int(place) for place in np.argsort(-np.abs(parts), kind="stable")[:3] if abs(parts[place]) > 0.1]
        return Nowcast(
            probability=chance,
            confidence=max(chance, 1.0 - chance),
            abstained=False,
            source=source,
            why=tuple(f"{'+' if signed[place] > 0.0 else '-'}{names[place]}" for place in order),
            out_of_range=False,
            data_age_s=age,
            model_version=self.version,
        )

    def _silent(self, source: str, why: tuple[str, ...], age: float, *, far: bool) -> Nowcast:
        return Nowcast(
            probability=None,
            confidence=0.0,
            abstained=True,
            source=source,
            why=why,
            out_of_range=far,
            data_age_s=age,
            model_version=self.version,
        )
