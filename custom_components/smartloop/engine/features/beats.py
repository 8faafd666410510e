"""Features per minute of a night's heart beats: what breathing does to the time between them.

Breathing that stops and starts again slows the heart and then speeds it up, once in 25 to 100 s: the cyclic variation
of heart rate (Guilleminault et al. 1984), a peak between 0.01 and 0.04 Hz in the spectrum of the beat intervals. Quiet
breathing shows as a ripple of 0.15 to 0.5 Hz instead (respiratory sinus arrhythmia), whose size follows the same cycle.

Beat times of a detector hold false and missing beats, so intervals are judged by physiology and by their neighbors
first, and each minute says how much of it was heard. Needs single beats: no average heart rate will do.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Array = NDArray[np.float64]
type Mask = NDArray[np.bool_]

MINUTE: Final = 60.0
RATE: Final = 2.0
"""Hz at which intervals are drawn out evenly"""
CENTER_S: Final = 15.0
"""s after a minute's start about which its windows lie: the references were scored as of the start"""
SHORTEST, LONGEST = 0.3, 2.2
"""s; 200 to 27 beats a minute"""
NEAR_S: Final = 2.0
"""s from a sound interval up to which the heart counts as heard"""
CLIP: Final = 5.0
_NEIGHBORS = 21
_BANDS: Final = (0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
"""Hz"""
_CYCLE, _NARROW, _BREATH = slice(1, 6), slice(2, 6), slice(8, 14)
"""Bands of the cycle (0.01-0.04 Hz), its upper part, and of breathing with what lies below it (0.07-0.4 Hz)"""
_POINTS = 2048
_TINY = 1e-7

BAND_NAMES: Final = tuple(f"power_{low * 1000:g}mhz_3min" for low in _BANDS[:-1])
MINUTE_NAMES: Final = (
    "interval_1min",
    "interval_5min",
    "spread_1min",
    "range_1min",
    "range_3min",
    "surge_1min",
    "surge_3min",
    "energy_1min",
    "rmssd_1min",
    "rmssd_3min",
    "pnn50_1min",
    "pnn50_3min",
    "cycle_power_3min",
    "cycle_power_5min",
    "cycle_peak_3min",
    "cycle_peak_5min",
    "cycle_to_breath_3min",
    "ripple_cycle_3min",
    "ripple_cycle_5min",
    "breath_rate_3min",
    "echo_5min",
    "echo_30s_3min",
    "trough_3min",
    "lopsided_3min",
    *BAND_NAMES,
)
"""Of a minute; judged against the same night's median and spread"""
NIGHT_NAMES: Final = (
    "cycle_peak_5min_p85",
    "cycle_to_breath_5min_p85",
    "cycle_share_5min_p85",
    "cycle_share_3min_p85",
    "ripple_cycle_5min_p50",
)
"""Of a night as a whole, as they are"""
CYCLE_SHARE: Final = "cycle_share_5min"
"""The one number of a minute that the fallback looks at: share of the cycle in all power"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intervals:
    """Times between beats, without the beats a detector made up."""

    at: Array
    """s, the middle of each"""
    length: Array
    """s"""
    sound: Mask
    """Whether each is a heart's, judged by its length and its neighbors"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """What a model of a night's beats looks at."""

    minutes: Array
    """(minutes, MINUTE_NAMES): in spreads from the night's median, clipped; 0 where not known"""
    night: Array
    """(NIGHT_NAMES,); NaN where the night holds nothing"""
    cycle_share: Array
    """(minutes,) 0-1: what the fallback looks at"""
    heard: Array
    """(minutes,) share of each minute's five with sound intervals"""
    interval: Array
    """(minutes,) s: mean of the minute"""
    sound: float
    """Share of the night's intervals that are a heart's; beats missed at random look like the cycle from a third on"""
    irregularity: float
    """Median over the night of RMSSD by mean interval; a heart out of rhythm lies far above the training data"""


def _local_median(values: Array) -> Array:
    """Return the median of each value and its 20 neighbors."""
    padded = np.pad(values, _NEIGHBORS // 2, mode="edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, _NEIGHBORS), axis=1))


def _without_extra(times: Array) -> Array:
    """Return beat times less those whose removal turns a short interval into an ordinary one."""
    for _ in range(3):
        length = np.diff(times)
        usual = _local_median(length)
        keep = np.ones(times.size, dtype=bool)
        last = -2
        for i in np.flatnonzero(length < 0.6 * usual).tolist():
            if i <= last + 1:
                continue
            before = abs(length[i - 1] + length[i] - usual[i]) if i else np.inf
            after = abs(length[i] + length[i + 1] - usual[i]) if i + 1 < length.size else np.inf
            if min(before, after) < 0.35 * usual[i]:
                keep[i if before < after else i + 1] = False
                last = i
        if keep.all():
            break
        times = times[keep]
    return times


def intervals(times: ArrayLike) -> Intervals:
    """Return the intervals between beat times (s, rising), extra beats removed; missed ones are not sound."""
    beats = np.asarray(times, dtype=np.float64)
    if beats.size < 3:
        return Intervals(at=np.empty(0), length=np.empty(0), sound=np.empty(0, dtype=bool))
    beats = _without_extra(beats)
    length = np.diff(beats)
    usual = _local_median(length)
    sound = (length > SHORTEST) & (length < LONGEST) & (length > 0.65 * usual) & (length < 1.5 * usual)
    return Intervals(at=beats[1:] - length / 2.0, length=length, sound=sound)


def _evenly(given: Intervals, count: int) -> tuple[Array, Mask]:
    """Return interval length (s) at RATE, drawn straight across what is not sound, and where the heart was heard."""
    at, length = given.at[given.sound], given.length[given.sound]
    grid = np.arange(count) / RATE
    after = np.clip(np.searchsorted(at, grid), 1, at.size - 1)
    near = np.minimum(np.abs(grid - at[after - 1]), np.abs(at[after] - grid)) < NEAR_S
    return np.interp(grid, at, length), near


def _windows(series: Array, minutes: int, length_s: float) -> Array:
    """Return (minutes, samples) about CENTER_S of each minute; the series is mirrored at its ends."""
    size = int(length_s * RATE)
    padded = np.pad(series, size, mode="reflect")
    begin = int((CENTER_S - length_s / 2.0) * RATE) + size
    starts = begin + np.arange(minutes) * int(MINUTE * RATE)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, size)[starts])


def _straightened(windows: Array) -> Array:
    """Return windows less their mean and trend."""
    ramp = np.linspace(-1.0, 1.0, windows.shape[1])
    ramp /= np.sqrt((ramp**2).sum())
    centered = windows - windows.mean(axis=1, keepdims=True)
    return np.asarray(centered - (centered @ ramp)[:, None] * ramp)


def _spectrum(straight: Array) -> tuple[Array, Array, Array]:
    """Return power per band (windows, bands), density (windows, frequencies) and frequencies (Hz), Hann-windowed."""
    shape = np.hanning(straight.shape[1])
    density = 2.0 / RATE / (shape**2).sum() * np.abs(np.fft.rfft(straight * shape, _POINTS)) ** 2
    hertz = np.fft.rfftfreq(_POINTS, 1.0 / RATE)
    edges = np.searchsorted(hertz, _BANDS)
    power = hertz[1] * np.add.reduceat(density, edges, axis=1)[:, :-1]
    return power, density, np.asarray(hertz, dtype=np.float64)


def _echo(straight: Array, longest_s: float = 70.0) -> Array:
    """Return the autocorrelation (windows, lags at RATE)."""
    size = 1 << (2 * straight.shape[1] - 1).bit_length()
    raw = np.fft.irfft(np.abs(np.fft.rfft(straight, size)) ** 2, size)[:, : int(longest_s * RATE)]
    return np.asarray(raw / (raw[:, :1] + 1e-9))


def _ripple(series: Array) -> Array:
    """Return the logarithm of the size of the breathing ripple (0.15-0.5 Hz) of evenly drawn intervals."""
    spectrum = np.fft.rfft(series - series.mean(), 2 * series.size)
    hertz = np.fft.rfftfreq(2 * series.size, 1.0 / RATE)
    lower = np.exp(-np.clip((hertz - 0.15) / 0.015, -50.0, 50.0))
    upper = np.exp(np.clip((hertz - 0.5) / 0.025, -50.0, 50.0))
    part = np.fft.irfft(spectrum / (1.0 + lower) / (1.0 + upper), 2 * series.size)[: series.size]
    size = np.convolve(part**2, np.full(12, 1.0 / 12.0), "same")
    return np.asarray(np.log(np.sqrt(np.maximum(size, 1e-10)) + 1e-3))


def _beat_to_beat(given: Intervals, minutes: int, length_s: float) -> tuple[Array, Array]:
    """Return log RMSSD (s) and pNN50 of windows; NaN with fewer than ten pairs of sound intervals (Task Force 1996)."""
    change = np.abs(np.diff(given.length))
    pair = given.sound[1:] & given.sound[:-1]
    at, change = given.at[1:][pair], change[pair]
    middle = np.arange(minutes) * MINUTE + CENTER_S
    low, high = np.searchsorted(at, middle - length_s / 2.0), np.searchsorted(at, middle + length_s / 2.0)
    count = (high - low).astype(np.float64)
    count[count < 10.0] = np.nan
    squares, large = (np.concatenate([[0.0], np.cumsum(each)]) for each in (change**2, change > 0.05))
    return np.log(np.sqrt((squares[high] - squares[low]) / count) + 1e-3), (large[high] - large[low]) / count


def _short(series: Array, minutes: int) -> dict[str, Array]:
    """Return what one minute shows by itself, and the same of three."""
    out = {}
    for length_s, name in ((MINUTE, "1min"), (3.0 * MINUTE, "3min")):
        windows = _windows(series, minutes, length_s)
        straight = _straightened(windows)
        low, high = np.percentile(straight, (5.0, 95.0), axis=1)
        out[f"range_{name}"] = np.log(high - low + 1e-3)
        change = windows[:, 10:] - windows[:, :-10]
        # How far intervals shorten within 5 s: the heart's start when breath comes back.
        out[f"surge_{name}"] = np.log(np.maximum(-np.percentile(change, 2.0, axis=1), 1e-3))
        if length_s == MINUTE:
            out["spread_1min"] = np.log(straight.std(axis=1) + 1e-3)
            # Teager and Kaiser's energy, x(t)^2 - x(t - 2 s) x(t + 2 s)
            energy = windows[:, 4:-4] ** 2 - windows[:, 8:] * windows[:, :-8]
            out["energy_1min"] = np.log(np.abs(energy).mean(axis=1) + 1e-5)
        else:
            centered = change - change.mean(axis=1, keepdims=True)
            out["lopsided_3min"] = (centered**3).mean(axis=1) / (change.std(axis=1) + 1e-3) ** 3
    return out


def _cyclic(series: Array, ripple: Array, minutes: int, span: int) -> dict[str, Array]:
    """Return what the spectrum and the autocorrelation show of cycles in `span` minutes."""
    straight = _straightened(_windows(series, minutes, span * MINUTE))
    power, density, hertz = _spectrum(straight)
    total = power.sum(axis=1) + _TINY
    cycle = power[:, _CYCLE].sum(axis=1)
    peak = density[:, (hertz >= 0.01) & (hertz < 0.06)].max(axis=1)
    modulation = _spectrum(_straightened(_windows(ripple, minutes, span * MINUTE)))[0]
    echo = _echo(straight)
    lag = np.arange(echo.shape[1]) / RATE
    breathing = (hertz >= 0.12) & (hertz < 0.45)
    breath = density[:, breathing]
    out = {
        "cycle_power": np.log(cycle + _TINY),
        "cycle_share": cycle / total,
        "cycle_narrow": power[:, _NARROW].sum(axis=1) / total,
        "cycle_peak": 0.01 * peak / total,
        "cycle_to_breath": np.log(cycle + _TINY) - np.log(power[:, _BREATH].sum(axis=1) + _TINY),
        "ripple_cycle": np.log(modulation[:, _CYCLE].sum(axis=1) + 1e-5),
        "breath_rate": (breath * hertz[breathing]).sum(axis=1) / (breath.sum(axis=1) + 1e-9),
        "echo": echo[:, lag >= 20.0].max(axis=1),
        "trough": echo[:, (lag >= 8.0) & (lag <= 35.0)].min(axis=1),
        "echo_30s": echo[:, int(30.0 * RATE)],
    }
    out = {f"{name}_{span}min": values for name, values in out.items()}
    if span == 3:
        out |= {name: np.log(power[:, i] + _TINY) for i, name in enumerate(BAND_NAMES)}
    return out


def relative(values: Array, trusted: Mask) -> Array:
    """Return (minutes, features) in spreads from the median of the trusted minutes, clipped; 0 where not known.

    A spread is that of a normal distribution with the same distance between the 10th and the 90th percentile.
    """
    with np.errstate(invalid="ignore"):
        low, middle, high = np.nanpercentile(values[trusted], (10.0, 50.0, 90.0), axis=0)
    scaled = (values - middle) / ((high - low) / 2.5 + 1e-3)
    return np.asarray(np.clip(np.nan_to_num(scaled, nan=0.0, posinf=CLIP, neginf=-CLIP), -CLIP, CLIP))


def night(times: ArrayLike, minutes: int, *, heard: float = 0.5) -> Night | None:
    """Return the features of beat times (s since minute 0, rising); None where nothing can be said.

    Minutes of which less than the share `heard` was heard do not count for the night's medians; with fewer than 30
    others there is no night.
    """
    given = intervals(times)
    if int(given.sound.sum()) < 100 or minutes < 30:
        return None
    series, near = _evenly(given, int(minutes * MINUTE * RATE))
    quality = _windows(near.astype(np.float64), minutes, 5.0 * MINUTE).mean(axis=1)
    trusted = quality >= heard
    if int(trusted.sum()) < 30:
        return None
    ripple = _ripple(series)
    found = _short(series, minutes)
    for span in (3, 5):
        found |= _cyclic(series, ripple, minutes, span)
    for length_s, name in ((MINUTE, "1min"), (3.0 * MINUTE, "3min")):
        found[f"rmssd_{name}"], found[f"pnn50_{name}"] = _beat_to_beat(given, minutes, length_s)
    found["interval_1min"] = _windows(series, minutes, MINUTE).mean(axis=1)
    found["interval_5min"] = _windows(series, minutes, 5.0 * MINUTE).mean(axis=1)
    table = np.stack([found[name] for name in MINUTE_NAMES], axis=1)
    if not np.isfinite(found["rmssd_3min"][trusted]).any():
        return None
    high = ("cycle_peak_5min", "cycle_to_breath_5min", "cycle_share_5min", "cycle_narrow_3min")
    whole = [*(np.percentile(found[name][trusted], 85.0) for name in high)]
    steady = np.exp(found["rmssd_3min"][trusted]) / found["interval_5min"][trusted]
    return Night(
        minutes=relative(table, trusted),
        night=np.array([*whole, np.median(found["ripple_cycle_5min"][trusted])]),
        cycle_share=found[CYCLE_SHARE],
        heard=quality,
        interval=found["interval_1min"],
        sound=float(given.sound.mean()),
        irregularity=float(np.nanmedian(steady)),
    )
