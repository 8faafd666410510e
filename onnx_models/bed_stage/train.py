"""Train the sleep stages, ship them, and write their card from persons they never saw.

    script/models train bed_stage --data ../shared/data/bed

For the card each person is left out in turn: a draft is learned from the others alone (ridge, chain, calibration and
thresholds too, see `fit.learn`) and judges the night through the engine's own module. What ships is learned the same way
from everybody.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.features.bed import NAMES
from custom_components.smartloop.engine.models.bed_chain import STAGES
from custom_components.smartloop.engine.models.bed_stage import BLOCK, HEADS, BedStager

from ..card import write
from ..export import FOLDER, GraphBuilder, ship_twins
from ..progress import track
from . import fit
from .card import described
from .data import Sleeper, sleepers
from .evaluate import HERE, NAME, SEED, Columns, summed
from .home import at_home

VERSION: Final = "1.0.0"
_ABOUT: Final = {
    "description": "Wake, light, deep and REM sleep of a whole night, from heart rate and motion once a minute",
    "licence": "Apache-2.0",
    "training_data": "PhysioNet sleep-accel 1.0.0 (Walch et al. 2019, ODC-By 1.0), derived features of 16 of 31 persons",
}
_LEAST_PEOPLE: Final = 3


def held_out(people: Sequence[Sleeper]) -> tuple[Columns, list[fit.Learned]]:
    """Return everybody's night judged by what was learned from the others, and what that was."""
    told = [fit.rows(each) for each in people]
    columns, learned = Columns(), []
    for index, sleeper in enumerate(track(people, "held out")):
        found = fit.learn(told[:index] + told[index + 1 :])
        columns.add(sleeper, BedStager(fit.Draft.of(found)), None, found.metadata)
        learned.append(found)
    return columns, learned


def train(data: Path, folder: Path = FOLDER, card: Path | None = HERE) -> list[Path]:
    """Learn from everybody below a folder and ship; with a card, score held-out persons too. Return the files."""
    people = sleepers(data)
    if len(people) < _LEAST_PEOPLE:
        msg = f"{len(people)} nights with polysomnography below {data}: {_LEAST_PEOPLE} are needed to choose anything"
        raise OSError(msg)
    found = fit.learn([fit.rows(each) for each in people])

    def grow(builder: GraphBuilder) -> None:
        value = builder.input("features", (1, len(NAMES), BLOCK))
        for head in HEADS:
            weight, bias = found.weights[head]
            builder.output(builder.conv1d(value, weight.T[:, :, None], bias), head, (1, len(STAGES), BLOCK))

    path = ship_twins(
        NAME,
        grow,
        version=VERSION,
        metadata=_ABOUT | dict(found.metadata),
        seed=SEED,
        folder=folder,
        twin_folder=HERE if folder == FOLDER else folder,
    )
    if card is None:
        return [path]
    columns, learned = held_out(people)
    report = summed(columns, version=VERSION, engine="draft")
    return [path, write(described(report, found, learned, at_home(data, people, BedStager(fit.Draft.of(found)))), card)]
