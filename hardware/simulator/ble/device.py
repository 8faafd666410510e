"""An own device: flash that survives, a clock that drifts, a button, an advert that changes."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import advert
from .log import BOOT, Log

SETUP_SECONDS = 120.0
HEARTBEAT_SECONDS = 60.0
RESERVED = 1024
LOW_BATTERY_PERCENT = 10
CAUSES = {"unknown": 0, "power": 1, "button": 2, "watchdog": 3, "software": 4, "low_voltage": 5}


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """What the home told about the time."""

    boot: int
    ticks: int
    utc_ms: int
    error_ms: int

    def packed(self) -> bytes:
        """Return it as in STATUS."""
        return (
            self.boot.to_bytes(2, "little")
            + self.ticks.to_bytes(6, "little")
            + self.utc_ms.to_bytes(6, "little")
            + self.error_ms.to_bytes(2, "little")
        )


@dataclass(kw_only=True)
class Flash:
    """What a restart leaves."""

    key: bytes | None
    log: Log
    reserved: int = 0
    """Advert counters below are used or given up."""
    boot: int = 0
    anchors: list[Anchor] = field(default_factory=list)
    ends: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=8))
    """Last known ticks of earlier boots."""


class Device:
    """What sleeve and bed node have in common, all but the talk over GATT."""

    kind: str
    name: str

    def __init__(
        self,
        address: str,
        *,
        key: bytes | None = None,
        name: str | None = None,
        counter: int = 0,
        capacity: int = 2000,
        drift_ppm: float = 0.0,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Switch the device on; `drift_ppm` > 0 is a clock that runs fast, `clock` the true time in seconds."""
        self.address = address
        self.name = name or f"SL-{self.kind}"
        self.battery: int | None = 100
        self.battery_mv = 3000
        self.firmware = (1, 0, 0)
        self.hardware = 1
        self.tolerance_ppm = 200
        self.serial = bytes.fromhex(address.replace(":", "")).rjust(8, b"\0")
        self.rssi = -60
        self.random = random
        self._clock = clock
        self._rate = 1.0 + drift_ppm * 1e-6
        self.flash = Flash(key=key, log=Log(capacity=capacity), reserved=counter)
        self._boot("power")

    def _boot(self, cause: str) -> None:
        """Start: everything but flash is new."""
        self._zero = self._clock()
        self.flash.boot += 1
        self._counter = self.flash.reserved
        self._content: bytes | None = None
        self._content_at = 0.0
        self._setup_until = self._identify_until = 0.0
        self.flash.log.add(BOOT, self.flash.boot, self.ticks, bytes([CAUSES[cause], *self.firmware]))
        self.last_event = "boot"

    @property
    def key(self) -> bytes | None:
        """Return the bind key."""
        return self.flash.key

    @property
    def head(self) -> int:
        """Return the id of the newest event."""
        return self.flash.log.head

    @property
    def ticks(self) -> int:
        """Return milliseconds since the start, by the device's own clock."""
        return max(round((self._clock() - self._zero) * 1000 * self._rate), 0)

    @property
    def setup_mode(self) -> bool:
        """Return whether the button was held within the last two minutes."""
        return self._clock() < self._setup_until

    @property
    def identifying(self) -> bool:
        """Return whether the LED blinks."""
        return self._clock() < self._identify_until

    @property
    def flags(self) -> int:
        """Return the flags of adverts and STATUS."""
        flags = advert.LOW_BATTERY if self.battery is not None and self.battery <= LOW_BATTERY_PERCENT else 0
        if not any(anchor.boot == self.flash.boot for anchor in self.flash.anchors):
            flags |= advert.CLOCK_LOST
        if self.flash.log.overflowed:
            flags |= advert.LOG_OVERFLOW
        return flags | (advert.IDENTIFYING if self.identifying else 0)

    @property
    def counter(self) -> int:
        """Return the counter of the advert on the air."""
        self.payload()
        return self._counter

    def payload(self) -> bytes:
        """Return the payload now on the air; the counter grows with the content, and every minute."""
        is_open = self.flash.key is None or self.setup_mode
        content = bytes([is_open]) + advert.state(self.battery, self.flash.log.head, self.last_event, self.flags)
        if content != self._content or self._clock() - self._content_at >= HEARTBEAT_SECONDS:
            self._content, self._content_at = content, self._clock()
            self._counter += 1
            if self._counter >= self.flash.reserved:
                self.flash.reserved = self._counter + RESERVED
        if self.flash.key is None or is_open:
            return advert.in_the_open(
                self.kind,
                self._counter,
                self.firmware,
                self.battery,
                setup_mode=self.setup_mode,
                has_key=self.flash.key is not None,
            )
        return advert.sealed(self.kind, self.address, self.flash.key, self._counter, content[1:])

    def advert(self) -> bytes:
        """Return the advertising data now on the air."""
        return advert.frame(self.payload())

    def scan_response(self) -> bytes:
        """Return the device's name for whoever asks."""
        return advert.structure(0x09, self.name.encode()[:29])

    def log(self, kind: int, body: bytes, last_event: str | None = None) -> int:
        """Write an event, then show it; return its id."""
        self.flash.log.add(kind, self.flash.boot, self.ticks, body)
        if last_event is not None:
            self.last_event = last_event
        return self.flash.log.head

    def hold_button(self) -> None:
        """Enter set-up mode."""
        self._setup_until = self._clock() + SETUP_SECONDS

    def identify(self, seconds: int) -> None:
        """Blink for a while."""
        self._identify_until = self._clock() + seconds

    def reboot(self, cause: str = "power") -> None:
        """Lose all but flash; ticks begin anew."""
        self.flash.ends.append((self.flash.boot, self.ticks))
        self._boot(cause)

    def adopt_key(self, key: bytes, cursor: int) -> None:
        """Take a new key: what the old one protected goes."""
        self.flash.key = key
        self.flash.log.restart(cursor)
        self._setup_until = 0.0

    def anchor(self, anchor: Anchor) -> None:
        """Keep what the home told: the first and the newest of this boot, and the newest before."""
        kept = [each for each in self.flash.anchors if each.boot != self.flash.boot][-2:]
        this = [each for each in self.flash.anchors if each.boot == self.flash.boot]
        self.flash.anchors = [*kept, *this[:1], anchor][-4:]

    def perform(self, action: Mapping[str, Any]) -> None:
        """Do what a line of a trace says."""
        if "battery" in action:
            self.battery = action["battery"]
        if "reboot" in action:
            self.reboot(action["reboot"])
        if action.get("button"):
            self.hold_button()
