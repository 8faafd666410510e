"""A bed's minute becomes readings: what is doubtful is left out, what is old is not now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.smartloop.adapters.device_log import Owner, readings
from custom_components.smartloop.diary import StoredEpoch
from custom_components.smartloop.protocol import DeviceKind

from .said import NOON

OWNER = Owner(
    address="AA:BB:CC:DD:EE:01",
    kind=DeviceKind.BED_NODE,
    source="bed",
    person="ana",
    inhaler=None,
    room="bedroom",
)
MINUTE = StoredEpoch(
    id="AA:BB:CC:DD:EE:01/7",
    source="bed",
    person="ana",
    room="bedroom",
    at=NOON,
    occupied=True,
    heart_rate=58.0,
    respiratory_rate=14.5,
    motion=0.1,
    quality=0.9,
)


def said(epoch: StoredEpoch, age: timedelta = timedelta(minutes=2)) -> dict[str, float]:
    return {each.measurand.value: each.value for each in readings(OWNER, epoch, NOON + age)}


def test_a_minute_is_ana_s_and_measured() -> None:
    assert said(MINUTE) == {"bed_occupancy": 1.0, "heart_rate": 58.0, "respiratory_rate": 14.5, "bed_motion": 0.1}
    assert {(each.person, each.place, each.quality) for each in readings(OWNER, MINUTE, NOON)} == {
        ("ana", "bedroom", 1.0)
    }


@pytest.mark.parametrize("quality", [0.0, 0.49])
def test_a_doubtful_pulse_is_not_known(quality: float) -> None:
    assert said(replace(MINUTE, quality=quality)) == {"bed_occupancy": 1.0, "bed_motion": 0.1}


def test_what_was_not_measured_is_left_out() -> None:
    assert said(replace(MINUTE, heart_rate=None, occupied=None, quality=None)) == {
        "respiratory_rate": 14.5,
        "bed_motion": 0.1,
    }


@pytest.mark.parametrize("age", [timedelta(minutes=-1), timedelta(hours=1)])
def test_the_night_and_the_future_are_not_now(age: timedelta) -> None:
    assert said(MINUTE, age) == {}


def test_what_no_body_does_is_left_out() -> None:
    assert "heart_rate" not in said(replace(MINUTE, heart_rate=900.0))
