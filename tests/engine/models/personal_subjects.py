"""Every personal learner in one form, with a stream it can learn from: what the battery of checks runs on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from math import inf, nan
from typing import Any

import numpy as np

from custom_components.smartloop.engine.models.personal_action import ActionHead
from custom_components.smartloop.engine.models.personal_baseline import Baseline, Season
from custom_components.smartloop.engine.models.personal_drift import FeatureShift, PageHinkley
from custom_components.smartloop.engine.models.personal_head import LinearHead, LogisticHead, sigmoid
from custom_components.smartloop.engine.models.personal_mixture import PersonalHead
from custom_components.smartloop.engine.models.personal_posterior import Prior
from custom_components.smartloop.engine.models.personal_score import Score, log_loss
from custom_components.smartloop.engine.models.personal_sketch import Sketch
from custom_components.smartloop.engine.models.personal_triggers import Exposure, TriggerFinder

START = datetime(2026, 1, 5, tzinfo=UTC)
SIZE, WIDE = 4, 32
NAMES = ("cat", "dust", "smoke", "pollen")
WEIGHTS = np.array([1.5, -1.0, 0.5, 0.0])


class Duplicate(StrEnum):
    """What happens to an event that comes twice, as each module's docstring says."""

    REFUSED = "refused"
    REPLACED = "replaced"
    COUNTED = "counted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    name: str
    make: Callable[[], Any]
    event: Callable[[int, np.random.Generator, bool], Any]
    """The i-th event of a stream; the flag says that the world has changed"""
    learn: Callable[[Any, Any], object]
    predict: Callable[[Any, Any], float | None]
    loss: Callable[[float, Any], float] | None = None
    """None: it gives no forecast"""
    first: float = 0.0
    """The forecast of who knows nothing, where the untaught model abstains"""
    odd: tuple[Any, ...] = ()
    """Constant, missing and extreme events"""
    probability: bool = False
    order: bool = True
    """Whether order matters"""
    duplicate: Duplicate = Duplicate.COUNTED
    forgets: bool = False
    retract: Callable[[Any, Any], bool] | None = None
    least_gain: float = 0.1
    """Share of the untaught loss that learning saves, at least"""

    def __str__(self) -> str:
        return self.name


def _row(rng: np.random.Generator, size: int = SIZE) -> list[float]:
    return [float(each) for each in rng.normal(size=size)]


def _yes(size: int = SIZE) -> Callable[[int, np.random.Generator, bool], Any]:
    def event(i: int, rng: np.random.Generator, changed: bool) -> Any:  # noqa: FBT001
        row = _row(rng, size)
        line = 1.5 * float(np.dot(row[:SIZE], WEIGHTS)) * (-1.0 if changed else 1.0)
        return f"e{i}", row, bool(rng.random() < sigmoid(line))

    return event


def _amount(i: int, rng: np.random.Generator, changed: bool) -> Any:  # noqa: FBT001
    row = _row(rng)
    return f"e{i}", row, float(np.dot(row, WEIGHTS)) * (-1.0 if changed else 1.0) + 0.5 * float(rng.normal())


def _act(i: int, rng: np.random.Generator, changed: bool) -> Any:  # noqa: FBT001
    row = [1.0, *_row(rng, SIZE - 1)]
    acted = bool(rng.random() < 0.6)
    effect = float(np.dot(row, WEIGHTS))
    return f"e{i}", row, acted, 0.6, 2.0 * row[1] + acted * effect + 0.5 * float(rng.normal()), effect


def _day(i: int, rng: np.random.Generator, changed: bool) -> Any:  # noqa: FBT001
    exposures = {name: bool(rng.random() < 0.4) for name in NAMES}
    trigger = "dust" if changed else "cat"
    return date(2020, 1, 6) + timedelta(days=i), exposures, bool(rng.random() < (0.6 if exposures[trigger] else 0.05))


def _hourly(i: int, rng: np.random.Generator, changed: bool) -> Any:  # noqa: FBT001
    at = START + timedelta(hours=i)
    return at, 60.0 + 8.0 * (at.hour >= 12) + (15.0 if changed else 0.0) + float(rng.normal())


def _value(i: int, rng: np.random.Generator, changed: bool) -> Any:  # noqa: FBT001
    return float(np.exp(rng.normal(3.0 if changed else 1.0, 0.5)))


def _learn_day(model: TriggerFinder, event: Any) -> bool:
    done = model.learn_one(event[0], event[1], bad=event[2])
    if event[0].toordinal() % 28 == 0 and model.days < 1000:
        model.findings()
    return done


def _sketch_learn(model: Sketch, value: Any) -> bool:
    done = model.update(value)
    if model.weight > 200.0:
        model.age(0.5)
    return done


def _value_of(belief: Any) -> float | None:
    return None if belief is None else float(belief.value)


_ROWS: tuple[Any, ...] = (
    ("odd-constant", [1.0] * SIZE, True),
    ("odd-zero", [0.0] * SIZE, True),
    ("odd-missing", [nan] * SIZE, True),
    ("odd-partly", [nan, 1.0, 1.0, 1.0], False),
    ("odd-huge", [1e300, -1e300, inf, 1.0], True),
    ("odd-none", None, True),
    ("odd-short", [1.0], False),
)

SUBJECTS = (
    Subject(
        name="logistic head",
        make=lambda: LogisticHead(Prior.flat(SIZE), 0.97),
        event=_yes(),
        learn=lambda model, event: model.learn_one(event[0], event[1], outcome=event[2]),
        predict=lambda model, event: _value_of(model.predict_one(event[1])),
        loss=lambda said, event: log_loss(said, outcome=event[2]),
        odd=_ROWS,
        probability=True,
        duplicate=Duplicate.REFUSED,
        forgets=True,
        retract=lambda model, event: model.retract(event[0]),
    ),
    Subject(
        name="logistic head, diagonal",
        make=lambda: LogisticHead(Prior.flat(WIDE, 0.3), 0.99),
        event=_yes(WIDE),
        learn=lambda model, event: model.learn_one(event[0], event[1], outcome=event[2]),
        predict=lambda model, event: _value_of(model.predict_one(event[1])),
        loss=lambda said, event: log_loss(said, outcome=event[2]),
        odd=(("odd-constant", [1.0] * WIDE, True), ("odd-huge", [1e300] * WIDE, False), *_ROWS),
        probability=True,
        duplicate=Duplicate.REFUSED,
        forgets=True,
        retract=lambda model, event: model.retract(event[0]),
    ),
    Subject(
        name="linear head",
        make=lambda: LinearHead(Prior.flat(SIZE), 0.97),
        event=_amount,
        learn=lambda model, event: model.learn_one(event[0], event[1], outcome=event[2]),
        predict=lambda model, event: _value_of(model.predict_one(event[1])),
        loss=lambda said, event: (said - event[2]) ** 2,
        odd=(*_ROWS, ("odd-amount", [1.0] * SIZE, nan), ("odd-much", [1.0] * SIZE, 1e300)),
        duplicate=Duplicate.REFUSED,
        forgets=True,
        retract=lambda model, event: model.retract(event[0]),
    ),
    Subject(
        name="personal head",
        make=lambda: PersonalHead(Prior.flat(SIZE)),
        event=_yes(),
        learn=lambda model, event: model.learn_one(event[0], event[1], outcome=event[2]),
        predict=lambda model, event: _value_of(model.predict_one(event[1])),
        loss=lambda said, event: log_loss(said, outcome=event[2]),
        odd=_ROWS,
        probability=True,
        duplicate=Duplicate.REFUSED,
        forgets=True,
        retract=lambda model, event: model.retract(event[0]),
    ),
    Subject(
        name="action head",
        make=lambda: ActionHead(Prior.flat(SIZE)),
        event=_act,
        learn=lambda model, event: model.learn_one(
            event[0], event[1], acted=event[2], chance=event[3], reward=event[4]
        ),
        predict=lambda model, event: _value_of(model.predict_one(event[1])),
        loss=lambda said, event: (said - event[5]) ** 2,
        odd=(
            *((name, row, True, 0.6, 1.0, 0.0) for name, row, _ in _ROWS),
            ("odd-reward", [1.0] * SIZE, True, 0.6, nan, 0.0),
            ("odd-much", [1.0] * SIZE, False, 0.6, -1e300, 0.0),
            ("odd-certain", [1.0] * SIZE, True, 1.0, 1.0, 0.0),
        ),
        duplicate=Duplicate.REFUSED,
        retract=lambda model, event: model.retract(event[0]),
    ),
    Subject(
        name="trigger finder",
        make=lambda: TriggerFinder([Exposure(name) for name in NAMES]),
        event=_day,
        learn=_learn_day,
        predict=lambda model, event: model.predict_one(event[1]),
        loss=lambda said, event: log_loss(said, outcome=event[2]),
        odd=(
            (date(2020, 1, 1), {}, True),
            (date(2020, 1, 2), dict.fromkeys(NAMES), False),
            (date(2020, 1, 3), dict.fromkeys(NAMES, True), None),
            (date(2020, 1, 4), {"cat": nan, "unheard of": True}, True),
            (date(2020, 1, 5), dict.fromkeys(NAMES, 1e300), True),
            (date(2020, 1, 4), dict.fromkeys(NAMES, True), True),
            (date(1, 1, 1), dict.fromkeys(NAMES, True), True),
            (date(9999, 12, 30), dict.fromkeys(NAMES, False), False),
        ),
        probability=True,
        duplicate=Duplicate.REPLACED,
        retract=lambda model, event: model.retract(event[0]),
    ),
    Subject(
        name="baseline",
        make=lambda: Baseline(Season.HOUR),
        event=_hourly,
        learn=lambda model, event: model.learn_one(*event),
        predict=lambda model, event: None if (said := model.score_one(event[0])) is None else said.usual,
        loss=lambda said, event: abs(said - event[1]),
        first=50.0,
        odd=((START, None), (START, nan), (START, inf), (START, 1e300), (START, -1e300), (START, 0.0)),
        forgets=True,
    ),
    Subject(
        name="sketch",
        make=Sketch,
        event=_value,
        learn=_sketch_learn,
        predict=lambda model, _: model.quantile(0.5),
        loss=lambda said, event: abs(said - event),
        odd=(None, nan, inf, -inf, 0.0, 1e300, -1e300, 1e-300),
        order=False,
        forgets=True,
        retract=lambda model, event: model.retract(event),
    ),
    Subject(
        name="score",
        make=Score,
        event=lambda _, rng, __: (float(rng.random()), bool(rng.random() < 0.5)),
        learn=lambda model, event: model.update(event[0], prior=0.5, outcome=event[1]),
        predict=lambda model, _: model.base_rate,
        odd=((None, True), (nan, False), (0.0, True), (1.0, False)),
        probability=True,
    ),
    Subject(
        name="page hinkley",
        make=PageHinkley,
        event=lambda _, rng, changed: float(rng.exponential(2.0 if changed else 0.5)),
        learn=lambda model, event: model.update(event),
        predict=lambda model, _: float(model.alarms),
        odd=(nan, inf, -5.0, 1e300, 0.0),
    ),
    Subject(
        name="feature shift",
        make=lambda: FeatureShift(SIZE),
        event=lambda i, rng, _: (3600.0 * i, _row(rng)),
        learn=lambda model, event: model.update(*event),
        predict=lambda model, _: float(len(model.shifted)),
        odd=((nan, [1.0] * SIZE), (0.0, [nan] * SIZE), (1.0, [1e300] * SIZE), (2.0, [1.0]), (-1e9, [0.0] * SIZE)),
    ),
)
