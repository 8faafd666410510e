"""A decision: what is the matter, how sure, why, and what would help."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DecisionKey(StrEnum):
    """Every kind of decision the engine can take now; grows only by ADR."""

    MOLD_VENTILATE = "mold.ventilate"
    MOLD_HEAT = "mold.heat"
    MOLD_DEHUMIDIFY = "mold.dehumidify"
    MOLD_GROWTH = "mold.growth"
    DEVICE_SILENT = "device.silent"
    DEVICE_BATTERY = "device.battery"
    DEVICE_DRIFT = "device.drift"


class Severity(StrEnum):
    """How much it matters."""

    INFO = "info"
    ADVICE = "advice"
    WARNING = "warning"
    CRITICAL = "critical"

    def outranks(self, other: Severity) -> bool:
        """Return whether this matters more than the other."""
        ranks = list(Severity)
        return ranks.index(self) > ranks.index(other)


class DecisionState(StrEnum):
    """Where a decision stands."""

    RAISED = "raised"
    CLEARED = "cleared"
    SHADOW = "shadow"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One number behind a decision."""

    name: str
    value: float
    unit: str
    lo: float | None = None
    hi: float | None = None


class ActKind(StrEnum):
    """What somebody or something can do about it."""

    VENTILATE = "ventilate"
    HEAT = "heat"
    DEHUMIDIFY = "dehumidify"
    INSPECT = "inspect"


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """One act and its predicted effect on the worst surface of the room."""

    kind: ActKind
    minutes: float | None
    """How long (ventilate, dehumidify); None when it has no length."""
    amount: float | None
    """°C to add (heat), % room humidity to reach (dehumidify), None else."""
    surface_humidity_before: float
    """%"""
    surface_humidity_after: float
    """%, as the model predicts"""


type Subject = tuple[str | None, str | None]
"""What a decision is about: (room, None), or (None, source) for a box wherever it stands."""


def subject_of(room: str | None, source: str | None) -> Subject:
    """Return the subject: a box that moves to another room stays the same one."""
    return (room, None) if source is None else (None, source)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """One decision about a room, a person or a box; pure data, worded elsewhere."""

    id: str
    """Unique per raising; deterministic from key, subject and time."""
    key: DecisionKey
    severity: Severity
    state: DecisionState
    room: str | None
    person: str | None
    evidence: tuple[Evidence, ...]
    proposed: Act | None
    at: datetime
    expires_at: datetime
    score: float
    """Evidence in units of the first threshold: 1 = just enough; personal bars compare with it."""
    source: str | None = None
    """The box that the decision is about; `room` is then where it stands"""

    @property
    def subject(self) -> Subject:
        """Return what the decision is about."""
        return subject_of(self.room, self.source)

    @property
    def tag(self) -> str:
        """Return what messages about the same matter share: a newer one replaces the older."""
        return f"{self.key}:{self.source or self.room or ''}:{self.person or ''}"
