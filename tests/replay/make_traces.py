"""Make the traces of this folder, and with --golden what the engine says to them.

usage: .venv/bin/python tests/replay/make_traces.py [--golden]

All but one are simulated: a room whose vapour follows the moisture balance
V de/dt = G R T - n V (e - eo), with sensors that report a change of 0.2 K or 1 % and at least
every half hour. `recorded_bathroom` is an excerpt of a real house; it is made anew only where
the shared data lie beside the repository. The diff of the goldens is what people would feel.
"""

# ruff: noqa: T201  a script

import csv
import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TRACES, GOLDEN = HERE / "traces", HERE / "golden"
SHARED = ROOT.parent / "shared" / "data" / "humidity" / "belgium_house_10min" / "house.csv.gz"
REPLAY = ROOT / "script" / "_replay.py"

sys.path.insert(0, str(REPLAY.parent))
import _engine  # noqa: E402, F401  the bare package must be in place first

from custom_components.smartloop.engine import (  # noqa: E402
    OUTDOOR,
    UNITS,
    Construction,
    Feedback,
    Forecast,
    Household,
    Measurand,
    Person,
    Reading,
    Room,
    RoomKind,
    Verdict,
    WeatherPoint,
    write_trace,
)
from custom_components.smartloop.engine.features.psychrometrics import (  # noqa: E402
    relative_humidity,
    vapour_pressure,
)

type Item = Reading | Feedback | Forecast
type Climate = Callable[[float], tuple[float, float]]
"""°C and %, at an hour from the start."""

ZONE = ZoneInfo("Europe/Brussels")
START = datetime(2026, 1, 12, tzinfo=ZONE)
T, RH, WINDOW = Measurand.TEMPERATURE, Measurand.RELATIVE_HUMIDITY, Measurand.WINDOW_OPEN
GAS_CONSTANT_VAPOUR = 461.5
"""J/(kg K)"""
BATH = Room(id="bath", name="Bathroom", kind=RoomKind.BATHROOM, volume_m3=14.0, construction=Construction.UNINSULATED)
SHOWER_KG_H = 1.6
"""Vapour while somebody showers"""


@dataclass(kw_only=True)
class Box:
    """A sensor that reports what changed, and a sign of life every half hour."""

    place: str
    source: str
    last: dict[Measurand, tuple[float, datetime]]

    def report(self, at: datetime, values: Mapping[Measurand, float]) -> Iterator[Reading]:
        """Yield what it sends now."""
        for measurand, value in values.items():
            step, digits = (0.2, 1) if measurand is T else (1.0, 0)
            said, then = self.last.get(measurand, (1e9, at))
            if abs(value - said) >= step or at - then >= timedelta(minutes=30):
                self.last[measurand] = value, at
                yield reading(measurand, round(value, digits), self.place, at, self.source)


def reading(measurand: Measurand, value: float, place: str, at: datetime, source: str) -> Reading:
    """Return a reading in the engine's unit."""
    return Reading(measurand=measurand, value=float(value), unit=UNITS[measurand], place=place, at=at, source=source)


@dataclass(kw_only=True)
class House:
    """One simulated room and the air outside."""

    room: Room
    temperature: float
    """°C"""
    humidity: float
    """%, at the start"""
    outdoor: Climate
    source_kg_h: Callable[[float], float] = lambda _hour: 0.01
    air_change: Callable[[float], float] = lambda _hour: 0.4
    """1/h"""
    silent: Callable[[float], bool] = lambda _hour: False
    """Whether the room's sensor is dead"""

    def live(self, hours: float) -> Iterator[Reading]:
        """Yield what the sensors send, minute by minute."""
        chance = random.Random(self.room.id)
        volume = self.room.volume_m3 or 30.0
        pressure = vapour_pressure(self.temperature, self.humidity)
        inside = Box(place=self.room.id, source=f"zigbee:{self.room.id}", last={})
        outside = Box(place=OUTDOOR, source="weather", last={})
        for minute in range(int(hours * 60)):
            hour, at = minute / 60.0, START + timedelta(minutes=minute)
            outdoor, outdoor_humidity = self.outdoor(hour)
            gain = self.source_kg_h(hour) * GAS_CONSTANT_VAPOUR * (self.temperature + 273.15) / volume
            loss = self.air_change(hour) * (pressure - vapour_pressure(outdoor, outdoor_humidity))
            saturated = vapour_pressure(self.temperature, 99.0)
            pressure = min(pressure + (gain - loss) / 60.0, saturated)
            humidity = relative_humidity(self.temperature, pressure) + chance.gauss(0.0, 0.15)
            if not self.silent(hour):
                yield from inside.report(at, {T: self.temperature, RH: min(max(humidity, 1.0), 99.0)})
            yield from outside.report(at, {T: outdoor, RH: outdoor_humidity})


def showers(hour: float) -> float:
    """Return the vapour of two showers a day of a quarter of an hour, kg/h."""
    return SHOWER_KG_H if any(0.0 <= hour % 24.0 - at < 0.25 for at in (7.0, 22.0)) else 0.01


def winter(_hour: float) -> tuple[float, float]:
    """Return cold and damp outdoor air: still much drier, in vapour, than any room."""
    return 3.0, 85.0


def open_between(begin: float, end: float) -> Callable[[float], float]:
    """Return an air change rate with the window open for a while."""
    return lambda hour: 7.0 if begin <= hour < end else 0.4


def window(hour: float, *, is_open: bool) -> Reading:
    """Return what a window contact says."""
    return reading(WINDOW, float(is_open), "bath", START + timedelta(hours=hour), "zigbee:window")


def answer(hour: float, verdict: Verdict) -> Feedback:
    """Return what somebody says of the advice to air."""
    return Feedback(
        id=f"answer at {hour:g} h",
        key="mold.ventilate",
        verdict=verdict,
        at=START + timedelta(hours=hour),
        room="bath",
        person="ana",
    )


def home(room: Room) -> Household:
    """Return a household of that room."""
    return Household(timezone=ZONE, rooms=(room,), people=(Person(id="ana", name="Ana"),))


def damp_bathroom_winter() -> tuple[Household, Iterable[Item]]:
    """Showers in winter; on the second day somebody opens the window when told to."""
    house = House(
        room=BATH,
        temperature=20.5,
        humidity=45.0,
        outdoor=winter,
        source_kg_h=showers,
        air_change=open_between(31.75, 32.25),
    )
    contact = [window(0, is_open=False), window(31.75, is_open=True), window(32.25, is_open=False)]
    return home(BATH), [*house.live(36), *contact]


def dry_home() -> tuple[Household, Iterable[Item]]:
    """Nothing the matter."""
    living = Room(id="living", name="Living room", kind=RoomKind.LIVING_ROOM, construction=Construction.INSULATED)
    house = House(room=living, temperature=21.0, humidity=40.0, outdoor=winter, source_kg_h=lambda _hour: 0.05)
    return home(living), house.live(48)


def wetter_outside() -> tuple[Household, Iterable[Item]]:
    """A cool, damp basement on a foggy, mild day: airing would make it worse."""
    basement = Room(id="basement", name="Basement", kind=RoomKind.BASEMENT, construction=Construction.UNINSULATED)
    house = House(
        room=basement,
        temperature=14.0,
        humidity=88.0,
        outdoor=lambda _hour: (13.0, 98.0),
        air_change=lambda _hour: 0.1,
    )
    return home(basement), house.live(12)


def wrong_raises_the_bar() -> tuple[Household, Iterable[Item]]:
    """The same damp air before and after somebody calls the advice wrong."""
    house = House(room=BATH, temperature=20.0, humidity=65.0, outdoor=winter, source_kg_h=lambda _hour: 0.036)
    return home(BATH), [*house.live(24), answer(3, Verdict.WRONG)]


def sensor_gap() -> tuple[Household, Iterable[Item]]:
    """A damp bathroom's sensor is dead for fourteen hours, then back."""
    house = House(
        room=BATH,
        temperature=20.0,
        humidity=65.0,
        outdoor=winter,
        source_kg_h=lambda _hour: 0.036,
        silent=lambda hour: 6.0 <= hour < 20.0,
    )
    return home(BATH), house.live(24)


def ailing_devices() -> tuple[Household, Iterable[Item]]:
    """A leak sensor falls silent for two days; a battery runs down until somebody puts in a new one."""
    basement = Room(id="basement", name="Basement", kind=RoomKind.BASEMENT, construction=Construction.INSULATED)
    chance = random.Random("ailing devices")
    items: list[Item] = []
    hours = 0.0
    while hours < 44 * 24:
        at, day = START + timedelta(hours=hours), hours / 24.0
        items.append(reading(T, round(18.0 + chance.gauss(0.0, 0.3), 1), "basement", at, "zigbee:climate"))
        items.append(reading(RH, round(50.0 + chance.gauss(0.0, 1.0)), "basement", at, "zigbee:climate"))
        if hours % 24.0 < 3.0:
            level = 62.0 - 1.4 * day if day < 40.0 else 100.0
            items.append(reading(Measurand.BATTERY, round(level), "basement", at, "zigbee:climate"))
        if not 20.0 <= day < 22.0:
            wet = at + timedelta(minutes=40 + chance.randrange(4))
            items.append(reading(Measurand.WET, 0.0, "basement", wet, "zigbee:leak"))
        hours += 2.0 + chance.uniform(-0.05, 0.05)
    return home(basement), items


SIMULATED = (ailing_devices, damp_bathroom_winter, dry_home, wetter_outside, wrong_raises_the_bar, sensor_gap)


def recorded_bathroom() -> tuple[Household, Iterable[Item]]:
    """Three days of a real bathroom, with the weather that came as the forecast of it."""
    with gzip.open(SHARED, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[1000 : 1000 + 3 * 144]
    boxes = Box(place="bath", source="zigbee:bath", last={}), Box(place=OUTDOOR, source="airport", last={})
    items: list[Item] = []
    for count, row in enumerate(rows):
        at = START + timedelta(minutes=10 * count)
        for box, zone in zip(boxes, ("bathroom", "out"), strict=True):
            items += box.report(at, {T: float(row[f"{zone}_temp_c"]), RH: float(row[f"{zone}_rh_pct"])})
        if count % 36 == 0:
            points = [
                WeatherPoint(
                    at=at + timedelta(minutes=10 * ahead),
                    temperature=round(float(rows[count + ahead]["out_temp_c"]), 1),
                    relative_humidity=round(float(rows[count + ahead]["out_rh_pct"])),
                )
                for ahead in range(0, min(48 * 6, len(rows) - count), 6)
            ]
            items.append(Forecast(at=at, points=tuple(points)))
    room = Room(id="bath", name="Bathroom", kind=RoomKind.BATHROOM, volume_m3=14.0, construction=Construction.INSULATED)
    return home(room), items


def bad_lines() -> list[str]:
    """Return a trace of which half the lines cannot be believed; written as a stranger would."""
    at = START.isoformat()
    damp = {"t": at, "measurand": "relative_humidity", "value": 75, "unit": "%", "room": "bath"}
    lines: list[object] = [
        {
            "trace": 1,
            "household": {
                "timezone": "Europe/Brussels",
                "rooms": [{"id": "bath", "kind": "bathroom", "volume_m3": 14, "construction": "uninsulated"}],
                "people": [{"id": "ana", "inhalers": [{"id": "blue", "role": "reliever"}]}],
                "journeys": {"mold": "inform", "tea": "inform"},
            },
        },
        damp,
        damp | {"measurand": "temperature", "value": 68, "unit": "°F"},
        damp | {"measurand": "temperature", "value": 72, "unit": "°C"},
        damp | {"measurand": "temperature", "value": 3, "unit": "°C", "room": "outdoor"},
        damp | {"value": 85, "room": "outdoor"},
        damp | {"value": 175},
        damp | {"unit": "banana"},
        damp | {"room": "cellar"},
        damp | {"measurand": "sound"},
        damp | {"t": "2026-01-11T23:00:00+01:00"},
        damp | {"t": "2026-01-12T00:00:00"},
        {"t": at},
        {"t": at, "actuation": {"inhaler": "blue", "person": "ana", "shake_s": 1.2}},
        {"t": at, "actuation": {"inhaler": "red", "person": "ana"}},
        {"t": at, "forecast": [{"at": at, "temperature": 400}]},
        {"t": at, "feedback": {"key": "mold.ventilate", "room": "bath", "verdict": "meh"}},
        damp | {"t": (START + timedelta(minutes=40)).isoformat()},
    ]
    return [json.dumps(line, ensure_ascii=False) for line in lines]


def write(name: str, lines: Iterable[str]) -> None:
    """Write one trace."""
    (TRACES / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"traces/{name}.jsonl")


def trace(made: tuple[Household, Iterable[Item]]) -> Iterator[str]:
    """Return the lines of a household's items, in order of time."""
    household, items = made
    return write_trace(household, sorted(items, key=lambda item: item.at.astimezone(UTC)))


def make() -> None:
    """Write every trace."""
    for scene in SIMULATED:
        write(scene.__name__, trace(scene()))
    write("bad_lines", bad_lines())
    if SHARED.exists():
        write("recorded_bathroom", trace(recorded_bathroom()))
    else:
        print("traces/recorded_bathroom.jsonl stays: the shared data are not beside the repository")


def regenerate() -> None:
    """Write what the engine says to every trace now."""
    for path in sorted(TRACES.glob("*.jsonl")):
        done = subprocess.run(
            [sys.executable, str(REPLAY), str(path), "--json"], capture_output=True, text=True, check=True
        )
        (GOLDEN / path.name).write_text(done.stdout, encoding="utf-8")
        (GOLDEN / f"{path.stem}.err").write_text(done.stderr, encoding="utf-8")
        print(f"golden/{path.name}: {len(done.stdout.splitlines())} decisions")


if __name__ == "__main__":
    make()
    if "--golden" in sys.argv[1:]:
        regenerate()
