"""What becomes of what could be said: raised, cleared or kept in the shadow, and told to whom.

A candidate must persist before it is raised, falls below a second threshold before it is cleared,
and rests afterwards. Answers move the bar it must pass, each person's own, at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..errors import SnapshotError
from ..feedback import Feedback, Lesson, Verdict
from ..household import Autonomy, Household, Journey, Person
from .candidate import Assessment, Candidate
from .decision import Decision, DecisionKey, DecisionState, Severity, Subject, subject_of
from .lessons import Lessons, Record
from .messages import Messages
from .stored import Json, Stored, decision_record, read_decision, written

VERSION = 1
RAISE_AT = 1.0
CLEAR_AT = 0.9
DEBOUNCE = timedelta(minutes=20)
"""How long a candidate must persist."""
LARGEST_GAP = timedelta(hours=2)
"""Between two looks, beyond which persistence is not proven."""
REST_AFTER_CLEAR = timedelta(hours=1)
REST_AFTER_ANSWER = timedelta(hours=6)
ENDED_BY_DOING = frozenset(DecisionKey) - {DecisionKey.MOLD_GROWTH}
"""Done is done; conditions for growth stay as they are when somebody has looked."""
_OF_BOXES = frozenset({DecisionKey.DEVICE_SILENT, DecisionKey.DEVICE_BATTERY, DecisionKey.DEVICE_DRIFT})
"""Their models look at hours to weeks already: nothing is gained by waiting until they persist."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What one answer changed."""

    lesson: Lesson | None
    decisions: tuple[Decision, ...]


@dataclass(slots=True)
class _Track:
    """One kind of decision in one room, or about one box."""

    pending_since: datetime | None = None
    last_seen: datetime | None = None
    rests_until: datetime | None = None
    standing: Decision | None = None


type _Tracks = dict[DecisionKey, _Track]


class Policy:
    """Decides for one household."""

    def __init__(self, household: Household) -> None:
        """Begin with nothing raised and nothing learned."""
        self._household = household
        self._subjects: dict[Subject, _Tracks] = {}
        self._lessons = Lessons()
        self._messages = Messages(household)

    # What stands.

    def active(self, room: str | None = None, source: str | None = None) -> tuple[Decision, ...]:
        """Return the decisions that are raised now: of one room, one box, or all."""
        return tuple(each for each in self._standing(room, source) if each.state is DecisionState.RAISED)

    def shadows(self, room: str | None = None, source: str | None = None) -> tuple[Decision, ...]:
        """Return the decisions that no person's bar lets through."""
        return tuple(each for each in self._standing(room, source) if each.state is DecisionState.SHADOW)

    def standing_keys(self, room: str) -> frozenset[DecisionKey]:
        """Return what stands in a room, raised or in the shadow: `mold.assess` asks for it."""
        return frozenset(each.key for each in self._standing(room))

    def _standing(self, room: str | None, source: str | None = None) -> Iterator[Decision]:
        for _, track in self._tracks(None if room is source is None else subject_of(room, source)):
            if track.standing is not None:
                yield track.standing

    def _tracks(self, subject: Subject | None) -> Iterator[tuple[DecisionKey, _Track]]:
        """Yield what is followed of a subject, or of all; what one room costs does not depend on the others."""
        for tracks in self._subjects.values() if subject is None else (self._subjects.get(subject, {}),):
            yield from tracks.items()

    # What changes.

    def observe(self, assessment: Assessment) -> tuple[Decision, ...]:
        """Take in what can be said of a room or box now; return what was raised, cleared or shadowed."""
        changes = list(self.expire(assessment.at, assessment.subject))
        if assessment.abstained:
            return tuple(changes)
        candidates = {candidate.key: candidate for candidate in assessment.candidates}
        tracks = self._subjects.setdefault(assessment.subject, {})
        for key in DecisionKey:
            candidate = None if self._is_off(key) else candidates.get(key)
            if candidate is None and key not in tracks:
                continue
            track = tracks.setdefault(key, _Track())
            if track.standing is None:
                changes += self._consider(track, candidate, assessment)
            else:
                changes += self._follow(track, track.standing, candidate, assessment)
            track.last_seen = assessment.at
        return tuple(changes)

    def follows(self, assessment: Assessment) -> bool:
        """Return whether anything is followed of the subject; else an assessment without candidates says nothing."""
        return assessment.subject in self._subjects

    def expire(self, at: datetime, subject: Subject | None = None) -> tuple[Decision, ...]:
        """Clear what has not been confirmed for longer than it may stand, of one subject or all."""
        changes: list[Decision] = []
        for _, track in self._tracks(subject):
            if track.standing is not None and track.standing.expires_at <= at:
                changes += _clear(track, track.standing, at, REST_AFTER_CLEAR)
        return tuple(changes)

    def _is_off(self, key: DecisionKey) -> bool:
        return self._household.autonomy(Journey(key.split(".")[0])) is Autonomy.OFF

    def _consider(self, track: _Track, candidate: Candidate | None, assessment: Assessment) -> list[Decision]:
        at = assessment.at
        if candidate is None or candidate.score < RAISE_AT or candidate.key in assessment.done:
            track.pending_since = None
            return []
        gap = track.last_seen is None or at - track.last_seen > LARGEST_GAP
        if track.pending_since is None or gap:
            track.pending_since = at
        if candidate.severity is not Severity.CRITICAL:
            if at - track.pending_since < DEBOUNCE and candidate.key not in _OF_BOXES:
                return []
            if track.rests_until is not None and at < track.rests_until:
                return []
        return [self._raise(track, candidate, assessment)]

    def _follow(
        self, track: _Track, standing: Decision, candidate: Candidate | None, assessment: Assessment
    ) -> list[Decision]:
        at = assessment.at
        if candidate is None or candidate.score <= CLEAR_AT or candidate.key in assessment.done:
            return _clear(track, standing, at, REST_AFTER_CLEAR)
        worse = candidate.severity.outranks(standing.severity)
        lit = standing.state is DecisionState.SHADOW and any(
            self._audience(candidate, assessment.room, at, assessment.source)
        )
        if worse or lit:
            return [self._raise(track, candidate, assessment)]
        track.standing = replace(
            standing,
            evidence=candidate.evidence,
            proposed=candidate.proposed,
            score=candidate.score,
            expires_at=at + candidate.valid_for,
        )
        return []

    def _raise(self, track: _Track, candidate: Candidate, assessment: Assessment) -> Decision:
        room, source, at = assessment.room, assessment.source, assessment.at
        heard = any(self._audience(candidate, room, at, source))
        decision = Decision(
            id=f"{candidate.key}:{source or room}:{int(at.timestamp())}",
            key=candidate.key,
            severity=candidate.severity,
            state=DecisionState.RAISED if heard else DecisionState.SHADOW,
            room=room,
            person=None,
            evidence=candidate.evidence,
            proposed=candidate.proposed,
            at=at,
            expires_at=at + candidate.valid_for,
            score=candidate.score,
            source=source,
        )
        track.standing = decision
        track.pending_since = None
        return decision

    # Who hears of it.

    def _people(self) -> tuple[Person | None, ...]:
        return self._household.people or (None,)

    def _audience(
        self, said: Candidate | Decision, room: str | None, at: datetime, source: str | None
    ) -> Iterator[bool]:
        """Yield for each person whether the evidence passes the bar."""
        for person in self._people():
            yield self._passes(said, subject_of(room, source), person, at)

    def _passes(self, said: Candidate | Decision, subject: Subject, person: Person | None, at: datetime) -> bool:
        if said.severity is Severity.CRITICAL:
            return True
        name = None if person is None else person.id
        room, source = subject
        bar = RAISE_AT + max(self._lessons.bar_shift(name, said.key, room, source), 0.0)
        # What stands is held on to a little below its bar, as it is below the first threshold.
        bar -= RAISE_AT - CLEAR_AT if isinstance(said, Decision) else 0.0
        return said.score >= bar and not self._lessons.snoozed(name, said.key, room, at, source)

    def recipients(self, decision: Decision, at: datetime) -> tuple[str | None, ...]:
        """Return the people to tell now; (None,) is the house itself while it has no people.

        Ask again later for those who are missing: quiet hours end, budgets refill.
        """
        if decision.state is not DecisionState.RAISED or decision.expires_at <= at:
            return ()
        return tuple(
            None if person is None else person.id
            for person in self._people()
            if self._passes(decision, decision.subject, person, at) and self._messages.may_tell(decision, person, at)
        )

    def told(self, decision: Decision, person: str | None, at: datetime) -> None:
        """Take note that a person has been told."""
        self._messages.told(decision, person, at)

    # What people answer.

    def learn(self, feedback: Feedback) -> Learned:
        """Take in one answer; the same answer twice changes nothing more."""
        if self._lessons.seen(feedback):
            return Learned(lesson=None, decisions=())
        track = self._judged(feedback)
        standing = None if track is None else track.standing
        if standing is not None and standing.severity is Severity.CRITICAL:
            return Learned(lesson=None, decisions=())
        judged = feedback if standing is None else standing
        score = None if standing is None else standing.score
        lesson = self._lessons.learn_one(feedback, judged.room, score, judged.source)
        if lesson is None or track is None or standing is None or not self._ends(lesson, standing):
            return Learned(lesson=lesson, decisions=())
        return Learned(lesson=lesson, decisions=tuple(_clear(track, standing, feedback.at, REST_AFTER_ANSWER)))

    def _judged(self, feedback: Feedback) -> _Track | None:
        """Return the track of the decision that the answer is about, if that still stands."""
        for key, track in self._tracks(None):
            standing = track.standing
            if standing is None or key != feedback.key or feedback.at < standing.at:
                continue
            if is_about(feedback, standing):
                return track
        return None

    def _ends(self, lesson: Lesson, standing: Decision) -> bool:
        if lesson.verdict is Verdict.WRONG:
            return True
        if lesson.verdict is Verdict.HELPFUL:
            return standing.key in ENDED_BY_DOING
        return not any(self._audience(standing, standing.room, lesson.at, standing.source))

    def undo(self, lesson_id: str) -> Lesson | None:
        """Take back one lesson and exactly its effect; None when there is none of that id."""
        lesson = self._lessons.undo(lesson_id)
        if lesson is not None:
            for key, track in self._tracks(subject_of(lesson.room, lesson.source)):
                if key == lesson.key:
                    track.rests_until = None
        return lesson

    def lessons(self) -> tuple[Lesson, ...]:
        """Return the lessons in force, oldest first."""
        return self._lessons.all()

    def record(self, key: DecisionKey, room: str | None, source: str | None = None) -> Record:
        """Return how often this kind of message was right in this room, or of this box."""
        return self._lessons.record(key, room, source)

    def forget(self, room: str | None, source: str | None = None) -> None:
        """Forget a room or box: what stands and what was taught; answers already taken in stay known."""
        self._lessons.forget(room, source)
        self._subjects.pop(subject_of(room, source), None)

    # What is kept.

    def snapshot(self) -> dict[str, Json]:
        """Return everything as JSON values."""
        return {
            "version": VERSION,
            "lessons": self._lessons.snapshot(),
            "messages": self._messages.snapshot(),
            "tracks": [
                {
                    "key": key.value,
                    "room": room,
                    "source": source,
                    "pending_since": written(track.pending_since),
                    "last_seen": written(track.last_seen),
                    "rests_until": written(track.rests_until),
                    "standing": None if track.standing is None else decision_record(track.standing),
                }
                for (room, source), tracks in self._subjects.items()
                for key, track in tracks.items()
            ],
        }

    def restore(self, state: object) -> None:
        """Take up a snapshot, all of it or, with SnapshotError, nothing; rooms that are gone are left out."""
        stored = Stored(state)
        if stored.number("version") != VERSION:
            msg = "the stored decisions are of another version"
            raise SnapshotError(msg)
        lessons = Lessons.restored(stored.part("lessons"))
        messages = Messages.restored(self._household, stored, "messages")
        here = {room.id for room in self._household.rooms}
        subjects: dict[Subject, _Tracks] = {}
        for item in stored.parts("tracks"):
            track = _Track(
                pending_since=item.maybe_moment("pending_since"),
                last_seen=item.maybe_moment("last_seen"),
                rests_until=item.maybe_moment("rests_until"),
                standing=read_decision(item.part("standing")) if item.has("standing") else None,
            )
            subject = item.maybe_text("room"), item.maybe_text("source")
            if subject[1] is not None or subject[0] in here:
                subjects.setdefault(subject, {})[item.choice("key", DecisionKey)] = track
        self._lessons, self._messages, self._subjects = lessons, messages, subjects


def is_about(feedback: Feedback, decision: Decision) -> bool:
    """Return whether an answer is about a decision; without its id, about the box or else the room named."""
    if feedback.decision_id is not None:
        return feedback.decision_id == decision.id
    if feedback.key != decision.key:
        return False
    return feedback.room == decision.room if feedback.source is None else feedback.source == decision.source


def _clear(track: _Track, standing: Decision, at: datetime, rest: timedelta) -> list[Decision]:
    """End what stands; a shadow was never said, so its end is not said either."""
    track.standing = None
    track.pending_since = None
    track.rests_until = at + rest
    if standing.state is DecisionState.SHADOW:
        return []
    return [replace(standing, state=DecisionState.CLEARED, at=at)]
