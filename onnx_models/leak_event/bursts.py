"""Score bursts: put into the flow of the labelled flat, second by second, beside the simple rule."""

from typing import Final

import numpy as np

from custom_components.smartloop.engine.features.water import Meter
from custom_components.smartloop.engine.models.burst import BurstWatch

from ..report import Metrics
from .data import DAY, Array, Flat, messages
from .simulate import BURSTS, with_burst

YEAR_S: Final = 365.25 * DAY
BURST_MINUTES: Final = 5.0
BURSTS_TRIED: Final = 60


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


def bursts(place: Flat | None, seed: int) -> dict[str, Metrics]:
    """Return how many bursts put into the flat were found within five minutes, and the false ones."""
    if place is None:
        return {}
    chance = np.random.default_rng(seed)
    first, last = place.at[0] + 30.0 * DAY, place.at[-1] - DAY
    if last <= first:
        return {}
    starts = np.floor(np.sort(chance.uniform(first, last, BURSTS_TRIED)))
    return {"model": _bursts_model(place, starts), "fixed_flow": _bursts_fixed(place, starts)}
