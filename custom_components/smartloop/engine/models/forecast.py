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
from ..features.forecast import HISTORY_NAMES, HORIZONS, WEATHER_NAMES, Array, Climate, Features, Mask, Tensor, features
from ..features.psychrometrics import relative_humidity
from .forecast_bands import BANDS, FALLBACK_QUANTILES, Expected, agreeing, banded, quantiles, yardsticks
from .forecast_network import Network
from .forecast_record import CATCH_UP_HOURS, CAUSES, TARGET_MISS, Hours, Record, Trial
from .model import Prediction, Runner

HISTORY_MODEL: Final = "room_forecast"
WEATHER_MODEL: Final = "room_forecast_weather"
HISTORY_PARTS, WEATHER_PARTS = 1, 3
MAX_AGE_S: Final = 3 * 3600.0
"""A room silent for longer is not forecast."""
SOURCES: Final = ("fallback", HISTORY_MODEL, WEATHER_MODEL)

_BOUND = 4.0
"""No forecast leaves the blend by more than so many units of the room's unrest."""
_WORTH_SAYING = 0.1
"""Units of unrest"""


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
class _Voices:
    """What speaks for the coming hours, as differences from the blend in units of unrest."""

    causes: Array
    """(rooms, horizons, channels, causes)"""
    own: Array
    """(rooms, horizons, channels): the history model alone"""
    source: Hours
    """(rooms, horizons, channels): index into SOURCES"""
    answered: Mask
    """(rooms,)"""
    strange: Mask
    """(rooms,): unlike anything the history model was trained on"""
    problems: tuple[str, ...]


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
        """Do the same from features made before; evaluation makes them in bulk."""
        record = Record.join(self.records)
        record.learn(self.hour, self._truth())
        fresh = np.array([item.age_s <= MAX_AGE_S for item in self.inputs])
        voices = self._voices(given, given.ready & fresh)
        # Rooms without a forecast go through the arithmetic as a harmless room of 1s.
        unrest = np.where(voices.answered[:, None], given.unrest, 1.0)
        blend = np.where(voices.answered[:, None, None], given.blend, 1.0)
        experts = _experts(given, voices, record)
        shift = np.clip((record.trust() * experts).sum(axis=-1), -_BOUND, _BOUND)
        expected = self._expected(record, blend + shift * unrest[:, None, :], unrest, voices.source)
        trial = Trial(causes=voices.causes, experts=experts, blend=blend, unrest=unrest, lo=expected.lo, hi=expected.hi)
        record.remember(self.hour, trial, voices.answered)
        bend = np.abs(record.bend() * voices.causes)
        outputs = tuple(
            ForecastOutput(
                room=item.room,
                hour=self.hour,
                horizons=self._horizons(room, expected, voices, bend)
                if voices.answered[room]
                else _silence(item, given, voices, room),
            )
            for room, item in enumerate(self.inputs)
        )
        return ForecastResult(
            generation=self.generation, outputs=outputs, records=tuple(record.split()), problems=voices.problems
        )

    def _truth(self) -> Array:
        """Return what was measured in the last hours: (rooms, CATCH_UP_HOURS, bands)."""
        temperature = np.stack([i.temperature[-CATCH_UP_HOURS:] for i in self.inputs]).astype(np.float64)
        vapour = np.stack([i.vapour_pressure[-CATCH_UP_HOURS:] for i in self.inputs]).astype(np.float64)
        humidity = np.minimum(relative_humidity(temperature, 100.0 * vapour), 100.0)
        return np.stack([temperature, vapour, humidity], axis=-1)

    def _voices(self, given: Features, ready: Mask) -> _Voices:
        """Ask the models."""
        shape = given.blend.shape
        scale = np.where(ready[:, None], given.unrest, 1.0)[:, None, :, None]
        own, near, trouble = _ask(self.history, given.history, ready, (*shape, HISTORY_PARTS))
        answered = ready & near
        parts, like, more = _ask(self.weather, given.weather, answered, (*shape, WEATHER_PARTS))
        weather = given.weather_ready & (answered & like & (self.weather is not None and not more))[:, None, None]
        habit = own[..., 0] / scale[..., 0]
        sky = np.where(weather[..., None], parts / scale, 0.0)
        first = np.where(weather, sky[..., 0], habit)
        causes = np.concatenate([first[..., None], sky[..., 1:], np.ones((*shape, 1))], axis=-1)
        alone = int(self.history is not None and not trouble)
        return _Voices(
            causes=causes,
            own=habit,
            source=np.where(weather, 2, alone),
            answered=answered,
            strange=ready & ~near,
            problems=trouble + more,
        )

    def _expected(self, record: Record, raw: Array, unrest: Array, source: Hours) -> Expected:
        """Return the three values within their bands."""
        tables = np.stack(
            [FALLBACK_QUANTILES if n is None else n.quantiles for n in (None, self.history, self.weather)]
        )
        # The humidity's band is that of whoever answered for the vapour pressure.
        which = np.concatenate([source, source[..., 1:]], axis=-1)
        lead, band = np.indices(which.shape)[1:]
        value = agreeing(raw)
        half = yardsticks(value, unrest) * quantiles(tables[which, lead, band], 1.0 - record.miss)
        return banded(value, half)

    def _horizons(self, room: int, expected: Expected, voices: _Voices, bend: Array) -> tuple[HorizonForecast, ...]:
        """Return a room's forecasts."""
        out = []
        for index, hours in enumerate(HORIZONS):
            found = []
            for band in range(len(BANDS)):
                channel = min(band, 1)
                source = int(voices.source[room, index, channel])
                strength = bend[room, index, channel]
                order = np.argsort(-strength)
                found.append(
                    Prediction(
                        value=float(expected.value[room, index, band]),
                        lo=float(expected.lo[room, index, band]),
                        hi=float(expected.hi[room, index, band]),
                        confidence=1.0 - TARGET_MISS,
                        abstained=False,
                        why=tuple(CAUSES[i] for i in order if strength[i] >= _WORTH_SAYING),
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


def _ask(
    network: Network | None, table: Tensor, wanted: Mask, shape: tuple[int, ...]
) -> tuple[Array, Mask, tuple[str, ...]]:
    """Return a model's parts, where it knows such rooms, and what went wrong; zeros without a model."""
    if network is None:
        return np.zeros(shape), np.ones(len(table), dtype=bool), ()
    try:
        return *network.parts(table, wanted, shape), ()
    except Exception as err:  # noqa: BLE001 an engine may fail in its own way; the fallback answers
        return np.zeros(shape), np.ones(len(table), dtype=bool), (f"{network.name}: {err}",)


def _experts(given: Features, voices: _Voices, record: Record) -> Array:
    """Return what each expert expects, in the order of EXPERTS: (rooms, horizons, channels, experts)."""
    known = voices.answered[:, None, None]
    unrest = np.where(known, given.unrest[:, None, :], 1.0)
    day = np.where(known, given.day_mean[:, None, :] - given.blend, 0.0) / unrest
    same = np.where(known, given.same_hour - given.blend, 0.0) / unrest
    weather = voices.causes[..., :-1].sum(axis=-1)
    personal = (record.bend() * voices.causes).sum(axis=-1)
    return np.stack([np.zeros_like(day), voices.own, weather, personal, day, same], axis=-1)


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


def _silence(item: ForecastInput, given: Features, voices: _Voices, room: int) -> tuple[HorizonForecast, ...]:
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
            "versions": list(self.versions),
            "rooms": {room: record.store() for room, record in sorted(self._records.items())},
        }

    def restore(self, stored: object) -> None:
        """Take up what was learned with the same models; raises SnapshotError when it is not readable."""
        if not isinstance(stored, dict) or not isinstance(stored.get("rooms"), dict):
            msg = "stored forecasts are not what was written"
            raise SnapshotError(msg)
        records = {str(room): Record.restore(record) for room, record in stored["rooms"].items()}
        # What was learned about other models says nothing about these.
        self._records = records if stored.get("versions") == list(self.versions) else {}
        self._generation += 1
