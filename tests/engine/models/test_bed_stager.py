"""The shipped sleep stages: what they say of a made-up night, and when they keep silent."""

from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.features.bed import MINUTE, BedMinute, Night, night
from custom_components.smartloop.engine.models.bed_chain import STAGES, Chain, _forward, balanced, calibrated
from custom_components.smartloop.engine.models.bed_night import summary
from custom_components.smartloop.engine.models.bed_stage import (
    AWAY,
    CHANNELS,
    NONE,
    SHORT,
    UNCERTAIN,
    UNSEEN,
    BedStager,
    asleep_by_rule,
)
from custom_components.smartloop.inference.catalog import Catalog, LoadedModel
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from onnx_models.export import FOLDER

START = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def runner() -> LoadedModel:
    return Catalog.open(FOLDER).load("bed_stage", NumpyEngine())


@pytest.fixture(scope="module")
def stager(runner: LoadedModel) -> BedStager:
    return BedStager(runner)


def told(count: int = 480) -> list[BedMinute]:
    """Return a night: awake and moving for 40 minutes and at the end, calm early, swinging in spells later."""
    rng = np.random.default_rng(3)
    up = np.zeros(count, dtype=bool)
    up[:40] = up[-20:] = True
    motion = np.where(up, rng.random(count), np.where(rng.random(count) < 0.04, 0.3 * rng.random(count), 0.0))
    restless = np.where(up, 6.0, np.where((np.arange(count) // 30) % 3 == 2, 3.0, 0.7))
    rate = 56 + restless * rng.normal(0, 1, count)
    return [
        BedMinute(at=START + i * MINUTE, occupied=True, heart_rate=float(rate[i]), motion=float(motion[i]))
        for i in range(count)
    ]


def seen(minutes: list[BedMinute]) -> Night:
    found = night(minutes)
    assert found is not None
    return found


def test_a_plain_night_is_told(stager: BedStager) -> None:
    there = seen(told())
    stages = stager.stages(there)
    short = summary(stages, stager.bands)

    np.testing.assert_allclose(stages.probabilities.sum(axis=1), 1.0)
    assert (stages.awake[:30] == 1).mean() > 0.8
    assert (stages.awake[60:440] == 0).mean() > 0.8
    assert short.asleep is not None
    assert short.asleep_lo is not None
    assert short.asleep_hi is not None
    assert short.asleep_lo <= short.asleep <= short.asleep_hi <= short.in_bed == 480
    assert 330 < short.asleep < 470
    assert short.latency is not None
    assert 15 <= short.latency <= 70
    assert sum(short.stages.values()) + short.left_open == 480
    assert short.why[0] == f"from:{CHANNELS[0]}"
    assert {name[1:].split("_")[0].split("+")[0].split("-")[0] for name in stager.why(there, 200)} <= {
        "motion",
        "heart",
        "quiet",
        "clock",
    }
    assert stages.why_open(int(np.flatnonzero(stages.stage == NONE)[0])) in {UNCERTAIN, "out_of_range"}


@pytest.mark.parametrize(("lost", "head"), [({"heart_rate": None}, 2), ({"motion": None}, 1)])
def test_without_a_channel_another_head_judges_and_more_is_left_open(
    stager: BedStager, lost: dict[str, Any], head: int
) -> None:
    full = stager.stages(seen(told()))
    less = stager.stages(seen([replace(each, **lost) for each in told()]))

    assert set(less.head.tolist()) == {head}
    assert (less.stage == NONE).sum() > (full.stage == NONE).sum()
    assert summary(less, stager.bands).why[0] == f"from:{CHANNELS[head]}"


def test_a_channel_that_comes_and_goes_changes_heads(stager: BedStager) -> None:
    minutes = [replace(each, heart_rate=None) if 200 <= i < 300 else each for i, each in enumerate(told())]
    head = stager.stages(seen(minutes)).head

    assert (head[210:290] == 2).all()
    assert (head[:190] == 0).all()


@pytest.mark.parametrize(
    ("minutes", "reason"),
    [
        ([], SHORT),
        (told()[:50], SHORT),
        ([BedMinute(at=each.at, occupied=True) for each in told()], UNSEEN),
        ([replace(each, motion=0.4, heart_rate=60.0) for each in told()], UNSEEN),
        ([replace(each, occupied=False) for each in told()], UNSEEN),
    ],
)
def test_what_was_not_seen_is_not_told(stager: BedStager, minutes: list[BedMinute], reason: str) -> None:
    stages = stager.stages(night(minutes))
    short = summary(stages, stager.bands)

    assert stages.reason == reason
    assert (stages.stage == NONE).all()
    assert short.abstained
    assert short.asleep is None
    assert short.why == (reason,)


def test_get_ups_are_awake_and_have_no_stage(stager: BedStager) -> None:
    stages = stager.stages(seen([replace(each, occupied=not 200 <= i < 220) for i, each in enumerate(told())]))
    short = summary(stages, stager.bands)

    assert stages.why_open(210) == AWAY
    assert short.away == 20
    assert short.awakenings is not None
    assert short.awakenings >= 1


def test_time_nobody_saw_widens_the_band(stager: BedStager) -> None:
    gone = [each for i, each in enumerate(told()) if not 200 <= i < 320]
    short = summary(stager.stages(night(gone)), stager.bands)

    assert short.unseen > 90
    assert short.asleep is not None
    assert short.asleep_hi is not None
    assert short.asleep_hi >= short.asleep + short.unseen


def test_a_whole_day_takes_ten_milliseconds(stager: BedStager) -> None:
    there = seen(told(1440))
    stager.stages(there)
    times = []
    for _ in range(40):
        began = perf_counter()
        stager.stages(there)
        times.append(perf_counter() - began)

    assert min(times) < 0.010 * 3  # three times, for a machine that does other work


def test_a_file_for_other_features_is_refused(runner: LoadedModel) -> None:
    class Other:
        version = "1"

        def __init__(self, **changes: str) -> None:
            self.metadata = {**runner.metadata, **changes}

        def run(self, inputs: object) -> dict[str, np.ndarray]:
            return {
                name: np.full((1, 4, 96), np.nan, np.float32) for name in ("logits", "logits_heart", "logits_motion")
            }

    for changes in ({"features": "[]"}, {"mean": "[1]"}, {"prior": "[0, 0, 0, 1]"}, {"tau": "often"}):
        with pytest.raises(ModelError):
            BedStager(Other(**changes))
    with pytest.raises(ModelError, match="finite"):
        BedStager(Other()).stages(seen(told()))


def test_the_chain_is_bayes() -> None:
    """Two minutes, by enumeration."""
    rng = np.random.default_rng(0)
    prior, transition = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4), 4)
    emission = rng.dirichlet(np.ones(4), 2)
    joint = prior[:, None] * emission[0][:, None] * transition * emission[1][None, :]
    joint /= joint.sum()
    chain = Chain(prior=prior, transition=transition, trust=1.0, balance=0.0, share=1.0)

    got = np.exp(chain.scores(np.log(emission)))

    np.testing.assert_allclose(got, [joint.sum(axis=1), joint.sum(axis=0)], atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 17, 26, 480])
def test_blocks_of_the_chain_join_without_a_seam(count: int) -> None:
    rng = np.random.default_rng(count)
    prior, transition = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(4), 4)
    emission = rng.dirichlet(np.ones(4), count)
    state = prior
    expected: list[np.ndarray] = []
    for row in emission:
        state = (state @ transition if expected else state) * row
        state = state / state.sum()
        expected.append(state)

    np.testing.assert_allclose(_forward(emission, transition, prior), expected, rtol=1e-9)


def test_rare_stages_count_more_when_emphasized() -> None:
    said = calibrated(np.zeros((1, 4)), 1.0, np.zeros(4))
    weighed = balanced(said, np.array([0.1, 0.5, 0.2, 0.2]), 1.0)

    assert weighed.argmax() == STAGES.index("wake")
    np.testing.assert_allclose(balanced(said, np.full(4, 0.25), 0.5), said)


def test_the_rule_needs_no_future() -> None:
    motion = np.array([each.motion or 0.0 for each in told()])
    asleep = asleep_by_rule(motion)

    assert (asleep[:30] == 0).mean() > 0.9
    assert (asleep[60:440] == 1).mean() > 0.8
    later = motion.copy()
    later[300:] = motion[300:][::-1]
    np.testing.assert_array_equal(asleep_by_rule(later)[:300], asleep[:300])
    assert (asleep_by_rule(np.full(20, np.nan)) == NONE).all()
