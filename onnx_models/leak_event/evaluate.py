"""Score the leak watch, the burst watch and the fixture rules on any homes.

    script/models evaluate leak_event --data ../shared/data/water --json

There is no network in it (the card says why), so the engine is called `statistics`. Leaks are injected into clean
homes; homes on which the constants were settled are left out wherever others lie in the folder. The fallback is no
still hour on two days running, or for a draw its litres; `nonzero_24h` is what utilities act on.
"""

from pathlib import Path
from typing import Final

from ..room_forecast.evaluate import Evaluation
from . import shapes
from .data import Home, homes
from .rules import RULES
from .score import Block, Metrics, block, figures, intervals

NAME: Final = "leak_event"
VERSION: Final = "1.0.0"
SEED: Final = 20261122
BASELINES: Final = ("nonzero_24h", "fixed_night", "always_tap", "logistic_same_flat", "fixed_flow")


def unseen(found: list[Home]) -> list[Home]:
    """Return the homes that nobody looked at while settling the constants; all, where there are no others."""
    return [home for home in found if not home.tuned] or found


def _rounded(metrics: Metrics, keys: list[str]) -> Metrics:
    return {key: None if (value := metrics.get(key)) is None else round(value, 4) for key in keys}


def scored(places: list[Home]) -> dict[str, list[Block]]:
    """Return what each rule did in each home."""
    return {rule: [block(home, rule, SEED) for home in places] for rule in RULES}


def evaluate(data: Path) -> Evaluation:
    """Return the figures on all homes below a folder."""
    places = unseen(homes(data))
    blocks = scored(places)
    columns: dict[str, Metrics] = {rule: figures(found) for rule, found in blocks.items()}
    spans = intervals(blocks["model"], SEED)
    named, shape_spans = shapes.fixtures(data, SEED)
    for part in (named, shapes.bursts(data, SEED)):
        for key, found in part.items():
            columns[key] = columns.get(key, {}) | found
    keys = list(columns["model"])
    return Evaluation(
        model=NAME,
        version=VERSION,
        engine="statistics",
        n_subjects=len(places),
        n_rows=sum(home.at.size for home in places),
        metrics=_rounded(columns["model"], keys),
        fallback=_rounded(columns["fallback"], keys),
        baselines={name: _rounded(columns.get(name, {}), keys) for name in BASELINES},
        intervals=spans | shape_spans,
    )
