"""The same nights heard worse than by electrodes: beats lost, times off, as under a mattress."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from .data import Record
from .evaluate import SEED, Columns
from .fit import Learned
from .score import Judged


@dataclass(frozen=True, kw_only=True, slots=True)
class Harm:
    """What is done to beat times."""

    name: str
    lost: float = 0.0
    """Share of beats, at random"""
    off_s: float = 0.0
    """Standard deviation of the error of each time"""


HARMS: Final = (
    Harm(name="as recorded"),
    Harm(name="times off by 4 ms (published for mats: 3.9 ms on average)", off_s=0.004),
    Harm(name="times off by 10 ms", off_s=0.010),
    Harm(name="a tenth of the beats lost", lost=0.1),
    Harm(name="a twentieth lost, times off by 10 ms", lost=0.05, off_s=0.010),
    Harm(name="a quarter of the beats lost", lost=0.25),
)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Nights judged by what was learned from other persons."""

    columns: Columns = field(default_factory=Columns)
    worse: dict[str, list[Judged]] = field(default_factory=lambda: {harm.name: [] for harm in HARMS})
    learned: list[Learned] = field(default_factory=list)


def harmed(record: Record, harm: Harm) -> Record:
    """Return a night with its beats harmed; the same each time."""
    rng = np.random.default_rng([SEED, record.beats.size])
    kept = record.beats[rng.random(record.beats.size) >= harm.lost]
    return replace(record, beats=np.sort(kept + rng.normal(0.0, 1.0, kept.size) * harm.off_s))
