"""What a simulated home's other sensors say: climate, gases, plugs, motion, and a station outdoors."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.particle_event import Surroundings

from .truth import Cause

type Array = NDArray[np.float64]
type Flags = NDArray[np.bool_]

_FADE_S = 2400.0
_DAY_S = 86400.0
_AIRED_S = 1800.0
_CLIMATE = ("humidity", "temperature")
_GASES = ("co2", "voc", "nox")
_PLUGS = ("cooking", "vacuum", "window")
_IDLE = (("cooking", 0.8, 900.0), ("vacuum", 0.15, 1800.0), ("window", 0.6, 1800.0))
"""Switched on without a source in the room (water for tea, a robot elsewhere): name, times a day, s"""


def surroundings(
    rng: np.random.Generator,
    has: Mapping[str, bool],
    room: int,
    sources: Sequence[Cause],
    episodes: Sequence[Cause],
    usual: Array,
) -> tuple[Surroundings, ...]:
    """Return what is known a minute each; `usual` is the outdoor level every five minutes, episodes not in it."""
    minutes = np.asarray(np.arange(0.0, usual.size * 300.0 + 60.0, 60.0), dtype=np.float64)
    series = _levels(rng, minutes)
    for source in sources:
        here = 1.0 if source.room == room else 0.25
        bump = _bump(minutes, source)
        for name, size in source.ups.items():
            series[name] += here * size * bump
    given: dict[str, Array] = {}
    motion, switches = _motion(rng, minutes, sources, room), _switches(rng, minutes, sources)
    station = _station(rng, minutes, usual, episodes)
    if has["climate"]:
        given |= {name: series[name] for name in _CLIMATE}
    if has["gases"]:
        given |= {name: series[name] for name in _GASES}
    if has["station"]:
        given["outdoor"] = station
    if has["power"]:
        given |= {name: switches[name].astype(np.float64) for name in _PLUGS}
    if has["power"] and has["purifier"]:
        given["purifier"] = switches["purifier"].astype(np.float64)
    if has["motion"]:
        given["motion"] = motion
    given["hour"] = np.mod(minutes / 3600.0, 24.0)
    names = list(given)
    rows = np.stack(list(given.values()), axis=1).tolist()
    return tuple(Surroundings(**dict(zip(names, row, strict=True))) for row in rows)


def _levels(rng: np.random.Generator, minutes: Array) -> dict[str, Array]:
    """Return climate and gases without sources."""
    count, day = minutes.size, 2 * np.pi * minutes / _DAY_S
    return {
        "humidity": rng.uniform(35, 60) + 4 * np.sin(day) + np.cumsum(rng.normal(0, 0.05, count)).clip(-8, 8),
        "temperature": rng.uniform(19, 24) + np.sin(day + 2) + rng.normal(0, 0.05, count),
        "co2": rng.uniform(450, 800) + 150 * np.sin(day) + rng.normal(0, 15, count),
        "voc": rng.uniform(60, 140) + np.cumsum(rng.normal(0, 1.0, count)).clip(-40, 60),
        "nox": 1.0 + rng.exponential(0.5, count),
    }


def _bump(minutes: Array, source: Cause) -> Array:
    """Return a rise while a source lasts and its fall after, 0 to 1."""
    since = minutes - source.begin
    up = np.clip(since / max(source.length, 60.0), 0.0, 1.0)
    down = np.exp(-np.clip(since - source.length, 0.0, 6 * _FADE_S) / _FADE_S)
    return np.where(since > 0.0, up * down, 0.0)


def _during(minutes: Array, begin: float, length: float) -> Flags:
    return (minutes >= begin) & (minutes < begin + length)


def _motion(rng: np.random.Generator, minutes: Array, sources: Sequence[Cause], room: int) -> Array:
    """Return the share of each minute with motion in the room."""
    hour = np.mod(minutes / 3600.0, 24.0)
    out = np.where((hour > 7.0) & (hour < 23.0), 0.08, 0.005) * rng.exponential(1.0, minutes.size)
    for source in sources:
        if source.room == room:
            during = _during(minutes, source.begin, source.length)
            out = np.where(during, np.maximum(out, source.motion), out)
    return np.clip(out, 0.0, 1.0)


def _switches(rng: np.random.Generator, minutes: Array, sources: Sequence[Cause]) -> dict[str, Flags]:
    """Return when plugs draw power and windows are open."""
    out = {name: np.zeros(minutes.size, dtype=np.bool_) for name in (*_PLUGS, "purifier")}
    for source in sources:
        if source.device and source.activity is not None:
            out[source.activity.device] |= _during(minutes, source.begin, source.length)
        if source.air > 1.0:
            out["window"] |= _during(minutes, source.begin, source.length + _AIRED_S)
        if source.purifier:
            out["purifier"] |= _during(minutes, source.begin + 600.0, 7200.0)
    for name, rate, length in _IDLE:
        for begin in rng.uniform(0.0, minutes[-1], rng.poisson(rate * minutes[-1] / _DAY_S)):
            out[name] |= _during(minutes, begin, length)
    return out


def _station(rng: np.random.Generator, minutes: Array, usual: Array, episodes: Sequence[Cause]) -> Array:
    """Return the outdoor level as a station some kilometres away reports it each hour."""
    level = np.interp(minutes, np.arange(usual.size) * 300.0, usual)
    for each in episodes:
        since = minutes - each.begin
        shape = np.minimum(since / each.ramp, (each.length + each.ramp - since) / each.ramp)
        level += each.emission[:2].sum() * np.clip(shape, 0.0, 1.0)
    hours = minutes.size // 60 + 1
    unsteady = np.repeat(np.exp(rng.normal(0.0, 0.15, hours)), 60)[: minutes.size]
    held = np.repeat(level[::60], 60)[: minutes.size]
    return np.asarray(held * np.exp(rng.normal(0.0, 0.08)) * unsteady)
