"""Live a home's recorded months again, hour by hour, through the shipped features and Forecaster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.features.forecast import HORIZONS, Climate, Features, features
from custom_components.smartloop.engine.features.psychrometrics import relative_humidity
from custom_components.smartloop.engine.models.forecast import Forecaster, ForecastInput
from custom_components.smartloop.engine.models.forecast_record import Record

from .data import Home, Room
from .samples import Outlook, climate, truth

type Array = NDArray[np.float64]

_CHUNK = 1000
_EPOCH = 480_000
"""Hours since 1970 at which every home begins; only the hour of the day and the weekday are the recording's."""
NEVER_STALE_S = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A home with the features of every room and hour: rooms side by side on one line of time."""

    home: Home
    rooms: tuple[Room, ...]
    climates: tuple[Climate, ...]
    given: tuple[Features, ...]
    truth: Array
    """(hours, rooms, horizons, bands)"""

    @property
    def hours(self) -> int:
        """Return how many hours there are."""
        return int(self.truth.shape[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What was forecast: (hours, rooms, horizons, bands), NaN where it abstained."""

    value: Array
    lo: Array
    hi: Array


def aligned(home: Home) -> tuple[Room, ...]:
    """Return the rooms padded to one line of time."""
    start = min(room.start for room in home.rooms)
    end = max(room.start + room.temperature.size for room in home.rooms)

    def pad(values: NDArray[np.float32], room: Room) -> NDArray[np.float32]:
        before, after = room.start - start, end - room.start - values.size
        return np.pad(values, (before, after), constant_values=np.nan)

    series = [f.name for f in fields(Room) if f.name not in {"name", "start"}]
    return tuple(
        Room(name=room.name, start=start, **{name: pad(getattr(room, name), room) for name in series})
        for room in home.rooms
    )


def with_humidity(values: Array) -> Array:
    """Return temperature and vapour pressure with the relative humidity they mean behind them."""
    humidity = np.minimum(relative_humidity(values[..., 0], 100.0 * values[..., 1]), 100.0)
    return np.concatenate([values, humidity[..., None]], axis=-1)


def _joined(parts: list[Features]) -> Features:
    """Return features of several stretches as one."""
    return Features(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Features)})


def scene(home: Home, outlook: Outlook, seed: int = 0) -> Scene:
    """Make the features of a whole home in bulk; the same code as at run time makes them."""
    rooms = aligned(home)
    hours = np.arange(rooms[0].temperature.size)
    climates = tuple(climate(room, hours, outlook, seed) for room in rooms)
    given = []
    for rows in climates:
        parts = [_cut(rows, slice(begin, begin + _CHUNK)) for begin in range(0, hours.size, _CHUNK)]
        given.append(_joined([features(part) for part in parts]))
    return Scene(
        home=home,
        rooms=rooms,
        climates=climates,
        given=tuple(given),
        truth=np.stack([with_humidity(truth(room, hours)) for room in rooms], axis=1),
    )


def _cut(rows: Climate, part: slice) -> Climate:
    """Return some rows of a climate."""
    return Climate(**{f.name: getattr(rows, f.name)[part] for f in fields(Climate)})


def _inputs(places: Sequence[Scene], hour: int) -> Iterator[ForecastInput]:
    """Return what each room would have given at an hour; after its last hour a room is silent."""
    for place in places:
        for room, rows in zip(place.rooms, place.climates, strict=True):
            last, age = (hour, NEVER_STALE_S) if hour < place.hours else (place.hours - 1, np.inf)
            yield ForecastInput(
                room=room.name,
                temperature=rows.temperature[last],
                vapour_pressure=rows.vapour_pressure[last],
                outdoor_temperature=rows.outdoor_temperature[last],
                outdoor_vapour_pressure=rows.outdoor_vapour_pressure[last],
                forecast_temperature=rows.forecast_temperature[last],
                forecast_vapour_pressure=rows.forecast_vapour_pressure[last],
                local_hour=float(rows.hour[last]),
                weekday=int(rows.weekday[last]),
                age_s=age,
            )


def _side_by_side(places: Sequence[Scene]) -> Features:
    """Return the features of all rooms: every array has the axes (hours, rooms, ...), unready beyond a room's end."""
    rooms = [given for place in places for given in place.given]
    hours = max(place.hours for place in places)

    def laid(name: str) -> NDArray[Any]:
        first = getattr(rooms[0], name)
        out = np.zeros((hours, len(rooms), *first.shape[1:]), first.dtype)
        for index, room in enumerate(rooms):
            values = getattr(room, name)
            out[: len(values), index] = values
        return out

    return Features(**{f.name: laid(f.name) for f in fields(Features)})


def replay(places: Sequence[Scene], forecaster: Forecaster, *, learning: bool = True) -> list[Outcome]:
    """Forecast every hour of some homes in turn, learning on the way as it would in the house, or never.

    Rooms do not see each other, so all homes begin at the same hour and are lived through side by side.
    """
    if not places:
        return []
    given = _side_by_side(places)
    counts = [len(place.rooms) for place in places]
    hours, rooms = given.ready.shape
    out = np.full((3, hours, rooms, len(HORIZONS), 3), np.nan)
    record = Record.new(rooms)
    first = forecaster.job(_EPOCH, ())
    for hour in range(hours):
        job = replace(first, hour=_EPOCH + hour, inputs=tuple(_inputs(places, hour)), records=(record,))
        step = job.step(Features(**{f.name: getattr(given, f.name)[hour] for f in fields(Features)}))
        if step.voices.problems:
            raise ModelError("; ".join(step.voices.problems))
        said = step.voices.answered
        for index, values in enumerate((step.expected.value, step.expected.lo, step.expected.hi)):
            out[index, hour, said] = values[said]
        record = step.record if learning else record
    cuts = np.cumsum(counts)[:-1]
    parts = np.split(out, cuts, axis=2)
    return [
        Outcome(value=part[0, : place.hours], lo=part[1, : place.hours], hi=part[2, : place.hours])
        for place, part in zip(places, parts, strict=True)
    ]


def simple(place: Scene) -> dict[str, Outcome]:
    """Return the simple forecasts, without bands."""
    found: dict[str, list[Array]] = {"persistence": [], "same_hour_yesterday": [], "blend": []}
    for room in place.given:
        leads = np.ones((1, len(HORIZONS), 1))
        found["persistence"].append(with_humidity(room.now[:, None, :] * leads))
        found["same_hour_yesterday"].append(with_humidity(room.same_hour))
        found["blend"].append(with_humidity(room.blend))
    return {name: point(np.stack(rooms, axis=1)) for name, rooms in found.items()}


def point(value: Array) -> Outcome:
    """Return a forecast without a band."""
    return Outcome(value=value, lo=value, hi=value)
