"""What people's answers taught: a bar per person, kind of message and room, and rests.

Nothing is summed up and forgotten: the bar is folded from the lessons that remain, so taking one
back removes exactly its effect.
"""

from bisect import insort
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import SnapshotError
from ..feedback import Feedback, Lesson, Verdict
from .decision import Subject, subject_of
from .stored import Json, Stored, lesson_record, read_lesson, written

LEAST_BAR = -0.2
MOST_BAR = 3.0
SHIFTS: dict[Verdict, float] = {
    Verdict.WRONG: 0.5,
    Verdict.UNDONE: 0.3,
    Verdict.DISMISSED: 0.1,
    Verdict.HELPFUL: -0.1,
}
"""In units of a decision's score; an acknowledgement teaches nothing."""
CLEARLY = 0.1
"""By how much the bar after `wrong` passes the score that was called wrong."""
SNOOZE = timedelta(hours=12)
MOST_LESSONS = 500
MOST_SEEN = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """How often people found one kind of message right in one room."""

    helpful: int
    wrong: int

    @property
    def answers(self) -> int:
        """Return how many answers there were."""
        return self.helpful + self.wrong


class Lessons:
    """Every lesson in force, oldest first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lessons: list[Lesson] = []
        self._seen: dict[str, datetime] = {}
        self._forgotten: datetime | None = None
        """Answers up to then are no longer told apart; a replay of them is ignored."""

    def all(self) -> tuple[Lesson, ...]:
        """Return the lessons in force, oldest first."""
        return tuple(self._lessons)

    def seen(self, feedback: Feedback) -> bool:
        """Return whether the answer has been taken in before."""
        return feedback.id in self._seen or (self._forgotten is not None and feedback.at <= self._forgotten)

    def learn_one(
        self, feedback: Feedback, room: str | None, score: float | None, source: str | None = None
    ) -> Lesson | None:
        """Take in one answer; `score` is that of the decision it judges, if it still stands."""
        if self.seen(feedback):
            return None
        self._remember(feedback)
        if feedback.verdict not in SHIFTS:
            return None
        shift = SHIFTS[feedback.verdict]
        if feedback.verdict is Verdict.WRONG and score is not None:
            # The very evidence that was called wrong must not be enough again.
            shift = max(shift, score - 1.0 - self.bar_shift(feedback.person, feedback.key, room, source) + CLEARLY)
        lesson = Lesson(
            id=feedback.id,
            key=feedback.key,
            verdict=feedback.verdict,
            at=feedback.at,
            room=room,
            person=feedback.person,
            bar_shift=shift,
            snooze_until=feedback.at + SNOOZE if feedback.verdict is Verdict.DISMISSED else None,
            source=source,
        )
        insort(self._lessons, lesson, key=lambda item: (item.at, item.id))
        del self._lessons[:-MOST_LESSONS]
        return lesson

    def _remember(self, feedback: Feedback) -> None:
        self._seen[feedback.id] = feedback.at
        if len(self._seen) > MOST_SEEN:
            oldest = min(self._seen, key=self._seen.__getitem__)
            self._forgotten = self._seen.pop(oldest)

    def undo(self, lesson_id: str) -> Lesson | None:
        """Take back one lesson and return it; None when there is none of that id."""
        for place, lesson in enumerate(self._lessons):
            if lesson.id == lesson_id:
                return self._lessons.pop(place)
        return None

    def forget(self, room: str | None, source: str | None = None) -> None:
        """Take back every lesson about a room, or about a box."""
        subject = subject_of(room, source)
        self._lessons = [lesson for lesson in self._lessons if _subject(lesson) != subject]

    def _of(self, person: str | None, key: str, subject: Subject) -> list[Lesson]:
        return [
            lesson
            for lesson in self._lessons
            if lesson.key == key and _subject(lesson) == subject and lesson.person in (None, person)
        ]

    def bar_shift(self, person: str | None, key: str, room: str | None, source: str | None = None) -> float:
        """Return by how much the person's bar differs from the first threshold."""
        shift = 0.0
        for lesson in self._of(person, key, subject_of(room, source)):
            shift = min(max(shift + lesson.bar_shift, LEAST_BAR), MOST_BAR)
        return shift

    def snoozed(self, person: str | None, key: str, room: str | None, at: datetime, source: str | None = None) -> bool:
        """Return whether the person wants to hear nothing of this now."""
        return any(
            lesson.snooze_until is not None and lesson.at <= at < lesson.snooze_until
            for lesson in self._of(person, key, subject_of(room, source))
        )

    def record(self, key: str, room: str | None, source: str | None = None) -> Record:
        """Return how often this kind of message was right in this room or of this box, as far as anybody answered."""
        subject = subject_of(room, source)
        verdicts = [lesson.verdict for lesson in self._lessons if lesson.key == key and _subject(lesson) == subject]
        return Record(helpful=verdicts.count(Verdict.HELPFUL), wrong=verdicts.count(Verdict.WRONG))

    def snapshot(self) -> dict[str, Json]:
        """Return everything as JSON values."""
        return {
            "lessons": [lesson_record(lesson) for lesson in self._lessons],
            "seen": [{"id": name, "at": at.isoformat()} for name, at in self._seen.items()],
            "forgotten": written(self._forgotten),
        }

    @classmethod
    def restored(cls, stored: Stored) -> Lessons:
        """Return what a snapshot holds; raises SnapshotError."""
        self = cls()
        self._lessons = [read_lesson(item) for item in stored.parts("lessons")]
        self._seen = {item.text("id"): item.moment("at") for item in stored.parts("seen")}
        self._forgotten = stored.maybe_moment("forgotten")
        if len(self._lessons) > MOST_LESSONS or len(self._seen) > MOST_SEEN:
            msg = "more lessons are stored than are ever kept"
            raise SnapshotError(msg)
        self._lessons.sort(key=lambda item: (item.at, item.id))
        return self


def _subject(lesson: Lesson) -> Subject:
    return subject_of(lesson.room, lesson.source)
