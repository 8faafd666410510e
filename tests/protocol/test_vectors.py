"""Both implementations against one file of examples."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from custom_components.smartloop.protocol import (
    CONTROL_UUID,
    DATA_UUID,
    Anchor,
    DeviceClock,
    DeviceKind,
    Download,
    Flag,
    KeyExchange,
    MalformedError,
    RepeatError,
    ReplayError,
    VersionError,
    WrongKeyError,
    parse,
    parse_label,
)
from custom_components.smartloop.protocol.crypto import cmac, derive
from custom_components.smartloop.protocol.records import parse_page
from hardware.simulator.ble import seal
from hardware.simulator.ble.vectors import vectors

from .conftest import ROOT, VECTORS

ERRORS = {
    "malformed": MalformedError,
    "repeat": RepeatError,
    "replay": ReplayError,
    "version": VersionError,
    "wrong_key": WrongKeyError,
}


def named(row: dict[str, Any]) -> str:
    return str(row.get("name", row.get("kind")))


def test_the_file_is_what_the_device_says() -> None:
    assert vectors() == VECTORS


def test_the_device_uses_nothing_of_the_home() -> None:
    sources = list((ROOT / "hardware" / "simulator").rglob("*.py"))

    assert sources
    for path in sources:
        assert not re.search(r"^\s*(from|import) (custom_components|homeassistant)", path.read_text(), re.MULTILINE), (
            path
        )


@pytest.mark.parametrize(
    ("message", "mac"),
    [
        ("", "bb1d6929e95937287fa37d129b756746"),
        ("6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"),
        (
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
            "dfa66747de9ae63030ca32611497c827",
        ),
    ],
)
def test_cmac_is_that_of_rfc_4493(message: str, mac: str) -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")

    assert cmac(key, bytes.fromhex(message)).hex() == mac
    assert seal.cmac(key, bytes.fromhex(message)).hex() == mac


@pytest.mark.parametrize("row", VECTORS["derive"], ids=lambda row: row["label"])
def test_keys_are_derived_alike(row: dict[str, str]) -> None:
    derived = derive(bytes.fromhex(row["key"]), row["label"].encode(), bytes.fromhex(row["context"]))

    assert derived.hex() == row["derived"]


@pytest.mark.parametrize("row", VECTORS["adverts"], ids=named)
def test_adverts(row: dict[str, Any]) -> None:
    payload = bytes.fromhex(row["payload"])
    key = None if row["key"] is None else bytes.fromhex(row["key"])
    if "error" in row:
        with pytest.raises(ERRORS[row["error"]]) as raised:
            parse(payload, row["address"], key, row["last"])
        assert type(raised.value) is ERRORS[row["error"]]
        return

    advert = parse(payload, row["address"], key, row["last"])

    assert advert.counter == row["counter"]
    if "plain" in row:
        battery, events, last = bytes.fromhex(row["plain"])
        assert advert.battery_percent == (None if battery == 0xFF else battery)
        assert advert.event_count == events
        assert advert.flags == Flag(last >> 4)
    else:
        assert (Flag.SETUP_MODE in advert.flags, Flag.HAS_KEY in advert.flags) == (row["setup_mode"], row["has_key"])
        assert advert.firmware == "1.2"


@pytest.mark.parametrize(
    "row", [row for row in VECTORS["adverts"] if "advertising_data" in row], ids=lambda row: row["name"]
)
def test_adverts_fit_a_legacy_packet(row: dict[str, str]) -> None:
    data = bytes.fromhex(row["advertising_data"])

    assert len(data) == 31
    assert data[21:].hex() == row["payload"]


@pytest.mark.parametrize("row", VECTORS["sessions"], ids=named)
def test_sessions_byte_by_byte(row: dict[str, Any]) -> None:
    at = datetime.fromtimestamp(row["began"], UTC)
    download = Download(
        kind=DeviceKind(row["kind"]),
        address=row["address"],
        key=bytes.fromhex(row["key"]),
        cursor=row["cursor"],
        counter=0,
        nonce=bytes.fromhex(row["host_nonce"]),
    )
    writes = download.start(at)
    for step in row["steps"]:
        assert [write.data.hex() for write in writes] == step["writes"]
        assert {write.characteristic for write in writes} == {CONTROL_UUID}
        at += timedelta(seconds=row["step_s"])
        writes = [
            write for each in step["notifications"] for write in download.feed(DATA_UUID, bytes.fromhex(each), at)
        ]

    assert download.done
    assert writes == []
    assert download.cursor == row["cursor_after"]
    assert download.facts is not None
    assert download.facts.firmware == "1.0.0"
    assert (download.current is not None) == (row["kind"] == "bed_node")


def test_key_exchange_byte_by_byte() -> None:
    row = VECTORS["key_exchange"]
    at = datetime(2027, 1, 15, tzinfo=UTC)
    exchange = KeyExchange(
        kind=DeviceKind(row["kind"]),
        address=row["address"],
        cursor=row["cursor"],
        secret=bytes.fromhex(row["host_secret"]),
    )
    writes = exchange.start(at)
    for step in row["steps"]:
        assert [write.data.hex() for write in writes] == step["writes"]
        writes = [
            write for each in step["notifications"] for write in exchange.feed(DATA_UUID, bytes.fromhex(each), at)
        ]

    assert exchange.done
    assert exchange.key == bytes.fromhex(row["key"])


@pytest.mark.parametrize("row", VECTORS["pages"], ids=named)
def test_pages(row: dict[str, Any]) -> None:
    started = datetime(2027, 1, 15, tzinfo=UTC)
    ticks = 1_000_000
    now = Anchor(boot=7, ticks_ms=ticks, utc_ms=(started.timestamp() + ticks / 1000) * 1000, error_ms=1)
    page = parse_page(bytes.fromhex(row["page"]), row["cursor"], 99, DeviceClock(now).at)

    assert (page.cursor, page.lost, page.unreadable, page.counter) == (
        row["cursor_after"],
        row["lost"],
        row["unreadable"],
        99,
    )
    assert [event.event_id for event in page.events] == [each["id"] for each in row["events"]]
    for event, said in zip(page.events, row["events"], strict=True):
        assert event.at == started + timedelta(milliseconds=said["ticks"])
        for name, value in said.items():
            if name not in {"id", "ticks"}:
                assert getattr(event, name) == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("row", VECTORS["labels"], ids=lambda row: row["text"][:12])
def test_labels(row: dict[str, Any]) -> None:
    if "error" in row:
        with pytest.raises(MalformedError):
            parse_label(row["text"])
        return

    label = parse_label(row["text"])

    assert (label.address, label.key.hex()) == (row["address"], row["key"])


def test_the_specification_names_what_the_programs_use() -> None:
    text = Path(ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")

    for name in (
        "d7b40001-e49d-442a-8e79-b89fb412c841",
        seal.SALT.hex(),
        "SL1 advert",
        "SL1 session",
        "SL1 proof",
        "SL1 bind",
    ):
        assert name in text
