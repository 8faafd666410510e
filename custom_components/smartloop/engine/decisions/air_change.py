"""How fast an open window changes a room's air: a prior, and what each airing taught."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from .airing import DEFAULT_AIR_CHANGE_RATE
from .stored import Json, Stored

RATE_RANGE = (0.5, 30.0)
"""1/h, what one room's windows can do."""
PRIOR_SD = 0.5
"""Of the rate's logarithm: between half and twice the default."""
LEAST_SD = 0.15
"""No two airings are alike: wind and opening differ."""
LEAST_DIFFERENCE = 150.0
"""Pa between inside and outside below which a decay teaches nothing."""
LEAST_MINUTES = 3.0
"""A hygrometer follows no faster."""
MOST_MINUTES = 40.0
_LEFT = 0.05
"""Share of the difference below which the sensor's error is all there is."""


@dataclass(frozen=True, slots=True)
class AirChange:
    """The air change rate of a room's open window, as far as it is known."""

    log_mean: float = log(DEFAULT_AIR_CHANGE_RATE)
    log_sd: float = PRIOR_SD
    airings: int = 0

    @property
    def rate(self) -> float:
        """Return the rate, 1/h."""
        return min(max(exp(self.log_mean), RATE_RANGE[0]), RATE_RANGE[1])

    @property
    def sd(self) -> float:
        """Return its standard deviation, 1/h."""
        return self.rate * self.log_sd

    def learned(self, rate: float, log_sd: float) -> AirChange:
        """Return what is known after one airing of that rate, 1/h, known that well."""
        seen = log(min(max(rate, RATE_RANGE[0]), RATE_RANGE[1]))
        gain = self.log_sd**2 / (self.log_sd**2 + log_sd**2)
        return AirChange(
            log_mean=self.log_mean + gain * (seen - self.log_mean),
            log_sd=max(self.log_sd * (1.0 - gain) ** 0.5, LEAST_SD),
            airings=self.airings + 1,
        )

    def snapshot(self) -> dict[str, Json]:
        """Return everything as JSON values."""
        return {"log_mean": self.log_mean, "log_sd": self.log_sd, "airings": self.airings}

    @classmethod
    def restored(cls, stored: Stored) -> AirChange:
        """Return what a snapshot holds, kept within bounds; raises SnapshotError."""
        low, high = log(RATE_RANGE[0]), log(RATE_RANGE[1])
        return cls(
            log_mean=min(max(stored.number("log_mean"), low), high),
            log_sd=min(max(stored.number("log_sd"), LEAST_SD), PRIOR_SD),
            airings=max(int(stored.number("airings")), 0),
        )


def decay_rate(minutes: Sequence[float], pressures: Sequence[float], before: float, outdoor: float) -> float | None:
    """Return the air change rate, 1/h, that vapour pressures in Pa at minutes after opening fit best.

    Least squares of -ln((e - eo) / (e0 - eo)) = n t through the origin; None when they teach nothing.
    """
    difference = before - outdoor
    if difference < LEAST_DIFFERENCE:
        return None
    points = [
        (minute / 60.0, -log((pressure - outdoor) / difference))
        for minute, pressure in zip(minutes, pressures, strict=True)
        if LEAST_MINUTES <= minute <= MOST_MINUTES and pressure - outdoor > _LEFT * difference
    ]
    if not points:
        return None
    rate = sum(hour * fall for hour, fall in points) / sum(hour * hour for hour, _ in points)
    return rate if rate > 0.0 else None
