"""Why something was said, or nothing was: the sentence, its evidence, its engine and who heard of it."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from .coordinator import Coordinator
from .engine import Decision, DecisionState, Evidence, Lesson, RoomView, reason_sentence
from .outputs.sentences import templates
from .records import Delivery, DeliveryState, Recorded

type Answer = dict[str, JsonValueType]

_TOLD = frozenset({DeliveryState.SENT, DeliveryState.RECEIVED, DeliveryState.ANSWERED, DeliveryState.EXPIRED})


async def async_explain(coordinator: Coordinator, recorded: Recorded) -> Answer:
    """Explain one decision."""
    decision = _current(coordinator, recorded.decision)
    message = coordinator.notifier.message(decision)
    deliveries = await coordinator.ledger.async_deliveries(decision.id)
    return {
        "decision_id": decision.id,
        "key": decision.key.value,
        "severity": decision.severity.value,
        "state": decision.state.value,
        "room": decision.room,
        "room_name": coordinator.room_name(decision.room),
        "at": decision.at.isoformat(),
        "expires_at": decision.expires_at.isoformat(),
        "over_at": None if recorded.over_at is None else recorded.over_at.isoformat(),
        "title": message.title,
        "sentence": message.text,
        "said": recorded.text,
        "score": round(decision.score, 3),
        "evidence": _numbers(decision.evidence),
        "proposed": None if decision.proposed is None else _plain(asdict(decision.proposed)),
        "lessons": [
            {"id": lesson.id, "sentence": coordinator.notifier.lesson_text(lesson)}
            for lesson in lessons_about(coordinator, decision.key, decision.room)
        ],
        "engine": _engine(coordinator),
        "recipients": _recipients(coordinator, decision, deliveries, dt_util.utcnow()),
        "deliveries": [
            {
                "person": coordinator.notifier.person_name(each.person),
                "channel": each.channel,
                "state": each.state.value,
                "at": each.at.isoformat(),
            }
            for each in deliveries
        ],
    }


def explain_silence(coordinator: Coordinator, view: RoomView) -> Answer:
    """Explain why there is nothing to be said of a room."""
    words = templates(coordinator.hass)
    return {
        "decision_id": None,
        "room": view.room,
        "room_name": coordinator.room_name(view.room),
        "sentence": None if view.no_act_reason is None else reason_sentence(view.no_act_reason, words),
        "reason": None if view.no_act_reason is None else view.no_act_reason.value,
        "evidence": _numbers(_known(view)),
        "lessons": [],
        "engine": _engine(coordinator),
        "recipients": [],
        "deliveries": [],
    }


def lessons_about(coordinator: Coordinator, key: str, room: str | None) -> list[Lesson]:
    """Return what answers taught about one kind of message in one room."""
    return [lesson for lesson in coordinator.engine.lessons() if lesson.key == key and lesson.room == room]


def _current(coordinator: Coordinator, decision: Decision) -> Decision:
    """Return the decision with its present numbers while it stands."""
    if decision.room is None or decision.room not in coordinator.rooms:
        return decision
    view = coordinator.view(decision.room)
    return next((each for each in (*view.active, *view.shadows) if each.id == decision.id), decision)


def _recipients(
    coordinator: Coordinator, decision: Decision, deliveries: Iterable[Delivery], now: datetime
) -> list[JsonValueType]:
    """Return for everybody whether they were told, or why not."""
    told = {each.person for each in deliveries if each.state in _TOLD}
    due = set(coordinator.engine.recipients(decision, now))
    household = coordinator.household
    local = now.astimezone(household.timezone).time()
    answer: list[JsonValueType] = []
    for person in household.people:
        hours = person.quiet_hours or household.quiet_hours
        if person.id in told:
            why = "told"
        elif decision.state is not DecisionState.RAISED:
            why = "own_answers" if decision.state is DecisionState.SHADOW else "over"
        elif person.id in due:
            why = "due"
        elif hours is not None and hours.contain(local):
            why = "quiet_hours"
        else:
            why = "own_answers_or_enough_messages"
        answer.append({"person": person.name, "status": why})
    if not household.people:
        answer.append({"person": None, "status": "told" if None in told else "due" if None in due else "over"})
    return answer


def _engine(coordinator: Coordinator) -> Answer:
    facts = coordinator.runtime.facts()
    return {name: facts.get(name) for name in ("engine", "engine_version", "reason")}


def _known(view: RoomView) -> list[Evidence]:
    numbers = (
        ("surface_humidity", view.surface_humidity, "%"),
        ("critical_humidity", view.critical_humidity, "%"),
        ("mold_index", view.mold_index, "1"),
        ("temperature", view.temperature, "°C"),
        ("relative_humidity", view.relative_humidity, "%"),
    )
    return [Evidence(name=name, value=value, unit=unit) for name, value, unit in numbers if value is not None]


def _numbers(evidence: Iterable[Evidence]) -> list[JsonValueType]:
    return [_plain(asdict(each)) for each in evidence]


def _plain(record: dict[str, Any]) -> dict[str, JsonValueType]:
    """Return a record as JSON has it; more digits than the sensors have say nothing."""
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in record.items()}
