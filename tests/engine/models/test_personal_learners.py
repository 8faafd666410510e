"""What each personal learner promises beyond the battery: reference values, guards, grades."""

from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.models.personal_action import LEAST_CHANCE, MOST_CHANCE, ActionHead
from custom_components.smartloop.engine.models.personal_baseline import Baseline, Season
from custom_components.smartloop.engine.models.personal_crossover import Strata, expected, fit, shifted_chance
from custom_components.smartloop.engine.models.personal_drift import FeatureShift, PageHinkley
from custom_components.smartloop.engine.models.personal_head import LinearHead, LogisticHead, sigmoid
from custom_components.smartloop.engine.models.personal_mixture import PersonalHead
from custom_components.smartloop.engine.models.personal_posterior import LEAST_VARIANCE, Posterior, Prior
from custom_components.smartloop.engine.models.personal_score import Score
from custom_components.smartloop.engine.models.personal_settle import How, settle
from custom_components.smartloop.engine.models.personal_sketch import ACCURACY, MOST_BINS, Sketch
from custom_components.smartloop.engine.models.personal_triggers import Exposure, Grade, TriggerFinder

START = datetime(2026, 1, 5, tzinfo=UTC)


# Quantiles.


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.floats(0.0, 1.0))
def test_a_quantile_is_within_one_percent_of_a_value_of_that_rank(values: list[float], share: float) -> None:
    sketch = Sketch()
    for value in values:
        sketch.update(value)
    found = sketch.quantile(share)
    rank = min(max(int(np.ceil(share * len(values))) - 1, 0), len(values) - 1)
    true = sorted(values)[rank]

    assert found is not None
    assert abs(found - true) <= ACCURACY * 1.01 * abs(true) + 1e-4


def test_to_merge_is_to_have_seen_all_in_any_order() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0.0, 40.0, 300).tolist()
    whole, left, right = Sketch(), Sketch(), Sketch()
    for place, value in enumerate(values):
        whole.update(value)
        (left if place % 3 else right).update(value)
    left.merge(right)

    assert left.snapshot() == whole.snapshot()
    assert whole.bins < MOST_BINS


def test_the_sketch_of_nothing_knows_nothing() -> None:
    assert Sketch().quantile(0.5) is None
    assert Sketch().share_below(1.0) is None


# Heads.


def test_a_linear_head_is_the_exact_bayesian_regression() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(30, 3))
    y = x @ np.array([1.0, -2.0, 0.5]) + 0.1 * rng.normal(size=30)
    posterior = Posterior(Prior.flat(3, 4.0))
    for place, row in enumerate(x):
        spread = posterior.spread(row)[0]
        error = float(y[place] - row @ posterior.mean)
        posterior.add(str(place), row, error / (1.0 + spread), 1.0)

    exact = np.linalg.solve(x.T @ x + np.eye(3) / 4.0, x.T @ y)
    assert posterior.mean == pytest.approx(exact, abs=1e-9)
    assert posterior.variance == pytest.approx(np.diag(np.linalg.inv(x.T @ x + np.eye(3) / 4.0)), abs=1e-9)


def test_the_first_answer_is_at_the_mode() -> None:
    head = LogisticHead(Prior.flat(1))
    head.learn_one("a", [1.0], outcome=True)
    mode = float(head.posterior.mean[0])

    # At the mode of N(0, 1) times the logistic function the slope is zero: m = 1 - s(m).
    assert mode == pytest.approx(1.0 - sigmoid(mode), abs=1e-7)


@given(st.lists(st.tuples(st.floats(-8, 8), st.floats(-8, 8), st.booleans()), min_size=1, max_size=20))
def test_what_is_added_and_taken_back_leaves_the_prior(rows: list[tuple[float, float, bool]]) -> None:
    head = LogisticHead(Prior((0.3, -0.2), (1.0, 0.5)))
    for place, (a, b, outcome) in enumerate(rows):
        head.learn_one(str(place), [a, b], outcome=outcome)
    for place in range(len(rows)):
        assert head.retract(str(place))

    assert head.posterior.count == 0
    assert head.posterior.mean == pytest.approx([0.3, -0.2], abs=1e-6)
    assert head.posterior.variance == pytest.approx([1.0, 0.5], rel=1e-6)


def test_to_forget_everything_is_to_be_back_at_the_prior() -> None:
    head = LogisticHead(Prior((0.5,), (2.0,)))
    for place in range(50):
        head.learn_one(str(place), [1.0], outcome=False)
    head.posterior.forget(1e-12)

    assert head.posterior.mean == pytest.approx([0.5], abs=1e-6)
    assert head.posterior.variance == pytest.approx([2.0], rel=1e-6)


def test_a_missing_feature_widens_the_belief() -> None:
    head = LogisticHead(Prior.flat(3))
    full, partly = head.predict_one([1.0, 0.0, 1.0]), head.predict_one([1.0, float("nan"), 1.0])

    assert full is not None
    assert partly is not None
    assert partly.variance > full.variance
    assert head.predict_one([1.0, float("nan"), float("nan")]) is None


def test_the_pool_finds_how_people_are_and_how_they_differ() -> None:
    rng = np.random.default_rng(3)
    told, known = [], []
    outside = Prior.flat(2, 4.0)
    for _ in range(60):
        weights = np.array([1.5, -1.0]) + np.array([0.2, 1.0]) * rng.normal(size=2)
        head = LinearHead(outside, noise=1.0)
        for place in range(40):
            x = rng.normal(size=2)
            head.learn_one(str(place), x, outcome=float(x @ weights + rng.normal()))
        told.append(head.posterior.mean)
        known.append(head.posterior.variance)
    pool = Prior.pooled(told, known, outside)

    assert pool.mean == pytest.approx([1.5, -1.0], abs=0.35)
    assert pool.variance[0] == pytest.approx(LEAST_VARIANCE, abs=0.08)
    assert pool.variance[1] == pytest.approx(1.0, abs=0.45)
    assert Prior.pooled([], [], outside) is outside


@pytest.mark.parametrize(
    ("mean", "variance"), [((), ()), ((1.0,), (0.0,)), ((float("nan"),), (1.0,)), ((1.0,), (1.0, 1.0))]
)
def test_no_prior_is_what_is_no_distribution(mean: tuple[float, ...], variance: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="prior"):
        Prior(mean, variance)


def test_a_head_that_does_worse_than_its_prior_is_silenced_until_it_no_longer_is() -> None:
    rng = np.random.default_rng(4)
    head = PersonalHead(Prior((2.0,), (0.2,)))
    for place in range(60):
        head.learn_one(f"a{place}", [1.0], outcome=place % 8 != 0)
    # Answers that turn with every message: whatever was learned last is wrong.
    for place in range(120):
        head.learn_one(f"b{place}", [1.0 if rng.random() < 0.5 else -1.0], outcome=place % 2 == 0)
        if head.reverted:
            belief = head.predict_one([1.0])
            assert belief is not None
            assert belief.value == pytest.approx(0.87, abs=0.02)
    assert sum(head.weights.values()) == pytest.approx(1.0)


def test_a_person_who_changes_is_noticed_and_followed() -> None:
    head = PersonalHead(Prior.flat(1))
    for place in range(150):
        head.learn_one(f"a{place}", [1.0], outcome=place % 20 != 0)
    assert head.drifts == 0
    for place in range(60):
        head.learn_one(f"b{place}", [1.0], outcome=place % 20 == 0)
    belief = head.predict_one([1.0])

    assert head.drifts >= 1
    assert belief is not None
    assert belief.value < 0.3


def test_the_effect_is_found_though_the_baseline_is_not() -> None:
    rng = np.random.default_rng(5)
    head = ActionHead(Prior.flat(2), noise=1.0)
    for place in range(600):
        x, chance = [1.0, float(rng.normal())], 0.3
        acted = bool(rng.random() < chance)
        # The baseline bends; no linear one can follow it.
        reward = 3.0 * np.sin(3.0 * x[1]) + acted * (0.5 - 1.0 * x[1]) + 0.3 * float(rng.normal())
        head.learn_one(str(place), x, acted=acted, chance=chance, reward=float(reward))

    assert head.effect.posterior.mean == pytest.approx([0.5, -1.0], abs=0.3)
    assert head.chance([1.0, -3.0]) == MOST_CHANCE
    assert head.chance([1.0, 5.0]) == LEAST_CHANCE
    assert head.chance([float("nan"), float("nan")]) is None
    assert not head.learn_one("sure", [1.0, 0.0], acted=True, chance=1.0, reward=1.0)


# Drift, scores, baselines.


def test_steady_losses_raise_no_alarm() -> None:
    test, rng = PageHinkley(), np.random.default_rng(6)
    for _ in range(2000):
        test.update(0.223 if rng.random() < 0.8 else 1.609)
    assert test.alarms <= 2
    before = test.alarms
    for _ in range(60):
        test.update(1.609)
    assert test.alarms > before


def test_a_feature_that_moved_is_named() -> None:
    shift, rng = FeatureShift(2), np.random.default_rng(7)
    at = 0.0
    for place in range(600):
        at += 3600.0
        shift.update(at, [float(rng.normal()), float(rng.normal(3.0 if place > 250 else 0.0))])
    assert shift.shifted == (1,)


def test_the_score_of_a_perfect_forecast() -> None:
    score = Score()
    for place in range(400):
        score.update(float(place % 2), prior=0.5, outcome=place % 2 == 1)

    assert score.loss == pytest.approx(0.0, abs=1e-3)
    assert score.skill_over_prior == pytest.approx(1.0, abs=1e-3)
    assert score.calibration_error == pytest.approx(0.0)
    assert Score().loss is None


def test_a_baseline_knows_the_hours_and_what_is_rare() -> None:
    line, rng = Baseline(Season.HOUR), np.random.default_rng(8)
    for hour in range(24 * 40):
        at = START + timedelta(hours=hour)
        line.learn_one(at, 50.0 + 20.0 * (at.hour >= 12) + float(rng.normal()))
    morning, evening = START + timedelta(days=40, hours=6), START + timedelta(days=40, hours=18)
    usual, odd = line.score_one(morning, 50.0), line.score_one(evening, 50.0)

    assert usual is not None
    assert odd is not None
    assert abs(usual.deviation) < 2.0
    assert odd.deviation < -6.0
    assert odd.rarity < 0.01
    assert line.coverage == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("wander", [0.0, 0.2, 0.5])
def test_a_band_holds_nine_in_ten_also_where_the_level_wanders(wander: float) -> None:
    """Quantiles of what was left over alone hold .80 where the level wanders by half the noise a day."""
    shares = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        values = 55.0 + np.cumsum(rng.normal(0.0, wander, 120)) + rng.normal(0.0, 1.0, 120)
        line = Baseline()
        for day, value in enumerate(values):
            line.learn_one(START + timedelta(days=day), float(value))
        assert line.coverage is not None
        shares.append(line.coverage)
    assert 0.87 <= float(np.mean(shares)) <= 0.94


def test_a_constant_is_not_surprising_but_its_change_is() -> None:
    line = Baseline()
    for day in range(30):
        line.learn_one(START + timedelta(days=day), 5.0)
    same, other = line.score_one(START, 5.0), line.score_one(START, 6.0)

    assert same is not None
    assert other is not None
    assert same.deviation == pytest.approx(0.0)
    assert other.deviation > 10.0


# Triggers.


def test_the_conditional_chances_are_those_of_all_draws() -> None:
    rng = np.random.default_rng(9)
    x, beta = rng.normal(size=(1, 14, 2)), np.array([0.7, -0.4])
    bad, known = np.zeros((1, 14), dtype=np.bool_), np.ones((1, 14), dtype=np.bool_)
    bad[0, [1, 4, 7]], known[0, 3] = True, False
    weights = np.exp(x[0] @ beta) * known[0]
    total, chances = 0.0, np.zeros(14)
    for drawn in combinations(range(14), 3):
        weight = float(weights[list(drawn)].prod())
        total += weight
        chances[list(drawn)] += weight

    assert expected(Strata(x, bad, known), beta)[0] == pytest.approx(chances / total, abs=1e-12)


def test_one_case_a_stratum_is_the_matched_odds_ratio() -> None:
    # 1:1 pairs: the conditional estimate is the ratio of discordant pairs (McNemar), here 12 : 4.
    pairs = [(1.0, 0.0)] * 12 + [(0.0, 1.0)] * 4 + [(1.0, 1.0)] * 5
    x = np.array(pairs)[..., None]
    bad = np.tile(np.array([True, False]), (len(pairs), 1))
    found = fit(Strata(x, bad, np.ones_like(bad)), np.zeros(1), np.array([50.0]))

    assert np.exp(found.mean[0]) == pytest.approx(3.0, rel=0.01)
    assert found.variance[0] == pytest.approx(1.0 / 12.0 + 1.0 / 4.0, rel=0.02)


def lived(odds: float, days: int, seed: int = 10) -> TriggerFinder:
    rng = np.random.default_rng(seed)
    finder = TriggerFinder([Exposure("cat"), Exposure("dust"), Exposure("always")])
    for day in range(days):
        told = {"cat": bool(rng.random() < 0.4), "dust": bool(rng.random() < 0.4), "always": True}
        line = -2.2 + np.log(odds) * told["cat"]
        finder.learn_one(date(2026, 1, 5) + timedelta(days=day), told, bad=bool(rng.random() < sigmoid(line)))
    return finder


def test_grades_grow_with_the_days() -> None:
    assert lived(8.0, 20).findings()[0].grade is Grade.KNOWN_IN_GENERAL
    cat, dust, always = lived(8.0, 365).findings()

    assert cat.grade is Grade.FITS_YOU
    assert cat.shifted is not None
    assert cat.shifted < 0.05
    assert cat.settle.how is How.ON_OFF_TEST
    assert dust.grade in {Grade.KNOWN_IN_GENERAL, Grade.NOT_SUPPORTED}
    assert always.grade is Grade.KNOWN_IN_GENERAL
    assert always.settle.how is How.DAYS_WITH_AND_WITHOUT


def test_few_bad_days_fit_nobody() -> None:
    finder = TriggerFinder([Exposure("cat")])
    for day in range(90):
        finder.learn_one(date(2026, 1, 5) + timedelta(days=day), {"cat": day % 6 == 0}, bad=day % 6 == 0)
    finding = finder.findings()[0]

    assert finding.events == 15
    assert finding.chance > 0.95
    assert finding.grade is Grade.SOME_DAYS_FIT


def test_a_day_told_anew_replaces_and_order_does_not_matter() -> None:
    days = [(date(2026, 1, 5) + timedelta(days=d), {"cat": d % 3 == 0}, d % 5 == 0) for d in range(80)]
    there, back = TriggerFinder([Exposure("cat")]), TriggerFinder([Exposure("cat")])
    for day, told, bad in days:
        there.learn_one(day, {"cat": True}, bad=not bad)
        there.learn_one(day, told, bad=bad)
    for day, told, bad in reversed(days):
        back.learn_one(day, told, bad=bad)

    assert there.days == back.days == 80
    assert there.findings() == back.findings()


def test_a_wrong_clock_does_not_push_all_days_out_but_a_long_pause_does() -> None:
    finder = lived(8.0, 60)
    assert not finder.learn_one(date(2040, 1, 1), {"cat": True}, bad=True)
    assert finder.days == 60
    assert finder.learn_one(date(2040, 1, 2), {"cat": True}, bad=True)
    assert finder.days == 1


def test_an_exposure_moved_round_in_time_fits_less_only_where_it_fitted() -> None:
    strata = lived(8.0, 365).strata()
    mean, sd = np.full(4, 0.1), np.full(4, 0.5)

    assert shifted_chance(strata, 0, mean, sd) < 0.02
    assert shifted_chance(strata, 1, mean, sd) > 0.05


def test_what_would_settle_it() -> None:
    prior = (0.1, 0.5)
    soon = settle((0.6, 0.1), prior, events=20, days=100, settled=False)
    never = settle((0.1, 0.2499), prior, events=20, days=100, settled=False)
    slow = settle((np.log(1.2), 0.05), prior, events=20, days=300, settled=False)

    assert soon.how is How.MORE_DAYS
    assert soon.events is not None
    assert soon.days == round(soon.events * 5.0)
    assert never.how is How.DAYS_WITH_AND_WITHOUT
    assert slow.how is How.ON_OFF_TEST


@pytest.mark.parametrize("exposures", [[], [Exposure("a"), Exposure("a")], [Exposure(str(i)) for i in range(17)]])
def test_a_finder_needs_exposures_it_can_tell_apart(exposures: list[Exposure]) -> None:
    with pytest.raises(ValueError, match="exposures"):
        TriggerFinder(exposures)


@pytest.mark.parametrize(
    ("name", "mean", "sd"), [("", 0.1, 0.5), ("a", 9.0, 0.5), ("a", 0.1, 0.0), ("a", float("nan"), 0.5)]
)
def test_an_exposure_needs_a_prior_that_can_be(name: str, mean: float, sd: float) -> None:
    with pytest.raises(ValueError, match="exposure"):
        Exposure(name, mean, sd)
