"""Puffs as they come in: the engine hears of them at once, the diary keeps them, whoever looks on is told.

Nothing is lost silently: what the disk does not take is tried again, and said in the repairs until it is kept.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.ulid import ulid_now

from .adapters.actuations import ActuationListener, Told
from .adapters.lost_sources import async_track_lost_sources
from .adapters.puff_counters import CounterListener
from .adapters.puff_triggers import TriggerListener
from .const import DOMAIN, LOGGER
from .diary import Diary, StoredActuation
from .engine import Actuation, Engine, ReadingError
from .pace import paced

SIGNAL_PUFFS: Final = "smartloop_puffs"
"""Sent with the person whose puffs changed, never with what changed"""
ISSUE_WAITING: Final = "puffs_waiting"
TAUGHT: Final = timedelta(days=90)
"""How far back the engine is told at a start"""
RETRY_S: Final = 30.0

_WAITING: HassKey[dict[str, deque[Told]]] = HassKey(f"{DOMAIN}_puffs_waiting")
"""What is not on the disk yet, by household: it outlives a reload."""


class Record(NamedTuple):
    """What became of puffs that somebody entered."""

    puffs: tuple[StoredActuation, ...]
    kept: bool
    """False while the disk does not take them; they are tried again"""


class PuffBook:
    """The puffs of one household."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], diary: Diary, engine: Engine) -> None:
        """Prepare; nothing is heard before `start`."""
        self._hass = hass
        self._entry = entry
        self._diary = diary
        self._engine = engine
        self._waiting = hass.data.setdefault(_WAITING, {}).setdefault(entry.entry_id, deque())
        self._draining = False
        self._stopped = False
        self._retry: CALLBACK_TYPE | None = None
        self._counters = CounterListener(hass, entry, diary.async_log_state, self.take)

    async def async_load(self) -> None:
        """Teach the engine what is on record; the diary is the truth."""
        async for puff in paced(await self._diary.async_actuations(None, dt_util.utcnow() - TAUGHT)):
            self._observe(puff)
        for told in self._waiting:
            for puff in told.actuations:
                self._observe(puff)
        await self._counters.async_load()

    @callback
    def start(self) -> CALLBACK_TYPE:
        """Listen from here on; returns the way to stop."""
        stops = [
            ActuationListener(self._hass, self._entry, self.take).start(),
            self._counters.start(),
            TriggerListener(self._hass, self._entry, self.take).start(),
            async_track_lost_sources(self._hass, self._entry),
        ]
        self._begin_draining()

        @callback
        def stop() -> None:
            for each in stops:
                each()
            self._stopped = True
            if self._retry is not None:
                self._retry()
                self._retry = None

        return stop

    # What comes in.

    @callback
    def take(self, told: Told) -> None:
        """Hand puffs to the engine now, to the disk next."""
        self._waiting.append(told)
        self.took(told.actuations)
        self._begin_draining()

    @callback
    def took(self, puffs: Iterable[StoredActuation]) -> None:
        """Hand on puffs that are on the disk already: of a device's log."""
        people = {puff.person for puff in puffs if self._observe(puff)}
        for person in people:
            self._tell(person)

    async def async_record(self, puffs: tuple[StoredActuation, ...]) -> Record:
        """Hand on puffs that somebody enters, and keep them; what was taken back may be entered again."""
        self.took(puffs)
        kept: list[StoredActuation] = []
        for place, puff in enumerate(puffs):
            try:
                kept.append(await self._async_enter(puff))
            except HomeAssistantError as err:
                self._waiting.append(Told(actuations=puffs[place:]))
                self._wait(err)
                return Record(puffs=(*kept, *puffs[place:]), kept=False)
        return Record(puffs=tuple(kept), kept=True)

    async def _async_enter(self, puff: StoredActuation) -> StoredActuation:
        if not await self._diary.async_record_actuation(puff) and not await self._async_on_record(puff):
            puff = replace(puff, id=ulid_now())
            await self._diary.async_record_actuation(puff)
        return puff

    async def async_remove(self, puff: StoredActuation) -> bool:
        """Take a puff back; return whether there was one."""
        removed = await self._diary.async_remove_actuation(puff.id)
        if removed:
            self._forget(puff)
        return removed

    async def async_puffs(self, person: str, since: datetime) -> list[StoredActuation]:
        """Return a person's puffs in order, those that are not on the disk yet among them."""
        # Before the question to the disk: what is kept meanwhile is in one of the two answers.
        waiting = [puff for told in self._waiting for puff in told.actuations if puff.person == person]
        kept = await self._diary.async_actuations(person, since)
        known = {puff.id for puff in kept}
        return sorted((*kept, *(puff for puff in waiting if puff.id not in known)), key=lambda puff: puff.at)

    @property
    def waiting(self) -> int:
        """Return how many puffs are not on the disk yet."""
        return sum(len(told.actuations) for told in self._waiting)

    # The engine.

    def _observe(self, puff: StoredActuation) -> bool:
        try:
            return self._engine.observe_actuation(actuation_of(puff))
        except ReadingError:
            # Of an inhaler that was removed: it stays in the diary, and nobody counts it.
            return False

    def _forget(self, puff: StoredActuation) -> None:
        try:
            forgotten = self._engine.forget_actuation(actuation_of(puff))
        except ReadingError:
            return
        if forgotten:
            self._tell(puff.person)

    def _tell(self, person: str) -> None:
        async_dispatcher_send(self._hass, SIGNAL_PUFFS, person)

    # The disk.

    def _begin_draining(self) -> None:
        if self._waiting and not self._draining and self._retry is None and not self._stopped:
            self._draining = True
            # Home Assistant waits for it when it stops.
            self._hass.async_create_task(self._async_drain(), "SmartLoop puffs", eager_start=True)

    async def _async_drain(self) -> None:
        try:
            while self._waiting:
                await self._async_keep(self._waiting[0])
                self._waiting.popleft()
        except HomeAssistantError as err:
            self._wait(err)
        else:
            ir.async_delete_issue(self._hass, DOMAIN, ISSUE_WAITING)
        finally:
            self._draining = False

    @callback
    def _try_again(self, _now: datetime) -> None:
        self._retry = None
        self._begin_draining()

    async def _async_keep(self, told: Told) -> None:
        if (mark := told.mark) is not None:
            kept = await self._diary.async_commit_page(
                mark.address, cursor=mark.cursor, counter=mark.flags, actuations=told.actuations
            )
            new = {puff.id for puff in kept.actuations}
        else:
            new = {puff.id for puff in told.actuations if await self._diary.async_record_actuation(puff)}
        for puff in told.actuations:
            if puff.id not in new:
                await self._async_settle(puff)

    async def _async_settle(self, puff: StoredActuation) -> None:
        """Take back what the engine was told of a puff that was on record at another time, or taken back before."""
        if not await self._async_on_record(puff):
            self._forget(puff)

    async def _async_on_record(self, puff: StoredActuation) -> bool:
        near = await self._diary.async_actuations(puff.person, puff.at, puff.at + timedelta(microseconds=1))
        return any(each.inhaler == puff.inhaler for each in near)

    def _wait(self, err: HomeAssistantError) -> None:
        """Say that something is not kept yet, and try again."""
        LOGGER.error("A puff could not be kept yet and is tried again: %s", err)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            ISSUE_WAITING,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key=ISSUE_WAITING,
            translation_placeholders={"count": str(self.waiting)},
        )
        if not self._stopped and self._retry is None:
            self._retry = async_call_later(self._hass, RETRY_S, self._try_again)


def actuation_of(puff: StoredActuation) -> Actuation:
    """Return what the engine needs to know of a puff."""
    return Actuation(
        inhaler=puff.inhaler,
        person=puff.person,
        at=puff.at,
        shake_s=puff.shake_s,
        tilt_deg=puff.tilt_deg,
        peak_flow_lpm=puff.peak_flow_lpm,
    )
