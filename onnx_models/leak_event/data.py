"""Read homes laid out as in `../shared/data/water`; any household names and any flats will do.

Nothing is shipped from here. A meter's readings are passed on as they came, with their gaps, steps back and floods:
the engine's own features must cope with them.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custom_components.smartloop.engine.features.water import HOUR, JOIN_S, Draw, Draws, Meter

type Array = NDArray[np.float64]

DAY: Final = 24.0 * HOUR
WEEK: Final = 7.0 * DAY
CLEAN_SHARE: Final = 0.02
"""Of days without a still hour, up to which a home counts as clean (models.md 4.2)"""
CLEAN_DAYS: Final = 60
FIXTURES: Final = {
    "bidet": "tap",
    "dishwasher": "machine",
    "kitchenfaucet": "tap",
    "shower": "shower",
    "toilet": "toilet",
    "washbasin": "tap",
    "washingmachine": "machine",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """One household's meter: the unit of every split."""

    name: str
    at: Array
    """s since 1970, by the clock of the recording"""
    total: Array
    """L"""

    @property
    def years(self) -> float:
        """Return how long it was read, gaps of more than a day left out."""
        gaps = np.diff(self.at)
        return float(gaps[gaps <= DAY].sum() / (365.25 * DAY))

    @property
    def tuned(self) -> bool:
        """Return whether the constants were settled while looking at this home."""
        return f"{self.name}:{self.total[0]:.0f}" in TUNED


TUNED: Final = frozenset(
    {
        "H002:342036",
        "H007:80307",
        "H008:52792",
        "H014:245488",
        "H015:116128",
        "H022:47098",
        "H027:193403",
        "H028:181633",
        "H029:231014",
        "H044:132047",
        "H047:94821",
        "H051:106878",
        "H052:344154",
        "H056:312845",
        "H058:4685",
        "H069:167836",
        "H070:182948",
        "H079:876480",
        "H081:42895",
        "H086:52072",
        "H087:15591",
        "H090:251421",
        "H091:63390",
    }
)
"""Households of the tuning half, with their first reading: another home of the same name is another home"""


def tuning_half(name: str) -> bool:
    """Return on which side of the split a household of the reference data falls: by its name, before any look."""
    return int(sha256(name.encode()).hexdigest(), 16) % 2 == 0


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except EOFError, gzip.BadGzipFile:
        # An empty or cut file is a household less, not the end.
        return []


def _number(text: str | None) -> float | None:
    """Return a finite number, None for what is none."""
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if isfinite(value) else None


def seconds(text: str | None) -> float | None:
    """Return seconds since 1970 by the recording's own clock, None for what is no time."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def homes(data: Path) -> list[Home]:
    """Return every household below a folder; none where there is no meter."""
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for path in sorted((data / "daiad_hourly_meters").glob("*.csv.gz")):
        for row in _rows(path):
            reading, at = _number(row.get("reading_l")), seconds(row.get("time_local"))
            if reading is not None and at is not None:
                found[row["household"]].append((at, reading))
    return [
        Home(name=name, at=np.array([at for at, _ in rows]), total=np.array([total for _, total in rows]))
        for name, rows in sorted((name, sorted(rows)) for name, rows in found.items())
        if len(rows) > 1
    ]


def hourly(home: Home) -> tuple[Array, Array]:
    """Return the ends and litres of the intervals of about an hour."""
    gap, rise = np.diff(home.at), np.diff(home.total)
    keep = (gap > 0.0) & (gap < 2.0 * HOUR) & (rise >= 0.0)
    return home.at[1:][keep], rise[keep]


def still_share(home: Home) -> tuple[float, int]:
    """Return the share of well-read days without a still hour, and the number of such days."""
    at, rise = hourly(home)
    day = (at // DAY).astype(int)
    days, place = np.unique(day, return_inverse=True)
    read = np.bincount(place, minlength=days.size)
    still = np.bincount(place, weights=(rise == 0.0).astype(np.float64), minlength=days.size)
    whole = read >= 20
    return (float((still[whole] == 0.0).mean()) if whole.any() else 0.0), int(whole.sum())


def clean(home: Home) -> bool:
    """Return whether a home shows hardly a day without a still hour."""
    share, days = still_share(home)
    return days >= CLEAN_DAYS and share <= CLEAN_SHARE


def nonstop(home: Home) -> list[tuple[float, float]]:
    """Return the times (from, to) of a day or longer without a still hour: what utilities act on."""
    found, since, last = [], -1.0, -1.0
    for at, rise in zip(*hourly(home), strict=True):
        if rise > 0.0 and (since < 0.0 or at - last > 2.0 * HOUR):
            if since >= 0.0 and last - since >= DAY:
                found.append((since, last))
            since = at - HOUR
        elif rise <= 0.0:
            if since >= 0.0 and last - since >= DAY:
                found.append((since, last))
            since = -1.0
        last = at
    if since >= 0.0 and last - since >= DAY:
        found.append((since, last))
    return found


STEADY_HOURS: Final = 8
STEADY_SHARE: Final = 0.15


def steady(home: Home) -> list[float]:
    """Return the ends of all days (24 h, 12 of them read) with water that never stopped, at one level.

    No hour without water, and the eight lowest hours within 1 L or 15 % of the lowest: what hindsight calls a constant
    flow. It knows no habit and no bound; the watch is not asked.
    """
    at, rise = hourly(home)
    out, low = [], 0
    for place in range(at.size):
        while at[place] - at[low] > DAY - 0.5 * HOUR:
            low += 1
        if place - low < 11 or at[place] - at[low] < 22.0 * HOUR:
            continue
        lowest = np.sort(rise[low : place + 1])[:STEADY_HOURS]
        if lowest[0] > 0.0 and lowest[-1] - lowest[0] <= max(1.0, STEADY_SHARE * lowest[0]):
            out.append(float(at[place]))
    return out


@dataclass(frozen=True, kw_only=True, slots=True)
class Flat:
    """A flat's whole flow by the second, and which fixture it was."""

    at: Array
    flow: Array
    """L/min, of all fixtures together; only seconds in which water ran"""
    fixture: Sequence[str]
    """The fixture that drew most in each second"""


def flat(data: Path) -> Flat | None:
    """Return the labelled flat, None where there is none."""
    by_second: defaultdict[float, dict[str, float]] = defaultdict(dict)
    for path in sorted((data / "weusedto_fixtures").glob("flow_1s*.csv.gz")):
        for row in _rows(path):
            flow, now = _number(row.get("flow_ml_s")), seconds(row.get("time_utc"))
            if flow is not None and now is not None:
                here = by_second[now]
                here[row["fixture"]] = here.get(row["fixture"], 0.0) + 0.06 * flow
    if not by_second:
        return None
    at = sorted(by_second)
    return Flat(
        at=np.array(at),
        flow=np.array([sum(by_second[each].values()) for each in at]),
        fixture=[max(by_second[each].items(), key=lambda item: item[1])[0] for each in at],
    )


def messages(at: Array, flow: Array) -> Iterator[tuple[float, float]]:
    """Yield what a sensor of flow would say: every second while water runs, then zero, and zero once a minute passed."""
    for place, (now, value) in enumerate(zip(at.tolist(), flow.tolist(), strict=True)):
        yield now, value
        gap = float(at[place + 1]) - now if place + 1 < at.size else DAY
        if gap > 1.0:
            yield now + 1.0, 0.0
        if gap > JOIN_S + 2.0:
            yield now + JOIN_S + 2.0, 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """A draw and what it was for."""

    draw: Draw
    fixture: str

    @property
    def week(self) -> int:
        """Return the week since 1970: the unit of every split of the flat."""
        return int(self.draw.start // WEEK)


def draws(place: Flat) -> list[Labelled]:
    """Return the flat's draws, cut by the engine; the fixture that drew most names them."""
    meter, cut = Meter(), Draws()
    found: list[Draw] = []
    for at, flow in messages(place.at, place.flow):
        interval = meter.flow(at, flow)
        if interval is not None and (over := cut.observe(interval)) is not None:
            found.append(over)
    out = []
    for draw in found:
        low, high = np.searchsorted(place.at, [draw.start, draw.end])
        litres: defaultdict[str, float] = defaultdict(float)
        for index in range(int(low), int(high)):
            litres[FIXTURES.get(place.fixture[index], place.fixture[index])] += float(place.flow[index])
        if litres:
            out.append(Labelled(draw=draw, fixture=max(litres.items(), key=lambda item: item[1])[0]))
    return out


def showers(data: Path) -> dict[str, list[Draw]]:
    """Return the showers of each household, as their own meters gave them: no shape, only litres and seconds."""
    out: defaultdict[str, list[Draw]] = defaultdict(list)
    for path in sorted((data / "daiad_showers").glob("*.csv.gz")):
        for row in _rows(path):
            litres, took = _number(row.get("volume_l")) or 0.0, _number(row.get("duration_s")) or 0.0
            at = seconds(row.get("time_local"))
            if litres < 1.0 or took <= 0.0 or at is None:
                continue
            flow = _number(row.get("flow_l_min")) or 60.0 * litres / took
            ran = 60.0 * litres / max(flow, 0.1)
            # The meter's duration leaves pauses out or in; the flow says how long water ran.
            out[row["household"]].append(
                Draw(start=at, end=at + max(took, ran), litres=litres, peak=flow, flowing_s=ran, rough=0.2, readings=1)
            )
    return dict(out)
