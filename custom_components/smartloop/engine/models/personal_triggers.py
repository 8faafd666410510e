"""What goes with a person's bad days: graded, never claimed early, and what would settle it.

A day is bad or not (by the person's own account), each exposure was there or not; None is "not
known". Every exposure has a prior from what is known in general, log odds ratio N(0.1, 0.5^2) unless
told otherwise, so few days move it little. Grades, in models.md section 6.4's words:

    known in general    nothing of the person's own yet
    some days fit       P(odds ratio > 1.2) > 0.90
    fits you            > 0.95, at least 20 bad days, and moved round in time it fits less (p < 0.05)
    not supported       P(odds ratio > 1.2) < 0.10

Days may come in any order; a day told again replaces what was said of it; a day can be taken back.
The last 392 days are kept; a day more than that
ahead of all others is refused until a second one follows it (a clock was wrong, or long nothing was told). Telling a day takes constant time; `findings` works all out anew when
something changed (bounded, some milliseconds: not for the event loop).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import erfc, exp, isfinite, log, sqrt
from typing import Final, Self

import numpy as np

from .personal_crossover import STRATUM_DAYS, Fit, Strata, fit, shifted_chance
from .personal_score import Score
from .personal_settle import LEAST_EVENTS, Settle, settle
from .personal_state import Array, Fields, Record

KIND: Final = "trigger_finder"
VERSION: Final = 1
MOST_STRATA: Final = 28
MOST_DAYS: Final = MOST_STRATA * STRATUM_DAYS
MOST_EXPOSURES: Final = 16
RELEVANT: Final = 1.2
"""Odds ratio from which an exposure matters to anybody"""
SOME, CLEAR, UNLIKELY = 0.90, 0.95, 0.10
LEAST_SHIFTED: Final = 0.05
PRIOR_MEAN, PRIOR_SD = 0.1, 0.5
_WEEKEND = (0.0, 1.0)
"""Prior of the log odds ratio of a weekend: it is accounted for, never claimed"""
_KEPT = 55.0 / 56.0
"""Of the weight of a day, until the next: the usual rate is that of some eight weeks"""
_FIRST_RATE = (1.0, 5.0)


class Grade(StrEnum):
    """How far a claim may go."""

    KNOWN_IN_GENERAL = "known_in_general"
    NOT_SUPPORTED = "not_supported"
    SOME_DAYS_FIT = "some_days_fit"
    FITS_YOU = "fits_you"


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something that may go with bad days, and what is known of it in general."""

    name: str
    mean: float = PRIOR_MEAN
    """Log odds ratio"""
    sd: float = PRIOR_SD

    def __post_init__(self) -> None:
        """Refuse what is no prior."""
        if not self.name or not abs(self.mean) <= 3.0 or not 0.05 <= self.sd <= 3.0:
            msg = "an exposure needs a name and a prior that can be"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one exposure and this person."""

    name: str
    grade: Grade
    odds_ratio: float
    lo: float
    hi: float
    """90 % of the belief lies between"""
    chance: float
    """That the odds ratio is above 1.2"""
    events: int
    days: int
    shifted: float | None
    """p-value of the exposure moved round in time; worked out only where it decides"""
    settle: Settle


def chance_above(mean: float, variance: float, odds_ratio: float = RELEVANT) -> float:
    """Return the chance that the odds ratio is above a bound."""
    return 0.5 * erfc(-(mean - log(odds_ratio)) / sqrt(2.0 * variance))


class TriggerFinder:
    """One person's days."""

    __slots__ = ("_days", "_exposures", "_findings", "_fit", "_leap", "_newest", "_places", "_rate", "score")

    def __init__(self, exposures: Sequence[Exposure]) -> None:
        """Begin with what is known in general."""
        self._exposures = tuple(exposures)
        self._places = {each.name: place for place, each in enumerate(self._exposures)}
        if not 0 < len(self._exposures) <= MOST_EXPOSURES or len(self._places) != len(self._exposures):
            msg = f"a finder needs 1 to {MOST_EXPOSURES} exposures of different names"
            raise ValueError(msg)
        self._days: dict[int, tuple[bool | None, ...]] = {}
        """By ordinal: whether it was bad, then each exposure"""
        self._newest = 0
        self._leap = 0
        """A day far ahead of all others: a wrong clock, unless a second one says so, too"""
        self._rate = _FIRST_RATE
        """Bad days and days, older ones counting less"""
        self._fit: Fit | None = None
        self._findings: tuple[Finding, ...] | None = None
        self.score = Score()

    @property
    def days(self) -> int:
        """Return how many days are held."""
        return len(self._days)

    def learn_one(self, day: date, exposures: Mapping[str, bool | None], *, bad: bool | None) -> bool:
        """Take in a day, or tell it anew; False when it is too old to be kept. Constant time, once it is the newest."""
        ordinal = day.toordinal()
        if ordinal <= self._newest - MOST_DAYS or self._leaps(ordinal):
            return False
        if ordinal > self._newest and bad is not None:
            said = self.predict_one(exposures)
            rate = self._rate[0] / self._rate[1]
            self.score.update(said, prior=rate, outcome=bad)
            self._rate = (_KEPT * self._rate[0] + bad, _KEPT * self._rate[1] + 1.0)
        self._days[ordinal] = (bad, *(_truth(exposures.get(each.name)) for each in self._exposures))
        if ordinal > self._newest:
            self._newest = ordinal
            if len(self._days) > MOST_DAYS or min(self._days) <= ordinal - MOST_DAYS:
                self._days = {key: row for key, row in self._days.items() if key > ordinal - MOST_DAYS}
        self._findings = None
        return True

    def _leaps(self, ordinal: int) -> bool:
        """Return whether a day is so far ahead that it alone would push all others out."""
        if not self._days or ordinal <= self._newest + MOST_DAYS or 0 <= ordinal - self._leap <= STRATUM_DAYS:
            return False
        self._leap = ordinal
        return True

    def retract(self, day: date) -> bool:
        """Take back all that was said of a day; False when nothing is held of it."""
        found = self._days.pop(day.toordinal(), None)
        if found is not None:
            self._findings = None
        return found is not None

    def predict_one(self, exposures: Mapping[str, bool | None]) -> float | None:
        """Return the chance of a bad day, from the usual rate and what was last worked out; changes nothing.

        None when nothing is known of most exposures.
        """
        given = [_truth(exposures.get(each.name)) for each in self._exposures]
        if 2 * given.count(None) > len(given):
            return None
        rate = self._rate[0] / self._rate[1]
        if self._fit is None:
            return rate
        usual = self._usual()
        line = log(rate / (1.0 - rate))
        for place, value in enumerate(given):
            if value is not None:
                line += float(self._fit.mean[place]) * (value - usual[place])
        return 1.0 / (1.0 + exp(-min(max(line, -20.0), 20.0)))

    def _usual(self) -> list[float]:
        rows = list(self._days.values())[-2 * STRATUM_DAYS :]
        found = []
        for place in range(len(self._exposures)):
            known = [row[place + 1] for row in rows if row[place + 1] is not None]
            found.append(sum(map(bool, known)) / len(known) if known else 0.5)
        return found

    def strata(self) -> Strata:
        """Return the days by fortnight, in the order of time; the last column is the weekend."""
        if not self._days:
            return _table({}, range(0), len(self._exposures))
        # Fortnights are counted from the newest day, so that the last one is whole.
        first = max(min(self._days), self._newest - MOST_DAYS + 1)
        count = (self._newest - first) // STRATUM_DAYS + 1
        return _table(
            self._days, range(self._newest - count * STRATUM_DAYS + 1, self._newest + 1), len(self._exposures)
        )

    def _priors(self) -> tuple[Array, Array]:
        mean = np.array([*(each.mean for each in self._exposures), _WEEKEND[0]])
        return mean, np.array([*(each.sd for each in self._exposures), _WEEKEND[1]])

    def findings(self) -> tuple[Finding, ...]:
        """Return what is known of every exposure, those not supported too; works it out when days changed."""
        if self._findings is None:
            strata, (mean, sd) = self.strata(), self._priors()
            self._fit = fit(strata, mean, sd)
            self._findings = tuple(self._finding(place, strata, self._fit) for place in range(len(self._exposures)))
        return self._findings

    def _finding(self, place: int, strata: Strata, found: Fit) -> Finding:
        exposure = self._exposures[place]
        mean, variance = float(found.mean[place]), float(found.variance[place])
        chance = chance_above(mean, variance)
        events, days = int((strata.bad & strata.known).sum()), int(strata.known.sum())
        shifted = None
        if chance > CLEAR and events >= LEAST_EVENTS:
            shifted = shifted_chance(strata, place, *self._priors())
        half = 1.645 * sqrt(variance)
        grade = _grade(chance, own=float(found.information[place]) > 0.0, shifted=shifted)
        return Finding(
            name=exposure.name,
            grade=grade,
            odds_ratio=exp(mean),
            lo=exp(mean - half),
            hi=exp(mean + half),
            chance=chance,
            events=events,
            days=days,
            shifted=shifted,
            settle=settle(
                (mean, variance),
                (exposure.mean, exposure.sd),
                events=events,
                days=days,
                settled=grade is Grade.FITS_YOU,
            ),
        )

    def snapshot(self) -> Record:
        """Return everything as JSON values; what was worked out is worked out again."""
        return {
            "kind": KIND,
            "version": VERSION,
            "names": [each.name for each in self._exposures],
            "priors": [[each.mean, each.sd] for each in self._exposures],
            "newest": self._newest,
            "leap": self._leap,
            "rate": list(self._rate),
            "days": [[day, *(-1 if each is None else int(each) for each in row)] for day, row in self._days.items()],
            "fit": [] if self._fit is None else [self._fit.mean.tolist(), self._fit.variance.tolist()],
            "score": self.score.snapshot(),
        }

    @classmethod
    def restored(cls, state: object) -> Self:
        """Return what a snapshot holds; raises SnapshotError."""
        fields = Fields(state, KIND, VERSION)
        names = fields.texts("names", MOST_EXPOSURES)
        priors = fields.table("priors", 2, MOST_EXPOSURES)
        sane = 0 < len(set(names)) == len(names) == len(priors) and all(names)
        sane = sane and bool((np.abs(priors[:, 0]) <= 3.0).all() and (np.abs(priors[:, 1] - 1.525) <= 1.475).all())
        fields.require(holds=sane, what="has exposures that cannot be")
        self = cls([Exposure(name, *row) for name, row in zip(names, priors.tolist(), strict=True)])
        self._newest, self._leap = (fields.count(name, date.max.toordinal()) for name in ("newest", "leap"))
        bad, days = fields.row("rate", 2, low=0.0, high=1e3).tolist()
        fields.require(holds=0.0 < bad < days, what="has a rate that is none")
        self._rate = bad, days
        table = fields.table("days", len(names) + 2, MOST_DAYS)
        oldest = self._newest - MOST_DAYS
        held = bool(
            ((table[:, 0] > oldest) & (table[:, 0] <= self._newest)).all() and np.isin(table[:, 1:], (-1, 0, 1)).all()
        )
        fields.require(holds=held and len(set(table[:, 0])) == len(table), what="holds a day that cannot be")
        for row in table.astype(int).tolist():
            self._days[row[0]] = tuple(None if each < 0 else bool(each) for each in row[1:])
        if fields.items("fit", 2):
            mean, variance = fields.table("fit", len(names) + 1, 2)[:2]
            fields.require(holds=bool((variance > 0.0).all()), what="has a fit that cannot be")
            self._fit = Fit(mean, variance, np.zeros_like(mean))
        self.score = fields.part("score", Score.restored)
        return self


def _grade(chance: float, *, own: bool, shifted: float | None) -> Grade:
    if not own:
        return Grade.KNOWN_IN_GENERAL
    if shifted is not None and shifted < LEAST_SHIFTED:
        return Grade.FITS_YOU
    if chance > SOME:
        return Grade.SOME_DAYS_FIT
    return Grade.NOT_SUPPORTED if chance < UNLIKELY else Grade.KNOWN_IN_GENERAL


def _truth(value: object) -> bool | None:
    """Return a truth value; numbers above zero are true, what is no number is not known."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and isfinite(value):
        return value > 0
    return None


def _table(days: Mapping[int, tuple[bool | None, ...]], span: range, exposures: int) -> Strata:
    """Return the days of a span as strata; an exposure that is not known is its stratum's mean."""
    rows = np.full((len(span), exposures + 2), np.nan)
    for place, day in enumerate(span):
        if day in days:
            rows[place, :-1] = [np.nan if each is None else float(each) for each in days[day]]
        # The ordinal of a Monday leaves 1, those of Saturday and Sunday 6 and 0.
        rows[place, -1] = day % 7 in (6, 0)
    shaped = rows.reshape(len(span) // STRATUM_DAYS, STRATUM_DAYS, exposures + 2)
    x = shaped[..., 1:]
    given = np.isfinite(x)
    usual = np.where(given, x, 0.0).sum(axis=1, keepdims=True) / np.maximum(given.sum(axis=1, keepdims=True), 1)
    known = np.isfinite(shaped[..., 0])
    return Strata(np.where(given, x, usual), np.nan_to_num(shaped[..., 0]) > 0.5, known)
