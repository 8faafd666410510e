"""What an evaluation says, the same for every model; and how sure one can be of it."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from custom_components.smartloop.engine.models.model import Runner, Tensor
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine, Session
from custom_components.smartloop.inference.reader import read

from .export import FOLDER

type Array = NDArray[np.float64]
type Metrics = dict[str, float | None]

LEVEL = 0.9
RESAMPLES = 400
BINS = 10


class Bin(TypedDict):
    """One group of predictions of like probability."""

    predicted: float
    observed: float
    n: int


class Evaluation(TypedDict):
    """What `script/models evaluate --json` prints (DESIGN 4.7); the metric names are the same in each column."""

    model: str
    version: str
    engine: str
    n_subjects: int
    n_rows: int
    metrics: Metrics
    """The shipped int8 file, or the statistics that ship"""
    fallback: Metrics
    baselines: dict[str, Metrics]
    intervals: dict[str, list[float] | None]
    """Of `metrics`: 90 %, by redrawing subjects"""
    float_model: NotRequired[Metrics]
    """The same network before it was quantised"""
    subgroups: NotRequired[dict[str, Metrics]]
    calibration: NotRequired[list[Bin]]
    notes: NotRequired[list[str]]
    """What whoever reads the figures must know"""


def plain(value: float | np.floating[Any] | None) -> float | None:
    """Return a number for JSON: four digits; what could not be scored is null."""
    return None if value is None or not np.isfinite(value) else round(float(value), 4)


def bootstrap[T](
    blocks: Sequence[T],
    figures: Callable[[Sequence[T]], Metrics],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> dict[str, list[float] | None]:
    """Return percentile intervals by redrawing whole blocks (Efron 1979): a block is a home or a person.

    `figures` must be cheap on summed-up blocks. With fewer than two blocks there is no interval.
    """
    names = figures(blocks)
    if len(blocks) < 2:
        return dict.fromkeys(names)
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(resamples):
        for name, value in figures([blocks[i] for i in rng.integers(0, len(blocks), len(blocks))]).items():
            if value is not None and np.isfinite(value):
                drawn[name].append(value)
    tail = (1.0 - level) / 2.0
    return {
        name: [round(float(q), 4) for q in np.quantile(values, (tail, 1.0 - tail))] if values else None
        for name, values in drawn.items()
    }


def reliability(probability: ArrayLike, outcome: ArrayLike, bins: int = BINS) -> list[Bin]:
    """Return groups of equal size by predicted probability; `outcome` is 0 or 1."""
    predicted, observed = np.asarray(probability, np.float64).ravel(), np.asarray(outcome, np.float64).ravel()
    order = np.argsort(predicted, kind="stable")
    return [
        Bin(
            predicted=round(float(predicted[part].mean()), 4),
            observed=round(float(observed[part].mean()), 4),
            n=int(part.size),
        )
        for part in np.array_split(order, bins)
        if part.size
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return the mean distance of predicted from observed, groups counting by size (Naeini et al. 2015)."""
    total = sum(each["n"] for each in bins)
    return sum(each["n"] * abs(each["predicted"] - each["observed"]) for each in bins) / total if total else None


def warn_if_trained_on(metadata: Mapping[str, str], subjects: Sequence[str]) -> list[str]:
    """Return a note where subjects of an evaluation also taught the shipped file."""
    known = set(json.loads(metadata.get("trained_on", "[]")))
    both = sum(subject in known for subject in subjects)
    if not both:
        return []
    return [
        f"{both} of {len(subjects)} subjects taught the shipped file: in sample. The card's figures are of held-out ones."
    ]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Twin:
    """The float32 network a shipped file was quantised from, with the shipped file's metadata."""

    version: str
    metadata: Mapping[str, str]
    session: Session

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the outputs by name."""
        return self.session.run(inputs)


def twin(name: str, folder: Path, engine: Engine) -> Runner | None:
    """Return the float32 twin kept in a model's workshop folder, None where there is none."""
    path = folder / f"{name}.float.onnx"
    entry = Catalog.open(FOLDER).entries.get(name)
    if entry is None or not path.exists():
        return None
    data = path.read_bytes()
    return Twin(version=entry.version, metadata=entry.metadata, session=engine.load(data, read(data)))
