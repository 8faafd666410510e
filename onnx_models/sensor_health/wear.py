"""Score batteries' days left and the fusion of three sensors of which one is faulty; all simulated."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from custom_components.smartloop.engine.context import Context
from custom_components.smartloop.engine.features.psychrometrics import vapour_pressure
from custom_components.smartloop.engine.models.battery import DAY, Battery, BatteryKind, DaysLeft
from custom_components.smartloop.engine.reading import UNITS, Measurand, Reading

from .silence import Metrics
from .simulate import FAULTS, Life, Show, Trio, lives, trio

BATTERIES = 60
ROOMS = 15
AHEAD = (30, 90)
"""d before the end at which the forecasts are scored"""
SPREADS = (0.0, 0.1, 0.3)
"""K that honest sensors are off by, standard deviation"""
_BEGIN = 1.6e9
_START = datetime(2026, 1, 1, tzinfo=UTC)


def _lived(life: Life, days: int) -> Battery:
    battery = Battery()
    for day in range(days):
        at, level, warmth = _BEGIN + day * DAY, float(life.level[day]), float(life.temperature[day])
        if life.show is Show.ALKALINE_MV:
            battery.observe_voltage(at, level, warmth)
        else:
            battery.observe_percent(at, level, warmth)
    return battery


def _naive(life: Life, days: int) -> DaysLeft | None:
    """Return the line from the first day to this one, to nothing (1.8 V of two alkaline cells)."""
    empty = 1800.0 if life.show is Show.ALKALINE_MV else 0.0
    fall = (life.level[0] - life.level[days - 1]) / max(days - 1, 1)
    if fall <= 0.0:
        return None
    left = float((life.level[days - 1] - empty) / fall)
    return DaysLeft(days=left, lo=left, hi=left)


def batteries(seed: int) -> tuple[Metrics, Metrics, Metrics]:
    """Return the figures of the model, of age alone, and of a line from the first day on."""
    made = lives(BATTERIES, seed)
    out: tuple[Metrics, Metrics, Metrics] = {}, {}, {}
    for show in Show:
        for ahead in AHEAD:
            said: tuple[list[DaysLeft | None], ...] = [], [], []
            for life in made:
                days = len(life.level) - ahead
                if life.show is not show or days < 30:
                    continue
                battery, now = _lived(life, days), _BEGIN + days * DAY
                said[0].append(battery.by_trend(now, life.kind))
                # Met when it was new, as a trend would have to be, too.
                battery.fresh_at = _BEGIN
                said[1].append(battery.by_age(now, BatteryKind(type=life.kind.type, count=life.kind.count)))
                said[2].append(_naive(life, days))
            for metrics, each in zip(out, said, strict=True):
                metrics.update(_days(f"{show}_{ahead}d", each, float(ahead)))
    return out


def _days(name: str, said: Sequence[DaysLeft | None], true: float) -> Metrics:
    known = [each for each in said if each is not None]
    return {
        f"battery_{name}_answered": len(known) / len(said) if said else None,
        f"battery_{name}_coverage": float(np.mean([each.lo <= true <= each.hi for each in known])) if known else None,
        f"battery_{name}_error": float(np.median([abs(each.days - true) / true for each in known])) if known else None,
    }


def fusion(seed: int) -> Metrics:
    """Return in which share of rooms the fused temperature is no worse than the best single sensor."""
    out: Metrics = {}
    for spread in SPREADS:
        scores: list[tuple[bool, bool, bool, float, float]] = []
        for number, fault in enumerate(FAULTS):
            mine = []
            for room in range(ROOMS):
                made = trio(fault, spread, np.random.default_rng([seed, number, room, int(spread * 10)]))
                fused, single, sound, told = _errors(made)
                mine.append((fused <= single, fused <= sound, told <= single, fused / single, fused / told))
            out[f"fusion_{fault}_beats_best_spread_{spread:g}"] = float(np.mean([each[0] for each in mine]))
            scores += mine
        best, honest, told_best, ratio, to_told = zip(*scores, strict=True)
        out[f"fusion_beats_best_spread_{spread:g}"] = float(np.mean(best))
        out[f"fusion_beats_honest_spread_{spread:g}"] = float(np.mean(honest))
        out[f"fusion_told_beats_best_spread_{spread:g}"] = float(np.mean(told_best))
        out[f"fusion_error_ratio_spread_{spread:g}"] = float(np.median(ratio))
        out[f"fusion_error_to_told_spread_{spread:g}"] = float(np.median(to_told))
    return out


def _errors(made: Trio) -> tuple[float, float, float, float]:
    """Return mean absolute errors, K: fused, best sensor with hindsight, mean honest one, mean of both honest ones' values."""
    context, fused = Context(vapour_pressure), []
    for step, values in enumerate(made.shown.T):
        now = _START + timedelta(minutes=10 * step)
        for source, value in enumerate(values):
            if np.isfinite(value):
                context.observe(
                    Reading(
                        measurand=Measurand.TEMPERATURE,
                        value=float(np.clip(value, -59.0, 59.0)),
                        unit=UNITS[Measurand.TEMPERATURE],
                        place="room",
                        at=now,
                        source=f"sensor {source}",
                    )
                )
        estimate = context.estimate("room", Measurand.TEMPERATURE, now)
        fused.append(np.nan if estimate is None else estimate.value)
    # A dead sensor's last value stands until it is told otherwise.
    filled = made.shown.copy()
    for row in filled:
        for step in range(1, row.size):
            if np.isnan(row[step]):
                row[step] = row[step - 1]
    errors = np.abs(filled - made.truth).mean(axis=1)
    sound = np.arange(len(errors)) != made.faulty
    told = np.abs(made.shown[sound].mean(axis=0) - made.truth).mean()
    mine = np.nanmean(np.abs(np.array(fused) - made.truth))
    return float(mine), float(errors.min()), float(errors[sound].mean()), float(told)
