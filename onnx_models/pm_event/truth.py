"""What happened in a simulated room: which sources there were, which of them can be seen, and which are one event."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.pm_source import Kind

from .ranges import Activity

type Array = NDArray[np.float64]
type Mass = NDArray[np.floating]

STEP_S: Final = 30.0
VISIBLE: Final = 8.0
"""µg/m³"""
COVERED: Final = 0.5


@dataclass(kw_only=True, slots=True)
class Cause:
    """One source under way."""

    kind: Kind
    name: str
    room: int
    begin: float
    length: float
    emission: Array
    """µg/s per bin; of outdoor episodes µg/m³ outside per bin"""
    activity: Activity | None
    ramp: float = 0.0
    pulses: bool = False
    fade: float = 0.0
    air: float = 1.0
    """Factor of the air change while it lasts: windows open"""
    hood: float = 0.0
    """Share that a hood takes away"""
    purifier: float = 0.0
    """m³/h from 10 minutes after its start"""
    ups: Mapping[str, float] = field(default_factory=dict)
    device: bool = False
    motion: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """One source as the sensor's room got it."""

    kind: Kind
    name: str
    start: float
    """s, when it had 10 % of its peak"""
    peak_at: float
    end: float
    peak: float
    """µg/m³ of PM2.5 that it brought"""
    share: float
    """Its part of all excess at that moment"""

    @property
    def visible(self) -> bool:
        """Return whether it is to be found: 8 µg/m³ and at least half of all excess at its peak."""
        return self.peak >= VISIBLE and self.share >= COVERED and self.name != "drift"


def truth(source: Cause, part: Mass, total: Mass, grid: Array) -> Truth | None:
    """Return what a source was to the room, None where it was nothing."""
    peak_index = int(np.argmax(part))
    peak = float(part[peak_index])
    if peak < 1.0:
        return None
    above = np.flatnonzero(part >= 0.1 * peak)
    return Truth(
        kind=source.kind,
        name=source.name,
        start=float(grid[above[0]]),
        peak_at=float(grid[peak_index]),
        end=float(grid[above[-1]]),
        peak=peak,
        share=peak / max(float(total[peak_index]), peak),
    )


def drifts(seep: Array, excess: Array, grid: Array) -> list[Truth]:
    """Return rises of the usual outdoor air, as it is indoors, over the lowest of the six hours before."""
    hours = int(6 * 3600 / STEP_S)
    low = np.array([seep[max(k - hours, 0) : k + 1].min() for k in range(0, seep.size, 20)])
    rise = seep[::20] - low
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (rise > 1.0).astype(np.int8), [0]])))
    out = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        peak_index = first + int(np.argmax(rise[first:last]))
        peak, at = float(rise[peak_index]), min(peak_index * 20, grid.size - 1)
        if peak >= 2.0:
            share = peak / (peak + float(excess[at]))
            start, end = float(grid[first * 20]), float(grid[min(last * 20, grid.size - 1)])
            out.append(
                Truth(
                    kind=Kind.OUTDOOR,
                    name="drift",
                    start=start,
                    peak_at=float(grid[at]),
                    end=end,
                    peak=peak,
                    share=share,
                )
            )
    return out


def merged(truths: list[Truth], excess: Array) -> list[Truth]:
    """Return the truths with sources that overlap as one event, of the highest one's kind.

    Overlapping: visible, and begun before the excess had fallen to half, unless it rises above all there was.
    """
    out: list[Truth] = [t for t in truths if not t.visible]
    open_event: Truth | None = None
    for truth in sorted((t for t in truths if t.visible), key=lambda t: t.start):
        if open_event is None:
            open_event = truth
            continue
        between = excess[int(open_event.start / STEP_S) : int(truth.start / STEP_S) + 1]
        top = float(between.max(initial=0.0))
        fallen = float(between[int(np.argmax(between)) :].min(initial=np.inf)) < 0.5 * top if between.size else False
        if fallen or truth.peak > top:
            out.append(open_event)
            open_event = truth
        else:
            higher = max(open_event, truth, key=lambda t: t.peak)
            open_event = replace(higher, start=open_event.start, end=max(open_event.end, truth.end))
    return out if open_event is None else [*out, open_event]
