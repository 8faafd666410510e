"""Decisions and answers for tests that need one to be said."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeassistant.util import dt as dt_util

from custom_components.smartloop.engine import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    Evidence,
    Feedback,
    Severity,
    Verdict,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def decision(**more: Any) -> Decision:
    """Return advice to air the bathroom, raised now; `more` changes its fields."""
    at = more.pop("at", None) or dt_util.utcnow()
    fields: dict[str, Any] = {
        "id": f"mold.ventilate:bathroom:{int(at.timestamp())}",
        "key": DecisionKey.MOLD_VENTILATE,
        "severity": Severity.ADVICE,
        "state": DecisionState.RAISED,
        "room": "bathroom",
        "person": None,
        "evidence": (
            Evidence(name="surface_humidity", value=84.2, unit="%", lo=80.0, hi=88.0),
            Evidence(name="critical_humidity", value=80.0, unit="%"),
        ),
        "proposed": Act(
            kind=ActKind.VENTILATE, minutes=12.0, amount=None, surface_humidity_before=84.2, surface_humidity_after=71.4
        ),
        "expires_at": at + timedelta(hours=6),
        "score": 1.2,
    }
    return Decision(at=at, **fields | more)


def warning(**more: Any) -> Decision:
    """Return a warning about growth in the bathroom."""
    at = more.get("at") or dt_util.utcnow()
    fields: dict[str, Any] = {
        "id": f"mold.growth:bathroom:{int(at.timestamp())}",
        "key": DecisionKey.MOLD_GROWTH,
        "severity": Severity.WARNING,
        "evidence": (Evidence(name="mold_index", value=3.1, unit="1", lo=2.0, hi=4.0),),
        "proposed": None,
        "expires_at": at + timedelta(hours=48),
        "score": 3.1,
    }
    return decision(**fields | more)


def answer(number: int = 1, **more: Any) -> Feedback:
    """Return an answer to that advice."""
    fields: dict[str, Any] = {
        "id": f"answer-{number}",
        "key": "mold.ventilate",
        "verdict": Verdict.WRONG,
        "at": NOON + timedelta(minutes=number),
        "room": "bathroom",
        "person": "ana",
        "decision_id": "mold.ventilate:bathroom:1",
    }
    return Feedback(**fields | more)
