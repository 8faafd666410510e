"""The boxes of a household through time: signs of life, batteries, offsets, radio."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from .decisions.candidate import Assessment
from .device_view import Assurance, DeviceFacts, DeviceView
from .reading import Reading


class Devices:
    """Every box that has been described."""

    def __init__(self) -> None:
        """Begin with none."""
        self._facts: dict[str, DeviceFacts] = {}

    def describe(self, facts: Iterable[DeviceFacts]) -> tuple[str, ...]:
        """Take what the registries say; return the boxes that are gone and forgotten."""
        before = self._facts
        self._facts = {each.source: each for each in facts}
        return tuple(source for source in before if source not in self._facts)

    def observe(self, reading: Reading) -> None:
        """Take in a reading."""

    def checked_in(self, source: str, at: datetime, *, rssi: float | None = None, lqi: float | None = None) -> None:
        """Take in a sign of life that brings no value."""

    def look(self, now: datetime) -> tuple[Assessment, ...]:
        """Return what can be said of each box now."""
        _ = now
        return ()

    def views(self, now: datetime) -> tuple[DeviceView, ...]:
        """Return what is known of each box."""
        _ = now
        return tuple(DeviceView(source=each.source, place=each.place) for each in self._facts.values())

    def battery_replaced(self, source: str, at: datetime) -> None:
        """Begin a new battery."""

    def assurance(self, tests: Mapping[str, datetime], now: datetime) -> Assurance:
        """Return how well the leak sensors are proven."""
        _ = tests, now
        return Assurance(proven=0, total=0, points=())
