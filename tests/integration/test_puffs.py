"""Puffs in a whole household: heard, kept, counted, shown to one person alone, and taken back."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import probatio as vol
import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.components.tag import async_scan_tag
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from pytest_homeassistant_custom_component.components.diagnostics import get_diagnostics_for_config_entry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator, WebSocketGenerator

from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.coordinator import Coordinator
from custom_components.smartloop.diary import Diary
from custom_components.smartloop.engine import PuffView, read_trace
from custom_components.smartloop.engine.trace import Entry
from custom_components.smartloop.ledger import LedgerError

from .breath import BENS, BLUE, BROWN, add_source, counter, entity, give, inhaler, tag, with_ben
from .house import ANA_USER, BEN_USER, registry_id

FULL = LedgerError(translation_domain=DOMAIN, translation_key="ledger_full")


class Breath:
    """Ana and Ben, their inhalers, and the clock."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry, clock: FrozenDateTimeFactory) -> None:
        self.hass = hass
        self.entry = entry
        self.clock = clock

    @property
    def coordinator(self) -> Coordinator:
        coordinator: Coordinator = self.entry.runtime_data
        return coordinator

    @property
    def ana(self) -> str:
        return registry_id(self.hass, "person.ana")

    @property
    def blue(self) -> PuffView:
        return self.coordinator.engine.puffs(self.ana, BLUE, dt_util.utcnow())

    async def settle(self) -> None:
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def set_up(self) -> None:
        assert await self.hass.config_entries.async_setup(self.entry.entry_id)
        await self.settle()

    async def unload(self) -> None:
        assert await self.hass.config_entries.async_unload(self.entry.entry_id)
        await self.settle()

    async def reload(self) -> None:
        await self.unload()
        await self.set_up()

    async def wait(self, seconds: float) -> None:
        self.clock.tick(timedelta(seconds=seconds))
        async_fire_time_changed(self.hass, dt_util.utcnow())
        await self.settle()

    async def scan(self, user: str = ANA_USER) -> None:
        await async_scan_tag(self.hass, "blue-tag", "a_phone", Context(user_id=user))
        await self.settle()

    async def kept(self) -> list[str]:
        since = dt_util.utcnow() - timedelta(days=400)
        return [puff.id for puff in await self.coordinator.diary.async_actuations(None, since)]

    async def call(self, name: str, user: str | None = ANA_USER, **data: Any) -> dict[str, Any]:
        answer = await self.hass.services.async_call(
            DOMAIN, name, data, blocking=True, context=Context(user_id=user), return_response=True
        )
        return dict(json.loads(json.dumps(answer)))

    async def refusal(self, name: str, user: str | None = ANA_USER, **data: Any) -> str | None:
        with pytest.raises(ServiceValidationError) as raised:
            await self.call(name, user, **data)
        return raised.value.translation_key


@pytest.fixture
async def breath(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Breath]:
    freezer.move_to("2026-11-22 12:00:00+00:00")
    hass = household_hass
    assert await async_setup_component(hass, "tag", {})
    cap = add_source(hass, "event", "cap", state="unknown")
    health = add_source(hass, "sensor", "ana_puffs", state="0")
    # The entry of the fixture was added without Ben; another takes its place.
    await hass.config_entries.async_remove(smartloop_entry.entry_id)
    entry = with_ben(hass, smartloop_entry, inhaler(BENS))
    entry.add_to_hass(hass)
    give(
        hass,
        entry,
        inhaler(BLUE, tag("blue-tag"), entity(cap.id, "press"), counter(health.id)),
        inhaler(BROWN, name="Brown one", role="controller"),
        plan={"reliever_limit_24h": 6},
    )
    breath = Breath(hass, entry, freezer)
    await breath.set_up()
    yield breath
    await breath.settle()
    if hasattr(entry, "runtime_data") and entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)
        await breath.settle()


# Heard, counted, kept.


async def test_a_scan_is_counted_and_kept(breath: Breath) -> None:
    await breath.scan()

    assert (breath.blue.count_24h, breath.blue.limit_24h) == (1, 6)
    assert len(await breath.kept()) == 1


async def test_a_scan_with_somebody_elses_phone_says_so(breath: Breath) -> None:
    await breath.scan(BEN_USER)

    (puff,) = (await breath.call("puffs"))["puffs"]

    assert (puff["inhaler"], puff["told_by"], puff["by_somebody_else"]) == (BLUE, "nfc", True)
    assert (await breath.call("puffs", BEN_USER))["puffs"] == []


async def test_the_engine_hears_of_it_before_the_disk(breath: Breath) -> None:
    breath.hass.bus.async_fire("tag_scanned", {"tag_id": "blue-tag", "device_id": None})

    assert breath.blue.count_24h == 1
    await breath.settle()
    assert len(await breath.kept()) == 1


async def test_everything_survives_a_restart(breath: Breath) -> None:
    await breath.scan()
    await breath.wait(20)
    breath.hass.states.async_set("sensor.ana_puffs", "2")
    await breath.settle()

    await breath.reload()

    assert breath.blue.count_24h == 3
    assert len(await breath.kept()) == 3
    # The counter goes on where it was.
    await breath.wait(20)
    breath.hass.states.async_set("sensor.ana_puffs", "3")
    await breath.settle()
    assert breath.blue.count_24h == 4


async def test_a_counter_that_was_corrected_is_not_counted_twice(breath: Breath) -> None:
    for value in ("2", "1", "2"):
        await breath.wait(60)
        breath.hass.states.async_set("sensor.ana_puffs", value)
        await breath.settle()

    assert len(await breath.kept()) == 2
    assert breath.blue.count_24h == 2


# A disk that is full.


async def test_a_full_disk_loses_nothing(breath: Breath) -> None:
    issues = ir.async_get(breath.hass)
    with patch.object(Diary, "async_record_actuation", side_effect=FULL):
        await breath.scan()
        await breath.wait(31)
        await breath.scan()

        assert breath.blue.count_24h == 2
        issue = issues.async_get_issue(DOMAIN, "puffs_waiting")
        assert issue is not None
        assert int((issue.translation_placeholders or {})["count"]) >= 1
        assert await breath.kept() == []
        assert len((await breath.call("puffs"))["puffs"]) == 2

    await breath.wait(31)
    assert len(await breath.kept()) == 2
    assert issues.async_get_issue(DOMAIN, "puffs_waiting") is None


async def test_what_waits_outlives_a_reload(breath: Breath) -> None:
    with patch.object(Diary, "async_record_actuation", side_effect=FULL):
        await breath.scan()
        await breath.reload()
        assert breath.blue.count_24h == 1

    await breath.wait(31)
    assert len(await breath.kept()) == 1
    assert breath.blue.count_24h == 1


async def test_an_entry_by_hand_says_that_it_waits(breath: Breath) -> None:
    with patch.object(Diary, "async_record_actuation", side_effect=FULL):
        answer = await breath.call("record_puff", inhaler="Blue one", person="person.ana")
        assert answer["kept"] is False
        assert breath.blue.count_24h == 1

    await breath.wait(31)
    assert await breath.kept() == answer["puff_ids"]


# What is gone.


async def test_a_source_that_is_gone_is_said_until_it_is_back(breath: Breath) -> None:
    issues, entities = ir.async_get(breath.hass), er.async_get(breath.hass)
    assert issues.async_get_issue(DOMAIN, "puff_source_gone_Ana") is None

    entities.async_update_entity("event.cap", disabled_by=er.RegistryEntryDisabler.USER)
    await breath.settle()
    assert issues.async_get_issue(DOMAIN, "puff_source_gone_Ana") is not None
    entities.async_update_entity("event.cap", disabled_by=None)
    await breath.settle()
    assert issues.async_get_issue(DOMAIN, "puff_source_gone_Ana") is None

    entities.async_remove("sensor.ana_puffs")
    await breath.settle()
    assert issues.async_get_issue(DOMAIN, "puff_source_gone_Ana") is not None
    # Whoever takes it out of the settings has answered.
    give(breath.hass, breath.entry, inhaler(BLUE, tag("blue-tag")))
    await breath.settle()
    assert issues.async_get_issue(DOMAIN, "puff_source_gone_Ana") is None


async def test_a_dashboard_button_that_is_gone_is_said(breath: Breath) -> None:
    give(breath.hass, breath.entry, inhaler(BLUE, entity("input_button.puff")))
    await breath.settle()

    assert ir.async_get(breath.hass).async_get_issue(DOMAIN, "puff_source_gone_Ana") is not None


# By hand.


async def test_a_puff_is_recorded_and_taken_back(breath: Breath) -> None:
    answer = await breath.call("record_puff", inhaler="blue ONE", shake_s=3, tilt_deg=20.5, peak_flow_lpm=45)

    (puff,) = (await breath.call("puffs"))["puffs"]
    assert answer == {"puff_ids": [puff["id"]], "kept": True}
    assert (puff["shake_s"], puff["tilt_deg"], puff["peak_flow_lpm"]) == (3.0, 20.5, 45.0)
    assert (puff["told_by"], puff["name"], puff["by_somebody_else"]) == ("service", "Blue one", False)

    assert await breath.call("remove_puff", puff_id=puff["id"]) == {"puff_id": puff["id"]}
    assert breath.blue.count_24h == 0
    assert (await breath.call("puffs"))["puffs"] == []
    assert await breath.refusal("remove_puff", puff_id=puff["id"]) == "unknown_puff"
    await breath.reload()
    assert breath.blue.count_24h == 0


async def test_two_puffs_are_recorded_at_once(breath: Breath) -> None:
    answer = await breath.call("record_puff", inhaler=BLUE, count=2, time="2026-11-22 11:30:00+00:00")

    puffs = (await breath.call("puffs"))["puffs"]
    assert [puff["id"] for puff in puffs] == answer["puff_ids"]
    assert [puff["at"][11:19] for puff in puffs] == ["11:29:45", "11:30:00"]
    assert {puff["uncertainty_s"] for puff in puffs} == {60.0}


async def test_the_same_moment_is_the_same_puff_until_it_is_taken_back(breath: Breath) -> None:
    when = {"inhaler": BLUE, "time": "2026-11-22 11:30:00+00:00"}
    (first,) = (await breath.call("record_puff", **when))["puff_ids"]
    assert (await breath.call("record_puff", **when))["puff_ids"] == [first]
    assert breath.blue.count_24h == 1

    await breath.call("remove_puff", puff_id=first)
    (second,) = (await breath.call("record_puff", **when))["puff_ids"]
    assert second != first
    assert await breath.kept() == [second]
    assert breath.blue.count_24h == 1


async def test_whose_inhaler_it_is(breath: Breath) -> None:
    """Ana and Ben call theirs the same."""
    assert (await breath.call("record_puff", inhaler="Blue one"))["kept"]
    assert breath.blue.count_24h == 1
    await breath.wait(20)
    await breath.call("record_puff", None, inhaler="Blue one", person="person.ana")
    assert breath.blue.count_24h == 2
    await breath.wait(20)
    await breath.call("record_puff", BEN_USER, inhaler="Blue one", person=breath.ana)
    assert breath.blue.count_24h == 3
    assert [puff["by_somebody_else"] for puff in (await breath.call("puffs"))["puffs"]] == [False, False, True]

    assert await breath.refusal("record_puff", None, inhaler="Blue one") == "which_inhaler"
    assert await breath.refusal("record_puff", inhaler="Green one") == "unknown_inhaler"
    assert await breath.refusal("record_puff", inhaler="Brown one", person="person.ben") == "unknown_inhaler"


@pytest.mark.parametrize("time", ["2026-11-22 12:02:00+00:00", "2025-11-01 12:00:00+00:00"])
async def test_a_time_that_cannot_be_is_refused(breath: Breath, time: str) -> None:
    assert await breath.refusal("record_puff", inhaler=BLUE, time=time) == "impossible_time"
    assert await breath.kept() == []


@pytest.mark.parametrize(
    "data", [{}, {"inhaler": BLUE, "count": 0}, {"inhaler": BLUE, "count": 11}, {"inhaler": BLUE, "tilt_deg": 181}]
)
async def test_nonsense_is_refused(breath: Breath, data: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        await breath.call("record_puff", **data)


# Private.


async def test_puffs_are_shown_to_the_person_alone(breath: Breath) -> None:
    await breath.scan()

    mine, bens = await breath.call("puffs"), await breath.call("puffs", BEN_USER)

    assert len(mine["puffs"]) == 1
    assert [each["name"] for each in mine["inhalers"]] == ["Blue one", "Brown one"]
    assert mine["inhalers"][0] == {
        "id": BLUE,
        "name": "Blue one",
        "role": "reliever",
        "count_24h": 1,
        "count_7d": 1,
        "last_at": "2026-11-22T12:00:00+00:00",
        "limit_24h": 6,
    }
    assert bens["puffs"] == []
    assert [each["id"] for each in bens["inhalers"]] == [BENS]
    assert await breath.refusal("puffs", "a guest") == "only_ones_own"
    assert await breath.refusal("puffs", None) == "only_ones_own"


async def test_nobody_takes_back_what_is_not_theirs(breath: Breath) -> None:
    await breath.scan()
    (puff,) = await breath.kept()

    assert await breath.refusal("remove_puff", BEN_USER, puff_id=puff) == "unknown_puff"
    assert await breath.refusal("remove_puff", "a guest", puff_id=puff) == "unknown_puff"
    assert await breath.kept() == [puff]
    # An automation was written by the owner of the house.
    await breath.call("remove_puff", None, puff_id=puff)
    assert await breath.kept() == []


async def test_a_childs_puff_is_taken_back_by_the_family(breath: Breath) -> None:
    ben = breath.entry.subentries["member_ben"]
    breath.hass.config_entries.async_update_subentry(breath.entry, ben, data={**ben.data, "user_id": None})
    await breath.settle()
    (puff,) = (await breath.call("record_puff", inhaler=BENS))["puff_ids"]

    assert await breath.refusal("remove_puff", "a guest", puff_id=puff) == "unknown_puff"
    await breath.call("remove_puff", puff_id=puff)

    assert await breath.kept() == []


async def test_nothing_of_it_is_in_states_events_or_diagnostics(
    breath: Breath, hass_client: ClientSessionGenerator, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[str] = []
    breath.hass.bus.async_listen("*", lambda event: events.append(f"{event.event_type} {event.data}"))
    caplog.clear()
    await breath.call("record_puff", inhaler=BLUE)
    await breath.wait(60)
    states = json.dumps([state.as_dict() for state in breath.hass.states.async_all()], default=str)
    assert await async_setup_component(breath.hass, "diagnostics", {})
    found = await get_diagnostics_for_config_entry(breath.hass, hass_client, breath.entry)

    assert found["puff_sources"] == {"tag": 1, "entity": 1, "counter": 1}
    heard = [each for each in events if not each.startswith("call_service")]
    # Every household has the same files, whatever it owns.
    told = json.dumps(found).replace('"reliever_day"', "")
    for text in (states, told, "".join(heard), caplog.text):
        for word in (BLUE, BROWN, "Blue one", "reliever"):
            assert word not in text.replace("'service': 'record_puff'", ""), word


async def test_an_export_holds_ones_own_puffs_and_nobody_elses(breath: Breath) -> None:
    await breath.scan()

    await breath.wait(1)

    async def exported(user: str | None) -> tuple[int, str]:
        answer = await breath.call("export", user, hours=1, inline=True)
        trace = read_trace(line.encode() for line in answer["lines"])
        items = [found.item for found in trace.entries if isinstance(found, Entry)]
        assert answer["puffs"] == sum(type(item).__name__ == "Actuation" for item in items)
        return answer["puffs"], answer["lines"][0]

    puffs, header = await exported(ANA_USER)
    assert puffs == 1
    assert BLUE in header
    assert "reliever_limit_24h" in header
    assert BENS not in header
    for user in (BEN_USER, None):
        puffs, header = await exported(user)
        assert puffs == 0
        assert BLUE not in header
        assert "reliever_limit_24h" not in header


# The websocket.


async def login(breath: Breath, user: User, sub_id: str) -> None:
    """Let a member of the household be this login."""
    member = breath.entry.subentries[sub_id]
    breath.hass.config_entries.async_update_subentry(breath.entry, member, data={**member.data, "user_id": user.id})
    await breath.settle()


async def test_a_person_follows_their_own_puffs(
    breath: Breath, hass_ws_client: WebSocketGenerator, hass_admin_user: User
) -> None:
    await login(breath, hass_admin_user, "member_ana")
    client = await hass_ws_client(breath.hass)

    await client.send_json_auto_id({"type": "smartloop/puffs"})
    assert (await client.receive_json())["success"]
    assert (await client.receive_json())["event"]["puffs"] == []

    await breath.scan(hass_admin_user.id)
    listing = (await client.receive_json())["event"]
    assert [puff["inhaler"] for puff in listing["puffs"]] == [BLUE]
    assert listing["inhalers"][0]["count_24h"] == 1

    # Still after a reload of the household.
    await breath.reload()
    await breath.wait(20)
    await breath.scan(hass_admin_user.id)
    assert len((await client.receive_json())["event"]["puffs"]) == 2

    await breath.call("remove_puff", None, puff_id=listing["puffs"][0]["id"])
    assert len((await client.receive_json())["event"]["puffs"]) == 1


async def test_nobody_follows_anothers_puffs(
    breath: Breath, hass_ws_client: WebSocketGenerator, hass_admin_user: User
) -> None:
    """Ben is even the administrator."""
    await login(breath, hass_admin_user, "member_ben")
    client = await hass_ws_client(breath.hass)
    await client.send_json_auto_id({"type": "smartloop/puffs"})
    assert (await client.receive_json())["success"]
    assert (await client.receive_json())["event"] == {"inhalers": [_bens()], "puffs": []}

    await breath.scan()

    # The next thing said is the answer to a question, not Ana's puff.
    await client.send_json_auto_id({"type": "ping"})
    assert (await client.receive_json())["type"] == "pong"


def _bens() -> dict[str, Any]:
    return {
        "id": BENS,
        "name": "Blue one",
        "role": "reliever",
        "count_24h": 0,
        "count_7d": 0,
        "last_at": None,
        "limit_24h": None,
    }


async def test_who_is_no_member_follows_nothing(breath: Breath, hass_ws_client: WebSocketGenerator) -> None:
    client = await hass_ws_client(breath.hass)

    await client.send_json_auto_id({"type": "smartloop/puffs"})

    answer = await client.receive_json()
    assert (answer["success"], answer["error"]["code"]) == (False, "unauthorized")


async def test_without_a_household_there_is_nothing_to_follow(
    breath: Breath, hass_ws_client: WebSocketGenerator
) -> None:
    await breath.unload()
    client = await hass_ws_client(breath.hass)

    await client.send_json_auto_id({"type": "smartloop/puffs"})

    assert (await client.receive_json())["error"]["code"] == "not_loaded"


async def test_an_inhaler_that_was_removed_leaves_its_puffs_in_the_diary(breath: Breath) -> None:
    await breath.scan()
    give(breath.hass, breath.entry, inhaler(BROWN, name="Brown one", role="controller"))
    await breath.settle()

    (puff,) = (await breath.call("puffs"))["puffs"]

    assert (puff["inhaler"], puff["name"]) == (BLUE, None)
    assert [each["id"] for each in (await breath.call("puffs"))["inhalers"]] == [BROWN]
    await breath.call("remove_puff", puff_id=puff["id"])
    assert (await breath.call("puffs"))["puffs"] == []
