"""What helps to find a fault, without saying who lives where or what a sensor saw."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.core import HomeAssistant

from .adapters.inhalers import sources_counted
from .const import (
    CONF_AREA,
    CONF_BATTERIES,
    CONF_BINDINGS,
    CONF_DECLINED,
    CONF_FORMER,
    CONF_INHALER,
    CONF_INHALERS,
    CONF_KEY,
    CONF_OUTDOOR,
    CONF_PERSON,
    CONF_PHONES,
    CONF_PLAN,
    CONF_QUIET_HOURS,
    CONF_ROOM,
    CONF_SLEEPERS,
    CONF_USER,
    CONF_WEATHER,
)
from .coordinator import Coordinator, SmartLoopConfigEntry
from .engine import RoomView
from .ledger import LedgerError

TO_REDACT: Final = {
    "address",
    "entity_id",
    "latitude",
    "longitude",
    "name",
    "title",
    "unique_id",
    CONF_AREA,
    CONF_BATTERIES,
    CONF_DECLINED,
    CONF_KEY,
    CONF_PERSON,
    CONF_PHONES,
    CONF_QUIET_HOURS,
    CONF_ROOM,
    CONF_SLEEPERS,
    CONF_USER,
    CONF_WEATHER,
}
"""At any depth; bindings hold registry ids and are counted instead."""
HEALTH: Final = {CONF_FORMER, CONF_INHALER, CONF_INHALERS, CONF_PLAN}
"""Left out whole: redacted, it would still tell how many there are."""


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: SmartLoopConfigEntry) -> dict[str, Any]:
    """Return the household's set-up, and how far the engine is, in rounded numbers."""
    coordinator = entry.runtime_data
    status = coordinator.status
    rooms = enumerate(coordinator.rooms, start=1)
    return {
        "entry": async_redact_data(_entry(entry), TO_REDACT),
        "status": {
            "state": status.state.value,
            "history_progress": status.history_progress,
            "reasons": list(status.reasons),
            "refused_values": len(coordinator.refusals),
        },
        "inference": coordinator.runtime.facts(),
        # Numbered, because an area's id is its name.
        "rooms": {f"room_{number}": _room(coordinator.view(room)) for number, room in rooms},
        "lessons": dict(Counter(f"{each.key} {each.verdict}" for each in coordinator.engine.lessons())),
        "puff_sources": sources_counted(entry),
        "own_devices": _own_devices(coordinator),
        "ledger": await _ledger(coordinator),
    }


def _own_devices(coordinator: Coordinator) -> dict[str, Any]:
    """Return how each own device is heard and fetched; numbered, and nothing of what it recorded."""
    return {
        "listening": coordinator.own_devices.listening,
        "devices": {
            f"device_{number}": {
                "kind": device.owner.kind.value,
                "last_heard": None if device.heard_at is None else device.heard_at.isoformat(timespec="minutes"),
                "signal_dbm": device.rssi,
                "battery": device.battery,
                "adverts_refused": device.refused,
                # A sleeve is asked at every puff: how often that was is nobody's business.
                "talked": device.counts["talks"] > 0,
                "failures": {name: count for name, count in device.counts.items() if name.startswith("failed")},
            }
            for number, device in enumerate(coordinator.own_devices.devices.values(), start=1)
        },
    }


def _entry(entry: SmartLoopConfigEntry) -> dict[str, Any]:
    options = dict(entry.options)
    if CONF_OUTDOOR in options:
        options[CONF_OUTDOOR] = _counted(options[CONF_OUTDOOR])
    return {
        "version": f"{entry.version}.{entry.minor_version}",
        "options": options,
        "subentries": [
            {"type": sub.subentry_type, "title": sub.title, **_counted_bindings(_without_health(sub.data))}
            for sub in entry.subentries.values()
        ],
    }


def _without_health(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is remembered of a subentry, without anybody's inhalers and plan."""
    return {key: value for key, value in data.items() if key not in HEALTH}


def _counted_bindings(data: dict[str, Any]) -> dict[str, Any]:
    return data | {CONF_BINDINGS: _counted(data[CONF_BINDINGS])} if CONF_BINDINGS in data else data


def _counted(bindings: dict[str, Any]) -> dict[str, Any]:
    """Return how many entities measure what; ids of entities are nobody's business."""
    return {key: len(value) if isinstance(value, list | tuple) else value for key, value in bindings.items()}


def _room(view: RoomView) -> dict[str, Any]:
    return {
        "last_look": None if view.at is None else view.at.isoformat(timespec="minutes"),
        "data_age_min": _rounded(None if view.data_age_s is None else view.data_age_s / 60.0, 0),
        "mold_index": _rounded(view.mold_index, 1),
        "mold_index_band": [_rounded(view.mold_index_lo, 1), _rounded(view.mold_index_hi, 1)],
        "mold_hours": _rounded(view.mold_hours, 0),
        "held_hours": _rounded(view.held_hours, 0),
        "f_rsi": {surface.kind.value: _rounded(surface.f_rsi, 2) for surface in view.surfaces},
        "f_rsi_hours": _rounded(view.f_rsi_hours, 0),
        "air_change_rate": _rounded(view.air_change_rate, 1),
        "airings": view.airings,
        "best_act": None if view.best_act is None else view.best_act.kind.value,
        "no_act_reason": None if view.no_act_reason is None else view.no_act_reason.value,
        "forecast_horizons": [each.hours for each in view.forecast if each.relative_humidity.value is not None],
        "active": [decision.key.value for decision in view.active],
        "shadows": [decision.key.value for decision in view.shadows],
        "last_effect": None if view.effect is None else view.effect.outcome.value,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


async def _ledger(coordinator: Coordinator) -> dict[str, Any]:
    try:
        answers = await coordinator.ledger.async_feedback()
        undone = await coordinator.ledger.async_undone()
        standing = await coordinator.ledger.async_open_decisions()
    except LedgerError as err:
        return {"error": err.translation_key}
    return {
        "answers": dict(Counter(answer.verdict.value for answer in answers)),
        "undone": len(undone),
        "open_decisions": dict(Counter(each.decision.key.value for each in standing)),
    }
