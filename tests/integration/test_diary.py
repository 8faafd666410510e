"""The diary: puffs and nights kept once, in order, with how far each device's log was read."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from homeassistant.core import HomeAssistant

from custom_components.smartloop.diary import Diary, LogState, Origin, StoredActuation, StoredEpoch
from custom_components.smartloop.ledger import Ledger, LedgerError

from .said import NOON

ADDRESS = "AA:BB:CC:DD:EE:01"
PUFF = StoredActuation(
    id="AA:BB:CC:DD:EE:01-7",
    person="ana",
    inhaler="blue",
    at=NOON,
    source="device-1",
    origin=Origin.BLE,
    uncertainty_s=2.5,
    shake_s=1.2,
    tilt_deg=20.0,
    peak_flow_lpm=45.0,
    envelope=(0.0, 20.0, 45.0, 12.5),
)
MINUTE = StoredEpoch(
    id="bed-1",
    source="device-2",
    person="ana",
    room="bedroom",
    at=NOON,
    occupied=True,
    heart_rate=58.0,
    respiratory_rate=None,
    motion=0.02,
    quality=0.9,
)


@pytest.fixture
async def ledger(hass: HomeAssistant) -> AsyncIterator[Ledger]:
    ledger = Ledger(hass)
    await ledger.async_open()
    yield ledger
    await ledger.async_close()


@pytest.fixture
def diary(ledger: Ledger) -> Diary:
    return Diary(ledger)


async def test_a_page_comes_back_as_it_was_and_once(diary: Diary) -> None:
    first = await diary.async_commit_page(ADDRESS, cursor=7, counter=90, actuations=[PUFF], epochs=[MINUTE])
    again = await diary.async_commit_page(ADDRESS, cursor=7, counter=90, actuations=[PUFF], epochs=[MINUTE])

    assert (first.actuations, first.epochs) == ((PUFF,), (MINUTE,))
    assert (again.actuations, again.epochs) == ((), ())
    assert await diary.async_actuations("ana", NOON) == [PUFF]
    assert await diary.async_epochs("ana", NOON) == [MINUTE]
    assert await diary.async_log_state(ADDRESS) == LogState(7, 90)


async def test_a_log_never_goes_back(diary: Diary) -> None:
    assert await diary.async_log_state(ADDRESS) == LogState(0, 0)
    await diary.async_commit_page(ADDRESS, cursor=7, counter=90)
    await diary.async_commit_page(ADDRESS, cursor=5, counter=80)
    await diary.async_save_counter(ADDRESS, 91)
    await diary.async_save_counter(ADDRESS, 12)

    assert await diary.async_log_state(ADDRESS) == LogState(7, 91)

    await diary.async_forget_log(ADDRESS)
    assert await diary.async_log_state(ADDRESS) == LogState(0, 0)


async def test_a_page_that_cannot_be_kept_moves_no_cursor(diary: Diary) -> None:
    broken = replace(PUFF, person=None)  # type: ignore[arg-type]

    with pytest.raises(LedgerError):
        await diary.async_commit_page(ADDRESS, cursor=8, counter=91, actuations=[PUFF, broken])

    assert await diary.async_log_state(ADDRESS) == LogState(0, 0)
    assert await diary.async_actuations(None, NOON) == []


async def test_each_sees_their_own_in_order(diary: Diary) -> None:
    later = replace(PUFF, id="2", at=NOON + timedelta(hours=1))
    ben = replace(PUFF, id="3", person="ben")
    for puff in (later, ben, PUFF):
        assert await diary.async_record_actuation(puff)
    assert not await diary.async_record_actuation(later)

    assert await diary.async_actuations("ana", NOON) == [PUFF, later]
    assert await diary.async_actuations("ana", NOON, NOON + timedelta(hours=1)) == [PUFF]
    assert len(await diary.async_actuations(None, NOON)) == 3


async def test_what_was_taken_back_is_not_brought_again(diary: Diary) -> None:
    await diary.async_record_actuation(PUFF)

    assert await diary.async_remove_actuation(PUFF.id)
    assert not await diary.async_remove_actuation(PUFF.id)
    assert not await diary.async_record_actuation(PUFF)
    assert await diary.async_actuations("ana", NOON) == []


async def test_care_is_remembered_by_the_box(diary: Diary) -> None:
    await diary.async_record_leak_test("device-1", NOON - timedelta(days=1))
    await diary.async_record_leak_test("device-1", NOON)
    await diary.async_record_battery_change("device-2", NOON)

    assert await diary.async_leak_tests() == {"device-1": NOON}
    assert await diary.async_battery_changes() == {"device-2": NOON}
