"""What leaflets ask of each step with an inhaler, and the rule that holds a measured figure against it.

A rule is a threshold with an error of measurement: with value x and error sigma, P(below c) = Phi((c - x - bias) / sigma),
so that a figure on the line is a coin's toss and says so. It is the fallback of every network and, where none was
better on shifted people and devices, what ships.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .classifier import UNCERTAIN


class Step(StrEnum):
    """What can go right or wrong with one puff."""

    PRESS = "press"
    SHAKE = "shake"
    ORIENTATION = "orientation"
    COORDINATION = "coordination"
    FLOW = "flow"
    HOLD = "hold"
    GAP = "gap"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaflet:
    """What an inhaler's leaflet asks; None is a step it does not have. The leaflet wins over these defaults."""

    shake_s: float | None = 5.0
    tilt_deg: tuple[float, float] | None = (30.0, 45.0)
    """Upright enough up to the first, worth a word beyond the second"""
    offset_s: tuple[float, float] | None = (-0.2, 0.5)
    """Press after the start of the breath; recalled, not looked up"""
    most_lpm: float | None = 90.0
    """Beyond it the breath is too fast: a critical error with a spray (Taylor 2018)"""
    least_lpm: float | None = None
    """A powder inhaler's least flow; asked instead of `most_lpm` where it is given"""
    hold_s: float | None = 5.0
    gap_s: float | None = 30.0
    """From one puff of a dose to the next"""


SPRAY: Final = Leaflet()
"""A pressurized metered dose inhaler: about 30 L/min is the aim, above 90 too fast"""
POWDER: Final = Leaflet(shake_s=None, tilt_deg=None, offset_s=None, most_lpm=None, least_lpm=60.0, gap_s=None)
"""A dry powder inhaler: 30 to 60 L/min at least by device; nothing to shake and nothing to time"""
SAME_DOSE_S: Final = 600.0
"""Puffs further apart are two doses"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One step of one puff: how it went, or why nobody can say. Never "ok" without a measurement."""

    step: Step
    label: str | None
    """None when not measured or abstained"""
    measured: bool
    probabilities: Mapping[str, float]
    confidence: float
    abstained: bool
    """Measured and yet not sure enough to say"""
    why: tuple[str, ...]
    value: float | None = None
    """The figure itself: s, deg or L/min"""
    source: str = ""
    """`network` or `rule`"""
    model_version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruler:
    """A measured figure, cut into classes in ascending order."""

    cuts: tuple[float, ...]
    classes: tuple[str, ...]
    sigma: float
    bias: float = 0.0
    """Of the measurement; taken off"""
    tau: float = 0.0
    """Abstains when the likeliest class is less likely"""

    def probabilities(self, value: float, more: float = 0.0) -> dict[str, float]:
        """Return the probability of each class; `more` is a further independent error, in the unit of the value."""
        sigma = max(math.hypot(self.sigma, more), 1e-6)
        below = [
            0.5 * (1.0 + math.erf((cut - value + self.bias) / (sigma * math.sqrt(2.0))))
            for cut in (-math.inf, *self.cuts, math.inf)
        ]
        return {name: max(high - low, 0.0) for name, low, high in zip(self.classes, below[:-1], below[1:], strict=True)}

    def judge(self, step: Step, value: float, why: str, *, more: float = 0.0, version: str = "") -> Verdict:
        """Return the verdict on a finite value."""
        found = self.probabilities(value, more)
        label, best = max(found.items(), key=lambda item: item[1])
        unsure = best < self.tau
        return Verdict(
            step=step,
            label=None if unsure else label,
            measured=True,
            probabilities=found,
            confidence=best,
            abstained=unsure,
            why=((UNCERTAIN,) if unsure else ()) + (why,),
            value=value,
            source="rule",
            model_version=version,
        )


ORIENTATIONS: Final = ("ok", "slanted", "warn")
OFFSETS: Final = ("early", "ok", "late")
LENGTHS: Final = ("short", "ok")
FLOWS: Final = ("under", "over")
PRESSES: Final = ("other", "press")

TAU: Final = 0.7
RULERS: Final[Mapping[str, Ruler]] = {
    "sleeve_shake": Ruler(cuts=(5.0,), classes=LENGTHS, sigma=0.8, tau=TAU),
    "sleeve_orientation": Ruler(cuts=(30.0, 45.0), classes=ORIENTATIONS, sigma=5.0, tau=0.6),
    "sleeve_coordination": Ruler(cuts=(-0.2, 0.5), classes=OFFSETS, sigma=0.25, tau=0.6),
    "sleeve_flow": Ruler(cuts=(0.0,), classes=FLOWS, sigma=0.12, tau=TAU),
    "trace_press": Ruler(cuts=(0.0,), classes=PRESSES, sigma=0.6, tau=0.5),
    "trace_shake": Ruler(cuts=(5.0,), classes=LENGTHS, sigma=0.8, tau=TAU),
    "trace_orientation": Ruler(cuts=(30.0, 45.0), classes=ORIENTATIONS, sigma=5.0, tau=0.6),
    "trace_coordination": Ruler(cuts=(-0.2, 0.5), classes=OFFSETS, sigma=0.15, tau=0.6),
    "trace_flow": Ruler(cuts=(0.0,), classes=FLOWS, sigma=0.12, tau=TAU),
    "trace_hold": Ruler(cuts=(5.0,), classes=LENGTHS, sigma=1.5, tau=TAU),
    "gap": Ruler(cuts=(30.0,), classes=LENGTHS, sigma=1.0, tau=TAU),
}
"""By level and step: what a sleeve sends (`sleeve_`) or a whole trace shows (`trace_`); errors of measurement assumed"""
WHY: Final[Mapping[Step, str]] = {
    Step.PRESS: "jolt",
    Step.SHAKE: "shake_s",
    Step.ORIENTATION: "tilt_deg",
    Step.COORDINATION: "offset_s",
    Step.FLOW: "peak",
    Step.HOLD: "still_s",
    Step.GAP: "gap_s",
}


def is_press(row: Mapping[str, float]) -> bool:
    """Tell a press as the sleeve's firmware does: a jolt above 0.9 g out of calm, into calm, not out of a fall."""
    return (
        row["jerk"] > math.log(0.9)
        and row["calm_before_g"] < 0.35
        and row["calm_after_g"] < 0.35
        and row["lightest_g"] > 0.45
    )


def not_measured(step: Step, reason: str) -> Verdict:
    """Return what is said of a step without a sensor."""
    return Verdict(
        step=step, label=None, measured=False, probabilities={}, confidence=0.0, abstained=False, why=(reason,)
    )


def gap(seconds: float | None, uncertainty_s: float | None, leaflet: Leaflet = SPRAY) -> Verdict:
    """Judge the pause since the puff before, s; neither a first puff nor one whose time is vague has one."""
    if leaflet.gap_s is None:
        return not_measured(Step.GAP, "not_asked")
    if seconds is None or not math.isfinite(seconds) or not 0.0 < seconds <= SAME_DOSE_S:
        return not_measured(Step.GAP, "single_puff")
    vague = uncertainty_s or 0.0
    if not math.isfinite(vague) or vague > leaflet.gap_s:
        return not_measured(Step.GAP, "time_uncertain")
    ruler = RULERS["gap"]
    return Ruler(cuts=(leaflet.gap_s,), classes=ruler.classes, sigma=ruler.sigma, tau=ruler.tau).judge(
        Step.GAP, seconds, WHY[Step.GAP], more=vague
    )
