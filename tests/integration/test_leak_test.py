"""The wet-cloth test: step by step, one sensor at a time, while all others stay armed."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.components.config import config_entries as config_views
from homeassistant.components.repairs import issue_handler, repairs_flow_manager
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockUser, async_fire_time_changed
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.smartloop.adapters.leak_test import DRYING_S
from custom_components.smartloop.care import ISSUE_LEAK_TEST
from custom_components.smartloop.const import DOMAIN
from custom_components.smartloop.engine import Measurand, Reading
from custom_components.smartloop.flows.leak_test import LIMIT_S
from custom_components.smartloop.ledger import LedgerError

from .boxes import Boxes, add_leak_sensor
from .living import Living
from .wording import every_flow_has_words


@pytest.fixture(autouse=True)
def wording() -> Iterator[None]:
    with every_flow_has_words():
        yield


class Bench(Boxes):
    """Two leak sensors, a flow, and what the engine hears of water."""

    def __init__(self, living: Living) -> None:
        super().__init__(living)
        self.sink = add_leak_sensor(living, "Sink")
        self.bath = add_leak_sensor(living, "Bath", "bathroom")
        self.alarms: list[tuple[str, float]] = []
        self.manager: Any = living.hass.config_entries.options
        self.flow_id = ""

    async def set_up(self) -> None:
        await self.living.set_up()
        engine = self.living.coordinator.engine
        observe = engine.observe

        def heard(reading: Reading) -> None:
            if reading.measurand is Measurand.WET:
                self.alarms.append((reading.source, reading.value))
            observe(reading)

        engine.observe = heard  # type: ignore[method-assign]

    async def report(self, name: str, state: str) -> None:
        """Let a sensor report, as its integration does."""
        self.living.clock.tick(1)
        self.hass.states.async_set(f"binary_sensor.{name}_moisture", state, {"device_class": "moisture"})
        await self.hass.async_block_till_done()

    async def begin(self) -> dict[str, Any]:
        """Start from the options."""
        result = await self.manager.async_init(self.living.entry.entry_id)
        self.flow_id = result["flow_id"]
        return dict(result)

    async def step(self, answer: dict[str, Any] | None = None) -> dict[str, Any]:
        return dict(await self.manager.async_configure(self.flow_id, answer))

    async def start(self, source: str) -> dict[str, Any]:
        """Go on to where the cloth is held on a sensor."""
        await self.begin()
        await self.step({"next_step_id": "leak_test"})
        ready = await self.step({"point": source})
        assert ready["step_id"] == "leak_ready"
        return await self.step({})

    async def shown(self) -> dict[str, Any]:
        """Return what the flow has come to by itself, as the browser does: it asks on where a progress is done."""
        for _ in range(3):
            await self.hass.async_block_till_done()
        result = dict(self.manager._progress[self.flow_id].cur_step)
        return await self.step() if result["type"] is FlowResultType.SHOW_PROGRESS_DONE else result

    async def time_out(self) -> dict[str, Any]:
        """Let the time be up."""
        self.living.clock.tick(LIMIT_S + 1)
        async_fire_time_changed(self.hass, self.living.now)
        return await self.shown()


@pytest.fixture
async def bench(living: Living) -> Bench:
    made = Bench(living)
    await made.set_up()
    return made


def asked(hass: HomeAssistant) -> str | None:
    """Return which sensors the one question is about."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, ISSUE_LEAK_TEST)
    return None if issue is None or not issue.active else (issue.translation_placeholders or {})["sensors"]


async def test_a_sensor_that_works_passes(bench: Bench) -> None:
    first = await bench.begin()
    assert (first["type"], first["step_id"]) == (FlowResultType.MENU, "menu")
    assert first["menu_options"] == ["settings", "leak_test", "batteries"]
    form = await bench.step({"next_step_id": "leak_test"})
    options = next(iter(form["data_schema"].schema.values())).config["options"]
    assert [each["label"] for each in options] == ["Bath: never tested", "Sink: never tested"]
    await bench.step({"point": bench.sink})

    waiting = await bench.step({})
    assert (waiting["type"], waiting["progress_action"]) == (FlowResultType.SHOW_PROGRESS, "leak_wet")
    assert waiting["description_placeholders"] == {"sensor": "Sink", "minutes": "2"}
    await bench.report("sink", "on")
    drying = await bench.shown()
    assert drying["progress_action"] == "leak_dry"
    await bench.report("sink", "off")
    passed = await bench.shown()
    assert (passed["step_id"], passed["menu_options"]) == ("leak_passed", ["leak_test", "leak_end"])

    assert set(await bench.living.coordinator.diary.async_leak_tests()) == {bench.sink}
    options_before = dict(bench.living.entry.options)
    end = await bench.step({"next_step_id": "leak_end"})
    assert end["type"] is FlowResultType.CREATE_ENTRY
    assert bench.living.entry.options == options_before
    # Nobody was alarmed; that it is dry again is known.
    assert bench.alarms == [(bench.sink, 0.0)]
    assert not bench.care.tests.under_test(bench.sink)


async def pass_test(bench: Bench, name: str, source: str) -> dict[str, Any]:
    await bench.start(source)
    await bench.report(name, "on")
    await bench.shown()
    await bench.report(name, "off")
    return await bench.shown()


async def test_all_others_stay_armed_meanwhile(bench: Bench) -> None:
    await bench.start(bench.sink)
    await bench.report("sink", "on")
    await bench.report("bath", "on")

    assert bench.alarms == [(bench.bath, 1.0)]
    assert bench.care.tests.under_test(bench.sink)
    bench.manager.async_abort(bench.flow_id)


async def test_one_that_is_not_heard_fails_and_may_try_again(bench: Bench) -> None:
    await bench.start(bench.sink)
    failed = await bench.time_out()
    assert failed["step_id"] == "leak_failed"
    assert failed["menu_options"] == ["leak_ready", "leak_test", "leak_end"]
    assert await bench.living.coordinator.diary.async_leak_tests() == {}
    # Armed again: what comes now is a leak.
    await bench.report("sink", "on")
    assert bench.alarms == [(bench.sink, 1.0)]

    again = await bench.step({"next_step_id": "leak_ready"})
    assert again["type"] is FlowResultType.FORM
    still_wet = await bench.step({})
    assert still_wet["errors"] == {"base": "leak_still_wet"}
    await bench.report("sink", "off")
    assert (await bench.step({}))["progress_action"] == "leak_wet"
    bench.manager.async_abort(bench.flow_id)


async def test_one_that_does_not_dry_is_armed_later(bench: Bench) -> None:
    await bench.start(bench.sink)
    await bench.report("sink", "on")
    await bench.shown()
    assert (await bench.time_out())["step_id"] == "leak_passed_wet"
    assert set(await bench.living.coordinator.diary.async_leak_tests()) == {bench.sink}
    assert bench.care.tests.under_test(bench.sink)
    assert bench.alarms == []

    bench.living.clock.tick(DRYING_S + 1)
    await bench.settle()
    assert not bench.care.tests.under_test(bench.sink)
    # Still wet ten minutes later: that is for the engine to judge.
    assert bench.alarms == [(bench.sink, 1.0)]


async def test_one_that_dries_late_is_armed_at_once(bench: Bench) -> None:
    await bench.start(bench.sink)
    await bench.report("sink", "on")
    await bench.shown()
    assert (await bench.time_out())["step_id"] == "leak_passed_wet"
    await bench.report("sink", "off")

    assert not bench.care.tests.under_test(bench.sink)
    assert bench.alarms == [(bench.sink, 0.0)]
    await bench.report("sink", "on")
    assert bench.alarms[-1] == (bench.sink, 1.0)


async def test_a_closed_dialog_arms_the_sensor(bench: Bench) -> None:
    await bench.start(bench.sink)
    bench.manager.async_abort(bench.flow_id)
    await bench.hass.async_block_till_done()

    assert not bench.care.tests.under_test(bench.sink)
    await bench.report("sink", "on")
    assert bench.alarms == [(bench.sink, 1.0)]


async def test_a_reload_in_between_arms_all_and_says_so(bench: Bench) -> None:
    await bench.start(bench.sink)
    await bench.living.unload()
    await bench.living.set_up()

    assert not bench.care.tests.under_test(bench.sink)
    ended = await bench.shown()
    assert (ended["type"], ended["reason"]) == (FlowResultType.ABORT, "leak_interrupted")


async def test_a_result_that_cannot_be_kept_is_none(bench: Bench) -> None:
    await bench.start(bench.sink)
    diary = type(bench.living.coordinator.diary)
    with patch.object(diary, "async_record_leak_test", side_effect=LedgerError):
        await bench.report("sink", "on")
        result = await bench.shown()
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "leak_not_kept")
    assert bench.care.tested == {}


async def test_what_is_carried_over_is_no_answer_to_the_cloth(bench: Bench) -> None:
    await bench.start(bench.sink)
    carried = Reading(
        measurand=Measurand.WET,
        value=1.0,
        unit="1",
        place="kitchen",
        at=bench.living.now,
        source=bench.sink,
        quality=0.5,
    )
    bench.living.coordinator._receive(carried)
    await bench.hass.async_block_till_done()

    assert (await bench.shown())["progress_action"] == "leak_wet"
    assert bench.care.tested == {}
    bench.manager.async_abort(bench.flow_id)


# Repairs.


async def test_all_sensors_never_tested_are_one_question(bench: Bench) -> None:
    assert asked(bench.hass) == "Bath, Sink"
    ir.async_ignore_issue(bench.hass, DOMAIN, ISSUE_LEAK_TEST, ignore=True)

    # A restart forgets neither the test nor what is ignored.
    await pass_test(bench, "sink", bench.sink)
    bench.manager.async_abort(bench.flow_id)
    assert asked(bench.hass) == "Bath"
    await bench.living.unload()
    await bench.living.set_up()
    assert asked(bench.hass) == "Bath"
    issue = ir.async_get(bench.hass).async_get_issue(DOMAIN, ISSUE_LEAK_TEST)
    assert issue is not None
    assert issue.dismissed_version is not None


@pytest.fixture
def repairs(bench: Bench) -> Bench:
    bench.hass.data["repairs"] = {}
    issue_handler.async_setup(bench.hass)
    bench.manager = repairs_flow_manager(bench.hass)
    return bench


async def test_the_issue_leads_through_the_tests(repairs: Bench) -> None:
    bench = repairs
    result = await bench.manager.async_init(DOMAIN, context={"issue_id": ISSUE_LEAK_TEST})
    bench.flow_id = result["flow_id"]
    assert result["step_id"] == "leak_test"
    await bench.step({"point": bench.sink})
    await bench.step({})
    await bench.report("sink", "on")
    await bench.shown()
    await bench.report("sink", "off")
    assert (await bench.shown())["step_id"] == "leak_passed"
    end = await bench.step({"next_step_id": "leak_end"})
    # "Done" would take the question away, and with it the other sensor.
    assert (end["reason"], end["description_placeholders"]) == ("leak_others_left", {"sensors": "Bath"})
    assert asked(bench.hass) == "Bath"

    result = await bench.manager.async_init(DOMAIN, context={"issue_id": ISSUE_LEAK_TEST})
    assert (result["step_id"], result["description_placeholders"]["sensor"]) == ("leak_ready", "Bath")
    bench.flow_id = result["flow_id"]
    await bench.step({})
    await bench.report("bath", "on")
    await bench.shown()
    await bench.report("bath", "off")
    assert (await bench.shown())["step_id"] == "leak_passed"
    end = await bench.step({"next_step_id": "leak_end"})
    assert end["type"] is FlowResultType.CREATE_ENTRY
    assert asked(bench.hass) is None


async def test_an_issue_that_was_not_settled_stays(repairs: Bench) -> None:
    bench = repairs
    result = await bench.manager.async_init(DOMAIN, context={"issue_id": ISSUE_LEAK_TEST})
    bench.flow_id = result["flow_id"]
    await bench.step({"point": bench.sink})
    await bench.step({})
    assert (await bench.time_out())["step_id"] == "leak_failed"
    end = await bench.step({"next_step_id": "leak_end"})

    assert (end["type"], end["reason"]) == (FlowResultType.ABORT, "leak_not_tested")
    assert asked(bench.hass) == "Bath, Sink"


# Who may.


async def test_only_an_administrator_may_test(
    bench: Bench, hass_client: ClientSessionGenerator, hass_read_only_access_token: str, hass_read_only_user: MockUser
) -> None:
    config_views.async_setup(bench.hass)
    client = await hass_client(hass_read_only_access_token)
    answer = await client.post("/api/config/config_entries/options/flow", json={"handler": bench.living.entry.entry_id})

    assert answer.status == 401
    assert not hass_read_only_user.is_admin
