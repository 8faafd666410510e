"""What water was drawn for, by the shape of the draw: a small network where it is there, else rules of plumbing.

A tap gives a few litres, unevenly; a valve of a machine opens fully and closes at once; a cistern fills level, with
3 to 9 L (EN 997); a shower takes minutes. What is far too little, a trickle for long, or a cistern (nobody measured
one beside the others) is left to rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ..errors import ModelError
from ..features.water import SHAPE_S, Draw, fingerprint
from .classifier import Classifier
from .model import Runner

VERSION: Final = 2
LEAST_L: Final = 0.5
"""L; of less, nobody can say what it was"""
_SHOWER_L, _SHOWER_S, _SHOWER_FLOW = 8.0, 90.0, (2.5, 16.0)
_LEVEL, _FLOWING = 0.06, 0.9
_MACHINE_FLOW = 4.0
_CISTERN_L, _CISTERN_S = (3.0, 9.5), (20.0, 300.0)
_TRICKLE_FLOW, _TRICKLE_S = 0.5, 1800.0


class Fixture(StrEnum):
    """What water is drawn for."""

    SHOWER = "shower"
    TAP = "tap"
    MACHINE = "machine"
    """A washing machine or a dishwasher: the same valve"""
    TOILET = "toilet"
    TRICKLE = "trickle"
    """Too little for too long: a tap not closed, or a leak"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """What a draw looks like; None with the reasons."""

    fixture: Fixture | None
    why: tuple[str, ...]
    confidence: float | None = None
    """Probability of the likeliest fixture, calibrated; None where a rule speaks"""
    probabilities: Mapping[str, float] = field(default_factory=dict)


class FixtureNamer:
    """Names draws by the shipped network; by the rules while it cannot be loaded."""

    __slots__ = ("_classifier",)

    def __init__(self, runner: Runner | None) -> None:
        """Take the network; raises ModelError where its metadata cannot be used."""
        self._classifier = (
            None if runner is None else Classifier(runner, required=frozenset({"litres", "seconds", "flow"}))
        )
        if self._classifier is not None and not set(self._classifier.classes) <= set(Fixture):
            msg = "names fixtures that nobody knows"
            raise ModelError(msg)

    def name(self, draw: Draw, *, explain: bool = True) -> Guess:
        """Return what a draw was for."""
        plain = _plain(draw)
        if plain is not None or self._classifier is None:
            return plain or _by_shape(draw)
        found = self._classifier.classify(fingerprint(draw), explain=explain)
        return Guess(
            fixture=None if found.label is None else Fixture(found.label),
            why=found.why,
            confidence=found.confidence,
            probabilities=found.probabilities,
        )


def guess(draw: Draw) -> Guess:
    """Return what a draw was for by the rules alone."""
    return _plain(draw) or _by_shape(draw)


def _plain(draw: Draw) -> Guess | None:
    """Return what needs no look at the shape."""
    if draw.flow < _TRICKLE_FLOW and draw.seconds >= _TRICKLE_S:
        return Guess(fixture=Fixture.TRICKLE, why=("little_for_long",))
    if draw.litres < LEAST_L:
        return Guess(fixture=None, why=("too_little",))
    cistern = _CISTERN_L[0] <= draw.litres <= _CISTERN_L[1] and _CISTERN_S[0] <= draw.seconds <= _CISTERN_S[1]
    if cistern and _level(draw) and draw.flow < _MACHINE_FLOW:
        return Guess(fixture=Fixture.TOILET, why=("a_cistern_full",))
    return None


def _shaped(draw: Draw) -> bool:
    return draw.flowing_s <= SHAPE_S * max(draw.readings, 1)


def _level(draw: Draw) -> bool:
    return _shaped(draw) and draw.rough <= _LEVEL and draw.running >= _FLOWING


def _by_shape(draw: Draw) -> Guess:
    small = draw.litres < 2.0 * _SHOWER_L
    if _level(draw) and small and draw.flow >= _MACHINE_FLOW:
        return Guess(fixture=Fixture.MACHINE, why=("level_flow",))
    if draw.litres >= _SHOWER_L and draw.seconds >= _SHOWER_S and _SHOWER_FLOW[0] <= draw.flow <= _SHOWER_FLOW[1]:
        return Guess(fixture=Fixture.SHOWER, why=("litres_for_minutes",))
    if not _shaped(draw):
        return Guess(fixture=None, why=("readings_too_seldom",))
    return Guess(fixture=Fixture.TAP, why=("uneven_or_short",))
