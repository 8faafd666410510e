"""Score the shipped network, the watch, the rates and the infiltration on any recordings and homes, and on simulated ones.

    script/models evaluate pm_event --data ../shared/data/air --json

`sim_...` are simulated homes of another seed and shifted ranges than those the network learned from; they need no
data, and are the same for every folder. `real_...` are the recordings and homes below the folder: days and homes of
any names, any of the sets may be missing. The network learned from no recording.

Columns: what ships; its float32 twin; the fallback (10 µg/m³ above the lowest of three hours, table of rules, least
squares between 50 % and 5 % of the peak, median ratio of indoors to outdoors and its lower tenth); naive (35 µg/m³, the
commonest class, half-life, the indoor mean). Sources are asked of the watch's events, whoever answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from custom_components.smartloop.engine.models.classifier import Classification
from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.engine.models.pm_event import MODEL, Source
from custom_components.smartloop.engine.models.pm_source import Kind, by_rules
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.graph import Engine

from ..export import FOLDER
from ..progress import track
from ..report import Evaluation, Metrics, bootstrap, reliability, twin
from . import chicago, score
from .events import PLAIN, Features, HomeEvents, watched
from .ranges import OTHER
from .recordings import PUBLISHED, Heard, heard, recordings
from .simulate import homes

SEED: Final = 20261123
HOMES: Final = 40
DAYS: Final = 7
PACKAGE: Final = Path(__file__).parent
COMMONEST: Final = Kind.AEROSOL
"""Of the simulated homes learned from"""

OWN: Final = ("sim_false_bursts_week", "real_event_f1", "real_burst_smoke", "real_burst_mist")
"""Of the shipped watch, whoever names its events: the others have no such figure"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """All there is to score, watched once."""

    simulated: Sequence[HomeEvents]
    heard: Sequence[Heard]
    places: Sequence[chicago.Judged]
    rows: int


def gather(data: Path, count: int = HOMES) -> Material:
    """Return what the shipped watch makes of everything; sources are asked for later."""
    tapes = recordings(data)
    days = chicago.homes(data)
    made = [watched(home) for home in track(homes(SEED, count, OTHER, DAYS), "simulated homes", count)]
    return Material(
        simulated=made,
        heard=[heard(tape) for tape in track(tapes, "recordings")],
        places=chicago.judged(days),
        rows=sum(len(tape.readings) for tape in tapes) + sum(day.indoor.size for day in days),
    )


def _always(features: Features) -> Classification:
    """Return the commonest class."""
    return Classification(
        label=COMMONEST,
        probabilities={kind: float(kind is COMMONEST) for kind in Kind},
        confidence=1.0,
        abstained=False,
        why=(),
        out_of_range=False,
        data_age_s=0.0,
        model_version="naive",
    )


def _asked(source: Source) -> score.Ask:
    def ask(features: Features) -> Classification:
        return source.judge(features, explain=False)

    return ask


def column(material: Material, ask: score.Ask, way: str) -> tuple[Metrics, dict[str, list[float] | None]]:
    """Return figures and intervals of one way: model, fallback or naive."""
    estimate = {"model": "estimate", "fallback": "envelope", "naive": "ratio"}[way]
    rate = {"model": "decays", "fallback": "least_squares", "naive": "half_life"}[way]
    detector = {"model": "watch", "fallback": PLAIN[0], "naive": PLAIN[1]}[way]
    made = [score.counted(home, ask, getattr(home, estimate), detector) for home in material.simulated]
    tapes = score.days(material.heard, ask, rate)
    places = score.homes_figures(way)
    figures: Metrics = {
        **score.simulated(made),
        **score.recorded(tapes),
        **places(material.places),
    }
    if way != "model":
        return figures | dict.fromkeys(OWN), {}
    spans = bootstrap(made, score.simulated, seed=SEED)
    spans |= bootstrap(tapes, score.recorded, seed=SEED)
    spans |= bootstrap(material.places, places, seed=SEED)
    return figures, spans


def subgroups(material: Material, ask: score.Ask) -> dict[str, Metrics]:
    """Return the figures of recordings per sensor model and aerosol."""
    out: dict[str, Metrics] = {}
    keys = ("real_decay_error", "real_decay_within_10pct", "real_event_f1", "real_aerosol_right", "real_aerosol_wrong",
            "real_combustion_right", "real_combustion_wrong")  # fmt: skip
    for sensor, aerosol in sorted({(h.recording.sensor, h.recording.aerosol) for h in material.heard}):
        members = [h for h in material.heard if (h.recording.sensor, h.recording.aerosol) == (sensor, aerosol)]
        found = score.recorded(score.days(members, ask))
        out[f"{sensor} {aerosol}"] = {"recordings": float(len(members)), **{key: found[key] for key in keys}}
    return out


def judge(material: Material, runner: Runner, exact: Runner | None, engine: str, version: str) -> Evaluation:
    """Return the figures of a network, shipped or not, beside the others."""
    ask = _asked(Source(runner))
    figures, spans = column(material, ask, "model")
    rules, _ = column(material, by_rules, "fallback")
    naive, _ = column(material, _always, "naive")
    sure = [pair for home in material.simulated for pair in score.counted(home, ask, None).sure]
    out = Evaluation(
        model=MODEL,
        version=version,
        engine=engine,
        n_subjects=len({h.recording.day for h in material.heard}) + len(material.places),
        n_rows=material.rows,
        metrics=figures,
        fallback=rules,
        baselines={"naive": naive},
        intervals=spans,
        subgroups=subgroups(material, ask),
        calibration=reliability([p for p, _ in sure], [r for _, r in sure]) if sure else [],
        notes=notes(material),
    )
    if exact is not None:
        out["float_model"] = column(material, _asked(Source(exact)), "model")[0]
    return out


def notes(material: Material) -> list[str]:
    """Return what whoever reads the figures must know."""
    natural = [h for h in material.heard if h.recording.natural and h.recording.aerosol in PUBLISHED]
    return [
        f"sim_: {len(material.simulated)} simulated homes of {DAYS} days, seed {SEED}; no measurement.",
        f"real_: {len(material.heard)} recordings ({len(natural)} of natural decay with a published rate) and {len(material.places)} homes.",
    ]


def evaluate(name: str, data: Path, engine: Engine) -> Evaluation:
    """Return the figures of what ships."""
    runner = Catalog.open(FOLDER).load(name, engine)
    return judge(gather(data), runner, twin(name, PACKAGE, engine), engine.name, runner.version)
