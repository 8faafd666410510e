"""One value out of several: each source's noise, how far it has been from the others, and what to make of it now.

The error of a source is what its datasheet allows, what time adds while it is silent, and what has
been learned of it: the mean square of what it differs by from the others, each weighted by what is
known of it (Aitken's weights, iterated; the truth is not needed). So one that is off, drifts, stands
still or is noisy loses weight for as long as it is so. Of two that differ nobody can say which one
errs: nothing is learned of their errors, and no side is taken.

Steady offsets among those that are sound are taken out, as far as they add up to nothing: then the
fused value does not jump when one of them falls silent. What they have in common cannot be seen, and
what is left by a source that is gone for good fades.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import exp, inf, sqrt
from typing import NamedTuple

from .errors import SnapshotError

_HOUR = 3600.0

_FREEDOM = 4.0
"""Degrees of freedom of Student's t: a far-off source counts ever less, a near one as usual."""
_ROUNDS = 8

_EVERY_S = 300.0
"""Sources are compared this often at most, and only when somebody wants to know."""
_LONGEST_S = _HOUR
"""A comparison speaks for no longer time than this."""
_WORSE_S = _HOUR
"""How fast trust is lost (time constant) ..."""
_BETTER_S = 8.0 * _HOUR
"""... and won again, ..."""
_OFFSET_S = 12.0 * _HOUR
"""... offsets are learned ..."""
_FADE_S = 48.0 * _HOUR
"""... and both fade, when there is nothing to compare with."""
_USUAL = 0.5
"""Mean square error that the datasheet's floor covers, in floors ..."""
_BEYOND = 4.0
"""... and how much more what is beyond counts: a faulty source's errors last, so they do not cancel as noise does."""
_PAIR = 2
_AGED = 1.0
"""Values are compared until silence may have added as much variance as the floor has."""
_FAR = 10.0
"""Floors from the middle, from which further off is no worse: one glitch is not remembered for days."""
_SOUND = 1.5
"""Floors of error at which a source is half trusted to be sound."""
_COLUMNS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """How far a source may be from the truth: when fresh, and how that grows while it is silent."""

    floor: float
    """Standard deviation of a fresh value, in the measurand's unit."""
    per_root_hour: float
    """Standard deviation that one silent hour adds: the place is a random walk."""

    def variance(self, age_s: float, quality: float) -> float:
        """Return R + q age, more for a value of lesser quality."""
        return (self.floor**2 + self.added(age_s)) / quality

    def added(self, age_s: float) -> float:
        """Return the variance that silence has added."""
        return self.per_root_hour**2 * age_s / _HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A fused quantity."""

    value: float
    sd: float
    """In the unit of the value."""
    age_s: float
    """Of the newest value in it."""
    sources: int


type _Row = tuple[float, float, float]


class Trust:
    """What has been learned of one source's error in one quantity, in floors of its noise."""

    __slots__ = ("at", "error", "offset")

    def __init__(self) -> None:
        """Begin with the datasheet."""
        self.error = 0.0
        """Mean square"""
        self.offset = 0.0
        self.at = 0.0
        """s since 1970 of the last comparison"""

    def faded(self, moment: float) -> tuple[float, float]:
        """Return mean square error and offset, as far as they still hold."""
        if not self.at:
            return 0.0, 0.0
        fade = exp(min(self.at - moment, 0.0) / _FADE_S)
        return max(self.error, 0.0) * fade, self.offset * fade

    @property
    def row(self) -> list[float]:
        """Return what to keep: nothing of a source that was never compared with another."""
        return [self.error, self.offset, self.at] if self.at else []

    @classmethod
    def restored(cls, row: Sequence[object]) -> Trust:
        """Return what a snapshot holds; raises SnapshotError."""
        numbers = [each for each in row if isinstance(each, int | float) and not isinstance(each, bool)]
        error, offset, at = numbers if len(numbers) == len(row) == _COLUMNS else (inf,) * _COLUMNS
        # Compared, not converted: NaN fails, too.
        if not (abs(error) <= _FAR**3 and abs(offset) <= 3.0 * _FAR and 0.0 < at < 1e12):
            msg = "what is stored of a source's error cannot be"
            raise SnapshotError(msg)
        self = cls()
        self.error, self.offset, self.at = float(error), float(offset), float(at)
        return self


class Shown(NamedTuple):
    """What one source shows now."""

    name: str
    value: float
    noise: Noise
    age: float
    """s; below zero where its clock is ahead"""
    quality: float
    trust: Trust


def fuse(shown: Iterable[Shown], moment: float) -> Estimate:
    """Return the location of Student's t over one or more sources."""
    # Sorted: sums of floats would else depend on which source spoke first.
    rows = sorted(_row(each, moment) for each in shown)
    if len(rows) == 1:
        value, variance, age = rows[0]
        return Estimate(value=value, sd=sqrt(variance), age_s=age, sources=1)
    location, weights = _locate(rows)
    variance = 1.0 / sum(weights)
    if len(rows) == _PAIR:
        # Either may be right: how far they are apart is how little is known (Birge 1932).
        variance *= max(sum(weight * (row[0] - location) ** 2 for row, weight in zip(rows, weights, strict=True)), 1.0)
    return Estimate(value=location, sd=sqrt(variance), age_s=min(row[2] for row in rows), sources=len(rows))


def _row(shown: Shown, moment: float) -> _Row:
    """Return value, variance and age of one source, its offset taken out as far as it is sound."""
    age = max(shown.age, 0.0)
    variance = shown.noise.variance(age, shown.quality)
    if not shown.trust.at:
        return shown.value, variance, age
    error, offset = shown.trust.faded(moment)
    floor = shown.noise.floor
    return (
        shown.value - _soundness(error, offset) * offset * floor,
        variance + _BEYOND * max(error - _USUAL, 0.0) * floor**2,
        age,
    )


def _soundness(error: float, offset: float) -> float:
    """Return from 1 to 0 how sure it is that a source measures what the others do."""
    return 1.0 / (1.0 + (max(error, offset**2) / _SOUND**2) ** 2)


def _locate(rows: Sequence[_Row]) -> tuple[float, list[float]]:
    """Reweight least squares from a weighted median on (Lange, Little and Taylor 1989); return the weights, too."""
    if len(rows) == _PAIR:
        # Student's t would take the side of one of them by chance.
        (one, first, _), (other, second, _) = rows
        return (one * second + other * first) / (first + second), [1.0 / first, 1.0 / second]
    location = _median(rows)
    weights: list[float] = []
    for _ in range(_ROUNDS):
        total = mass = 0.0
        weights = []
        for value, variance, _age in rows:
            weight = (_FREEDOM + 1.0) / (_FREEDOM + (value - location) ** 2 / variance) / variance
            weights.append(weight)
            total += weight * value
            mass += weight
        location = total / mass
    return location, weights


def _median(rows: Sequence[_Row]) -> float:
    """Return the median weighted by 1/sd: two sources of some age outvote a fresh one that differs."""
    rows = sorted(rows)
    weights = [1.0 / sqrt(row[1]) for row in rows]
    half = sum(weights) / 2.0
    # The sums agree to the last digit, so the last row is reached at the latest.
    return next(row[0] for row, below in zip(rows, accumulate(weights), strict=True) if below >= half)


def compare(shown: Iterable[Shown], moment: float) -> None:
    """Learn of each source's error from the others; does nothing when that was done a moment ago."""
    shown = tuple(shown)
    last = max((each.trust.at for each in shown), default=0.0)
    if moment - last < _EVERY_S:
        return
    # By name: what is learned must not depend on which source spoke first.
    fresh = sorted(
        (
            each
            for each in shown
            # What was carried over a restart says when we stopped, not what the source shows.
            if each.quality >= 1.0 and each.noise.added(each.age) <= _AGED * each.noise.floor**2
        ),
        key=lambda each: each.name,
    )
    if len(fresh) < _PAIR:
        return
    span = min(moment - last, _LONGEST_S)
    rows = [_row(each, moment) for each in fresh]
    location, weights = _locate(rows)
    mass = sum(weights)
    known = [each.trust.faded(moment) for each in fresh]
    sound = [_soundness(*each) for each in known]
    # The sum of the offsets is whatever the first comparisons made it; it goes to nothing slowly.
    shared = (
        sum(share * offset for share, (_, offset) in zip(sound, known, strict=True))
        / sum(sound)
        * _share(span, _FADE_S)
    )
    for each, (value, _variance, age), weight, (error, offset) in zip(fresh, rows, weights, known, strict=True):
        floor, trust = each.noise.floor, each.trust
        beyond = _near((each.value - location) / floor - offset)
        trust.offset = offset + beyond * _share(span, _OFFSET_S) - shared
        if len(fresh) > _PAIR:
            # Divided: its own weight drew the middle towards it.
            square = _near((value - location) / floor) ** 2 / max(1.0 - weight / mass, 1.0 / _FAR)
            worse = square - each.noise.added(age) / floor**2 - error
            trust.error = error + worse * _share(span, _WORSE_S if worse > 0.0 else _BETTER_S)
        else:
            trust.error = error
        trust.at = moment


def _share(span: float, constant: float) -> float:
    return 1.0 - exp(-span / constant)


def _near(floors: float) -> float:
    return min(max(floors, -_FAR), _FAR)
