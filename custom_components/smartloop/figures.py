"""What the sensors' tables say of a room: one small function per figure that is not there ready-made."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.util import dt as dt_util

from .care import Care
from .engine import BatteryView, DecisionKey, DeviceView, Prediction, Reason, RoomView
from .engine.features.psychrometrics import absolute_humidity
from .engine.models.forecast import HorizonForecast
from .engine.view import SurfaceView
from .entity import Figure, Shown

type Attributes = Mapping[str, Any]
type Pick = Callable[[HorizonForecast], Prediction]

AHEAD_H: Final = 24


def no_attributes(_view: RoomView) -> Attributes:
    """Return nothing."""
    return {}


def silent(view: RoomView) -> bool:
    """Return whether the room was looked at and nothing fresh was heard of its air."""
    return view.no_act_reason is Reason.NO_READINGS


def _wettest(view: RoomView) -> SurfaceView | None:
    return max(view.surfaces, key=lambda surface: (surface.humidity or 0.0, -surface.f_rsi), default=None)


def f_rsi(view: RoomView) -> float | None:
    """Return the temperature factor of the wettest surface."""
    surface = _wettest(view)
    return None if surface is None else surface.f_rsi


def f_rsi_attributes(view: RoomView) -> Attributes:
    """Return which surface that is, and how sure the factor."""
    surface = _wettest(view)
    if surface is None:
        return {}
    return {
        "surface": surface.kind.value,
        "sd": Figure(value=surface.f_rsi_sd, step=0.01),
        "learned_hours": int(view.f_rsi_hours),
    }


def surface_attributes(view: RoomView) -> Attributes:
    """Return which surface is the wettest, and from where mold can grow there."""
    surface = _wettest(view)
    if surface is None or view.surface_humidity is None:
        return {}
    return {"surface": surface.kind.value, "critical_humidity": Figure(value=view.critical_humidity, step=1.0)}


def index_attributes(view: RoomView) -> Attributes:
    """Return the band of the index and how long was counted."""
    return {
        "lo": Figure(value=view.mold_index_lo, step=0.01),
        "hi": Figure(value=view.mold_index_hi, step=0.01),
        "hours": int(view.mold_hours),
    }


def grams_per_cubic_metre(view: RoomView) -> float | None:
    """Return the absolute humidity."""
    if view.temperature is None or view.relative_humidity is None:
        return None
    return absolute_humidity(view.temperature, view.relative_humidity)


def expected(pick: Pick) -> Callable[[RoomView], float | None]:
    """Return what is expected in 24 hours of one quantity."""

    def value(view: RoomView) -> float | None:
        return next((pick(each).value for each in view.forecast if each.hours == AHEAD_H), None)

    return value


def horizons(pick: Pick, step: float) -> Callable[[RoomView], Attributes]:
    """Return every horizon of one quantity with its band."""

    def attributes(view: RoomView) -> Attributes:
        return {"horizons": [_horizon(each.hours, pick(each), step) for each in view.forecast]}

    return attributes


def _horizon(hours: int, prediction: Prediction, step: float) -> Attributes:
    numbers = {"value": prediction.value, "lo": prediction.lo, "hi": prediction.hi}
    return {"hours": hours, **{name: Figure(value=number, step=step) for name, number in numbers.items()}}


def box_silence(view: DeviceView | None) -> Attributes:
    """Return what the silence of a box is measured by; the time only while it stands still."""
    if view is None:
        return {}
    minutes = None if view.interval_s is None else view.interval_s / 60.0
    heard = view.last_heard.isoformat() if view.silent and view.last_heard is not None else None
    return {
        "usual_interval": Figure(value=minutes, step=1.0, share=0.2),
        "missed": int(view.missed) if view.silent and view.missed is not None else None,
        "last_heard": heard,
        "bridge_silent": view.bridge_silent,
    }


def box_battery(battery: BatteryView | None) -> Shown:
    """Return the days a battery lasts with their 80 % band; on a guess by age nothing is shown but why."""
    if battery is None:
        return Shown()
    attributes = {
        "lo": Figure(value=battery.lo, step=1.0, share=0.05),
        "hi": Figure(value=battery.hi, step=1.0, share=0.05),
        "reason": None if battery.reason is None else battery.reason.value,
        "battery_type": battery.battery_type,
    }
    days = battery.days_left if battery.reason is None else None
    return Shown(value=Figure(value=days, step=1.0, share=0.05), attributes=attributes)


def needing_care(care: Care) -> dict[str, int]:
    """Return how many boxes need what; each is counted once, for what is worst."""
    counts = {"silent": 0, "battery": 0, "drift": 0, "untested": 0}
    untested = set(care.never_tested)
    for view in care.views.values():
        keys = {decision.key for decision in view.active}
        if view.silent and not view.bridge_silent:
            counts["silent"] += 1
        elif DecisionKey.DEVICE_BATTERY in keys:
            counts["battery"] += 1
        elif DecisionKey.DEVICE_DRIFT in keys:
            counts["drift"] += 1
        elif view.source in untested:
            counts["untested"] += 1
    return counts


def care_attributes(care: Care) -> Attributes:
    """Return what the boxes need, and how many there are."""
    return {**needing_care(care), "total": len(care.views)}


def proven_points(care: Care) -> int | None:
    """Return how many leak sensors are proven alive; unknown without any."""
    assurance = care.assurance(dt_util.utcnow())
    return assurance.proven if assurance.total else None


def leak_attributes(care: Care) -> Attributes:
    """Return of how many, and which to see to first."""
    assurance = care.assurance(dt_util.utcnow())
    weakest = assurance.next_step
    return {
        "total": assurance.total,
        "percent": round(100 * assurance.proven / assurance.total) if assurance.total else None,
        "weakest": None if weakest is None else care.name(weakest.source),
        "weakest_link": None if weakest is None or weakest.link is None else weakest.link.value,
    }
