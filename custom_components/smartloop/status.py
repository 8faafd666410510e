"""How the household is doing as a whole, for its own entities."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .engine import Decision, RoomView, Severity


class HouseState(StrEnum):
    """How the whole is doing."""

    STARTING = "starting"
    LEARNING_HISTORY = "learning_history"
    OK = "ok"
    ADVICE = "advice"
    WARNING = "warning"
    DEGRADED = "degraded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What the household's own entities show."""

    state: HouseState
    history_progress: int | None
    """% of the recorded past taken in; None when there is nothing to do."""
    reasons: tuple[str, ...]


def status_of(
    views: Collection[RoomView],
    active: Collection[Decision],
    facts: dict[str, Any],
    *,
    refused: bool,
    started: bool,
    progress: int | None,
) -> Status:
    """Return the household's status from its rooms, what is raised, and what runs the models."""
    reasons = []
    if facts.get("engine", "none") == "none":
        reasons.append("engine_missing")
    if refused:
        reasons.append("values_refused")
    if views and all(view.surface_humidity is None for view in views):
        # Without a sensor or a forecast of the air outside no wall is known, however much the rooms tell.
        outdoor = any(view.temperature is not None and view.outdoor_temperature is None for view in views)
        reasons.append("stale_outdoor" if outdoor else "no_readings")
    if any(each.source is not None for each in active):
        reasons.append("sensors_need_care")
    raised = {each.severity for each in active}
    if not started:
        state = HouseState.STARTING
    elif progress is not None:
        state = HouseState.LEARNING_HISTORY
    elif raised & {Severity.WARNING, Severity.CRITICAL}:
        state = HouseState.WARNING
    elif Severity.ADVICE in raised:
        state = HouseState.ADVICE
    elif reasons:
        state = HouseState.DEGRADED
    else:
        state = HouseState.OK
    return Status(state=state, history_progress=progress, reasons=tuple(reasons))
