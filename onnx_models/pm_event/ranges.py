"""What homes, sources and sensors are drawn from: every number of the simulation, and where it comes from.

Emission, deposition and air change: ranges of the literature as models.md section 3 gives them (cooking 0.5-5 mg/min
for 5-40 min, candles 0.05-0.3), widened; they are recalled, not fitted. Sensor matrices: rounded so that the ratios of
size classes seen in the shared recordings of salt aerosol and smoke (three sensor models) lie well inside.
Masses: three bins, below 1 µm, 1-2.5 µm, 2.5-10 µm.
"""

from dataclasses import dataclass
from typing import Final

from custom_components.smartloop.engine.models.pm_source import Kind

type Span = tuple[float, float]

ROOMS: Final = ("kitchen", "living", "bedroom", "bathroom")
MEALS: Final = ((7.5, 1.0), (12.5, 1.2), (18.5, 1.3))
EVENING: Final = ((20.5, 1.5),)
DAY: Final = ((10.5, 2.5), (16.0, 3.0))
MORNING: Final = ((7.0, 1.0), (21.5, 1.2))


@dataclass(frozen=True, kw_only=True, slots=True)
class Activity:
    """One kind of source."""

    kind: Kind
    rooms: tuple[str, ...]
    per_day: float
    homes: float = 1.0
    """Share of homes that do it at all"""
    emission: Span
    """mg/min of PM10 while it lasts, log-uniform"""
    minutes: Span
    fine: Span
    """Share of the mass below 1 µm"""
    middle: Span
    """Share of the rest between 1 and 2.5 µm"""
    hours: tuple[Span, ...]
    """Mean and standard deviation of the time of day, each as likely"""
    humidity: Span = (0.0, 0.5)
    temperature: Span = (0.0, 0.2)
    co2: Span = (0.0, 80.0)
    voc: Span = (0.0, 15.0)
    nox: Span = (0.0, 2.0)
    fade: Span = (0.0, 0.0)
    """1/h by which droplets evaporate"""
    person: float = 0.5
    """Chance that somebody moves in the room meanwhile"""
    device: str = ""
    """The plug that draws power meanwhile"""
    device_share: float = 0.0
    pulsed: float = 0.3
    """Chance that it comes in pulses"""


ACTIVITIES: Final[dict[str, Activity]] = {
    "frying": Activity(
        kind=Kind.COOKING, rooms=("kitchen",), per_day=0.45, emission=(0.6, 6.0), minutes=(8, 35), fine=(0.6, 0.85),
        middle=(0.4, 0.75), hours=MEALS, humidity=(1, 12), temperature=(0.3, 2.0), co2=(20, 250), voc=(30, 200),
        nox=(0, 120), person=0.85, device="cooking", device_share=0.85, pulsed=0.6,
    ),
    "baking": Activity(
        kind=Kind.COOKING, rooms=("kitchen",), per_day=0.35, emission=(0.3, 1.5), minutes=(15, 60), fine=(0.5, 0.8),
        middle=(0.4, 0.7), hours=MEALS, humidity=(3, 18), temperature=(0.5, 2.5), co2=(20, 200), voc=(20, 120),
        nox=(0, 60), person=0.7, device="cooking", device_share=0.85, pulsed=0.4,
    ),
    "toast": Activity(
        kind=Kind.COOKING, rooms=("kitchen",), per_day=0.3, emission=(1.0, 5.0), minutes=(2, 8), fine=(0.72, 0.92),
        middle=(0.4, 0.8), hours=MEALS, humidity=(0, 3), temperature=(0.0, 0.6), co2=(0, 80), voc=(10, 80),
        person=0.8, device="cooking", device_share=0.5, pulsed=0.2,
    ),
    "candle": Activity(
        kind=Kind.COMBUSTION, rooms=("living", "bedroom"), per_day=0.5, homes=0.6, emission=(0.05, 0.35),
        minutes=(30, 200), fine=(0.88, 0.97), middle=(0.5, 0.8), hours=EVENING, humidity=(0, 2),
        temperature=(0.0, 0.5), co2=(0, 120), voc=(5, 60), nox=(0, 15), person=0.4, pulsed=0.2,
    ),
    "incense": Activity(
        kind=Kind.COMBUSTION, rooms=("living", "bedroom"), per_day=0.5, homes=0.35, emission=(0.4, 2.5),
        minutes=(15, 60), fine=(0.82, 0.96), middle=(0.5, 0.8), hours=(*EVENING, *DAY), co2=(0, 60), voc=(20, 150),
        nox=(0, 10), person=0.3, pulsed=0.2,
    ),
    "tobacco": Activity(
        kind=Kind.COMBUSTION, rooms=("living", "kitchen"), per_day=1.5, homes=0.2, emission=(0.8, 3.0),
        minutes=(4, 9), fine=(0.85, 0.96), middle=(0.5, 0.8), hours=(*DAY, *EVENING), co2=(0, 60), voc=(20, 150),
        nox=(0, 10), person=0.5,
    ),
    "wood": Activity(
        kind=Kind.COMBUSTION, rooms=("living",), per_day=0.5, homes=0.3, emission=(0.8, 8.0), minutes=(3, 25),
        fine=(0.82, 0.95), middle=(0.5, 0.8), hours=EVENING, temperature=(0.2, 3.0), co2=(0, 120), voc=(10, 120),
        nox=(0, 25), person=0.5, pulsed=0.4,
    ),
    "burnt": Activity(
        kind=Kind.COMBUSTION, rooms=("kitchen",), per_day=0.06, emission=(6.0, 30.0), minutes=(2, 8),
        fine=(0.8, 0.95), middle=(0.5, 0.8), hours=MEALS, humidity=(0, 3), temperature=(0.2, 1.5), co2=(0, 100),
        voc=(60, 300), nox=(0, 40), person=0.8, device="cooking", device_share=0.8,
    ),
    "vacuum": Activity(
        kind=Kind.CLEANING, rooms=("living", "bedroom", "kitchen"), per_day=0.3, emission=(1.5, 10.0),
        minutes=(6, 30), fine=(0.02, 0.09), middle=(0.1, 0.24), hours=DAY, co2=(10, 150), person=0.8,
        device="vacuum", device_share=0.9, pulsed=0.6,
    ),
    "sweeping": Activity(
        kind=Kind.CLEANING, rooms=("living", "bedroom", "kitchen"), per_day=0.3, emission=(1.5, 9.0),
        minutes=(4, 20), fine=(0.02, 0.08), middle=(0.1, 0.24), hours=DAY, co2=(10, 150), voc=(0, 60), person=0.95,
        pulsed=0.6,
    ),
    "steam": Activity(
        kind=Kind.AEROSOL, rooms=("bathroom",), per_day=0.9, emission=(0.4, 6.0), minutes=(5, 20), fine=(0.1, 0.4),
        middle=(0.3, 0.7), hours=MORNING, humidity=(12, 40), temperature=(0.5, 3.0), co2=(0, 150), voc=(0, 80),
        fade=(3.0, 15.0), person=0.5,
    ),
    "humidifier": Activity(
        kind=Kind.AEROSOL, rooms=("bedroom", "living"), per_day=0.6, homes=0.35, emission=(0.15, 2.0),
        minutes=(40, 300), fine=(0.2, 0.6), middle=(0.4, 0.8), hours=(*EVENING, *DAY), humidity=(5, 18),
        fade=(0.0, 2.0), person=0.2, pulsed=0.3,
    ),
    "spray": Activity(
        kind=Kind.AEROSOL, rooms=("bathroom", "bedroom", "living"), per_day=0.4, emission=(5.0, 40.0),
        minutes=(0.3, 1.0), fine=(0.15, 0.5), middle=(0.4, 0.8), hours=(*MORNING, *DAY), humidity=(0, 1.5),
        voc=(40, 400), fade=(0.0, 2.0), person=0.8,
    ),
    "nebuliser": Activity(
        kind=Kind.AEROSOL, rooms=("bedroom", "living"), per_day=0.8, homes=0.2, emission=(1.0, 12.0),
        minutes=(3, 15), fine=(0.06, 0.5), middle=(0.4, 0.85), hours=(*MORNING, *EVENING), humidity=(0, 4),
        fade=(0.0, 2.0), person=0.2,
    ),
    "walking": Activity(
        kind=Kind.OCCUPANCY, rooms=("living", "bedroom", "kitchen"), per_day=1.0, emission=(0.25, 2.0),
        minutes=(8, 60), fine=(0.02, 0.08), middle=(0.1, 0.24), hours=(*MORNING, *DAY, *EVENING), co2=(50, 400),
        voc=(0, 40), humidity=(0, 3), person=1.0, pulsed=0.7,
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensor:
    """One sensor model: what each size class shows of a µg/m³ in each bin."""

    pm1: tuple[float, float, float] | None
    pm25: tuple[float, float, float]
    pm10: tuple[float, float, float]
    noise: float
    """µg/m³"""
    relative: float
    step: float
    swells: bool
    """Droplets grow with humidity and are read as mass"""


SENSORS: Final[dict[str, Sensor]] = {
    "pms5003": Sensor(
        pm1=(0.6, 0.2, 0.01), pm25=(1.0, 0.9, 0.1), pm10=(1.02, 1.5, 0.5), noise=0.7, relative=0.05, step=1.0, swells=True
    ),
    "sps30": Sensor(
        pm1=(0.95, 0.12, 0.0), pm25=(1.0, 0.9, 0.05), pm10=(1.02, 1.5, 0.4), noise=0.3, relative=0.03, step=0.1, swells=False
    ),
    "sds011": Sensor(
        pm1=None, pm25=(0.95, 0.6, 0.05), pm10=(1.05, 1.7, 1.2), noise=0.5, relative=0.05, step=0.1, swells=True
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The homes: ranges, and how far a second world lies from the first."""

    volumes: tuple[Span, ...] = ((18, 45), (40, 110), (25, 60), (9, 20))
    """m³, as ROOMS"""
    air_change: Span = (0.5, 0.5)
    """1/h median and log standard deviation of homes"""
    deposition: tuple[Span, ...] = ((0.06, 0.25), (0.2, 0.6), (1.2, 3.5))
    """1/h, per bin (Thatcher & Layton 1995, recalled)"""
    penetration: tuple[Span, ...] = ((0.7, 1.0), (0.5, 0.95), (0.2, 0.6))
    doors: Span = (15.0, 200.0)
    """m³/h between neighbouring rooms"""
    purifier: Span = (80.0, 350.0)
    """m³/h"""
    intervals: tuple[float, ...] = (5, 10, 20, 30, 30, 60, 60, 60, 60, 120, 120, 300, 300, 600)
    """s between readings"""
    busy: Span = (0.5, 0.4)
    """Median and log standard deviation of homes' activity, beside ACTIVITIES' events a day"""
    emission: float = 1.0
    minutes: float = 1.0
    unit_spread: float = 0.08
    """Log standard deviation of each sensor unit's matrix"""
    noise: float = 1.0
    hour_shift: float = 0.0
    outdoor: Span = (8.0, 0.6)
    """µg/m³ median and log standard deviation of the usual outdoor level"""
    smoke_days: float = 0.05
    """Wildfire episodes a day"""
    plumes: float = 0.35
    """Rush hours, a neighbour's stove: episodes a day"""
    power: float = 0.6
    motion: float = 0.6
    climate: float = 0.7
    gases: float = 0.4
    station: float = 0.75
    """Shares of homes that measure it; `station` is an outdoor PM reading"""


FIRST: Final = World()
OTHER: Final = World(
    volumes=((12, 60), (30, 140), (18, 75), (6, 26)),
    air_change=(0.65, 0.6),
    deposition=((0.05, 0.35), (0.15, 0.8), (1.0, 4.5)),
    penetration=((0.6, 1.0), (0.4, 0.95), (0.15, 0.7)),
    doors=(8.0, 300.0),
    busy=(0.55, 0.5),
    intervals=(8, 20, 45, 60, 90, 150, 300, 450),
    emission=0.8,
    minutes=1.2,
    unit_spread=0.12,
    noise=1.3,
    hour_shift=0.7,
    outdoor=(11.0, 0.6),
    smoke_days=0.08,
    power=1.0,
    motion=1.0,
)
"""Homes to be judged on: another seed, and ranges shifted and wider than those learned from; all have plugs and
motion, which the scores then hide or show"""
