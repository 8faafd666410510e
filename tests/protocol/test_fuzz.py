"""Hostile bytes, a bounded share of what `script/fuzz` tries: nothing escapes but our own errors, nothing grows."""

import random
import tracemalloc
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import fuzz
from bench.protocol import measure
from custom_components.smartloop.protocol import DATA_UUID, DeviceKind, Download, MalformedError, ProtocolError
from custom_components.smartloop.protocol.fragments import MAX_MESSAGE, Reassembly, split
from custom_components.smartloop.protocol.records import parse_page

from .conftest import KEY, SLEEVE

bounded = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**64 - 1)


@bounded
@given(seeds)
def test_adverts_end_in_our_own_words(seed: int) -> None:
    ends = fuzz.adverts(seed)

    assert ends.total() == fuzz.BATCH
    assert ends["MalformedError"]


@bounded
@given(seeds)
def test_gatt_frames_end_in_our_own_words(seed: int) -> None:
    assert fuzz.gatt(seed)["frames"] > 50


def test_the_fuzzer_reaches_every_end() -> None:
    adverts, frames = fuzz.adverts(1, 4000), sum((fuzz.gatt(seed) for seed in range(12)), start=Counter[str]())

    assert set(adverts) >= {
        "accepted", "MalformedError", "WrongKeyError", "ReplayError", "VersionError", "KeyMissingError",
    }  # fmt: skip
    assert set(frames) >= {"done", "read", "MalformedError", "WrongKeyError", "ReplayError"}


def test_the_fuzzer_would_see_what_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(fuzz, "parse", broken)

    with pytest.raises(fuzz.Deed):
        fuzz.adverts(1)


@given(st.binary(min_size=1, max_size=MAX_MESSAGE), st.integers(0, 600))
def test_messages_survive_their_fragments(message: bytes, mtu: int) -> None:
    reassembly = Reassembly()
    *most, last = split(message, mtu)

    assert [reassembly.feed(fragment) for fragment in most] == [None] * len(most)
    assert reassembly.feed(last) == message


@given(st.lists(st.binary(max_size=30), max_size=60))
def test_noise_in_fragments_is_our_own_error(fragments: list[bytes]) -> None:
    reassembly = Reassembly()
    for fragment in fragments:
        try:
            message = reassembly.feed(fragment)
        except MalformedError:
            continue
        assert message is None or 1 <= len(message) <= MAX_MESSAGE


def test_endless_fragments_take_no_memory() -> None:
    talk = Download(kind=DeviceKind.INHALER_SLEEVE, address=SLEEVE, key=KEY, cursor=0, counter=0)
    at = datetime(2027, 1, 15, tzinfo=UTC)
    talk.start(at)
    rng = random.Random(1)
    tracemalloc.start()
    for number in range(50_000):
        try:
            talk.feed(DATA_UUID, bytes([(0x80 if not number % 64 else 0) | number & 0x3F]) + rng.randbytes(200), at)
        except ProtocolError:
            talk.start(at)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 200_000


def test_a_device_that_claims_much_gets_no_memory() -> None:
    for claim in (b"\xff" * 21, b"\x01\0\0\0" + b"\xff" * 17, b"\xff" * 480):
        with pytest.raises(MalformedError):
            parse_page(claim, 0, 0, lambda *_: (datetime(2027, 1, 15, tzinfo=UTC), 0.0))


def test_costs_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.protocol.COUNT", 4000)
    monkeypatch.setattr("bench.protocol.ROUNDS", 3)
    figures = measure()

    assert figures["adverts_per_s"] >= 20_000
    assert figures["foreign_us"] < 5
