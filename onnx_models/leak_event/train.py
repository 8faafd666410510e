"""Fit the fixture network, ship it, write the card.

The leak and burst watches are statistics: the constants of `engine/models/leak_rate.py` and `features/stillness.py`
were chosen by hand on the tuning half (a household is in it when the SHA-256 of its name is even), looking at false
alarms and at leaks injected there. The card shows both halves, so that anyone sees what that was worth.
"""

import json
from pathlib import Path
from typing import Final

from ..export import FOLDER, GraphBuilder, ship_twins
from . import card as cards
from . import fixtures
from .data import draws, flat, homes
from .evaluate import FILE, PACKAGE, SEED, VERSION, assemble, quick, week_name
from .score import block, figures

DESCRIPTION: Final = "What water was drawn for (tap, shower, machine), from litres, seconds, flow and shape"
DATA: Final = "WEUSEDTO (CC BY 4.0, Di Mauro et al.): one flat, by weeks; other homes' flows simulated"


def ship(draft: fixtures.Draft, weeks: list[str], folder: Path) -> Path:
    """Write a fitted regression as int8 file, and its float twin beside the workshop."""
    classes = json.loads(draft.metadata["classes"])

    def grow(graph: GraphBuilder) -> None:
        given = graph.input("features", (1, len(fixtures.FEATURES)))
        logits = graph.dense(given, draft.weight, draft.bias)
        graph.output(logits, "logits", (1, len(classes)))

    metadata = {
        **draft.metadata,
        "description": DESCRIPTION,
        "licence": "Apache-2.0",
        "training_data": DATA,
        "trained_on": weeks,
    }
    return ship_twins(
        FILE,
        grow,
        version=VERSION,
        metadata=metadata,
        folder=folder,
        twin_folder=PACKAGE if folder == FOLDER else folder,
    )


def train(data: Path, folder: Path = FOLDER, card: Path | None = PACKAGE) -> list[Path]:
    """Fit, ship and, with `card`, score on unseen weeks and homes and write the card there."""
    place = flat(data)
    if place is None:
        msg = f"no labelled flat in {data}: expected weusedto_fixtures/flow_1s*.csv.gz"
        raise FileNotFoundError(msg)
    found = fixtures.useful(draws(place))
    draft = fixtures.learned(found, SEED)
    out = [ship(draft, sorted({week_name(each) for each in found}), folder)]
    if card is not None:
        seen = [block(home, "model", SEED) for home in homes(data) if home.tuned]
        held = fixtures.held_out(found, SEED)
        evaluation = assemble(data, None, {"model": quick(draft)}, held)
        out.append(cards.write(evaluation, figures(seen) if seen else None, card))
    return out
