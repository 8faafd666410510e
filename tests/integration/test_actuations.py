"""A puff from anything: what is one, what is none, and that it is heard before anything waits."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.event import DATA_COMPONENT, EventEntity
from homeassistant.components.tag import async_scan_tag
from homeassistant.core import Context, CoreState, HomeAssistant, State
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.restore_state import RestoredExtraData, StoredState
from homeassistant.helpers.restore_state import async_get as restore_state
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.actuations import ActuationListener, Clock, Told
from custom_components.smartloop.adapters.inhalers import Source, SourceKind
from custom_components.smartloop.adapters.puff_counters import CounterListener
from custom_components.smartloop.adapters.puff_triggers import TriggerListener
from custom_components.smartloop.diary import LogState, Origin, StoredActuation

from .breath import BENS, BLUE, add_source, counter, entity, give, inhaler, tag, trigger, with_ben
from .house import ANA_USER, BEN_USER, registry_id

START = "2026-11-22 12:00:00+00:00"


class Ear:
    """Listens as the household does and remembers what it heard."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, clock: FrozenDateTimeFactory) -> None:
        self.hass = hass
        self.entry = entry
        self.clock = clock
        self.told: list[Told] = []
        self.logs: dict[str, LogState] = {}
        self._stops: list[Any] = []

    @property
    def puffs(self) -> list[StoredActuation]:
        return [puff for told in self.told for puff in told.actuations]

    @property
    def ids(self) -> set[str]:
        return {puff.id for puff in self.puffs}

    def hear(self, told: Told) -> None:
        self.told.append(told)
        if (mark := told.mark) is not None:
            self.logs[mark.address] = LogState(mark.cursor, mark.flags)

    async def listen(self) -> None:
        async def log_of(address: str) -> LogState:
            return self.logs.get(address, LogState(0, 0))

        counters = CounterListener(self.hass, self.entry, log_of, self.hear)
        await counters.async_load()
        self._stops = [
            ActuationListener(self.hass, self.entry, self.hear).start(),
            counters.start(),
            TriggerListener(self.hass, self.entry, self.hear).start(),
        ]
        await self.hass.async_block_till_done()

    def stop(self) -> None:
        while self._stops:
            self._stops.pop()()

    async def show(self, entity_id: str, state: str, **attributes: Any) -> None:
        self.hass.states.async_set(entity_id, state, attributes)
        await self.hass.async_block_till_done()

    async def press(self, entity_id: str, kind: str = "press") -> None:
        """Let an event entity tell of something that happens now."""
        at = dt_util.utcnow().isoformat(timespec="milliseconds")
        await self.show(entity_id, at, event_type=kind, event_types=["press", "hold"], device_class="button")

    def wait(self, seconds: float) -> None:
        self.clock.tick(timedelta(seconds=seconds))


@pytest.fixture
def ear(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> Iterator[Ear]:
    freezer.move_to(START)
    ear = Ear(household_hass, smartloop_entry, freezer)
    yield ear
    ear.stop()


# Tags.


async def tagged(ear: Ear) -> None:
    assert await async_setup_component(ear.hass, "tag", {})
    give(ear.hass, ear.entry, inhaler(BLUE, tag("blue-tag")))
    await ear.listen()


async def scan(ear: Ear, tag_id: str = "blue-tag", user: str | None = ANA_USER) -> None:
    await async_scan_tag(ear.hass, tag_id, "a_phone", Context(user_id=user))


async def test_a_scanned_tag_is_a_puff(ear: Ear) -> None:
    await tagged(ear)

    await scan(ear)

    (puff,) = ear.puffs
    assert (puff.inhaler, puff.person) == (BLUE, registry_id(ear.hass, "person.ana"))
    assert (puff.at, puff.origin, puff.source) == (datetime.fromisoformat(START), Origin.NFC, "tag:blue-tag")
    assert puff.uncertainty_s is None


async def test_it_is_heard_before_anything_waits(ear: Ear) -> None:
    await tagged(ear)

    # Nothing is awaited: the event itself hands it on.
    ear.hass.bus.async_fire("tag_scanned", {"tag_id": "blue-tag", "device_id": "a_phone"})

    assert len(ear.puffs) == 1


async def test_a_tag_read_twice_is_one_puff(ear: Ear) -> None:
    await tagged(ear)

    await scan(ear)
    ear.wait(1.9)
    await scan(ear)

    assert len(ear.puffs) == 1


async def test_a_tag_held_to_the_phone_is_one_puff(ear: Ear) -> None:
    await tagged(ear)

    for _ in range(6):
        await scan(ear)
        ear.wait(1.0)

    assert len(ear.puffs) == 1


@pytest.mark.parametrize("seconds", [2.5, 15, 30, 3600])
async def test_two_puffs_are_two(ear: Ear, seconds: float) -> None:
    await tagged(ear)

    await scan(ear)
    ear.wait(seconds)
    await scan(ear)

    assert len(ear.ids) == 2


async def test_somebody_elses_phone_counts_for_the_owner_and_says_so(ear: Ear) -> None:
    ear.entry = with_ben(ear.hass, ear.entry)
    await tagged(ear)
    ben = registry_id(ear.hass, "person.ben")

    await scan(ear, user=BEN_USER)
    ear.wait(20)
    await scan(ear, user="a guest")
    ear.wait(20)
    await scan(ear, user=None)

    assert {puff.person for puff in ear.puffs} == {registry_id(ear.hass, "person.ana")}
    assert [puff.source for puff in ear.puffs] == [
        f"tag:blue-tag by:{ben}",
        "tag:blue-tag by:guest",
        "tag:blue-tag",
    ]


async def test_other_tags_are_none_of_our_business(ear: Ear) -> None:
    await tagged(ear)

    await scan(ear, "front-door")

    assert ear.puffs == []


async def test_after_stopping_nothing_is_heard(ear: Ear) -> None:
    await tagged(ear)

    ear.stop()
    await scan(ear)

    assert ear.puffs == []


def test_a_clock_put_back_makes_no_echo_of_a_puff() -> None:
    elapsed = iter((100.0, 120.0, 121.0, 200.0))
    clock = Clock(lambda: next(elapsed))
    source = Source(kind=SourceKind.TAG, person="ana", inhaler=BLUE, bound="blue-tag")
    noon = datetime.fromisoformat(START)
    hour_ago = noon - timedelta(hours=1)

    assert not clock.bounces(source, noon)
    # Twenty seconds later the clock says eleven: a puff. Then its echo. Then one in the next hour that is told as noon.
    assert [clock.bounces(source, at) for at in (hour_ago, hour_ago + timedelta(seconds=1), noon)] == [
        False,
        True,
        False,
    ]


def test_a_time_is_in_doubt_while_the_clock_is_behind() -> None:
    clock = Clock(lambda: 0.0)
    noon = datetime.fromisoformat(START)

    doubts = [clock.doubt(noon + timedelta(seconds=after)) for after in (0, 20, -10, -3580, 30)]

    assert doubts == [None, None, None, 3600.0, None]


# Event entities and buttons.


class Button(EventEntity):
    """A button of an integration."""

    _attr_event_types = ["press", "hold"]  # noqa: RUF012  as integrations write it
    _attr_has_entity_name = True
    _attr_name = "Button"
    _attr_unique_id = "cap"

    def press(self, kind: str = "press") -> None:
        self._trigger_event(kind)
        self.async_write_ha_state()


async def real_button(hass: HomeAssistant) -> Button:
    """Let an integration add a real event entity."""
    button = Button()

    assert await async_setup_component(hass, "event", {})
    await hass.data[DATA_COMPONENT].async_add_entities([button])
    await hass.async_block_till_done()
    return button


async def test_a_real_event_entity_tells_of_puffs(ear: Ear) -> None:
    button = await real_button(ear.hass)
    give(ear.hass, ear.entry, inhaler(BLUE, entity(registry_id(ear.hass, button.entity_id), "press")))
    await ear.listen()

    button.press()
    ear.wait(20)
    button.press("hold")
    ear.wait(20)
    button.press()
    await ear.hass.async_block_till_done()

    assert [puff.at.isoformat() for puff in ear.puffs] == ["2026-11-22T12:00:00+00:00", "2026-11-22T12:00:40+00:00"]
    assert {puff.origin for puff in ear.puffs} == {Origin.ENTITY}


async def test_what_a_real_entity_restores_is_no_puff(ear: Ear) -> None:
    """Home Assistant starts: the button shows when it was last pressed."""
    registered = er.async_get(ear.hass).async_get_or_create("event", "event", "cap", suggested_object_id="button")
    restored = RestoredExtraData({"last_event_type": "press", "last_event_attributes": {}})
    state = State(registered.entity_id, "2026-11-22T11:59:00.000+00:00")
    stored = StoredState(state, restored, dt_util.utcnow(), registered.id)
    restore_state(ear.hass).last_states_by_entity_registry_id[registered.id] = stored
    give(ear.hass, ear.entry, inhaler(BLUE, entity(registered.id)))
    await ear.listen()

    button = await real_button(ear.hass)

    assert ear.hass.states.get(registered.entity_id) is not None
    assert ear.hass.states.get(registered.entity_id).state == "2026-11-22T11:59:00.000+00:00"  # type: ignore[union-attr]
    assert ear.puffs == []
    button.press()
    assert len(ear.puffs) == 1


async def test_a_button_that_comes_back_is_no_puff(ear: Ear) -> None:
    source = add_source(ear.hass, "event", "cap")
    give(ear.hass, ear.entry, inhaler(BLUE, entity(source.id)))
    await ear.listen()

    await ear.show("event.cap", "unknown")
    await ear.press("event.cap")
    shown = ear.hass.states.get("event.cap")
    assert shown is not None
    ear.wait(60)
    await ear.show("event.cap", "unavailable")
    await ear.show("event.cap", shown.state, **shown.attributes)
    assert len(ear.puffs) == 1

    # One that wakes up to tell of a press.
    ear.wait(60)
    await ear.show("event.cap", "unavailable")
    await ear.press("event.cap")
    assert len(ear.ids) == 2


async def test_attributes_alone_are_no_puff(ear: Ear) -> None:
    source = add_source(ear.hass, "event", "cap")
    give(ear.hass, ear.entry, inhaler(BLUE, entity(source.id)))
    await ear.listen()

    await ear.show("event.cap", "unknown")
    await ear.press("event.cap")
    ear.wait(60)
    await ear.show("event.cap", "2026-11-22T12:00:00.000+00:00", event_type="press", rssi=-70)

    assert len(ear.puffs) == 1


async def test_a_puff_while_the_household_is_reloaded_is_caught_up_with(ear: Ear) -> None:
    source = add_source(ear.hass, "event", "cap", state="unknown")
    give(ear.hass, ear.entry, inhaler(BLUE, entity(source.id)))
    await ear.listen()
    await ear.press("event.cap")
    ear.wait(60)

    ear.stop()
    ear.wait(1)
    await ear.press("event.cap")
    ear.wait(1)
    await ear.listen()
    assert [puff.at.isoformat() for puff in ear.puffs] == ["2026-11-22T12:00:00+00:00", "2026-11-22T12:01:01+00:00"]

    # And is told once only.
    ear.stop()
    await ear.listen()
    assert len(ear.puffs) == 2


async def test_a_button_on_the_dashboard(ear: Ear) -> None:
    assert await async_setup_component(ear.hass, "input_button", {"input_button": {"puff": {"name": "Puff"}}})
    give(ear.hass, ear.entry, inhaler(BLUE, entity("input_button.puff")))
    await ear.listen()

    await ear.hass.services.async_call("input_button", "press", {"entity_id": "input_button.puff"}, blocking=True)

    assert [puff.origin for puff in ear.puffs] == [Origin.BUTTON]


async def test_a_contact_tells_when_it_closes(ear: Ear) -> None:
    source = add_source(ear.hass, "binary_sensor", "cap", state="on")
    give(ear.hass, ear.entry, inhaler(BLUE, entity(source.id)))
    await ear.listen()

    for state in ("off", "on", "unavailable", "on", "unknown", "on", "off", "unavailable", "on", "off", "on"):
        await ear.show("binary_sensor.cap", state)
        ear.wait(10)

    # The second and the last: the others came out of nowhere.
    assert [puff.at.second for puff in ear.puffs] == [10, 40]


async def test_a_renamed_button_goes_on(ear: Ear) -> None:
    source = add_source(ear.hass, "event", "cap", state="unknown")
    give(ear.hass, ear.entry, inhaler(BLUE, entity(source.id)))
    await ear.listen()

    er.async_get(ear.hass).async_update_entity("event.cap", new_entity_id="event.blue_cap")
    await ear.show("event.blue_cap", "unknown")
    await ear.press("event.blue_cap")

    assert len(ear.puffs) == 1


async def test_one_button_for_two_people_tells_of_both(ear: Ear) -> None:
    source = add_source(ear.hass, "event", "cap", state="unknown")
    ear.entry = with_ben(ear.hass, ear.entry, inhaler(BENS, entity(source.id, "hold")))
    give(ear.hass, ear.entry, inhaler(BLUE, entity(source.id, "press")))
    await ear.listen()

    await ear.press("event.cap", "hold")

    assert [puff.inhaler for puff in ear.puffs] == [BENS]


async def test_what_shares_a_box_shares_its_source(ear: Ear) -> None:
    contact = er.async_get(ear.hass).async_get("binary_sensor.bedroom_window")
    assert contact is not None
    give(ear.hass, ear.entry, inhaler(BLUE, entity(contact.id)))
    await ear.listen()

    await ear.show("binary_sensor.bedroom_window", "on")

    assert [puff.source for puff in ear.puffs] == [contact.device_id]


# Counters.


async def counting(ear: Ear, state: str = "0") -> None:
    source = add_source(ear.hass, "sensor", "ana_puffs", state=state)
    give(ear.hass, ear.entry, inhaler(BLUE, counter(source.id)))
    await ear.listen()


async def test_a_counter_tells_of_puffs_and_how_sure_it_is_of_the_time(ear: Ear) -> None:
    await counting(ear)

    ear.wait(1800)
    await ear.show("sensor.ana_puffs", "2")

    assert [puff.at.isoformat() for puff in ear.puffs] == ["2026-11-22T12:29:59+00:00", "2026-11-22T12:30:00+00:00"]
    assert {(puff.uncertainty_s, puff.origin) for puff in ear.puffs} == {(1800.0, Origin.PHONE)}


async def test_midnight_and_silence_are_no_puffs(ear: Ear) -> None:
    await counting(ear, "3")

    for state in ("3", "unavailable", "3", "unknown", "3.0", "0", "nonsense", "0"):
        ear.wait(3600)
        await ear.show("sensor.ana_puffs", state)

    assert ear.puffs == []


async def test_a_jump_is_not_believed(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    await counting(ear)

    await ear.show("sensor.ana_puffs", "500")
    await ear.show("sensor.ana_puffs", "501")

    assert len(ear.puffs) == 1
    assert "jump" in caplog.text
    assert "500" not in caplog.text


async def test_what_was_counted_while_nobody_listened_is_not_lost(ear: Ear) -> None:
    """A restart: the counter was at 2 and is at 4."""
    await counting(ear)
    await ear.show("sensor.ana_puffs", "2")
    ear.stop()
    ear.hass.states.async_set("sensor.ana_puffs", "4")

    await ear.listen()

    assert len(ear.ids) == 4
    assert ear.puffs[-1].uncertainty_s == 86_400.0


async def test_a_crash_before_the_disk_tells_the_same_puffs_again(ear: Ear) -> None:
    await counting(ear)
    kept = dict(ear.logs)
    ear.wait(60)
    await ear.show("sensor.ana_puffs", "2")
    before = ear.ids

    ear.stop()
    ear.logs = kept
    await ear.listen()

    assert len(ear.puffs) == 4
    assert ear.ids == before


async def test_a_renamed_counter_goes_on(ear: Ear) -> None:
    await counting(ear)

    er.async_get(ear.hass).async_update_entity("sensor.ana_puffs", new_entity_id="sensor.puffs")
    await ear.show("sensor.puffs", "1")

    assert len(ear.puffs) == 1


# Triggers.


async def test_an_event_on_the_bus_tells_of_a_puff(ear: Ear) -> None:
    """A Zigbee button of ZHA without an event entity."""
    pressed = trigger(trigger="event", event_type="zha_event", event_data={"command": "single"})
    give(ear.hass, ear.entry, inhaler(BLUE, pressed))
    await ear.listen()

    ear.hass.bus.async_fire("zha_event", {"command": "double"})
    ear.hass.bus.async_fire("zha_event", {"command": "single"})
    ear.hass.bus.async_fire("zha_event", {"command": "single"})
    await ear.hass.async_block_till_done()
    ear.wait(20)
    ear.hass.bus.async_fire("zha_event", {"command": "single"})
    await ear.hass.async_block_till_done()

    assert len(ear.ids) == len(ear.puffs) == 2
    assert {puff.origin for puff in ear.puffs} == {Origin.EVENT}


async def test_a_trigger_that_cannot_be_used_spoils_nothing_else(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    good = trigger(trigger="event", event_type="good")
    give(ear.hass, ear.entry, inhaler(BLUE, trigger(trigger="no_such"), good))
    await ear.listen()

    ear.hass.bus.async_fire("good")
    await ear.hass.async_block_till_done()

    assert len(ear.puffs) == 1
    assert "cannot be used" in caplog.text


async def test_triggers_wait_for_home_assistant_and_go_with_the_household(ear: Ear) -> None:
    ear.hass.set_state(CoreState.starting)
    give(ear.hass, ear.entry, inhaler(BLUE, trigger(trigger="event", event_type="good")))
    await ear.listen()
    ear.hass.bus.async_fire("good")
    await ear.hass.async_block_till_done()
    assert ear.puffs == []

    ear.hass.set_state(CoreState.running)
    ear.hass.bus.async_fire("homeassistant_started")
    await ear.hass.async_block_till_done()
    ear.hass.bus.async_fire("good")
    await ear.hass.async_block_till_done()
    assert len(ear.puffs) == 1

    ear.stop()
    ear.hass.bus.async_fire("good")
    await ear.hass.async_block_till_done()
    assert len(ear.puffs) == 1


async def test_without_inhalers_nothing_is_listened_to(ear: Ear) -> None:
    before = ear.hass.bus.async_listeners().get("state_changed", 0)

    await ear.listen()

    assert ear.hass.bus.async_listeners().get("state_changed", 0) == before
