"""What is stored comes back the same, or is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.decisions.decision import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    Evidence,
    Severity,
)
from custom_components.smartloop.engine.decisions.stored import (
    MOST_ITEMS,
    Stored,
    decision_record,
    lesson_record,
    read_decision,
    read_lesson,
    written,
)
from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.feedback import Lesson, Verdict

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
DECISION = Decision(
    id="mold.heat:bath:1",
    key=DecisionKey.MOLD_HEAT,
    severity=Severity.ADVICE,
    state=DecisionState.RAISED,
    room="bath",
    person=None,
    evidence=(Evidence(name="temperature", value=19.0, unit="°C", lo=18.5, hi=None),),
    proposed=Act(
        kind=ActKind.HEAT, minutes=None, amount=1.5, surface_humidity_before=85.0, surface_humidity_after=79.0
    ),
    at=NOW,
    expires_at=NOW + timedelta(hours=6),
    score=1.25,
)
LESSON = Lesson(
    id="f1",
    key="mold.heat",
    verdict=Verdict.DISMISSED,
    at=NOW,
    room="bath",
    person="ana",
    bar_shift=0.1,
    snooze_until=NOW + timedelta(hours=12),
)


def test_decisions_and_lessons_come_back() -> None:
    assert read_decision(Stored(json.loads(json.dumps(decision_record(DECISION))))) == DECISION
    bare = decision_record(DECISION) | {"proposed": None, "evidence": [], "room": None}
    decision = read_decision(Stored(bare))
    assert (decision.proposed, decision.evidence, decision.room) == (None, (), None)
    assert decision_record(decision) == bare
    assert read_lesson(Stored(json.loads(json.dumps(lesson_record(LESSON))))) == LESSON


def test_times_are_written_with_their_zone() -> None:
    assert written(NOW) == "2026-01-10T12:00:00+00:00"
    assert written(None) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 5),
        ("id", "x" * 501),
        ("key", "mold.unheard"),
        ("severity", None),
        ("at", "yesterday"),
        ("at", "2026-01-10T12:00:00"),
        ("score", "1"),
        ("score", True),
        ("score", float("nan")),
        ("score", 10**400),
        ("evidence", {}),
        ("evidence", [5]),
        ("evidence", [{}] * (MOST_ITEMS + 1)),
        ("evidence", [{"name": "x"}]),
        ("proposed", []),
        ("room", 5),
    ],
)
def test_nonsense_is_refused(name: str, value: Any) -> None:
    with pytest.raises(SnapshotError):
        read_decision(Stored(decision_record(DECISION) | {name: value}))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists))
def test_nothing_but_snapshot_errors_escape(value: Any) -> None:
    for name in decision_record(DECISION):
        try:
            read_decision(Stored(decision_record(DECISION) | {name: value}))
        except SnapshotError:
            continue
    with pytest.raises(SnapshotError):
        Stored(value)


def test_severities_have_an_order() -> None:
    assert Severity.WARNING.outranks(Severity.ADVICE)
    assert not Severity.ADVICE.outranks(Severity.ADVICE)
    assert not Severity.INFO.outranks(Severity.CRITICAL)
    assert DECISION.tag == "mold.heat:bath:"
