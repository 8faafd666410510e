"""What a night in bed knows of every minute: motion and heart rate at several scales, and the clock.

The same code feeds training and run time. Everything is relative to the night itself: motion to its own 90th
percentile, the heart's restlessness to its own median, so that units, beds and hearts the model never saw do not matter.
Features look an hour back and ahead: a report for the morning, nothing for the moment.

The heart's restlessness ("deviation") is that of Walch et al. 2019: heart rate through a difference of Gaussians
(120 s less 0.75 times 600 s), then the standard deviation within about five minutes. Theirs starts from a rate every few
seconds; from one a minute the same filters have fewer taps, and what moves faster than a minute is lost. The scale goes
with the night's median. Their filter's window of 285 s is left out: constants recalled, not looked up again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from math import isfinite
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

type Array = NDArray[np.float64]
type Mask = NDArray[np.bool_]

MINUTE: Final = timedelta(minutes=1)
MOST_MINUTES: Final = 1440
_SPLIT: Final = timedelta(hours=3)
"""Without a word for longer, it is another night (or a clock that jumped)"""
_HEART_RATES: Final = (25.0, 220.0)
_TRUSTED: Final = 0.5
"""Quality below which a heart rate is not believed"""
_BRIDGE: Final = 5
"""Minutes of heart rate that a line may stand in for"""
_AROUND: Final = 5
"""A minute counts as known where half of the minutes this near are"""
_MOTION_SIGMA: Final = 50.0 / 60.0
_NARROW, _WIDE, _WIDE_SHARE = 2.0, 10.0, 0.75
"""min, min: the two Gaussians of the heart rate's band"""
_STUCK, _NOTHING = 1e-6, 1e-9
"""Share of the largest value, and in any unit, by which a living channel changes at least"""
_FLOOR: Final = 0.03
_MOVED: Final = 0.15
"""Of the night's 90th percentile: what counts as a movement"""
_SPREAD, _BAND = 8.0, (5.0, 30.0)
"""min: scale on which the heart's restlessness changes, and the band it is compared in"""
LAGS: Final = (-60, -30, 30, 60)
"""min; sleep comes in cycles of about 90"""

MOTION: Final = (
    "motion",
    "motion_2min",
    "motion_5min",
    "motion_20min",
    "motion_since",
    "motion_until",
    "motion_gap",
    "motion_most_5min",
    "motion_most_15min",
    "motion_next_3min",
    "motion_next_10min",
)
HEART: Final = (
    "heart",
    "heart_2min",
    "heart_5min",
    "heart_10min",
    "heart_20min",
    "heart_band",
    "heart_spread",
    "heart_most_10min",
    "heart_least_10min",
    *(f"heart{lag:+d}min" for lag in LAGS),
)
HEART_ALONE: Final = tuple(f"heart_spread{lag:+d}min" for lag in LAGS)
"""Only where motion is not known"""
QUIET: Final = (
    "quiet_heart",
    "quiet_heart_10min",
    "quiet_spread",
    *(f"quiet_spread{lag:+d}min" for lag in LAGS),
)
"""Of the heart while nothing moves; needs both"""
CLOCK: Final = (
    "clock_hours",
    "clock_log",
    "clock_early",
    "clock_first_30min",
    "clock_first_60min",
    "clock_last_30min",
    "clock_last_60min",
)
NAMES: Final = (*MOTION, *HEART, *HEART_ALONE, *QUIET, *CLOCK)


@dataclass(frozen=True, kw_only=True, slots=True)
class BedMinute:
    """One minute of a bed as it was told; None is what was not measured."""

    at: datetime
    occupied: bool | None = None
    heart_rate: float | None = None
    """1/min"""
    respiratory_rate: float | None = None
    """1/min"""
    motion: float | None = None
    """Any unit, the same all night"""
    quality: float | None = None
    """0-1"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """Minute by minute (T,); NaN is unknown."""

    start: datetime | None
    """Of the first minute; None where only the order is known"""
    motion: Array
    """Smoothed over about two minutes, in any unit"""
    deviation: Array
    """Of the heart rate, in any unit"""
    away: Mask
    """Nobody lay in bed"""

    @property
    def minutes(self) -> int:
        """Return how long it was."""
        return int(self.motion.size)


def night(minutes: Sequence[BedMinute]) -> Night | None:
    """Return the longest night without a break in what was told, in any order; None where nothing was.

    Minutes told twice count as told last; times must know their zone.
    """
    # In a local zone, differences are those of the wall clock: an hour too few or too many when summer time ends or begins.
    told = _longest(sorted((replace(each, at=each.at.astimezone(UTC)) for each in minutes), key=lambda each: each.at))
    if not told:
        return None
    start = told[0].at
    count = min((told[-1].at - start) // MINUTE + 1, MOST_MINUTES)
    motion, heart, away = np.full(count, np.nan), np.full(count, np.nan), np.zeros(count, dtype=bool)
    for each in told:
        place = (each.at - start) // MINUTE
        if place >= count:
            break
        away[place] = each.occupied is False
        if each.occupied is False:
            motion[place] = heart[place] = np.nan
            continue
        if each.motion is not None and isfinite(each.motion) and each.motion >= 0.0:
            motion[place] = each.motion
        doubtful = each.quality is not None and each.quality < _TRUSTED
        rate = each.heart_rate
        if rate is not None and not doubtful and _HEART_RATES[0] <= rate <= _HEART_RATES[1]:
            heart[place] = rate
    return Night(start=start, motion=smooth_known(motion, _MOTION_SIGMA), deviation=deviation(heart), away=away)


def _longest(told: Sequence[BedMinute]) -> Sequence[BedMinute]:
    """Return the part with the most minutes between breaks."""
    breaks = [i for i in range(1, len(told)) if told[i].at - told[i - 1].at > _SPLIT]
    edges = [0, *breaks, len(told)]
    return max((told[a:b] for a, b in pairwise(edges)), key=len)


def smooth(values: Array, sigma: float) -> Array:
    """Return values (T,) under a Gaussian of `sigma` minutes, which at the ends has only the near half."""
    kernel, weight = _gaussian(sigma, values.size)
    reach = kernel.size // 2
    return np.asarray(np.convolve(values, kernel)[reach : reach + values.size] / weight)


def smooth_known(values: Array, sigma: float) -> Array:
    """Return what is known, smoothed; NaN stays NaN."""
    known = np.isfinite(values)
    weight = smooth(known.astype(np.float64), sigma)
    out = smooth(np.where(known, values, 0.0), sigma) / np.maximum(weight, 1e-9)
    return np.where(known, out, np.nan)


@lru_cache(maxsize=32)
def _gaussian(sigma: float, size: int) -> tuple[Array, Array]:
    """Return a kernel, and how much of it lies within `size` minutes about each: a night asks for the same ones often."""
    reach = int(np.ceil(3.0 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return kernel, np.convolve(np.ones(size), kernel)[reach : reach + size]


def deviation(heart_rate: Array) -> Array:
    """Return how restless a heart rate (T,) of one value a minute is, in 1/min; NaN where too little is known."""
    known = _near(heart_rate, _BRIDGE)
    if not known.any():
        return np.full(heart_rate.size, np.nan)
    filled = _filled(heart_rate)
    band = smooth(filled, _NARROW) - _WIDE_SHARE * smooth(filled, _WIDE)
    padded = np.pad(band, _AROUND, mode="reflect" if band.size > _AROUND else "edge")
    out = sliding_window_view(padded, 2 * _AROUND + 1).std(axis=1)
    return np.where(known, out, np.nan)


def _near(values: Array, reach: int) -> Mask:
    """Return where half of the minutes within `reach` are known."""
    known = np.isfinite(values).astype(np.float64)
    window = np.ones(2 * reach + 1)
    inside = np.convolve(np.ones(known.size), window)[reach : reach + known.size]
    return np.asarray(np.convolve(known, window)[reach : reach + known.size] >= 0.5 * inside)


def _filled(values: Array) -> Array:
    """Return values with lines for gaps; there must be at least one."""
    known, at = np.isfinite(values), np.arange(values.size)
    return np.asarray(np.interp(at, at[known], values[known]))


def table(seen: Night) -> Array:
    """Return the features (T, len(NAMES)); NaN where what they need is not known."""
    steps = np.arange(seen.minutes, dtype=np.float64)
    columns = dict(_clock(steps))
    motion = _usable(seen.motion)
    heart = _usable(seen.deviation)
    quiet = np.ones(steps.size)
    moves = _motion(motion, steps) if motion is not None else {}
    columns |= moves
    if motion is not None:
        quiet = 1.0 / (1.0 + np.exp(3.0 * (moves["motion"] - np.log(_MOVED))))
    if heart is not None:
        columns |= _heart(heart)
        if motion is not None:
            columns |= _quiet(columns["heart"], quiet)
    out = np.full((steps.size, len(NAMES)), np.nan)
    for index, name in enumerate(NAMES):
        if name in columns:
            out[:, index] = columns[name]
    out[~known_motion(seen)[:, None] & _needs(*MOTION, *QUIET)] = np.nan
    out[~known_heart(seen)[:, None] & _needs(*HEART, *HEART_ALONE, *QUIET)] = np.nan
    return out


def _needs(*names: str) -> Mask:
    """Return which columns these are."""
    return np.array([name in names for name in NAMES])


def known_motion(seen: Night) -> Mask:
    """Return where motion is known well enough; a sensor that never changes knows nothing."""
    return _near(seen.motion, _AROUND) & (_usable(seen.motion) is not None)


def known_heart(seen: Night) -> Mask:
    """Return where the heart's restlessness is known well enough."""
    return _near(seen.deviation, _AROUND) & (_usable(seen.deviation) is not None)


def _usable(values: Array) -> Array | None:
    """Return values without gaps; None where there are none or they never change."""
    known = values[np.isfinite(values)]
    if known.size < 2 or float(np.ptp(known)) <= max(_STUCK * float(known.max()), _NOTHING):
        return None
    return _filled(values)


def _clock(steps: Array) -> Mapping[str, Array]:
    left = steps[-1] - steps
    return {
        "clock_hours": steps / 60.0,
        "clock_log": np.log1p(steps / 10.0),
        "clock_early": np.exp(-steps / 30.0),
        "clock_first_30min": (steps < 30) * 1.0,
        "clock_first_60min": (steps < 60) * 1.0,
        "clock_last_30min": (left < 30) * 1.0,
        "clock_last_60min": (left < 60) * 1.0,
    }


def _motion(motion: Array, steps: Array) -> dict[str, Array]:
    """Return logarithmic motion (1: the night's 90th percentile) and how far movements lie."""
    scale = np.percentile(motion, 90) or motion.max()
    level = np.log(_FLOOR + motion / scale)
    moved = motion > _MOVED * scale
    last = np.maximum.accumulate(np.where(moved, steps, -1))
    then = np.minimum.accumulate(np.where(moved, steps, steps.size)[::-1])[::-1]
    since, until = steps - last, then - steps
    return {
        "motion": level,
        "motion_2min": smooth(level, 2.0),
        "motion_5min": smooth(level, 5.0),
        "motion_20min": smooth(level, 20.0),
        "motion_since": np.log1p(since),
        "motion_until": np.log1p(until),
        "motion_gap": np.log1p(since + until),
        "motion_most_5min": _windows(level, 5).max(axis=1),
        "motion_most_15min": _windows(level, 15).max(axis=1),
        "motion_next_3min": _coming(level, 3),
        "motion_next_10min": _coming(level, 10),
    }


def _heart(values: Array) -> dict[str, Array]:
    """Return the logarithm of the restlessness about its median."""
    level = np.log(np.maximum(values, 1e-3 * np.median(values) + 1e-9))
    level = level - np.median(level)
    ten = smooth(level, 10.0)
    spread = np.sqrt(np.maximum(smooth(level**2, _SPREAD) - smooth(level, _SPREAD) ** 2, 0.0))
    return {
        "heart": level,
        "heart_2min": smooth(level, 2.0),
        "heart_5min": smooth(level, 5.0),
        "heart_10min": ten,
        "heart_20min": smooth(level, 20.0),
        "heart_band": smooth(level, _BAND[0]) - smooth(level, _BAND[1]),
        "heart_spread": spread,
        "heart_most_10min": _windows(level, 10).max(axis=1),
        "heart_least_10min": _windows(level, 10).min(axis=1),
        **{f"heart{lag:+d}min": _shifted(ten, lag) for lag in LAGS},
        **{f"heart_spread{lag:+d}min": _shifted(spread, lag) for lag in LAGS},
    }


def _quiet(level: Array, quiet: Array) -> dict[str, Array]:
    """Return the heart's restlessness where motion is not its cause."""
    weight = smooth(quiet, _SPREAD) + 0.05
    mean = smooth(quiet * level, _SPREAD) / weight
    spread = np.sqrt(np.maximum(smooth(quiet * level**2, _SPREAD) / weight - mean**2, 0.0))
    return {
        "quiet_heart": quiet * level,
        "quiet_heart_10min": mean,
        "quiet_spread": spread,
        **{f"quiet_spread{lag:+d}min": _shifted(spread, lag) for lag in LAGS},
    }


def _windows(values: Array, reach: int) -> Array:
    """Return (T, 2 reach + 1) values around each minute."""
    return sliding_window_view(np.pad(values, reach, mode="edge"), 2 * reach + 1)


def _coming(values: Array, minutes: int) -> Array:
    """Return the mean of the next minutes, at the end of the last value."""
    return np.asarray(sliding_window_view(np.pad(values, (0, minutes), mode="edge"), minutes)[1:].mean(axis=1))


def _shifted(values: Array, lag: int) -> Array:
    """Return the value `lag` minutes later; where the night does not reach, its mean."""
    at = np.arange(values.size) + lag
    inside = (at >= 0) & (at < values.size)
    return np.where(inside, values[np.clip(at, 0, values.size - 1)], values.mean())
