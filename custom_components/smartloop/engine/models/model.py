"""What every model answers, and what runs one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

type Tensor = NDArray[np.float32]


class Runner(Protocol):
    """One loaded model file on one inference engine."""

    @property
    def version(self) -> str:
        """Return the model's version, as its metadata says."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """Return the model file's metadata properties."""
        ...

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the outputs by name. Raise an error derived from Exception on unusable input."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A value with its band, or the reason there is none."""

    value: float | None
    lo: float | None
    hi: float | None
    confidence: float
    """0-1, calibrated; 0 when abstained."""
    abstained: bool
    why: tuple[str, ...]
    """Top contributions, or the reasons for abstaining."""
    data_age_s: float
    model_version: str
