"""What is known of a box, for whoever shows it; and what the registries say of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .decisions.decision import Decision
from .reading import Measurand


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceFacts:
    """What is written down of a box."""

    source: str
    place: str
    """A room's id, `OUTDOOR` or `HOUSE`."""
    measurands: frozenset[Measurand] = frozenset()
    battery_type: str | None = None
    """Such as "CR2032" or "AAA" """
    battery_count: int | None = None
    mains: bool | None = None
    model: str | None = None
    voltage_mv: bool = False
    """Whether it reports its battery's voltage"""
    via: str | None = None
    """What brings its reports (a coordinator, a proxy): when everything via one is silent, that is to blame"""
    portable: bool = False
    """Whether people take it along: out of earshot it is away, not silent"""
    heartbeat: bool = True
    """Whether it is heard when nothing happens; else the silence of what only tells of events says nothing"""


class BatteryReason(StrEnum):
    """Why the days left do not rest on a trend."""

    NO_READINGS = "no_readings"
    TOO_NEW = "too_new"
    """Less than 14 days of readings: age and type speak"""
    PLATEAU = "plateau"
    """This chemistry shows full until shortly before its end: age and report rate speak"""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatteryView:
    """One box's battery; None is unknown."""

    percent: float | None
    days_left: float | None
    lo: float | None
    """d; with `hi` an 80 % band"""
    hi: float | None
    reason: BatteryReason | None = None
    """Set when the days rest on age and habit instead of a trend: the band is wide, nothing is decided on it"""
    battery_type: str | None = None
    battery_count: int | None = None
    fresh_since: datetime | None = None
    """When it was replaced, as told or seen; None when that was before we knew the box"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftView:
    """How far one box's humidity is from what the others agree on; None is unknown."""

    offset: float | None
    """% of relative humidity, too high when positive"""
    lo: float | None
    hi: float | None
    """With `lo` a 90 % band"""
    identified: bool
    """Whether enough others took part to say whose error it is"""
    since: datetime | None
    """Since when it has been beyond what is normal"""
    comparisons: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RadioView:
    """How well one box is heard; None is unknown."""

    lqi: float | None
    """0-255, smoothed"""
    rssi: float | None
    """dBm, smoothed"""
    per_week: float | None
    """Trend of the LQI, else of the RSSI"""
    weak: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceView:
    """One box; None is unknown."""

    source: str
    place: str
    last_heard: datetime | None = None
    interval_s: float | None = None
    """The usual time between two signs of life, as learned; what silence is counted in"""
    missed: float | None = None
    """Intervals missed; time in which we or what brings its reports were deaf does not count"""
    silent: bool | None = None
    """None while too little is known to tell, and while a portable box is away"""
    away_since: datetime | None = None
    """When a portable box that is out of earshot was last heard; tells where a person is, so it is for that person"""
    bridge_silent: bool = False
    """Everything that comes the same way is silent: no fault of this box"""
    battery: BatteryView | None = None
    """None when it runs on mains or says nothing of one"""
    drift: DriftView | None = None
    radio: RadioView | None = None
    stuck: bool | None = None
    active: tuple[Decision, ...] = field(default=())
    shadows: tuple[Decision, ...] = field(default=())


class WeakLink(StrEnum):
    """What keeps a leak sensor from being proven alive, worst first; the key of its sentence is `assurance.<value>`."""

    SILENT = "silent"
    UNHEARD = "unheard"
    """Nobody would hear whether it lives"""
    NEVER_HEARD = "never_heard"
    BRIDGE = "bridge"
    BATTERY = "battery"
    NEVER_TESTED = "never_tested"
    TEST_DUE = "test_due"
    RADIO = "radio"


@dataclass(frozen=True, kw_only=True, slots=True)
class LeakPoint:
    """One leak sensor, and what its alarm rests on."""

    source: str
    place: str
    proven: bool
    """Heard of within its usual intervals, and its last wet-cloth test is not too long ago"""
    link: WeakLink | None
    """The weakest link; of a proven one what may come next; None when there is nothing to do"""
    tested_at: datetime | None

    @property
    def sentence(self) -> str:
        """Return the key of the sentence that says so."""
        return f"assurance.{self.link or 'fine'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assurance:
    """How many of the leak sensors would raise an alarm, as far as that is proven."""

    proven: int
    total: int
    points: tuple[LeakPoint, ...]
    """Weakest first"""

    @property
    def next_step(self) -> LeakPoint | None:
        """Return the point to see to first; None when there is nothing to do."""
        return next((point for point in self.points if point.link is not None), None)
