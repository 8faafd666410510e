"""Learn the two linear maps from measured homes and simulated rooms; nothing ships from here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import Tensor, features
from custom_components.smartloop.engine.models.forecast_voices import HISTORY_MODEL, WEATHER_MODEL

from . import fit, simulate
from .data import Home, Room
from .fit import Grams, Rows
from .replay import Scene, scene
from .samples import Outlook, climate, truth

type Array = NDArray[np.float64]

SEED: Final = 20261122
SIMULATED_ROOMS, SIMULATED_DAYS, SIMULATED_STRIDE = 200, 60, 7
_REACH_QUANTILE = 0.995


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much to simulate; tests make do with less."""

    rooms: int = SIMULATED_ROOMS
    days: int = SIMULATED_DAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """One model before it is shipped."""

    weather: bool
    matrix: Array
    """(columns, parts), per standardised column"""
    bias: Array
    mean: Array
    std: Array
    reach: float

    @property
    def name(self) -> str:
        """Return the file's name."""
        return WEATHER_MODEL if self.weather else HISTORY_MODEL

    def metadata(self, tables: Array) -> dict[str, object]:
        """Return what the Forecaster reads."""
        return {
            "conformal": short(tables),
            "features": list(fit.names(weather=self.weather)),
            "mean": short(self.mean),
            "reach": repr(float(f"{self.reach:.6g}")),
            "std": short(self.std),
        }


class Draft:
    """A model in memory, not yet quantised: stands in for the shipped file while homes are held out."""

    version = "draft"

    def __init__(self, learned: Learned, tables: Array) -> None:
        """Take the weights."""
        self._learned = learned
        self.metadata: Mapping[str, str] = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in learned.metadata(tables).items()
        }

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the parts."""
        found = inputs["features"].astype(np.float64) @ self._learned.matrix + self._learned.bias
        return {"parts": found.astype(np.float32)}


def short(values: Array) -> object:
    """Return nested lists with six significant digits."""
    return np.vectorize(lambda v: float(f"{v:.6g}"))(values).tolist()


def simulated_rows(size: Size, seed: int = SEED) -> list[Rows]:
    """Return simulated rooms' rows; every second room has a forecast with errors."""
    made = simulate.rooms(seed, size.rooms, size.days)
    out = []
    for index in range(size.rooms):
        room = Room(
            name=f"simulated_{index}",
            start=0,
            temperature=made.temperature[index].astype(np.float32),
            vapour_pressure=made.vapour_pressure[index].astype(np.float32),
            outdoor_temperature=made.outdoor.temperature[index].astype(np.float32),
            outdoor_vapour_pressure=made.outdoor.vapour_pressure[index].astype(np.float32),
        )
        at = np.arange(index % SIMULATED_STRIDE, size.days * 24, SIMULATED_STRIDE)
        outlook = Outlook.NOISY if index % 2 else Outlook.OBSERVED
        out.append(Rows(given=features(climate(room, at, outlook, seed + index)), truth=truth(room, at)))
    return out


def measured_rows(place: Scene) -> list[Rows]:
    """Return one home's rows, a list item per room."""
    return [Rows(given=given, truth=place.truth[:, i, :, :2]) for i, given in enumerate(place.given)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """Everything there is to learn from."""

    places: Mapping[str, Scene]
    rows: Mapping[str, list[Rows]]
    simulated: list[Rows]
    grams: Mapping[bool, Mapping[str, Grams]]
    """By weather and home"""
    simulated_grams: Mapping[bool, Grams]


def gather(found: Sequence[Home], size: Size) -> Material:
    """Make features and Gram matrices once."""
    places = {home.name: scene(home, Outlook.OBSERVED) for home in found}
    rows = {name: measured_rows(place) for name, place in places.items()}
    simulated = simulated_rows(size)
    return Material(
        places=places,
        rows=rows,
        simulated=simulated,
        grams={w: {name: fit.grams(r, weather=w) for name, r in rows.items()} for w in (False, True)},
        simulated_grams={w: fit.grams(simulated, weather=w) for w in (False, True)},
    )


def _moments(rooms: Sequence[Rows], *, weather: bool) -> tuple[Array, Array] | None:
    """Return the first two moments of a home's columns, None without rows."""
    tables = []
    for room in rooms:
        usable = room.given.ready & (room.given.weather_ready.all(axis=(1, 2)) if weather else True)
        tables.append((room.given.weather if weather else room.given.history)[usable].astype(np.float64))
    table = np.concatenate(tables)
    return (table.mean(axis=0), (table**2).mean(axis=0)) if len(table) else None


def _distances(rooms: Sequence[Rows], mean: Array, std: Array, *, weather: bool) -> Array:
    """Return the mean square of the standardised columns of each usable row."""
    out = []
    for room in rooms:
        table = room.given.weather if weather else room.given.history
        usable = room.given.ready & (room.given.weather_ready.any(axis=(1, 2)) if weather else True)
        out.append((((table[usable].astype(np.float64) - mean) / std) ** 2).mean(axis=1))
    return np.concatenate(out)


def learn(material: Material, names: Sequence[str], *, weather: bool) -> Learned:
    """Fit one model on some homes and the simulation."""
    measured, simulated = [material.grams[weather][name] for name in names], material.simulated_grams[weather]
    weights = fit.solve(measured, simulated, weather=weather)
    found = [m for name in names if (m := _moments(material.rows[name], weather=weather)) is not None]
    made = _moments(material.simulated, weather=weather)
    if made is None:
        msg = "the simulation gives no rows"
        raise ValueError(msg)
    share = float(np.mean(fit.SHARES)) if found else 1.0
    first, second = (share * made[i] + sum(((1 - share) / len(found)) * m[i] for m in found) for i in (0, 1))
    std = np.sqrt(np.maximum(second - first**2, 1e-8))
    groups = [material.simulated, *(material.rows[name] for name in names)]
    reaches = [
        float(np.quantile(d, _REACH_QUANTILE))
        for group in groups
        if (d := _distances(group, first, std, weather=weather)).size
    ]
    raw = fit.parts_matrix(weights, fit.traits(measured, simulated, weights) if weather else None)
    return Learned(
        weather=weather,
        matrix=raw * std[:, None],
        bias=first @ raw,
        mean=first,
        std=std,
        reach=max(reaches),
    )
