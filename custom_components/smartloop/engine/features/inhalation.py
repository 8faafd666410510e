"""What the curve of one breath through an inhaler tells, whole as recorded or only from the press on, as the sleeve sends it.

Flow L/min over time s. A breath has begun when it passes 6 L/min, as in the sleeve's firmware; its start is found by
drawing a line back from where it passes a tenth and a third of its peak. A curve that begins at the press may begin in
the middle of the breath: then the start is only guessed from how far the flow has risen (`RISE_S`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Array = NDArray[np.float64]
type Row = dict[str, float]

INHALED_LPM: Final = 6.0
RISE_S: Final = 0.6
"""A breath takes about so long from nothing to its peak; assumed"""
CEILING_LPM: Final = 500.0
_OUT_LPM: Final = -4.0
_FLAT: Final = 0.015
_SHAPE_S: Final = (0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0, 1.3, 1.7, 2.2, 3.0)
"""After the press; where the shape is looked at"""

FLOW_FEATURES: Final = ("peak", "firm_peak", "flat", "ripple", "volume_l", "long_s", "begun")
COORDINATION_FEATURES: Final = (
    "offset_s",
    "onset_s",
    "begun",
    "peak",
    "peak_s",
    "long_s",
    "volume_l",
    "fall_s",
    *(f"flow@{second:g}" for second in _SHAPE_S),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One breath: at least two samples, in order, finite."""

    at: Array
    """(n,) s"""
    flow: Array
    """(n,) L/min; outwards negative, where the sensor tells"""

    def highest(self, begin: float, end: float) -> float:
        """Return the highest flow between two times, L/min; NaN where there is no sample."""
        inside = self.flow[(self.at >= begin) & (self.at <= end)]
        return float(inside.max()) if inside.size else np.nan

    def _after(self, moment: float) -> tuple[Array, Array, int]:
        """Return times and flow of the breath around a moment, and the index of its peak."""
        near = (self.at >= moment - 3.5) & (self.at <= moment + 6.0)
        times, flow = self.at[near], self.flow[near]
        return times, flow, int(np.argmax(flow)) if flow.size else 0

    def breath_end(self, moment: float) -> float:
        """Return when the breath around a moment ended, s; NaN where there was none or its end is not seen."""
        times, flow, top = self._after(moment)
        if not flow.size or flow[top] < INHALED_LPM:
            return np.nan
        low = np.flatnonzero(flow[top:] < max(INHALED_LPM, 0.08 * flow[top]))
        return float(times[top + low[0]]) if low.size else np.nan

    def fall(self, moment: float) -> float:
        """Return the seconds from the peak to a fifth of it, NaN where that is not seen."""
        times, flow, top = self._after(moment)
        low = np.flatnonzero(flow[top:] < 0.2 * flow[top]) if flow.size else np.empty(0, np.int64)
        return float(times[top + low[0]] - times[top]) if low.size else np.nan

    def exhaled(self, moment: float) -> float:
        """Return when breath first went back through the inhaler after a moment, s; NaN where it did not."""
        out = self.at[(self.at > moment) & (self.flow < _OUT_LPM)]
        return float(out[0]) if out.size else np.nan


def curve(at: ArrayLike, flow: ArrayLike | None) -> Curve | None:
    """Return the curve of the finite samples, in order of time; None where there are too few to be one.

    A flow beyond 500 L/min is none.
    """
    if flow is None:
        return None
    times, values = np.asarray(at, dtype=np.float64), np.asarray(flow, dtype=np.float64)
    if times.shape != values.shape or times.ndim != 1:
        return None
    known = np.isfinite(times) & np.isfinite(values) & (np.abs(values) <= CEILING_LPM)
    times, index = np.unique(times[known], return_index=True)
    return Curve(at=times, flow=values[known][index]) if times.size > 4 else None


def envelope(samples: ArrayLike, step_s: float) -> Curve | None:
    """Return the curve of a sleeve's envelope, whose first sample is the highest of the first step after the press."""
    flow = np.asarray(samples, dtype=np.float64)
    if flow.ndim != 1 or not 0.005 <= step_s <= 2.6:
        return None
    return curve((np.arange(flow.size) + 0.5) * step_s, flow)


def _crossing(times: Array, flow: Array, level: float, top: int) -> float:
    """Return when the flow last rose through a level before its peak; NaN where it was above all along."""
    below = np.flatnonzero(flow[: top + 1] < level)
    if not below.size:
        return np.nan
    last = int(below[-1])
    if last >= top:
        return float(times[top])
    share = (level - flow[last]) / max(float(flow[last + 1] - flow[last]), 1e-9)
    return float(times[last] + share * (times[last + 1] - times[last]))


def firm(flow: Array) -> float:
    """Return the peak that lasts: the highest of the medians of three neighbours."""
    if flow.size < 3:
        return float(flow.max())
    return float(np.median(np.stack([flow[:-2], flow[1:-1], flow[2:]]), axis=0).max())


def breath(found: Curve | None, press_s: float = 0.0) -> Row | None:
    """Return what a breath around a press tells; None where nobody inhaled.

    `offset_s` is the time from the start of the breath to the press (negative: pressed first), `onset_s` the same of
    6 L/min, `begun` 1 where the curve begins within the breath, so that both are guesses. `flow@T` are shares of the
    peak T s after the press.
    """
    if found is None:
        return None
    near = (found.at >= press_s - 3.5) & (found.at <= press_s + 6.0)
    times, flow = found.at[near] - press_s, found.flow[near]
    if flow.size < 4 or float(flow.max()) < INHALED_LPM:
        return None
    peak = firm(flow)
    if peak < INHALED_LPM:
        return None
    top = int(np.argmax(flow >= 0.98 * peak))
    tenth, third = (_crossing(times, flow, share * peak, top) for share in (0.1, 1 / 3))
    begun = not np.isfinite(tenth)
    start = tenth - min((third - tenth) * 0.43, 0.3) if np.isfinite(tenth) and np.isfinite(third) else tenth
    first = float(flow[0])
    onset = _crossing(times, flow, INHALED_LPM, top)
    after = times >= 0.0
    steps = np.diff(times, append=times[-1] + float(np.median(np.diff(times))))
    high = flow > 0.5 * peak
    flat = (flow > (1.0 - _FLAT) * flow.max()).sum() * float(np.median(steps))
    body = flow[high]
    row = {
        "offset_s": RISE_S * min(first / peak, 1.0) if begun else -start,
        "onset_s": 0.0 if not np.isfinite(onset) else onset,
        "begun": float(begun),
        "peak": float(np.log(flow.max())),
        "firm_peak": float(np.log(peak)),
        "peak_s": float(times[top]),
        "flat": float(flat),
        "ripple": float(np.abs(np.diff(body)).mean() / peak) if body.size > 2 else 0.0,
        "long_s": float(steps[after & high].sum()),
        "volume_l": float((np.maximum(flow, 0.0) * steps)[after].sum() / 60.0),
        "fall_s": Curve(at=times, flow=flow).fall(0.0),
    }
    inside = np.interp(_SHAPE_S, times, flow, right=0.0) / peak
    return row | {f"flow@{second:g}": float(value) for second, value in zip(_SHAPE_S, inside, strict=True)}
