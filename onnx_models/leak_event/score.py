"""Score the rules by home: false alarms in clean homes, injected leaks found and how late."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.water import HOUR

from ..report import Metrics
from .data import DAY, Home, clean, nonstop, steady
from .rules import RULES, Rule
from .simulate import FOLLOWED_S, RATES, Leak, Shape, leaks, step, with_leak

_PAUSE_S: Final = DAY
"""Without an alarm, after which the next is another one"""
_BIG: Final = 0.9
"""L/h: alarms of at least that are about 1 L/h and more"""
_BEFORE_S: Final = 3.0 * HOUR
"""Read from so long before a leak, with its phase"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """What a rule did in one home: the unit that is redrawn."""

    home: str
    years: float
    clean: bool
    spotless: bool
    """Not a single day without a still hour"""
    alarms: int
    small: int
    """Of these, of the 0.5 L/h test alone"""
    level: int
    """Of the alarms, with a day of constant flow (`data.steady`) within the last two"""
    able: float
    """Share of the leaks' starts at which it did not abstain"""
    delays: tuple[tuple[str, float], ...]
    """Name of a leak and hours until it was found, infinite where it was not"""


def name(leak: Leak) -> str:
    """Return a leak's name in the metrics."""
    kind = "cycle_" if leak.shape is Shape.CYCLE else ""
    return f"{kind}{leak.rate:g}lph"


LEAKS: Final = (*(f"{rate:g}lph" for rate in RATES), "cycle_2lph")


def _found(rule: Rule, home: Home, leak: Leak, size: float) -> float:
    """Return the hours until a rule that knows the home finds a leak."""
    low, high = (int(each) for each in np.searchsorted(home.at, [leak.start, leak.start + FOLLOWED_S]))
    at = home.at[low:high]
    shown = with_leak(leak, at, home.total[low:high], size)
    for now, total in zip(at.tolist(), shown.tolist(), strict=True):
        rule.observe(now, total)
        if rule.alarm is not None:
            return float(now - leak.start) / HOUR
    return inf


def block(home: Home, rule: str, seed: int) -> Block:
    """Return what a rule did in a home."""
    watch, runs, level, size = RULES[rule](), nonstop(home), steady(home), step(home)
    is_clean = clean(home)
    due = sorted(leaks(home, seed), key=lambda leak: leak.start) if is_clean else []
    edges: list[tuple[float, float]] = []
    delays: list[tuple[str, float]] = []
    able: list[bool] = []
    quiet_since, on = -inf, False
    for at, total in zip(home.at.tolist(), home.total.tolist(), strict=True):
        while due and due[0].start <= at:
            leak = due.pop(0)
            # A leak that begins while something runs anyway tells nothing of the rule.
            if not any(low - DAY <= leak.start <= high + DAY for low, high in runs):
                able.append(watch.able)
                delays.append((name(leak), inf if on else _found(watch.copy(), home, leak, size)))
        watch.observe(at, total)
        found = watch.alarm
        if found is not None and not on and at - quiet_since > _PAUSE_S:
            edges.append((at, found))
        elif found is not None and edges and found > edges[-1][1]:
            edges[-1] = edges[-1][0], found
        quiet_since = at if found is not None else quiet_since
        on = found is not None
    return Block(
        home=home.name,
        years=home.years,
        clean=is_clean,
        spotless=is_clean and not runs,
        alarms=len(edges),
        small=sum(rate < _BIG for _, rate in edges),
        level=sum(any(at - 2.0 * DAY <= end <= at for end in level) for at, _ in edges),
        able=float(np.mean(able)) if able else 0.0,
        delays=tuple(delays),
    )


def _rate(blocks: Sequence[Block], count: Callable[[Block], int]) -> float | None:
    years = sum(each.years for each in blocks)
    return sum(count(each) for each in blocks) / years if years else None


def figures(blocks: Sequence[Block]) -> Metrics:
    """Return the figures of some homes."""
    tidy = [each for each in blocks if each.clean]
    spotless = [each for each in blocks if each.spotless]
    tested = [each for each in tidy if each.delays]
    out: Metrics = {
        "clean_homes": float(len(tidy)) if blocks else None,
        "clean_home_years": sum(each.years for each in tidy) if blocks else None,
        "false_per_clean_year": _rate(tidy, lambda each: each.alarms),
        "false_1lph_per_clean_year": _rate(tidy, lambda each: each.alarms - each.small),
        "false_small_per_clean_year": _rate(tidy, lambda each: each.small),
        "false_no_level_per_clean_year": _rate(tidy, lambda each: each.alarms - each.level),
        "false_per_spotless_year": _rate(spotless, lambda each: each.alarms),
        "spotless_home_years": sum(each.years for each in spotless) if blocks else None,
        "alarms_per_year_all_homes": _rate(blocks, lambda each: each.alarms),
        "answered": float(np.mean([each.able for each in tested])) if tested else None,
    }
    for leak in LEAKS:
        shares: dict[str, list[float]] = {"48h": [], "14d": []}
        hours: list[float] = []
        for each in tested:
            late = np.array([delay for kind, delay in each.delays if kind == leak])
            if late.size:
                shares["48h"].append(float((late <= 48.0).mean()))
                shares["14d"].append(float((late <= 14.0 * 24.0).mean()))
                hours += late[np.isfinite(late)].tolist()
        for span, values in shares.items():
            out[f"found_{leak}_{span}"] = float(np.mean(values)) if values else None
        out[f"delay_h_{leak}"] = float(np.median(hours)) if hours else None
    return out
