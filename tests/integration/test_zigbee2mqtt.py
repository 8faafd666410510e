"""What Zigbee2MQTT's entities tell of its radio, as different versions and settings write it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er

from custom_components.smartloop.adapters.radio import last_seen, radio_fact
from custom_components.smartloop.adapters.radio_fact import RadioFact
from custom_components.smartloop.adapters.zigbee2mqtt import facts_of, ieee_of

from .house import add_device, add_platform

IEEE = "0x00124b0000000001"
SEEN = datetime(2026, 11, 22, 6, 30, 0, tzinfo=UTC)


@pytest.fixture
def box(hass: HomeAssistant) -> dr.DeviceEntry:
    return dr.async_get(hass).async_get_or_create(
        config_entry_id=add_platform(hass, "mqtt").entry_id, identifiers={("mqtt", f"zigbee2mqtt_{IEEE}")}, name="Box"
    )


def shows(
    hass: HomeAssistant, box: dr.DeviceEntry, prop: str, value: str, attributes: dict[str, Any] | None = None
) -> None:
    entry = er.async_get(hass).async_get_or_create(
        "sensor",
        "mqtt",
        f"{IEEE}_{prop}_zigbee2mqtt",
        suggested_object_id=f"box_{prop}",
        device_id=box.id,
        config_entry=add_platform(hass, "mqtt"),
        entity_category=EntityCategory.DIAGNOSTIC,
    )
    hass.states.async_set(entry.entity_id, value, attributes or {})


def test_link_quality_and_last_seen_are_entities(hass: HomeAssistant, box: dr.DeviceEntry) -> None:
    shows(hass, box, "temperature", "20")
    shows(hass, box, "linkquality", "187")
    shows(hass, box, "last_seen", "2026-11-22T06:30:00+00:00")

    fact = RadioFact(radio="zigbee2mqtt", lqi=187, last_seen=SEEN, available=True)
    assert facts_of(hass, box) == radio_fact(hass, box.id) == fact
    assert last_seen(hass, box.id) == SEEN
    assert ieee_of(box) == IEEE


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-22T06:30:00.000Z", SEEN),
        ("2026-11-22T07:30:00+01:00", SEEN),
        (1795329000000, SEEN),
        (1795329000, SEEN),
        ("2026-11-22T06:30:00", None),
        ("yesterday", None),
        ("unknown", None),
        (None, None),
        ("1e400", None),
        ("nan", None),
        (10**30, None),
    ],
)
def test_a_time_is_read_however_it_is_written(
    hass: HomeAssistant, box: dr.DeviceEntry, written: object, meant: datetime | None
) -> None:
    """Before version 2 both were attributes; the owner chooses how times are written."""
    shows(hass, box, "temperature", "20", {"last_seen": written, "linkquality": 42})

    fact = facts_of(hass, box)
    assert fact is not None
    assert fact.last_seen == meant
    assert fact.lqi == 42


@pytest.mark.parametrize("value", ["unknown", "-1", "256", "nan", "loud"])
def test_what_cannot_be_a_link_quality_is_none(hass: HomeAssistant, box: dr.DeviceEntry, value: str) -> None:
    shows(hass, box, "linkquality", value)

    fact = facts_of(hass, box)
    assert fact is not None
    assert fact.lqi is None


def test_a_box_that_cannot_be_reached_says_so_and_one_that_says_nothing_does_not(
    hass: HomeAssistant, box: dr.DeviceEntry
) -> None:
    assert facts_of(hass, box) == RadioFact(radio="zigbee2mqtt")

    shows(hass, box, "temperature", "unavailable", {"restored": True})
    assert facts_of(hass, box) == RadioFact(radio="zigbee2mqtt")

    shows(hass, box, "temperature", "unavailable")
    assert facts_of(hass, box) == RadioFact(radio="zigbee2mqtt", available=False)

    shows(hass, box, "humidity", "50")
    assert facts_of(hass, box) == RadioFact(radio="zigbee2mqtt", available=True)


def test_other_devices_are_others(hass: HomeAssistant) -> None:
    assert facts_of(hass, add_device(hass, "mqtt", "Tasmota", None)) is None
    assert facts_of(hass, add_device(hass, "zha", "zigbee2mqtt_0x01", None)) is None
