"""Fetching the log: state, clock, pages from a cursor on, the minute that is going on (docs/protocol.md §5)."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .advert import Flag
from .clock import Anchor, DeviceClock, milliseconds
from .errors import MalformedError, ReplayError
from .fragments import MIN_MTU
from .records import EpochRecord, Page, Status, parse_epoch, parse_page, parse_status
from .service import DeviceKind
from .session import DONE, Script, Session

STATUS_GET, STATUS, TIME_GET, TIME, ANCHOR = 0x20, 0x21, 0x22, 0x23, 0x24
LOG_READ, PAGE, CURRENT_GET, CURRENT = 0x28, 0x29, 0x2A, 0x2B
PAGE_BYTES: Final = 400
"""What a page may hold: one radio event at a large MTU, two dozen notifications at the smallest."""
_MAX_PAGES: Final = 8192
"""More than any device's memory holds; a device that never ends is left."""
_MAX_ERROR_MS: Final = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a connection taught about the device."""

    firmware: str
    battery_percent: int | None
    battery_mv: int | None
    flags: Flag
    counter: int
    booted_at: datetime
    """When it last started, by our clock: the offset of its own."""
    clock_uncertainty_s: float
    drift_ppm: float | None
    """How much its clock is slow (+) or fast (-); None until two connections lie 10 minutes apart."""
    drift_uncertainty_ppm: float | None


class Download(Session):
    """One connection's worth of the event log.

    `pages` grows while it goes on; each page is to be committed as a whole with its cursor, and what was
    committed is never asked for again. A broken connection loses the page under way, nothing else.
    """

    def __init__(
        self,
        *,
        kind: DeviceKind,
        address: str,
        key: bytes,
        cursor: int,
        counter: int,
        mtu: int = MIN_MTU,
        nonce: bytes | None = None,
    ) -> None:
        """Fetch events newer than the cursor; `counter` is that of the last advert accepted (0, 0: all there is)."""
        super().__init__(kind=kind, address=address, key=key, mtu=mtu, nonce=nonce)
        self.cursor = cursor
        self._counter = counter
        self.facts: Facts | None = None
        self.pages: list[Page] = []
        self.current: EpochRecord | None = None
        """The epoch that is going on in a bed; event id 0."""

    def _run(self, now: datetime) -> Script:
        yield from self._greet()
        body, at = yield from self._ask(STATUS_GET, b"", STATUS)
        status = parse_status(body)
        if status.head < self.cursor:
            msg = "the device's log ends before what was fetched already"
            raise ReplayError(msg)
        if status.counter < self._counter:
            msg = "the device's counter went back"
            raise ReplayError(msg)
        clock = yield from self._tell_time(status, at)
        booted_at, uncertainty = clock.at(status.boot, 0)
        self.facts = Facts(
            firmware=status.firmware,
            battery_percent=status.battery_percent,
            battery_mv=status.battery_mv,
            flags=status.flags,
            counter=status.counter,
            booted_at=booted_at,
            clock_uncertainty_s=uncertainty,
            drift_ppm=clock.drift_ppm,
            drift_uncertainty_ppm=clock.drift_uncertainty_ppm,
        )
        yield from self._fetch(status, clock)
        if self._kind is DeviceKind.BED_NODE:
            body, at = yield from self._ask(CURRENT_GET, b"", CURRENT)
            if len(body) >= 6:
                self.current = parse_epoch(body, 0, at, clock.now.error_ms / 1000)

    def _tell_time(self, status: Status, asked: datetime) -> Generator[bytes, tuple[bytes, datetime], DeviceClock]:
        """Tie the device's ticks to the time: half of the way there and back is the error."""
        body, heard = yield from self._ask(TIME_GET, b"", TIME)
        if len(body) < 8 or int.from_bytes(body[:2], "little") != status.boot:
            msg = "the device lost its clock on the way"
            raise MalformedError(msg)
        sent_ms, heard_ms = milliseconds(asked), milliseconds(heard)
        half = min(max(heard_ms - sent_ms, 0.0) / 2, _MAX_ERROR_MS - 1.0)
        now = Anchor(
            boot=status.boot,
            ticks_ms=int.from_bytes(body[2:8], "little"),
            utc_ms=(sent_ms + heard_ms) / 2,
            error_ms=half + 1.0,
        )
        yield from self._ask(
            ANCHOR,
            body[:8] + round(now.utc_ms).to_bytes(6, "little") + round(now.error_ms).to_bytes(2, "little"),
            DONE,
        )
        return DeviceClock(now, status.anchors, status.last_ticks, status.tolerance_ppm)

    def _fetch(self, status: Status, clock: DeviceClock) -> Generator[bytes, tuple[bytes, datetime]]:
        """Ask for page after page until the log's head as it was when we came."""
        for _ in range(_MAX_PAGES):
            if self.cursor >= status.head:
                return
            request = self.cursor.to_bytes(4, "little") + PAGE_BYTES.to_bytes(2, "little")
            body, _at = yield from self._ask(LOG_READ, request, PAGE)
            page = parse_page(body, self.cursor, status.counter, clock.at)
            if page.cursor <= self.cursor:
                msg = "the device's log does not go on"
                raise MalformedError(msg)
            self.cursor = page.cursor
            self.pages.append(page)
