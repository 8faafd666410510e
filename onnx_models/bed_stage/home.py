"""Whether raw heart rates of real nights at home look, to the model, like the nights it learned from. No stages known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from custom_components.smartloop.engine.features.bed import NAMES, Night, deviation, table
from custom_components.smartloop.engine.features.pulse import heart_minutes
from custom_components.smartloop.engine.models.bed_chain import STAGES
from custom_components.smartloop.engine.models.bed_stage import NONE, BedStager

from ..night_baseline.data import straps
from .data import Sleeper

_LOOKED_AT = ("heart", "heart_spread")


def at_home(data: Path, learned: Sequence[Sleeper], stager: BedStager) -> list[list[object]]:
    """Return a row for the nights learned from and one for a chest strap's nights, of one heart rate a minute."""
    nights = {"learned from, heart only": [_heart_only(each.night.deviation) for each in learned]}
    nights["chest strap at home"] = [
        _heart_only(deviation(heart_minutes(each.at_s, each.length_ms, int(each.at_s.max() // 60) + 1)))
        for each in straps(data)
    ]
    return [[name, len(found), *_look(found, stager)] for name, found in nights.items() if found]


HEADER = (
    "nights",
    "n",
    "spread of the log deviation",
    "its local spread",
    "out of range",
    "left open",
    *(f"likeliest {name}" for name in STAGES),
)


def _heart_only(values: np.ndarray) -> Night:
    return Night(
        start=None, motion=np.full(values.size, np.nan), deviation=values, away=np.zeros(values.size, dtype=bool)
    )


def _look(nights: Sequence[Night], stager: BedStager) -> list[float]:
    """Return means over nights."""
    rows = []
    for night in nights:
        stages, x = stager.stages(night), table(night)
        heart, spread = (x[:, NAMES.index(name)] for name in _LOOKED_AT)
        rows.append(
            [
                np.nanstd(heart),
                np.nanmean(spread),
                stages.far.mean(),
                (stages.stage == NONE).mean(),
                *((stages.likeliest == index).mean() for index in range(len(STAGES))),
            ]
        )
    return [float(value) for value in np.mean(rows, axis=0)]
