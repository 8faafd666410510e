"""The one list of what the house's sensors need: batteries by type, what is silent, what to test."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from homeassistant.util import dt as dt_util

from .care import REMEMBERED, Care
from .engine import (
    Autonomy,
    BatteryView,
    Decision,
    DecisionKey,
    DeviceView,
    Journey,
    Templates,
    Verdict,
    WeakLink,
)

COMPANION_DAYS: Final = 45.0
"""Whoever buys one battery of a type may buy those needed within so many days, too."""
WEAK_BATTERY: Final = 15.0
"""% under which a silent sensor's battery is looked at first."""
_DAY: Final = 86400.0


class Task(StrEnum):
    """What is to be done."""

    BATTERY = "battery"
    BRIDGE = "bridge"
    SILENT = "silent"
    DRIFT = "drift"
    LEAK_TEST = "leak_test"


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One line of the list."""

    uid: str
    """The same as long as it is about the same."""
    task: Task
    sources: tuple[str, ...]
    summary: str
    description: str
    due: date | None = None
    done_at: datetime | None = None
    by_itself: bool = False
    """Whether nobody said that it is done: it was noticed."""


class Maintenance:
    """Words the list from what the care knows."""

    def __init__(self, care: Care, words: Templates, now: datetime) -> None:
        """Take what is known at this moment."""
        self._care = care
        self._words = words
        self._now = now
        self._off = care.household.autonomy(Journey.DEVICE) is Autonomy.OFF
        self._wrong = {(each.key, each.source) for each in care.lessons() if each.verdict is Verdict.WRONG}

    def items(self) -> list[Item]:
        """Return what is to be done, the most pressing first, then what was done within the last day."""
        to_do = [] if self._off else [*self._bridges(), *self._silent(), *self._batteries(), *self._drifting()]
        to_do += self._untested()
        taken = {item.uid for item in to_do}
        return [*to_do, *(item for item in self._done() if item.uid not in taken)]

    # To do.

    def _batteries(self) -> Iterator[Item]:
        due: dict[str, list[DeviceView]] = {}
        for view in self._care.views.values():
            if (battery := view.battery) is not None and self._runs_out(view, battery):
                due.setdefault(battery.battery_type or "", []).append(view)
        for kind, views in sorted(due.items(), key=lambda each: not each[0]):
            # Companions alone are no reason to go shopping.
            if any(self._stands(view, DecisionKey.DEVICE_BATTERY) for view in views):
                yield self._battery(kind, sorted(views, key=self._urgency))

    def _runs_out(self, view: DeviceView, battery: BatteryView) -> bool:
        if self._stands(view, DecisionKey.DEVICE_BATTERY):
            return True
        trusted = battery.reason is None and battery.lo is not None and battery.lo <= COMPANION_DAYS
        return trusted and (DecisionKey.DEVICE_BATTERY, view.source) not in self._wrong

    def _battery(self, kind: str, views: list[DeviceView]) -> Item:
        lows = [view.battery.lo for view in views if view.battery is not None and view.battery.lo is not None]
        return Item(
            uid=f"{Task.BATTERY}:{kind}",
            task=Task.BATTERY,
            sources=tuple(view.source for view in views),
            summary=self._shopping("care.battery.summary", kind, views, self._box),
            description="\n".join(self._battery_evidence(view) for view in views),
            due=self._day(min(lows)) if lows else self._day(0.0),
        )

    def _shopping(self, key: str, kind: str, views: list[DeviceView], say: Callable[[DeviceView], str]) -> str:
        boxes = "; ".join(say(view) for view in views)
        if not kind:
            return self._say(f"{key}.unknown", boxes=boxes)
        cells = sum((view.battery.battery_count if view.battery else None) or 1 for view in views)
        return self._say(key, count=str(cells), type=kind, boxes=boxes)

    def _box(self, view: DeviceView) -> str:
        battery, name = view.battery, self._care.name(view.source)
        if battery is not None and None not in (battery.days_left, battery.lo, battery.hi) and battery.reason is None:
            return self._say("care.battery.box", name=name, **_band(battery))
        if battery is not None and battery.percent is not None:
            return self._say("care.battery.box_percent", name=name, percent=f"{battery.percent:.0f}")
        return name

    def _battery_evidence(self, view: DeviceView) -> str:
        battery, name = view.battery, self._care.name(view.source)
        assert battery is not None  # noqa: S101  for the type checker
        parts = [f"{name}:"]
        if battery.percent is not None:
            parts.append(self._say("care.battery.percent", percent=f"{battery.percent:.0f}"))
        if battery.lo is not None and battery.hi is not None:
            key = "care.battery.by_age" if battery.reason is not None else "care.battery.band"
            parts.append(self._say(key, first=self._on(battery.lo), last=self._on(battery.hi)))
        if battery.reason is not None:
            parts.append(self._say(f"care.battery.why.{battery.reason}"))
        return " ".join(parts)

    def _urgency(self, view: DeviceView) -> tuple[float, str]:
        lo = view.battery.lo if view.battery is not None else None
        return (0.0 if lo is None else lo, view.source)

    def _bridges(self) -> Iterator[Item]:
        behind: dict[str, list[str]] = {}
        for view in self._care.views.values():
            if view.bridge_silent:
                behind.setdefault(self._care.facts[view.source].via or "", []).append(view.source)
        for via, sources in sorted(behind.items()):
            name = self._care.name(via)
            yield Item(
                uid=f"{Task.BRIDGE}:{via}",
                task=Task.BRIDGE,
                sources=tuple(sources),
                summary=self._say("care.bridge.summary", name=name, count=str(len(sources))),
                description=self._say("care.bridge.check", name=name),
                due=self._day(0.0),
            )

    def _silent(self) -> Iterator[Item]:
        for view in self._care.views.values():
            said_wrong = (DecisionKey.DEVICE_SILENT, view.source) in self._wrong
            if view.silent and not view.bridge_silent and not said_wrong and not self._answered(Task.SILENT, view):
                name = self._care.name(view.source)
                yield Item(
                    uid=f"{Task.SILENT}:{view.source}",
                    task=Task.SILENT,
                    sources=(view.source,),
                    summary=self._say("care.silent.summary", name=name),
                    description="\n".join(self._silence(view)),
                    due=self._day(0.0),
                )

    def _silence(self, view: DeviceView) -> Iterator[str]:
        if view.last_heard is not None and view.interval_s is not None:
            yield self._say(
                "care.silent.evidence",
                when=f"{dt_util.as_local(view.last_heard):%Y-%m-%d %H:%M}",
                interval=self._span(view.interval_s),
                missed=f"{view.missed or 0.0:.0f}",
            )
        for number, step in enumerate(self._checks(view), start=1):
            yield f"{number}. {self._say(f'care.check.{step}')}"

    def _checks(self, view: DeviceView) -> list[str]:
        """Return what to look at, the likeliest first."""
        facts = self._care.facts[view.source]
        percent = view.battery.percent if view.battery is not None else None
        steps = ["power"] if facts.mains else ["battery"]
        steps.append("radio")
        weak = view.radio is not None and bool(view.radio.weak)
        if weak and (percent is None or percent > WEAK_BATTERY):
            steps.reverse()
        return [*steps, "wake", "join"]

    def _drifting(self) -> Iterator[Item]:
        for view in self._care.views.values():
            drift = view.drift
            if drift is None or drift.offset is None or not self._stands(view, DecisionKey.DEVICE_DRIFT):
                continue
            offset = self._number(abs(drift.offset))
            which = "high" if drift.offset > 0 else "low"
            lines = [self._say("care.drift.how")]
            if drift.lo is not None and drift.hi is not None:
                numbers = {"lo": self._number(drift.lo), "hi": self._number(drift.hi), "count": str(drift.comparisons)}
                lines.insert(0, self._say("care.drift.evidence", **numbers))
            yield Item(
                uid=f"{Task.DRIFT}:{view.source}",
                task=Task.DRIFT,
                sources=(view.source,),
                summary=self._say(f"care.drift.summary.{which}", name=self._care.name(view.source), offset=offset),
                description="\n".join(lines),
            )

    def _untested(self) -> Iterator[Item]:
        links = {WeakLink.NEVER_TESTED, WeakLink.TEST_DUE}
        due = {each.source for each in self._care.assurance(self._now).points if each.link in links}
        for source in self._care.leak_points if self._care.loaded else ():
            if source in due or source not in self._care.tested:
                again = "again" if source in self._care.tested else "first"
                yield Item(
                    uid=f"{Task.LEAK_TEST}:{source}",
                    task=Task.LEAK_TEST,
                    sources=(source,),
                    summary=self._say("care.leak_test.summary", name=self._care.name(source)),
                    description=self._say(f"care.leak_test.{again}"),
                )

    # Done.

    def _done(self) -> Iterator[Item]:
        yield from self._replaced()
        for (key, source), answer in self._care.answered.items():
            task = _TASKS.get(key)
            if task is not None and source in self._care.facts and self._recent(answer.at):
                yield self._ticked(task, source, answer.at)
        for source, at in self._care.tested.items():
            if source in self._care.facts and self._recent(at):
                yield self._ticked(Task.LEAK_TEST, source, at)

    def _replaced(self) -> Iterator[Item]:
        fresh: dict[str, list[tuple[datetime, DeviceView, bool]]] = {}
        for view in self._care.views.values():
            seen = view.battery.fresh_since if view.battery is not None else None
            told = self._care.replaced.get(view.source)
            at = max((each for each in (seen, told) if each is not None), default=None)
            if view.battery is not None and at is not None and self._recent(at):
                # Who says it first is soon borne out by the level.
                by_itself = told is None or at - told > REMEMBERED
                fresh.setdefault(view.battery.battery_type or "", []).append((at, view, by_itself))
        for kind, changes in fresh.items():
            by_itself = all(each[2] for each in changes)
            views = [each[1] for each in changes]
            yield Item(
                uid=f"{Task.BATTERY}:{kind}",
                task=Task.BATTERY,
                sources=tuple(view.source for view in views),
                summary=self._shopping("care.battery.done", kind, views, lambda view: self._care.name(view.source)),
                description=self._say("care.battery.noticed" if by_itself else "care.battery.told"),
                done_at=max(each[0] for each in changes),
                by_itself=by_itself,
            )

    def _ticked(self, task: Task, source: str, at: datetime) -> Item:
        return Item(
            uid=f"{task}:{source}",
            task=task,
            sources=(source,),
            summary=self._say(f"care.{task}.done", name=self._care.name(source)),
            description=self._say(f"care.{task}.after"),
            done_at=at,
        )

    # What they share.

    def _stands(self, view: DeviceView, key: DecisionKey) -> bool:
        """Return whether there is reason to do something; what nobody wants to hear now is listed all the same."""
        standing: Iterable[Decision] = (*view.active, *view.shadows)
        return (key, view.source) not in self._wrong and any(each.key is key for each in standing)

    def _answered(self, task: Task, view: DeviceView) -> bool:
        key = next(key for key, each in _TASKS.items() if each is task)
        answer = self._care.answered.get((key, view.source))
        return answer is not None and self._recent(answer.at)

    def _recent(self, at: datetime) -> bool:
        return self._now - at < REMEMBERED

    def _day(self, days: float) -> date:
        return dt_util.as_local(self._now + timedelta(days=max(days, 0.0))).date()

    def _on(self, days: float) -> str:
        return self._day(days).isoformat()

    def _span(self, seconds: float) -> str:
        if seconds < 90 * 60:
            return self._say("duration.minutes", count=str(max(round(seconds / 60), 1)))
        if seconds < 2 * _DAY:
            return self._say("duration.hours", count=str(round(seconds / 3600)))
        return self._say("duration.days", count=str(round(seconds / _DAY)))

    def _number(self, value: float) -> str:
        return f"{value:.1f}".replace(".", self._words["decimal"])

    def _say(self, key: str, **values: str) -> str:
        return self._words[key].format_map(values)


_TASKS: Final[Mapping[str, Task]] = {
    DecisionKey.DEVICE_SILENT: Task.SILENT,
    DecisionKey.DEVICE_DRIFT: Task.DRIFT,
}
"""What an answer of "Done" to a decision does away with."""


def _band(battery: BatteryView) -> dict[str, str]:
    """Return the days left as they are said."""
    days = {"days": battery.days_left, "lo": battery.lo, "hi": battery.hi}
    return {name: f"{value or 0.0:.0f}" for name, value in days.items()}
