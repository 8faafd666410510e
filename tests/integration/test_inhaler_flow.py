"""A member's inhalers in the settings: added, changed, removed, and what cannot be."""

from collections.abc import Iterator
from typing import Any

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.household import household_of
from custom_components.smartloop.adapters.inhalers import inhalers_of
from custom_components.smartloop.adapters.puff_offers import likely_press
from custom_components.smartloop.engine import ActionPlan, Inhaler, InhalerRole

from .breath import BLUE, BROWN, add_source, counter, entity, give, inhaler, tag, trigger, with_ben
from .house import registry_id
from .test_config_flow import change_subentry, go_on_subentry, labels, not_set_up, suggested, wording

__all__ = ["not_set_up", "wording"]

EVENTS = {"event_types": ["press", "hold"], "device_class": "button"}


class Settings:
    """Ana's settings."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        self.hass = hass
        self.entry = entry

    @property
    def inhalers(self) -> list[dict[str, Any]]:
        return [dict(each) for each in self.entry.subentries["member_ana"].data.get("inhalers", ())]

    async def open(self, *steps: str) -> Any:
        result = await change_subentry(self.hass, self.entry, "member", "member_ana")
        assert result["type"] is FlowResultType.MENU
        for step in steps:
            result = await self.go_on(result, next_step_id=step)
        return result

    async def go_on(self, result: Any, **answers: Any) -> Any:
        return await go_on_subentry(self.hass, result, answers)

    async def add(self, **answers: Any) -> Any:
        return await self.go_on(await self.open("inhaler"), **{"name": "Blue one", "role": "reliever"} | answers)


@pytest.fixture
def settings(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> Iterator[Settings]:
    yield Settings(household_hass, smartloop_entry)  # noqa: PT022  as the fixtures beside it


async def test_an_inhaler_is_added_with_everything_that_tells_of_it(settings: Settings) -> None:
    hass = settings.hass
    assert await async_setup_component(hass, "tag", {})
    cap = add_source(hass, "event", "cap", state="unknown", **EVENTS)
    drawer = add_source(hass, "binary_sensor", "drawer", state="off")
    health = add_source(hass, "sensor", "ana_puffs", state="2")
    pressed = {"trigger": "event", "event_type": "zha_event", "event_data": {"command": "single"}}

    result = await settings.add(
        tags=["blue-tag"],
        buttons=["event.cap", "binary_sensor.drawer"],
        counters=["sensor.ana_puffs"],
        triggers=[pressed],
    )
    assert result["step_id"] == "presses"
    assert result["description_placeholders"] == {"inhaler": "Blue one"}
    assert labels(result, "presses") == {f"{cap.id}|press": "cap: press", f"{cap.id}|hold": "cap: hold"}
    assert suggested(result) == {"presses": [f"{cap.id}|press"]}

    result = await settings.go_on(result, presses=[])
    assert result["errors"] == {"presses": "press_missing"}
    result = await settings.go_on(result, presses=[f"{cap.id}|press"])
    assert result["reason"] == "reconfigure_successful"

    (added,) = settings.inhalers
    assert added["sources"] == [
        {"kind": "tag", "tag": "blue-tag"},
        {"kind": "entity", "id": cap.id, "types": ["press"]},
        {"kind": "entity", "id": drawer.id},
        {"kind": "counter", "id": health.id},
        {"kind": "trigger", "trigger": pressed},
    ]
    (ana,) = household_of(hass, settings.entry).people
    assert ana.inhalers == (Inhaler(id=added["id"], role=InhalerRole.RELIEVER),)
    assert ana.plan == ActionPlan()


async def test_known_tags_are_offered_by_name(settings: Settings) -> None:
    assert await async_setup_component(settings.hass, "tag", {})
    collection = settings.hass.data["tag"]
    await collection.async_create_item({"tag_id": "1234", "name": "Blue sticker"})
    await settings.hass.async_block_till_done()

    result = await settings.open("inhaler")

    assert labels(result, "tags") == {"1234": "Blue sticker"}


async def test_what_is_remembered_is_shown_and_can_be_taken_away(settings: Settings) -> None:
    hass = settings.hass
    cap = add_source(hass, "event", "cap", state="unknown", **EVENTS)
    health = add_source(hass, "sensor", "ana_puffs", state="2")
    pressed = trigger(trigger="event", event_type="zha_event")
    give(hass, settings.entry, inhaler(BLUE, tag("1234"), entity(cap.id, "hold"), counter(health.id), pressed))

    result = await settings.open("change_inhaler")
    assert result["step_id"] == "inhaler"
    shown = suggested(result)
    assert shown == {
        "name": "Blue one",
        "role": "reliever",
        "tags": ["1234"],
        "buttons": ["event.cap"],
        "counters": ["sensor.ana_puffs"],
        "triggers": [{"trigger": "event", "event_type": "zha_event"}],
    }
    # What is shown can be sent back as it is, and what was chosen of the button stays.
    result = await settings.go_on(result, **shown)
    assert suggested(result) == {"presses": [f"{cap.id}|hold"]}
    await settings.go_on(result, **suggested(result))
    before = inhaler(BLUE, tag("1234"), entity(cap.id, "hold"), counter(health.id), pressed)
    assert settings.inhalers == [before]

    result = await settings.open("change_inhaler")
    result = await settings.go_on(result, name=" Sky ", role="controller")
    assert result["reason"] == "reconfigure_successful"
    assert settings.inhalers == [inhaler(BLUE, name="Sky", role="controller")]


async def test_one_of_two_is_changed_and_the_other_removed(settings: Settings) -> None:
    give(settings.hass, settings.entry, inhaler(BLUE), inhaler(BROWN, name="Brown one", role="controller"))

    result = await settings.open("change_inhaler")
    assert labels(result, "inhaler") == {BLUE: "Blue one", BROWN: "Brown one"}
    result = await settings.go_on(result, inhaler=BROWN)
    await settings.go_on(result, **suggested(result) | {"name": "Purple one"})
    assert [each["name"] for each in settings.inhalers] == ["Blue one", "Purple one"]

    result = await settings.go_on(await settings.open("remove_inhaler"), inhaler=BLUE)
    assert result["reason"] == "reconfigure_successful"
    assert [each["id"] for each in settings.inhalers] == [BROWN]


async def test_the_menu_offers_what_can_be_done(settings: Settings) -> None:
    async def offered() -> list[str]:
        return list((await settings.open())["menu_options"])

    assert await offered() == ["details", "inhaler"]
    give(settings.hass, settings.entry, inhaler(BROWN, role="controller"))
    assert await offered() == ["details", "inhaler", "change_inhaler", "remove_inhaler"]
    give(settings.hass, settings.entry, inhaler(BLUE))
    assert await offered() == ["details", "inhaler", "change_inhaler", "remove_inhaler", "plan"]


async def test_the_plan_is_the_persons_own_and_may_say_nothing(settings: Settings) -> None:
    give(settings.hass, settings.entry, inhaler(BLUE))

    result = await settings.open("plan")
    # There is no number to begin with.
    assert suggested(result) == {}
    await settings.go_on(result, reliever_limit_24h=8.0)
    assert settings.entry.subentries["member_ana"].data["plan"] == {"reliever_limit_24h": 8}
    assert household_of(settings.hass, settings.entry).people[0].plan == ActionPlan(reliever_limit_24h=8)

    result = await settings.open("plan")
    assert suggested(result) == {"reliever_limit_24h": 8}
    await settings.go_on(result)
    assert "plan" not in settings.entry.subentries["member_ana"].data
    with pytest.raises(InvalidData):
        await settings.go_on(await settings.open("plan"), reliever_limit_24h=0)


@pytest.mark.parametrize(
    ("answers", "errors"),
    [
        ({"name": "  "}, {"name": "inhaler_unnamed"}),
        ({"name": "brown ONE"}, {"name": "inhaler_name_taken"}),
        ({"buttons": ["sensor.bathroom_humidity"]}, {"buttons": "entity_wrong_kind"}),
        ({"buttons": ["event.nowhere"]}, {"buttons": "entity_missing"}),
        ({"counters": ["sensor.words"]}, {"counters": "counter_no_count"}),
        ({"triggers": [{"trigger": "no_such_thing"}]}, {"triggers": "trigger_unusable"}),
        ({"tags": ["brown-tag"]}, {"tags": "source_taken"}),
        ({"tags": ["bens-tag"]}, {"tags": "source_taken"}),
    ],
)
async def test_what_cannot_be_is_refused(settings: Settings, answers: dict[str, Any], errors: dict[str, str]) -> None:
    hass = settings.hass
    hass.states.async_set("sensor.words", "many")
    await hass.config_entries.async_remove(settings.entry.entry_id)
    settings.entry = with_ben(hass, settings.entry, inhaler("bens", tag("bens-tag")))
    settings.entry.add_to_hass(hass)
    give(hass, settings.entry, inhaler(BROWN, tag("brown-tag"), name="Brown one"))

    result = await settings.add(**answers)

    assert result["errors"] == errors
    assert len(settings.inhalers) == 1


async def test_a_trigger_is_kept_as_it_was_written(settings: Settings) -> None:
    """Home Assistant's own check of it makes templates of texts; those cannot be stored."""
    written = {"trigger": "event", "event_type": "x", "variables": {"a": "{{ 1 }}"}, "enabled": "{{ true }}"}

    await settings.add(triggers=[written])

    assert settings.inhalers[0]["sources"] == [{"kind": "trigger", "trigger": written}]


async def test_an_entity_without_state_yet_can_be_bound(settings: Settings) -> None:
    add_source(settings.hass, "sensor", "asleep")

    result = await settings.add(counters=["sensor.asleep"])

    assert result["reason"] == "reconfigure_successful"


async def test_a_button_on_the_dashboard_that_no_registry_knows(settings: Settings) -> None:
    settings.hass.states.async_set("input_button.puff", "unknown")

    await settings.add(buttons=["input_button.puff"])

    (source,) = inhalers_of(settings.entry)[0].sources
    assert (source.bound, source.person) == ("input_button.puff", registry_id(settings.hass, "person.ana"))


async def test_details_leave_the_inhalers_alone(settings: Settings) -> None:
    give(settings.hass, settings.entry, inhaler(BLUE), plan={"reliever_limit_24h": 6})

    result = await settings.open("details")
    await settings.go_on(result, **suggested(result))

    data = settings.entry.subentries["member_ana"].data
    assert (data["inhalers"], data["plan"]) == ([inhaler(BLUE)], {"reliever_limit_24h": 6})


@pytest.mark.parametrize(
    ("types", "chosen"),
    [
        (["single", "double", "hold"], ["single"]),
        (["press_start", "press_end", "long_press_end"], ["press_end"]),
        (["brightness_step_up"], ["brightness_step_up"]),
        (["a", "b"], []),
    ],
)
def test_one_press_is_proposed(types: list[str], chosen: list[str]) -> None:
    assert likely_press(types) == chosen
