"""One puff as a motion sensor would record it, without any noise but a little."""

import numpy as np

from custom_components.smartloop.engine.features.technique import Array, Trace

PRESS_S = 15.0


def every(step: float, end: float) -> Array:
    return np.asarray(np.arange(0.0, end, step), dtype=np.float64)


def trace(
    *, shake_s: float = 5.0, hertz: float = 3.0, size_g: float = 1.5, tilt_deg: float = 20.0, rate: float = 100.0
) -> Trace:
    """Return a still inhaler that was shaken until 2 s before the press."""
    at = every(1.0 / rate, 25.0)
    chance = np.random.default_rng(1)
    tilt = np.radians(tilt_deg)
    up = np.array([np.sin(tilt), 0.0, np.cos(tilt)])
    moves = np.tile(up, (at.size, 1)) + 0.01 * chance.normal(0, 1, (at.size, 3))
    shaken = (at > PRESS_S - 2.0 - shake_s) & (at <= PRESS_S - 2.0)
    moves[shaken, 2] += size_g * np.sin(2 * np.pi * hertz * at[shaken])
    moves[np.argmax(at >= PRESS_S)] -= 2.0 * up
    return Trace(at=at, acceleration=moves)
