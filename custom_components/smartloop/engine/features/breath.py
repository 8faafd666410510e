"""Breaths a minute from a raw breathing signal: two ways to count that share nothing, and silence where they differ.

One is the strongest line of the minute's spectrum, the other the median time between rises through the band's middle
with hysteresis. A body that turns over fools either, seldom both alike.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Array = NDArray[np.float64]

MINUTE_S: Final = 60.0
LOWEST, HIGHEST = 5.0, 36.0
"""1/min"""
AGREE: Final = 2.0
"""1/min by which the two ways may differ"""
_FAST_S, _SLOW_S = 0.6, 8.0
"""s of the moving means that hold off pulse and posture"""
_POINTS = 1024
_LINE_HZ, _WIDE_HZ = 0.05, (0.05, 1.5)
_CLEAR = 0.5
"""Share of the power that the strongest line holds at least"""
_HYSTERESIS = 0.3
"""Of the minute's standard deviation"""
_EVEN, _REGULAR = 0.3, 0.6
"""How far an interval may lie from the median one, and how many must not lie farther"""
_FEWEST = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Breaths:
    """Whole minutes (M,); 1/min, NaN is not known."""

    rate: Array
    """Where both ways are clear and agree: their mean"""
    spectral: Array
    """By the spectrum, where it has a clear line"""
    counted: Array
    """By rises, where they come evenly"""


def breaths(signal: ArrayLike, hertz: float) -> Breaths:
    """Return the breaths of each whole minute of an evenly sampled signal in any unit; gaps are NaN."""
    values = np.asarray(signal, dtype=np.float64).ravel()
    size = int(MINUTE_S * hertz)
    count = values.size // size
    if count == 0:
        return Breaths(rate=np.empty(0), spectral=np.empty(0), counted=np.empty(0))
    known = np.isfinite(values)
    filled = np.interp(np.arange(values.size), np.flatnonzero(known), values[known]) if known.any() else values * 0.0
    filled = np.where(np.isfinite(filled), filled, 0.0)
    quick = _mean(filled, max(round(_FAST_S * hertz), 1))
    windows = (quick - _mean(quick, round(_SLOW_S * hertz)))[: count * size].reshape(count, size)
    whole = known[: count * size].reshape(count, size).mean(axis=1) > 0.95
    spectral = np.where(whole, _spectral(windows, hertz), np.nan)
    counted = np.where(whole, [_counted(each, hertz) for each in windows], np.nan)
    agree = np.abs(spectral - counted) <= AGREE
    return Breaths(rate=np.where(agree, (spectral + counted) / 2.0, np.nan), spectral=spectral, counted=counted)


def _mean(values: Array, width: int) -> Array:
    """Return a centered moving mean."""
    width = min(width | 1, 2 * ((values.size - 1) // 2) + 1)
    padded = np.pad(values, width // 2, mode="edge")
    total = np.concatenate([[0.0], np.cumsum(padded - padded.mean())])
    return np.asarray((total[width:] - total[:-width]) / width + padded.mean())


def _spectral(windows: Array, hertz: float) -> Array:
    """Return the place of the strongest line, between bins by a parabola through the logarithms."""
    shaped = (windows - windows.mean(axis=1, keepdims=True)) * np.hanning(windows.shape[1])
    power = np.abs(np.fft.rfft(shaped, max(_POINTS, windows.shape[1]), axis=1)) ** 2 + 1e-12
    place = np.fft.rfftfreq(max(_POINTS, windows.shape[1]), 1.0 / hertz)
    allowed = (place >= LOWEST / 60.0) & (place <= HIGHEST / 60.0)
    best = np.where(allowed, power, 0.0).argmax(axis=1)
    row = np.arange(len(windows))
    low, top, high = (np.log(power[row, best + step]) for step in (-1, 0, 1))
    bend = low - 2.0 * top + high
    shift = np.where(bend < 0.0, np.clip(0.5 * (low - high) / np.minimum(bend, -1e-9), -0.5, 0.5), 0.0)
    wide = (place >= _WIDE_HZ[0]) & (place <= _WIDE_HZ[1])
    near = np.abs(place[None, :] - place[best][:, None]) <= _LINE_HZ
    clear = (power * near).sum(axis=1) / (power * wide).sum(axis=1) >= _CLEAR
    return np.where(clear & (windows.std(axis=1) > 1e-9), 60.0 * (place[best] + shift * place[1]), np.nan)


def _counted(window: Array, hertz: float) -> float:
    """Return the rate of rises through the middle, between samples by a line; NaN unless they come evenly."""
    limit = _HYSTERESIS * float(window.std())
    if limit <= 1e-9:
        return float("nan")
    side = np.where(window > limit, 1, np.where(window < -limit, -1, 0))
    at = np.flatnonzero(side)
    turned = np.flatnonzero(np.diff(side[at]) > 0)
    below, above = at[turned], at[turned + 1]
    if turned.size < _FEWEST:
        return float("nan")
    rises = below + (above - below) * (-window[below]) / (window[above] - window[below])
    gaps = np.diff(rises) / hertz
    usual = float(np.median(gaps))
    if float((np.abs(gaps - usual) < _EVEN * usual).mean()) < _REGULAR:
        return float("nan")
    rate = 60.0 / usual
    return rate if LOWEST <= rate <= HIGHEST else float("nan")
