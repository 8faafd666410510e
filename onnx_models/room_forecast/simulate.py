"""Simulated rooms that widen the training: 2R2C for temperature, one moisture balance with a buffer.

Nothing here is measured. It teaches the linear maps that a room's answer to the weather may be
anything from none (thermostat, heavy walls) to nearly all (light, hot, without cooling), so that a
room's own past answer (features `gain` in `engine/features/forecast.py`) is what counts. Shares of
simulated rows are down-weighted against measured homes; no figure of merit is taken from them.

Equations, per room, explicit Euler at 10 minutes:
    Ci dTi/dt = (Tf - Ti)/Rif + (To - Ti)·(Hv + Hw) + fa·S + Qint + Qheat - Qcool
    Cf dTf/dt = (Ti - Tf)/Rif + (To - Tf)/Rfo + (1 - fa)·S
    de/dt     = -n(t)·(e - eo) + G(t) - kb·(e - w·es(Ti)),   dw/dt = kb/rb·(e/es(Ti) - w)
Walls and textiles hold water by relative humidity w, so a warming room gives vapour off.
Ranges (uniform unless said; typical values of dwellings, recalled from the literature):
    time constant of air and light mass Ci·Rif 1-6 h, of the fabric Cf·Rfo 20-150 h; Cf/Ci 3-15
    air change n 0.2-1.5 1/h, open window +1-4 1/h; moisture sources G 0.1-1.2 hPa/h by people, bursts
    of 2-10 hPa (shower, cooking, laundry) 0-3 a day; buffer exchange kb 0.05-0.6 1/h, ratio rb 1-8
    heated by a thermostat (18-22.5 °C, night setback 0-4 K): 95 % of the rooms where it is below 12 °C outside
    in the mean, 30 % elsewhere; cooled (24-27 °C): 20 %
    outdoor mean -3 to 27 °C, synoptic deviation 2-4.5 K with a memory of 2-5 days, diurnal 2-7 K
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]

STEPS = 6
"""Integration steps an hour."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """Hourly outdoor truth, (rooms, hours): °C, hPa, sun as a share of the brightest hour."""

    temperature: Array
    vapour_pressure: Array
    sun: Array


def saturation(temperature: Array) -> Array:
    """Return the saturation vapour pressure over water, hPa (Magnus, as the engine's)."""
    return 6.112 * np.exp(17.62 * temperature / (243.12 + temperature))


def _memory(rng: np.random.Generator, rooms: int, hours: int, tau: Array) -> Array:
    """Return unit-variance noise with an exponential memory of `tau` hours."""
    keep = np.exp(-1.0 / tau)
    noise = rng.standard_normal((rooms, hours))
    out = np.empty((rooms, hours))
    state = noise[:, 0]
    for hour in range(hours):
        state = keep * state + np.sqrt(1 - keep**2) * noise[:, hour]
        out[:, hour] = state
    return out


def weather(rng: np.random.Generator, rooms: int, hours: int) -> Weather:
    """Draw one stretch of weather per room."""

    def uniform(low: float, high: float) -> Array:
        return rng.uniform(low, high, (rooms, 1))

    hour = np.arange(hours)[None, :]
    clear = 1 / (1 + np.exp(-1.2 * _memory(rng, rooms, hours, rng.uniform(12, 48, rooms))))
    swing = np.cos(2 * np.pi * (hour - 15) / 24)
    mean = uniform(-3, 27)
    synoptic = uniform(2, 4.5) * _memory(rng, rooms, hours, rng.uniform(48, 120, rooms))
    drift = uniform(-0.1, 0.1) * hour / 24
    temperature = mean + synoptic + drift + uniform(2, 7) * (0.4 + clear) * swing * 0.8
    dew = mean + 0.8 * synoptic + drift - uniform(1, 7)
    dew = dew + uniform(1, 3) * _memory(rng, rooms, hours, rng.uniform(24, 72, rooms))
    dew = np.minimum(dew, temperature - 0.2)
    sun = clear * np.maximum(0.0, np.cos(2 * np.pi * (hour - 13) / 24))
    return Weather(temperature=temperature, vapour_pressure=saturation(dew), sun=sun)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rooms:
    """Hourly simulated rooms, (rooms, hours)."""

    temperature: Array
    vapour_pressure: Array
    outdoor: Weather


def _presence(rng: np.random.Generator, rooms: int, hours: int) -> Array:
    """Return a daily pattern of use with noise, 0-1."""
    hour = np.arange(hours)[None, :]
    peak, width = rng.uniform(0, 24, (rooms, 1)), rng.uniform(2, 6, (rooms, 1))
    distance = np.abs((hour - peak + 12) % 24 - 12)
    pattern: Array = np.exp(-0.5 * (distance / width) ** 2) * rng.uniform(0.3, 1.0, (rooms, hours))
    return pattern


def _bursts(rng: np.random.Generator, rooms: int, hours: int) -> Array:
    """Return moisture put in by showers, cooking and laundry, hPa in the hour."""
    hour = np.arange(hours)[None, :]
    out = np.zeros((rooms, hours))
    wet = rng.random((rooms, 1)) < 0.5
    for _ in range(3):
        usual = rng.uniform(0, 24, (rooms, 1))
        near = np.abs((hour - usual + 12) % 24 - 12) < 1.5
        out += (rng.random((rooms, hours)) < 0.25 * near) * rng.uniform(2, 10, (rooms, 1)) * wet
    return out


def rooms(seed: int, count: int, days: int) -> Rooms:
    """Return `count` rooms over `days` days, the same for the same seed."""
    rng = np.random.default_rng(seed)
    settle = 96
    hours = days * 24 + settle
    outdoor = weather(rng, count, hours)

    def uniform(low: float, high: float) -> Array:
        return rng.uniform(low, high, count)

    fast, slow, ratio = uniform(1, 6), uniform(20, 150), uniform(3, 15)
    change, window = uniform(0.2, 1.5), uniform(1, 4)
    opens = rng.random(count) < 0.6
    cold = outdoor.temperature.mean(1) < 12.0
    heated, cooled = rng.random(count) < np.where(cold, 0.95, 0.3), rng.random(count) < 0.2
    setpoint, setback, cool_at = uniform(18, 22.5), uniform(0, 4), uniform(24, 27)
    power, solar, internal, split = uniform(1, 4), uniform(0.0, 1.5), uniform(0.05, 0.4), uniform(0.1, 0.6)
    people, buffer, store = uniform(0.1, 1.2), uniform(0.05, 0.6), uniform(1, 8)
    use, bursts = _presence(rng, count, hours), _bursts(rng, count, hours)
    will = rng.random((count, hours))

    air = np.where(heated, setpoint, outdoor.temperature.mean(1) + 3.0)
    fabric = air.copy()
    vapour = outdoor.vapour_pressure[:, 0] + 2.0
    stored = np.minimum(vapour / saturation(air), 0.9)
    got_t, got_e = np.empty((count, hours)), np.empty((count, hours))
    step = 1.0 / STEPS
    for hour in range(hours):
        out_t, out_e = outdoor.temperature[:, hour], outdoor.vapour_pressure[:, hour]
        night = (hour % 24 < 6) | (hour % 24 >= 23)
        target = setpoint - setback * night
        opened = opens & (will[:, hour] < np.where(air > 24, 0.6, 0.06)) & (out_t < air + 2)
        n = change + window * opened
        sun = solar * outdoor.sun[:, hour]
        for _ in range(STEPS):
            heat = np.where(heated, np.clip(2.0 * (target - air), 0, power), 0.0)
            cool = np.where(cooled, np.clip(2.0 * (air - cool_at), 0, power), 0.0)
            # Air alone is a small part of the light mass: an air change an hour moves about a tenth of it.
            d_air = (
                (fabric - air) / fast + 0.1 * n * (out_t - air) + split * sun + internal * use[:, hour] + heat - cool
            )
            d_fabric = (air - fabric) / (fast * ratio) + (out_t - fabric) / slow + (1 - split) * sun / ratio
            full = saturation(air)
            excess = vapour - stored * full
            d_vapour = -n * (vapour - out_e) + people * use[:, hour] + bursts[:, hour] - buffer * excess
            d_stored = buffer / store * excess / full
            air, fabric = air + step * d_air, fabric + step * d_fabric
            vapour, stored = vapour + step * d_vapour, stored + step * d_stored
            vapour = np.minimum(vapour, saturation(air))
        got_t[:, hour], got_e[:, hour] = air, vapour
    noise_t = 0.08 * rng.standard_normal((count, hours))
    noise_e = 0.008 * got_e * rng.standard_normal((count, hours))
    keep = slice(settle, None)
    return Rooms(
        temperature=(got_t + noise_t)[:, keep],
        vapour_pressure=np.maximum(got_e + noise_e, 0.3)[:, keep],
        outdoor=Weather(
            temperature=outdoor.temperature[:, keep],
            vapour_pressure=outdoor.vapour_pressure[:, keep],
            sun=outdoor.sun[:, keep],
        ),
    )
