"""Live through people's diaries day by day: foretell, score, learn; and what simpler forecasters would have said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.reliever import WEEK, DiaryDay, enough, known, week
from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.engine.models.reliever_day import RelieverDay, usual_puffs, week_rate

from ..personal.forecasts import auc
from ..report import Bin, Metrics, expected_calibration_error, plain, reliability
from .diaries import Person
from .fit import log_loss

type Array = NDArray[np.float64]

MODEL: Final = "model"
FALLBACK: Final = "week_rate"
BASELINES: Final = (
    "network_alone",
    "raw_week_rate",
    "last_seven_known_days",
    "own_rate_so_far",
    "as_today",
    "others_rate",
)
COUNTERS: Final = (MODEL, FALLBACK, "own_rate_so_far", "as_today")
"""Those that also say how many puffs"""
COLUMNS: Final = (MODEL, FALLBACK, *BASELINES)
LEVELS: Final = {"rare users (under a third of days)": (0.0, 1 / 3), "others": (1 / 3, 0.8), "daily users": (0.8, 1.01)}
MONTH: Final = 28


@dataclass(frozen=True, kw_only=True, slots=True)
class Lived:
    """One person's scored days that have a day before them."""

    name: str
    said: dict[str, Array]
    """Chances by forecaster, NaN where it abstained"""
    used: Array
    filled: Array
    """What is said in the model's place where it abstains: the seven-day rate, before that others' rate"""
    before: Array
    """Known days before"""
    puffs: dict[str, Array]
    """Foretold by those that count, NaN where it is not known"""
    took: Array
    """Puffs of the day"""


def live(person: Person, runner: Runner, mean: float, strength: float) -> Lived:
    """Foretell each scored day the evening before, then learn from it."""
    model, alone = RelieverDay(runner), RelieverDay(runner)
    said: dict[str, list[float]] = {name: [] for name in COLUMNS}
    used, filled, before, took = [], [], [], []
    counted: dict[str, list[float]] = {name: [] for name in COUNTERS}
    truth = {each.day: each for each in person.days}
    for day in person.scored[1:]:
        told = known(person.days, day - 1)
        rate = week_rate(told, day - 1, mean, strength)
        answers = {
            MODEL: model.predict(told, day - 1, explain=False).value,
            FALLBACK: rate,
            "network_alone": alone.predict(told, day - 1, explain=False).value,
            **_simple(told, day - 1, mean, strength),
        }
        for name, value in answers.items():
            said[name].append(np.nan if value is None else value)
        for name, count in _counts(told, day - 1).items():
            counted[name].append(np.nan if count is None else count)
        used.append(float(bool(truth[day].used)))
        took.append(truth[day].puffs or 0.0)
        filled.append(mean if rate is None else rate)
        before.append(sum(each.used is not None for each in told))
        model.learn_one(known(person.days, day), day)
    return Lived(
        name=person.name,
        said={name: np.array(values, dtype=np.float64) for name, values in said.items()},
        used=np.array(used, dtype=np.float64),
        filled=np.array(filled, dtype=np.float64),
        before=np.array(before, dtype=np.float64),
        puffs={name: np.array(values, dtype=np.float64) for name, values in counted.items()},
        took=np.array(took, dtype=np.float64),
    )


def _simple(told: Sequence[DiaryDay], today: int, mean: float, strength: float) -> dict[str, float | None]:
    """Return what the simple ones say; like the model they are silent where too few days are known."""
    answers = [bool(each.used) for each in told if each.used is not None]
    if not enough(told, today):
        return dict.fromkeys(BASELINES[1:])
    used, count = week(told, today)

    def drawn(some: Sequence[bool]) -> float:
        return (sum(some) + strength * mean) / (len(some) + strength)

    return {
        "raw_week_rate": used / count if count else mean,
        "last_seven_known_days": drawn(answers[-7:]),
        "own_rate_so_far": drawn(answers),
        "as_today": drawn(answers[-1:]),
        "others_rate": mean,
    }


def _counts(told: Sequence[DiaryDay], today: int) -> dict[str, float | None]:
    """Return the puffs foretold: those of usual days, and the mean of the week, of all days, and the last day's."""
    usual = usual_puffs(told, today)
    counts = [(each.day, each.puffs) for each in told if each.used is not None and each.puffs is not None]
    if usual is None:
        return dict.fromkeys(COUNTERS)
    lately = [puffs for day, puffs in counts if day > today - WEEK]
    everything = [puffs for _, puffs in counts]
    mean = sum(everything) / len(everything)
    return {
        MODEL: usual,
        FALLBACK: sum(lately) / len(lately) if lately else mean,
        "own_rate_so_far": mean,
        "as_today": everything[-1],
    }


def _answered(lived: Lived) -> NDArray[np.bool_]:
    """Return the days on which the model spoke: all forecasters are compared on these."""
    return np.isfinite(lived.said[MODEL])


def _auc_own(people: Sequence[Lived], name: str) -> float | None:
    """Return the AUC within a person, people weighted by days; those who always or never use have none."""
    total = weight = 0.0
    for each in people:
        kept = _answered(each)
        found = auc(each.said[name][kept], each.used[kept])
        if found is not None:
            total, weight = total + kept.sum() * found, weight + kept.sum()
    return total / weight if weight else None


def figures(people: Sequence[Lived], name: str) -> Metrics:
    """Return one forecaster's figures on the days on which the model spoke."""
    kept = [_answered(each) for each in people]
    said = np.concatenate([each.said[name][k] for each, k in zip(people, kept, strict=True)] or [np.zeros(0)])
    used = np.concatenate([each.used[k] for each, k in zip(people, kept, strict=True)] or [np.zeros(0)])
    keys = ("log_loss", "gain_over_week_rate", "log_loss_by_person", "brier", "auc", "auc_within_person", "ece")
    if not used.size:
        return dict.fromkeys((*keys, "log_loss_all_days", "share_answered", "puffs_mae"))
    rate = np.concatenate([each.said[FALLBACK][k] for each, k in zip(people, kept, strict=True)])
    loss = log_loss(said, used)
    everything = np.concatenate(
        [log_loss(np.where(k, each.said[name], each.filled), each.used) for each, k in zip(people, kept, strict=True)]
    )
    values: Metrics = {
        "log_loss": float(loss.mean()),
        "gain_over_week_rate": float(1.0 - loss.mean() / log_loss(rate, used).mean()),
        "log_loss_by_person": float(
            np.mean(
                [
                    log_loss(each.said[name][k], each.used[k]).mean()
                    for each, k in zip(people, kept, strict=True)
                    if k.any()
                ]
            )
        ),
        "brier": float(((said - used) ** 2).mean()),
        # Who is left out has a mean on the other side of it: sorting by it would be sorting by the answer.
        "auc": None if name == "others_rate" else auc(said, used),
        "auc_within_person": None if name == "others_rate" else _auc_own(people, name),
        "ece": expected_calibration_error(reliability(said, used)),
        "log_loss_all_days": float(everything.mean()),
        "share_answered": float(np.concatenate(kept).mean()),
        "puffs_mae": float(
            np.concatenate(
                [np.abs(each.puffs[name] - each.took)[k] for each, k in zip(people, kept, strict=True)]
            ).mean()
        )
        if name in COUNTERS
        else None,
    }
    return {key: plain(value) for key, value in values.items()}


def bins(people: Sequence[Lived]) -> list[Bin]:
    """Return what the model said against what came."""
    kept = [_answered(each) for each in people]
    if not any(each.any() for each in kept):
        return []
    return reliability(
        np.concatenate([each.said[MODEL][k] for each, k in zip(people, kept, strict=True)]),
        np.concatenate([each.used[k] for each, k in zip(people, kept, strict=True)]),
    )


def groups(people: Sequence[Lived]) -> dict[str, Metrics]:
    """Return model and seven-day rate by how often people use a reliever, and by how long they are known."""
    shares = {each.name: float(each.used.mean()) for each in people if each.used.size}
    found = {
        name: _group([(each, _answered(each)) for each in people if low <= shares.get(each.name, -1.0) < high])
        for name, (low, high) in LEVELS.items()
    }
    found["first 28 known days"] = _group([(each, _answered(each) & (each.before < MONTH)) for each in people])
    found["later"] = _group([(each, _answered(each) & (each.before >= MONTH)) for each in people])
    return found | {f"person {each.name}": _group([(each, _answered(each))]) for each in people}


def _group(parts: Sequence[tuple[Lived, NDArray[np.bool_]]]) -> Metrics:
    used = np.concatenate([each.used[kept] for each, kept in parts] or [np.zeros(0)])
    if not used.size:
        return {"days": 0.0, "share used": None, "log_loss": None, "week_rate": None, "auc": None}
    said = {name: np.concatenate([each.said[name][kept] for each, kept in parts]) for name in (MODEL, FALLBACK)}
    return {
        "days": float(used.size),
        "share used": plain(used.mean()),
        "log_loss": plain(log_loss(said[MODEL], used).mean()),
        "week_rate": plain(log_loss(said[FALLBACK], used).mean()),
        "auc": plain(auc(said[MODEL], used)),
    }
