"""What is compared: the shipped watch, its fallback and the simple rules that others use.

`two_days` (the fallback): no still hour on two whole days running. `nonzero_24h`: no still hour for 24 h, what
utilities act on. `fixed_night`: more than 2 L/h on average between 2 and 5 o'clock.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Final, Protocol, Self

from custom_components.smartloop.engine.features.water import HOUR, Meter
from custom_components.smartloop.engine.models.leak import LeakWatch, Stage
from custom_components.smartloop.engine.models.leak_rate import RATES

DAY: Final = 24.0 * HOUR
NIGHT: Final = (2, 5)
NIGHT_FLOW: Final = 2.0
CONSTANT: Final = {rate.tested for rate in RATES if not rate.gulp}
"""L/h of the tests for leaks that run all the time"""
_STILL: Final = 0.5
"""L in an hour, up to which it was still"""


class Rule(Protocol):
    """Something that watches a meter."""

    def observe(self, at: float, total: float) -> None:
        """Take in a reading."""
        ...

    @property
    def alarm(self) -> float | None:
        """Return the rate of which there is an alarm, L/h; None: none."""
        ...

    @property
    def able(self) -> bool:
        """Return whether it does not abstain."""
        ...

    def copy(self) -> Self:
        """Return another that knows the same."""
        ...


class Model:
    """The shipped features and watch; its copy goes through its snapshot, as a restart does."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.meter, self.watch = Meter(), LeakWatch()

    def observe(self, at: float, total: float) -> None:
        """Take in a reading."""
        if (interval := self.meter.total(at, total)) is not None:
            self.watch.observe(interval, step=self.meter.step)

    @property
    def alarm(self) -> float | None:
        """Return the rate of which there is an alarm, L/h."""
        return self.watch.alarm()

    @property
    def able(self) -> bool:
        """Return whether it says anything."""
        return not set(self.watch.silences()) & CONSTANT

    def copy(self) -> Self:
        """Return another that knows the same."""
        other = type(self)()
        other.meter = Meter.restored(self.meter.snapshot())
        other.watch = LeakWatch.restored(self.watch.snapshot())
        return other


class Confirmed(Model):
    """The shipped watch, heard only when it is sure."""

    @property
    def alarm(self) -> float | None:
        """Return the rate of which there is a sure alarm, L/h."""
        return self.watch.alarm() if self.watch.stage() is Stage.CONFIRMED else None


class _Hours(ABC):
    """A simple rule on intervals of about an hour."""

    able = True

    def __init__(self) -> None:
        self._at = self._total = -1.0
        self._broken = False
        """Whether what ran before this interval is not known"""
        self.alarm: float | None = None

    def observe(self, at: float, total: float) -> None:
        """Take in a reading."""
        gap, rise = at - self._at, total - self._total
        if self._total >= 0.0 and 0.0 < gap < 2.0 * HOUR and rise >= 0.0:
            self._hour(at, rise, gap)
            self._broken = False
        elif self._total >= 0.0:
            self._broken = True
        self._at, self._total = at, total

    @abstractmethod
    def _hour(self, at: float, litres: float, gap: float) -> None:
        """Judge an interval, s, in which so much ran."""

    def copy(self) -> Self:
        """Return another that knows the same."""
        return deepcopy(self)


class Nonzero24(_Hours):
    """No still hour for 24 h."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        super().__init__()
        self._running = 0.0

    def _hour(self, at: float, litres: float, gap: float) -> None:
        before = 0.0 if self._broken else self._running
        self._running = before + gap if litres > _STILL else 0.0
        self.alarm = 1.0 if self._running >= DAY else None


class TwoDays(_Hours):
    """No still hour on two days running."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        super().__init__()
        self._day, self._hours, self._days = -1, 0, 0
        self._still = False

    def _hour(self, at: float, litres: float, gap: float) -> None:
        day = int(at // DAY)
        if day != self._day:
            whole = self._hours >= 20
            self._days = self._days + 1 if whole and not self._still and day == self._day + 1 else 0
            self.alarm = 1.0 if self._days >= 2 else None
            self._day, self._hours, self._still = day, 0, False
        self._hours += 1
        self._still = self._still or litres <= _STILL


class FixedNight(_Hours):
    """More than 2 L/h between 2 and 5 o'clock."""

    def __init__(self) -> None:
        """Begin knowing nothing."""
        super().__init__()
        self._day, self._litres, self._span = -1, 0.0, 0.0

    def _hour(self, at: float, litres: float, gap: float) -> None:
        hour = (at - gap / 2.0) % DAY / HOUR
        if NIGHT[0] <= hour < NIGHT[1]:
            self._litres += litres
            self._span += gap
        elif self._span > 0.0:
            enough = self._span >= 2.0 * HOUR
            self.alarm = 1.0 if enough and self._litres / self._span * HOUR > NIGHT_FLOW else None
            self._litres = self._span = 0.0


RULES: Final[Mapping[str, Callable[[], Rule]]] = {
    "model": Model,
    "confirmed_only": Confirmed,
    "fallback": TwoDays,
    "nonzero_24h": Nonzero24,
    "fixed_night": FixedNight,
}
