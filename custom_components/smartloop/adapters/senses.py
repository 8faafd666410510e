"""Which entity measures what: by its device class and unit, and by its names where those fall short.

Only guesses where names decide: every one is shown to the owner before anything is made of it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import ATTR_STATE_CLASS, SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import PERCENTAGE
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from ..engine import Measurand
from .words import any_says, any_word


class Sense(StrEnum):
    """What SmartLoop looks after with it."""

    DAMP = "damp"
    LEAK = "leak"
    DUST = "dust"
    BED = "bed"
    PEOPLE = "people"


SENSES: Final[Mapping[Measurand, Sense]] = {
    Measurand.TEMPERATURE: Sense.DAMP,
    Measurand.RELATIVE_HUMIDITY: Sense.DAMP,
    Measurand.SURFACE_TEMPERATURE: Sense.DAMP,
    Measurand.WET: Sense.LEAK,
    Measurand.WATER_FLOW: Sense.LEAK,
    Measurand.WATER_VOLUME: Sense.LEAK,
    Measurand.WATER_PRESSURE: Sense.LEAK,
    Measurand.PM25: Sense.DUST,
    Measurand.PM10: Sense.DUST,
    Measurand.PM1: Sense.DUST,
    Measurand.CO2: Sense.DUST,
    Measurand.VOC_INDEX: Sense.DUST,
    Measurand.TVOC: Sense.DUST,
    Measurand.BED_OCCUPANCY: Sense.BED,
    Measurand.HEART_RATE: Sense.BED,
    Measurand.RESPIRATORY_RATE: Sense.BED,
    Measurand.BED_MOTION: Sense.BED,
    Measurand.WINDOW_OPEN: Sense.PEOPLE,
    Measurand.MOTION: Sense.PEOPLE,
    Measurand.PRESENCE: Sense.PEOPLE,
}
"""What is found by itself, in the order it is shown."""

AIR: Final = (Measurand.TEMPERATURE, Measurand.RELATIVE_HUMIDITY)
PERSONAL: Final = frozenset(measurand for measurand, sense in SENSES.items() if sense is Sense.BED)
"""Somebody's own: it has to be asked whose."""
ORDER: Final = tuple(SENSES)

_COMPANY: Final = frozenset(measurand for measurand, sense in SENSES.items() if sense is Sense.PEOPLE)
"""Worth having beside other sensors; alone they make no room and no offer."""


def is_company(measurands: Iterable[Measurand]) -> bool:
    """Return whether there is nothing among these that is worth having by itself."""
    return _COMPANY.issuperset(measurands)


def senses_of(measurands: Iterable[Measurand]) -> tuple[Sense, ...]:
    """Return what can be looked after with these: damp needs temperature and humidity together."""
    known = set(measurands)
    found = {SENSES[each] for each in known if each in SENSES and each not in _COMPANY} - {Sense.DAMP}
    if known.issuperset(AIR):
        found.add(Sense.DAMP)
    return tuple(each for each in Sense if each in found)


_WATER: Final = (
    "water", "wasser", "eau", "agua", "acqua", "vatten", "vann", "vand", "woda", "wody", "voda", "vody",
)  # fmt: skip
_HEATING: Final = (
    "heating", "heizung", "heizkreis", "chauffage", "verwarming", "calefaccion", "riscaldamento", "ogrzewanie", "cv",
    "boiler", "kessel", "chaudiere", "caldera", "caldaia",
)  # fmt: skip
_AIR_FLOW: Final = (
    "air", "luft", "zuluft", "abluft", "fan", "ventilation", "luftung", "lueftung", "ventilatie", "lucht", "supply air",
    "extract", "exhaust", "gas", "aria", "aire", "powietrze", "hrv", "erv", "kwl", "vmc", "wtw",
)  # fmt: skip
_HEART: Final = (
    "heart", "pulse", "herz", "puls", "herzfrequenz", "coeur", "cardiaque", "hartslag", "cardiac", "cardiaca",
    "cardiaco", "corazon", "cuore", "tetno", "hjarta", "hjerte", "hjartfrekvens", "tep", "bpm",
)  # fmt: skip
_BREATH: Final = (
    "breath", "breathing", "respir", "atem", "atmung", "ademhaling", "adem", "oddech", "andning", "andedrag", "pust",
    "respiro", "dech", "vejrtrakning",
)  # fmt: skip
_SUMMARY: Final = (
    "average", "avg", "mean", "min", "max", "minimum", "maximum", "lowest", "highest", "resting", "variability", "hrv",
    "durchschnitt", "mittel", "mittlere", "mittlerer", "ruhe", "ruhepuls", "moyenne", "moyen", "gemiddelde", "media",
    "medio", "zone", "zones", "target", "goal", "limit", "alarm",
)  # fmt: skip
"""A night's summary is no value of now."""
_BED: Final = (
    "bed", "beds", "inbed", "mattress", "bett", "bettsensor", "bettbelegung", "bettmatte", "matratze", "lit", "matelas",
    "bedsensor", "bedbezetting", "matras", "cama", "colchon", "letto", "materasso", "lozko", "lozka", "materac", "sang",
    "sangen", "seng", "sengen", "postel", "posteli", "sleeper", "crib", "cot",
)  # fmt: skip
_MOVES: Final = ("motion", "movement", "bewegung", "mouvement", "beweging", "movimiento", "movimento", "rorelse")
_SURFACE: Final = (
    "surface", "cold corner", "kalte ecke", "oberflache", "oberflachentemperatur", "wandtemperatur", "oppervlak",
    "superficie", "powierzchni",
)  # fmt: skip
_ROOM_WITH_BED: Final = ("bed room", "living bed")
_VOC: Final = ("voc", "tvoc", "vocs")
_OF_NO_ROOM: Final = frozenset({"group", "mobile_app", "ping"})
"""Whose presence is a phone's, or a sum."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What an entity and its device are called."""

    own: tuple[str | None, ...]
    device: tuple[str | None, ...]

    @property
    def all(self) -> tuple[str | None, ...]:
        """Return every name there is."""
        return (*self.own, *self.device)


def names_of(entry: er.RegistryEntry, device: dr.BaseDeviceEntry | None) -> Names:
    """Return what an entity and its device are called, by their owner first."""
    own = (entry.name, entry.original_name, entry.entity_id.partition(".")[2])
    return Names(own=own, device=(device.name_by_user, device.name) if device else ())


type _Rule = Callable[[er.RegistryEntry, Names], Measurand | None]


def _is(measurand: Measurand) -> _Rule:
    return lambda _entry, _names: measurand


def _temperature(_entry: er.RegistryEntry, names: Names) -> Measurand | None:
    # Only what the sensor itself is called: a device "at the cold corner" measures the air there.
    return Measurand.SURFACE_TEMPERATURE if any_says(names.own[:2], _SURFACE) else Measurand.TEMPERATURE


def _flow(_entry: er.RegistryEntry, names: Names) -> Measurand | None:
    # Ventilation is measured in the same units.
    if any_word(names.all, _AIR_FLOW) and not any_says(names.all, _WATER):
        return None
    return Measurand.WATER_FLOW


def _pressure(_entry: er.RegistryEntry, names: Names) -> Measurand | None:
    # A barometer has the same class; a heating's pressure is another matter than the mains'.
    if any_says(names.all, _WATER) and not any_word(names.all, _HEATING):
        return Measurand.WATER_PRESSURE
    return None


def _somebody(entry: er.RegistryEntry, names: Names) -> Measurand | None:
    if entry.platform in _OF_NO_ROOM:
        return None
    if any_word(names.all, _BED) and not any_says(names.all, _ROOM_WITH_BED):
        return Measurand.BED_OCCUPANCY
    return Measurand.PRESENCE


def _index(_entry: er.RegistryEntry, names: Names) -> Measurand | None:
    return Measurand.VOC_INDEX if any_word(names.own, _VOC) else None


_BY_CLASS: Final[Mapping[tuple[str, str], _Rule]] = {
    (SENSOR_DOMAIN, SensorDeviceClass.TEMPERATURE): _temperature,
    (SENSOR_DOMAIN, SensorDeviceClass.HUMIDITY): _is(Measurand.RELATIVE_HUMIDITY),
    (SENSOR_DOMAIN, SensorDeviceClass.PM1): _is(Measurand.PM1),
    (SENSOR_DOMAIN, SensorDeviceClass.PM25): _is(Measurand.PM25),
    (SENSOR_DOMAIN, SensorDeviceClass.PM10): _is(Measurand.PM10),
    (SENSOR_DOMAIN, SensorDeviceClass.CO2): _is(Measurand.CO2),
    (SENSOR_DOMAIN, SensorDeviceClass.VOLATILE_ORGANIC_COMPOUNDS): _is(Measurand.TVOC),
    (SENSOR_DOMAIN, SensorDeviceClass.VOLATILE_ORGANIC_COMPOUNDS_PARTS): _is(Measurand.TVOC),
    # ESPHome gives Sensirion's index this class.
    (SENSOR_DOMAIN, SensorDeviceClass.AQI): _index,
    (SENSOR_DOMAIN, SensorDeviceClass.VOLUME_FLOW_RATE): _flow,
    (SENSOR_DOMAIN, SensorDeviceClass.WATER): _is(Measurand.WATER_VOLUME),
    (SENSOR_DOMAIN, SensorDeviceClass.PRESSURE): _pressure,
    # A sensor of this class measures soil or wood; a binary sensor of it, water on the floor.
    (BINARY_SENSOR_DOMAIN, BinarySensorDeviceClass.MOISTURE): _is(Measurand.WET),
    # A door is no window.
    (BINARY_SENSOR_DOMAIN, BinarySensorDeviceClass.WINDOW): _is(Measurand.WINDOW_OPEN),
    (BINARY_SENSOR_DOMAIN, BinarySensorDeviceClass.OPENING): _is(Measurand.WINDOW_OPEN),
    (BINARY_SENSOR_DOMAIN, BinarySensorDeviceClass.MOTION): _is(Measurand.MOTION),
    (BINARY_SENSOR_DOMAIN, BinarySensorDeviceClass.OCCUPANCY): _somebody,
    (BINARY_SENSOR_DOMAIN, BinarySensorDeviceClass.PRESENCE): _somebody,
}
"""What is proposed. What dries the air only its owner knows."""

_RATE_UNITS: Final = frozenset(
    {"bpm", "br/min", "brpm", "rpm", "1/min", "/min", "min⁻¹", "beats/min", "breaths/min"}
    | {"beats per minute", "breaths per minute"}
)


def device_class_of(entry: er.RegistryEntry) -> str | None:
    """Return an entity's device class; the owner's own word comes first."""
    return entry.device_class or entry.original_device_class


def is_known_class(entry: er.RegistryEntry) -> bool:
    """Return whether the class alone may say what an entity measures."""
    return (entry.domain, device_class_of(entry) or "") in _BY_CLASS


def measurand_of(entry: er.RegistryEntry, names: Names, unit: str | None) -> Measurand | None:
    """Return what an entity seems to measure; whether its unit fits is another question."""
    device_class = device_class_of(entry)
    if device_class is not None:
        rule = _BY_CLASS.get((entry.domain, device_class))
        return rule(entry, names) if rule is not None else None
    if entry.domain != SENSOR_DOMAIN or entry.platform in _OF_NO_ROOM:
        return None
    if unit is not None:
        return _moves(names) if unit == PERCENTAGE else _rate(names) if unit.casefold() in _RATE_UNITS else None
    # A count or an index without unit: a text has no state class.
    if (entry.capabilities or {}).get(ATTR_STATE_CLASS) != SensorStateClass.MEASUREMENT:
        return None
    if any_says(names.own, _BREATH):
        return _rate(names)
    return _index(entry, names)


def _moves(names: Names) -> Measurand | None:
    return Measurand.BED_MOTION if any_word(names.all, _BED) and any_says(names.own, _MOVES) else None


def _rate(names: Names) -> Measurand | None:
    """Return which of the two rates of a body has these names: no device class tells them."""
    if any_word(names.own, _SUMMARY):
        return None
    if any_says(names.own, _BREATH):
        return Measurand.RESPIRATORY_RATE
    return Measurand.HEART_RATE if any_word(names.own, _HEART) or any_says(names.own, _HEART) else None
