"""What the movement of an inhaler tells: jolts, shaking, tilt, stillness. The workshop and the engine read it alike.

Input is a trace of a motion sensor in a sleeve: time s, acceleration g (a sensor at rest shows +1 g along what is up;
z runs along the canister, upwards in use), turning deg/s where there is a gyroscope, and flow L/min where there is a
flow sensor. Any rate from 25 Hz up is drawn on a grid of 100 Hz. Shaking is the band of 2 to 6 Hz; tilt is the angle of
gravity to the canister, carried through movement by the gyroscope (complementary filter with offset: Mahony et al. 2008). What a channel that is not there would tell is NaN.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .inhalation import Curve

type Array = NDArray[np.float64]
type Row = dict[str, float]

RATE: Final = 100.0
"""1/s"""
BEFORE_S: Final = 15.0
"""Shaking counts so long before a press, as on the sleeve"""
MOST_S: Final = 120.0
"""Longer traces are cut by whoever recorded them"""
_GAP_S: Final = 0.3
_JUMP_S: Final = 5.0
"""A clock that jumps by so much is another recording"""
_BAND: Final = (1.8, 6.5)
"""Hz; a little wider than 2 to 6, as shaking is no pure tone"""
_ROUGH_G: Final = (0.12, 0.25, 0.5)
_JERK_G: Final = 0.28
"""Over 20 ms; below it nothing is looked at as a press"""
_APART: Final = 30
"""Samples between two candidates"""
_STILL_G: Final = 0.12
_CALM_G: Final = 0.06
_TURNED_DEG: Final = 25.0
_PROPORTIONAL, _INTEGRAL = 2.0, 0.6
_CARRIED: Final = 600
"""Samples before a press over which the gyroscope carries the tilt"""
_UP: Final = (0.0, 0.0, 1.0)

PRESS_FEATURES: Final = (
    "jerk",
    "along",
    "calm_before_g",
    "calm_after_g",
    "lightest_g",
    "turned_deg",
    "shaken_g",
    "echo",
    "press_tilt_deg",
    "flow_then",
)
SHAKE_FEATURES: Final = (
    "shake_s",
    "shake_soft_s",
    "shake_hard_s",
    "shake_top_g",
    "shake_hz",
    "shake_spread_hz",
    "turn_shake_s",
    "walk_s",
    "clipped",
)
HOLD_FEATURES: Final = ("still_s", "moved", "exhaled", "breath_end_s", "left_s", "fall_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """One recording; NaN is a sample not caught."""

    at: Array
    """(n,) s, of any beginning"""
    acceleration: Array | None = None
    """(n, 3) g"""
    turning: Array | None = None
    """(n, 3) deg/s"""
    flow: Array | None = None
    """(n,) L/min, outwards negative"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Motion:
    """A trace on an even grid."""

    at: Array
    """(n,) s"""
    acceleration: Array
    """(n, 3) g"""
    turning: Array | None
    """(n, 3) deg/s"""
    rough: Array
    """(n,) g, root mean square of the band of shaking over half a second"""
    loose: Array
    """(n,) g, root mean square of what exceeds gravity over 0.3 s"""
    covered: Array
    """(n,) 1 where a sample was near, else 0"""
    ceiling: float
    """g, the largest value of any axis"""


def _rows(values: ArrayLike | None, count: int) -> Array | None:
    """Return (count, 3) values, None where there are none."""
    if values is None:
        return None
    table = np.asarray(values, dtype=np.float64)
    if table.shape != (count, 3) or not np.isfinite(table).all(axis=1).any():
        return None
    return table


def _drawn(grid: Array, at: Array, values: Array) -> Array:
    """Return the rows of values (n, 3) at the times of the grid."""
    known = np.isfinite(values).all(axis=1)
    return np.stack([np.interp(grid, at[known], values[known, axis]) for axis in range(3)], axis=1)


def mean_over(values: Array, width: int) -> Array:
    """Return the centred moving mean (n,), narrower at both ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    low = np.maximum(np.arange(values.size) - width // 2, 0)
    high = np.minimum(np.arange(values.size) + (width + 1) // 2, values.size)
    return np.asarray((total[high] - total[low]) / (high - low))


def band(values: Array, low: float, high: float, rate: float = RATE) -> Array:
    """Return values (n, 3) with only the frequencies from low to high, Hz."""
    spectrum = np.fft.rfft(values - values.mean(axis=0), axis=0)
    hertz = np.fft.rfftfreq(values.shape[0], 1.0 / rate)
    spectrum[(hertz < low) | (hertz > high)] = 0.0
    return np.fft.irfft(spectrum, values.shape[0], axis=0)


def motion(trace: Trace) -> Motion | None:
    """Return the motion on an even grid; None without acceleration, or where too little of it came through.

    Samples may come in any order. Only the longest stretch without a jump of the clock counts; a trace of which more
    than a quarter lies in gaps, or that is shorter than 3 s, tells nothing.
    """
    at = np.asarray(trace.at, dtype=np.float64)
    table = _rows(trace.acceleration, at.size)
    if at.ndim != 1 or table is None:
        return None
    turning = _rows(trace.turning, at.size)
    usable = np.flatnonzero(np.isfinite(at) & np.isfinite(table).all(axis=1))
    order = usable[np.unique(at[usable], return_index=True)[1]]
    cuts = np.flatnonzero(np.diff(at[order]) > _JUMP_S) + 1
    order = max(np.split(order, cuts), key=lambda part: float(np.ptp(at[part])) if part.size else 0.0)
    if order.size < 50 or not 3.0 <= float(np.ptp(at[order])) <= MOST_S:
        return None
    times = at[order]
    grid = times[0] + np.arange(int((times[-1] - times[0]) * RATE) + 1) / RATE
    place = np.clip(np.searchsorted(times, grid), 1, times.size - 1)
    covered = (times[place] - times[place - 1] <= _GAP_S).astype(np.float64)
    if covered.mean() < 0.75:
        return None
    even = _drawn(grid, times, table[order])
    beyond = np.linalg.norm(even, axis=1) - 1.0
    return Motion(
        at=grid,
        acceleration=even,
        turning=None if turning is None else _drawn(grid, times, turning[order]),
        rough=np.sqrt(mean_over((band(even, *_BAND) ** 2).sum(axis=1), 50)),
        loose=np.sqrt(mean_over(beyond**2, 30)),
        covered=covered,
        ceiling=float(np.abs(table[order]).max()),
    )


def _jerks(moved: Motion) -> Array:
    """Return the change of acceleration over 20 ms (n,), g."""
    out = np.zeros(moved.at.size)
    out[2:] = np.linalg.norm(moved.acceleration[2:] - moved.acceleration[:-2], axis=1)
    return out


def candidates(moved: Motion) -> list[int]:
    """Return where a press may have been: jolts within neither shaking nor falling, the first of each."""
    jerks = _jerks(moved)
    found: list[int] = []
    # The jolt itself is smeared over half a second of the band, so that only clearly shaken places are left out.
    for place in np.flatnonzero((jerks > _JERK_G) & (moved.rough < 0.8)).tolist():
        if found and place - found[-1] < _APART:
            if jerks[place] > 1.5 * jerks[found[-1]] and place - found[-1] < 4:
                found[-1] = place
        elif 30 < place < moved.at.size - 50:
            found.append(place)
    return found


def _angle(one: Array, two: Array) -> float:
    """Return the angle between two directions, deg; NaN where one of them has none."""
    size = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(np.degrees(np.arccos(np.clip(one @ two / size, -1.0, 1.0)))) if size > 0.05 else np.nan


def press(moved: Motion, place: int, curve: Curve | None, up: ArrayLike = _UP) -> Row:
    """Return what tells a press from any other jolt at a place of the grid."""
    jerks, trace = _jerks(moved), moved.acceleration
    # Standing upright, what is up runs along the canister.
    axis = np.asarray(up, dtype=np.float64)
    before, after = trace[max(place - 50, 0) : place - 6], trace[place + 30 : place + 80]
    sizes = np.linalg.norm(trace, axis=1) - 1.0
    peak = max(float(jerks[place : place + 3].max()), 1e-3)
    change = trace[place] - trace[max(place - 2, 0)]
    echo = jerks[place + 12 : place + 80]
    then = np.nan if curve is None else curve.highest(moved.at[place] - 0.3, moved.at[place] + 2.0)
    return {
        "jerk": float(np.log(peak)),
        "along": float(abs(change @ axis) / max(float(np.linalg.norm(change) * np.linalg.norm(axis)), 1e-3)),
        "calm_before_g": float(np.sqrt((sizes[max(place - 35, 0) : place - 5] ** 2).mean())),
        "calm_after_g": float(np.sqrt((sizes[place + 12 : place + 45] ** 2).mean())),
        "lightest_g": float(np.sort(sizes[max(place - 40, 0) : place - 2])[:8].mean()) + 1.0,
        "turned_deg": _angle(before.mean(axis=0), after.mean(axis=0)),
        "shaken_g": float(moved.rough[max(place - 60, 0) : place - 25].max(initial=0.0)),
        "echo": float(echo.max(initial=0.0)) / peak,
        "press_tilt_deg": _angle(before[-25:].mean(axis=0), axis),
        "flow_then": then,
    }


def shake(moved: Motion, place: int) -> Row:
    """Return how it was shaken in the 15 s before a place of the grid.

    `walk_s` counts seconds whose movement is slower than shaking, `clipped` the share of samples at the sensor's end.
    """
    low, high = max(place - int(BEFORE_S * RATE), 0), max(place - 25, 1)
    part = moved.acceleration[low:high]
    rough, covered = moved.rough[low:high], moved.covered[low:high]
    counted = [float(((rough > bound) & (covered > 0.0)).sum()) / RATE for bound in _ROUGH_G]
    shaken = np.flatnonzero(rough > _ROUGH_G[0])
    hertz = spread = np.nan
    if shaken.size > 30:
        power = (np.abs(np.fft.rfft(part[shaken] - part[shaken].mean(axis=0), axis=0)) ** 2).sum(axis=1)
        bins = np.fft.rfftfreq(shaken.size, 1.0 / RATE)
        inside = (bins > 1.0) & (bins < 12.0)
        weight = power[inside] / max(float(power[inside].sum()), 1e-12)
        hertz = float(bins[inside] @ weight)
        spread = float(np.sqrt(((bins[inside] - hertz) ** 2) @ weight))
    slow = np.sqrt(mean_over((band(part, 0.7, 2.3) ** 2).sum(axis=1), 100)) if part.shape[0] > 100 else np.zeros(1)
    turned = np.nan
    if moved.turning is not None:
        fast = band(moved.turning[low:high], *_BAND) if part.shape[0] > 100 else np.zeros((1, 3))
        turned = float((np.sqrt(mean_over((fast**2).sum(axis=1), 50)) > 40.0).sum()) / RATE
    return {
        "shake_s": counted[1],
        "shake_soft_s": counted[0],
        "shake_hard_s": counted[2],
        "shake_top_g": float(np.quantile(rough, 0.95)) if rough.size else 0.0,
        "shake_hz": hertz,
        "shake_spread_hz": spread,
        "turn_shake_s": turned,
        "walk_s": float((slow > 0.12).sum()) / RATE,
        "clipped": float((np.abs(part) > 0.98 * moved.ceiling).any(axis=1).mean()) if part.size else 0.0,
    }


def settled(moved: Motion, place: int) -> float:
    """Return the seconds from the last shaking to a place of the grid; 15 at most."""
    low = max(place - int(BEFORE_S * RATE), 0)
    shaken = np.flatnonzero(moved.rough[low : max(place - 25, 1)] > _ROUGH_G[1])
    return (place - low - int(shaken[-1])) / RATE if shaken.size else BEFORE_S


def tilt(moved: Motion, place: int, up: ArrayLike = _UP) -> float:
    """Return the angle of the canister to upright at a place of the grid, deg 0 to 180; NaN where gravity is not seen.

    `up` is what the sensor shows while the inhaler stands on a table, where that was calibrated.
    """
    low, high = max(place - _CARRIED, 0), max(place - 4, 1)
    part = moved.acceleration[low:high]
    if part.shape[0] < 20:
        return np.nan
    if moved.turning is None or moved.loose[max(place - 22, 0)] < _CALM_G:
        # Held still the last quarter of a second is the best there is; while it moves a longer mean is.
        width = 25 if moved.loose[max(place - 22, 0)] < 0.2 else 120
        return _angle(part[-width:].mean(axis=0), np.asarray(up, dtype=np.float64))
    x, y, z = (float(each) for each in part[:20].mean(axis=0))
    offset = [0.0, 0.0, 0.0]
    for rates, (ax, ay, az), loose in zip(
        np.radians(moved.turning[low:high]).tolist(), part.tolist(), moved.loose[low:high].tolist(), strict=True
    ):
        # How far gravity as felt lies from gravity as carried is a turn; what stays of it is the gyroscope's offset.
        size = max(math.sqrt(ax * ax + ay * ay + az * az), 0.2)
        trust = 1.0 / (1.0 + 20.0 * loose)
        turn = ((ay * z - az * y) / size, (az * x - ax * z) / size, (ax * y - ay * x) / size)
        offset = [o + _INTEGRAL * trust * e / RATE for o, e in zip(offset, turn, strict=True)]
        p, q, r = (w + o + _PROPORTIONAL * trust * e for w, o, e in zip(rates, offset, turn, strict=True))
        # A direction fixed in the room turns the other way round in the sensor: ds/dt = -w x s.
        x, y, z = x + (y * r - z * q) / RATE, y + (z * p - x * r) / RATE, z + (x * q - y * p) / RATE
    return _angle(np.array([x, y, z]), np.asarray(up, dtype=np.float64))


def hold(moved: Motion, place: int, curve: Curve | None) -> Row | None:
    """Return how long the inhaler stayed still after the breath; None where the end of the breath is not seen.

    Who lowers the inhaler may go on holding the breath: `still_s` is no more than the least.
    """
    if curve is None:
        return None
    end = curve.breath_end(moved.at[place])
    if not np.isfinite(end):
        return None
    begin = int((end - moved.at[0]) * RATE) + 20
    if not 20 <= begin <= moved.at.size - 50:
        return None
    base = moved.acceleration[begin - 20 : begin + 20].mean(axis=0)
    rest = moved.acceleration[begin:]
    smooth = np.stack([mean_over(rest[:, axis], 30) for axis in range(3)], axis=1)
    cosine = (smooth @ base) / np.maximum(np.linalg.norm(smooth, axis=1) * np.linalg.norm(base), 1e-6)
    moved_on = (np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) > _TURNED_DEG) | (moved.loose[begin:] > _STILL_G)
    first = int(np.argmax(moved_on)) if moved_on.any() else moved_on.size
    out = curve.exhaled(end)
    still = 0.2 + first / RATE
    return {
        "still_s": min(still, out - end) if np.isfinite(out) else still,
        "moved": float(first < moved_on.size),
        "exhaled": float(np.isfinite(out) and out - end <= still + 1.0),
        "breath_end_s": float(end - moved.at[place]),
        "left_s": float(moved.at[-1] - end),
        "fall_s": curve.fall(moved.at[place]),
    }
