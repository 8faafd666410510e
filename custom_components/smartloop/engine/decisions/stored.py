"""Write decisions and lessons down as JSON values, and read them back or refuse them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from ..errors import SnapshotError
from ..feedback import Lesson, Verdict
from .decision import Act, ActKind, Decision, DecisionKey, DecisionState, Evidence, Severity

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

MOST_ITEMS = 5000
_MOST = 1e12
_MOST_TEXT = 500


class Stored:
    """One stored object; every read is checked."""

    def __init__(self, value: object) -> None:
        """Refuse what is no object."""
        if not isinstance(value, Mapping):
            msg = "stored state is no object"
            raise SnapshotError(msg)
        self._value = value

    def _get(self, name: str) -> object:
        if name not in self._value:
            msg = f"stored state lacks {name}"
            raise SnapshotError(msg)
        return self._value[name]

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._get(name)
        if not isinstance(value, str) or len(value) > _MOST_TEXT:
            msg = f"stored {name} is no text"
            raise SnapshotError(msg)
        return value

    def number(self, name: str) -> float:
        """Return a finite number."""
        value = self._get(name)
        # Compared, not converted: JSON may hold integers that no float can; NaN fails as well.
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MOST:
            msg = f"stored {name} is no number"
            raise SnapshotError(msg)
        return float(value)

    def moment(self, name: str) -> datetime:
        """Return a time with its zone."""
        try:
            value = datetime.fromisoformat(self.text(name))
        except ValueError:
            value = datetime.min  # noqa: DTZ901  refused below, as any other naive time
        if value.tzinfo is None:
            msg = f"stored {name} is no time with zone"
            raise SnapshotError(msg)
        return value

    def choice[E: StrEnum](self, name: str, of: type[E]) -> E:
        """Return a member of a closed list."""
        try:
            return of(self.text(name))
        except ValueError as err:
            msg = f"stored {name} is no {of.__name__}"
            raise SnapshotError(msg) from err

    def part(self, name: str) -> Stored:
        """Return an object inside this one."""
        return Stored(self._get(name))

    def parts(self, name: str) -> Iterator[Stored]:
        """Yield the objects of a list."""
        value = self._get(name)
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            msg = f"stored {name} is no list"
            raise SnapshotError(msg)
        yield from map(Stored, value)

    def has(self, name: str) -> bool:
        """Return whether there is a value, and not null."""
        return self._value.get(name) is not None

    def maybe_text(self, name: str) -> str | None:
        """Return a text, or None."""
        return self.text(name) if self.has(name) else None

    def maybe_number(self, name: str) -> float | None:
        """Return a finite number, or None."""
        return self.number(name) if self.has(name) else None

    def maybe_moment(self, name: str) -> datetime | None:
        """Return a time with its zone, or None."""
        return self.moment(name) if self.has(name) else None


def written(moment: datetime | None) -> str | None:
    """Return a time as it is stored."""
    return None if moment is None else moment.isoformat()


def lesson_record(lesson: Lesson) -> dict[str, Json]:
    """Return a lesson as it is stored."""
    return {
        "id": lesson.id,
        "key": lesson.key,
        "verdict": lesson.verdict.value,
        "at": lesson.at.isoformat(),
        "room": lesson.room,
        "person": lesson.person,
        "bar_shift": lesson.bar_shift,
        "snooze_until": written(lesson.snooze_until),
        "source": lesson.source,
    }


def read_lesson(stored: Stored) -> Lesson:
    """Return a stored lesson."""
    return Lesson(
        id=stored.text("id"),
        key=stored.text("key"),
        verdict=stored.choice("verdict", Verdict),
        at=stored.moment("at"),
        room=stored.maybe_text("room"),
        person=stored.maybe_text("person"),
        bar_shift=stored.number("bar_shift"),
        snooze_until=stored.maybe_moment("snooze_until"),
        source=stored.maybe_text("source"),
    )


def act_record(act: Act) -> dict[str, Json]:
    """Return an act as it is stored."""
    return {
        "kind": act.kind.value,
        "minutes": act.minutes,
        "amount": act.amount,
        "before": act.surface_humidity_before,
        "after": act.surface_humidity_after,
    }


def read_act(stored: Stored) -> Act:
    """Return a stored act."""
    return Act(
        kind=stored.choice("kind", ActKind),
        minutes=stored.maybe_number("minutes"),
        amount=stored.maybe_number("amount"),
        surface_humidity_before=stored.number("before"),
        surface_humidity_after=stored.number("after"),
    )


def decision_record(decision: Decision) -> dict[str, Json]:
    """Return a decision as it is stored."""
    return {
        "id": decision.id,
        "key": decision.key.value,
        "severity": decision.severity.value,
        "state": decision.state.value,
        "room": decision.room,
        "person": decision.person,
        "evidence": [
            {"name": item.name, "value": item.value, "unit": item.unit, "lo": item.lo, "hi": item.hi}
            for item in decision.evidence
        ],
        "proposed": None if decision.proposed is None else act_record(decision.proposed),
        "at": decision.at.isoformat(),
        "expires_at": decision.expires_at.isoformat(),
        "score": decision.score,
        "source": decision.source,
    }


def read_decision(stored: Stored) -> Decision:
    """Return a stored decision."""
    return Decision(
        id=stored.text("id"),
        key=stored.choice("key", DecisionKey),
        severity=stored.choice("severity", Severity),
        state=stored.choice("state", DecisionState),
        room=stored.maybe_text("room"),
        person=stored.maybe_text("person"),
        evidence=tuple(
            Evidence(
                name=item.text("name"),
                value=item.number("value"),
                unit=item.text("unit"),
                lo=item.maybe_number("lo"),
                hi=item.maybe_number("hi"),
            )
            for item in stored.parts("evidence")
        ),
        proposed=read_act(stored.part("proposed")) if stored.has("proposed") else None,
        at=stored.moment("at"),
        expires_at=stored.moment("expires_at"),
        score=stored.number("score"),
        source=stored.maybe_text("source"),
    )
