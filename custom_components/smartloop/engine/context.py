"""What is known of each place now: the newest value of each source, weighted by age and agreement."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp, inf, log

from .errors import SnapshotError
from .fusion import Estimate, Noise, Shown, Trust, compare, fuse
from .reading import LIMITS, OUTDOOR, Measurand, Reading

type VapourPressure = Callable[[float, float], float]
"""Pa, from °C and %; handed in because it lives in features/, above this layer."""

_MINUTE = 60.0
_HOUR = 3600.0


NOISE: dict[Measurand, Noise] = {
    Measurand.TEMPERATURE: Noise(floor=0.3, per_root_hour=0.5),
    Measurand.SURFACE_TEMPERATURE: Noise(floor=0.5, per_root_hour=0.5),
    Measurand.PM1: Noise(floor=2.0, per_root_hour=10.0),
    Measurand.PM25: Noise(floor=2.0, per_root_hour=10.0),
    Measurand.PM10: Noise(floor=4.0, per_root_hour=15.0),
    Measurand.CO2: Noise(floor=50.0, per_root_hour=150.0),
    Measurand.VOC_INDEX: Noise(floor=15.0, per_root_hour=40.0),
    Measurand.TVOC: Noise(floor=50.0, per_root_hour=150.0),
}
"""The quantities that are fused: datasheet floors, and what rooms usually do within an hour."""

_HUMIDITY_SD = 2.5
"""%, of a common sensor"""
_PRESSURE_DRIFT = 60.0
"""Pa that one silent hour adds in a room that is lived in ..."""
_OUTDOOR_PRESSURE_DRIFT = 30.0
"""... and outside, where vapour pressure follows the weather."""

_CLASS_TTL: dict[Measurand, float] = {
    Measurand.TEMPERATURE: 60 * _MINUTE,
    Measurand.RELATIVE_HUMIDITY: 60 * _MINUTE,
    Measurand.SURFACE_TEMPERATURE: 60 * _MINUTE,
    Measurand.PM1: 10 * _MINUTE,
    Measurand.PM25: 10 * _MINUTE,
    Measurand.PM10: 10 * _MINUTE,
    Measurand.BED_OCCUPANCY: 3 * _MINUTE,
    Measurand.HEART_RATE: 3 * _MINUTE,
    Measurand.RESPIRATORY_RATE: 3 * _MINUTE,
    Measurand.BED_MOTION: 3 * _MINUTE,
    # These speak when something happens; between, a sign of life a day is all there is.
    Measurand.WET: 26 * _HOUR,
    Measurand.WINDOW_OPEN: 26 * _HOUR,
    Measurand.SWITCH_ON: 26 * _HOUR,
}
_TTL = 60 * _MINUTE
_OUTDOOR_TTL = 3 * _HOUR
_INTERVALS = 3.0
"""Usual intervals a source may miss before it is stale."""

_QUANTILE = 0.95
_LEAST_GAIN = 0.1
"""So that a source with a new habit is learned within dozens of reports ..."""
_GAIN_REPORTS = 4.0
"""... and a new one within a few."""

_EARLY_S = 5 * _MINUTE
"""How far ahead of `now` a reading may be: clocks of two machines differ."""
_FORGET_S = 30 * 24 * _HOUR
"""A source silent for so long was replaced."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Latest:
    """A state that is on or off, or a plain last value."""

    value: float
    """The highest of the live sources: a window is open when any of them says so."""
    age_s: float
    sources: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """The last thing one source said of one quantity."""

    place: str
    measurand: Measurand
    person: str | None
    source: str
    value: float
    """In the measurand's unit."""
    at: datetime
    quality: float
    fresh: bool
    """Whether it still counts."""


class _Source:
    """The newest value of one source in one place, and how often it reports."""

    __slots__ = ("at", "log_interval", "quality", "reports", "trust", "value")

    def __init__(self, at: float, value: float, quality: float, log_interval: float) -> None:
        self.at = at
        self.value = value
        self.quality = quality
        self.log_interval = log_interval
        """log s: the interval 95 % of its reports keep."""
        self.reports = 0
        self.trust = Trust()

    def learn(self, interval: float) -> None:
        """Move the interval towards one just seen (stochastic approximation of a quantile)."""
        # 1 s: an event-driven sensor sends its quantities one after the other.
        error = log(min(max(interval, 1.0), _FORGET_S)) - self.log_interval
        gain = max(_GAIN_REPORTS / (_GAIN_REPORTS + self.reports), _LEAST_GAIN)
        if error > 0.0:
            # An outage is one long interval among many: it may not set the habit alone.
            self.log_interval += min(_QUANTILE * gain, error)
        else:
            self.log_interval += max((_QUANTILE - 1.0) * gain, error)
        self.reports += 1


type _Key = tuple[str, Measurand, str | None]


class Context:
    """The newest of everything; estimates are made when somebody asks."""

    def __init__(self, vapour_pressure: VapourPressure) -> None:
        """Begin knowing nothing."""
        self._vapour_pressure = vapour_pressure
        self._channels: dict[_Key, dict[str, _Source]] = {}
        self._seen: dict[str, float] = {}

    def observe(self, reading: Reading) -> None:
        """Take in a reading; one older than what its source said already changes nothing."""
        at = reading.at.timestamp()
        key = (reading.place, reading.measurand, reading.person)
        name = reading.source
        if at > self._seen.get(name, -inf):
            self._seen[name] = at
        sources = self._channels.get(key)
        if sources is None:
            sources = self._channels[key] = {}
        source = sources.get(name)
        if source is None:
            self._forget(sources, at)
            interval = log(_class_ttl(reading.place, reading.measurand) / _INTERVALS)
            sources[name] = _Source(at, reading.value, reading.quality, interval)
        elif at > source.at:
            # When something carried over was written is no habit of the sensor.
            if reading.quality >= 1.0:
                source.learn(at - source.at)
            source.at, source.value, source.quality = at, reading.value, reading.quality
        elif at == source.at and (reading.quality, reading.value) > (source.quality, source.value):
            # Two values at one instant: the same one wins whichever came first.
            source.value, source.quality = reading.value, reading.quality

    def estimate(self, place: str, measurand: Measurand, now: datetime) -> Estimate | None:
        """Return a quantity of a place, None when no source is fresh; humidity goes by `vapour_pressure`."""
        noise = NOISE[measurand]
        moment = now.timestamp()
        live = self._live(place, measurand, None, moment)
        if not live:
            return None
        shown = [_shown(name, source.value, noise, moment, source) for name, source in live]
        return _compared(shown, moment)

    def vapour_pressure(self, place: str, now: datetime) -> Estimate | None:
        """Return the vapour pressure of a place, Pa.

        A box whose thermometer is off by a degree shows a humidity that is off to match: each box's
        humidity is turned into vapour pressure with its own temperature before anything is fused.
        """
        moment = now.timestamp()
        humidities = self._live(place, Measurand.RELATIVE_HUMIDITY, None, moment)
        if not humidities:
            return None
        own = dict(self._live(place, Measurand.TEMPERATURE, None, moment))
        if not own:
            return None
        drift = _OUTDOOR_PRESSURE_DRIFT if place == OUTDOOR else _PRESSURE_DRIFT
        values = []
        for name, source in humidities:
            mine = own.get(name)
            temperature = self._room_temperature(own, moment) if mine is None else mine.value
            pressure = self._vapour_pressure(temperature, source.value)
            # The same humidity error is less vapour in cold air.
            noise = Noise(floor=self._vapour_pressure(temperature, _HUMIDITY_SD), per_root_hour=drift)
            values.append(_shown(name, pressure, noise, moment, source))
        return _compared(values, moment)

    def _room_temperature(self, own: dict[str, _Source], moment: float) -> float:
        noise = NOISE[Measurand.TEMPERATURE]
        return fuse([_shown(name, each.value, noise, moment, each) for name, each in own.items()], moment).value

    def latest(self, place: str, measurand: Measurand, now: datetime, person: str | None = None) -> Latest | None:
        """Return the last value that is not stale: of windows, switches and whatever is not fused."""
        moment = now.timestamp()
        live = self._live(place, measurand, person, moment)
        if not live:
            return None
        return Latest(
            value=max(source.value for _, source in live),
            age_s=max(moment - max(source.at for _, source in live), 0.0),
            sources=len(live),
        )

    def known(self, now: datetime) -> tuple[Known, ...]:
        """Return the last value of every source, fresh or stale, by place and quantity."""
        moment = now.timestamp()
        return tuple(
            Known(
                place=place,
                measurand=measurand,
                person=person,
                source=name,
                value=source.value,
                at=datetime.fromtimestamp(source.at, UTC),
                quality=source.quality,
                fresh=-_EARLY_S <= moment - source.at <= _ttl(_class_ttl(place, measurand), source),
            )
            for (place, measurand, person), sources in sorted(self._channels.items(), key=_order)
            for name, source in sorted(sources.items())
        )

    def liveness(self, source: str) -> datetime | None:
        """Return when a source was last heard of, by any quantity; None when never."""
        seen = self._seen.get(source)
        return None if seen is None else datetime.fromtimestamp(seen, UTC)

    def time_to_live(self, place: str, measurand: Measurand, source: str, person: str | None = None) -> timedelta:
        """Return after how long without a report the source's value is stale."""
        known = self._channels.get((place, measurand, person), {}).get(source)
        least = _class_ttl(place, measurand)
        return timedelta(seconds=least if known is None else _ttl(least, known))

    def _live(self, place: str, measurand: Measurand, person: str | None, moment: float) -> list[tuple[str, _Source]]:
        sources = self._channels.get((place, measurand, person))
        if not sources:
            return []
        least = _class_ttl(place, measurand)
        return [
            (name, source) for name, source in sources.items() if -_EARLY_S <= moment - source.at <= _ttl(least, source)
        ]

    def _forget(self, sources: dict[str, _Source], at: float) -> None:
        for name in [name for name, source in sources.items() if at - source.at > _FORGET_S]:
            del sources[name]

    # What is kept over a restart.

    def snapshot(self) -> list[list[object]]:
        """Return every source's newest value and habit, as plain rows."""
        return [
            [
                *(place, measurand.value, person, name),
                *(source.at, float(source.value), float(source.quality), source.log_interval, source.reports),
                *source.trust.row,
            ]
            for (place, measurand, person), sources in sorted(self._channels.items(), key=_order)
            for name, source in sorted(sources.items())
        ]

    def restore(self, state: object) -> None:
        """Take up what was known; raises SnapshotError and changes nothing when it cannot be."""
        if not isinstance(state, list):
            msg = "stored context is not a list"
            raise SnapshotError(msg)
        channels: dict[_Key, dict[str, _Source]] = {}
        seen: dict[str, float] = {}
        for row in state:
            key, name, source = _read_row(row)
            channels.setdefault(key, {})[name] = source
            seen[name] = max(seen.get(name, -inf), source.at)
        self._channels, self._seen = channels, seen


def _shown(name: str, value: float, noise: Noise, moment: float, source: _Source) -> Shown:
    return Shown(name, value, noise, moment - source.at, source.quality, source.trust)


def _compared(shown: list[Shown], moment: float) -> Estimate:
    if len(shown) > 1:
        compare(shown, moment)
    return fuse(shown, moment)


def _class_ttl(place: str, measurand: Measurand) -> float:
    least = _CLASS_TTL.get(measurand, _TTL)
    return max(least, _OUTDOOR_TTL) if place == OUTDOOR else least


def _ttl(least: float, source: _Source) -> float:
    return max(least, _INTERVALS * exp(source.log_interval))


def _order(item: tuple[_Key, object]) -> tuple[str, str, str]:
    place, measurand, person = item[0]
    return place, measurand.value, person or ""


_ROW = 9
"""Columns of a source that was never compared with another, as of all before there was `Trust`"""
_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
_LONGEST = log(_FORGET_S) + 1e-6


def _read_row(row: object) -> tuple[_Key, str, _Source]:
    if not isinstance(row, list) or len(row) not in {_ROW, _ROW + 3}:
        msg = "a stored source is no row of nine or twelve"
        raise SnapshotError(msg)
    place, quantity, person, name, *figures = row[:_ROW]
    texts = isinstance(place, str) and isinstance(name, str) and isinstance(person, str | None)
    if not texts or not isinstance(quantity, str) or quantity not in Measurand:
        msg = "a stored source does not say what it measures"
        raise SnapshotError(msg)
    measurand = Measurand(quantity)
    bounds = ((0.0, _LATEST), LIMITS[measurand], (1e-9, 1.0), (0.0, _LONGEST), (0, 1e12))
    # Compared, not converted: NaN and integers that no float can hold fail, too.
    if not all(
        type(figure) in (int, float) and low <= figure <= high
        for figure, (low, high) in zip(figures, bounds, strict=True)
    ):
        msg = f"a stored source of {measurand} holds something that cannot be"
        raise SnapshotError(msg)
    at, value, quality, log_interval, reports = figures
    source = _Source(float(at), float(value), float(quality), float(log_interval))
    source.reports = int(reports)
    if len(row) > _ROW:
        source.trust = Trust.restored(row[_ROW:])
    return (place, measurand, person), name, source
