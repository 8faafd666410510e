"""Score the shipped file on made-up people it never saw, on recordings where there are any, and read real logs.

    script/models evaluate inhaler_technique --data ../shared/data/asthma

Figures that begin with `sim_` are SIMULATED, whatever lies in DIR: people of the `far` family, beyond those who taught
and those who decided, with sensors of their own. `rig_` are of DIR/recordings (see recordings.py), `log_` of logs of
real inhalers; both are null where there is nothing.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.engine.models.technique import TechniqueJudge
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine as Runtime

from .. import export
from ..progress import track
from ..report import Bin, Evaluation, Metrics, bootstrap, plain, twin, warn_if_trained_on
from . import logs
from .draft import Draft
from .people import Person
from .recordings import left_out, recordings
from .samples import Case, cases, done, group, seen
from .score import BINS, Engine, Judge, Tally, Usual, figures, tallies, together
from .sensor import FAULTS

NAME: Final = "inhaler_technique"
HERE: Final = Path(__file__).parent
SEED: Final = 20261124
"""Of who is judged; drawn once, after everything else was settled"""
FAR_PEOPLE, FAR_PUFFS, FAR_IDLE = range(1000, 1060), 8, 3
FAULT_PEOPLE, FAULT_PUFFS, FAULT_IDLE = range(2000, 2012), 3, 1
PLAIN_PEOPLE: Final = range(3000, 3012)
_RIG: Final = (
    "people",
    "puffs",
    "press_f1",
    "trace_shake_right",
    "trace_shake_answered",
    "trace_tilt_error_deg",
    "trace_coordination_right",
    "trace_coordination_answered",
    "trace_fast_sensitivity",
    "trace_fast_specificity",
    "trace_hold_right",
)
_SHOWN: Final = (
    "people",
    "puffs",
    "press_f1",
    "trace_shake_right",
    "trace_shake_answered",
    "trace_tilt_error_deg",
    "trace_orientation_answered",
    "trace_coordination_right",
    "trace_coordination_answered",
    "trace_fast_sensitivity",
    "trace_fast_specificity",
    "trace_flow_answered",
    "sleeve_shake_right",
    "sleeve_tilt_error_deg",
    "sleeve_coordination_right",
    "sleeve_coordination_answered",
    "sleeve_fast_sensitivity",
    "sleeve_fast_specificity",
    "sleeve_flow_answered",
)
SIMULATED: Final = (
    "SIMULATED: every sim_ figure is of made-up people and sensors (seeded simulator, ranges assumed); no public "
    "recording of an inhaler's movement exists. Subjects and rows count simulated people and puffs."
)


def _rounded(found: Metrics, prefix: str = "") -> Metrics:
    return {prefix + key: plain(value) for key, value in found.items()}


def pooled(found: Sequence[Tally]) -> list[Bin]:
    """Return the calibration of the likeliest class, all steps together, in bins of equal width."""
    total = together(found)
    out = []
    for place in range(BINS):
        count, sure, hit = (
            sum(value for key, value in total.items() if key.endswith(f"_{kind}{place}"))
            for kind in ("bin", "sure", "hit")
        )
        if count:
            out.append(Bin(predicted=round(sure / count, 4), observed=round(hit / count, 4), n=int(count)))
    return out


def score(found: Sequence[Case], judge: Judge) -> Metrics:
    """Return one judge's figures."""
    return figures(tallies(found, judge))


def _rig(found: Sequence[Case], judge: Judge) -> Metrics:
    """Return the figures of recordings, null where there are none."""
    got = score(found, judge) if found else {}
    return {f"rig_{key}": plain(got.get(key)) for key in _RIG}


def _lopo(found: Sequence[Case], shipped: Draft | None) -> Metrics | None:
    gathered: list[Tally] = []
    people = left_out(found, shipped, lambda some, draft: gathered.extend(tallies(some, Engine(TechniqueJudge(draft)))))
    return {key: plain(value) for key, value in figures(gathered).items() if key in _SHOWN} if people else None


def far_cases(people: Sequence[Person] | None = None) -> list[Case]:
    """Return the made-up people nobody saw."""
    return cases(people or group("far", FAR_PEOPLE, SEED), FAR_PUFFS, FAR_IDLE, SEED, label="far")


def _groups(judge: Judge) -> dict[str, Metrics]:
    """Return the figures with each fault, and of people like those who taught."""
    plain_people = cases(group("plain", PLAIN_PEOPLE, SEED), 8, 3, SEED, label="plain")
    out = {"simulated: like the teachers": score(plain_people, judge)}
    wholes = done(group("far", FAULT_PEOPLE, SEED), FAULT_PUFFS, FAULT_IDLE, SEED)
    for name, (fault, known) in track(FAULTS.items(), "faults"):
        out[f"simulated: far, {name}"] = score(seen(wholes, SEED, fault, calibrated=known), judge)
    return {name: {key: plain(each[key]) for key in _SHOWN} for name, each in out.items()}


def report(runner: Runner | None, exact: Runner | None, engine: str, data: Path, draft: Draft | None) -> Evaluation:
    """Return the evaluation of a loaded file, or of one that has not shipped yet."""
    found, rig, log = far_cases(), recordings(data), logs.figures(data)
    shares = json.loads(runner.metadata["usual"]) if runner is not None else {}
    judges: dict[str, Judge] = {
        "model": Engine(TechniqueJudge(runner)),
        "fallback": Engine(TechniqueJudge()),
        "usual": Usual(shares),
    }
    if exact is not None:
        judges["float"] = Engine(TechniqueJudge(exact))
    counted = {name: tallies(found, judge) for name, judge in judges.items()}
    columns = {
        name: _rounded(figures(each), "sim_") | _rig(rig, judges[name]) | _rounded(log)
        for name, each in counted.items()
    }
    spans = bootstrap(counted["model"], figures, seed=SEED)
    groups = _groups(judges["model"])
    if rig:
        groups["recordings, shipped file"] = {key: plain(score(rig, judges["model"])[key]) for key in _SHOWN}
        again = _lopo(rig, draft)
        if again is not None:
            groups["recordings, learned without that person"] = again
    notes = [SIMULATED]
    if log["log_people"] is None:
        notes.append("No log of a real inhaler in DIR.")
    else:
        notes.append(
            "Real logs (log_) give puffs by the hour: whether 30 to 60 s lay between two puffs is not measured in them, "
            "nor is any step of technique."
        )
    if not rig:
        notes.append("No recordings in DIR/recordings: rig_ figures are null.")
    out = Evaluation(
        model=NAME,
        version=runner.version if runner is not None else "none",
        engine=engine,
        n_subjects=len(counted["model"]),
        n_rows=len(found),
        metrics=columns["model"],
        fallback=columns["fallback"],
        baselines={"usual": columns["usual"]},
        intervals={
            key: spans.get(key.removeprefix("sim_")) if key.startswith("sim_") else None for key in columns["model"]
        },
        subgroups=groups,
        calibration=pooled(counted["model"]),
        notes=notes + (warn_if_trained_on(runner.metadata, sorted({each.person for each in rig})) if runner else []),
    )
    if "float" in columns:
        out["float_model"] = columns["float"]
    return out


def evaluate(name: str, data: Path, engine: Runtime) -> Evaluation:
    """Return the figures of the shipped file; without one, of the rules."""
    catalog = Catalog.open(export.FOLDER)
    runner = catalog.load(name, engine) if name in catalog.entries else None
    draft = None
    if (data / "recordings").is_dir() and runner is not None:
        from .train import drafted  # noqa: PLC0415  scikit-learn is needed for recordings only

        draft = drafted(runner)
    return report(runner, twin(name, HERE, engine), engine.name, data, draft)
