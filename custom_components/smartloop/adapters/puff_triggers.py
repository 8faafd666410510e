"""Anything that can start an automation can tell of a puff: a button that has no entity, an event on the bus."""

import logging
from collections.abc import Callable
from typing import Any

import probatio as vol
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.trigger import async_initialize_triggers, async_validate_trigger_config
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..diary import Origin, StoredActuation
from .actuations import Clock, Receive, Told, actuation_id
from .inhalers import Source, SourceKind, inhalers_of


class TriggerListener:
    """Attaches to whatever could start an automation, once everything it may need is there."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], receive: Receive) -> None:
        """Prepare; nothing is heard before `start`."""
        self._hass = hass
        self._entry = entry
        self._receive = receive
        self._clock = Clock(hass.loop.time)
        self._stops: list[CALLBACK_TYPE] = []
        self._stopped = False
        self._sources = [each for own in inhalers_of(entry) for each in own.sources if each.kind is SourceKind.TRIGGER]

    def start(self) -> CALLBACK_TYPE:
        """Listen as soon as Home Assistant has started; returns the way to stop."""
        if not self._sources:
            return lambda: None
        cancel = async_at_started(self._hass, self._async_attach)

        @callback
        def stop() -> None:
            self._stopped = True
            cancel()
            while self._stops:
                self._stops.pop()()

        return stop

    async def _async_attach(self, _hass: HomeAssistant) -> None:
        for source in self._sources:
            try:
                config = await async_valid_triggers(self._hass, [dict(source.trigger or {})])
                stop = await async_initialize_triggers(
                    self._hass, config, self._action(source), DOMAIN, "SmartLoop inhaler", _log
                )
            except (HomeAssistantError, vol.Invalid) as err:
                LOGGER.warning("A trigger of an inhaler cannot be used: %s", err)
                continue
            if stop is None:
                LOGGER.warning("A trigger of an inhaler cannot be used")
            elif self._stopped:
                stop()
            else:
                self._stops.append(stop)

    def _action(self, source: Source) -> Callable[[dict[str, Any], Context | None], None]:
        @callback
        def fired(_variables: dict[str, Any], _context: Context | None = None) -> None:
            at = dt_util.utcnow()
            if self._clock.bounces(source, at):
                return
            puff = StoredActuation(
                id=actuation_id(source.key, source.person, source.inhaler, at.isoformat()),
                person=source.person,
                inhaler=source.inhaler,
                at=at,
                source=source.key,
                origin=Origin.EVENT,
                uncertainty_s=self._clock.doubt(at),
            )
            self._receive(Told(actuations=(puff,)))

        return fired


async def async_valid_triggers(hass: HomeAssistant, triggers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return triggers as Home Assistant takes them; raises vol.Invalid or HomeAssistantError."""
    return await async_validate_trigger_config(hass, vol.Schema(cv.TRIGGER_SCHEMA)(triggers))


def _log(level: int, message: str, **_details: object) -> None:
    # What it is about stays out of the log; that something is wrong does not.
    LOGGER.log(logging.WARNING if level > logging.INFO else logging.DEBUG, "A trigger of an inhaler: %s", message)
