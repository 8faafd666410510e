"""The household in a trace's first line, read and written."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import ReadingError
from .household import (
    ActionPlan,
    Autonomy,
    Construction,
    Household,
    Inhaler,
    InhalerRole,
    Journey,
    Person,
    Room,
    RoomKind,
    WallClass,
)
from .reading import HOUSE, OUTDOOR
from .trace_fields import Json, a_choice, a_list, a_text, an_object, given, optional_number

VERSION = 1


def read_household(header: Mapping[str, Json]) -> tuple[Household, list[str]]:
    """Return the household of a trace's first line, and what of it is not understood."""
    if header.get("trace") != VERSION or isinstance(header.get("trace"), bool):
        msg = f"the first line must say {{'trace': {VERSION}}}"
        raise ReadingError(msg)
    fields = an_object(header.get("household"))
    journeys, refusals = _journeys(fields.get("journeys"))
    household = Household(
        timezone=_zone(a_text(fields.get("timezone"), "timezone")),
        rooms=tuple(map(_room, map(an_object, a_list(fields.get("rooms", []), "rooms")))),
        people=tuple(map(_person, map(an_object, a_list(fields.get("people", []), "people")))),
        journeys=journeys,
    )
    return household, refusals


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        msg = f"timezone {name!r} is not known"
        raise ReadingError(msg) from err


def _room(fields: Mapping[str, Json]) -> Room:
    ident = a_text(fields.get("id"), "room id")
    if ident in (OUTDOOR, HOUSE):
        msg = f"a room may not be called {ident!r}"
        raise ReadingError(msg)
    return Room(
        id=ident,
        name=a_text(fields.get("name", ident), "room name"),
        kind=a_choice(RoomKind, fields.get("kind", RoomKind.OTHER), "kind"),
        volume_m3=optional_number(fields.get("volume_m3"), "volume_m3"),
        construction=a_choice(Construction, fields.get("construction", Construction.UNKNOWN), "construction"),
        wall_class=a_choice(WallClass, fields.get("wall_class", WallClass.SENSITIVE), "wall_class"),
        f_rsi=optional_number(fields.get("f_rsi"), "f_rsi"),
    )


def _person(fields: Mapping[str, Json]) -> Person:
    ident = a_text(fields.get("id"), "person id")
    limit = optional_number(an_object(fields.get("plan", {})).get("reliever_limit_24h"), "reliever_limit_24h")
    if limit is not None and not (limit.is_integer() and 1 <= limit <= 100):
        msg = f"a reliever limit of {limit:g} is no number of puffs from 1 to 100"
        raise ReadingError(msg)
    return Person(
        id=ident,
        name=a_text(fields.get("name", ident), "person name"),
        inhalers=tuple(
            Inhaler(id=a_text(own.get("id"), "inhaler id"), role=a_choice(InhalerRole, own.get("role"), "role"))
            for own in map(an_object, a_list(fields.get("inhalers", []), "inhalers"))
        ),
        plan=ActionPlan(reliever_limit_24h=None if limit is None else int(limit)),
    )


def _journeys(fields: Json) -> tuple[dict[Journey, Autonomy], list[str]]:
    journeys: dict[Journey, Autonomy] = {}
    refusals: list[str] = []
    for name, autonomy in an_object(fields if fields is not None else {}).items():
        if name in Journey:
            journeys[Journey(name)] = a_choice(Autonomy, autonomy, f"journey {name}")
        else:
            # A trace of a newer household still replays; what is not understood is said.
            refusals.append(f"journey {name!r} is not known")
    return journeys, refusals


def household_record(household: Household) -> dict[str, Json]:
    """Return the household as a trace's first line says it."""
    name = str(household.timezone)
    _zone(name)  # a zone that cannot be read back is refused here
    return {
        "timezone": name,
        "rooms": [_room_record(room) for room in household.rooms],
        "people": [_person_record(person) for person in household.people],
        "journeys": {journey.value: autonomy.value for journey, autonomy in household.journeys.items()},
    }


def _room_record(room: Room) -> dict[str, Json]:
    record: dict[str, Json] = {
        "id": room.id,
        "name": room.name,
        "kind": room.kind.value,
        "construction": room.construction.value,
        "wall_class": room.wall_class.value,
    }
    return record | given({"volume_m3": room.volume_m3, "f_rsi": room.f_rsi})


def _person_record(person: Person) -> dict[str, Json]:
    record: dict[str, Json] = {
        "id": person.id,
        "name": person.name,
        "inhalers": [{"id": own.id, "role": own.role.value} for own in person.inhalers],
    }
    limit = person.plan.reliever_limit_24h
    return record if limit is None else record | {"plan": {"reliever_limit_24h": limit}}
