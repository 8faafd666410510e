"""The whole engine's state as one JSON value, with its version."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .decisions.decision import Decision
from .decisions.stored import Stored, decision_record, read_decision
from .errors import SnapshotError

VERSION: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """The stored parts; each is checked by the one that wrote it."""

    context: object
    rooms: Mapping[str, object]
    """Of every room that was there; of those that are gone nobody asks."""
    policy: object
    effects: object
    weather: object
    devices: object
    """None in a snapshot of before there were any"""
    forecasts: object
    """None when there was no forecaster"""
    waiting: tuple[Decision, ...]
    """Decisions taken on an answer and not yet handed out"""


def pack(state: State) -> dict[str, object]:
    """Return the state as one JSON value."""
    return {
        "version": VERSION,
        "context": state.context,
        "rooms": dict(state.rooms),
        "policy": state.policy,
        "effects": state.effects,
        "weather": state.weather,
        "devices": state.devices,
        "forecasts": state.forecasts,
        "waiting": [decision_record(decision) for decision in state.waiting],
    }


def unpack(value: object) -> State:
    """Return the parts of a stored state; raises SnapshotError."""
    if not isinstance(value, Mapping):
        msg = "the stored engine is no object"
        raise SnapshotError(msg)
    version = value.get("version")
    if type(version) is not int or version != VERSION:
        msg = f"the stored engine is of version {version!r}, not {VERSION}"
        raise SnapshotError(msg)
    missing = {"context", "rooms", "policy", "effects", "weather", "forecasts", "waiting"} - value.keys()
    if missing or not isinstance(value["rooms"], Mapping):
        msg = f"the stored engine lacks {', '.join(sorted(missing)) or 'its rooms'}"
        raise SnapshotError(msg)
    return State(
        context=value["context"],
        rooms=value["rooms"],
        policy=value["policy"],
        effects=value["effects"],
        weather=value["weather"],
        devices=value.get("devices"),
        forecasts=value["forecasts"],
        waiting=tuple(map(read_decision, Stored(value).parts("waiting"))),
    )
