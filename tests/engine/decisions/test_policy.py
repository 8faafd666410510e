"""From candidates to decisions: hysteresis, rests, answers, and who is told when."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.smartloop.engine.decisions import messages as messages_module
from custom_components.smartloop.engine.decisions.candidate import Assessment, Candidate, Reason
from custom_components.smartloop.engine.decisions.decision import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    Evidence,
    Severity,
)
from custom_components.smartloop.engine.decisions.policy import (
    DEBOUNCE,
    LARGEST_GAP,
    REST_AFTER_ANSWER,
    REST_AFTER_CLEAR,
    Policy,
)
from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.feedback import Feedback, Verdict
from custom_components.smartloop.engine.household import Autonomy, Household, Journey, Person, QuietHours, Room

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
BRUSSELS = ZoneInfo("Europe/Brussels")
VENTILATE, HEAT, GROWTH = DecisionKey.MOLD_VENTILATE, DecisionKey.MOLD_HEAT, DecisionKey.MOLD_GROWTH
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RAISED, CLEARED, SHADOW = DecisionState.RAISED, DecisionState.CLEARED, DecisionState.SHADOW


def household(*people: Person, **more: Any) -> Household:
    rooms = (Room(id="bath", name="Bathroom"), Room(id="attic", name="Attic"))
    return Household(**{"timezone": BRUSSELS, "rooms": rooms, "people": people, **more})


def person(name: str, quiet: QuietHours | None = None) -> Person:
    return Person(id=name, name=name.title(), quiet_hours=quiet)


def candidate(score: float, key: DecisionKey = VENTILATE, severity: Severity = Severity.ADVICE) -> Candidate:
    return Candidate(
        key=key,
        severity=severity,
        score=score,
        evidence=(Evidence(name="surface_humidity", value=60.0 + 20.0 * score, unit="%"),),
        proposed=Act(
            kind=ActKind.VENTILATE, minutes=9.0, amount=None, surface_humidity_before=84.0, surface_humidity_after=71.0
        ),
        valid_for=6 * HOUR,
    )


def seen(at: datetime, *candidates: Candidate, room: str = "bath", **more: Any) -> Assessment:
    return Assessment(room=room, at=at, candidates=candidates, **more)


def raised(policy: Policy, score: float = 1.2, at: datetime = NOW, **more: Any) -> Decision:
    """Let a candidate persist until it stands; `at` is when it does."""
    assert policy.observe(seen(at - DEBOUNCE, candidate(score, **more))) == ()
    (decision,) = policy.observe(seen(at, candidate(score, **more)))
    return decision


def answer(verdict: Verdict, at: datetime, **more: Any) -> Feedback:
    number = f"{verdict}{at.timestamp()}{sorted(more.items())}"
    return Feedback(**{"id": number, "key": VENTILATE, "verdict": verdict, "at": at, "room": "bath", **more})


# --- raising and clearing


def test_a_candidate_must_persist() -> None:
    policy = Policy(household())
    assert policy.observe(seen(NOW, candidate(1.0))) == ()
    assert policy.observe(seen(NOW + 19 * MINUTE, candidate(1.0))) == ()
    (decision,) = policy.observe(seen(NOW + 20 * MINUTE, candidate(1.0)))
    assert decision.state is RAISED
    assert decision.id == f"mold.ventilate:bath:{int((NOW + 20 * MINUTE).timestamp())}"
    assert decision.expires_at == NOW + 20 * MINUTE + 6 * HOUR
    assert (decision.room, decision.person) == ("bath", None)
    assert policy.active() == policy.active("bath") == (decision,)
    assert policy.active("attic") == ()
    assert policy.standing_keys("bath") == {VENTILATE}


def test_a_dip_or_a_gap_starts_anew() -> None:
    for between in (seen(NOW + 10 * MINUTE, candidate(0.99)), seen(NOW + 10 * MINUTE)):
        policy = Policy(household())
        policy.observe(seen(NOW, candidate(1.2)))
        policy.observe(between)
        assert policy.observe(seen(NOW + 21 * MINUTE, candidate(1.2))) == ()
    policy = Policy(household())
    policy.observe(seen(NOW, candidate(1.2)))
    assert policy.observe(seen(NOW + LARGEST_GAP + MINUTE, candidate(1.2))) == ()


def test_it_is_cleared_below_a_second_threshold() -> None:
    policy = Policy(household())
    decision = raised(policy)
    assert policy.observe(seen(NOW + MINUTE, candidate(0.91))) == ()
    (kept,) = policy.active()
    assert kept.id == decision.id
    assert kept.score == 0.91
    assert kept.at == decision.at
    assert kept.expires_at == NOW + MINUTE + 6 * HOUR
    (cleared,) = policy.observe(seen(NOW + 2 * MINUTE, candidate(0.9)))
    assert cleared == replace(kept, state=CLEARED, at=NOW + 2 * MINUTE)
    assert policy.active() == ()


def test_it_is_cleared_when_the_act_is_done_or_gone() -> None:
    for assessment in (seen(NOW + MINUTE, candidate(1.5), done=frozenset({VENTILATE})), seen(NOW + MINUTE)):
        policy = Policy(household())
        raised(policy)
        (cleared,) = policy.observe(assessment)
        assert cleared.state is CLEARED


def test_what_is_done_already_is_not_raised() -> None:
    policy = Policy(household())
    for minutes in range(0, 60, 10):
        assert policy.observe(seen(NOW + minutes * MINUTE, candidate(2.0), done=frozenset({VENTILATE}))) == ()


def test_it_rests_after_it_was_cleared() -> None:
    policy = Policy(household())
    raised(policy)
    policy.observe(seen(NOW + MINUTE))
    changes = [
        (minutes, change.state)
        for minutes in range(2, 120)
        for change in policy.observe(seen(NOW + minutes * MINUTE, candidate(1.5)))
    ]
    assert changes == [(1 + REST_AFTER_CLEAR / MINUTE, RAISED)]


def test_abstaining_keeps_what_stands_until_it_expires() -> None:
    policy = Policy(household())
    raised(policy)
    blind: dict[str, Any] = {"abstained": True, "reason": Reason.STALE_OUTDOOR}
    assert policy.observe(seen(NOW + 5 * HOUR, **blind)) == ()
    assert len(policy.active()) == 1
    (cleared,) = policy.observe(seen(NOW + 6 * HOUR, **blind))
    assert cleared.state is CLEARED
    assert policy.expire(NOW + 7 * HOUR) == ()


def test_expiry_needs_no_new_look() -> None:
    policy = Policy(household())
    raised(policy)
    assert policy.expire(NOW + 5 * HOUR) == ()
    assert [each.state for each in policy.expire(NOW + 6 * HOUR)] == [CLEARED]


def test_a_journey_that_is_off_says_nothing() -> None:
    policy = Policy(household(journeys={Journey.MOLD: Autonomy.OFF}))
    for minutes in range(0, 60, 10):
        assert policy.observe(seen(NOW + minutes * MINUTE, candidate(2.0))) == ()


def test_a_worse_severity_is_raised_again() -> None:
    policy = Policy(household(person("ana")))
    first = raised(policy, key=GROWTH)
    policy.told(first, "ana", NOW)
    worse = candidate(3.2, key=GROWTH, severity=Severity.WARNING)
    (second,) = policy.observe(seen(NOW + 2 * HOUR, worse))
    assert second.id != first.id
    assert second.tag == first.tag
    assert policy.recipients(second, NOW + 2 * HOUR) == ("ana",)
    assert policy.active() == (second,)
    assert policy.observe(seen(NOW + 3 * HOUR, candidate(3.2, key=GROWTH))) == ()


def test_what_is_critical_waits_for_nothing() -> None:
    policy = Policy(household(person("ana", QuietHours(start=time(0), end=time(23, 59)))))
    urgent = candidate(1.0, severity=Severity.CRITICAL)
    (decision,) = policy.observe(seen(NOW, urgent))
    assert policy.recipients(decision, NOW) == ("ana",)
    learned = policy.learn(answer(Verdict.WRONG, NOW, person="ana"))
    assert (learned.lesson, learned.decisions) == (None, ())
    assert policy.active() == (decision,)
    assert policy.recipients(decision, NOW) == ("ana",)
    policy.told(decision, "ana", NOW)
    assert policy.recipients(decision, NOW) == ()
    assert tell(policy, NOW + 13 * HOUR, "attic") is False  # still quiet
    assert policy.snapshot()["messages"][0]["recent"] == []  # type: ignore[call-overload,index]


def test_rooms_and_kinds_go_their_own_ways() -> None:
    policy = Policy(household())
    policy.observe(seen(NOW, candidate(1.2), candidate(1.1, key=GROWTH)))
    policy.observe(seen(NOW + 10 * MINUTE, candidate(1.2), room="attic"))
    decisions = policy.observe(seen(NOW + 20 * MINUTE, candidate(1.2), candidate(1.1, key=GROWTH)))
    assert [each.key for each in decisions] == [VENTILATE, GROWTH]
    assert policy.active("attic") == ()


@settings(max_examples=60)
@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=120))
def test_nothing_is_raised_twice_within_its_rest(scores: Sequence[float]) -> None:
    policy, standing, last_end = Policy(household()), False, None
    for number, score in enumerate(scores):
        at = NOW + 5 * number * MINUTE
        for change in policy.observe(seen(at, candidate(score))):
            assert (change.state is RAISED) is not standing
            if change.state is RAISED:
                assert score >= 1.0
                assert last_end is None or at - last_end >= REST_AFTER_CLEAR
            else:
                assert score <= 0.9
                last_end = at
            standing = change.state is RAISED


# --- answers


def test_wrong_clears_it_and_raises_the_bar_at_once() -> None:
    policy = Policy(household(person("ana")))
    decision = raised(policy)
    learned = policy.learn(answer(Verdict.WRONG, NOW + MINUTE))
    assert learned.lesson is not None
    assert learned.lesson.bar_shift == 0.5
    assert learned.decisions == (replace(decision, state=CLEARED, at=NOW + MINUTE),)
    again = NOW + MINUTE + REST_AFTER_ANSWER
    shadow = raised(policy, score=1.4, at=again)
    assert shadow.state is SHADOW
    assert policy.shadows() == (shadow,)
    assert policy.active() == ()
    assert policy.recipients(shadow, again) == ()
    (lit,) = policy.observe(seen(again + MINUTE, candidate(1.5)))
    assert lit.state is RAISED
    assert policy.recipients(lit, again + MINUTE) == ("ana",)


def test_a_shadow_ends_without_a_word() -> None:
    policy = Policy(household())
    policy.learn(answer(Verdict.WRONG, NOW - HOUR))
    assert raised(policy).state is SHADOW
    assert policy.observe(seen(NOW + MINUTE, candidate(1.3))) == ()
    assert policy.observe(seen(NOW + 2 * MINUTE)) == ()
    assert policy.shadows() == ()


def test_the_bar_is_the_persons_own() -> None:
    policy = Policy(household(person("ana"), person("ben")))
    policy.learn(answer(Verdict.WRONG, NOW - HOUR, person="ana"))
    decision = raised(policy)
    assert decision.state is RAISED
    assert policy.recipients(decision, NOW) == ("ben",)


def test_undo_gives_back_exactly_what_was_taken() -> None:
    policy = Policy(household())
    policy.observe(seen(NOW - HOUR, candidate(0.5, key=GROWTH)))
    raised(policy)
    lesson = policy.learn(answer(Verdict.WRONG, NOW + MINUTE)).lesson
    assert lesson is not None
    assert policy.lessons() == (lesson,)
    assert policy.undo(lesson.id) == lesson
    assert policy.undo(lesson.id) is None
    assert policy.lessons() == ()
    # Nor does the rest after the answer remain.
    assert raised(policy, at=NOW + HOUR).state is RAISED


def test_undo_leaves_other_rooms_resting() -> None:
    policy = Policy(household())
    for room in ("bath", "attic"):
        policy.observe(seen(NOW - DEBOUNCE, candidate(1.2), room=room))
        policy.observe(seen(NOW, candidate(1.2), room=room))
        policy.learn(answer(Verdict.HELPFUL, NOW, room=room, id=room))
    policy.undo("bath")
    for minutes in (30, 51):
        changes = [
            policy.observe(seen(NOW + minutes * MINUTE, candidate(1.2), room=room)) for room in ("bath", "attic")
        ]
    assert [len(each) for each in changes] == [1, 0]


def test_not_now_silences_for_half_a_day() -> None:
    policy = Policy(household(person("ana"), person("ben")))
    decision = raised(policy)
    assert policy.learn(answer(Verdict.DISMISSED, NOW + MINUTE, person="ana")).decisions == ()
    assert policy.recipients(decision, NOW + 2 * MINUTE) == ("ben",)
    (cleared,) = policy.learn(answer(Verdict.DISMISSED, NOW + MINUTE, person="ben")).decisions
    assert cleared.state is CLEARED
    assert raised(policy, at=NOW + 7 * HOUR).state is SHADOW
    assert policy.observe(seen(NOW + 12 * HOUR, candidate(1.2))) == ()
    (decision,) = policy.observe(seen(NOW + 12 * HOUR + MINUTE, candidate(1.2)))
    assert decision.state is RAISED


def test_done_ends_an_act_but_not_the_conditions_for_growth() -> None:
    policy = Policy(household())
    policy.observe(seen(NOW - DEBOUNCE, candidate(1.2), candidate(1.2, key=GROWTH)))
    policy.observe(seen(NOW, candidate(1.2), candidate(1.2, key=GROWTH)))
    assert policy.learn(answer(Verdict.HELPFUL, NOW, key=GROWTH)).decisions == ()
    (cleared,) = policy.learn(answer(Verdict.HELPFUL, NOW)).decisions
    assert cleared.key is VENTILATE
    assert [each.key for each in policy.active()] == [GROWTH]
    assert policy.record(VENTILATE, "bath").helpful == 1


def test_undone_and_acknowledged() -> None:
    policy = Policy(household())
    raised(policy, score=1.25)
    assert policy.learn(answer(Verdict.ACKNOWLEDGED, NOW)).lesson is None
    assert len(policy.active()) == 1
    assert policy.learn(answer(Verdict.UNDONE, NOW)).decisions == ()  # 1.25 holds at 1.3, once it stands
    learned = policy.learn(answer(Verdict.UNDONE, NOW + MINUTE))
    assert [each.state for each in learned.decisions] == [CLEARED]


def test_an_answer_meets_the_decision_it_is_about() -> None:
    policy = Policy(household())
    decision = raised(policy)
    for other in (
        answer(Verdict.WRONG, NOW, key=HEAT),
        answer(Verdict.WRONG, NOW, room="attic", id="2"),
        answer(Verdict.WRONG, NOW, decision_id="mold.ventilate:bath:1", id="3"),
        answer(Verdict.WRONG, NOW - HOUR, id="4"),
    ):
        assert policy.learn(other).decisions == ()
    assert len(policy.active()) == 1
    learned = policy.learn(answer(Verdict.WRONG, NOW, decision_id=decision.id, room=None, id="5"))
    assert len(learned.decisions) == 1
    assert learned.lesson is not None
    assert learned.lesson.room == "bath"


def test_the_same_answer_twice_changes_nothing_more() -> None:
    policy = Policy(household())
    raised(policy)
    once = answer(Verdict.WRONG, NOW)
    assert policy.learn(once).lesson is not None
    before = policy.snapshot()
    assert policy.learn(once).lesson is None
    assert policy.snapshot() == before


def test_a_room_is_forgotten() -> None:
    policy = Policy(household())
    raised(policy)
    policy.learn(answer(Verdict.DISMISSED, NOW, key=GROWTH))
    policy.forget("bath")
    assert policy.active() == ()
    assert policy.lessons() == ()


# --- who is told


def test_each_person_is_told_once() -> None:
    policy = Policy(household(person("ana"), person("ben")))
    decision = raised(policy)
    assert policy.recipients(decision, NOW) == ("ana", "ben")
    policy.told(decision, "ana", NOW)
    assert policy.recipients(decision, NOW) == ("ben",)
    assert policy.recipients(replace(decision, state=CLEARED), NOW) == ()
    assert policy.recipients(decision, NOW + 6 * HOUR) == ()


def test_a_house_without_people_is_told_itself() -> None:
    policy = Policy(household())
    decision = raised(policy)
    assert policy.recipients(decision, NOW) == (None,)
    policy.told(decision, None, NOW)
    assert policy.recipients(decision, NOW) == ()


def test_quiet_hours_end() -> None:
    quiet = QuietHours(start=time(22), end=time(7))
    policy = Policy(household(person("ana", quiet), person("ben")))
    at = datetime(2026, 1, 10, 23, 30, tzinfo=BRUSSELS)
    decision = raised(policy, at=at)
    assert policy.recipients(decision, at) == ("ben",)
    policy.told(decision, "ben", at)
    for minutes in range(0, 450, 5):
        policy.observe(seen(at + minutes * MINUTE, candidate(1.2)))
        assert policy.recipients(policy.active()[0], at + minutes * MINUTE) == ()
    (decision,) = policy.active()
    assert policy.recipients(decision, at + 450 * MINUTE) == ("ana",)


def test_quiet_hours_follow_the_households_clock_and_default() -> None:
    policy = Policy(household(person("ana"), quiet_hours=QuietHours(start=time(22), end=time(7))))
    decision = raised(policy, at=datetime(2026, 1, 10, 6, 10, tzinfo=UTC))  # 07:10 in Brussels
    assert policy.recipients(decision, datetime(2026, 1, 10, 6, 10, tzinfo=UTC)) == ("ana",)
    assert policy.recipients(decision, datetime(2026, 1, 10, 5, 50, tzinfo=UTC)) == ()


def tell(policy: Policy, at: datetime, room: str, key: DecisionKey = VENTILATE) -> bool:
    decision = Decision(
        id=f"{key}:{room}:{at.timestamp()}",
        key=key,
        severity=Severity.ADVICE,
        state=RAISED,
        room=room,
        person=None,
        evidence=(),
        proposed=None,
        at=at,
        expires_at=at + HOUR,
        score=1.2,
    )
    allowed = policy.recipients(decision, at) == ("ana",)
    if allowed:
        policy.told(decision, "ana", at)
    return allowed


def test_messages_are_an_hour_apart_and_budgeted() -> None:
    policy = Policy(household(person("ana"), daily_budget=3))
    morning = datetime(2026, 1, 10, 8, tzinfo=BRUSSELS)
    told = [tell(policy, morning + 30 * n * MINUTE, f"room{n}") for n in range(8)]
    assert told == [True, False, True, False, True, False, False, False]
    assert not tell(policy, datetime(2026, 1, 10, 23, 59, tzinfo=BRUSSELS), "room20")
    assert tell(policy, datetime(2026, 1, 11, 0, 1, tzinfo=BRUSSELS), "room21")
    assert tell(policy, datetime(2026, 1, 14, 0, 1, tzinfo=BRUSSELS), "room22")


def test_the_same_matter_is_not_repeated_soon() -> None:
    policy = Policy(household(person("ana"), daily_budget=99))
    assert [tell(policy, NOW + hours * HOUR, "bath") for hours in (0, 2, 5, 6)] == [True, False, False, True]
    days = [tell(policy, NOW + timedelta(days=days), "bath", GROWTH) for days in (1, 3, 7, 8)]
    assert days == [True, False, False, True]


def test_the_memory_of_messages_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages_module, "MOST_TAGS", 3)
    policy = Policy(household(person("ana"), daily_budget=99))
    for number in range(10):
        assert tell(policy, NOW + number * HOUR, f"room{number}")
    (told,) = json.loads(json.dumps(policy.snapshot()))["messages"]
    assert [each["tag"] for each in told["tags"]] == [f"mold.ventilate:room{n}:" for n in (7, 8, 9)]


# --- what is kept


def lived() -> Policy:
    policy = Policy(household(person("ana"), person("ben")))
    policy.told(raised(policy), "ana", NOW)
    policy.learn(answer(Verdict.HELPFUL, NOW, key=HEAT, person="ben"))
    policy.observe(seen(NOW, candidate(1.3), room="attic"))
    return policy


def test_a_snapshot_gives_everything_back() -> None:
    policy = lived()
    stored = json.loads(json.dumps(policy.snapshot()))
    again = Policy(household(person("ana"), person("ben")))
    again.restore(stored)
    assert again.snapshot() == policy.snapshot()
    assert again.active() == policy.active()
    assert again.lessons() == policy.lessons()
    assert again.recipients(again.active()[0], NOW) == ("ben",)
    (decision,) = again.observe(seen(NOW + DEBOUNCE, candidate(1.3), room="attic"))
    assert decision.state is RAISED


def test_rooms_and_people_who_left_are_left_out() -> None:
    again = Policy(Household(timezone=UTC, rooms=(Room(id="attic", name="Attic"),)))
    again.restore(lived().snapshot())
    assert again.active() == ()
    assert again.snapshot()["messages"] == []


@pytest.mark.parametrize(
    "damage",
    [
        {"version": 2},
        {"lessons": None},
        {"messages": [{"person": "ana", "recent": [{"at": 5}], "tags": []}]},
        {"tracks": [{"key": "mold.unheard", "room": "bath"}]},
        {"tracks": [{"key": "mold.heat", "room": "bath", "standing": {"id": 5}}]},
    ],
)
def test_a_damaged_snapshot_changes_nothing(damage: dict[str, Any]) -> None:
    policy = lived()
    before = policy.snapshot()
    with pytest.raises(SnapshotError):
        policy.restore(before | damage)
    with pytest.raises(SnapshotError):
        policy.restore("nonsense")
    assert policy.snapshot() == before
