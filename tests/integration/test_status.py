"""The household's status: what is wrong as a whole, and why."""

from typing import Any

import pytest

from custom_components.smartloop.engine import RoomView
from custom_components.smartloop.status import HouseState, status_of

AIR = {"temperature": 20.0, "relative_humidity": 60.0}


@pytest.mark.parametrize(
    ("rooms", "state", "reasons"),
    [
        ([{}], HouseState.DEGRADED, ("no_readings",)),
        # The rooms tell, nothing does of the air outside: that is what the owner has to add.
        ([AIR], HouseState.DEGRADED, ("stale_outdoor",)),
        ([AIR | {"outdoor_temperature": 5.0}], HouseState.DEGRADED, ("no_readings",)),
        ([AIR | {"outdoor_temperature": 5.0, "surface_humidity": 70.0}, {}], HouseState.OK, ()),
        ([], HouseState.OK, ()),
    ],
)
def test_what_is_missing_is_named(rooms: list[dict[str, Any]], state: HouseState, reasons: tuple[str, ...]) -> None:
    views = [RoomView(room=str(number), at=None, **known) for number, known in enumerate(rooms)]
    status = status_of(views, (), {"engine": "builtin"}, refused=False, started=True, progress=None)

    assert (status.state, status.reasons) == (state, reasons)
