"""The engine: context, features, models, decisions. Pure: no Home Assistant, no clock, no I/O.

What is named here is what the rest of the integration may use.
"""

from .decisions.candidate import Reason
from .decisions.decision import Act, ActKind, Decision, DecisionKey, DecisionState, Evidence, Severity
from .decisions.effect import Effect, Outcome
from .decisions.lessons import Record
from .device_view import (
    Assurance,
    BatteryReason,
    BatteryView,
    DeviceFacts,
    DeviceView,
    DriftView,
    LeakPoint,
    RadioView,
    WeakLink,
)
from .errors import EngineError, ModelError, ReadingError, SnapshotError, TraceError, UnitError
from .features.psychrometrics import absolute_humidity, relative_humidity_of_dew_point
from .features.surface import Factor, SurfaceKind, from_mold_indicator, from_single_reading
from .feedback import Feedback, Lesson, Verdict
from .household import (
    ActionPlan,
    Autonomy,
    Construction,
    Household,
    Inhaler,
    InhalerRole,
    Journey,
    Person,
    QuietHours,
    Room,
    RoomKind,
    WallClass,
)
from .loop import Engine
from .models.forecast import Forecaster, ForecastJob, ForecastResult, HorizonForecast
from .models.model import Prediction, Runner
from .puffs import PuffView
from .reading import HOUSE, OUTDOOR, UNITS, Actuation, Measurand, Reading, WeatherPoint
from .rooms import StepResult
from .sentence import (
    Message,
    Templates,
    assurance_sentence,
    effect_message,
    lesson_sentence,
    reason_sentence,
    render,
    templates_of,
)
from .trace import Entry, Forecast, Refusal, Trace, decision_record, read_trace, write_trace
from .units import convert
from .view import RoomView, SurfaceView

__all__ = [
    "HOUSE",
    "OUTDOOR",
    "UNITS",
    "Act",
    "ActKind",
    "ActionPlan",
    "Actuation",
    "Assurance",
    "Autonomy",
    "BatteryReason",
    "BatteryView",
    "Construction",
    "Decision",
    "DecisionKey",
    "DecisionState",
    "DeviceFacts",
    "DeviceView",
    "DriftView",
    "Effect",
    "Engine",
    "EngineError",
    "Entry",
    "Evidence",
    "Factor",
    "Feedback",
    "Forecast",
    "ForecastJob",
    "ForecastResult",
    "Forecaster",
    "HorizonForecast",
    "Household",
    "Inhaler",
    "InhalerRole",
    "Journey",
    "LeakPoint",
    "Lesson",
    "Measurand",
    "Message",
    "ModelError",
    "Outcome",
    "Person",
    "Prediction",
    "PuffView",
    "QuietHours",
    "RadioView",
    "Reading",
    "ReadingError",
    "Reason",
    "Record",
    "Refusal",
    "Room",
    "RoomKind",
    "RoomView",
    "Runner",
    "Severity",
    "SnapshotError",
    "StepResult",
    "SurfaceKind",
    "SurfaceView",
    "Templates",
    "Trace",
    "TraceError",
    "UnitError",
    "Verdict",
    "WallClass",
    "WeakLink",
    "WeatherPoint",
    "absolute_humidity",
    "assurance_sentence",
    "convert",
    "decision_record",
    "effect_message",
    "from_mold_indicator",
    "from_single_reading",
    "lesson_sentence",
    "read_trace",
    "reason_sentence",
    "relative_humidity_of_dew_point",
    "render",
    "templates_of",
    "write_trace",
]
