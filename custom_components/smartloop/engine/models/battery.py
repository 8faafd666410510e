"""How long a battery lasts: its trend where it has one, else its age and how much it is asked to do.

One value a day is kept, corrected to the mean temperature: cold cells show less. The trend is the
median of all slopes (Theil 1950, Sen 1968), of the last weeks where it has become steeper, else of
up to half a year; its rate is weighed against what the type of battery lasts by experience, both as
log-normals. Where the chemistry is known, the share left is read from its typical discharge curve
first: that falls in a straight line, the voltage does not, nor a percentage, which in most devices is
a voltage by another name.

Lithium cells show full until weeks before their end. Their trend says nothing until it falls, so
until then there is only age against a gamma distribution of lives, whose mean is the capacity over
what sleep and reports draw; the band is as wide as that is. Where the age is not known, the lives
left are those of a battery met at a random moment (the renewal theorem).
"""

from collections import deque
from dataclasses import dataclass
from math import exp, isfinite, log, sqrt

import numpy as np
from numpy.typing import NDArray

from ..errors import SnapshotError
from .discharge import CURVES, PRIOR_SD, by_shape

type Array = NDArray[np.float64]

DAY = 86400.0
LEAST_DAYS = 14
MOST_DAYS = 180
RECENT_DAYS = 42
JUMP = 25.0
"""Points of % that a level rises by at once, when there is a new battery ..."""
JUMP_TO_FULL = 12.0
"""... or this, up to full."""
FULL = 95.0
JUMP_SHARE = 0.08
"""Of the voltage, the same"""
EMPTY = 3.0
"""% at which devices stop, as a rule"""

_Z80 = 1.2816
_PER_KELVIN = {"percent": 0.3, "mv": 3.0}
"""What a kelvin may do to the level, at most"""
_CELL_CAPACITY = {
    "CR2032": 220.0, "CR2450": 600.0, "CR2477": 1000.0, "CR2430": 290.0, "CR1632": 130.0, "CR2": 850.0,
    "CR123A": 1500.0, "AAA": 1100.0, "AA": 2600.0, "C": 7000.0, "D": 15000.0, "LR44": 120.0, "9V": 550.0,
    "ER14250": 1200.0, "ER14505": 2600.0,
}  # fmt: skip
"""mAh, from data sheets"""
_USABLE = 0.7
"""Of the capacity, at the pulses that radios draw and before devices stop"""
_COIN = 300.0
"""mAh up to which a cell sits in a device that sleeps deeply"""
_SLEEP_UA = (6.0, 25.0)
"""µA that small and larger devices draw asleep, as far as is known of common ones"""
_PER_REPORT_UAH = 0.3
_DEFAULT_CAPACITY = 800.0
_SHAPE = 3.0
"""Of the gamma distribution of lives: a spread of 58 % of the mean"""
_CURVE_SD = (0.2, 0.45, 0.6)
"""Of the logarithm of the days left, for what the curve does until the end: known by its voltage, by a percentage, not
at all"""

_SHOWN = {"alkaline": (0.9, 1.5), "lithium": (2.1, 3.0)}
"""V that devices show as 0 and 100 %, as a rule, with a straight line between: most measure nothing else"""
_KNEE = 25.0
"""% left, from which a lithium cell's voltage says anything"""
_ALKALINE = frozenset({"AA", "AAA", "C", "D", "LR44"})


def chemistry(battery_type: str | None) -> str | None:
    """Return whose discharge curve it follows; None when that is not known."""
    name = (battery_type or "").upper()
    return "alkaline" if name in _ALKALINE else "lithium" if is_plateau(name) else None


def is_plateau(battery_type: str | None) -> bool:
    """Return whether the chemistry shows full until shortly before its end."""
    return battery_type is not None and battery_type.upper().startswith(("CR", "ER", "LI", "L9", "FR"))


@dataclass(frozen=True, kw_only=True, slots=True)
class BatteryKind:
    """What feeds a box, and what the box does with it."""

    type: str | None = None
    count: int = 1
    reports_per_day: float = 48.0

    @property
    def life(self) -> float:
        """Return the mean life, days."""
        cell = _CELL_CAPACITY.get((self.type or "").upper(), _DEFAULT_CAPACITY)
        sleep = _SLEEP_UA[0] if cell <= _COIN else _SLEEP_UA[1] if cell > 2.0 * _COIN else sum(_SLEEP_UA) / 2.0
        # Cells in series last no longer than one.
        return 1000.0 * _USABLE * cell / (24.0 * sleep + _PER_REPORT_UAH * self.reports_per_day)


@dataclass(frozen=True, kw_only=True, slots=True)
class DaysLeft:
    """Days until a battery is empty, with an 80 % band."""

    days: float
    lo: float
    hi: float

    @classmethod
    def of(cls, quantiles: tuple[float, float, float] | None) -> DaysLeft | None:
        """Return the days between their quantiles, lowest first."""
        return None if quantiles is None else cls(days=quantiles[1], lo=quantiles[0], hi=quantiles[2])


class Battery:
    """One box's battery through time."""

    __slots__ = ("_before", "_jump", "_mv", "_percent", "_today", "fresh_at", "level", "millivolts", "since")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._percent: deque[tuple[float, float, float]] = deque(maxlen=MOST_DAYS)
        """Day, level and temperature (NaN is unknown)"""
        self._mv: deque[tuple[float, float, float]] = deque(maxlen=MOST_DAYS)
        self._today: dict[str, tuple[int, float, int, float, int]] = {}
        """Day, sum and count of the level, the same of the temperature"""
        self._jump: dict[str, float] = {}
        self._before: list[object] | None = None
        """What was known before it was replaced"""
        self.level: float | None = None
        """% as last heard"""
        self.millivolts: float | None = None
        self.since: float | None = None
        """s since 1970, when the first was heard of it"""
        self.fresh_at: float | None = None
        """s since 1970, when it was replaced"""

    def observe_percent(self, at: float, percent: float, temperature: float | None = None) -> bool:
        """Take in a level, %; return whether it shows a new battery."""
        before = self.level
        jumped = before is not None and (
            percent - before >= JUMP or (percent >= FULL and percent - before >= JUMP_TO_FULL)
        )
        replaced = self._take("percent", at, percent, temperature, jumped=jumped, near=5.0)
        if replaced or not jumped:
            self.level = percent
        return replaced

    def observe_voltage(self, at: float, millivolts: float, temperature: float | None = None) -> bool:
        """Take in a voltage, mV; return whether it shows a new battery."""
        before = self.millivolts
        jumped = before is not None and millivolts >= before * (1.0 + JUMP_SHARE)
        replaced = self._take("mv", at, millivolts, temperature, jumped=jumped, near=0.03 * millivolts)
        if replaced or not jumped:
            self.millivolts = millivolts
        return replaced

    def _take(
        self, name: str, at: float, value: float, temperature: float | None, *, jumped: bool, near: float
    ) -> bool:
        if self.since is None:
            self.since = at
        if jumped:
            # One high value is a glitch; a second one like it is a new battery.
            seen, self._jump[name] = self._jump.get(name), value
            if seen is None or abs(seen - value) > near:
                return False
            self.replaced(at)
        self._jump.pop(name, None)
        day = int(at // DAY)
        known, total, count, warmth, warm = self._today.get(name, (day, 0.0, 0, 0.0, 0))
        if known != day:
            self._close(name, known, total / count, warmth / warm if warm else float("nan"))
            total, count, warmth, warm = 0.0, 0, 0.0, 0
        if temperature is not None:
            warmth, warm = warmth + temperature, warm + 1
        self._today[name] = day, total + value, count + 1, warmth, warm
        return jumped

    def _close(self, name: str, day: int, level: float, temperature: float) -> None:
        days = self._percent if name == "percent" else self._mv
        if not days or days[-1][0] < day:
            days.append((float(day), level, temperature))

    def replaced(self, at: float) -> None:
        """Begin a new battery, now or when it was."""
        before = self.snapshot()
        for days in (self._percent, self._mv):
            later = [row for row in days if row[0] > at // DAY]
            days.clear()
            days.extend(later)
        self._today.clear()
        self._jump.clear()
        if not self._percent and not self._mv:
            self.level = self.millivolts = None
        self.since = self.fresh_at = at
        self._before = before

    def kept(self) -> bool:
        """Take back that it is a new one; return False when days have passed since, or it never was."""
        if self._before is None or len(self._percent) > 1 or len(self._mv) > 1:
            return False
        level, millivolts = self.level, self.millivolts
        before, self._before = self._before, None
        self._today.clear()
        self._take_up(before)
        # What was shown in between was the old one, too.
        self.level = self.level if level is None else level
        self.millivolts = self.millivolts if millivolts is None else millivolts
        return True

    # What follows.

    def by_trend(self, now: float, kind: BatteryKind) -> DaysLeft | None:
        """Return the days left by the trend; None when there is none yet."""
        if chemistry(kind.type) == "alkaline" and len(self._mv) < LEAST_DAYS // 2:
            rows = _corrected(self._percent, _PER_KELVIN["percent"])
            return DaysLeft.of(by_shape(rows[rows[:, 0] >= now // DAY - MOST_DAYS], kind.life))
        series, empty, sd = self._series(now, kind)
        lithium = chemistry(kind.type) == "lithium"
        if lithium:
            below = np.flatnonzero(series[:, 1] > _KNEE)
            series = series[below[-1] + 1 if len(below) else 0 :]
        span = LEAST_DAYS // 2 if lithium else LEAST_DAYS
        if len(series) < LEAST_DAYS // 2 or series[-1, 0] - series[0, 0] < span - 1:
            return None
        if kind.type is None and bool((series[:, 1] >= 98.0).all()):
            return None
        left = float(np.median(series[-3:, 1])) - empty
        if left <= 0.0:
            return DaysLeft(days=0.0, lo=0.0, hi=7.0)
        rate, error = _rate(series)
        prior = log((100.0 - empty) / kind.life)
        # A rate within its error says little: the logarithm's spread grows without bound.
        spread = error / max(rate, error) if rate > 0.0 else 10.0
        mine, theirs = 1.0 / max(spread, 0.05) ** 2, 1.0 / PRIOR_SD**2
        guess = log(max(rate, error, 1e-6))
        mean = (mine * guess + theirs * prior) / (mine + theirs) if rate > 0.0 else prior
        wide = _Z80 * sqrt(1.0 / (mine + theirs) + sd**2)
        # The last step of a display is days wide.
        half = 0.5 * _step(series) / exp(mean)
        days = left / exp(mean)
        return DaysLeft(days=days, lo=max(days * exp(-wide) - half, 0.0), hi=days * exp(wide) + half)

    def _series(self, now: float, kind: BatteryKind) -> tuple[Array, float, float]:
        """Return rows of day and share left, %, where that is empty, and how well the curve to there is known."""
        name = chemistry(kind.type)
        if name is not None and len(self._mv) >= LEAST_DAYS // 2:
            rows = _corrected(self._mv, _PER_KELVIN["mv"])
            volts = rows[:, 1] / 1000.0 / _cells(rows[:, 1], name)
            return np.column_stack([rows[:, 0], np.interp(volts, *CURVES[name])]), 0.0, _CURVE_SD[0]
        rows = _corrected(self._percent, _PER_KELVIN["percent"])
        rows = rows[rows[:, 0] >= now // DAY - MOST_DAYS]
        if name is None:
            return rows, EMPTY, _CURVE_SD[2]
        low, high = _SHOWN[name]
        volts = low + (high - low) * rows[:, 1] / 100.0
        return np.column_stack([rows[:, 0], np.interp(volts, *CURVES[name])]), 0.0, _CURVE_SD[1]

    def by_age(self, now: float, kind: BatteryKind) -> DaysLeft:
        """Return the days left by age and use alone; the band is wide."""
        mean = kind.life
        life = np.linspace(0.0, 5.0 * mean, 1001)[1:]
        density = (life / mean) ** (_SHAPE - 1.0) * np.exp(-_SHAPE * life / mean)
        age = 0.0 if self.since is None else max(now - self.since, 0.0) / DAY
        if self.fresh_at is None:
            # Met at a random moment: what is left is distributed as the survival function.
            density = np.cumsum(density[::-1])[::-1]
        weights = np.where(life > age, density, 0.0)
        if weights.sum() <= 0.0:
            return DaysLeft(days=0.0, lo=0.0, hi=mean)
        total = np.cumsum(weights) / weights.sum()
        lo, mid, hi = (float(life[min(int(np.searchsorted(total, q)), 999)]) - age for q in (0.1, 0.5, 0.9))
        return DaysLeft(days=mid, lo=max(lo, 0.0), hi=hi)

    # What is kept.

    def snapshot(self) -> list[object]:
        """Return everything as JSON values; the day that is not over is left out."""
        rows = [
            [[day, level, None if temperature != temperature else temperature] for day, level, temperature in days]  # noqa: PLR0124  NaN
            for days in (self._percent, self._mv)
        ]
        return [self.level, self.millivolts, self.since, self.fresh_at, *rows]

    @classmethod
    def restored(cls, state: object) -> Battery:
        """Return what a snapshot holds; raises SnapshotError."""
        self = cls()
        self._take_up(state)
        return self

    def _take_up(self, state: object) -> None:
        if not isinstance(state, list) or len(state) != 6:
            msg = "a stored battery is not a row of six"
            raise SnapshotError(msg)
        self.level, self.millivolts, self.since, self.fresh_at = map(_maybe, state[:4])
        for days, rows in ((self._percent, state[4]), (self._mv, state[5])):
            days.clear()
            if not isinstance(rows, list) or len(rows) > MOST_DAYS:
                msg = "a stored battery's days are no list"
                raise SnapshotError(msg)
            for row in rows:
                if not isinstance(row, list) or len(row) != 3:
                    msg = "a stored battery's day is not a row of three"
                    raise SnapshotError(msg)
                day, level, temperature = map(_maybe, row)
                if day is None or level is None or (days and day <= days[-1][0]):
                    msg = "a stored battery's days are in no order"
                    raise SnapshotError(msg)
                days.append((day, level, float("nan") if temperature is None else temperature))


def _maybe(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (isfinite(value) and abs(value) < 1e12):
        msg = "a stored battery holds something that is no number"
        raise SnapshotError(msg)
    return float(value)


def _cells(millivolts: Array, name: str) -> int:
    """Return the cells in series, by the highest voltage."""
    return max(round(float(millivolts.max()) / 1000.0 / (1.5 if name == "alkaline" else 3.0)), 1)


def _corrected(days: deque[tuple[float, float, float]], most: float) -> Array:
    """Return rows of day and level, as it would be at the mean temperature."""
    rows = np.array(days, np.float64).reshape(-1, 3)
    known = np.isfinite(rows[:, 2])
    if known.sum() < LEAST_DAYS // 2:
        return rows[:, :2]
    warmth = np.where(known, rows[:, 2], rows[known, 2].mean())
    # From one day to the next, so that the trend takes no part; shrunk: a kelvin of noise tells nothing.
    steps, moves = np.diff(warmth), np.diff(rows[:, 1])
    quiet = np.abs(moves) <= np.quantile(np.abs(moves), 0.9)
    steps, moves = steps[quiet], moves[quiet]
    slope = float((steps * moves).sum() / ((steps**2).sum() + 10.0))
    level = rows[:, 1] - min(max(slope, 0.0), most) * (warmth - warmth.mean())
    return np.column_stack([rows[:, 0], level])


def _rate(series: Array) -> tuple[float, float]:
    """Return by how much the level falls in a day, %, and the error of that."""
    long = _theil_sen(series)
    recent = series[series[:, 0] >= series[-1, 0] - RECENT_DAYS]
    if len(recent) < LEAST_DAYS // 2 or len(recent) == len(series):
        return long
    short = _theil_sen(recent)
    return short if abs(short[0] - long[0]) > 2.0 * short[1] else long


def _theil_sen(series: Array) -> tuple[float, float]:
    day, level = series[:, 0], series[:, 1]
    one, other = np.triu_indices(len(day), 1)
    slope = float(np.median((level[other] - level[one]) / (day[other] - day[one])))
    rest = level - np.median(level - slope * day) - slope * day
    noise = max(1.4826 * float(np.median(np.abs(rest))), 0.3 * _step(series), 0.02)
    # Neighbouring days err alike: a third of them count.
    return -slope, noise * sqrt(3.0 / float(((day - day.mean()) ** 2).sum()))


def _step(series: Array) -> float:
    """Return the display's step, %, as far as it shows."""
    moves = np.abs(np.diff(series[:, 1]))
    moves = moves[moves > 0.05]
    return float(min(np.quantile(moves, 0.25), 10.0)) if len(moves) else 0.5
