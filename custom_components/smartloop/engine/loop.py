"""The engine of one household: readings, puffs and answers in, decisions out; time is an argument."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast, override

from .context import Context
from .decisions.decision import Decision, DecisionKey, DecisionState
from .decisions.effect import Effects
from .decisions.lessons import Record
from .decisions.policy import Policy, is_about
from .device_view import Assurance, DeviceFacts, DeviceView
from .devices import Devices
from .features.psychrometrics import vapour_pressure
from .feedback import Feedback, Lesson, Verdict
from .household import Household
from .models.forecast import Forecaster
from .puffs import Puffs, PuffView
from .reading import Actuation, Reading
from .room import RoomTwin
from .rooms import Rooms, StepResult
from .snapshot import State, pack, unpack
from .view import RoomView
from .weather import Weather


class Engine(Rooms):
    """Everything known, learned and decided of one household."""

    def __init__(self, household: Household, forecaster: Forecaster | None = None) -> None:
        """Begin knowing nothing."""
        super().__init__(household, forecaster)
        self._puffs = Puffs(household)
        self._devices = Devices()

    # The boxes that the readings come from.

    def describe_devices(self, facts: Iterable[DeviceFacts]) -> None:
        """Take what the registries say of every box; one that is no longer listed is forgotten."""
        for source in self._devices.describe(facts):
            # Whoever was told of it hears that it is over.
            self._waiting += [
                replace(decision, state=DecisionState.CLEARED) for decision in self._policy.active(source=source)
            ]
            self._policy.forget(None, source)

    @override
    def observe(self, reading: Reading) -> None:
        """Take in one reading; raises ReadingError for a place that is not of this household."""
        super().observe(reading)
        self._devices.observe(reading)

    def checked_in(self, source: str, at: datetime, *, rssi: float | None = None, lqi: float | None = None) -> None:
        """Take in a sign of life that brings no value: a repeated report, a radio's last seen."""
        self._devices.checked_in(source, at, rssi=rssi, lqi=lqi)

    def step_devices(self, now: datetime) -> StepResult:
        """Look at every box; cheap, meant for every minute."""
        ended, self._waiting = (
            tuple(each for each in self._waiting if each.source is not None),
            [each for each in self._waiting if each.source is None],
        )
        outdoor = self._look_outside(now).vapour_pressure
        assessments = self._devices.look(now, None if outdoor is None else outdoor.value)
        taken = tuple(
            decision
            for each in assessments
            if each.candidates or self._policy.follows(each)
            for decision in self._policy.observe(each)
        )
        return StepResult(decisions=ended + taken, changed=bool(ended or taken))

    def devices(self, now: datetime) -> tuple[DeviceView, ...]:
        """Return what is known of each box."""
        return tuple(map(self._with_decisions, self._devices.views(now)))

    def _with_decisions(self, view: DeviceView) -> DeviceView:
        active, shadows = self._policy.active(source=view.source), self._policy.shadows(source=view.source)
        # Of most boxes nothing is said, and there may be hundreds.
        return replace(view, active=active, shadows=shadows) if active or shadows else view

    def battery_replaced(self, source: str, at: datetime) -> None:
        """Begin a new battery: the owner says so; a jump up is also found without."""
        self._devices.battery_replaced(source, at)

    def battery_kept(self, source: str) -> bool:
        """Take back that a battery is new; return False when too much was heard of it since."""
        return self._devices.battery_kept(source)

    def assurance(self, tests: Mapping[str, datetime], now: datetime) -> Assurance:
        """Return how many leak sensors are proven alive; `tests` is when each was last wetted, by source."""
        return self._devices.assurance(tests, now)

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

    def record(self, key: DecisionKey, room: str | None, source: str | None = None) -> Record:
        """Return how often this kind of message was right in this room, or of this box."""
        return self._policy.record(key, room, source)

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

    def active(self, room: str | None = None, source: str | None = None) -> tuple[Decision, ...]:
        """Return what is raised now: of one room, of one box, or of all."""
        return self._policy.active(room, source)

    def _judged(self, feedback: Feedback) -> Decision | None:
        return next((each for each in self._policy.active() if is_about(feedback, each)), None)

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
        pieces = self.snapshot_pieces()
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                return cast(dict[str, object], end.value)

    def snapshot_pieces(self) -> Generator[None, None, dict[str, object]]:
        """Yield between the pieces of a snapshot, and return it: a large house takes long.

        What is learned from people comes in one piece, each room and each box in one of its own.
        """
        policy, effects, waiting = self._policy.snapshot(), self._effects.snapshot(), tuple(self._waiting)
        yield
        devices = yield from self._devices.snapshot_pieces()
        context, weather = self._context.snapshot(), self._weather.snapshot()
        yield
        rooms: dict[str, object] = {}
        for room, twin in tuple(self._twins.items()):
            rooms[room] = twin.snapshot()
            yield
        forecasts = None if self._forecaster is None else self._forecaster.snapshot()
        return pack(
            State(
                context=context,
                rooms=rooms,
                policy=policy,
                effects=effects,
                weather=weather,
                devices=devices,
                forecasts=forecasts,
                waiting=waiting,
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
        devices = Devices.restored(stored.devices, self._devices.facts)
        twins = {
            room.id: RoomTwin.restored(room, stored.rooms[room.id]) if room.id in stored.rooms else RoomTwin(room)
            for room in self.household.rooms
        }
        if self._forecaster is not None and stored.forecasts is not None:
            # Last: it either takes it all or raises.
            self._forecaster.restore(stored.forecasts)
        self._context, self._policy, self._effects = context, policy, effects
        self._weather, self._twins, self._devices = weather, twins, devices
        self._waiting = [decision for decision in stored.waiting if decision.room in twins or decision.source]
        self._begin()

    def adopt(self, past: Engine) -> None:
        """Take over the rooms another engine followed through the past, where it knows more of them."""
        for room, twin in past._twins.items():
            own = self._twins.get(room)
            if own is not None and twin.mold.hours >= own.mold.hours and twin.hours.last is not None:
                self._twins[room] = RoomTwin.restored(own.room, twin.snapshot())
                self._news.add(room)
        self._devices.adopt(past._devices)
