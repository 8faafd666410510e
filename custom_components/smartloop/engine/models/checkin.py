"""How often a box speaks, learned from when it spoke; how surprising its silence is.

Intervals between messages are counted in bins of their logarithm, the last thousand or so. Three
things are fitted to them: a mixture of two log-normals (events that come in bursts, and the signs of
life between them), with a thin uniform background for past outages (Banfield and Raftery 1993), and
the tail beyond the 95th percentile as a generalised Pareto distribution, by moments (Pickands 1975).

The interval that silence is counted in is

    I = max(median of the signs of life, 2/3 of the 99th percentile),

or, where there is a longest interval (many just below, hardly any above), that one if it is more; so "three intervals missed" always means "more than twice the 99th percentile" as well, and for a
box that speaks regularly it is three times its usual interval. A thousandth, though, is a chance
taken a hundred times a year by what speaks every five minutes. So silence counts once

    3 intervals are missed, and the mixture gives it less than 1/1000 (the tail, where there is a
    longest interval), and the tail so little that by the model's own account it would come once in
    two years.

A silence that was an outage is not learned from: it would be the habit by the tenth time. Only when
several in a row were too long is it the habit that changed, and learning begins anew.
"""

from dataclasses import dataclass, replace
from math import erfc, exp, inf, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from ..errors import SnapshotError

type Array = NDArray[np.float64]

MISSED = 3.0
"""Intervals missed from which a box may be called silent."""
_ON_TIME = 1.02
"""The third message is missed once it is late, not while it may still be on time"""
CHANCE = 1e-3
"""Probability of the silence, at most."""
FALSE_PER_YEAR = 0.5
"""Silences a year that the model itself expects by chance, at most."""
LEAST_INTERVALS = 6
LEAST_SPAN_S = 86400.0
"""s; with fewer intervals no habit is known, and before a day and a night have been seen, silence for the rest of
them is still no surprise."""
_MOST_SPAN_S = 6 * 3600.0
"""s that one interval counts for: a long gap at the very beginning proves no habit"""
MESSAGE_S = 2.0
"""s within which several values are one message."""
LONGEST_S = 30 * 86400.0

_BINS = 96
_LOW, _HIGH = log(MESSAGE_S), log(LONGEST_S)
_PER_BIN = (_HIGH - _LOW) / _BINS
_GROWTH = 1.0 + 1.0 / 1024.0
"""Each interval weighs this much more than the one before: a memory of about a thousand."""
_MOST_WEIGHT = 1e9
_ROUNDS = 25
_LEAST_SD = 0.05
"""Of the logarithm: clocks and radios jitter."""
_APART = 4.0
"""Times the short intervals from which rare long ones are signs of life and not messages lost."""
_RARE = 0.05
_OFTEN = 0.15
_BACKGROUND = 0.03
"""Share of intervals that may be outages that nobody noticed"""
_FAR = log(3.2)
"""Of the logarithm, beyond the usual: from here on an interval was an outage, not a habit"""
_NEAR, _JUST, _CLIFF = 0.5, 0.1, 3.0
"""Of the logarithm, what is just below and just above; and how many times more there is below. Log-normals wider
than 0.75 have no such edge."""
_CLEARLY = 1.25
"""Times the longest interval, which is known by its bin only, from which it is passed"""
_TAIL = 0.05
_PRIOR_TAIL = (5.0, 0.1)
"""Long intervals taken to have been seen before the first, and by how much of the 95th percentile they passed it"""
_HEAVIEST = 0.5
_CHANGED = 0.55
"""Share of recent intervals that were too long from which the habit has changed: four in a row."""
_SHARE_GAIN = 0.2
_REFIT = 1.2
_YEAR = 365.25 * 86400.0
_STEPS = 48
_MOST_TIMES = 200.0
"""Usual intervals beyond which no limit is looked for."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What is known of how often a box speaks."""

    typical: float
    """s, the median of its signs of life"""
    interval: float
    """s, what silence is counted in"""
    limit: float
    """s of silence from which it is called silent"""
    burst: tuple[float, float, float]
    """Weight, mean and standard deviation of the logarithm"""
    life: tuple[float, float, float]
    tail: tuple[float, float, float]
    """95th percentile, s, and scale and shape of what is beyond"""
    edged: bool
    """Whether it has a longest interval, of which log-normals know nothing"""

    def survival(self, elapsed: float) -> float:
        """Return the probability of a silence of so many seconds, or longer, while all is well."""
        at = log(max(elapsed, MESSAGE_S))
        chance = sum(weight * _above(at, mean, sd) for weight, mean, sd in (self.burst, self.life))
        return min(chance, self.extreme(elapsed)) if self.edged and elapsed > _CLEARLY * self.tail[0] else chance

    def extreme(self, elapsed: float) -> float:
        """Return the same by the tail alone, where the mixture's shape says little."""
        edge, scale, shape = self.tail
        beyond = max(elapsed - edge, 0.0) / scale
        return _TAIL * (exp(-beyond) if shape < 1e-3 else (1.0 + shape * beyond) ** (-1.0 / shape))


def _above(at: float, mean: float, sd: float) -> float:
    return 0.5 * erfc((at - mean) / (sd * sqrt(2.0)))


class CheckIn:
    """The signs of life of one box."""

    __slots__ = (
        "_counts",
        "_deaf",
        "_habit",
        "_message",
        "_span",
        "_sums",
        "_weight",
        "intervals",
        "last",
        "outages",
        "share",
    )

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self.last = -inf
        """s since 1970 of the last sign of life"""
        self.intervals = 0
        """Learned from"""
        self.outages = 0
        self.share = 0.0
        """Of recent intervals, those that were too long"""
        self._message = -inf
        self._deaf = 0.0
        self._span = 0.0
        self._counts = [0.0] * _BINS
        self._sums = [0.0] * _BINS
        self._weight = 1.0
        self._habit: tuple[int, Habit | None] = 0, None

    def heard(self, at: float, deaf: float = 0.0) -> None:
        """Take in a sign of life; `deaf` is for how many seconds nobody could have heard it, of all time.

        An interval in which nobody listened teaches nothing. Constant time.
        """
        if at <= self.last:
            return
        self.last = at
        interval = at - self._message
        if interval <= MESSAGE_S:
            return
        self._message = at
        if deaf != self._deaf or interval == inf:
            self._deaf = deaf
            return
        habit = self._habit[1]
        if habit is not None:
            if interval > habit.limit:
                self._outage()
                return
            self.share -= _SHARE_GAIN * self.share
        self._span += min(interval, _MOST_SPAN_S)
        self._learn(log(interval))

    def _outage(self) -> None:
        self.outages += 1
        self.share += _SHARE_GAIN * (1.0 - self.share)
        if self.share > _CHANGED:
            self._counts, self._sums = [0.0] * _BINS, [0.0] * _BINS
            self.intervals, self.share, self._weight, self._span = 0, 0.0, 1.0, 0.0
            self._habit = 0, None

    def _learn(self, interval: float) -> None:
        place = int((interval - _LOW) / _PER_BIN)
        place = min(place, _BINS - 1)
        weight = self._weight
        self._counts[place] += weight
        self._sums[place] += weight * interval
        self._weight = weight * _GROWTH
        self.intervals += 1
        if weight > _MOST_WEIGHT:
            self._counts = [count / weight for count in self._counts]
            self._sums = [total / weight for total in self._sums]
            self._weight = _GROWTH

    def rewind(self, now: float) -> None:
        """Take what was heard in the future for heard now: the clock went back."""
        self.last = self._message = min(self.last, now)

    def elapsed(self, now: float, deaf: float) -> float:
        """Return the seconds since the last sign of life in which one could have been heard."""
        return max(now - self.last - max(deaf - self._deaf, 0.0), 0.0)

    @property
    def fitted(self) -> int:
        """Return from how many intervals the habit was worked out at last."""
        return self._habit[0]

    @property
    def stale(self) -> bool:
        """Return whether enough was learned since the habit was worked out."""
        known = self._habit[0]
        return self.intervals >= max(LEAST_INTERVALS, min(_REFIT * known, known + 200.0)) and self.intervals > known

    @property
    def habit(self) -> Habit | None:
        """Return what was worked out at last; None while too little is known."""
        return self._habit[1]

    def refit(self) -> Habit | None:
        """Work the habit out anew; some tenths of a millisecond."""
        self._habit = self.intervals, self._fit()
        return self._habit[1]

    def _fit(self) -> Habit | None:
        if self.intervals < LEAST_INTERVALS:
            return None
        counts = np.array(self._counts)
        here = counts > 0.0
        weights, means = counts[here] / counts.sum(), np.array(self._sums)[here] / counts[here]
        burst, life = _mixture(means, weights)
        edge = _quantile(means, weights, 1.0 - _TAIL)
        regular = _is_edge(means, weights, edge)
        if regular:
            usual = means <= edge + _FAR
            weights, means = weights[usual] / weights[usual].sum(), means[usual]
        # The newest weighs most; in all they are worth so many.
        worth = min(float(self.intervals), 1.0 / (_GROWTH - 1.0))
        typical = exp(life[1])
        interval = max(typical, exp(edge) if regular else 0.0, exp(_quantile(means, weights, 0.99)) * 2.0 / MISSED)
        habit = Habit(
            typical, interval, MISSED * _ON_TIME * interval, burst, life, _tail(means, weights, worth), regular
        )
        per_year = _YEAR / float((weights * np.exp(means)).sum())
        limit = _limit(habit, FALSE_PER_YEAR / per_year)
        return replace(habit, limit=max(limit, LEAST_SPAN_S - self._span))

    # What is kept.

    def snapshot(self) -> list[object]:
        """Return everything as JSON values."""
        rows = [
            [place, count / self._weight, total / self._weight]
            for place, (count, total) in enumerate(zip(self._counts, self._sums, strict=True))
            if count
        ]
        times = [None if each == -inf else each for each in (self.last, self._message)]
        fitted, habit = self._habit
        known = None if habit is None else [fitted, *_habit_row(habit)]
        return [*times, self._deaf, self._span, self.intervals, self.outages, self.share, rows, known]

    @classmethod
    def restored(cls, state: object) -> CheckIn:
        """Return what a snapshot holds; raises SnapshotError."""
        if not isinstance(state, list) or len(state) not in {8, 9} or not isinstance(state[7], list):
            msg = "stored signs of life are not a row of nine"
            raise SnapshotError(msg)
        self = cls()
        last, message, *figures = state[:7]
        self.last, self._message = (-inf if each is None else _number(each, 0.0, 1e12) for each in (last, message))
        self._deaf, self._span, intervals, outages, self.share = (
            _number(each, 0.0, high) for each, high in zip(figures, (1e12, 1e12, 1e12, 1e12, 1.0), strict=True)
        )
        self.intervals, self.outages = int(intervals), int(outages)
        for row in state[7]:
            if not isinstance(row, list) or len(row) != 3:
                msg = "a stored interval is not a row of three"
                raise SnapshotError(msg)
            place = int(_number(row[0], 0, _BINS - 1))
            self._counts[place] = _number(row[1], 0.0, 1e9)
            self._sums[place] = _number(row[2], 0.0, 1e9)
        if self.intervals < LEAST_INTERVALS or not sum(self._counts) > 0.0:
            self.intervals = 0
        elif len(state) == 9 and state[8] is not None:
            # As it was: working out hundreds of them would hold up the start.
            self._habit = _restored_habit(state[8])
        else:
            self.refit()
        return self


def _habit_row(habit: Habit) -> list[float]:
    """Return a habit as numbers."""
    regular = float(habit.edged)
    return [habit.typical, habit.interval, habit.limit, *habit.burst, *habit.life, *habit.tail, regular]


def _restored_habit(row: object) -> tuple[int, Habit]:
    if not isinstance(row, list) or len(row) != 14:
        msg = "a stored habit is not a row of fourteen"
        raise SnapshotError(msg)
    fitted, typical, interval, limit, *rest = (_number(each, -1e12, 1e12) for each in row)
    burst, life, tail = ((rest[at], rest[at + 1], rest[at + 2]) for at in (0, 3, 6))
    # Silence is divided by the first ones, and the tail's scale and the deviations divide, too.
    if min(typical, interval, limit, burst[2], life[2], tail[1]) <= 0.0:
        msg = "a stored habit holds something that cannot be"
        raise SnapshotError(msg)
    return int(fitted), Habit(typical, interval, limit, burst, life, tail, rest[9] > 0.0)


def _number(value: object, low: float, high: float) -> float:
    # Compared, not converted: NaN fails, too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        msg = "stored signs of life hold something that cannot be"
        raise SnapshotError(msg)
    return float(value)


def _quantile(means: Array, weights: Array, share: float) -> float:
    """Return the logarithm below which that share of the intervals lies."""
    return float(means[min(int(np.searchsorted(np.cumsum(weights), share)), len(means) - 1)])


def _is_edge(means: Array, weights: Array, edge: float) -> bool:
    """Return whether intervals end there: many just below, hardly any above, as with a longest reporting interval."""
    below = weights[(means > edge - _NEAR) & (means <= edge + _JUST)].sum()
    above = weights[(means > edge + _JUST) & (means <= edge + _FAR)].sum()
    return bool(below >= _CLIFF * above)


def _mixture(means: Array, weights: Array) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the two log-normals, the bursts and the signs of life, by expectation and maximisation."""
    # One alone: median and quartiles, which a few stray intervals do not move.
    median = _quantile(means, weights, 0.5)
    quartiles = _quantile(means, weights, 0.75) - _quantile(means, weights, 0.25)
    spread = max(float(np.sqrt((weights * (means - median) ** 2).sum())), _LEAST_SD)
    single = (0.0, median, spread), (1.0, median, min(max(quartiles / 1.35, 2.0 * _LEAST_SD), spread))
    if spread < 3.0 * _LEAST_SD:
        return single
    share = np.array([0.5, 0.5])
    mean = np.array([_quantile(means, weights, 0.1), _quantile(means, weights, 0.9)])
    sd = np.array([0.5 * spread, 0.5 * spread])
    background = _BACKGROUND / (_HIGH - _LOW)
    for _ in range(_ROUNDS):
        density = share / sd * np.exp(-0.5 * ((means[:, None] - mean) / sd) ** 2) / _ROOT
        part = weights[:, None] * density / (density.sum(axis=1, keepdims=True) + background)
        share = part.sum(axis=0)
        if share.min() < 1e-3:
            return single
        mean = (part * means[:, None]).sum(axis=0) / share
        sd = np.sqrt((part * (means[:, None] - mean) ** 2).sum(axis=0) / share) + _LEAST_SD
        share /= share.sum()
    order = np.argsort(mean)
    short, long = ((float(share[at]), float(mean[at]), float(sd[at])) for at in order)
    if long[0] >= (_RARE if long[1] - short[1] >= log(_APART) else _OFTEN):
        return short, long
    # What is longer now and then was lost on the way: the tail accounts for it.
    return (long[0], *short[1:]), short


def _tail(means: Array, weights: Array, worth: float) -> tuple[float, float, float]:
    """Return the 95th percentile, s, and scale and shape of the excess over it (method of moments)."""
    edge = exp(_quantile(means, weights, 1.0 - _TAIL))
    excess = np.maximum(np.exp(means) - edge, 0.0)
    seen, prior = worth * _TAIL, _PRIOR_TAIL[0]
    guess = _PRIOR_TAIL[1] * edge
    first = (float((weights * excess).sum()) / _TAIL * seen + guess * prior) / (seen + prior)
    second = (float((weights * excess**2).sum()) / _TAIL * seen + 2.0 * guess**2 * prior) / (seen + prior)
    ratio = first**2 / max(second - first**2, 1e-9)
    shape = min(max(0.5 * (1.0 - ratio), 0.0), _HEAVIEST - 0.05)
    return edge, first * (1.0 - shape), shape


def _limit(habit: Habit, chance: float) -> float:
    """Return the first silence, from three intervals on, that is improbable enough."""
    limit = habit.limit
    factor = (_MOST_TIMES / MISSED) ** (1.0 / _STEPS)
    for _ in range(_STEPS):
        if habit.survival(limit) <= CHANCE and habit.extreme(limit) <= chance:
            break
        limit *= factor
    return limit


_ROOT = sqrt(2.0 * pi)
