"""The models and the engine that runs them, in Home Assistant.

The built-in engine is there before the household is. Whether onnxruntime may take over is found
out in the background once Home Assistant has started, and never holds up anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.storage import Store
from homeassistant.requirements import RequirementsNotFound, async_process_requirements

from .const import CONF_INFERENCE, DOMAIN, LOGGER
from .engine.models.model import Runner
from .inference.catalog import SELFTEST, Catalog, LoadedModel
from .inference.errors import CatalogError, EngineUnavailableError, GoldenError, InferenceError
from .inference.graph import Engine
from .inference.numpy_engine import NumpyEngine
from .inference.select import (
    REQUIREMENT,
    UNAVAILABLE,
    UNHEALTHY,
    Choice,
    Probe,
    Reason,
    Record,
    Survey,
    judge,
    open_onnxruntime,
    probe,
    probing,
    recall,
    record_key,
    settled,
    survey,
)

FOLDER: Final = Path(__file__).parent / "onnx"
NO_ENGINE: Final = "none"
STORAGE_KEY: Final = f"{DOMAIN}.inference"
STORAGE_VERSION: Final = 1

ISSUES: Final[Mapping[str, ir.IssueSeverity]] = {
    "engine_missing": ir.IssueSeverity.ERROR,
    "model_rejected": ir.IssueSeverity.ERROR,
    "onnxruntime_telemetry": ir.IssueSeverity.WARNING,
    "onnxruntime_unavailable": ir.IssueSeverity.WARNING,
    "onnxruntime_unhealthy": ir.IssueSeverity.WARNING,
}
FIXABLE: Final = "onnxruntime_unavailable"
"""The one issue the owner can settle with a tap: use the built-in engine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """Every model on one engine."""

    engine: str
    version: str | None
    models: Mapping[str, LoadedModel]
    rejected: Mapping[str, str]
    """Name to error of the files that were refused."""
    selftest_sha256: str = ""


class Runtime:
    """Holds the loaded models and picks their engine."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
        """Read the owner's choice; nothing is loaded yet."""
        self._hass = hass
        self._entry = entry
        self._choice = Choice(entry.options.get(CONF_INFERENCE, Choice.AUTOMATIC))
        self._store: Store[Record] = Store(hass, STORAGE_VERSION, STORAGE_KEY, private=True, atomic_writes=True)
        self._loaded = Loaded(engine=NO_ENGINE, version=None, models={}, rejected={})
        self._found: Survey | None = None
        self._result = Probe(reason=Reason.PENDING)
        self._listeners: list[Callable[[], None]] = []

    # What others read.

    def runner(self, name: str) -> Runner | None:
        """Return a model ready to run; None means rules only."""
        return self._loaded.models.get(name)

    def facts(self) -> dict[str, Any]:
        """Return what system health and diagnostics may show; no sensor values."""
        found, loaded = self._found, self._loaded
        return {
            "choice": self._choice.value,
            "engine": loaded.engine,
            "engine_version": loaded.version,
            "numpy": NumpyEngine.version,
            "onnxruntime": found.version if found else None,
            "telemetry": found.telemetry if found else None,
            "reason": self._result.reason.value,
            "detail": self._result.detail,
            "models": {name: _model_facts(model) for name, model in sorted(loaded.models.items())},
            "rejected": dict(sorted(loaded.rejected.items())),
        }

    @callback
    def async_add_listener(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call back when another engine runs the models."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # Life.

    async def async_load(self) -> None:
        """Load every model on the built-in engine, and look for a faster one once all is up."""
        self._loaded = await self._hass.async_add_executor_job(_load_builtin, FOLDER)
        if self._loaded.engine == NO_ENGINE:
            self._result = Probe(reason=Reason.ENGINE_BROKEN, detail=self._loaded.rejected.get(SELFTEST, ""))
        for name, why in self._loaded.rejected.items():
            LOGGER.error("Model %s is not used: %s", name, why)
        self._report()
        self._entry.async_on_unload(async_at_started(self._hass, self._async_started))

    @callback
    def _async_started(self, _hass: HomeAssistant) -> None:
        self._entry.async_create_background_task(self._hass, self._async_select(), "SmartLoop inference engine")

    async def _async_select(self) -> None:
        """Give onnxruntime its chance, and say how it went."""
        if self._loaded.engine == NO_ENGINE:
            return
        if self._choice is Choice.BUILTIN:
            # Coming back to onnxruntime later is a fresh start.
            await self._store.async_remove()
        reason = await self._async_judge()
        if reason is None:
            self._result = await self._async_try()
        else:
            self._result = Probe(reason=reason, detail=REQUIREMENT if reason in UNAVAILABLE else "")
        LOGGER.debug("Models run on %s (%s %s)", self._loaded.engine, self._result.reason, self._result.detail)
        self._report()
        for listener in tuple(self._listeners):
            listener()

    async def _async_judge(self) -> Reason | None:
        """Return why the built-in engine stays, after an install if the owner asked for one."""
        if self._choice is Choice.BUILTIN:
            return Reason.USER_CHOICE
        self._found = await self._hass.async_add_executor_job(survey)
        reason = judge(self._choice, self._found)
        if reason is not Reason.NOT_INSTALLED or self._choice is not Choice.ONNXRUNTIME:
            return reason
        if self._hass.config.skip_pip:
            return Reason.INSTALL_SKIPPED
        try:
            await async_process_requirements(self._hass, DOMAIN, [REQUIREMENT], False)  # noqa: FBT003  its signature
        except RequirementsNotFound:
            return Reason.INSTALL_FAILED
        self._found = await self._hass.async_add_executor_job(survey)
        reason = judge(self._choice, self._found)
        return Reason.INSTALL_FAILED if reason is Reason.NOT_INSTALLED else reason

    async def _async_try(self) -> Probe:
        """Try onnxruntime, in a child first; what kills either is found by the next start."""
        assert self._found is not None  # noqa: S101  judged on it
        key = record_key(self._found.version or "", self._loaded.selftest_sha256)
        known = recall(await self._store.async_load(), key)
        if known is not None and known.reason is not Reason.HEALTHY:
            return known
        record: Record = {}
        await self._store.async_save(probing(key))
        try:
            result = known if known is not None else await self._hass.async_add_executor_job(probe)
            if result.reason is Reason.HEALTHY:
                result = await self._async_open()
            record = settled(key, result)
        finally:
            await self._store.async_save(record)
        return result

    async def _async_open(self) -> Probe:
        """Move the models to onnxruntime, all or none."""
        try:
            engine = await self._hass.async_add_import_executor_job(open_onnxruntime)
            self._loaded = await self._hass.async_add_executor_job(_load_again, FOLDER, engine, self._loaded)
        except EngineUnavailableError as err:
            return Probe(reason=Reason.IMPORT_FAILED, detail=str(err))
        except GoldenError as err:
            return Probe(reason=Reason.GOLDEN_MISMATCH, detail=str(err))
        except InferenceError as err:
            return Probe(reason=Reason.LOAD_FAILED, detail=str(err))
        return Probe(reason=Reason.HEALTHY)

    # What the owner is told.

    @callback
    def _report(self) -> None:
        """Raise the repairs that hold now and withdraw the others."""
        holding = self._holding()
        for issue_id, severity in ISSUES.items():
            if issue_id not in holding:
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)
                continue
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                issue_id,
                config_entry_id=self._entry.entry_id,
                is_fixable=issue_id == FIXABLE,
                severity=severity,
                translation_key=issue_id,
                translation_placeholders=holding[issue_id],
            )

    def _holding(self) -> dict[str, dict[str, str]]:
        """Return the issues that hold now, with their placeholders."""
        reason, detail = self._result.reason, self._result.detail
        version = (self._found.version if self._found else None) or ""
        holding: dict[str, dict[str, str]] = {}
        if self._loaded.engine == NO_ENGINE:
            holding["engine_missing"] = {"version": NumpyEngine.version}
        elif self._loaded.rejected:
            holding["model_rejected"] = {"models": ", ".join(sorted(self._loaded.rejected))}
        if reason in UNHEALTHY:
            said = f"{reason.value}: {detail}" if detail else reason.value
            holding["onnxruntime_unhealthy"] = {"version": version, "reason": said}
        if reason in UNAVAILABLE and self._choice is Choice.ONNXRUNTIME:
            holding["onnxruntime_unavailable"] = {"requirement": REQUIREMENT, "reason": reason.value}
        if self._found is not None and self._found.telemetry == "not_under_our_control":
            holding["onnxruntime_telemetry"] = {"version": version}
        return holding


def _model_facts(model: LoadedModel) -> dict[str, Any]:
    """Return what may be said of one model."""
    times = model.times.get()
    return {
        "version": model.version,
        "sha8": model.sha8,
        "runs": model.times.count,
        "median_us": round(times[0], 1) if times else None,
        "p99_us": round(times[1], 1) if times else None,
        "last_error": model.last_error,
    }


def _load_builtin(folder: Path) -> Loaded:
    """Load what can be loaded on the built-in engine."""
    engine = NumpyEngine()
    try:
        catalog = Catalog.open(folder)
    except CatalogError as err:
        return Loaded(engine=engine.name, version=engine.version, models={}, rejected={"catalog": str(err)})
    models: dict[str, LoadedModel] = {}
    rejected: dict[str, str] = {}
    broken = False
    for name in catalog.entries:
        try:
            models[name] = catalog.load(name, engine)
        except InferenceError as err:
            rejected[name] = str(err)
            # The untouched self-test model gives other numbers: it is the engine that cannot be trusted.
            broken = broken or (name == SELFTEST and isinstance(err, GoldenError))
    if broken:
        return Loaded(engine=NO_ENGINE, version=None, models={}, rejected=rejected)
    sha256 = catalog.entries[SELFTEST].sha256 if SELFTEST in catalog.entries else ""
    return Loaded(engine=engine.name, version=engine.version, models=models, rejected=rejected, selftest_sha256=sha256)


def _load_again(folder: Path, engine: Engine, before: Loaded) -> Loaded:
    """Load the same models on another engine; any failure leaves them where they are."""
    catalog = Catalog.open(folder)
    return Loaded(
        engine=engine.name,
        version=engine.version,
        models={name: catalog.load(name, engine) for name in before.models},
        rejected=before.rejected,
        selftest_sha256=before.selftest_sha256,
    )
