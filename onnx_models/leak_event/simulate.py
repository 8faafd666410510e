"""Put leaks into real clean homes ("injected"): the meter counts the home's own water and the leak's, in its own steps.

Where in its step the meter stands is drawn by chance. The leak is constant, as a dripping joint or a toilet's valve is
at one pressure; `CYCLE` is a cistern that leaks and refills.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.water import HOUR, Draw

from .data import DAY, Array, Flat, Home

WARM_S: Final = 30.0 * DAY
FOLLOWED_S: Final = 30.0 * DAY
EVERY_S: Final = 21.0 * DAY
RATES: Final = (0.5, 1.0, 2.0, 5.0, 30.0)
"""L/h"""
REFILL: Final = 6.0
"""L a cistern takes at once"""
BURSTS: Final = (12.0, 15.0, 25.0)
"""L/min"""


class Shape(StrEnum):
    """How a leak runs."""

    CONSTANT = "constant"
    CYCLE = "cycle"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leak:
    """One injected leak."""

    start: float
    rate: float
    """L/h"""
    shape: Shape = Shape.CONSTANT
    phase: float = 0.0
    """0-1, where in its step the meter stood"""


def step(home: Home) -> float:
    """Return the meter's smallest step, L."""
    rises = np.diff(home.total)
    rises = rises[rises > 1e-6]
    return float(rises.min()) if rises.size else 1.0


def starts(home: Home, chance: np.random.Generator) -> list[float]:
    """Return when leaks begin: three weeks apart, after a month, with a month to come."""
    first = home.at[0] + WARM_S + chance.random() * DAY
    return [float(at) for at in np.arange(first, home.at[-1] - FOLLOWED_S, EVERY_S)]


def leaks(home: Home, seed: int) -> list[Leak]:
    """Return the leaks to be put into a home, one at a time."""
    chance = np.random.default_rng([seed, *home.name.encode()])
    out = []
    for at in starts(home, chance):
        out += [Leak(start=at, rate=rate, phase=float(chance.random())) for rate in RATES]
        out.append(Leak(start=at, rate=2.0, shape=Shape.CYCLE, phase=float(chance.random())))
    return out


def leaked(leak: Leak, at: Array) -> Array:
    """Return the litres lost by then."""
    lost = leak.rate * np.maximum(at - leak.start, 0.0) / HOUR
    return np.floor(lost / REFILL) * REFILL if leak.shape is Shape.CYCLE else lost


def with_leak(leak: Leak, at: Array, total: Array, size: float) -> Array:
    """Return what the meter shows with the leak."""
    return np.asarray(np.floor((total + leaked(leak, at)) / size + leak.phase) * size)


def with_burst(place: Flat, start: float, flow: float, minutes: float) -> tuple[Array, Array]:
    """Return seconds and flow around a burst, from a quarter of an hour before."""
    near: NDArray[np.bool_] = (place.at >= start - 900.0) & (place.at < start + 60.0 * minutes)
    at = np.union1d(place.at[near], start + np.arange(60.0 * minutes))
    total = np.zeros(at.size)
    total[np.searchsorted(at, place.at[near])] = place.flow[near]
    return at, total + np.where(at >= start, flow, 0.0)


def retuned(draw: Draw, fixture: str, chance: np.random.Generator) -> Draw:
    """Return a draw as another home would make it: more or less flow, and level or not; three in ten are seen without their shape.

    A shower lasts as long, a machine takes as many litres, a tap is in between. Ranges were settled by hand on the
    flat and on how many showers of the 24 reference homes were named; showers there run at 4 to 11 L/min, not 5.
    """
    low, high = {"machine": (-0.4, 0.15), "shower": (-0.2, 0.8)}.get(fixture, (-0.25, 0.9))
    factor = float(np.exp(chance.uniform(low, high)))
    kept = {"machine": 1.0, "shower": 0.0}.get(fixture, float(chance.random()))
    slower = factor**-kept
    shapeless = chance.random() < 0.3
    return replace(
        draw,
        litres=draw.litres * factor * slower,
        end=draw.start + draw.seconds * slower,
        flowing_s=draw.flowing_s * slower,
        peak=draw.peak * factor,
        rough=draw.rough * float(np.exp(chance.uniform(-1.5, 0.4))),
        readings=0 if shapeless else max(int(draw.readings * slower), 1),
    )
