"""Live a home's recorded months again, hour by hour, through the shipped features and Forecaster."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import HORIZONS, Climate, Features, features
from custom_components.smartloop.engine.features.psychrometrics import relative_humidity
from custom_components.smartloop.engine.models.forecast import Forecaster, ForecastInput

from .data import Home, Room
from .samples import Outlook, climate, truth

type Array = NDArray[np.float64]

_CHUNK = 1000
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


def _inputs(place: Scene, hour: int) -> Iterator[ForecastInput]:
    """Return what each room would have given at an hour."""
    for room, rows in zip(place.rooms, place.climates, strict=True):
        yield ForecastInput(
            room=room.name,
            temperature=rows.temperature[hour],
            vapour_pressure=rows.vapour_pressure[hour],
            outdoor_temperature=rows.outdoor_temperature[hour],
            outdoor_vapour_pressure=rows.outdoor_vapour_pressure[hour],
            forecast_temperature=rows.forecast_temperature[hour],
            forecast_vapour_pressure=rows.forecast_vapour_pressure[hour],
            local_hour=float(rows.hour[hour]),
            weekday=int(rows.weekday[hour]),
            age_s=NEVER_STALE_S,
        )


def _given(place: Scene, hour: int) -> Features:
    """Return the features of all rooms at an hour."""
    return Features(
        **{f.name: np.stack([getattr(room, f.name)[hour] for room in place.given]) for f in fields(Features)}
    )


def replay(place: Scene, forecaster: Forecaster, *, learning: bool = True) -> Outcome:
    """Forecast every hour in turn; the forecaster learns on its way, as it would in the house, or never."""
    out = np.full((3, *place.truth.shape), np.nan)
    for hour in range(place.hours):
        job = forecaster.job(place.rooms[0].start + hour, tuple(_inputs(place, hour)))
        result = job.advance(_given(place, hour))
        for room, answer in enumerate(forecaster.apply(result) if learning else result.outputs):
            for lead, ahead in enumerate(answer.horizons):
                bands = (ahead.temperature, ahead.vapour_pressure, ahead.relative_humidity)
                if not bands[0].abstained:
                    out[:, hour, room, lead] = np.array([[b.value, b.lo, b.hi] for b in bands]).T
    return Outcome(value=out[0], lo=out[1], hi=out[2])


def simple(place: Scene) -> dict[str, Array]:
    """Return the simple forecasts as (hours, rooms, horizons, bands)."""
    found: dict[str, list[Array]] = {"persistence": [], "same_hour_yesterday": [], "blend": []}
    for room in place.given:
        leads = np.ones((1, len(HORIZONS), 1))
        found["persistence"].append(with_humidity(room.now[:, None, :] * leads))
        found["same_hour_yesterday"].append(with_humidity(room.same_hour))
        found["blend"].append(with_humidity(room.blend))
    return {name: np.stack(rooms, axis=1) for name, rooms in found.items()}
