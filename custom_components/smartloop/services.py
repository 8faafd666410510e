"""Service actions: explain, answer, undo, label, reset, puffs, export. Registered once, whether or not a household is loaded."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

import probatio as vol
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_get_config_entry
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType
from homeassistant.util.ulid import ulid_now

from .adapters.feedback import person_of
from .const import DOMAIN
from .coordinator import Coordinator
from .engine import DecisionKey, Feedback, Lesson, Verdict
from .explanation import async_explain, explain_box, explain_leak_points, explain_silence
from .export import async_collect, async_write
from .puff_actions import (
    PUFFS_FIELDS,
    RECORD_FIELDS,
    REMOVE_FIELDS,
    async_puffs,
    async_record_puff,
    async_remove_puff,
)
from .records import Label

ATTR_DECISION: Final = "decision_id"
ATTR_DEVICE: Final = "device_id"
ATTR_END: Final = "end"
ATTR_HOURS: Final = "hours"
ATTR_INLINE: Final = "inline"
ATTR_KEY: Final = "key"
ATTR_LABEL: Final = "label"
ATTR_LESSON: Final = "lesson_id"
ATTR_ROOM: Final = "room"
ATTR_START: Final = "start"
ATTR_VERDICT: Final = "verdict"

LONGEST_LABEL: Final = timedelta(days=31)
MOST_HOURS: Final = 400 * 24
MOST_INLINE_HOURS: Final = 7 * 24

KEYS: Final = {name: key for key in DecisionKey for name in (key.value, key.value.replace(".", "_", 1))}
"""Decision keys by name; an option of a selector has no dot."""

_ENTRY: Final = {vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string}

type Handler = Callable[[Coordinator, ServiceCall], Coroutine[Any, Any, ServiceResponse]]


def _schema(fields: dict[Any, Any]) -> vol.Schema:
    return vol.Schema({**_ENTRY, **fields})


async def _explain(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    if (decision_id := call.data.get(ATTR_DECISION)) is not None:
        if (recorded := await coordinator.ledger.async_decision(decision_id)) is None:
            raise _refused(key="unknown_decision", decision=decision_id)
        return await async_explain(coordinator, recorded)
    if ATTR_DEVICE in call.data:
        source = _box(coordinator, call)
        for decision in coordinator.engine.active(source=source):
            if (recorded := await coordinator.ledger.async_decision(decision.id)) is not None:
                return await async_explain(coordinator, recorded)
        return explain_box(coordinator, source)
    room = _room(coordinator, call)
    view = coordinator.view(room)
    # What stands comes first, then what was kept quiet.
    for decision in (*view.active, *view.shadows):
        if (recorded := await coordinator.ledger.async_decision(decision.id)) is not None:
            return await async_explain(coordinator, recorded)
    return explain_silence(coordinator, view)


async def _give_feedback(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    source = _box(coordinator, call) if ATTR_DEVICE in call.data else None
    key = KEYS[call.data[ATTR_KEY]]
    # By its decision the ledger knows an answer about a box again.
    standing = next((each for each in coordinator.engine.active(source=source) if source and each.key is key), None)
    if source is not None and standing is None:
        raise _refused(key="nothing_to_answer", device=coordinator.care.name(source))
    feedback = Feedback(
        id=ulid_now(),
        key=key,
        verdict=Verdict(call.data[ATTR_VERDICT]),
        at=dt_util.utcnow(),
        room=_room(coordinator, call) if standing is None else standing.room,
        person=person_of(coordinator.entry, call.context.user_id),
        decision_id=None if standing is None else standing.id,
        source=source,
    )
    lesson = await coordinator.async_feedback(feedback)
    return {
        "lesson_id": None if lesson is None else lesson.id,
        "sentence": None if lesson is None else coordinator.notifier.lesson_text(lesson),
    }


async def _undo_lesson(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    lesson_id = call.data[ATTR_LESSON]
    lesson = next((each for each in coordinator.engine.lessons() if each.id == lesson_id), None)
    if lesson is None or not await coordinator.async_undo(lesson_id):
        raise _refused(key="unknown_lesson", lesson=lesson_id)
    return {"lesson_id": lesson_id, "sentence": coordinator.notifier.lesson_text(lesson)}


async def _lessons(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    room = _room(coordinator, call) if ATTR_ROOM in call.data else None
    decisions = {answer.id: answer.decision_id for answer in await coordinator.ledger.async_feedback()}
    wanted = [each for each in coordinator.engine.lessons() if room in (None, each.room)]
    return {"lessons": [await _lesson(coordinator, each, decisions.get(each.id)) for each in wanted]}


async def _lesson(coordinator: Coordinator, lesson: Lesson, decision_id: str | None) -> JsonValueType:
    recorded = None if decision_id is None else await coordinator.ledger.async_decision(decision_id)
    return {
        "id": lesson.id,
        "sentence": coordinator.notifier.lesson_text(lesson),
        "key": lesson.key,
        "verdict": lesson.verdict.value,
        "room": lesson.room,
        "person": coordinator.notifier.person_name(lesson.person),
        "at": lesson.at.isoformat(),
        "bar_shift": round(lesson.bar_shift, 3),
        "snooze_until": None if lesson.snooze_until is None else lesson.snooze_until.isoformat(),
        "decision_id": decision_id,
        "said": None if recorded is None else recorded.text,
        "evidence": []
        if recorded is None
        else [
            {"name": each.name, "value": round(each.value, 3), "unit": each.unit} for each in recorded.decision.evidence
        ],
    }


async def _label_period(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    room = _room(coordinator, call)
    start, end = _moment(call.data[ATTR_START]), _moment(call.data[ATTR_END])
    if not (timedelta(0) < end - start <= LONGEST_LABEL and end <= dt_util.utcnow()):
        raise _refused(key="impossible_period", days=str(LONGEST_LABEL.days))
    label = Label(id=ulid_now(), room=room, label=call.data[ATTR_LABEL], start=start, end=end)
    await coordinator.ledger.async_record_label(label)
    return {"label_id": label.id, "room": room, "start": start.isoformat(), "end": end.isoformat()}


async def _reset_model(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    room = _room(coordinator, call)
    lessons = sum(lesson.room == room for lesson in coordinator.engine.lessons())
    await coordinator.async_reset(room)
    return {"room": room, "lessons_forgotten": lessons}


async def _export(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    hours, inline = call.data[ATTR_HOURS], call.data[ATTR_INLINE]
    if inline and hours > MOST_INLINE_HOURS:
        raise _refused(key="export_too_long", hours=str(MOST_INLINE_HOURS))
    end = dt_util.utcnow()
    start = end - timedelta(hours=hours)
    # The trace holds what everybody may know, and of puffs the caller's own.
    reader = person_of(coordinator.entry, call.context.user_id)
    export = await async_collect(coordinator, start, end, reader)
    answer: dict[str, JsonValueType] = {
        "readings": len(export.readings),
        "puffs": len(export.actuations),
        "feedback": len(export.feedback),
        "labels": [
            {"room": each.room, "label": each.label, "start": each.start.isoformat(), "end": each.end.isoformat()}
            for each in await coordinator.ledger.async_labels(start)
        ],
    }
    if inline:
        return answer | {"lines": await coordinator.hass.async_add_executor_job(lambda: list(export.lines()))}
    return answer | {"path": str(await async_write(coordinator, export))}


async def _leak_assurance(coordinator: Coordinator, call: ServiceCall) -> ServiceResponse:
    return explain_leak_points(coordinator)


_SERVICES: Final[dict[str, tuple[Handler, Any, SupportsResponse]]] = {
    "explain": (
        _explain,
        vol.All(
            _schema(
                {
                    vol.Exclusive(ATTR_DECISION, "what"): cv.string,
                    vol.Exclusive(ATTR_DEVICE, "what"): cv.string,
                    vol.Exclusive(ATTR_ROOM, "what"): cv.string,
                }
            ),
            cv.has_at_least_one_key(ATTR_DECISION, ATTR_DEVICE, ATTR_ROOM),
        ),
        SupportsResponse.ONLY,
    ),
    "export": (
        _export,
        _schema(
            {
                vol.Optional(ATTR_HOURS, default=24): vol.All(vol.Coerce(int), vol.Range(min=1, max=MOST_HOURS)),
                vol.Optional(ATTR_INLINE, default=False): cv.boolean,
            }
        ),
        SupportsResponse.ONLY,
    ),
    "give_feedback": (
        _give_feedback,
        vol.All(
            _schema(
                {
                    vol.Exclusive(ATTR_DEVICE, "what"): cv.string,
                    vol.Exclusive(ATTR_ROOM, "what"): cv.string,
                    vol.Required(ATTR_KEY): vol.In(KEYS),
                    vol.Required(ATTR_VERDICT): vol.In([each.value for each in Verdict]),
                }
            ),
            cv.has_at_least_one_key(ATTR_DEVICE, ATTR_ROOM),
        ),
        SupportsResponse.OPTIONAL,
    ),
    "label_period": (
        _label_period,
        _schema(
            {
                vol.Required(ATTR_ROOM): cv.string,
                vol.Required(ATTR_START): cv.datetime,
                vol.Required(ATTR_END): cv.datetime,
                vol.Required(ATTR_LABEL): vol.All(cv.string, vol.Strip, vol.Length(min=1, max=80)),
            }
        ),
        SupportsResponse.OPTIONAL,
    ),
    "leak_assurance": (_leak_assurance, _schema({}), SupportsResponse.ONLY),
    "lessons": (_lessons, _schema({vol.Optional(ATTR_ROOM): cv.string}), SupportsResponse.ONLY),
    "puffs": (async_puffs, _schema(PUFFS_FIELDS), SupportsResponse.ONLY),
    "record_puff": (async_record_puff, _schema(RECORD_FIELDS), SupportsResponse.OPTIONAL),
    "remove_puff": (async_remove_puff, _schema(REMOVE_FIELDS), SupportsResponse.OPTIONAL),
    "reset_model": (_reset_model, _schema({vol.Required(ATTR_ROOM): cv.string}), SupportsResponse.OPTIONAL),
    "undo_lesson": (_undo_lesson, _schema({vol.Required(ATTR_LESSON): cv.string}), SupportsResponse.OPTIONAL),
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register every action."""
    for name, (handler, schema, response) in _SERVICES.items():
        hass.services.async_register(
            DOMAIN, name, _with_household(hass, handler), schema=schema, supports_response=response
        )


def _with_household(
    hass: HomeAssistant, handler: Handler
) -> Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]:
    """Return the handler as Home Assistant calls it: with the household, or a translated refusal."""

    async def handle(call: ServiceCall) -> ServiceResponse:
        entry = async_get_config_entry(hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY_ID))
        coordinator: Coordinator = entry.runtime_data
        return await handler(coordinator, call)

    return handle


def _room(coordinator: Coordinator, call: ServiceCall) -> str:
    room: str = call.data[ATTR_ROOM]
    if room not in coordinator.rooms:
        raise _refused(key="unknown_room", room=room)
    return room


def _box(coordinator: Coordinator, call: ServiceCall) -> str:
    source: str = call.data[ATTR_DEVICE]
    if source not in coordinator.care.facts:
        raise _refused(key="unknown_box", device=source)
    return source


def _moment(given: datetime) -> datetime:
    """Return the time in UTC; one without zone is the household's own."""
    return dt_util.as_utc(given)


def _refused(key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)
