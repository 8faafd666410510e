"""Put what was foretold, told and guessed into figures; redraw homes, or days where there is one home."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.presence import DAY_S

from ..report import Metrics, bootstrap, expected_calibration_error, reliability
from .air import THRESHOLD_PPM, Minutes
from .occupancy import Replay

type Array = NDArray[np.float64]
type Flags = NDArray[np.bool_]

SEED: Final = 20261122
OCCUPANCY: Final = ("log_loss", "log_loss_skill", "log_loss_first_week", "brier", "auc", "ece", "answered")
_BOUND: Final = 1e-3
_WEEK_S: Final = 7.0 * DAY_S
_SOURCES: Final = ("co2", "climate")
_NOWCAST: Final = ("log_loss", "accuracy", "balanced_accuracy", "answered")


def log_losses(chance: Array, outcome: Flags) -> Array:
    """Return the log-loss of each forecast, kept finite."""
    kept = np.clip(chance, _BOUND, 1.0 - _BOUND)
    return np.asarray(-np.log(np.where(outcome, kept, 1.0 - kept)))


def auc(chance: Array, outcome: Flags) -> float:
    """Return the area under the ROC curve, ties counting half; NaN without both outcomes."""
    values, place, count = np.unique(chance, return_inverse=True, return_counts=True)
    rank = (count.cumsum() - (count - 1) / 2.0)[place]
    yes = int(outcome.sum())
    no = outcome.size - yes
    return float((rank[outcome].sum() - yes * (yes + 1) / 2.0) / (yes * no)) if yes and no and values.size else np.nan


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Figures of one home (or one day of the only home) by column, and what they count for."""

    weight: float
    figures: Mapping[str, Metrics]


def _mean(values: Array) -> float | None:
    return float(values.mean()) if values.size else None


def _column(found: Replay, name: str, use: Flags) -> Metrics:
    chance, outcome = found.chance[name][use], found.outcome[use]
    losses, usual = log_losses(chance, outcome), log_losses(found.chance["fallback"][use], outcome)
    early = found.at[use] - found.at[0] < _WEEK_S
    loss, base = _mean(losses), _mean(usual)
    return {
        "log_loss": loss,
        "log_loss_skill": None if loss is None or not base else 1.0 - loss / base,
        "log_loss_first_week": _mean(losses[early]),
        "brier": _mean((chance - outcome) ** 2),
        "auc": auc(chance, outcome),
        "ece": expected_calibration_error(reliability(chance, outcome)) if outcome.size else None,
        "answered": found.answered / found.asked if found.asked else None,
    }


def blocks(found: Sequence[Replay]) -> list[Block]:
    """Return a block for each home."""
    return [
        Block(weight=1.0, figures={name: _column(each, name, np.ones(each.outcome.size, bool)) for name in each.chance})
        for each in found
        if each.outcome.size
    ]


def days(found: Replay) -> list[Block]:
    """Return a block for each day of a home."""
    day = ((found.at - found.at[0]) // DAY_S).astype(int) if found.at.size else found.at.astype(int)
    return [
        Block(weight=float((day == each).sum()), figures={"model": _column(found, "model", day == each)})
        for each in np.unique(day).tolist()
    ]


def occupancy(parts: Sequence[Block], name: str) -> Metrics:
    """Return a column's figures, every block counting by its weight."""
    out: Metrics = {}
    for key in OCCUPANCY:
        known = [
            (part.weight, value)
            for part in parts
            if name in part.figures and (value := part.figures[name][key]) is not None and np.isfinite(value)
        ]
        total = sum(weight for weight, _ in known)
        out[key] = sum(weight * value for weight, value in known) / total if total else None
    # Of means, not the mean of shares.
    if name in {"model", "float_model"} or out["log_loss"] is not None:
        base = occupancy_loss(parts, "fallback")
        loss = out["log_loss"]
        out["log_loss_skill"] = 1.0 - loss / base if loss is not None and base else out["log_loss_skill"]
    return out


def occupancy_loss(parts: Sequence[Block], name: str) -> float | None:
    """Return the mean log-loss of a column, None where it is not among the blocks."""
    known = [(p.weight, v) for p in parts if name in p.figures and (v := p.figures[name]["log_loss"]) is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total else None


def spans(found: Sequence[Replay]) -> dict[str, list[float] | None]:
    """Return 90 % intervals of the model's figures: homes redrawn, or days of the only one."""
    parts = blocks(found)
    if len(parts) == 1:
        parts = days(next(each for each in found if each.outcome.size))
    if not parts:
        return dict.fromkeys(OCCUPANCY)
    return bootstrap(parts, lambda some: occupancy(some, "model"), seed=SEED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Guesses:
    """Counts of one stretch of a room: sums from which the figures follow."""

    source: str
    sums: Array
    """Minutes, answered, loss, hits of yes, yes, hits of no, no"""


def _counted(chance: Array, outcome: Flags, *, sure: bool = False) -> Array:
    known = np.isfinite(chance)
    said, truth = chance[known] > 0.5, outcome[known]
    loss = np.nan if sure else float(log_losses(chance[known], truth).sum())
    row = [outcome.size, known.sum(), loss, (said & truth).sum(), truth.sum(), (~said & ~truth).sum(), (~truth).sum()]
    return np.array(row, dtype=np.float64)


def guesses(rooms: Sequence[Minutes], column: str, stretch: int = 240) -> list[Guesses]:
    """Return the counts of each four hours of each room."""
    out = []
    for room in rooms:
        if column == "absolute_co2" and room.source != "co2":
            continue
        # The majority is told the room's own share of minutes with people: more than anybody knows beforehand.
        chance = {
            "model": room.chance,
            "fallback": np.full(room.outcome.size, room.outcome.mean() if room.outcome.size else 0.0),
            "absolute_co2": np.where(np.isfinite(room.co2), (room.co2 > THRESHOLD_PPM).astype(np.float64), np.nan),
        }[column]
        out += [
            Guesses(
                source=room.source,
                sums=_counted(
                    chance[start : start + stretch],
                    room.outcome[start : start + stretch],
                    sure=column == "absolute_co2",
                ),
            )
            for start in range(0, room.outcome.size, stretch)
        ]
    return out


def nowcast(parts: Sequence[Guesses]) -> Metrics:
    """Return the figures of both rules."""
    out: Metrics = {}
    for source in _SOURCES:
        rows = [part.sums for part in parts if part.source == source]
        total, known, loss, yes, all_yes, no, all_no = np.sum(rows, axis=0).tolist() if rows else [0.0] * 7
        both = all_yes and all_no
        out |= {
            f"{source}_log_loss": loss / known if known and np.isfinite(loss) else None,
            f"{source}_accuracy": (yes + no) / known if known else None,
            f"{source}_balanced_accuracy": (yes / all_yes + no / all_no) / 2.0 if both else None,
            f"{source}_answered": known / total if total else None,
        }
    return out


NOWCAST: Final = tuple(f"{source}_{name}" for source in _SOURCES for name in _NOWCAST)
