"""What a radio can tell of one of its boxes."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RadioFact:
    """How one box is heard; what its radio does not tell is None."""

    radio: str
    """The integration or bridge that hears it: "zha", "zigbee2mqtt", "bluetooth"."""
    lqi: int | None = None
    """0-255"""
    rssi: int | None = None
    """dBm"""
    last_seen: datetime | None = None
    available: bool | None = None
