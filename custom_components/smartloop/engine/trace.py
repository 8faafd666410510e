"""A household's recorded readings as JSON Lines: read, refused with a line number, written."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from .decisions.decision import Decision
from .errors import EngineError, ReadingError, TraceError
from .feedback import Feedback, Verdict
from .household import Household, Person
from .reading import HOUSE, OUTDOOR, UNITS, Actuation, Measurand, Reading, WeatherPoint
from .trace_fields import (
    Json,
    a_choice,
    a_list,
    a_number,
    a_text,
    a_time,
    an_object,
    given,
    optional_number,
    optional_text,
)
from .trace_household import VERSION, household_record, read_household
from .units import convert

type Item = Reading | Actuation | Forecast | Feedback


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """A weather forecast as it was known at a time."""

    at: datetime
    points: tuple[WeatherPoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line that says something usable."""

    line: int
    item: Item


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """One line, or part of one, that is not believed."""

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """One household and what happened in it."""

    household: Household
    entries: Iterator[Entry | Refusal]
    """Read as it is iterated; raises TraceError at a line that is no JSON."""


def read_trace(lines: Iterable[bytes]) -> Trace:
    """Return the household of a trace and, lazily, what follows its header.

    Raises TraceError for a header that cannot be used and for a line that is no JSON;
    any other line that cannot be believed becomes a Refusal and is left out.
    """
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    number, first = next(numbered, (1, b""))
    if not first:
        msg = "line 1: the trace is empty"
        raise TraceError(msg)
    try:
        household, refusals = read_household(an_object(_parse(number, first)))
    except ReadingError as err:
        msg = f"line {number}: {err}"
        raise TraceError(msg) from err
    return Trace(
        household=household,
        entries=_entries(household, numbered, [Refusal(line=number, reason=reason) for reason in refusals]),
    )


def write_trace(household: Household, items: Iterable[Item]) -> Iterator[str]:
    """Return the lines of a trace, without line ends; `read_trace` gives the same items back."""
    yield _dump({"trace": VERSION, "household": household_record(household)})
    for item in items:
        yield _dump(_record(item))


def decision_record(decision: Decision, text: str) -> dict[str, Json]:
    """Return one decision as `script/replay` prints it."""
    return {
        "t": decision.at.isoformat(),
        "key": decision.key.value,
        "severity": decision.severity.value,
        "room": decision.room,
        "person": decision.person,
        "source": decision.source,
        "state": decision.state.value,
        "evidence": [
            {"name": e.name, "value": e.value, "unit": e.unit, "lo": e.lo, "hi": e.hi} for e in decision.evidence
        ],
        "text": text,
    }


# --- reading


def _entries(
    household: Household, lines: Iterable[tuple[int, bytes]], refusals: list[Refusal]
) -> Iterator[Entry | Refusal]:
    yield from refusals
    last: datetime | None = None
    for number, line in lines:
        parsed = _parse(number, line)
        try:
            item = _item(household, number, an_object(parsed))
            if last is not None and item.at < last:
                msg = f"time runs backwards, from {last.isoformat()} to {item.at.isoformat()}"
                raise ReadingError(msg)
        except EngineError as err:
            yield Refusal(line=number, reason=str(err))
            continue
        last = item.at
        yield Entry(line=number, item=item)


def _parse(number: int, line: bytes) -> Json:
    try:
        return cast("Json", json.loads(line.decode()))
    except (ValueError, RecursionError) as err:
        # ValueError: bad UTF-8, bad JSON, an integer of thousands of digits.
        msg = f"line {number}: not JSON: {err}"
        raise TraceError(msg) from err


def _item(household: Household, number: int, fields: Mapping[str, Json]) -> Item:
    at = a_time(fields.get("t"))
    kinds = [kind for kind in _READERS if kind in fields]
    if len(kinds) != 1:
        msg = f"a line holds one of {', '.join(_READERS)}; this one holds {', '.join(kinds) or 'none'}"
        raise ReadingError(msg)
    return _READERS[kinds[0]](household, number, at, fields)


def _reading(household: Household, _number: int, at: datetime, fields: Mapping[str, Json]) -> Reading:
    measurand = a_choice(Measurand, fields["measurand"], "measurand")
    place = a_text(fields.get("room"), "room")
    if place not in (OUTDOOR, HOUSE):
        _known_room(household, place)
    person = optional_text(fields.get("person"), "person")
    if person is not None:
        _known_person(household, person)
    source = optional_text(fields.get("source"), "source")
    return Reading(
        measurand=measurand,
        value=convert(
            measurand, a_number(fields.get("value"), "value"), a_text(fields.get("unit"), "unit", empty=True)
        ),
        unit=UNITS[measurand],
        place=place,
        at=at,
        # Without a name, all that is measured in one place counts as one box.
        source=source if source is not None else f"trace:{place}",
        person=person,
    )


def _actuation(household: Household, _number: int, at: datetime, fields: Mapping[str, Json]) -> Actuation:
    puff = an_object(fields["actuation"])
    person = _known_person(household, a_text(puff.get("person"), "person"))
    inhaler = a_text(puff.get("inhaler"), "inhaler")
    if inhaler not in {own.id for own in person.inhalers}:
        msg = f"{person.id!r} has no inhaler {inhaler!r} in the header"
        raise ReadingError(msg)
    return Actuation(
        inhaler=inhaler,
        person=person.id,
        at=at,
        shake_s=optional_number(puff.get("shake_s"), "shake_s"),
        tilt_deg=optional_number(puff.get("tilt_deg"), "tilt_deg"),
        peak_flow_lpm=optional_number(puff.get("peak_flow_lpm"), "peak_flow_lpm"),
    )


def _forecast(_household: Household, _number: int, at: datetime, fields: Mapping[str, Json]) -> Forecast:
    points = tuple(
        WeatherPoint(
            at=a_time(point.get("at"), "at"),
            temperature=a_number(point.get("temperature"), "temperature"),
            relative_humidity=optional_number(point.get("relative_humidity"), "relative_humidity"),
        )
        for point in map(an_object, a_list(fields["forecast"], "forecast"))
    )
    return Forecast(at=at, points=points)


def _feedback(household: Household, number: int, at: datetime, fields: Mapping[str, Json]) -> Feedback:
    answer = an_object(fields["feedback"])
    room = optional_text(answer.get("room"), "room")
    if room is not None:
        _known_room(household, room)
    person = optional_text(answer.get("person"), "person")
    if person is not None:
        _known_person(household, person)
    return Feedback(
        # A trace names no ids; the line makes one that a second replay gives again.
        id=optional_text(answer.get("id"), "id") or f"trace:{number}",
        key=a_text(answer.get("key"), "key"),
        verdict=a_choice(Verdict, answer.get("verdict"), "verdict"),
        at=at,
        room=room,
        person=person,
        decision_id=optional_text(answer.get("decision_id"), "decision_id"),
    )


_READERS: dict[str, Callable[[Household, int, datetime, Mapping[str, Json]], Item]] = {
    "measurand": _reading,
    "actuation": _actuation,
    "forecast": _forecast,
    "feedback": _feedback,
}


def _known_room(household: Household, room: str) -> None:
    if room not in {known.id for known in household.rooms}:
        msg = f"room {room!r} is not in the header"
        raise ReadingError(msg)


def _known_person(household: Household, person: str) -> Person:
    for known in household.people:
        if known.id == person:
            return known
    msg = f"person {person!r} is not in the header"
    raise ReadingError(msg)


# --- writing


def _dump(record: Mapping[str, Json]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _record(item: Item) -> dict[str, Json]:
    return {"t": item.at.isoformat(), **_body(item)}


def _body(item: Item) -> dict[str, Json]:
    match item:
        case Reading():
            body: dict[str, Json] = {
                "measurand": item.measurand.value,
                "value": item.value,
                "unit": item.unit,
                "room": item.place,
                "source": item.source,
            }
            return body | given({"person": item.person})
        case Actuation():
            puff: dict[str, Json] = {"inhaler": item.inhaler, "person": item.person}
            sensed = {"shake_s": item.shake_s, "tilt_deg": item.tilt_deg, "peak_flow_lpm": item.peak_flow_lpm}
            return {"actuation": puff | given(sensed)}
        case Forecast():
            return {"forecast": [_point(point) for point in item.points]}
        case _:
            answer: dict[str, Json] = {"id": item.id, "key": item.key, "verdict": item.verdict.value}
            places = {"room": item.room, "person": item.person, "decision_id": item.decision_id}
            return {"feedback": answer | given(places)}


def _point(point: WeatherPoint) -> dict[str, Json]:
    record: dict[str, Json] = {"at": point.at.isoformat(), "temperature": point.temperature}
    return record | given({"relative_humidity": point.relative_humidity})
