"""Train the breathing pattern, ship it, and write its card from persons it never saw.

    script/models train breathing_pattern --data ../shared/data/bed

For the card each person is left out in turn: a network is learned from the others alone (ridge, gate, calibration and
thresholds too, see `fit.learn`), rounded to int8 as the shipped one is, and judges the nights through the engine's own
module. What ships is learned the same way from everybody.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.models.breathing_pattern import BreathingPattern, prepared
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.reader import read

from ..card import write
from ..export import FOLDER, GraphBuilder, ship_twins
from ..progress import track
from ..report import Twin
from . import fit
from .card import described
from .ceiling import ceilings
from .data import Record, by_person, records
from .evaluate import HERE, NAME, SEED, summed
from .score import judge
from .worse import HARMS, HeldOut, harmed

VERSION: Final = "1.0.0"
_ABOUT: Final = {
    "description": "How far the heart's beats of a night follow a breathing pattern worth showing a doctor, per minute",
    "licence": "Apache-2.0",
    "training_data": "PhysioNet Apnea-ECG 1.0.0 (Penzel et al. 2000, ODC-By 1.0), beat times of 17 of 34 nights",
}
_LEAST_PEOPLE: Final = 4


def draft(learned: fit.Learned, *, exact: bool = False) -> Twin:
    """Return a network as it would ship, loaded on the built-in engine."""
    builder = GraphBuilder(NAME, exact=exact)
    learned.weights.grow(builder)
    metadata = fit.stored(_ABOUT | dict(learned.metadata))
    data: bytes = builder.build(metadata).SerializeToString(deterministic=True)
    return Twin(version=VERSION, metadata=metadata, session=NumpyEngine().load(data, read(data)))


def held_out(nights: Sequence[fit.Told], everybody: Sequence[Record]) -> HeldOut:
    """Return every night judged by what was learned from other persons; as recorded, and heard worse."""
    out = HeldOut()
    for person, own in track(by_person(everybody).items(), "held out"):
        found = fit.learn([each for each in nights if each.record.person != person])
        rounded, exact = draft(found), draft(found, exact=True)
        model = BreathingPattern(rounded)
        for record in own:
            out.columns.add(record, model, BreathingPattern(exact), rounded.metadata)
            for harm in HARMS:
                worse = harmed(record, harm)
                found_in, _, reason = prepared(worse.beats, start_s=0.0, minutes=worse.minutes)
                out.worse[harm.name].append(judge(worse, model, found_in, reason))
        out.learned.append(found)
    return out


def train(data: Path, folder: Path = FOLDER, card: Path | None = HERE) -> list[Path]:
    """Learn from everybody below a folder and ship; with a card, score held-out persons too. Return the files."""
    everybody = records(data)
    nights = fit.told(everybody)
    people = len({each.record.person for each in nights})
    if people < _LEAST_PEOPLE:
        msg = f"labelled nights of {people} persons below {data}: {_LEAST_PEOPLE} are needed to choose anything"
        raise OSError(msg)
    found = fit.learn(nights)
    path = ship_twins(
        NAME,
        found.weights.grow,
        version=VERSION,
        metadata=_ABOUT | dict(found.metadata),
        seed=SEED,
        folder=folder,
        twin_folder=HERE if folder == FOLDER else folder,
    )
    if card is None:
        return [path]
    held = held_out(nights, everybody)
    report = summed(held.columns, version=VERSION, engine="draft")
    return [path, write(described(report, held, found, ceilings(nights)), card)]
