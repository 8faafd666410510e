"""The one act that would help a room most now: what is shown of it, and in which words."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from homeassistant.helpers.typing import StateType

from .engine import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    Evidence,
    Reason,
    RoomView,
    Severity,
    Templates,
    reason_sentence,
    render,
)
from .entity import Figure, Shown

NOTHING: Final = "none"

_NOT_KNOWN = frozenset({Reason.NO_READINGS, Reason.STALE_OUTDOOR})


def best_act(view: RoomView) -> Shown:
    """Return the act with its figures; no value while too little is known to choose one."""
    act = view.best_act
    if act is None:
        reason = view.no_act_reason
        return Shown(value=_instead(view), attributes={} if reason is None else {"reason": reason.value})
    figures = {
        "minutes": Figure(value=act.minutes, step=2.0, share=0.25),
        "amount": Figure(value=act.amount, step=0.5),
        "before": Figure(value=act.surface_humidity_before, step=2.0),
        "after": Figure(value=act.surface_humidity_after, step=2.0),
    }
    return Shown(value=act.kind.value, attributes=figures)


def best_act_sentence(
    view: RoomView, value: StateType, said: Mapping[str, Any], words: Templates, room_name: str | None
) -> str | None:
    """Return the act in words, with the figures that are shown; None when there is nothing to say."""
    if value == ActKind.INSPECT and (growing := _growing(view)) is not None:
        return render(growing, words, room_name).text
    if (reason := said.get("reason")) is not None:
        return reason_sentence(Reason(reason), words)
    if view.best_act is None or view.at is None:
        return None
    shown = replace(
        view.best_act,
        minutes=said["minutes"],
        amount=said["amount"],
        surface_humidity_before=said["before"],
        surface_humidity_after=said["after"],
    )
    return render(_as_decision(view, shown, view.at), words, room_name).text


def _instead(view: RoomView) -> str | None:
    if _growing(view) is not None:
        return ActKind.INSPECT.value
    if view.no_act_reason is None or view.no_act_reason in _NOT_KNOWN:
        return None
    return NOTHING


def _growing(view: RoomView) -> Decision | None:
    return next((each for each in view.active if each.key is DecisionKey.MOLD_GROWTH), None)


def _as_decision(view: RoomView, act: Act, at: datetime) -> Decision:
    """Return the act as a decision, for its words; nobody has decided it yet."""
    warmth = () if view.temperature is None else (Evidence(name="temperature", value=view.temperature, unit="°C"),)
    return Decision(
        id="",
        key=DecisionKey(f"mold.{act.kind}"),
        severity=Severity.INFO,
        state=DecisionState.RAISED,
        room=view.room,
        person=None,
        evidence=warmth,
        proposed=act,
        at=at,
        expires_at=at,
        score=0.0,
    )
