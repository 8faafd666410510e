"""Made-up people and sleeves: everybody has habits, drawn from ranges; a family of ranges is a population.

`PLAIN` teaches. `SHIFTED` decides between network and rule, `FAR` gives the card's figures; both lie beyond `PLAIN` on
purpose, and differ from each other: other hands, lungs, inhalers and sensors. Nothing here was measured on anybody:
[F] is a figure found in a source (above 90 L/min critical: Taylor 2018), [R] recalled, [A] assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

type Range = tuple[float, float]
type Family = Mapping[str, Range]

ORIGIN: Final[Mapping[str, str]] = {
    "shake_hz": "[A] shaking, Hz; features look at 2 to 6 Hz",
    "stroke_cm": "[A] half the way of shaking, cm; with the pitch it gives g: 4 cm at 3 Hz are 1.4 g",
    "shake_off_deg": "[A] direction of shaking away from the canister, deg",
    "wrist_deg": "[A] turning of the wrist while shaking, deg at its peak",
    "shake_s": "[A] habit of shaking, s (5 asked [R]); per puff +-35 %",
    "tilt_deg": "[A] habit of holding at the press, deg; per puff +-8",
    "settle_s": "[A] from shaking to the press, s",
    "walk_g": "[A] steps before use (one puff in five), g",
    "tremor_g": "[A] tremor of 8 to 12 Hz, g",
    "jolt_g": "[A] the canister's stop, g",
    "jolt_ms": "[A] length of that jolt, ms",
    "release_s": "[A] until the canister springs back, s",
    "offset_s": "[A] habit (-0.2 to 0.5 is well timed [R]): press after the start of the breath, s; per puff +-0.25",
    "peak_lpm": "[A] habit: peak flow of the breath, L/min (30 the aim, above 90 critical [F]); per puff +-15 %",
    "rise_s": "[R] breath from 10 to 90 % of its peak, s",
    "volume_l": "[R] breath, L",
    "hold_s": "[A] habit of holding the breath, s (5 to 10 asked [R]); per puff +-30 %",
    "lowers": "[A] share of puffs after which the inhaler is lowered while the breath is held",
    "blows": "[A] share of puffs breathed out through the inhaler",
    "acc_noise_g": "[A] sensor noise, g",
    "acc_bias_g": "[A] sensor offset, g",
    "acc_gain": "[A] sensor gain error, 1",
    "mount_deg": "[A] sleeve mounted askew, deg",
    "gyro_noise_dps": "[A] the gyroscope's noise, deg/s",
    "gyro_bias_dps": "[A] the gyroscope's offset, deg/s",
    "range_g": "[A] the sensor's range, g",
    "rate_hz": "[A] samples of motion a second, as recorded",
    "drop": "[A] share of samples lost",
    "jitter_s": "[A] jitter of the sensor's clock, s",
    "flow_gain": "[A] error of the flow's calibration, ratio",
    "flow_noise": "[A] ripple of the flow, share",
    "flow_zero": "[A] zero error of the flow, L/min",
    "flow_lag_s": "[A] lag of the flow, s",
    "spray_lpm": "[A] the spray's own pulse in the flow channel, L/min",
}

PLAIN: Final[Family] = {
    "shake_hz": (2.4, 4.8),
    "stroke_cm": (2.5, 7.0),
    "shake_off_deg": (0.0, 35.0),
    "wrist_deg": (3.0, 25.0),
    "shake_s": (0.0, 10.0),
    "tilt_deg": (0.0, 60.0),
    "settle_s": (1.0, 3.5),
    "walk_g": (0.1, 0.3),
    "tremor_g": (0.005, 0.03),
    "jolt_g": (1.3, 3.8),
    "jolt_ms": (14.0, 32.0),
    "release_s": (0.2, 0.8),
    "offset_s": (-0.9, 1.3),
    "peak_lpm": (22.0, 150.0),
    "rise_s": (0.25, 0.7),
    "volume_l": (1.3, 3.8),
    "hold_s": (1.0, 11.0),
    "lowers": (0.1, 0.6),
    "blows": (0.0, 0.4),
    "acc_noise_g": (0.003, 0.015),
    "acc_bias_g": (0.0, 0.03),
    "acc_gain": (0.98, 1.02),
    "mount_deg": (0.0, 4.0),
    "gyro_noise_dps": (0.1, 0.5),
    "gyro_bias_dps": (0.0, 2.0),
    "range_g": (4.0, 8.0),
    "rate_hz": (50.0, 104.0),
    "drop": (0.0, 0.01),
    "jitter_s": (0.0, 0.002),
    "flow_gain": (0.94, 1.06),
    "flow_noise": (0.01, 0.04),
    "flow_zero": (-1.0, 1.0),
    "flow_lag_s": (0.0, 0.04),
    "spray_lpm": (0.0, 8.0),
}
SHIFTED: Final[Family] = dict(PLAIN) | {
    "shake_hz": (2.0, 5.6),
    "stroke_cm": (2.0, 8.0),
    "wrist_deg": (0.0, 40.0),
    "walk_g": (0.15, 0.4),
    "tremor_g": (0.01, 0.045),
    "jolt_g": (1.1, 4.5),
    "peak_lpm": (18.0, 165.0),
    "rise_s": (0.2, 0.9),
    "volume_l": (0.9, 4.2),
    "acc_noise_g": (0.008, 0.025),
    "acc_bias_g": (0.0, 0.05),
    "mount_deg": (0.0, 6.0),
    "gyro_bias_dps": (0.0, 6.0),
    "rate_hz": (40.0, 60.0),
    "drop": (0.0, 0.04),
    "jitter_s": (0.001, 0.004),
    "flow_gain": (0.9, 1.12),
    "flow_noise": (0.02, 0.06),
    "spray_lpm": (0.0, 14.0),
}
FAR: Final[Family] = dict(PLAIN) | {
    "shake_hz": (1.9, 6.0),
    "stroke_cm": (1.8, 9.0),
    "shake_off_deg": (10.0, 60.0),
    "wrist_deg": (5.0, 45.0),
    "settle_s": (0.7, 5.0),
    "walk_g": (0.15, 0.35),
    "tremor_g": (0.015, 0.05),
    "jolt_g": (1.2, 5.0),
    "jolt_ms": (12.0, 40.0),
    "release_s": (0.12, 1.1),
    "peak_lpm": (16.0, 170.0),
    "rise_s": (0.18, 0.85),
    "volume_l": (0.8, 4.5),
    "lowers": (0.0, 0.8),
    "blows": (0.0, 0.6),
    "acc_noise_g": (0.006, 0.03),
    "acc_bias_g": (0.01, 0.06),
    "acc_gain": (0.96, 1.04),
    "mount_deg": (0.0, 7.0),
    "gyro_noise_dps": (0.2, 1.0),
    "gyro_bias_dps": (0.0, 8.0),
    "range_g": (4.0, 16.0),
    "rate_hz": (45.0, 104.0),
    "drop": (0.0, 0.05),
    "jitter_s": (0.0, 0.005),
    "flow_gain": (0.88, 1.1),
    "flow_noise": (0.01, 0.07),
    "flow_zero": (-2.0, 2.0),
    "flow_lag_s": (0.0, 0.08),
    "spray_lpm": (0.0, 16.0),
}
FAMILIES: Final[Mapping[str, Family]] = {"plain": PLAIN, "shifted": SHIFTED, "far": FAR}
SHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "plain": ("hump", "plateau"),
    "shifted": ("hump", "plateau", "spike"),
    "far": ("hump", "plateau", "spike", "twice"),
}
"""Forms of a breath"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody and the sleeve they use."""

    name: str
    family: str
    habits: Mapping[str, float]
    gyroscope: bool
    shape: str
    """Usual form of the breath"""


def person(family: str, number: int, seed: int) -> Person:
    """Return a person; the same for the same family, number and seed."""
    chance = np.random.default_rng([seed, sorted(FAMILIES).index(family), number])
    habits = {name: float(chance.uniform(low, high)) for name, (low, high) in FAMILIES[family].items()}
    # Flow of breaths is skewed: half of people are near the aim, few far beyond the limit.
    low, high = FAMILIES[family]["peak_lpm"]
    habits["peak_lpm"] = float(np.exp(chance.uniform(np.log(low), np.log(high))))
    return Person(
        name=f"{family}_{number:03d}",
        family=family,
        habits=habits,
        gyroscope=bool(chance.random() < 0.6),
        shape=str(chance.choice(SHAPES[family])),
    )
