"""A tap is kept, then learned from, then acknowledged; whatever is forged or too old is nothing."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.persistent_notification.helpers import _async_get_or_create_notifications
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.smartloop.adapters.feedback import Tap, tap_of, token_of
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.coordinator import Coordinator
from custom_components.smartloop.engine import Decision, Feedback, Lesson, Verdict
from custom_components.smartloop.records import DeliveryState

from .house import ANA_USER, BEN_USER, registry_id
from .phones import FakePhone, load_phone
from .said import decision
from .test_ledger import fill_disk, record_until_full

TAG = "smartloop:mold.ventilate:bathroom:"
TOKEN = "01KB3D1V8Y2Z7J5Q0M4C6N9R8T"


@dataclass
class Home:
    """The whole integration, and Ana's phone."""

    hass: HomeAssistant
    entry: MockConfigEntry
    ana: FakePhone

    @property
    def coordinator(self) -> Coordinator:
        coordinator: Coordinator = self.entry.runtime_data
        return coordinator

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        return self.coordinator.engine.lessons()

    async def settle(self) -> None:
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def tell(self) -> Decision:
        said = decision()
        await self.coordinator.notifier.async_handle(said)
        return said

    async def fire(self, event: str, data: dict[str, Any], user_id: str | None = ANA_USER) -> None:
        self.hass.bus.async_fire(f"mobile_app_notification_{event}", data, context=Context(user_id=user_id))
        await self.settle()

    async def tap(self, action: str, user_id: str | None = ANA_USER) -> None:
        """Tap as Android says it: the notification's own data, flat."""
        await self.fire("action", self.echo() | {"action": action}, user_id)

    def echo(self) -> dict[str, Any]:
        message = self.ana.messages[-1]
        flat = {"message": message["message"], "title": message["title"], "tag": message["data"]["tag"]}
        for number, each in enumerate(message["data"]["actions"], 1):
            flat |= {f"action_{number}_key": each["action"], f"action_{number}_title": each["title"]}
        return flat

    async def answers(self) -> list[Feedback]:
        return await self.coordinator.ledger.async_feedback()


@pytest.fixture
async def home(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Home]:
    freezer.move_to("2026-11-22 20:00:00+00:00")
    home = Home(household_hass, smartloop_entry, load_phone(household_hass, ANA_USER, "Ana phone"))
    assert await household_hass.config_entries.async_setup(smartloop_entry.entry_id)
    await home.settle()
    yield home
    assert await household_hass.config_entries.async_unload(smartloop_entry.entry_id)
    await home.settle()


# Reading what phones say.


@pytest.mark.parametrize(
    ("data", "tap"),
    [
        ({"action": f"SL_DONE_{TOKEN}"}, Tap(TOKEN, Verdict.HELPFUL)),
        ({"action": f"SL_LATER_{TOKEN}", "action_data": {"smartloop": TOKEN}}, Tap(TOKEN, Verdict.DISMISSED)),
        ({"action": f"SL_WRONG_{TOKEN}", "reply_text": "no"}, Tap(TOKEN, Verdict.WRONG)),
        ({"action": f"SL_DONE_{TOKEN}x"}, None),
        ({"action": f"SL_DONE_{TOKEN[:-1]}"}, None),
        ({"action": f"SL_DONE_{TOKEN.lower()}"}, None),
        ({"action": f"SL_ALL_{TOKEN}"}, None),
        ({"action": "OTHER"}, None),
        ({"action": None}, None),
        ({"action": ["SL_DONE"]}, None),
        ({}, None),
    ],
)
def test_taps_are_read_from_both_systems(data: dict[str, Any], tap: Tap | None) -> None:
    assert tap_of(data) == tap


@pytest.mark.parametrize(
    ("data", "token"),
    [
        ({"tag": TAG, "action_1_key": f"SL_DONE_{TOKEN}", "action_2_key": f"SL_LATER_{TOKEN}"}, TOKEN),
        ({"action_1_key": "OTHER", "action_2_key": f"SL_LATER_{TOKEN}"}, TOKEN),
        ({"action_1_key": 5}, None),
        ({"tag": TAG}, None),
    ],
)
def test_swipes_are_known_by_the_buttons_they_had(data: dict[str, Any], token: str | None) -> None:
    assert token_of(data) == token


# Answers.


@pytest.mark.parametrize(
    ("button", "verdict"),
    [("SL_DONE", Verdict.HELPFUL), ("SL_LATER", Verdict.DISMISSED), ("SL_WRONG", Verdict.WRONG)],
)
async def test_a_tap_is_learned_from_and_clears_the_message(home: Home, button: str, verdict: Verdict) -> None:
    said = await home.tell()

    await home.tap(home.ana.action(button))

    (lesson,) = home.lessons
    ana = registry_id(home.hass, "person.ana")
    assert (lesson.verdict, lesson.key, lesson.room, lesson.person) == (verdict, "mold.ventilate", "bathroom", ana)
    kept = (await home.answers())[0]
    assert (kept.id, kept.decision_id, kept.verdict) == (lesson.id, said.id, verdict)
    assert home.ana.cleared == [TAG]
    deliveries = await home.coordinator.ledger.async_deliveries(said.id)
    assert [each.state for each in deliveries] == [DeliveryState.ANSWERED]


async def test_an_iphone_is_understood_too(home: Home) -> None:
    await home.tell()
    data = home.ana.messages[-1]["data"]

    await home.fire(
        "action",
        {"action": home.ana.action("SL_WRONG"), "action_data": data["action_data"], "sourceDeviceName": "Ana phone"},
    )

    assert [lesson.verdict for lesson in home.lessons] == [Verdict.WRONG]


async def test_the_same_tap_twice_is_one_answer(home: Home) -> None:
    await home.tell()
    action = home.ana.action("SL_WRONG")

    await home.tap(action)
    shift = home.lessons[0].bar_shift
    await home.tap(action)
    await home.tap(home.ana.action("SL_DONE"))

    assert [lesson.bar_shift for lesson in home.lessons] == [shift]
    assert [answer.verdict for answer in await home.answers()] == [Verdict.WRONG]


async def test_it_is_kept_before_it_is_learned_and_cleared_last(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    coordinator = home.coordinator
    record, learn, clear = (
        coordinator.ledger.async_record_feedback,
        coordinator.engine.learn,
        coordinator.notifier.async_answered,
    )

    async def recording(feedback: Feedback) -> bool:
        new = await record(feedback)
        order.append("kept")
        return new

    def learning(feedback: Feedback) -> Lesson | None:
        order.append("learned")
        return learn(feedback)

    async def clearing(*args: Any) -> None:
        order.append("cleared")
        await clear(*args)

    monkeypatch.setattr(coordinator.ledger, "async_record_feedback", recording)
    monkeypatch.setattr(coordinator.engine, "learn", learning)
    monkeypatch.setattr(coordinator.notifier, "async_answered", clearing)
    await home.tell()

    await home.tap(home.ana.action("SL_DONE"))

    assert order == ["kept", "learned", "cleared"]


async def test_a_swipe_is_an_acknowledgement_and_teaches_nothing(home: Home) -> None:
    said = await home.tell()

    await home.fire("cleared", home.echo())

    assert list(home.lessons) == []
    assert [answer.verdict for answer in await home.answers()] == [Verdict.ACKNOWLEDGED]
    deliveries = await home.coordinator.ledger.async_deliveries(said.id)
    assert [each.state for each in deliveries] == [DeliveryState.ANSWERED]

    # The tap that comes after all still counts.
    await home.tap(home.ana.action("SL_WRONG"))
    assert [lesson.verdict for lesson in home.lessons] == [Verdict.WRONG]


async def test_a_message_that_was_shown_is_received(home: Home) -> None:
    said = await home.tell()

    await home.fire("received", home.echo())

    deliveries = await home.coordinator.ledger.async_deliveries(said.id)
    assert [each.state for each in deliveries] == [DeliveryState.RECEIVED]
    assert home.ana.cleared == []


# What is no answer.


@pytest.mark.parametrize("user_id", [None, BEN_USER, "somebody else"])
async def test_nobody_outside_the_household_answers_for_it(home: Home, user_id: str | None) -> None:
    await home.tell()

    await home.tap(home.ana.action("SL_WRONG"), user_id)
    await home.fire("cleared", home.echo(), user_id)
    await home.fire("received", home.echo(), user_id)

    assert home.lessons == ()
    assert await home.answers() == []
    assert home.ana.cleared == []


async def test_a_made_up_token_is_ignored(home: Home) -> None:
    await home.tell()

    await home.fire("action", {"action": f"SL_WRONG_{ulid_now()}"})
    await home.fire("action", {"action": "FRONT_DOOR_OPEN"})

    assert await home.answers() == []
    assert home.ana.cleared == []


async def test_an_answer_that_comes_too_late_is_ignored(home: Home, freezer: FrozenDateTimeFactory) -> None:
    await home.tell()

    freezer.tick(timedelta(hours=29))
    await home.tap(home.ana.action("SL_WRONG"))
    assert len(await home.answers()) == 1

    freezer.tick(timedelta(hours=2))
    await home.fire("cleared", home.echo())
    assert len(await home.answers()) == 1


# What goes wrong.


async def test_a_full_disk_acknowledges_nothing(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    await home.tell()
    fill_disk(home.coordinator.ledger)
    # Down to the last bytes: an answer from a phone is longer than these.
    await record_until_full(home.coordinator.ledger, 1)

    await home.tap(home.ana.action("SL_WRONG"))

    assert home.lessons == ()
    assert home.ana.cleared == []
    assert "not acknowledged" in caplog.text
    assert ir.async_get(home.hass).async_get_issue(DOMAIN, "ledger_full") is not None


async def test_a_ledger_that_cannot_be_read_acknowledges_nothing(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    await home.tell()
    await home.coordinator.ledger.async_close()

    await home.tap(home.ana.action("SL_WRONG"))

    assert home.lessons == ()
    assert home.ana.cleared == []
    assert "cannot be looked up" in caplog.text


async def test_a_lesson_survives_a_crash(home: Home) -> None:
    """The engine's own state is saved minutes later; the ledger has the answer at once."""
    await home.tell()
    await home.tap(home.ana.action("SL_WRONG"))
    lessons = home.lessons
    storage = home.coordinator.storage

    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    # What a crash leaves behind: the ledger, and nothing in the store.
    await storage.async_remove()
    assert await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()

    assert home.lessons == lessons


# The whole way.


async def test_from_damp_air_to_a_changed_mind(home: Home, freezer: FrozenDateTimeFactory) -> None:
    """A shower; advice on the phone; "Wrong"; the same air again stays in the shadow."""
    bath = {"sensor.bathroom_temperature": (20.0, "°C"), "sensor.bathroom_humidity": (72.0, "%")}
    outside = {"sensor.garden_temperature": (6.0, "°C"), "sensor.garden_humidity": (80.0, "%")}

    async def minutes(count: int) -> None:
        for _ in range(count):
            freezer.tick(timedelta(minutes=1))
            for entity_id, (value, unit) in (bath | outside).items():
                home.hass.states.async_set(entity_id, str(value), {"unit_of_measurement": unit})
            async_fire_time_changed(home.hass, dt_util.utcnow())
            await home.settle()

    await minutes(25)

    message = next(each for each in home.ana.messages if each["data"]["tag"] == TAG)
    assert re.search(r"surface humidity \d+ → \d+ %", message["message"])
    assert [each.key for each in home.coordinator.view("bathroom").active] == ["mold.ventilate"]

    await home.tap(home.ana.action("SL_WRONG"))

    assert home.coordinator.view("bathroom").active == ()
    assert home.ana.cleared == [TAG]
    sentence = home.coordinator.notifier.lesson_text(home.lessons[0])
    assert sentence.startswith("Ana said “Wrong” to airing (Bathroom)")

    before = len(home.ana.messages)
    await minutes(7 * 60)
    view = home.coordinator.view("bathroom")
    assert view.active == ()
    assert [each.key for each in view.shadows] == ["mold.ventilate"]
    assert len(home.ana.messages) == before
    assert not _async_get_or_create_notifications(home.hass)
