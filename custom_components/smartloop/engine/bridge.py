"""What brings the reports of several boxes: when all of them are silent at once, it is to blame."""

from datetime import datetime

from .box import Box
from .decisions.device import DeviceConditions

UNLIKELY = 0.01
"""That all other boxes of a bridge are silent by chance, when one of them is overdue ..."""
VERY_UNLIKELY = 1e-6
"""... and when none is yet"""
LEAST_MEMBERS = 2
_LEAST_CHANCE = 1e-12


class Bridge:
    """A coordinator, a proxy, an integration."""

    __slots__ = ("deaf", "down_since", "last", "members", "waited")

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.members: list[Box] = []
        self.last = 0.0
        """s since 1970, when anything was heard through it"""
        self.deaf = 0.0
        """s that it was down, of all time"""
        self.down_since: float | None = None
        self.waited = 0.0
        """s after which it was known"""

    def heard(self, at: float) -> None:
        """Take in a sign of life of any of its boxes."""
        if at <= self.last:
            return
        if self.down_since is not None:
            self.deaf += at - self.down_since
            self.down_since = None
        self.last = at

    def skip(self, now: float) -> None:
        """Take note that nobody listened until now."""
        if self.down_since is None:
            self.last = max(self.last, now)

    def deaf_until(self, moment: float) -> float:
        """Return for how many seconds, of all time, it was down."""
        return self.deaf + (0.0 if self.down_since is None else max(moment - self.down_since, 0.0))

    def suspect(self, moment: float, deaf: float) -> None:
        """Find out whether it is the bridge that is silent; `deaf` is for how long nobody listened, of all time."""
        if self.down_since is not None or len(self.members) < LEAST_MEMBERS or not self.last:
            return
        window = moment - self.last
        chances: list[float] = []
        overdue = False
        for box in self.members:
            habit = box.checkin.habit
            if habit is None or not box.is_heard:
                continue
            silence = box.silence(moment, deaf + self.deaf)
            if silence - window > habit.limit:
                # It was silent before.
                continue
            before = max(habit.survival(max(silence - window, 0.0)), _LEAST_CHANCE)
            chances.append(min(habit.survival(silence) / before, 1.0))
            overdue = overdue or silence > habit.limit
        if len(chances) < LEAST_MEMBERS:
            return
        chances.sort()
        others = 1.0
        for chance in chances[1:]:
            others *= chance
        # However surprising one box's silence is, it alone says nothing of the others.
        if others < UNLIKELY and (overdue or others * chances[0] < VERY_UNLIKELY):
            self.down_since, self.waited = self.last, max(window, 1.0)

    def conditions(self, name: str, moment: float, now: datetime) -> DeviceConditions:
        """Return what a decision about the bridge itself rests on."""
        if self.down_since is None:
            return DeviceConditions(source=name, room=None, at=now)
        habits = [box.checkin.habit for box in self.members]
        per_second = sum(1.0 / habit.typical for habit in habits if habit is not None)
        return DeviceConditions(
            source=name,
            room=None,
            at=now,
            silence_s=moment - self.down_since,
            interval_s=1.0 / per_second if per_second else self.waited,
            limit_s=self.waited,
            leak_points=sum(box.is_leak_sensor for box in self.members),
            silent_devices=len(self.members),
        )
