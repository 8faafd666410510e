"""The log, fetched over connections that break, from devices that restart, forget and are taken over."""

import contextlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.smartloop.protocol import (
    DATA_UUID,
    BootRecord,
    DeviceKind,
    Download,
    EpochRecord,
    Flag,
    Identify,
    KeyExchange,
    KeyMissingError,
    MalformedError,
    ProtocolError,
    PuffRecord,
    Record,
    ReplayError,
    SetupModeError,
    WrongKeyError,
    parse_info,
)
from hardware.simulator.ble.peripheral import INFO_HANDLE, BedNode, InhalerSleeve, Peripheral

from .conftest import KEY, SLEEVE, LinkLostError, World


def download(device: Peripheral, *, cursor: int = 0, counter: int = 0, key: bytes = KEY, mtu: int = 23) -> Download:
    kind = DeviceKind(device.kind)
    return Download(kind=kind, address=device.address, key=key, cursor=cursor, counter=counter, mtu=mtu)


def events(talk: Download) -> list[Record]:
    return [event for page in talk.pages for event in page.events]


@pytest.mark.parametrize("mtu", [23, 100, 247, 517])
def test_a_week_away_from_home(world: World, mtu: int) -> None:
    sleeve = world.sleeve(drift_ppm=-60)
    taken: list[float] = []
    for _ in range(40):
        world.now += 4 * 3600
        sleeve.puff(shake_s=4.2, tilt_deg=17, peak_flow_lpm=38, envelope=[0, 20, 38, None, 6], envelope_step_s=0.25)
        taken.append(world.now)
    talk = download(sleeve, mtu=mtu)
    world.talk(sleeve, talk, mtu=mtu)

    assert talk.done
    first, *puffs = events(talk)
    assert isinstance(first, BootRecord)
    assert [puff.event_id for puff in puffs] == list(range(2, 42))
    for puff, at in zip(puffs, taken, strict=True):
        assert isinstance(puff, PuffRecord)
        assert abs(puff.at.timestamp() - at) <= puff.uncertainty_s
    last = puffs[-1]
    assert isinstance(last, PuffRecord)
    assert (last.shake_s, last.tilt_deg, last.peak_flow_lpm, last.test) == (4.2, 17.0, 38.0, False)
    assert (last.envelope, last.envelope_step_s) == ((0.0, 20.0, 38.0, None, 6.0), 0.25)
    assert talk.facts is not None
    assert Flag.CLOCK_LOST in talk.facts.flags
    again = download(sleeve, cursor=talk.cursor, counter=talk.facts.counter, mtu=mtu)
    world.talk(sleeve, again, mtu=mtu)
    assert again.done
    assert again.pages == []
    assert again.facts is not None
    assert Flag.CLOCK_LOST not in again.facts.flags


def test_what_is_not_measured_is_missing(world: World) -> None:
    sleeve = world.sleeve()
    sleeve.puff(test=True)
    talk = download(sleeve)
    world.talk(sleeve, talk)

    puff = events(talk)[-1]
    assert isinstance(puff, PuffRecord)
    assert (puff.shake_s, puff.tilt_deg, puff.peak_flow_lpm, puff.envelope) == (None, None, None, None)
    assert puff.test


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=12))
def test_broken_connections_lose_and_double_nothing(breaks: list[int]) -> None:
    world = World()
    sleeve = world.sleeve()
    for _ in range(60):
        world.now += 600
        sleeve.puff(shake_s=5, envelope=[10] * 20)
    cursor, counter = 0, 0
    committed: list[int] = []
    for drop_after in [*breaks, None]:
        talk = download(sleeve, cursor=cursor, counter=counter)
        with contextlib.suppress(LinkLostError):
            world.talk(sleeve, talk, drop_after=drop_after)
        for page in talk.pages:
            committed += [event.event_id for event in page.events]
            cursor, counter = page.cursor, page.counter

    assert committed == list(range(1, 62))


def test_overwritten_events_are_told(world: World) -> None:
    sleeve = world.sleeve(capacity=30)
    for _ in range(99):
        world.now += 60
        sleeve.puff()
    talk = download(sleeve, cursor=20)
    world.talk(sleeve, talk)

    assert sum(page.lost for page in talk.pages) == 50
    assert [event.event_id for event in events(talk)] == list(range(71, 101))
    assert talk.facts is not None
    assert Flag.LOG_OVERFLOW in talk.facts.flags
    after = download(sleeve, cursor=talk.cursor)
    world.talk(sleeve, after)
    assert after.facts is not None
    assert Flag.LOG_OVERFLOW not in after.facts.flags


def test_restarts_away_from_home_keep_the_order_and_bound_the_time(world: World) -> None:
    sleeve = world.sleeve()
    world.talk(sleeve, home := download(sleeve))
    taken: list[float] = []
    for _ in range(4):
        world.now += 3600
        sleeve.puff()
        taken.append(world.now)
        sleeve.reboot("low_voltage")
        world.now += 600
        sleeve.puff()
        taken.append(world.now)
    talk = download(sleeve, cursor=home.cursor)
    world.talk(sleeve, talk)

    puffs = [event for event in events(talk) if isinstance(event, PuffRecord)]
    assert [puff.at for puff in puffs] == sorted(puff.at for puff in puffs)
    for puff, at in zip(puffs, taken, strict=True):
        assert abs(puff.at.timestamp() - at) <= puff.uncertainty_s + 0.01
    assert sum(isinstance(event, BootRecord) for event in events(talk)) == 4


def test_a_night_in_bed(world: World) -> None:
    bed = world.bed()
    fell_asleep = world.now
    for minute in range(480):
        world.now += 60
        bed.epoch(occupied=True, heart_rate=55, respiratory_rate=13.5, motion=0.125, quality=0.8 if minute else None)
    bed.epoch(occupied=None)
    talk = download(bed, mtu=247)
    world.talk(bed, talk, mtu=247)

    nights = [event for event in events(talk) if isinstance(event, EpochRecord)]
    assert len(nights) == 481
    assert nights[0].quality is None
    assert abs(nights[0].at.timestamp() - fell_asleep - 60) < 5
    epoch = nights[200]
    assert (epoch.occupied, epoch.heart_rate, epoch.respiratory_rate, epoch.motion) == (True, 55.0, 13.5, 0.125)
    assert (epoch.duration_s, epoch.quality) == (60, 0.8)
    assert talk.current is not None
    assert (talk.current.occupied, talk.current.heart_rate) == (None, None)


def test_a_stranger_learns_nothing_and_a_wrong_key_is_told(world: World) -> None:
    sleeve = world.sleeve()
    sleeve.puff(shake_s=5)
    stranger = download(sleeve, key=bytes(range(16)))

    with pytest.raises(WrongKeyError):
        world.talk(sleeve, stranger)

    assert stranger.pages == []
    assert stranger.facts is None
    assert len(world.heard) == 1, "no more than the challenge was answered"
    with pytest.raises(KeyMissingError):
        world.talk(keyless := world.sleeve(key=None), download(keyless))


def test_a_stranger_who_skips_the_proof_gets_an_error_only(world: World) -> None:
    sleeve = world.sleeve()
    heard: list[bytes] = []
    sleeve.connect(23, lambda _handle, data: heard.append(data))
    for message in (
        b"\x10" + bytes(20),
        b"\x01\x01" + bytes(8),
        b"\x10" + bytes(20),
        b"\x20",
        b"\x28" + bytes(6),
        b"\x05" + bytes(12),
    ):
        for start in range(0, len(message), 19):
            end = 0x40 if start + 19 >= len(message) else 0
            sleeve.write(0x13, bytes([(0x80 if not start else 0) | end | start // 19]) + message[start : start + 19])

    assert [data[1] for data in heard] == [0x7F, 0x02, 0x7F, 0x7F, 0x7F, 0x7F]
    assert sleeve.flash.key == KEY


def test_a_recorded_session_cannot_be_played_again(world: World) -> None:
    sleeve = world.sleeve()
    world.talk(sleeve, download(sleeve))
    recorded = world.heard

    fresh = download(sleeve)
    fresh.start(world.utc)
    with pytest.raises(WrongKeyError):
        fresh.feed(DATA_UUID, recorded[0], world.utc)


class Tampered(InhalerSleeve):
    """A sleeve one of whose notifications is changed on the way."""

    number = 0

    def connect(self, mtu: int, notify: Callable[[int, bytes], None]) -> None:
        count = itertools.count(1)

        def spoil(handle: int, data: bytes) -> None:
            notify(handle, data[:-1] + bytes([data[-1] ^ 1]) if next(count) == self.number else data)

        super().connect(mtu, spoil)


def test_every_packet_of_a_session_counts(world: World) -> None:
    sleeve = Tampered(SLEEVE, key=KEY, clock=world.clock)
    sleeve.puff(shake_s=5)
    world.talk(sleeve, download(sleeve))
    packets = len(world.heard)

    assert packets >= 9
    for sleeve.number in range(1, packets + 1):
        talk = download(sleeve)
        with pytest.raises((MalformedError, WrongKeyError)):
            world.talk(sleeve, talk)
        assert not talk.done


def test_a_log_or_counter_that_went_back_is_refused(world: World) -> None:
    sleeve = world.sleeve()
    with pytest.raises(ReplayError):
        world.talk(sleeve, download(sleeve, cursor=2))
    with pytest.raises(ReplayError):
        world.talk(sleeve, download(sleeve, counter=5000))


def test_a_lost_key_is_replaced_with_the_button_only(world: World) -> None:
    sleeve = world.sleeve()
    for _ in range(5):
        sleeve.puff()
    with pytest.raises(SetupModeError):
        world.talk(sleeve, KeyExchange(kind=DeviceKind.INHALER_SLEEVE, address=sleeve.address))
    assert sleeve.flash.key == KEY
    sleeve.hold_button()
    exchange = KeyExchange(kind=DeviceKind.INHALER_SLEEVE, address=sleeve.address, cursor=4)
    world.talk(sleeve, exchange)

    assert exchange.done
    assert exchange.key is not None
    assert exchange.key not in {None, KEY}
    assert not sleeve.setup_mode
    sleeve.puff()
    talk = download(sleeve, key=exchange.key, cursor=4)
    world.talk(sleeve, talk)
    assert [event.event_id for event in events(talk)] == [5], "the old log went, the numbers go on"


def test_set_up_mode_ends(world: World) -> None:
    sleeve = world.sleeve(key=None)
    sleeve.hold_button()
    world.now += 121
    with pytest.raises(SetupModeError):
        world.talk(sleeve, KeyExchange(kind=DeviceKind.INHALER_SLEEVE, address=sleeve.address))


def test_identify_blinks_for_a_while(world: World) -> None:
    bed = world.bed()
    talk = Identify(kind=DeviceKind.BED_NODE, address=bed.address, key=KEY, seconds=20)
    world.talk(bed, talk)

    assert talk.done
    assert bed.identifying
    world.now += 21
    assert not bed.identifying


def test_the_open_description(world: World) -> None:
    bed = world.bed()
    data = bed.read(INFO_HANDLE)

    assert data is not None
    assert len(data) <= 20
    info = parse_info(data)
    assert (info.kind, info.version, info.firmware, info.has_key, info.setup_mode) == (
        DeviceKind.BED_NODE, 1, "1.0.0", True, False,
    )  # fmt: skip
    with pytest.raises(MalformedError):
        parse_info(data[:10])


def test_a_slow_link_widens_the_uncertainty(world: World) -> None:
    sleeve = world.sleeve()
    sleeve.puff()
    world.step_s = 1.5
    talk = download(sleeve, mtu=247)
    world.talk(sleeve, talk, mtu=247)

    assert talk.facts is not None
    assert 1.0 < talk.facts.clock_uncertainty_s < 10


def test_a_device_that_never_ends_is_left(world: World) -> None:
    class Endless(BedNode):
        def _request(self, opcode: bytes, body: bytes) -> bytes:
            answer = super()._request(opcode, body)
            return answer[:1] + body[:4] + b"\0" + answer[6:] if opcode == b"\x28" else answer

    bed = Endless(world.bed().address, key=KEY, clock=world.clock)
    for _ in range(50):
        bed.epoch(occupied=False)
    talk = download(bed)
    try:
        world.talk(bed, talk)
    except ProtocolError:
        assert not talk.done
    assert len(talk.pages) <= 1


def test_times_are_never_in_the_future(world: World) -> None:
    sleeve = world.sleeve(drift_ppm=190)
    world.now += 30 * 86400
    sleeve.puff()
    talk = download(sleeve)
    world.talk(sleeve, talk)

    assert max(event.at for event in events(talk)) <= datetime.fromtimestamp(world.now, UTC) + timedelta(seconds=1)
