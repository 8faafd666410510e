"""Score sensor health on any homes: silences on real messages, batteries and fusion on simulated ones.

    script/models evaluate sensor_health --data ../shared/data/humidity --json

There is no network in it, so there is nothing to train: the fallback is what is allowed while a habit
is not known (25 h, and 75 h of what only speaks of events), the engine is called `statistics`.
"""

from collections import Counter
from pathlib import Path
from typing import Final

from custom_components.smartloop.inference.graph import Engine

from ..report import Evaluation
from . import wear
from .house import blamed
from .silence import CLIMATE_LIMIT_S, RULES, Metrics, figures, intervals, score
from .streams import Stream, streams

NAME: Final = "sensor_health"
VERSION: Final = "1.0.0"
SEED: Final = 20261122
BASELINES: Final = ("timer_25h", "timer_6h", "median_x3")


def _rounded(metrics: Metrics) -> Metrics:
    return {name: None if value is None else round(value, 4) for name, value in metrics.items()}


def _blame(found: list[Stream]) -> Metrics:
    """Return how often a box, and the bridge, was called silent in the real homes."""
    total: Counter[str] = Counter()
    homes = {each.home for each in found if each.real}
    for home in sorted(homes):
        total += blamed([each for each in found if each.home == home and each.real])
    names = ("box", "bridge", "box_alone_in_the_dark")
    return {f"decisions_{name}": float(total[name]) if homes else None for name in names}


def evaluate(name: str, data: Path, _: Engine | None = None) -> Evaluation:
    """Return the figures on all homes below a folder; there is no network to run on an engine."""
    found = streams(data)
    scored = score(found)
    known, by_age, naive = wear.batteries(SEED)
    extra = known | wear.fusion(SEED) | _blame(found)
    rules = {name: figures(blocks) for name, blocks in scored.items()}
    nothing: Metrics = dict.fromkeys(extra)
    baselines = {name: _rounded(rules[name] | nothing) for name in BASELINES}
    baselines["straight_line"] = _rounded(dict.fromkeys(rules["model"]) | nothing | naive)
    limits = figures_of_fallback(rules)
    return Evaluation(
        model=name,
        version=VERSION,
        engine="statistics",
        n_subjects=len({each.home for each in found}),
        n_rows=sum(each.at.size for each in found),
        metrics=_rounded(rules["model"] | extra),
        fallback=_rounded(limits | nothing | by_age),
        baselines=baselines,
        intervals=intervals(scored["model"], SEED),
    )


def figures_of_fallback(rules: dict[str, Metrics]) -> Metrics:
    """Return what the limits of an unknown habit do, which for climate sensors is the 25 h timer."""
    if CLIMATE_LIMIT_S != 25 * 3600.0 or "timer_25h" not in RULES:
        msg = "the fallback is no longer the 25 h timer"
        raise ValueError(msg)
    return dict(rules["timer_25h"])
