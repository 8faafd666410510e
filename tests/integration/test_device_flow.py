"""Own devices are found, added with their key, changed and removed as their owner would."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import probatio as vol
import pytest
from homeassistant.components.repairs import repairs_flow_manager
from homeassistant.config_entries import SOURCE_IGNORE, SOURCE_RECONFIGURE, SOURCE_USER, ConfigEntry, ConfigSubentry
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop.adapters.found_devices import MOST_OFFERS
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.protocol import format_label
from hardware.simulator.ble.peripheral import Peripheral

from .house import registry_id
from .radio import BED, KEY, OTHER_KEY, SLEEVE, advertise, bed_node, puffs, radio, sleeve
from .wording import every_flow_has_words

OFFER = f"new_inhaler_sleeve_{SLEEVE}"


@pytest.fixture(autouse=True)
def wording() -> Iterator[None]:
    with every_flow_has_words():
        yield


@pytest.fixture
async def house(
    household_hass: HomeAssistant, enable_bluetooth: None, smartloop_entry: MockConfigEntry
) -> AsyncIterator[HomeAssistant]:
    """Return Home Assistant with a household that listens, Repairs and Bluetooth."""
    assert await async_setup_component(household_hass, "repairs", {})
    assert await household_hass.config_entries.async_setup(smartloop_entry.entry_id)
    await settle(household_hass)
    household_hass.set_state(CoreState.running)
    yield household_hass
    if entry_of(household_hass).state.recoverable:
        await household_hass.config_entries.async_unload(smartloop_entry.entry_id)


async def settle(hass: HomeAssistant) -> None:
    await hass.async_block_till_done(wait_background_tasks=True)


async def hear(hass: HomeAssistant, device: Peripheral, **how: Any) -> None:
    advertise(hass, device, **how)
    await settle(hass)


def entry_of(hass: HomeAssistant) -> ConfigEntry[Any]:
    return hass.config_entries.async_entries(DOMAIN, include_ignore=False)[0]


def devices_of(hass: HomeAssistant) -> list[Any]:
    return list(entry_of(hass).get_subentries_of_type("device"))


async def by_hand(hass: HomeAssistant) -> Any:
    return await hass.config_entries.subentries.async_init(
        (entry_of(hass).entry_id, "device"), context={"source": SOURCE_USER}
    )


async def change(hass: HomeAssistant) -> Any:
    return await hass.config_entries.subentries.async_init(
        (entry_of(hass).entry_id, "device"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": devices_of(hass)[0].subentry_id},
    )


async def go_on(hass: HomeAssistant, flow_id: str, answers: dict[str, Any]) -> Any:
    result = await hass.config_entries.subentries.async_configure(flow_id, answers)
    await settle(hass)
    return result


async def at_the_key(hass: HomeAssistant, address: str = SLEEVE) -> str:
    """Return the flow that asks for the key of a device in range."""
    begun = await by_hand(hass)
    result = await go_on(hass, begun["flow_id"], {"address": address})
    assert result["step_id"] == "key", result
    return str(result["flow_id"])


def proposals(result: Any) -> dict[str, Any]:
    """Return what is filled in already."""
    filled = {field: (field.description or {}).get("suggested_value") for field in result["data_schema"].schema}
    return {str(field): value for field, value in filled.items() if value is not None}


def choices(result: Any, field: str) -> dict[str, str]:
    return {each["value"]: each["label"] for each in result["data_schema"].schema[field].config["options"]}


async def add_sleeve(hass: HomeAssistant, device: Peripheral) -> None:
    await hear(hass, device)
    flow = await at_the_key(hass, device.address)
    result = await go_on(hass, flow, {"key": KEY.hex()})
    ana = registry_id(hass, "person.ana")
    result = await go_on(hass, flow, {"name": "Blue", "inhaler": f"{ana}/new:reliever"})
    assert result["type"] is FlowResultType.CREATE_ENTRY, result


# First run.


async def test_a_device_leads_to_a_household_and_into_it(household_hass: HomeAssistant, enable_bluetooth: None) -> None:
    hass, device = household_hass, sleeve()
    with radio(device):
        await hear(hass, device)
        found = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        assert [each["step_id"] for each in found] == ["bluetooth_confirm"]
        assert found[0]["context"]["title_placeholders"] == {"name": "Inhaler sleeve 00:07"}

        flow = found[0]["flow_id"]
        configure = hass.config_entries.flow.async_configure
        assert (await configure(flow, {}))["step_id"] == "user"
        assert (await configure(flow, {"name": "Home"}))["step_id"] == "rooms"
        assert (await configure(flow, {"rooms": ["bathroom"]}))["step_id"] == "people"
        ana = registry_id(hass, "person.ana")
        result = await configure(flow, {"people": [ana]})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert entry_of(hass).unique_id is None
        kind, next_flow = result["next_flow"]
        assert kind == "config_subentries_flow"

        hass.set_state(CoreState.running)
        result = await go_on(hass, next_flow, {"key": format_label(SLEEVE, KEY)})
        assert choices(result, "inhaler") == {
            f"{ana}/new:reliever": "Ana: another inhaler, for relief",
            f"{ana}/new:controller": "Ana: another inhaler, for every day",
        }
        result = await go_on(hass, next_flow, {"name": "Blue", "inhaler": f"{ana}/new:reliever"})
        assert result["type"] is FlowResultType.CREATE_ENTRY

        member = entry_of(hass).get_subentries_of_type("member")
        inhaler = next(iter(member)).data["inhalers"][0]
        assert (inhaler["name"], inhaler["role"]) == ("Blue", "reliever")
        added = devices_of(hass)[0]
        assert added.unique_id == SLEEVE
        assert dict(added.data) == {
            "address": SLEEVE,
            "kind": "inhaler_sleeve",
            "key": KEY.hex(),
            "person": ana,
            "inhaler": inhaler["id"],
        }
        await hass.config_entries.async_unload(entry_of(hass).entry_id)


async def test_what_is_ignored_stays_ignored(household_hass: HomeAssistant, enable_bluetooth: None) -> None:
    hass, device = household_hass, sleeve()
    await hear(hass, device)
    found = hass.config_entries.flow.async_progress_by_handler(DOMAIN)[0]
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IGNORE}, data={"unique_id": SLEEVE, "title": "Somebody's sleeve"}
    )
    await settle(hass)
    device.battery = 40
    await hear(hass, device)
    assert found["flow_id"] not in {
        each["flow_id"] for each in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    }

    # The household that comes later does not ask either; by hand it can still be added.
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    steps: tuple[dict[str, Any], ...] = ({"name": "Home"}, {"rooms": ["bathroom"]}, {"people": []})
    for answers in steps:
        result = await hass.config_entries.flow.async_configure(result["flow_id"], answers)
    await settle(hass)
    device.battery = 39
    await hear(hass, device)
    assert ir.async_get(hass).async_get_issue(DOMAIN, OFFER) is None
    assert (await by_hand(hass))["type"] is FlowResultType.FORM
    await hass.config_entries.async_unload(entry_of(hass).entry_id)


async def test_noise_with_our_uuid_offers_nothing(household_hass: HomeAssistant, enable_bluetooth: None) -> None:
    for payload in (b"", b"\x00" * 10, b"\xff" * 10, b"\x91" * 9):
        await hear(household_hass, sleeve(), payload=payload)

    assert household_hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []


# With a household.


async def test_a_found_device_is_offered_and_added_from_repairs(house: HomeAssistant) -> None:
    device = sleeve()
    with radio(device):
        await hear(house, device)
        issue = ir.async_get(house).async_get_issue(DOMAIN, OFFER)
        assert issue is not None
        assert issue.is_fixable
        assert issue.translation_placeholders == {"device": "00:07"}

        repairs = repairs_flow_manager(house)
        assert repairs is not None
        menu = await repairs.async_init(DOMAIN, context={"issue_id": OFFER})
        assert menu["type"] is FlowResultType.MENU
        result = await repairs.async_configure(menu["flow_id"], {"next_step_id": "add"})
        kind, flow = result["next_flow"]
        assert kind == "config_subentries_flow"
        # Who closes the dialog now has not lost the offer.
        assert ir.async_get(house).async_get_issue(DOMAIN, OFFER) is not None

        await go_on(house, flow, {"key": KEY.hex(" ", 2)})
        ana = registry_id(house, "person.ana")
        await go_on(house, flow, {"name": "Blue", "inhaler": f"{ana}/new:reliever"})

        assert [each.title for each in devices_of(house)] == ["Blue"]
        assert ir.async_get(house).async_get_issue(DOMAIN, OFFER) is None


async def test_an_offer_can_be_declined_for_good(house: HomeAssistant) -> None:
    device = sleeve()
    await hear(house, device)
    repairs = repairs_flow_manager(house)
    assert repairs is not None
    menu = await repairs.async_init(DOMAIN, context={"issue_id": OFFER})
    result = await repairs.async_configure(menu["flow_id"], {"next_step_id": "ignore"})
    assert result["reason"] == "device_ignored"

    device.battery = 12
    await hear(house, device)
    issue = ir.async_get(house).async_get_issue(DOMAIN, OFFER)
    assert issue is not None
    assert issue.dismissed_version is not None


async def test_an_offer_of_what_was_added_meanwhile_is_settled(house: HomeAssistant) -> None:
    device = sleeve()
    with radio(device):
        await hear(house, device)
        repairs = repairs_flow_manager(house)
        assert repairs is not None
        menu = await repairs.async_init(DOMAIN, context={"issue_id": OFFER})
        await add_sleeve(house, device)
        result = await repairs.async_configure(menu["flow_id"], {"next_step_id": "add"})

    assert result["reason"] == "device_settled"


async def test_who_makes_up_addresses_does_not_fill_the_repairs(house: HomeAssistant) -> None:
    for number in range(40):
        await hear(house, sleeve(f"C0:FF:EE:00:01:{number:02X}"))

    offers = [issue for _, issue in ir.async_get(house).issues if issue.startswith("new_inhaler_sleeve_")]
    assert len(offers) == MOST_OFFERS


async def test_what_was_declined_leaves_room_for_what_comes(house: HomeAssistant) -> None:
    for number in range(MOST_OFFERS):
        stranger = sleeve(f"C0:FF:EE:00:01:{number:02X}")
        await hear(house, stranger)
        ir.async_ignore_issue(house, DOMAIN, f"new_inhaler_sleeve_{stranger.address}", ignore=True)

    await hear(house, sleeve())

    assert ir.async_get(house).async_get_issue(DOMAIN, OFFER) is not None


async def test_a_bed_node_is_added_with_person_and_room(house: HomeAssistant) -> None:
    device = bed_node()
    with radio(device):
        await hear(house, device)
        flow = await at_the_key(house, BED)
        result = await go_on(house, flow, {"key": KEY.hex()})
        assert choices(result, "room") == {"bathroom": "Bathroom", "bedroom": "Bedroom", "kitchen": "Kitchen"}
        ana = registry_id(house, "person.ana")
        # The bed stands in the bedroom, and there is but one member.
        assert proposals(result) == {"name": "Bed node 00:08", "person": ana, "room": "bedroom"}
        result = await go_on(house, flow, {"name": "  ", "person": ana, "room": "bedroom"})
        assert result["errors"] == {"name": "name_empty"}
        await go_on(house, flow, {"name": "Left side", "person": ana, "room": "bedroom"})

    added = devices_of(house)[0]
    assert (added.title, added.data["person"], added.data["room"]) == ("Left side", ana, "bedroom")
    device_entry = dr.async_get(house).async_get_device_by_identifier((DOMAIN, BED), entry_of(house).entry_id)
    assert device_entry is not None
    assert device_entry.area_id == "bedroom"


async def test_whose_it_is_is_never_taken_for_granted(house: HomeAssistant) -> None:
    ana, ben = registry_id(house, "person.ana"), registry_id(house, "person.ben")
    member = MappingProxyType({"person": ben})
    house.config_entries.async_add_subentry(
        entry_of(house), ConfigSubentry(data=member, subentry_type="member", title="Ben", unique_id=ben)
    )
    await settle(house)
    bed, inhaler = bed_node(), sleeve()
    with radio(bed, inhaler):
        await hear(house, bed)
        await hear(house, inhaler)
        flow = await at_the_key(house, BED)
        result = await go_on(house, flow, {"key": KEY.hex()})
        assert proposals(result).keys() == {"name", "room"}
        # What is required, the browser fills in with the first choice.
        assert [field for field in result["data_schema"].schema if isinstance(field, vol.Required)] == ["name", "room"]
        result = await go_on(house, flow, {"name": "Left side", "room": "bedroom"})
        assert result["errors"] == {"person": "owner_missing"}
        result = await go_on(house, flow, {"name": "Left side", "room": "bedroom", "person": ben})
        assert result["type"] is FlowResultType.CREATE_ENTRY

        flow = await at_the_key(house, SLEEVE)
        await go_on(house, flow, {"key": KEY.hex()})
        assert (await go_on(house, flow, {"name": "Blue"}))["errors"] == {"inhaler": "owner_missing"}
        result = await go_on(house, flow, {"name": "Blue", "inhaler": f"{ana}/new:reliever"})
        assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_nearest_is_first_and_what_is_in_use_is_left_out(house: HomeAssistant) -> None:
    first, second, third = sleeve(), sleeve("C0:FF:EE:00:01:01"), sleeve("C0:FF:EE:00:01:02")
    with radio(first, second, third):
        await add_sleeve(house, first)
        await hear(house, second, rssi=-80)
        await hear(house, third, rssi=-50)

        result = await by_hand(house)

    assert list(choices(result, "address").items()) == [
        (third.address, "Inhaler sleeve 01:02"),
        (second.address, "Inhaler sleeve 01:01"),
    ]


# The key.


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("hello", "key_malformed"),
        ("00" * 15, "key_malformed"),
        ("00" * 16, "key_malformed"),
        (OTHER_KEY.hex(), "wrong_key"),
        (format_label(BED, KEY), "key_of_another"),
        ("", "not_in_set_up"),
    ],
)
async def test_a_key_that_is_not_the_devices_is_refused_at_once(house: HomeAssistant, text: str, error: str) -> None:
    device = sleeve()
    with radio(device):
        await hear(house, device)
        flow = await at_the_key(house)
        result = await go_on(house, flow, {"key": text} if text else {})

        assert result["errors"] == {"key": error}
        # It can be mended in the same dialog.
        assert (await go_on(house, flow, {"key": KEY.hex()}))["step_id"] == "inhaler_sleeve"
        assert device.identifying


async def test_a_device_in_set_up_mode_agrees_on_a_key_of_its_own(house: HomeAssistant) -> None:
    device = sleeve(key=None)
    with radio(device):
        await hear(house, device)
        flow = await at_the_key(house)
        assert (await go_on(house, flow, {"key": KEY.hex()}))["errors"] == {"key": "no_key"}
        assert (await go_on(house, flow, {}))["errors"] == {"key": "no_key"}
        device.hold_button()
        await hear(house, device)
        assert (await go_on(house, flow, {"key": KEY.hex()}))["errors"] == {"key": "set_up_mode"}

        assert (await go_on(house, flow, {}))["step_id"] == "inhaler_sleeve"

    assert device.flash.key is not None
    assert device.flash.key != KEY


async def test_who_closes_the_dialog_after_agreeing_has_not_locked_the_device_out(house: HomeAssistant) -> None:
    device = sleeve(key=None)
    with radio(device):
        device.hold_button()
        await hear(house, device)
        flow = await at_the_key(house)
        assert (await go_on(house, flow, {}))["step_id"] == "inhaler_sleeve"
        house.config_entries.subentries.async_abort(flow)
        await hear(house, device)

        flow = await at_the_key(house)
        assert (await go_on(house, flow, {}))["step_id"] == "inhaler_sleeve"


async def test_ways_that_are_barred_are_named(house: HomeAssistant) -> None:
    device = sleeve()
    with radio(device) as air:
        await hear(house, device, connectable=False)
        flow = await at_the_key(house)
        assert (await go_on(house, flow, {"key": KEY.hex()}))["errors"] == {"key": "no_path"}

        await hear(house, device)
        air.out_of_slots = True
        assert (await go_on(house, flow, {"key": KEY.hex()}))["errors"] == {"key": "slots_taken"}

        air.out_of_slots = False
        air.drop_after = 0
        assert (await go_on(house, flow, {"key": KEY.hex()}))["errors"] == {"key": "connection_failed"}

        assert (await go_on(house, flow, {"key": KEY.hex()}))["step_id"] == "inhaler_sleeve"


async def test_a_device_of_a_later_protocol_asks_for_an_update(house: HomeAssistant) -> None:
    device = sleeve()
    payload = device.payload()
    await hear(house, device, payload=bytes([payload[0] & 0xF0 | 2]) + payload[1:])
    flow = await at_the_key(house)

    assert (await go_on(house, flow, {"key": KEY.hex()}))["errors"] == {"key": "version_unknown"}


# What ends at once.


async def test_without_bluetooth_nothing_can_be_added(
    household_hass: HomeAssistant, smartloop_entry: MockConfigEntry
) -> None:
    assert (await by_hand(household_hass))["reason"] == "bluetooth_missing"


async def test_with_nothing_in_range_the_flow_says_what_to_do(house: HomeAssistant) -> None:
    assert (await by_hand(house))["reason"] == "no_devices_found"


async def test_without_members_there_is_nobody_it_could_belong_to(house: HomeAssistant) -> None:
    device = sleeve()
    with radio(device):
        await hear(house, device)
        house.config_entries.async_remove_subentry(entry_of(house), "member_ana")
        await settle(house)
        flow = await at_the_key(house)
        assert (await go_on(house, flow, {"key": KEY.hex()}))["reason"] == "no_member"


# Later.


async def test_a_lost_key_is_replaced_and_nothing_is_counted_twice(house: HomeAssistant) -> None:
    device = sleeve()
    with radio(device):
        await add_sleeve(house, device)
        puffs(device, 3)
        await hear(house, device)
        assert len(await recorded(house)) == 3

        device.hold_button()
        await hear(house, device)
        menu = await change(house)
        assert set(menu["menu_options"]) == {"key", "inhaler_sleeve"}
        await go_on(house, menu["flow_id"], {"next_step_id": "key"})
        result = await go_on(house, menu["flow_id"], {})
        assert result["reason"] == "reconfigure_successful"
        assert device.flash.key is not None
        assert devices_of(house)[0].data["key"] == device.flash.key.hex() != KEY.hex()

        puffs(device, 2)
        await hear(house, device)

    assert len(await recorded(house)) == 5


async def test_no_key_is_agreed_on_while_nobody_knows_how_far_the_log_was_read(house: HomeAssistant) -> None:
    device = sleeve()
    with radio(device):
        await add_sleeve(house, device)
        puffs(device, 3)
        await hear(house, device)
        device.hold_button()
        await hear(house, device)
        menu = await change(house)
        await go_on(house, menu["flow_id"], {"next_step_id": "key"})
        await house.config_entries.async_unload(entry_of(house).entry_id)

        assert (await go_on(house, menu["flow_id"], {}))["errors"] == {"key": "household_not_running"}
        assert device.flash.key == KEY

        await house.config_entries.async_setup(entry_of(house).entry_id)
        await settle(house)
        assert (await go_on(house, menu["flow_id"], {}))["reason"] == "reconfigure_successful"
        puffs(device, 1)
        await hear(house, device)

        assert len(await recorded(house)) == 4


async def test_a_device_whose_memory_was_replaced_is_taken_back_with_a_new_key(house: HomeAssistant) -> None:
    device = sleeve(counter=5000)
    with radio(device):
        await add_sleeve(house, device)
        puffs(device, 3)
        await hear(house, device)
        assert len(await recorded(house)) == 3

        # Its counter began anew with its log: by the old one every advert and every talk would be a replay.
        device.flash = sleeve(key=None).flash
        device.reboot()
        device.hold_button()
        await hear(house, device)
        menu = await change(house)
        await go_on(house, menu["flow_id"], {"next_step_id": "key"})
        assert (await go_on(house, menu["flow_id"], {}))["reason"] == "reconfigure_successful"
        puffs(device, 2)
        await hear(house, device)

        assert len(await recorded(house)) == 5
        known = next(iter(entry_of(house).runtime_data.own_devices.devices.values()))
        assert known.refused == {}
        assert known.heard_at is not None


async def test_a_sleeve_moves_to_another_inhaler(house: HomeAssistant) -> None:
    device = sleeve()
    with radio(device):
        await add_sleeve(house, device)
        ana = registry_id(house, "person.ana")
        before = devices_of(house)[0].data["inhaler"]
        menu = await change(house)
        result = await go_on(house, menu["flow_id"], {"next_step_id": "inhaler_sleeve"})
        assert choices(result, "inhaler")[f"{ana}/{before}"] == "Ana: Blue"
        result = await go_on(house, menu["flow_id"], {"name": "Red", "inhaler": f"{ana}/new:controller"})

    assert result["reason"] == "reconfigure_successful"
    changed = devices_of(house)[0]
    assert changed.title == "Red"
    assert changed.data["inhaler"] != before
    assert changed.data["key"] == KEY.hex()


async def test_a_removed_device_takes_its_entities_along_and_is_offered_again(house: HomeAssistant) -> None:
    device = sleeve()
    with radio(device):
        await add_sleeve(house, device)
        entry = entry_of(house)
        identity = (DOMAIN, SLEEVE)
        assert dr.async_get(house).async_get_device_by_identifier(identity, entry.entry_id) is not None

        house.config_entries.async_remove_subentry(entry, devices_of(house)[0].subentry_id)
        await settle(house)
        device.battery = 51
        await hear(house, device)

    assert dr.async_get(house).async_get_device_by_identifier(identity, entry.entry_id) is None
    assert house.states.get("sensor.blue_battery") is None
    assert ir.async_get(house).async_get_issue(DOMAIN, OFFER) is not None


async def recorded(hass: HomeAssistant) -> list[Any]:
    found: list[Any] = await entry_of(hass).runtime_data.diary.async_actuations(None, dt_util.utcnow() - timedelta(1))
    return found
