"""Messages reach people: on phones, on other phones, in Home Assistant itself; and go away again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import persistent_notification
from homeassistant.components.persistent_notification.helpers import _async_get_or_create_notifications
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import CoreState, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.household import household_of
from custom_components.smartloop.engine import (
    Act,
    ActKind,
    Decision,
    DecisionKey,
    DecisionState,
    Effect,
    Engine,
    Outcome,
    Severity,
)
from custom_components.smartloop.engine.decisions.effect import Sign
from custom_components.smartloop.ledger import Ledger
from custom_components.smartloop.outputs.notifications import Notifier
from custom_components.smartloop.outputs.payload import tag_of
from custom_components.smartloop.outputs.phones import async_push
from custom_components.smartloop.records import DeliveryState

from .house import ANA_USER, BEN_USER, registry_id
from .phones import FakePhone, add_member, load_phone
from .said import decision, warning

TAG = "smartloop:mold.ventilate:bathroom:"
NOON = "2026-11-22 20:00:00+00:00"
"""In the time zone of the tests"""
NIGHT = "2026-11-23 07:30:00+00:00"
MINUTE = timedelta(minutes=1)


@dataclass
class Post:
    """A notifier with a real engine and a real ledger."""

    hass: HomeAssistant
    entry: MockConfigEntry
    ledger: Ledger
    engine: Engine
    notifier: Notifier
    ana: FakePhone

    async def tell(self, said: Decision) -> Decision:
        await self.notifier.async_handle(said)
        return said

    async def tick(self) -> None:
        await self.notifier.async_deliver_due(dt_util.utcnow())
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def states(self, said: Decision) -> dict[str, DeliveryState]:
        return {each.channel: each.state for each in await self.ledger.async_deliveries(said.id)}

    def restart(self) -> None:
        """Begin anew with what the ledger knows; the engine did not get to save."""
        self.engine = Engine(household_of(self.hass, self.entry))
        self.notifier = Notifier(self.hass, self.entry, self.engine, self.ledger)

    @property
    def persistent(self) -> dict[str, Any]:
        return dict(_async_get_or_create_notifications(self.hass))


@pytest.fixture
async def post(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Post]:
    freezer.move_to(NOON)
    hass = household_hass
    ledger = Ledger(hass)
    await ledger.async_open()
    engine = Engine(household_of(hass, smartloop_entry))
    notifier = Notifier(hass, smartloop_entry, engine, ledger)
    yield Post(hass, smartloop_entry, ledger, engine, notifier, load_phone(hass, ANA_USER, "Ana phone"))
    await ledger.async_close()


@pytest.fixture
def ben(post: Post) -> FakePhone:
    """Let Ben move in, with a phone."""
    add_member(post.hass, post.entry, "Ben", BEN_USER)
    phone = load_phone(post.hass, BEN_USER, "Ben phone")
    post.restart()
    return phone


# Being told.


async def test_a_decision_reaches_the_phone_with_its_buttons(post: Post) -> None:
    said = await post.tell(decision())

    message = post.ana.messages[0]
    assert message["title"] == "Bathroom: open the window for 12 minutes"
    assert "surface humidity 84 → 71 %" in message["message"]
    data = message["data"]
    assert data["tag"] == TAG
    assert data["group"] == "smartloop"
    assert data["ttl"] == data["timeout"] == 6 * 3600
    assert data["push"] == {"interruption-level": "active"}
    assert [each["title"] for each in data["actions"]] == ["Done", "Not now", "Wrong"]
    assert await post.states(said) == {"mobile_app_ana_phone": DeliveryState.SENT}
    assert post.engine.recipients(said, dt_util.utcnow()) == ()
    assert post.persistent == {}


async def test_the_token_says_nothing_and_stands_for_the_decision(post: Post) -> None:
    said = await post.tell(decision())

    tokens = {each["action"].split("_")[-1] for each in post.ana.messages[0]["data"]["actions"]}
    assert len(tokens) == 1
    pending = await post.ledger.async_pending(tokens.pop())
    assert pending is not None
    assert (pending.decision_id, pending.key, pending.room) == (said.id, "mold.ventilate", "bathroom")
    assert pending.person == registry_id(post.hass, "person.ana")


async def test_words_are_in_the_household_s_language(post: Post) -> None:
    post.hass.config.language = "de-AT"

    await post.tell(decision())

    message = post.ana.messages[0]
    assert message["title"] == "Bathroom: Öffne das Fenster für 12 Minuten"
    assert [each["title"] for each in message["data"]["actions"]] == ["Erledigt", "Jetzt nicht", "Falsch"]


@pytest.mark.parametrize(
    ("severity", "level", "channel", "ttl"),
    [
        (Severity.INFO, "passive", "SmartLoop quiet", 6 * 3600),
        (Severity.WARNING, "time-sensitive", "SmartLoop warnings", 6 * 3600),
        (Severity.CRITICAL, "critical", "alarm_stream", 0),
    ],
)
async def test_it_is_as_loud_as_it_matters(post: Post, severity: Severity, level: str, channel: str, ttl: int) -> None:
    await post.tell(decision(severity=severity))

    data = post.ana.messages[0]["data"]
    assert data["push"]["interruption-level"] == level
    assert data["channel"] == channel
    assert data["ttl"] == ttl
    assert ("sound" in data["push"]) == (severity is Severity.CRITICAL)
    assert ("priority" in data) == (severity is not Severity.INFO)


async def test_a_long_tag_still_fits_an_iphone() -> None:
    assert tag_of("mold.ventilate:bath:") == "smartloop:mold.ventilate:bath:"
    long = tag_of("mold.ventilate:" + "room_with_a_very_long_name_" * 4)
    assert len(long.encode()) <= 64
    assert long != tag_of("mold.ventilate:" + "room_with_a_very_long_name_" * 5)


async def test_every_phone_of_everybody_gets_it(post: Post, ben: FakePhone) -> None:
    tablet = load_phone(post.hass, BEN_USER, "Ben tablet")

    await post.tell(decision())

    assert len(post.ana.messages) == len(ben.messages) == len(tablet.messages) == 1
    # Everybody has a token of their own, so that an answer is its giver's.
    assert post.ana.action("SL_DONE") != ben.action("SL_DONE")
    assert ben.action("SL_DONE") == tablet.action("SL_DONE")


async def test_only_the_phones_the_owner_chose(post: Post) -> None:
    tablet = load_phone(post.hass, ANA_USER, "Ana tablet")

    await post.tell(decision())

    assert len(post.ana.messages) == 1
    assert tablet.messages == []


async def test_a_new_phone_is_found_by_its_user(post: Post) -> None:
    await post.hass.config_entries.async_remove("phone_ana_phone")
    new = load_phone(post.hass, ANA_USER, "Ana new phone")

    await post.tell(decision())

    assert len(new.messages) == 1


async def test_a_shadow_is_kept_and_not_said(post: Post) -> None:
    said = await post.tell(decision(state=DecisionState.SHADOW))

    assert post.ana.calls == []
    assert post.persistent == {}
    recorded = await post.ledger.async_decision(said.id)
    assert recorded is not None
    assert recorded.decision.state is DecisionState.SHADOW


# Quiet hours and repeats are the engine's; whoever is missing is told later.


async def test_it_waits_for_the_morning(post: Post, freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(NIGHT)
    said = await post.tell(decision(expires_at=dt_util.utcnow() + timedelta(hours=12)))
    assert post.ana.calls == []
    assert post.persistent == {}

    freezer.tick(timedelta(hours=9))
    await post.tick()

    assert len(post.ana.messages) == 1
    assert post.ana.messages[0]["data"]["ttl"] == 3 * 3600
    await post.tick()
    assert len(post.ana.messages) == 1
    assert await post.states(said) == {"mobile_app_ana_phone": DeliveryState.SENT}


async def test_what_expired_in_the_night_is_not_said_any_more(post: Post, freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(NIGHT)
    said = await post.tell(decision())

    freezer.tick(timedelta(hours=9))
    await post.tick()

    assert post.ana.calls == []
    recorded = await post.ledger.async_decision(said.id)
    assert recorded is not None
    assert recorded.decision.state is DecisionState.CLEARED


# Phones that fail.


@pytest.mark.parametrize("error", [HomeAssistantError("not connected"), KeyError("push_url"), TimeoutError()])
async def test_a_phone_that_fails_leaves_the_next_of_that_person(post: Post, ben: FakePhone, error: Exception) -> None:
    tablet = load_phone(post.hass, BEN_USER, "Ben tablet")
    ben.raises = error

    said = await post.tell(decision())

    assert len(tablet.messages) == 1
    states = await post.states(said)
    assert states["mobile_app_ben_phone"] is DeliveryState.FAILED
    assert states["mobile_app_ben_tablet"] is DeliveryState.SENT
    assert post.engine.recipients(said, dt_util.utcnow()) == ()


async def test_a_phone_that_hangs_is_given_up(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the frozen clock of the others, on which nothing ever takes too long."""
    monkeypatch.setattr("custom_components.smartloop.outputs.phones.TIMEOUT_S", 0.01)

    async def hang(_call: object) -> None:
        await asyncio.sleep(60)

    hass.services.async_register("notify", "mobile_app_dead", hang)

    assert await async_push(hass, "mobile_app_dead", {"message": "Hello"}) is False


@pytest.mark.parametrize("gone", [True, False])
async def test_nobody_reached_means_home_assistant_itself(
    post: Post, freezer: FrozenDateTimeFactory, *, gone: bool
) -> None:
    if gone:
        post.ana.unregister()
    else:
        post.ana.go_offline()

    said = await post.tell(decision())

    assert post.persistent[TAG]["title"] == "Bathroom: open the window for 12 minutes"
    assert "84 → 71 %" in post.persistent[TAG]["message"]
    # Nobody was told, so the engine still wants somebody to be.
    assert post.engine.recipients(said, dt_util.utcnow()) != ()

    post.ana.raises = None
    post.ana.register()
    await post.tick()
    assert post.ana.messages == []

    freezer.tick(MINUTE)
    await post.tick()
    assert len(post.ana.messages) == 1
    assert post.engine.recipients(said, dt_util.utcnow()) == ()


async def test_tries_become_rarer(post: Post, freezer: FrozenDateTimeFactory) -> None:
    tries = []
    post.ana.go_offline()

    async def count(call: Any) -> None:
        tries.append(dt_util.utcnow())
        raise HomeAssistantError(str(call.service))

    post.hass.services.async_register("notify", post.ana.service, count)
    await post.tell(decision())
    for _ in range(60):
        freezer.tick(MINUTE)
        await post.tick()

    gaps = [(after - before) // MINUTE for before, after in pairwise(tries)]
    assert gaps == [1, 2, 5, 15, 15, 15]


async def test_no_phone_at_all_is_told_in_home_assistant(post: Post) -> None:
    await post.hass.config_entries.async_remove("phone_ana_phone")

    said = await post.tell(decision())

    assert TAG in post.persistent
    # That is where they look: nothing more is to be tried.
    assert post.engine.recipients(said, dt_util.utcnow()) == ()


async def test_a_household_without_people_is_told_in_home_assistant(post: Post) -> None:
    post.hass.config_entries.async_remove_subentry(post.entry, "member_ana")
    post.restart()

    said = await post.tell(decision())

    assert TAG in post.persistent
    assert post.ana.calls == []
    assert post.engine.recipients(said, dt_util.utcnow()) == ()


async def test_advice_for_who_cannot_be_reached_stays_theirs(post: Post, ben: FakePhone) -> None:
    """Nobody else is asked to air for Ben who has heard of it already; Ana has hers."""
    ben.go_offline()

    said = await post.tell(decision())

    assert len(post.ana.messages) == 1
    assert post.persistent == {}
    assert (await post.states(said))["mobile_app_ben_phone"] is DeliveryState.FAILED


async def test_a_warning_climbs_to_other_people(post: Post, ben: FakePhone, freezer: FrozenDateTimeFactory) -> None:
    # Ben was told of another warning of the same kind yesterday: he would not be told again.
    yesterday = warning(at=dt_util.utcnow() - timedelta(days=1))
    ben_id = registry_id(post.hass, "person.ben")
    post.engine.told(yesterday, ben_id, yesterday.at)
    post.ana.go_offline()

    said = await post.tell(warning())

    assert len(ben.messages) == 1
    assert post.persistent == {}
    assert await post.states(said) == {
        "mobile_app_ana_phone": DeliveryState.FAILED,
        "mobile_app_ben_phone": DeliveryState.SENT,
    }


@pytest.mark.parametrize(("severity", "woken"), [(Severity.WARNING, 0), (Severity.CRITICAL, 1)])
async def test_only_what_is_critical_wakes_others(
    post: Post, ben: FakePhone, freezer: FrozenDateTimeFactory, severity: Severity, woken: int
) -> None:
    freezer.move_to(NIGHT)
    ben_entry = post.entry.subentries["member_ben"]
    ana_entry = post.entry.subentries["member_ana"]
    post.hass.config_entries.async_update_subentry(
        post.entry,
        ana_entry,
        data={**ana_entry.data, "quiet_hours": {"start": "03:00:00", "end": "04:00:00"}},
    )
    assert isinstance(ben_entry, ConfigSubentry)
    post.restart()
    post.ana.go_offline()
    said = warning(severity=severity)
    if severity is Severity.CRITICAL:
        # Critical is told to everybody at once; Ben has had this one.
        post.engine.told(said, ben_entry.data["person"], dt_util.utcnow())

    await post.tell(said)

    assert len(ben.messages) == woken
    assert bool(post.persistent) != bool(woken)


async def test_a_warning_into_a_dead_connection_is_noticed(
    post: Post, ben: FakePhone, freezer: FrozenDateTimeFactory
) -> None:
    """Home Assistant takes the first push for a phone that is gone, drops it, and refuses the second."""
    lonely = load_phone(post.hass, ANA_USER, "Ana phone", local_only=True)
    ben.go_offline()
    said = await post.tell(warning())
    assert len(lonely.messages) == 1
    assert post.persistent == {}

    lonely.go_offline()
    freezer.tick(MINUTE)
    await post.tick()

    assert (await post.states(said))["mobile_app_ana_phone"] is DeliveryState.FAILED
    assert "smartloop:mold.growth:bathroom:" in post.persistent

    lonely.raises = None
    freezer.tick(MINUTE)
    await post.tick()
    assert len(lonely.messages) == 2
    assert (await post.states(said))["mobile_app_ana_phone"] is DeliveryState.SENT


async def test_a_warning_that_was_seen_is_not_sent_again(post: Post, freezer: FrozenDateTimeFactory) -> None:
    phone = load_phone(post.hass, ANA_USER, "Ana phone", local_only=True)
    said = await post.tell(warning())
    pending = await post.ledger.async_pending(phone.action("SL_DONE").split("_")[-1])
    assert pending is not None
    await post.notifier.async_received(pending)

    freezer.tick(5 * MINUTE)
    await post.tick()

    assert len(phone.messages) == 1
    assert await post.states(said) == {"mobile_app_ana_phone": DeliveryState.RECEIVED}


async def test_a_ledger_that_fails_silences_nobody(post: Post) -> None:
    await post.ledger.async_close()

    await post.tell(decision())

    # Without a kept token nobody would understand the buttons.
    assert len(post.ana.messages) == 1
    assert "actions" not in post.ana.messages[0]["data"]


async def test_what_is_critical_does_not_wait_for_the_disk(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = asyncio.Event()
    run = post.ledger._async_do

    async def slow(work: Any) -> Any:
        await disk.wait()
        return await run(work)

    monkeypatch.setattr(post.ledger, "_async_do", slow)
    advice, alarm = decision(), warning(severity=Severity.CRITICAL)
    for each in (advice, alarm):
        post.entry.async_create_background_task(post.hass, post.notifier.async_handle(each), "told")
    for _ in range(10):
        await asyncio.sleep(0)

    assert [each["data"]["tag"] for each in post.ana.messages] == ["smartloop:mold.growth:bathroom:"]
    token = post.ana.action("SL_DONE").split("_")[-1]

    disk.set()
    await post.hass.async_block_till_done(wait_background_tasks=True)
    assert len(post.ana.messages) == 2
    pending = await post.ledger.async_pending(token)
    assert pending is not None
    assert pending.decision_id == alarm.id
    assert await post.states(alarm) == {"mobile_app_ana_phone": DeliveryState.SENT}


# Going away.


async def test_what_is_over_goes_from_every_channel(post: Post, ben: FakePhone) -> None:
    said = await post.tell(decision())

    await post.tell(replace(said, state=DecisionState.CLEARED, at=dt_util.utcnow()))

    assert post.ana.cleared == ben.cleared == [TAG]
    assert set((await post.states(said)).values()) == {DeliveryState.EXPIRED}
    await post.tick()
    assert len(post.ana.calls) == 2


async def test_the_persistent_notification_goes_too(post: Post) -> None:
    post.ana.go_offline()
    said = await post.tell(decision())
    assert TAG in post.persistent

    await post.tell(replace(said, state=DecisionState.CLEARED))

    assert post.persistent == {}


async def test_one_answer_clears_every_channel(post: Post, ben: FakePhone) -> None:
    said = await post.tell(decision())
    pending = await post.ledger.async_pending(ben.action("SL_DONE").split("_")[-1])
    assert pending is not None

    await post.notifier.async_answered(pending, pending.person)
    # The answer ends the decision as well; nothing is cleared twice.
    await post.tell(replace(said, state=DecisionState.CLEARED))

    assert post.ana.cleared == ben.cleared == [TAG]
    assert await post.states(said) == {
        "mobile_app_ana_phone": DeliveryState.EXPIRED,
        "mobile_app_ben_phone": DeliveryState.ANSWERED,
    }


async def test_what_expires_is_taken_away(post: Post, freezer: FrozenDateTimeFactory) -> None:
    said = await post.tell(decision())

    freezer.tick(timedelta(hours=6))
    await post.tick()

    assert post.ana.cleared == [TAG]
    assert await post.states(said) == {"mobile_app_ana_phone": DeliveryState.EXPIRED}
    assert await post.ledger.async_open_decisions() == []


async def test_a_newer_decision_replaces_the_older_message(
    post: Post, ben: FakePhone, freezer: FrozenDateTimeFactory
) -> None:
    older = await post.tell(decision())
    freezer.tick(timedelta(hours=7))
    ben.go_offline()
    newer = decision(expires_at=dt_util.utcnow() + timedelta(hours=6))
    ben.raises = None
    post.engine.told(newer, registry_id(post.hass, "person.ben"), dt_util.utcnow())

    await post.tell(newer)

    # Ana's was replaced under its tag; Ben's, who gets no new one, is cleared.
    assert len(post.ana.messages) == 2
    assert post.ana.cleared == []
    assert ben.cleared == [TAG]
    assert set((await post.states(older)).values()) == {DeliveryState.EXPIRED}
    assert [each.decision.id for each in await post.ledger.async_open_decisions()] == [newer.id]


async def test_two_of_one_matter_on_a_slow_phone_do_not_end_each_other(
    post: Post, freezer: FrozenDateTimeFactory
) -> None:
    taken = asyncio.Event()

    async def slowly(call: ServiceCall) -> None:
        await taken.wait()
        post.ana.calls.append(dict(call.data))

    post.hass.services.async_register("notify", post.ana.service, slowly)
    older = decision()
    freezer.tick(MINUTE)
    newer = decision()
    both = [asyncio.create_task(post.notifier.async_handle(each)) for each in (older, newer)]
    while [each.decision.id for each in await post.ledger.async_open_decisions()] != [older.id, newer.id]:
        pass
    taken.set()

    _, hanging = await asyncio.wait(both, timeout=5)

    assert not hanging
    assert [each.decision.id for each in await post.ledger.async_open_decisions()] == [newer.id]
    assert (await post.states(newer)) == {"mobile_app_ana_phone": DeliveryState.SENT}


async def test_a_clear_that_comes_first_wins(post: Post) -> None:
    said = decision()
    post.entry.async_create_background_task(post.hass, post.notifier.async_handle(said), "raise")
    over = replace(said, state=DecisionState.CLEARED)
    post.entry.async_create_background_task(post.hass, post.notifier.async_handle(over), "clear")
    await post.hass.async_block_till_done(wait_background_tasks=True)

    assert len(post.ana.messages) == len(post.ana.cleared)
    assert await post.ledger.async_open_decisions() == []


# After a restart.


async def test_an_undelivered_message_is_sent_after_a_restart(post: Post) -> None:
    post.ana.go_offline()
    await post.tell(decision())
    post.ana.raises = None
    persistent_notification.async_dismiss(post.hass, TAG)

    post.restart()
    await post.notifier.async_resume()

    assert len(post.ana.messages) == 1
    # Home Assistant forgot its own notification; it is shown again until somebody answers.
    assert TAG in post.persistent


async def test_a_delivered_message_is_not_sent_again(post: Post, freezer: FrozenDateTimeFactory) -> None:
    said = await post.tell(decision())

    post.restart()
    await post.notifier.async_resume()
    freezer.tick(timedelta(minutes=30))
    await post.tick()

    assert len(post.ana.messages) == 1
    assert post.engine.recipients(said, dt_util.utcnow()) == ()

    await post.tell(replace(said, state=DecisionState.CLEARED))
    assert post.ana.cleared == [TAG]


async def test_what_expired_meanwhile_is_taken_away(post: Post, freezer: FrozenDateTimeFactory) -> None:
    await post.tell(decision())

    post.restart()
    freezer.tick(timedelta(hours=7))
    await post.notifier.async_resume()

    assert post.ana.cleared == [TAG]
    assert await post.ledger.async_open_decisions() == []


async def test_phones_have_time_to_come_up(post: Post) -> None:
    post.hass.set_state(CoreState.starting)

    await post.tell(decision())
    assert post.ana.calls == []
    await post.tell(warning(severity=Severity.CRITICAL))
    assert len(post.ana.messages) == 1

    post.hass.set_state(CoreState.running)
    await post.tick()
    assert len(post.ana.messages) == 2


# What came of it.


def effect(said: Decision, outcome: Outcome = Outcome.CONFIRMED) -> Effect:
    return Effect(
        decision_id=said.id,
        key=DecisionKey.MOLD_VENTILATE,
        room="bathroom",
        act=said.proposed
        or Act(kind=ActKind.VENTILATE, minutes=12, amount=None, surface_humidity_before=84, surface_humidity_after=71),
        began_at=said.at,
        at=dt_util.utcnow(),
        outcome=outcome,
        sign=Sign.ANSWER,
        before=84.2,
        predicted=71.4,
        without=83.0,
        measured=None if outcome is Outcome.UNKNOWN else 72.1,
    )


async def test_the_effect_takes_the_advice_s_place_without_a_sound(post: Post) -> None:
    said = await post.tell(decision())

    await post.notifier.async_report(effect(said))

    message = post.ana.messages[-1]
    assert "84 to 72 %" in message["message"]
    assert message["data"]["tag"] == TAG
    assert message["data"]["importance"] == "low"
    assert message["data"]["push"] == {"interruption-level": "passive", "sound": "none"}
    assert "actions" not in message["data"]


async def test_the_effect_is_told_where_the_advice_was(post: Post) -> None:
    post.ana.go_offline()
    said = await post.tell(decision())

    await post.notifier.async_report(effect(said))

    assert "84 to 72 %" in post.persistent[TAG]["message"]
    assert post.ana.messages == []


async def test_what_is_not_clear_is_said_so_if_it_was_measured(post: Post) -> None:
    said = await post.tell(decision())

    await post.notifier.async_report(replace(effect(said, Outcome.UNKNOWN), measured=72.1))

    assert "falling before" in post.ana.messages[-1]["message"]


async def test_a_dead_ledger_answers_nothing(post: Post) -> None:
    said = await post.tell(decision())
    pending = await post.ledger.async_pending(post.ana.action("SL_DONE").split("_")[-1])
    assert pending is not None
    post.restart()
    await post.ledger.async_close()

    await post.notifier.async_resume()
    await post.notifier.async_answered(pending, pending.person)
    await post.notifier.async_received(pending)
    await post.notifier.async_report(effect(said))
    await post.tell(replace(said, state=DecisionState.CLEARED))

    assert len(post.ana.calls) == 1


async def test_the_engine_confirms_what_stands(post: Post, freezer: FrozenDateTimeFactory) -> None:
    """Its expiry moves on while it is confirmed, and the message stays."""
    said = await post.tell(decision())
    later = replace(said, expires_at=said.expires_at + timedelta(hours=6))
    freezer.tick(timedelta(hours=7))
    with patch.object(post.engine, "active", return_value=(later,)):
        await post.tick()

    assert post.ana.cleared == []
    freezer.tick(timedelta(hours=6))
    await post.tick()
    assert post.ana.cleared == [TAG]


@pytest.mark.parametrize("room", ["sold", None])
async def test_a_room_that_is_gone_is_no_obstacle(post: Post, freezer: FrozenDateTimeFactory, room: str | None) -> None:
    said = await post.tell(decision(room=room))
    freezer.tick(timedelta(hours=7))
    await post.tick()

    assert len(post.ana.cleared) == 1
    assert set((await post.states(said)).values()) == {DeliveryState.EXPIRED}


async def test_what_could_not_be_measured_is_not_reported(post: Post) -> None:
    said = await post.tell(decision())

    await post.notifier.async_report(effect(said, Outcome.UNKNOWN))
    await post.notifier.async_report(effect(decision(id="never said")))

    assert len(post.ana.messages) == 1


async def test_no_message_speaks_of_an_illness(post: Post) -> None:
    await post.tell(decision())
    await post.tell(warning())

    for message in post.ana.messages:
        said = f"{message['title']} {message['message']}".lower()
        assert not {"asthma", "diagnosis", "disease", "apnea", "attack"} & set(said.split())
