"""What the radio hears: opened, refused, never a surprise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.smartloop.protocol import (
    DeviceKind,
    Flag,
    KeyMissingError,
    LastEvent,
    MalformedError,
    RepeatError,
    ReplayError,
    WrongKeyError,
    parse,
    peek,
)
from hardware.simulator.ble import advert as device

from .conftest import BED, KEY, SLEEVE, World

keys = st.binary(min_size=16, max_size=16)
EVENTS = [event for event in LastEvent if event is not LastEvent.UNKNOWN]


@settings(max_examples=200)
@given(
    keys,
    st.sampled_from(list(DeviceKind)),
    st.integers(1, 0xFFFFFFFF),
    st.integers(1, 0x7FFF),
    st.one_of(st.none(), st.integers(0, 100)),
    st.integers(0, 255),
    st.sampled_from(EVENTS),
    st.integers(0, 15),
)
def test_what_a_device_says_is_heard(
    key: bytes,
    kind: DeviceKind,
    counter: int,
    ahead: int,
    battery: int | None,
    event_id: int,
    event: LastEvent,
    flags: int,
) -> None:
    plain = device.state(battery, event_id, event, flags)
    payload = device.sealed(kind, SLEEVE, key, counter, plain)

    advert = parse(payload, SLEEVE, key, max(counter - ahead, 0))

    assert (advert.kind, advert.counter, advert.battery_percent) == (kind, counter, battery)
    assert (advert.event_count, advert.last_event, advert.flags) == (event_id, event, Flag(flags))
    for other in (counter, min(counter + ahead, 0xFFFFFFFF)):
        with pytest.raises(ReplayError):
            parse(payload, SLEEVE, key, other)
    with pytest.raises(WrongKeyError):
        parse(payload, BED, key, max(counter - ahead, 0))


@given(st.integers(0, 79))
def test_no_bit_can_be_turned(bit: int) -> None:
    payload = bytearray(device.sealed("inhaler_sleeve", SLEEVE, KEY, 4711, device.state(90, 3, "puff", 0)))
    payload[bit // 8] ^= 1 << bit % 8
    if not payload[0] & 0x80:
        return  # the open form proves nothing and is not believed

    with pytest.raises((WrongKeyError, ReplayError, MalformedError, Exception)) as raised:
        parse(bytes(payload), SLEEVE, KEY, 4710)

    assert type(raised.value).__module__.endswith("protocol.errors")


def test_without_a_key_nothing_is_told(world: World) -> None:
    payload = world.sleeve().payload()

    with pytest.raises(KeyMissingError):
        parse(payload, SLEEVE, None, None)


def test_the_counter_goes_on_over_restarts_and_a_quiet_minute(world: World) -> None:
    sleeve = world.sleeve()
    seen: list[int] = []
    last: int | None = None
    for event in range(12):
        if event % 4 == 3:
            sleeve.reboot()
        else:
            world.now += 61
        advert = parse(sleeve.payload(), SLEEVE, KEY, last)
        with pytest.raises(RepeatError):
            parse(sleeve.payload(), SLEEVE, KEY, advert.counter)
        seen.append(advert.counter)
        last = advert.counter

    assert seen == sorted(set(seen))
    assert seen[3] - seen[2] > 1, "a restart gives up the counters it had reserved"


def test_the_advert_tells_of_a_puff_at_once(world: World) -> None:
    sleeve = world.sleeve(counter=70_000)
    before = parse(sleeve.payload(), SLEEVE, KEY, None)
    sleeve.puff(shake_s=5)

    after = parse(sleeve.payload(), SLEEVE, KEY, before.counter)

    assert after.counter == before.counter + 1
    assert after.last_event is LastEvent.PUFF
    assert after.event_count == before.event_count + 1
    assert Flag.CLOCK_LOST in after.flags


def test_set_up_mode_is_open_and_says_nothing_of_anybody(world: World) -> None:
    sleeve = world.sleeve()
    sleeve.puff(shake_s=5)
    sleeve.hold_button()

    advert = parse(sleeve.payload(), SLEEVE, KEY, None)

    assert not advert.encrypted
    assert advert.flags == Flag.SETUP_MODE | Flag.HAS_KEY
    assert (advert.last_event, advert.event_count) == (LastEvent.NONE, 0)
    world.now += 121
    assert parse(sleeve.payload(), SLEEVE, KEY, None).encrypted


@given(st.binary(max_size=40))
def test_peek_never_raises_and_agrees_with_parse(payload: bytes) -> None:
    claim = peek(payload)
    if claim is None:
        with pytest.raises(MalformedError):
            parse(payload, SLEEVE, KEY, None)
    else:
        assert 1 <= claim.version <= 15


def test_a_bad_address_or_key_is_our_own_error() -> None:
    payload = device.sealed("inhaler_sleeve", SLEEVE, KEY, 1, bytes(3))

    with pytest.raises(MalformedError):
        parse(payload, "not an address", KEY, None)
    with pytest.raises(MalformedError):
        parse(payload, SLEEVE, b"short", None)
