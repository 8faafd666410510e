"""Particle events of one room: when a source began and ended, how fast it went away, where it may have come from.

Start: CUSUM (Page 1954) of the residual over the lower envelope, in units of its noise, beyond 6, and a rise of more
than 5 µg/m³, four times the noise and a fifth of the quiet level. End: back within the noise of the envelope. A second
source before the first has gone starts an event of its own once the level rises again by half of what it had fallen.

The fast path needs no network: see `Burst`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..features.particle_event import NOTHING, Rise, Setting, Surroundings, lead
from ..features.particles import HOUR, Decay, Envelope, usable
from .classifier import Classification, Classifier
from .model import Runner
from .pm_source import by_rules

MODEL: Final = "pm_event"
REQUIRED: Final = frozenset({"rise", "minutes"})
BIN_S: Final = 30.0
SENTENCE: Final = 0.8
"""Probability from which a source is worth a sentence to a person; below, it is at most a detail"""
CUSUM: Final = 6.0
ALLOWANCE: Final = 1.5
"""Noise that counts for nothing: the envelope lies below the mean"""
LEAST_RISE: Final = 5.0
"""µg/m³"""
GAP_S: Final = 2700.0
"""s without a reading after which nobody knows what happened"""
LONGEST_S: Final = 24.0 * HOUR
RELATIVE_RISE: Final = 0.2
"""Share of the quiet level: in a smoke episode small things are lost"""
LEAST_S: Final = 180.0
"""s; a shorter peak in a faster record is a glitch"""
_STEP_BACK_S: Final = HOUR
_CAPPED: Final = 4.0
_MOST_STEP: Final = 8.0
_QUIET_S: Final = HOUR
_ENDED: Final = 0.05
_AGAIN: Final = 0.5
_SUDDEN: Final = 0.25
"""In less than this share of the time so far it rose by more than in all of it: another source"""
_BURST_RISE: Final = 100.0
_BURST_SHARE: Final = 0.5
_BURST_PER_MIN: Final = 30.0
_BURST_S: Final = 300.0
_BURST_PAUSE_S: Final = 1800.0
_BURST_FINE: Final = 0.85
_BURST_HUMIDITY: Final = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Onset:
    """An event has begun; nothing is known of its source yet."""

    start: float
    base: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Burst:
    """Smoke-like burst, told at the reading that shows it, without inference.

    Rule: two readings in a row at least 100 µg/m³ and half above the lowest of the last five minutes (of the last two
    readings where they are rarer), risen by 30 µg/m³ a minute or more, with PM2.5 at least 85 % of PM10, of the rise and
    of all above the quiet level, where PM10 is measured (steam, sprays and dust are coarser), and humidity not up by 8 % or more in such a rise, nor in one of
    the last half hour. At most once in half an hour. It says "like smoke": it is no smoke alarm and replaces none.
    """

    at: float
    level: float
    """µg/m³"""
    per_minute: float
    """µg/m³"""
    fine: float | None
    """PM2.5 / PM10 of the rise, None where PM10 is not measured"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """An event that is over."""

    start: float
    end: float
    peak_at: float
    base: float
    """µg/m³"""
    peak: float
    """µg/m³, highest mean of half a minute"""
    decays: tuple[Decay, ...]
    """Rates of its fall; empty where it did not show one"""
    features: Mapping[str, float | None]
    complete: bool
    """False where readings were missing before it was over"""


class RoomWatch:
    """Watches one room's particle sensor."""

    __slots__ = (
        "_at", "_bin_count", "_bin_end", "_bin_start", "_bin_sum", "_burst_at", "_damp_at", "_event", "_fast", "_lows", "_pending",
        "_quiet", "_room", "_setting", "_smooth", "_sum", "envelope",
    )  # fmt: skip

    def __init__(self, room: str | None = None) -> None:
        """Begin knowing nothing; `room` is its kind, as "kitchen"."""
        self._room = room
        self._at = -1.0
        self._restart()

    def _restart(self) -> None:
        self.envelope = Envelope()
        self._setting = Setting()
        self._quiet = [-1.0, -1.0]
        self._event: Rise | None = None
        self._pending: Rise | None = None
        self._sum = 0.0
        self._smooth = -1.0
        self._bin_start = self._bin_end = -1.0
        self._bin_sum = self._bin_count = 0.0
        self._lows: list[tuple[float, float, float | None, float | None]] = []
        """When the room was lowest in each of the last two stretches of minutes, PM2.5, PM10 and humidity then"""
        self._fast = 0
        self._burst_at = self._damp_at = -1e12

    @property
    def active(self) -> Onset | None:
        """Return the event under way."""
        return None if self._event is None else Onset(start=self._event.start, base=self._event.base)

    def observe(
        self,
        at: float,
        pm25: float | None,
        pm1: float | None = None,
        pm10: float | None = None,
        around: Surroundings = NOTHING,
    ) -> tuple[Onset | Burst | Event, ...]:
        """Take in a reading; return what it shows. Unusable readings and times that do not go on change nothing."""
        if pm25 is None or not usable(pm25) or not abs(at) < 1e12:
            return ()
        if at <= self._at:
            if at > self._at - _STEP_BACK_S:
                return ()
            self._restart()
        out: list[Onset | Burst | Event] = []
        if self._at >= 0.0 and at - self._at > GAP_S:
            out += self._close(complete=False)
            self._restart()
        pm1, pm10 = pm1 if usable(pm1) else None, pm10 if usable(pm10) else None
        self._setting.observe(at, around)
        burst = self._fast_path(at, pm25, pm10, around.humidity)
        if burst is not None:
            out.append(burst)
        rise = self._event or self._pending
        if rise is not None:
            rise.add(at, pm25, pm1, pm10)
        out += self._bin(at, pm25)
        if self._event is None and self._pending is None:
            self._rest(at, pm1, pm10)
        self._at = at
        return tuple(out)

    def finish(self) -> Event | None:
        """End the event under way, as readings have stopped; None where there is none."""
        over = self._close(complete=False)
        self._pending = None
        return next((each for each in over if isinstance(each, Event)), None)

    def _rest(self, at: float, pm1: float | None, pm10: float | None) -> None:
        """Follow the quiet levels of the other size classes."""
        share = min((at - self._at) / _QUIET_S, 1.0) if self._at >= 0.0 else 1.0
        for index, value in enumerate((pm1, pm10)):
            if value is not None:
                quiet = self._quiet[index]
                self._quiet[index] = value if quiet < 0.0 else quiet + share * (value - quiet)

    def _fast_path(self, at: float, pm25: float, pm10: float | None, humidity: float | None) -> Burst | None:
        since, low, low10, low_humidity = min(self._lows, key=lambda each: each[1], default=(at, pm25, pm10, humidity))
        if not self._lows or at - self._lows[-1][0] >= 0.5 * _BURST_S:
            self._lows = [*self._lows[-1:], (at, pm25, pm10, humidity)]
        elif pm25 < self._lows[-1][1]:
            self._lows[-1] = at, pm25, pm10, humidity
        rise = pm25 - low
        per_minute = rise / max((at - since) / 60.0, 0.5)
        fine = None
        if pm10 is not None and low10 is not None:
            # Of the rise and of all there is: a small rise on much mist would show the sensor's noise.
            whole = (pm25 - max(self.envelope.level, 0.0)) / max(pm10 - max(self._quiet[1], 0.0), 1.0)
            fine = min(rise / max(pm10 - low10, 1.0), whole)
        damp = humidity is not None and low_humidity is not None and humidity - low_humidity >= _BURST_HUMIDITY
        high = (
            self.envelope.level >= 0.0 and rise >= max(_BURST_RISE, _BURST_SHARE * low) and per_minute >= _BURST_PER_MIN
        )
        self._fast = self._fast + 1 if high and (fine is None or fine >= _BURST_FINE) else 0
        if high and damp:
            self._damp_at = at
        if self._fast < 2 or at - max(self._burst_at, self._damp_at) < _BURST_PAUSE_S:
            return None
        self._burst_at = at
        return Burst(at=at, level=pm25, per_minute=per_minute, fine=fine)

    def _bin(self, at: float, pm25: float) -> list[Onset | Burst | Event]:
        """Collect half a minute, then judge its mean."""
        if self._bin_count == 0.0:
            self._bin_start = at
        self._bin_sum += pm25
        self._bin_count += 1.0
        seconds = at - self._bin_end if self._bin_end >= 0.0 else BIN_S
        if seconds < BIN_S:
            return []
        mean, middle = self._bin_sum / self._bin_count, 0.5 * (self._bin_start + at)
        self._bin_sum = self._bin_count = 0.0
        self._bin_end = at
        return (
            self._in_event(middle, mean, seconds) if self._event is not None else self._in_quiet(middle, mean, seconds)
        )

    def _in_quiet(self, at: float, mean: float, seconds: float) -> list[Onset | Burst | Event]:
        level, band = self.envelope.level, self.envelope.band
        if level < 0.0:
            self.envelope.observe(at, mean)
            return []
        self._smooth += 0.5 * (mean - self._smooth) if self._smooth >= 0.0 else mean - self._smooth
        self._sum = max(self._sum + min((mean - level) / band - ALLOWANCE, _MOST_STEP), 0.0)
        self._sum = min(self._sum, _CAPPED * CUSUM)
        if self._sum == 0.0:
            self._pending = None
        elif self._pending is None:
            # The switches on and the climate of the last quiet moment belong to the event.
            self._setting.begin()
            self._pending = Rise(at - seconds, level, band, (self._quiet[0], self._quiet[1]), self._setting)
            self._pending.trace.add(at, mean)
        self.envelope.observe(at, mean)
        rise = self._pending
        if rise is None:
            return []
        rise.add_bin(at, mean, seconds)
        if self._sum <= CUSUM or min(self._smooth, mean) - level <= max(LEAST_RISE, 4.0 * band, RELATIVE_RISE * level):
            return []
        rise.base = min(rise.base, level) if at - rise.start < HOUR else level
        rise.quiet = rise.base
        rise.trim(rise.base + max(2.0 * band, 0.1 * (mean - rise.base)))
        self._event, self._pending = rise, None
        return [Onset(start=rise.start, base=rise.base)]

    def _in_event(self, at: float, mean: float, seconds: float) -> list[Onset | Burst | Event]:
        rise = self._event
        if rise is None:
            return []
        self._smooth += 0.5 * (mean - self._smooth)
        self.envelope.observe(at, mean, event=True)
        height = rise.peak - rise.base
        # Half of the rise had gone, or what comes now is higher than all there was: another source.
        fallen = rise.low <= rise.peak - _AGAIN * height
        least = max(2.0 * LEAST_RISE, 4.0 * self.envelope.band, _AGAIN * (rise.peak - rise.low) if fallen else height)
        if rise.low_at > rise.peak_at and self._smooth - rise.low > least:
            return self._anew(at, mean, seconds, rise, rise.quiet if fallen else rise.low)
        since, before = rise.earlier
        sudden = self._smooth - before > max(2.0 * LEAST_RISE, 4.0 * self.envelope.band, before - rise.base)
        if sudden and at - since < _SUDDEN * (since - rise.start):
            rise.low, rise.low_at = before, since
            return self._anew(at, mean, seconds, rise, rise.quiet if fallen else before)
        rise.add_bin(at, mean, seconds)
        within = mean <= max(self.envelope.level + self.envelope.band, rise.quiet + _ENDED * (rise.peak - rise.quiet))
        if within or at - rise.start > LONGEST_S:
            self.envelope.level = max(self.envelope.level, mean)
            self._sum = 0.0
            return self._close(complete=within)
        return []

    def _anew(self, at: float, mean: float, seconds: float, rise: Rise, quiet: float) -> list[Onset | Burst | Event]:
        """End an event where it had fallen to, and begin the next there."""
        rise.cut(rise.low_at)
        low, since = rise.low, rise.low_at
        out = self._close(complete=True)
        self._setting.begin()
        fresh = Rise(since, low, self.envelope.band, (self._quiet[0], self._quiet[1]), self._setting)
        # What the first source left goes away with the second's: both fall to the level before the first.
        fresh.quiet = quiet
        fresh.trace.add(since, low)
        fresh.trace.add(at, mean)
        fresh.add_bin(at, mean, seconds)
        self._event = fresh
        return [*out, Onset(start=since, base=low)]

    def _close(self, *, complete: bool) -> list[Onset | Burst | Event]:
        rise, self._event = self._event, None
        if rise is None or rise.until - rise.start < LEAST_S:
            return []
        fall = rise.stretches()
        return [
            Event(
                start=rise.start,
                end=rise.until,
                peak_at=rise.peak_at,
                base=rise.base,
                peak=rise.peak,
                decays=fall,
                features=rise.features(self._room, fall),
                complete=complete,
            )
        ]


class Source:
    """Says where an event came from: the network, or rules where there is none."""

    def __init__(self, runner: Runner | None = None) -> None:
        """Take the network; without one the rules answer. Raises ModelError where it cannot be used."""
        self._classifier = None if runner is None else Classifier(runner, required=REQUIRED)

    def of(
        self, event: Event, *, other_rooms: tuple[float, ...] = (), now: float | None = None, explain: bool = True
    ) -> Classification:
        """Return the source of an event; `other_rooms` are starts of events in other rooms."""
        given = {**event.features, "lead_min": lead(event.start, other_rooms)}
        return self.judge(given, data_age_s=0.0 if now is None else max(now - event.end, 0.0), explain=explain)

    def judge(
        self, features: Mapping[str, float | None], *, data_age_s: float = 0.0, explain: bool = True
    ) -> Classification:
        """Return the source of an event by its features alone."""
        if self._classifier is None:
            return by_rules(features, data_age_s=data_age_s)
        return self._classifier.classify(features, data_age_s=data_age_s, explain=explain)
