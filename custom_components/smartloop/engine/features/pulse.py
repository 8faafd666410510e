"""Heart rate a minute from times between beats, without those no heart made.

A strap that slips gives times far too short (noise taken for beats) or far too long (beats missed): what is impossible,
or off by more than a quarter from the twenty around, is left out. The median of a minute then bears what is left.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

type Array = NDArray[np.float64]
type Mask = NDArray[np.bool_]

_SHORTEST, _LONGEST = 300.0, 2200.0
"""ms; 200 to 27 beats a minute"""
_APART: Final = 0.25
_NEIGHBORS: Final = 21
_HEARD_MS: Final = 30_000.0
"""Of a minute, in sound beats, to be told"""


def sound_beats(lengths: ArrayLike) -> Mask:
    """Return which times between beats (N,) in ms are a heart's."""
    values = np.asarray(lengths, dtype=np.float64)
    sound = (values >= _SHORTEST) & (values <= _LONGEST)
    if not sound.any():
        return sound
    kept = values[sound]
    around = np.median(sliding_window_view(np.pad(kept, _NEIGHBORS // 2, mode="edge"), _NEIGHBORS), axis=1)
    sound[sound] = np.abs(kept - around) <= _APART * around
    return sound


def heart_minutes(at_s: ArrayLike, lengths: ArrayLike, minutes: int) -> Array:
    """Return the heart rate (minutes,) in 1/min of times between beats (ms) told at `at_s`; NaN where too little is."""
    at, length = np.asarray(at_s, dtype=np.float64), np.asarray(lengths, dtype=np.float64)
    sound = sound_beats(length) & np.isfinite(at)
    order = np.argsort(at[sound], kind="stable")
    place, kept = at[sound][order] // 60.0, length[sound][order]
    edges = np.searchsorted(place, np.arange(minutes + 1))
    out = np.full(minutes, np.nan)
    for minute in range(minutes):
        part = kept[edges[minute] : edges[minute + 1]]
        if part.sum() >= _HEARD_MS:
            out[minute] = 60_000.0 / float(np.median(part))
    return out
