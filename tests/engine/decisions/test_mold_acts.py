"""The one best act: what it does, that it never makes things worse, and that it is not so already."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from math import exp
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from custom_components.smartloop.engine.decisions.airing import (
    MAX_AIRING_MIN,
    MAX_DRYING_MIN,
    MIN_AIRING_MIN,
    Air,
    aired,
    airing_minutes,
    cooling_share,
    drying_minutes,
    warmed,
)
from custom_components.smartloop.engine.decisions.candidate import Candidate, Reason
from custom_components.smartloop.engine.decisions.decision import Act, ActKind, DecisionKey, Severity
from custom_components.smartloop.engine.decisions.mold import (
    MIN_FALL,
    PRESSURE_MARGIN,
    STALE_OUTDOOR,
    RoomConditions,
    assess,
    best_act,
)
from custom_components.smartloop.engine.errors import ReadingError
from custom_components.smartloop.engine.features.psychrometrics import vapour_pressure
from custom_components.smartloop.engine.household import Autonomy, RoomKind, WallClass
from custom_components.smartloop.engine.models.mold import critical_humidity

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
VENTILATE, HEAT, DEHUMIDIFY = DecisionKey.MOLD_VENTILATE, DecisionKey.MOLD_HEAT, DecisionKey.MOLD_DEHUMIDIFY
GROWTH = DecisionKey.MOLD_GROWTH


def room(
    temperature: float = 20.0,
    humidity: float = 65.0,
    outdoor_temperature: float = 5.0,
    outdoor_humidity: float = 80.0,
    **more: Any,
) -> RoomConditions:
    return RoomConditions(
        room="bath",
        at=NOW,
        temperature=temperature,
        vapour_pressure=vapour_pressure(temperature, humidity),
        outdoor_temperature=outdoor_temperature,
        outdoor_vapour_pressure=vapour_pressure(outdoor_temperature, outdoor_humidity),
        **{"f_rsi": 0.7, "outdoor_age": timedelta(minutes=10), **more},
    )


def act_of(conditions: RoomConditions, standing: frozenset[DecisionKey] = frozenset()) -> Act | None:
    for candidate in assess(conditions, standing).candidates:
        if candidate.key is not GROWTH:
            return candidate.proposed
    return None


def candidate_of(conditions: RoomConditions, key: DecisionKey) -> Candidate | None:
    return {candidate.key: candidate for candidate in assess(conditions).candidates}.get(key)


def saturation(temperature: float) -> float:
    return 611.2 * exp(17.62 * temperature / (243.12 + temperature))


def at_surface(pressure: float, inside: float, outside: float, factor: float) -> float:
    """The formula of the brief, written down a second time."""
    return 100.0 * pressure / saturation(outside + factor * (inside - outside))


rooms = st.builds(
    room,
    temperature=st.floats(5, 30),
    humidity=st.floats(20, 100),
    outdoor_temperature=st.floats(-20, 38),
    outdoor_humidity=st.floats(10, 100),
    f_rsi=st.floats(0.2, 1.0),
    volume_m3=st.none() | st.floats(4, 200),
    kind=st.sampled_from(RoomKind),
    wall_class=st.sampled_from(WallClass),
    window_open=st.sampled_from([None, False, True]),
    dehumidifier_on=st.sampled_from([None, False, True]),
    heating_on=st.sampled_from([None, False, True]),
    air_change_rate=st.floats(0.5, 30),
    forecast_surface_humidity=st.none() | st.floats(20, 100),
    comfort_limit=st.sampled_from([19.0, 22.0]),
)
standings = st.sampled_from([frozenset[DecisionKey](), *(frozenset({key}) for key in (VENTILATE, HEAT, DEHUMIDIFY))])


# --- laws


def check_lower(conditions: RoomConditions, act: Act, least: float) -> None:
    inside, outside = conditions.temperature, conditions.outdoor_temperature
    pressure, outdoor = conditions.vapour_pressure, conditions.outdoor_vapour_pressure
    assert outside is not None
    assert outdoor is not None
    before = min(at_surface(pressure, inside, outside, conditions.f_rsi), 100.0)
    assert act.surface_humidity_before == pytest.approx(before)
    assert act.surface_humidity_after <= before - least + 1e-9
    if act.kind is ActKind.HEAT:
        assert act.amount is not None
        ends = [at_surface(pressure, inside + act.amount, outside, conditions.f_rsi)]
    elif act.kind is ActKind.DEHUMIDIFY:
        assert act.amount is not None
        ends = [at_surface(act.amount / 100.0 * saturation(inside), inside, outside, conditions.f_rsi)]
    else:
        assert act.minutes is not None
        assert outdoor <= pressure - PRESSURE_MARGIN
        left = outdoor + (pressure - outdoor) * exp(-conditions.air_change_rate * act.minutes / 60.0)
        assert conditions.air is not None
        cooled = inside - cooling_share(conditions.air_change_rate, conditions.air.volume_m3) * (inside - outside)
        # When the window is shut, and when the air is as warm again as it was.
        ends = [at_surface(left, each, outside, conditions.f_rsi) for each in (cooled, inside)]
    assert all(min(end, 100.0) <= act.surface_humidity_after + 1e-6 for end in ends)


@settings(max_examples=400)
@given(rooms, standings)
def test_advice_always_lowers_the_surface_humidity(
    conditions: RoomConditions, standing: frozenset[DecisionKey]
) -> None:
    act = act_of(conditions, standing)
    if act is not None:
        check_lower(conditions, act, 2.0 if standing else MIN_FALL)


def test_advice_lowers_the_surface_humidity_over_the_whole_range() -> None:
    advised: Counter[ActKind] = Counter()
    for inside, humidity, outside, outdoor_humidity, factor, dryer in product(
        range(8, 29, 4), range(30, 101, 10), range(-15, 36, 5), (20, 50, 80, 100), (0.3, 0.5, 0.7, 0.9), (None, False)
    ):
        conditions = room(inside, humidity, outside, outdoor_humidity, f_rsi=factor, dehumidifier_on=dryer)
        act = act_of(conditions)
        if act is not None:
            check_lower(conditions, act, MIN_FALL)
            advised[act.kind] += 1
    assert all(advised[kind] > 100 for kind in (ActKind.VENTILATE, ActKind.HEAT, ActKind.DEHUMIDIFY)), advised


@settings(max_examples=400)
@given(rooms, standings)
def test_what_is_so_already_is_never_advised(conditions: RoomConditions, standing: frozenset[DecisionKey]) -> None:
    act = act_of(conditions, standing)
    if act is None:
        return
    assert not conditions.window_open
    if act.kind is ActKind.HEAT:
        assert act.amount is not None
        assert act.amount >= 0.5
        assert conditions.temperature + act.amount <= conditions.comfort_limit
        assert not conditions.heating_on
    if act.kind is ActKind.DEHUMIDIFY:
        assert not conditions.dehumidifier_on
        assert act.amount is not None
        assert act.amount >= 40.0
        assert vapour_pressure(conditions.temperature, act.amount) < conditions.vapour_pressure
    if act.kind is ActKind.VENTILATE:
        assert act.minutes is not None
        assert MIN_AIRING_MIN <= act.minutes <= MAX_AIRING_MIN


@given(rooms, standings)
def test_a_dry_surface_gets_no_advice(conditions: RoomConditions, standing: frozenset[DecisionKey]) -> None:
    air = conditions.air
    assert air is not None
    critical = critical_humidity(air.surface_temperature(), conditions.wall_class)
    if air.surface_humidity() < critical - 5.0:
        assert best_act(conditions, air, standing) == (None, Reason.SURFACE_DRY)


@given(rooms)
def test_an_act_or_a_reason_but_not_both(conditions: RoomConditions) -> None:
    assessment = assess(conditions)
    assert (assessment.reason is None) == bool(assessment.candidates)
    assert not assessment.abstained


@given(rooms, st.floats(0, 400))
def test_more_vapour_scores_higher(conditions: RoomConditions, more: float) -> None:
    wetter = replace(conditions, vapour_pressure=conditions.vapour_pressure + more)
    drier, damper = ([said.score for said in assess(each).candidates] for each in (conditions, wetter))
    assert not (drier and damper) or damper[0] >= drier[0] - 1e-9


@given(rooms, st.floats(1, 60), st.floats(0.5, 30))
def test_longer_airing_of_drier_air_dries_more(conditions: RoomConditions, minutes: float, rate: float) -> None:
    air = conditions.air
    assert air is not None
    assume(air.outdoor_vapour_pressure < air.vapour_pressure)
    ends = [aired(air, minutes + more, rate) for more in range(0, 30, 5)]
    for (end, recovered), (later_end, later_recovered) in pairwise(ends):
        assert later_end <= end + 1e-9
        assert later_recovered <= recovered + 1e-9


@given(rooms, st.floats(0, 200), st.floats(1, 30))
def test_wetter_outdoor_air_dries_less(conditions: RoomConditions, more: float, minutes: float) -> None:
    air = conditions.air
    assert air is not None
    wetter = replace(air, outdoor_vapour_pressure=air.outdoor_vapour_pressure + more)
    assert max(aired(air, minutes, 6.0)) <= max(aired(wetter, minutes, 6.0)) + 1e-9


@given(rooms)
def test_warmer_surfaces_are_drier(conditions: RoomConditions) -> None:
    air = conditions.air
    assert air is not None
    assume(air.temperature > air.outdoor_temperature)
    humidities = [replace(air, f_rsi=factor / 10).surface_humidity() for factor in range(1, 11)]
    assert all(later <= earlier for earlier, later in pairwise(humidities))
    assert all(warmed(air, kelvin + 1.0) < warmed(air, kelvin) for kelvin in range(5))


# --- reference values

AIR = Air(
    temperature=20.0,
    vapour_pressure=vapour_pressure(20.0, 65.0),
    outdoor_temperature=5.0,
    outdoor_vapour_pressure=vapour_pressure(5.0, 80.0),
    f_rsi=0.7,
    volume_m3=30.0,
)


def test_the_surface_of_the_reference_room() -> None:
    # 5 + 0.7 * 15 = 15.5 °C; es(20) = 2333 Pa, es(15.5) = 1757 Pa
    assert AIR.surface_temperature() == pytest.approx(15.5)
    assert AIR.surface_humidity() == pytest.approx(100 * 0.65 * 2332.6 / 1757.2, abs=0.05)
    assert AIR.surface_humidity(temperature=22.0) == warmed(AIR, 2.0)


def test_the_air_cools_by_a_third_of_the_way() -> None:
    # h A / (rho c V): 2.5 * 6 * 30^(2/3) / (1206 * 30) * 3600 = 14.41 1/h
    assert cooling_share(6.0, 30.0) == pytest.approx(6.0 / 20.41, rel=1e-3)


def test_ten_minutes_of_airing() -> None:
    # e: 1516.2 -> 697.4 + 818.8 * exp(-1) = 998.6 Pa; air 20 - 15 * 0.2940 = 15.59 °C, surface 12.41 °C
    end, recovered = aired(AIR, 10.0, 6.0)
    assert end == pytest.approx(100 * 998.6 / saturation(12.413), abs=0.05)
    assert recovered == pytest.approx(100 * (1516.2 - 0.7 * 517.6) / saturation(15.5), abs=0.05)


def test_minutes_are_those_until_the_target() -> None:
    minutes = airing_minutes(AIR, 75.0, 6.0)
    assert max(aired(AIR, minutes, 6.0)) <= 75.0
    assert max(aired(AIR, minutes - 1, 6.0)) > 75.0


def test_airing_ends_where_nothing_more_is_to_be_won() -> None:
    assert airing_minutes(AIR, 1.0, 6.0) == 24  # ln 10 / 6 h
    assert airing_minutes(AIR, 1.0, 1.0) == MAX_AIRING_MIN
    assert airing_minutes(AIR, 86.0, 6.0) == MIN_AIRING_MIN
    assert airing_minutes(AIR, 99.0, 6.0) == MIN_AIRING_MIN


def test_minutes_of_a_dehumidifier() -> None:
    # 10 * 30 m³ / (461.5 * 293.15) * 500 Pa = 1.109 L at 5 L a day = 319 min, in whole tens
    assert drying_minutes(AIR, AIR.vapour_pressure - 500.0) == 320
    assert drying_minutes(replace(AIR, volume_m3=5000.0), 100.0) == MAX_DRYING_MIN


# --- which act


def test_airing_comes_first() -> None:
    act = act_of(room(dehumidifier_on=False))
    assert act is not None
    assert (act.kind, act.minutes, act.amount) == (ActKind.VENTILATE, 8.0, None)
    assert act.surface_humidity_before == pytest.approx(86.29, abs=0.01)
    assert act.surface_humidity_after == pytest.approx(74.06, abs=0.01)


def test_a_dehumidifier_comes_before_heating_where_there_is_one() -> None:
    wet_outside = {"humidity": 75.0, "outdoor_temperature": 14.0, "outdoor_humidity": 100.0, "f_rsi": 0.5}
    drying = act_of(room(**wet_outside, dehumidifier_on=False))
    assert drying is not None
    assert drying.kind is ActKind.DEHUMIDIFY
    assert drying.amount == 62.0
    heating = act_of(room(**wet_outside))
    assert heating is not None
    assert heating.kind is ActKind.HEAT
    assert heating.amount == 2.0
    at_limit = act_of(room(**wet_outside, comfort_limit=20.4))
    assert at_limit is not None
    assert at_limit.kind is ActKind.DEHUMIDIFY


def test_a_dearer_act_is_taken_when_the_cheaper_one_wins_too_little() -> None:
    hardly_drier = room(19.0, 80.0, 15.0, 95.0, f_rsi=0.5, air_change_rate_sd=0.0, f_rsi_sd=0.0, dehumidifier_on=False)
    air = hardly_drier.air
    assert air is not None
    assert max(aired(air, 24, 6.0)) < air.surface_humidity() - MIN_FALL
    act = act_of(hardly_drier)
    assert act is not None
    assert act.kind is ActKind.DEHUMIDIFY


def test_when_none_is_enough_the_strongest_is_taken() -> None:
    act = act_of(room(21.5, 75.0, 0.0, 80.0, f_rsi=0.2, comfort_limit=22.0))
    assert act is None  # 100 % before and after whatever is done
    act = act_of(room(21.0, 45.0, -5.0, 100.0, f_rsi=0.5, air_change_rate=0.55, air_change_rate_sd=0.0))
    assert act is not None
    assert act.kind is ActKind.DEHUMIDIFY
    assert act.surface_humidity_after > 80.0


def test_an_act_that_stands_is_kept_while_it_helps() -> None:
    both = room(19.0, 70.0, 5.0, 80.0)
    first, kept = act_of(both), act_of(both, frozenset({HEAT}))
    assert first is not None
    assert kept is not None
    assert (first.kind, kept.kind) == (ActKind.VENTILATE, ActKind.HEAT)
    assert act_of(room(humidity=59.0)) is None
    assert act_of(room(humidity=59.0), frozenset({GROWTH})) is None
    assert act_of(room(humidity=59.0), frozenset({VENTILATE})) is not None


def test_one_degree_of_a_poor_wall_is_not_worth_a_word() -> None:
    assert act_of(room(20.0, 65.0, 19.0, 100.0, f_rsi=0.1, dehumidifier_on=True, comfort_limit=20.5)) is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"outdoor_age": STALE_OUTDOOR + timedelta(seconds=1)}, Reason.STALE_OUTDOOR),
        ({"outdoor_age": None}, Reason.STALE_OUTDOOR),
        ({"autonomy": Autonomy.OFF}, Reason.JOURNEY_OFF),
        ({"window_open": True}, Reason.WINDOW_OPEN),
        ({"humidity": 50.0}, Reason.SURFACE_DRY),
        ({"humidity": 59.0}, Reason.SURFACE_DRY),
        (
            {
                "temperature": 22.0,
                "outdoor_temperature": 17.0,
                "outdoor_humidity": 100.0,
                "humidity": 75.0,
                "dehumidifier_on": True,
            },
            Reason.NOTHING_HELPS,
        ),
    ],
)
def test_no_act_has_its_reason(more: dict[str, Any], reason: Reason) -> None:
    assessment = assess(room(**more))
    assert assessment.candidates == ()
    assert assessment.reason is reason
    assert assessment.abstained is (reason is Reason.STALE_OUTDOOR)


def test_without_outdoor_numbers_nothing_is_claimed() -> None:
    known = room(mold_index=2.0)
    for blind in (replace(known, outdoor_temperature=None), replace(known, outdoor_vapour_pressure=None)):
        assert blind.surface_humidity is None
        assert assess(blind).abstained
        assert assess(blind).candidates == ()


def test_uncertain_vapour_widens_the_margin() -> None:
    conditions = room(20.0, 70.0, 12.0, 100.0, f_rsi=0.5)  # 230 Pa apart
    assert act_of(conditions) is not None
    vague = act_of(replace(conditions, vapour_pressure_sd=120.0))
    assert vague is not None
    assert vague.kind is not ActKind.VENTILATE


def test_what_is_being_done() -> None:
    assert assess(room()).done == frozenset()
    assert assess(room(window_open=True)).done == {VENTILATE}
    assert assess(room(dehumidifier_on=True)).done == {DEHUMIDIFY}
    assert assess(room(heating_on=True)).done == {HEAT}
    assert assess(room(temperature=21.8)).done == {HEAT}


def test_a_forecast_counts_once_the_surface_is_near() -> None:
    soon = candidate_of(room(humidity=58.0, forecast_surface_humidity=90.0), VENTILATE)
    assert soon is not None
    assert soon.score == pytest.approx(1.5)
    assert "forecast_surface_humidity" in {item.name for item in soon.evidence}
    assert candidate_of(room(humidity=50.0, forecast_surface_humidity=90.0), VENTILATE) is None
    harmless = candidate_of(room(forecast_surface_humidity=60.0), VENTILATE)
    assert harmless is not None
    assert "forecast_surface_humidity" not in {item.name for item in harmless.evidence}


def test_the_evidence_of_an_act() -> None:
    said = candidate_of(room(), VENTILATE)
    assert said is not None
    assert said.severity is Severity.ADVICE
    assert said.score == pytest.approx(1.0 + (86.286 - 80.0) / 20.0, abs=1e-3)
    evidence = {item.name: item for item in said.evidence}
    assert evidence["critical_humidity"].value == pytest.approx(80.0)
    assert evidence["vapour_pressure"].value == pytest.approx(15.16, abs=0.01)
    assert evidence["vapour_pressure"].lo == pytest.approx(15.16 - 0.658, abs=0.01)
    assert evidence["outdoor_vapour_pressure"].value == pytest.approx(6.97, abs=0.01)
    surface = evidence["surface_humidity"]
    assert surface.lo is not None
    assert surface.hi is not None
    assert 0.0 <= surface.lo < surface.value < surface.hi <= 100.0


# --- growth


@pytest.mark.parametrize(
    ("index", "growth", "days", "score", "severity"),
    [
        (0.4, 0.0, None, 0.4, Severity.ADVICE),
        (1.2, None, None, 1.2, Severity.ADVICE),
        (1.2, -0.1, None, 1.2, Severity.ADVICE),
        (0.3, 0.05, None, 1.0, Severity.ADVICE),
        (0.3, 0.0, 13.0, 1.0, Severity.ADVICE),
        (0.3, 0.0, 15.0, 0.3, Severity.ADVICE),
        (1.0, 0.15, None, 3.1, Severity.WARNING),
        (3.0, 0.0, None, 3.0, Severity.WARNING),
    ],
)
def test_conditions_for_growth(
    index: float, growth: float | None, days: float | None, score: float, severity: Severity
) -> None:
    said = candidate_of(
        room(humidity=40.0, mold_index=index, growth_per_day=growth, days_to_mold=days, hours_above_critical=12.0),
        GROWTH,
    )
    assert said is not None
    assert said.score == pytest.approx(score)
    assert said.severity is severity
    assert said.proposed is not None
    assert said.proposed.kind is ActKind.INSPECT
    names = {item.name for item in said.evidence}
    assert names == {"mold_index", "hours_above_critical"} | ({"days_to_mold"} if days is not None else set())


def test_the_index_comes_with_its_band() -> None:
    said = candidate_of(room(mold_index=1.2, mold_index_lo=0.8, mold_index_hi=1.9), GROWTH)
    assert said is not None
    assert [(item.value, item.lo, item.hi) for item in said.evidence] == [(1.2, 0.8, 1.9)]
    assert candidate_of(room(), GROWTH) is None


# --- refusals


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 99.0},
        {"vapour_pressure": float("nan")},
        {"vapour_pressure": 0.0},
        {"f_rsi": 0.0},
        {"air_change_rate": 0.0},
        {"outdoor_temperature": -90.0},
        {"outdoor_vapour_pressure": -1.0},
        {"volume_m3": 0.1},
        {"comfort_limit": 50.0},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001
    ],
)
def test_impossible_conditions_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ReadingError):
        replace(room(), **wrong)


def test_the_volume_is_the_owners_or_the_kinds() -> None:
    for conditions, volume in (
        (room(volume_m3=18.0), 18.0),
        (room(kind=RoomKind.BATHROOM), 14.0),
        (room(kind=RoomKind.OFFICE), 30.0),
    ):
        assert conditions.air is not None
        assert conditions.air.volume_m3 == volume
