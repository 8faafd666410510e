"""How cells discharge, and what an alkaline one that shows a percentage has left.

Each device has its own idea of which voltages are 0 and 100 %. Under the right one the charge falls
in a straight line: what each idea says is weighed by how well a line fits (Bayes, with a line per
idea fitted by least squares), and the days left are the mixture of what they say.
"""

from math import log

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]

CURVES = {
    # V of one cell and what is left of it, %, at the small loads of sensors (after the data sheets of common makes).
    "alkaline": (
        np.array([0.90, 1.00, 1.10, 1.15, 1.20, 1.25, 1.30, 1.40, 1.50, 1.58]),
        np.array([0.0, 3.0, 10.0, 18.0, 30.0, 45.0, 58.0, 82.0, 96.0, 100.0]),
    ),
    "lithium": (
        np.array([2.00, 2.40, 2.60, 2.70, 2.80, 2.86, 2.90, 2.94, 2.98, 3.05]),
        np.array([0.0, 1.2, 3.2, 5.0, 9.0, 13.0, 19.0, 30.0, 60.0, 100.0]),
    ),
}
PRIOR_SD = 0.6
"""Of the logarithm of the rate"""
_DISPLAYS = np.array([(0.8 + 0.05 * low, 1.45 + 0.05 * high) for low in range(6) for high in range(5)])
"""V that a device may show as 0 and 100 %; each as likely before anything is known"""
_CURVE_SD = 0.2
"""Of the logarithm of the days left, for what the curve does until the end"""
_SHOWN_SD = 0.5
"""% that a display may be off a smooth curve"""
_BENT = 2.8
"""Of these, from which no line fits: what is asked of the battery has changed"""
_BIN = 4.0
"""d"""
_LEAST_BINS = 4
_RECENT_DAYS = 42.0
_LEAST_SPAN = 9.0
"""d between the first and the last bin"""
_ALIKE = 3.0
"""Bins that err alike"""


def by_shape(days: Array, life: float) -> tuple[float, float, float] | None:
    """Return the 10, 50 and 90 % quantiles of the days left; None when too few days are known.

    `days` are rows of day and percentage, `life` the days that such a battery lasts by experience.
    """
    rows = _binned(days)
    if len(rows) < _LEAST_BINS or rows[-1, 0] - rows[0, 0] < _LEAST_SPAN:
        return None
    said, misfit = _said(rows, life)
    recent = rows[rows[:, 0] >= rows[-1, 0] - _RECENT_DAYS]
    moves = np.abs(np.diff(days[:, 1]))
    step = float(np.quantile(moves[moves > 0.05], 0.25)) if (moves > 0.05).any() else 0.0
    if misfit > (_BENT * _SHOWN_SD) ** 2 + min(0.3 * step, 3.0) ** 2 and len(recent) >= _LEAST_BINS:
        said, _ = _said(recent, life)
    return said


def _said(rows: Array, life: float) -> tuple[tuple[float, float, float], float]:
    """Return the quantiles, and how far the best line is off, squared."""
    low, high = _DISPLAYS.T[:, :, None]
    volts = low + (high - low) * rows[:, 1] / 100.0
    voltages, charges = CURVES["alkaline"]
    left = np.interp(volts, voltages, charges)
    day = rows[:, 0] - rows[:, 0].mean()
    square = float((day**2).sum())
    fall = -(left * day).sum(axis=1) / square
    line = left.mean(axis=1)[:, None] - fall[:, None] * day
    shown = np.clip(100.0 * (np.interp(line, charges, voltages) - low) / (high - low), 0.0, 100.0)
    misfit = ((shown - rows[:, 1]) ** 2).mean(axis=1)
    weights = (misfit + _SHOWN_SD**2) ** (-0.5 * len(rows) / _ALIKE)
    error = np.sqrt((((line - left) ** 2).mean(axis=1) + 0.25) * _ALIKE / square)
    # A rate within its error says little: then it is what such batteries do.
    mine = np.where(fall > 0.0, np.maximum(error / np.maximum(fall, error), 0.05) ** -2.0, 0.0)
    theirs = PRIOR_SD**-2.0
    rate = (mine * np.log(np.maximum(np.maximum(fall, error), 1e-6)) + theirs * log(100.0 / life)) / (mine + theirs)
    rest = np.maximum(0.5 * (left[:, -1] + line[:, -1]), 0.1)
    spread = np.sqrt(1.0 / (mine + theirs) + _CURVE_SD**2)
    return _mixture(weights / weights.sum(), np.log(rest) - rate, spread), float(misfit.min())


def _binned(rows: Array) -> Array:
    """Return means of some days each: neighbouring days err alike, and it is quicker."""
    if not len(rows):
        return rows
    which = ((rows[-1, 0] - rows[:, 0]) // _BIN).astype(np.intp)
    count = np.bincount(which)
    bins = np.column_stack([np.bincount(which, column) / np.maximum(count, 1) for column in rows.T])
    return bins[count > 0][::-1]


def _mixture(weights: Array, middle: Array, sd: Array) -> tuple[float, float, float]:
    """Return the 10, 50 and 90 % quantiles of a mixture of log-normals, to 2 %."""
    grid = np.arange(-1.0, 9.0, 0.02)
    cumulated = weights @ (1.0 / (1.0 + np.exp(-1.702 * (grid - middle[:, None]) / sd[:, None])))
    lo, mid, hi = np.exp(np.interp((0.1, 0.5, 0.9), cumulated, grid))
    return float(lo), float(mid), float(hi)
