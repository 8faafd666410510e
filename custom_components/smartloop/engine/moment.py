"""One look at a room: what is known now, what a decision needs of it, and what there is to show."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

import numpy as np

from .context import Context
from .decisions.air_change import AirChange
from .decisions.candidate import Assessment
from .decisions.decision import Act, Decision
from .decisions.effect import Effect
from .decisions.mold import ACT_KEYS, RoomConditions
from .features.forecast import Tensor
from .features.psychrometrics import Array, dew_point_of_pressure, relative_humidity, saturation_pressure
from .features.surface import SurfaceKind, SurfaceState
from .fusion import Estimate
from .hours import Series
from .household import Autonomy
from .models.forecast import ForecastInput, ForecastOutput
from .models.mold import critical_humidity
from .reading import OUTDOOR, Measurand
from .room import Air, RoomTwin
from .view import RoomView, SurfaceView
from .weather import Weather

FORECAST_HOURS = 3
"""h after which a forecast that was not made anew is no longer used."""
_LASTS = 6
"""h of a day that a forecast humidity must last to count."""
_HECTO = np.float32(100.0)
_LEAST_PRESSURE = 1.0
"""Pa; below, a hygrometer is at its end of range."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outdoors:
    """The air outside."""

    temperature: Estimate | None = None
    vapour_pressure: Estimate | None = None

    @classmethod
    def of(cls, context: Context, now: datetime) -> Outdoors:
        """Look outside."""
        return cls(
            temperature=context.estimate(OUTDOOR, Measurand.TEMPERATURE, now),
            vapour_pressure=context.vapour_pressure(OUTDOOR, now),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What is known of a room now."""

    now: datetime
    temperature: Estimate | None
    vapour_pressure: Estimate | None
    surface_temperature: Estimate | None
    outdoors: Outdoors
    window_open: bool | None
    dehumidifier_on: bool | None

    @classmethod
    def of(cls, context: Context, outdoors: Outdoors, room: str, now: datetime) -> Moment:
        """Look into a room."""
        return cls(
            now=now,
            temperature=context.estimate(room, Measurand.TEMPERATURE, now),
            vapour_pressure=context.vapour_pressure(room, now),
            surface_temperature=context.estimate(room, Measurand.SURFACE_TEMPERATURE, now),
            outdoors=outdoors,
            window_open=_is_on(context, room, Measurand.WINDOW_OPEN, now),
            # The one switch a room is bound to is its dehumidifier's.
            dehumidifier_on=_is_on(context, room, Measurand.SWITCH_ON, now),
        )

    @property
    def air(self) -> Air:
        """Return the plain numbers, as the room's hours take them."""
        return Air(
            _value(self.temperature),
            _value(self.vapour_pressure),
            _value(self.outdoors.temperature),
            _value(self.outdoors.vapour_pressure),
            _value(self.surface_temperature),
        )

    @property
    def age_s(self) -> float | None:
        """Return the age of the older of temperature and humidity, s."""
        age = _older(self.temperature, self.vapour_pressure)
        return None if age is None else age.total_seconds()


def _is_on(context: Context, room: str, measurand: Measurand, now: datetime) -> bool | None:
    latest = context.latest(room, measurand, now)
    return None if latest is None else latest.value > 0.5


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value


def _older(one: Estimate | None, other: Estimate | None) -> timedelta | None:
    return None if one is None or other is None else timedelta(seconds=max(one.age_s, other.age_s))


def conditions_of(
    twin: RoomTwin, moment: Moment, air_change: AirChange, forecast: float | None, autonomy: Autonomy
) -> RoomConditions | None:
    """Return what a decision about the room rests on; None when the room's own air is not known."""
    temperature, pressure, outdoors = moment.temperature, moment.vapour_pressure, moment.outdoors
    if temperature is None or pressure is None:
        return None
    outdoor, outdoor_pressure = outdoors.temperature, outdoors.vapour_pressure
    coldest = twin.factors[twin.worst(temperature.value, temperature.value if outdoor is None else outdoor.value)]
    outlook = twin.outlook
    worst = outlook.worst
    return RoomConditions(
        room=twin.room.id,
        at=moment.now,
        temperature=temperature.value,
        vapour_pressure=max(pressure.value, _LEAST_PRESSURE),
        vapour_pressure_sd=pressure.sd,
        f_rsi=coldest.mean,
        f_rsi_sd=coldest.sd,
        outdoor_temperature=_value(outdoor),
        outdoor_vapour_pressure=_value(outdoor_pressure),
        outdoor_vapour_pressure_sd=0.0 if outdoor_pressure is None else outdoor_pressure.sd,
        outdoor_age=_older(outdoor, outdoor_pressure),
        wall_class=twin.room.wall_class,
        mold_index=None if worst is None else outlook.index[worst],
        mold_index_lo=None if worst is None else outlook.lo[worst],
        mold_index_hi=None if worst is None else outlook.hi[worst],
        growth_per_day=outlook.growth_per_day,
        days_to_mold=outlook.days_to_mold,
        hours_above_critical=outlook.hours_above_critical,
        forecast_surface_humidity=forecast,
        kind=twin.room.kind,
        volume_m3=twin.room.volume_m3,
        window_open=moment.window_open,
        dehumidifier_on=moment.dehumidifier_on,
        air_change_rate=air_change.rate,
        air_change_rate_sd=air_change.sd,
        autonomy=autonomy,
    )


def forecast_surface_humidity(
    twin: RoomTwin, moment: Moment, weather: Weather, forecast: ForecastOutput | None
) -> float | None:
    """Return what the coldest surface's humidity, %, reaches for at least 6 of the next 24 h.

    The room between the forecast's hours is taken as lines; None when room or weather are not known.
    """
    if forecast is None or moment.temperature is None or moment.vapour_pressure is None:
        return None
    outdoor = weather.next_day(forecast.hour)
    known = [
        (each.hours, each.temperature.value, each.vapour_pressure.value)
        for each in forecast.horizons
        if each.hours <= 24 and each.temperature.value is not None and each.vapour_pressure.value is not None
    ]
    if outdoor is None or not known or known[-1][0] != 24:
        return None
    at, temperatures, pressures = zip(
        (0, moment.temperature.value, moment.vapour_pressure.value / 100.0), *known, strict=True
    )
    hours = np.arange(1.0, 25.0)
    temperature, pressure = np.interp(hours, at, temperatures), 100.0 * np.interp(hours, at, pressures)
    factor = np.array([each.mean for each in twin.factors])[:, None]
    surface: Array = np.asarray(outdoor + factor * (temperature - outdoor), np.float64)
    humidity = np.minimum(100.0 * pressure / saturation_pressure(surface), 100.0)
    return float(np.sort(humidity, axis=1)[:, -_LASTS].max())


def forecast_input(twin: RoomTwin, moment: Moment, coming: tuple[Tensor, Tensor], last_hour: datetime) -> ForecastInput:
    """Return what the room gives to its forecast; `coming` is the weather, °C and hPa, `last_hour` its local begin."""
    hours = twin.hours
    return ForecastInput(
        room=twin.room.id,
        temperature=hours.newest(Series.TEMPERATURE),
        vapour_pressure=hours.newest(Series.VAPOUR_PRESSURE) / _HECTO,
        outdoor_temperature=hours.newest(Series.OUTDOOR_TEMPERATURE),
        outdoor_vapour_pressure=hours.newest(Series.OUTDOOR_VAPOUR_PRESSURE) / _HECTO,
        forecast_temperature=coming[0],
        forecast_vapour_pressure=coming[1],
        local_hour=last_hour.hour + last_hour.minute / 60.0,
        weekday=last_hour.weekday(),
        age_s=inf if moment.age_s is None else moment.age_s,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What the engine made of a moment."""

    assessment: Assessment
    air_change: AirChange
    forecast: ForecastOutput | None = None
    expected: float | None = None
    """% of surface humidity, see `forecast_surface_humidity`"""
    active: tuple[Decision, ...] = ()
    shadows: tuple[Decision, ...] = ()
    effect: Effect | None = None


def view_of(twin: RoomTwin, moment: Moment, findings: Findings) -> RoomView:
    """Return what there is to show."""
    air, outlook = moment.air, twin.outlook
    worst = outlook.worst
    states = _states(twin, air)
    coldest = _coldest(twin, air, states)
    return RoomView(
        room=twin.room.id,
        at=twin.at,
        temperature=air.temperature,
        relative_humidity=_relative_humidity(air),
        vapour_pressure=air.vapour_pressure,
        dew_point=None if air.vapour_pressure is None else dew_point_of_pressure(air.vapour_pressure),
        outdoor_temperature=air.outdoor_temperature,
        outdoor_vapour_pressure=air.outdoor_vapour_pressure,
        data_age_s=moment.age_s,
        window_open=moment.window_open,
        surface_temperature=None if coldest is None else coldest.temperature,
        surface_humidity=None if coldest is None else coldest.humidity,
        critical_humidity=None if coldest is None else critical_humidity(coldest.temperature, twin.room.wall_class),
        condensation=None if coldest is None else coldest.condensation,
        surfaces=_surfaces(twin, states),
        f_rsi_hours=twin.surface.hours,
        mold_index=None if worst is None else outlook.index[worst],
        mold_index_lo=None if worst is None else outlook.lo[worst],
        mold_index_hi=None if worst is None else outlook.hi[worst],
        mold_hours=twin.mold.hours,
        held_hours=twin.mold.held_hours,
        days_to_mold=outlook.days_to_mold,
        hours_above_critical=outlook.hours_above_critical,
        best_act=_best_act(findings.assessment),
        no_act_reason=findings.assessment.reason,
        forecast=() if findings.forecast is None else findings.forecast.horizons,
        forecast_surface_humidity=findings.expected,
        active=findings.active,
        shadows=findings.shadows,
        effect=findings.effect,
        air_change_rate=findings.air_change.rate,
        airings=findings.air_change.airings,
    )


def _relative_humidity(air: Air) -> float | None:
    if air.temperature is None or air.vapour_pressure is None:
        return None
    return min(relative_humidity(air.temperature, air.vapour_pressure), 100.0)


def _coldest(twin: RoomTwin, air: Air, states: tuple[SurfaceState, ...]) -> SurfaceState | None:
    if air.temperature is None or air.outdoor_temperature is None or not states:
        return None
    return states[twin.worst(air.temperature, air.outdoor_temperature)]


def _states(twin: RoomTwin, air: Air) -> tuple[SurfaceState, ...]:
    """Return the state of each surface; empty when not everything is known."""
    if air.temperature is None or air.vapour_pressure is None or air.outdoor_temperature is None:
        return ()
    return twin.surfaces(air.temperature, air.vapour_pressure, air.outdoor_temperature)


def _surfaces(twin: RoomTwin, states: tuple[SurfaceState, ...]) -> tuple[SurfaceView, ...]:
    outlook = twin.outlook
    counted = outlook.worst is not None
    rows = zip(SurfaceKind, twin.factors, outlook.index, outlook.lo, outlook.hi, strict=True)
    return tuple(
        SurfaceView(
            kind=kind,
            f_rsi=factor.mean,
            f_rsi_sd=factor.sd,
            temperature=states[place].temperature if states else None,
            humidity=states[place].humidity if states else None,
            condensation=states[place].condensation if states else None,
            mold_index=index if counted else None,
            mold_index_lo=lo if counted else None,
            mold_index_hi=hi if counted else None,
        )
        for place, (kind, factor, index, lo, hi) in enumerate(rows)
    )


def _best_act(assessment: Assessment) -> Act | None:
    return next(
        (each.proposed for each in assessment.candidates if each.proposed and each.proposed.kind in ACT_KEYS), None
    )
