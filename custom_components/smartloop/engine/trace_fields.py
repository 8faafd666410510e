"""The fields of a trace's lines: what is not of the expected kind is refused by name."""

import json
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, datetime

from .errors import ReadingError
from .feedback import Verdict
from .household import Autonomy, Construction, InhalerRole, RoomKind, WallClass
from .reading import Measurand

type Json = str | float | bool | list[Json] | dict[str, Json] | None


def an_object(value: Json) -> Mapping[str, Json]:
    """Return the value as an object or refuse it."""
    if not isinstance(value, dict):
        msg = f"an object was expected, not {_short(value)}"
        raise ReadingError(msg)
    return value


def a_list(value: Json, name: str) -> list[Json]:
    """Return the value as a list or refuse it."""
    if not isinstance(value, list):
        msg = f"{name} must be a list, not {_short(value)}"
        raise ReadingError(msg)
    return value


def a_text(value: Json, name: str, *, empty: bool = False) -> str:
    """Return the value as a text or refuse it; an empty one only where it means something."""
    if not isinstance(value, str) or not (value or empty):
        msg = f"{name} must be a text, not {_short(value)}"
        raise ReadingError(msg)
    return value


def optional_text(value: Json, name: str) -> str | None:
    """Return the value as a text, None when it is not given."""
    return None if value is None else a_text(value, name)


def a_number(value: Json, name: str) -> float:
    """Return the value as a number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{name} must be a number, not {_short(value)}"
        raise ReadingError(msg)
    try:
        return float(value)
    except OverflowError as err:
        msg = f"{name} is too large"
        raise ReadingError(msg) from err


def optional_number(value: Json, name: str) -> float | None:
    """Return the value as a number, None when it is not given."""
    return None if value is None else a_number(value, name)


def a_choice[
    Choice: (
        Autonomy,
        Construction,
        InhalerRole,
        Measurand,
        RoomKind,
        Verdict,
        WallClass,
    )
](kind: type[Choice], value: Json, name: str) -> Choice:
    """Return the value as one of a closed list."""
    if isinstance(value, str) and value in kind:
        return kind(value)
    msg = f"{name} {_short(value)} is not known"
    raise ReadingError(msg)


def a_time(value: Json, name: str = "t") -> datetime:
    """Return the value as a time with its offset from UTC."""
    try:
        at = datetime.fromisoformat(a_text(value, name))
    except ValueError as err:
        msg = f"{name} is no time in ISO 8601: {_short(value)}"
        raise ReadingError(msg) from err
    if at.tzinfo is None:
        msg = f"{name} has no offset from UTC: {_short(value)}"
        raise ReadingError(msg)
    # At the ends of the calendar a time cannot be told in every zone.
    if not MINYEAR < at.year < MAXYEAR:
        msg = f"{name} is in no year of ours: {_short(value)}"
        raise ReadingError(msg)
    return at


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def given(fields: Mapping[str, str | float | None]) -> dict[str, Json]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}
