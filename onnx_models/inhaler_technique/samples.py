"""Rows to learn from and to be judged on: what the engine's features make of made-up or recorded puffs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features import technique
from custom_components.smartloop.engine.features.inhalation import (
    COORDINATION_FEATURES,
    FLOW_FEATURES,
    Curve,
    curve,
)
from custom_components.smartloop.engine.features.technique import HOLD_FEATURES, PRESS_FEATURES, SHAKE_FEATURES, Motion
from custom_components.smartloop.engine.models.technique import UNCALIBRATED, Sensed, Sleeve, sleeve_rows, trace_rows
from custom_components.smartloop.engine.models.technique_rules import RULERS, SPRAY, Step

from ..progress import track
from .maneuver import Maneuver, Truth, maneuver
from .people import Person, person
from .sensor import Fault, Sensors, board, calibration, record, sensors
from .sleeve import sensed

type Row = Mapping[str, float]
type Rows = Mapping[Step, Row | str]

FEATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "sleeve_shake": ("shake_s",),
    "sleeve_coordination": COORDINATION_FEATURES,
    "sleeve_flow": FLOW_FEATURES,
    "trace_press": PRESS_FEATURES,
    "trace_shake": SHAKE_FEATURES,
    "trace_coordination": COORDINATION_FEATURES,
    "trace_flow": FLOW_FEATURES,
    "trace_hold": HOLD_FEATURES,
}
"""What a network of each part would see; tilt is gravity, and its rule has no rival"""
CHUNK: Final = 15
"""People at once: the sleeve is stepped through for all of them together"""
NEAR: Final = 12
"""Samples of the grid between a press and where it was found"""


@dataclass(kw_only=True, slots=True)
class Case:
    """One puff: the truth and what was sensed of it."""

    person: str
    truth: Truth
    sleeve: Rows | None
    """As a sleeve sends it"""
    motion: Motion | None
    curve: Curve | None
    jolts: Sequence[tuple[int, Row]]
    """Where a press may have been"""
    known: Sleeve
    """Of the sleeve's calibration"""
    _rows: dict[int, Rows] = field(default_factory=dict)

    @property
    def place(self) -> int:
        """Return where it was pressed, on the grid."""
        begin = 0.0 if self.motion is None else float(self.motion.at[0])
        return round((self.truth.press_s - begin) * technique.RATE)

    def rows(self, place: int) -> Rows:
        """Return the features of a press at a place of the grid."""
        if place not in self._rows:
            begin = 0.0 if self.motion is None else float(self.motion.at[0])
            moment = begin + place / technique.RATE
            self._rows[place] = trace_rows(self.motion, self.curve, moment, self.known)
        return self._rows[place]


def case(
    person_name: str, truth: Truth, trace: technique.Trace, sleeve: Rows | None, known: Sleeve = UNCALIBRATED
) -> Case:
    """Return a case of a trace."""
    moved, breath = technique.motion(trace), curve(trace.at, trace.flow)
    places = [] if moved is None else technique.candidates(moved)
    jolts = [(place, technique.press(moved, place, breath, known.up)) for place in places if moved is not None]
    return Case(person=person_name, truth=truth, sleeve=sleeve, motion=moved, curve=breath, jolts=jolts, known=known)


def group(family: str, people: range, seed: int) -> list[Person]:
    """Return some people of a family."""
    return [person(family, number, seed) for number in people]


def _own(sensors_: Sensors) -> Sensors:
    return sensors_


def done(people: Sequence[Person], puffs: int, idle: int, seed: int) -> list[tuple[int, Maneuver]]:
    """Return so many puffs of each person, and so many handlings without one, by their number."""
    return [
        (number, maneuver(somebody, number, seed, pressed=number < puffs))
        for somebody in people
        for number in range(puffs + idle)
    ]


def seen(
    wholes: Sequence[tuple[int, Maneuver]], seed: int, fault: Fault = _own, *, calibrated: bool = False
) -> list[Case]:
    """Return what sensors make of puffs, with a fault; `calibrated` where the sleeve's mounting and range are known."""
    boards, flows, traces, knowns = [], [], [], []
    for number, whole in wholes:
        own = fault(sensors(whole))
        acceleration, flow = board(whole, own, seed, number)
        boards.append(acceleration)
        flows.append(flow if own.flow else None)
        traces.append(record(whole, own, seed, number))
        knowns.append(calibration(whole, own, seed) if calibrated else UNCALIBRATED)
    return [
        case(whole.person.name, whole.truth, trace, sleeve_rows(_sent(said, trace)), known)
        for (_, whole), trace, said, known in zip(wholes, traces, sensed(boards, flows), knowns, strict=True)
    ]


def cases(
    people: Sequence[Person], puffs: int, idle: int, seed: int, fault: Fault = _own, *, label: str = "puffs"
) -> list[Case]:
    """Return puffs of people as their sensors see them."""
    some = [people[low : low + CHUNK] for low in range(0, len(people), CHUNK)]
    return [each for part in track(some, label) for each in seen(done(part, puffs, idle, seed), seed, fault)]


def _sent(said: Sensed, trace: technique.Trace) -> Sensed:
    """Return what a sleeve sent, without motion where its sensor is missing."""
    return said if trace.acceleration is not None else replace(said, shake_s=None, tilt_deg=None)


def truth_class(step: Step, truth: Truth, limit: float | None = None) -> int | None:
    """Return the index of the true class of a step, None where nobody wrote it down."""
    value = {
        Step.SHAKE: truth.shake_s,
        Step.ORIENTATION: truth.tilt_deg,
        Step.COORDINATION: truth.offset_s,
        Step.FLOW: _log(truth.peak_lpm / (limit or SPRAY.most_lpm or 90.0)),
        Step.HOLD: truth.hold_s,
    }[step]
    return sum(value >= cut for cut in RULERS[f"trace_{step.value}"].cuts) if math.isfinite(value) else None


def _log(value: float) -> float:
    return math.log(value) if value > 0.0 else math.nan


def examples(key: str, found: Sequence[Case], limits: Sequence[float] = (90.0,)) -> tuple[list[Row], list[int]]:
    """Return rows and classes to teach or calibrate one part with.

    The flow is asked against each of the limits; some rows lose the channel that a sleeve may lack.
    """
    chance = np.random.default_rng(0)
    level, _, name = key.partition("_")
    step, rows, classes = Step(name), list[Row](), list[int]()
    for each in found:
        for row, label in _of(level, step, each, limits):
            kept = dict(row)
            if step is Step.PRESS and chance.random() < 0.3:
                kept["flow_then"] = math.nan
            if step is Step.FLOW and chance.random() < 0.1:
                kept |= {other: math.nan for other in FLOW_FEATURES if "peak" not in other}
            rows.append(kept)
            classes.append(label)
    return rows, classes


def _of(level: str, step: Step, each: Case, limits: Sequence[float]) -> list[tuple[Row, int]]:
    if step is Step.PRESS:
        # The canister springing back is neither one press more nor none.
        return [
            (row, int(each.truth.pressed and abs(place - each.place) < NEAR))
            for place, row in each.jolts
            if not (each.truth.pressed and NEAR <= place - each.place < 150)
        ]
    if not each.truth.pressed:
        return []
    rows = each.sleeve if level == "sleeve" else each.rows(each.place)
    row = None if rows is None else rows.get(step)
    if row is None or isinstance(row, str):
        return []
    if step is not Step.FLOW:
        label = truth_class(step, each.truth)
        return [] if label is None else [(row, label)]
    return [
        (
            {**row, "peak": row["peak"] - math.log(limit), "firm_peak": row["firm_peak"] - math.log(limit)},
            label,
        )
        for limit in limits
        if (label := truth_class(step, each.truth, limit)) is not None
    ]
