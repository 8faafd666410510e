"""Whose bed it is: a heart rate without a person is nobody's."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import probatio as vol
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from ..adapters.box import box_name
from ..adapters.senses import PERSONAL
from .fields import options_selector

SLEEPER: Final = "sleeper"


@callback
def bed_boxes(hass: HomeAssistant, bindings: Mapping[Any, Iterable[str]]) -> dict[str, str]:
    """Return the boxes that measure somebody's body: their names by source."""
    registry = er.async_get(hass)
    boxes = {}
    for measurand in sorted(PERSONAL):
        for bound in bindings.get(measurand, ()):
            known = registry.async_get(bound)
            source = (known.device_id if known else None) or bound
            boxes[source] = box_name(hass, source, known.entity_id if known else bound)
    return boxes


def sleeper_schema(members: Mapping[str, str], suggested: str | None = None) -> vol.Schema:
    """Return the field that asks for one of the members; their names by id."""
    if suggested not in members:
        suggested = next(iter(members)) if len(members) == 1 else None
    described = {"suggested_value": suggested} if suggested else None
    # Left empty it is nobody's: a guest's bed.
    return vol.Schema({vol.Optional(SLEEPER, description=described): options_selector(members)})
