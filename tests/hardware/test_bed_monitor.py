"""The bed node's arithmetic against simulated sleepers."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hardware.simulator.esphome.firmware import HARDWARE
from tests.hardware.toolchain import Compile

RATE_HZ = 10
MINUTE = 60 * RATE_HZ
OCCUPIED_KG, MOVING_KG = 25.0, 0.35

type Samples = NDArray[np.float64]


@pytest.fixture(scope="module")
def program(compiled: Compile) -> Path:
    return compiled("bed", HARDWARE / "components" / "smartloop_bed")


def minutes(program: Path, load: Samples) -> list[tuple[bool, float, float, float]]:
    text = "\n".join(f"{each:.4f}" for each in load)
    said = subprocess.run(
        [program, str(OCCUPIED_KG), str(MOVING_KG)], input=text, capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in said.splitlines())
    return [(row[0] == "1", float(row[1]), float(row[2]), float(row[3])) for row in rows]


def sleeper(seconds: float, per_minute: float, seed: int, kg: float = 70.0) -> Samples:
    random = np.random.default_rng(seed)
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    breath = 0.12 * np.sin(2 * np.pi * per_minute / 60 * times + random.uniform(0, 6))
    beat = 0.03 * np.sin(2 * np.pi * 1.1 * times)
    return kg + breath + beat + random.normal(0, 0.03, times.size)


def empty(seconds: float, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.03, round(seconds * RATE_HZ))


@pytest.mark.parametrize("per_minute", [8, 10, 12, 14, 16, 18, 21, 24])
def test_breathing(program: Path, per_minute: float) -> None:
    for seed in range(5):
        rows = minutes(program, np.concatenate([empty(60), sleeper(240, per_minute, seed)]))
        assert rows[-1][0]
        assert rows[-1][2] == pytest.approx(per_minute, abs=1.0)


def test_an_empty_bed_breathes_not(program: Path) -> None:
    for seed in range(5):
        rows = minutes(program, empty(300, seed))
        assert [row[0] for row in rows] == [False] * 5
        assert all(np.isnan(row[2]) for row in rows)


def test_noise_without_rhythm_is_no_breathing(program: Path) -> None:
    quiet = np.random.default_rng(7).normal(0, 0.05, 300 * RATE_HZ) + 70.0
    rows = minutes(program, np.concatenate([empty(60), quiet]))
    assert rows[-1][0]
    assert all(np.isnan(row[2]) for row in rows)


def test_a_restless_sleeper_moves_and_is_not_counted(program: Path) -> None:
    restless = sleeper(300, 14, 1)
    restless[::20] += np.random.default_rng(2).normal(0, 3.0, restless[::20].size)
    rows = minutes(program, np.concatenate([empty(60), restless]))
    assert rows[-1][1] > 0.05
    assert np.isnan(rows[-1][2])
    assert minutes(program, np.concatenate([empty(60), sleeper(300, 14, 1)]))[-1][1] < 0.01


def test_leaving_and_coming_back(program: Path) -> None:
    rows = minutes(program, np.concatenate([empty(120), sleeper(120, 14, 1), empty(120), sleeper(120, 14, 2)]))
    assert [row[0] for row in rows] == [False, False, True, True, False, False, True, True]


def test_a_blanket_becomes_part_of_the_empty_bed_and_a_person_never_does(program: Path) -> None:
    blanket = empty(60 * 60) + 5.0
    rows = minutes(program, np.concatenate([empty(60), blanket]))
    assert not any(row[0] for row in rows)
    assert rows[-1][3] == pytest.approx(5.0, abs=0.1)
    night = minutes(program, np.concatenate([empty(60), sleeper(8 * 3600, 13, 3)]))
    assert all(row[0] for row in night[2:])
    assert night[-1][3] == pytest.approx(0.0, abs=0.3)
