"""Every model of the house: where its workshop is and which data it is judged on."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from custom_components.smartloop.inference.graph import Engine

from .report import Evaluation

WORKSHOP: Final = Path(__file__).resolve().parent


class Kind(StrEnum):
    """What ships."""

    NETWORK = "network"
    """An int8 file, with a fallback beside it"""
    STATISTICS = "statistics"
    """Formulas and counts in the engine: no network beat them, or none was needed"""
    PERSONAL = "personal"
    """Learned at home, per person; nothing ships but priors"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """One line of `script/models list`."""

    name: str
    package: str
    """Folder of the workshop; has `train.py` and `evaluate.py`"""
    domain: str
    """Folder of the data, as `bed` of `../shared/data/bed`"""
    kind: Kind
    trained_with: str = ""
    """The model whose training makes this one too"""

    @property
    def folder(self) -> Path:
        """Return where the card is."""
        return WORKSHOP / (self.name if self.kind is Kind.PERSONAL else self.package)

    def evaluate(self, data: Path, engine: Engine) -> Evaluation:
        """Score what ships on the subjects below a folder."""
        module = importlib.import_module(f".{self.package}.evaluate", __package__)
        score: Callable[[str, Path, Engine], Evaluation] = module.evaluate
        return score(self.name, data, engine)

    def train(self, data: Path) -> list[Path]:
        """Learn, ship and write the card; return what was written."""
        return self._trainer()(data)

    def export(self, data: Path, folder: Path) -> list[Path]:
        """Make the shipped file anew, byte for byte; no card."""
        return self._trainer()(data, folder, None)

    def _trainer(self) -> Callable[..., list[Path]]:
        module = importlib.import_module(f".{self.package}.train", __package__)
        trainer: Callable[..., list[Path]] = module.train
        return trainer


MODELS: Final[dict[str, Model]] = {
    model.name: model
    for model in (
        Model(name="room_forecast", package="room_forecast", domain="humidity", kind=Kind.NETWORK),
        Model(
            name="room_forecast_weather",
            package="room_forecast",
            domain="humidity",
            kind=Kind.NETWORK,
            trained_with="room_forecast",
        ),
        Model(name="pm_event", package="pm_event", domain="air", kind=Kind.NETWORK),
        Model(name="leak_event", package="leak_event", domain="water", kind=Kind.STATISTICS),
        Model(name="bed_stage", package="bed_stage", domain="bed", kind=Kind.NETWORK),
        Model(name="breathing_pattern", package="breathing_pattern", domain="bed", kind=Kind.NETWORK),
        Model(name="night_baseline", package="night_baseline", domain="bed", kind=Kind.STATISTICS),
        Model(name="inhaler_technique", package="inhaler_technique", domain="asthma", kind=Kind.NETWORK),
        Model(name="reliever_day", package="reliever_day", domain="asthma", kind=Kind.NETWORK),
        Model(name="trigger_finder", package="personal", domain="asthma", kind=Kind.PERSONAL),
        Model(name="context_head", package="personal", domain="feedback", kind=Kind.PERSONAL),
        Model(name="presence_routine", package="presence_routine", domain="routines", kind=Kind.NETWORK),
        Model(name="sensor_health", package="sensor_health", domain="humidity", kind=Kind.STATISTICS),
    )
}
