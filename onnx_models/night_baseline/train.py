"""Learn nothing, write the card: a person's usual night is learned at home.

script/models train night_baseline --data ../shared/data/bed
"""

from pathlib import Path

from ..card import write
from ..export import FOLDER as SHIPPED
from .card import described
from .data import belts, straps, watches
from .evaluate import HERE, NAME, evaluate


def train(data: Path, _: Path = SHIPPED, card: Path | None = HERE) -> list[Path]:
    """Write the card of what is measured on everybody below a folder."""
    if card is None:
        return []
    worn = {"belts": [each.person for each in belts(data)], "straps": [each.person for each in straps(data)]}
    counts = {name: f"{len(each)} nights of {len(set(each))} persons" for name, each in worn.items()}
    return [write(described(evaluate(NAME, data), watches(data), counts), card)]
