"""An ONNX network over one row of features: calibrated, silent when unsure, and able to say why.

The file's metadata carries all but the code: feature names, classes, the training data's means and standard
deviations, the temperature (Guo et al. 2017) or Platt scaling of the logits, the abstention threshold, and how far
training rows lay from their mean. So a file and its rules are changed and hashed together.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ModelError
from .model import Runner

type Array = NDArray[np.float64]

CLIP: Final = 8.0
"""Standard deviations a feature may count for"""
UNCERTAIN: Final = "uncertain"
OUT_OF_RANGE: Final = "out_of_range"
MISSING: Final = "missing:"
_SHOWN: Final = 3
_ASKED: Final = 12
"""Features tried for `why`, the most unusual first: each costs one run"""
_WORTH_SAYING: Final = 0.02
"""Change of the winner's log-probability below which a feature is no reason"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """The class of one row, or why there is none."""

    label: str | None
    """None when abstained"""
    probabilities: Mapping[str, float]
    """Calibrated; empty where the row could not be judged at all"""
    confidence: float
    """Probability of the likeliest class, 0 where there is none"""
    abstained: bool
    why: tuple[str, ...]
    """Features that speak for (+) or against (-) the likeliest class; reasons first when abstained"""
    out_of_range: bool
    data_age_s: float
    model_version: str


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Array:
    """Return probabilities over the last axis of logits / temperature, in any shape."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def standardize(values: ArrayLike, mean: Array, std: Array) -> tuple[Array, Array]:
    """Return clipped standard scores (..., features) with 0 for NaN, and the mean square (...) of those known.

    The mean square is a diagonal Mahalanobis distance; where nothing is known it is 0.
    """
    scores = (np.asarray(values, dtype=np.float64) - mean) / std
    known = np.isfinite(scores)
    scores = np.where(known, scores, 0.0)
    distance = (scores**2).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
    return np.clip(scores, -CLIP, CLIP), distance


class Classifier:
    """One loaded network beside what its metadata says."""

    def __init__(self, runner: Runner, *, required: frozenset[str] = frozenset()) -> None:
        """Read the metadata; raises ModelError where it cannot be used.

        Without a feature of `required` the answer is abstention; any other that is missing counts as average.
        """
        self.version = runner.version
        self._runner = runner
        self._required = required
        metadata = runner.metadata
        try:
            self.features: tuple[str, ...] = tuple(json.loads(metadata["features"]))
            self.classes: tuple[str, ...] = tuple(json.loads(metadata["classes"]))
            self.mean = numbers(metadata["mean"], len(self.features))
            self.std = numbers(metadata["std"], len(self.features))
            self._temperature = float(metadata.get("temperature", "1"))
            self._platt = numbers(metadata["platt"], 2) if "platt" in metadata else None
            self.tau = float(metadata.get("tau", "0"))
            self.reach = float(metadata.get("reach", "inf"))
        except (KeyError, TypeError, ValueError) as err:
            msg = f"metadata not usable: {err!r}"
            raise ModelError(msg) from err
        usable = (
            len(self.classes) > 1
            and (self.std > 0.0).all()
            and self._temperature > 0.0
            and 0.0 <= self.tau <= 1.0
            and self.reach > 0.0
            and (self._platt is None or len(self.classes) == 2)
            and required <= set(self.features)
        )
        if not usable:
            msg = "classes, scales, calibration or thresholds are not usable"
            raise ModelError(msg)

    def classify(
        self, features: Mapping[str, float | None], *, data_age_s: float = 0.0, explain: bool = True
    ) -> Classification:
        """Return the class of one row; None and NaN stand for "not known".

        `explain` costs up to twelve more runs of the network.
        """
        row = np.array([_number(features.get(name)) for name in self.features])
        missing = [
            MISSING + name
            for name, value in zip(self.features, row, strict=True)
            if name in self._required and np.isnan(value)
        ]
        if missing:
            return self._silent(tuple(missing), data_age_s)
        scores, distance = standardize(row, self.mean, self.std)
        far = float(distance) > self.reach
        probabilities = self.probabilities(scores)
        best = int(np.argmax(probabilities))
        unsure = float(probabilities[best]) < self.tau
        why = self._why(scores, best, float(probabilities[best])) if explain else ()
        reasons = (OUT_OF_RANGE,) * far + (UNCERTAIN,) * unsure
        return Classification(
            label=None if reasons else self.classes[best],
            probabilities=dict(zip(self.classes, probabilities.tolist(), strict=True)),
            confidence=float(probabilities[best]),
            abstained=bool(reasons),
            why=reasons + why,
            out_of_range=far,
            data_age_s=data_age_s,
            model_version=self.version,
        )

    def probabilities(self, scores: Array) -> Array:
        """Return calibrated probabilities (classes,) of clipped standard scores (features,)."""
        logits = self._runner.run({"features": scores.astype(np.float32)[None, :]})["logits"][0]
        if not np.isfinite(logits).all():
            msg = "answered something that is no finite number"
            raise ModelError(msg)
        return calibrated(logits, self._temperature, self._platt)

    def _why(self, scores: Array, best: int, confidence: float) -> tuple[str, ...]:
        """Return the features whose being average would change the winner's log-probability most."""
        order = np.argsort(-np.abs(scores), kind="stable")[:_ASKED]
        found: list[tuple[float, str]] = []
        for index in order[np.abs(scores[order]) > 0.0]:
            without = scores.copy()
            without[index] = 0.0
            change = math.log(max(confidence, 1e-12)) - math.log(max(float(self.probabilities(without)[best]), 1e-12))
            if abs(change) >= _WORTH_SAYING:
                found.append((change, self.features[int(index)]))
        found.sort(key=lambda item: -abs(item[0]))
        return tuple(f"{'+' if change > 0 else '-'}{name}" for change, name in found[:_SHOWN])

    def _silent(self, why: tuple[str, ...], data_age_s: float) -> Classification:
        """Return an answer that knows nothing."""
        return Classification(
            label=None,
            probabilities={},
            confidence=0.0,
            abstained=True,
            why=why,
            out_of_range=False,
            data_age_s=data_age_s,
            model_version=self.version,
        )


def calibrated(logits: ArrayLike, temperature: float = 1.0, platt: Sequence[float] | Array | None = None) -> Array:
    """Return probabilities of logits (..., classes), by temperature or, for two classes, by Platt scaling.

    Platt: the second class has the log-odds a * (l1 - l0) + b.
    """
    values = np.asarray(logits, dtype=np.float64)
    if platt is None:
        return softmax(values, temperature)
    odds = platt[0] * (values[..., 1] - values[..., 0]) + platt[1]
    return softmax(np.stack([np.zeros_like(odds), odds], axis=-1))


def _number(value: float | None) -> float:
    """Return a finite number, else NaN."""
    return float(value) if value is not None and math.isfinite(value) else math.nan


def numbers(text: str, *shape: int) -> Array:
    """Return an array stored as JSON; raises ValueError unless it has this shape and is finite."""
    values = np.array(json.loads(text), dtype=np.float64)
    if values.shape != shape or not np.isfinite(values).all():
        msg = f"not {shape} finite numbers"
        raise ValueError(msg)
    return values
