"""What our boards shout is what Home Assistant's own BTHome parser hears."""

import subprocess
from pathlib import Path

import pytest
from bleak.backends.device import BLEDevice
from bluetooth_data_tools import parse_advertisement_data
from bthome_ble import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak

from hardware.simulator.esphome.firmware import HARDWARE
from tests.hardware.toolchain import Compile

KEY = "231d39c1d7cc1ab1aee224cd096db932"
MAC = "5448E68F80A5"
BATTERY, TEMPERATURE, HUMIDITY, VOLTAGE, MOISTURE = (
    ("1", "1", "1", "0"), ("2", "2", "100", "1"), ("3", "2", "100", "0"), ("12", "2", "1000", "0"), ("32", "1", "1", "0"),
)  # fmt: skip


@pytest.fixture(scope="module")
def program(compiled: Compile) -> Path:
    sources = next(HARDWARE.glob(".venv/lib/python3*/site-packages"), None)
    if sources is None:
        pytest.skip("ESPHome is not here (script/setup hardware installs it)")
    cipher = sources / "esphome" / "components" / "ble_device_base" / "ble_aes_ccm.cpp"
    return compiled("bthome", HARDWARE / "components" / "bthome_broadcast", sources, extra=(cipher,))


def advert(program: Path, counter: int, *measured: tuple[tuple[str, ...], float], trigger: bool = False) -> bytes:
    arguments = [part for kind, value in measured for part in (*kind, str(value))]
    said = subprocess.run(
        [program, KEY, MAC, str(counter), str(int(trigger)), *arguments], capture_output=True, text=True, check=True
    )
    return bytes.fromhex(said.stdout)


def heard(raw: bytes, parser: BTHomeBluetoothDeviceData | None = None) -> dict[str, object]:
    """Parse as Home Assistant would; nothing when the parser does not believe it."""
    data = parse_advertisement_data((raw,))
    address = ":".join(MAC[at : at + 2] for at in range(0, 12, 2))
    info = BluetoothServiceInfoBleak(
        name="SL-Mold", address=address, rssi=-60, manufacturer_data={}, service_data=data.service_data,
        service_uuids=[], source="test", device=BLEDevice(address, None, None), advertisement=None, connectable=False,
        time=0.0, tx_power=None,
    )  # fmt: skip
    parser = parser or BTHomeBluetoothDeviceData(bindkey=bytes.fromhex(KEY))
    assert parser.supported(info)
    update = parser.update(info)
    values: dict[str, object] = {each.key: value.native_value for each, value in update.entity_values.items()}
    return values | {each.key: value.native_value for each, value in update.binary_entity_values.items()}


def test_the_mold_node(program: Path) -> None:
    raw = advert(
        program, 7, (BATTERY, 83), (TEMPERATURE, -3.25), (TEMPERATURE, 14.06), (HUMIDITY, 68.4), (VOLTAGE, 3.87)
    )
    assert len(raw) == 30
    values = heard(raw)
    assert values["battery"] == 83
    assert (values["temperature_1"], values["temperature_2"]) == (-3.25, 14.06)
    assert values["humidity"] == 68.4
    assert values["voltage"] == 3.87


def test_the_leak_node(program: Path) -> None:
    raw = advert(program, 1, (BATTERY, 100), (TEMPERATURE, 11.5), (VOLTAGE, 4.1), (MOISTURE, 1), trigger=True)
    assert heard(raw)["moisture"] is True
    assert raw[7] == 0x45


def test_what_is_no_number_or_does_not_fit_is_not_said(program: Path) -> None:
    values = heard(advert(program, 2, (BATTERY, float("nan")), (TEMPERATURE, 400.0), (HUMIDITY, 50.0)))
    assert values["humidity"] == 50.0
    assert "battery" not in values
    assert "temperature" not in values


@pytest.mark.parametrize("count", range(1, 6))
def test_every_length_is_sealed_rightly(program: Path, count: int) -> None:
    raw = advert(program, 0xFFFFFF01, *[(BATTERY, 10 + each) for each in range(count)])
    assert len([key for key in heard(raw) if str(key).startswith("battery")]) == count


def test_another_key_hears_nothing(program: Path) -> None:
    stranger = BTHomeBluetoothDeviceData(bindkey=bytes(16))
    assert "temperature" not in heard(advert(program, 3, (TEMPERATURE, 20.0)), stranger)


def test_the_counter_may_not_fall(program: Path) -> None:
    parser = BTHomeBluetoothDeviceData(bindkey=bytes.fromhex(KEY))
    assert heard(advert(program, 600, (TEMPERATURE, 20.0)), parser)["temperature"] == 20.0
    # After a power cut the board goes on at the next reserved block, never below.
    assert heard(advert(program, 768, (TEMPERATURE, 21.0)), parser)["temperature"] == 21.0
    heard(advert(program, 300, (TEMPERATURE, 5.0)), parser)
    assert parser.encryption_counter == 768
