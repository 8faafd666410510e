"""The loop: readings in, engine, entities and outputs. The only owner of the clock and the executor."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from .adapters.bindings import BindingIndex, damp_rooms
from .adapters.feedback import AnswerListener
from .adapters.following import async_track_bindings
from .adapters.household import household_of
from .adapters.offers import async_track_new_sensors
from .adapters.own_device import Hands
from .adapters.own_devices import OwnDevices
from .adapters.states import Refusal, StateWatcher
from .adapters.weather import async_get_forecast
from .backfill import CLOCK_SLACK, Past
from .care import Care, Hooks
from .const import DOMAIN, LOGGER, SUBENTRY_ROOM
from .diary import Diary
from .engine import (
    Decision,
    DecisionState,
    Engine,
    Feedback,
    Forecaster,
    Lesson,
    Reading,
    ReadingError,
    RoomView,
    SnapshotError,
)
from .ledger import Ledger
from .outputs.events import async_fire_decision
from .outputs.notifications import Notifier
from .pace import collected, paced
from .parts import Part, started, stop_all
from .puff_book import PuffBook
from .runtime import Runtime
from .status import Status, status_of
from .storage import EngineStorage

type SmartLoopConfigEntry = ConfigEntry[Coordinator]

TICK = timedelta(seconds=30)
WEATHER_EVERY = timedelta(minutes=30)
BATCH = 8
PATIENCE_S = 5.0
"""How long an unload waits for what is under way."""


class Coordinator:
    """One household: feeds the engine, steps it, and hands on what it says."""

    def __init__(self, hass: HomeAssistant, entry: SmartLoopConfigEntry, ledger: Ledger, runtime: Runtime) -> None:
        """Build the engine from the entry; nothing runs before `async_start`."""
        self.hass = hass
        self.entry = entry
        self.ledger = ledger
        self.diary = Diary(ledger)
        self.runtime = runtime
        self.household = household_of(hass, entry)
        self.engine = Engine(self.household, forecaster=_forecaster(runtime))
        self.bindings = BindingIndex(hass, entry)
        self.rooms = {sub.data["area_id"]: sub.subentry_id for sub in entry.get_subentries_of_type(SUBENTRY_ROOM)}
        self.household_device_id = _hub(hass, entry).id
        self.notifier = Notifier(hass, entry, self.engine, ledger)
        self.storage = EngineStorage(hass, entry.entry_id)
        self.past = Past()
        self.puffs = PuffBook(hass, entry, self.diary, self.engine)
        self.own_devices = OwnDevices(
            hass,
            entry,
            self.diary,
            Hands(receive=self._receive, checked_in=self.engine.checked_in, actuated=self.puffs.took),
        )
        self.care = Care(self, Hooks(decide=self._decide, notify=self._notify, receive=self._receive, keep=self._keep))
        self.parts: list[Part] = [self.puffs, self.care, self.own_devices]
        self._watcher: StateWatcher[Any] | None = None
        self._stop_watching: CALLBACK_TYPE | None = None
        self._listeners: dict[str | None, list[Callable[[], None]]] = {}
        self._decision_listeners: list[Callable[[Decision], None]] = []
        self._progress: int | None = None
        self._started = False
        self._looked = False
        self._ticking = False
        self._latest = dt_util.utc_from_timestamp(0)
        self._forecasting = False
        self._weather_at: datetime | None = None
        self._stops: list[CALLBACK_TYPE] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._history: asyncio.Task[None] | None = None

    # What others read.

    @property
    def status(self) -> Status:
        """Return how the household is doing."""
        views = [self.engine.view(room) for room in damp_rooms(self.entry)]
        return status_of(
            views,
            self.engine.active(),
            self.runtime.facts(),
            refused=bool(self.refusals),
            started=self._started,
            progress=self._progress,
        )

    @property
    def refusals(self) -> dict[str, Refusal]:
        """Return the last refused value of each entity whose value is refused now."""
        return self._watcher.refusals if self._watcher is not None else {}

    def view(self, room_id: str) -> RoomView:
        """Return what is known of a room now."""
        return self.engine.view(room_id)

    def room_name(self, room_id: str | None) -> str | None:
        """Return the owner's name of a room."""
        return next((room.name for room in self.household.rooms if room.id == room_id), None)

    @callback
    def async_add_listener(self, room_id: str | None, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call back when the room's view changed; None listens to the household."""
        self._listeners.setdefault(room_id, []).append(listener)
        return lambda: self._listeners[room_id].remove(listener)

    @callback
    def async_add_decision_listener(self, listener: Callable[[Decision], None]) -> CALLBACK_TYPE:
        """Call back on every decision raised or cleared."""
        self._decision_listeners.append(listener)
        return lambda: self._decision_listeners.remove(listener)

    # Life.

    async def async_load(self) -> None:
        """Take up what was learned before."""
        stored = await self.storage.async_load()
        if stored is not None:
            try:
                past = Past(stored)
                # Not in the loop: there may be hundreds of boxes, and nobody uses the engine yet.
                await self.hass.async_add_executor_job(self.engine.restore, stored["engine"])
                self.past = past
            except (SnapshotError, AttributeError, KeyError, TypeError, ValueError) as err:
                LOGGER.warning("Stored state is not used, learning starts anew: %s", err)
        await self.puffs.async_load()
        for feedback in await self.ledger.async_feedback():
            self.engine.learn(feedback)
        for lesson_id in await self.ledger.async_undone():
            self.engine.undo(lesson_id)

    @callback
    def async_start(self) -> None:
        """Listen, step and, once Home Assistant has started, learn from the past."""
        hass, entry = self.hass, self.entry
        self._watch()
        self._stops = [
            self._unwatch,
            async_track_bindings(hass, entry, self._rebind),
            async_track_new_sensors(hass, entry),
            AnswerListener(hass, entry, self.ledger, self, self.notifier).start(),
            async_track_time_interval(hass, self._tick, TICK, name="SmartLoop tick", cancel_on_shutdown=True),
            self.runtime.async_add_listener(self._engine_changed),
            *started(self.parts),
            async_at_started(hass, self._async_started),
        ]
        # Nobody waits for a first look or a forecast while Home Assistant starts.
        self._tick(dt_util.utcnow())

    async def async_stop(self) -> None:
        """Hear and begin nothing more, let what is under way end, save everything."""
        stop_all(self._stops)
        if self._history is not None:
            self._history.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=PATIENCE_S)
        await self.storage.async_save(self._snapshot())
        await self.ledger.async_close()

    async def _async_started(self, _hass: HomeAssistant) -> None:
        self._started = True
        self._history = self._work(self._async_learn_history(), "history")
        self._work(self.notifier.async_resume(), "deliveries")
        self._notify(None)

    @callback
    def _rebind(self) -> None:
        """Follow entities that were renamed, moved, disabled or removed."""
        self.bindings = BindingIndex(self.hass, self.entry)
        self._unwatch()
        self._watch()

    def _watch(self) -> None:
        self._watcher = StateWatcher(self.hass, self.bindings.by_entity, self.bindings.weather, self._receive)
        self._stop_watching = self._watcher.start()

    @callback
    def _unwatch(self) -> None:
        if self._stop_watching is not None:
            self._stop_watching()
            self._stop_watching = None

    @callback
    def _engine_changed(self) -> None:
        self.engine.forecaster = _forecaster(self.runtime)
        self._notify(None)

    # The learning lane.

    @callback
    def _receive(self, reading: Reading) -> None:
        if self.care.tests.withholds(reading):
            return
        try:
            self.engine.observe(reading)
        except ReadingError as err:
            LOGGER.debug("Reading is not used: %s", err)

    @callback
    def _tick(self, now: datetime) -> None:
        self._work(self.async_tick(now), "tick")

    async def async_tick(self, now: datetime) -> None:
        """Look at the rooms that are due, tell who could not be told before, and forecast."""
        if now < self._latest - CLOCK_SLACK:
            LOGGER.warning("The clock went back from %s: begins anew with what is on record", self._latest)
            self.hass.config_entries.async_schedule_reload(self.entry.entry_id)
            return
        self._latest = now
        if not self._ticking:
            self._ticking = True
            try:
                await self._async_look(now)
                await self.notifier.async_deliver_due(now)
            finally:
                self._ticking = False
        # Weather may be long in coming; the rooms are looked at meanwhile.
        if not self._forecasting:
            self._forecasting = True
            try:
                await self._async_forecast(now)
            finally:
                self._forecasting = False

    async def _async_look(self, now: datetime) -> None:
        # After a reload nothing may be due, but nothing is shown yet either.
        rooms = self.engine.due(now) if self._looked else tuple(self.rooms)
        self._looked = True
        changed = False
        async for room_id in paced(rooms):
            changed |= self._step(room_id, now)
        if changed:
            self._notify(None)

    def _step(self, room_id: str, now: datetime) -> bool:
        """Look at one room; return whether anything about it changed."""
        result = self.engine.step(room_id, now)
        for decision in result.decisions:
            self._decide(decision)
        if result.effect is not None:
            self._work(self.notifier.async_report(result.effect), "effect")
        if result.changed:
            self._notify(room_id)
            self._keep()
        return result.changed

    def _decide(self, decision: Decision) -> None:
        text = self.notifier.text(decision)
        if decision.state is not DecisionState.SHADOW:
            name = None if decision.source is None else self.care.name(decision.source)
            async_fire_decision(self.hass, decision, self.room_name(decision.room), text, name)
            for listener in tuple(self._decision_listeners):
                listener(decision)
        self._work(self.notifier.async_handle(decision), "decision")

    def _work(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self.entry.async_create_background_task(self.hass, work, f"SmartLoop {name}")
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return task

    async def _async_forecast(self, now: datetime) -> None:
        await self._async_weather(now)
        # A few rooms a job: what a job is made of is gathered in the loop.
        for rooms in batched(self.engine.forecast_due(now), BATCH, strict=False):
            job = self.engine.forecast_job(rooms, now)
            self.engine.apply_forecast(await self.hass.async_add_executor_job(job.run), now)
            async for room_id in paced(rooms):
                self._notify(room_id)

    async def _async_weather(self, now: datetime) -> None:
        entity_id = self.bindings.weather
        if entity_id is None or (self._weather_at is not None and now - self._weather_at < WEATHER_EVERY):
            return
        self._weather_at = now
        if points := await async_get_forecast(self.hass, entity_id):
            self.engine.observe_weather(points)

    # The past.

    async def _async_learn_history(self) -> None:
        if not await self.past.async_learn(self.hass, self.engine, self.bindings, self._report):
            return
        self._keep()
        await self.async_tick(dt_util.utcnow())
        async for room_id in paced(self.rooms):
            self._notify(room_id)

    @callback
    def _report(self, progress: int | None) -> None:
        if progress != self._progress:
            self._progress = progress
            self._notify(None)

    # Feedback.

    async def async_feedback(self, feedback: Feedback) -> Lesson | None:
        """Store the answer, then learn from it; what it changed is in force when this returns."""
        await self.ledger.async_record_feedback(feedback)
        lesson = self.engine.learn(feedback)
        await self.care.async_answered(feedback)
        await self._async_after_learning(feedback.room)
        return lesson

    async def async_undo(self, lesson_id: str) -> bool:
        """Take back one lesson; return whether there was one."""
        lesson = next((each for each in self.engine.lessons() if each.id == lesson_id), None)
        if lesson is None:
            return False
        await self.ledger.async_record_undo(lesson_id)
        undone = self.engine.undo(lesson_id)
        await self._async_after_learning(lesson.room)
        return undone

    async def async_reset(self, room_id: str) -> None:
        """Forget what was learned of a room."""
        self.engine.reset(room_id)
        self.past.reset(room_id)
        await self.storage.async_save(self._snapshot())
        await self._async_after_learning(room_id)

    async def _async_after_learning(self, room_id: str | None) -> None:
        now = dt_util.utcnow()
        # Of a box in no room, every room.
        async for each in paced((room_id,) if room_id in self.rooms else tuple(self.rooms)):
            assert each is not None  # noqa: S101  for the type checker
            self._step(each, now)
            self._notify(each)
        self._notify(None)
        self._keep()

    # Bookkeeping.

    def _snapshot(self) -> dict[str, Any]:
        return self.past.stored(self.engine.snapshot(), self.engine.looks())

    async def _async_snapshot(self) -> dict[str, Any]:
        if self._progress is not None:
            # The past may be taken over between two pieces, and would seem to be in both.
            return self._snapshot()
        looks = self.engine.looks()
        return self.past.stored(await collected(self.engine.snapshot_pieces()), looks)

    @callback
    def _keep(self) -> None:
        self.storage.schedule(self._async_snapshot)

    @callback
    def _notify(self, room_id: str | None) -> None:
        for listener in tuple(self._listeners.get(room_id, ())):
            listener()


def _forecaster(runtime: Runtime) -> Forecaster:
    return Forecaster(runtime.runner("room_forecast"), runtime.runner("room_forecast_weather"))


def _hub(hass: HomeAssistant, entry: SmartLoopConfigEntry) -> dr.DeviceEntry:
    return dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        manufacturer="SmartLoop",
        model="Household",
        entry_type=dr.DeviceEntryType.SERVICE,
    )
