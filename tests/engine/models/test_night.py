"""A night beside one's own nights."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.bed import MINUTE, BedMinute
from custom_components.smartloop.engine.models.night import (
    NightBaselines,
    NightFigures,
    expected_quality,
    figures,
)

START = datetime(2026, 9, 1, 22, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def nights(count: int = 40, seed: int = 1) -> list[NightFigures]:
    rng = np.random.default_rng(seed)
    return [
        NightFigures(
            heart_rate=float(56 + rng.normal(0, 1)),
            breathing_rate=float(14 + rng.normal(0, 0.3)),
            restlessness=float(0.05 + 0.01 * rng.random()),
            asleep=float(420 + rng.normal(0, 30)),
            bedtime=float(630 + rng.normal(0, 20)),
        )
        for _ in range(count)
    ]


def lived(told: list[NightFigures]) -> NightBaselines:
    baselines = NightBaselines()
    for i, night in enumerate(told):
        assert baselines.learn_one(START + i * DAY, night).notes == ()
    return baselines


def test_nothing_is_said_before_fourteen_nights() -> None:
    baselines = NightBaselines()
    reports = [baselines.learn_one(START + i * DAY, night) for i, night in enumerate(nights(30))]

    assert all(not report.surprises for report in reports[:14])
    assert "learning:heart_rate" in reports[5].why
    assert set(reports[-1].surprises) == {"heart_rate", "breathing_rate", "restlessness", "asleep", "bedtime"}


@pytest.mark.parametrize(("name", "value"), [("heart_rate", 66.0), ("breathing_rate", 18.0)])
def test_two_high_nights_running_are_noted_once(name: str, value: float) -> None:
    baselines = lived(nights())
    high = replace(nights(1)[0], **{name: value})
    notes = [baselines.learn_one(START + (40 + i) * DAY, high).notes for i in range(4)]

    assert notes == [(), (name,), (), ()]
    for i in range(4):
        baselines.learn_one(START + (44 + i) * DAY, nights()[i])
    assert [baselines.learn_one(START + (48 + i) * DAY, high).notes for i in range(2)] == [(), (name,)]


def test_one_high_night_and_low_ones_are_no_news() -> None:
    baselines = lived(nights())
    usual, high, low = nights(1)[0], replace(nights(1)[0], heart_rate=66.0), replace(nights(1)[0], heart_rate=46.0)

    for i, night in enumerate([high, usual, high, usual, low, low, low]):
        assert baselines.learn_one(START + (40 + i) * DAY, night).notes == ()


def test_high_nights_far_apart_do_not_run() -> None:
    baselines = lived(nights())
    high = replace(nights(1)[0], heart_rate=66.0)

    assert baselines.learn_one(START + 40 * DAY, high).notes == ()
    assert baselines.learn_one(START + 60 * DAY, high).notes == ()


def test_a_night_told_again_changes_nothing_and_a_clock_set_back_does_not_stop_it() -> None:
    baselines = lived(nights())
    before = baselines.snapshot()

    assert baselines.learn_one(START + 39 * DAY, nights()[0]).why == ("not_newer",)
    assert baselines.snapshot() == before
    baselines.learn_one(START + 4000 * DAY, nights()[1])
    assert baselines.learn_one(START + 41 * DAY, nights()[2]).why == ()


def test_what_is_missing_is_not_made_up() -> None:
    baselines = lived(nights())
    report = baselines.learn_one(START + 40 * DAY, NightFigures(heart_rate=56.0))

    assert set(report.surprises) == {"heart_rate"}
    assert "missing:breathing_rate" in report.why
    assert baselines.coverage("heart_rate") is not None


def test_a_snapshot_comes_back_and_a_broken_one_is_refused() -> None:
    one = lived(nights())
    other = NightBaselines.restored(one.snapshot())
    high = replace(nights(1)[0], heart_rate=66.0)

    for i in range(3):
        assert one.learn_one(START + (40 + i) * DAY, high) == other.learn_one(START + (40 + i) * DAY, high)
    for broken in (None, {}, one.snapshot() | {"last": "x"}, one.snapshot() | {"running": [9, 9]}):
        with pytest.raises(SnapshotError):
            NightBaselines.restored(broken)


def minutes(count: int = 400) -> list[BedMinute]:
    rng = np.random.default_rng(5)
    return [
        BedMinute(
            at=START + i * MINUTE,
            occupied=True,
            heart_rate=80.0 if i % 20 == 0 else 55.0,
            respiratory_rate=14.0,
            motion=float(rng.random()) if i % 20 == 0 else 0.0,
        )
        for i in range(count)
    ]


def test_a_nights_figures_are_of_quiet_minutes_in_bed() -> None:
    told = minutes()
    away = [replace(each, occupied=False, heart_rate=120.0) for each in minutes(30)]
    found = figures(away + [replace(each, at=each.at + timedelta(hours=1)) for each in told], asleep=350.0)

    assert (found.heart_rate, found.breathing_rate, found.asleep) == (55.0, 14.0, 350.0)
    assert found.bedtime == 11.5 * 60
    assert found.restlessness == pytest.approx(0.025, abs=0.01)


@pytest.mark.parametrize("told", [[], minutes(30), [BedMinute(at=each.at) for each in minutes(30)]])
def test_a_short_night_has_no_figures(told: list[BedMinute]) -> None:
    assert figures(told) == NightFigures()


def test_doubtful_and_impossible_values_do_not_count() -> None:
    told = [replace(each, quality=0.2, respiratory_rate=500.0) for each in minutes()]

    assert figures(told).heart_rate is None
    assert figures([replace(each, respiratory_rate=500.0) for each in minutes()]).breathing_rate is None


def test_sleep_quality_is_ones_own_mean() -> None:
    assert expected_quality([3.0] * 6).abstained
    said = expected_quality([3.0, 4.0, float("nan"), 3.0, 2.0, 3.0, 4.0, 2.0])

    assert said.value == pytest.approx(3.0)
    assert said.lo is not None
    assert said.hi is not None
    assert 2.0 <= said.lo < said.hi <= 4.0
