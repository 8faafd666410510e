"""What a particle counter tells of a room: its quiet level, what rises above it, how fast that goes away.

Mass balance of a well mixed room: dC/dt = P a Co - (a + k + CADR/V) C + S/V, so after a source has stopped the rise
above the quiet level falls as exp(-rate t) with rate = a + k + CADR/V. Everything here streams: memory per room does
not grow. µg/m³, s since 1970, rates in 1/h.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, hypot, inf, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]

HOUR: Final = 3600.0
MOST: Final = 30000.0
"""µg/m³; more is no reading"""
STEP: Final = 1.0
"""µg/m³, the step in which common sensors show a mass"""
NOISE: Final = 0.05
"""Share of the level that common sensors are unsteady by"""
_DOWN_S: Final = 900.0
_UP_S: Final = 3600.0
_UP_EVENT_S: Final = 6.0 * HOUR
_SIGMA_S: Final = 3600.0
_SUCCESSIVE: Final = 1.128
"""Mean |difference| of two normal values, in standard deviations"""
_KEPT: Final = 512
_FROM, _TO = 0.9, 0.1
"""Shares of the peak between which the fall is fitted: near the peak a source may still run, near the end the quiet
level decides"""
_CEILING: Final = 0.995
_LEAST_POINTS: Final = 4
_TURN_GAIN, _TURN_RATIO = 0.3, 2.5
"""Two lines must leave less than this share of the misfit of one, and differ by this factor"""
_END: Final = 0.03
"""Share of the peak down to which a change of the rate is looked for"""
_LEAST_STRETCH: Final = 6
_LEAST_FALL: Final = 0.6
"""Least fall of the logarithm that says anything of a rate"""


def usable(value: float | None) -> bool:
    """Return whether a mass concentration can be one; NaN is none."""
    return value is not None and 0.0 <= value <= MOST


class Envelope:
    """The lower envelope of a room's concentration and the sensor's noise about it.

    It falls with the readings within minutes and rises within an hour, in an event within six.
    """

    __slots__ = ("_at", "_last", "level", "sigma")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._at = self._last = -1.0
        self.level = -1.0
        """µg/m³; -1 before the first reading"""
        self.sigma = STEP

    @property
    def band(self) -> float:
        """Return the noise to expect at this level, µg/m³."""
        return max(self.sigma, 0.7 * STEP, NOISE * self.level)

    def observe(self, at: float, value: float, *, event: bool = False) -> None:
        """Take in a mean over some seconds; readings in an event say nothing of the noise."""
        if self.level < 0.0:
            self._at, self._last, self.level = at, value, value
            return
        dt = at - self._at
        span = _DOWN_S if value < self.level else _UP_EVENT_S if event else _UP_S
        if not event:
            change = min(abs(value - self._last) / _SUCCESSIVE, 4.0 * self.band)
            self.sigma += (1.0 - exp(-min(dt, 600.0) / _SIGMA_S)) * (change - self.sigma)
        self.level += (1.0 - exp(-dt / span)) * (value - self.level)
        self._at, self._last = at, value


class Trace:
    """A stretch of readings in at most 512 points: when full, neighbours are averaged."""

    __slots__ = ("_count", "_stride", "_time", "_value", "times", "values")

    def __init__(self) -> None:
        """Begin empty."""
        self.times: list[float] = []
        self.values: list[float] = []
        self._stride = 1
        self._count = 0
        self._time = self._value = 0.0

    def add(self, at: float, value: float) -> None:
        """Take in a reading."""
        self._count += 1
        self._time += at
        self._value += value
        if self._count < self._stride:
            return
        self.times.append(self._time / self._count)
        self.values.append(self._value / self._count)
        self._count, self._time, self._value = 0, 0.0, 0.0
        if len(self.times) == _KEPT:
            self.times = [0.5 * (a + b) for a, b in zip(self.times[::2], self.times[1::2], strict=True)]
            self.values = [0.5 * (a + b) for a, b in zip(self.values[::2], self.values[1::2], strict=True)]
            self._stride *= 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Decay:
    """How fast a rise went away, in one stretch of its fall."""

    rate: float
    """1/h: air change + deposition + clean air delivered / volume"""
    error: float
    """1/h, one standard deviation; includes how far the fall was from one exponential"""
    start: float
    end: float
    """s since 1970"""
    fall: float
    """By how much the logarithm fell"""


def decays(times: Sequence[float], values: Sequence[float], quiet: float, sigma: float = STEP) -> tuple[Decay, ...]:
    """Return the rates at which the rise above `quiet` fell; empty where the readings do not show one.

    One stretch, fitted between 90 % and 10 % of the peak; two where a cleaner or a window changed the rate on the way.
    A peak cut off by the sensor's ceiling counts from where the readings leave it. `sigma` is the sensor's noise.
    """
    t = np.asarray(times, dtype=np.float64)
    y = _smooth(np.asarray(values, dtype=np.float64)) - quiet
    if len(t) < _LEAST_POINTS or not np.isfinite(y).all() or (np.diff(t) <= 0.0).any() or y.max() <= sigma:
        return ()
    part = _fall(y, max(_END, 3.0 * sigma / float(y.max())))
    t, y = t[part], y[part]
    good = y > sigma
    t, y = t[good], y[good]
    turned = _turn((t - t[0]) / HOUR, np.log(y), _weights(y, sigma)) if len(t) >= 2 * _LEAST_STRETCH else 0
    if turned:
        stretches = [slice(0, turned), slice(turned, None)]
    else:
        low = np.flatnonzero(y < _TO * y[0] / _FROM)
        stretches = [slice(0, int(low[0]) + 1 if len(low) else None)]
    found = (_decay(t[each], y[each], sigma) for each in stretches)
    return tuple(each for each in found if each is not None)


def _weights(y: Array, sigma: float) -> Array:
    """Return what the logarithm of each point is worth, given the noise."""
    return np.asarray(1.0 / ((sigma / y) ** 2 + NOISE**2))


def _decay(t: Array, y: Array, sigma: float) -> Decay | None:
    """Return the rate of one stretch by least absolute deviations of the logarithm, None where it says nothing."""
    if len(t) < _LEAST_POINTS or log(y[0] / y[-1]) < _LEAST_FALL:
        return None
    hours, logs, base = (t - t[0]) / HOUR, np.log(y), _weights(y, sigma)
    slope, spread = _line(hours, logs, base)
    if slope >= 0.0:
        return None
    half = len(logs) // 2
    bent = 0.0
    if half >= 3:
        bent = abs(_line(hours[:half], logs[:half], base[:half])[0] - _line(hours[half:], logs[half:], base[half:])[0])
    return Decay(
        rate=-slope,
        # Local rates spread evenly between those of both halves have this standard deviation.
        error=hypot(spread, bent / sqrt(12.0)),
        start=float(t[0]),
        end=float(t[-1]),
        fall=float(logs[0] - logs[-1]),
    )


def _turn(x: Array, y: Array, base: Array) -> int:
    """Return where the rate of a fall changed for good, 0 where it did not: two lines against one."""
    sums = np.cumsum(np.stack([base, base * x, base * y, base * x * x, base * x * y, base * y * y]), axis=1)
    whole = sums[:, -1:]
    cut = np.arange(_LEAST_STRETCH, len(x) - _LEAST_STRETCH + 1)
    before, after = sums[:, cut - 1], whole - sums[:, cut - 1]
    (misfit_before, slope_before), (misfit_after, slope_after) = _misfit(before), _misfit(after)
    total = misfit_before + misfit_after
    best = int(np.argmin(total))
    low, high = sorted((abs(float(slope_before[best])), abs(float(slope_after[best]))))
    changed = total[best] < _TURN_GAIN * _misfit(whole)[0][0] and high > _TURN_RATIO * max(low, 1e-9)
    return int(cut[best]) if changed else 0


def _misfit(sums: Array) -> tuple[Array, Array]:
    """Return the weighted squares about the best lines of stretches, and their slopes, from running sums."""
    weight, x, y, xx, xy, yy = sums
    square = np.maximum(xx - x * x / weight, 1e-12)
    cross = xy - x * y / weight
    return np.maximum(yy - y * y / weight - cross**2 / square, 0.0), cross / square


def _smooth(values: Array) -> Array:
    """Return running medians of three; the ends stay."""
    if len(values) < 5:
        return values
    out = values.copy()
    out[1:-1] = np.median(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
    return out


def _fall(y: Array, end: float) -> slice:
    """Return the part of a rise between the last time near its peak and the first time near its end."""
    peak = float(y.max())
    near = np.flatnonzero(y >= _CEILING * peak)
    clipped = len(near) >= _LEAST_POINTS
    start = int(near[-1] if clipped else np.flatnonzero(y >= _FROM * peak)[-1])
    below = np.flatnonzero(y[start:] < end * peak)
    return slice(start, start + int(below[0]) + 1 if len(below) else len(y))


def _line(x: Array, y: Array, base: Array) -> tuple[float, float]:
    """Return the slope of a robust line and its standard error."""
    weight, slope, error = base, 0.0, inf
    for _ in range(8):
        total = weight.sum()
        mx, my = (weight * x).sum() / total, (weight * y).sum() / total
        square = float((weight * (x - mx) ** 2).sum())
        if square <= 0.0:
            return 0.0, inf
        slope = float((weight * (x - mx) * (y - my)).sum()) / square
        off = np.abs(y - my - slope * (x - mx))
        scale = max(float(np.median(off)), 1e-3)
        error = sqrt(float((weight * off**2).sum()) / total * total / square / max(len(x) - 2, 1))
        weight = base / np.maximum(off, scale)
    return slope, error


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanAir:
    """What a purifier delivers."""

    rate: float
    """m³/h"""
    error: float
    """m³/h, one standard deviation"""


def clean_air(on: Sequence[Decay], off: Sequence[Decay], volume: float) -> CleanAir | None:
    """Return (rate with the purifier - rate without) x volume in m³, None unless both were seen."""
    if not on or not off or not 0.0 < volume < 10000.0:
        return None
    (with_it, error_with), (without, error_without) = _middle(on), _middle(off)
    return CleanAir(rate=(with_it - without) * volume, error=hypot(error_with, error_without) * volume)


def _middle(found: Sequence[Decay]) -> tuple[float, float]:
    """Return the median rate and its error: what each says of itself, and how much they differ."""
    rates = np.array([each.rate for each in found])
    middle = float(np.median(rates))
    own = float(np.median([each.error for each in found]))
    apart = float(np.median(np.abs(rates - middle))) * 1.4826
    return middle, max(own, apart) / sqrt(len(found))
