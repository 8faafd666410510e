"""The runtime: models at once, onnxruntime only in the background, only when proven, and said as it is."""

import asyncio
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

import numpy as np
import pytest
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.requirements import RequirementsNotFound
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.smartloop import runtime as runtime_module
from custom_components.smartloop.const import CONF_INFERENCE, DOMAIN
from custom_components.smartloop.inference.errors import EngineUnavailableError, ModelFileError
from custom_components.smartloop.inference.graph import Graph
from custom_components.smartloop.inference.numpy_engine import NumpyEngine, NumpySession
from custom_components.smartloop.inference.select import (
    Probe,
    Reason,
    Survey,
    probing,
    record_key,
    settled,
)
from custom_components.smartloop.runtime import FOLDER, ISSUES, STORAGE_KEY, Runtime

FEATURES = {"features": np.zeros((1, 32), np.float32)}
HEALTHY = Probe(reason=Reason.HEALTHY)
KEY = record_key("1.28.0", json.loads((FOLDER / "catalog.json").read_text())["models"]["selftest"]["sha256"])


class Accelerator(NumpyEngine):
    """Stands in for onnxruntime: right numbers, or numbers off by `error`."""

    name = "onnxruntime"
    version = "1.28.0"

    def __init__(self, error: float = 0) -> None:
        self.error = error

    def load(self, data: bytes, graph: Graph) -> Any:
        session = super().load(data, graph)

        def run(inputs: Any) -> dict[str, Any]:
            return {name: values + np.float32(self.error) for name, values in session.run(inputs).items()}

        return SimpleNamespace(run=run)


class Machine:
    """What the runtime finds around it, and what it was asked to do."""

    def __init__(self) -> None:
        self.surveys: list[Survey] = [Survey(musl=False, version="1.28.0", telemetry="none")]
        self.probe = Mock(return_value=HEALTHY)
        self.install = AsyncMock()
        self.open: Mock = Mock(side_effect=Accelerator)

    def survey(self) -> Survey:
        return self.surveys.pop(0) if len(self.surveys) > 1 else self.surveys[0]

    def found(self, *versions: str | None, musl: bool = False, telemetry: str = "none") -> None:
        self.surveys = [Survey(musl=musl, version=version, telemetry=telemetry) for version in versions]


@pytest.fixture
def machine(hass: HomeAssistant) -> Iterator[Machine]:
    """Replace everything that would look at this machine or change it."""
    machine = Machine()
    hass.config.skip_pip = False
    with ExitStack() as stack:
        for name, stand_in in (
            ("survey", machine.survey),
            # The test Home Assistant calls a mock in the event loop; a function goes to the executor as in life.
            ("probe", lambda: machine.probe()),  # noqa: PLW0108
            ("open_onnxruntime", lambda: machine.open()),  # noqa: PLW0108
            ("async_process_requirements", machine.install),
        ):
            stack.enter_context(patch.object(runtime_module, name, stand_in))
        yield machine


async def started(hass: HomeAssistant, choice: str | None = None) -> Runtime:
    """Return a runtime whose background work is done."""
    runtime = await loaded(hass, choice)
    await hass.async_block_till_done(wait_background_tasks=True)
    return runtime


async def loaded(hass: HomeAssistant, choice: str | None = None) -> Runtime:
    """Return a runtime that is ready for set-up to go on."""
    entry = MockConfigEntry(domain=DOMAIN, options={CONF_INFERENCE: choice} if choice else {})
    entry.add_to_hass(hass)
    runtime = Runtime(hass, entry)
    await runtime.async_load()
    return runtime


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the repairs that are open, all with the words they need."""
    found = {
        issue_id: issue
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and issue.active
    }
    for issue_id, issue in found.items():
        assert issue.translation_key == issue_id
        assert issue.severity == ISSUES[issue_id]
        assert issue.is_fixable == (issue_id == "onnxruntime_unavailable")
        for language in ("en", "de"):
            path = FOLDER.parent / "translations" / f"{language}.json"
            words = json.dumps(json.loads(path.read_text())["issues"][issue_id])
            assert set(re.findall(r"\{(\w+)\}", words)) == set(issue.translation_placeholders or {})
    return found


def works(runtime: Runtime) -> bool:
    """Return whether the self-test model runs."""
    runner = runtime.runner("selftest")
    assert runner is not None
    return 0 <= float(runner.run(FEATURES)["probability"][0, 0]) <= 1


# Ready at once.


async def test_every_model_is_there_when_set_up_goes_on(hass: HomeAssistant, machine: Machine) -> None:
    hass.set_state(CoreState.starting)
    runtime = await loaded(hass)

    assert works(runtime)
    assert runtime.runner("oracle") is None
    assert runtime.facts()["engine"] == "builtin"
    assert runtime.facts()["reason"] == "pending"
    assert set(runtime.facts()["models"]) == set(json.loads((FOLDER / "catalog.json").read_text())["models"])
    machine.probe.assert_not_called()


async def test_nothing_is_tried_before_home_assistant_has_started(hass: HomeAssistant, machine: Machine) -> None:
    machine.found(None, "1.28.0")
    hass.set_state(CoreState.starting)
    runtime = await started(hass, "onnxruntime")
    machine.install.assert_not_called()

    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done(wait_background_tasks=True)

    machine.install.assert_awaited_once_with(hass, DOMAIN, ["onnxruntime==1.28.0"], False)  # noqa: FBT003
    assert runtime.facts()["engine"] == "onnxruntime"


async def test_a_slow_probe_holds_up_nothing(hass: HomeAssistant, machine: Machine) -> None:
    release = threading.Event()
    machine.probe.side_effect = lambda: release.wait(10) and HEALTHY
    try:
        async with asyncio.timeout(5):
            runtime = await loaded(hass)
            await hass.async_block_till_done()
        assert works(runtime)
        assert runtime.facts()["engine"] == "builtin"
    finally:
        release.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert runtime.facts()["engine"] == "onnxruntime"


# Which engine, and why.


async def test_onnxruntime_takes_over_when_it_is_proven(hass: HomeAssistant, machine: Machine) -> None:
    hass.set_state(CoreState.starting)
    runtime = await loaded(hass)
    before, told = runtime.runner("selftest"), Mock()
    stop = runtime.async_add_listener(told)
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done(wait_background_tasks=True)

    facts = runtime.facts()
    assert (facts["engine"], facts["engine_version"], facts["reason"]) == ("onnxruntime", "1.28.0", "healthy")
    assert runtime.runner("selftest") is not before
    assert works(runtime)
    told.assert_called_once_with()
    assert issues(hass) == {}
    machine.probe.assert_called_once_with()
    machine.install.assert_not_called()
    stop()


async def test_the_owners_choice_of_the_builtin_engine_looks_at_nothing(hass: HomeAssistant, machine: Machine) -> None:
    machine.surveys = []
    runtime = await started(hass, "builtin")

    assert runtime.facts()["reason"] == "user_choice"
    assert works(runtime)
    assert issues(hass) == {}
    machine.probe.assert_not_called()
    machine.open.assert_not_called()


@pytest.mark.parametrize("choice", ["automatic", "onnxruntime"])
async def test_on_musl_there_is_no_pip_call_and_no_repair(
    hass: HomeAssistant, machine: Machine, choice: str, caplog: pytest.LogCaptureFixture
) -> None:
    machine.found(None, musl=True)
    runtime = await started(hass, choice)

    assert runtime.facts()["reason"] == "musl_platform"
    assert works(runtime)
    assert issues(hass) == {}
    machine.install.assert_not_called()
    machine.probe.assert_not_called()
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


@pytest.mark.parametrize(("version", "reason"), [(None, "not_installed"), ("1.29.0", "version_unsupported")])
async def test_automatic_never_installs(
    hass: HomeAssistant, machine: Machine, version: str | None, reason: str
) -> None:
    machine.found(version)
    runtime = await started(hass)

    assert runtime.facts()["reason"] == reason
    assert issues(hass) == {}
    machine.install.assert_not_called()
    machine.probe.assert_not_called()


def _not_found(machine: Machine, _hass: HomeAssistant) -> None:
    machine.install.side_effect = RequirementsNotFound(DOMAIN, ["onnxruntime==1.28.0"])


def _vanished(machine: Machine, _hass: HomeAssistant) -> None:
    machine.found(None, None)


def _skipped(_machine: Machine, hass: HomeAssistant) -> None:
    hass.config.skip_pip = True


@pytest.mark.parametrize(
    ("arrange", "reason", "asked"),
    [(_not_found, "install_failed", True), (_vanished, "install_failed", True), (_skipped, "install_skipped", False)],
)
async def test_a_choice_that_cannot_be_had_is_a_repair(
    hass: HomeAssistant,
    machine: Machine,
    arrange: Callable[[Machine, HomeAssistant], None],
    reason: str,
    *,
    asked: bool,
) -> None:
    machine.found(None)
    arrange(machine, hass)
    runtime = await started(hass, "onnxruntime")

    assert runtime.facts()["engine"] == "builtin"
    assert runtime.facts()["reason"] == reason
    assert works(runtime)
    assert list(issues(hass)) == ["onnxruntime_unavailable"]
    assert machine.install.called == asked
    machine.probe.assert_not_called()


async def test_another_version_is_not_replaced(hass: HomeAssistant, machine: Machine) -> None:
    machine.found("1.29.0")
    runtime = await started(hass, "onnxruntime")

    assert runtime.facts()["reason"] == "version_unsupported"
    assert list(issues(hass)) == ["onnxruntime_unavailable"]
    machine.install.assert_not_called()


@pytest.mark.parametrize(
    "reason",
    [
        Reason.SELFTEST_CRASHED,
        Reason.SELFTEST_TIMEOUT,
        Reason.SELFTEST_MISMATCH,
        Reason.SELFTEST_IMPORT_ERROR,
        Reason.SELFTEST_FAILED,
    ],
)
async def test_a_failed_probe_is_a_repair(hass: HomeAssistant, machine: Machine, reason: Reason) -> None:
    machine.probe.return_value = Probe(reason=reason, detail="SIGILL")
    runtime = await started(hass)

    assert runtime.facts()["engine"] == "builtin"
    assert (runtime.facts()["reason"], runtime.facts()["detail"]) == (reason.value, "SIGILL")
    assert works(runtime)
    placeholders = issues(hass)["onnxruntime_unhealthy"].translation_placeholders
    assert placeholders == {"version": "1.28.0", "reason": f"{reason.value}: SIGILL"}
    machine.open.assert_not_called()


@pytest.mark.parametrize(
    ("effect", "reason"),
    [
        (EngineUnavailableError("no"), "import_failed"),
        (lambda: Mock(load=Mock(side_effect=ModelFileError("refused")), version="1"), "load_failed"),
        (lambda: Accelerator(error=0.01), "golden_mismatch"),
        (lambda: Accelerator(error=float("nan")), "golden_mismatch"),
    ],
)
async def test_what_fails_in_this_process_leaves_the_models_where_they_are(
    hass: HomeAssistant, machine: Machine, effect: Any, reason: str
) -> None:
    machine.open.side_effect = effect
    runtime = await started(hass)

    assert runtime.facts()["engine"] == "builtin"
    assert runtime.facts()["reason"] == reason
    assert works(runtime)
    assert list(issues(hass)) == ["onnxruntime_unhealthy"]


@pytest.mark.parametrize(
    ("choice", "engine"), [("automatic", "builtin"), ("onnxruntime", "onnxruntime"), ("builtin", "builtin")]
)
async def test_telemetry_beyond_our_reach_is_said(
    hass: HomeAssistant, machine: Machine, choice: str, engine: str
) -> None:
    machine.found("1.31.1", telemetry="not_under_our_control")
    runtime = await started(hass, choice)

    assert runtime.facts()["engine"] == engine
    assert list(issues(hass)) == ([] if choice == "builtin" else ["onnxruntime_telemetry"])
    if choice == "automatic":
        assert runtime.facts()["reason"] == "telemetry_elsewhere"


# What is remembered.


def stored(hass_storage: dict[str, Any]) -> Any:
    return hass_storage[STORAGE_KEY]["data"]


async def test_probing_is_written_before_and_settled_after(
    hass: HomeAssistant, machine: Machine, hass_storage: dict[str, Any]
) -> None:
    seen = []

    def look(answer: Any) -> Any:
        seen.append(dict(stored(hass_storage)))
        return answer

    machine.probe.side_effect = lambda: look(HEALTHY)
    machine.open.side_effect = lambda: look(Accelerator())
    await started(hass)

    assert seen == [probing(KEY)] * 2
    assert stored(hass_storage) == settled(KEY, HEALTHY)


async def test_a_start_that_did_not_survive_leads_to_the_builtin_engine(
    hass: HomeAssistant, machine: Machine, hass_storage: dict[str, Any]
) -> None:
    hass_storage[STORAGE_KEY] = {"version": 1, "key": STORAGE_KEY, "data": probing(KEY)}
    runtime = await started(hass)

    assert runtime.facts()["reason"] == "probing_interrupted"
    assert list(issues(hass)) == ["onnxruntime_unhealthy"]
    machine.probe.assert_not_called()
    machine.open.assert_not_called()
    assert stored(hass_storage) == probing(KEY), "the next start must not try either"


@pytest.mark.parametrize(
    ("remembered", "engine"),
    [(HEALTHY, "onnxruntime"), (Probe(reason=Reason.SELFTEST_CRASHED, detail="SIGILL"), "builtin")],
)
async def test_a_remembered_result_spares_the_child(
    hass: HomeAssistant, machine: Machine, hass_storage: dict[str, Any], remembered: Probe, engine: str
) -> None:
    hass_storage[STORAGE_KEY] = {"version": 1, "key": STORAGE_KEY, "data": settled(KEY, remembered)}
    runtime = await started(hass)

    assert runtime.facts()["engine"] == engine
    machine.probe.assert_not_called()


async def test_a_result_of_another_version_is_not_used(
    hass: HomeAssistant, machine: Machine, hass_storage: dict[str, Any]
) -> None:
    machine.found("1.31.1")
    crashed = settled(KEY, Probe(reason=Reason.SELFTEST_CRASHED))
    hass_storage[STORAGE_KEY] = {"version": 1, "key": STORAGE_KEY, "data": crashed}

    assert (await started(hass)).facts()["engine"] == "onnxruntime"
    machine.probe.assert_called_once_with()


async def test_choosing_the_builtin_engine_forgets(
    hass: HomeAssistant, machine: Machine, hass_storage: dict[str, Any]
) -> None:
    hass_storage[STORAGE_KEY] = {"version": 1, "key": STORAGE_KEY, "data": probing(KEY)}
    await started(hass, "builtin")

    assert STORAGE_KEY not in hass_storage
    assert (await started(hass)).facts()["engine"] == "onnxruntime"


async def test_unloading_in_the_middle_is_no_crash(
    hass: HomeAssistant, machine: Machine, hass_storage: dict[str, Any]
) -> None:
    begun, release = threading.Event(), threading.Event()

    def hang() -> Probe:
        begun.set()
        release.wait(10)
        return HEALTHY

    machine.probe.side_effect = hang
    entry = MockConfigEntry(domain=DOMAIN)
    entry.add_to_hass(hass)
    await Runtime(hass, entry).async_load()
    await hass.async_add_executor_job(begun.wait, 10)
    assert stored(hass_storage) == probing(KEY)

    for task in tuple(entry._background_tasks):
        task.cancel()
    release.set()
    await hass.async_block_till_done(wait_background_tasks=True)

    assert stored(hass_storage) == {}
    machine.open.assert_not_called()


# Files and an engine that cannot be trusted.


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a copy of the shipped models that the runtime loads instead."""
    copy = Path(shutil.copytree(FOLDER, tmp_path / "onnx"))
    with patch.object(runtime_module, "FOLDER", copy):
        yield copy


async def test_a_changed_file_is_rejected_and_the_others_work(
    hass: HomeAssistant, machine: Machine, folder: Path
) -> None:
    machine.found(None)
    catalog = json.loads((folder / "catalog.json").read_text())
    catalog["models"]["twin"] = {**catalog["models"]["selftest"], "file": "twin.onnx"}
    (folder / "catalog.json").write_text(json.dumps(catalog))
    data = bytearray((folder / "selftest.onnx").read_bytes())
    data[-1] ^= 1
    (folder / "twin.onnx").write_bytes(data)
    runtime = await started(hass)

    assert runtime.runner("twin") is None
    assert works(runtime)
    assert "sha256" in runtime.facts()["rejected"]["twin"]
    assert issues(hass)["model_rejected"].translation_placeholders == {"models": "twin"}


async def test_an_absent_catalog_leaves_the_rules(hass: HomeAssistant, machine: Machine, folder: Path) -> None:
    machine.found(None)
    (folder / "catalog.json").unlink()
    runtime = await started(hass)

    assert runtime.runner("selftest") is None
    assert list(issues(hass)) == ["model_rejected"]


async def test_an_engine_with_wrong_numbers_is_no_engine(hass: HomeAssistant, machine: Machine) -> None:
    real = NumpySession.run
    with patch.object(
        NumpySession, "run", lambda self, inputs: {k: v + np.float32(0.1) for k, v in real(self, inputs).items()}
    ):
        runtime = await started(hass)

    assert runtime.facts()["engine"] == "none"
    assert runtime.facts()["reason"] == "engine_broken"
    assert runtime.runner("selftest") is None
    assert list(issues(hass)) == ["engine_missing"]
    machine.probe.assert_not_called()


async def test_a_repair_goes_when_its_cause_is_gone(hass: HomeAssistant, machine: Machine) -> None:
    machine.probe.return_value = Probe(reason=Reason.SELFTEST_TIMEOUT)
    await started(hass)
    assert list(issues(hass)) == ["onnxruntime_unhealthy"]

    machine.probe.return_value = HEALTHY
    await started(hass)
    assert issues(hass) == {}


# What is said.


async def test_facts_hold_no_values_and_can_be_written_down(hass: HomeAssistant, machine: Machine) -> None:
    runtime = await started(hass, "builtin")
    assert works(runtime)
    facts = json.loads(json.dumps(runtime.facts()))

    model = facts["models"]["selftest"]
    assert len(model["sha8"]) == 8
    assert model["runs"] == 1
    assert 0 < model["median_us"] <= model["p99_us"]
    assert model["last_error"] is None
    assert facts["numpy"] == np.__version__
    with pytest.raises(Exception, match="takes"):
        runtime.runner("selftest").run({})  # type: ignore[union-attr]
    assert "takes" in runtime.facts()["models"]["selftest"]["last_error"]


async def test_the_real_onnxruntime_takes_over_where_it_is_installed(hass: HomeAssistant) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed here")
    runtime = await started(hass)
    facts = runtime.facts()

    assert facts["engine"] == "onnxruntime", facts
    assert facts["reason"] == "healthy"
    assert facts["telemetry"] in {"none", "disabled"}
    assert facts["engine_version"] == facts["onnxruntime"]
    assert works(runtime)
    assert issues(hass) == {}
