"""How much of the outdoor particles gets in: Finf = P a / (a + k), learned where nothing indoors adds to it.

Indoors follows outdoors as dC/dt = L (Finf Co + b - C), L = a + k. For a few L the outdoor readings are filtered that
way and two lines are fitted to readings outside events, by recursive robust regression with a prior: a lower one, to
which indoor sources may only add, gives Finf; a middle one says what to expect indoors. Errors are taken relative to
the level, and older readings count less, as homes are closed in winter (Finf halves then, PMC10723120). Wallace's
"forbidden zone" (Sensors 2023, 23, 1160) is the check: below Finf Co no source explains a reading.
"""

from dataclasses import dataclass
from math import exp, hypot, sqrt
from typing import Final

from ..errors import SnapshotError
from ..features.particles import HOUR, usable
from ..features.state import numbers

VERSION: Final = 1
RATES: Final = (0.3, 0.6, 1.2, 2.4, 5.0)
"""1/h, air change and deposition together"""
PRIOR: Final = (0.5, 0.25)
"""Finf of homes at large (US homes: about half, PMC10723120), and its standard deviation"""
ADDED: Final = (0.5, 0.7)
"""µg/m³ that a home adds all the time, and its standard deviation"""
FORGET_S: Final = 20.0 * 86400.0
LEAST_WEIGHT: Final = 8.0
"""Readings an hour or more apart, before anything is said"""
GAP_S: Final = 2.0 * 86400.0
MOST: Final = 1.1
NOISE: Final = 0.5
"""µg/m³ that indoor means differ by for no reason ..."""
RELATIVE: Final = 0.3
"""... and the share of the level"""
_ABOVE: Final = 0.7
"""Weight of what lies above the lower line: a source may have been there"""
_ALIKE: Final = 9.0
"""Readings that say the same again: air stays for a day"""
_HUBER: Final = 1.5
_FORBIDDEN: Final = 0.15
_USUAL: Final = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What gets in."""

    factor: float
    """Finf, 0 to 1"""
    error: float
    """One standard deviation, the prior's where little was seen"""
    added: float
    """µg/m³ from indoors when nothing happens"""
    steady: bool
    """False where readings lie where no constant factor explains them: windows, purifiers, a broken sensor"""
    weight: float
    """Readings an hour or more apart that it rests on"""


class Line:
    """C = added + factor x by recursive weighted least squares with a prior and forgetting."""

    __slots__ = ("_above", "loss", "sums")

    def __init__(self, above: float) -> None:
        """Begin at the prior; `above` is the weight of readings above the line, 1 for a middle line."""
        self._above = above
        self.sums = [0.0] * 5
        self.loss = 1.0

    def fit(self) -> tuple[float, float, float]:
        """Return factor, added and the factor's standard error."""
        n, x, c, xx, xc = self.sums
        n, c = n + ADDED[1] ** -2, c + ADDED[0] * ADDED[1] ** -2
        xx, xc = xx + PRIOR[1] ** -2, xc + PRIOR[0] * PRIOR[1] ** -2
        square = xx - x * x / n
        factor = (xc - x * c / n) / square
        added = (c - factor * x) / n
        if added < 0.0:
            added, factor, square = 0.0, xc / xx, xx
        if not 0.0 <= factor <= MOST:
            factor = min(max(factor, 0.0), MOST)
            added = max((c - factor * x) / n, 0.0)
        return factor, added, sqrt(_ALIKE * max(self.loss, 0.1) / square)

    def add(self, x: float, c: float, weight: float, keep: float) -> None:
        """Take in one pair; `keep` is what older ones still count."""
        factor, added, _ = self.fit()
        expected = added + factor * x
        spread = hypot(NOISE, RELATIVE * expected)
        off = (c - expected) / spread
        robust = min(1.0, _HUBER / max(abs(off), 1e-9)) * (self._above if off > 0.0 else 1.0)
        self.loss += 0.05 * weight * (min(off * off, 25.0) * robust - self.loss)
        w = weight * robust / (spread * spread)
        for index, value in enumerate((1.0, x, c, x * x, x * c)):
            self.sums[index] = keep * self.sums[index] + w * value


class Infiltration:
    """Learns one room's share of the outdoor particles."""

    __slots__ = ("_at", "_filtered", "_forbidden", "_lower", "_middle", "_usual", "weight")

    def __init__(self) -> None:
        """Begin at what homes at large do."""
        self._at = -1.0
        self._forbidden = 0.0
        self._usual = 0.0
        self.weight = 0.0
        self._filtered = [0.0] * len(RATES)
        self._lower = [Line(_ABOVE) for _ in RATES]
        self._middle = [Line(1.0) for _ in RATES]

    def observe(self, at: float, indoor: float | None, outdoor: float | None, *, quiet: bool = True) -> None:
        """Take in means of the same time, µg/m³; `quiet` is False in an event, when only the outdoor air is followed."""
        if outdoor is None or not usable(outdoor) or not abs(at) < 1e12:
            return
        if self._at >= 0.0 and at <= self._at:
            # A clock that went back by days was wrong before: what follows begins anew.
            self._at = self._at if at > self._at - GAP_S else -1.0
            return
        dt = at - self._at if self._at >= 0.0 and at - self._at <= GAP_S else 0.0
        first = dt <= 0.0
        self._at = at
        for index, rate in enumerate(RATES):
            share = 1.0 if first else 1.0 - exp(-rate * dt / HOUR)
            self._filtered[index] += share * (outdoor - self._filtered[index])
        if not quiet or indoor is None or not usable(indoor):
            return
        # Readings close in time say the same again.
        weight = 1.0 if first else 1.0 - exp(-dt / HOUR)
        keep = exp(-dt / FORGET_S)
        self.weight = keep * self.weight + weight
        self._usual += max(weight * _USUAL, min(weight / self.weight, 1.0)) * (indoor - self._usual)
        self._check(indoor, weight)
        for x, lower, middle in zip(self._filtered, self._lower, self._middle, strict=True):
            lower.add(x, indoor, weight, keep)
            middle.add(x, indoor, weight, keep)

    def _check(self, indoor: float, weight: float) -> None:
        factor, _, _ = self._lower[self._best].fit()
        forbidden = indoor < 0.6 * factor * self._filtered[self._best] - 2.0 * NOISE
        self._forbidden += 0.03 * weight * (float(forbidden) - self._forbidden)

    @property
    def _best(self) -> int:
        return min(range(len(RATES)), key=lambda index: self._middle[index].loss)

    @property
    def share(self) -> Share | None:
        """Return what gets in; None before enough was seen."""
        if self.weight < LEAST_WEIGHT:
            return None
        best = self._best
        factor, added, error = self._lower[best].fit()
        others = [
            self._lower[i].fit()[0] for i in range(len(RATES)) if self._middle[i].loss < 1.1 * self._middle[best].loss
        ]
        return Share(
            factor=factor,
            error=max(error, 0.5 * (max(others) - min(others))),
            added=added,
            steady=self._forbidden < _FORBIDDEN,
            weight=self.weight,
        )

    def expected(self, outdoor: float) -> float | None:
        """Return the usual indoor PM2.5 at a lasting outdoor level; None before enough was seen.

        Where no factor explains the readings it is what was usual of late, whatever it is outside.
        """
        if self.weight < LEAST_WEIGHT or not usable(outdoor):
            return None
        if self._forbidden >= _FORBIDDEN:
            return self._usual
        factor, added, _ = self._middle[self._best].fit()
        return added + factor * outdoor

    def snapshot(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "version": VERSION,
            "now": [self._at, self._forbidden, self._usual, self.weight, *self._filtered],
            "lines": [[line.loss, *line.sums] for line in (*self._lower, *self._middle)],
        }

    @classmethod
    def restored(cls, state: object) -> Infiltration:
        """Return what a snapshot holds; raises SnapshotError."""
        lines = state.get("lines") if isinstance(state, dict) and state.get("version") == VERSION else None
        if not isinstance(state, dict) or not isinstance(lines, list) or len(lines) != 2 * len(RATES):
            msg = "a stored infiltration is of another version"
            raise SnapshotError(msg)
        self = cls()
        self._at, self._forbidden, self._usual, self.weight, *self._filtered = numbers(state.get("now"), 4 + len(RATES))
        for line, row in zip((*self._lower, *self._middle), lines, strict=True):
            line.loss, *line.sums = numbers(row, 6)
            n, x, _, xx, _ = line.sums
            steep = (n + ADDED[1] ** -2) * (xx + PRIOR[1] ** -2) <= x * x
            if min(line.loss, n, xx) < 0.0 or steep:
                msg = "a stored line cannot be"
                raise SnapshotError(msg)
        return self
