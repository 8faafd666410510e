"""What the names of rooms and sensors say, in the languages their owners speak.

Only guesses: every one is shown to the owner before anything is made of it.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from ..engine import RoomKind

# en, de, fr, nl, es, it, pt, pl, sv, da, nb, cs; without accents. The order decides between two
# that fit: "Waschküche" is no kitchen and "Dachzimmer Büro" is an office.
_KINDS: Final[tuple[tuple[RoomKind, tuple[str, ...]], ...]] = (
    (
        RoomKind.LAUNDRY,
        (
            "laundry", "utility", "wasch", "hauswirtschaft", "buanderie", "bijkeuken", "wasruimte", "waskamer",
            "washok", "wasplaats", "lavadero", "lavanderia", "pralnia", "tvatt", "vaskerom", "bryggers", "pradelna",
        ),
    ),
    (
        RoomKind.BATHROOM,
        (
            "bath", "shower", "toilet", "wc", "restroom", "washroom", "ensuite", "en suite", "bad", "dusch",
            "salle de bain", "salle d eau", "douche", "bano", "aseo", "bagno", "doccia", "banheiro", "casa de banho",
            "lazienka", "toaleta", "badrum", "koupelna",
        ),
    ),
    (
        RoomKind.KITCHEN,
        (
            "kitchen", "kuche", "kueche", "cuisine", "keuken", "cocina", "cucina", "cozinha", "kuchnia", "kok",
            "kjokken", "kokken", "kuchyn",
        ),
    ),
    (
        RoomKind.BEDROOM,
        (
            "bedroom", "nursery", "guest room", "kids", "schlaf", "kinder", "gastezimmer", "chambre",  # codespell:ignore
            "slaap", "kinderkamer", "dormitor", "habitacion", "camera", "cameretta", "quarto", "sypialnia",
            "pokoj dziec", "sovrum", "soverom", "sovevaerelse", "barnrum", "loznice", "detsky pokoj",
        ),
    ),
    (
        RoomKind.OFFICE,
        (
            "office", "study", "homeoffice", "buro", "buero", "bureau", "kantoor", "werkkamer",  # codespell:ignore
            "arbeitszimmer",
            "oficina", "despacho", "ufficio", "studio", "escritorio", "biuro", "gabinet", "kontor", "arbetsrum",
            "pracovna",
        ),
    ),
    (
        RoomKind.LIVING_ROOM,
        (
            "living", "lounge", "family room", "dining", "wohn", "esszimmer", "stube", "salon", "sejour",
            "salle a manger", "woon", "eetkamer", "sala", "comedor", "soggiorno", "salotto",  # codespell:ignore
            "pokoj dzienny",
            "jadalnia", "vardagsrum", "stue", "obyvaci", "obyvak",
        ),
    ),
    (
        RoomKind.HALLWAY,
        (
            "hall", "corridor", "entrance", "entry", "landing", "stair", "flur", "diele", "eingang", "treppe",
            "couloir", "entree", "gang", "overloop", "pasillo", "recibidor", "entrada", "corridoio", "ingresso",
            "corredor", "korytarz", "przedpokoj", "gangen", "entre", "chodba", "predsin",
        ),
    ),
    (
        RoomKind.BASEMENT,
        (
            "basement", "cellar", "crawl space", "keller", "untergeschoss", "sous sol", "cave", "kelder", "sotano",
            "cantina", "porao", "piwnica", "kallare", "kjeller", "kaelder", "sklep",
        ),
    ),
    (
        RoomKind.ATTIC,
        (
            "attic", "loft", "dachboden", "dachgeschoss", "speicher", "estrich", "grenier", "combles", "zolder",
            "atico", "desvan", "soffitta", "mansarda", "sotao", "strych", "poddasze", "vind", "puda", "podkrovi",
        ),
    ),
)  # fmt: skip

_KIND_ICONS: Final[tuple[tuple[str, RoomKind], ...]] = (
    ("mdi:bath", RoomKind.BATHROOM),
    ("mdi:shower", RoomKind.BATHROOM),
    ("mdi:toilet", RoomKind.BATHROOM),
    ("mdi:paper-roll", RoomKind.BATHROOM),
    ("mdi:washing-machine", RoomKind.LAUNDRY),
    ("mdi:tumble-dryer", RoomKind.LAUNDRY),
    ("mdi:bed", RoomKind.BEDROOM),
    ("mdi:bunk-bed", RoomKind.BEDROOM),
    ("mdi:cradle", RoomKind.BEDROOM),
    ("mdi:teddy-bear", RoomKind.BEDROOM),
    ("mdi:sofa", RoomKind.LIVING_ROOM),
    ("mdi:television", RoomKind.LIVING_ROOM),
    ("mdi:fireplace", RoomKind.LIVING_ROOM),
    ("mdi:table-furniture", RoomKind.LIVING_ROOM),
    ("mdi:stove", RoomKind.KITCHEN),
    ("mdi:fridge", RoomKind.KITCHEN),
    ("mdi:countertop", RoomKind.KITCHEN),
    ("mdi:silverware", RoomKind.KITCHEN),
    ("mdi:pot", RoomKind.KITCHEN),
    ("mdi:chef-hat", RoomKind.KITCHEN),
    ("mdi:desk", RoomKind.OFFICE),
    ("mdi:laptop", RoomKind.OFFICE),
    ("mdi:monitor", RoomKind.OFFICE),
    ("mdi:office", RoomKind.OFFICE),
    ("mdi:home-floor-b", RoomKind.BASEMENT),
    ("mdi:stairs-down", RoomKind.BASEMENT),
    ("mdi:coat-rack", RoomKind.HALLWAY),
    ("mdi:door", RoomKind.HALLWAY),
    ("mdi:stairs", RoomKind.HALLWAY),
    ("mdi:home-roof", RoomKind.ATTIC),
)

_OUTSIDE: Final = (
    "outdoor", "outside", "exterior", "external", "aussen", "draussen", "exterieur", "dehors", "buiten", "afuera",
    "esterno", "esterna", "fuori", "zewnatrz", "zewnetrz", "utomhus", "udenfor", "udendors", "utendors", "venku",
    "venkovni",
)  # fmt: skip
"""Words for the air outside that mean nothing else; they decide even for a sensor in an indoor area."""

_OUTDOOR_PLACES: Final = (
    "garden", "balcony", "terrace", "patio", "backyard", "yard", "porch", "veranda", "garten", "balkon", "terrasse",
    "hinterhof", "innenhof", "jardin", "balcon", "tuin", "terras", "terraza", "giardino", "balcone", "terrazza",
    "jardim", "varanda", "terraco", "ogrod", "taras", "tradgard", "altan", "hage", "zahrada", "terasa",
)  # fmt: skip

_INDOOR_ALL_THE_SAME: Final = ("winter", "hiver", "inverno", "invierno", "zimow", "kindergarten")
"""A winter garden is a room."""

_OUTDOOR_ICONS: Final = (
    "mdi:flower",
    "mdi:tree",
    "mdi:balcony",
    "mdi:grass",
    "mdi:pine-tree",
    "mdi:grill",
    "mdi:sprout",
)

_APPLIANCES: Final = (
    "fridge", "freezer", "refrigerator", "kuhlschrank", "gefrier", "refrigerateur", "congelateur", "frigo",
    "koelkast", "vriezer", "nevera", "congelador", "lodowka", "zamrazarka", "backofen", "aquarium", "terrarium",
    "swimming pool", "boiler", "water heater", "warmwasser", "radiator", "heizkorper", "printer", "inverter",
)  # fmt: skip
"""A device of these names is colder or hotter than its room, and so is what it measures."""

_NOT_AIR: Final = (
    "heat index", "wind chill", "wet bulb", "dew point", "floor temp", "bodentemp", "taupunkt", "vorlauf", "rucklauf",
    "prozessor", "processor", "wassertemp", "chaudiere", "solltemp", "zieltemp", "forecast", "calibration", "surface",
    "oberflache",
)  # fmt: skip

_NOT_AIR_WORDS: Final = frozenset(
    (
        "apparent", "battery", "board", "chip", "cpu", "device", "disk", "dewpoint", "eau", "acqua", "agua",
        "extruder", "feels", "flow", "gpu", "internal", "limit", "nozzle", "nvme", "offset", "oven", "pool",
        "return", "sauna", "setpoint", "soc", "soil", "soll", "ssd", "supply", "target", "threshold", "wasser",
        "water",
    )
)  # fmt: skip
"""Whole words only: "flow" must not catch a flower bed."""


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Return the text in lower case, without accents and punctuation, single-spaced."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ł", "l").replace("ø", "o").replace("æ", "ae"))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(re.findall(r"[^\W_]+", letters))


@lru_cache(maxsize=64)
def _sorted(stems: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str], tuple[str, ...]]:
    """Return phrases, words that must stand by themselves, and what may begin or end one."""
    return (
        tuple(each for each in stems if " " in each),
        frozenset(each for each in stems if len(each) <= _TINY),
        tuple(each for each in stems if " " not in each and len(each) > _TINY),
    )


_TINY: Final = 2


@lru_cache(maxsize=8192)
def _says(folded: str, stems: tuple[str, ...]) -> bool:
    """Return whether a stem begins or ends a word: compounds are written together in some languages."""
    phrases, words, ends = _sorted(stems)
    if any(each in folded for each in phrases):
        return True
    return any(word in words or word.startswith(ends) or word.endswith(ends) for word in folded.split())


def any_says(names: Iterable[str | None], stems: tuple[str, ...]) -> bool:
    """Return whether one of the stems begins or ends a word of one of the names."""
    return any(_says(fold(name), stems) for name in names if name)


def any_word(names: Iterable[str | None], words: Iterable[str]) -> bool:
    """Return whether one of the words stands by itself in one of the names."""
    found = {word for name in names if name for word in fold(name).split()}
    return not found.isdisjoint(words)


def room_kind(names: Iterable[str], icon: str | None) -> RoomKind:
    """Return what a room of these names is probably used for; the first name that says it decides."""
    for name in names:
        folded = fold(name)
        for kind, stems in _KINDS:
            if _says(folded, stems):
                return kind
    if icon is not None:
        for prefix, kind in _KIND_ICONS:
            if icon.startswith(prefix):
                return kind
    return RoomKind.OTHER


def is_outside(names: Iterable[str | None]) -> bool:
    """Return whether a sensor of these names measures the air outside, wherever it is registered."""
    return any_says(names, _OUTSIDE)


def is_outdoor_place(names: Iterable[str | None], icon: str | None = None) -> bool:
    """Return whether a place of these names is under the open sky."""
    known = tuple(names)
    if any_says(known, _INDOOR_ALL_THE_SAME):
        return False
    if is_outside(known) or any_says(known, _OUTDOOR_PLACES):
        return True
    return icon is not None and icon.startswith(_OUTDOOR_ICONS)


def is_room_air(names: Iterable[str | None], device_names: Iterable[str | None]) -> bool:
    """Return whether nothing in the names of a sensor and its device speaks against the air of a room."""
    own = tuple(names)
    if any_says((*own, *device_names), _APPLIANCES) or any_says(own, _NOT_AIR):
        return False
    return not any(_NOT_AIR_WORDS.intersection(fold(name).split()) for name in own if name)
