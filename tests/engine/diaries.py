"""Diaries of reliever days, drawn as text."""

from custom_components.smartloop.engine.features.reliever import DiaryDay

TODAY = 739_000


def diary(pattern: str, *, end: int = TODAY) -> list[DiaryDay]:
    """Return days ending today: `x` used, `.` not used, `?` not known."""
    first = end - len(pattern) + 1
    return [
        DiaryDay(day=first + i, used={"x": True, ".": False, "?": None}[each], puffs={"x": 2.0, ".": 0.0}.get(each))
        for i, each in enumerate(pattern)
    ]
