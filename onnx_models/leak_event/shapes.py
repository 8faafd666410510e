"""Score bursts and fixtures: the labelled flat by the second, and the showers of other homes.

One flat cannot show what a classifier does in homes it never saw. So only draws later than those the rules were
written on are scored, and beside the rules stands a multinomial logistic regression fitted to the earlier draws of
that very flat: what knowing the flat is worth. It ships nowhere.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.water import Draw, Meter
from custom_components.smartloop.engine.models.burst import BurstWatch
from custom_components.smartloop.engine.models.fixture import LEAST_L, guess

from .data import DAY, LATER, Array, Flat, Labelled, draws, flat, messages, showers
from .score import Metrics
from .simulate import BURSTS, with_burst

type Namer = Callable[[Draw], str | None]

YEAR_S: Final = 365.25 * DAY
BURST_MINUTES: Final = 5.0
BURSTS_TRIED: Final = 60
KINDS: Final = ("machine", "shower", "tap", "toilet")
FEWEST: Final = 5
"""Draws of a kind, from which it has a score"""
_STEPS, _PULL = 600, 1e-3


def by_rules(draw: Draw) -> str | None:
    """Return what the shipped rules say."""
    fixture = guess(draw).fixture
    return None if fixture is None else fixture.value


def always_tap(draw: Draw) -> str | None:
    """Return the commonest."""
    return "tap"


def by_litres(draw: Draw) -> str | None:
    """Return what the litres alone say: less than 3 a tap, up to 12 a toilet, more a shower."""
    return "tap" if draw.litres < 3.0 else "toilet" if draw.litres <= 12.0 else "shower"


def _inputs(found: Sequence[Draw]) -> Array:
    rows = [
        [np.log(each.litres), np.log(each.seconds), np.log(each.flow), np.log(each.peak), each.running, each.rough]
        for each in found
    ]
    return np.array(rows).reshape(-1, 6)


def logistic(found: Sequence[Labelled]) -> Namer | None:
    """Return a regression fitted to a flat's earlier draws; None with too few of them."""
    kinds = sorted({each.fixture for each in found})
    if len(kinds) < 2 or len(found) < 100:
        return None
    x = _inputs([each.draw for each in found])
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    x = np.column_stack([(x - mean) / spread, np.ones(len(x))])
    y = np.array([[each.fixture == kind for kind in kinds] for each in found], np.float64)
    weights = np.zeros((x.shape[1], len(kinds)))
    for _ in range(_STEPS):
        score = x @ weights
        share = np.exp(score - score.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        weights -= 0.5 * (x.T @ (share - y) / len(x) + _PULL * weights)

    def name(draw: Draw) -> str:
        row = np.append((_inputs([draw])[0] - mean) / spread, 1.0)
        return kinds[int(np.argmax(row @ weights))]

    return name


def _f1(truth: Sequence[str], said: Sequence[str | None], kind: str) -> float | None:
    true = sum(t == kind for t in truth)
    if true < FEWEST:
        return None
    hit = sum(t == s == kind for t, s in zip(truth, said, strict=True))
    return 2.0 * hit / (true + sum(s == kind for s in said))


def figures(found: Sequence[Labelled], said: Sequence[str | None]) -> Metrics:
    """Return how well draws were named; what was abstained from counts as missed."""
    truth = [each.fixture for each in found]
    out: Metrics = {f"fixture_f1_{kind}": _f1(truth, said, kind) for kind in KINDS}
    scores = [value for value in out.values() if value is not None]
    out["fixture_macro_f1"] = float(np.mean(scores)) if scores else None
    right = [t == s for t, s in zip(truth, said, strict=True)]
    out["fixture_accuracy"] = float(np.mean(right)) if right else None
    out["fixture_draws"] = float(len(found))
    return out


def fixtures(data: Path, seed: int) -> tuple[dict[str, Metrics], dict[str, list[float] | None]]:
    """Return the figures of the rules and of what they are compared with, and the rules' intervals."""
    place = flat(data)
    found = [each for each in draws(place) if each.draw.litres >= LEAST_L] if place is not None else []
    later = [each for each in found if each.draw.start >= LATER]
    fitted = logistic([each for each in found if each.draw.start < LATER])
    names: dict[str, Namer] = {"model": by_rules, "fallback": by_litres, "always_tap": always_tap}
    if fitted is not None:
        names["logistic_same_flat"] = fitted
    out: dict[str, Metrics] = {}
    by_home = showers(data)
    for key, name in names.items():
        out[key] = figures(later, [name(each.draw) for each in later])
        shares = [float(np.mean([name(draw) == "shower" for draw in each])) for each in by_home.values()]
        out[key]["showers_named"] = float(np.mean(shares)) if shares else None
        out[key]["shower_homes"] = float(len(shares))
    return out, _intervals(later, by_home, seed)


def _intervals(later: Sequence[Labelled], by_home: dict[str, list[Draw]], seed: int) -> dict[str, list[float] | None]:
    """Return the rules' 90 % intervals: days of the flat are redrawn, homes with showers."""
    chance, drawn = np.random.default_rng(seed), []
    days: dict[int, list[Labelled]] = {}
    for each in later:
        days.setdefault(int(each.draw.start // DAY), []).append(each)
    lists = list(days.values())
    shares = [float(np.mean([by_rules(draw) == "shower" for draw in each])) for each in by_home.values()]
    for _ in range(200):
        some = [each for place in chance.integers(0, len(lists), len(lists)) for each in lists[place]] if lists else []
        one = figures(some, [by_rules(each.draw) for each in some])
        one["showers_named"] = float(np.mean(chance.choice(shares, len(shares)))) if shares else None
        drawn.append(one)
    out: dict[str, list[float] | None] = {}
    for key in drawn[0]:
        values = [value for each in drawn if (value := each[key]) is not None]
        out[key] = [round(float(q), 4) for q in np.quantile(values, (0.05, 0.95))] if values else None
    return out


class FixedFlow:
    """The simple rule: 10 L/min or more for five minutes is a burst."""

    def __init__(self) -> None:
        """Begin with no water running."""
        self._since = -1.0

    def over(self, at: float, flow: float) -> bool:
        """Return whether it has lasted."""
        self._since = (at if self._since < 0.0 else self._since) if flow >= 10.0 else -1.0
        return self._since >= 0.0 and at - self._since >= 300.0


def _bursts_model(place: Flat, starts: Array) -> Metrics:
    meter, watch = Meter(), BurstWatch()
    false, quiet = 0, -np.inf
    due = starts.tolist()
    hits: dict[float, list[bool]] = {flow: [] for flow in BURSTS}
    for at, flow in messages(place.at, place.flow):
        while due and due[0] <= at:
            start = due.pop(0)
            for size in BURSTS:
                again = BurstWatch.restored(watch.snapshot())
                hits[size].append(_seen(again, *with_burst(place, start, size, BURST_MINUTES)))
        if (interval := meter.flow(at, flow)) is None or watch.observe(interval) is None:
            continue
        false += int(at - quiet > 3600.0)
        quiet = at
    span = float(place.at[-1] - place.at[0])
    out: Metrics = {f"burst_{size:g}lpm_5min": float(np.mean(each)) if each else None for size, each in hits.items()}
    return out | {"burst_false_per_year": false * YEAR_S / span, "burst_home_years": span / YEAR_S}


def _seen(watch: BurstWatch, at: Array, flow: Array) -> bool:
    meter = Meter()
    for now, value in zip(at.tolist(), flow.tolist(), strict=True):
        if (interval := meter.flow(now, value)) is not None and watch.observe(interval) is not None:
            return True
    return False


def _bursts_fixed(place: Flat, starts: Array) -> Metrics:
    rule, false, quiet = FixedFlow(), 0, -np.inf
    for at, flow in messages(place.at, place.flow):
        if rule.over(at, flow):
            false += int(at - quiet > 3600.0)
            quiet = at
    span = float(place.at[-1] - place.at[0])
    out: Metrics = {}
    for size in BURSTS:
        seen = []
        for start in starts.tolist():
            one = FixedFlow()
            pairs = zip(*with_burst(place, start, size, BURST_MINUTES + 0.1), strict=True)
            seen.append(any(one.over(float(at), float(flow)) for at, flow in pairs))
        out[f"burst_{size:g}lpm_5min"] = float(np.mean(seen))
    return out | {"burst_false_per_year": false * YEAR_S / span, "burst_home_years": span / YEAR_S}


def bursts(data: Path, seed: int) -> dict[str, Metrics]:
    """Return how many bursts put into the flat were found within five minutes, and the false ones."""
    place = flat(data)
    if place is None:
        return {}
    chance = np.random.default_rng(seed)
    first, last = place.at[0] + 30.0 * DAY, place.at[-1] - DAY
    if last <= first:
        return {}
    starts = np.floor(np.sort(chance.uniform(first, last, BURSTS_TRIED)))
    return {"model": _bursts_model(place, starts), "fixed_flow": _bursts_fixed(place, starts)}
