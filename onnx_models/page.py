"""`docs/models`: every model's claims in one table, with pictures, from what the cards' runs left behind."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from . import plot
from .card import RESULTS, span, table
from .registry import MODELS, WORKSHOP

PAGE: Final = WORKSHOP.parent / "docs" / "models" / "README.md"
_WORDS: Final = {True: "met", False: "**missed**", None: ""}


def results() -> dict[str, dict[str, Any]]:
    """Return what the last training run of each model measured."""
    found = {}
    for model in MODELS.values():
        path = model.folder / RESULTS
        if path.exists() and not model.trained_with:
            found[model.name] = json.loads(path.read_text("utf-8"))
    return found


def _claims(found: Mapping[str, Any]) -> list[Sequence[object]]:
    """Return one row a claim."""
    return [
        [
            claim["what"],
            claim["value"],
            span(claim["interval"]),
            claim["n"],
            "real" if claim["real"] else "simulated",
            "-" if claim["target"] is None else f"{'≥' if claim['at_least'] else '≤'} {claim['target']:g}",
            _WORDS[claim["met"]],
            claim["anchor"] or "-",
        ]
        for claim in found["claims"]
    ]


def _links(name: str) -> str:
    """Return links to card and command."""
    model = MODELS[name]
    card = f"../../onnx_models/{model.folder.name}/MODEL_CARD.md"
    return f"[Card]({card}); `script/models evaluate {name} --data ../shared/data/{model.domain}`"


def _pictures(name: str) -> list[str]:
    """Return the pictures of a card."""
    folder = MODELS[name].folder
    return [
        f"![{name}: {path.stem}](../../onnx_models/{folder.name}/{path.name})" for path in sorted(folder.glob("*.svg"))
    ]


def _files(found: Mapping[str, Mapping[str, Any]]) -> list[Sequence[object]]:
    """Return one row a shipped file."""
    rows: list[Sequence[object]] = []
    for each in (file for one in found.values() for file in one["files"]):
        change = each.get("int8_vs_float", {})
        speed = each["latency_us"]
        row = [f"`{each['file']}`", each["bytes"], speed.get("numpy"), speed.get("onnxruntime")]
        rows.append([*row, change.get("mean_abs_dp"), change.get("argmax")])
    return rows


def write(page: Path = PAGE) -> Path:
    """Write the page and its picture; return the page."""
    found = results()
    counted = [claim for one in found.values() for claim in one["claims"] if claim["met"] is not None]
    met = sum(claim["met"] for claim in counted)
    sizes = {each["file"]: each["bytes"] / 1024 for one in found.values() for each in one["files"]}
    if sizes:
        plot.bars(sizes, page.parent / "sizes.svg", "KiB (the limit is 256, the aim 64)")
    lines = [
        "# Models",
        "",
        "Made by `script/models page` of the cards' runs; do not edit. Every figure is of homes or persons that had no part",
        "in learning; intervals are 90 %, by redrawing them. *Simulated* figures come from seeded simulators and say what is",
        "possible, not what was seen in homes. Published figures were measured by others, on other people with other",
        f"protocols: they show the scale, not a contest. {met} of {len(counted)} bounds are kept; those missed stand here too.",
        "Where people looked at the same few subjects while building, the card says so: homes seen by nobody decide.",
    ]
    for name, one in found.items():
        lines += [
            "",
            f"## {one['title'].removeprefix('Model card: ').capitalize()}",
            "",
            _links(name) + f". {one['evaluation']['n_subjects']} subjects.",
            "",
        ]
        header = ["what", "ours", "90 % interval", "n", "data", "target", "", "published, theirs"]
        lines += table(header, _claims(one))
        for picture in _pictures(name):
            lines += ["", picture]
    lines += ["", "## Files", "", "![sizes](sizes.svg)", ""] if sizes else []
    lines += table(
        ["file", "bytes", "NumPy, µs a run", "onnxruntime, µs a run", "mean change by int8", "same class"],
        _files(found),
    )
    lines += ["", "All of it again: `script/models evaluate --all --data ../shared/data`."]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines) + "\n", "utf-8")
    return page
