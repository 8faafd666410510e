"""One puff as a body does it: where the canister points, how it is shaken and struck, how the breath flows.

Written down at 208 Hz in the sensor's own axes, without any error of a sensor, beside the truth. The up direction
turns from carrying to the mouth and away; shaking is a tone with a wandering pitch along an axis near the canister,
and the wrist turns with it; a press is a short pulse, and another when the canister springs back. What is no press:
setting down, tapping, the cap's click, fumbling. Flow is shaped, peaked and limited by volume.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .people import SHAPES, Person

type Array = NDArray[np.float64]

HERTZ: Final = 208.0
PRESS_S: Final = 15.0
LENGTH_S: Final = 26.0
COUNT: Final = int(LENGTH_S * HERTZ)
TIMES: Final = np.arange(COUNT) / HERTZ


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """What was done."""

    pressed: bool
    press_s: float
    shake_s: float
    tilt_deg: float
    offset_s: float
    """Press after the start of the breath"""
    peak_lpm: float
    hold_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Maneuver:
    """One puff, or a puff that was none."""

    person: Person
    truth: Truth
    acceleration: Array
    """(n, 3) g"""
    turning: Array
    """(n, 3) deg/s"""
    flow: Array
    """(n,) L/min, outwards negative"""


def _unit(vector: ArrayLike) -> Array:
    array = np.asarray(vector, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array))


def _pointing(tilt: float, way: float) -> Array:
    """Return what is up, in the sensor's axes, for a tilt and the side it leans to (deg, rad)."""
    angle = np.radians(tilt)
    return np.array([np.sin(angle) * np.cos(way), np.sin(angle) * np.sin(way), np.cos(angle)])


def _step(at: float, took: float) -> Array:
    """Return a smooth step from 0 to 1."""
    share = np.clip((TIMES - at) / took + 0.5, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _pulse(at: float, seconds: float) -> Array:
    """Return a bump of half a sine."""
    out = np.zeros(COUNT)
    low, high = (int(np.clip(np.ceil(moment * HERTZ), 0, COUNT)) for moment in (at, at + seconds))
    out[low:high] = np.sin(np.pi * (TIMES[low:high] - at) / seconds)
    return out


def _window(begin: float, end: float) -> Array:
    """Return 1 between two times, with flanks of a sixth of a second."""
    return np.clip((TIMES - begin) / 0.16 + 0.5, 0.0, 1.0) * np.clip((end - TIMES) / 0.16 + 0.5, 0.0, 1.0)


def _mixed(habit: float, low: float, high: float, spread: float, chance: np.random.Generator) -> float:
    """Return one puff's value: mostly the habit, sometimes anything, so that every class is met."""
    if chance.random() < 0.35:
        return float(chance.uniform(low, high))
    return float(np.clip(habit + chance.normal(0.0, spread), low, high))


def _shaking(person: Person, begin: float, seconds: float, chance: np.random.Generator) -> tuple[Array, Array]:
    """Return the push (n, 3) g and the wrist's angle (n,) deg."""
    habits = person.habits
    active = np.zeros(COUNT)
    left, at = seconds, begin
    while left > 0.05:
        part = left if chance.random() < 0.75 else min(left, float(chance.uniform(0.8, 4.0)))
        active = np.maximum(active, _window(at, at + part))
        left -= part
        at += part + float(chance.uniform(0.2, 0.7))
    pitch = habits["shake_hz"] * (1.0 + 0.08 * np.cumsum(chance.normal(0, 1, COUNT)) / HERTZ**0.5 / 2.0)
    phase = 2.0 * np.pi * np.cumsum(np.clip(pitch, 1.2, 7.5)) / HERTZ + chance.uniform(0, 6.28)
    # a = A (2 pi f)^2, and no arm does more than 6 g.
    top = habits["stroke_cm"] / 100.0 * (2.0 * np.pi * habits["shake_hz"]) ** 2 / 9.81
    size = min(top * float(chance.uniform(0.7, 1.3)), 6.0) * active
    off, way = np.radians(habits["shake_off_deg"]), chance.uniform(0, 6.28)
    axis = np.array([np.sin(off) * np.cos(way), np.sin(off) * np.sin(way), np.cos(off)])
    tone = np.sin(phase) + 0.25 * np.sin(2.0 * phase + 0.7)
    return (size * tone)[:, None] * axis, habits["wrist_deg"] * active * np.sin(phase + 0.9)


def _breath(person: Person, start: float, peak: float, chance: np.random.Generator) -> tuple[Array, float, float]:
    """Return the flow in (n,), its true peak and its end."""
    habits = person.habits
    shape = person.shape if chance.random() < 0.6 else str(chance.choice(SHAPES[person.family]))
    rise = habits["rise_s"] * float(chance.uniform(0.8, 1.25)) / 0.8
    volume = habits["volume_l"] * float(chance.uniform(0.8, 1.2))
    fill = {"hump": 0.55, "plateau": 0.8, "spike": 0.4, "twice": 0.6}[shape]
    lasts = float(np.clip(60.0 * volume / (peak * fill), 1.1 * rise + 0.3, 6.0))
    share = np.clip((TIMES - start) / lasts, 0.0, 1.0)
    up = min(rise / lasts, 0.8)
    climb = np.sin(0.5 * np.pi * np.clip(share / up, 0.0, 1.0)) ** 1.5
    fall = np.clip((share - up) / (1.0 - up), 0.0, 1.0)
    body = {
        "hump": np.cos(0.5 * np.pi * fall) ** 1.3,
        "plateau": 1.0 - fall**5,
        "spike": np.exp(-3.0 * fall) * (1.0 - fall**4),
        "twice": np.cos(0.5 * np.pi * fall) * (1.0 - 0.35 * np.sin(2.0 * np.pi * fall)),
    }[shape]
    flow = np.where((share > 0.0) & (share < 1.0), climb * body, 0.0)
    flow *= peak / max(float(flow.max()), 1e-6)
    return flow, float(flow.max()), start + lasts


def _turning(up: Array, chance: np.random.Generator) -> Array:
    """Return what a gyroscope shows (n, 3) deg/s for a direction that turns, and some turning about it."""
    change = np.gradient(up, 1.0 / HERTZ, axis=0)
    about = 25.0 * np.sin(2 * np.pi * chance.uniform(0.1, 0.4) * TIMES + chance.uniform(0, 6.28))
    return np.degrees(np.cross(change, up)) + about[:, None] * up


def _jolt(at: float, size: float, seconds: float, axis: Array) -> Array:
    """Return a stroke and its rebound (n, 3), g."""
    out = np.zeros((COUNT, 3))
    low = max(int(at * HERTZ) - 1, 0)
    part = slice(low, low + int(4.0 * seconds * HERTZ) + 4)
    bump = np.zeros(TIMES[part].size)
    for later, share in ((0.0, 1.0), (1.0, -0.6), (2.2, 0.25)):
        phase = (TIMES[part] - at) / seconds - later
        bump += share * np.where((phase >= 0.0) & (phase < 1.0), np.sin(np.pi * phase), 0.0)
    out[part] = -size * bump[:, None] * axis
    return out


def _others(chance: np.random.Generator, *, pressed: bool) -> tuple[Array, Array]:
    """Return jolts (n, 3) that are no press, and a last turn (n,) from 0 to 1 as the inhaler is put down."""
    out = np.zeros((COUNT, 3))
    count = int(chance.integers(0, 3)) if pressed else int(chance.integers(2, 6))
    for _ in range(count):
        at = float(chance.uniform(1.0, 24.5))
        if pressed and abs(at - PRESS_S) < 2.0:
            continue
        size, seconds = float(chance.uniform(0.3, 2.5)), float(chance.uniform(0.008, 0.05))
        out += _jolt(at, size, seconds, _unit(chance.normal(0, 1, 3)))
        # A hand that taps or clicks moves with it; sometimes it hardly does.
        low, high = max(int((at - 0.3) * HERTZ), 0), int((at + chance.uniform(0.1, 0.8)) * HERTZ)
        part = chance.normal(0, 0.35 * chance.choice([0.15, 0.6, 1.0]), (high - low, 3))
        smooth = np.stack([np.convolve(part[:, i], np.ones(9) / 3.0, "same") for i in range(3)], axis=1)
        out[low:high] += smooth[: COUNT - low]
    down = np.zeros(COUNT)
    if chance.random() < 0.3:
        at = float(chance.uniform(23.5, 24.8))
        down = _step(at, 0.3)
        out += _jolt(at + 0.15, float(chance.uniform(1.0, 4.0)), 0.015, _unit(chance.normal(0, 1, 3)))
    return out, down


def maneuver(person: Person, number: int, seed: int, *, pressed: bool = True) -> Maneuver:
    """Return one puff of a person; the same for the same numbers. Not pressed: all but the press and the breath."""
    chance = np.random.default_rng([seed, *person.name.encode(), number, pressed])
    habits = person.habits
    shake = _mixed(habits["shake_s"], 0.0, 10.0, 0.35 * habits["shake_s"] + 0.3, chance)
    shake = 0.0 if shake < 0.4 or chance.random() < 0.1 else shake
    tilt = abs(_mixed(habits["tilt_deg"], 0.0, 110.0, 8.0, chance))
    offset = _mixed(habits["offset_s"], -1.5, 2.0, 0.25, chance)
    low, high = (np.log(each) for each in (18.0, 150.0))
    peak = float(np.exp(_mixed(np.log(habits["peak_lpm"]), low, high, 0.15, chance)))
    hold = _mixed(habits["hold_s"], 0.3, 12.0, 0.3 * habits["hold_s"], chance)
    settle = min(habits["settle_s"] * float(chance.uniform(0.7, 1.4)), 14.0 - 1.15 * shake - 1.0)
    push, wrist = _shaking(person, PRESS_S - settle - shake * 1.15, shake, chance)
    # Where the inhaler points: carried, shaken, at the mouth, away.
    way = chance.uniform(0, 6.28)
    carried, mouth = _pointing(float(chance.uniform(0, 80)), chance.uniform(0, 6.28)), _pointing(tilt, way)
    away = _pointing(float(chance.uniform(30, 120)), chance.uniform(0, 6.28))
    lift = PRESS_S - max(settle * float(chance.uniform(0.45, 0.7)), 0.6)
    flow, top, end = np.zeros(COUNT), 0.0, PRESS_S + 3.0
    if pressed:
        flow, top, end = _breath(person, PRESS_S - offset, peak, chance)
    lowered = end + (float(chance.uniform(0.4, 2.5)) if chance.random() < habits["lowers"] else hold + 0.4)
    raised, gone = _step(lift, 0.7)[:, None], _step(lowered, 0.8)[:, None]
    up = carried * (1 - raised) + mouth * raised
    sway = np.radians(3.0) * np.sin(2 * np.pi * chance.uniform(0.1, 0.3) * TIMES + chance.uniform(0, 6.28))
    side = _unit(np.cross(mouth, [0.3, -0.5, 0.8]))
    others, down = _others(chance, pressed=pressed)
    up = up * (1 - gone) + away * gone
    up = up * (1 - down[:, None]) + _pointing(90.0, way) * down[:, None]
    up += np.sin(np.radians(wrist) + sway)[:, None] * side
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    # Blown out while it is still at the mouth; a valve between some inhalers and their sensor would hide it.
    if pressed and chance.random() < habits["blows"] and lowered > end + hold:
        flow = flow - float(chance.uniform(8, 30)) * _pulse(end + hold, 1.2)
    shift = np.clip(np.convolve(chance.normal(0, 1, COUNT), np.ones(12) / 12**0.5, "same"), -3, 3)
    tremor = habits["tremor_g"] * np.sin(2 * np.pi * chance.uniform(8, 12) * TIMES + 0.6 * np.cumsum(shift) / HERTZ)
    linear = push + others + tremor[:, None] * _unit(chance.normal(0, 1, 3))
    linear += 0.5 * habits["tremor_g"] * chance.normal(0, 1, (COUNT, 3))
    if chance.random() < 0.2:
        pace, until = (
            float(chance.uniform(1.5, 2.1)),
            float(chance.uniform(2.0, max(PRESS_S - settle - shake * 1.2, 2.5))),
        )
        steps = np.sin(2 * np.pi * pace * TIMES) + 0.45 * np.sin(4 * np.pi * pace * TIMES + 1.0)
        linear += (habits["walk_g"] * steps * _window(0.0, until))[:, None] * up
    if pressed:
        at, seconds = PRESS_S, habits["jolt_ms"] / 1000.0 * float(chance.uniform(0.85, 1.15))
        size = max(habits["jolt_g"] * float(chance.uniform(0.75, 1.25)), 0.9)
        axis = _unit(np.array([0.0, 0.0, 1.0]) + chance.normal(0, 0.15, 3))
        linear += _jolt(at, size, seconds, axis)
        linear -= _jolt(at + habits["release_s"], 0.5 * size, seconds, axis)
        flow = flow + habits["spray_lpm"] * _pulse(at, 0.15)
    truth = Truth(
        pressed=pressed,
        press_s=PRESS_S,
        shake_s=shake,
        tilt_deg=float(np.degrees(np.arccos(np.clip(up[int(PRESS_S * HERTZ)][2], -1, 1)))),
        offset_s=offset,
        peak_lpm=top,
        hold_s=hold,
    )
    # Where the sensor's own axes are shaken along is also where gravity is felt.
    return Maneuver(person=person, truth=truth, acceleration=up + linear, turning=_turning(up, chance), flow=flow)
