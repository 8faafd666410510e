"""Simulated batteries and rooms with a faulty sensor; seeded, and called simulated wherever they are scored.

Discharge curves are piecewise lines through the typical ones of makers' data sheets at small loads:
alkaline cells fall all the way from 1.58 to 0.9 V, with a knee at the end; lithium coin cells stay
near 3.0 V until some 85 % are used, then fall within weeks. Shapes vary from cell to cell. Devices
show volts, or a percentage that is a straight line in volts, in whole steps. Load is constant but for
a winter that takes a little more; cold shows as a lower voltage.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.models.battery import BatteryKind

type Array = NDArray[np.float64]

_USED = np.array([0.0, 0.03, 0.10, 0.25, 0.45, 0.60, 0.75, 0.87, 0.95, 0.985, 1.0])
_ALKALINE = np.array([1.60, 1.51, 1.44, 1.36, 1.28, 1.24, 1.19, 1.12, 1.03, 0.95, 0.88])
_COIN = np.array([3.10, 3.03, 3.01, 3.00, 2.98, 2.96, 2.93, 2.86, 2.70, 2.45, 2.00])


class Show(StrEnum):
    """What a device tells of its battery."""

    ALKALINE_MV = "alkaline_mv"
    ALKALINE_PERCENT = "alkaline_percent"
    COIN_PERCENT = "coin_percent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """One battery from new to empty, day by day."""

    show: Show
    kind: BatteryKind
    level: Array
    """mV or %"""
    temperature: Array
    """°C"""


def lives(count: int, seed: int) -> list[Life]:
    """Return batteries of every kind."""
    chance = np.random.default_rng(seed)
    return [_life(show, chance) for show in Show for _ in range(count)]


def _life(show: Show, chance: np.random.Generator) -> Life:
    days = int(np.clip(chance.lognormal(np.log(450.0), 0.5), 90, 1400))
    begin = chance.uniform(0, 365)
    day = np.arange(days) + begin
    season = np.cos(2 * np.pi * (day - 15) / 365.0)
    temperature = chance.uniform(8, 20) - chance.uniform(1, 8) * season + chance.normal(0, 1.5, days)
    load = 1.0 + chance.uniform(0.0, 0.25) * season
    used = np.cumsum(load) / load.sum()
    coin = show is Show.COIN_PERCENT
    curve = _COIN if coin else _ALKALINE
    bend = chance.uniform(0.85, 1.15)
    volts = np.interp(used**bend, _USED, curve + chance.normal(0, 0.01))
    volts += 0.0015 * (temperature - 20.0) * (1.0 + coin) + chance.normal(0, 0.004, days)
    if coin:
        low = chance.choice([2.0, 2.1, 2.2])
        level = np.clip(100.0 * (volts - low) / (3.0 - low), 0.0, 100.0)
        return Life(show=show, kind=BatteryKind(type="CR2450"), level=np.round(level), temperature=temperature)
    kind = BatteryKind(type="AAA", count=2)
    if show is Show.ALKALINE_MV:
        level = np.round(2000.0 * volts / 10.0) * 10.0
    else:
        step = chance.choice([0.5, 1.0, 5.0])
        low, high = chance.uniform(0.8, 1.0), chance.uniform(1.48, 1.62)
        level = np.round(np.clip(100.0 * (volts - low) / (high - low), 0.0, 100.0) / step) * step
    return Life(show=show, kind=kind, level=level, temperature=temperature)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trio:
    """One room's temperature and three sensors in it, one of them faulty, every 10 min."""

    truth: Array
    shown: Array
    """3 x steps; NaN where nothing was reported"""
    faulty: int


FAULTS = ("stuck", "drift", "offset", "noise", "spikes", "dead")


def trio(fault: str, spread: float, chance: np.random.Generator, days: int = 4) -> Trio:
    """Return a room; honest sensors are off by `spread` K (standard deviation) and noisy by 0.1 K."""
    steps = days * 144
    day = 2 * np.pi * np.arange(steps) / 144.0
    truth = (
        20.0
        + chance.uniform(0.3, 1.5) * np.sin(day + chance.uniform(0, 6.3))
        + np.cumsum(chance.normal(0, 0.03, steps))
    )
    shown = truth + chance.normal(0, spread, (3, 1)) + chance.normal(0, 0.1, (3, steps))
    faulty = int(chance.integers(3))
    begin = steps // 4
    rest = np.arange(steps - begin)
    if fault == "offset":
        shown[faulty] += chance.choice([-1, 1]) * chance.uniform(1.5, 5.0)
    elif fault == "drift":
        shown[faulty, begin:] += chance.choice([-1, 1]) * chance.uniform(0.01, 0.05) * rest
    elif fault == "stuck":
        shown[faulty, begin:] = shown[faulty, begin]
    elif fault == "noise":
        shown[faulty] += chance.normal(0, chance.uniform(0.5, 3.0), steps)
    elif fault == "spikes":
        shown[faulty] += np.where(chance.random(steps) < 0.2, chance.normal(0, 8.0, steps), 0.0)
    else:
        shown[faulty, begin:] = np.nan
    return Trio(truth=truth, shown=np.round(shown, 1), faulty=faulty)
