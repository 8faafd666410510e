"""Somebody there, by the air: CO2 first, then climate; silent out of range and without data."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from custom_components.smartloop import inference
from custom_components.smartloop.engine.errors import ModelError
from custom_components.smartloop.engine.models.model import Runner, Tensor
from custom_components.smartloop.engine.models.presence_nowcast import STALE, PresenceNowcaster, rules
from custom_components.smartloop.inference.catalog import Catalog
from custom_components.smartloop.inference.numpy_engine import NumpyEngine

FOLDER = Path(inference.__path__[0]).with_name("onnx")
START = 1e9


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Catalog.open(FOLDER).load("presence_routine", NumpyEngine())


def seen(
    runner: Runner, rise: float, humidity: float = 0.0, *, co2: bool = True, level: float = 450.0
) -> tuple[PresenceNowcaster, float]:
    """Return a nowcaster after two quiet hours and 20 min of a rise, ppm/min and %/min."""
    caster = PresenceNowcaster(runner)
    for minute in range(141):
        over = max(minute - 120, 0)
        caster.observe(
            START + 60.0 * minute, 21.0 + 0.01 * over, 40.0 + humidity * over, level + rise * over if co2 else None
        )
    return caster, START + 60.0 * 140


def chance(runner: Runner, rise: float, humidity: float = 0.0, *, co2: bool = True, level: float = 450.0) -> float:
    caster, at = seen(runner, rise, humidity, co2=co2, level=level)
    found = caster.nowcast(at)
    assert found.probability is not None, found.why
    assert found.source == ("co2" if co2 else "climate")
    return found.probability


def test_a_rise_is_somebody(runner: Runner) -> None:
    assert chance(runner, 12.0) > 0.8
    assert chance(runner, 0.0) < 0.2
    assert chance(runner, 0.0, 0.15, co2=False) > chance(runner, 0.0, 0.0, co2=False)


def test_the_level_does_not_matter(runner: Runner) -> None:
    assert chance(runner, 0.0, level=420.0) == pytest.approx(chance(runner, 0.0, level=900.0))


def test_it_says_why(runner: Runner) -> None:
    caster, at = seen(runner, 12.0)
    assert caster.nowcast(at).why[0].startswith("+co2")


def test_it_is_silent_without_data(runner: Runner) -> None:
    caster = PresenceNowcaster(runner)
    assert caster.nowcast(START).abstained
    caster.observe(START, None, 40.0, float("nan"))
    assert caster.nowcast(START).why == ("missing:pressure_15", "missing:temperature_15")
    caster, at = seen(runner, 12.0)
    assert caster.nowcast(at + 3600.0).why == (STALE,)


def test_it_is_silent_out_of_range(runner: Runner) -> None:
    caster, at = seen(runner, 300.0)
    found = caster.nowcast(at)

    assert (found.probability, found.out_of_range, found.confidence) == (None, True, 0.0)


class Bare:
    """A file without usable rules."""

    version = "1.0.0"

    def __init__(self, metadata: Mapping[str, str]) -> None:
        self.metadata = metadata

    def run(self, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"co2": {"mean": [1]}}', '{"co2": 1, "climate": 2}'])
def test_broken_rules_are_refused(text: str) -> None:
    with pytest.raises(ModelError):
        rules(text)
    with pytest.raises(ModelError):
        PresenceNowcaster(Bare({"nowcast": text}))
