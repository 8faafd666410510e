"""A loaded forecast model beside what its metadata says: scales, reach, quantiles of its errors."""

import json
from collections.abc import Mapping
from typing import Final

import numpy as np

from ..errors import ModelError
from ..features.forecast import Array, Mask, Tensor
from .forecast_bands import LEVELS
from .model import Runner

CLIP: Final = 5.0
"""Standard deviations a feature may count for"""


class Network:
    """One model of the forecast."""

    def __init__(self, name: str, runner: Runner, names: tuple[str, ...], bands: tuple[int, int]) -> None:
        """Read the metadata; raises ModelError where it does not fit this code."""
        self.name = name
        self.version = runner.version
        self._runner = runner
        try:
            known = tuple(json.loads(runner.metadata["features"]))
            self._mean = _numbers(runner.metadata, "mean", (len(names),))
            self._std = _numbers(runner.metadata, "std", (len(names),))
            self._reach = float(runner.metadata["reach"])
            self.quantiles = _numbers(runner.metadata, "conformal", (*bands, len(LEVELS)))
        except (KeyError, TypeError, ValueError) as err:
            msg = f"metadata not usable: {err!r}"
            raise ModelError(msg) from err
        if known != names or not (self._std > 0.0).all():
            msg = "made for other features"
            raise ModelError(msg)

    def parts(self, table: Tensor, wanted: Mask, shape: tuple[int, ...]) -> tuple[Array, Mask]:
        """Return the parts of the forecast (K, hPa), shaped, and where the features are within reach.

        Out of reach is where the mean square of the standardised features (a diagonal Mahalanobis
        distance) is beyond nearly all of the training data; such rows stay 0. The model runs row by
        row: shipped files have batch 1.
        """
        scaled = (table.astype(np.float64) - self._mean) / self._std
        near = (scaled**2).mean(axis=1) <= self._reach
        clipped = np.clip(scaled, -CLIP, CLIP).astype(np.float32)
        out = np.zeros(shape)
        for row in np.flatnonzero(near & wanted):
            out[row] = self._runner.run({"features": clipped[row : row + 1]})["parts"].reshape(shape[1:])
        if not np.isfinite(out).all():
            msg = "answered something that is no finite number"
            raise ModelError(msg)
        return out, near


def _numbers(metadata: Mapping[str, str], key: str, shape: tuple[int, ...]) -> Array:
    """Return an array stored as JSON; raises ValueError unless it has this shape and is finite."""
    values = np.array(json.loads(metadata[key]), dtype=np.float64)
    if values.shape != shape or not np.isfinite(values).all():
        msg = f"{key} is not {shape} finite numbers"
        raise ValueError(msg)
    return values
