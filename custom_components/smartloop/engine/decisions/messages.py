"""Who may be told of what, and when: quiet hours, a daily budget, and time between messages."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..household import Household, Person
from .decision import Decision, DecisionKey, Severity
from .stored import Json, Stored

APART = timedelta(minutes=60)
"""Between two non-critical messages to one person."""
REPEAT = timedelta(hours=6)
"""Between two messages about the same matter."""
REPEATS: dict[DecisionKey, timedelta] = {
    DecisionKey.MOLD_GROWTH: timedelta(days=7),
    DecisionKey.DEVICE_SILENT: timedelta(days=1),
    DecisionKey.DEVICE_BATTERY: timedelta(days=7),
    DecisionKey.DEVICE_DRIFT: timedelta(days=30),
}
"""What changes in weeks is not said every day; a box that comes and goes is not said each time."""
MOST_TAGS = 200
EVERYBODY = ""
"""Stands for the house while it has no people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Last:
    """The last message about one matter."""

    at: datetime
    decision_id: str
    severity: Severity


@dataclass(slots=True)
class _Told:
    """What one person has been told."""

    recent: list[datetime] = field(default_factory=list)
    """Non-critical messages of the last two days"""
    tags: dict[str, _Last] = field(default_factory=dict)
    """The last message about each matter"""


class Messages:
    """The messages of the household's people."""

    def __init__(self, household: Household) -> None:
        """Begin with nothing told."""
        self._household = household
        self._told: dict[str, _Told] = {}

    def may_tell(self, decision: Decision, person: Person | None, at: datetime) -> bool:
        """Return whether the person may be told of the decision now."""
        told = self._told.get(_name(person), _Told())
        last = told.tags.get(decision.tag)
        if last is not None and last.decision_id == decision.id:
            return False
        if decision.severity is Severity.CRITICAL:
            return True
        if last is not None and not decision.severity.outranks(last.severity) and at - last.at < _repeat(decision):
            return False
        return not self.quiet(person, at) and self._has_budget(told, at)

    def quiet(self, person: Person | None, at: datetime) -> bool:
        """Return whether it is the person's quiet hours, by the household's clock."""
        own = None if person is None else person.quiet_hours
        hours = own or self._household.quiet_hours
        return hours is not None and hours.contain(at.astimezone(self._household.timezone).time())

    def _has_budget(self, told: _Told, at: datetime) -> bool:
        if told.recent and at - told.recent[-1] < APART:
            return False
        zone = self._household.timezone
        today = at.astimezone(zone).date()
        return sum(then.astimezone(zone).date() == today for then in told.recent) < self._household.daily_budget

    def told(self, decision: Decision, person: str | None, at: datetime) -> None:
        """Take note that a person was told."""
        told = self._told.setdefault(person or EVERYBODY, _Told())
        told.tags.pop(decision.tag, None)
        told.tags[decision.tag] = _Last(at=at, decision_id=decision.id, severity=decision.severity)
        if len(told.tags) > MOST_TAGS:
            del told.tags[next(iter(told.tags))]
        if decision.severity is not Severity.CRITICAL:
            told.recent = [then for then in told.recent if at - then < timedelta(days=2)]
            told.recent.append(at)

    def snapshot(self) -> list[Json]:
        """Return everything as JSON values."""
        return [
            {
                "person": person,
                "recent": [{"at": at.isoformat()} for at in told.recent],
                "tags": [
                    {"tag": tag, "at": last.at.isoformat(), "id": last.decision_id, "severity": last.severity.value}
                    for tag, last in told.tags.items()
                ],
            }
            for person, told in self._told.items()
        ]

    @classmethod
    def restored(cls, household: Household, stored: Stored, name: str) -> Messages:
        """Return what a snapshot holds under a name, of people who still live here; raises SnapshotError."""
        self = cls(household)
        here = {EVERYBODY, *(person.id for person in household.people)}
        for item in stored.parts(name):
            told = _Told(
                recent=[each.moment("at") for each in item.parts("recent")],
                tags={
                    each.text("tag"): _Last(
                        at=each.moment("at"),
                        decision_id=each.text("id"),
                        severity=each.choice("severity", Severity),
                    )
                    for each in item.parts("tags")
                },
            )
            if item.text("person") in here:
                self._told[item.text("person")] = told
        return self


def _name(person: Person | None) -> str:
    return EVERYBODY if person is None else person.id


def _repeat(decision: Decision) -> timedelta:
    return REPEATS.get(decision.key, REPEAT)
