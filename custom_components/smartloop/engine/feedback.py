"""What a person said of a decision, and what it taught."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .errors import ReadingError


class Verdict(StrEnum):
    """The closed list of answers."""

    HELPFUL = "helpful"
    WRONG = "wrong"
    DISMISSED = "dismissed"
    UNDONE = "undone"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """One answer; `id` makes it idempotent."""

    id: str
    key: str
    """The decision's key, such as `mold.ventilate`."""
    verdict: Verdict
    at: datetime
    room: str | None = None
    person: str | None = None
    decision_id: str | None = None
    source: str | None = None
    """The box, when the decision is about one"""

    def __post_init__(self) -> None:
        """Refuse answers that cannot be placed."""
        if not self.id or not self.key:
            msg = "feedback needs an id and a key"
            raise ReadingError(msg)
        if self.at.tzinfo is None:
            msg = "feedback has a time without zone"
            raise ReadingError(msg)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """What one answer changed, for whom and where; can be read and undone."""

    id: str
    """Equal to the feedback's id."""
    key: str
    verdict: Verdict
    at: datetime
    room: str | None
    person: str | None
    bar_shift: float
    """Change of the evidence a decision needs before it is raised here again, in units of the
    decision's own score (1 = as much again as the first threshold)."""
    snooze_until: datetime | None
    """No message of this kind here before then."""
    source: str | None = None
    """The box, when the answer was about one"""
