"""Made-up nights of heart beats: quiet breathing, and stretches in which it stops and starts."""

import numpy as np
from numpy.typing import NDArray


def night(minutes: int = 300, cyclic: tuple[tuple[int, int], ...] = (), *, seed: int = 0) -> NDArray[np.float64]:
    """Return beat times (s): a ripple of breathing, slow wandering, and in `cyclic` minutes surges every 45 s."""
    rng = np.random.default_rng(seed)
    grid = np.arange(0.0, minutes * 60.0, 0.25)
    wander = np.cumsum(rng.normal(size=grid.size))
    wander = 0.04 * (wander - wander.mean()) / wander.std()
    stopped = np.zeros(grid.size, dtype=bool)
    for begin, end in cyclic:
        stopped |= (grid >= begin * 60.0) & (grid < end * 60.0)
    phase = np.cumsum(0.25 / (45.0 + 6.0 * np.sin(grid / 200.0))) % 1.0
    surge = 0.12 * np.where(phase < 0.7, phase / 0.7, (1.0 - phase) / 0.3)
    breathing = np.where(stopped, 0.2 + 0.8 * (phase > 0.6), 1.0)
    ripple = 0.02 * breathing * np.sin(2.0 * np.pi * 0.25 * grid + np.cumsum(rng.normal(0.0, 0.05, grid.size)))
    length = 0.95 + wander + ripple + stopped * surge
    at, times = 0.0, []
    while at < minutes * 60.0:
        times.append(at)
        at += float(length[min(int(at / 0.25), grid.size - 1)]) + float(rng.normal(0.0, 0.006))
    return np.round(np.array(times), 2)
