"""What a sleeve's sensors make of a puff: noise, offsets, range, mounting, rate, lost samples; and outright faults."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.technique import Trace
from custom_components.smartloop.engine.models.technique import Sleeve

from .maneuver import COUNT, HERTZ, LENGTH_S, TIMES, Maneuver

type Array = NDArray[np.float64]

FLOW_HERTZ: Final = 25.0
"""The sleeve's pressure sensor is asked every 40 ms"""
BOARD_HERTZ: Final = 104.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensors:
    """A person's sleeve, and what is wrong with it today."""

    range_g: float
    mount_deg: float
    drop: float
    jitter_s: float
    gyro_bias_dps: float
    gyroscope: bool
    flow: bool = True
    acceleration: bool = True
    ceiling_lpm: float = 134.0
    """SDP31: 500 Pa at 6 L/min per root Pa"""


def sensors(maneuver: Maneuver) -> Sensors:
    """Return the sleeve of whoever did it."""
    habits = maneuver.person.habits
    return Sensors(
        # Sensors have ranges of 2, 4, 8, 16 g: the next below what was drawn.
        range_g=float(2.0 ** np.floor(np.log2(habits["range_g"]))),
        mount_deg=habits["mount_deg"],
        drop=habits["drop"],
        jitter_s=habits["jitter_s"],
        gyro_bias_dps=habits["gyro_bias_dps"],
        gyroscope=maneuver.person.gyroscope,
    )


type Fault = Callable[[Sensors], Sensors]

FAULTS: Final[Mapping[str, tuple[Fault, bool]]] = {
    "saturated_2g": (lambda own: replace(own, range_g=2.0), False),
    "mounted_15deg_askew": (lambda own: replace(own, mount_deg=15.0), False),
    "mounted_15deg_askew_calibrated": (lambda own: replace(own, mount_deg=15.0), True),
    "mounted_on_its_side": (lambda own: replace(own, mount_deg=90.0), False),
    "mounted_on_its_side_calibrated": (lambda own: replace(own, mount_deg=90.0), True),
    "drops_15pct": (lambda own: replace(own, drop=0.15), False),
    "jitter_10ms": (lambda own: replace(own, jitter_s=0.010), False),
    "gyro_bias_20dps": (lambda own: replace(own, gyro_bias_dps=20.0, gyroscope=True), False),
    "no_gyroscope": (lambda own: replace(own, gyroscope=False), False),
    "flow_ends_at_67lpm": (lambda own: replace(own, ceiling_lpm=67.0), False),
    "flow_ends_at_67lpm_known": (lambda own: replace(own, ceiling_lpm=67.0), True),
    "no_flow": (lambda own: replace(own, flow=False), False),
    "no_acceleration": (lambda own: replace(own, acceleration=False), False),
}
"""What goes wrong, and whether the sleeve's calibration is known"""


def calibration(maneuver: Maneuver, own: Sensors, seed: int) -> Sleeve:
    """Return what standing the inhaler on a table, and the data sheet, would tell."""
    up = _turn(own.mount_deg, _generator(maneuver, seed)) @ np.array([0.0, 0.0, 1.0])
    return Sleeve(up=(float(up[0]), float(up[1]), float(up[2])), ceiling_lpm=own.ceiling_lpm)


def _turn(angle_deg: float, chance: np.random.Generator) -> Array:
    """Return a turn (3, 3) by an angle about an axis across the canister (Rodrigues)."""
    way, angle = chance.uniform(0, 6.28), np.radians(angle_deg)
    x, y = np.cos(way), np.sin(way)
    cross = np.array([[0.0, 0.0, y], [0.0, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def _generator(maneuver: Maneuver, seed: int) -> np.random.Generator:
    # What a sleeve is stays the same from puff to puff; what differs is drawn after it.
    return np.random.default_rng([seed, *maneuver.person.name.encode()])


def _flow(maneuver: Maneuver, own: Sensors, chance: np.random.Generator) -> Array:
    """Return the flow as the sensor has it (n,), L/min."""
    habits = maneuver.person.habits
    lag = max(round(habits["flow_lag_s"] * HERTZ), 1)
    late = np.concatenate([np.zeros(lag), maneuver.flow[:-lag]])
    slow = np.convolve(chance.normal(0, 1, COUNT), np.ones(16) / 4.0, "same")
    shown: Array = np.minimum(
        late * habits["flow_gain"] * (1 + habits["flow_noise"] * slow) + habits["flow_zero"], own.ceiling_lpm
    )
    return shown


def board(maneuver: Maneuver, own: Sensors, seed: int, puff: int) -> tuple[Array, Array]:
    """Return what the sleeve's own processor reads: acceleration (n, 3) at 104 Hz, flow (m,) at 25 Hz."""
    trace = record(maneuver, replace(own, acceleration=True), seed, puff, hertz=BOARD_HERTZ, kept=True)
    chance = _generator(maneuver, seed + 1 + puff)
    flow = _flow(maneuver, own, chance)
    moments = np.arange(0.0, LENGTH_S - 0.05, 1.0 / FLOW_HERTZ) + float(chance.uniform(0, 1.0 / FLOW_HERTZ))
    return np.asarray(trace.acceleration), np.maximum(np.interp(moments, TIMES, flow), 0.0)


def record(
    maneuver: Maneuver, own: Sensors, seed: int, puff: int, *, hertz: float | None = None, kept: bool = False
) -> Trace:
    """Return a whole trace as recorded; `kept` loses no sample and has no jitter."""
    habits = maneuver.person.habits
    fixed = _generator(maneuver, seed)
    turn = _turn(own.mount_deg, fixed)
    bias = fixed.choice([-1, 1], 3) * habits["acc_bias_g"]
    gyro_bias = fixed.choice([-1, 1], 3) * own.gyro_bias_dps
    rate = hertz or habits["rate_hz"]
    chance = _generator(maneuver, seed + 1 + puff)
    at = np.arange(0.0, LENGTH_S - 0.05, 1.0 / rate)
    if not kept:
        at = at[chance.random(at.size) >= own.drop]
    # A sensor's filter passes half its rate; above it a press would be missed between two samples.
    width = max(round(HERTZ / rate), 1)
    smooth = np.stack(
        [np.convolve(maneuver.acceleration[:, axis], np.ones(width) / width, "same") for axis in range(3)], axis=1
    )
    seen = np.stack([np.interp(at, TIMES, smooth[:, axis]) for axis in range(3)], axis=1) @ turn.T
    seen = seen * habits["acc_gain"] + bias + habits["acc_noise_g"] * chance.normal(0, 1, seen.shape)
    turning = None
    if own.gyroscope:
        turning = np.stack([np.interp(at, TIMES, maneuver.turning[:, axis]) for axis in range(3)], axis=1) @ turn.T
        turning += gyro_bias + habits["gyro_noise_dps"] * chance.normal(0, 1, turning.shape)
    stamps = np.asarray(at if kept else at + own.jitter_s * chance.normal(0, 1, at.size), np.float64)
    flow = None
    if own.flow:
        # The flow comes at its own rate, beside the nearest sample of motion.
        flow = np.full(at.size, np.nan)
        moments = np.arange(float(chance.uniform(0, 0.04)), LENGTH_S - 0.1, 1.0 / FLOW_HERTZ)
        places = np.unique(np.clip(np.searchsorted(at, moments), 0, at.size - 1))
        flow[places] = np.interp(at[places], TIMES, _flow(maneuver, own, chance))
    return Trace(
        at=stamps,
        acceleration=np.clip(seen, -own.range_g, own.range_g) if own.acceleration else None,
        turning=turning if own.acceleration else None,
        flow=flow,
    )
