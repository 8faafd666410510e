"""Score the shipped forecaster, the routines and the nowcast on any homes and rooms.

    script/models evaluate presence_routine --data ../shared/data/routines --json

DIR holds homes' events (`homes.py` says in which layouts). Unless it holds rooms with people counted itself, the
folders `humidity` and `air` beside it are read too. What is not there is null.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.presence import NAMES
from custom_components.smartloop.engine.models.model import Runner, Tensor
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine

from ..export import FOLDER
from ..progress import track
from ..report import Evaluation, Metrics, bootstrap, plain, reliability, twin, warn_if_trained_on
from . import habits, score
from .air import Minutes, Room, minutes, rooms
from .homes import House, homes
from .occupancy import Replay, replay

NAME: Final = "presence_routine"
HERE: Final = Path(__file__).parent
BASELINES: Final = (
    *("network_only", "head_only", "hour_of_day", "room_mean", "stay", "after_room"),
    *("plain_rule", "absolute_co2"),
)
_COLUMNS: Final = {"network_only": "network"}
SIMULATED: Final = tuple(habits.simulated_figures([]))
HABITS: Final = tuple(habits.real_figures([]))
SAID: Final = (
    "Figures beginning with `sim_` are of simulated households and do not depend on DIR.",
    "`fallback` is the time-of-week average; for routines it is none; for the nowcast the room's own majority.",
    "Every home counts the same; in the first 24 h of a home, and after 24 h without any event, nothing is foretold.",
    "Hours after which nothing is heard of a home for a day are not scored: nobody knows whether it was empty or unwatched.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Average:
    """Stands for a network that only repeats the time-of-week average: what the head at home makes without one."""

    version: str = "head_only"

    @property
    def metadata(self) -> Mapping[str, str]:
        """Return what the classifier reads."""
        zeros, ones = [0.0] * len(NAMES), [1.0] * len(NAMES)
        names = {"features": NAMES, "classes": ("unused", "used"), "mean": zeros, "std": ones}
        return {key: json.dumps(value) for key, value in names.items()}

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the rate as it came in."""
        rate = inputs["features"][:, NAMES.index("week_rate")]
        return {"logits": np.stack([np.zeros_like(rate), rate], axis=1)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shipped:
    """A network with its float32 twin."""

    runner: Runner
    exact: Runner | None


type Models = Callable[[str], Shipped]
"""Which model judges a subject"""


def subjects(data: Path) -> tuple[list[House], list[Room]]:
    """Return homes and rooms of a folder and, unless it is one of rooms, of those beside it."""
    places, counted = homes(data), rooms([data])
    if not counted and data.resolve().parent.is_dir():
        beside = [data.resolve().parent / name for name in ("humidity", "air")]
        counted = rooms([each for each in beside if each.is_dir() and each != data.resolve()])
        known = {each.name for each in places}
        for folder in beside:
            places += [each for each in (homes(folder) if folder.is_dir() else ()) if each.name not in known]
    return places, counted


def _guessed(counted: Sequence[Room], models: Models) -> list[Minutes]:
    return [minutes(room, source, models(room.name).runner) for room in counted for source in room.sources]


def _columns(found: Sequence[Replay], told: dict[str, Metrics], guessed: Sequence[Minutes]) -> dict[str, Metrics]:
    parts = score.blocks(found)
    keys = (*score.OCCUPANCY, *HABITS, *SIMULATED, *score.NOWCAST)
    out: dict[str, Metrics] = {}
    for name in ("model", "float_model", "fallback", *BASELINES):
        figures = score.occupancy(parts, _COLUMNS.get(name, name))
        figures |= told.get(name, {})
        if guessed and name in {"model", "fallback", "absolute_co2"}:
            figures |= score.nowcast(score.guesses(guessed, name))
        out[name] = {key: plain(figures.get(key)) for key in keys}
    return out


def judge(places: Sequence[House], counted: Sequence[Room], models: Models, engine: str) -> Evaluation:
    """Return the figures, each subject judged by its own model."""
    found: list[Replay] = []
    for house in track(places, "homes"):
        shipped = models(house.name)
        minds = {"model": shipped.runner, "head_only": Average()}
        found.append(replay(house, minds | ({} if shipped.exact is None else {"float_model": shipped.exact})))
    made = habits.households()
    tallies = [habits.simulated(home) for home in track(made, "households")]
    plainly = [habits.simulated(home, -np.inf) for home in made]
    lived = [habits.of(house) for house in places]
    told = {
        "model": habits.real_figures(lived) | habits.simulated_figures(tallies),
        "plain_rule": habits.real_figures([habits.of(house, -np.inf) for house in places])
        | habits.simulated_figures(plainly),
    }
    guessed = _guessed(counted, models)
    columns = _columns(found, told, guessed)
    intervals = score.spans(found)
    intervals |= bootstrap(lived, habits.real_figures, seed=score.SEED) if lived else dict.fromkeys(HABITS)
    intervals |= bootstrap(tallies, habits.simulated_figures, seed=score.SEED)
    parts = score.guesses(guessed, "model")
    intervals |= bootstrap(parts, score.nowcast, seed=score.SEED) if parts else dict.fromkeys(score.NOWCAST)
    scored = [each for each in found if each.outcome.size]
    report = Evaluation(
        model=NAME,
        version=models(places[0].name if places else "").runner.version,
        engine=engine,
        n_subjects=len(places) + len(counted),
        n_rows=sum(each.outcome.size for each in found) + sum(each.outcome.size for each in guessed),
        metrics=columns["model"],
        fallback=columns["fallback"],
        baselines={name: columns[name] for name in BASELINES},
        intervals={key: intervals.get(key) for key in columns["model"]},
        subgroups={
            each.home: {
                key: plain(value)
                for name in ("model", "fallback")
                for key, value in (
                    (f"log_loss_{name}", score.occupancy(score.blocks([each]), name)["log_loss"]),
                    (f"ece_{name}", score.occupancy(score.blocks([each]), name)["ece"]),
                )
            }
            for each in scored
        },
        notes=list(SAID),
    )
    if any("float_model" in each.chance for each in found):
        report["float_model"] = columns["float_model"]
    if scored:
        chance, outcome = (
            np.concatenate([each.chance["model"] for each in scored]),
            np.concatenate([each.outcome for each in scored]),
        )
        report["calibration"] = reliability(chance, outcome)
    return report


def evaluate(name: str, data: Path, engine: Engine) -> Evaluation:
    """Return the shipped file's figures on all homes and rooms of a folder."""
    shipped = Shipped(runner=Catalog.open(FOLDER).load(name, engine), exact=twin(name, HERE, engine))
    places, counted = subjects(data)
    report = judge(places, counted, lambda _: shipped, engine.name)
    known = [each.name for each in places] + [each.name for each in counted]
    report["notes"] = [*warn_if_trained_on(shipped.runner.metadata, known), *SAID]
    return report
