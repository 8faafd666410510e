"""What the sensors' tables say of a room: one small function per figure that is not there ready-made."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from .engine import Prediction, Reason, RoomView
from .engine.features.psychrometrics import absolute_humidity
from .engine.models.forecast import HorizonForecast
from .engine.view import SurfaceView
from .entity import Figure

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
