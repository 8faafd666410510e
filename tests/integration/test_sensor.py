"""The sensors of a room and of the household."""

from dataclasses import replace

import pytest
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import async_capture_events, snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.engine import Act, ActKind, Feedback, Reason, RoomView, Severity, Verdict

from .states import state_of
from .views import AIRING, AT, DAMP, SILENT, Household, growth, horizon


@pytest.mark.usefixtures("all_entities_enabled")
async def test_sensors(
    hass: HomeAssistant, household: Household, entity_registry: er.EntityRegistry, snapshot: SnapshotAssertion
) -> None:
    await household.set_up([Platform.SENSOR])

    await snapshot_platform(hass, entity_registry, snapshot, household.entry.entry_id)


async def test_details_are_disabled_by_default(household: Household, entity_registry: er.EntityRegistry) -> None:
    await household.set_up([Platform.SENSOR])

    entries = er.async_entries_for_config_entry(entity_registry, household.entry.entry_id)
    disabled = {entry.translation_key for entry in entries if entry.disabled_by}
    assert disabled == {
        "absolute_humidity",
        "data_age",
        "dew_point",
        "f_rsi",
        "forecast_temperature",
        "mold_hours",
        "surface_temperature",
        "vapour_pressure",
    }


async def test_a_room_is_a_device_behind_the_household_in_its_area(
    household: Household, device_registry: dr.DeviceRegistry
) -> None:
    await household.set_up([Platform.SENSOR])

    entry_id = household.entry.entry_id
    hub = device_registry.async_get_device_by_identifier((DOMAIN, entry_id), entry_id)
    room = device_registry.async_get_device_by_identifier((DOMAIN, f"{entry_id}_bathroom"), entry_id)
    assert hub is not None
    assert room is not None
    assert room.via_device_id == hub.id
    assert room.area_id == "bathroom"
    assert room.name == "Bathroom"
    assert room.config_subentry_id == "room_bathroom"


async def test_only_what_moved_by_its_resolution_is_written(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.SENSOR])
    writes = async_capture_events(hass, "state_changed")

    await household.show(surface_humidity=86.9, mold_index=0.4279, days_to_mold=38.0, forecast_surface_humidity=89.3)
    assert not writes

    await household.show(surface_humidity=87.1)
    assert [event.data["entity_id"] for event in writes] == ["sensor.bathroom_surface_humidity"]
    assert state_of(hass, "sensor.bathroom_surface_humidity").state == "87.0"

    await household.show(days_to_mold=40.0)
    assert state_of(hass, "sensor.bathroom_days_to_mold").state == "40.0"


async def test_without_readings_what_is_about_now_is_unavailable(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.SENSOR])
    await household.show(SILENT)

    assert state_of(hass, "sensor.bathroom_surface_humidity").state == STATE_UNAVAILABLE
    assert state_of(hass, "sensor.bathroom_mold_index").state == "0.42"
    assert state_of(hass, "sensor.bathroom_best_act").state == STATE_UNKNOWN
    assert state_of(hass, "sensor.bathroom_forecast_humidity").state == STATE_UNKNOWN

    await household.show(DAMP)
    assert state_of(hass, "sensor.bathroom_surface_humidity").state == "86.0"


async def test_without_outdoor_air_surfaces_are_unknown(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.SENSOR])
    await household.show(
        surface_humidity=None,
        surface_temperature=None,
        critical_humidity=None,
        best_act=None,
        no_act_reason=Reason.STALE_OUTDOOR,
    )

    assert state_of(hass, "sensor.bathroom_surface_humidity").state == STATE_UNKNOWN
    act = state_of(hass, "sensor.bathroom_best_act")
    assert act.state == STATE_UNKNOWN
    assert act.attributes["sentence"].startswith("The outdoor air is unknown")


async def test_a_room_nobody_has_looked_at_is_unknown(hass: HomeAssistant, household: Household) -> None:
    household.views["bathroom"] = RoomView(room="bathroom", at=None)
    await household.set_up([Platform.SENSOR])

    for key in ("surface_humidity", "mold_index", "days_to_mold", "best_act", "forecast_humidity"):
        assert state_of(hass, f"sensor.bathroom_{key}").state == STATE_UNKNOWN, key
    assert state_of(hass, "sensor.bathroom_best_act").attributes["sentence"] is None


HEAT = Act(kind=ActKind.HEAT, minutes=None, amount=2.0, surface_humidity_before=86.0, surface_humidity_after=79.0)
DRY = Act(
    kind=ActKind.DEHUMIDIFY, minutes=180.0, amount=55.0, surface_humidity_before=86.0, surface_humidity_after=75.0
)


@pytest.mark.parametrize(
    ("view", "state", "sentence"),
    [
        (DAMP, "ventilate", "12 minutes of airing: surface humidity 86 → 70 %."),
        (replace(DAMP, best_act=HEAT), "heat", "2 °C warmer, to 23.5 °C: surface humidity 86 → 80 %."),
        (
            replace(DAMP, best_act=DRY),
            "dehumidify",
            "Drying the air to 55 %, about 3 hours: surface humidity 86 → 76 %.",
        ),
        (replace(DAMP, best_act=None, no_act_reason=Reason.SURFACE_DRY), "none", "The surfaces are dry enough."),
        (replace(DAMP, best_act=None, no_act_reason=Reason.WINDOW_OPEN), "none", "The window is open already."),
    ],
    ids=["ventilate", "heat", "dehumidify", "dry", "window"],
)
async def test_best_act_says_itself(
    hass: HomeAssistant, household: Household, view: RoomView, state: str, sentence: str
) -> None:
    household.views["bathroom"] = view
    await household.set_up([Platform.SENSOR])

    act = state_of(hass, "sensor.bathroom_best_act")
    assert act.state == state
    assert act.attributes["sentence"] == sentence


async def test_where_mold_may_grow_and_no_act_helps_one_should_look(hass: HomeAssistant, household: Household) -> None:
    household.views["bathroom"] = replace(
        DAMP, best_act=None, no_act_reason=Reason.NOTHING_HELPS, active=(growth(Severity.ADVICE),)
    )
    await household.set_up([Platform.SENSOR])

    act = state_of(hass, "sensor.bathroom_best_act")
    assert act.state == "inspect"
    assert "1.3" in act.attributes["sentence"]


async def test_the_sentence_says_what_is_shown(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.SENSOR])
    await household.show(best_act=replace(AIRING, minutes=13.0, surface_humidity_before=87.9))

    act = state_of(hass, "sensor.bathroom_best_act")
    assert act.attributes["minutes"] == 12.0
    assert act.attributes["before"] == 86.0
    assert act.attributes["sentence"] == "12 minutes of airing: surface humidity 86 → 70 %."

    await household.show(best_act=replace(AIRING, minutes=16.0, surface_humidity_before=91.0))
    assert state_of(hass, "sensor.bathroom_best_act").attributes["sentence"] == (
        "16 minutes of airing: surface humidity 92 → 70 %."
    )


async def test_a_forecast_holds_every_horizon_with_its_band(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.SENSOR])

    forecast = state_of(hass, "sensor.bathroom_forecast_humidity")
    assert forecast.state == "70.0"
    assert forecast.attributes["horizons"][2] == {"hours": 24, "value": 70.0, "lo": 66.0, "hi": 74.0}
    assert forecast.attributes["horizons"][3] == {"hours": 48, "value": None, "lo": None, "hi": None}

    await household.show(forecast=(horizon(24, 21.0, None),))
    assert state_of(hass, "sensor.bathroom_forecast_humidity").state == STATE_UNKNOWN


async def test_lessons_are_said(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.SENSOR])
    assert state_of(hass, "sensor.home_lessons").state == "0"

    await household.coordinator.async_feedback(
        Feedback(id="f1", key="mold.ventilate", verdict=Verdict.WRONG, at=AT, room="bathroom")
    )
    await hass.async_block_till_done()

    lessons = state_of(hass, "sensor.home_lessons")
    assert lessons.state == "1"
    assert len(lessons.attributes["sentences"]) == 1
    assert "Bathroom" in lessons.attributes["sentences"][0]


async def test_explanations_are_not_recorded(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.SENSOR])

    kept_out = set()
    for entity_id in ("sensor.bathroom_forecast_humidity", "sensor.bathroom_best_act", "sensor.home_lessons"):
        state = state_of(hass, entity_id)
        assert state.state_info is not None
        kept_out |= set(state.state_info["unrecorded_attributes"])
    assert kept_out >= {"horizons", "sentence", "sentences", "minutes", "before", "after"}


async def test_progress_of_the_past(hass: HomeAssistant, household: Household) -> None:
    await household.set_up([Platform.SENSOR])
    assert state_of(hass, "sensor.home_history_progress").state == "100"

    household.coordinator._report(42)
    await hass.async_block_till_done()
    assert state_of(hass, "sensor.home_history_progress").state == "42"
    assert state_of(hass, "sensor.home_status").state == "learning_history"


async def test_renaming_an_entity_keeps_it_going(
    hass: HomeAssistant, household: Household, entity_registry: er.EntityRegistry
) -> None:
    await household.set_up([Platform.SENSOR])
    entity_registry.async_update_entity("sensor.bathroom_surface_humidity", new_entity_id="sensor.wall")
    await hass.async_block_till_done()
    await household.show(surface_humidity=91.0)

    assert state_of(hass, "sensor.wall").state == "91.0"
    assert hass.states.get("sensor.bathroom_surface_humidity") is None
