"""What boxes show beside each other: offsets found while windows are open, values that do not move."""

from collections.abc import Iterable, Mapping
from statistics import median

from .box import DAY, Box
from .decisions.device import DRIFT, STUCK_HOURS
from .features.psychrometrics import relative_humidity, saturation_pressure
from .models.drift import (
    AIRED_S,
    AIRED_SD,
    LEAST_AIRINGS,
    LEAST_BOXES,
    LEAST_MATES_HOURS,
    MATES_SD,
    STEADY,
    Course,
    biases,
)
from .reading import OUTDOOR, Reading

_HOUR = 3600.0
_FRESH_S = 600.0
"""s that a humidity may be old when it is compared with the air outside"""
_SETTLES_S = 900.0
"""s after a window was opened from which it may be compared"""
_LEAST_SIBLINGS = 2


class Neighbours:
    """All boxes, compared with each other."""

    def __init__(self) -> None:
        """Begin with every window shut."""
        self._open: dict[str, dict[str, float]] = {}
        """Room -> window -> when it was opened"""
        self._hour = 0

    def resume(self, looked: float) -> None:
        """Take up after a restart: the hour of the last look was closed before."""
        self._hour = int(looked // _HOUR)

    def observe_window(self, reading: Reading, at: float) -> None:
        """Take in what a window contact says."""
        windows = self._open.setdefault(reading.place, {})
        if reading.value > 0.5:
            windows.setdefault(reading.source, at)
        else:
            windows.pop(reading.source, None)

    def look(self, boxes: tuple[Box, ...], moment: float, outdoor: float | None) -> None:
        """Compare what can be compared now; `outdoor` is the vapour pressure outside, Pa."""
        if outdoor is not None:
            for place, windows in self._open.items():
                opened = min(windows.values(), default=moment)
                if AIRED_S <= moment - opened <= DAY:
                    _compare_aired([box for box in boxes if box.facts.place == place], opened, moment, outdoor)
        hour = int(moment // _HOUR)
        if hour == self._hour:
            return
        self._hour = hour
        rooms: dict[str, list[Box]] = {}
        for box in boxes:
            box.temperature.close_hour()
            box.humidity.close_hour()
            if box.temperature.last is not None and 0.0 <= moment - box.climate_at <= 2.0 * _HOUR:
                rooms.setdefault(box.facts.place, []).append(box)
        for place, mates in rooms.items():
            if len(mates) >= LEAST_BOXES and place != OUTDOOR:
                _compare_mates(mates, moment)
        _judge([box for box in boxes if box.facts.place != OUTDOOR], rooms, moment)


def _compare_aired(boxes: Iterable[Box], opened: float, moment: float, outdoor: float) -> None:
    """Compare a room's boxes with the air outside, once each time that its window is open."""
    for box in boxes:
        shown, warmth = box.humidity.last, box.temperature.last
        if shown is None or warmth is None or box.compared >= opened:
            continue
        if box.climate_at >= opened + _SETTLES_S and moment - box.climate_at <= _FRESH_S:
            box.compared = opened
            box.airings.observe(moment, shown - relative_humidity(warmth, outdoor), AIRED_SD)


def _compare_mates(mates: list[Box], moment: float) -> None:
    """Compare the boxes of one room by their vapour pressures: each one's humidity goes with its own temperature."""
    shown = [(box, box.humidity.last or 0.0, saturation_pressure(box.temperature.last or 0.0)) for box in mates]
    middle = median(0.01 * humidity * saturated for _, humidity, saturated in shown)
    for box, humidity, saturated in shown:
        box.mates.observe(moment, humidity - 100.0 * middle / saturated, MATES_SD)


def _judge(boxes: list[Box], rooms: Mapping[str, list[Box]], moment: float) -> None:
    """Say whose error an offset is, and since when it is too large."""
    found = biases({box.facts.source: box.airings for box in boxes}, LEAST_AIRINGS)
    for mates in rooms.values():
        found |= biases({box.facts.source: box.mates for box in mates}, LEAST_MATES_HOURS)
    for box in boxes:
        bias = box.bias = found.get(box.facts.source)
        if bias is not None and abs(bias.value) > DRIFT and bias.lo * bias.hi > 0.0:
            box.beyond_since = box.beyond_since or moment
        elif bias is not None:
            box.beyond_since = None


def unchanged_hours(box: Box, boxes: Iterable[Box], moment: float) -> float | None:
    """Return for how many hours a box that speaks has shown the same while others moved; None when it moves.

    A box that never moved much stands in a cellar; one that used to, and no longer does, is stuck.
    """
    shown = [name for name in STEADY if _course(box, name).last is not None]
    if not shown or box.facts.place == OUTDOOR:
        return None
    hours = min((moment - _course(box, name).unchanged_since) / _HOUR for name in shown)
    if hours < STUCK_HOURS or box.checkin.last < moment - 0.5 * STUCK_HOURS * _HOUR:
        return None
    for name in shown:
        noise, least = STEADY[name]
        others = (_course(other, name).sd for other in boxes if other is not box and other.facts.place != OUTDOOR)
        spread = [sd for sd in others if sd is not None]
        moves = len(spread) >= _LEAST_SIBLINGS and median(spread) > 3.0 * noise
        if moves and _course(box, name).usual >= least:
            return hours
    return None


def _course(box: Box, name: str) -> Course:
    return box.temperature if name == "temperature" else box.humidity
