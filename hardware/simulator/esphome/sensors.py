"""What the serial sensors put on their wire, from their makers' descriptions of it.

PMS5003: Plantower, "Digital universal particle concentration sensor", V2.3, appendix I.
MR60BHA2: Seeed Studio's serial protocol, read beside ESPHome's own driver of it.
"""

import struct
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from operator import xor
from typing import Final, Protocol

_PRESENCE: Final = 0x0F09
_TARGETS: Final = 0x0A04
_BREATHING: Final = 0x0A14
_HEART: Final = 0x0A15
_DISTANCE: Final = 0x0A16
_PMS_STATE: Final = 0x9700
"""Version 0x97, no error: the last word of a PMS5003's frame."""


class Sensor(Protocol):
    """Something that talks by itself, about once a second."""

    def say(self) -> bytes:
        """Return what it sends now."""
        ...


@dataclass(kw_only=True)
class Dust:
    """A Plantower PMS5003 in its active mode; µg/m³."""

    pm1: int = 5
    pm25: int = 8
    pm10: int = 11

    def say(self) -> bytes:
        """Return one frame: "BM", length, 13 words (factory, then atmospheric values, counts), sum."""
        mass = (self.pm1, self.pm25, self.pm10)
        words = (*mass, *mass, 150 * self.pm25, 45 * self.pm25, 9 * self.pm25, self.pm10, 2, 1, _PMS_STATE)
        frame = b"BM" + struct.pack(">H13H", 28, *(min(word, 0xFFFF) for word in words))
        return frame + struct.pack(">H", sum(frame) & 0xFFFF)


@dataclass(kw_only=True)
class Radar:
    """A Seeed MR60BHA2; beats and breaths per minute, centimeters."""

    present: bool = True
    heart_rate: float = 62.0
    breathing_rate: float = 14.0
    distance: float = 85.0
    _numbers: count[int] = field(default_factory=count, repr=False)

    def say(self) -> bytes:
        """Return the frames of one round; nobody there has neither heart nor breath."""
        frames = [self._frame(_PRESENCE, struct.pack("<H", self.present))]
        if self.present:
            frames += [
                self._frame(_BREATHING, struct.pack("<f", self.breathing_rate)),
                self._frame(_HEART, struct.pack("<f", self.heart_rate)),
                self._frame(_DISTANCE, struct.pack("<If", 1, self.distance)),
                self._frame(_TARGETS, struct.pack("<I", 1)),
            ]
        return b"".join(frames)

    def _frame(self, kind: int, data: bytes) -> bytes:
        """Return a frame: big-endian head and its check, little-endian data and its check."""
        head = struct.pack(">BHHH", 1, next(self._numbers) & 0xFFFF, len(data), kind)
        return head + _check(head) + data + _check(data)


def _check(data: bytes) -> bytes:
    return bytes([~reduce(xor, data, 0) & 0xFF])
