"""What water was drawn for, by the shape of the draw: rules of plumbing, not a network.

A small network would have to be shown to win in homes it never saw; there is one flat with labels (its card says what
one fitted to that very flat gains). A tap gives a few litres, unevenly; a valve of a machine opens fully and closes at
once, so its flow is level; a cistern fills level too, with 3 to 9 L (EN 997); a shower takes minutes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..features.water import Draw

VERSION: Final = 1
LEAST_L: Final = 0.5
"""L; of less, nobody can say what it was"""
SHAPE_S: Final = 5.0
"""s between readings that show a shape"""
_SHOWER_L, _SHOWER_S, _SHOWER_FLOW = 8.0, 90.0, (2.5, 16.0)
_LEVEL = 0.06
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
    """What a draw looks like; None with the reason."""

    fixture: Fixture | None
    why: str


def guess(draw: Draw) -> Guess:
    """Return what a draw was for."""
    if draw.flow < _TRICKLE_FLOW and draw.seconds >= _TRICKLE_S:
        return Guess(fixture=Fixture.TRICKLE, why="little_for_long")
    if draw.litres < LEAST_L:
        return Guess(fixture=None, why="too_little")
    return _by_shape(draw)


def _by_shape(draw: Draw) -> Guess:
    shaped = draw.flowing_s / max(draw.readings, 1) <= SHAPE_S
    level = shaped and draw.rough <= _LEVEL and draw.running >= 0.9
    small = draw.litres < 2.0 * _SHOWER_L
    if level and small and draw.flow >= _MACHINE_FLOW:
        return Guess(fixture=Fixture.MACHINE, why="level_flow")
    if draw.litres >= _SHOWER_L and draw.seconds >= _SHOWER_S and _SHOWER_FLOW[0] <= draw.flow <= _SHOWER_FLOW[1]:
        return Guess(fixture=Fixture.SHOWER, why="litres_for_minutes")
    if not shaped:
        return Guess(fixture=None, why="readings_too_seldom")
    cistern = _CISTERN_L[0] <= draw.litres <= _CISTERN_L[1] and _CISTERN_S[0] <= draw.seconds <= _CISTERN_S[1]
    if level and cistern:
        return Guess(fixture=Fixture.TOILET, why="a_cistern_full")
    return Guess(fixture=Fixture.TAP, why="uneven_or_short")
