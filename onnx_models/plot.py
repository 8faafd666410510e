"""Pictures for people who would rather look than read; the same data gives the same bytes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .report import Bin

mpl.use("svg")
INK, SOFT, ACCENT = "#333333", "#b8b8b8", "#0b6e99"
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "smartloop",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def drawn(path: Path, width: float = 5.2, height: float = 3.4) -> Iterator[Axes]:
    """Give axes to draw on and write the SVG; inches."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes: Axes = figure.subplots()
        yield axes
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    # Lines end without blanks, as every text here does.
    text = path.read_text("utf-8")
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", "utf-8")


def reliability(bins: Sequence[Bin], path: Path, label: str = "probability") -> Path:
    """Draw how often what was foretold came true; a calibrated model lies on the diagonal."""
    with drawn(path, 3.6, 3.4) as axes:
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1)
        axes.plot([b["predicted"] for b in bins], [b["observed"] for b in bins], "o-", color=ACCENT, markersize=4)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel=f"predicted {label}", ylabel="observed share")
        axes.set_aspect("equal")
    return path


def bars(values: Mapping[str, float], path: Path, label: str, marks: Mapping[str, float] | None = None) -> Path:
    """Draw one bar a name, with a line for what each competes with."""
    with drawn(path, 6.0, 0.6 + 0.28 * len(values)) as axes:
        names = list(values)[::-1]
        axes.barh(names, [values[name] for name in names], color=ACCENT, height=0.6)
        for row, name in enumerate(names):
            if marks and name in marks:
                axes.plot([marks[name]] * 2, [row - 0.4, row + 0.4], color=INK, linewidth=2)
        axes.set_xlabel(label)
    return path
