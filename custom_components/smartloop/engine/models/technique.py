"""How a puff was taken: shaken, upright, pressed with the breath, breathed slowly, held. Learned from simulated people.

Two levels. What the sleeve sends today (`Sensed`): seconds of shaking, tilt, the flow from the press on. And a whole
trace (`Trace`): motion and flow around the press, for a hub, a rig or a later firmware. Each step is judged by its
network where one beat the rule on shifted people and devices, else by the rule of `technique_rules`. A step whose
channel is missing is "not measured", never "ok". A hint about technique; it says nothing of the drug that arrived.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..errors import ModelError
from ..features import inhalation, technique
from ..features.inhalation import Curve
from ..features.technique import Motion, Trace
from .classifier import MISSING, Classifier
from .model import Runner, Tensor
from .technique_rules import RULERS, SPRAY, WHY, Leaflet, Ruler, Step, Verdict, gap, is_press, not_measured

type Row = Mapping[str, float]

STEP_S: Final = 0.15
"""Between two samples of a sleeve's envelope"""
REFRACTORY_S: Final = 1.5
_TOLD: Final[tuple[Step, ...]] = tuple(step for step in Step if step is not Step.PRESS)
"""That it was pressed is why a sleeve sends anything"""
_NEEDED: Final[Mapping[Step, frozenset[str]]] = {
    Step.PRESS: frozenset({"jerk"}),
    Step.SHAKE: frozenset({"shake_s"}),
    Step.ORIENTATION: frozenset({"tilt_deg"}),
    Step.COORDINATION: frozenset({"offset_s"}),
    Step.FLOW: frozenset({"peak"}),
    Step.HOLD: frozenset({"still_s"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sleeve:
    """What is known of a sleeve from its calibration."""

    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    """g, what its sensor shows while the inhaler stands on a table"""
    ceiling_lpm: float | None = None
    """The highest flow its sensor can show; where that is below a limit, nobody can be told to keep it"""


UNCALIBRATED: Final = Sleeve()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensed:
    """One puff as the sleeve sends it; None is what it did not measure."""

    shake_s: float | None = None
    tilt_deg: float | None = None
    peak_flow_lpm: float | None = None
    envelope: Sequence[float | None] | None = None
    """L/min, from the press on"""
    envelope_step_s: float = STEP_S
    gap_s: float | None = None
    """Since the puff before"""
    gap_uncertainty_s: float | None = None
    test: bool = False
    """Sprayed into the air"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Technique:
    """All steps of one puff, in the order they are done."""

    steps: Mapping[Step, Verdict]
    press_s: float | None = None
    """When it was pressed, on the trace's own clock"""


class _Head:
    """One part of the file, looking like a file of its own; the other parts see averages meanwhile."""

    def __init__(self, key: str, runner: Runner) -> None:
        """Cut one part out of the features: those whose names begin with its own."""
        self.version = runner.version
        names: list[str] = json.loads(runner.metadata["features"])
        own = [index for index, name in enumerate(names) if name.startswith(f"{key}.")]
        cut = {
            name: [json.loads(runner.metadata[name])[index] for index in own] for name in ("features", "mean", "std")
        }
        cut["features"] = [name.partition(".")[2] for name in cut["features"]]
        settings = {"classes": RULERS[key].classes} | json.loads(runner.metadata["heads"])[key]
        self.metadata = {name: json.dumps(value) for name, value in (cut | settings).items()}
        self._key, self._runner, self._own, self._count = key, runner, own, len(names)

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return this part's logits."""
        row = np.zeros((1, self._count), np.float32)
        row[:, self._own] = inputs["features"]
        return {"logits": self._runner.run({"features": row})[f"logits_{self._key}"]}


class TechniqueJudge:
    """Judges puffs, with the networks of a file or, without one, by rules alone."""

    def __init__(self, runner: Runner | None = None) -> None:
        """Read the metadata; raises ModelError where it cannot be used."""
        self.version = runner.version if runner is not None else ""
        self.heads: dict[str, Classifier] = {}
        self.rulers: dict[str, Ruler] = dict(RULERS)
        self._bar = 0.5
        if runner is None:
            return
        try:
            for key, settings in json.loads(runner.metadata["rules"]).items():
                sigma, bias, tau = (float(settings[name]) for name in ("sigma", "bias", "tau"))
                if not (all(map(math.isfinite, (sigma, bias, tau))) and sigma > 0.0):
                    msg = f"rule {key} is not usable"
                    raise ModelError(msg)
                self.rulers[key] = replace(RULERS[key], sigma=sigma, bias=bias, tau=tau)
            for key in json.loads(runner.metadata["heads"]):
                step = Step(key.partition("_")[2])
                self.heads[key] = Classifier(_Head(key, runner), required=_NEEDED[step])
            self._bar = float(runner.metadata.get("press_bar", "0.5"))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as err:
            msg = f"metadata not usable: {err!r}"
            raise ModelError(msg) from err

    def judge(
        self, sensed: Sensed, *, leaflet: Leaflet = SPRAY, sleeve: Sleeve = UNCALIBRATED, explain: bool = True
    ) -> Technique:
        """Judge what a sleeve sent."""
        steps: dict[Step, Verdict] = {each: not_measured(each, "test_spray") for each in _TOLD}
        if sensed.test:
            return Technique(steps=steps)
        rows = sleeve_rows(sensed)
        for step, row in rows.items():
            steps[step] = self.step("sleeve", step, row, leaflet=leaflet, sleeve=sleeve, explain=explain)
        steps[Step.HOLD] = not_measured(Step.HOLD, f"{MISSING}trace")
        steps[Step.GAP] = gap(sensed.gap_s, sensed.gap_uncertainty_s, leaflet)
        return Technique(steps=steps)

    def presses(self, trace: Trace, *, sleeve: Sleeve = UNCALIBRATED) -> list[tuple[float, Verdict]]:
        """Return when an inhaler was pressed, on the trace's clock, at most once in 1.5 s."""
        moved = technique.motion(trace)
        if moved is None:
            return []
        return [(float(moved.at[place]), said) for place, said in self._presses(moved, _flow(trace), sleeve)]

    def judge_trace(
        self,
        trace: Trace,
        *,
        press_s: float | None = None,
        leaflet: Leaflet = SPRAY,
        sleeve: Sleeve = UNCALIBRATED,
        explain: bool = True,
    ) -> Technique:
        """Judge a whole trace around a press: the one given (a switch told of it), else the likeliest found."""
        moved, curve = technique.motion(trace), _flow(trace)
        said: Verdict | None = None
        if press_s is None and moved is not None:
            found = self._presses(moved, curve, sleeve)
            if found:
                place, said = max(found, key=lambda item: item[1].probabilities["press"])
                press_s = float(moved.at[place])
        if press_s is None or not math.isfinite(press_s):
            reason = f"{MISSING}acceleration" if moved is None else "no_press"
            return Technique(steps={step: not_measured(step, reason) for step in Step})
        steps = {
            step: self.step("trace", step, row, leaflet=leaflet, sleeve=sleeve, explain=explain)
            for step, row in trace_rows(moved, curve, press_s, sleeve).items()
        }
        steps[Step.PRESS] = said or not_measured(Step.PRESS, "given")
        steps[Step.GAP] = not_measured(Step.GAP, "single_puff")
        return Technique(steps=steps, press_s=press_s)

    def _presses(self, moved: Motion, curve: Curve | None, sleeve: Sleeve) -> list[tuple[int, Verdict]]:
        return self.pick(
            [(place, technique.press(moved, place, curve, sleeve.up)) for place in technique.candidates(moved)]
        )

    def pick(self, jolts: Sequence[tuple[int, Row]]) -> list[tuple[int, Verdict]]:
        """Return which of the jolts, in order of time, are presses; one jolts twice, down and back.

        How likely is likely enough was chosen for as many missed as made up.
        """
        found: list[tuple[int, Verdict]] = []
        for place, row in jolts:
            said = self.press(row)
            chance = said.probabilities.get("press", 0.0)
            alone = not found or place - found[-1][0] > REFRACTORY_S * technique.RATE
            if chance >= self._bar and not said.abstained and alone:
                found.append((place, replace(said, label="press")))
        return found

    def press(self, row: Row) -> Verdict:
        """Judge one jolt by `technique.press`."""
        if "trace_press" in self.heads:
            return self._network("trace_press", Step.PRESS, row, explain=False)
        return self.rulers["trace_press"].judge(
            Step.PRESS, 1.0 if is_press(row) else -1.0, WHY[Step.PRESS], version=self.version
        )

    def step(
        self,
        level: str,
        step: Step,
        row: Row | str,
        *,
        leaflet: Leaflet = SPRAY,
        sleeve: Sleeve = UNCALIBRATED,
        explain: bool = True,
    ) -> Verdict:
        """Judge one step of a level (`sleeve` or `trace`) by its row of features; a word is why there is none."""
        asked = _cuts(step, leaflet)
        if asked is None:
            return not_measured(step, "not_asked")
        if isinstance(row, str):
            return not_measured(step, row)
        key = f"{level}_{step.value}"
        ruler = self.rulers[key]
        if step is Step.FLOW:
            # A limit moves the figure, so that one network knows all of them.
            limit = math.log(asked[0])
            row, asked = {**row, "peak": row["peak"] - limit, "firm_peak": row["firm_peak"] - limit}, (0.0,)
        if key in self.heads and asked == ruler.cuts:
            said = self._network(key, step, row, explain=explain)
        else:
            said = replace(ruler, cuts=asked).judge(step, row[_figure(step)], WHY[step], version=self.version)
        return _named(said, row, leaflet, sleeve)

    def _network(self, key: str, step: Step, row: Row, *, explain: bool) -> Verdict:
        found = self.heads[key].classify(row, explain=explain)
        return Verdict(
            step=step,
            label=found.label,
            measured=bool(found.probabilities),
            probabilities=found.probabilities,
            confidence=found.confidence,
            abstained=found.abstained,
            why=found.why,
            value=row[_figure(step)],
            source="network",
            model_version=self.version,
        )


def _figure(step: Step) -> str:
    return {Step.FLOW: "firm_peak", Step.PRESS: "jerk"}.get(step, WHY[step])


def _cuts(step: Step, leaflet: Leaflet) -> tuple[float, ...] | None:
    """Return what a leaflet asks of a step, None where it does not."""
    flow = leaflet.least_lpm if leaflet.least_lpm is not None else leaflet.most_lpm
    single = {Step.SHAKE: leaflet.shake_s, Step.FLOW: flow, Step.HOLD: leaflet.hold_s}
    if step in single:
        value = single[step]
        return None if value is None else (value,)
    return {Step.ORIENTATION: leaflet.tilt_deg, Step.COORDINATION: leaflet.offset_s}.get(step)


def _named(said: Verdict, row: Row, leaflet: Leaflet, sleeve: Sleeve) -> Verdict:
    """Return a verdict on flow in the words of the inhaler: a spray is breathed too fast, a powder too slowly.

    An "ok" is taken back where the sensor could not have shown anything else.
    """
    if said.step is not Step.FLOW:
        return said
    spray = leaflet.least_lpm is None
    words = {"under": "ok", "over": "fast"} if spray else {"under": "slow", "over": "ok"}
    limit = (leaflet.most_lpm if spray else leaflet.least_lpm) or 1.0
    peak = math.exp(row["firm_peak"]) * limit
    ceiling = sleeve.ceiling_lpm
    if spray and ceiling is not None and ceiling < 1.15 * limit and peak >= 0.93 * ceiling:
        return not_measured(Step.FLOW, "saturated")
    return replace(
        said,
        label=None if said.label is None else words[said.label],
        probabilities={words[name]: share for name, share in said.probabilities.items()},
        value=peak,
    )


def _flow(trace: Trace) -> Curve | None:
    return inhalation.curve(trace.at, trace.flow)


def _within(value: float | None, high: float) -> bool:
    return value is not None and math.isfinite(value) and 0.0 <= value <= high


def sleeve_rows(sensed: Sensed) -> dict[Step, Row | str]:
    """Return the features of each step a sleeve knows of, or why there are none."""
    rows: dict[Step, Row | str] = {
        Step.SHAKE: {"shake_s": sensed.shake_s or 0.0} if _within(sensed.shake_s, 60.0) else f"{MISSING}shake_s",
        Step.ORIENTATION: {"tilt_deg": sensed.tilt_deg or 0.0}
        if _within(sensed.tilt_deg, 180.0)
        else f"{MISSING}tilt_deg",
    }
    curve = None
    if sensed.envelope is not None:
        samples = [math.nan if each is None else each for each in sensed.envelope]
        curve = inhalation.envelope(samples, sensed.envelope_step_s)
    row = inhalation.breath(curve)
    peak = sensed.peak_flow_lpm
    if row is not None:
        rows[Step.COORDINATION] = rows[Step.FLOW] = row
    elif curve is not None:
        rows[Step.COORDINATION] = rows[Step.FLOW] = "no_inhalation"
    else:
        rows[Step.COORDINATION] = f"{MISSING}flow"
        known = peak is not None and _within(peak, inhalation.CEILING_LPM) and peak >= inhalation.INHALED_LPM
        rows[Step.FLOW] = _peak_only(peak) if peak is not None and known else f"{MISSING}flow"
    return rows


def _peak_only(peak: float) -> Row:
    """Return the features of a flow of which only the peak came."""
    return dict.fromkeys(inhalation.FLOW_FEATURES, math.nan) | {"peak": math.log(peak), "firm_peak": math.log(peak)}


def trace_rows(moved: Motion | None, curve: Curve | None, press_s: float, sleeve: Sleeve) -> dict[Step, Row | str]:
    """Return the features of each step a trace knows of, or why there are none."""
    lost = f"{MISSING}acceleration"
    rows: dict[Step, Row | str] = dict.fromkeys((Step.SHAKE, Step.ORIENTATION, Step.HOLD), lost)
    if moved is not None:
        place = round(min(max((press_s - float(moved.at[0])) * technique.RATE, -1.0), float(moved.at.size)))
        if not 100 <= place <= moved.at.size - 20:
            rows = dict.fromkeys(rows, "outside_trace")
        else:
            tilt = technique.tilt(moved, place, sleeve.up)
            rows[Step.SHAKE] = technique.shake(moved, place)
            rows[Step.ORIENTATION] = {"tilt_deg": tilt} if math.isfinite(tilt) else f"{MISSING}gravity"
            rows[Step.HOLD] = technique.hold(moved, place, curve) or f"{MISSING}breath_end"
    breath = inhalation.breath(curve, press_s)
    missing = f"{MISSING}flow" if curve is None else "no_inhalation"
    rows[Step.COORDINATION] = breath or missing
    rows[Step.FLOW] = breath or missing
    return rows
