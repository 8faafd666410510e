"""What an alarm without a kind is for: guessed from its names, its model and its habits, said by its owner.

A bridge that does not know a device shows its alarms bare: Zigbee2MQTT's `alarm_1` has no device
class and may be water, a window or somebody passing by.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.const import STATE_OFF
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..engine import Measurand, RoomKind
from .senses import device_class_of, is_known_class, names_of
from .words import any_says, any_word, fold, room_kind


class Role(StrEnum):
    """What the owner can say an alarm is for."""

    LEAK = "leak"
    WINDOW = "window"
    MOTION = "motion"
    OTHER = "other"
    """Nothing SmartLoop needs to know of."""


MEASURANDS: Final[Mapping[Role, Measurand]] = {
    Role.LEAK: Measurand.WET,
    Role.WINDOW: Measurand.WINDOW_OPEN,
    Role.MOTION: Measurand.MOTION,
}

_LEAK_STEMS: Final = (
    "leak", "flood", "leckage", "wassermelder", "wasseralarm", "wassersensor", "wasserwachter", "fuite", "inondation",
    "lekkage", "lekdetectie", "waterlek", "inundacion", "perdita", "perdite", "allagamento", "wyciek", "zalanie",
    "zalania", "lackage", "lekkasje", "laekage", "zaplaveni", "vazamento", "inundacao",
)  # fmt: skip
_LEAK_WORDS: Final = ("leck", "lek", "fuga", "fugas", "lacka", "unik")
"""They must stand by themselves: "lek" begins "lektion"."""
_WATER: Final = (
    "water", "wasser", "eau", "agua", "acqua", "woda", "wody", "vatten", "vann", "vand", "voda", "vody", "wet", "nass",
    "mouille", "nat", "mojado", "bagnato", "moisture", "feuchte", "feuchtigkeit", "humedad", "vocht",
)  # fmt: skip
_OTHER_WATER: Final = (
    "heater", "boiler", "valve", "ventil", "pump", "pumpe", "pompe", "pomp", "bomba", "pompa", "meter", "zahler",
    "compteur", "contador", "contatore", "hot", "warm", "tank", "softener", "plant", "pflanze", "soil", "garden",
    "irrigation", "sprinkler", "level", "niveau", "proof", "resistant",
)  # fmt: skip
_WINDOW_STEMS: Final = (
    "window", "fenster", "fenetre", "ventana", "finestra", "janela", "fonster", "vindu",
    "vindue",
)  # fmt: skip
_WINDOW_WORDS: Final = ("raam", "okno", "okna")
_MOTION_STEMS: Final = (
    "motion", "bewegung", "mouvement", "beweging", "movimiento", "movimento", "rorelse", "bevegelse", "bevaegelse",
    "pohyb",
)  # fmt: skip
_MOTION_WORDS: Final = ("pir", "ruch", "ruchu")
_WORDS: Final = (
    (Role.LEAK, _LEAK_STEMS, _LEAK_WORDS),
    (Role.WINDOW, _WINDOW_STEMS, _WINDOW_WORDS),
    (Role.MOTION, _MOTION_STEMS, _MOTION_WORDS),
)
_ALARM: Final = ("alarm", "zone", "ias", "state", "status", "contact", "detected", "trigger", "input")
_MODELS: Final[Mapping[str, Role]] = {
    # As their makers print them; a bridge puts the code into model or model_id.
    fold(code): role
    for role, codes in (
        (
            Role.LEAK,
            (
                "SNZB-05", "SNZB-05P", "SJCGQ11LM", "SJCGQ12LM", "SJCGQ13LM", "HS1WL", "HS1WL-E", "HS3WL", "E2202",
                "FLSENSOR01", "MCLH-07", "STS-WTR-250", "IM6001-WLP01", "3315-S", "3315-G", "WL4200S", "WLD-100",
                "ZL-WL01", "ZSE42", "LS-1", "TS0207_water_leak_detector", "Q9MPFHW", "SmartLoop Leak", "LEAK-1",
            ),
        ),
        (Role.WINDOW, ("SNZB-04", "SNZB-04P", "MCCGQ11LM", "MCCGQ14LM", "E2013", "TS0203")),
        (Role.MOTION, ("SNZB-03", "SNZB-03P", "RTCGQ11LM", "RTCGQ14LM", "E1745", "TS0202")),
    )
    for code in codes
}  # fmt: skip
_DERIVED: Final = frozenset({"derivative", "group", "random", "threshold", "trend"})
_WET_ROOMS: Final = frozenset({RoomKind.BATHROOM, RoomKind.KITCHEN, RoomKind.LAUNDRY, RoomKind.BASEMENT})
_STILL: Final = timedelta(days=1)
"""Windows and people move within a day; water on the floor is a matter of years."""


@callback
def is_bare(entry: er.RegistryEntry) -> bool:
    """Return whether an entity is on or off and its bridge does not say what that means."""
    return (
        entry.domain == BINARY_SENSOR_DOMAIN
        and device_class_of(entry) is None
        and entry.entity_category is None
        and not (entry.disabled or entry.hidden)
        and entry.platform != DOMAIN
        and entry.platform not in _DERIVED
    )


@callback
def guess(hass: HomeAssistant, entry: er.RegistryEntry) -> Role | None:
    """Return what a bare alarm is probably for; None when nothing tells, or another entity of its box is asked."""
    if not is_bare(entry):
        return None
    siblings = _siblings(hass, entry)
    # Of a box's zones the first is the one that matters: one question for one box, and none for a box that is known.
    if any(_is_told(each) or (is_bare(each) and each.entity_id < entry.entity_id) for each in siblings):
        return None
    device = dr.async_get(hass).async_get(entry.device_id) if entry.device_id else None
    names, codes = names_of(entry, device), _codes(hass, device)
    known = next((role for code in codes if code and (role := _MODELS.get(fold(code)))), None)
    # An entity's id repeats its device's name: what the box is called may mean the place.
    own = names.own[:2] if device else names.own
    if known is not None or _by_words(own) is Role.LEAK:
        return known or Role.LEAK
    # A thermostat guesses at windows, too; and a box's name tells only of what the box is about.
    alarms_only = _is_alarm_box(siblings)
    if not (alarms_only or any_says(own, _ALARM)):
        return None
    told = (*own, *names.device, *codes)
    if (role := _by_words(told)) is not None:
        return role
    wet = any_word(told, _WATER) and not any_says(told, _OTHER_WATER)
    return Role.LEAK if wet or (alarms_only and (_is_in_wet_room(hass, entry) or _is_still(hass, entry))) else None


def _codes(hass: HomeAssistant, device: dr.DeviceEntry | dr.ChildDeviceEntry | None) -> tuple[str | None, ...]:
    """Return what a box is to its maker: ZHA has the code in the model, Zigbee2MQTT in the model's id."""
    if isinstance(device, dr.ChildDeviceEntry):
        device = dr.async_get(hass).async_get(device.parent_device_id)
    return (device.model_id, device.model, device.manufacturer) if isinstance(device, dr.DeviceEntry) else ()


def _by_words(names: Iterable[str | None]) -> Role | None:
    known = tuple(names)
    for role, stems, words in _WORDS:
        if any_says(known, stems) or any_word(known, words):
            return role
    return None


def _siblings(hass: HomeAssistant, entry: er.RegistryEntry) -> list[er.RegistryEntry]:
    if entry.device_id is None:
        return []
    registry = er.async_get(hass)
    return [each for each in er.async_entries_for_device(registry, entry.device_id) if each.id != entry.id]


def _is_told(entry: er.RegistryEntry) -> bool:
    """Return whether an entity is on or off, and a word of its bridge or its owner says what that means."""
    return entry.domain == BINARY_SENSOR_DOMAIN and entry.entity_category is None and is_known_class(entry)


def _is_alarm_box(siblings: Iterable[er.RegistryEntry]) -> bool:
    """Return whether a box does nothing but raise an alarm: a tamper contact or a low battery, and no measurement."""
    classes = {device_class_of(each) for each in siblings if each.domain == BINARY_SENSOR_DOMAIN}
    measures = any(each.domain == "sensor" and each.entity_category is None for each in siblings)
    return not measures and bool(classes & {BinarySensorDeviceClass.TAMPER, BinarySensorDeviceClass.BATTERY})


def _is_in_wet_room(hass: HomeAssistant, entry: er.RegistryEntry) -> bool:
    area_id = er.async_get_effective_area_id(hass, entry)
    area = ar.async_get(hass).async_get_area(area_id) if area_id else None
    return area is not None and room_kind((area.name, *sorted(area.aliases)), area.icon) in _WET_ROOMS


def _is_still(hass: HomeAssistant, entry: er.RegistryEntry) -> bool:
    state = hass.states.get(entry.entity_id)
    return state is not None and state.state == STATE_OFF and dt_util.utcnow() - state.last_changed >= _STILL
