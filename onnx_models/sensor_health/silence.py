"""Score how soon a silence is noticed, and how often one that was none is.

Every message is lived through in order; a limit that stands after a message is what the model, or a
rule, had learned by then. A gap is an outage when it is longer than three of the stream's intervals
(with hindsight, see `Stream.interval`); an alarm in a shorter one is false. In homes without outages
(and in those with them as well) the stream is also cut at random times: what counts then is how long
after its last message the silence would have been noticed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from custom_components.smartloop.engine.models.checkin import CheckIn

from .streams import DAY, Array, Stream

CUTS = 200
BLOCK_S = 14 * DAY
WARM_S = 2 * DAY
REDRAWS = 1000
_YEAR = 365.25 * DAY
CLIMATE_LIMIT_S, EVENT_LIMIT_S = 25 * 3600.0, 75 * 3600.0
"""What `engine/box.py` allows while a habit is not known"""

type Rule = Callable[[Stream], Array]
"""Return, per message, the silence after it that is an alarm, s."""
type Metrics = dict[str, float | None]


def learned(stream: Stream) -> Array:
    """Return the model's limits."""
    checkin, limits = CheckIn(), []
    unknown = EVENT_LIMIT_S if stream.events else CLIMATE_LIMIT_S
    for at in stream.at:
        checkin.heard(float(at))
        if checkin.stale:
            checkin.refit()
        limits.append(unknown if checkin.habit is None else checkin.habit.limit)
    return np.array(limits)


def timer(hours: float) -> Rule:
    """Return a fixed availability timer."""
    return lambda stream: np.full(stream.at.size, hours * 3600.0)


def median_x3(stream: Stream) -> Array:
    """Return three times the median of the gaps so far."""
    gaps: list[float] = []
    limits = []
    for place in range(stream.at.size):
        if place:
            gaps.append(float(stream.at[place] - stream.at[place - 1]))
        recent = gaps[-1000:]
        limits.append(3.0 * float(np.median(recent)) if len(recent) >= 6 else CLIMATE_LIMIT_S)
    return np.array(limits)


RULES: dict[str, Rule] = {
    "model": learned,
    "timer_25h": timer(25.0),
    "timer_6h": timer(6.0),
    "median_x3": median_x3,
}
"""25 h is what Zigbee2MQTT allows battery devices, 6 h what ZHA does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fortnight of one stream: the unit that is redrawn."""

    real: bool
    live_s: float
    false: int
    outages: int
    noticed: int
    delays: tuple[float, ...]
    """Of the outages noticed, in intervals"""
    hours: tuple[float, ...]
    cuts: tuple[float, ...]
    """Of cut streams, the same in intervals"""


def blocks(stream: Stream, limits: Array) -> list[Block]:
    """Return what a rule did in each fortnight."""
    interval = stream.interval
    gaps, limit = stream.gaps, limits[:-1]
    outage = gaps > 3.0 * interval
    chance = np.random.default_rng(stream.at.size)
    cut = chance.choice(stream.at.size - 1, min(CUTS, stream.at.size - 1), replace=False)
    cut = cut[stream.at[cut] >= stream.at[0] + WARM_S]
    when = ((stream.at[:-1] - stream.at[0]) // BLOCK_S).astype(int)
    found = []
    for number in np.unique(when):
        here = when == number
        seen = here & outage & (gaps > limit)
        cuts = cut[when[cut] == number]
        found.append(
            Block(
                real=stream.real,
                live_s=float(gaps[here & ~outage].sum()),
                false=int((here & ~outage & (gaps > limit)).sum()),
                outages=int((here & outage).sum()),
                noticed=int(seen.sum()),
                delays=tuple(limit[seen] / interval),
                hours=tuple(limit[seen] / 3600.0),
                cuts=tuple(limit[cuts] / interval),
            )
        )
    return found


def _middle(values: Sequence[float], share: float = 0.5) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None


def figures(found: Sequence[Block]) -> Metrics:
    """Return the figures of some fortnights."""
    out: Metrics = {}
    for name, real in (("real", True), ("cut", False)):
        some = [block for block in found if block.real is real]
        years = sum(block.live_s for block in some) / _YEAR
        cuts = [each for block in some for each in block.cuts]
        out[f"{name}_sensor_years"] = years
        out[f"{name}_false_per_year"] = sum(block.false for block in some) / years if years else None
        out[f"{name}_delay_intervals"] = _middle(cuts)
        out[f"{name}_delay_intervals_p90"] = _middle(cuts, 0.9)
    outages = sum(block.outages for block in found if block.real)
    delays = [each for block in found if block.real for each in block.delays]
    hours = [each for block in found if block.real for each in block.hours]
    out["outages"] = float(outages)
    out["outages_noticed"] = sum(block.noticed for block in found if block.real) / outages if outages else None
    out["outage_delay_intervals"], out["outage_delay_hours"] = _middle(delays), _middle(hours)
    return out


def intervals(found: Sequence[Block], seed: int) -> dict[str, list[float] | None]:
    """Return 90 % intervals by redrawing fortnights; none without any."""
    if not found:
        return dict.fromkeys(figures(found))
    chance = np.random.default_rng(seed)
    drawn = [figures([found[place] for place in chance.integers(0, len(found), len(found))]) for _ in range(REDRAWS)]
    out: dict[str, list[float] | None] = {}
    for name in drawn[0]:
        values = [value for each in drawn if (value := each[name]) is not None]
        out[name] = [round(float(q), 4) for q in np.quantile(values, (0.05, 0.95))] if values else None
    return out


def score(found: Sequence[Stream]) -> dict[str, list[Block]]:
    """Return what each rule did."""
    return {name: [block for stream in found for block in blocks(stream, rule(stream))] for name, rule in RULES.items()}


def longest(stream: Stream) -> float:
    """Return the longest gap, s."""
    return max(float(other - one) for one, other in pairwise(stream.at))
