"""Learn what newcomers start from, and write the cards of what is learned per person.

    script/models train context_head --data ../shared/data/feedback
    script/models train trigger_finder --data ../shared/data/asthma

Which of the two is told by the data: suggestions and their answers, or diaries.
"""

from pathlib import Path
from typing import Final

from ..card import write
from ..export import FOLDER
from . import community, context_head, trigger_finder
from .card import finder_card, head_card
from .heartsteps import people

CARDS: Final = Path(__file__).resolve().parents[1]


def train(data: Path, folder: Path = FOLDER, card: Path | None = CARDS) -> list[Path]:
    """Learn and write; return the files. `card` is the folder with one folder a model, None for the prior alone."""
    everyone = people(data)
    if not everyone:
        return [] if card is None else [write(finder_card(trigger_finder.evaluate(data)), card / trigger_finder.NAME)]
    learned = community.learned(everyone)
    kept = community.write(learned, everyone, folder if card is None else card / context_head.NAME)
    if card is None:
        return [kept]
    return [kept, write(head_card(context_head.held_out(data), learned), card / context_head.NAME)]
