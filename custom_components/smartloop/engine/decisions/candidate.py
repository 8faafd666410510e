"""What a room's conditions speak for, before the policy decides what becomes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .decision import Act, DecisionKey, Evidence, Severity, Subject, subject_of


class Reason(StrEnum):
    """Why nothing can be said, or nothing is to be done."""

    JOURNEY_OFF = "journey_off"
    NO_READINGS = "no_readings"
    STALE_OUTDOOR = "stale_outdoor"
    SURFACE_DRY = "surface_dry"
    WINDOW_OPEN = "window_open"
    NOTHING_HELPS = "nothing_helps"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One thing that could be said now, and how much speaks for it."""

    key: DecisionKey
    severity: Severity
    score: float
    """In units of the first threshold: 1 = just enough."""
    evidence: tuple[Evidence, ...]
    proposed: Act | None
    valid_for: timedelta
    """How long it may stand without being seen again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """Everything that can be said of a room, or of a box, at one moment."""

    room: str | None
    """None of a box that stands in no room"""
    at: datetime
    candidates: tuple[Candidate, ...] = ()
    done: frozenset[DecisionKey] = frozenset()
    """Kinds of act that are being done already."""
    abstained: bool = False
    """Too little is known: what stands is neither confirmed nor cleared."""
    reason: Reason | None = None
    """Why there is no act among the candidates; None when there is one."""
    source: str | None = None
    """The box, when it is about one"""

    @property
    def subject(self) -> Subject:
        """Return what it is about."""
        return subject_of(self.room, self.source)
