"""One rise of particles in a room, and the features that tell where it came from.

Ratios of size classes are of the excess over the quiet level, not of the readings: a home's usual air does not count.
Whatever was not measured is None, never a guess. µg/m³, s since 1970.
"""

from dataclasses import dataclass
from math import cos, isfinite, log, log1p, pi, sin
from typing import Final

from .particles import HOUR, STEP, Decay, Trace, decays, usable

NEAR_S: Final = 1800.0
"""s around an event within which a switch has to do with it"""
PARTICLES: Final = (
    "baseline", "rise", "rise_rate", "minutes_up", "decay", "minutes", "plateau", "early_peak", "variation",
    "pm25_pm10", "pm1_pm25", "pm25_pm10_change", "pm1_pm25_change", "pm25_pm10_usual", "pm1_pm25_usual",
)  # fmt: skip
AROUND: Final = ("hour_sin", "hour_cos", "kitchen", "bathroom", "bedroom", "outdoor", "outdoor_up", "outdoor_share")
CLIMATE: Final = ("humidity", "humidity_up", "temperature_up")
CONTEXT: Final = ("co2_up", "voc_up", "nox_up", "window", "cooking", "vacuum", "purifier", "motion", "lead_min")
FEATURES: Final = PARTICLES + AROUND + CLIMATE + CONTEXT
_ROOMS: Final = ("kitchen", "bathroom", "bedroom")
_SLOWEST, _FASTEST = log(0.2), log(5.0)
"""1/h; what lies beyond is a cleaner or a window, and says no more of the source"""
_ANCHOR_S: Final = 300.0
_SPAN_MIN: Final = 30.0
_TREND_S: Final = HOUR


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What else is known of the room at a moment; None where nobody measures it."""

    humidity: float | None = None
    """%"""
    temperature: float | None = None
    """°C"""
    co2: float | None = None
    """ppm"""
    voc: float | None = None
    """Index"""
    nox: float | None = None
    """Index"""
    outdoor: float | None = None
    """PM2.5 outside, µg/m³"""
    window: float | None = None
    """0 or 1, as all below"""
    cooking: float | None = None
    """Hood or stove draws power"""
    vacuum: float | None = None
    purifier: float | None = None
    motion: float | None = None
    """Share of the time with motion, 0-1"""
    hour: float | None = None
    """Local time of day, h"""


NOTHING: Final = Surroundings()
_CLIMBING: Final = ("humidity", "temperature", "co2", "voc", "nox")
_SWITCHES: Final = ("window", "cooking", "vacuum", "purifier")


class Setting:
    """The surroundings before and in an event: first and highest values, when a switch was last on."""

    __slots__ = ("_before", "_first", "_highest", "_late", "_most", "_motion", "_on", "_seen", "_since", "hour")

    def __init__(self) -> None:
        """Begin knowing nothing."""
        self._on: dict[str, float] = {}
        self._seen: set[str] = set()
        self._since = self._late = -1.0
        self.begin()

    def begin(self) -> None:
        """Begin an event; when switches were on and the outdoor trend are kept."""
        self._first: dict[str, float] = {}
        self._most: dict[str, float] = {}
        self._motion = [0.0, 0.0]
        self.hour: float | None = None
        self._highest = -1.0
        self._before = self._late

    def observe(self, at: float, around: Surroundings) -> None:
        """Take in what is known now."""
        if around is NOTHING:
            return
        for name in _CLIMBING:
            value = getattr(around, name)
            if value is not None and isfinite(value):
                self._first.setdefault(name, value)
                self._most[name] = max(self._most.get(name, value), value)
        for name in _SWITCHES:
            value = getattr(around, name)
            if value is not None:
                self._seen.add(name)
                if value > 0.0:
                    self._on[name] = at
        if around.motion is not None and 0.0 <= around.motion <= 1.0:
            self._motion[0] += around.motion
            self._motion[1] += 1.0
        if self.hour is None and around.hour is not None and isfinite(around.hour):
            self.hour = around.hour
        if usable(around.outdoor):
            self._outside(at, float(around.outdoor or 0.0))

    def _outside(self, at: float, value: float) -> None:
        dt = at - self._since
        self._late = (
            value if not 0.0 <= dt <= 3.0 * _TREND_S else self._late + min(dt / _TREND_S, 1.0) * (value - self._late)
        )
        self._since = at
        self._highest = max(self._highest, value)
        if self._before < 0.0:
            self._before = value

    def features(self, start: float, peak: float) -> dict[str, float | None]:
        """Return features of an event that began at `start` and reached `peak` µg/m³."""
        up = {name: self._most[name] - self._first[name] for name in self._first}
        out: dict[str, float | None] = {
            "humidity": self._most.get("humidity"),
            "humidity_up": up.get("humidity"),
            "temperature_up": up.get("temperature"),
            "co2_up": up.get("co2"),
            "voc_up": up.get("voc"),
            "nox_up": up.get("nox"),
            "motion": self._motion[0] / self._motion[1] if self._motion[1] else None,
        }
        for name in _SWITCHES:
            out[name] = float(self._on.get(name, -1e12) >= start - NEAR_S) if name in self._seen else None
        turn = None if self.hour is None else 2.0 * pi * self.hour / 24.0
        out["hour_sin"], out["hour_cos"] = (None, None) if turn is None else (sin(turn), cos(turn))
        outdoor = self._highest if self._highest >= 0.0 else None
        out["outdoor"] = None if outdoor is None else log1p(outdoor)
        out["outdoor_up"] = None if outdoor is None else log((outdoor + 5.0) / (self._before + 5.0))
        # What the outdoor air alone could bring: above one, not even open windows explain the peak.
        out["outdoor_share"] = None if outdoor is None else log((peak + 2.0) / (outdoor + 2.0))
        return out


class Rise:
    """An event that is under way, in a bounded number of numbers."""

    __slots__ = (
        "_after",
        "_anchors",
        "_before",
        "_bins",
        "_last",
        "_time",
        "_variation",
        "band",
        "base",
        "base1",
        "base10",
        "low",
        "low_at",
        "peak",
        "peak_at",
        "quiet",
        "setting",
        "start",
        "trace",
        "until",
    )  # fmt: skip

    def __init__(self, start: float, base: float, band: float, others: tuple[float, float], setting: Setting) -> None:
        """Begin; `others` are the quiet levels of PM1 and PM10, -1 where unknown."""
        self.start = self.until = self.peak_at = self.low_at = start
        self.base = self.peak = self.low = self.quiet = base
        self.base1, self.base10 = others
        self.band = band
        self.trace = Trace()
        self.setting = setting
        self._last = base
        self._variation = 0.0
        self._before = [0.0] * 4
        self._after = [0.0] * 4
        self._time = 0.0
        self._bins = 0.0
        self._anchors = [(start, base), (start, base)]

    def add(self, at: float, pm25: float, pm1: float | None, pm10: float | None) -> None:
        """Take in a reading."""
        self.trace.add(at, pm25)
        self.until = at
        excess = pm25 - self.base
        if pm10 is not None and self.base10 >= 0.0:
            self._after[0] += excess
            self._after[1] += pm10 - self.base10
        if pm1 is not None and self.base1 >= 0.0:
            self._after[2] += pm1 - self.base1
            self._after[3] += excess

    def add_bin(self, at: float, mean: float, seconds: float) -> None:
        """Take in a mean over half a minute or more."""
        self._variation += abs(mean - self._last)
        self._last = mean
        self._bins += seconds * (mean - self.base)
        self._time += seconds
        if at - self._anchors[1][0] >= _ANCHOR_S:
            self._anchors = [self._anchors[1], (at, mean)]
        if mean > self.peak:
            self.peak, self.peak_at = mean, at
            self.low, self.low_at = mean, at
            self._before = [a + b for a, b in zip(self._before, self._after, strict=True)]
            self._after = [0.0] * 4
        elif mean < self.low:
            self.low, self.low_at = mean, at

    @property
    def earlier(self) -> tuple[float, float]:
        """Return when five to ten minutes ago (or the reading before) was, and the level then."""
        return self._anchors[0]

    def cut(self, until: float) -> None:
        """Let the event end earlier than its last reading, where another took over."""
        times, values = self.trace.times, self.trace.values
        while len(times) > 2 and times[-1] > until:
            times.pop()
            values.pop()
        self.until = until
        if self.peak_at > until:
            self.peak = max(values, default=self.peak)
            self.peak_at = times[values.index(self.peak)] if values else until

    def trim(self, threshold: float) -> None:
        """Let the event begin when the readings last left `threshold` upwards."""
        times, values = self.trace.times, self.trace.values
        below = max((i for i, value in enumerate(values) if value <= threshold), default=-1)
        if below > 0:
            del times[:below], values[:below]
        if times:
            self.start = times[0]

    def stretches(self) -> tuple[Decay, ...]:
        """Return the rates of the fall so far."""
        return decays(self.trace.times, self.trace.values, self.quiet, max(self.band, 0.5 * STEP))

    def features(self, room: str | None, fall: tuple[Decay, ...]) -> dict[str, float | None]:
        """Return what is known of the event, by name."""
        rise = max(self.peak - self.base, 0.1)
        up = max(self.peak_at - self.start, 30.0) / 60.0
        minutes = max(self.until - self.start, 60.0) / 60.0
        steepest = max(fall, key=lambda each: each.fall, default=None)
        all_of_it = [a + b for a, b in zip(self._before, self._after, strict=True)]
        out: dict[str, float | None] = {
            "baseline": log1p(self.base),
            "rise": log(rise),
            "rise_rate": log(rise / up),
            "minutes_up": log(up),
            "decay": None if steepest is None else min(max(log(steepest.rate), _SLOWEST), _FASTEST),
            "minutes": log(minutes),
            "plateau": min(max(self._bins / (self._time * rise), 0.0), 1.0) if self._time else None,
            "early_peak": up / (minutes + up),
            "variation": log(max(self._variation, rise) / (2.0 * rise)),
            "pm25_pm10": _share(all_of_it[0], all_of_it[1]),
            "pm1_pm25": _share(all_of_it[2], all_of_it[3]),
            "pm25_pm10_change": _less(_share(*self._after[:2]), _share(*self._before[:2])),
            "pm1_pm25_change": _less(_share(*self._after[2:]), _share(*self._before[2:])),
        }
        usual10 = self.base / self.base10 if self.base10 > STEP else None
        usual1 = self.base1 / self.base if self.base > STEP and self.base1 >= 0.0 else None
        out["pm25_pm10_usual"] = _less(out["pm25_pm10"], usual10)
        out["pm1_pm25_usual"] = _less(out["pm1_pm25"], usual1)
        for kind in _ROOMS:
            out[kind] = None if room is None else float(room == kind)
        return out | self.setting.features(self.start, self.peak)


def lead(start: float, others: tuple[float, ...]) -> float | None:
    """Return how many minutes before the first other room this one rose, +-30; None where no other did."""
    near = [other for other in others if abs(other - start) <= _SPAN_MIN * 60.0]
    return (min(near) - start) / 60.0 if near else None


def _share(part: float, whole: float) -> float | None:
    """Return a ratio of two excesses, 0 to 1.2; None where there is too little to divide."""
    return min(max(part / whole, 0.0), 1.2) if whole > STEP else None


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - min(max(other, 0.0), 1.5)
