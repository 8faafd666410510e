"""Reliever days as features: what was known in the evening, no more, and never a zero for a day nobody saw."""

import math
import random
from math import exp2, log, log1p, nan

import pytest

from custom_components.smartloop.engine.features.reliever import (
    FEATURES,
    DiaryDay,
    enough,
    features,
    known,
    week,
)
from tests.engine.diaries import TODAY, diary


def test_rates_are_decayed_log_odds_with_two_days_of_doubt() -> None:
    found = features(diary("x?."), TODAY)

    old = exp2(-2 / 4.0)
    assert found["use_4d"] == pytest.approx(log((2 + old) / 3.0))
    assert found["use_28d"] == pytest.approx(log((2 + exp2(-2 / 28.0)) / 3.0))
    assert found["today"] == -1.0
    assert found["puffs_4d"] == pytest.approx(log1p((2 * 1.5 + 2 * old) / (2 + old + 1)))


def test_a_day_not_known_is_no_day_without_use() -> None:
    assert features(diary("xxx????"), TODAY)["use_28d"] == pytest.approx(
        features(diary("xxx"), TODAY)["use_28d"], rel=0.2
    )
    with_gap, with_none = features(diary("xxx????"), TODAY), features(diary("xxx...."), TODAY)
    assert (with_gap["use_4d"] or 0.0) > 0.0 > (with_none["use_4d"] or 0.0)
    assert with_gap["today"] is None


def test_nothing_later_than_today_and_no_order_matters() -> None:
    days = diary("x.x.xx.?x.")
    later = [DiaryDay(day=TODAY + 1, used=True, puffs=40.0), DiaryDay(day=TODAY + 400, used=True)]
    mixed = [*days, *later]
    random.Random(3).shuffle(mixed)

    assert features(mixed, TODAY) == features(days, TODAY)
    assert features([DiaryDay(day=TODAY - 9999, used=True), *days], TODAY) == features(days, TODAY)


def test_of_two_entries_the_later_one_counts() -> None:
    days = [*diary("xxx"), DiaryDay(day=TODAY, used=False, puffs=0.0)]

    assert features(days, TODAY)["today"] == -1.0


def test_symptoms_and_air_are_measured_against_the_person() -> None:
    days = [
        DiaryDay(day=TODAY - 9 + i, used=False, night=i == 9, peak_flow=400.0 + i % 2, pm25=5.0, temperature=10.0 + i)
        for i in range(10)
    ]
    found = features(days, TODAY)

    assert found["night_own"] == pytest.approx(1.0 - 1.3 / 11.0)
    assert found["symptoms_own"] is None
    assert found["peak_flow_own"] == pytest.approx(0.5 / 15.0)
    assert found["pm25_own"] == pytest.approx(0.0)
    assert found["warmer"] == pytest.approx(1.0)
    assert found["pollen"] is None


def test_numbers_that_are_none_are_not_known() -> None:
    days = [*diary("xxxx")[:-1], DiaryDay(day=TODAY, used=True, puffs=nan, peak_flow=math.inf, pm25=nan, pollen=nan)]
    found = features(days, TODAY)

    assert list(found) == list(FEATURES)
    assert all(value is None or math.isfinite(value) for value in found.values())
    assert found["pollen"] is None


def test_of_nothing_nothing_is_known() -> None:
    assert all(value is None for value in features([], TODAY).values())
    assert not enough(known([], TODAY), TODAY)


def test_three_of_fourteen_days_are_enough() -> None:
    assert enough(diary("x???????????.x"), TODAY)
    assert not enough(diary("x" + "?" * 12 + ".x"), TODAY)
    assert not enough(diary("xxx" + "?" * 12), TODAY)
    assert week(diary("xxxxx.?"), TODAY) == (5, 6)
