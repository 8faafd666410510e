"""The card of a model, written from what was measured; nobody edits it.

`write` also leaves `results.json` beside it, from which `docs/models` is made, and `calibration.svg`.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.classifier import softmax
from custom_components.smartloop.engine.models.model import Runner
from custom_components.smartloop.inference.catalog import Catalog, Entry
from custom_components.smartloop.inference.errors import InferenceError
from custom_components.smartloop.inference.graph import Engine
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.select import open_onnxruntime

from . import plot
from .export import FOLDER
from .report import Evaluation, Metrics, expected_calibration_error, twin

CARD: Final = "MODEL_CARD.md"
RESULTS: Final = "results.json"
PROBES: Final = 1000
_BLOCKS, _RUNS = 12, 25
_DISCLAIMER: Final = "SmartLoop is a home-comfort and wellness tool, not a medical device. It does not diagnose, treat or predict attacks."


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Data a model learned from or was judged on."""

    name: str
    licence: str
    subjects: str
    """How many of what, as words"""
    real: bool
    used_for: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One figure beside what it competes with."""

    what: str
    metric: str
    """Its name in the evaluation"""
    value: float | None
    interval: Sequence[float] | None
    n: str
    real: bool
    target: float | None
    at_least: bool = True
    anchor: str = ""
    """The published figure, whose, on how many; "recalled" where nobody looked it up again"""

    @classmethod
    def of(
        cls,
        found: Evaluation,
        what: str,
        metric: str,
        *,
        n: str,
        real: bool,
        target: float | None = None,
        at_least: bool = True,
        anchor: str = "",
    ) -> Self:
        """Return a claim of one of an evaluation's own figures."""
        return cls(
            what=what,
            metric=metric,
            value=found["metrics"][metric],
            interval=found["intervals"].get(metric),
            n=n,
            real=real,
            target=target,
            at_least=at_least,
            anchor=anchor,
        )

    @property
    def met(self) -> bool | None:
        """Tell whether the target is reached, None without either."""
        if self.value is None or self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A chapter only this model has."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """All a card says that cannot be measured from the file."""

    name: str
    title: str
    purpose: str
    sources: Sequence[Source]
    split: str
    seeds: str
    chosen: str
    """How everything that was chosen was chosen"""
    evaluation: Evaluation
    """Of subjects that had no part in learning"""
    claims: Sequence[Claim]
    sections: Sequence[Section] = ()
    limits: Sequence[str] = ()
    wording: Sequence[str] = ()
    data: str = ""
    """The folder of the data beside the repository, as `bed`"""
    files: Sequence[str] = field(default=())
    """Shipped files, where they are not just NAME"""


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return a Markdown table."""
    return [
        "| " + " | ".join(header) + " |",
        "|---" * len(header) + "|",
        *("| " + " | ".join(cell(each) for each in row) + " |" for row in rows),
    ]


def cell(value: object) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def span(interval: Sequence[float] | None) -> str:
    """Return an interval as a table shows it."""
    return "-" if interval is None else f"{interval[0]:.3g} to {interval[1]:.3g}"


def metric_table(evaluation: Evaluation) -> list[str]:
    """Return all metrics: what ships, its twin, its fallback and the naive, with intervals."""
    columns: dict[str, Metrics] = {"ships": evaluation["metrics"]}
    if "float_model" in evaluation:
        columns["float32"] = evaluation["float_model"]
    columns |= {"fallback": evaluation["fallback"], **evaluation["baselines"]}
    return table(
        ["metric", *columns, "90 % interval"],
        [
            [key, *(column.get(key) for column in columns.values()), span(evaluation["intervals"].get(key))]
            for key in evaluation["metrics"]
        ],
    )


def claim_table(claims: Sequence[Claim]) -> list[str]:
    """Return the claims beside targets and anchors."""
    words = {True: "met", False: "**missed**", None: "-"}
    return table(
        ["what", "measured", "90 % interval", "n", "data", "target", "", "competes with"],
        [
            [
                claim.what,
                claim.value,
                span(claim.interval),
                claim.n,
                "real" if claim.real else "simulated",
                "-" if claim.target is None else f"{'≥' if claim.at_least else '≤'} {claim.target:g}",
                words[claim.met],
                claim.anchor or "-",
            ]
            for claim in claims
        ],
    )


def latency(runner: Runner, inputs: Mapping[str, NDArray[np.float32]]) -> float:
    """Return µs a run: the median of the quietest block, as the machine may be busy with other work."""
    best = np.inf
    runner.run(inputs)
    for _ in range(_BLOCKS):
        times = []
        for _ in range(_RUNS):
            began = perf_counter_ns()
            runner.run(inputs)
            times.append(perf_counter_ns() - began)
        best = min(best, float(np.median(times)) / 1000)
    return best


def probes(entry: Entry, seed: int = 0, count: int = PROBES) -> list[dict[str, NDArray[np.float32]]]:
    """Return inputs to try: the golden ones, then normal ones as standardised features are."""
    rng = np.random.default_rng(seed)
    real = [dict(golden.inputs) for golden in entry.golden]
    return real + [
        {info.name: rng.standard_normal(info.shape).astype(np.float32) for info in entry.inputs}
        for _ in range(max(count // max(_steps(entry), 1), 16))
    ]


def _steps(entry: Entry) -> int:
    """Return how many rows one run judges: the last axis of a sequence."""
    shape = entry.inputs[0].shape
    return shape[-1] if len(shape) > 2 else 1


def fidelity(entry: Entry, rounded: Runner, exact: Runner) -> dict[str, float]:
    """Return what rounding the weights did: mean |Δp|, and how often the likeliest class stayed.

    Outputs named `logits` (1, classes) or (1, classes, time) become probabilities by the file's temperature; other
    outputs are compared as they are, and have no class.
    """
    temperature = float(entry.metadata.get("temperature", "1"))
    change, same = [], []
    for given in probes(entry):
        one, two = rounded.run(given), exact.run(given)
        for name in one:
            a, b = np.asarray(one[name], np.float64), np.asarray(two[name], np.float64)
            if name.startswith("logits"):
                a, b = (softmax(np.moveaxis(each, 1, -1), temperature) for each in (a, b))
                same.append(float((a.argmax(axis=-1) == b.argmax(axis=-1)).mean()))
            change.append(float(np.abs(a - b).mean()))
    out = {"mean_abs_dp": round(float(np.mean(change)), 6)}
    return out | ({"argmax": round(float(np.mean(same)), 4)} if same else {})


def _engines() -> dict[str, Engine]:
    """Return the runtimes that can be had here."""
    out: dict[str, Engine] = {"numpy": NumpyEngine()}
    with contextlib.suppress(InferenceError):
        out["onnxruntime"] = open_onnxruntime()
    return out


def measured(name: str, folder: Path) -> dict[str, Any]:
    """Return size, operators, rounding and speed of one shipped file."""
    catalog = Catalog.open(FOLDER)
    entry = catalog.entries[name]
    engines = _engines()
    runners = {key: catalog.load(name, engine) for key, engine in engines.items()}
    given = probes(entry)[0]
    out: dict[str, Any] = {
        "file": entry.file,
        "bytes": entry.size,
        "ops": sorted(entry.ops),
        "latency_us": {key: round(latency(runner, given), 1) for key, runner in runners.items()},
    }
    exact = twin(name, folder, engines["numpy"])
    if exact is not None:
        out["int8_vs_float"] = fidelity(entry, runners["numpy"], exact)
    return out


def _files(card: Card, folder: Path) -> list[dict[str, Any]]:
    """Return what is measured of each shipped file; none for statistics."""
    shipped = Catalog.open(FOLDER).entries
    return [measured(name, folder) for name in (card.files or (card.name,)) if name in shipped]


def _bullets(lines: Sequence[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _file_lines(files: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the chapter on the files."""
    if not files:
        return ["Statistics in the engine; there is no network and no file to load."]
    rows = [
        [
            f"`{each['file']}`",
            each["bytes"],
            *(each["latency_us"].get(key) for key in ("numpy", "onnxruntime")),
            each.get("int8_vs_float", {}).get("mean_abs_dp"),
            each.get("int8_vs_float", {}).get("argmax"),
            " ".join(each["ops"]),
        ]
        for each in files
    ]
    header = [
        "file",
        "bytes",
        "NumPy, µs a run",
        "onnxruntime, µs a run",
        "mean change by int8",
        "same class",
        "operators",
    ]
    return [
        "int8 weights per channel, float32 maths. Times: quietest of 12 blocks on two shared x86-64 cores, one thread.",
        "",
        *table(header, rows),
    ]


def write(card: Card, folder: Path) -> Path:
    """Write MODEL_CARD.md, results.json and calibration.svg into the model's folder; return the card."""
    files = _files(card, folder)
    evaluation = card.evaluation
    bins = evaluation.get("calibration", [])
    folder.mkdir(parents=True, exist_ok=True)
    command = f"script/models evaluate {card.name} --data ../shared/data/{card.data}"
    sections: list[tuple[str, Sequence[str]]] = [
        ("Claims", claim_table(card.claims)),
        (
            "Data",
            [
                *table(
                    ["data", "licence", "subjects", "kind", "used for"],
                    [
                        [s.name, s.licence, s.subjects, "real" if s.real else "simulated", s.used_for]
                        for s in card.sources
                    ],
                ),
                "",
                f"Split: {card.split}",
                "",
                f"Chosen: {card.chosen}",
                "",
                f"Seeds: {card.seeds}",
            ],
        ),
        (
            "Figures",
            [
                f"{evaluation['n_subjects']} subjects, {evaluation['n_rows']} rows; none of them taught the model they judge.",
                "",
                *metric_table(evaluation),
                *(line for note in evaluation.get("notes", ()) for line in ("", note)),
            ],
        ),
    ]
    if subgroups := evaluation.get("subgroups"):
        keys = list(dict.fromkeys(key for each in subgroups.values() for key in each))
        rows = [[name, *(each.get(key) for key in keys)] for name, each in subgroups.items()]
        sections.append(("Groups", table(["group", *keys], rows)))
    if bins:
        plot.reliability(bins, folder / "calibration.svg")
        error = expected_calibration_error(bins)
        lines = ["![predicted against observed](calibration.svg)", "", f"Expected calibration error {cell(error)}."]
        sections.append(("Calibration", lines))
    sections += [(section.title, section.lines) for section in card.sections]
    sections += [
        ("File, size and speed", _file_lines(files)),
        ("Limits", _bullets(card.limits)),
        ("Wording", _bullets([*card.wording, _DISCLAIMER])),
        (
            "Again",
            [
                "```",
                f"script/models train {card.name} --data ../shared/data/{card.data}    # this card and the file",
                f"{command}    # the shipped file on any such folder",
                "```",
            ],
        ),
    ]
    lines = [f"# {card.title}", "", f"`{card.name}` {evaluation['version']}. {card.purpose}", "", _MADE]
    for title, content in sections:
        if content:
            lines += ["", f"## {title}", "", *content]
    path = folder / CARD
    path.write_text("\n".join(lines) + "\n", "utf-8")
    results = {
        "model": card.name,
        "title": card.title,
        "evaluation": evaluation,
        "claims": [asdict(claim) | {"met": claim.met} for claim in card.claims],
        "files": files,
    }
    (folder / RESULTS).write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


_MADE: Final = "Made by `script/models train`; do not edit."
