"""What the forecast of a room's temperature and vapour pressure knows: one row per room and moment.

The same code feeds training and run time. A name that ends in `@24` belongs to that horizon alone. Everything is a difference (K or hPa), so that a room the
models never saw is met by how it moves, not by how warm it is. `gain` is how far the room followed
the outdoor air from day to day during the last two weeks: ordinary least squares through the origin,
shrunk towards what dwellings do, which lets a linear model adapt to the room without being trained
on it. Columns that begin with `h` are the vapour pressure that a temperature column would bring at
unchanged relative humidity: walls and textiles hold water by relative humidity.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

type Array = NDArray[np.float64]
type Mask = NDArray[np.bool_]
type Tensor = NDArray[np.float32]
type _Columns = dict[str, Array]

HORIZONS: Final = (6, 12, 24, 48)
"""h ahead of the last complete hour"""
HISTORY_HOURS: Final = 336
LEAD_HOURS: Final = 48
CHANNELS: Final = ("temperature", "vapour_pressure")
"""The order of the last axis everywhere: °C or K, then hPa."""

MIN_HOURS: Final = 24
"""Known hours a room needs before it is forecast at all ..."""
MIN_LAST_DAY: Final = 12
"""... of which so many in the last day."""
_HOLD_INDOOR = 3
"""h a room's value stands in for missing ones: event-driven sensors are silent while nothing changes."""
_HOLD_OUTDOOR = (6, 18)
"""h, likewise outdoors: vapour pressure follows the weather, not the sun."""
_BRIDGE = (7, 19)
"""h from one known hour of a weather forecast to the next that may be bridged by a line."""
_DAY, _WEEK = 24, 168
_FADE: Final[Array] = np.exp(-np.arange(95, -1, -1) / 24.0)
"""Weights of the last four days, as a house forgets them whose fabric takes a day to follow the air outside"""
_LAGS = (1, 3, 6, 12, 24, 48)
_PRIOR_GAIN = (0.4, 0.7)
_GAIN_WEIGHT = 200.0
"""K²·h or hPa²·h of outdoor change that weigh as much as the prior gain."""
_MAGNUS, _MAGNUS_OFFSET = 17.62 * 243.12, 243.12
"""K and °C: saturation pressure grows by _MAGNUS / (_MAGNUS_OFFSET + t)² per K (as psychrometrics.py)."""
_USUAL_UNREST = (0.8, 1.3)
"""K and hPa by which rooms differ from the same hour of the day before, as far as nothing else is known."""
_UNREST_WEIGHT = 24.0
"""h"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Climate:
    """Hourly means, one row per room and moment; NaN is unknown; the last column of a history is the last complete hour."""

    temperature: Tensor
    """(rows, HISTORY_HOURS) °C"""
    vapour_pressure: Tensor
    """(rows, HISTORY_HOURS) hPa"""
    outdoor_temperature: Tensor
    outdoor_vapour_pressure: Tensor
    forecast_temperature: Tensor
    """(rows, LEAD_HOURS) °C; the first column is the hour after the last complete one."""
    forecast_vapour_pressure: Tensor
    hour: Array
    """(rows,) local hour of the day, 0-24, of the last complete hour"""
    weekday: NDArray[np.int64]
    """(rows,) its local weekday, 0 is Monday"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """What the models are given."""

    ready: Mask
    """(rows,) whether the history suffices"""
    now: Array
    """(rows, channels)"""
    same_hour: Array
    """(rows, horizons, channels): the newest known day at the target's hour"""
    day_mean: Array
    """(rows, channels)"""
    unrest: Array
    """(rows, channels) K or hPa: how much the room usually changes; the yardstick of the bands"""
    history: Tensor
    """(rows, len(HISTORY_NAMES))"""
    weather: Tensor
    """(rows, len(WEATHER_NAMES)); holds the history's features first"""
    weather_ready: Mask
    """(rows, horizons, channels): whether the outdoor history and forecast suffice"""

    @property
    def blend(self) -> Array:
        """Return the mean of now, the same hour of the day and the day's mean: (rows, horizons, channels)."""
        return (self.now[:, None, :] + self.same_hour + self.day_mean[:, None, :]) / 3.0


def hold(values: Array, hours: int) -> Array:
    """Fill unknown hours with the last known value, for at most so many hours."""
    columns = np.arange(values.shape[1])
    last = np.maximum.accumulate(np.where(np.isfinite(values), columns, -1), axis=1)
    held = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where((last >= 0) & (columns - last <= hours), held, np.nan)


def bridge(values: Array, hours: int) -> Array:
    """Join known hours by a line where at most so many hours lie between them."""
    columns = np.arange(values.shape[1])
    known = np.isfinite(values)
    before = np.maximum.accumulate(np.where(known, columns, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, columns, values.shape[1])[:, ::-1], axis=1)[:, ::-1]
    inside = (before >= 0) & (after < values.shape[1]) & (after - before <= hours)
    low = np.take_along_axis(values, np.maximum(before, 0), axis=1)
    high = np.take_along_axis(values, np.minimum(after, values.shape[1] - 1), axis=1)
    share = (columns - before) / np.maximum(after - before, 1)
    return np.where(inside, low + share * (high - low), np.nan)


def trailing_mean(values: Array, hours: int, at_least: int) -> Array:
    """Return the mean of the last so many hours at each column, unknown where too few are known."""
    known = np.isfinite(values)
    total = _trailing_sum(np.where(known, values, 0.0), hours)
    count = _trailing_sum(known.astype(np.float64), hours)
    return np.where(count >= at_least, total / np.maximum(count, 1.0), np.nan)


def _mean(values: Array, at_least: int) -> Array:
    """Return the mean of each row, unknown where too few of it are known."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(count >= at_least, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _trailing_sum(values: Array, hours: int) -> Array:
    """Return the sum of the last so many columns at each column."""
    padded = np.pad(values, ((0, 0), (hours, 0)))
    sums = np.cumsum(padded, axis=1)
    return sums[:, hours:] - sums[:, :-hours]


def _back(values: Array, hours: int) -> Array:
    """Return the column so many hours before the last."""
    return values[:, values.shape[1] - 1 - hours]


def _known(value: Array, instead: Array) -> Array:
    """Return the value, or another where it is unknown."""
    return np.where(np.isfinite(value), value, instead)


def _shift(values: Array) -> Array:
    """Return the change from a day before at each column; unknown in the first day."""
    return np.pad(values[:, _DAY:] - values[:, :-_DAY], ((0, 0), (_DAY, 0)), constant_values=np.nan)


def _analog(horizon: int, days: int = 0) -> int:
    """Return how long ago the newest past hour was that has the target's hour of the day, days before."""
    return -horizon % _DAY + _DAY * days


class _Series:
    """One channel of a room, held over short gaps."""

    def __init__(self, raw: Tensor, channel: int) -> None:
        """Prepare the daily means."""
        self.channel = channel
        self.values = hold(raw.astype(np.float64), _HOLD_INDOOR)
        self.daily = trailing_mean(self.values, _DAY, MIN_LAST_DAY)
        self.now = self.values[:, -1]
        self.day_mean = self.daily[:, -1]
        self.week_mean = _known(_mean(self.values[:, -_WEEK:], MIN_HOURS), self.day_mean)
        change = _shift(self.values)[:, -_WEEK:]
        known = np.isfinite(change)
        square = np.where(known, change, 0.0) ** 2
        prior = _UNREST_WEIGHT * _USUAL_UNREST[channel] ** 2
        self.unrest = np.sqrt((square.sum(axis=1) + prior) / (known.sum(axis=1) + _UNREST_WEIGHT))

    def same_hour(self, horizon: int) -> Array:
        """Return the value at the target's hour on the newest day."""
        return _known(_back(self.values, _analog(horizon)), self.day_mean)

    def always(self) -> _Columns:
        """Return the features that serve every horizon."""
        out = {
            "now": self.now,
            "mean_6h": _known(_mean(self.values[:, -6:], 3), self.now),
            "mean_168h": self.week_mean,
            "mean_day_before": _known(_back(self.daily, _DAY), self.day_mean),
        }
        out |= {f"lag_{lag}h": _known(_back(self.values, lag), self.day_mean) for lag in _LAGS}
        return {name: value - self.day_mean for name, value in out.items()}

    def ahead(self, horizon: int) -> _Columns:
        """Return the features of one horizon: the target's hour on the days before."""
        newest = self.same_hour(horizon)
        second = _known(_back(self.values, _analog(horizon, 1)), newest)
        back = [_analog(horizon, days) for days in range(7)]
        swings = np.stack([_back(self.values, hours) - _back(self.daily, hours) for hours in back])
        count = np.isfinite(swings).sum(axis=0)
        usual = np.where(count > 0, np.nansum(swings, axis=0) / np.maximum(count, 1), newest - self.day_mean)
        return {"same_hour": newest - self.day_mean, "day_before": second - newest, "usual": usual}

    def clock(self, climate: Climate, horizon: int) -> _Columns:
        """Return the target's hour and weekend, in units of the room's unrest."""
        hour = climate.hour + horizon
        angle = 2.0 * np.pi * hour / _DAY
        weekend = (climate.weekday + np.floor(hour / _DAY)) % 7 >= 5
        return {
            "sin": np.sin(angle) * self.unrest,
            "cos": np.cos(angle) * self.unrest,
            "weekend": weekend * self.unrest,
        }


class _Outdoor:
    """One channel of the outdoor air, past and forecast on one line of time, beside a room."""

    def __init__(self, past: Tensor, forecast: Tensor, room: _Series) -> None:
        """Join the past, held over gaps, and the forecast, bridged between its hours."""
        held = hold(past.astype(np.float64), _HOLD_OUTDOOR[room.channel])
        joint = np.concatenate([held[:, -1:], forecast.astype(np.float64)], axis=1)
        self.line = np.concatenate([held, bridge(joint, _BRIDGE[room.channel])[:, 1:]], axis=1)
        self.daily = trailing_mean(self.line, _DAY, MIN_LAST_DAY)
        self.room = room
        self.day_mean = self.mean(0)
        self.week_mean = _known(_mean(held[:, -_WEEK:], MIN_HOURS), self.day_mean)
        self.gain = self._gain()

    def at(self, lead: int) -> Array:
        """Return the value so many hours ahead; less than 0 is past."""
        return self.line[:, HISTORY_HOURS - 1 + lead]

    def mean(self, lead: int) -> Array:
        """Return the mean of the day that ends so many hours ahead."""
        return self.daily[:, HISTORY_HOURS - 1 + lead]

    def faded(self, lead: int) -> Array:
        """Return the fading mean up to so many hours ahead; the day's mean where too little is known."""
        end = HISTORY_HOURS + lead
        past = self.line[:, end - _FADE.size : end]
        known = np.isfinite(past)
        weight = known @ _FADE
        mean = np.where(known, past, 0.0) @ _FADE / np.maximum(weight, 1e-9)
        return np.where(weight >= 0.5 * _FADE.sum(), mean, self.mean(lead))

    def coming(self, horizon: int, hours: int) -> Array:
        """Return the mean of the last hours up to the horizon."""
        end = HISTORY_HOURS + horizon
        return _mean(self.line[:, end - hours : end], hours // 2)

    def _gain(self) -> Array:
        """Return how far the room's daily mean followed this air's during the history."""
        inside, outside = _shift(self.room.daily), _shift(self.daily[:, :HISTORY_HOURS])
        known = np.isfinite(inside) & np.isfinite(outside)
        x, y = np.where(known, outside, 0.0), np.where(known, inside, 0.0)
        prior = _PRIOR_GAIN[self.room.channel]
        return np.asarray(((x * y).sum(axis=1) + _GAIN_WEIGHT * prior) / ((x * x).sum(axis=1) + _GAIN_WEIGHT))

    def always(self) -> _Columns:
        """Return the features that serve every horizon."""
        return {
            "now": self.at(0) - self.day_mean,
            "mean_168h": self.week_mean - self.day_mean,
            "gap_168h": self.week_mean - self.room.week_mean,
        }

    def ahead(self, horizon: int) -> _Columns:
        """Return the features of one horizon: how the coming weather differs from the past."""
        back = -_analog(horizon)
        day = self.mean(horizon) - self.mean(back)
        path = self.coming(horizon, horizon) - self.day_mean
        fade = self.faded(horizon) - self.faded(back)
        return {
            "turn": self.at(horizon) - self.at(back),
            "turn_6h": self.coming(horizon, 6) - self.at(back),
            "day": day,
            "path": path,
            "fade": fade,
            "gap": self.mean(horizon) - self.room.day_mean,
            "gain_day": self.gain * day,
            "gain_path": self.gain * path,
            "gain_fade": self.gain * fade,
            "gain_week": self.gain * (self.mean(horizon) - self.week_mean),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scene:
    """Rooms and outdoor air, and the columns made of them."""

    rooms: tuple[_Series, _Series]
    outside: tuple[_Outdoor, _Outdoor]
    own: _Columns
    sky: _Columns


def _named(columns: _Columns, prefix: str, horizon: int | None = None) -> _Columns:
    """Return the columns under their full names."""
    return {f"{prefix}_{name}" + ("" if horizon is None else f"@{horizon}"): v for name, v in columns.items()}


def _scene(climate: Climate) -> _Scene:
    """Return all columns; unknown values are NaN."""
    t, e = _Series(climate.temperature, 0), _Series(climate.vapour_pressure, 1)
    to = _Outdoor(climate.outdoor_temperature, climate.forecast_temperature, t)
    eo = _Outdoor(climate.outdoor_vapour_pressure, climate.forecast_vapour_pressure, e)
    own, sky = _named(t.always(), "t") | _named(e.always(), "e"), _named(to.always(), "to") | _named(eo.always(), "eo")
    clock: _Columns = {}
    for horizon in HORIZONS:
        # 48 h ahead the day has the same hour as 24 h ahead: but for the weekend, those would be copies.
        late = horizon == HORIZONS[-1]
        for room, short in ((t, "t"), (e, "e")):
            own |= {} if late else _named(room.ahead(horizon), short, horizon)
            time = room.clock(climate, horizon)
            clock |= _named({"weekend": time["weekend"]} if late else time, short, horizon)
        sky |= _named(to.ahead(horizon), "to", horizon) | _named(eo.ahead(horizon), "eo", horizon)
    slope = e.day_mean * _MAGNUS / (_MAGNUS_OFFSET + t.day_mean) ** 2
    own |= {f"h{name}": value * slope for name, value in own.items() if name.startswith("t_")}
    sky |= {f"h{name}": value * slope for name, value in sky.items() if name.startswith("to_") and "_gap" not in name}
    return _Scene(rooms=(t, e), outside=(to, eo), own=own | clock, sky=sky)


def _weather_known(scene: _Scene) -> Mask:
    """Return where outdoor history and forecast suffice: (rows, horizons, channels)."""
    out = []
    for horizon in HORIZONS:
        temperature, vapour = (
            np.isfinite(np.column_stack([air.at(0), *air.ahead(horizon).values()])).all(axis=1) for air in scene.outside
        )
        # The vapour pressure's forecast also wants the temperature's.
        out.append(np.column_stack([temperature, temperature & vapour]))
    return np.stack(out, axis=1)


def _table(columns: _Columns) -> Tensor:
    """Return the columns side by side; what is unknown becomes 0, masked by `ready` and `weather_ready`."""
    return np.nan_to_num(np.column_stack(list(columns.values())), nan=0.0).astype(np.float32)


def features(climate: Climate) -> Features:
    """Return what the models are given, one row per row of the climate."""
    scene = _scene(climate)
    known = np.isfinite(climate.temperature) & np.isfinite(climate.vapour_pressure)
    hours = known.sum(axis=1)
    now = np.column_stack([room.now for room in scene.rooms])
    day_mean = np.column_stack([room.day_mean for room in scene.rooms])
    ready = (hours >= MIN_HOURS) & np.isfinite(now).all(axis=1) & np.isfinite(day_mean).all(axis=1)
    return Features(
        ready=ready,
        now=now,
        same_hour=np.stack([np.column_stack([r.same_hour(h) for r in scene.rooms]) for h in HORIZONS], axis=1),
        day_mean=day_mean,
        unrest=np.column_stack([room.unrest for room in scene.rooms]),
        history=_table(scene.own),
        weather=_table(scene.own | scene.sky),
        weather_ready=_weather_known(scene) & ready[:, None, None],
    )


def windows(series: Tensor, hours: int) -> Tensor:
    """Return, for each hour of a series, the hours up to and with it: (len(series), hours), NaN before the start."""
    padded = np.concatenate([np.full(hours - 1, np.nan, np.float32), series.astype(np.float32)])
    return sliding_window_view(padded, hours)


def _names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns' names by building them once from nothing."""
    empty, ahead = np.full((1, HISTORY_HOURS), np.nan, np.float32), np.full((1, LEAD_HOURS), np.nan, np.float32)
    nothing = Climate(
        temperature=empty,
        vapour_pressure=empty,
        outdoor_temperature=empty,
        outdoor_vapour_pressure=empty,
        forecast_temperature=ahead,
        forecast_vapour_pressure=ahead,
        hour=np.zeros(1),
        weekday=np.zeros(1, np.int64),
    )
    scene = _scene(nothing)
    return tuple(scene.own), tuple(scene.own | scene.sky)


HISTORY_NAMES, WEATHER_NAMES = _names()
