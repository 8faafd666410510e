"""What is known of a room at one moment, for whoever shows it."""

from dataclasses import dataclass, field
from datetime import datetime

from .decisions.candidate import Reason
from .decisions.decision import Act, Decision
from .decisions.effect import Effect
from .features.surface import SurfaceKind
from .models.forecast import HorizonForecast


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceView:
    """One virtual surface."""

    kind: SurfaceKind
    f_rsi: float
    """Temperature factor, 0-1"""
    f_rsi_sd: float
    temperature: float | None
    """°C"""
    humidity: float | None
    """%"""
    condensation: bool | None
    mold_index: float | None
    mold_index_lo: float | None
    mold_index_hi: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomView:
    """One room; None is unknown."""

    room: str
    at: datetime | None = field(compare=False)
    """When the room was last looked at; two views that say the same are equal."""
    temperature: float | None = None
    """°C"""
    relative_humidity: float | None = None
    """%"""
    vapour_pressure: float | None = None
    """Pa"""
    dew_point: float | None = None
    """°C"""
    outdoor_temperature: float | None = None
    """°C"""
    outdoor_vapour_pressure: float | None = None
    """Pa"""
    data_age_s: float | None = None
    """Of the older of temperature and humidity."""
    window_open: bool | None = None

    surface_temperature: float | None = None
    """°C, of the wettest surface"""
    surface_humidity: float | None = None
    """%, of the wettest surface"""
    critical_humidity: float | None = None
    """%, from which mold can grow there"""
    condensation: bool | None = None
    surfaces: tuple[SurfaceView, ...] = ()
    f_rsi_hours: float = 0.0
    """h a cold-corner sensor has taught"""

    mold_index: float | None = None
    """0-6, of the worst surface; None before the first hour was counted"""
    mold_index_lo: float | None = None
    mold_index_hi: float | None = None
    mold_hours: float = 0.0
    """h counted"""
    held_hours: float = 0.0
    """h that passed unseen"""
    days_to_mold: float | None = None
    """Until index 1 if the last week went on; None when it would not get there within a year"""
    hours_above_critical: float | None = None
    """In the last 7 days"""

    best_act: Act | None = None
    no_act_reason: Reason | None = None
    forecast: tuple[HorizonForecast, ...] = ()
    forecast_surface_humidity: float | None = None
    """%, reached for at least 6 of the next 24 h"""
    active: tuple[Decision, ...] = ()
    shadows: tuple[Decision, ...] = ()
    effect: Effect | None = None
    """The last verdict on an act"""
    air_change_rate: float | None = None
    """1/h while the window is open"""
    airings: int = 0
    """Airings that taught the air change rate"""
