"""What told of puffs and is gone: said in the repairs, for its silence looks like a person who breathes well."""

from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.start import async_at_started

from ..const import DOMAIN
from .actuations import async_track_bound
from .discovery import entity_of
from .inhalers import OwnInhaler, SourceKind, inhalers_of

ISSUE_SOURCE_GONE: Final = "puff_source_gone"

_BOUND: Final = frozenset({SourceKind.COUNTER, SourceKind.ENTITY})


@callback
def async_track_lost_sources(hass: HomeAssistant, entry: ConfigEntry[Any]) -> CALLBACK_TYPE:
    """Keep the repairs true to what is there, once Home Assistant has started; returns the way to stop."""
    bound = {source.bound for own in inhalers_of(entry) for source in own.sources if source.kind in _BOUND}
    stops: list[CALLBACK_TYPE] = []

    @callback
    def look() -> None:
        lost = dict.fromkeys(own.owner for own in inhalers_of(entry) if _has_lost(hass, own))
        with ir.async_refresh_issues(
            hass, DOMAIN, issue_id_pattern=f"{ISSUE_SOURCE_GONE}_", config_entry_id=entry.entry_id
        ):
            for member in lost:
                ir.async_create_issue(
                    hass,
                    DOMAIN,
                    f"{ISSUE_SOURCE_GONE}_{member}",
                    config_entry_id=entry.entry_id,
                    is_fixable=False,
                    severity=ir.IssueSeverity.WARNING,
                    translation_key=ISSUE_SOURCE_GONE,
                    translation_placeholders={"member": member},
                )

    @callback
    def begin(_hass: HomeAssistant) -> None:
        stops.append(async_track_bound(hass, bound, look))
        look()

    stops.append(async_at_started(hass, begin))

    @callback
    def stop() -> None:
        for each in stops:
            each()

    return stop


def _has_lost(hass: HomeAssistant, own: OwnInhaler) -> bool:
    for source in own.sources:
        if source.kind not in _BOUND:
            continue
        entity_id = entity_of(hass, source.bound)
        # An entity without a registry entry is there while it has a state.
        if entity_id is None or (entity_id == source.bound and hass.states.get(entity_id) is None):
            return True
    return False
