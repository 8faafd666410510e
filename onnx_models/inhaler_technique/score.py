"""Judge cases with the engine and count, person by person: sums only, so that people can be redrawn."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from custom_components.smartloop.engine.features import technique
from custom_components.smartloop.engine.models.technique import Sleeve, TechniqueJudge
from custom_components.smartloop.engine.models.technique_rules import RULERS, SPRAY, Step, Verdict, not_measured

from ..report import Metrics
from .samples import NEAR, Case, Rows, truth_class

type Tally = defaultdict[str, float]

BINS: Final = 10
STEPS: Final = {
    "sleeve": (Step.SHAKE, Step.ORIENTATION, Step.COORDINATION, Step.FLOW),
    "trace": (Step.SHAKE, Step.ORIENTATION, Step.COORDINATION, Step.FLOW, Step.HOLD),
}
_WORDS: Final = {Step.FLOW: ("ok", "fast")}


class Judge(Protocol):
    """Whoever judges a case."""

    def presses(self, case: Case) -> list[int]:
        """Return where it was pressed, on the grid."""
        ...

    def said(self, level: str, rows: Rows, known: Sleeve) -> Mapping[Step, Verdict]:
        """Return a verdict per step."""
        ...


class Engine:
    """The engine itself: networks of a file, or rules alone."""

    def __init__(self, judge: TechniqueJudge) -> None:
        """Keep it."""
        self._judge = judge

    def presses(self, case: Case) -> list[int]:
        """Return where it was pressed, likeliest first."""
        found = self._judge.pick(case.jolts)
        return [place for place, _ in sorted(found, key=lambda item: -item[1].probabilities["press"])]

    def said(self, level: str, rows: Rows, known: Sleeve) -> Mapping[Step, Verdict]:
        """Return a verdict per step."""
        return {step: self._judge.step(level, step, rows[step], sleeve=known, explain=False) for step in STEPS[level]}


class Usual:
    """Always says what is most usual, with the share of those who taught; presses are any first jolt above 0.9 g."""

    def __init__(self, shares: Mapping[str, Mapping[str, float]]) -> None:
        """Keep the shares by part."""
        self._shares = shares

    def presses(self, case: Case) -> list[int]:
        """Return every jolt of 0.9 g, 1.5 s apart."""
        found: list[int] = []
        for place, row in case.jolts:
            if row["jerk"] > math.log(0.9) and (not found or place - found[-1] > 1.5 * technique.RATE):
                found.append(place)
        return found

    def said(self, level: str, rows: Rows, known: Sleeve) -> Mapping[Step, Verdict]:
        """Return the same for everybody."""
        found = {}
        for step in STEPS[level]:
            shares = self._shares.get(f"{level}_{step.value}")
            if shares is None or isinstance(rows[step], str):
                found[step] = not_measured(step, "missing")
                continue
            label, best = max(shares.items(), key=lambda item: item[1])
            found[step] = Verdict(
                step=step,
                label=label,
                measured=True,
                probabilities=shares,
                confidence=best,
                abstained=False,
                why=(),
            )
        return found


def _names(step: Step) -> tuple[str, ...]:
    return _WORDS.get(step, RULERS[f"trace_{step.value}"].classes)


def _count(tally: Tally, key: str, verdict: Verdict, truth: int) -> None:
    names = _names(verdict.step)
    tally[f"{key}_n"] += 1
    if not verdict.measured:
        return
    chances = [verdict.probabilities[name] for name in names]
    best = max(range(len(chances)), key=chances.__getitem__)
    tally[f"{key}_measured"] += 1
    tally[f"{key}_loss"] += -math.log(max(chances[truth], 1e-6))
    tally[f"{key}_best"] += best == truth
    place = min(int(chances[best] * BINS), BINS - 1)
    tally[f"{key}_bin{place}"] += 1
    tally[f"{key}_sure{place}"] += chances[best]
    tally[f"{key}_hit{place}"] += best == truth
    if verdict.label is None:
        return
    tally[f"{key}_answered"] += 1
    tally[f"{key}_right"] += names.index(verdict.label) == truth
    if verdict.step is Step.FLOW:
        tally[f"{key}_is{truth}"] += 1
        tally[f"{key}_hits{truth}"] += names.index(verdict.label) == truth


def _level(tally: Tally, level: str, said: Mapping[Step, Verdict], case: Case, rows: Rows) -> None:
    for step, verdict in said.items():
        truth = truth_class(step, case.truth, SPRAY.most_lpm)
        if truth is not None:
            _count(tally, f"{level}_{step.value}", verdict, truth)
    tilt = rows.get(Step.ORIENTATION)
    if isinstance(tilt, Mapping) and math.isfinite(case.truth.tilt_deg):
        error = abs(tilt["tilt_deg"] - case.truth.tilt_deg)
        tally[f"{level}_tilts"] += 1
        tally[f"{level}_tilt_error"] += error
        tally[f"{level}_tilt_near"] += error <= 7.0


def _whole(tally: Tally, case: Case, judge: Judge) -> None:
    """Count a trace from finding the press to its steps."""
    found = judge.presses(case)
    hits = [place for place in found if case.truth.pressed and abs(place - case.place) < NEAR]
    tally["press_hits"] += min(len(hits), 1)
    tally["press_extra"] += len(found) - min(len(hits), 1)
    tally["press_missed"] += case.truth.pressed and not hits
    if not case.truth.pressed:
        return
    # Without motion a switch tells of the press.
    place = case.place if case.motion is None else next(iter(found), None)
    if place is None:
        _level(tally, "trace", {step: not_measured(step, "no_press") for step in STEPS["trace"]}, case, {})
    else:
        rows = case.rows(place)
        _level(tally, "trace", judge.said("trace", rows, case.known), case, rows)


def tallies(cases: Iterable[Case], judge: Judge) -> list[Tally]:
    """Return one tally per person."""
    by: dict[str, Tally] = {}
    for each in cases:
        tally = by.setdefault(each.person, defaultdict(float, {"people": 1.0}))
        tally["puffs"] += each.truth.pressed
        tally["idle"] += not each.truth.pressed
        _whole(tally, each, judge)
        if each.sleeve is not None and each.truth.pressed:
            _level(tally, "sleeve", judge.said("sleeve", each.sleeve, each.known), each, each.sleeve)
    return list(by.values())


def _over(tally: Tally, part: str, whole: str) -> float | None:
    return tally[part] / tally[whole] if tally[whole] else None


def calibration_error(tally: Tally, key: str) -> float | None:
    """Return the expected calibration error of the likeliest class, ten bins of equal width."""
    total = sum(tally[f"{key}_bin{place}"] for place in range(BINS))
    gaps = sum(abs(tally[f"{key}_sure{place}"] - tally[f"{key}_hit{place}"]) for place in range(BINS))
    return gaps / total if total else None


def together(found: Iterable[Tally]) -> Tally:
    """Return the sum."""
    total: Tally = defaultdict(float)
    for each in found:
        for key, value in each.items():
            total[key] += value
    return total


def figures(found: Sequence[Tally]) -> Metrics:
    """Return the figures of some people."""
    total = together(found)
    pressed = 2 * total["press_hits"] + total["press_extra"] + total["press_missed"]
    out: Metrics = {
        "people": float(total["people"]),
        "puffs": float(total["puffs"]),
        "handled_without_puff": float(total["idle"]),
        "press_f1": 2 * total["press_hits"] / pressed if pressed else None,
        "press_missed": _over(total, "press_missed", "puffs"),
    }
    for level, steps in STEPS.items():
        for step in steps:
            key = f"{level}_{step.value}"
            out |= {
                f"{key}_right": _over(total, f"{key}_right", f"{key}_answered"),
                f"{key}_answered": _over(total, f"{key}_answered", f"{key}_n"),
                f"{key}_right_all": _over(total, f"{key}_best", f"{key}_measured"),
                f"{key}_log_loss": _over(total, f"{key}_loss", f"{key}_measured"),
                f"{key}_ece": calibration_error(total, key),
            }
        out |= {
            f"{level}_fast_sensitivity": _over(total, f"{level}_flow_hits1", f"{level}_flow_is1"),
            f"{level}_fast_specificity": _over(total, f"{level}_flow_hits0", f"{level}_flow_is0"),
            f"{level}_tilt_error_deg": _over(total, f"{level}_tilt_error", f"{level}_tilts"),
            f"{level}_tilt_within_7deg": _over(total, f"{level}_tilt_near", f"{level}_tilts"),
        }
    return out
