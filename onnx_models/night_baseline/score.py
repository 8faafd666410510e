"""Figures of the nightly baselines, and of what would be simpler; the same for all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.bed import deviation, smooth
from custom_components.smartloop.engine.features.pulse import heart_minutes
from custom_components.smartloop.engine.models.night import (
    HIGH,
    LEAST_MINUTES,
    LEAST_TOLD,
    NightBaselines,
    NightFigures,
    expected_quality,
)

from ..report import Metrics, plain
from .data import Beats, Belt, Watch

type Array = NDArray[np.float64]
type Series = list[tuple[date, NightFigures]]

QUARTER: Final = 91.0
"""Nights of a quarter of a year"""
RISES: Final = (3.0, 5.0, 8.0)
"""1/min added to three nights of a real series, once every tenth night"""
_RISE_NIGHTS, _EVERY = 3, 10
_WIDEST_GAP_S: Final = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """One person's part in every figure; lists are of nights, minutes or days."""

    name: str
    breath_gaps: tuple[float, ...] = ()
    """|spectral - counted| of minutes told, 1/min"""
    breath_nights: tuple[float, ...] = ()
    """The same of a night's medians"""
    breath_told: tuple[float, ...] = ()
    """Share of a night's minutes with a rate"""
    heart_errors: tuple[float, ...] = ()
    """|ours - the strap's own|, of a night's minutes: means"""
    heart_levels: tuple[float, ...] = ()
    """Median of a night, 1/min"""
    stand_in: tuple[float, ...] = ()
    """Correlation of log deviation from one value a minute and one a second, of a night"""
    nights: int = 0
    """Nights of the watch on which something could be said of the resting pulse"""
    notes: int = 0
    covered: tuple[tuple[int, int], ...] = ()
    """Nights inside the band, and told, per quantity"""
    rises: tuple[tuple[int, int], ...] = ()
    """Found and made, per RISES"""
    quality: tuple[float, ...] = ()
    """Errors of how well one slept, on a scale of 1-5"""


def breathing(name: str, belts: Sequence[Belt], *, trusting: bool = False) -> Person:
    """Return a person's breathing figures; `trusting` compares the two ways wherever both have a number."""
    gaps, nights, told = [], [], []
    for belt in belts:
        found = belt.found
        mask = np.isfinite(found.spectral) & np.isfinite(found.counted) if trusting else np.isfinite(found.rate)
        told.append(float(mask.mean()) if mask.size else 0.0)
        if int(mask.sum()) >= LEAST_MINUTES:
            gaps.append(float(np.abs(found.spectral - found.counted)[mask].mean()))
            nights.append(abs(float(np.median(found.spectral[mask]) - np.median(found.counted[mask]))))
    return Person(name=name, breath_gaps=tuple(gaps), breath_nights=tuple(nights), breath_told=tuple(told))


def beating(name: str, nights: Sequence[Beats], rate: Callable[[Array, Array, int], Array], *, fine: bool) -> Person:
    """Return a person's heart figures by a way to count minutes."""
    errors, levels, stand_in = [], [], []
    for each in nights:
        minutes = int(each.at_s.max() // 60.0) + 1
        found = rate(each.at_s, each.length_ms, minutes)
        device = _by_minute(each.at_s, each.device, minutes)
        both = np.isfinite(found) & np.isfinite(device)
        if int(both.sum()) < LEAST_MINUTES:
            continue
        errors.append(float(np.abs(found - device)[both].mean()))
        levels.append(float(np.median(found[np.isfinite(found)])))
        if fine:
            stand_in.append(_stand_in(each, found))
    return Person(
        name=name,
        heart_errors=tuple(errors),
        heart_levels=tuple(levels),
        stand_in=tuple(value for value in stand_in if np.isfinite(value)),
    )


def mean_rate(at_s: Array, length_ms: Array, minutes: int) -> Array:
    """Return the heart rate a minute as the plain mean of all times told: no artefact is held off."""
    return 60_000.0 / _by_minute(at_s, length_ms, minutes)


def _by_minute(at_s: Array, values: Array, minutes: int) -> Array:
    known = np.isfinite(values) & np.isfinite(at_s) & (values > 0.0)
    place = (at_s[known] // 60.0).astype(np.int64)
    count = np.bincount(place, minlength=minutes)
    total = np.bincount(place, weights=values[known], minlength=minutes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _stand_in(night: Beats, minutes: Array) -> float:
    """Return how the heart's restlessness of one value a minute goes with that of one a second (of the strap itself)."""
    seconds = np.arange(int(night.at_s.max()) + 1, dtype=np.float64)
    order = np.argsort(night.at_s, kind="stable")
    at, rate = night.at_s[order], night.device[order]
    fine = np.interp(seconds, at, rate)
    band = smooth(fine, 120.0) - 0.75 * smooth(fine, 600.0)
    count = len(minutes)
    exact = np.array([band[max(60 * i + 30 - 285, 0) : 60 * i + 30 + 286].std() for i in range(count)])
    near = np.searchsorted(at, seconds[30::60][:count])
    gap = np.diff(np.concatenate([[-np.inf], at, [np.inf]]))[np.minimum(near, at.size)]
    coarse = deviation(minutes)[: gap.size]
    use = np.isfinite(coarse) & (gap < _WIDEST_GAP_S) & (exact[: gap.size] > 0) & (np.nan_to_num(coarse) > 0)
    if int(use.sum()) < LEAST_MINUTES:
        return float("nan")
    return float(np.corrcoef(np.log(coarse[use]), np.log(exact[: gap.size][use]))[0, 1])


def series(watch: Watch) -> Series:
    """Return a watch's nights in order."""
    days = sorted({*watch.resting, *watch.bedtime, *watch.asleep, *watch.restlessness})
    return [
        (
            day,
            NightFigures(
                heart_rate=watch.resting.get(day),
                restlessness=watch.restlessness.get(day),
                asleep=watch.asleep.get(day),
                bedtime=watch.bedtime.get(day),
            ),
        )
        for day in days
    ]


type Watcher = Callable[[Series], tuple[int, list[date], dict[str, tuple[int, int]]]]
"""Return nights judged, days of notes, and per quantity nights inside the band and told"""


def own(nights: Series) -> tuple[int, list[date], dict[str, tuple[int, int]]]:
    """Live through the nights with the shipped baselines."""
    baselines = NightBaselines()
    judged, noted, covered = 0, [], {"heart_rate": [0, 0], "bedtime": [0, 0], "asleep": [0, 0], "restlessness": [0, 0]}
    for day, night in nights:
        report = baselines.learn_one(datetime.combine(day, time(12), UTC), night)
        judged += "heart_rate" in report.surprises
        if "heart_rate" in report.notes:
            noted.append(day)
        for name, counts in covered.items():
            said = report.surprises.get(name)
            if said is not None:
                counts[0] += bool(said.lo - 1e-9 <= getattr(night, name) <= said.hi + 1e-9)
                counts[1] += 1
    return judged, noted, {name: (counts[0], counts[1]) for name, counts in covered.items()}


def plain_z(nights: Series) -> tuple[int, list[date], dict[str, tuple[int, int]]]:
    """Live through the nights with mean and standard deviation of the last thirty, a note a night."""
    judged, noted, inside = 0, [], 0
    before: list[float] = []
    for day, night in nights:
        if night.heart_rate is None:
            continue
        if len(before) >= 14:
            mean, spread = float(np.mean(before[-30:])), max(float(np.std(before[-30:])), 1e-6)
            judged += 1
            inside += abs(night.heart_rate - mean) <= 1.645 * spread
            if night.heart_rate >= mean + HIGH * spread:
                noted.append(day)
        before.append(night.heart_rate)
    return judged, noted, {"heart_rate": (inside, judged)}


def fixed_limit(nights: Series) -> tuple[int, list[date], dict[str, tuple[int, int]]]:
    """Live through the nights with one limit for everybody: a resting pulse above 70."""
    noted = [day for day, night in nights if night.heart_rate is not None and night.heart_rate > 70.0]
    return sum(night.heart_rate is not None for _, night in nights), noted, {}


def unwatched(_: Series) -> tuple[int, list[date], dict[str, tuple[int, int]]]:
    """Watch nothing."""
    return 0, [], {}


def raised(nights: Series, at: int, by: float) -> Series:
    """Return the nights with a pulse higher by so much on three from `at` on; simulated upon real ones."""
    return [
        (day, replace(night, heart_rate=night.heart_rate + by))
        if at <= i < at + _RISE_NIGHTS and night.heart_rate is not None
        else (day, night)
        for i, (day, night) in enumerate(nights)
    ]


def watched(watch: Watch, live: Watcher, quality: Callable[[list[float]], float | None]) -> Person:
    """Return one person's part by a way to watch and a way to foretell."""
    nights = [each for each in series(watch) if each[1].heart_rate is not None] if live is not own else series(watch)
    judged, noted, covered = live(nights)
    found = []
    pulses = [i for i, (_, night) in enumerate(nights) if night.heart_rate is not None]
    starts = pulses[20::_EVERY] if judged else []
    for by in RISES:
        hits = 0
        for at in starts:
            first = nights[at][0]
            window = {first + timedelta(days=i) for i in range(_RISE_NIGHTS + 1)}
            hits += bool(window & set(live(raised(nights, at, by)[: at + _RISE_NIGHTS + 1])[1]))
        found.append((hits, len(starts)))
    return Person(
        name=watch.name,
        nights=judged,
        notes=len(noted),
        covered=tuple(covered.get(name, (0, 0)) for name in COVERED),
        rises=tuple(found),
        quality=tuple(foretold(watch, quality)),
    )


COVERED: Final = ("heart_rate", "bedtime", "asleep", "restlessness")


def foretold(watch: Watch, quality: Callable[[list[float]], float | None]) -> list[float]:
    """Return the errors of how well one slept, each foretold from all mornings before."""
    told: list[float] = []
    errors = []
    for _, value in sorted(watch.quality.items()):
        if len(told) >= LEAST_TOLD and (said := quality(told)) is not None:
            errors.append(said - value)
        told.append(value)
    return errors


def shipped(told: list[float]) -> float | None:
    """Foretell as the engine does."""
    return expected_quality(told).value


def own_mean(told: list[float]) -> float:
    """Foretell the mean of all that was told."""
    return float(np.mean(told))


def last(told: list[float]) -> float:
    """Foretell what was told last."""
    return told[-1]


def middle(_: list[float]) -> float:
    """Foretell the middle of the scale."""
    return 3.0


def bodies(belts: Sequence[Belt], straps: Sequence[Beats], *, ships: bool) -> list[Person]:
    """Return everybody's breathing and beating, as it ships or plainly."""
    rate = heart_minutes if ships else mean_rate
    return [
        breathing(name, [each for each in belts if each.person == name], trusting=not ships)
        for name in sorted({each.person for each in belts})
    ] + [
        beating(name, [each for each in straps if each.person == name], rate, fine=ships)
        for name in sorted({each.person for each in straps})
    ]


WAYS: Final[dict[str, tuple[Watcher, Callable[[list[float]], float | None]]]] = {
    "ships": (own, shipped),
    "plain_z": (plain_z, own_mean),
    "fixed_limit": (fixed_limit, middle),
    "last_value": (unwatched, last),
}
"""How months are watched, and how the next morning's word is foretold"""


def months(watches: Sequence[Watch], way: str) -> list[Person]:
    """Return everybody's months by one of WAYS."""
    return [watched(each, *WAYS[way]) for each in watches]


def figures(found: Sequence[Person]) -> Metrics:
    """Return the figures of everybody together; null where nothing was there."""
    notes = [each for each in found if each.nights]
    total = sum(each.nights for each in notes)
    errors = np.array([error for each in found for error in each.quality])
    spreads = [float(np.std(each.heart_levels, ddof=1)) for each in found if len(each.heart_levels) > 1]
    metrics: dict[str, float | None] = {
        "breath_gap_minute": _mean(found, "breath_gaps"),
        "breath_gap_night": _mean(found, "breath_nights"),
        "breath_told": _mean(found, "breath_told"),
        "heart_error_minute": _mean(found, "heart_errors"),
        "heart_night_sd": float(np.median(spreads)) if spreads else None,
        "minute_for_second": _mean(found, "stand_in"),
        "notes_per_quarter": QUARTER * sum(each.notes for each in notes) / total if total else None,
        "notes_per_quarter_most": max((QUARTER * each.notes / each.nights for each in notes), default=None),
    }
    for index, by in enumerate(RISES):
        metrics[f"found_plus_{by:g}"] = _share([each.rises[index] for each in found if each.rises])
    for index, name in enumerate(COVERED):
        metrics[f"band_coverage_{name}"] = _share([each.covered[index] for each in found if each.covered])
    metrics["quality_rmse"] = float(np.sqrt((errors**2).mean())) if errors.size else None
    metrics["quality_mae"] = float(np.abs(errors).mean()) if errors.size else None
    return {key: plain(value) for key, value in metrics.items()}


def _mean(found: Sequence[Person], name: str) -> float | None:
    values = [value for each in found for value in getattr(each, name)]
    return float(np.mean(values)) if values else None


def _share(pairs: Sequence[tuple[int, int]]) -> float | None:
    whole = sum(pair[1] for pair in pairs)
    return sum(pair[0] for pair in pairs) / whole if whole else None
