"""The boxes of a household through time: who is silent and whose fault that is, what runs empty, what errs.

Silence only counts while somebody listens. Home Assistant being down, or its clock jumping, is time
in which nobody did; it is found by the looks that did not happen. A bridge that brings the reports
of several boxes is deaf time, too, once it is improbable that all of them just have nothing to say:
the product of what each one's habit makes of the silence since anything at all was heard.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime

from .box import DAY, Box
from .bridge import Bridge
from .decisions.candidate import Assessment
from .decisions.device import SOON_DAYS, DeviceConditions, assess
from .device_view import Assurance, DeviceFacts, DeviceView, LeakPoint, WeakLink
from .errors import SnapshotError
from .models.drift import plain
from .neighbours import Neighbours, unchanged_hours
from .reading import Measurand, Reading

MOST_STEP_S = 1800.0
"""s between two looks, beyond which nobody was listening"""
EARLY_S = 300.0
"""s that a sign of life may be ahead of the clock"""
TEST_LASTS_S = 183 * DAY
"""s that a wet-cloth test proves a leak sensor for"""
LOW_PERCENT = 10.0


class Devices:
    """Every box that has been described."""

    def __init__(self) -> None:
        """Begin with none."""
        self._boxes: dict[str, Box] = {}
        self._facts: dict[str, DeviceFacts] = {}
        self._bridges: dict[str, Bridge] = {}
        self._via: dict[str, Bridge] = {}
        """By source"""
        self._neighbours = Neighbours()
        self._deaf = 0.0
        """s in which nobody listened, of all time"""
        self._looked: float | None = None

    # What comes in.

    @property
    def facts(self) -> tuple[DeviceFacts, ...]:
        """Return what the registries said."""
        return tuple(self._facts.values())

    def describe(self, facts: Iterable[DeviceFacts]) -> tuple[str, ...]:
        """Take what the registries say; return the boxes, and bridges, that are gone and forgotten."""
        self._facts = {each.source: each for each in facts}
        gone = [source for source in self._boxes if source not in self._facts]
        for source in gone:
            del self._boxes[source]
        before, self._bridges, self._via = self._bridges, {}, {}
        for source, each in self._facts.items():
            box = self._boxes.setdefault(source, Box(each))
            box.facts = each
            box.forecast_day = -1.0
            if each.via is not None and each.via != source:
                bridge = self._bridges.setdefault(each.via, before.get(each.via) or Bridge())
                if each.via in before and source not in self._via:
                    bridge.members = [member for member in bridge.members if member.facts.source in self._facts]
                self._via[source] = bridge
        for bridge in self._bridges.values():
            bridge.members = []
        for source, bridge in self._via.items():
            # What was taken along says nothing of what would have brought its reports.
            if not self._facts[source].portable:
                bridge.members.append(self._boxes[source])
        return (*gone, *(name for name in before if name not in self._bridges))

    def observe(self, reading: Reading) -> None:
        """Take in a reading; one that was carried over is no sign of life."""
        source = reading.source
        box = self._boxes.get(source)
        if box is None or reading.quality < 1.0:
            return
        at = reading.at.timestamp()
        self._alive(source, box, at)
        box.read(reading.measurand, reading.value, at)
        if reading.measurand is Measurand.WINDOW_OPEN:
            self._neighbours.observe_window(reading, at)

    def checked_in(self, source: str, at: datetime, *, rssi: float | None = None, lqi: float | None = None) -> None:
        """Take in a sign of life that brings no value."""
        box = self._boxes.get(source)
        if box is None:
            return
        moment = at.timestamp()
        self._alive(source, box, moment)
        if rssi is not None or lqi is not None:
            box.radio.observe(moment, rssi=rssi, lqi=lqi)

    def _alive(self, source: str, box: Box, at: float) -> None:
        if self._looked is not None and at - self._looked > MOST_STEP_S:
            self._skip(at)
        bridge = self._via.get(source)
        if bridge is None:
            box.checkin.heard(at, self._deaf)
        else:
            bridge.heard(at)
            box.checkin.heard(at, self._deaf + bridge.deaf)

    def _skip(self, now: float) -> None:
        """Take note that nobody listened since the last look."""
        if self._looked is not None:
            # The clock may have gone back: of that, nobody was deaf.
            self._deaf += max(now - self._looked, 0.0)
            for bridge in self._bridges.values():
                bridge.skip(now)
        self._looked = now

    def battery_replaced(self, source: str, at: datetime) -> None:
        """Begin a new battery."""
        box = self._boxes.get(source)
        if box is not None:
            box.battery.replaced(at.timestamp())
            # At once: what was replaced shall not be asked for any more.
            box.forecast(at.timestamp())

    def battery_kept(self, source: str) -> bool:
        """Take back that a battery is new; return False when too much was heard of it since."""
        box = self._boxes.get(source)
        if box is None or not box.battery.kept():
            return False
        box.forecast_day = -1.0
        return True

    # Looking around.

    def look(self, now: datetime, outdoor: float | None = None) -> tuple[Assessment, ...]:
        """Return what can be said of each box now; `outdoor` is the vapour pressure outside, Pa."""
        moment = now.timestamp()
        if self._looked is not None and not 0.0 <= moment - self._looked <= MOST_STEP_S:
            self._skip(moment)
        self._looked = moment
        self._learn(moment)
        boxes = tuple(self._described())
        self._neighbours.look(boxes, moment, outdoor)
        for bridge in self._bridges.values():
            bridge.suspect(moment, self._deaf)
        return tuple(
            [assess(self._conditions(box, moment, now)) for box in boxes]
            + [assess(bridge.conditions(name, moment, now)) for name, bridge in self._bridges.items()]
        )

    def _described(self) -> Iterator[Box]:
        return (self._boxes[source] for source in self._facts)

    def _learn(self, moment: float) -> None:
        """Bring up to date what is costly, a little at a time."""
        forecasts = 1
        for box in self._described():
            if box.known_since is None:
                box.known_since, box.known_deaf = moment, self._deaf_of(box, moment)
            if box.checkin.last > moment + EARLY_S:
                # The clock went back: what was heard in the future was heard now.
                box.checkin.rewind(moment)
            if forecasts and box.forecast_day < moment // DAY:
                box.forecast(moment)
                forecasts -= 1
        # One habit a look, those that are least known first.
        stale = [box.checkin for box in self._described() if box.checkin.stale]
        if stale:
            min(stale, key=lambda checkin: checkin.fitted).refit()

    def _deaf_of(self, box: Box, moment: float) -> float:
        """Return for how many seconds, of all time, nobody could have heard the box."""
        bridge = self._via.get(box.facts.source)
        return self._deaf + (0.0 if bridge is None else bridge.deaf_until(moment))

    def _conditions(self, box: Box, moment: float, now: datetime) -> DeviceConditions:
        bridge = self._via.get(box.facts.source)
        interval, limit = box.limits
        left = None if box.by_age else box.left
        bias, beyond = box.bias, box.beyond_since
        return DeviceConditions(
            source=box.facts.source,
            room=box.room,
            at=now,
            silence_s=box.silence(moment, self._deaf_of(box, moment)) if box.is_heard else None,
            interval_s=interval,
            limit_s=limit,
            leak_points=int(box.is_leak_sensor),
            held=box.facts.portable or (bridge is not None and bridge.down_since is not None),
            battery=box.battery.level,
            days_left=None if left is None else left.days,
            days_left_lo=None if left is None else left.lo,
            days_left_hi=None if left is None else left.hi,
            offset=None if bias is None else bias.value,
            offset_lo=None if bias is None else bias.lo,
            offset_hi=None if bias is None else bias.hi,
            drifting_days=0.0 if beyond is None else (moment - beyond) / DAY,
            unchanged_hours=unchanged_hours(box, self._described(), moment),
        )

    # Values: what others show.

    # What there is to show.

    def views(self, now: datetime) -> tuple[DeviceView, ...]:
        """Return what is known of each box."""
        moment = now.timestamp()
        return tuple(self._view(box, moment) for box in self._described())

    def _view(self, box: Box, moment: float) -> DeviceView:
        bridge = self._via.get(box.facts.source)
        down = bridge is not None and bridge.down_since is not None
        silence = box.silence(moment, self._deaf_of(box, moment))
        interval, limit = box.limits
        known = box.checkin.habit is not None and box.is_heard
        overdue = silence > limit and not down and box.is_heard
        away = box.facts.portable and overdue
        return DeviceView(
            source=box.facts.source,
            place=box.facts.place,
            last_heard=box.last_heard,
            interval_s=interval if known else None,
            missed=silence / interval if known else None,
            silent=None if down or away or not (known or overdue) else overdue,
            away_since=box.last_heard if away else None,
            bridge_silent=down,
            battery=box.battery_view,
            drift=box.drift_view,
            radio=box.radio_view,
            stuck=None
            if box.humidity.last is box.temperature.last is None
            else unchanged_hours(box, self._described(), moment) is not None,
        )

    def assurance(self, tests: Mapping[str, datetime], now: datetime) -> Assurance:
        """Return how well the leak sensors are proven, weakest first."""
        moment = now.timestamp()
        points = [
            self._point(box, tests.get(box.facts.source), moment) for box in self._described() if box.is_leak_sensor
        ]
        order = {link: place for place, link in enumerate(WeakLink)}
        points.sort(key=lambda point: (len(order) if point.link is None else order[point.link], point.source))
        return Assurance(proven=sum(point.proven for point in points), total=len(points), points=tuple(points))

    def _point(self, box: Box, tested: datetime | None, moment: float) -> LeakPoint:
        view = self._view(box, moment)
        battery = view.battery
        low = battery is not None and (
            (battery.days_left is not None and battery.reason is None and battery.days_left <= SOON_DAYS)
            or (battery.percent is not None and battery.percent <= LOW_PERCENT)
        )
        links = (
            (view.silent is True, WeakLink.SILENT),
            (self._is_unheard(box, moment), WeakLink.UNHEARD),
            (view.last_heard is None, WeakLink.NEVER_HEARD),
            (view.bridge_silent, WeakLink.BRIDGE),
            (low, WeakLink.BATTERY),
            (tested is None, WeakLink.NEVER_TESTED),
            (tested is not None and moment - tested.timestamp() > TEST_LASTS_S, WeakLink.TEST_DUE),
            (view.radio is not None and view.radio.weak is True, WeakLink.RADIO),
        )
        holding = [link for holds, link in links if holds]
        # An empty battery or a weak radio may fail tomorrow; today it was heard.
        disproven = set(holding) - {WeakLink.BATTERY, WeakLink.RADIO}
        return LeakPoint(
            source=box.facts.source,
            place=box.facts.place,
            proven=not disproven,
            link=holding[0] if holding else None,
            tested_at=tested,
        )

    def _is_unheard(self, box: Box, moment: float) -> bool:
        return not box.is_heard and box.silence(moment, self._deaf_of(box, moment)) > box.unknown_limit

    # What is kept.

    def snapshot_pieces(self) -> Generator[None, None, dict[str, object]]:
        """Yield between the boxes, and return everything as JSON values."""
        looked, deaf = self._looked, self._deaf
        boxes = {}
        for source, box in tuple(self._boxes.items()):
            boxes[source] = box.snapshot()
            yield
        return {
            "looked": looked,
            "deaf": deaf,
            "boxes": boxes,
            "bridges": {
                name: [each.last, each.deaf, -1.0 if each.down_since is None else each.down_since, each.waited]
                for name, each in self._bridges.items()
            },
        }

    @classmethod
    def restored(cls, state: object, facts: Iterable[DeviceFacts] = ()) -> Devices:
        """Return what a snapshot holds (None: of a time before there was one); raises SnapshotError."""
        self = cls()
        if state is not None:
            if not isinstance(state, Mapping) or not all(
                isinstance(state.get(name), Mapping) for name in ("boxes", "bridges")
            ):
                msg = "the stored devices are no object"
                raise SnapshotError(msg)
            (self._deaf,) = plain([state.get("deaf")], 1)
            self._looked = None if state.get("looked") is None else plain([state["looked"]], 1)[0]
            if self._looked is not None:
                self._neighbours.resume(self._looked)
            self._boxes = {str(source): Box.restored(str(source), each) for source, each in state["boxes"].items()}
            for name, row in state["bridges"].items():
                bridge = self._bridges[str(name)] = Bridge()
                bridge.last, bridge.deaf, down, bridge.waited = plain(row, 4)
                bridge.down_since = None if down < 0.0 else down
        described = tuple(facts)
        if described:
            self.describe(described)
        return self

    def adopt(self, past: Devices) -> None:
        """Take over the boxes that another one followed through the past, where it knows more of them."""
        for source, box in past._boxes.items():
            own = self._boxes.get(source)
            if own is not None and box.checkin.intervals > own.checkin.intervals:
                taken = Box.restored(source, box.snapshot())
                taken.facts = own.facts
                self._boxes[source] = taken
        self.describe(self.facts)
