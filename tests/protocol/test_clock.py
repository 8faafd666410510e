"""When it was, and how sure that is: the truth lies within the uncertainty told."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.smartloop.protocol import Anchor, DeviceClock

HOUR, DAY = 3_600_000, 86_400_000
START = 1_800_000_000_000.0


def anchor(boot: int, true_ms: float, zero_ms: float, ppm: float, error_ms: float = 50, shift: float = 0) -> Anchor:
    """Return what a device with that clock would have been told."""
    ticks = round((true_ms - zero_ms) * (1 + ppm * 1e-6))
    return Anchor(boot=boot, ticks_ms=ticks, utc_ms=true_ms + shift, error_ms=error_ms)


@settings(max_examples=200)
@given(
    ppm=st.floats(-150, 150),
    days=st.lists(st.floats(0.1, 10), min_size=1, max_size=3),
    when=st.floats(0, 1),
    shifts=st.lists(st.floats(-49, 49), min_size=4, max_size=4),
)
def test_a_drifting_clock_is_corrected(ppm: float, days: list[float], when: float, shifts: list[float]) -> None:
    moments, at = [], START
    for length in days:
        at += length * DAY
        moments.append(at)
    anchors = [anchor(1, each, START, ppm, shift=shift) for each, shift in zip(moments, shifts, strict=False)]
    clock = DeviceClock(anchors[-1], anchors[:-1])
    truth = START + when * (moments[-1] - START)

    said, uncertainty = clock.at(1, round((truth - START) * (1 + ppm * 1e-6)))

    assert abs(said.timestamp() * 1000 - truth) <= uncertainty * 1000 + 1
    if len(days) > 1:
        assert clock.drift_ppm == pytest.approx(-ppm, abs=clock.drift_uncertainty_ppm)


def test_two_connections_measure_the_rate() -> None:
    clock = DeviceClock(anchor(1, START + 10 * DAY, START, 80), [anchor(1, START + DAY, START, 80)])

    assert clock.drift_ppm == pytest.approx(-80, abs=0.5)
    said, uncertainty = clock.at(1, round(5 * DAY * (1 + 80e-6)))
    assert abs(said.timestamp() * 1000 - (START + 5 * DAY)) < 100
    assert uncertainty < 10


def test_an_anchor_of_a_wrong_host_clock_is_left_out() -> None:
    wrong = anchor(1, START + DAY, START, 0, shift=-3 * HOUR)
    clock = DeviceClock(anchor(1, START + 2 * DAY, START, 0), [wrong])

    assert clock.drift_ppm is None
    assert clock.at(1, DAY)[0].timestamp() * 1000 == pytest.approx(START + DAY, abs=1)


@settings(max_examples=200)
@given(lengths=st.lists(st.floats(0.5, 200), min_size=2, max_size=6), gaps=st.floats(0, 20), share=st.floats(0, 1))
def test_a_boot_nobody_saw_lies_between_its_neighbors(lengths: list[float], gaps: float, share: float) -> None:
    zero, starts, ends = START, {}, {}
    for boot, hours in enumerate(lengths, 1):
        starts[boot], ends[boot] = zero, round(hours * HOUR)
        zero += ends[boot] + gaps * HOUR
    first = anchor(1, START + 0.2 * HOUR, START, 0)
    last = len(lengths) + 1
    now = anchor(last, zero + HOUR, zero, 0)
    clock = DeviceClock(now, [first], ends)
    for boot in range(2, last):
        ticks = round(share * ends[boot])
        said, uncertainty = clock.at(boot, ticks)
        truth = starts[boot] + ticks
        assert abs(said.timestamp() * 1000 - truth) <= uncertainty * 1000 + 1
        assert uncertainty * 1000 <= gaps * HOUR * last + 200 * HOUR * 1e-3


def test_an_unknown_boot_says_how_unsure_it_is() -> None:
    said, uncertainty = DeviceClock(anchor(9, START, START - DAY, 0)).at(3, HOUR)

    assert said.timestamp() * 1000 < START
    assert uncertainty > 86_400


@given(st.integers(0, 0xFFFF), st.integers(0, 2**48 - 1), st.integers(0, 0xFFFF), st.integers(0, 2**48 - 1))
def test_no_ticks_lead_out_of_the_calendar(boot: int, ticks: int, now_boot: int, now_ticks: int) -> None:
    clock = DeviceClock(
        Anchor(boot=now_boot, ticks_ms=now_ticks, utc_ms=START, error_ms=20),
        [
            Anchor(boot=now_boot, ticks_ms=5, utc_ms=0, error_ms=0),
            Anchor(boot=boot, ticks_ms=ticks, utc_ms=2**48, error_ms=0),
        ],
        {boot: ticks, 0: 2**48 - 1, 0xFFFF: 2**48 - 1},
    )

    said, uncertainty = clock.at(boot, ticks)

    assert 2020 <= said.year <= 2027
    assert math.isfinite(uncertainty)


@settings(max_examples=100)
@given(st.floats(-40_000, 40_000), st.floats(0, 1))
def test_a_clock_without_a_crystal_says_so_and_is_corrected(ppm: float, when: float) -> None:
    anchors = [anchor(1, START + days * DAY, START, ppm) for days in (0.25, 0.5, 1.0)]
    clock = DeviceClock(anchors[-1], anchors[:-1], tolerance_ppm=50_000)
    truth = START + when * DAY

    said, uncertainty = clock.at(1, round((truth - START) * (1 + ppm * 1e-6)))

    assert abs(said.timestamp() * 1000 - truth) <= uncertainty * 1000 + 1
    assert uncertainty < 1800
    assert DeviceClock(anchors[-1], anchors[:-1]).drift_ppm is None or abs(ppm) <= 510
