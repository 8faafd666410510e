"""What gets in, on rooms whose truth is known; silence before enough was seen; a state that comes back."""

import json
import math

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.particles import HOUR
from custom_components.smartloop.engine.models.infiltration import Infiltration

T0 = 1_700_000_000.0


def room(
    factor: float, *, days: int = 21, rate: float = 0.8, added: float = 0.5, sources: float = 0.0, seed: int = 1
) -> Infiltration:
    """Return what is learned of a made-up room, hour by hour; `sources` is the share of hours with one nobody noticed."""
    rng = np.random.default_rng(seed)
    learned, level, outdoor = Infiltration(), factor * 10.0, 10.0
    for hour in range(days * 24):
        outdoor = math.exp(0.95 * math.log(outdoor) + 0.05 * math.log(12.0) + float(rng.normal(0.0, 0.2)))
        level += (1.0 - math.exp(-rate)) * (factor * outdoor + added - level)
        extra = float(rng.exponential(15.0)) if rng.random() < sources else 0.0
        indoor = max(level + extra + float(rng.normal(0.0, 0.4)), 0.0)
        learned.observe(T0 + hour * HOUR, indoor, outdoor * math.exp(float(rng.normal(0.0, 0.08))))
    return learned


@pytest.mark.parametrize("factor", [0.15, 0.4, 0.75])
def test_the_factor_is_found(factor: float) -> None:
    share = room(factor).share
    assert share is not None
    assert share.factor == pytest.approx(factor, abs=0.08)
    assert abs(share.factor - factor) < 2.5 * share.error
    assert share.steady


def test_sources_nobody_noticed_change_little() -> None:
    share = room(0.4, sources=0.15).share
    assert share is not None
    assert share.factor == pytest.approx(0.4, abs=0.12)


def test_what_is_expected_follows_the_outdoor_air() -> None:
    learned = room(0.4)
    low, high = learned.expected(5.0), learned.expected(50.0)
    assert low is not None
    assert high is not None
    assert high - low == pytest.approx(0.4 * 45.0, rel=0.25)


def test_little_is_nothing() -> None:
    learned = Infiltration()
    for hour in range(4):
        learned.observe(T0 + hour * HOUR, 5.0, 10.0)
    assert learned.share is None
    assert learned.expected(10.0) is None


def test_events_and_nonsense_teach_nothing() -> None:
    learned = room(0.4)
    before = learned.share
    at = T0 + 30 * 24 * HOUR
    learned.observe(at, None, math.nan)
    learned.observe(T0, 500.0, 10.0)
    assert learned.share == before
    for hour in range(50):
        learned.observe(at + hour * HOUR, 500.0, 10.0, quiet=False)
    after = learned.share
    assert before is not None
    assert after is not None
    assert after.factor == before.factor
    assert learned.expected(math.nan) is None


def test_a_room_that_empties_faster_than_it_can_is_unsteady() -> None:
    learned = room(0.8)
    start = T0 + 21 * 24 * HOUR
    for hour in range(30):
        learned.observe(start + hour * HOUR, 0.5, 60.0)
    share = learned.share
    assert share is not None
    assert not share.steady


def test_the_state_comes_back_from_json() -> None:
    learned = room(0.4)
    again = Infiltration.restored(json.loads(json.dumps(learned.snapshot())))
    assert again.share == learned.share
    assert again.expected(20.0) == learned.expected(20.0)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {"version": 99},
        {"version": 1, "now": [], "lines": []},
        {"version": 1, "now": [0.0] * 9, "lines": [[-1.0] * 6] * 10},
    ],
)
def test_a_broken_state_is_refused(broken: object) -> None:
    with pytest.raises(SnapshotError):
        Infiltration.restored(broken)
