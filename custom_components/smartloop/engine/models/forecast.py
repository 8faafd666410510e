"""The forecast of a room's temperature and humidity 6, 12, 24 and 48 h ahead, with bands that are kept.

Temperature and vapour pressure are forecast, relative humidity follows from both, so the three always
agree. Two shipped models are optional: one from the room's own history, one that also knows the outdoor
air and its forecast. Without them, or where they fail, the fallback answers: the best mixture, by the
room's record, of now, the same hour of the day and the day's mean, in wider bands.

A run takes three steps, so that the event loop does next to nothing:
    job = forecaster.job(hour, inputs)        on the loop: gathers references
    result = job.run()                        in the executor: pure, touches nothing shared
    outputs = forecaster.apply(result)        on the loop: swaps the learned state in
Run it once an hour: each run also learns from the truth of earlier forecasts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..errors import ModelError, SnapshotError
from ..features.forecast import (
    HISTORY_HOURS,
    HISTORY_NAMES,
    HORIZONS,
    WEATHER_NAMES,
    Array,
    Climate,
    Features,
    Tensor,
    features,
)
from ..features.psychrometrics import relative_humidity
from .forecast_bands import BANDS, FALLBACK_QUANTILES, Expected, agreeing, banded, quantiles, yardsticks
from .forecast_network import Network
from .forecast_record import CAUSES, NAMED, TARGET_MISS, Hours, Record, Trial
from .forecast_voices import HISTORY_MODEL, SOURCES, WEATHER_MODEL, Voices, hear, spoken
from .model import Prediction, Runner

REASONS: Final = (*CAUSES[:NAMED], "own_way")
"""What `why` may name; the last is how this room differs from others."""
MAX_AGE_S: Final = 3 * 3600.0
"""A room silent for longer is not forecast."""

_BOUND = 4.0
"""No forecast leaves the blend by more than so many units of the room's unrest."""
_WORTH_SAYING = 0.1
"""Units of unrest"""
_FORMAT = 2
"""Of what is stored; what an older release wrote is not taken up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastInput:
    """What one room gives; hourly means, NaN is unknown, the last of a history is the last complete hour."""

    room: str
    temperature: Tensor
    """(HISTORY_HOURS,) °C"""
    vapour_pressure: Tensor
    """(HISTORY_HOURS,) hPa"""
    outdoor_temperature: Tensor
    outdoor_vapour_pressure: Tensor
    forecast_temperature: Tensor
    """(LEAD_HOURS,) °C; the first is the hour after the last complete one"""
    forecast_vapour_pressure: Tensor
    local_hour: float
    """0-24, of the last complete hour"""
    weekday: int
    """0 is Monday"""
    age_s: float
    """Since the room's last reading"""


@dataclass(frozen=True, kw_only=True, slots=True)
class HorizonForecast:
    """What is expected so many hours ahead."""

    hours: int
    temperature: Prediction
    """°C"""
    vapour_pressure: Prediction
    """hPa"""
    relative_humidity: Prediction
    """%; follows from the two others"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastOutput:
    """One room's forecast."""

    room: str
    hour: int
    """Hours since 1970 of the last complete hour"""
    horizons: tuple[HorizonForecast, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastResult:
    """What a job found; give it to `Forecaster.apply`."""

    generation: int
    outputs: tuple[ForecastOutput, ...]
    records: tuple[Record, ...]
    problems: tuple[str, ...]
    """Models that failed in this run, and how"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One hour of all rooms in bare numbers."""

    expected: Expected
    """Of rooms that were `answered`; what it holds of others means nothing"""
    strength: Array
    """(rooms, horizons, channels, REASONS), units of unrest"""
    record: Record
    """What is now known of the rooms, as one batch"""
    voices: Voices


@dataclass(frozen=True, kw_only=True, slots=True)
class ForecastJob:
    """Everything one run needs, detached from the forecaster."""

    generation: int
    hour: int
    inputs: tuple[ForecastInput, ...]
    records: tuple[Record, ...]
    history: Network | None
    weather: Network | None

    def run(self) -> ForecastResult:
        """Forecast every room and learn from what came true; changes nothing but its own copies."""
        if not self.inputs:
            return ForecastResult(generation=self.generation, outputs=(), records=(), problems=())
        return self.advance(features(_climate(self.inputs)))

    def advance(self, given: Features) -> ForecastResult:
        """Do the same from features made before."""
        step = self.step(given)
        outputs = tuple(
            ForecastOutput(
                room=item.room,
                hour=self.hour,
                horizons=self._horizons(room, step)
                if step.voices.answered[room]
                else _silence(item, given, step.voices, room),
            )
            for room, item in enumerate(self.inputs)
        )
        return ForecastResult(
            generation=self.generation,
            outputs=outputs,
            records=tuple(step.record.split()),
            problems=step.voices.problems,
        )

    def step(self, given: Features) -> Step:
        """Learn from what came true and forecast, in bare numbers; evaluation needs no words."""
        record = Record.join(self.records)
        record.learn(self.hour, self._truth(record.owed(self.hour)))
        fresh = np.array([item.age_s <= MAX_AGE_S for item in self.inputs])
        voices = hear(self.history, self.weather, given, given.ready & fresh)
        # Rooms without a forecast go through the arithmetic as a harmless room of 1s.
        unrest = np.where(voices.answered[:, None], given.unrest, 1.0)
        blend = np.where(voices.answered[:, None, None], given.blend, 1.0)
        bent = record.bend() * voices.causes
        experts = spoken(given, voices, bent)
        shift = np.clip((record.trust() * experts).sum(axis=-1), -_BOUND, _BOUND)
        expected = self._expected(record, blend + shift * unrest[:, None, :], unrest, voices.source)
        trial = Trial(causes=voices.causes, experts=experts, blend=blend, unrest=unrest, lo=expected.lo, hi=expected.hi)
        record.remember(self.hour, trial, voices.answered)
        own_way = bent[..., NAMED:].sum(axis=-1, keepdims=True)
        strength = np.abs(np.concatenate([bent[..., :NAMED], own_way], axis=-1))
        return Step(expected=expected, strength=strength, record=record, voices=voices)

    def _truth(self, hours: int) -> Array:
        """Return what was measured in the last hours: (rooms, hours, bands)."""
        last = slice(HISTORY_HOURS - hours, None)
        temperature = np.stack([i.temperature[last] for i in self.inputs]).astype(np.float64)
        vapour = np.stack([i.vapour_pressure[last] for i in self.inputs]).astype(np.float64)
        humidity = np.minimum(relative_humidity(temperature, 100.0 * vapour), 100.0)
        return np.stack([temperature, vapour, humidity], axis=-1)

    def _expected(self, record: Record, raw: Array, unrest: Array, source: Hours) -> Expected:
        """Return the three values within their bands."""
        tables = np.stack(
            [FALLBACK_QUANTILES if n is None else n.quantiles for n in (None, self.history, self.weather)]
        )
        # The humidity's band is that of whoever answered for the vapour pressure.
        which = np.concatenate([source, source[..., 1:]], axis=-1)
        lead, band = np.indices(which.shape)[1:]
        value = agreeing(raw)
        half = yardsticks(value, unrest) * quantiles(tables[which, lead, band], record.levels())
        return banded(value, half)

    def _horizons(self, room: int, step: Step) -> tuple[HorizonForecast, ...]:
        """Return a room's forecasts."""
        expected = step.expected
        out = []
        for index, hours in enumerate(HORIZONS):
            found = []
            for band in range(len(BANDS)):
                channel = min(band, 1)
                source = int(step.voices.source[room, index, channel])
                felt = step.strength[room, index, channel]
                found.append(
                    Prediction(
                        value=float(expected.value[room, index, band]),
                        lo=float(expected.lo[room, index, band]),
                        hi=float(expected.hi[room, index, band]),
                        confidence=1.0 - TARGET_MISS,
                        abstained=False,
                        why=tuple(REASONS[i] for i in np.argsort(-felt) if felt[i] >= _WORTH_SAYING),
                        data_age_s=self.inputs[room].age_s,
                        model_version=self._version(source),
                    )
                )
            out.append(
                HorizonForecast(hours=hours, temperature=found[0], vapour_pressure=found[1], relative_humidity=found[2])
            )
        return tuple(out)

    def _version(self, source: int) -> str:
        """Return name and version of what answered."""
        network = (None, self.history, self.weather)[source]
        return SOURCES[source] if network is None else f"{SOURCES[source]} {network.version}"


def _climate(inputs: Sequence[ForecastInput]) -> Climate:
    """Return the rooms as one batch."""
    return Climate(
        temperature=np.stack([i.temperature for i in inputs]),
        vapour_pressure=np.stack([i.vapour_pressure for i in inputs]),
        outdoor_temperature=np.stack([i.outdoor_temperature for i in inputs]),
        outdoor_vapour_pressure=np.stack([i.outdoor_vapour_pressure for i in inputs]),
        forecast_temperature=np.stack([i.forecast_temperature for i in inputs]),
        forecast_vapour_pressure=np.stack([i.forecast_vapour_pressure for i in inputs]),
        hour=np.array([i.local_hour for i in inputs]),
        weekday=np.array([i.weekday for i in inputs]),
    )


def _silence(item: ForecastInput, given: Features, voices: Voices, room: int) -> tuple[HorizonForecast, ...]:
    """Return abstentions with the reason."""
    if voices.strange[room]:
        reason = "unlike_training"
    elif item.age_s > MAX_AGE_S or not np.isfinite(given.now[room]).all():
        reason = "stale"
    else:
        reason = "short_history"
    nothing = Prediction(
        value=None,
        lo=None,
        hi=None,
        confidence=0.0,
        abstained=True,
        why=(reason,),
        data_age_s=item.age_s,
        model_version="",
    )
    return tuple(
        HorizonForecast(hours=h, temperature=nothing, vapour_pressure=nothing, relative_humidity=nothing)
        for h in HORIZONS
    )


class Forecaster:
    """The forecasts of all rooms, with what each room taught."""

    def __init__(self, history: Runner | None = None, weather: Runner | None = None) -> None:
        """Take the models there are; `problems` names those that do not fit this code or failed last time."""
        self._unfit: tuple[str, ...] = ()
        self._history = self._network(HISTORY_MODEL, history, HISTORY_NAMES)
        self._weather = self._network(WEATHER_MODEL, weather, WEATHER_NAMES)
        self.problems: tuple[str, ...] = self._unfit
        self._records: dict[str, Record] = {}
        self._generation = 0

    def _network(self, name: str, runner: Runner | None, names: tuple[str, ...]) -> Network | None:
        """Return the model, or None when there is none to be used."""
        if runner is None:
            return None
        try:
            return Network(name, runner, names, (len(HORIZONS), len(BANDS)))
        except ModelError as err:
            self._unfit += (f"{name}: {err}",)
            return None

    @property
    def versions(self) -> tuple[str, str]:
        """Return the models' versions; what was learned belongs to them."""
        return (
            "" if self._history is None else self._history.version,
            "" if self._weather is None else self._weather.version,
        )

    def job(self, hour: int, inputs: Sequence[ForecastInput]) -> ForecastJob:
        """Return the work for one complete hour (hours since 1970), for any rooms."""
        return ForecastJob(
            generation=self._generation,
            hour=hour,
            inputs=tuple(inputs),
            records=tuple(self._records.get(item.room) or Record.new(1) for item in inputs),
            history=self._history,
            weather=self._weather,
        )

    def apply(self, result: ForecastResult) -> tuple[ForecastOutput, ...]:
        """Keep what a job learned, unless something was forgotten or restored meanwhile."""
        self.problems = self._unfit + result.problems
        if result.generation == self._generation:
            for output, record in zip(result.outputs, result.records, strict=True):
                self._records[output.room] = record
        return result.outputs

    def forget(self, room: str) -> None:
        """Start a room anew."""
        self._records.pop(room, None)
        self._generation += 1

    def snapshot(self) -> dict[str, object]:
        """Return everything learned, as plain JSON values."""
        return {
            "format": _FORMAT,
            "versions": list(self.versions),
            "rooms": {room: record.store() for room, record in sorted(self._records.items())},
        }

    def restore(self, stored: object) -> None:
        """Take up what was learned with the same models; raises SnapshotError when it is not readable."""
        if not isinstance(stored, dict) or not isinstance(stored.get("rooms"), dict):
            msg = "stored forecasts are not what was written"
            raise SnapshotError(msg)
        # What was learned about other models says nothing about these, and another release may store it otherwise.
        ours = stored.get("format") == _FORMAT and stored.get("versions") == list(self.versions)
        self._records = {str(r): Record.restore(s) for r, s in stored["rooms"].items()} if ours else {}
        self._generation += 1
