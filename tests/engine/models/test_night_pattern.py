"""The shipped breathing pattern: what it says of made-up nights, and when it keeps silent."""

import json
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from numpy.typing import NDArray

from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.models import breathing_pattern as module
from custom_components.smartloop.engine.models.breathing_pattern import (
    COARSE,
    IRREGULAR,
    LONG,
    NO_BEATS,
    NOISY,
    NOT_BEATS,
    ORDER,
    OUT_OF_RANGE,
    SHORT,
    BreathingPattern,
    Wording,
    refusal,
)
from custom_components.smartloop.engine.models.model import Tensor
from custom_components.smartloop.inference.catalog import Catalog, LoadedModel
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.export import FOLDER
from tests.engine.beats import night as beats

CYCLIC = beats(300, ((100, 200),))
QUIET = beats(300, seed=3)
FORBIDDEN = ("apnea", "apnoea", "ahi", "diagnos", "disease", "disorder", "risk")


@pytest.fixture(scope="module")
def runner() -> LoadedModel:
    return Catalog.open(FOLDER).load("breathing_pattern", NumpyEngine())


@pytest.fixture(scope="module")
def model(runner: LoadedModel) -> BreathingPattern:
    return BreathingPattern(runner)


class Altered:
    """The shipped file with other metadata."""

    def __init__(self, runner: LoadedModel, **metadata: object) -> None:
        self.version = runner.version
        self.metadata = {**runner.metadata, **{key: json.dumps(value) for key, value in metadata.items()}}
        self._runner = runner

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return self._runner.run(inputs)


def test_a_cycle_is_seen_where_it_is(model: BreathingPattern) -> None:
    said = model.judge(CYCLIC, data_age_s=60.0)

    assert said.wording is Wording.WORTH_SHOWING
    assert said.share is not None
    assert said.lo is not None
    assert said.hi is not None
    assert said.lo < 1 / 3 < said.hi
    assert np.median(said.probability[105:195]) > 0.9
    assert np.median(np.delete(said.probability, np.s_[95:205])) < 0.1
    assert said.answered > 0.8
    assert said.reasons == ()
    assert any(reason.startswith("+") for reason in said.why)
    assert (said.data_age_s, said.model_version) == (60.0, model.version)


def test_a_quiet_night_has_nothing_to_show(model: BreathingPattern) -> None:
    said = model.judge(QUIET)

    assert said.wording is Wording.NOTHING_SEEN
    assert said.share is not None
    assert said.share < 0.1


def test_the_clock_does_not_matter(model: BreathingPattern) -> None:
    one, two = model.judge(CYCLIC - CYCLIC[0]), model.judge(CYCLIC + 1.7e9)

    assert one.share == pytest.approx(two.share, abs=0.01)
    assert model.judge(CYCLIC, start_s=0.0, minutes=299).probability.size == 299


def test_a_night_longer_than_a_run_takes_two(model: BreathingPattern) -> None:
    said = model.judge(beats(900, ((700, 760),)))

    assert said.probability.size == 899
    assert np.median(said.probability[710:750]) > 0.9
    assert np.median(said.probability[:690]) < 0.1


_RNG = np.random.default_rng(5)
_REFUSED: dict[str, tuple[object, str]] = {
    "nothing": (None, NO_BEATS),
    "empty": ([], NO_BEATS),
    "no numbers": ([float("nan")] * 9, NO_BEATS),
    "a heart rate once a minute": (np.arange(0.0, 28_800.0, 60.0), NOT_BEATS),
    "one value a second": (np.arange(0.0, 28_800.0), NOT_BEATS),
    "beats made up from a heart rate": (np.repeat(_RNG.normal(0.9, 0.05, 480), 66).cumsum(), NOT_BEATS),
    "whole seconds": (np.round(CYCLIC), NOT_BEATS),
    "tenths of a second": (np.round(CYCLIC, 1), COARSE),
    "backwards": (CYCLIC[::-1], ORDER),
    "a clock set back": (np.concatenate([CYCLIC[:9000], CYCLIC[9000:] - 3600.0]), ORDER),
    "one hour": (CYCLIC[CYCLIC < 3600.0], SHORT),
    "a few beats": (CYCLIC[:200], SHORT),
    "a clock set forward a day": (np.concatenate([CYCLIC[:9000], CYCLIC[9000:] + 86_400.0]), LONG),
    "a third of the beats lost": (CYCLIC[_RNG.random(CYCLIC.size) > 1 / 3], NOISY),
    "noise": (np.sort(_RNG.uniform(0.0, 18_000.0, 20_000)), NOISY),
    "an irregular heart": (_RNG.normal(0.8, 0.15, 20_000).clip(0.5, 1.15).cumsum(), IRREGULAR),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_what_cannot_be_judged_is_refused_with_a_reason(what: str, model: BreathingPattern) -> None:
    given, reason = _REFUSED[what]
    said = model.judge(given)  # type: ignore[arg-type]

    assert said.reasons == (reason,)
    assert said.wording is Wording.DONT_KNOW
    assert (said.share, said.lo, said.hi, said.answered, said.why) == (None, None, None, 0.0, ())
    assert np.isnan(said.probability).all()
    assert said.abstained.all()


def test_real_beats_are_not_refused() -> None:
    assert refusal(CYCLIC) is None
    assert refusal(list(QUIET)) is None


def test_a_gap_is_not_answered(model: BreathingPattern) -> None:
    said = model.judge(CYCLIC[(CYCLIC < 6600.0) | (CYCLIC > 8400.0)])

    assert np.isnan(said.probability[115:135]).all()
    assert said.abstained[115:135].all()
    assert said.share is not None


def test_what_training_never_saw_is_out_of_range(runner: LoadedModel) -> None:
    assert BreathingPattern(Altered(runner, reach=0.01)).judge(CYCLIC).reasons == (OUT_OF_RANGE,)
    assert BreathingPattern(Altered(runner, night_reach=1e-6)).judge(CYCLIC).reasons == (OUT_OF_RANGE,)


def test_uncertain_minutes_abstain(runner: LoadedModel) -> None:
    said = BreathingPattern(Altered(runner, tau=1.0)).judge(CYCLIC)

    assert said.abstained.all()
    assert said.share is not None, "the share is what all minutes expect"


@pytest.mark.parametrize(
    "metadata",
    [
        {"features": ["a"]},
        {"night": []},
        {"mean": [0.0]},
        {"std": [0.0] * 38},
        {"tau": 2.0},
        {"temperature": 0.0},
        {"share_bounds": [0.5, 0.1, 0.1]},
        {"irregularity": "x"},
    ],
)
def test_metadata_that_do_not_fit_are_refused(runner: LoadedModel, metadata: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        BreathingPattern(Altered(runner, **metadata))


def test_an_answer_that_is_no_number_is_an_error(runner: LoadedModel) -> None:
    class Broken(Altered):
        def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
            logits: NDArray[np.float32] = np.full((1, 2, 720), np.nan, dtype=np.float32)
            return {"logits": logits}

    with pytest.raises(ModelError, match="finite"):
        BreathingPattern(Broken(runner)).judge(CYCLIC)


def test_a_night_takes_ten_milliseconds_of_inference(runner: LoadedModel) -> None:
    inputs = {"minutes": np.zeros((1, 38, 736), np.float32), "night": np.zeros((1, 5), np.float32)}
    times = []
    for _ in range(5):
        began = perf_counter()
        runner.run(inputs)
        times.append(perf_counter() - began)

    assert min(times) < 0.010


def test_nothing_a_household_could_see_names_an_illness() -> None:
    shown = [*Wording, *(value for name, value in vars(module).items() if name.isupper() and isinstance(value, str))]

    assert len(shown) > 10
    assert not any(word in text for text in shown for word in FORBIDDEN)
    assert not any(word in Path(module.__file__).read_text("utf-8").lower() for word in FORBIDDEN[:4])
