"""The next hour of each room with the shipped file: better than the usual once learned, silent when it must be."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from custom_components.smartloop import inference
from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.models.model import Runner, Tensor
from custom_components.smartloop.engine.models.presence_routine import (
    EARLY,
    FALLBACK,
    SILENT,
    UNKNOWN,
    PresenceForecaster,
    RoomForecast,
)
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from tests.engine.lived import instant, life

FOLDER = Path(inference.__path__[0]).with_name("onnx")
HALF_HOURS = 48


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Catalog.open(FOLDER).load("presence_routine", NumpyEngine())


def lived(runner: Runner | None, days: int) -> tuple[PresenceForecaster, list[tuple[RoomForecast, bool]]]:
    """Return a forecaster after some days, and each forecast of the last three with what came."""
    mind, uses = PresenceForecaster(runner), list(life(days))
    said: list[tuple[RoomForecast, bool]] = []
    place = 0
    for half in range(days * HALF_HOURS):
        now = instant(half // HALF_HOURS, 30.0 * (half % HALF_HOURS))
        while place < len(uses) and uses[place][1].at < now.at:
            mind.use(*uses[place])
            place += 1
        mind.advance(now)
        if half >= (days - 3) * HALF_HOURS:
            soon = {room for room, at in uses if now.at <= at.at < now.at + 3600.0}
            said += [(mind.forecast(room, now, explain=False), room in soon) for room in mind.home.names]
    return mind, said


def loss(said: list[tuple[RoomForecast, bool]], *, usual: bool = False) -> float:
    found = []
    for forecast, outcome in said:
        chance = forecast.usual if usual else forecast.probability
        assert chance is not None
        found.append(-math.log(max(chance if outcome else 1.0 - chance, 1e-3)))
    return float(np.mean(found))


def test_it_beats_the_usual_at_home(runner: Runner) -> None:
    _, said = lived(runner, 14)

    assert loss(said) < 0.9 * loss(said, usual=True)


def test_an_answer_is_explained(runner: Runner) -> None:
    mind, _ = lived(runner, 8)
    now = instant(8, 420.0)
    mind.use("bathroom", now)
    found = mind.forecast("kitchen", now)

    assert found.probability is not None
    assert 0.0 < found.probability < 1.0
    assert found.confidence == max(found.probability, 1.0 - found.probability)
    assert found.why
    assert not found.abstained
    assert mind.forecast("bathroom", instant(8, 421.0)).probability != found.probability


def test_it_is_silent_rather_than_guessing(runner: Runner) -> None:
    mind = PresenceForecaster(runner)
    now = instant(0, 600.0)
    assert mind.forecast("kitchen", now).why == (UNKNOWN,)
    mind.use("kitchen", now)
    found = mind.forecast("kitchen", now)
    assert (found.why, found.probability, found.expected, found.confidence) == ((EARLY,), None, None, 0.0)
    assert lived(runner, 4)[0].forecast("kitchen", instant(6, 600.0)).why == (SILENT,)


def test_without_a_network_the_usual_answers() -> None:
    mind, said = lived(None, 5)

    assert all(forecast.probability == forecast.usual for forecast, _ in said)
    assert mind.forecast("kitchen", instant(5, 0.0)).why == (FALLBACK,)


class Wrong:
    """A network that is always sure of the contrary."""

    version = "9.9.9"

    def __init__(self, runner: Runner, far: float = 0.0) -> None:
        self._runner = runner
        self.metadata: Mapping[str, str] = dict(runner.metadata) | ({"reach": str(far)} if far else {})

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        logits = self._runner.run(inputs)["logits"]
        return {"logits": np.array([[8.0, -8.0]], np.float32) if logits[0, 1] > logits[0, 0] else -4.0 * logits}


def test_a_network_that_is_wrong_here_is_unlearned_or_silenced(runner: Runner) -> None:
    _, said = lived(Wrong(runner), 14)

    assert loss(said) < 1.25 * loss(said, usual=True)


def test_beyond_its_range_the_usual_answers(runner: Runner) -> None:
    mind, _ = lived(Wrong(runner, far=1e-9), 4)
    found = mind.forecast("kitchen", instant(4, 0.0))

    assert found.out_of_range
    assert found.probability == found.usual


def test_it_comes_back_from_disk(runner: Runner) -> None:
    mind, _ = lived(runner, 6)
    again = PresenceForecaster.restored(json.loads(json.dumps(mind.snapshot())), runner)
    for minute in range(0, 600, 10):
        now = instant(6, float(minute))
        for each in (mind, again):
            each.advance(now)
            if minute % 70 == 0:
                each.use("kitchen", now)
    now = instant(6, 600.0)
    one, two = (each.forecast("kitchen", now).probability for each in (mind, again))
    assert one == pytest.approx(two, abs=1e-4)


def test_another_file_begins_with_its_own_belief(runner: Runner) -> None:
    mind, _ = lived(runner, 6)
    other = PresenceForecaster.restored(mind.snapshot(), Wrong(runner))

    assert other.snapshot()["mean"] == [1.0] + [0.0] * 8
    assert other.home.names == mind.home.names


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"mean": [1.0]},
        {"spread": "no"},
        {"lead": float("nan")},
        {"due": [[1.0]]},
        {"home": None},
        {"due": [[1.0, {"kitchen": [1.0]}, []]]},
        {"due": [[1.0, {}, "kitchen"]]},
    ],
)
def test_what_is_broken_is_refused(runner: Runner, change: dict[str, object]) -> None:
    with pytest.raises(SnapshotError):
        PresenceForecaster.restored(PresenceForecaster(runner).snapshot() | change, runner)


def test_wrong_clocks_and_late_uses_do_not_break_it(runner: Runner) -> None:
    mind, _ = lived(runner, 4)
    now = instant(4, 300.0)
    assert mind.use("kitchen", now)
    assert not mind.use("kitchen", instant(3, 1430.0))
    assert mind.use("kitchen", instant(-400, 300.0))
    assert mind.forecast("kitchen", instant(-400, 310.0)).probability is not None
    assert mind.use("kitchen", instant(900, 300.0))
