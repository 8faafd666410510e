"""Damp surfaces: the one act that helps best now, and whether conditions for mold growth have added up.

An act is advised only when the model says that it helps: the humidity at the coldest surface falls
by at least 3 points, at the end of the act as well as once the room has recovered, and whichever way
the uncertain numbers lean it does not rise. What is so already is never advised.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import floor, hypot, isfinite

from ..errors import ReadingError
from ..features.psychrometrics import relative_humidity, saturation_pressure, vapour_pressure
from ..household import Autonomy, RoomKind, WallClass
from ..models.mold import critical_humidity
from .airing import (
    DEFAULT_AIR_CHANGE_RATE,
    DEFAULT_VOLUME_M3,
    MIN_ROOM_HUMIDITY,
    Air,
    aired,
    airing_minutes,
    drying_minutes,
    warmed,
)
from .candidate import Assessment, Candidate, Reason
from .decision import Act, ActKind, DecisionKey, Evidence, Severity

MIN_FALL = 3.0
"""Points of surface humidity an act must win to be worth a word."""
STANDING_FALL = 2.0
"""Points an act that stands already must still win, so that two acts do not take turns."""
MARGIN = 5.0
"""Points below the critical humidity that an act aims at."""
NEAR = 5.0
"""Points below the critical humidity from which a surface is no longer dry."""
STANDING_SLACK = 3.0
"""Points below the critical humidity down to which an act that stands already is still followed."""
SCORE_SPAN = 20.0
"""Points of surface humidity per unit of score: 1.0 at the critical humidity, 0.9 two points below."""
PRESSURE_MARGIN = 100.0
"""Pa by which the outdoor air must be drier."""
STALE_OUTDOOR = timedelta(hours=3)
"""Weather services report hourly; twice missed is stale."""
LEAST_HEATING = 0.5
"""K, the step of common thermostats."""
LEAST_AIR_CHANGE = 0.5
"""1/h, of a window hardly ajar."""
PROJECTION_DAYS = 14.0
GROWTH_INDEX = 1.0
"""First growth, seen under a microscope."""
VISIBLE_INDEX = 3.0
"""First growth, seen by eye; the limit of ASHRAE 160."""
BAND = 1.645
"""Standard deviations to either side of a 90 % band."""

VOLUMES: dict[RoomKind, float] = {
    RoomKind.BATHROOM: 14.0,
    RoomKind.BEDROOM: 35.0,
    RoomKind.HALLWAY: 20.0,
    RoomKind.LAUNDRY: 14.0,
    RoomKind.LIVING_ROOM: 60.0,
}
"""m³, while the owner has not told; any other room has `DEFAULT_VOLUME_M3`."""

ACT_KEYS: dict[ActKind, DecisionKey] = {
    ActKind.VENTILATE: DecisionKey.MOLD_VENTILATE,
    ActKind.DEHUMIDIFY: DecisionKey.MOLD_DEHUMIDIFY,
    ActKind.HEAT: DecisionKey.MOLD_HEAT,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomConditions:
    """Everything a decision about damp in one room rests on."""

    room: str
    at: datetime
    temperature: float
    """°C"""
    vapour_pressure: float
    """Pa"""
    f_rsi: float
    """Temperature factor of the worst surface."""
    vapour_pressure_sd: float = 40.0
    """Pa; 3 % of humidity at 20 °C, a common sensor"""
    f_rsi_sd: float = 0.07
    outdoor_temperature: float | None = None
    """°C"""
    outdoor_vapour_pressure: float | None = None
    """Pa"""
    outdoor_vapour_pressure_sd: float = 30.0
    """Pa"""
    outdoor_age: timedelta | None = None
    """Of the older of the two outdoor numbers."""
    wall_class: WallClass = WallClass.SENSITIVE
    mold_index: float | None = None
    mold_index_lo: float | None = None
    mold_index_hi: float | None = None
    growth_per_day: float | None = None
    """Net growth of the nominal index; falling when negative."""
    days_to_mold: float | None = None
    """Until index 1, if it goes on like this."""
    hours_above_critical: float | None = None
    """In the last 7 days."""
    forecast_surface_humidity: float | None = None
    """%, what the worst surface is at or above for at least 6 of the next 24 h."""
    kind: RoomKind = RoomKind.OTHER
    volume_m3: float | None = None
    window_open: bool | None = None
    dehumidifier_on: bool | None = None
    """None when the room is not known to have one."""
    heating_on: bool | None = None
    """The heating is warming the room right now."""
    air_change_rate: float = DEFAULT_AIR_CHANGE_RATE
    """1/h while the window is open, as learned."""
    air_change_rate_sd: float = 3.0
    comfort_limit: float = 22.0
    """°C up to which heating may be advised"""
    autonomy: Autonomy = Autonomy.INFORM

    def __post_init__(self) -> None:
        """Refuse numbers that no room has."""
        if self.at.tzinfo is None:
            msg = "a room's conditions have a time without zone"
            raise ReadingError(msg)
        for what, value, low, high in (
            ("temperature", self.temperature, -60.0, 60.0),
            ("vapour pressure", self.vapour_pressure, 1.0, 20000.0),
            ("temperature factor", self.f_rsi, 0.05, 1.0),
            ("air change rate", self.air_change_rate, 0.1, 100.0),
            ("outdoor temperature", self.outdoor_temperature, -80.0, 60.0),
            ("outdoor vapour pressure", self.outdoor_vapour_pressure, 0.0, 20000.0),
            ("volume", self.volume_m3, 1.0, 5000.0),
            ("comfort limit", self.comfort_limit, 5.0, 35.0),
        ):
            if value is not None and not (isfinite(value) and low <= value <= high):
                msg = f"a room's {what} of {value:g} cannot be"
                raise ReadingError(msg)

    @property
    def air(self) -> Air | None:
        """Return the air as the acts need it; None without fresh outdoor numbers."""
        if self.outdoor_temperature is None or self.outdoor_vapour_pressure is None:
            return None
        if self.outdoor_age is None or self.outdoor_age > STALE_OUTDOOR:
            return None
        return Air(
            temperature=self.temperature,
            vapour_pressure=self.vapour_pressure,
            outdoor_temperature=self.outdoor_temperature,
            outdoor_vapour_pressure=self.outdoor_vapour_pressure,
            f_rsi=self.f_rsi,
            volume_m3=self.volume_m3 or VOLUMES.get(self.kind, DEFAULT_VOLUME_M3),
        )

    @property
    def surface_humidity(self) -> float | None:
        """Return the humidity at the worst surface, %, at most 100; None when outside is not known."""
        air = self.air
        return None if air is None else min(air.surface_humidity(), 100.0)


def assess(conditions: RoomConditions, standing: frozenset[DecisionKey] = frozenset()) -> Assessment:
    """Return what the conditions speak for; `standing` are the keys that are raised for the room now."""
    room, at = conditions.room, conditions.at
    if conditions.autonomy is Autonomy.OFF:
        return Assessment(room=room, at=at, reason=Reason.JOURNEY_OFF)
    air = conditions.air
    if air is None:
        return Assessment(room=room, at=at, abstained=True, reason=Reason.STALE_OUTDOOR)
    act, reason = best_act(conditions, air, standing)
    candidates = [] if act is None else [_act_candidate(conditions, air, act)]
    growth = _growth_candidate(conditions, air)
    if growth is not None:
        candidates.append(growth)
    return Assessment(room=room, at=at, candidates=tuple(candidates), done=_done(conditions), reason=reason)


def best_act(
    conditions: RoomConditions, air: Air, standing: frozenset[DecisionKey] = frozenset()
) -> tuple[Act | None, Reason | None]:
    """Return the cheapest act that goes half the way at least, else the strongest; or why there is none."""
    before = air.surface_humidity()
    critical = critical_humidity(air.surface_temperature(), conditions.wall_class)
    least = critical - STANDING_SLACK if standing & frozenset(ACT_KEYS.values()) else critical
    if before < critical - NEAR or max(before, conditions.forecast_surface_humidity or 0.0) < least:
        return None, Reason.SURFACE_DRY
    if conditions.window_open:
        return None, Reason.WINDOW_OPEN
    target = min(critical, before) - MARGIN
    halfway = (critical + max(min(before, 100.0), critical)) / 2.0
    helpful: list[Act] = []
    for kind in _cheapest_first(conditions, standing):
        act, stands = _MAKERS[kind](conditions, air, target), ACT_KEYS[kind] in standing
        if act is None or act.surface_humidity_before - act.surface_humidity_after < _least_fall(stands=stands):
            continue
        if stands or act.surface_humidity_after <= halfway:
            return act, None
        helpful.append(act)
    if not helpful:
        return None, Reason.NOTHING_HELPS
    return min(helpful, key=lambda act: act.surface_humidity_after), None


def _cheapest_first(conditions: RoomConditions, standing: frozenset[DecisionKey]) -> list[ActKind]:
    kinds = (ActKind.VENTILATE, ActKind.DEHUMIDIFY, ActKind.HEAT)
    if conditions.dehumidifier_on is None:
        # A dehumidifier the room is not known to have would have to be bought first.
        kinds = (ActKind.VENTILATE, ActKind.HEAT, ActKind.DEHUMIDIFY)
    return sorted(kinds, key=lambda kind: ACT_KEYS[kind] not in standing)


def _least_fall(*, stands: bool) -> float:
    return STANDING_FALL if stands else MIN_FALL


def _ventilate(conditions: RoomConditions, air: Air, target: float) -> Act | None:
    margin = max(PRESSURE_MARGIN, 2.0 * hypot(conditions.vapour_pressure_sd, conditions.outdoor_vapour_pressure_sd))
    if air.vapour_pressure - air.outdoor_vapour_pressure < margin:
        return None
    rate = conditions.air_change_rate
    minutes = airing_minutes(air, target, rate)
    if not all(max(aired(other, minutes, at)) < other.surface_humidity() for other, at in _leanings(conditions, air)):
        return None
    before, after = air.surface_humidity(), max(aired(air, minutes, rate))
    return _act(ActKind.VENTILATE, before, after, minutes=float(minutes))


def _leanings(conditions: RoomConditions, air: Air) -> Iterator[tuple[Air, float]]:
    """Yield the room and its window as they may be, one deviation to either side of what is believed."""
    for factor in (conditions.f_rsi - conditions.f_rsi_sd, conditions.f_rsi + conditions.f_rsi_sd):
        other = replace(air, f_rsi=min(max(factor, 0.05), 1.0))
        yield other, max(conditions.air_change_rate - conditions.air_change_rate_sd, LEAST_AIR_CHANGE)
        yield other, conditions.air_change_rate + conditions.air_change_rate_sd


def _heat(conditions: RoomConditions, air: Air, target: float) -> Act | None:
    steps = floor((conditions.comfort_limit - air.temperature) / LEAST_HEATING)
    if steps < 1 or conditions.heating_on:
        return None
    amounts = [LEAST_HEATING * step for step in range(1, steps + 1)]
    kelvin = next((amount for amount in amounts if warmed(air, amount) <= target), amounts[-1])
    return _act(ActKind.HEAT, air.surface_humidity(), warmed(air, kelvin), amount=kelvin)


def _dehumidify(conditions: RoomConditions, air: Air, target: float) -> Act | None:
    if conditions.dehumidifier_on:
        return None
    wanted = relative_humidity(air.temperature, target / 100.0 * saturation_pressure(air.surface_temperature()))
    humidity = max(float(floor(wanted)), MIN_ROOM_HUMIDITY)
    pressure = vapour_pressure(air.temperature, humidity)
    if pressure >= air.vapour_pressure:
        return None
    return _act(
        ActKind.DEHUMIDIFY,
        air.surface_humidity(),
        air.surface_humidity(pressure),
        minutes=float(drying_minutes(air, pressure)),
        amount=humidity,
    )


_MAKERS: dict[ActKind, Callable[[RoomConditions, Air, float], Act | None]] = {
    ActKind.VENTILATE: _ventilate,
    ActKind.DEHUMIDIFY: _dehumidify,
    ActKind.HEAT: _heat,
}


def _act(
    kind: ActKind, before: float, after: float, *, minutes: float | None = None, amount: float | None = None
) -> Act:
    return Act(
        kind=kind,
        minutes=minutes,
        amount=amount,
        surface_humidity_before=min(before, 100.0),
        surface_humidity_after=min(after, 100.0),
    )


def _done(conditions: RoomConditions) -> frozenset[DecisionKey]:
    warm = conditions.comfort_limit - conditions.temperature < LEAST_HEATING
    return frozenset(
        key
        for key, so in (
            (DecisionKey.MOLD_VENTILATE, conditions.window_open),
            (DecisionKey.MOLD_DEHUMIDIFY, conditions.dehumidifier_on),
            (DecisionKey.MOLD_HEAT, conditions.heating_on or warm),
        )
        if so
    )


def _act_candidate(conditions: RoomConditions, air: Air, act: Act) -> Candidate:
    critical = critical_humidity(air.surface_temperature(), conditions.wall_class)
    wettest = max(air.surface_humidity(), conditions.forecast_surface_humidity or 0.0)
    evidence = [_surface_evidence(conditions, air), Evidence(name="critical_humidity", value=critical, unit="%")]
    if conditions.forecast_surface_humidity is not None and conditions.forecast_surface_humidity >= critical:
        evidence.append(
            Evidence(name="forecast_surface_humidity", value=conditions.forecast_surface_humidity, unit="%")
        )
    evidence += [
        _pressure_evidence("vapour_pressure", air.vapour_pressure, conditions.vapour_pressure_sd),
        _pressure_evidence(
            "outdoor_vapour_pressure", air.outdoor_vapour_pressure, conditions.outdoor_vapour_pressure_sd
        ),
        Evidence(name="temperature", value=air.temperature, unit="°C"),
    ]
    return Candidate(
        key=ACT_KEYS[act.kind],
        severity=Severity.ADVICE,
        score=1.0 + (wettest - critical) / SCORE_SPAN,
        evidence=tuple(evidence),
        proposed=act,
        valid_for=timedelta(hours=6),
    )


def _surface_evidence(conditions: RoomConditions, air: Air) -> Evidence:
    here = air.surface_humidity()
    by_air = air.surface_humidity(air.vapour_pressure + conditions.vapour_pressure_sd) - here
    gap = (air.temperature - air.outdoor_temperature) * conditions.f_rsi_sd
    by_factor = relative_humidity(air.surface_temperature() - gap, air.vapour_pressure) - here
    band = BAND * hypot(by_air, by_factor)
    return Evidence(
        name="surface_humidity",
        value=min(here, 100.0),
        unit="%",
        lo=max(min(here - band, 100.0), 0.0),
        hi=min(here + band, 100.0),
    )


def _pressure_evidence(name: str, pascal: float, sd: float) -> Evidence:
    band = BAND * sd
    return Evidence(
        name=name, value=pascal / 100.0, unit="hPa", lo=max(pascal - band, 0.0) / 100.0, hi=(pascal + band) / 100.0
    )


def _growth_candidate(conditions: RoomConditions, air: Air) -> Candidate | None:
    """Say that conditions for growth have added up, or soon will have."""
    index = conditions.mold_index
    if index is None:
        return None
    projected = index + PROJECTION_DAYS * max(conditions.growth_per_day or 0.0, 0.0)
    if conditions.days_to_mold is not None and conditions.days_to_mold <= PROJECTION_DAYS:
        projected = max(projected, GROWTH_INDEX)
    evidence = [
        Evidence(name="mold_index", value=index, unit="1", lo=conditions.mold_index_lo, hi=conditions.mold_index_hi)
    ]
    if conditions.days_to_mold is not None:
        evidence.append(Evidence(name="days_to_mold", value=conditions.days_to_mold, unit="d"))
    if conditions.hours_above_critical is not None:
        evidence.append(Evidence(name="hours_above_critical", value=conditions.hours_above_critical, unit="h"))
    here = air.surface_humidity()
    return Candidate(
        key=DecisionKey.MOLD_GROWTH,
        severity=Severity.WARNING if projected >= VISIBLE_INDEX else Severity.ADVICE,
        score=projected / GROWTH_INDEX,
        evidence=tuple(evidence),
        proposed=_act(ActKind.INSPECT, here, here),
        valid_for=timedelta(hours=48),
    )
