"""What listens or looks beside the rooms: each stands or falls alone."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from homeassistant.core import CALLBACK_TYPE

from .const import LOGGER


class Part(Protocol):
    """Own devices, radios, puffs, care."""

    def start(self) -> CALLBACK_TYPE:
        """Begin; returns the way to stop."""


def started(parts: Iterable[Part]) -> Iterator[CALLBACK_TYPE]:
    """Start each part; whoever cannot keeps neither the others nor the rooms from theirs."""
    for part in parts:
        try:
            yield part.start()
        except Exception:  # noqa: BLE001  they look into other integrations' work, which may be of any shape
            LOGGER.exception("%s cannot be started and does nothing until the next reload", type(part).__name__)


def stop_all(stops: list[CALLBACK_TYPE]) -> None:
    """Stop everything, the last first; what was learned is to be saved whatever happens here."""
    while stops:
        try:
            stops.pop()()
        except Exception:  # noqa: BLE001  as above
            LOGGER.exception("Something cannot be stopped")
