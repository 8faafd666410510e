"""The firmware's C++, compiled here: byte for byte the examples, and the twin of the simulated device."""

import random
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.smartloop.protocol import (
    DATA_UUID,
    Conversation,
    DeviceKind,
    Download,
    Identify,
    KeyExchange,
    LastEvent,
    WrongKeyError,
    parse,
)
from hardware.simulator.ble import seal, vectors
from hardware.simulator.ble.device import CAUSES
from hardware.simulator.ble.peripheral import CONTROL_HANDLE, INFO_HANDLE, BedNode, InhalerSleeve
from hardware.simulator.esphome.firmware import HARDWARE
from tests.hardware.toolchain import Compile

KEY, SLEEVE, BED = vectors.KEY, vectors.SLEEVE, vectors.BED


@pytest.fixture(scope="module")
def program(compiled: Compile) -> Path:
    sources = next(HARDWARE.glob(".venv/lib/python3*/site-packages"), None)
    if sources is None:
        pytest.skip("ESPHome is not here (script/setup hardware installs it)")
    component = HARDWARE / "components" / "smartloop_ble"
    core = tuple(component / f"{name}.cpp" for name in ("crypto", "records", "device"))
    cipher = sources / "esphome" / "components" / "ble_device_base" / "ble_aes_ccm.cpp"
    return compiled("device", component, sources, extra=(*core, cipher))


class Firmware:
    """A device of C++ with the face of a simulated one."""

    kind = "inhaler_sleeve"

    def __init__(
        self,
        program: Path,
        address: str,
        *,
        clock: Callable[[], float],
        key: bytes | None = None,
        capacity: int = 200,
        counter: int = 0,
        drift_ppm: float = 0.0,
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        self.address = address
        self._clock, self._rate, self._random = clock, 1 + drift_ppm * 1e-6, random
        self._zero = clock()
        self._notify: Callable[[int, bytes], None] | None = None
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        number = {"inhaler_sleeve": 1, "bed_node": 2}[self.kind]
        self.do("new", number, address.replace(":", ""), key.hex() if key else "-", capacity, counter)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(10) == 0, "the sanitizer had something to say"

    def do(self, command: str, *arguments: object) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        ticks = max(round((self._clock() - self._zero) * 1000 * self._rate), 0)
        self._process.stdin.write(" ".join(map(str, (command, ticks, *arguments))) + "\n")
        self._process.stdin.flush()
        said = []
        while (line := self._process.stdout.readline().strip()) != ".":
            assert line, "the firmware ended"
            said.append(line)
        return said

    @property
    def key(self) -> bytes | None:
        has_key, *_, key = self.do("memory")
        return bytes.fromhex(key) if has_key == "key" else None

    @property
    def head(self) -> int:
        return int(self.do("memory")[1])

    @property
    def identifying(self) -> bool:
        return self.do("memory")[2] == "1"

    def advert(self) -> bytes:
        return bytes.fromhex(self.do("advert")[0])

    def payload(self) -> bytes:
        return self.advert()[21:]

    def read(self, handle: int) -> bytes:
        return bytes.fromhex(self.do("info")[0])

    def connect(self, mtu: int, notify: Callable[[int, bytes], None]) -> None:
        self._notify = notify
        self.do("connect", mtu)

    def disconnect(self) -> None:
        self.do("disconnect")

    def write(self, handle: int, data: bytes) -> bool:
        if self._random is not None:
            for size in (8, 32):
                self.do("random", self._random(size).hex())
        assert self._notify is not None
        for line in self.do("write", data.hex() or "-"):
            self._notify(0x15, bytes.fromhex(line))
        return True

    def hold_button(self) -> None:
        self.do("button")

    def reboot(self, cause: str = "power") -> None:
        self.do("reboot", CAUSES[cause])
        self._zero = self._clock()

    def puff(
        self,
        *,
        shake_s: float | None = None,
        tilt_deg: float | None = None,
        peak_flow_lpm: float | None = None,
        envelope: Sequence[float | None] = (),
        envelope_step_s: float = 0.1,
        test: bool = False,
    ) -> None:
        figures = [shake_s, tilt_deg, peak_flow_lpm, envelope_step_s]
        samples = [len(envelope), *(number(each) for each in envelope)]
        self.do("puff", int(test), *(number(each) for each in figures), *samples)


class FirmwareBed(Firmware):
    kind = "bed_node"

    def epoch(
        self,
        *,
        occupied: bool | None,
        heart_rate: float | None = None,
        respiratory_rate: float | None = None,
        motion: float | None = None,
        quality: float | None = None,
        duration_s: int = 60,
    ) -> None:
        figures = [duration_s, heart_rate, respiratory_rate, motion, quality]
        self.do("epoch", -1 if occupied is None else int(occupied), *(number(each) for each in figures))


def number(value: float | None) -> str:
    return "nan" if value is None else str(value)


@pytest.fixture
def make(program: Path) -> Iterator[Callable[..., Any]]:
    made: list[Firmware] = []

    def build(cls: type[Firmware], *args: Any, **options: Any) -> Firmware:
        made.append(cls(program, *args, **options))
        return made[-1]

    yield build
    for each in made:
        each.close()


def talk(device: Any, conversation: Conversation, world: vectors.World, mtu: int = 23) -> None:
    heard: list[bytes] = []
    device.connect(mtu, lambda _handle, data: heard.append(data))
    try:
        writes = conversation.start(datetime.fromtimestamp(world.now, UTC))
        while writes:
            for write in writes:
                device.write(CONTROL_HANDLE, write.data)
            writes = []
            world.now += 0.01
            packets, heard[:] = heard[:], []
            for packet in packets:
                assert len(packet) <= mtu - 3
                writes += conversation.feed(DATA_UUID, packet, datetime.fromtimestamp(world.now, UTC))
    finally:
        device.disconnect()


def test_the_curve_is_that_of_rfc_7748(make: Callable[..., Any]) -> None:
    device = make(Firmware, SLEEVE, clock=lambda: 0.0)
    for secret in (bytes(range(1, 33)).hex(), bytes(range(65, 97)).hex(), "ff" * 32):
        ours = bytes.fromhex(device.do("public", secret)[0])
        assert ours == seal.public_key(bytes.fromhex(secret))
    scalar = "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"
    point = "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"
    assert device.do("shared", scalar, point) == ["c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"]
    assert device.do("shared", scalar, "00" * 32)[0] == "zeros"
    assert device.do("cmac", "2b7e151628aed2a6abf7158809cf4f3c", "-") == ["bb1d6929e95937287fa37d129b756746"]


def test_sessions_byte_for_byte(make: Callable[..., Any]) -> None:
    said = vectors.sessions(
        lambda *args, **options: make(Firmware, *args, **options),
        lambda *args, **options: make(FirmwareBed, *args, **options),
    )

    assert said == vectors.sessions()


def test_key_exchange_byte_for_byte(make: Callable[..., Any]) -> None:
    assert vectors.key_exchange(lambda *args, **options: make(Firmware, *args, **options)) == vectors.key_exchange()


def test_adverts_are_those_of_the_twin(make: Callable[..., Any]) -> None:
    world = vectors.World()
    firmware = make(Firmware, SLEEVE, key=KEY, clock=world.clock, capacity=20, counter=65_500)
    twin = InhalerSleeve(SLEEVE, key=KEY, clock=world.clock, capacity=20, counter=65_500)
    last = None
    for step in range(60):
        world.now += 17 * (step % 5)
        for device in (firmware, twin):
            if step % 3 == 0:
                device.puff(shake_s=step / 10, test=step % 2 == 0)
            if step == 40:
                device.hold_button()
            if step % 13 == 12:
                device.reboot("watchdog")
        assert firmware.advert() == twin.advert()
        assert firmware.read(INFO_HANDLE) == twin.read(INFO_HANDLE)
        if not twin.setup_mode and (heard := twin.payload()) and step % 13 == 12:
            advert = parse(heard, SLEEVE, KEY, last)
            assert advert.last_event is LastEvent.BOOT
            last = advert.counter


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["puff", "reboot", "wait", "download", "tell"]),
            st.integers(0, 400_000),
            st.one_of(st.none(), st.integers(0, 254)),
            st.lists(st.one_of(st.none(), st.integers(0, 500)), max_size=34),
        ),
        max_size=40,
    )
)
def test_whatever_happens_the_twins_say_the_same(
    make: Callable[..., Any], deeds: list[tuple[str, int, int | None, list[int | None]]]
) -> None:
    world = vectors.World()
    firmware = make(Firmware, SLEEVE, key=KEY, clock=world.clock, capacity=8, random=world.random)
    twin = InhalerSleeve(SLEEVE, key=KEY, clock=world.clock, capacity=8, random=world.random)
    for what, value, figure, envelope in [*deeds, ("download", 0, None, [])]:
        world.now += value
        for device in (firmware, twin):
            if what == "puff":
                shake = None if figure is None else figure / 10
                device.puff(shake_s=shake, tilt_deg=figure, peak_flow_lpm=figure, envelope=envelope[:32])
            elif what == "reboot":
                device.reboot("button")
        if what in {"download", "tell"}:
            start = world.now
            ends = []
            for device in (firmware, twin):
                world.now = start
                cursor = 0 if what == "download" else device.head
                fetched = Download(
                    kind=DeviceKind.INHALER_SLEEVE,
                    address=SLEEVE,
                    key=KEY,
                    cursor=cursor,
                    counter=0,
                    nonce=bytes(8),
                    mtu=64,
                )
                talk(device, fetched, world, 64)
                assert fetched.done
                ends.append((fetched.pages, fetched.facts))
            assert ends[0] == ends[1]
        assert firmware.advert() == twin.advert()


def test_a_night_in_the_bed(make: Callable[..., Any]) -> None:
    world = vectors.World()
    bed = make(FirmwareBed, BED, key=KEY, clock=world.clock, capacity=100)
    twin = BedNode(BED, key=KEY, clock=world.clock, capacity=100)
    for minute in range(150):
        world.now += 60
        for device in (bed, twin):
            device.epoch(
                occupied=minute > 3, heart_rate=50 + minute % 9, respiratory_rate=13.5, motion=minute % 20 / 20
            )
    pages = []
    for device in (bed, twin):
        world.now = vectors.START + 9100
        fetched = Download(kind=DeviceKind.BED_NODE, address=BED, key=KEY, cursor=0, counter=0, mtu=247)
        talk(device, fetched, world, 247)
        assert fetched.current is not None
        pages.append(fetched.pages)

    assert pages[0] == pages[1]
    assert sum(page.lost for page in pages[0]) == 51
    blink = Identify(kind=DeviceKind.BED_NODE, address=BED, key=KEY, seconds=5)
    talk(bed, blink, world)
    assert bed.identifying
    world.now += 6
    assert not bed.identifying


def test_a_lost_key_is_replaced_and_the_old_log_gone(make: Callable[..., Any]) -> None:
    world = vectors.World()
    sleeve = make(Firmware, SLEEVE, key=KEY, clock=world.clock)
    sleeve.puff(shake_s=5)
    sleeve.hold_button()
    exchange = KeyExchange(kind=DeviceKind.INHALER_SLEEVE, address=SLEEVE, cursor=2)
    talk(sleeve, exchange, world)

    assert exchange.key is not None
    assert sleeve.key == exchange.key
    with pytest.raises(WrongKeyError):
        talk(sleeve, Download(kind=DeviceKind.INHALER_SLEEVE, address=SLEEVE, key=KEY, cursor=0, counter=0), world)
    fetched = Download(kind=DeviceKind.INHALER_SLEEVE, address=SLEEVE, key=exchange.key, cursor=2, counter=0)
    talk(sleeve, fetched, world)
    assert fetched.done
    assert fetched.pages == []


def test_noise_moves_nothing_in_the_firmware(make: Callable[..., Any]) -> None:
    world = vectors.World()
    sleeve = make(Firmware, SLEEVE, key=KEY, clock=world.clock)
    rng = random.Random(1)
    answers: list[bytes] = []
    sleeve.connect(23, lambda _handle, data: answers.append(data))
    for _ in range(3000):
        sleeve.write(
            CONTROL_HANDLE,
            bytes([rng.choice((0x80, 0xC0, 0xC0, 1, 0x41))])
            + bytes([rng.choice((1, 3, 5, 16))])
            + rng.randbytes(rng.randrange(300)),
        )

    assert sleeve.key == KEY
    assert sleeve.head == 1
    assert answers
