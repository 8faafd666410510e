"""The engine of one household: readings, puffs and answers in, decisions out; time is an argument."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from .context import Context
from .decisions.decision import Decision, DecisionKey, DecisionState
from .decisions.effect import Effects
from .decisions.lessons import Record
from .decisions.policy import Policy
from .features.psychrometrics import vapour_pressure
from .feedback import Feedback, Lesson, Verdict
from .household import Household
from .models.forecast import Forecaster
from .puffs import Puffs, PuffView
from .reading import Actuation
from .room import RoomTwin
from .rooms import Rooms
from .snapshot import State, pack, unpack
from .view import RoomView
from .weather import Weather


class Engine(Rooms):
    """Everything known, learned and decided of one household."""

    def __init__(self, household: Household, forecaster: Forecaster | None = None) -> None:
        """Begin knowing nothing."""
        super().__init__(household, forecaster)
        self._puffs = Puffs(household)

    # Puffs: of the critical lane, so nothing but counting happens here. The diary keeps them, not the snapshot.

    def observe_actuation(self, actuation: Actuation) -> bool:
        """Take in one puff; return whether it is new. Raises ReadingError for an inhaler not of this household."""
        return self._puffs.observe(actuation)

    def forget_actuation(self, actuation: Actuation) -> bool:
        """Take one puff back; return whether there was one."""
        return self._puffs.forget(actuation)

    def puffs(self, person: str, inhaler: str, now: datetime) -> PuffView:
        """Return how many puffs of an inhaler there were lately."""
        return self._puffs.view(person, inhaler, now)

    # Who hears of it, and what they answer.

    def recipients(self, decision: Decision, at: datetime) -> tuple[str | None, ...]:
        """Return the people to tell of a decision now; None is the house itself."""
        return self._policy.recipients(decision, at)

    def told(self, decision: Decision, person: str | None, at: datetime) -> None:
        """Take note that a person has been told."""
        self._policy.told(decision, person, at)

    def record(self, key: DecisionKey, room: str | None) -> Record:
        """Return how often this kind of message was right in this room."""
        return self._policy.record(key, room)

    def learn(self, feedback: Feedback) -> Lesson | None:
        """Take in one answer; what it ends is handed out by the next step of the room."""
        judged = self._judged(feedback)
        learned = self._policy.learn(feedback)
        if judged is not None and learned.lesson is not None and feedback.verdict is Verdict.HELPFUL:
            self._effects.done(judged, feedback.at)
        if learned.lesson is not None:
            self._waiting += learned.decisions
            self._refresh(None)
        return learned.lesson

    def _judged(self, feedback: Feedback) -> Decision | None:
        for decision in self._policy.active():
            named = feedback.decision_id == decision.id
            meant = feedback.decision_id is None and (feedback.key, feedback.room) == (decision.key, decision.room)
            if named or meant:
                return decision
        return None

    def lessons(self) -> tuple[Lesson, ...]:
        """Return the lessons in force, oldest first."""
        return self._policy.lessons()

    def undo(self, lesson_id: str) -> bool:
        """Take back one lesson; return whether there was one."""
        return self._policy.undo(lesson_id) is not None

    def reset(self, room: str) -> None:
        """Forget what was learned of a room."""
        twin = self._twin(room)
        # What stands goes with what it rested on, and whoever was told of it hears so.
        ended = [
            replace(decision, state=DecisionState.CLEARED, at=twin.at or decision.at)
            for decision in self._policy.active(room)
        ]
        self._twins[room] = RoomTwin(twin.room)
        self._policy.forget(room)
        self._effects.forget(room)
        self._forecasts.pop(room, None)
        self._verdicts.pop(room, None)
        self._waiting += ended
        if self._forecaster is not None:
            self._forecaster.forget(room)
        self._views[room] = RoomView(room=room, at=None)

    # What is kept.

    def snapshot(self) -> dict[str, object]:
        """Return everything as one JSON value that nobody changes any more."""
        return pack(
            State(
                context=self._context.snapshot(),
                rooms={room: twin.snapshot() for room, twin in self._twins.items()},
                policy=self._policy.snapshot(),
                effects=self._effects.snapshot(),
                weather=self._weather.snapshot(),
                forecasts=None if self._forecaster is None else self._forecaster.snapshot(),
                waiting=tuple(self._waiting),
            )
        )

    def restore(self, state: Mapping[str, object]) -> None:
        """Take up a snapshot, all of it or, with SnapshotError, nothing.

        Rooms that are gone are left out; rooms the snapshot does not know begin anew.
        """
        stored = unpack(state)
        context, policy, effects = Context(vapour_pressure), Policy(self.household), Effects()
        context.restore(stored.context)
        policy.restore(stored.policy)
        effects.restore(stored.effects)
        weather = Weather.restored(stored.weather)
        twins = {
            room.id: RoomTwin.restored(room, stored.rooms[room.id]) if room.id in stored.rooms else RoomTwin(room)
            for room in self.household.rooms
        }
        if self._forecaster is not None and stored.forecasts is not None:
            # Last: it either takes it all or raises.
            self._forecaster.restore(stored.forecasts)
        self._context, self._policy, self._effects = context, policy, effects
        self._weather, self._twins = weather, twins
        self._waiting = [decision for decision in stored.waiting if decision.room in twins]
        self._begin()

    def adopt(self, past: Engine) -> None:
        """Take over the rooms another engine followed through the past, where it knows more of them."""
        for room, twin in past._twins.items():
            own = self._twins.get(room)
            if own is not None and twin.mold.hours >= own.mold.hours and twin.hours.last is not None:
                self._twins[room] = RoomTwin.restored(own.room, twin.snapshot())
                self._news.add(room)
