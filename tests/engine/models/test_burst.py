"""A burst is found within five minutes; what a home draws every week is none."""

import json

import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.water import Interval
from custom_components.smartloop.engine.models.burst import KNOWN_S, BurstWatch

T0 = 1_700_000_000.0


def run(watch: BurstWatch, at: float, flow: float, seconds: float, every: float = 5.0) -> float | None:
    """Let water run; returns the seconds after which a burst was seen."""
    begin = at
    while at < begin + seconds:
        found = watch.observe(Interval(start=at, end=at + every, litres=flow * every / 60.0))
        at += every
        if found is not None:
            return at - begin
    return None


def known(flow: float = 7.0) -> tuple[BurstWatch, float]:
    watch, at = BurstWatch(), T0
    while at < T0 + 3 * KNOWN_S:
        assert run(watch, at, flow, 600.0) is None
        watch.observe(Interval(start=at + 600.0, end=at + 86400.0, litres=0.0))
        at += 86400.0
    return watch, at


@pytest.mark.parametrize("flow", [12.0, 15.0, 40.0])
@pytest.mark.parametrize("every", [1.0, 5.0, 30.0])
def test_a_burst_is_found_within_five_minutes(flow: float, every: float) -> None:
    watch, at = known()
    found = run(watch, at, flow, 600.0, every)
    assert found is not None
    assert found <= 300.0


def test_a_strong_shower_is_no_burst_and_raises_the_bound() -> None:
    watch, at = known(12.0)
    assert watch.bound > 15.0
    assert run(watch, at, 14.0, 900.0) is None
    assert run(watch, at + 5000.0, 25.0, 900.0) is not None


def test_a_home_not_known_yet_is_given_more() -> None:
    assert run(BurstWatch(), T0, 15.0, 1200.0) is None
    found = run(BurstWatch(), T0, 25.0, 600.0)
    assert found is not None
    assert found <= 300.0


def test_a_burst_teaches_nothing_unless_its_owner_says_so() -> None:
    watch, at = known()
    before = watch.bound
    run(watch, at, 30.0, 600.0)
    assert watch.bound == pytest.approx(before, rel=0.35)
    watch.accept(30.0)
    assert run(watch, at + 9000.0, 30.0, 600.0) is None


def test_a_meter_that_speaks_each_quarter_of_an_hour_cannot_tell() -> None:
    watch = BurstWatch()
    for quarter in range(100):
        at = T0 + 900.0 * quarter
        assert watch.observe(Interval(start=at, end=at + 900.0, litres=600.0)) is None
    assert not watch.able


def test_a_restart_keeps_what_is_known() -> None:
    watch, at = known()
    again = BurstWatch.restored(json.loads(json.dumps(watch.snapshot())))
    assert again.bound == watch.bound
    assert run(again, at, 15.0, 600.0) is not None
    for bad in (None, {"version": 9}, {"version": 1, "known": [1.0]}):
        with pytest.raises(SnapshotError):
            BurstWatch.restored(bad)
