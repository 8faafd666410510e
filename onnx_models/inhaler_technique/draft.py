"""A model that has not shipped: parts and rules as the engine reads them, and the graph they become."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from custom_components.smartloop.engine.models.model import Tensor
from custom_components.smartloop.engine.models.technique_rules import Ruler

from ..export import GraphBuilder
from .fit import Part
from .samples import FEATURES

VERSION = "1.0.0"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """Looks to the engine like a loaded file."""

    parts: Sequence[Part]
    rules: Mapping[str, Ruler]
    press_bar: float = 0.5
    """From which probability on a jolt counts as a press"""

    @property
    def version(self) -> str:
        """Return the version it would have."""
        return VERSION

    @property
    def metadata(self) -> Mapping[str, str]:
        """Return the metadata as a file holds it."""
        return {key: json.dumps(value) for key, value in self.settings().items()}

    def settings(self) -> dict[str, Any]:
        """Return the parts side by side, as one row of features, and the rules."""
        return {
            "features": [f"{part.key}.{name}" for part in self.parts for name in FEATURES[part.key]],
            "mean": [round(float(each), 6) for part in self.parts for each in part.mean],
            "std": [round(float(each), 6) for part in self.parts for each in part.std],
            # Each part has its own; these are for who looks at the file as a whole.
            "temperature": 1.0,
            "tau": min((part.tau for part in self.parts), default=0.5),
            "reach": max((part.reach for part in self.parts), default=1.0),
            "press_bar": self.press_bar,
            "heads": {
                part.key: {"temperature": part.temperature, "tau": part.tau, "reach": part.reach} for part in self.parts
            },
            "rules": {
                key: {"sigma": ruler.sigma, "bias": ruler.bias, "tau": ruler.tau} for key, ruler in self.rules.items()
            },
        }

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the logits of every part."""
        row, place, out = np.asarray(inputs["features"], np.float64), 0, {}
        for part in self.parts:
            count = len(FEATURES[part.key])
            out[f"logits_{part.key}"] = part.layers.logits(row[:, place : place + count]).astype(np.float32)
            place += count
        return out

    def grow(self, graph: GraphBuilder) -> None:
        """Put every part into one file: weights stand in blocks, so that one pair of layers holds them all."""
        widths = [len(FEATURES[part.key]) for part in self.parts]
        hidden = [part.layers.weights[0].shape[1] for part in self.parts]
        first, bias = np.zeros((sum(widths), sum(hidden))), np.zeros(sum(hidden))
        tops, lefts = (np.concatenate([[0], np.cumsum(sizes)]) for sizes in (widths, hidden))
        for part, top, left, width, units in zip(self.parts, tops, lefts, widths, hidden, strict=False):
            first[top : top + width, left : left + units] = part.layers.weights[0]
            bias[left : left + units] = part.layers.biases[0]
        value = graph.dense(graph.input("features", (1, sum(widths))), first, bias, activation="Relu")
        for part, left, units in zip(self.parts, lefts, hidden, strict=False):
            last = np.zeros((sum(hidden), len(part.classes)))
            last[left : left + units] = part.layers.weights[1]
            graph.output(graph.dense(value, last, part.layers.biases[1]), f"logits_{part.key}", (1, len(part.classes)))
