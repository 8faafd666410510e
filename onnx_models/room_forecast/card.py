"""Write the model card from what a training run measured; nobody edits it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.forecast import HORIZONS

from .score import SHORT, HomeSums, Metrics, by_home, metrics

_UNITS = {"t": "temperature, K", "e": "vapour pressure, hPa", "rh": "relative humidity, %"}
_RIVALS = (
    "model",
    "noisy forecast",
    "no forecast",
    "not learning",
    "fallback",
    "ridge",
    "blend",
    "same_hour_yesterday",
    "persistence",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What one model did on homes it did not know."""

    name: str
    version: str
    size: int
    scored: Mapping[str, HomeSums]
    intervals: Mapping[str, list[float] | None]
    rounding: tuple[float, float]


def _cell(value: float | None, digits: int = 2) -> str:
    """Return a number or a dash."""
    return "-" if value is None else f"{value:.{digits}f}"


def _row(cells: Sequence[str]) -> str:
    """Return one row of a table."""
    return "| " + " | ".join(cells) + " |"


def _errors(report: Report) -> list[str]:
    """Return the table of errors, one row per forecast."""
    homes = list(report.scored.values())
    lines = []
    for band in SHORT:
        lines += [
            "",
            f"RMSE of {_UNITS[band]}",
            "",
            _row(["", *(f"{h} h" for h in HORIZONS)]),
            "|---|" + "---|" * len(HORIZONS),
        ]
        for rival in (r for r in _RIVALS if r in homes[0].sums):
            found = metrics(homes, rival)
            lines.append(_row([rival.replace("_", " "), *(_cell(found[f"rmse_{band}_{h}h"]) for h in HORIZONS)]))
    return lines


def _span(report: Report, figures: Metrics, key: str) -> str:
    """Return a figure with its interval."""
    low_high = report.intervals[key]
    return _cell(figures[key]) + ("" if low_high is None else f" ({low_high[0]:.2f} to {low_high[1]:.2f})")


def _bands(report: Report) -> list[str]:
    """Return skill, coverage and width."""
    figures = metrics(list(report.scored.values()), "model")
    lines = ["", "Skill is 1 - RMSE / RMSE of persistence, with a 90 % interval by redrawing homes.", ""]
    lines += [_row(["", *(f"{h} h" for h in HORIZONS)]), "|---|" + "---|" * len(HORIZONS)]
    for band in SHORT:
        lines.append(_row([f"skill, {band}", *(_span(report, figures, f"skill_{band}_{h}h") for h in HORIZONS)]))
    for what in ("coverage", "width"):
        for band in SHORT:
            lines.append(
                _row([f"{what} of the 90 % band, {band}", *(_cell(figures[f"{what}_{band}_{h}h"]) for h in HORIZONS)])
            )
    return lines


def _homes(report: Report) -> list[str]:
    """Return what happened in each home, 24 h ahead."""
    lines = [
        "",
        "Each home 24 h ahead, held out:",
        "",
        _row(
            [
                "home",
                "rows",
                "answered",
                *(f"skill {b}" for b in SHORT),
                *(f"coverage {b}" for b in SHORT),
            ]
        ),
    ]
    lines.append("|---|" + "---|" * 8)
    for home, sums in report.scored.items():
        found = by_home(sums, "model")
        cells = [home, str(sums.rows), _cell(sums.answered)]
        cells += [_cell(found[f"{what}_{b}_24h"]) for what in ("skill", "coverage") for b in SHORT]
        lines.append(_row(cells))
    return lines


def _verdict(report: Report) -> str:
    """Return whether the model wins over its fallback, home by home."""
    won, of = 0, 0
    for sums in report.scored.values():
        model, fallback = by_home(sums, "model"), by_home(sums, "fallback")
        for key, value in model.items():
            other = fallback[key]
            if key.startswith("rmse_") and value is not None and other is not None:
                won, of = won + (value < other), of + 1
    return f"Beats its fallback in {won} of {of} comparisons (home x horizon x quantity)."


def _model(report: Report) -> list[str]:
    """Return one model's section."""
    rounding = report.rounding
    return [
        f"## {report.name} {report.version}",
        "",
        f"{report.size} bytes, int8 weights per channel.",
        f"int8 moves a forecast by {rounding[0]:.4f} of the room's unrest in the mean, {rounding[1]:.3f} at most.",
        "",
        _verdict(report),
        *_errors(report),
        *_bands(report),
        *_homes(report),
        "",
    ]


def write(
    path: Path,
    reports: Sequence[Report],
    about: Mapping[str, tuple[str, int, int]],
    fallback: NDArray[np.float64],
    simulated: str,
) -> None:
    """Write the card."""
    lines = [
        "# Model card: room forecast",
        "",
        "Written by `script/models train room_forecast`; do not edit.",
        "",
        "Temperature and vapour pressure of a room 6, 12, 24 and 48 h ahead, relative humidity from both. Two linear",
        "maps: `room_forecast` knows the room's own history, `room_forecast_weather` also the outdoor air and its",
        "forecast. Around them, per room: a mixture of experts by their record (the fallback is one of them), a personal",
        "correction, adaptive conformal bands (`engine/models/forecast_record.py`).",
        "",
        "**Use:** advice on airing and drying, in dwellings. **Not for:** safety, process control, rooms without people's",
        "usual use. It abstains when the history is short or stale, or unlike anything it was trained on.",
        "",
        "**Weather means the weather as it came**: no data set here recorded forecasts, so figures of",
        "`room_forecast_weather` assume a perfect forecast and are an upper bound. `script/models evaluate",
        "room_forecast_weather` also scores a forecast with growing errors (`_noisy`) and none at all (`_yesterday`).",
        "",
        "## Data",
        "",
        f"Measured homes (none is shipped), and {simulated} made by `simulate.py` (seeded; in the fit only, never in a figure).",
        "",
        _row(["home", "rooms", "room hours", "licence"]),
        "|---|---|---|---|",
        *(_row([name, str(rooms), str(hours), licence]) for name, (licence, rooms, hours) in about.items()),
        "",
        "Baltimore's station gives no humidity; outdoor vapour pressure is recovered there from its heat index, in the",
        "hours when that is possible. Belgium's zones are one home.",
        "",
        "## How it was judged",
        "",
        "Leave one home out; bands from the errors in the other homes. Every hour is lived through in order, the per-room",
        "learners start at nothing (`not learning`: they stay there). `noisy forecast`: the model with a weather forecast",
        "whose errors grow to about 2 K and 11 % of vapour pressure at 48 h; `no forecast`: with the last day again.",
        "`ridge`: each room's own ridge regression on the same features, refitted weekly. All forecasts are scored on",
        "the same rows.",
        "",
        "What flatters these figures: the features, the simulation, the learners' rates and the averaging over a grid of",
        "ridges and shares of simulation (adopted because choosing one did worse) were all settled while looking at these",
        "same homes. Only weights and bands are truly held out, so expect somewhat less on other homes.",
        "Few homes: the intervals are wide, and they are the message.",
        "",
        *(line for report in reports for line in _model(report)),
        "## Fallback",
        "",
        "The mixture of now, the same hour of the day and the day's mean. 90 % quantile of its error in units of the",
        "room's unrest, with margin, by horizon (temperature, vapour pressure, relative humidity): "
        + "; ".join(f"{h} h " + ", ".join(f"{v:.2f}" for v in fallback[i, :, 6]) for i, h in enumerate(HORIZONS))
        + ".",
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
