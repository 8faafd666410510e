"""Word decisions, lessons and effects: every sentence from a template, each with its evidence.

A sentence whose evidence is missing is left out. Templates are read by the glue; here they are data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from .decisions.candidate import Reason
from .decisions.decision import Decision, DecisionKey, DecisionState
from .decisions.effect import Effect, Outcome
from .decisions.lessons import Record
from .decisions.mold import SCORE_SPAN
from .device_view import LeakPoint
from .feedback import Lesson

type Templates = Mapping[str, str]
"""Template by key, of one language; see `templates_of`."""

FALLBACK = "en"
LEAST_ANSWERS = 3
"""Before that a record says little."""

PARTS: dict[DecisionKey, tuple[str, ...]] = {
    DecisionKey.MOLD_VENTILATE: ("mold.ventilate.text", "why.drier", "why.critical", "why.forecast"),
    DecisionKey.MOLD_HEAT: ("mold.heat.text", "why.critical", "why.forecast"),
    DecisionKey.MOLD_DEHUMIDIFY: ("mold.dehumidify.text", "why.critical", "why.forecast"),
    DecisionKey.MOLD_GROWTH: (
        "mold.growth.text",
        "mold.growth.band",
        "mold.growth.days",
        "mold.growth.hours",
        "mold.growth.inspect",
    ),
    DecisionKey.DEVICE_SILENT: (
        "device.silent.text",
        "device.silent.usual",
        "device.silent.bridge",
        "device.silent.leak",
    ),
    DecisionKey.DEVICE_BATTERY: ("device.battery.text", "device.battery.band", "device.battery.level"),
    DecisionKey.DEVICE_DRIFT: ("device.drift.text", "device.drift.band", "device.drift.stuck"),
}
"""The sentences of each kind of decision, in order."""

_NAMES = {
    # Evidence -> placeholder and decimals
    "battery": ("battery", 0),
    "battery_days_left": ("days_left", 0),
    "critical_humidity": ("critical", 0),
    "days_to_mold": ("days", 0),
    "forecast_surface_humidity": ("forecast", 0),
    "drifting_days": ("drifting", 0),
    "hours_above_critical": ("hours", 0),
    "humidity_offset": ("offset", 0),
    "missed_intervals": ("missed", 0),
    "mold_index": ("index", 1),
    "leak_points": ("leak_points", 0),
    "outdoor_vapour_pressure": ("outdoor", 1),
    "silent_devices": ("boxes", 0),
    "surface_humidity": ("surface", 0),
    "vapour_pressure": ("indoor", 1),
}
_SPANS = {
    # Evidence, h -> placeholder
    "check_in_interval": "interval",
    "silent_for": "silent",
    "unchanged_for": "unchanged",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a person reads."""

    title: str
    text: str


def templates_of(languages: Mapping[str, Templates], language: str) -> Templates:
    """Return the templates of a language, such as `de` or `de-AT`, over the English ones."""
    base = language.replace("_", "-").split("-")[0].lower()
    return {**languages[FALLBACK], **languages.get(base, {})}


def render(
    decision: Decision,
    templates: Templates,
    room_name: str | None,
    person_name: str | None = None,
    record: Record | None = None,
    device_name: str | None = None,
) -> Message:
    """Return a decision in words; `device_name` is that of the box it is about."""
    values = _values(decision, templates, record) | _who(templates, room_name, person_name)
    if decision.source is not None:
        values["device"] = device_name or decision.source
    values["act"] = templates[f"act.{decision.key}"]
    if decision.state is DecisionState.CLEARED:
        over = "cleared" if decision.source is None else f"{decision.key}.cleared"
        return Message(title=_said(templates, f"{over}.title", values), text=_said(templates, f"{over}.text", values))
    parts = [*PARTS[decision.key], "record"]
    if decision.state is DecisionState.SHADOW:
        parts.append("shadow")
    said = [_said(templates, part, values) for part in parts]
    return Message(
        title=_said(templates, f"{decision.key}.title", values),
        text=" ".join(sentence for sentence in said if sentence),
    )


def lesson_sentence(
    lesson: Lesson,
    templates: Templates,
    room_name: str | None,
    person_name: str | None = None,
    zone: tzinfo | None = None,
    device_name: str | None = None,
) -> str:
    """Return what an answer changed, in words; times in the zone given."""
    values = _who(templates, room_name, person_name)
    if lesson.source is not None:
        values["room"] = device_name or values["room"]
    values["act"] = templates.get(f"act.{lesson.key}", lesson.key)
    values["more"] = _more(lesson, templates)
    if lesson.snooze_until is not None:
        values["until"] = f"{lesson.snooze_until.astimezone(zone or lesson.snooze_until.tzinfo):%H:%M}"
    return _said(templates, f"lesson.{lesson.verdict}", values)


def effect_message(effect: Effect, templates: Templates, room_name: str | None) -> Message:
    """Return what came of an act, in words."""
    values = _who(templates, room_name, None)
    values["act"] = templates[f"act.{effect.key}"]
    values["before"] = _number(effect.before, 0, templates)
    values["predicted"] = _number(effect.predicted, 0, templates)
    if effect.measured is not None:
        values["measured"] = _number(effect.measured, 0, templates)
    if effect.without is not None:
        values["without"] = _number(effect.without, 0, templates)
    unclear = _said(templates, "effect.unclear", values) if effect.outcome is Outcome.UNKNOWN else ""
    return Message(
        title=_said(templates, f"effect.{effect.outcome}.title", values),
        text=unclear or _said(templates, f"effect.{effect.outcome}.text", values),
    )


def reason_sentence(reason: Reason, templates: Templates) -> str:
    """Return why nothing is said or to be done, in words."""
    return templates[f"reason.{reason}"]


def assurance_sentence(point: LeakPoint, templates: Templates) -> str:
    """Return a leak sensor's weakest link, in words."""
    return templates[point.sentence]


def _said(templates: Templates, key: str, values: Mapping[str, str]) -> str:
    """Return one sentence; empty when its evidence is missing."""
    try:
        return templates[key].format_map(values)
    except KeyError:
        return ""


def _who(templates: Templates, room_name: str | None, person_name: str | None) -> dict[str, str]:
    return {"room": room_name or templates["house"], "person": person_name or templates["everybody"]}


def _values(decision: Decision, templates: Templates, record: Record | None) -> dict[str, str]:
    numbers = {item.name: item.value for item in decision.evidence}
    values = {place: _span(numbers[name], templates) for name, place in _SPANS.items() if name in numbers}
    for item in decision.evidence:
        if item.name in _NAMES:
            name, decimals = _NAMES[item.name]
            values[name] = _number(item.value, decimals, templates)
            if item.lo is not None and item.hi is not None:
                values[f"{name}_lo"] = _number(item.lo, decimals, templates)
                values[f"{name}_hi"] = _number(item.hi, decimals, templates)
    act = decision.proposed
    if act is not None:
        values["before"] = _number(act.surface_humidity_before, 0, templates)
        values["after"] = _number(act.surface_humidity_after, 0, templates)
        if act.minutes is not None:
            values["minutes"] = _number(act.minutes, 0, templates)
            values["duration"] = _duration(act.minutes, templates)
        if act.amount is not None:
            values["amount"] = _short(act.amount, templates)
            if "temperature" in numbers:
                values["target"] = _number(numbers["temperature"] + act.amount, 1, templates)
    if record is not None and record.answers >= LEAST_ANSWERS:
        values["helpful"], values["answers"] = str(record.helpful), str(record.answers)
    return values


def _number(value: float, decimals: int, templates: Templates) -> str:
    return f"{value:.{decimals}f}".replace(".", templates["decimal"])


def _short(value: float, templates: Templates) -> str:
    return f"{value:.1f}".removesuffix(".0").replace(".", templates["decimal"])


def _duration(minutes: float, templates: Templates) -> str:
    if minutes < 90.0:
        return templates["duration.minutes"].format(count=round(minutes))
    return templates["duration.hours"].format(count=round(minutes / 60.0))


def _span(hours: float, templates: Templates) -> str:
    """Return a length of time in the unit that people would use."""
    if hours < 1.5:
        return templates["span.minutes"].format(count=round(hours * 60.0))
    if hours < 48.0:
        return templates["span.hours"].format(count=round(hours))
    return templates["span.days"].format(count=round(hours / 24.0))


def _more(lesson: Lesson, templates: Templates) -> str:
    """Return how much evidence a lesson's shift of the bar is worth."""
    shift = abs(lesson.bar_shift)
    if lesson.key == DecisionKey.MOLD_GROWTH:
        return templates["more.index"].format(count=_short(shift, templates))
    if lesson.key in DecisionKey and not lesson.key.startswith("device."):
        return templates["more.humidity"].format(count=_short(shift * SCORE_SPAN, templates))
    return templates["more.other"].format(count=_short(shift, templates))
