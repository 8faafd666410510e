"""What the shipped watch finds in simulated homes, matched with what happened there.

A source is *visible* where it brought the sensor's room at least 8 µg/m³ of PM2.5, and was at least half of all excess
at its peak; smaller or covered ones are neither asked for nor held against the watch. An event belongs to the source
with the highest peak of those it saw begin: from 15 minutes (or two readings) before it had 10 % of its peak until its
peak. Each source and each event counts once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from custom_components.smartloop.engine.features.particle_event import AROUND, PARTICLES, lead
from custom_components.smartloop.engine.models.infiltration import Infiltration
from custom_components.smartloop.engine.models.pm_event import Burst, Event, RoomWatch
from custom_components.smartloop.engine.models.pm_source import Kind

from .simulate import Home, Stream
from .truth import Truth

type Features = dict[str, float | None]

EXCUSED = 3.0
"""µg/m³ that a lesser source must have brought to excuse an event"""
SLACK_S = 900.0
PLAIN = ("above_lowest", "above_35")
"""Detectors to beat: 10 µg/m³ above the lowest of three hours; 35 µg/m³"""
_CALM_S = 900.0
PLUGS = ("window", "cooking", "vacuum", "purifier", "motion")
BARE: frozenset[str] = frozenset((*PARTICLES, *AROUND))
"""No context sensors: particles, clock, kind of room and an outdoor station where there is one"""
SWITCHED: frozenset[str] = BARE | frozenset(PLUGS)
"""Power and motion as well"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One event of the watch beside the truth."""

    features: Features
    kind: Kind | None
    """Of the matched source; None where nothing was visible"""
    excused: bool
    """Nothing visible, but a lesser source did begin"""
    lesser: Kind | None
    """The kind of that one"""
    around: frozenset[Kind]
    """Kinds of all sources that had to do with its peak"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hour:
    """Means of an hour."""

    at: float
    indoor: float
    outdoor: float | None
    quiet: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class HomeEvents:
    """What was found in one home."""

    name: str
    days: float
    readings: int
    visible: int
    hits: Mapping[str, tuple[int, int]]
    """Visible sources found and false events, by what looked for them: watch, above_lowest, above_35"""
    found: tuple[Found, ...]
    bursts: int
    """Smoke-like bursts told ..."""
    bursts_wrong: int
    """... while nothing burnt or fried"""
    hours: tuple[Hour, ...]
    factor: float
    """True Finf"""
    shown: float
    """True Finf as this unit shows it"""
    estimate: float | None
    """Finf as learned, None where it was not"""
    ratio: float | None
    """Median of indoor / outdoor, the naive estimate"""
    envelope: float | None
    """The lower tenth of that ratio, the fallback"""


def watched(home: Home) -> HomeEvents:
    """Return what the watch finds in a home's first stream; a second one only tells which room was first."""
    stream = home.streams[0]
    events, bursts, hours = _watch(home, stream)
    others = tuple(each.start for other in home.streams[1:] for each in _watch(home, other)[0])
    slack = 2.0 * float(np.median(np.diff(stream.at)))
    pairs = _match([event.start for event in events], stream.truths, slack)
    found = []
    for event, (truth, lesser) in zip(events, pairs, strict=True):
        given = {**event.features, "lead_min": lead(event.start, others) if len(home.streams) > 1 else None}
        covering = [t for t in stream.truths if t.start <= event.peak_at <= t.end]
        found.append(
            Found(
                features=given,
                kind=truth.kind if truth else None,
                excused=truth is None and lesser is not None,
                lesser=lesser.kind if lesser else None,
                around=frozenset(t.kind for t in covering),
            )
        )
    hot = [t for t in stream.truths if t.kind in {Kind.COOKING, Kind.COMBUSTION}]
    learned = Infiltration()
    for hour in hours:
        learned.observe(hour.at, hour.indoor, hour.outdoor, quiet=hour.quiet)
    share = learned.share
    ratios = np.array([hour.indoor / hour.outdoor for hour in hours if hour.outdoor])
    return HomeEvents(
        name=home.name,
        days=home.days,
        readings=stream.at.size,
        visible=sum(t.visible for t in stream.truths),
        hits={
            "watch": _tally(pairs),
            **{name: _tally(_match(found_by(stream, name), stream.truths, slack)) for name in PLAIN},
        },
        found=tuple(found),
        bursts=len(bursts),
        bursts_wrong=sum(not any(t.start - 300.0 <= b.at <= t.end for t in hot) for b in bursts),
        hours=tuple(hours),
        factor=home.factor,
        shown=home.factor * stream.gain,
        estimate=None if share is None else share.factor,
        ratio=float(np.median(ratios)) if ratios.size else None,
        envelope=float(np.quantile(ratios, 0.1)) if ratios.size else None,
    )


def _watch(home: Home, stream: Stream) -> tuple[list[Event], list[Burst], list[Hour]]:
    """Return events, bursts and hourly means."""
    watch = RoomWatch(stream.room)
    events: list[Event] = []
    bursts: list[Burst] = []
    hours: list[Hour] = []
    pm1, pm25, pm10 = stream.pm
    first: Iterable[float | None] = [None] * len(pm25) if pm1 is None else pm1.tolist()
    hour, total, count, quiet = 0, 0.0, 0, True
    for at, one, two, three in zip(stream.at.tolist(), first, pm25.tolist(), pm10.tolist(), strict=True):
        around = home.surroundings[int(at / 60.0)]
        for each in watch.observe(at, two, one, three, around):
            if isinstance(each, Event):
                events.append(each)
            elif isinstance(each, Burst):
                bursts.append(each)
        if int(at / 3600.0) != hour:
            if count:
                hours.append(Hour(at=at, indoor=total / count, outdoor=around.outdoor, quiet=quiet))
            hour, total, count, quiet = int(at / 3600.0), 0.0, 0, True
        total, count = total + two, count + 1
        quiet = quiet and watch.active is None
    return events, bursts, hours


def _match(starts: Sequence[float], truths: Sequence[Truth], slack: float) -> list[tuple[Truth | None, Truth | None]]:
    """Return per event the visible source it belongs to, and the highest lesser one that began then."""
    taken: set[int] = set()
    out: list[tuple[Truth | None, Truth | None]] = []
    for start in starts:
        begun = [
            (i, t)
            for i, t in enumerate(truths)
            if t.start - (early := max(SLACK_S, slack, 0.5 * (t.peak_at - t.start)))
            <= start
            <= max(t.peak_at, t.start + early)
        ]
        seen = [(i, t) for i, t in begun if t.visible and i not in taken]
        if seen:
            index, truth = max(seen, key=lambda item: item[1].peak)
            taken.add(index)
            out.append((truth, None))
            continue
        lesser = [t for _, t in begun if not t.visible and t.peak >= EXCUSED]
        out.append((None, max(lesser, key=lambda t: t.peak, default=None)))
    return out


def _tally(pairs: Sequence[tuple[Truth | None, Truth | None]]) -> tuple[int, int]:
    """Return visible sources found, and events without any source."""
    return sum(one is not None for one, _ in pairs), sum(one is None and two is None for one, two in pairs)


def found_by(stream: Stream, name: str) -> list[float]:
    """Return the starts of events by a plain threshold; 15 minutes below it end one."""
    at, level = stream.at, stream.pm[1]
    bound = np.full(level.size, 35.0)
    if name == "above_lowest":
        hour = (at // 3600.0).astype(np.intp)
        lowest = np.full(int(hour[-1]) + 3, np.inf)
        np.minimum.at(lowest, hour, level)
        bound = 10.0 + np.min(np.stack([lowest[np.maximum(hour - back, 0)] for back in range(3)]), axis=0)
    over = at[level > bound]
    return over[np.concatenate([[True], np.diff(over) > _CALM_S])].tolist() if over.size else []


def masked(features: Features, names: frozenset[str] | None) -> Features:
    """Return the features as a home without the other sensors would have them."""
    return features if names is None else {key: value if key in names else None for key, value in features.items()}
