"""The rooms of one household: what is heard of them, what one look brings, what is forecast of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from .context import Context, Known
from .decisions.candidate import Assessment, Reason
from .decisions.decision import Decision
from .decisions.effect import Effect, Effects
from .decisions.mold import assess
from .decisions.policy import Policy
from .errors import ReadingError
from .features.psychrometrics import vapour_pressure
from .household import Household, Journey
from .models.forecast import Forecaster, ForecastJob, ForecastOutput, ForecastResult
from .moment import (
    FORECAST_HOURS,
    Findings,
    Moment,
    Outdoors,
    conditions_of,
    forecast_input,
    forecast_surface_humidity,
    view_of,
)
from .reading import HOUSE, OUTDOOR, Measurand, Reading, WeatherPoint
from .room import HOUR, RoomTwin
from .view import RoomView
from .weather import Weather

APART = 60.0
"""s between two looks at a room that has something new"""
NEWS: dict[Measurand, float] = {
    Measurand.TEMPERATURE: 0.3,
    Measurand.SURFACE_TEMPERATURE: 0.3,
    Measurand.RELATIVE_HUMIDITY: 2.0,
}
"""How far a source's value must move, in the measurand's unit, for a room to be worth a look before its time;
of everything else any change is news."""
_ANY = 1e-9
AT_LEAST = 600.0
"""s after which a room is looked at even when nothing is new: values go stale, what stands expires"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What one look at a room brought."""

    decisions: tuple[Decision, ...] = ()
    """Raised, cleared or shadowed"""
    effect: Effect | None = None
    """The verdict on an act, when it was due"""
    changed: bool = False
    """Whether the room's view differs from the one before"""


class Rooms:
    """Everything known and decided of the rooms; `loop.Engine` adds the answers and what is kept."""

    def __init__(self, household: Household, forecaster: Forecaster | None = None) -> None:
        """Begin knowing nothing."""
        self.household = household
        self._forecaster = forecaster
        self._context = Context(vapour_pressure)
        self._twins = {room.id: RoomTwin(room) for room in household.rooms}
        self._policy = Policy(household)
        self._effects = Effects()
        self._weather = Weather()
        self._waiting: list[Decision] = []
        self._begin()

    def _begin(self) -> None:
        """Set up what is not kept over a restart."""
        self._places = {*self._twins, OUTDOOR, HOUSE}
        self._news: set[str] = set()
        self._heard: dict[tuple[str, Measurand, str], float] = {}
        self._outdoors: tuple[datetime, Outdoors] | None = None
        self._forecasts: dict[str, ForecastOutput] = {}
        self._verdicts: dict[str, Effect] = {}
        self._views = {room: RoomView(room=room, at=None) for room in self._twins}
        for room, twin in self._twins.items():
            if twin.moment is not None:
                self._views[room] = self._unseen(twin)

    def _unseen(self, twin: RoomTwin) -> RoomView:
        """Return the view of a room that was not looked at since the start: what it was taught."""
        nothing = Moment.of(Context(vapour_pressure), Outdoors(), twin.room.id, twin.at or _EPOCH)
        return view_of(twin, nothing, self._findings(twin.room.id, Assessment(room=twin.room.id, at=twin.at or _EPOCH)))

    # What comes in.

    def observe(self, reading: Reading) -> None:
        """Take in one reading; raises ReadingError for a place that is not of this household."""
        place = reading.place
        if place not in self._places:
            msg = f"{place!r} is no place of this household"
            raise ReadingError(msg)
        self._context.observe(reading)
        key = (place, reading.measurand, reading.source)
        before = self._heard.get(key)
        if before is None or abs(reading.value - before) >= NEWS.get(reading.measurand, _ANY):
            self._heard[key] = reading.value
            self._news.add(place)
        if place == OUTDOOR:
            self._outdoors = None

    def observe_weather(self, points: Iterable[WeatherPoint]) -> None:
        """Take in a weather forecast; it replaces the one before."""
        self._weather = Weather(points)

    def known(self, now: datetime) -> tuple[Known, ...]:
        """Return the last value of every source, fresh or stale."""
        return self._context.known(now)

    def liveness(self, source: str) -> datetime | None:
        """Return when a source was last heard of."""
        return self._context.liveness(source)

    # Looking at rooms.

    def due(self, now: datetime) -> tuple[str, ...]:
        """Return the rooms worth a look: something new, a new hour, or nothing for some minutes."""
        moment = _seconds(now)
        waiting = {decision.room for decision in self._waiting if decision.source is None}
        return tuple(room for room, twin in self._twins.items() if room in waiting or self._is_due(twin, moment))

    def _is_due(self, twin: RoomTwin, moment: float) -> bool:
        before = twin.moment
        if before is None:
            return True
        since = moment - before
        return (
            since >= AT_LEAST
            or (since >= APART and twin.room.id in self._news)
            or (since > 0.0 and moment // HOUR > before // HOUR)
        )

    def step(self, room: str, now: datetime) -> StepResult:
        """Look at one room; a time before the last look changes nothing."""
        twin, moment = self._twin(room), _seconds(now)
        told = tuple(self._hand_out(room))
        if twin.moment is not None and moment < twin.moment:
            return StepResult(decisions=told, changed=bool(told))
        self._news.discard(room)
        seen = Moment.of(self._context, self._look_outside(now), room, now)
        twin.advance(seen.air, moment)
        forecast = self._forecast(room, now)
        expected = forecast_surface_humidity(twin, seen, self._weather, forecast)
        assessment, effect = self._judge(twin, seen, expected)
        decisions = self._policy.observe(assessment)
        view = view_of(twin, seen, self._findings(room, assessment, forecast, expected))
        changed = view != self._views[room]
        self._views[room] = view
        return StepResult(decisions=told + decisions, effect=effect, changed=changed or bool(told or decisions))

    def _hand_out(self, room: str) -> list[Decision]:
        told = [decision for decision in self._waiting if decision.subject == (room, None)]
        if told:
            self._waiting = [decision for decision in self._waiting if decision.subject != (room, None)]
        return told

    def _look_outside(self, now: datetime) -> Outdoors:
        if self._outdoors is None or self._outdoors[0] != now:
            self._outdoors = now, Outdoors.of(self._context, now)
        return self._outdoors[1]

    def _judge(self, twin: RoomTwin, moment: Moment, expected: float | None) -> tuple[Assessment, Effect | None]:
        """Return what the moment speaks for, and the verdict on an act when it is due."""
        room = twin.room.id
        conditions = conditions_of(
            twin, moment, self._effects.air_change(room), expected, self.household.autonomy(Journey.MOLD)
        )
        if conditions is None:
            return Assessment(room=room, at=moment.now, abstained=True, reason=Reason.NO_READINGS), None
        effect = self._effects.observe(conditions, self._policy.active(room))
        if effect is not None:
            self._verdicts[room] = effect
        return assess(conditions, self._policy.standing_keys(room)), effect

    def _findings(
        self,
        room: str,
        assessment: Assessment,
        forecast: ForecastOutput | None = None,
        expected: float | None = None,
    ) -> Findings:
        return Findings(
            assessment=assessment,
            air_change=self._effects.air_change(room),
            forecast=forecast,
            expected=expected,
            active=self._policy.active(room),
            shadows=self._policy.shadows(room),
            effect=self._verdicts.get(room),
        )

    def _forecast(self, room: str, now: datetime) -> ForecastOutput | None:
        forecast = self._forecasts.get(room)
        if forecast is None or not 0 <= _last_hour(now) - forecast.hour <= FORECAST_HOURS:
            return None
        return forecast

    def view(self, room: str) -> RoomView:
        """Return what is known of a room, as of the last look."""
        self._twin(room)
        return self._views[room]

    def looks(self) -> dict[str, datetime]:
        """Return when each room was last looked at; without those that never were."""
        return {room: view.at for room, view in self._views.items() if view.at is not None}

    def _refresh(self, room: str | None) -> None:
        """Bring the decisions in a room's view, or in all, up to date without a new look."""
        for each in tuple(self._views) if room is None else (room,):
            self._views[each] = replace(
                self._views[each], active=self._policy.active(each), shadows=self._policy.shadows(each)
            )

    def _twin(self, room: str) -> RoomTwin:
        try:
            return self._twins[room]
        except KeyError:
            msg = f"{room!r} is no room of this household"
            raise ReadingError(msg) from None

    # Forecasts: prepared here, run elsewhere, taken up here.

    @property
    def forecaster(self) -> Forecaster | None:
        """Return what forecasts the rooms."""
        return self._forecaster

    @forecaster.setter
    def forecaster(self, forecaster: Forecaster | None) -> None:
        """Take another one, with what was learned of the same models."""
        if forecaster is not None and self._forecaster is not None:
            forecaster.restore(self._forecaster.snapshot())
        self._forecaster = forecaster

    def forecast_due(self, now: datetime) -> tuple[str, ...]:
        """Return the rooms whose last complete hour has not been forecast from."""
        hour = _last_hour(now)
        if self._forecaster is None:
            return ()
        return tuple(
            room
            for room, twin in self._twins.items()
            if twin.hours.last == hour and (room not in self._forecasts or self._forecasts[room].hour != hour)
        )

    def forecast_job(self, rooms: Iterable[str], now: datetime) -> ForecastJob:
        """Return the work of forecasting these rooms; its `run` may happen in any thread."""
        if self._forecaster is None:
            msg = "there is no forecaster"
            raise ReadingError(msg)
        hour = _last_hour(now)
        coming = self._weather.coming(hour)
        begin = datetime.fromtimestamp(hour * HOUR, self.household.timezone)
        return self._forecaster.job(
            hour,
            [
                forecast_input(
                    self._twin(room), Moment.of(self._context, self._look_outside(now), room, now), coming, begin
                )
                for room in rooms
            ],
        )

    def apply_forecast(self, result: ForecastResult, now: datetime) -> None:
        """Take up what a job found."""
        if self._forecaster is None:
            return
        for output in self._forecaster.apply(result):
            twin = self._twins.get(output.room)
            if twin is None:
                continue
            self._forecasts[output.room] = output
            moment = Moment.of(self._context, self._look_outside(now), output.room, now)
            self._views[output.room] = replace(
                self._views[output.room],
                forecast=output.horizons,
                forecast_surface_humidity=forecast_surface_humidity(twin, moment, self._weather, output),
            )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _seconds(now: datetime) -> float:
    if now.tzinfo is None:
        msg = "a time without zone is no time"
        raise ReadingError(msg)
    return now.timestamp()


def _last_hour(now: datetime) -> int:
    """Return the last complete hour, in hours since 1970."""
    return int(now.timestamp() // HOUR) - 1
