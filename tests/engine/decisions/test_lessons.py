"""What answers teach: bars that move at once, saturate, and go back exactly when a lesson is undone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.engine.decisions import lessons as module
from custom_components.smartloop.engine.decisions.lessons import LEAST_BAR, MOST_BAR, Lessons, Record
from custom_components.smartloop.engine.decisions.stored import Stored
from custom_components.smartloop.engine.errors import SnapshotError
from custom_components.smartloop.engine.feedback import Feedback, Verdict

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
KEY = "mold.ventilate"


def answer(verdict: Verdict, number: int = 1, **more: Any) -> Feedback:
    at = NOW + timedelta(minutes=number)
    return Feedback(**{"id": f"f{number}", "key": KEY, "verdict": verdict, "at": at, "room": "bath", **more})


def learned(*verdicts: Verdict) -> Lessons:
    lessons = Lessons()
    for number, verdict in enumerate(verdicts):
        lessons.learn_one(answer(verdict, number), "bath", None)
    return lessons


def bar(lessons: Lessons, person: str | None = "ana", key: str = KEY, room: str = "bath") -> float:
    return lessons.bar_shift(person, key, room)


@pytest.mark.parametrize(
    ("verdicts", "shift"),
    [
        ([Verdict.WRONG], 0.5),
        ([Verdict.UNDONE], 0.3),
        ([Verdict.DISMISSED], 0.1),
        ([Verdict.HELPFUL], -0.1),
        ([Verdict.ACKNOWLEDGED], 0.0),
        ([Verdict.HELPFUL] * 9, -0.2),
        ([Verdict.HELPFUL] * 9 + [Verdict.WRONG], 0.3),
        ([Verdict.WRONG] * 9, MOST_BAR),
        ([Verdict.WRONG] * 9 + [Verdict.HELPFUL], MOST_BAR - 0.1),
    ],
)
def test_each_verdict_moves_the_bar(verdicts: list[Verdict], shift: float) -> None:
    assert bar(learned(*verdicts)) == pytest.approx(shift)


def test_the_evidence_called_wrong_is_not_enough_again() -> None:
    lessons = Lessons()
    lesson = lessons.learn_one(answer(Verdict.WRONG), "bath", 2.2)
    assert lesson is not None
    assert lesson.bar_shift == pytest.approx(1.3)
    assert bar(lessons) == pytest.approx(2.2 - 1.0 + 0.1)
    second = lessons.learn_one(answer(Verdict.WRONG, 2), "bath", 1.1)
    assert second is not None
    assert second.bar_shift == 0.5


def test_a_lesson_belongs_to_its_person_kind_and_room() -> None:
    lessons = Lessons()
    lessons.learn_one(answer(Verdict.WRONG, person="ana"), "bath", None)
    assert bar(lessons) == 0.5
    assert bar(lessons, person="ben") == 0.0
    assert bar(lessons, person=None) == 0.0
    assert bar(lessons, key="mold.heat") == 0.0
    assert bar(lessons, room="attic") == 0.0


def test_without_a_person_it_is_everybodys() -> None:
    lessons = learned(Verdict.WRONG)
    assert bar(lessons, "ana") == bar(lessons, "ben") == bar(lessons, None) == 0.5


def test_the_same_answer_twice_teaches_once() -> None:
    lessons = Lessons()
    assert lessons.learn_one(answer(Verdict.WRONG), "bath", None) is not None
    assert lessons.learn_one(answer(Verdict.WRONG), "bath", None) is None
    assert bar(lessons) == 0.5
    assert lessons.undo("f1") is not None
    assert lessons.learn_one(answer(Verdict.WRONG), "bath", None) is None
    assert bar(lessons) == 0.0
    assert lessons.undo("f1") is None


@given(st.lists(st.sampled_from(Verdict), max_size=12), st.data())
def test_undoing_one_lesson_is_as_if_it_had_never_been(verdicts: list[Verdict], data: st.DataObject) -> None:
    lessons = learned(*verdicts)
    taken = [lesson.id for lesson in lessons.all()]
    if not taken:
        return
    gone = data.draw(st.sampled_from(taken))
    assert lessons.undo(gone) is not None
    never = Lessons()
    for number, verdict in enumerate(verdicts):
        if f"f{number}" != gone:
            never.learn_one(answer(verdict, number), "bath", None)
    assert bar(lessons) == bar(never)
    assert lessons.record(KEY, "bath") == never.record(KEY, "bath")
    assert lessons.all() == never.all()


@given(st.lists(st.sampled_from(Verdict), max_size=30))
def test_the_bar_stays_within_bounds(verdicts: list[Verdict]) -> None:
    assert LEAST_BAR <= bar(learned(*verdicts)) <= MOST_BAR


def test_the_order_of_arrival_does_not_matter() -> None:
    late, early = answer(Verdict.HELPFUL, 5), answer(Verdict.WRONG, 1)
    one, other = Lessons(), Lessons()
    for each in (late, early):
        one.learn_one(each, "bath", None)
    for each in (early, late):
        other.learn_one(each, "bath", None)
    assert one.all() == other.all()


def test_not_now_rests_for_half_a_day() -> None:
    lessons = learned(Verdict.DISMISSED)
    for hours, snoozed in ((-0.1, False), (0.0, True), (11.9, True), (12.0, False)):
        assert lessons.snoozed("ana", KEY, "bath", NOW + timedelta(hours=hours)) is snoozed
    assert not lessons.snoozed("ana", "mold.heat", "bath", NOW + timedelta(hours=1))
    assert not learned(Verdict.WRONG).snoozed("ana", KEY, "bath", NOW)


def test_the_record_counts_right_and_wrong() -> None:
    lessons = learned(Verdict.HELPFUL, Verdict.HELPFUL, Verdict.WRONG, Verdict.DISMISSED)
    assert lessons.record(KEY, "bath") == Record(helpful=2, wrong=1)
    assert lessons.record(KEY, "bath").answers == 3
    assert lessons.record(KEY, "attic").answers == 0


def test_a_room_is_forgotten_but_its_answers_stay_known() -> None:
    lessons = learned(Verdict.WRONG)
    lessons.forget("attic")
    assert bar(lessons) == 0.5
    lessons.forget("bath")
    assert lessons.all() == ()
    assert lessons.learn_one(answer(Verdict.WRONG, 0), "bath", None) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LESSONS", 3)
    monkeypatch.setattr(module, "MOST_SEEN", 5)
    lessons = learned(*[Verdict.WRONG] * 8)
    assert [lesson.id for lesson in lessons.all()] == ["f5", "f6", "f7"]
    # What is no longer remembered one by one is not learned again either.
    for number in range(8):
        assert lessons.learn_one(answer(Verdict.WRONG, number), "bath", None) is None
    assert len(lessons.snapshot()["seen"]) == 5  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(Verdict), max_size=8))
def test_a_snapshot_gives_everything_back(verdicts: list[Verdict]) -> None:
    lessons = learned(*verdicts)
    again = Lessons.restored(Stored(json.loads(json.dumps(lessons.snapshot()))))
    assert again.all() == lessons.all()
    assert again.snapshot() == lessons.snapshot()


def test_too_many_stored_lessons_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = learned(*[Verdict.WRONG] * 4).snapshot()
    monkeypatch.setattr(module, "MOST_LESSONS", 3)
    with pytest.raises(SnapshotError):
        Lessons.restored(Stored(stored))
    monkeypatch.setattr(module, "MOST_LESSONS", 4)
    monkeypatch.setattr(module, "MOST_SEEN", 3)
    with pytest.raises(SnapshotError):
        Lessons.restored(Stored(stored))
