"""One box through time: when it spoke, what it showed, how its battery and radio go."""

from datetime import UTC, datetime

from .device_view import BatteryReason, BatteryView, DeviceFacts, DriftView, RadioView
from .errors import SnapshotError
from .models.battery import Battery, BatteryKind, DaysLeft, is_plateau
from .models.checkin import CheckIn
from .models.drift import Bias, Course, Offset, Radio, plain
from .reading import HOUSE, OUTDOOR, Measurand

DAY = 86400.0
_UNKNOWN_LIMIT_S = 25 * 3600.0
"""s of silence, while a box's habit is not known; what Zigbee2MQTT allows battery devices"""
_EVENT_LIMIT_S = 75 * 3600.0
"""... and of those that speak when something happens, else once a day"""
_OF_EVENTS = frozenset(
    {Measurand.WET, Measurand.WINDOW_OPEN, Measurand.MOTION, Measurand.SWITCH_ON, Measurand.PRESENCE}
)


class Box:
    """The twin of one box."""

    __slots__ = (
        "airings", "battery", "beyond_since", "bias", "by_age", "checkin", "climate_at", "compared",
        "facts", "forecast_day", "humidity", "known_deaf", "known_since", "left", "mates", "radio", "temperature",
    )  # fmt: skip

    def __init__(self, facts: DeviceFacts) -> None:
        """Begin knowing what is written down."""
        self.facts = facts
        self.checkin = CheckIn()
        self.battery = Battery()
        self.radio = Radio()
        self.temperature, self.humidity = Course(), Course()
        self.climate_at = 0.0
        """s since 1970 of the last humidity"""
        self.airings, self.mates = Offset(), Offset()
        self.bias: Bias | None = None
        self.beyond_since: float | None = None
        self.compared = 0.0
        """When the window was opened that it was last compared by"""
        self.known_since: float | None = None
        """s since 1970 of the first look at it"""
        self.known_deaf = 0.0
        """s that nobody could have heard it until then"""
        self.forecast_day = -1.0
        self.left: DaysLeft | None = None
        self.by_age = False
        """Whether the days left rest on age alone"""

    def read(self, measurand: Measurand, value: float, at: float) -> None:
        """Take in a value."""
        if measurand is Measurand.TEMPERATURE:
            self.temperature.observe(at, value)
        elif measurand is Measurand.RELATIVE_HUMIDITY:
            self.humidity.observe(at, value)
            self.climate_at = at
        elif measurand is Measurand.BATTERY:
            if self.battery.observe_percent(at, value, self.temperature.last):
                self.forecast_day = -1.0
        elif measurand is Measurand.BATTERY_VOLTAGE:
            if self.battery.observe_voltage(at, value, self.temperature.last):
                self.forecast_day = -1.0
        elif measurand is Measurand.LINK_QUALITY:
            self.radio.observe(at, **({"rssi": value} if value < 0.0 else {"lqi": value}))

    @property
    def is_leak_sensor(self) -> bool:
        """Return whether it warns of water."""
        return Measurand.WET in self.facts.measurands

    @property
    def room(self) -> str | None:
        """Return the room it stands in."""
        return None if self.facts.place in {HOUSE, OUTDOOR} else self.facts.place

    @property
    def last_heard(self) -> datetime | None:
        """Return when it was last heard of."""
        return datetime.fromtimestamp(self.checkin.last, UTC) if self.checkin.last > 0.0 else None

    # Silence.

    @property
    def unknown_limit(self) -> float:
        """Return the seconds of silence allowed while its habit is not known."""
        return _EVENT_LIMIT_S if self.tells_of_events else _UNKNOWN_LIMIT_S

    @property
    def tells_of_events(self) -> bool:
        """Return whether it has nothing to say while nothing happens."""
        return bool(self.facts.measurands) and self.facts.measurands - _OF_BATTERY <= _OF_EVENTS

    @property
    def is_heard(self) -> bool:
        """Return whether its silence says anything: nothing may have happened, and its heartbeat reach nobody."""
        return self.facts.heartbeat or not self.tells_of_events

    def silence(self, now: float, deaf: float) -> float:
        """Return the seconds of silence in which it could have been heard."""
        if self.checkin.last > 0.0:
            return self.checkin.elapsed(now, deaf)
        if self.known_since is None:
            return 0.0
        return max(now - self.known_since - max(deaf - self.known_deaf, 0.0), 0.0)

    @property
    def limits(self) -> tuple[float, float]:
        """Return what its silence is counted in, and the silence from which it is silent, s."""
        habit = self.checkin.habit
        return (self.unknown_limit / 3.0, self.unknown_limit) if habit is None else (habit.interval, habit.limit)

    # Battery.

    @property
    def is_fed(self) -> bool:
        """Return whether it has a battery, as far as is known."""
        if self.facts.mains:
            return False
        return (
            self.battery.since is not None
            or self.facts.battery_type is not None
            or not _OF_BATTERY.isdisjoint(self.facts.measurands)
        )

    def forecast(self, now: float) -> None:
        """Work out the days left; some tenths of a millisecond, once a day."""
        self.forecast_day = now // DAY
        if not self.is_fed:
            self.left = None
            return
        habit = self.checkin.habit
        kind = BatteryKind(
            type=self.facts.battery_type,
            count=self.facts.battery_count or 1,
            reports_per_day=48.0 if habit is None else min(DAY / habit.typical, 5000.0),
        )
        trend = self.battery.by_trend(now, kind)
        self.by_age = trend is None
        if trend is not None:
            self.left = trend
        else:
            self.left = self.battery.by_age(now, kind) if self.battery.since is not None else None

    # What there is to show.

    @property
    def battery_view(self) -> BatteryView | None:
        """Return what there is to show of its battery."""
        if not self.is_fed:
            return None
        left, facts = self.left, self.facts
        reason = None
        if self.battery.since is None:
            reason = BatteryReason.NO_READINGS
        elif left is not None and self.by_age:
            reason = BatteryReason.PLATEAU if is_plateau(facts.battery_type) else BatteryReason.TOO_NEW
        return BatteryView(
            percent=self.battery.level,
            days_left=None if left is None else left.days,
            lo=None if left is None else left.lo,
            hi=None if left is None else left.hi,
            reason=reason,
            battery_type=facts.battery_type,
            battery_count=facts.battery_count,
            fresh_since=None if self.battery.fresh_at is None else datetime.fromtimestamp(self.battery.fresh_at, UTC),
        )

    @property
    def drift_view(self) -> DriftView | None:
        """Return what there is to show of its offset."""
        count = self.airings.count + self.mates.count
        if not count:
            return None
        bias = self.bias
        return DriftView(
            offset=None if bias is None else bias.value,
            lo=None if bias is None else bias.lo,
            hi=None if bias is None else bias.hi,
            identified=bias is not None,
            since=None if self.beyond_since is None else datetime.fromtimestamp(self.beyond_since, UTC),
            comparisons=count,
        )

    @property
    def radio_view(self) -> RadioView | None:
        """Return what there is to show of its radio."""
        radio = self.radio
        if radio.lqi is radio.rssi is None:
            return None
        return RadioView(lqi=radio.lqi, rssi=radio.rssi, per_week=radio.per_week, weak=radio.weak)

    # What is kept.

    def snapshot(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "checkin": self.checkin.snapshot(),
            "battery": self.battery.snapshot(),
            "radio": self.radio.snapshot(),
            "temperature": self.temperature.snapshot(),
            "humidity": self.humidity.snapshot(),
            "offsets": [[each.mean, each.variance, each.at, each.count] for each in (self.airings, self.mates)],
            "beyond_since": self.beyond_since,
            "known_since": self.known_since,
            "known_deaf": self.known_deaf,
            # What stands rests on these, and it takes minutes to days until they are worked out anew.
            "left": None if self.left is None else [self.left.days, self.left.lo, self.left.hi, float(self.by_age)],
            "bias": None if (bias := self.bias) is None else [bias.value, bias.lo, bias.hi, bias.count],
        }

    @classmethod
    def restored(cls, source: str, state: object) -> Box:
        """Return what a snapshot holds, before anybody said where it stands; raises SnapshotError."""
        if not isinstance(state, dict) or not isinstance(state.get("offsets"), list) or len(state["offsets"]) != 2:
            msg = "a stored box is no object"
            raise SnapshotError(msg)
        self = cls(DeviceFacts(source=source, place=HOUSE))
        self.checkin = CheckIn.restored(state.get("checkin"))
        self.battery = Battery.restored(state.get("battery"))
        self.radio = Radio.restored(state.get("radio"))
        self.temperature, self.humidity = (
            Course.restored(state.get("temperature")),
            Course.restored(state.get("humidity")),
        )
        for offset, row in zip((self.airings, self.mates), state["offsets"], strict=True):
            offset.mean, offset.variance, offset.at, count = plain(row, 4)
            offset.variance, offset.count = max(offset.variance, 0.0), int(max(count, 0.0))
        for name in ("beyond_since", "known_since"):
            value = state.get(name)
            setattr(self, name, None if value is None else plain([value], 1)[0])
        (self.known_deaf,) = plain([state.get("known_deaf", 0.0)], 1)
        if (row := state.get("left")) is not None:
            days, lo, hi, by_age = plain(row, 4)
            self.left, self.by_age = DaysLeft(days=days, lo=lo, hi=hi), by_age > 0.0
        if (row := state.get("bias")) is not None:
            value, lo, hi, count = plain(row, 4)
            self.bias = Bias(value, lo, hi, int(count))
        return self


_OF_BATTERY = frozenset({Measurand.BATTERY, Measurand.BATTERY_VOLTAGE, Measurand.LINK_QUALITY})
