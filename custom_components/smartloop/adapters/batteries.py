"""Which batteries known models take, in the words of the models' makers; the owner's word counts more."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple


class Batteries(NamedTuple):
    """What goes into a box."""

    type: str
    """As it is written on the cell: CR2032, AAA."""
    cells: int


TYPES: Final = (
    "AA",
    "AAA",
    "C",
    "CR123A",
    "CR1632",
    "CR2",
    "CR2032",
    "CR2430",
    "CR2450",
    "CR2477",
    "CR2477T",
    "D",
    "rechargeable",
)
"""What the owner may choose from; anything else may be typed."""

_CELLS: Final[Mapping[Batteries, str]] = {
    Batteries("CR1632", 1): "lumi.sensor_magnet.aq2 mccgq11lm lumi.magnet.agl02 mccgq12lm lumi.magnet.acn001 mccgq14lm",
    Batteries("CR2032", 1): (
        # Aqara and Xiaomi
        "lumi.weather wsdcgq11lm lumi.sensor_ht wsdcgq01lm lumi.sensor_ht.agl02 wsdcgq12lm "
        "lumi.sensor_wleak.aq1 sjcgq11lm lumi.flood.agl02 sjcgq12lm lumi.flood.acn001 sjcgq13lm "
        "lumi.vibration.aq1 djt11lm lumi.sensor_switch wxkg01lm lumi.sensor_switch.aq2 lumi.remote.b1acn01 wxkg11lm "
        "lumi.sensor_magnet mccgq01lm lywsd03mmc "
        # Shelly BLU, SONOFF
        "sbht-003c sbdw-002c sbbt-002c snzb-04 ds01"
    ),
    Batteries("CR2032", 2): "e1525/e1745 e1525 e1745",
    Batteries("CR2450", 1): (
        "lumi.sensor_motion rtcgq01lm lumi.sensor_motion.aq2 rtcgq11lm lumi.motion.agl02 rtcgq12lm "
        "snzb-01 wb01 snzb-02 th01 snzb-02d snzb-03 ms01 rwl020 rwl021 rwl022"
    ),
    Batteries("CR2477", 1): "snzb-01p snzb-02p snzb-03p snzb-04p snzb-05p ruuvitag h5074",
    Batteries("CR123A", 1): "shht-1 shwt-1 shdw-1 shdw-2",
    Batteries("AAA", 1): "lywsdcgq/01zm lywsdcgq e2013 parasoll e2202 badring",
    Batteries("AAA", 2): "sml001 sml003 h5072 h5075",
    Batteries("AAA", 3): "e2134 vallhorn",
    Batteries("AA", 2): "2930",
    Batteries("AA", 4): "s3sn-0u12a",
}

_KNOWN: Final[Mapping[str, Batteries]] = {
    model: batteries for batteries, models in _CELLS.items() for model in models.split()
}


def batteries_of(*models: str | None) -> Batteries | None:
    """Return what a model takes, by whatever names its platform gives it; None when no name is known."""
    for word in _words(models):
        if (known := _KNOWN.get(word)) is not None:
            return known
    return None


def _words(models: Iterable[str | None]) -> Iterable[str]:
    for model in models:
        if model:
            yield model.strip().casefold()
            # Zigbee2MQTT writes the maker's number behind the name: "Aqara leak sensor (SJCGQ11LM)".
            yield from model.casefold().replace("(", " ").replace(")", " ").split()
