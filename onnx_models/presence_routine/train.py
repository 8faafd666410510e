"""Fit the network on pooled homes and the nowcast's rules on rooms, ship both in one file, write the card.

The card's figures are of outer folds: each home is judged by a network of the other homes, each room by rules of the
others. The ridge is chosen anew in each fold, by leaving out homes of that fold's own. Newton's method, no seeds.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.presence import NAMES
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.reader import read

from ..export import FOLDER, GraphBuilder, ship_twins
from ..report import Twin
from .air import Minutes, Room, learned, minutes, stored
from .card import write
from .evaluate import HERE, NAME, Shipped, judge, subjects
from .fit import Array, Fit, fit, logistic
from .homes import House
from .occupancy import Replay, pooled, replay
from .score import log_losses

VERSION: Final = "1.0.0"
TAU: Final = 0.6
"""Below, nobody is told that a room will be used, or will not"""
RIDGES: Final = (0.0003, 0.003, 0.03)


def chosen(found: Sequence[Replay]) -> tuple[float, tuple[float, float]]:
    """Return the ridge that foretells homes best which it was not fitted on, and Platt scaling of those forecasts."""
    if len(found) < 2:
        return RIDGES[1], (1.0, 0.0)
    outcome = [each.outcome for each in found]
    best, odds = min(
        ((ridge, [_without(found, held, ridge) for held in found]) for ridge in RIDGES),
        key=lambda item: np.mean(
            [log_losses(1.0 / (1.0 + np.exp(-z)), y).mean() for z, y in zip(item[1], outcome, strict=True)]
        ),
    )
    weight = np.concatenate([np.full(len(z), 1.0 / len(z)) for z in odds])
    rows = np.concatenate(odds)[:, None]
    slope, offset = logistic(rows, np.concatenate(outcome).astype(np.float64), weight, 1e-6)
    return best, (round(float(slope[0]), 4), round(offset, 4))


def _without(found: Sequence[Replay], held: Replay, ridge: float) -> Array:
    """Return a home's log-odds by a network of the others."""
    return fit(*pooled([each for each in found if each is not held]), ridge).odds(held.rows)


def _metadata(
    fitted: Fit, chose: tuple[float, tuple[float, float]], guessed: Sequence[Minutes], names: Sequence[str]
) -> dict[str, object]:
    ridge, platt = chose
    rules = {source: rule for source in ("co2", "climate") if (rule := learned(guessed, source)) is not None}
    # Without rooms of a kind nothing is claimed of it: a rule whose reach nothing lies within.
    silent = {"mean": 0.0, "std": 1.0, "weights": 0.0}
    lengths = {"co2": 3, "climate": 6}
    nowcast = {
        source: stored(rules[source])
        if source in rules
        else {key: [value] * size for key, value in silent.items()} | {"bias": 0.0, "reach": 1e-9}
        for source, size in lengths.items()
    }
    return {
        "description": "Chance that a room is used within the next hour; rules for presence from a room's air",
        "licence": "Apache-2.0",
        "training_data": "van Kasteren (A, C), MIT House_n (1), Ordonez (A), Smart Green Homes (9c86); "
        "for the nowcast UCI Occupancy Detection and Room Climate (A)",
        "trained_on": sorted(names),
        "features": list(NAMES),
        "classes": ["unused", "used"],
        "mean": fitted.mean.tolist(),
        "std": fitted.std.tolist(),
        "reach": str(fitted.reach),
        "ridge": str(ridge),
        "platt": list(platt),
        "tau": str(TAU),
        "nowcast": nowcast,
    }


def _grow(graph: GraphBuilder, weights: Array, bias: float) -> None:
    value = graph.input("features", (1, len(NAMES)))
    both = np.stack([-weights / 2.0, weights / 2.0], axis=1)
    graph.output(graph.dense(value, both, [-bias / 2.0, bias / 2.0]), "logits", (1, 2))


def draft(found: Sequence[Replay], guessed: Sequence[Minutes], folder: Path, twin_folder: Path) -> Path:
    """Ship what homes and rooms teach."""
    chose = chosen(found)
    fitted = fit(*pooled(found), chose[0])
    names = [each.home for each in found] + sorted({each.name for each in guessed})
    return ship_twins(
        NAME,
        lambda graph: _grow(graph, fitted.weights, fitted.bias),
        version=VERSION,
        metadata=_metadata(fitted, chose, guessed, names),
        folder=folder,
        twin_folder=twin_folder,
    )


def _others(found: Sequence[Replay], guessed: Sequence[Minutes], name: str) -> tuple[list[Replay], list[Minutes]]:
    """Return all but a subject; of a room that was recorded twice, the other time counts for CO2 only."""
    kept = [each for each in found if each.home != name] or list(found)
    office = {each.name for each in guessed if each.source == "co2"}
    rest = [
        each
        for each in guessed
        if each.name != name and not (each.source == "climate" and name in office and each.name in office)
    ]
    return kept, rest


class Drafts:
    """A model for each subject that never saw it."""

    def __init__(self, found: Sequence[Replay], guessed: Sequence[Minutes], folder: Path, engine: Engine) -> None:
        """Keep what was replayed."""
        self._found, self._guessed, self._folder, self._engine = found, guessed, folder, engine
        self._made: dict[str, Shipped] = {}

    def __call__(self, name: str) -> Shipped:
        """Return the model for a subject."""
        if name not in self._made:
            folder = self._folder / f"draft_{len(self._made)}"
            draft(*_others(self._found, self._guessed, name), folder, folder)
            runner = Catalog.open(folder).load(NAME, self._engine)
            data = (folder / f"{NAME}.float.onnx").read_bytes()
            exact = Twin(version=VERSION, metadata=runner.metadata, session=self._engine.load(data, read(data)))
            self._made[name] = Shipped(runner=runner, exact=exact)
        return self._made[name]


def learn(places: Iterable[House], counted: Iterable[Room]) -> tuple[list[Replay], list[Minutes]]:
    """Return the rows that homes and rooms teach."""
    found = [each for each in (replay(house, {"model": None}) for house in places) if each.outcome.size]
    return found, [minutes(room, source) for room in counted for source in room.sources]


def train(data: Path, folder: Path = FOLDER, card: Path | None = HERE) -> list[Path]:
    """Ship the file and, with a folder for it, write the card."""
    places, counted = subjects(data)
    found, guessed = learn(places, counted)
    path = draft(found, guessed, folder, HERE if folder == FOLDER else folder)
    if card is None:
        return [path]
    with tempfile.TemporaryDirectory() as scratch:
        engine = NumpyEngine()
        report = judge(places, counted, Drafts(found, guessed, Path(scratch), engine), engine.name)
        report["version"] = VERSION
    return [path, write(report, card)]
