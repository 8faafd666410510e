"""Train the forecast of reliever days, ship it, and write its card from people it never saw.

    script/models train reliever_day --data ../shared/data/asthma

For the card each person is left out in turn: features, ridge and the fallback's strength are chosen on the others alone
(by leaving each of those out in turn), a draft is fitted on them, and the person's diary is lived through with it by
the engine's own module. What ships is chosen and fitted the same way on everybody.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..card import write
from ..export import FOLDER, GraphBuilder, ship_twins
from ..progress import track
from . import fit
from .card import card as described
from .diaries import Person, people
from .evaluate import HERE, NAME, SEED
from .score import Lived, live

VERSION: Final = "1.0.0"
_LICENCE: Final = "Apache-2.0"
_DESCRIPTION: Final = "Chance that a reliever is used tomorrow, from a person's own last weeks"
_DATA: Final = "AAMOS-00 (Tsang et al. 2023, doi 10.7488/ds/3775, CC BY 4.0), 11 of 22 people"


def held_out(everyone: Sequence[Person]) -> tuple[list[Lived], list[fit.Choice]]:
    """Return everybody's diary lived through with a network of the others, and what was chosen on these."""
    told = [fit.rows(each) for each in everyone]
    lived, chosen = [], []
    for person in track(everyone, "held out"):
        rest = [each for each in told if each.name != person.name and each.used.size]
        choice = fit.choose(rest)
        draft = fit.Draft.of(fit.fit(rest, fit.SETS[choice.features], choice.ridge), rest, choice.strength)
        lived.append(live(person, draft, fit.population(rest), choice.strength))
        chosen.append(choice)
    return lived, chosen


def train(data: Path, folder: Path = FOLDER, card: Path | None = HERE) -> list[Path]:
    """Fit on everybody below a folder and ship; with a card, score held-out people first. Return the files."""
    everyone = people(data)
    told = [each for each in map(fit.rows, everyone) if each.used.size]
    if len(told) < 3:
        msg = f"{len(told)} people with enough days below {data}: three are needed to choose anything"
        raise OSError(msg)
    choice = fit.choose(told)
    found = fit.fit(told, fit.SETS[choice.features], choice.ridge)
    weight, bias = fit.weights(found)

    def grow(builder: GraphBuilder) -> None:
        size = len(found.names)
        builder.output(builder.dense(builder.input("features", (1, size)), weight, bias), "logits", (1, 2))

    about = {"description": _DESCRIPTION, "licence": _LICENCE, "training_data": _DATA}
    path = ship_twins(
        NAME,
        grow,
        version=VERSION,
        metadata=about | fit.metadata(found, told, choice.strength),
        seed=SEED,
        folder=folder,
        twin_folder=HERE if folder == FOLDER else folder,
    )
    if card is None:
        return [path]
    lived, chosen = held_out(everyone)
    return [path, write(described(lived, chosen, found, choice, version=VERSION), card)]
