"""Score the nightly baselines on any folder laid out like `../shared/data/bed`.

    script/models evaluate night_baseline --data ../shared/data/bed --json

Statistics in the engine: there is no network to run. The fallback is a mean and a standard deviation of the last thirty
nights, plain means of the beats, breathing wherever both counts give a number, and a person's own mean.
"""

from pathlib import Path
from typing import Final

from custom_components.smartloop.inference.graph import Engine

from ..report import Evaluation, bootstrap
from .data import belts, straps, watches
from .score import bodies, figures, months

NAME: Final = "night_baseline"
VERSION: Final = "1.0.0"
SEED: Final = 20261122
HERE: Final = Path(__file__).resolve().parent
NAIVE: Final = ("fixed_limit", "last_value")


def evaluate(name: str, data: Path, _: Engine | None = None) -> Evaluation:
    """Return the figures of everybody below a folder."""
    breath, heart, watched = belts(data), straps(data), watches(data)
    found = bodies(breath, heart, ships=True) + months(watched, "ships")
    plainly = bodies(breath, heart, ships=False)
    return Evaluation(
        model=name,
        version=VERSION,
        engine="statistics",
        n_subjects=len({*(each.person for each in breath), *(each.person for each in heart)}) + len(watched),
        n_rows=sum(each.found.rate.size for each in breath) + sum(each.nights for each in found),
        metrics=figures(found),
        fallback=figures(plainly + months(watched, "plain_z")),
        baselines={way: figures(months(watched, way)) for way in NAIVE},
        intervals=bootstrap(found, figures, seed=SEED),
        subgroups={each.name: figures([each]) for each in found if each.nights or each.quality},
        notes=[] if watched else ["no months of a watch here: notes and forecasts are not scored"],
    )
