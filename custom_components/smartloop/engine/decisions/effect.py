"""Whether an act did what was predicted: the surface humidity before, and half an hour to an hour later.

After a shower the air dries by itself. So an act is only confirmed by what fell further than the
trend before it would have led, and a fall of vapour pressure is only taken for an opened window when
it is faster than fans and leaks: in a real bathroom (UCI appliances house, 137 days) they made about
1.2 air changes per hour, and a window makes several.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from math import expm1

from ..errors import SnapshotError
from .air_change import AirChange, decay_rate
from .decision import Act, ActKind, Decision, DecisionKey, DecisionState
from .mold import ACT_KEYS, RoomConditions
from .stored import Json, Stored, act_record, read_act, written

VERSION = 1
LEAST_FALL = 2.0
"""Points of surface humidity that are more than noise."""
LEAST_SHARE = 1.0 / 3.0
"""Of the predicted fall, that must show."""
CHECK_AFTER = timedelta(minutes=30)
CHECK_UNTIL = timedelta(minutes=60)
HEAT_SETTLES = timedelta(minutes=90)
"""Walls follow the air this much later."""
ADVICE_COUNTS = timedelta(hours=2)
"""How long after advice an act is taken for its answer."""
SUDDEN = timedelta(minutes=15)
"""Within this a fall of vapour pressure is an opened window; also how long before `done` the act began."""
SUDDEN_PA = 80.0
SUDDEN_SHARE = 0.45
"""Of the difference to outside: 2.4 air changes per hour for a quarter of an hour."""
TREND = timedelta(minutes=30)
"""Before an act, from which it is told where things were going."""
LEAST_TREND = timedelta(minutes=10)
TREND_LASTS_H = 1.0
"""A fall before the act is taken to fade with this time constant."""
MEMORY = timedelta(minutes=75)
MOST_SAMPLES = 160

_WINDOW_SD = 0.4
"""Of a rate's logarithm when a contact says how long the window was open"""
_FALL_SD = 0.7
"""... and when only the fall itself does, of which the slow ones are not seen"""


class Outcome(StrEnum):
    """What can be said of an act."""

    CONFIRMED = "confirmed"
    NO_EFFECT = "no_effect"
    UNKNOWN = "unknown"


class Sign(StrEnum):
    """How it was noticed that an act began."""

    ANSWER = "answer"
    WINDOW = "window"
    FALL = "fall"


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One act, what was predicted of it and what came of it."""

    decision_id: str
    key: DecisionKey
    room: str
    act: Act
    began_at: datetime
    at: datetime
    outcome: Outcome
    sign: Sign
    before: float
    """% at the worst surface, measured air and model surface"""
    predicted: float
    """%"""
    measured: float | None
    """%; None when nothing was measured in time"""
    without: float | None
    """%, where the trend before would have led; None when another act got in between"""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: datetime
    vapour_pressure: float
    outdoor_vapour_pressure: float
    surface_humidity: float


@dataclass(slots=True)
class _Trial:
    """One act under way."""

    decision_id: str
    act: Act
    sign: Sign
    began_at: datetime
    before: float
    trend: float = 0.0
    """Change of vapour pressure per hour before, as a share of what it was; never rising"""
    total: float = 0.0
    count: int = 0
    confounded: bool = False

    def window(self) -> tuple[datetime, datetime]:
        """Return from when to when the effect is looked for."""
        begin = self.began_at
        if self.act.kind is ActKind.HEAT:
            begin += HEAT_SETTLES
        elif self.act.kind is ActKind.DEHUMIDIFY:
            begin += timedelta(minutes=self.act.minutes or 0.0)
        return begin + CHECK_AFTER, begin + CHECK_UNTIL

    def without(self) -> float:
        """Return the surface humidity, %, that the trend before would have led to."""
        begin, end = self.window()
        hours = (begin + (end - begin) / 2 - self.began_at) / timedelta(hours=1)
        return self.before * max(1.0 - self.trend * TREND_LASTS_H * expm1(-hours / TREND_LASTS_H), 0.0)


@dataclass(slots=True)
class _Watch:
    """One room."""

    samples: deque[_Sample] = field(default_factory=lambda: deque(maxlen=MOST_SAMPLES))
    window_open: bool | None = None
    opened_at: datetime | None = None
    advised: Decision | None = None
    advised_at: datetime | None = None
    trial: _Trial | None = None
    air_change: AirChange = field(default_factory=AirChange)


class Effects:
    """Watches the rooms of one household for acts and what comes of them."""

    def __init__(self) -> None:
        """Begin with priors."""
        self._watches: dict[str, _Watch] = {}

    def air_change(self, room: str) -> AirChange:
        """Return what is known of the room's open window."""
        watch = self._watches.get(room)
        return AirChange() if watch is None else watch.air_change

    def under_way(self, room: str) -> bool:
        """Return whether an act's effect is being looked for."""
        watch = self._watches.get(room)
        return watch is not None and watch.trial is not None

    def observe(self, conditions: RoomConditions, active: Iterable[Decision] = ()) -> Effect | None:
        """Take in a room's conditions and what is raised there; return the verdict on an act when it is due.

        Call it before the policy sees the same conditions: it clears what is being done.
        """
        watch = self._watches.setdefault(conditions.room, _Watch())
        for decision in active:
            if decision.state is DecisionState.RAISED and decision.key in ACT_KEYS.values():
                watch.advised, watch.advised_at = decision, conditions.at
        sample = _sample(conditions)
        if sample is not None:
            watch.samples.append(sample)
            while sample.at - watch.samples[0].at > MEMORY:
                watch.samples.popleft()
            _notice(watch, conditions, sample)
        watch.window_open = conditions.window_open
        return _verdict(watch, conditions.room, conditions.at, sample)

    def done(self, decision: Decision, at: datetime) -> None:
        """Take somebody's word that the act is being done or has just been done."""
        if decision.room is None or decision.proposed is None or decision.key not in ACT_KEYS.values():
            return
        watch = self._watches.setdefault(decision.room, _Watch())
        if watch.trial is not None:
            return
        began = max(decision.at, at - SUDDEN)
        earlier = [sample for sample in watch.samples if sample.at <= began]
        before = earlier[-1].surface_humidity if earlier else decision.proposed.surface_humidity_before
        watch.trial = _Trial(decision.id, decision.proposed, Sign.ANSWER, began, before, _trend(watch, began))

    def forget(self, room: str) -> None:
        """Forget what was learned of a room."""
        self._watches.pop(room, None)

    def snapshot(self) -> dict[str, Json]:
        """Return everything but the last hour's samples as JSON values."""
        return {
            "version": VERSION,
            "rooms": [
                {
                    "room": room,
                    "air_change": watch.air_change.snapshot(),
                    "trial": None if watch.trial is None else _trial_record(watch.trial),
                }
                for room, watch in self._watches.items()
            ],
        }

    def restore(self, state: object) -> None:
        """Take up a snapshot, all of it or, with SnapshotError, nothing."""
        stored = Stored(state)
        if stored.number("version") != VERSION:
            msg = "the stored effects are of another version"
            raise SnapshotError(msg)
        self._watches = {
            item.text("room"): _Watch(
                air_change=AirChange.restored(item.part("air_change")),
                trial=_read_trial(item.part("trial")) if item.has("trial") else None,
            )
            for item in stored.parts("rooms")
        }


def _sample(conditions: RoomConditions) -> _Sample | None:
    air, surface = conditions.air, conditions.surface_humidity
    if air is None or surface is None:
        return None
    return _Sample(conditions.at, air.vapour_pressure, air.outdoor_vapour_pressure, surface)


def _notice(watch: _Watch, conditions: RoomConditions, sample: _Sample) -> None:
    """See whether a window was opened or shut."""
    window_open = conditions.window_open
    if window_open and watch.window_open is False:
        watch.opened_at = sample.at
        _begin(watch, Sign.WINDOW, sample, sample.at)
    elif window_open is False and watch.opened_at is not None:
        _learn(watch, watch.opened_at, sample.at, _WINDOW_SD)
        watch.opened_at = None
    elif window_open is None:
        peak = _peak(watch, sample)
        fall = peak.vapour_pressure - sample.vapour_pressure
        difference = peak.vapour_pressure - sample.outdoor_vapour_pressure
        if fall >= SUDDEN_PA and difference * SUDDEN_SHARE <= fall <= difference:
            _begin(watch, Sign.FALL, peak, sample.at)


def _peak(watch: _Watch, sample: _Sample) -> _Sample:
    """Return the most humid sample of the last minutes since the advice; this one without advice."""
    decision = _advised(watch, sample.at)
    if decision is None:
        return sample
    since = max(decision.at, sample.at - SUDDEN)
    recent = (each for each in watch.samples if each.at >= since)
    return max(recent, key=lambda each: (each.vapour_pressure, each.at), default=sample)


def _trend(watch: _Watch, at: datetime) -> float:
    """Return how fast the vapour pressure was falling, as a share of it per hour, at most 0."""
    samples = [sample for sample in watch.samples if at - TREND <= sample.at <= at]
    if not samples or samples[-1].at - samples[0].at < LEAST_TREND:
        return 0.0
    first, last = samples[0], samples[-1]
    hours = (last.at - first.at) / timedelta(hours=1)
    return min((last.vapour_pressure / first.vapour_pressure - 1.0) / hours, 0.0)


def _advised(watch: _Watch, at: datetime) -> Decision | None:
    """Return the advice that an act now would answer."""
    if watch.advised_at is None or at - watch.advised_at > ADVICE_COUNTS:
        return None
    return watch.advised


def _begin(watch: _Watch, sign: Sign, before: _Sample, at: datetime) -> None:
    """Start looking for the effect of airing, when it was advised."""
    if watch.trial is not None:
        watch.trial.confounded |= watch.trial.act.kind is not ActKind.VENTILATE
        return
    decision = _advised(watch, at)
    if decision is None or decision.proposed is None:
        return
    if decision.key is DecisionKey.MOLD_VENTILATE:
        watch.trial = _Trial(
            decision.id, decision.proposed, sign, before.at, before.surface_humidity, _trend(watch, before.at)
        )


def _learn(watch: _Watch, begin: datetime, end: datetime, log_sd: float) -> None:
    """Learn the air change rate from the decay between two moments."""
    samples = [sample for sample in watch.samples if begin <= sample.at < end]
    if not samples:
        return
    rate = decay_rate(
        [(sample.at - begin) / timedelta(minutes=1) for sample in samples],
        [sample.vapour_pressure for sample in samples],
        samples[0].vapour_pressure,
        samples[-1].outdoor_vapour_pressure,
    )
    if rate is not None:
        watch.air_change = watch.air_change.learned(rate, log_sd)


def _learn_from_fall(watch: _Watch, trial: _Trial) -> None:
    """Take the window for open from the fall's begin to its lowest point; nobody said so."""
    samples = [sample for sample in watch.samples if trial.began_at <= sample.at]
    if trial.sign is Sign.FALL and samples:
        lowest = min(samples, key=lambda each: each.vapour_pressure)
        _learn(watch, trial.began_at, lowest.at + timedelta(seconds=1), _FALL_SD)


def _verdict(watch: _Watch, room: str, at: datetime, sample: _Sample | None) -> Effect | None:
    trial = watch.trial
    if trial is None:
        return None
    begin, end = trial.window()
    if sample is not None and begin <= at <= end:
        trial.total += sample.surface_humidity
        trial.count += 1
    if at < end:
        return None
    watch.trial = watch.advised = watch.advised_at = None
    _learn_from_fall(watch, trial)
    return _effect(trial, room, at, trial.total / trial.count if trial.count else None)


def _effect(trial: _Trial, room: str, at: datetime, measured: float | None) -> Effect:
    without = None if trial.confounded else trial.without()
    predicted_fall = trial.act.surface_humidity_before - trial.act.surface_humidity_after
    enough = max(LEAST_FALL, LEAST_SHARE * predicted_fall)
    if measured is None or without is None:
        outcome = Outcome.UNKNOWN
    elif without - measured >= enough:
        outcome = Outcome.CONFIRMED
    elif trial.before - measured >= enough:
        # It fell, but it was falling already.
        outcome = Outcome.UNKNOWN
    else:
        outcome = Outcome.NO_EFFECT
    return Effect(
        decision_id=trial.decision_id,
        key=ACT_KEYS[trial.act.kind],
        room=room,
        act=trial.act,
        began_at=trial.began_at,
        at=at,
        outcome=outcome,
        sign=trial.sign,
        before=trial.before,
        predicted=trial.act.surface_humidity_after,
        measured=measured,
        without=without,
    )


def _trial_record(trial: _Trial) -> dict[str, Json]:
    return {
        "decision_id": trial.decision_id,
        "act": act_record(trial.act),
        "sign": trial.sign.value,
        "began_at": written(trial.began_at),
        "before": trial.before,
        "trend": trial.trend,
        "total": trial.total,
        "count": trial.count,
        "confounded": float(trial.confounded),
    }


def _read_trial(stored: Stored) -> _Trial:
    act = read_act(stored.part("act"))
    if act.kind not in ACT_KEYS:
        msg = "a stored trial is of no act"
        raise SnapshotError(msg)
    return _Trial(
        decision_id=stored.text("decision_id"),
        act=act,
        sign=stored.choice("sign", Sign),
        began_at=stored.moment("began_at"),
        before=stored.number("before"),
        trend=min(stored.number("trend"), 0.0),
        total=stored.number("total"),
        count=max(int(stored.number("count")), 0),
        confounded=stored.number("confounded") > 0.0,
    )
