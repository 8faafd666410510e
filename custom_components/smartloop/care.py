"""The boxes that measure, looked after: what they are, how they are, what was done to them."""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from .adapters.bindings import BindingIndex
from .adapters.device_facts import async_track_device_facts, device_facts
from .adapters.leak_test import LeakTests
from .adapters.radio import RadioWatch
from .const import DOMAIN, LOGGER
from .diary import Diary
from .engine import (
    Assurance,
    Decision,
    DecisionKey,
    DeviceFacts,
    DeviceView,
    Engine,
    Feedback,
    Household,
    Journey,
    Lesson,
    Measurand,
    Reading,
    Verdict,
)
from .ledger import Ledger, LedgerClosedError, LedgerError
from .naming import device_name
from .pace import paced

EVERY: Final = timedelta(minutes=1)
REMEMBERED: Final = timedelta(days=1)
"""How long what was done to a box is shown as done."""
ISSUE_LEAK_TEST: Final = "leak_never_tested"


class House(Protocol):
    """What the care needs of the household."""

    hass: HomeAssistant
    entry: ConfigEntry[Any]
    engine: Engine
    ledger: Ledger
    diary: Diary
    bindings: BindingIndex


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """What the care lets the household do."""

    decide: Callable[[Decision], None]
    """Tell of a decision."""
    notify: Callable[[str | None], None]
    """Let the entities of a place look again."""
    receive: Callable[[Reading], None]
    """Take in a reading."""
    keep: Callable[[], None]
    """Save soon what the engine knows."""


def box_place(source: str) -> str:
    """Return what the entities of a box listen to; no room is called so."""
    return f"box:{source}"


def gist_of(view: DeviceView) -> object:
    """Return what of a view is shown anywhere: missed intervals and a link quality move at every look."""
    radio = None if view.radio is None else view.radio.weak
    missed = int(view.missed) if view.silent and view.missed is not None else None
    heard = view.last_heard if view.silent else view.last_heard is None
    stands = tuple(each.id for each in (*view.active, *view.shadows))
    ways = (view.place, view.silent, view.bridge_silent, view.away_since, view.stuck, view.interval_s)
    return ways, missed, heard, radio, view.battery, view.drift, stands, len(view.active)


class Care:
    """Follows every bound box through the engine, and keeps what people did to them."""

    def __init__(self, house: House, hooks: Hooks) -> None:
        """Prepare; nothing is looked at before `start`."""
        self._house = house
        self._hooks = hooks
        self._engine = house.engine
        # Known before the entities of the boxes are set up.
        self.facts: dict[str, DeviceFacts] = device_facts(house.hass, house.entry, house.bindings.all)
        self.views: dict[str, DeviceView] = {}
        self.tested: dict[str, datetime] = {}
        """When each leak sensor was last seen to work."""
        self.replaced: dict[str, datetime] = {}
        """When each box last got a new battery, as far as anybody noticed."""
        self.tests = LeakTests(house.hass, self._alive, hooks.receive)
        self.answered: dict[tuple[str, str], Feedback] = {}
        """The last "Done" of the last day to each kind of message about each box."""
        self.loaded = False
        """Whether it is known what people did before the last start."""
        self.revision = 0
        """Counts what anybody may have to be shown anew."""
        self._proof: tuple[datetime, Assurance] | None = None
        self._gists: dict[str, object] = {}
        self._hour = -1
        self._looking = False
        self._listeners: list[Callable[[], None]] = []

    # What others read.

    def name(self, source: str) -> str:
        """Return what the owner calls a box."""
        return device_name(self._house.hass, source)

    @property
    def leak_points(self) -> tuple[str, ...]:
        """Return the boxes that feel water, by name."""
        points = (source for source, facts in self.facts.items() if Measurand.WET in facts.measurands)
        return tuple(sorted(points, key=lambda source: (self.name(source).casefold(), source)))

    @property
    def never_tested(self) -> tuple[str, ...]:
        """Return the leak sensors nobody has seen at work."""
        return tuple(source for source in self.leak_points if source not in self.tested) if self.loaded else ()

    def assurance(self, now: datetime) -> Assurance:
        """Return how many leak points are proven alive, and what is wrong with the others; as of the last look."""
        if self._proof is None or abs(now - self._proof[0]) > EVERY:
            self._proof = now, self._engine.assurance(self.tested, now)
        return self._proof[1]

    @property
    def household(self) -> Household:
        """Return who lives here, and what they want SmartLoop for."""
        return self._engine.household

    def lessons(self) -> tuple[Lesson, ...]:
        """Return what answers taught."""
        return self._engine.lessons()

    @callback
    def async_add_listener(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call back when boxes came or went, or are not what they were."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # Life.

    def start(self) -> CALLBACK_TYPE:
        """Look from here on; returns the way to stop."""
        hass = self._house.hass
        self._engine.describe_devices(self.facts.values())
        self.describe()
        self.look(dt_util.utcnow())
        stops = (
            async_track_device_facts(hass, lambda source: source in self.facts, self.describe),
            async_track_time_interval(hass, self._tick, EVERY, name="SmartLoop care", cancel_on_shutdown=True),
            async_at_started(hass, self._started),
            RadioWatch(hass, lambda: self.facts, self._engine.checked_in).start(),
        )
        self._work(self._async_load(), "care")

        @callback
        def stop() -> None:
            self.tests.end_all()
            for each in stops:
                each()

        return stop

    async def _async_load(self) -> None:
        try:
            self.tested = await self._house.diary.async_leak_tests() | self.tested
            self.replaced = await self._house.diary.async_battery_changes() | self.replaced
            await self._async_load_answers(dt_util.utcnow() - REMEMBERED)
        except LedgerClosedError:
            # Home Assistant ended while the household was still being set up: nobody is left to look after.
            return
        except LedgerError as err:
            LOGGER.error("What was done to the sensors cannot be read: %s", err)
            return
        self.loaded = True
        self._replay()
        self.look(dt_util.utcnow())
        self._offer_tests()
        self._tell()

    def _replay(self) -> None:
        """Tell the engine what it did not get to save."""
        for source, at in self.replaced.items():
            view = self.views.get(source)
            fresh = None if view is None or view.battery is None else view.battery.fresh_since
            if view is not None and (fresh is None or fresh < at - timedelta(seconds=1)):
                self._engine.battery_replaced(source, at)

    async def _async_load_answers(self, since: datetime) -> None:
        undone = set(await self._house.ledger.async_undone())
        for feedback in await self._house.ledger.async_feedback(since):
            if feedback.id not in undone:
                await self._async_note(feedback)

    async def _async_note(self, feedback: Feedback) -> str | None:
        """Take note of a "Done" about a box; return which."""
        if not feedback.key.startswith(f"{Journey.DEVICE}.") or feedback.verdict is not Verdict.HELPFUL:
            return None
        source = feedback.source
        if source is None and feedback.decision_id is not None:
            recorded = await self._house.ledger.async_decision(feedback.decision_id)
            source = None if recorded is None else recorded.decision.source
        if source is not None:
            self.answered[feedback.key, source] = replace(feedback, source=source)
        return source

    @callback
    def _started(self, _hass: HomeAssistant) -> None:
        self.describe()

    @callback
    def describe(self) -> None:
        """Tell the engine which boxes there are.

        Never while the registries are still telling of a change: entities are removed here, too.
        """
        before = self.facts
        self.facts = device_facts(self._house.hass, self._house.entry, self._house.bindings.all)
        if self.facts == before:
            return
        self._engine.describe_devices(self.facts.values())
        for gone in before.keys() - self.facts.keys():
            self.tests.end(gone)
        self.look(dt_util.utcnow())
        for listener in tuple(self._listeners):
            listener()
        self._offer_tests()

    @callback
    def _tick(self, now: datetime) -> None:
        if not self._looking:
            self._work(self.async_look(now), "care look")

    async def async_look(self, now: datetime) -> None:
        """Look as `look` does, and let others run in between: there may be hundreds of boxes."""
        self._looking = True
        try:
            async for _ in paced(self._steps(now)):
                pass
        finally:
            self._looking = False

    @callback
    def look(self, now: datetime) -> None:
        """Step the engine's devices and show what changed."""
        for _ in self._steps(now):
            pass

    def _steps(self, now: datetime) -> Iterator[None]:
        """Look, piece by piece."""
        result = self._engine.step_devices(now)
        yield
        for decision in result.decisions:
            self._hooks.decide(decision)
            yield
        self.views = {view.source: view for view in self._engine.devices(now)}
        self._proof = None
        gists = {source: gist_of(view) for source, view in self.views.items()}
        before, self._gists = self._gists, gists
        yield
        for source, gist in gists.items():
            if before.get(source) != gist:
                self._hooks.notify(box_place(source))
                yield
        if result.changed or before.keys() != gists.keys():
            self._hooks.keep()
        # Dates come closer, and what was done is forgotten, though no box changes.
        hour = int(now.timestamp() // 3600.0)
        if before != gists or hour != self._hour:
            self._hour = hour
            self._tell()

    @callback
    def _tell(self) -> None:
        """Let the household's entities look again."""
        self.revision += 1
        self._proof = None
        self._hooks.notify(None)

    @callback
    def _alive(self, source: str, at: datetime) -> None:
        self._engine.checked_in(source, at)

    # What people do.

    async def async_battery_replaced(self, sources: Iterable[str], at: datetime) -> None:
        """Keep that boxes got new batteries, and begin their forecasts anew; raises LedgerError."""
        for source in sources:
            await self._house.diary.async_record_battery_change(source, at)
            self.replaced[source] = at
            self._engine.battery_replaced(source, at)
        self.look(at)
        self._hooks.keep()
        self._tell()

    async def async_battery_kept(self, sources: Iterable[str]) -> bool:
        """Take back that boxes got new batteries; return False when too much was heard of them since."""
        kept = [source for source in sources if self._engine.battery_kept(source)]
        for source in kept:
            await self._house.diary.async_forget_battery_change(source)
            self.replaced.pop(source, None)
        self.look(dt_util.utcnow())
        self._hooks.keep()
        self._tell()
        return bool(kept)

    async def async_record_leak_test(self, source: str, at: datetime) -> None:
        """Keep that a leak sensor was seen to work; raises LedgerError."""
        await self._house.diary.async_record_leak_test(source, at)
        self.tested[source] = at
        self._proof = None
        self._offer_tests()
        self._hooks.notify(box_place(source))
        self._tell()

    async def async_answered(self, feedback: Feedback) -> None:
        """Take "Done" as what it says; a new battery begins its forecast anew."""
        source = await self._async_note(feedback)
        if source is not None and feedback.key == DecisionKey.DEVICE_BATTERY:
            await self.async_battery_replaced((source,), feedback.at)
        elif feedback.key.startswith(f"{Journey.DEVICE}."):
            self.look(feedback.at)
            self._tell()

    @callback
    def forget_answer(self, lesson_id: str) -> None:
        """Take back a "Done"."""
        self.answered = {about: each for about, each in self.answered.items() if each.id != lesson_id}
        self._tell()

    # What is asked of people.

    @callback
    def _offer_tests(self) -> None:
        """Ask for a test of the leak sensors that never had one; one question, however many there are."""
        if not self.loaded:
            # What the owner chose to ignore would be forgotten.
            return
        hass = self._house.hass
        with ir.async_refresh_issues(
            hass, DOMAIN, issue_id_pattern=ISSUE_LEAK_TEST, config_entry_id=self._house.entry.entry_id
        ):
            if untested := self.never_tested:
                ir.async_create_issue(
                    hass,
                    DOMAIN,
                    ISSUE_LEAK_TEST,
                    config_entry_id=self._house.entry.entry_id,
                    is_fixable=True,
                    severity=ir.IssueSeverity.WARNING,
                    translation_key=ISSUE_LEAK_TEST,
                    translation_placeholders={"sensors": ", ".join(self.name(source) for source in untested)},
                )

    def _work(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._house.entry.async_create_background_task(self._house.hass, work, f"SmartLoop {name}")
