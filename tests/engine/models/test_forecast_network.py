"""A loaded forecast model: what it must say of itself, and how it is asked."""

import json
from collections.abc import Mapping

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.features.forecast import Tensor
from custom_components.smartloop.engine.models.forecast_bands import LEVELS
from custom_components.smartloop.engine.models.forecast_network import CLIP, Network

METADATA = {
    "features": json.dumps(["a", "b"]),
    "mean": json.dumps([1.0, 0.0]),
    "std": json.dumps([2.0, 1.0]),
    "reach": "50.0",
    "conformal": json.dumps(np.ones((4, 3, len(LEVELS))).tolist()),
}


class Echo:
    """Answers its two inputs."""

    version = "1"

    def __init__(self, metadata: Mapping[str, str]) -> None:
        self.metadata = metadata

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {"parts": inputs["features"]}


def network(**changed: str) -> Network:
    return Network("echo", Echo(METADATA | changed), ("a", "b"), (4, 3))


def test_features_are_scaled_and_clipped() -> None:
    table = np.array([[3.0, -1.0], [1.0, 9.0]], np.float32)

    parts, near = network().parts(table, np.array([True, True]), (2, 2))

    np.testing.assert_allclose(parts, [[1.0, -1.0], [0.0, CLIP]])
    assert near.all()


def test_rows_out_of_reach_or_not_wanted_are_not_asked() -> None:
    table = np.array([[1.0, 20.0], [3.0, 1.0]], np.float32)

    parts, near = network().parts(table, np.array([True, False]), (2, 2))

    assert not parts.any()
    assert near.tolist() == [False, True]


@pytest.mark.parametrize(
    "changed",
    [
        {"features": '["b", "a"]'},
        {"features": "["},
        {"features": "3"},
        {"mean": "[1.0]"},
        {"mean": "[1.0, NaN]"},
        {"mean": '["x", "y"]'},
        {"std": "[0.0, 1.0]"},
        {"reach": "far"},
        {"conformal": "[[]]"},
    ],
)
def test_metadata_that_does_not_fit_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(ModelError):
        network(**changed)


def test_missing_metadata_is_refused() -> None:
    with pytest.raises(ModelError):
        Network("echo", Echo({}), ("a", "b"), (4, 3))
