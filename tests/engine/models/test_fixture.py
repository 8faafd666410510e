"""What a draw was for: the plain cases, and where nothing is said; by the rules, and by a network."""

from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import ClassVar

import numpy as np
import pytest

from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.features.water import Draw, fingerprint
from custom_components.smartloop.engine.models.fixture import Fixture, FixtureNamer, guess


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


def test_without_the_network_the_rules_speak() -> None:
    shape = draw(40.0, 400.0)
    assert FixtureNamer(None).name(shape) == guess(shape)


class _Known:
    version = "1"
    metadata: ClassVar = {
        "features": '["litres", "seconds", "flow"]', "classes": '["tap", "shower"]',
        "mean": "[0, 0, 0]", "std": "[1, 1, 1]", "tau": "0.9",
    }  # fmt: skip

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        litres = float(inputs["features"][0, 0])
        return {"logits": np.array([[4.0 - 2.0 * litres, 2.0 * litres - 4.0]], np.float32)}


@pytest.mark.parametrize(("litres", "fixture"), [(1.8, Fixture.TAP), (60.0, Fixture.SHOWER), (7.4, None)])
def test_a_network_names_draws_and_abstains(litres: float, fixture: Fixture | None) -> None:
    found = FixtureNamer(_Known()).name(draw(litres, 100.0))
    assert found.fixture == fixture
    assert found.fixture is Fixture.TAP or found.why
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert found.confidence == pytest.approx(max(found.probabilities.values()))


def test_what_is_not_known_is_not_named() -> None:
    found = FixtureNamer(_Known()).name(replace(draw(40.0, 400.0), litres=nan))
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
        pytest.fail("it must be refused before it is run")


def test_a_network_with_foreign_fixtures_is_refused() -> None:
    with pytest.raises(ModelError, match="nobody knows"):
        FixtureNamer(_Foreign())
