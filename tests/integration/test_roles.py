"""What an alarm without a kind is for: guessed where something tells, asked of the owner, and taken back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.repairs import issue_handler, repairs_flow_manager
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.bindings import BindingIndex
from custom_components.smartloop.adapters.discovery import async_candidates, async_propose_room, propose
from custom_components.smartloop.adapters.offers import async_offer_new_sensors, async_offers
from custom_components.smartloop.adapters.roles import Role, guess
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.engine import Measurand

from .house import Sensor, add_device, add_entity, add_platform, temperature
from .wording import every_flow_has_words

TAMPER = Sensor(kind="tamper", value="off", domain="binary_sensor", category=EntityCategory.DIAGNOSTIC)
LOW = Sensor(kind="battery", value="off", domain="binary_sensor", category=EntityCategory.DIAGNOSTIC)


@pytest.fixture(autouse=True)
def wording() -> Iterator[None]:
    with every_flow_has_words():
        yield


def bare(
    hass: HomeAssistant, object_id: str, name: str, device_id: str | None = None, platform: str = "mqtt", **more: Any
) -> er.RegistryEntry:
    """Add an alarm of which its bridge does not say what it is for."""
    entry = er.async_get(hass).async_get_or_create(
        "binary_sensor",
        platform,
        object_id,
        suggested_object_id=object_id,
        config_entry=add_platform(hass, platform),
        device_id=device_id,
        original_name=name,
        **more,
    )
    hass.states.async_set(entry.entity_id, "off")
    return entry


def box(
    hass: HomeAssistant, name: str = "0x00124b01", area: str | None = "hallway", *more: Sensor, **details: str
) -> er.RegistryEntry:
    """Add a box as Zigbee2MQTT shows what it does not know; returns its first alarm."""
    device = add_device(hass, "mqtt", name, area, TAMPER, LOW, *more, **details)
    first = bare(hass, f"{name}_alarm_1", "Alarm 1", device.id)
    bare(hass, f"{name}_alarm_2", "Alarm 2", device.id)
    return first


# What is guessed.


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Water leak", Role.LEAK),
        ("Leak 2", Role.LEAK),
        ("Wassermelder Küche", Role.LEAK),
        ("Leckage", Role.LEAK),
        ("Fuite d'eau", Role.LEAK),
        ("Waterlek", Role.LEAK),
        ("Lek keuken", Role.LEAK),
        ("Fuga de agua", Role.LEAK),
        ("Allagamento cantina", Role.LEAK),
        ("Wyciek wody", Role.LEAK),
        ("Under the sink, water", Role.LEAK),
        ("Fenster Bad", Role.WINDOW),
        ("Fenêtre", Role.WINDOW),
        ("Bewegungsmelder", Role.MOTION),
        ("PIR", Role.MOTION),
        ("Water heater", None),
        ("Wasserpumpe", None),
        ("Lektion", None),
        ("Fire", None),
    ],
)
def test_the_owners_name_of_a_box_tells(household_hass: HomeAssistant, name: str, role: Role | None) -> None:
    alarm = box(household_hass)
    dr.async_get(household_hass).async_update_device(alarm.device_id or "", name_by_user=name)

    assert guess(household_hass, alarm) is role


@pytest.mark.parametrize(
    ("model", "model_id", "manufacturer", "role"),
    [
        ("Automatic", "SNZB-05P", None, Role.LEAK),
        ("SNZB-05P", None, None, Role.LEAK),
        ("lumi", "SJCGQ11LM", "Aqara", Role.LEAK),
        ("Zigbee water sensor", "XY-1", None, Role.LEAK),
        ("Automatic", "HydroLeak", None, Role.LEAK),
        ("Automatic", "MCCGQ11LM", None, Role.WINDOW),
        ("Automatic", "RTCGQ11LM", None, Role.MOTION),
        ("Automatic", "ZA-9", "Nobody", None),
        (None, None, None, None),
    ],
)
def test_model_and_models_id_tell_and_so_does_the_maker(
    household_hass: HomeAssistant, model: str | None, model_id: str | None, manufacturer: str | None, role: Role | None
) -> None:
    details = {"model": model, "model_id": model_id, "manufacturer": manufacturer}
    alarm = box(household_hass, **{key: value for key, value in details.items() if value})

    assert guess(household_hass, alarm) is role


def test_a_child_device_has_its_parents_model(household_hass: HomeAssistant) -> None:
    hass = household_hass
    parent = add_device(hass, "mqtt", "Parent", "hallway", model_id="SNZB-05P")
    child = dr.async_get(hass).async_get_or_create_child(
        config_entry_id=add_platform(hass, "mqtt").entry_id,
        parent_device_id=parent.id,
        identifiers={("mqtt", "zone")},
        name="Zone",
    )

    assert guess(hass, bare(hass, "zone", "Alarm", child.id)) is Role.LEAK


@pytest.mark.parametrize(("room", "role"), [("Bathroom", Role.LEAK), ("Kitchen", Role.LEAK), ("Hallway", None)])
def test_where_a_box_of_alarms_only_lies_tells(household_hass: HomeAssistant, room: str, role: Role | None) -> None:
    assert guess(household_hass, box(household_hass, area=room.lower())) is role


def test_its_habits_tell(household_hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """A window or a passer-by is on now and then; what has been off for days waits for something rare."""
    alarm = box(household_hass)
    assert guess(household_hass, alarm) is None

    freezer.tick(timedelta(days=2))
    assert guess(household_hass, alarm) is Role.LEAK

    household_hass.states.async_set(alarm.entity_id, "on")
    freezer.tick(timedelta(days=2))
    assert guess(household_hass, alarm) is None


def test_a_box_that_measures_is_no_box_of_alarms(household_hass: HomeAssistant) -> None:
    assert guess(household_hass, box(household_hass, "0x1", "bathroom", temperature(20.0))) is None


def test_one_alarm_of_a_box_is_asked_about(household_hass: HomeAssistant) -> None:
    first = box(household_hass, "Leak", "hallway")
    second = er.async_get(household_hass).async_get("binary_sensor.leak_alarm_2")

    assert second is not None
    assert guess(household_hass, first) is Role.LEAK
    assert guess(household_hass, second) is None


@pytest.mark.parametrize(
    "more",
    [
        {"original_device_class": "door"},
        {"entity_category": EntityCategory.DIAGNOSTIC},
        {"disabled_by": er.RegistryEntryDisabler.USER},
        {"hidden_by": er.RegistryEntryHider.USER},
        {"platform": "group"},
        {"platform": DOMAIN},
    ],
)
def test_nothing_is_guessed_of_what_is_known_or_put_away(household_hass: HomeAssistant, more: dict[str, Any]) -> None:
    assert guess(household_hass, bare(household_hass, "leak", "Water leak", **more)) is None


def test_without_a_device_its_own_name_tells(household_hass: HomeAssistant) -> None:
    assert guess(household_hass, bare(household_hass, "leak", "Water leak", platform="template")) is Role.LEAK
    assert guess(household_hass, bare(household_hass, "thing", "Thing", platform="template")) is None


async def test_the_owners_device_class_ends_the_guessing(household_hass: HomeAssistant) -> None:
    alarm = box(household_hass, "Leak", "bathroom")
    er.async_get(household_hass).async_update_entity(alarm.entity_id, device_class="moisture")

    assert (await async_propose_room(household_hass, "bathroom"))[Measurand.WET] == (alarm.id,)
    assert all(each.role is None for each in await offers_of(household_hass))


async def offers_of(hass: HomeAssistant) -> Any:
    return await async_offers(hass, MockConfigEntry(domain=DOMAIN))


# What is proposed.


async def test_a_guess_is_proposed_where_its_owner_sees_it_and_taken_nowhere_else(
    household_hass: HomeAssistant,
) -> None:
    """The list of rooms shows numbers only: what is a guess is not bound with a tick."""
    before = propose(household_hass, await async_candidates(household_hass))
    alarm = box(household_hass, "Leak", "bathroom")

    assert propose(household_hass, await async_candidates(household_hass)) == before
    assert (await async_propose_room(household_hass, "bathroom"))[Measurand.WET] == (alarm.id,)


# What is asked.


@pytest.fixture
def mended(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> Iterator[MockConfigEntry]:
    household_hass.data["repairs"] = {}
    issue_handler.async_setup(household_hass)
    household_hass.config.components.add(DOMAIN)
    with patch("custom_components.smartloop.async_setup_entry", return_value=None):
        yield smartloop_entry


def asked(hass: HomeAssistant) -> dict[str, bool]:
    """Return what is asked about: whether it is ignored, by entity id."""
    return {
        (entry.entity_id if (entry := er.async_get(hass).async_get(issue_id.rpartition("_")[2])) else "gone"): bool(
            issue.dismissed_version
        )
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue_id.startswith("unknown_sensor_") and issue.active
    }


async def question(hass: HomeAssistant, entry: MockConfigEntry, alarm: er.RegistryEntry) -> Any:
    await async_offer_new_sensors(hass, entry)
    manager = repairs_flow_manager(hass)
    assert manager is not None
    return await manager.async_init(DOMAIN, context={"issue_id": f"unknown_sensor_{alarm.id}"})


async def answer(hass: HomeAssistant, result: Any, answers: dict[str, Any]) -> Any:
    manager = repairs_flow_manager(hass)
    assert manager is not None
    return await manager.async_configure(result["flow_id"], answers)


def defaults(result: Any) -> dict[str, Any]:
    found = {}
    for field in result["data_schema"].schema:
        if field.description:
            found[str(field)] = field.description["suggested_value"]
        elif callable(field.default):
            found[str(field)] = field.default()
    return found


def places(result: Any) -> list[str]:
    return [option["label"] for option in result["data_schema"].schema["place"].config["options"]]


async def test_one_step_and_it_is_a_leak_sensor(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    alarm = box(hass, "Below the sink", "kitchen", model_id="LEAK-1")
    result = await question(hass, mended, alarm)
    assert asked(hass) == {alarm.entity_id: False}
    assert result["type"] is FlowResultType.FORM
    assert result["description_placeholders"] == {"sensor": "Below the sink"}
    assert defaults(result) == {"role": "leak", "place": "kitchen"}

    result = await answer(hass, result, defaults(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (binding,) = BindingIndex(hass, mended).by_entity[alarm.entity_id]
    assert (binding.measurand, binding.place) == (Measurand.WET, "kitchen")
    await async_offer_new_sensors(hass, mended)
    assert asked(hass) == {}


@pytest.mark.parametrize(("role", "measurand"), [("window", Measurand.WINDOW_OPEN), ("motion", Measurand.MOTION)])
async def test_the_owner_knows_better(
    household_hass: HomeAssistant, mended: MockConfigEntry, role: str, measurand: Measurand
) -> None:
    hass = household_hass
    alarm = box(hass, "Leak", "kitchen")
    result = await question(hass, mended, alarm)
    await answer(hass, result, {"role": role, "place": "bathroom"})

    (binding,) = BindingIndex(hass, mended).by_entity[alarm.entity_id]
    assert (binding.measurand, binding.place) == (measurand, "bathroom")


async def test_an_area_that_is_no_room_yet_becomes_one(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    """The owner of nothing but a leak sensor in the cellar presses Submit once."""
    hass = household_hass
    ar.async_get(hass).async_create("Cellar")
    alarm = box(hass, "Leak", "cellar")
    add_device(hass, "zha", "Wall", "cellar", temperature(12.0))
    result = await question(hass, mended, alarm)
    assert places(result) == ["Bathroom", "Bedroom", "Kitchen", "Cellar (becomes a room of SmartLoop)"]
    assert defaults(result)["place"] == "cellar"

    await answer(hass, result, defaults(result))
    room = next(each for each in mended.subentries.values() if each.unique_id == "cellar")
    assert (room.title, room.data["kind"]) == ("Cellar", "basement")
    assert set(room.data["bindings"]) == {"temperature", "wet"}


async def test_something_else_is_not_asked_about_again(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    alarm = box(hass, "Leak", None)
    result = await question(hass, mended, alarm)
    assert defaults(result) == {"role": "leak"}

    result = await answer(hass, result, {"role": "leak"})
    assert result["errors"] == {"place": "place_missing"}

    result = await answer(hass, result, {"role": "other"})
    assert result["reason"] == "sensor_ignored"
    await async_offer_new_sensors(hass, mended)
    assert asked(hass) == {alarm.entity_id: True}


async def test_there_is_no_floor_under_the_open_sky(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    result = await question(household_hass, mended, box(household_hass, "Leak", "garden"))

    assert places(result) == ["Bathroom", "Bedroom", "Kitchen"]
    assert defaults(result) == {"role": "leak"}


async def test_a_question_that_stands_no_longer_ends(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    alarm = box(hass, "Leak", "kitchen")
    result = await question(hass, mended, alarm)
    er.async_get(hass).async_remove(alarm.entity_id)
    result = await answer(hass, result, {"role": "leak", "place": "kitchen"})

    assert result["reason"] == "sensor_gone"


# Undone in the room's settings, and any alarm picked there.


async def change_room(hass: HomeAssistant, entry: MockConfigEntry, leak: list[str]) -> None:
    flows = hass.config_entries.subentries
    result = await flows.async_init(
        (entry.entry_id, "room"), context={"source": SOURCE_RECONFIGURE, "subentry_id": "room_kitchen"}
    )
    answers = {"kind": "kitchen", "construction": "unknown", "wall_class": "sensitive", "f_rsi_source": "none"}
    result = await flows.async_configure(result["flow_id"], {**answers, "leaks": {"leak": leak}})
    assert result["reason"] == "reconfigure_successful"


async def test_the_role_is_undone_in_the_rooms_settings(household_hass: HomeAssistant, mended: MockConfigEntry) -> None:
    hass = household_hass
    alarm = box(hass, "Leak", "kitchen")
    result = await question(hass, mended, alarm)
    await answer(hass, result, defaults(result))

    await change_room(hass, mended, [])
    assert alarm.entity_id not in BindingIndex(hass, mended).by_entity
    await async_offer_new_sensors(hass, mended)
    assert asked(hass) == {}

    other = bare(hass, "anything", "Anything")
    await change_room(hass, mended, [other.entity_id])
    (binding,) = BindingIndex(hass, mended).by_entity[other.entity_id]
    assert binding.measurand is Measurand.WET


async def test_changing_a_room_does_not_answer_the_question(
    household_hass: HomeAssistant, mended: MockConfigEntry
) -> None:
    hass = household_hass
    alarm = box(hass, "Leak", "kitchen")
    await change_room(hass, mended, [])
    await async_offer_new_sensors(hass, mended)

    assert asked(hass) == {alarm.entity_id: False}


async def test_a_leak_sensor_its_bridge_knows_is_offered_as_any_sensor(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    moisture = Sensor(kind="moisture", value="off", domain="binary_sensor")
    add_device(household_hass, "zha", "Sink", "kitchen", moisture, LOW)
    found = await async_offers(household_hass, smartloop_entry)

    assert [(each.kind, each.name, [one.measurand for one in each.sensors]) for each in found] == [
        ("new_sensor", "Sink", [Measurand.WET])
    ]


async def test_passers_by_are_no_news(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    motion = Sensor(kind="motion", value="off", domain="binary_sensor")
    add_device(household_hass, "zha", "Corner", "kitchen", motion)
    assert await async_offers(household_hass, smartloop_entry) == ()

    add_entity(household_hass, "zha", temperature(20.0), "corner_temperature", device_id=device_id(household_hass))
    (offer,) = await async_offers(household_hass, smartloop_entry)
    assert [each.measurand for each in offer.sensors] == [Measurand.TEMPERATURE, Measurand.MOTION]


def device_id(hass: HomeAssistant) -> str:
    entry = er.async_get(hass).async_get("binary_sensor.corner_motion")
    assert entry is not None
    assert entry.device_id is not None
    return entry.device_id
