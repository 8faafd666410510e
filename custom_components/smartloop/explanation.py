"""Why something was said, or nothing was: the sentence, its evidence, its engine and who heard of it."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from .coordinator import Coordinator
from .engine import (
    Assurance,
    Decision,
    DecisionState,
    Evidence,
    Lesson,
    RoomView,
    assurance_sentence,
    reason_sentence,
)
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
        **_box(coordinator, decision.source),
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
            for lesson in lessons_about(coordinator, decision.key, decision.room, decision.source)
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


def explain_box(coordinator: Coordinator, source: str) -> Answer:
    """Explain how a box is of which there is nothing to be said."""
    view = coordinator.care.views.get(source)
    known: list[Evidence] = []
    if view is not None:
        battery, drift = view.battery, view.drift
        known = [
            Evidence(name=name, value=value, unit=unit, lo=lo, hi=hi)
            for name, value, unit, lo, hi in (
                ("check_in_interval", None if view.interval_s is None else view.interval_s / 3600.0, "h", None, None),
                ("missed_intervals", view.missed, "1", None, None),
                *(() if battery is None else (("battery", battery.percent, "%", None, None),)),
                *(() if battery is None else (("battery_days_left", battery.days_left, "d", battery.lo, battery.hi),)),
                *(() if drift is None else (("humidity_offset", drift.offset, "%", drift.lo, drift.hi),)),
            )
            if value is not None
        ]
    return {
        "decision_id": None,
        "room": None if view is None or view.place not in coordinator.rooms else view.place,
        **_box(coordinator, source),
        "sentence": templates(coordinator.hass)["care.nothing" if known else "care.unknown"],
        "reason": None,
        "evidence": _numbers(known),
        "lessons": [],
        "engine": _engine(coordinator),
        "recipients": [],
        "deliveries": [],
    }


def explain_leak_points(coordinator: Coordinator) -> Answer:
    """Explain for each leak sensor what its alarm rests on, the weakest first."""
    care, words = coordinator.care, templates(coordinator.hass)
    assurance = care.assurance(dt_util.utcnow())
    points: list[JsonValueType] = []
    for point in assurance.points:
        view = care.views.get(point.source)
        battery = None if view is None else view.battery
        points.append(
            {
                **_box(coordinator, point.source),
                "room": point.place if point.place in coordinator.rooms else None,
                "room_name": coordinator.room_name(point.place),
                "proven": point.proven,
                "weakest_link": None if point.link is None else point.link.value,
                "sentence": assurance_sentence(point, words),
                "tested_at": _time(point.tested_at),
                "last_heard": _time(None if view is None else view.last_heard),
                "silent": None if view is None else view.silent,
                "battery": None if battery is None else battery.percent,
                "battery_days_left": None if battery is None or battery.days_left is None else round(battery.days_left),
                "under_test": care.tests.under_test(point.source),
            }
        )
    return {"proven": assurance.proven, "total": assurance.total, "percent": percent(assurance), "points": points}


def percent(assurance: Assurance) -> int | None:
    """Return the share of leak sensors that are proven alive; None without any."""
    return round(100 * assurance.proven / assurance.total) if assurance.total else None


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def lessons_about(coordinator: Coordinator, key: str, room: str | None, source: str | None = None) -> list[Lesson]:
    """Return what answers taught about one kind of message about one room or box."""
    return [
        lesson
        for lesson in coordinator.engine.lessons()
        if lesson.key == key and (lesson.room == room if source is None else lesson.source == source)
    ]


def _box(coordinator: Coordinator, source: str | None) -> Answer:
    return {"device_id": source, "device_name": None if source is None else coordinator.care.name(source)}


def _current(coordinator: Coordinator, decision: Decision) -> Decision:
    """Return the decision with its present numbers while it stands."""
    standing: tuple[Decision, ...] = ()
    if decision.source is not None:
        standing = coordinator.engine.active(source=decision.source)
    elif decision.room is not None and decision.room in coordinator.rooms:
        view = coordinator.view(decision.room)
        standing = (*view.active, *view.shadows)
    return next((each for each in standing if each.id == decision.id), decision)


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
