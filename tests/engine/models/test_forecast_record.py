"""What a room's record learns and how it is stored; most laws are held in test_forecaster.py."""

import base64

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.features.forecast import HORIZONS
from custom_components.smartloop.engine.models.forecast_record import (
    CATCH_UP_HOURS,
    CAUSES,
    EXPERTS,
    NAMED,
    TARGET_MISS,
    TRAITS,
    Record,
    Trial,
)

HOUR = 1000


def trial(causes: float = 1.0, expert: int | None = None) -> Trial:
    """Return a forecast of one room: every cause says so much, one expert is off by one."""
    experts = np.zeros((1, 4, 2, len(EXPERTS)))
    if expert is not None:
        experts[..., expert] = 1.0
    return Trial(
        causes=np.full((1, 4, 2, len(CAUSES)), causes),
        experts=experts,
        blend=np.full((1, 4, 2), 10.0),
        unrest=np.full((1, 2), 2.0),
        lo=np.full((1, 4, 3), 9.0),
        hi=np.full((1, 4, 3), 11.0),
    )


def truths(value: float) -> np.ndarray:
    out = np.full((1, CATCH_UP_HOURS, 3), np.nan)
    out[:, -1] = value
    return out


def told() -> Record:
    """Return a room that has one forecast pending."""
    record = Record.new(1)
    record.learn(HOUR, truths(np.nan))
    record.remember(HOUR, trial(), np.array([True]))
    return record


def taught(value: float, days: int = 3, **given: float) -> Record:
    record = Record.new(1)
    for hour in range(HOUR, HOUR + 24 * days):
        record.learn(hour, truths(value))
        record.remember(hour, trial(**given), np.array([True]))  # type: ignore[arg-type]
    return record


def test_it_starts_with_the_models_as_they_are() -> None:
    record = Record.new(2)

    np.testing.assert_array_equal(record.bend()[1, 0, 0], [1, 1, 1, 0] + [0] * TRAITS)
    np.testing.assert_allclose(record.trust()[0, 3, 1].sum(), 1)
    assert record.trust()[0, 0, 0].argmax() == EXPERTS.index("personal")
    assert (record.miss == TARGET_MISS).all()


def test_a_trial_survives_as_rows() -> None:
    rng = np.random.default_rng(0)
    shape = (3, 4, 2)
    made = Trial(
        causes=rng.random((*shape, len(CAUSES))),
        experts=rng.random((*shape, 6)),
        blend=rng.random(shape),
        unrest=rng.random((3, 2)),
        lo=rng.random((3, 4, 3)),
        hi=rng.random((3, 4, 3)),
    )

    back = Trial.of_rows(made.rows())

    for name in ("causes", "experts", "blend", "lo", "hi"):
        np.testing.assert_array_equal(getattr(back, name), getattr(made, name))
    np.testing.assert_array_equal(back.unrest[:, 2], made.unrest)


def test_one_lesson_by_hand() -> None:
    record = told()

    record.learn(HOUR + 6, truths(12.0))

    # The outcome was one unit above the blend, the causes promised three; the room is bent down.
    np.testing.assert_allclose(record.gram[0, 0, 0], 1.0)
    np.testing.assert_allclose(record.pull[0, 0, 0], -2.0)
    assert (record.bend()[0, 0, 0] < [1, 1, 1, 0] + [0] * TRAITS).all()
    # The prior holds a trait far less than a named cause.
    assert record.bend()[0, 0, 0, NAMED] < record.bend()[0, 0, 0, 0] - 1
    assert not record.gram[0, 1:].any()
    assert record.miss[0, 0, 0] == pytest.approx(0.1 - 0.007 * 0.9)


def test_trust_leaves_the_expert_that_errs() -> None:
    start = Record.new(1).trust()[0, 0, 0]
    wrong = taught(10.0, expert=2).trust()[0, 0, 0]

    assert wrong[2] < start[2]
    assert (np.delete(wrong, 2) > np.delete(start, 2)).all()


def test_bounds_hold_whatever_is_learned() -> None:
    record = taught(1e6, days=20)
    low = taught(-1e6, days=20)

    assert (record.bend() <= [1.5, 1.5, 1.5, 1.0] + [3.0] * TRAITS).all()
    assert (low.bend() >= [-0.5, -0.5, -0.5, -1.0] + [-3.0] * TRAITS).all()
    assert (record.levels() <= 0.995).all()
    assert (record.miss >= -0.05).all()


def test_a_run_of_misses_is_paid_back_before_bands_narrow() -> None:
    record = taught(20.0, days=2)
    owed = record.miss[0, 0, 0]
    assert owed < 0.005

    for hour in range(HOUR + 48, HOUR + 60):
        record.learn(hour, truths(10.0))
        record.remember(hour, trial(), np.array([True]))

    assert owed < record.miss[0, 0, 0] < 0.005
    assert record.levels()[0, 0, 0] == pytest.approx(0.995)


def test_only_the_hours_owed_are_asked_for() -> None:
    record = told()

    assert record.owed(HOUR) == 0
    assert record.owed(HOUR + 3) == 3
    assert record.owed(HOUR + 1000) == CATCH_UP_HOURS
    assert Record.new(1).owed(HOUR) == 0
    record.learn(HOUR + 6, truths(12.0)[:, -6:])
    assert record.gram[0, 0].any()


def test_an_hour_teaches_once() -> None:
    record = told()
    record.learn(HOUR + 6, truths(12.0))
    before = record.store()

    record.learn(HOUR + 6, truths(12.0))
    record.learn(HOUR + 3, truths(12.0))

    assert record.store() == before


def test_unknown_truth_and_rooms_without_forecast_teach_nothing() -> None:
    record = told()
    record.learn(HOUR + 6, truths(np.nan))
    silent = Record.new(1)
    silent.learn(HOUR, truths(np.nan))
    silent.remember(HOUR, trial(), np.array([False]))
    silent.learn(HOUR + 6, truths(12.0))

    assert not record.gram.any()
    assert not silent.gram.any()


def test_a_forecast_is_judged_by_its_own_hour_only() -> None:
    record = told()

    for hour in (HOUR + 5, HOUR + 7):
        record.learn(hour, truths(12.0))

    assert not record.gram.any()


def test_rooms_join_and_split() -> None:
    first, second = taught(12.0), Record.new(1)

    back = Record.join([first, second]).split()

    assert back[0].store() == first.store()
    assert back[1].store() == second.store()
    assert len(back[0].made[0]) == sum(HORIZONS)


def test_what_is_stored_comes_back() -> None:
    record = taught(12.0)

    assert Record.restore(record.store()).store() == record.store()


def test_what_is_stored_stays_small() -> None:
    assert sum(len(text) for text in taught(12.0).store().values()) < 20_000


@pytest.mark.parametrize(
    "broken",
    [
        {"gram": "not base64!"},
        {"gram": 3},
        {"gram": base64.b64encode(b"1234").decode()},
        {"loss": base64.b64encode(np.full(48, np.nan, "<f4").tobytes()).decode()},
        {"more": ""},
    ],
)
def test_broken_state_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(SnapshotError):
        Record.restore(Record.new(1).store() | broken)


def test_foreign_state_is_refused() -> None:
    with pytest.raises(SnapshotError):
        Record.restore([])
