"""Reliever days with the shipped file: sensible, silent when it must be, learning of the person, and back from disk."""

import json
import math
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from custom_components.smartloop import inference
from custom_components.smartloop.engine.errors import ModelError, SnapshotError
from custom_components.smartloop.engine.features.reliever import DiaryDay
from custom_components.smartloop.engine.models.model import Runner, Tensor
from custom_components.smartloop.engine.models.reliever_day import RelieverDay, usual_puffs, week_rate
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from tests.engine.diaries import TODAY, diary

FOLDER = Path(inference.__path__[0]).with_name("onnx")


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Catalog.open(FOLDER).load("reliever_day", NumpyEngine())


def chance(runner: Runner, pattern: str) -> float:
    found = RelieverDay(runner).predict(diary(pattern), TODAY)
    assert found.value is not None
    return found.value


def test_more_use_foretells_more_use(runner: Runner) -> None:
    never, lately, always = (chance(runner, each) for each in ("." * 28, "." * 24 + "x.xx", "x" * 28))

    assert never < 0.15 < lately < 0.85 < always
    assert chance(runner, "x" * 3) < always
    assert chance(runner, "." * 3) > never


def test_the_band_holds_the_chance_and_reasons_are_given(runner: Runner) -> None:
    found = RelieverDay(runner).predict(diary("......x..xxx"), TODAY)

    assert found.lo is not None
    assert found.value is not None
    assert found.hi is not None
    assert 0.0 < found.lo < found.value < found.hi < 1.0
    assert found.why
    assert all(each[0] in "+-" for each in found.why)
    assert found.confidence == max(found.value, 1.0 - found.value)
    assert found.data_age_s == 0.0
    assert found.model_version == runner.version


@pytest.mark.parametrize("days", [[], diary("xx"), diary("x" * 20 + "?" * 14), diary("xxx", end=TODAY + 30)])
def test_too_few_days_are_no_forecast(runner: Runner, days: list[DiaryDay]) -> None:
    found = RelieverDay(runner).predict(days, TODAY)

    assert found.abstained
    assert (found.value, found.lo, found.hi, found.confidence) == (None, None, None, 0.0)
    assert found.why == ("too_few_known_days",)
    assert week_rate(days, TODAY, 0.5, 0.5) is None


def test_what_no_training_day_was_like_is_no_forecast(runner: Runner) -> None:
    class Narrow:
        version = runner.version
        metadata: Mapping[str, str] = dict(runner.metadata) | {"reach": "0.01"}

        def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
            return runner.run(inputs)

    found = RelieverDay(Narrow()).predict(diary("x" * 28), TODAY)

    assert found.abstained
    assert found.why[0] == "out_of_range"
    assert not RelieverDay(Narrow()).learn_one(diary("x" * 28), TODAY)


def test_a_day_not_known_ages_the_forecast(runner: Runner) -> None:
    assert RelieverDay(runner).predict(diary("xxx??"), TODAY).data_age_s == 2 * 86400.0


def test_it_learns_that_a_person_is_unlike_the_others(runner: Runner) -> None:
    model, days = RelieverDay(runner), diary("x.x." * 15)
    before = RelieverDay(runner).predict(days, TODAY, explain=False).value
    for day in range(TODAY - 50, TODAY + 1):
        model.learn_one(days, day)
    after = model.predict(days, TODAY, explain=False).value

    assert before is not None
    assert after is not None
    # This one never uses it two days running, so the day after one without is one with.
    assert after > before


def test_a_day_teaches_once_and_only_when_it_was_foretold(runner: Runner) -> None:
    model, days = RelieverDay(runner), diary("x.xx.?x")

    assert model.learn_one(days, TODAY)
    assert not model.learn_one(days, TODAY)
    assert not model.learn_one(days, TODAY - 1)
    assert not model.learn_one(days, TODAY - 6)
    assert not model.learn_one(days, TODAY + 5)
    assert not model.learn_one([], TODAY)


def test_garbage_gives_a_chance_or_none(runner: Runner) -> None:
    rng = random.Random(5)
    odd = [math.nan, math.inf, -math.inf, 1e300, -5.0, 0.0, None]
    for _ in range(50):
        days = [
            replace(
                each,
                day=each.day + rng.choice([0, 0, 0, -400, 9999]),
                puffs=rng.choice(odd),
                peak_flow=rng.choice(odd),
                pm25=rng.choice(odd),
                temperature=rng.choice(odd),
                pollen=rng.choice(odd),
            )
            for each in diary("x.?" * 8)
        ]
        rng.shuffle(days)
        found = RelieverDay(runner).predict(days, TODAY)
        assert found.abstained == (found.value is None)
        assert found.value is None or 0.0 <= found.value <= 1.0


def test_it_comes_back_from_disk(runner: Runner) -> None:
    model, days = RelieverDay(runner), diary("x..x.xxx..x." * 3)
    for day in range(TODAY - 20, TODAY + 1):
        model.learn_one(days, day)
    state = json.loads(json.dumps(model.snapshot()))
    again = RelieverDay.restored(runner, state)

    assert again.predict(days, TODAY) == model.predict(days, TODAY)
    assert again.snapshot() == model.snapshot()
    broken: object
    for broken in (None, {}, state | {"version": 2}, state | {"network": "0.0.1"}, state | {"network": 3}):
        with pytest.raises(SnapshotError):
            RelieverDay.restored(runner, broken)


def test_another_file_is_refused() -> None:
    with pytest.raises(ModelError):
        RelieverDay(Catalog.open(FOLDER).load("selftest", NumpyEngine()))


def test_the_fallback_is_the_week_drawn_towards_others() -> None:
    assert week_rate(diary("xxx.?.."), TODAY, 0.6, 0.5) == pytest.approx((3 + 0.3) / 6.5)
    assert week_rate(diary("xxx" + "?" * 10), TODAY, 0.6, 0.5) == pytest.approx(0.6)


def test_usual_puffs_are_a_median_that_forgets() -> None:
    days = [replace(each, puffs=9.0 if i < 20 else 2.0) for i, each in enumerate(diary("x" * 30))]

    assert usual_puffs(days, TODAY) == 2.0
    assert usual_puffs(days, TODAY - 10) == 9.0
    assert usual_puffs([replace(each, puffs=math.nan) for each in days], TODAY) is None
    assert usual_puffs(diary("xx"), TODAY) is None
