"""What a draw was for: the plain cases, and where nothing is said."""

import pytest

from custom_components.smartloop.engine.features.water import Draw
from custom_components.smartloop.engine.models.fixture import Fixture, guess


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
    assert found.why
