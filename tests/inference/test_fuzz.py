"""Files that something went through: refused in our own words, or run; never anything else."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.smartloop.inference.errors import InferenceError
from custom_components.smartloop.inference.numpy_engine import NumpyEngine
from custom_components.smartloop.inference.reader import read

from .graphs import SHIPPED, Grown, catalog

MUTATIONS = 500


def mutated(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield copies with bytes flipped, overwritten, inserted, removed, doubled, or the end cut off."""
    rng = random.Random(seed)
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(copy) or 1)
            kind = rng.randrange(6)
            if kind == 0 and copy:
                copy[at % len(copy)] ^= 1 << rng.randrange(8)
            elif kind == 1:
                copy[at : at + rng.randint(1, 4)] = rng.randbytes(rng.randint(1, 4))
            elif kind == 2:
                copy[at:at] = rng.randbytes(rng.randint(1, 8))
            elif kind == 3:
                del copy[at : at + rng.randint(1, 8)]
            elif kind == 4:
                copy[at:at] = copy[at : at + rng.randint(1, 64)]
            else:
                del copy[-rng.randint(1, 200) :]
        yield bytes(copy)


def attempt(data: bytes) -> bool:
    """Read, load and run; return whether it ran."""
    try:
        graph = read(data)
        session = NumpyEngine().load(data, graph)
        session.run({info.name: np.ones(info.shape, np.float32) for info in graph.inputs})
    except InferenceError:
        return False
    return True


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", catalog())
def test_mutated_shipped_files_raise_only_our_errors(name: str) -> None:
    data = (SHIPPED / f"{name}.onnx").read_bytes()
    ran = sum(attempt(copy) for copy in mutated(data, MUTATIONS, seed=1))

    assert 0 < ran < MUTATIONS, "mutations must both spoil files and spare some, or they test nothing"


@pytest.mark.parametrize("seed", range(12))
def test_mutated_random_models_raise_only_our_errors(seed: int) -> None:
    data = Grown(seed).build().SerializeToString()

    assert attempt(data)
    assert sum(attempt(copy) for copy in mutated(data, 80, seed)) < 80


@given(st.binary(max_size=200))
def test_noise_raises_only_our_errors(data: bytes) -> None:
    assert not attempt(data)
