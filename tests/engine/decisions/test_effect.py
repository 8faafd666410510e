"""What an act did: noticed, measured, judged, and what a window's air change is learned from."""

import csv
import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp, inf, log
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.decisions.air_change import (
    LEAST_SD,
    PRIOR_SD,
    RATE_RANGE,
    AirChange,
    decay_rate,
)
from custom_components.smartloop.engine.decisions.decision import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    Severity,
)
from custom_components.smartloop.engine.decisions.effect import Effect, Effects, Outcome, Sign
from custom_components.smartloop.engine.decisions.mold import ACT_KEYS, RoomConditions, assess
from custom_components.smartloop.engine.decisions.policy import Policy
from custom_components.smartloop.engine.decisions.stored import Stored
from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.psychrometrics import vapour_pressure
from custom_components.smartloop.engine.household import Household, Room

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OUTSIDE = 700.0
INSIDE = 1550.0


def room(minute: float, pressure: float = INSIDE, **more: Any) -> RoomConditions:
    return RoomConditions(
        **{
            "room": "bath",
            "at": NOW + minute * MINUTE,
            "temperature": 20.0,
            "vapour_pressure": pressure,
            "f_rsi": 0.7,
            "outdoor_temperature": 5.0,
            "outdoor_vapour_pressure": OUTSIDE,
            "outdoor_age": timedelta(0),
            **more,
        }
    )


def advice(kind: ActKind = ActKind.VENTILATE, minutes: float | None = 10.0) -> Decision:
    return Decision(
        id="d1",
        key=ACT_KEYS.get(kind, DecisionKey.MOLD_GROWTH),
        severity=Severity.ADVICE,
        state=DecisionState.RAISED,
        room="bath",
        person=None,
        evidence=(),
        proposed=Act(kind=kind, minutes=minutes, amount=1.0, surface_humidity_before=88.2, surface_humidity_after=72.0),
        at=NOW,
        expires_at=NOW + timedelta(hours=6),
        score=1.4,
    )


def airing(minute: float, begin: float = 10.0, end: float = 20.0, rate: float = 6.0) -> float:
    """Vapour pressure of a room that is aired between two minutes."""
    open_hours = (min(max(minute, begin), end) - begin) / 60.0
    return OUTSIDE + (INSIDE - OUTSIDE) * exp(-rate * open_hours)


def lived(
    effects: Effects,
    pressure: Callable[[float], float],
    minutes: Iterable[float] = range(90),
    *,
    contact: tuple[float, float] | None = None,
    decisions: tuple[Decision, ...] = (advice(),),
    **more: Any,
) -> list[Effect]:
    """Live through some minutes; advice stands until minute 9."""
    found = []
    for minute in minutes:
        window = None if contact is None else contact[0] <= minute < contact[1]
        conditions = room(minute, pressure(minute), window_open=window, **more)
        effect = effects.observe(conditions, decisions if minute < 9 else ())
        if effect is not None:
            found.append(effect)
    return found


# --- judging


def test_an_opened_window_is_followed_up() -> None:
    effects = Effects()
    (effect,) = lived(effects, airing, contact=(10.0, 20.0))
    assert effect.outcome is Outcome.CONFIRMED
    assert effect.sign is Sign.WINDOW
    assert (effect.decision_id, effect.key, effect.room) == ("d1", DecisionKey.MOLD_VENTILATE, "bath")
    assert effect.began_at == NOW + 10 * MINUTE
    assert effect.at == NOW + 70 * MINUTE
    assert effect.before == pytest.approx(room(0).surface_humidity)
    assert effect.predicted == 72.0
    assert effect.measured == pytest.approx(room(0, airing(60.0)).surface_humidity)
    assert not effects.under_way("bath")


def test_a_sudden_fall_is_an_opened_window() -> None:
    (effect,) = lived(Effects(), airing)
    assert (effect.outcome, effect.sign) == (Outcome.CONFIRMED, Sign.FALL)
    assert effect.began_at == NOW + 10 * MINUTE


def test_a_slow_fall_is_none() -> None:
    effects = Effects()
    assert lived(effects, lambda minute: INSIDE - 2.0 * minute, decisions=(advice(),)) == []
    assert not effects.under_way("bath")


def test_a_fall_below_the_outdoor_air_is_no_airing() -> None:
    effects = Effects()
    lived(effects, lambda minute: 800.0 if minute < 10 else 650.0, range(30))
    assert not effects.under_way("bath")


@pytest.mark.parametrize(
    ("rebound", "outcome"),
    [(0.0, Outcome.CONFIRMED), (0.5, Outcome.CONFIRMED), (0.9, Outcome.NO_EFFECT), (1.0, Outcome.NO_EFFECT)],
)
def test_what_comes_back_was_not_won(rebound: float, outcome: Outcome) -> None:
    def pressure(minute: float) -> float:
        now = airing(minute)
        return now if minute <= 20 else now + rebound * (INSIDE - now)

    (effect,) = lived(Effects(), pressure, contact=(10.0, 20.0))
    assert effect.outcome is outcome


def shower(minute: float) -> float:
    """Vapour pressure after a shower: fans and leaks, 1.2 air changes per hour, until the room is as before."""
    return 1100.0 + (INSIDE - 1100.0) * exp(-1.2 * minute / 60.0)


def test_a_room_that_dries_by_itself_was_not_aired() -> None:
    effects = Effects()
    assert lived(effects, shower) == []
    assert effects.air_change("bath") == AirChange()


def test_what_was_falling_already_is_nobodys_doing() -> None:
    (effect,) = lived(Effects(), shower, range(100), contact=(30.0, 32.0))
    assert effect.outcome is Outcome.UNKNOWN
    assert effect.measured is not None
    assert effect.without is not None
    assert effect.before - effect.measured > 5.0
    assert effect.without < effect.before - 5.0


def test_airing_beats_drying_by_itself() -> None:
    def pressure(minute: float) -> float:
        return min(shower(minute), airing(minute, 30.0, 40.0))

    (effect,) = lived(Effects(), pressure, range(100), contact=(30.0, 40.0))
    assert effect.outcome is Outcome.CONFIRMED


def test_a_rising_trend_is_no_excuse() -> None:
    (effect,) = lived(Effects(), lambda minute: INSIDE + 5.0 * min(minute, 20.0), contact=(20.0, 30.0))
    assert effect.without == effect.before
    assert effect.outcome is Outcome.NO_EFFECT


def test_showers_of_a_real_bathroom_are_no_airings(shared_data: Path) -> None:
    effects, policy = Effects(), Policy(Household(timezone=UTC, rooms=(Room(id="bath", name="Bath"),)))
    raised = 0
    with gzip.open(shared_data / "humidity/belgium_house_10min/house.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            inside, outside = float(row["bathroom_temp_c"]), float(row["out_temp_c"])
            conditions = room(
                0,
                vapour_pressure(inside, float(row["bathroom_rh_pct"])),
                at=datetime.fromisoformat(row["time_local"]).replace(tzinfo=UTC),
                temperature=inside,
                outdoor_temperature=outside,
                outdoor_vapour_pressure=vapour_pressure(outside, float(row["out_rh_pct"])),
            )
            assert effects.observe(conditions, policy.active("bath")) is None
            raised += len(policy.observe(assess(conditions, policy.standing_keys("bath"))))
    assert raised > 100
    assert effects.air_change("bath") == AirChange()


def test_nothing_measured_is_unknown() -> None:
    effects = Effects()
    (effect,) = lived(effects, airing, [*range(20), 75], contact=(10.0, 20.0))
    assert (effect.outcome, effect.measured) == (Outcome.UNKNOWN, None)
    effects = Effects()
    lived(effects, airing, range(12), contact=(10.0, 20.0))
    (effect,) = lived(effects, airing, range(12, 90), contact=(10.0, 20.0), outdoor_age=None)
    assert effect.outcome is Outcome.UNKNOWN


def test_an_airing_nobody_advised_is_not_judged() -> None:
    assert lived(Effects(), airing, contact=(10.0, 20.0), decisions=()) == []
    shadow = replace(advice(), state=DecisionState.SHADOW)
    assert lived(Effects(), airing, contact=(10.0, 20.0), decisions=(shadow,)) == []
    growth = advice(ActKind.INSPECT)
    assert lived(Effects(), airing, contact=(10.0, 20.0), decisions=(growth,)) == []
    heating = advice(ActKind.HEAT)
    assert lived(Effects(), airing, contact=(10.0, 20.0), decisions=(heating,)) == []
    bare = replace(advice(), proposed=None)
    assert lived(Effects(), airing, contact=(10.0, 20.0), decisions=(bare,)) == []


def test_advice_of_long_ago_is_not_what_opened_the_window() -> None:
    late = lived(Effects(), lambda _: INSIDE, range(0, 300, 5), contact=(200.0, 210.0))
    assert late == []


def test_a_window_that_was_open_at_the_start_was_not_opened() -> None:
    effects = Effects()
    effects.observe(room(0, window_open=True), (advice(),))
    assert not effects.under_way("bath")


# --- somebody says so


def test_done_is_taken_at_its_word() -> None:
    effects = Effects()
    lived(effects, airing, range(23), contact=(-1.0, -1.0))
    effects.done(advice(), NOW + 23 * MINUTE)
    assert effects.under_way("bath")
    (effect,) = lived(effects, airing, range(23, 90), contact=(-1.0, -1.0))
    assert (effect.outcome, effect.sign) == (Outcome.CONFIRMED, Sign.ANSWER)
    assert effect.began_at == NOW + 8 * MINUTE
    assert effect.before == pytest.approx(room(0).surface_humidity)


def test_done_without_samples_believes_the_decision() -> None:
    effects = Effects()
    effects.done(advice(), NOW + MINUTE)
    (effect,) = lived(effects, lambda _: 1200.0, range(1, 90))
    assert effect.began_at == NOW
    assert effect.before == 88.2


def test_done_twice_or_of_nothing_is_nothing_more() -> None:
    effects = Effects()
    effects.done(advice(ActKind.INSPECT), NOW)
    effects.done(replace(advice(), proposed=None), NOW)
    effects.done(replace(advice(), room=None), NOW)
    assert not effects.under_way("bath")
    effects.done(advice(), NOW)
    before = effects.snapshot()
    effects.done(replace(advice(), id="d2"), NOW)
    assert effects.snapshot() == before


@pytest.mark.parametrize(
    ("kind", "minutes", "due"),
    [
        (ActKind.VENTILATE, 10.0, 60),
        (ActKind.HEAT, None, 150),
        (ActKind.DEHUMIDIFY, 120.0, 180),
        (ActKind.DEHUMIDIFY, None, 60),
    ],
)
def test_each_act_has_its_time(kind: ActKind, minutes: float | None, due: int) -> None:
    effects = Effects()
    effects.done(advice(kind, minutes), NOW)
    (effect,) = lived(effects, lambda minute: INSIDE - 300.0 * (minute > 20), range(300), decisions=())
    assert effect.at == NOW + due * MINUTE
    assert effect.key is ACT_KEYS[kind]
    assert effect.outcome is Outcome.CONFIRMED


def test_an_open_window_spoils_the_check_of_another_act() -> None:
    effects = Effects()
    effects.done(advice(ActKind.HEAT, None), NOW)
    (effect,) = lived(effects, airing, range(200), contact=(10.0, 20.0), decisions=())
    assert effect.measured is not None
    assert effect.outcome is Outcome.UNKNOWN


def test_opening_it_again_does_not_spoil_an_airing() -> None:
    effects = Effects()
    effects.done(advice(), NOW)
    (effect,) = lived(effects, airing, contact=(10.0, 20.0), decisions=())
    assert effect.outcome is Outcome.CONFIRMED


# --- air change


@pytest.mark.parametrize("rate", [2.0, 6.0, 12.0])
def test_the_rate_is_learned_from_what_the_window_does(rate: float) -> None:
    effects = Effects()
    prior = effects.air_change("bath")
    lived(effects, lambda minute: airing(minute, rate=rate), contact=(10.0, 20.0), decisions=())
    once = effects.air_change("bath")
    assert abs(log(once.rate / rate)) <= abs(log(prior.rate / rate)) + 1e-9
    assert once.log_sd < prior.log_sd
    for day in range(1, 15):
        lived(
            effects,
            lambda minute, day=day: airing(minute - 1440 * day, rate=rate),  # type: ignore[misc]
            [1440 * day + minute for minute in range(30)],
            contact=(1440 * day + 10.0, 1440 * day + 20.0),
            decisions=(),
        )
    learned = effects.air_change("bath")
    assert learned.rate == pytest.approx(rate, rel=0.15)
    assert learned.airings == 15
    assert learned.log_sd >= LEAST_SD
    assert effects.air_change("attic") == AirChange()


def test_a_fall_teaches_less_than_a_contact() -> None:
    by_contact, by_fall = Effects(), Effects()
    lived(by_contact, lambda minute: airing(minute, rate=12.0), contact=(10.0, 20.0))
    lived(by_fall, lambda minute: airing(minute, rate=12.0) - 0.01 * (minute == 9), range(9, 90), decisions=(advice(),))
    assert by_fall.air_change("bath").airings == 0
    effects = Effects()
    effects.observe(room(8.9), (advice(),))
    lived(effects, lambda minute: airing(minute, rate=12.0), range(9, 90), decisions=(advice(),))
    assert effects.air_change("bath").airings == 1
    assert 6.0 < effects.air_change("bath").rate < by_contact.air_change("bath").rate


def test_an_airing_of_which_nothing_was_seen_teaches_nothing() -> None:
    effects = Effects()
    effects.observe(room(0, window_open=False))
    effects.observe(room(1, window_open=True))
    effects.observe(room(2, window_open=False))
    assert effects.air_change("bath") == AirChange()
    effects.observe(room(3, window_open=True))
    effects.observe(room(200, window_open=False))
    assert effects.air_change("bath") == AirChange()


@given(st.floats(0.5, 30.0), st.floats(300.0, 2000.0))
def test_a_clean_decay_gives_its_rate(rate: float, difference: float) -> None:
    minutes = [3.0, 4.0, 5.0, 5.9]
    pressures = [OUTSIDE + difference * exp(-rate * minute / 60.0) for minute in minutes]
    assert decay_rate(minutes, pressures, OUTSIDE + difference, OUTSIDE) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("minutes", "pressures", "before"),
    [
        ([5.0], [750.0], 849.0),
        ([2.0, 41.0], [1000.0, 900.0], 1500.0),
        ([10.0], [705.0], 1500.0),
        ([10.0], [690.0], 1500.0),
        ([10.0], [1600.0], 1500.0),
        ([], [], 1500.0),
    ],
)
def test_what_teaches_nothing(minutes: list[float], pressures: list[float], before: float) -> None:
    assert decay_rate(minutes, pressures, before, OUTSIDE) is None


@given(st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(0.1, 1.0)), max_size=30))
def test_what_is_known_of_a_window_stays_within_bounds(airings: list[tuple[float, float]]) -> None:
    known = AirChange()
    for rate, sd in airings:
        known = known.learned(rate, sd)
        assert RATE_RANGE[0] <= known.rate <= RATE_RANGE[1]
        assert LEAST_SD <= known.log_sd <= PRIOR_SD
        assert known.sd == pytest.approx(known.rate * known.log_sd)
    assert AirChange.restored(Stored(json.loads(json.dumps(known.snapshot())))) == known


def test_the_prior_and_one_step() -> None:
    assert AirChange().rate == pytest.approx(6.0)
    assert AirChange().sd == pytest.approx(3.0)
    # gain 0.25 / (0.25 + 0.16)
    assert AirChange().learned(12.0, 0.4).rate == pytest.approx(6.0 * 2.0 ** (0.25 / 0.41))
    wild = Stored({"log_mean": 1e9, "log_sd": -5.0, "airings": -3})
    assert AirChange.restored(wild) == AirChange(log(RATE_RANGE[1]), LEAST_SD, 0)


# --- what is kept


def test_a_snapshot_survives_a_restart_in_the_middle() -> None:
    whole, first, second = Effects(), Effects(), Effects()
    (expected,) = lived(whole, airing, contact=(10.0, 20.0))
    lived(first, airing, range(45), contact=(10.0, 20.0))
    stored = json.loads(json.dumps(first.snapshot()))
    second.restore(stored)
    assert second.snapshot() == first.snapshot()
    assert second.air_change("bath") == whole.air_change("bath")
    (effect,) = lived(second, airing, range(45, 90), contact=(10.0, 20.0))
    assert effect == expected


def test_a_fall_before_a_restart_is_judged_but_teaches_nothing() -> None:
    first, second = Effects(), Effects()
    lived(first, airing, range(25))
    second.restore(first.snapshot())
    (effect,) = lived(second, airing, [100])
    assert effect.outcome is Outcome.UNKNOWN
    assert second.air_change("bath") == AirChange()


def test_a_room_is_forgotten() -> None:
    effects = Effects()
    lived(effects, airing, range(30), contact=(10.0, 20.0))
    effects.forget("bath")
    effects.forget("attic")
    assert not effects.under_way("bath")
    assert effects.air_change("bath") == AirChange()


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 9},
        {"rooms": 5},
        {"rooms": [{"room": "bath"}]},
        {"rooms": [{"room": "bath", "air_change": {"log_mean": inf, "log_sd": 0.3, "airings": 1}}]},
        {
            "rooms": [
                {
                    "room": "bath",
                    "air_change": AirChange().snapshot(),
                    "trial": {
                        "decision_id": "d1",
                        "act": {"kind": "inspect", "minutes": None, "amount": None, "before": 1, "after": 1},
                    },
                }
            ]
        },
    ],
)
def test_a_damaged_snapshot_changes_nothing(damage: dict[str, Any]) -> None:
    effects = Effects()
    effects.done(advice(), NOW)
    before = effects.snapshot()
    with pytest.raises(SnapshotError):
        effects.restore(before | damage)
    assert effects.snapshot() == before
