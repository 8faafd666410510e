"""Learn nothing, write the card: a person's usual night is learned at home.

script/models train night_baseline --data ../shared/data/bed
"""

from pathlib import Path

from ..card import write
from ..export import FOLDER as SHIPPED
from .card import described
from .data import watches
from .evaluate import HERE, NAME, evaluate


def train(data: Path, _: Path = SHIPPED, card: Path | None = HERE) -> list[Path]:
    """Write the card of what is measured on everybody below a folder."""
    return [] if card is None else [write(described(evaluate(NAME, data), watches(data)), card)]
