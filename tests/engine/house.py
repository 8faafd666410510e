"""A made-up house for the engine's tests: rooms, readings, hours going by."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from custom_components.smartloop.engine import (
    OUTDOOR,
    UNITS,
    Construction,
    Decision,
    Engine,
    Household,
    Measurand,
    Person,
    Reading,
    Room,
    RoomKind,
)

START = datetime(2026, 1, 10, tzinfo=UTC)
BATH = Room(id="bath", name="Bath", kind=RoomKind.BATHROOM, construction=Construction.UNINSULATED, volume_m3=14.0)
ATTIC = Room(id="attic", name="Attic")
HOUSEHOLD = Household(timezone=ZoneInfo("Europe/Brussels"), rooms=(BATH, ATTIC), people=(Person(id="ana", name="Ana"),))
T, RH = Measurand.TEMPERATURE, Measurand.RELATIVE_HUMIDITY


def reading(measurand: Measurand, value: float, place: str, at: datetime, source: str | None = None) -> Reading:
    return Reading(
        measurand=measurand, value=value, unit=UNITS[measurand], place=place, at=at, source=source or f"box {place}"
    )


def air(place: str, temperature: float, humidity: float, at: datetime) -> Iterator[Reading]:
    yield reading(T, temperature, place, at)
    yield reading(RH, humidity, place, at)


def live(
    engine: Engine,
    *,
    begin: datetime = START,
    hours: float = 2.0,
    every: float = 10.0,
    indoor: tuple[float, float] | None = (20.0, 60.0),
    outdoor: tuple[float, float] | None = (2.0, 80.0),
    room: str = "bath",
) -> list[Decision]:
    """Let a climate, °C and %, go on for some hours; look every some minutes; return the decisions."""
    decisions: list[Decision] = []
    for count in range(int(hours * 60.0 / every) + 1):
        now = begin + timedelta(minutes=every * count)
        for place, climate in ((room, indoor), (OUTDOOR, outdoor)):
            if climate is not None:
                for each in air(place, *climate, now):
                    engine.observe(each)
        decisions += engine.step(room, now).decisions
    return decisions
