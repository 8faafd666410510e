"""The service actions: what they return, what they refuse, and in whose words."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import probatio as vol
import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.helpers.service import async_get_all_descriptions
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done

from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.coordinator import Coordinator
from custom_components.smartloop.engine import DecisionState, Feedback, Reading, Verdict, read_trace
from custom_components.smartloop.engine.trace import Entry

from .house import ANA_USER, BEN_USER, registry_id
from .phones import load_phone
from .said import decision

ACTIONS = {
    "explain",
    "export",
    "give_feedback",
    "label_period",
    "leak_assurance",
    "lessons",
    "puffs",
    "record_puff",
    "remove_puff",
    "reset_model",
    "undo_lesson",
}


class Actions:
    """Calls actions as Ana does."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        self.hass = hass
        self.entry = entry

    @property
    def coordinator(self) -> Coordinator:
        coordinator: Coordinator = self.entry.runtime_data
        return coordinator

    async def call(self, name: str, **data: Any) -> dict[str, Any]:
        answer = await self.hass.services.async_call(
            DOMAIN, name, data, blocking=True, context=Context(user_id=ANA_USER), return_response=True
        )
        assert answer is not None
        # What cannot be put into JSON cannot be shown.
        return dict(json.loads(json.dumps(answer)))

    async def answer(self, verdict: str = "wrong", **more: Any) -> dict[str, Any]:
        return await self.call("give_feedback", room="bathroom", key="mold_ventilate", verdict=verdict, **more)


@pytest.fixture
async def actions(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Actions]:
    freezer.move_to("2026-11-22 20:00:00+00:00")
    hass = household_hass
    load_phone(hass, ANA_USER, "Ana phone")
    assert await hass.config_entries.async_setup(smartloop_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    yield Actions(hass, smartloop_entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    await hass.config_entries.async_unload(smartloop_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.mark.usefixtures("actions")
async def test_all_are_described(hass: HomeAssistant) -> None:
    described = (await async_get_all_descriptions(hass))[DOMAIN]

    assert set(described) == ACTIONS
    assert all("response" in each for each in described.values())


async def test_they_stay_when_the_household_is_unloaded(actions: Actions) -> None:
    await actions.hass.config_entries.async_unload(actions.entry.entry_id)

    with pytest.raises(ServiceValidationError) as raised:
        await actions.call("lessons")
    assert raised.value.translation_key is not None
    with pytest.raises(ServiceValidationError):
        await actions.call("lessons", config_entry_id="household")

    await actions.hass.config_entries.async_setup(actions.entry.entry_id)
    assert await actions.call("lessons", config_entry_id="household") == {"lessons": []}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("explain", {"room": "attic"}),
        ("give_feedback", {"room": "attic", "key": "mold_heat", "verdict": "wrong"}),
        ("label_period", {"room": "attic", "start": "2026-11-22 08:00", "end": "2026-11-22 08:10", "label": "x"}),
        ("lessons", {"room": "attic"}),
        ("reset_model", {"room": "attic"}),
    ],
)
async def test_a_room_that_is_none_is_refused(actions: Actions, name: str, data: dict[str, Any]) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await actions.call(name, **data)

    assert raised.value.translation_key == "unknown_room"
    assert raised.value.translation_placeholders == {"room": "attic"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("explain", {}),
        ("explain", {"room": "bathroom", "decision_id": "x"}),
        ("export", {"hours": 0}),
        ("export", {"hours": 100_000}),
        ("give_feedback", {"room": "bathroom", "key": "mold_sing", "verdict": "wrong"}),
        ("give_feedback", {"room": "bathroom", "key": "mold_heat", "verdict": "maybe"}),
        ("label_period", {"room": "bathroom", "start": "noon", "end": "2026-11-22 08:10", "label": "x"}),
        ("label_period", {"room": "bathroom", "start": "2026-11-22 08:00", "end": "2026-11-22 08:10", "label": " "}),
        ("undo_lesson", {}),
    ],
)
async def test_nonsense_is_refused(actions: Actions, name: str, data: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        await actions.call(name, **data)


# Explain.


async def test_explain_a_decision(actions: Actions) -> None:
    said = decision()
    await actions.coordinator.notifier.async_handle(said)

    answer = await actions.call("explain", decision_id=said.id)

    assert answer["decision_id"] == said.id
    assert (answer["key"], answer["severity"], answer["state"]) == ("mold.ventilate", "advice", "raised")
    assert answer["room_name"] == "Bathroom"
    assert answer["sentence"].startswith("12 minutes of airing: surface humidity 84 → 71 %.")
    assert answer["evidence"][0] == {"name": "surface_humidity", "value": 84.2, "unit": "%", "lo": 80.0, "hi": 88.0}
    assert answer["proposed"]["kind"] == "ventilate"
    assert answer["engine"]["engine"] == "builtin"
    assert answer["recipients"] == [{"person": "Ana", "status": "told"}]
    assert [(each["person"], each["channel"], each["state"]) for each in answer["deliveries"]] == [
        ("Ana", "mobile_app_ana_phone", "sent")
    ]
    assert answer["lessons"] == []


async def test_explain_why_somebody_was_not_told(actions: Actions, freezer: FrozenDateTimeFactory) -> None:
    said = decision()
    freezer.move_to("2026-11-23 07:30:00+00:00")
    night = decision(expires_at=dt_util.utcnow() + timedelta(hours=1))
    shadow = decision(id="shadow", state=DecisionState.SHADOW, expires_at=dt_util.utcnow() + timedelta(hours=1))
    for each in (night, shadow):
        await actions.coordinator.notifier.async_handle(each)

    assert (await actions.call("explain", decision_id=night.id))["recipients"] == [
        {"person": "Ana", "status": "quiet_hours"}
    ]
    assert (await actions.call("explain", decision_id="shadow"))["recipients"] == [
        {"person": "Ana", "status": "own_answers"}
    ]
    with pytest.raises(ServiceValidationError) as raised:
        await actions.call("explain", decision_id=said.id)
    assert raised.value.translation_key == "unknown_decision"


async def test_explain_who_is_told_when(actions: Actions) -> None:
    said = decision(id="first", score=1.0)
    post = actions.coordinator.notifier
    load_phone(actions.hass, ANA_USER, "Ana phone").go_offline()
    await post.async_handle(said)
    assert (await actions.call("explain", decision_id="first"))["recipients"] == [{"person": "Ana", "status": "due"}]

    await actions.answer("wrong")
    assert (await actions.call("explain", decision_id="first"))["recipients"] == [
        {"person": "Ana", "status": "own_answers_or_enough_messages"}
    ]

    await post.async_handle(replace(said, state=DecisionState.CLEARED))
    answer = await actions.call("explain", decision_id="first")
    assert answer["over_at"] is not None
    assert answer["recipients"] == [{"person": "Ana", "status": "over"}]
    assert [each["sentence"][:16] for each in answer["lessons"]] == ["Ana said “Wrong”"]


async def test_explain_to_a_household_without_people(actions: Actions) -> None:
    actions.hass.config_entries.async_remove_subentry(actions.entry, "member_ana")
    await actions.hass.async_block_till_done(wait_background_tasks=True)
    await actions.coordinator.notifier.async_handle(decision(id="first", room="sold"))

    answer = await actions.call("explain", decision_id="first")

    assert answer["recipients"] == [{"person": None, "status": "told"}]
    assert answer["room_name"] is None


async def test_explain_a_room_nothing_is_known_of(actions: Actions) -> None:
    """The sensors spoke last fifteen hours ago."""
    answer = await actions.call("explain", room="bathroom")

    assert (answer["decision_id"], answer["reason"], answer["evidence"]) == (None, "no_readings", [])
    assert answer["sentence"] == "There are no recent readings of this room."


async def test_explain_a_room_nothing_is_said_of(actions: Actions, freezer: FrozenDateTimeFactory) -> None:
    for place in ("bathroom", "garden"):
        actions.hass.states.async_set(f"sensor.{place}_temperature", "21.0", {"unit_of_measurement": "°C"})
        actions.hass.states.async_set(f"sensor.{place}_humidity", "40.0", {"unit_of_measurement": "%"})
    await actions.hass.async_block_till_done()
    freezer.tick(timedelta(minutes=2))
    await actions.coordinator.async_tick(dt_util.utcnow())

    answer = await actions.call("explain", room="bathroom")

    assert answer["decision_id"] is None
    assert answer["room_name"] == "Bathroom"
    assert answer["reason"] == "surface_dry"
    assert answer["sentence"] == "The surfaces are dry enough."
    assert {each["name"] for each in answer["evidence"]} >= {"temperature", "relative_humidity"}


async def test_explain_what_stands_in_a_room(actions: Actions) -> None:
    said = decision()
    await actions.coordinator.notifier.async_handle(said)
    view = actions.coordinator.view("bathroom")
    with patch.object(Coordinator, "view", return_value=replace(view, active=(said,))):
        answer = await actions.call("explain", room="bathroom")

    assert answer["decision_id"] == said.id


# Answers.


async def test_an_answer_changes_the_room_and_says_how(actions: Actions) -> None:
    answer = await actions.answer()

    assert answer["sentence"].startswith("Ana said “Wrong” to airing (Bathroom)")
    (lesson,) = actions.coordinator.engine.lessons()
    assert lesson.id == answer["lesson_id"]
    assert lesson.person == registry_id(actions.hass, "person.ana")


async def test_an_acknowledgement_teaches_nothing(actions: Actions) -> None:
    assert await actions.answer("acknowledged") == {"lesson_id": None, "sentence": None}


async def test_lessons_are_listed_with_their_evidence(actions: Actions) -> None:
    said = decision()
    await actions.coordinator.notifier.async_handle(said)
    await actions.coordinator.async_feedback(
        Feedback(
            id="tap",
            key="mold.ventilate",
            verdict=Verdict.DISMISSED,
            at=dt_util.utcnow(),
            room="bathroom",
            decision_id=said.id,
        )
    )
    await actions.answer("helpful")

    lessons = (await actions.call("lessons"))["lessons"]

    assert len(lessons) == 2
    tapped = next(each for each in lessons if each["id"] == "tap")
    assert tapped["verdict"] == "dismissed"
    assert tapped["snooze_until"] is not None
    assert tapped["decision_id"] == said.id
    assert tapped["evidence"][0] == {"name": "surface_humidity", "value": 84.2, "unit": "%"}
    assert "84 → 71 %" in tapped["said"]
    assert all(each["sentence"] for each in lessons)
    assert (await actions.call("lessons", room="bedroom"))["lessons"] == []


async def test_a_lesson_can_be_taken_back_for_good(actions: Actions) -> None:
    kept = await actions.answer("helpful")
    wrong = await actions.answer()

    answer = await actions.call("undo_lesson", lesson_id=wrong["lesson_id"])

    assert answer == wrong
    assert [each["id"] for each in (await actions.call("lessons"))["lessons"]] == [kept["lesson_id"]]
    with pytest.raises(ServiceValidationError) as raised:
        await actions.call("undo_lesson", lesson_id=wrong["lesson_id"])
    assert raised.value.translation_key == "unknown_lesson"

    await actions.hass.config_entries.async_reload(actions.entry.entry_id)
    assert [each["id"] for each in (await actions.call("lessons"))["lessons"]] == [kept["lesson_id"]]


async def test_a_room_can_be_forgotten(actions: Actions) -> None:
    await actions.answer()

    assert await actions.call("reset_model", room="bathroom") == {"room": "bathroom", "lessons_forgotten": 1}
    assert (await actions.call("lessons"))["lessons"] == []


async def test_a_ledger_that_fails_is_said_in_words(actions: Actions) -> None:
    await actions.coordinator.ledger.async_close()

    with pytest.raises(HomeAssistantError) as raised:
        await actions.answer()

    assert raised.value.translation_key == "ledger_unusable"
    assert actions.coordinator.engine.lessons() == ()


# Labels.


async def test_a_period_is_labelled(actions: Actions) -> None:
    answer = await actions.call(
        "label_period", room="bathroom", start="2026-11-22 08:00:00", end="2026-11-22 08:12:00", label=" shower "
    )

    # Times without a zone are the household's own.
    assert answer["start"] == "2026-11-22T16:00:00+00:00"
    labels = await actions.coordinator.ledger.async_labels(dt_util.utcnow() - timedelta(days=1))
    assert [(each.room, each.label, each.end - each.start) for each in labels] == [
        ("bathroom", "shower", timedelta(minutes=12))
    ]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-22 08:12:00", "2026-11-22 08:00:00"),
        ("2026-11-22 08:00:00", "2026-11-22 08:00:00"),
        ("2026-09-01 08:00:00", "2026-11-22 08:00:00"),
        ("2026-11-22 08:00:00", "2026-11-23 08:00:00"),
    ],
)
async def test_impossible_periods_are_refused(actions: Actions, start: str, end: str) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await actions.call("label_period", room="bathroom", start=start, end=end, label="shower")

    assert raised.value.translation_key == "impossible_period"


# Export.


async def test_without_a_recorder_the_answers_are_exported(actions: Actions) -> None:
    await actions.answer()
    await actions.coordinator.async_feedback(
        Feedback(id="gone", key="mold.heat", verdict=Verdict.WRONG, at=dt_util.utcnow(), room="sold_with_the_house")
    )
    await actions.call(
        "label_period", room="bathroom", start="2026-11-22 08:00:00", end="2026-11-22 08:12:00", label="shower"
    )

    answer = await actions.call("export", inline=True)

    assert (answer["readings"], answer["feedback"]) == (0, 1)
    assert [each["label"] for each in answer["labels"]] == ["shower"]
    trace = read_trace(line.encode() for line in answer["lines"])
    assert {room.id for room in trace.household.rooms} == {"bathroom", "bedroom", "kitchen"}
    items = [each.item for each in trace.entries if isinstance(each, Entry)]
    assert [item.verdict for item in items if isinstance(item, Feedback)] == [Verdict.WRONG]


async def test_a_trace_is_written_privately(actions: Actions) -> None:
    await actions.answer()

    answer = await actions.call("export", hours=1)

    path = Path(answer["path"])
    assert path.parent == Path(actions.hass.config.path(DOMAIN, "exports"))
    assert modes(path) == (0o600, 0o700)
    assert json.loads(lines(path)[0])["trace"] == 1
    assert len(lines(path)) == 2


def modes(path: Path) -> tuple[int, int]:
    return path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777


def files(path: Path) -> list[Path]:
    return list(path.iterdir())


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def test_a_trace_too_long_for_the_response_is_refused(actions: Actions) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await actions.call("export", hours=24 * 8, inline=True)

    assert raised.value.translation_key == "export_too_long"


async def test_a_trace_that_cannot_be_written_leaves_nothing(actions: Actions) -> None:
    with (
        patch("custom_components.smartloop.export.os.fdopen", side_effect=OSError(28, "No space left on device")),
        pytest.raises(HomeAssistantError) as raised,
    ):
        await actions.call("export")

    assert raised.value.translation_key == "export_failed"
    assert raised.value.translation_placeholders == {"reason": "No space left on device"}
    assert files(Path(actions.hass.config.path(DOMAIN, "exports"))) == []


@pytest.mark.usefixtures("recorder_mock")
async def test_recorded_readings_are_exported(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass = household_hass
    assert await hass.config_entries.async_setup(smartloop_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    for humidity in (61.0, 63.5):
        hass.states.async_set("sensor.bathroom_humidity", str(humidity), {"unit_of_measurement": "%"})
        await async_wait_recording_done(hass)
    await get_instance(hass).async_block_till_done()

    answer = await Actions(hass, smartloop_entry).call("export", hours=1, inline=True)

    trace = read_trace(line.encode() for line in answer["lines"])
    readings = [each.item for each in trace.entries if isinstance(each, Entry) and isinstance(each.item, Reading)]
    assert answer["readings"] == len(readings) > 0
    damp = [each.value for each in readings if (each.place, each.unit) == ("bathroom", "%")]
    assert damp[-2:] == [61.0, 63.5]


@pytest.mark.usefixtures("recorder_mock")
async def test_an_export_holds_ones_own_heart_rate_and_nobody_elses(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass = household_hass
    pulse = er.async_get(hass).async_get_or_create("sensor", "test", "pulse", suggested_object_id="bed_pulse")
    room = smartloop_entry.subentries["room_bedroom"]
    bed = {
        "bindings": {**room.data["bindings"], "heart_rate": [pulse.id]},
        "sleepers": {pulse.id: registry_id(hass, "person.ana")},
    }
    hass.config_entries.async_update_subentry(smartloop_entry, room, data={**room.data, **bed})
    assert await hass.config_entries.async_setup(smartloop_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    hass.states.async_set(pulse.entity_id, "58", {"unit_of_measurement": "bpm"})
    hass.states.async_set("sensor.bedroom_humidity", "50", {"unit_of_measurement": "%"})
    await async_wait_recording_done(hass)

    async def exported(user: str | None) -> set[str]:
        answer = await hass.services.async_call(
            DOMAIN,
            "export",
            {"hours": 1, "inline": True},
            blocking=True,
            return_response=True,
            context=Context(user_id=user),
        )
        trace = read_trace(line.encode() for line in answer["lines"])  # type: ignore[index,union-attr]
        return {
            each.item.measurand.value
            for each in trace.entries
            if isinstance(each, Entry) and isinstance(each.item, Reading)
        }

    assert "heart_rate" in await exported(ANA_USER)
    for other in (BEN_USER, None):
        seen = await exported(other)
        assert "heart_rate" not in seen
        assert "relative_humidity" in seen
