"""The sleeve's firmware, for many puffs at once: `hardware/components/smartloop_sleeve/puff_detector.h`, step by step.

A test holds this against the compiled firmware. Only what it sends of a press is here; the press itself is told to it,
as by the switch under the canister.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.technique import STEP_S, Sensed

from .maneuver import PRESS_S
from .sensor import BOARD_HERTZ, FLOW_HERTZ

type Array = NDArray[np.float64]

SHAKE_G: Final = 0.35
SLOTS: Final = 32
_SHAKE_MS: Final = 350.0
_WINDOW_S: Final = 15


def motion(acceleration: Array, press_s: float = PRESS_S) -> tuple[Array, Array]:
    """Return seconds of shaking and tilt in deg (puffs,) of acceleration (puffs, n, 3) at 104 Hz, at the press."""
    puffs = acceleration.shape[0]
    gravity = acceleration[:, 0].copy()
    rough, rough_ms = np.zeros(puffs), np.zeros(puffs)
    shaken = np.zeros((puffs, 64))
    before = 0.0
    for index in range(1, acceleration.shape[1]):
        now = float(int(1000.0 * index / BOARD_HERTZ))
        if now > 1000.0 * press_s:
            break
        since, before = now - before, now
        sample = acceleration[:, index]
        dynamic = np.sqrt((sample**2).sum(axis=1)) - 1.0
        rough += (dynamic * dynamic - rough) * min(1.0, since / 300.0)
        moves = np.sqrt(np.maximum(rough, 0.0)) > SHAKE_G
        share = np.where(moves, min(1.0, since / 1500.0), min(1.0, since / 250.0))
        gravity += (sample - gravity) * share[:, None]
        rough_ms = np.where(moves, rough_ms + since, 0.0)
        add = np.where(rough_ms - since < _SHAKE_MS, rough_ms, since)
        shaken[:, int(now) // 1000] += np.where(moves & (rough_ms >= _SHAKE_MS), add, 0.0)
    first = max(int(press_s) - _WINDOW_S + 1, 0)
    size = np.linalg.norm(gravity, axis=1)
    tilt = np.degrees(np.arccos(np.clip(gravity[:, 2] / np.maximum(size, 1e-9), -1.0, 1.0)))
    return shaken[:, first : int(press_s) + 1].sum(axis=1) / 1000.0, tilt


def envelope(flow: Array, press_s: float = PRESS_S) -> list[float | None]:
    """Return the 32 samples the sleeve sends of a flow at 25 Hz: the highest of each 150 ms, in steps of 2 L/min."""
    out: list[float | None] = [None] * SLOTS
    for index, value in enumerate(flow.tolist()):
        slot = int((index / FLOW_HERTZ - press_s) // STEP_S)
        if 0 <= slot < SLOTS:
            known = out[slot]
            out[slot] = value if known is None else max(known, value)
    return [None if each is None else 2.0 * round(each / 2.0) for each in out]


def sensed(acceleration: Sequence[Array], flow: Sequence[Array | None]) -> list[Sensed]:
    """Return what the sleeve sends of many puffs, in the steps of the protocol (0.1 s, 1 deg, 2 L/min)."""
    shaken, tilts = motion(np.stack(acceleration))
    found = []
    for shake, tilt, breath in zip(shaken.tolist(), tilts.tolist(), flow, strict=True):
        samples = None if breath is None else envelope(breath)
        known = [each for each in samples or () if each is not None]
        found.append(
            Sensed(
                shake_s=round(shake, 1),
                tilt_deg=float(round(tilt)),
                peak_flow_lpm=max(known) if known else None,
                envelope=samples,
            )
        )
    return found
