"""Puffs: counted once each, in whatever order and however often they are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine import (
    ActionPlan,
    Actuation,
    Engine,
    Household,
    Inhaler,
    InhalerRole,
    Person,
    ReadingError,
)
from custom_components.smartloop.engine.puffs import MOST, Puffs

BRUSSELS = ZoneInfo("Europe/Brussels")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANA = Person(
    id="ana",
    name="Ana",
    inhalers=(Inhaler(id="blue", role=InhalerRole.RELIEVER), Inhaler(id="brown", role=InhalerRole.CONTROLLER)),
    plan=ActionPlan(reliever_limit_24h=6),
)
BEN = Person(id="ben", name="Ben", inhalers=(Inhaler(id="blue", role=InhalerRole.RELIEVER),))
HOUSEHOLD = Household(timezone=BRUSSELS, people=(ANA, BEN))

AGES = st.integers(min_value=-600, max_value=10 * 86_400)
"""s before now; below zero ahead of it"""


def puff(age_s: float, person: str = "ana", inhaler: str = "blue") -> Actuation:
    return Actuation(inhaler=inhaler, person=person, at=NOW - timedelta(seconds=age_s))


@given(st.lists(AGES, max_size=40).flatmap(lambda ages: st.tuples(st.just(ages), st.permutations(ages + ages))))
def test_neither_order_nor_repetition_matters(told: tuple[list[int], list[int]]) -> None:
    ages, twice = told
    puffs = Puffs(HOUSEHOLD)
    news = sum(puffs.observe(puff(age)) for age in twice)

    view = puffs.view("ana", "blue", NOW)

    known = {age for age in ages if age >= -300}
    assert news == len(set(ages))
    assert view.count_24h == sum(age < 86_400 for age in known)
    assert view.count_7d == sum(age < 7 * 86_400 for age in known)
    assert view.last_at == (NOW - timedelta(seconds=min(known)) if known else None)


@given(st.sets(AGES, max_size=20), st.sets(AGES, max_size=20))
def test_what_is_taken_back_was_never_there(kept: set[int], undone: set[int]) -> None:
    puffs, other = Puffs(HOUSEHOLD), Puffs(HOUSEHOLD)
    for age in kept | undone:
        puffs.observe(puff(age))
    for age in undone - kept:
        assert puffs.forget(puff(age))
        assert not puffs.forget(puff(age))
    for age in kept:
        other.observe(puff(age))

    assert puffs.view("ana", "blue", NOW) == other.view("ana", "blue", NOW)


def test_an_empty_inhaler_says_so() -> None:
    view = Engine(HOUSEHOLD).puffs("ana", "blue", NOW)

    assert (view.count_24h, view.count_7d, view.last_at) == (0, 0, None)


def test_two_puffs_half_a_minute_apart_are_two() -> None:
    engine = Engine(HOUSEHOLD)

    assert engine.observe_actuation(puff(30))
    assert engine.observe_actuation(puff(0))
    assert engine.puffs("ana", "blue", NOW).count_24h == 2
    assert engine.forget_actuation(puff(30))
    assert engine.puffs("ana", "blue", NOW).count_24h == 1


def test_each_inhaler_of_each_person_counts_for_itself() -> None:
    engine = Engine(HOUSEHOLD)
    engine.observe_actuation(puff(10))
    engine.observe_actuation(puff(20, inhaler="brown"))
    engine.observe_actuation(puff(10, person="ben"))

    counts = {key: engine.puffs(*key, NOW).count_24h for key in (("ana", "blue"), ("ana", "brown"), ("ben", "blue"))}

    assert counts == {("ana", "blue"): 1, ("ana", "brown"): 1, ("ben", "blue"): 1}


def test_the_limit_is_the_plans_and_of_relievers_alone() -> None:
    engine = Engine(HOUSEHOLD)

    assert engine.puffs("ana", "blue", NOW).limit_24h == 6
    assert engine.puffs("ana", "brown", NOW).limit_24h is None
    assert engine.puffs("ben", "blue", NOW).limit_24h is None


@pytest.mark.parametrize(("person", "inhaler"), [("cleo", "blue"), ("ben", "brown")])
def test_an_inhaler_nobody_has_is_refused(person: str, inhaler: str) -> None:
    engine = Engine(HOUSEHOLD)

    with pytest.raises(ReadingError, match="has no inhaler"):
        engine.observe_actuation(puff(0, person, inhaler))
    with pytest.raises(ReadingError, match="has no inhaler"):
        engine.puffs(person, inhaler, NOW)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ReadingError, match="without zone"):
        Engine(HOUSEHOLD).puffs("ana", "blue", NOW.replace(tzinfo=None))


def test_the_hour_that_comes_twice_has_two_hours() -> None:
    """On 25 October 2026 the clock in Brussels says 2:30 twice."""
    puffs = Puffs(HOUSEHOLD)
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BRUSSELS)
    second = first.replace(fold=1)

    puffs.observe(Actuation(inhaler="blue", person="ana", at=second))
    puffs.observe(Actuation(inhaler="blue", person="ana", at=first))

    assert puffs.view("ana", "blue", second).count_24h == 2
    assert puffs.view("ana", "blue", first + timedelta(minutes=10)).count_24h == 1
    assert puffs.view("ana", "blue", first.astimezone(UTC) + timedelta(hours=24, minutes=30)).count_24h == 1


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    puffs = Puffs(HOUSEHOLD)
    for age in range(MOST + 50):
        puffs.observe(puff(age))

    assert puffs.view("ana", "blue", NOW).count_24h == MOST
    assert puffs.view("ana", "blue", NOW).last_at == NOW


def test_a_clock_far_ahead_hides_nothing() -> None:
    puffs = Puffs(HOUSEHOLD)
    puffs.observe(puff(-400 * 86_400))
    puffs.observe(puff(60))

    assert puffs.view("ana", "blue", NOW).count_24h == 1
    assert puffs.view("ana", "blue", NOW).last_at == NOW - timedelta(seconds=60)


def test_a_plan_that_changes_changes_the_limit() -> None:
    stricter = replace(ANA, plan=ActionPlan(reliever_limit_24h=3))

    assert Puffs(replace(HOUSEHOLD, people=(stricter,))).view("ana", "blue", NOW).limit_24h == 3
