"""The wet-cloth test, step by step, one leak sensor at a time; from the options or from Repairs."""

import asyncio
from abc import abstractmethod
from typing import Any, Final, override

import probatio as vol
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import callback
from homeassistant.data_entry_flow import FlowHandler, FlowResult
from homeassistant.util import dt as dt_util

from ..care import Care
from ..const import DOMAIN
from ..ledger import LedgerError
from .fields import options_selector
from .labels import async_leak_point_labels

POINT: Final = "point"
LIMIT_S: Final = 120.0
"""How long the cloth is held on a sensor, and how long it may take to dry."""


class LeakTestSteps[ResultT: FlowResult[Any, Any]](FlowHandler[Any, ResultT, Any]):
    """The steps both flows share; what comes after them each says itself."""

    _point: str | None = None
    _task: asyncio.Task[bool | None] | None = None
    _passed = False
    _waits_for = ""

    @abstractmethod
    async def async_step_leak_end(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Finish."""

    async def async_step_leak_test(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Ask which sensor; those never tested come first."""
        if (care := self._care()) is None or not care.leak_points:
            return self.async_abort(reason="leak_no_points")
        if user_input is not None and user_input[POINT] in care.leak_points:
            self._point = user_input[POINT]
            return await self.async_step_leak_ready()
        points = sorted(care.leak_points, key=lambda source: source in care.tested)
        labels = await async_leak_point_labels(self.hass, {each: care.name(each) for each in points}, care.tested)
        return self.async_show_form(
            step_id="leak_test",
            data_schema=vol.Schema({vol.Required(POINT, default=points[0]): options_selector(labels)}),
        )

    async def async_step_leak_ready(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Let the owner get ready; a sensor that is wet already proves nothing."""
        care, point = self._care(), self._point
        if care is None or point is None or point not in care.leak_points:
            return self.async_abort(reason="leak_no_points")
        errors = {}
        if user_input is not None:
            if not care.tests.is_wet(point):
                care.tests.begin(point, dt_util.utcnow())
                self._passed, self._task = False, None
                return await self.async_step_leak_wet()
            errors = {"base": "leak_still_wet"}
        return self.async_show_form(
            step_id="leak_ready",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=self._about(care),
        )

    async def async_step_leak_wet(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Wait for the sensor to say that it is wet."""
        if (waiting := self._wait("leak_wet", wet=True)) is not None:
            return waiting
        if (said := self._outcome()) is None:
            return self.async_show_progress_done(next_step_id="leak_interrupted")
        care, point = self._care(), self._point
        if not said or care is None or point is None:
            return self.async_show_progress_done(next_step_id="leak_failed")
        self._passed = True
        try:
            await care.async_record_leak_test(point, dt_util.utcnow())
        except LedgerError:
            self._passed = False
            return self.async_show_progress_done(next_step_id="leak_not_kept")
        return self.async_show_progress_done(next_step_id="leak_dry")

    async def async_step_leak_dry(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Wait for the sensor to say that it is dry again."""
        if (waiting := self._wait("leak_dry", wet=False)) is not None:
            return waiting
        said = self._outcome()
        self._end()
        return self.async_show_progress_done(next_step_id="leak_passed" if said else "leak_passed_wet")

    async def async_step_leak_passed(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Say that it works."""
        return self._result("leak_passed")

    async def async_step_leak_passed_wet(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Say that it works, and has not dried yet."""
        return self._result("leak_passed_wet")

    async def async_step_leak_failed(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """Say that nothing was heard, and what to do."""
        self._end()
        return self._result("leak_failed", "leak_ready")

    async def async_step_leak_not_kept(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """End a test whose result could not be stored."""
        self._end()
        return self.async_abort(reason="leak_not_kept")

    async def async_step_leak_interrupted(self, user_input: dict[str, Any] | None = None) -> ResultT:
        """End with the household that was unloaded meanwhile."""
        return self.async_abort(reason="leak_interrupted")

    @callback
    @override
    def async_remove(self) -> None:
        """Arm the sensor again, however the flow ended."""
        super().async_remove()
        self._end()

    # What the steps share.

    def _care(self) -> Care | None:
        entries: list[ConfigEntry[Any]] = self.hass.config_entries.async_loaded_entries(DOMAIN)
        found: Care | None = entries[0].runtime_data.care if entries else None
        return found

    def _about(self, care: Care) -> dict[str, str]:
        return {"sensor": care.name(self._point or ""), "minutes": str(round(LIMIT_S / 60))}

    def _wait(self, step: str, *, wet: bool) -> ResultT | None:
        """Return the progress to show while the sensor has not answered, None when it has or time is up."""
        care, point = self._care(), self._point
        if care is None or point is None:
            self._task = None
            return None
        if self._task is None or self._waits_for != step:
            self._waits_for = step
            waiting = care.tests.async_wait(point, wet=wet, limit_s=LIMIT_S, tell=self.async_update_progress)
            self._task = self.hass.async_create_background_task(waiting, f"SmartLoop {step}")
        if self._task.done():
            return None
        return self.async_show_progress(
            step_id=step,
            progress_action=step,
            description_placeholders=self._about(care),
            progress_task=self._task,
        )

    def _outcome(self) -> bool | None:
        """Return what the wait came to; None when the household was unloaded meanwhile."""
        if self._task is None:
            return None
        return None if self._task.cancelled() else self._task.result()

    @callback
    def _end(self) -> None:
        if self._point is not None and self._waits_for and (care := self._care()) is not None:
            care.tests.end(self._point)

    def _result(self, step: str, *options: str) -> ResultT:
        care = self._care()
        if care is None:
            return self.async_abort(reason="leak_interrupted")
        more = ("leak_test",) if set(care.leak_points) - {self._point} else ()
        return self.async_show_menu(
            step_id=step, menu_options=[*options, *more, "leak_end"], description_placeholders=self._about(care)
        )
