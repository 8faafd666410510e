"""The sleeve's detector against simulated movements of an inhaler."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hardware.simulator.esphome.firmware import HARDWARE
from tests.hardware.toolchain import Compile

RATE_HZ = 104
SEEDS = range(60)

type Samples = NDArray[np.float64]


@pytest.fixture(scope="module")
def program(compiled: Compile) -> Path:
    return compiled("puffs", HARDWARE / "components" / "smartloop_sleeve")


@dataclass
class Hand:
    """Moves a sleeve about and writes down what its sensors would say."""

    seed: int
    noise_g: float = 0.02
    lines: list[str] = field(default_factory=list)
    now_ms: float = 0.0

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.up = np.array([0.0, 0.0, 1.0])

    def say(self, line: str) -> None:
        self.lines.append(line)

    def cap(self, *, off: bool) -> None:
        self.say(f"c {self.now_ms:.0f} {int(off)}")

    def hold(self, tilt_deg: float) -> None:
        """Turn the canister's axis away from upright, in a direction of its own."""
        tilt, way = np.radians(tilt_deg), self.random.uniform(0, 2 * np.pi)
        self.up = np.array([np.sin(tilt) * np.cos(way), np.sin(tilt) * np.sin(way), np.cos(tilt)])

    def move(self, seconds: float, extra: Samples | None = None, *, weight: float = 1.0) -> None:
        """Write samples: gravity along `up`, tremor of a hand, and what is done on top."""
        count = round(seconds * RATE_HZ)
        tremor = self.random.normal(0, self.noise_g, (count, 3))
        trace = weight * self.up + tremor + (0 if extra is None else extra)
        for x, y, z in trace:
            self.now_ms += 1000 / RATE_HZ
            self.say(f"m {self.now_ms:.0f} {x:.4f} {y:.4f} {z:.4f}")

    def shake(self, seconds: float, hertz: float, size_g: float) -> None:
        """Shake along the canister, as leaflets ask."""
        times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        along = size_g * np.sin(2 * np.pi * hertz * times)
        across = 0.3 * size_g * np.sin(2 * np.pi * hertz * times + 1.0)
        self.move(seconds, along[:, None] * self.up + across[:, None] * np.array([1.0, 0.0, 0.0]))

    def press(self, size_g: float) -> float:
        """Press the canister: a jolt of two samples, its echo 30 ms later; return when."""
        count = round(0.2 * RATE_HZ)
        jolt = np.zeros((count, 3))
        jolt[0] = -size_g * self.up
        jolt[1] = 0.6 * size_g * self.up
        jolt[3] = 0.25 * size_g * self.up
        at = self.now_ms
        self.move(0.2, jolt)
        return at

    def inhale(self, seconds: float, peak_lpm: float) -> None:
        for share in np.linspace(0, 1, round(seconds * 25)):
            self.move(0.04)
            self.say(f"f {self.now_ms:.0f} {peak_lpm * np.sin(np.pi * share):.2f}")

    def walk(self, seconds: float) -> None:
        times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        steps = 0.35 * np.sin(2 * np.pi * 1.9 * times) + 0.5 * (np.sin(2 * np.pi * 1.9 * times) > 0.97)
        self.move(seconds, steps[:, None] * np.array([0.2, 0.3, 0.9]))

    def drop(self) -> None:
        self.move(0.3, weight=0.02)
        hit = np.zeros((round(0.3 * RATE_HZ), 3))
        hit[0], hit[1], hit[4] = (4.0, -3.0, 6.0), (-2.0, 1.0, -3.0), (1.0, 1.0, 1.5)
        self.move(0.3, hit)
        self.hold(float(self.random.uniform(60, 110)))
        self.move(2.0)


def puffs(program: Path, hand: Hand) -> list[dict[str, Any]]:
    said = subprocess.run(program, input="\n".join(hand.lines) + "\n", capture_output=True, text=True, check=True)
    return [json.loads(line) for line in said.stdout.splitlines()]


def maneuver(seed: int, *, shake_s: float, tilt_deg: float) -> tuple[Hand, float]:
    """Take the inhaler out, shake it, hold it, press once, put it away."""
    hand = Hand(seed)
    hand.hold(float(hand.random.uniform(0, 60)))
    hand.move(2.0)
    hand.cap(off=True)
    hand.move(1.0)
    if shake_s:
        hand.shake(shake_s, float(hand.random.uniform(2.5, 5.0)), float(hand.random.uniform(0.8, 2.2)))
    hand.hold(tilt_deg)
    hand.move(float(hand.random.uniform(1.2, 3.0)))
    at = hand.press(float(hand.random.uniform(1.3, 3.5)))
    hand.move(8.0)
    hand.cap(off=False)
    hand.walk(3.0)
    return hand, at


def test_every_actuation_is_found_once(program: Path) -> None:
    found = extra = 0
    for seed in SEEDS:
        random = np.random.default_rng(1000 + seed)
        hand, at = maneuver(seed, shake_s=random.uniform(0, 9), tilt_deg=random.uniform(0, 70))
        said = puffs(program, hand)
        hits = [puff for puff in said if abs(puff["at_ms"] - at) < 60]
        found += len(hits) == 1
        extra += len(said) - len(hits)
    precision_recall = 2 * found / (2 * found + extra + (len(SEEDS) - found))
    assert precision_recall >= 0.99


def test_shaking_is_measured_well_enough_to_tell_short_from_long(program: Path) -> None:
    right = 0
    for seed in SEEDS:
        random = np.random.default_rng(2000 + seed)
        # Nobody can say of 4.6 s whether it was five.
        shake_s = float(random.uniform(0, 4.0) if seed % 2 else random.uniform(6.0, 11.0))
        hand, _ = maneuver(seed, shake_s=shake_s, tilt_deg=10)
        measured = puffs(program, hand)[0]["shake_s"]
        assert measured == pytest.approx(shake_s, abs=1.0)
        right += (measured >= 5.0) == (shake_s >= 5.0)
    assert right / len(SEEDS) >= 0.95


@pytest.mark.parametrize("tilt_deg", [0, 15, 30, 45, 60, 90, 150])
def test_tilt_at_the_actuation(program: Path, tilt_deg: float) -> None:
    for seed in range(10):
        hand, _ = maneuver(seed, shake_s=5.0, tilt_deg=tilt_deg)
        assert puffs(program, hand)[0]["tilt_deg"] == pytest.approx(tilt_deg, abs=7.0)


@pytest.mark.parametrize("seed", range(10))
def test_a_pocket_a_shake_and_a_fall_are_no_puffs(program: Path, seed: int) -> None:
    hand = Hand(seed)
    hand.walk(20.0)
    hand.press(3.0)
    hand.move(3.0)
    hand.cap(off=True)
    hand.move(2.0)
    hand.shake(6.0, 3.5, 1.8)
    hand.move(3.0)
    hand.drop()
    hand.cap(off=False)
    hand.walk(5.0)
    assert puffs(program, hand) == []


def test_two_puffs_half_a_minute_apart_are_two(program: Path) -> None:
    hand, first = maneuver(1, shake_s=5.0, tilt_deg=5)
    hand.cap(off=True)
    hand.move(20.0)
    second = hand.press(2.0)
    hand.move(8.0)
    assert [
        round((puff["at_ms"] - at) / 100) for puff, at in zip(puffs(program, hand), (first, second), strict=True)
    ] == [0, 0]


def test_flow_gives_peak_and_envelope_and_tells_a_test_spray(program: Path) -> None:
    hand = Hand(3)
    hand.say("has flow")
    hand.cap(off=True)
    hand.move(3.0)
    hand.press(2.0)
    hand.inhale(3.0, 42.0)
    hand.move(4.0)
    hand.press(2.0)
    hand.inhale(1.0, 0.5)
    hand.move(6.0)
    inhaled, sprayed = puffs(program, hand)
    assert inhaled["peak"] == pytest.approx(42.0, abs=1.0)
    assert inhaled["samples"] == pytest.approx(3.2 / 0.15, abs=2)
    assert not inhaled["test"]
    assert sprayed["test"]


def test_a_switch_under_the_canister_decides_alone(program: Path) -> None:
    hand = Hand(4)
    hand.say("has switch")
    hand.cap(off=True)
    hand.move(3.0)
    hand.press(3.0)
    hand.move(6.0)
    assert puffs(program, hand) == []
    hand.say(f"p {hand.now_ms:.0f}")
    hand.move(6.0)
    assert len(puffs(program, hand)) == 1


def test_without_samples_there_is_no_tilt(program: Path) -> None:
    lines = ["has switch", "c 0 1", "p 1000", "f 9000 1"]
    said = subprocess.run(program, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout
    assert '"tilt_deg": nan' in said
