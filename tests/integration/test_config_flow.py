"""Setting up and changing a household as its owner would."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.config_entries import SOURCE_RECONFIGURE, SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.const import DOMAIN

from .house import (
    ANA_USER,
    BEN_USER,
    add_device,
    add_entity,
    add_person,
    add_phone,
    contact,
    humidity,
    registry_id,
    temperature,
)
from .wording import every_flow_has_words


@pytest.fixture(autouse=True)
def wording() -> Iterator[None]:
    with every_flow_has_words():
        yield


@pytest.fixture(autouse=True)
def not_set_up() -> Iterator[None]:
    """These tests end where the household's own work begins."""
    with (
        patch("custom_components.smartloop.async_setup", return_value=True),
        patch("custom_components.smartloop.async_setup_entry", return_value=None),
        patch("custom_components.smartloop.async_unload_entry", return_value=None),
    ):
        yield


def suggested(result: Any) -> dict[str, Any]:
    """Return what a form suggests."""
    values = {}
    for field in result["data_schema"].schema:
        if field.description and "suggested_value" in field.description:
            values[str(field)] = field.description["suggested_value"]
        elif callable(field.default):
            values[str(field)] = field.default()
    return values


def labels(result: Any, field: str) -> dict[str, str]:
    """Return the labels of a field's choices."""
    return {option["value"]: option["label"] for option in result["data_schema"].schema[field].config["options"]}


async def start(hass: HomeAssistant) -> Any:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def go_on(hass: HomeAssistant, result: Any, answers: dict[str, Any]) -> Any:
    return await hass.config_entries.flow.async_configure(result["flow_id"], answers)


async def start_subentry(hass: HomeAssistant, entry: MockConfigEntry, kind: str) -> Any:
    return await hass.config_entries.subentries.async_init((entry.entry_id, kind), context={"source": SOURCE_USER})


async def change_subentry(hass: HomeAssistant, entry: MockConfigEntry, kind: str, subentry_id: str) -> Any:
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, kind), context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id}
    )


async def go_on_subentry(hass: HomeAssistant, result: Any, answers: dict[str, Any]) -> Any:
    return await hass.config_entries.subentries.async_configure(result["flow_id"], answers)


def add_indicator(hass: HomeAssistant, calibration: object, **options: str) -> MockConfigEntry:
    entry = MockConfigEntry(
        domain="mold_indicator", title="Corner", options={"calibration_factor": calibration, **options}
    )
    entry.add_to_hass(hass)
    return entry


# The household.


async def test_a_household_is_set_up_by_taking_every_proposal(household_hass: HomeAssistant) -> None:
    hass = household_hass
    hass.config.location_name = "Rose cottage"
    ana, ben = (registry_id(hass, f"person.{name}") for name in ("ana", "ben"))

    result = await start(hass)
    assert result["step_id"] == "user"
    assert suggested(result) == {
        "name": "Rose cottage",
        "weather": "weather.home",
        "outdoor_temperature": ["sensor.garden_temperature"],
        "outdoor_humidity": ["sensor.garden_humidity"],
        "quiet_start": "22:00:00",
        "quiet_end": "07:00:00",
    }

    result = await go_on(hass, result, suggested(result))
    assert result["step_id"] == "rooms"
    assert suggested(result) == {"rooms": ["kitchen", "bathroom", "bedroom"]}
    assert labels(result, "rooms") == {
        "hallway": "Hallway: 1 sensor, temperature or humidity is missing",
        "kitchen": "Kitchen: 2 sensors",
        "bathroom": "Bathroom: 2 sensors",
        "bedroom": "Bedroom: 3 sensors",
    }

    result = await go_on(hass, result, suggested(result))
    assert result["step_id"] == "people"
    assert labels(result, "people") == {ana: "Ana: Ana phone", ben: "Ben"}
    assert suggested(result) == {"people": [ana, ben]}

    result = await go_on(hass, result, suggested(result))
    await hass.async_block_till_done()
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Rose cottage"
    assert result["data"] == {}
    entry = result["result"]
    assert entry.options == {
        "weather": registry_id(hass, "weather.home"),
        "outdoor": {
            "temperature": [registry_id(hass, "sensor.garden_temperature")],
            "relative_humidity": [registry_id(hass, "sensor.garden_humidity")],
        },
        "quiet_hours": {"start": "22:00:00", "end": "07:00:00"},
        "daily_budget": 3,
        "journeys": {"mold": "inform"},
        "inference": "automatic",
    }
    made = {each.unique_id: (each.subentry_type, each.title, each.data) for each in entry.subentries.values()}
    assert list(made) == ["kitchen", "bathroom", "bedroom", ana, ben]
    assert made["bedroom"] == (
        "room",
        "Bedroom",
        {
            "area_id": "bedroom",
            "kind": "bedroom",
            "construction": "unknown",
            "wall_class": "sensitive",
            "bindings": {
                "temperature": [registry_id(hass, "sensor.bedroom_temperature")],
                "relative_humidity": [registry_id(hass, "sensor.bedroom_humidity")],
                "window_open": [registry_id(hass, "binary_sensor.bedroom_window")],
            },
        },
    )
    assert made[ana] == ("member", "Ana", {"person": ana, "user_id": ANA_USER, "phones": ["phone_ana_phone"]})
    # Ben has no phone yet: whatever his login gets later is used.
    assert made[ben] == ("member", "Ben", {"person": ben, "user_id": BEN_USER})


async def test_what_the_owner_leaves_out_is_left_out(household_hass: HomeAssistant) -> None:
    hass = household_hass
    result = await go_on(hass, await start(hass), {"name": " Home "})
    result = await go_on(hass, result, {"rooms": ["bathroom"]})
    result = await go_on(hass, result, {"people": []})

    assert result["title"] == "Home"
    assert result["options"]["weather"] is None
    assert result["options"]["outdoor"] == {}
    assert result["options"]["quiet_hours"] is None
    assert [each["title"] for each in result["subentries"]] == ["Bathroom"]


async def test_a_house_without_sensors_or_people_can_be_set_up(hass: HomeAssistant) -> None:
    result = await go_on(hass, await start(hass), {"name": "Home"})
    assert result["step_id"] == "no_rooms"
    assert result["data_schema"].schema == {}

    result = await go_on(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert list(result["subentries"]) == []


async def test_rooms_with_one_of_two_sensors_can_be_taken(hass: HomeAssistant) -> None:
    ar.async_get(hass).async_create("Attic")
    add_device(hass, "zha", "Attic", "attic", temperature(12.0), contact(), contact("opening"))
    result = await go_on(hass, await start(hass), {"name": "Home"})

    assert result["step_id"] == "no_rooms"
    assert labels(result, "rooms") == {"attic": "Attic: 3 sensors, temperature or humidity is missing"}
    assert suggested(result) == {"rooms": []}

    result = await go_on(hass, result, {"rooms": ["attic"]})
    assert [each["title"] for each in result["subentries"]] == ["Attic"]


async def test_rooms_are_labelled_in_the_language_of_the_house(household_hass: HomeAssistant) -> None:
    household_hass.config.language = "de"
    result = await go_on(household_hass, await start(household_hass), {"name": "Zuhause"})

    assert labels(result, "rooms")["bathroom"] == "Bathroom: 2 Sensoren"


@pytest.mark.parametrize(
    ("answers", "errors"),
    [
        ({"name": "  "}, {"name": "name_empty"}),
        ({"quiet_start": "22:00:00"}, {"quiet_end": "quiet_hours_incomplete"}),
        ({"quiet_end": "07:00:00"}, {"quiet_start": "quiet_hours_incomplete"}),
        ({"quiet_start": "07:00:00", "quiet_end": "07:00:00"}, {"quiet_end": "quiet_hours_empty"}),
        ({"weather": "weather.nowhere"}, {"weather": "entity_missing"}),
        ({"outdoor_temperature": ["sensor.nowhere"]}, {"outdoor_temperature": "entity_missing"}),
        ({"outdoor_temperature": ["sensor.disabled"]}, {"outdoor_temperature": "entity_missing"}),
        ({"outdoor_temperature": ["sensor.own"]}, {"outdoor_temperature": "entity_own"}),
        ({"outdoor_temperature": ["sensor.garden_humidity"]}, {"outdoor_temperature": "unit_unknown"}),
        ({"outdoor_humidity": ["person.ana"]}, {"outdoor_humidity": "entity_wrong_kind"}),
    ],
)
async def test_what_cannot_be_is_refused_and_can_be_mended(
    household_hass: HomeAssistant, answers: dict[str, Any], errors: dict[str, str]
) -> None:
    hass = household_hass
    er.async_get(hass).async_get_or_create("sensor", DOMAIN, "own", suggested_object_id="own", unit_of_measurement="°C")
    disabled = add_entity(hass, "zha", temperature(20.0), "disabled")
    er.async_get(hass).async_update_entity(disabled.entity_id, disabled_by=er.RegistryEntryDisabler.USER)

    result = await go_on(hass, await start(hass), {"name": "Home", **answers})
    assert result["step_id"] == "user"
    assert result["errors"] == errors
    assert suggested(result) == {"name": "Home", **answers}

    result = await go_on(hass, result, {"name": "Home"})
    assert result["step_id"] == "rooms"


async def test_an_entity_of_yaml_alone_can_be_used(household_hass: HomeAssistant) -> None:
    hass = household_hass
    hass.states.async_set("sensor.roof", "5", {"unit_of_measurement": "°C"})
    result = await go_on(hass, await start(hass), {"name": "Home", "outdoor_temperature": ["sensor.roof"]})
    result = await go_on(hass, result, {"rooms": []})
    result = await go_on(hass, result, {"people": []})

    assert result["options"]["outdoor"] == {"temperature": ["sensor.roof"]}


async def test_there_is_one_household(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    result = await start(household_hass)

    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "single_instance_allowed"


async def test_name_and_outdoors_can_be_changed(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    result = await entry.start_reconfigure_flow(hass)
    assert suggested(result) == {
        "name": "Home",
        "weather": "weather.home",
        "outdoor_temperature": ["sensor.garden_temperature"],
        "outdoor_humidity": ["sensor.garden_humidity"],
    }

    result = await go_on(hass, result, {"name": "", "outdoor_humidity": ["sensor.nowhere"]})
    assert result["errors"] == {"name": "name_empty", "outdoor_humidity": "entity_missing"}

    result = await go_on(hass, result, {"name": "Cottage", "outdoor_humidity": ["sensor.hallway_temperature"]})
    assert result["errors"] == {"outdoor_humidity": "unit_unknown"}

    result = await go_on(hass, result, {"name": "Cottage", "outdoor_temperature": ["sensor.garden_temperature"]})
    assert result["reason"] == "reconfigure_successful"
    assert entry.title == "Cottage"
    assert entry.options["weather"] is None
    assert list(entry.options["outdoor"]) == ["temperature"]
    assert entry.options["daily_budget"] == 3


async def test_options_can_be_changed(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass, entry = household_hass, smartloop_entry
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert suggested(result) == {
        "mold": "inform",
        "device": "inform",
        "daily_budget": 3,
        "inference": "builtin",
        "quiet_start": "22:00:00",
        "quiet_end": "07:00:00",
        "weather": "weather.home",
        "outdoor_temperature": ["sensor.garden_temperature"],
        "outdoor_humidity": ["sensor.garden_humidity"],
    }

    answers = {"mold": "off", "device": "off", "daily_budget": 5, "inference": "onnxruntime"}
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {**answers, "quiet_start": "21:00:00", "outdoor_humidity": ["sensor.nowhere"]}
    )
    assert result["errors"] == {"quiet_end": "quiet_hours_incomplete", "outdoor_humidity": "entity_missing"}

    result = await hass.config_entries.options.async_configure(result["flow_id"], answers)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == {
        "weather": None,
        "outdoor": {},
        "quiet_hours": None,
        "daily_budget": 5,
        "journeys": {"mold": "off", "device": "off"},
        "inference": "onnxruntime",
    }


async def test_acting_by_itself_is_not_on_offer(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass = household_hass
    result = await hass.config_entries.options.async_init(smartloop_entry.entry_id)

    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(
            result["flow_id"], {"mold": "act", "daily_budget": 3, "inference": "builtin"}
        )


# Rooms.


async def test_a_room_is_added(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass, entry = household_hass, smartloop_entry
    result = await start_subentry(hass, entry, "room")
    assert labels(result, "area_id") == {"hallway": "Hallway", "garden": "Garden"}

    result = await go_on_subentry(hass, result, {"area_id": "hallway"})
    assert result["step_id"] == "details"
    assert result["description_placeholders"] == {"room": "Hallway"}
    assert suggested(result) == {
        "kind": "hallway",
        "temperature": ["sensor.hallway_temperature"],
        "construction": "unknown",
        "wall_class": "sensitive",
        "f_rsi_source": "none",
    }

    result = await go_on_subentry(hass, result, suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    room = next(each for each in entry.subentries.values() if each.unique_id == "hallway")
    assert room.title == "Hallway"
    assert room.data == {
        "area_id": "hallway",
        "kind": "hallway",
        "construction": "unknown",
        "wall_class": "sensitive",
        "bindings": {"temperature": [registry_id(hass, "sensor.hallway_temperature")]},
    }


async def test_there_must_be_an_area_left(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    for area_id in ("hallway", "garden"):
        ar.async_get(household_hass).async_delete(area_id)

    result = await start_subentry(household_hass, smartloop_entry, "room")

    assert result["reason"] == "no_free_area"


async def test_an_area_becomes_a_room_once(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass, entry = household_hass, smartloop_entry
    first, second = [await start_subentry(hass, entry, "room") for _ in range(2)]
    first, second = [await go_on_subentry(hass, each, {"area_id": "hallway"}) for each in (first, second)]
    late = await start_subentry(hass, entry, "room")

    assert (await go_on_subentry(hass, first, suggested(first)))["type"] is FlowResultType.CREATE_ENTRY
    assert (await go_on_subentry(hass, second, suggested(second)))["reason"] == "already_configured"

    late = await go_on_subentry(hass, late, {"area_id": "hallway"})
    assert late["step_id"] == "user"
    assert labels(late, "area_id") == {"garden": "Garden"}


async def test_everything_of_a_room_can_be_changed(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    add_device(hass, "zha", "Corner", "bathroom", temperature(16.0))
    hass.states.async_set("humidifier.dryer", "on")
    result = await change_subentry(hass, entry, "room", "room_bathroom")
    assert result["step_id"] == "details"
    assert suggested(result) == {
        "kind": "bathroom",
        "temperature": ["sensor.bathroom_temperature"],
        "humidity": ["sensor.bathroom_humidity"],
        "construction": "uninsulated",
        "wall_class": "sensitive",
        "volume_m3": 14.0,
        "f_rsi_source": "none",
    }

    answers = {
        "kind": "laundry",
        "temperature": ["sensor.bathroom_temperature"],
        "humidity": ["sensor.bathroom_humidity"],
        "window": ["binary_sensor.bedroom_window"],
        "cold_corner": ["sensor.corner_temperature"],
        "dehumidifier": ["humidifier.dryer"],
        "construction": "insulated",
        "wall_class": "resistant",
        "f_rsi_source": "none",
    }
    result = await go_on_subentry(hass, result, answers)

    assert result["reason"] == "reconfigure_successful"
    assert entry.subentries["room_bathroom"].data == {
        "area_id": "bathroom",
        "kind": "laundry",
        "construction": "insulated",
        "wall_class": "resistant",
        "bindings": {
            "temperature": [registry_id(hass, "sensor.bathroom_temperature")],
            "relative_humidity": [registry_id(hass, "sensor.bathroom_humidity")],
            "window_open": [registry_id(hass, "binary_sensor.bedroom_window")],
            "surface_temperature": [registry_id(hass, "sensor.corner_temperature")],
            "switch_on": ["humidifier.dryer"],
        },
    }


async def test_a_sensor_left_out_is_remembered_as_left_out(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    result = await change_subentry(hass, entry, "room", "room_bathroom")
    answers = suggested(result) | {"humidity": []}
    await go_on_subentry(hass, result, answers)

    data = entry.subentries["room_bathroom"].data
    assert data["declined"] == [registry_id(hass, "sensor.bathroom_humidity")]
    assert list(data["bindings"]) == ["temperature"]

    result = await change_subentry(hass, entry, "room", "room_bathroom")
    await go_on_subentry(hass, result, answers | {"humidity": ["sensor.bathroom_humidity"]})

    assert "declined" not in entry.subentries["room_bathroom"].data


@pytest.mark.parametrize(
    ("field", "entity_id", "error"),
    [
        ("temperature", "sensor.bathroom_humidity", "unit_unknown"),
        ("humidity", "sensor.nowhere", "entity_missing"),
        ("window", "sensor.bathroom_humidity", "entity_wrong_kind"),
        ("cold_corner", "binary_sensor.bedroom_window", "entity_wrong_kind"),
        ("dehumidifier", "sensor.bathroom_humidity", "entity_wrong_kind"),
    ],
)
async def test_a_room_refuses_what_cannot_measure(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry, field: str, entity_id: str, error: str
) -> None:
    result = await change_subentry(household_hass, smartloop_entry, "room", "room_bathroom")
    result = await go_on_subentry(household_hass, result, suggested(result) | {field: [entity_id]})

    assert result["errors"] == {field: error}
    assert suggested(result)[field] == [entity_id]


async def test_a_disabled_sensor_is_not_shown_and_not_kept(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass = household_hass
    er.async_get(hass).async_update_entity("sensor.bathroom_humidity", disabled_by=er.RegistryEntryDisabler.USER)
    result = await change_subentry(hass, smartloop_entry, "room", "room_bathroom")

    assert "humidity" not in suggested(result)


async def choose_factor(hass: HomeAssistant, entry: MockConfigEntry, source: str) -> Any:
    result = await change_subentry(hass, entry, "room", "room_bathroom")
    return await go_on_subentry(hass, result, suggested(result) | {"f_rsi_source": source})


def factor(entry: MockConfigEntry) -> float | None:
    found: float | None = entry.subentries["room_bathroom"].data.get("f_rsi")
    return found


async def test_a_known_factor_is_entered_kept_and_given_up(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    result = await choose_factor(hass, entry, "measured")
    assert result["step_id"] == "f_rsi_measured"
    with pytest.raises(InvalidData):
        await go_on_subentry(hass, result, {"f_rsi": 1.2})
    result = await go_on_subentry(hass, result, {"f_rsi": 0.68})
    assert result["reason"] == "reconfigure_successful"
    assert factor(entry) == 0.68

    result = await change_subentry(hass, entry, "room", "room_bathroom")
    assert suggested(result)["f_rsi_source"] == "keep"
    await go_on_subentry(hass, result, suggested(result))
    assert factor(entry) == 0.68

    result = await choose_factor(hass, entry, "measured")
    assert suggested(result) == {"f_rsi": 0.68}

    await choose_factor(hass, entry, "none")
    assert factor(entry) is None


async def test_a_factor_is_taken_from_one_reading(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    result = await choose_factor(hass, entry, "surface")
    assert result["step_id"] == "f_rsi_surface"

    result = await go_on_subentry(hass, result, {"surface": 14.0, "inside": 20.0, "outside": 12.0})
    assert result["errors"] == {"base": "surface_impossible"}
    assert suggested(result) == {"surface": 14.0, "inside": 20.0, "outside": 12.0}

    await go_on_subentry(hass, result, {"surface": 14.0, "inside": 20.0, "outside": 0.0})
    assert factor(entry) == 0.7


async def test_a_reading_in_fahrenheit_gives_the_same_factor(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    hass.config.units = US_CUSTOMARY_SYSTEM
    result = await choose_factor(hass, entry, "surface")
    await go_on_subentry(hass, result, {"surface": 57.2, "inside": 68.0, "outside": 32.0})

    assert factor(entry) == 0.7


async def test_a_factor_is_taken_from_a_mold_indicator(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    add_indicator(hass, 2.0, indoor_temp_sensor="sensor.kitchen_temperature")
    mine = add_indicator(hass, 1.25, indoor_temp_sensor="sensor.bathroom_temperature")
    add_indicator(hass, 0.0)
    result = await choose_factor(hass, entry, "mold_indicator")
    assert list(labels(result, "mold_indicator").values()) == ["Corner (2)", "Corner (1.25)"]
    assert suggested(result) == {"mold_indicator": mine.entry_id}

    await go_on_subentry(hass, result, suggested(result))
    assert factor(entry) == 0.8


async def test_an_impossible_calibration_is_refused(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    wrong = add_indicator(hass, 0.7)
    gone = add_indicator(hass, 1.5)
    result = await choose_factor(hass, entry, "mold_indicator")
    assert suggested(result) == {}

    result = await go_on_subentry(hass, result, {"mold_indicator": wrong.entry_id})
    assert result["errors"] == {"mold_indicator": "calibration_impossible"}

    # Deleted between showing and answering.
    del hass.config_entries._entries[gone.entry_id]
    result = await go_on_subentry(hass, result, {"mold_indicator": gone.entry_id})
    assert result["errors"] == {"mold_indicator": "calibration_impossible"}
    assert factor(entry) is None


async def test_without_mold_indicator_there_is_none_to_choose(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    result = await change_subentry(household_hass, smartloop_entry, "room", "room_bathroom")

    with pytest.raises(InvalidData):
        await go_on_subentry(household_hass, result, suggested(result) | {"f_rsi_source": "mold_indicator"})


# Members.


async def test_a_member_is_added(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass, entry = household_hass, smartloop_entry
    add_phone(hass, BEN_USER, "Ben phone")
    ben = registry_id(hass, "person.ben")
    result = await start_subentry(hass, entry, "member")
    assert labels(result, "person") == {ben: "Ben"}

    result = await go_on_subentry(hass, result, {"person": ben})
    assert result["description_placeholders"] == {"member": "Ben"}
    assert labels(result, "phones") == {"phone_ana_phone": "Ana phone", "phone_ben_phone": "Ben phone"}
    assert suggested(result) == {"phones": ["phone_ben_phone"]}

    result = await go_on_subentry(hass, result, {"phones": ["phone_ben_phone"], "quiet_start": "21:00:00"})
    assert result["errors"] == {"quiet_end": "quiet_hours_incomplete"}

    result = await go_on_subentry(
        hass, result, {"phones": ["phone_ben_phone"], "quiet_start": "21:00:00", "quiet_end": "06:30:00"}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    member = next(each for each in entry.subentries.values() if each.unique_id == ben)
    assert member.title == "Ben"
    assert member.data == {
        "person": ben,
        "user_id": BEN_USER,
        "phones": ["phone_ben_phone"],
        "quiet_hours": {"start": "21:00:00", "end": "06:30:00"},
    }


async def test_a_person_becomes_a_member_once(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass, entry = household_hass, smartloop_entry
    add_person(hass, "Cleo", None)
    ben = registry_id(hass, "person.ben")
    first, second, late = [await start_subentry(hass, entry, "member") for _ in range(3)]
    first, second = [await go_on_subentry(hass, each, {"person": ben}) for each in (first, second)]

    assert (await go_on_subentry(hass, first, {}))["type"] is FlowResultType.CREATE_ENTRY
    assert (await go_on_subentry(hass, second, {}))["reason"] == "already_configured"

    late = await go_on_subentry(hass, late, {"person": ben})
    assert late["step_id"] == "user"
    assert list(labels(late, "person").values()) == ["Cleo"]


async def test_there_must_be_somebody_left(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    household_hass.states.async_remove("person.ben")

    result = await start_subentry(household_hass, smartloop_entry, "member")

    assert result["reason"] == "no_free_person"


async def test_a_member_without_any_phone_can_be_added(hass: HomeAssistant) -> None:
    entry = MockConfigEntry(domain=DOMAIN)
    entry.add_to_hass(hass)
    cleo = add_person(hass, "Cleo", None)
    result = await start_subentry(hass, entry, "member")
    result = await go_on_subentry(hass, result, {"person": cleo.id})
    assert [str(field) for field in result["data_schema"].schema] == ["quiet_start", "quiet_end"]

    result = await go_on_subentry(hass, result, {})
    assert result["data"] == {"person": cleo.id, "user_id": None}


async def test_a_member_can_be_changed(household_hass: HomeAssistant, smartloop_entry: MockConfigEntry) -> None:
    hass, entry = household_hass, smartloop_entry
    add_phone(hass, ANA_USER, "Tablet")
    ana = entry.subentries["member_ana"]
    data = {
        **ana.data,
        "phones": ["phone_ana_phone", "phone_lost"],
        "quiet_hours": {"start": "20:00:00", "end": "08:00:00"},
    }
    hass.config_entries.async_update_subentry(entry, ana, data=data)
    hass.states.async_set("person.ana", "home", {"friendly_name": "Anna", "user_id": "another"})

    result = await change_subentry(hass, entry, "member", "member_ana")
    assert result["menu_options"] == ["details", "inhaler"]
    result = await go_on_subentry(hass, result, {"next_step_id": "details"})
    assert suggested(result) == {"phones": ["phone_ana_phone"], "quiet_start": "20:00:00", "quiet_end": "08:00:00"}

    result = await go_on_subentry(hass, result, {"phones": []})
    assert result["reason"] == "reconfigure_successful"
    assert entry.subentries["member_ana"].title == "Anna"
    assert entry.subentries["member_ana"].data == {"person": ana.data["person"], "user_id": "another", "phones": []}


async def test_a_member_whose_person_is_gone_can_be_changed(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass, entry = household_hass, smartloop_entry
    hass.states.async_remove("person.ana")
    result = await change_subentry(hass, entry, "member", "member_ana")
    result = await go_on_subentry(hass, result, {"next_step_id": "details"})
    await go_on_subentry(hass, result, suggested(result))

    assert entry.subentries["member_ana"].title == "Ana"
    assert entry.subentries["member_ana"].data["user_id"] == ANA_USER


async def test_a_sensor_with_humidity_in_another_area_is_not_proposed_here(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    hass = household_hass
    add_device(hass, "zha", "Fern", "garden", humidity(70.0))
    result = await start_subentry(hass, smartloop_entry, "room")
    result = await go_on_subentry(hass, result, {"area_id": "hallway"})

    assert "humidity" not in suggested(result)
