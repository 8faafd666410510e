"""One own device: heard, believed, and its log fetched whenever it has something new."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..diary import Diary, NewRows, StoredActuation
from ..engine import Measurand, Reading
from ..ledger import LedgerError
from ..protocol import (
    SERVICE_UUID,
    Advert,
    DeviceKind,
    Download,
    Flag,
    Identify,
    KeyMissingError,
    LastEvent,
    ProtocolError,
    ReplayError,
    WrongKeyError,
)
from .adverts import AdvertReader
from .device_log import Owner, reading, readings, stored_epoch, stored_epochs, stored_puffs
from .inhalers import fingerprint
from .reach import GattError, Trouble

if TYPE_CHECKING:
    from homeassistant.components.bluetooth import BluetoothServiceInfoBleak

ISSUES: Final[dict[type[Exception], str]] = {
    KeyMissingError: "device_key_lost",
    ReplayError: "device_reset",
    WrongKeyError: "device_key_lost",
}
"""What a new key mends: the device has another one, or its log went back behind what was fetched."""

BELIEVE_EVERY_S: Final = 30.0
"""So often a device's counter is written to the disk at most."""
ASK_AGAIN_S: Final = {DeviceKind.INHALER_SLEEVE: 0.0, DeviceKind.BED_NODE: 300.0}
"""Least time between two talks: a puff is fetched at once, a bed has a new minute every minute."""
CLOCK_S: Final = 60.0
DAILY_S: Final = 86_400.0
"""Even with nothing new: the clock, the firmware, a puff count that went round."""
FIRST_WAIT_S, LONGEST_WAIT_S = 15.0, 3600.0
"""Before the next try after one, and after many failures."""
JITTER: Final = 0.25
LOST_TRACK: Final = 10
"""So many adverts in a row that are not believed: only a talk can tell whether it is still ours."""
LOST_TRACK_S: Final = 600.0
"""A talk told the counter: who goes on making adverts up has no second one, nor the device's battery, before that."""
BLINK_S: Final = 10

_OCCUPANCY: Final = {LastEvent.OCCUPIED: True, LastEvent.EMPTY: False}


class CheckedIn(Protocol):
    """Takes a sign of life."""

    def __call__(self, source: str, at: datetime, *, rssi: float | None = None) -> None:
        """Know that the box lives, and how many dBm came through."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hands:
    """Who takes what a device tells; all of it is on the disk by then."""

    receive: Callable[[Reading], None]
    checked_in: CheckedIn
    actuated: Callable[[tuple[StoredActuation, ...]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heard:
    advert: Advert
    at: datetime
    rssi: int


class OwnDevice:
    """What is known of one device, and everything that keeps it so."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        name: str,
        owner: Owner,
        key: bytes,
        diary: Diary,
        hands: Hands,
    ) -> None:
        """Know whose it is; nothing is heard before `async_load`."""
        self.name = name
        self.owner = owner
        self.heard_at: datetime | None = None
        self.rssi: int | None = None
        self.battery: int | None = None
        self.occupied: bool | None = None
        self.counts: Counter[str] = Counter()
        """For the diagnostics: talks, failures by kind, pages, events lost in the device."""
        self._hass = hass
        self._entry = entry
        self._key = key
        self._diary = diary
        self._hands = hands
        # Its owner may have called it after somebody; logs are for strangers' eyes, too.
        self._label = f"{owner.kind.value} {owner.address[-5:]}"
        self._reader = AdvertReader(self._label, owner.address, key, 0)
        self._cursor = 0
        self._counted = counted(owner.address, key)
        self._waiting: _Heard | None = None
        self._believing: asyncio.Task[None] | None = None
        self._pause: CALLBACK_TYPE | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._fetched_at: float | None = None
        self._not_before = 0.0
        self._failures = 0
        self._listeners: list[Callable[[], None]] = []
        self._puff_listeners: list[Callable[[StoredActuation], None]] = []

    @property
    def refused(self) -> dict[str, int]:
        """Return how many adverts were not believed, by reason."""
        return {reason.value: count for reason, count in self._reader.refused.items()}

    @callback
    def async_add_listener(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call back when something about the device changed."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def async_add_puff_listener(self, listener: Callable[[StoredActuation], None]) -> CALLBACK_TYPE:
        """Call back on every puff that was not known before."""
        self._puff_listeners.append(listener)
        return lambda: self._puff_listeners.remove(listener)

    # Life.

    async def async_load(self) -> None:
        """Take up where the diary stands."""
        self._cursor = (await self._diary.async_log_state(self.owner.address)).cursor
        self._reader.told((await self._diary.async_log_state(self._counted)).counter)

    @callback
    def stop(self) -> None:
        """Hear and ask nothing more."""
        if self._pause is not None:
            self._pause()
            self._pause = None
        for task in (self._believing, self._fetching):
            if task is not None:
                task.cancel()
        self._settled()

    # Adverts.

    @callback
    def heard(self, info: BluetoothServiceInfoBleak) -> None:
        """Take a packet in. It counts once its counter is on the disk; a talk that it asks for begins at once."""
        payload = info.service_data.get(SERVICE_UUID)
        if payload is None:
            return
        advert = self._reader.read(payload)
        if advert is not None:
            self._waiting = _Heard(advert=advert, at=dt_util.utcnow(), rssi=info.rssi)
            if self._believing is None and self._pause is None:
                self._believing = self._work(self._async_believe(), "advert")
        if self._fetching is None and self._due():
            self._fetching = self._work(self._async_fetch(), "log")

    async def _async_believe(self) -> None:
        """Put the counter away, then believe the advert: after a power cut none that counted can be played again."""
        try:
            if (heard := self._waiting) is not None:
                self._waiting = None
                await self._diary.async_save_counter(self._counted, heard.advert.counter)
                self._believe(heard)
        except LedgerError as err:
            LOGGER.debug("An advert of %s does not count: %s", self._label, err)
        finally:
            self._believing = None
        self._pause = async_call_later(self._hass, BELIEVE_EVERY_S, self._go_on)

    @callback
    def _go_on(self, _now: datetime) -> None:
        self._pause = None
        if self._waiting is not None and self._believing is None:
            self._believing = self._work(self._async_believe(), "advert")

    @callback
    def _believe(self, heard: _Heard) -> None:
        advert, owner = heard.advert, self.owner
        self.heard_at, self.rssi = heard.at, heard.rssi
        self._hands.checked_in(owner.source, heard.at, rssi=heard.rssi)
        self._charge(advert.battery_percent, heard.at)
        if owner.kind is DeviceKind.BED_NODE and (occupied := _OCCUPANCY.get(advert.last_event)) is not None:
            self.occupied = occupied
            self._tell(Measurand.BED_OCCUPANCY, float(occupied), heard.at)
        self._notify()

    def _charge(self, percent: int | None, at: datetime) -> None:
        if percent is not None:
            self.battery = percent
            self._tell(Measurand.BATTERY, float(percent), at)

    def _tell(self, measurand: Measurand, value: float, at: datetime) -> None:
        for each in reading(self.owner, measurand, value, at):
            self._hands.receive(each)

    # The log.

    def _due(self) -> bool:
        """Return whether the device, being in range, is to be talked to now."""
        now, advert = self._hass.loop.time(), self._reader.newest
        if now < self._not_before or self._hass.state is not CoreState.running:
            return False
        since = now - self._fetched_at if self._fetched_at is not None else math.inf
        if self._reader.refused_in_a_row >= LOST_TRACK and since >= LOST_TRACK_S:
            return True
        if advert is None:
            return False
        behind = (advert.event_count - self._cursor) & 0xFF
        return (
            (behind != 0 and since >= ASK_AGAIN_S[self.owner.kind])
            or (Flag.CLOCK_LOST in advert.flags and since >= CLOCK_S)
            or since >= DAILY_S
        )

    async def _async_fetch(self) -> None:
        try:
            await self._async_download()
        except (GattError, HomeAssistantError, ProtocolError) as err:
            self._failed(err)
        except Exception as err:  # noqa: BLE001  logged with all there is to know
            # Drivers raise all sorts of things; none may be tried again with every packet.
            LOGGER.exception("The log of %s was not fetched", self._label)
            self._failed(err)
        else:
            self.counts["talks"] += 1
            self._failures = 0
            self._not_before = 0.0
            self._fetched_at = self._hass.loop.time()
            # Whatever comes now is newer, and says by itself what there is to fetch.
            self._reader.newest = None
            self._settled()
        finally:
            self._fetching = None

    async def _async_download(self) -> None:
        from .gatt import async_converse  # noqa: PLC0415  bleak is there only where Bluetooth is

        owner = self.owner
        talk = await async_converse(
            self._hass,
            owner.address,
            lambda mtu: Download(
                kind=owner.kind,
                address=owner.address,
                key=self._key,
                cursor=self._cursor,
                counter=self._reader.counter,
                mtu=mtu,
            ),
            self._async_commit,
        )
        now = dt_util.utcnow()
        if (facts := talk.facts) is not None:
            await self._diary.async_save_counter(self._counted, facts.counter)
            self._reader.told(facts.counter)
            self._charge(facts.battery_percent, now)
            dr.async_get(self._hass).async_update_device(owner.source, sw_version=facts.firmware)
        self.heard_at = now
        if talk.current is not None:
            self._live(NewRows(actuations=(), epochs=(stored_epoch(owner, talk.current),)), now)
        self._notify()

    async def _async_commit(self, talk: Download) -> None:
        """Put every finished page away before the device is asked for the next."""
        while talk.pages:
            page = talk.pages[0]
            new = await self._diary.async_commit_page(
                self.owner.address,
                cursor=page.cursor,
                counter=0,
                actuations=stored_puffs(self.owner, page),
                epochs=stored_epochs(self.owner, page),
            )
            del talk.pages[0]
            self._cursor = max(self._cursor, page.cursor)
            self._reader.told(page.counter)
            self.counts["pages"] += 1
            if page.lost:
                self.counts["lost"] += page.lost
                LOGGER.warning("%s overwrote %d events before they were fetched", self._label, page.lost)
            self._live(new, dt_util.utcnow())

    @callback
    def _live(self, new: NewRows, now: datetime) -> None:
        """Hand on what was not known before."""
        if new.actuations:
            self._hands.actuated(new.actuations)
        for puff in new.actuations:
            for listener in tuple(self._puff_listeners):
                listener(puff)
        for epoch in new.epochs:
            for each in readings(self.owner, epoch, now):
                self._hands.receive(each)
                if each.measurand is Measurand.BED_OCCUPANCY:
                    self.occupied = bool(each.value)

    def _failed(self, err: Exception) -> None:
        self.counts[f"failed: {getattr(err, 'trouble', type(err).__name__)}"] += 1
        self._failures += 1
        wait = min(FIRST_WAIT_S * 2.0 ** (self._failures - 1), LONGEST_WAIT_S)
        wait *= random.uniform(1.0 - JITTER, 1.0 + JITTER)  # noqa: S311  so that several do not try at once for ever
        self._not_before = self._hass.loop.time() + wait
        self._reader.refused_in_a_row = 0
        LOGGER.debug("The log of %s was not fetched, not before %.0f s again: %s", self._label, wait, err)
        if (issue := ISSUES.get(type(err))) is not None:
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                self._issue_id(issue),
                config_entry_id=self._entry.entry_id,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key=issue,
                translation_placeholders={"device": self.name},
            )

    def _settled(self) -> None:
        """Complain of nothing: it was mended, or nobody listens any more."""
        for issue in set(ISSUES.values()):
            ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(issue))

    # What the owner asks for.

    async def async_identify(self) -> None:
        """Let it blink; raises HomeAssistantError when it cannot be reached."""
        from .gatt import async_converse  # noqa: PLC0415

        owner = self.owner
        try:
            await async_converse(
                self._hass,
                owner.address,
                lambda mtu: Identify(kind=owner.kind, address=owner.address, key=self._key, seconds=BLINK_S, mtu=mtu),
            )
        except GattError as err:
            far = err.trouble is Trouble.NO_PATH
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="device_out_of_range" if far else "device_not_reached",
                translation_placeholders={"device": self.name, "reason": str(err)},
            ) from err
        except ProtocolError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="device_not_reached",
                translation_placeholders={"device": self.name, "reason": str(err)},
            ) from err

    # Bookkeeping.

    def _issue_id(self, issue: str) -> str:
        return f"{issue}_{self.owner.source}"

    def _work(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        # Not eagerly: a task that ends before it is remembered would be remembered for ever.
        return self._entry.async_create_background_task(self._hass, work, f"SmartLoop {name}", eager_start=False)

    @callback
    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def counted(address: str, key: bytes) -> str:
    """Return the name a device's counter is kept by: with a new key a device whose memory was replaced may begin anew."""
    return f"{address}#{fingerprint(key.hex())}"
