"""Replay homes through the shipped forecaster: every half-hour, will each room be used within the hour.

Everything is prequential: the forecast of an hour sees only what was before it. Baselines see the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.presence import DAY_S, HOUR_S, NAMES, SLOT_S
from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.engine.models.presence_routine import PresenceForecaster

from .homes import House

type Array = NDArray[np.float64]

_FROM_FEATURES: Final = {
    "fallback": "week_rate",
    "hour_of_day": "day_rate",
    "room_mean": "room_rate",
    "stay": "stay_rate",
    "after_room": "after_rate",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """What was foretold in one home."""

    home: str
    rows: Array
    """Features (rows, names), NaN where unknown"""
    outcome: NDArray[np.bool_]
    at: Array
    room: NDArray[np.str_]
    chance: Mapping[str, Array]
    """By column"""
    asked: int
    """Room-hours that could have been foretold"""
    answered: int


def _sigmoid(values: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


class _Truth:
    """When each room was used."""

    def __init__(self, house: House) -> None:
        by_room: dict[str, list[float]] = {}
        for event in house.events:
            by_room.setdefault(event.room, []).append(event.at)
        self._rooms = {room: np.array(times) for room, times in by_room.items()}
        self._all = np.array([event.at for event in house.events])

    def used(self, room: str, at: float) -> bool:
        """Return whether a room is used within the hour."""
        times = self._rooms[room]
        place = int(np.searchsorted(times, at))
        return place < times.size and bool(times[place] < at + HOUR_S)

    def watched(self, at: float) -> bool:
        """Return whether the home is heard of again within a day: else it was empty, or nobody recorded."""
        place = int(np.searchsorted(self._all, at))
        return place < self._all.size and bool(self._all[place] - at <= DAY_S)


def replay(house: House, runners: Mapping[str, Runner | None]) -> Replay:
    """Return what a forecaster said of a home with each network, and what happened; the first is also asked alone."""
    truth = _Truth(house)
    minds = {name: PresenceForecaster(runner) for name, runner in runners.items()}
    lead = next(iter(minds.values()))
    rows: list[list[float]] = []
    meta: list[tuple[float, str, bool]] = []
    said: dict[str, list[float]] = {name: [] for name in (*minds, "network")}
    place, asked, events = 0, 0, house.events
    at = float(np.ceil(events[0].at / SLOT_S) * SLOT_S)
    while at <= events[-1].at - HOUR_S:
        while place < len(events) and events[place].at < at:
            for mind in minds.values():
                mind.use(events[place].room, house.instant(events[place].at))
            place += 1
        now = house.instant(at)
        for mind in minds.values():
            mind.advance(now)
        for room in lead.home.names if truth.watched(at) else ():
            asked += 1
            features = lead.home.features(room, now)
            found = {name: mind.forecast(room, now, explain=False) for name, mind in minds.items()}
            if features is None or any(each.probability is None for each in found.values()):
                continue
            for name, each in found.items():
                said[name].append(float("nan") if each.probability is None else each.probability)
            said["network"].append(lead.network(room, now))
            rows.append([float("nan") if (value := features[name]) is None else value for name in NAMES])
            meta.append((at, room, truth.used(room, at)))
        at += SLOT_S
    table = np.array(rows, dtype=np.float64).reshape(len(rows), len(NAMES))
    chance = {name: np.array(values) for name, values in said.items()}
    chance |= {name: _sigmoid(table[:, NAMES.index(feature)]) for name, feature in _FROM_FEATURES.items()}
    return Replay(
        home=house.name,
        rows=table,
        outcome=np.array([each[2] for each in meta], dtype=bool),
        at=np.array([each[0] for each in meta]),
        room=np.array([each[1] for each in meta], dtype=np.str_),
        chance=chance,
        asked=asked,
        answered=len(rows),
    )


def pooled(found: Sequence[Replay]) -> tuple[Array, Array, Array]:
    """Return features, outcomes and weights of several homes, each home counting the same."""
    weights = [np.full(len(each.outcome), 1.0 / max(len(each.outcome), 1)) for each in found]
    outcomes = [each.outcome.astype(np.float64) for each in found]
    return np.concatenate([each.rows for each in found]), np.concatenate(outcomes), np.concatenate(weights)
