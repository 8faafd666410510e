"""A person's reliever days as features of the next day: rates over two spans, today, and symptoms against their own.

Days are ordinals (`date.toordinal()`). A day of which nothing is known is absent or has `used=None`; it is never a day
without use. Rates are decayed by age, as log-odds with the same two days of doubt on either side for everybody, so
that three days say little and a month says much. Nothing later than `today` is looked at, in whatever order days come.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp2, log, log1p
from typing import Final

MEMORY: Final = 365
"""Days looked back; with the half-lives below, what is older counts for nothing"""
RECENT: Final = 14
"""Days among which `LEAST` must be known, or nothing is said"""
LEAST: Final = 3
WEEK: Final = 7
SHORT: Final = 4.0
LONG: Final = 28.0
"""Half-lives, days"""
DOUBT: Final = 2.0
"""Days of use, and as many without, that nobody saw"""
USUAL_PUFFS: Final = 1.5
"""Puffs of a day before anything is known"""
MOST_PUFFS: Final = 50.0
_LEAST_FLOWS = 5
_LEAST_FLOW_SPREAD = 15.0
"""L/min"""
_LEAST_AIR = 7
_MOST = 1e6
"""No quantity of a diary is larger; NaN is not smaller either"""
_SYMPTOM = 0.3
"""Share of days with a symptom before anything is known; worth one day"""
_EDGE: Final = 1e-3

RATES: Final = ("use_4d", "use_28d")
STATUS: Final = ("today", "puffs_4d")
SYMPTOMS: Final = ("night_own", "symptoms_own", "limited_own")
AROUND: Final = ("peak_flow_own", "pm25_own", "pollen", "warmer")
FEATURES: Final = (*RATES, *STATUS, *SYMPTOMS, *AROUND)


@dataclass(frozen=True, kw_only=True, slots=True)
class DiaryDay:
    """What one evening knows of its day; None is not known."""

    day: int
    used: bool | None = None
    """Any reliever"""
    puffs: float | None = None
    night: bool | None = None
    """Woken by asthma in the last night"""
    symptoms: bool | None = None
    limited: bool | None = None
    peak_flow: float | None = None
    """L/min, mean of the day's best blows"""
    pm25: float | None = None
    """µg/m³, outside"""
    pollen: float | None = None
    """0 low to 3 very high, of the worst kind"""
    temperature: float | None = None
    """°C, outside"""


def known(days: Iterable[DiaryDay], today: int) -> list[DiaryDay]:
    """Return the last year's days to today in order; of two entries for one day the later one counts."""
    kept = {each.day: each for each in days if today - MEMORY < each.day <= today}
    return [kept[day] for day in sorted(kept)]


def enough(told: Sequence[DiaryDay], today: int) -> bool:
    """Return whether at least three of the last fourteen days are known."""
    return sum(each.used is not None and each.day > today - RECENT for each in told) >= LEAST


def week(told: Sequence[DiaryDay], today: int) -> tuple[int, int]:
    """Return days with use, and known days, among the last seven."""
    answers = [each.used for each in told if each.used is not None and each.day > today - WEEK]
    return sum(answers), len(answers)


def features(days: Iterable[DiaryDay], today: int) -> dict[str, float | None]:
    """Return all features of the day after `today`; None is not known."""
    told = known(days, today)
    last = told[-1] if told and told[-1].day == today else DiaryDay(day=today)
    return {
        "use_4d": _odds(told, today, SHORT),
        "use_28d": _odds(told, today, LONG),
        "today": None if last.used is None else 1.0 if last.used else -1.0,
        "puffs_4d": _puffs(told, today),
        "night_own": _own_share([each.night for each in told], last=last.night),
        "symptoms_own": _own_share([each.symptoms for each in told], last=last.symptoms),
        "limited_own": _own_share([each.limited for each in told], last=last.limited),
        "peak_flow_own": _own_score(
            [each.peak_flow for each in told], last.peak_flow, _LEAST_FLOWS, _LEAST_FLOW_SPREAD
        ),
        "pm25_own": _own_score([each.pm25 for each in told], last.pm25, _LEAST_AIR, 1.0),
        "pollen": _sane(last.pollen),
        "warmer": _warmer(told, last),
    }


def _sane(value: float | None) -> float | None:
    return value if value is not None and abs(value) <= _MOST else None


def decayed(age: int, half_life: float = SHORT) -> float:
    """Return the weight of a day so many days ago."""
    return exp2(-age / half_life)


def _odds(told: Sequence[DiaryDay], today: int, half_life: float) -> float | None:
    """Return log-odds of use by a decayed count; None where no day is known."""
    used = unused = DOUBT
    for each in told:
        if each.used:
            used += decayed(today - each.day, half_life)
        elif each.used is not None:
            unused += decayed(today - each.day, half_life)
    return log(used / unused) if used + unused > 2.0 * DOUBT + _EDGE else None


def _puffs(told: Sequence[DiaryDay], today: int) -> float | None:
    """Return log(1 + decayed mean of puffs a known day)."""
    total, weight = DOUBT * USUAL_PUFFS, DOUBT
    for each in told:
        puffs = _sane(each.puffs)
        if each.used is not None and puffs is not None:
            part = decayed(today - each.day)
            total += part * min(max(puffs, 0.0), MOST_PUFFS)
            weight += part
    return log1p(total / weight) if weight > DOUBT + _EDGE else None


def _own_share(all_days: Sequence[bool | None], *, last: bool | None) -> float | None:
    """Return how far today is above the person's own share of such days."""
    if last is None:
        return None
    answers = [each for each in all_days if each is not None]
    return float(last) - (sum(answers) + _SYMPTOM) / (len(answers) + 1.0)


def _own_score(all_days: Sequence[float | None], last: float | None, least: int, spread: float) -> float | None:
    """Return today's standard score among the person's own days; None with too few."""
    value = _sane(last)
    values = [each for each in map(_sane, all_days) if each is not None]
    if value is None or len(values) < least:
        return None
    mean = sum(values) / len(values)
    variance = sum((each - mean) ** 2 for each in values) / len(values)
    return float((value - mean) / max(variance**0.5, spread))


def _warmer(told: Sequence[DiaryDay], last: DiaryDay) -> float | None:
    """Return by how many °C today is warmer than yesterday."""
    now = _sane(last.temperature)
    before = next((_sane(each.temperature) for each in told if each.day == last.day - 1), None)
    return None if now is None or before is None else now - before
