"""The household's recent past as a trace: for its owner, and for `script/replay`."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import Coordinator
from .engine import ActionPlan, Actuation, Feedback, Household, Reading, write_trace
from .puff_book import actuation_of

FOLDER: Final = "exports"


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What happened in a span of time."""

    household: Household
    readings: tuple[Reading, ...]
    feedback: tuple[Feedback, ...]
    actuations: tuple[Actuation, ...] = ()
    """Of the person who asked"""

    def lines(self) -> Iterable[str]:
        """Return the lines of the trace, in time order."""
        items: list[Reading | Actuation | Feedback] = [*self.readings, *self.actuations, *self.feedback]
        return write_trace(self.household, sorted(items, key=lambda each: each.at))


async def async_collect(coordinator: Coordinator, start: datetime, end: datetime, reader: str | None) -> Export:
    """Return what the recorder, the ledger and the diary know of a span; of health only what is the reader's own."""
    readings: list[Reading] = []
    hass = coordinator.hass
    if "recorder" in hass.config.components:
        # The recorder is optional: its package is imported where there is one.
        from .adapters.history import async_available, async_portions  # noqa: PLC0415

        if await async_available(hass):
            bindings = coordinator.bindings
            async for portion in async_portions(hass, bindings.all, bindings.weather, start, end):
                # Whose heart it is that beats, and who lies in bed, is known to them alone.
                readings += (each for each in portion.readings if each.person in {None, reader})
    rooms = set(coordinator.rooms)
    people = {person.id for person in coordinator.household.people}
    feedback = [
        answer
        for answer in await coordinator.ledger.async_feedback(start)
        # A trace speaks of no room or person that is not in its header.
        if answer.at <= end and answer.room in {None, *rooms} and answer.person in {None, *people}
    ]
    household = _shown_to(reader, coordinator.household)
    return Export(
        household=household,
        readings=tuple(readings),
        feedback=tuple(feedback),
        actuations=await _puffs(coordinator, household, start, end),
    )


def _shown_to(reader: str | None, household: Household) -> Household:
    """Return the household without the inhalers and plans of others."""
    return replace(
        household,
        people=tuple(
            person if person.id == reader else replace(person, inhalers=(), plan=ActionPlan())
            for person in household.people
        ),
    )


async def _puffs(
    coordinator: Coordinator, household: Household, start: datetime, end: datetime
) -> tuple[Actuation, ...]:
    shown = {(person.id, own.id) for person in household.people for own in person.inhalers}
    found = [
        await coordinator.diary.async_actuations(person, start, end)
        for person in dict.fromkeys(who for who, _ in shown)
    ]
    return tuple(actuation_of(puff) for puffs in found for puff in puffs if (puff.person, puff.inhaler) in shown)


async def async_write(coordinator: Coordinator, export: Export) -> Path:
    """Write the trace into the private folder; returns the file."""
    folder = Path(coordinator.hass.config.path(DOMAIN, FOLDER))
    try:
        return await coordinator.hass.async_add_executor_job(_write, folder, export)
    except OSError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="export_failed",
            translation_placeholders={"reason": err.strerror or str(err)},
        ) from err


def _write(folder: Path, export: Export) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"trace-{dt_util.utcnow():%Y%m%dT%H%M%S%f}Z.jsonl"
    part = path.with_suffix(".part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in export.lines())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path
