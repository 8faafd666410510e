"""Any row through any network: calibrated, silent when unsure or out of its depth, with reasons."""

import json
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.models.classifier import CLIP, Classifier, calibrated, softmax, standardize
from custom_components.smartloop.engine.models.model import Tensor

METADATA = {
    "features": json.dumps(["warm", "wet", "late"]),
    "classes": json.dumps(["no", "yes"]),
    "mean": json.dumps([20.0, 50.0, 0.0]),
    "std": json.dumps([2.0, 10.0, 1.0]),
    "temperature": "2.0",
    "tau": "0.6",
    "reach": "9.0",
}


class Linear:
    """A network that shows what it was given: logits (0, wet - warm)."""

    version = "1.2.3"

    def __init__(self, metadata: Mapping[str, str] = METADATA) -> None:
        self.metadata = metadata
        self.seen: list[Tensor] = []

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        given = inputs["features"]
        self.seen.append(given)
        return {"logits": np.array([[0.0, given[0, 1] - given[0, 0]]], np.float32)}


def test_a_row_is_standardized_calibrated_and_explained() -> None:
    network = Linear()
    found = Classifier(network).classify({"warm": 18.0, "wet": 70.0, "late": 0.0}, data_age_s=30.0)

    np.testing.assert_allclose(network.seen[0], [[-1.0, 2.0, 0.0]])
    assert network.seen[0].dtype == np.float32
    assert found.label == "yes"
    assert found.probabilities["yes"] == pytest.approx(1 / (1 + math.exp(-3.0 / 2.0)))
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert found.confidence == found.probabilities["yes"]
    assert (found.abstained, found.out_of_range, found.data_age_s, found.model_version) == (False, False, 30.0, "1.2.3")
    # Two of the three log-odds come from being wet, one from not being warm; the hour has no part.
    assert found.why == ("+wet", "+warm")


def test_what_speaks_against_is_said_so() -> None:
    found = Classifier(Linear()).classify({"warm": 22.0, "wet": 80.0, "late": 0.0})
    assert found.label == "yes"
    assert found.why == ("+wet", "-warm")


def test_unsure_is_silent_but_shows_its_probabilities() -> None:
    found = Classifier(Linear()).classify({"warm": 20.0, "wet": 51.0, "late": 0.0})
    assert (found.label, found.abstained, found.why[0]) == (None, True, "uncertain")
    assert found.probabilities["yes"] == pytest.approx(0.5, abs=0.03)


def test_rows_like_none_it_learned_from_are_not_judged() -> None:
    found = Classifier(Linear()).classify({"warm": 20.0, "wet": 150.0, "late": 0.0})
    assert (found.label, found.abstained, found.out_of_range) == (None, True, True)
    assert found.why[0] == "out_of_range"


def test_no_feature_counts_for_more_than_it_may() -> None:
    network = Linear(METADATA | {"reach": "1e9"})
    Classifier(network).classify({"warm": 20.0, "wet": 1e9, "late": 0.0}, explain=False)
    assert network.seen[0][0, 1] == CLIP
    assert len(network.seen) == 1


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_what_is_missing_counts_as_average_unless_it_is_required(missing: float | None) -> None:
    row = {"warm": missing, "wet": 70.0, "late": 0.0}
    assert Classifier(Linear()).classify(row).label == "yes"

    network = Linear()
    found = Classifier(network, required=frozenset({"warm"})).classify(row)
    assert (found.label, found.abstained, found.why) == (None, True, ("missing:warm",))
    assert (found.probabilities, found.confidence) == ({}, 0.0)
    assert not network.seen, "what is not known must not be guessed at"


def test_platt_scaling() -> None:
    metadata = METADATA | {"platt": "[0.5, 1.0]", "tau": "0"}
    found = Classifier(Linear(metadata)).classify({"warm": 20.0, "wet": 70.0, "late": 0.0})
    assert found.probabilities["yes"] == pytest.approx(1 / (1 + math.exp(-(0.5 * 2.0 + 1.0))))


@pytest.mark.parametrize(
    "fault",
    [
        {"mean": "[1, 2]"},
        {"std": "[1, 0, 1]"},
        {"std": "[1, NaN, 1]"},
        {"classes": '["one"]'},
        {"features": "{"},
        {"tau": "1.5"},
        {"reach": "-1"},
        {"temperature": "0"},
        {"platt": "[1]"},
        {"classes": '["a", "b", "c"]', "platt": "[1, 0]"},
    ],
)
def test_metadata_that_cannot_be_used_is_refused(fault: dict[str, str]) -> None:
    with pytest.raises(ModelError):
        Classifier(Linear(METADATA | fault))


def test_a_required_feature_must_be_one_of_its_own() -> None:
    with pytest.raises(ModelError):
        Classifier(Linear(), required=frozenset({"cold"}))


def test_an_answer_that_is_no_number_is_refused() -> None:
    class Broken(Linear):
        def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
            return {"logits": np.array([[np.nan, 0.0]], np.float32)}

    with pytest.raises(ModelError):
        Classifier(Broken()).classify({"warm": 20.0, "wet": 50.0, "late": 0.0})


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=6), st.floats(0.05, 20.0))
def test_softmax_is_a_distribution_and_keeps_the_order(logits: list[float], temperature: float) -> None:
    found = softmax(logits, temperature)
    assert found.sum() == pytest.approx(1.0)
    assert found[int(np.argmax(logits))] == found.max()


def test_calibration_works_on_any_leading_shape() -> None:
    logits = np.random.default_rng(1).normal(size=(3, 5, 2))
    assert calibrated(logits, 1.5).shape == (3, 5, 2)
    np.testing.assert_allclose(calibrated(logits, platt=[1.0, 0.0]), calibrated(logits), atol=1e-12)


def test_distance_is_over_what_is_known() -> None:
    scores, distance = standardize([[3.0, np.nan], [np.nan, np.nan]], np.zeros(2), np.ones(2))
    np.testing.assert_allclose(scores, [[3.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(distance, [9.0, 0.0])
