"""Own Bluetooth devices: heard, believed, fetched; nothing lost, nothing twice, nobody fooled."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigSubentry
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.smartloop.adapters.own_device import (
    BELIEVE_EVERY_S,
    FIRST_WAIT_S,
    JITTER,
    LOST_TRACK,
    LOST_TRACK_S,
    OwnDevice,
    counted,
)
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.diagnostics import async_get_config_entry_diagnostics
from custom_components.smartloop.engine import Engine, Measurand, Reading
from custom_components.smartloop.figures import needing_care
from hardware.simulator.ble.peripheral import Peripheral

from .boxes import Boxes
from .house import registry_id
from .living import Living
from .radio import BED, KEY, OTHER_KEY, SLEEVE, Air, Client, advertise, bed_node, puffs, radio, sleeve

HOUR_AGO = timedelta(hours=1)


def own(living: Living, device: Peripheral, **more: Any) -> None:
    """Put a device into the entry as its flow does."""
    ana = registry_id(living.hass, "person.ana")
    place = {"inhaler": "blue"} if device.kind == "inhaler_sleeve" else {"room": "bedroom"}
    data = {"address": device.address, "kind": device.kind, "key": KEY.hex(), "person": ana, **place, **more}
    living.hass.config_entries.async_add_subentry(
        living.entry,
        ConfigSubentry(
            data=MappingProxyType(data),
            subentry_id=f"device_{device.address[-2:]}",
            subentry_type="device",
            title=f"Own {device.kind}",
            unique_id=device.address,
        ),
    )


def give_ana_an_inhaler(living: Living) -> None:
    member = living.entry.subentries["member_ana"]
    inhalers = [{"id": "blue", "name": "Blue", "role": "reliever", "sources": []}]
    living.hass.config_entries.async_update_subentry(living.entry, member, data={**member.data, "inhalers": inhalers})


def device_of(living: Living, address: str = SLEEVE) -> OwnDevice:
    return living.coordinator.own_devices.devices[f"device_{address[-2:]}"]


async def recorded(living: Living) -> list[Any]:
    return await living.coordinator.diary.async_actuations(None, dt_util.utcnow() - timedelta(days=30))


async def hear(living: Living, device: Peripheral, payload: bytes | None = None) -> None:
    advertise(living.hass, device, payload)
    await living.settle()


async def later(living: Living, seconds: float) -> None:
    living.clock.tick(timedelta(seconds=seconds))
    async_fire_time_changed(living.hass, living.now)
    await living.settle()


@pytest.fixture
async def blue(living: Living, enable_bluetooth: None) -> AsyncIterator[tuple[Any, Air]]:
    """Return Ana's sleeve, in a household that listens, and the air between."""
    device = sleeve()
    give_ana_an_inhaler(living)
    own(living, device)
    with radio(device) as air:
        await living.set_up()
        living.hass.set_state(CoreState.running)
        yield device, air


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Reading]:
    """Return every reading the engine was given."""
    seen: list[Reading] = []
    observe = Engine.observe

    def observed(self: Engine, reading: Reading) -> None:
        seen.append(reading)
        observe(self, reading)

    monkeypatch.setattr(Engine, "observe", observed)
    return seen


# Adverts.


async def test_an_advert_brings_a_sign_of_life_and_the_battery(
    living: Living, blue: tuple[Any, Air], heard: list[Reading]
) -> None:
    device, _ = blue
    device.battery = 83
    await hear(living, device)

    known = device_of(living)
    assert (known.battery, known.rssi) == (83, -60)
    assert known.heard_at is not None
    battery = [each for each in heard if each.measurand is Measurand.BATTERY]
    assert {each.value for each in battery} == {83.0}
    assert {each.source for each in battery} == {known.owner.source}
    assert living.shown("sensor.own_inhaler_sleeve_battery") == "83"


async def test_a_replayed_advert_changes_nothing_and_is_said_once(
    living: Living, blue: tuple[Any, Air], caplog: pytest.LogCaptureFixture
) -> None:
    device, _ = blue
    device.battery = 90
    old = device.payload()
    await hear(living, device)
    device.battery = 10
    await later(living, BELIEVE_EVERY_S + 1)
    await hear(living, device)
    at = device_of(living).heard_at
    await later(living, BELIEVE_EVERY_S + 1)

    for _ in range(5):
        # Home Assistant leaves out what it has just heard; with another one in between it does not.
        await hear(living, device, old)

    assert device_of(living).battery == 10
    assert device_of(living).heard_at == at
    assert device_of(living).refused == {"replayed": 5}
    assert caplog.text.count("is not believed") == 1


async def test_a_forged_and_an_open_advert_are_not_believed(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    forger = sleeve(key=OTHER_KEY)
    forger.battery = 1
    await hear(living, forger)
    await hear(living, sleeve(key=None))
    await hear(living, device, b"\x91")
    await hear(living, device, b"")
    await hear(living, device, bytes(64))

    assert device_of(living).heard_at is None
    assert device_of(living).battery is None
    assert device_of(living).refused == {"wrong_key": 1, "open": 1, "foreign": 3}
    assert air.connections == []


async def test_a_counter_counts_only_once_it_is_on_the_disk(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    counter = device.counter
    await hear(living, device)
    first = (await living.coordinator.diary.async_log_state(counted(SLEEVE, KEY))).counter
    assert first == counter

    # A burst is put away once: the newest of it.
    for percent in range(50, 60):
        device.battery = percent
        await hear(living, device)
    assert device_of(living).battery == 100
    assert (await living.coordinator.diary.async_log_state(counted(SLEEVE, KEY))).counter == first

    await later(living, BELIEVE_EVERY_S + 1)

    assert device_of(living).battery == 59
    assert (await living.coordinator.diary.async_log_state(counted(SLEEVE, KEY))).counter == device.counter


async def test_a_restart_brings_no_old_advert_back_to_life(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    old = device.payload()
    await hear(living, device)
    device.battery = 42
    await later(living, BELIEVE_EVERY_S + 1)
    await hear(living, device)
    await living.unload()
    await living.set_up()

    await hear(living, device, old)

    assert device_of(living).heard_at is None
    assert device_of(living).refused == {"replayed": 1}


async def test_a_device_that_ran_far_ahead_is_asked(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    await hear(living, device)
    device.flash.reserved = device.counter + 40_000
    device.reboot()
    await later(living, LOST_TRACK_S)
    before = len(air.connections)

    for percent in range(LOST_TRACK):
        device.battery = percent
        await hear(living, device)

    assert len(air.connections) == before + 1
    device.battery = 77
    await later(living, BELIEVE_EVERY_S + 1)
    await hear(living, device)
    assert device_of(living).battery == 77


async def test_who_makes_up_adverts_cannot_have_a_device_asked_again_and_again(
    living: Living, blue: tuple[Any, Air]
) -> None:
    device, air = blue
    await hear(living, device)
    forger = sleeve(key=OTHER_KEY, counter=device.counter + 100)
    before = len(air.connections)

    for percent in range(5 * LOST_TRACK):
        forger.battery = percent
        await hear(living, forger)
        await later(living, 1)

    assert len(air.connections) == before

    await later(living, LOST_TRACK_S)
    await hear(living, forger)
    assert len(air.connections) == before + 1


# The log.


async def test_puffs_taken_away_from_home_are_fetched_on_return(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    taken = []
    for _ in range(40):
        living.clock.tick(timedelta(minutes=7))
        taken += puffs(device, 1, shake_s=4.0, tilt_deg=12, peak_flow_lpm=60, envelope=[10, 40, 60, 30])
    device.puff(test=True)
    await hear(living, device)

    kept = await recorded(living)
    assert len(kept) == 40
    assert [abs((each.at - at).total_seconds()) < 5 for each, at in zip(kept, taken, strict=True)] == [True] * 40
    assert kept[0].person == registry_id(living.hass, "person.ana")
    assert (kept[0].inhaler, kept[0].shake_s, kept[0].tilt_deg, kept[0].peak_flow_lpm) == ("blue", 4.0, 12, 60)
    assert kept[0].envelope == (10, 40, 60, 30)
    assert len(air.connections) == 1
    assert air.open == 0
    view = living.coordinator.engine.puffs(kept[0].person, "blue", dt_util.utcnow())
    assert view.count_24h == 40


async def test_what_happened_before_a_sleeve_changed_hands_stays_whose_it_was(
    living: Living, blue: tuple[Any, Air]
) -> None:
    device, _ = blue
    await hear(living, device)
    ana, ben = (registry_id(living.hass, f"person.{name}") for name in ("ana", "ben"))
    member = ConfigSubentry(data=MappingProxyType({"person": ben}), subentry_type="member", title="Ben", unique_id=ben)
    living.hass.config_entries.async_add_subentry(living.entry, member)
    await living.settle()
    # Away from home, and given to Ben before anything of it was fetched.
    puffs(device, 2)
    await later(living, 3600)
    flows = living.hass.config_entries.subentries
    menu = await flows.async_init(
        (living.entry.entry_id, "device"), context={"source": SOURCE_RECONFIGURE, "subentry_id": "device_07"}
    )
    await flows.async_configure(menu["flow_id"], {"next_step_id": "inhaler_sleeve"})
    await flows.async_configure(menu["flow_id"], {"name": "Blue", "inhaler": f"{ben}/new:reliever"})
    await living.settle()
    await later(living, 3600)
    puffs(device, 3)
    await hear(living, device)

    assert [each.person for each in await recorded(living)] == [ana, ana, ben, ben, ben]
    assert "blue" not in str(await async_get_config_entry_diagnostics(living.hass, living.entry))


async def test_nothing_is_fetched_twice(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    puffs(device, 3)
    await hear(living, device)
    for _ in range(5):
        await later(living, 61)
        await hear(living, device)
    assert len(air.connections) == 1

    puffs(device, 1)
    await hear(living, device)

    assert len(air.connections) == 2
    assert len(await recorded(living)) == 4


@pytest.mark.parametrize("writes", range(1, 12))
async def test_a_connection_that_breaks_anywhere_loses_nothing(
    living: Living, blue: tuple[Any, Air], writes: int
) -> None:
    device, air = blue
    puffs(device, 60, envelope=[10.0] * 20)
    air.drop_after = writes
    await hear(living, device)
    assert air.open == 0

    await later(living, FIRST_WAIT_S * (1 + JITTER) + 1)
    await hear(living, device)

    kept = await recorded(living)
    assert len(kept) == 60
    assert len({each.id for each in kept}) == 60
    assert len(air.connections) == 2 if air.drop_after is None else 1


async def test_a_broken_download_goes_on_where_it_was_not_from_the_start(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    puffs(device, 60, envelope=[10.0] * 20)
    air.drop_after = 8
    await hear(living, device)
    cursor = (await living.coordinator.diary.async_log_state(SLEEVE)).cursor
    assert 0 < cursor < device.flash.log.head
    assert len(await recorded(living)) == cursor - 1

    asked: list[int] = []
    page = device.flash.log.page

    def pages(begin: int, room: int) -> bytes:
        asked.append(begin)
        found: bytes = page(begin, room)
        return found

    device.flash.log.page = pages
    await later(living, FIRST_WAIT_S * 2)
    await hear(living, device)

    assert asked[0] == cursor
    assert len(await recorded(living)) == 60


async def test_the_same_packet_again_is_enough_to_go_on(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    await hear(living, device)
    puffs(device, 60, envelope=[10.0] * 20)
    air.drop_after = 7
    await hear(living, device)
    payload = device.payload()
    assert 0 < len(await recorded(living)) < 60

    # No new advert for a while: nothing about the device has changed.
    await later(living, FIRST_WAIT_S * 2)
    await hear(living, bed_node())
    await hear(living, device, payload)

    assert len(await recorded(living)) == 60


async def test_a_page_is_on_the_disk_before_the_next_is_asked_for(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    puffs(device, 60, envelope=[10.0] * 20)
    committed: list[int] = []
    commit = living.coordinator.diary.async_commit_page
    asked: list[tuple[int, int]] = []

    async def slow(address: str, **page: Any) -> Any:
        for _ in range(20):
            await asyncio.sleep(0)
        new = await commit(address, **page)
        committed.append(page["cursor"])
        return new

    living.coordinator.diary.async_commit_page = slow  # type: ignore[method-assign]
    page = device.flash.log.page

    def pages(begin: int, room: int) -> bytes:
        asked.append((begin, committed[-1] if committed else 0))
        found: bytes = page(begin, room)
        return found

    device.flash.log.page = pages
    await hear(living, device)

    assert len(asked) > 3
    assert all(begin == done for begin, done in asked)


async def test_what_the_disk_does_not_take_is_fetched_again(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    puffs(device, 5)
    commit = living.coordinator.diary.async_commit_page

    async def full(*args: Any, **kwargs: Any) -> Any:
        msg = "no space left"
        raise HomeAssistantError(msg)

    living.coordinator.diary.async_commit_page = full  # type: ignore[method-assign]
    await hear(living, device)
    assert await recorded(living) == []

    living.coordinator.diary.async_commit_page = commit  # type: ignore[method-assign]
    await later(living, FIRST_WAIT_S * 2)
    await hear(living, device)

    assert len(await recorded(living)) == 5


async def test_busy_slots_are_waited_for_longer_and_longer(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    puffs(device, 1)
    air.out_of_slots = True
    waits = []
    for _ in range(4):
        waited = 0.0
        tries = device_of(living).counts["failed: slots_taken"]
        while device_of(living).counts["failed: slots_taken"] == tries:
            await hear(living, device)
            await later(living, 5)
            waited += 5
        waits.append(waited)
    assert waits == sorted(waits)
    assert waits[-1] >= 2 * waits[1]
    assert air.connections == []

    air.out_of_slots = False
    await later(living, FIRST_WAIT_S * 2**5)
    await hear(living, device)

    assert len(await recorded(living)) == 1


async def test_no_more_connections_at_once_than_are_ours(living: Living, enable_bluetooth: None) -> None:
    devices = [sleeve(f"C0:FF:EE:00:01:{number:02X}") for number in range(5)]
    give_ana_an_inhaler(living)
    for device in devices:
        own(living, device)
        puffs(device, 30, envelope=[10.0] * 20)
    with radio(*devices) as air:
        await living.set_up()
        for device in devices:
            advertise(living.hass, device)
            advertise(living.hass, device)
        await living.settle()

    assert air.most_open == 2
    assert sorted(air.connections) == sorted(device.address for device in devices)
    assert len(await recorded(living)) == 150


async def test_a_key_that_was_replaced_elsewhere_is_said(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    await hear(living, device)
    device.adopt_key(OTHER_KEY, 0)
    await later(living, LOST_TRACK_S)
    for percent in range(LOST_TRACK):
        device.battery = percent
        await hear(living, device)

    issues = ir.async_get(living.hass)
    issue = issues.async_get_issue(DOMAIN, f"device_key_lost_{device_of(living).owner.source}")
    assert issue is not None
    assert issue.translation_placeholders == {"device": "Own inhaler_sleeve"}


async def test_a_defect_below_us_is_logged_and_not_tried_with_every_packet(
    living: Living, blue: tuple[Any, Air], caplog: pytest.LogCaptureFixture
) -> None:
    device, air = blue

    def burst() -> None:
        msg = "a driver's own error"
        raise RuntimeError(msg)

    air.before_write = burst
    for percent in range(5):
        device.battery = percent
        await hear(living, device)

    assert len(air.connections) == 1
    assert air.open == 0
    assert caplog.text.count("RuntimeError: a driver's own error") == 1


async def given_up(living: Living, device: Peripheral) -> bool:
    """Return whether the talk that an advert begins is over within two minutes."""
    advertise(living.hass, device)
    tries = device_of(living).counts["failed: connection_failed"]
    for _ in range(120):
        for _ in range(20):
            await asyncio.sleep(0)
        living.clock.tick(timedelta(seconds=1))
        if device_of(living).counts["failed: connection_failed"] > tries:
            return True
    return False


async def test_who_never_comes_to_an_end_does_not_keep_the_line(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    begun = 0
    again: asyncio.TimerHandle | None = None

    def begin_again(client: Client) -> None:
        nonlocal begun, again
        begun += 1
        client.notify(b"\x80\x02")
        again = asyncio.get_running_loop().call_later(5, begin_again, client)

    # A first fragment, and another first fragment: each is in time, none is the last.
    air.instead = begin_again

    assert await given_up(living, device)
    assert again is not None
    again.cancel()
    assert air.open == 0
    assert begun > 2


async def test_a_driver_that_never_returns_does_not_keep_the_line(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue

    async def hang() -> None:
        await asyncio.Event().wait()

    air.during = hang

    assert await given_up(living, device)
    assert air.open == 0


async def test_a_device_that_left_the_household_leaves_no_complaint(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    await hear(living, device)
    device.adopt_key(OTHER_KEY, 0)
    await later(living, LOST_TRACK_S)
    for percent in range(LOST_TRACK):
        device.battery = percent
        await hear(living, device)
    issue = f"device_key_lost_{device_of(living).owner.source}"
    assert ir.async_get(living.hass).async_get_issue(DOMAIN, issue) is not None

    living.hass.config_entries.async_remove_subentry(living.entry, "device_07")
    await living.settle()

    assert ir.async_get(living.hass).async_get_issue(DOMAIN, issue) is None


# A bed.


async def test_a_bed_is_watched_and_its_nights_are_kept(
    living: Living, enable_bluetooth: None, heard: list[Reading]
) -> None:
    device = bed_node()
    own(living, device)
    for _ in range(90):
        living.clock.tick(timedelta(minutes=1))
        device.epoch(occupied=True, heart_rate=58, respiratory_rate=14.5, motion=0.1, quality=0.9)
    with radio(device):
        await living.set_up()
        await hear(living, device)

    ana = registry_id(living.hass, "person.ana")
    epochs = await living.coordinator.diary.async_epochs(ana, dt_util.utcnow() - timedelta(hours=3))
    assert len(epochs) == 90
    assert {(each.occupied, each.heart_rate, each.respiratory_rate, each.room) for each in epochs} == {
        (True, 58.0, 14.5, "bedroom")
    }
    rates = [each for each in heard if each.measurand is Measurand.HEART_RATE]
    assert 1 < len(rates) <= 22
    assert {(each.place, each.person) for each in rates} == {("bedroom", ana)}
    assert all(dt_util.utcnow() - each.at <= timedelta(minutes=20) for each in rates)
    assert device_of(living, BED).occupied is True


async def test_who_gets_up_is_seen_at_once_without_a_connection(
    living: Living, enable_bluetooth: None, heard: list[Reading]
) -> None:
    device = bed_node()
    own(living, device)
    with radio(device) as air:
        await living.set_up()
        device.epoch(occupied=True)
        await hear(living, device)
        for _ in range(3):
            await later(living, 60)
            device.epoch(occupied=True)
            await hear(living, device)
        await later(living, 60)
        device.epoch(occupied=False)
        await hear(living, device)

        assert len(air.connections) == 1
        assert device_of(living, BED).occupied is False
        occupancy = [each.value for each in heard if each.measurand is Measurand.BED_OCCUPANCY]
        assert occupancy[-1] == 0.0

        await later(living, 60)
        await hear(living, device)
        assert len(air.connections) == 2


# Entities, and what nobody needs to know.


async def test_health_is_shown_only_where_it_was_chosen(living: Living, blue: tuple[Any, Air]) -> None:
    registry = er.async_get(living.hass)
    mine = {
        entry.entity_id: entry.disabled_by
        for entry in registry.entities.values()
        if entry.platform == DOMAIN and entry.config_subentry_id == "device_07"
    }

    shown = {entity_id for entity_id, disabled in mine.items() if disabled is None}
    assert {"button.own_inhaler_sleeve_identify", "sensor.own_inhaler_sleeve_battery"} <= shown
    assert mine["event.own_inhaler_sleeve_puff"] is er.RegistryEntryDisabler.INTEGRATION
    assert not any("puff" in entity_id for entity_id in shown)


@pytest.mark.usefixtures("all_entities_enabled")
async def test_a_puff_event_says_when_and_nothing_else(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    puffs(device, 1, shake_s=4.0, tilt_deg=12, peak_flow_lpm=60)
    await hear(living, device)

    state = living.hass.states.get("event.own_inhaler_sleeve_puff")
    assert state is not None
    assert state.attributes["event_type"] == "puff"
    assert set(state.attributes) - {"event_types", "friendly_name"} == {"event_type", "at"}


async def test_the_device_is_known_with_its_firmware(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    device.firmware = (1, 4, 2)
    await hear(living, device)

    entry = dr.async_get(living.hass).async_get(device_of(living).owner.source)
    assert isinstance(entry, dr.DeviceEntry)
    assert entry.sw_version == "1.4.2"
    assert entry.connections == {(dr.CONNECTION_BLUETOOTH, SLEEVE)}
    assert entry.identifiers == {(DOMAIN, SLEEVE)}


async def test_identify_lets_it_blink_or_says_why_not(living: Living, blue: tuple[Any, Air]) -> None:
    device, air = blue
    press = {"entity_id": "button.own_inhaler_sleeve_identify"}
    with pytest.raises(HomeAssistantError) as far:
        await living.hass.services.async_call("button", "press", press, blocking=True)
    assert far.value.translation_key == "device_out_of_range"

    await hear(living, device)
    await living.hass.services.async_call("button", "press", press, blocking=True)
    assert device.identifying

    air.out_of_slots = True
    with pytest.raises(HomeAssistantError) as busy:
        await living.hass.services.async_call("button", "press", press, blocking=True)
    assert busy.value.translation_key == "device_not_reached"


async def test_diagnostics_name_neither_key_nor_address_nor_person(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    puffs(device, 3)
    await hear(living, device)

    text = str(await async_get_config_entry_diagnostics(living.hass, living.entry))

    assert "device_1" in text
    assert "'talked': True" in text
    assert "talks" not in text
    assert "pages" not in text
    for secret in (KEY.hex(), SLEEVE, registry_id(living.hass, "person.ana"), "blue"):
        assert secret not in text


# Without Bluetooth.


async def test_a_house_without_bluetooth_lives_and_says_so(living: Living) -> None:
    own(living, sleeve())
    await living.set_up()

    assert living.coordinator.own_devices.listening is False
    assert living.bathroom.surface_humidity is not None or living.shown("sensor.home_status") != "unavailable"
    assert ir.async_get(living.hass).async_get_issue(DOMAIN, "bluetooth_missing") is not None


async def test_a_house_without_own_devices_misses_nothing(living: Living) -> None:
    await living.set_up()

    assert ir.async_get(living.hass).async_get_issue(DOMAIN, "bluetooth_missing") is None


async def test_bluetooth_may_come_later(living: Living, request: pytest.FixtureRequest) -> None:
    device = sleeve()
    own(living, device)
    give_ana_an_inhaler(living)
    await living.set_up()
    assert ir.async_get(living.hass).async_get_issue(DOMAIN, "bluetooth_missing") is not None

    with radio(device):
        await _bluetooth_comes(living.hass, request)
        puffs(device, 2)
        await hear(living, device)

    assert living.coordinator.own_devices.listening is True
    assert ir.async_get(living.hass).async_get_issue(DOMAIN, "bluetooth_missing") is None
    assert len(await recorded(living)) == 2


async def _bluetooth_comes(hass: HomeAssistant, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("mock_bluetooth")
    assert await async_setup_component(hass, "bluetooth", {})
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_the_house_looks_after_its_own_devices(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    await hear(living, device)

    source = device_of(living).owner.source
    views = {view.source: view for view in living.coordinator.engine.devices(dt_util.utcnow())}
    assert views[source].last_heard is not None
    assert living.coordinator.care.facts[source].mains is False
    assert living.coordinator.care.facts[source].portable is True


async def test_a_sleeve_taken_along_is_no_trouble(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    boxes = Boxes(living)
    await hear(living, device)
    source = device_of(living).owner.source
    others = [each for each in boxes.care.facts if each != source]

    def hum(now: datetime) -> None:
        for each in others:
            boxes.say(each, Measurand.RELATIVE_HUMIDITY, 50.0 + now.minute / 10.0)

    def at_home(now: datetime) -> None:
        hum(now)
        boxes.say(source, Measurand.BATTERY, 83.0)

    await boxes.live(timedelta(days=2), at_home)
    silent = er.async_get(living.hass).async_get_entity_id(
        "binary_sensor", DOMAIN, f"{living.entry.entry_id}_{source}_silent"
    )
    assert silent is not None
    assert living.shown(silent) == "off"

    await boxes.live(timedelta(days=3), hum)

    assert boxes.view(source).away_since is not None
    assert living.shown(silent) == STATE_UNKNOWN
    state = living.hass.states.get(silent)
    assert state is not None
    # Where it is, is where its owner is: no state says so.
    assert state.attributes["last_heard"] is None
    assert [each for each in await boxes.items("needs_action") if "silent" in each["uid"]] == []
    assert needing_care(boxes.care)["silent"] == 0


async def test_a_device_that_was_reset_is_said_and_counts_nothing_twice(living: Living, blue: tuple[Any, Air]) -> None:
    device, _ = blue
    puffs(device, 9)
    await hear(living, device)
    device.flash.log.restart(0)
    puffs(device, 2)
    await later(living, 61)
    await hear(living, device)

    issue = ir.async_get(living.hass).async_get_issue(DOMAIN, f"device_reset_{device_of(living).owner.source}")
    assert issue is not None
    assert len(await recorded(living)) == 9

    # A new key lets it count on from where it was.
    device.flash.log.restart((await living.coordinator.diary.async_log_state(SLEEVE)).cursor)
    puffs(device, 2)
    await later(living, FIRST_WAIT_S * 2)
    await hear(living, device)

    assert len(await recorded(living)) == 11
    assert ir.async_get(living.hass).async_get_issue(DOMAIN, issue.issue_id) is None


async def test_the_log_names_nobody(living: Living, enable_bluetooth: None, caplog: pytest.LogCaptureFixture) -> None:
    device = sleeve()
    give_ana_an_inhaler(living)
    own(living, device)
    living.hass.config_entries.async_update_subentry(
        living.entry, living.entry.subentries["device_07"], title="Anas secret spray"
    )
    with radio(device) as air:
        await living.set_up()
        caplog.set_level(logging.DEBUG)
        caplog.clear()
        air.drop_after = 3
        await hear(living, device)
        await hear(living, sleeve(key=OTHER_KEY, counter=50))

    ours = [record.getMessage() for record in caplog.records if record.name.startswith("custom_components.smartloop")]
    assert any("is not believed" in message for message in ours)
    assert any("was not fetched" in message for message in ours)
    assert "secret" not in " ".join(ours)
