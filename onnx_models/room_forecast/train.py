"""Train, judge and ship the two forecast models; write their card from what the run measured.

    script/models train room_forecast --data ../shared/data/humidity

Everything is seeded: the same data gives the same bytes. Homes are never split. Every figure in the card
comes from homes that had no part in the fit nor in tabulating the bands.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import Tensor, features
from custom_components.smartloop.engine.models.forecast import HISTORY_MODEL, WEATHER_MODEL, Forecaster
from custom_components.smartloop.engine.models.forecast_bands import LEVELS, yardsticks
from custom_components.smartloop.engine.models.forecast_network import CLIP
from onnx_models.export import FOLDER, GraphBuilder, quantize, ship

from . import fit, ridge, simulate
from .card import Report, write
from .data import LICENCES, Home, Room, homes
from .fit import Grams, Rows
from .replay import Outcome, Scene, replay, scene, simple
from .samples import Outlook, climate, truth
from .score import HomeSums, Metrics, intervals, metrics, sums

type Array = NDArray[np.float64]

VERSION: Final = "1.0.0"
SEED: Final = 20261122
CARD: Final = Path(__file__).with_name("MODEL_CARD.md")
SIMULATED_ROOMS, SIMULATED_DAYS, SIMULATED_STRIDE = 200, 60, 7
MARGIN, FALLBACK_MARGIN = 1.05, 1.15
"""Bands are widened because the next home is not one of these few; the fallback's more, because it does not
notice when it is out of its depth."""
DEGRADED: Final[Mapping[str, Outlook]] = {"noisy forecast": Outlook.NOISY, "no forecast": Outlook.YESTERDAY}
_REACH_QUANTILE = 0.995
_GOLDEN = 8


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
            "conformal": _short(tables),
            "features": list(fit.names(weather=self.weather)),
            "mean": _short(self.mean),
            "reach": repr(float(f"{self.reach:.6g}")),
            "std": _short(self.std),
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


def _short(values: Array) -> object:
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
    weights = fit.solve(
        [material.grams[weather][name] for name in names], material.simulated_grams[weather], weather=weather
    )
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
    raw = fit.parts_matrix(weights, weather=weather)
    return Learned(
        weather=weather,
        matrix=raw * std[:, None],
        bias=first @ raw,
        mean=first,
        std=std,
        reach=max(reaches),
    )


FLAT: Final[Array] = np.ones((4, 3, len(LEVELS)))


def errors(place: Scene, outcome: Outcome, *, weather: bool) -> Array:
    """Return |error| / yardstick, (hours * rooms, horizons, bands), NaN where it does not count.

    `weather` keeps only what the weather model answered.
    """
    out = []
    for index, given in enumerate(place.given):
        value = outcome.value[:, index]
        scaled = np.abs(value - place.truth[:, index]) / yardsticks(value, given.unrest)
        if weather:
            ready = given.weather_ready
            scaled = np.where(np.concatenate([ready, ready[..., 1:]], axis=-1), scaled, np.nan)
        out.append(scaled)
    return np.concatenate(out)


def tabulate(by_home: Sequence[Array]) -> Array:
    """Return the quantiles at LEVELS, homes counting alike: (horizons, bands, levels)."""
    out = np.full((4, 3, len(LEVELS)), np.nan)
    for lead, band in np.ndindex(4, 3):
        values, weights = [], []
        for home in by_home:
            known = home[np.isfinite(home[:, lead, band]), lead, band]
            if known.size:
                values.append(known)
                weights.append(np.full(known.size, 1.0 / known.size))
        value, weight = np.concatenate(values), np.concatenate(weights)
        order = np.argsort(value)
        share = np.cumsum(weight[order]) / weight.sum()
        out[lead, band] = value[order][np.minimum(np.searchsorted(share, np.array(LEVELS) - 1e-9), value.size - 1)]
    return out


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One home's results with the models of all others."""

    drafts: tuple[Learned, Learned]
    """History, weather"""
    outcomes: Mapping[str, Outcome]
    errors: Mapping[str, Array]


def hold_out(material: Material, held: str) -> Held:
    """Forecast one home's months with models of all others."""
    others = [name for name in material.places if name != held]
    history, weather = (learn(material, others, weather=w) for w in (False, True))
    place = material.places[held]
    outcomes = {
        "fallback": replay(place, Forecaster()),
        "history": replay(place, Forecaster(Draft(history, FLAT))),
        "weather": replay(place, Forecaster(Draft(history, FLAT), Draft(weather, FLAT))),
    }
    return Held(
        drafts=(history, weather),
        outcomes=outcomes,
        errors={name: errors(place, outcome, weather=name == "weather") for name, outcome in outcomes.items()},
    )


def _tables(held: Mapping[str, Held], name: str, without: str | None = None) -> Array:
    """Return the quantiles of the held-out errors of all homes but one."""
    return tabulate([one.errors[name] for home, one in held.items() if home != without])


def _scored(material: Material, held: Mapping[str, Held]) -> dict[str, dict[str, HomeSums]]:
    """Replay each home again with bands from the others' errors, and score."""
    out: dict[str, dict[str, HomeSums]] = {"history": {}, "weather": {}}
    for home, place in material.places.items():
        one = held[home]
        drafts = [
            Draft(d, MARGIN * _tables(held, n, home)) for d, n in zip(one.drafts, ("history", "weather"), strict=True)
        ]
        lazy = {name: Outcome(value=v, lo=v, hi=v) for name, v in simple(place).items()}
        ready = np.stack([given.ready for given in place.given], axis=1)[..., None] & np.isfinite(place.truth[..., 0])
        known = np.stack([given.weather_ready[..., 0] for given in place.given], axis=1)
        for name, used in (("history", drafts[:1]), ("weather", drafts)):
            outcome = replay(place, Forecaster(*used))
            could = ready & known if name == "weather" else ready
            rows = could & np.isfinite(outcome.value[..., 0])
            if rows.any():
                forecasts = {
                    "model": outcome,
                    "not learning": replay(place, Forecaster(*used), learning=False),
                    "fallback": one.outcomes["fallback"],
                    "ridge": ridge.outcome(place, weather=name == "weather"),
                    **lazy,
                }
                for label, outlook in DEGRADED.items() if name == "weather" else ():
                    forecasts[label] = replay(scene(place.home, outlook, SEED), Forecaster(*used))
                out[name][home] = sums(forecasts, place.truth, rows, could)
    return out


def _ship(learned: Learned, tables: Array, story: Metrics, material: Material, folder: Path) -> Path:
    """Write the file and its catalog entry."""
    parts = learned.matrix.shape[1]
    graph = GraphBuilder(learned.name)
    value = graph.input("features", (1, learned.matrix.shape[0]))
    graph.output(graph.dense(value, learned.matrix, learned.bias), "parts", (1, parts))
    sources = sorted({place.home.source for place in material.places.values()})
    return ship(
        graph,
        version=VERSION,
        metadata={
            **learned.metadata(tables),
            "description": "Parts of the coming room temperature (K) and vapour pressure (hPa) beyond the blend of simple"
            " forecasts: horizons 6, 12, 24, 48 h x temperature, vapour pressure"
            + (" x habit, weather trend, weather turn." if learned.weather else "."),
            "licence": "Apache-2.0",
            "metrics": story,
            "training_data": "; ".join(LICENCES[s] for s in sources) + "; seeded simulation",
            "units": {"t": "K", "e": "hPa", "to": "K", "eo": "hPa", "ht": "hPa", "hto": "hPa"},
        },
        golden=_golden(material, learned),
        seed=SEED,
        folder=folder,
    )


def _golden(material: Material, learned: Learned) -> list[dict[str, Tensor]]:
    """Return inputs of simulated rooms, as the Forecaster would scale them."""
    out = []
    for rows in material.simulated[:_GOLDEN]:
        table = rows.given.weather if learned.weather else rows.given.history
        row = np.clip((table[-1].astype(np.float64) - learned.mean) / learned.std, -CLIP, CLIP)
        out.append({"features": row.round(4).astype(np.float32)[None, :]})
    return out


def rounding(material: Material, learned: Learned) -> tuple[float, float]:
    """Return the mean and largest change of a forecast by int8 weights, in units of the room's unrest."""
    quantized, scale = quantize(learned.matrix, axis=1)
    change = quantized.astype(np.float64) * scale - learned.matrix
    found = []
    for rooms in material.rows.values():
        for room in rooms:
            ready = room.given.ready & (room.given.weather_ready.all(axis=(1, 2)) if learned.weather else True)
            table = (room.given.weather if learned.weather else room.given.history)[ready]
            scaled = np.clip((table - learned.mean) / learned.std, -CLIP, CLIP)
            total = (scaled @ change).reshape(len(table), 4, 2, 3 if learned.weather else 1).sum(axis=-1)
            found.append((np.abs(total) / room.given.unrest[ready][:, None, :]).reshape(-1))
    values = np.concatenate(found)
    return float(values.mean()), float(values.max())


def train(data: Path, folder: Path = FOLDER, card: Path | None = CARD, size: Size | None = None) -> list[Path]:
    """Do it all; return the files written."""
    size = size or Size()
    material = gather(homes(data), size)
    held = {name: hold_out(material, name) for name in material.places}
    scored = _scored(material, held)
    files, reports = [], []
    for weather, name in ((False, "history"), (True, "weather")):
        learned = learn(material, list(held), weather=weather)
        found = list(scored[name].values())
        figures = metrics(found, "model")
        files.append(_ship(learned, MARGIN * _tables(held, name), figures, material, folder))
        reports.append(
            Report(
                name=learned.name,
                version=VERSION,
                size=files[-1].stat().st_size,
                scored=scored[name],
                intervals=intervals(found, "model", seed=SEED),
                rounding=rounding(material, learned),
            )
        )
    fallback = FALLBACK_MARGIN * _tables(held, "fallback")
    about = {name: _about(place) for name, place in material.places.items()}
    if card is not None:
        write(card, reports, about, fallback, f"{size.rooms} rooms of {size.days} days")
    print_table(fallback)
    return files


def print_table(fallback: Array) -> None:
    """Print what `FALLBACK_QUANTILES` in the engine has to be."""
    for lead in fallback:
        print("    [")
        for band in lead:
            print("        [" + ", ".join(f"{value:.2f}" for value in band) + "],")
        print("    ],")


def _about(place: Scene) -> tuple[str, int, int]:
    """Return a home's licence, rooms and hours with a reading."""
    known = int(np.isfinite(np.stack([room.temperature for room in place.rooms])).sum())
    return LICENCES[place.home.source], len(place.rooms), known
