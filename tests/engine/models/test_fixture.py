"""What a draw was for: the plain cases, and where nothing is said; by the rules, and by the shipped network."""

from dataclasses import replace
from math import nan
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.features.water import Draw, fingerprint
from custom_components.smartloop.engine.models.fixture import Fixture, FixtureNamer, guess
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine

SHIPPED = Path(__file__).parents[3] / "custom_components" / "smartloop" / "onnx"


def draw(litres: float, seconds: float, *, rough: float = 0.2, readings: int | None = None, ran: float = 1.0) -> Draw:
    flowing = ran * seconds
    return Draw(
        start=0.0,
        end=seconds,
        litres=litres,
        peak=90.0 * litres / flowing,
        flowing_s=flowing,
        rough=rough,
        readings=int(flowing) if readings is None else readings,
    )


@pytest.mark.parametrize(
    ("shape", "fixture"),
    [
        (draw(40.0, 400.0), Fixture.SHOWER),
        (draw(40.0, 400.0, readings=1), Fixture.SHOWER),
        (draw(1.5, 30.0), Fixture.TAP),
        (draw(6.0, 100.0, rough=0.02), Fixture.TOILET),
        (draw(6.0, 50.0, rough=0.02), Fixture.MACHINE),
        (draw(12.0, 100.0, rough=0.02), Fixture.MACHINE),
        (draw(12.0, 7200.0), Fixture.TRICKLE),
        (draw(0.1, 3.0), None),
        (draw(3.0, 60.0, readings=1), None),
    ],
)
def test_a_draw_is_named_by_its_shape(shape: Draw, fixture: Fixture | None) -> None:
    found = guess(shape)
    assert found.fixture == fixture
    assert found.why or found.probabilities


@pytest.fixture(scope="module")
def namer() -> FixtureNamer:
    return FixtureNamer(Catalog.open(SHIPPED).load("leak_fixture", NumpyEngine()))


@pytest.mark.parametrize(
    ("shape", "fixture"),
    [
        (draw(40.0, 400.0), Fixture.SHOWER),
        (draw(60.0, 420.0, readings=1), Fixture.SHOWER),
        (draw(1.2, 35.0), Fixture.TAP),
        (draw(8.0, 50.0), Fixture.MACHINE),
        (draw(12.0, 7200.0), Fixture.TRICKLE),
        (draw(0.1, 3.0), None),
        (draw(5000.0, 90000.0), None),
    ],
)
def test_the_network_names_the_plain_cases(namer: FixtureNamer, shape: Draw, fixture: Fixture | None) -> None:
    found = namer.name(shape)
    assert found.fixture == fixture
    assert found.why or found.probabilities
    if found.probabilities:
        assert sum(found.probabilities.values()) == pytest.approx(1.0)
        assert found.confidence == pytest.approx(max(found.probabilities.values()))


def test_without_the_network_the_rules_speak() -> None:
    shape = draw(40.0, 400.0)
    assert FixtureNamer(None).name(shape) == guess(shape)


def test_what_is_not_known_is_not_named(namer: FixtureNamer) -> None:
    found = namer.name(replace(draw(40.0, 400.0), litres=nan))
    assert found.fixture is None
    assert "missing:litres" in found.why
    assert fingerprint(draw(40.0, 400.0, readings=1))["rough"] is None


class _Foreign:
    version = "1"
    metadata: ClassVar = {
        "features": '["litres", "seconds", "flow"]', "classes": '["tap", "pool"]',
        "mean": "[0, 0, 0]", "std": "[1, 1, 1]",
    }  # fmt: skip

    def run(self, inputs: object) -> dict[str, np.ndarray]:
        raise NotImplementedError


def test_a_network_with_foreign_fixtures_is_refused() -> None:
    with pytest.raises(ModelError, match="nobody knows"):
        FixtureNamer(_Foreign())
