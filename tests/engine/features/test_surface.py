"""Surfaces: priors, measured factors, and a factor learned in a cold corner."""

import json
from math import cos, pi, sin
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.errors import ReadingError, SnapshotError
from custom_components.smartloop.engine.features.psychrometrics import dew_point, vapour_pressure
from custom_components.smartloop.engine.features.surface import (
    FACTOR_RANGE,
    MEASURED_SD,
    PRIORS,
    Factor,
    SurfaceFactor,
    SurfaceKind,
    coldest_factor,
    from_mold_indicator,
    from_single_reading,
    surface_factors,
    surface_state,
)
from custom_components.smartloop.engine.household import Construction, Room
from tests.gold import rows

PRIOR = Factor(mean=0.72, sd=0.07)
NAN = float("nan")


def room(construction: Construction = Construction.UNKNOWN, f_rsi: float | None = None) -> Room:
    return Room(id="bath", name="Bath", construction=construction, f_rsi=f_rsi)


def means(factors: tuple[Factor, ...]) -> list[float]:
    return [round(factor.mean, 4) for factor in factors]


@pytest.mark.parametrize("row", rows("mold_indicator_ha"), ids=lambda row: row["mold_indicator_pct"])
def test_home_assistants_mold_indicator(row: dict[str, str]) -> None:
    indoor, outdoor = float(row["indoor_temp_c"]), float(row["outdoor_temp_c"])
    humidity = float(row["indoor_rh_pct"])
    factor = from_mold_indicator(float(row["calibration_factor"]))
    state = surface_state(factor.mean, indoor, vapour_pressure(indoor, humidity), outdoor)
    assert int(state.humidity) == int(row["mold_indicator_pct"])
    assert not state.condensation
    if row["dewpoint_min"]:
        assert float(row["dewpoint_min"]) <= dew_point(indoor, humidity) <= float(row["dewpoint_max"])
        assert float(row["critical_temp_min"]) <= state.temperature <= float(row["critical_temp_max"])


def test_mold_indicator_recomputed() -> None:
    humidities = [
        surface_state(0.5, indoor, vapour_pressure(indoor, humidity), outdoor).humidity
        for indoor, outdoor, humidity in (
            (20.0, 10.0, 50.0),
            (30.0, 10.0, 50.0),
            (30.0, 25.0, 50.0),
            (30.0, 25.0, 20.0),
        )
    ]
    assert humidities == pytest.approx([68.538, 90.751, 57.796, 23.118], abs=5e-4)


def test_condensation_is_capped_and_said() -> None:
    state = surface_state(0.5, 20.0, vapour_pressure(20.0, 80.0), 0.0)
    assert (state.temperature, state.humidity, state.condensation) == (10.0, 100.0, True)


@given(st.floats(0.05, 1.0), st.floats(5.0, 30.0), st.floats(-20.0, 40.0), st.floats(5.0, 100.0))
def test_a_surface_lies_between_inside_and_outside(
    factor: float, indoor: float, outdoor: float, humidity: float
) -> None:
    state = surface_state(factor, indoor, vapour_pressure(indoor, humidity), outdoor)
    assert min(indoor, outdoor) - 1e-9 <= state.temperature <= max(indoor, outdoor) + 1e-9
    assert state.condensation is (state.humidity == 100.0)
    assert surface_state(0.5, 20.0, vapour_pressure(20.0, 50.0), 10.0).humidity == pytest.approx(68.538, abs=5e-4)


@pytest.mark.parametrize(
    ("construction", "expected"),
    [
        (Construction.SINGLE_GLAZING, [0.4, 0.625, 0.525]),
        (Construction.UNINSULATED, [0.625, 0.625, 0.525]),
        (Construction.INSULATED, [0.86, 0.86, 0.76]),
        (Construction.UNKNOWN, [0.72, 0.72, 0.62]),
    ],
)
def test_priors(construction: Construction, expected: list[float]) -> None:
    factors = surface_factors(room(construction))
    assert means(factors) == expected
    assert len(factors) == len(SurfaceKind)
    assert coldest_factor(room(construction)) == PRIORS[construction]


def test_how_sure_the_priors_are() -> None:
    assert {kind: prior.sd for kind, prior in PRIORS.items()} == {
        Construction.SINGLE_GLAZING: 0.05,
        Construction.UNINSULATED: 0.0375,
        Construction.INSULATED: 0.03,
        Construction.UNKNOWN: 0.07,
    }
    _, corner, furniture = surface_factors(room(f_rsi=0.6))
    # Furniture is less sure than the corner it stands in: 0.02 and 0.03 in quadrature.
    assert corner.sd == 0.02
    assert furniture.sd == pytest.approx(0.0360555, abs=1e-6)


def test_a_measured_factor_overrides_the_coldest_bridge() -> None:
    factors = surface_factors(room(Construction.UNKNOWN, 0.6))
    assert means(factors) == [0.72, 0.6, 0.5]
    assert factors[1] == Factor(mean=0.6, sd=MEASURED_SD)
    single = surface_factors(room(Construction.SINGLE_GLAZING, 0.5))
    assert means(single) == [0.5, 0.625, 0.525]
    # Nothing is colder than the coldest.
    assert means(surface_factors(room(Construction.UNKNOWN, 0.9))) == [0.9, 0.9, 0.8]


def test_a_learned_factor_overrides_the_measured_one() -> None:
    learned = Factor(mean=0.66, sd=0.02)
    assert surface_factors(room(f_rsi=0.6), learned)[1] == learned


@given(st.sampled_from(Construction), st.floats(0.05, 1.0))
def test_any_room_has_surfaces(construction: Construction, f_rsi: float) -> None:
    reveal, corner, furniture = surface_factors(room(construction, f_rsi))
    assert furniture.mean <= corner.mean
    assert min(reveal.mean, corner.mean) == f_rsi
    assert means(surface_factors(room(f_rsi=0.6))) == [0.72, 0.6, 0.5]


@pytest.mark.parametrize(("mean", "sd"), [(0.04, 0.1), (1.1, 0.1), (NAN, 0.1), (0.7, -0.1), (0.7, 0.6), (0.7, NAN)])
def test_impossible_factors_are_refused(mean: float, sd: float) -> None:
    with pytest.raises(ReadingError):
        Factor(mean=mean, sd=sd)


def test_single_reading() -> None:
    factor = from_single_reading(14.0, 20.0, 0.0)
    assert factor.mean == pytest.approx(0.7)
    assert factor.sd == pytest.approx(0.0320156, abs=1e-6)
    # More contrast, more sure; a surface a little warmer than walls can be is a warm wall.
    assert from_single_reading(10.0, 20.0, -20.0).sd < factor.sd < from_single_reading(17.0, 20.0, 10.0).sd
    assert from_single_reading(19.9, 20.0, 0.0).mean == 0.98
    # A cooled room in summer.
    assert from_single_reading(24.0, 22.0, 34.0).mean == pytest.approx(5.0 / 6.0)


@pytest.mark.parametrize(
    ("surface", "indoor", "outdoor"),
    [(17.0, 20.0, 10.1), (3.0, 20.0, 0.0), (21.0, 20.0, 0.0), (NAN, 20.0, 0.0), (14.0, NAN, 0.0)],
    ids=["little contrast", "too cold", "warmer than the room", "no surface", "no room"],
)
def test_single_reading_refused(surface: float, indoor: float, outdoor: float) -> None:
    with pytest.raises(ReadingError):
        from_single_reading(surface, indoor, outdoor)


def test_mold_indicator_calibration() -> None:
    assert from_mold_indicator(1.25) == Factor(mean=0.8, sd=MEASURED_SD)
    assert from_mold_indicator(1.0).mean == 1.0
    assert from_mold_indicator(5.0).mean == 0.2
    for calibration in (0.0, 0.99, 5.01, -2.0, NAN, float("inf")):
        with pytest.raises(ReadingError):
            from_mold_indicator(calibration)


def winter(learner: SurfaceFactor, hours: int, truth: float, time_constant: float, seed: int = 7) -> None:
    """Let a corner with a memory of the outdoor temperature pass some winter weeks."""
    random = Random(seed)
    felt = drift = 0.0
    for hour in range(hours):
        drift += random.gauss(-0.03 * drift, 0.4)
        outdoor = 3.0 + drift + 4.0 * sin(2.0 * pi * hour / 24.0)
        indoor = 20.0 + 0.7 * cos(2.0 * pi * hour / 24.0)
        felt = outdoor if hour == 0 else felt + (outdoor - felt) / time_constant
        learner.learn_one(felt + truth * (indoor - felt) + random.gauss(0.0, 0.2), indoor, outdoor)


@pytest.mark.parametrize("time_constant", [4.0, 12.0, 24.0, 48.0])
@pytest.mark.parametrize("truth", [0.35, 0.62, 0.9])
def test_the_corner_teaches_its_factor_and_its_memory(truth: float, time_constant: float) -> None:
    learner = SurfaceFactor(PRIOR)
    assert learner.factor == PRIOR
    assert learner.time_constant_h == 12.0
    winter(learner, 24 * 28, truth, time_constant)
    assert learner.factor.mean == pytest.approx(truth, abs=0.02)
    assert learner.factor.sd == MEASURED_SD
    assert learner.hours > 500.0
    assert 0.5 <= learner.time_constant_h / time_constant <= 2.0


def test_the_deviation_only_shrinks() -> None:
    learner = SurfaceFactor(PRIOR)
    before = learner.factor.sd
    for _ in range(300):
        learner.learn_one(14.0, 20.0, 2.0)
        assert MEASURED_SD <= learner.factor.sd <= before
        before = learner.factor.sd
    assert before == MEASURED_SD


def test_first_step_is_least_squares() -> None:
    learner = SurfaceFactor(PRIOR)
    learner.learn_one(16.0, 20.0, 0.0)
    # 20 K of contrast, 4 K² of noise, prior 0.72 +- 0.07: gain 0.0049 * 20 / (4 + 0.0049 * 400), error 1.6 K.
    assert learner.factor.mean == pytest.approx(0.72 + 0.0049 * 20.0 / 5.96 * 1.6)
    assert learner.factor.sd == pytest.approx((0.0049 * (1.0 - 1.96 / 5.96)) ** 0.5)


def test_the_outdoor_memory_starts_as_a_mean() -> None:
    learner = SurfaceFactor(PRIOR)
    learner.learn_one(None, None, 0.0)
    learner.learn_one(None, None, 6.0)
    # Two readings in, 12 h of memory have seen no more than their mean: 3 °C.
    learner.learn_one(16.0, 20.0, 3.0)
    gain = 0.0049 * 17.0 / (4.0 + 0.0049 * 17.0**2)
    assert learner.factor.mean == pytest.approx(0.72 + gain * (16.0 - (3.0 + 0.72 * 17.0)))


def test_a_day_of_learning_comes_before_the_choice_of_a_memory() -> None:
    learner = SurfaceFactor(PRIOR)
    # The frost of a sudden morning: the shortest memory explains the sensor at once.
    for hour in range(24):
        assert learner.time_constant_h == 12.0
        outdoor = 10.0 if hour < 12 else -10.0
        learner.learn_one(outdoor + 0.72 * (20.0 - outdoor), 20.0, outdoor)
    assert learner.hours == 24.0
    assert learner.time_constant_h == 4.0


def test_little_contrast_or_a_missing_sensor_teaches_nothing() -> None:
    learner = SurfaceFactor(PRIOR)
    learner.learn_one(16.0, 20.0, 15.1)
    learner.learn_one(None, 20.0, 0.0)
    learner.learn_one(14.0, None, 0.0)
    assert (learner.factor, learner.hours) == (PRIOR, 0.0)
    learner.learn_one(16.0, 20.0, 15.0)
    assert learner.hours == 1.0


@given(st.lists(st.tuples(st.floats(-60.0, 60.0), st.floats(-60.0, 60.0), st.floats(-60.0, 60.0)), max_size=40))
def test_the_factor_stays_physical(steps: list[tuple[float, float, float]]) -> None:
    learner = SurfaceFactor(PRIOR)
    for surface, indoor, outdoor in steps:
        learner.learn_one(surface, indoor, outdoor)
    assert FACTOR_RANGE[0] <= learner.factor.mean <= FACTOR_RANGE[1]
    assert MEASURED_SD <= learner.factor.sd <= PRIOR.sd
    again = SurfaceFactor(PRIOR)
    again.restore(json.loads(json.dumps(learner.snapshot())))
    assert again.snapshot() == learner.snapshot()


def test_a_wall_that_was_insulated_is_noticed() -> None:
    learner = SurfaceFactor(PRIOR)
    winter(learner, 24 * 60, 0.6, 12.0)
    winter(learner, 24 * 90, 0.85, 12.0)
    assert learner.factor.mean > 0.75


@pytest.mark.parametrize(
    ("surface", "indoor", "outdoor", "hours"),
    [
        (NAN, 20.0, 0.0, 1.0),
        (14.0, NAN, 0.0, 1.0),
        (14.0, 20.0, NAN, 1.0),
        (14.0, 20.0, 200.0, 1.0),
        (14.0, 20.0, 0.0, 0.0),
        (14.0, 20.0, 0.0, NAN),
    ],
)
def test_impossible_temperatures_are_refused(surface: float, indoor: float, outdoor: float, hours: float) -> None:
    learner = SurfaceFactor(PRIOR)
    before = learner.snapshot()
    with pytest.raises(ReadingError):
        learner.learn_one(surface, indoor, outdoor, hours)
    assert learner.snapshot() == before


def test_restored_learner_goes_on_the_same() -> None:
    learner, again = SurfaceFactor(PRIOR), SurfaceFactor(Factor(mean=0.5, sd=0.1))
    winter(learner, 200, 0.6, 24.0)
    again.restore(json.loads(json.dumps(learner.snapshot())))
    for each in (learner, again):
        winter(each, 48, 0.6, 24.0, seed=8)
    assert again.snapshot() == learner.snapshot()
    assert (again.factor, again.time_constant_h, again.hours) == (
        learner.factor,
        learner.time_constant_h,
        learner.hours,
    )


# Age, hours, then 5 each of means, variances, outdoor memories and errors.
@pytest.mark.parametrize(
    ("place", "value"),
    [(1, 9e9), (1, -1.0), (2, 0.1), (6, 0.99), (7, -0.1), (11, 0.3), (12, 500.0), (17, -1.0), (21, 1e6), (0, NAN)],
)
def test_impossible_state_is_refused(place: int, value: float) -> None:
    learner = SurfaceFactor(PRIOR)
    winter(learner, 48, 0.6, 24.0)
    before = learner.snapshot()
    state = list(before)
    state[place] = value
    for garbage in (state, state[:-1], None):
        with pytest.raises(SnapshotError):
            learner.restore(garbage)
    assert learner.snapshot() == before
