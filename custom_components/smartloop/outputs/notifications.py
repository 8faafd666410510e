"""Decisions reach people: on their phones, on each other's, or in Home Assistant itself.

A ledger follows each message. What could not be handed over is tried again; an answer on one
channel clears them all.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.components import persistent_notification
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CoreState, HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import create_eager_task

from ..engine import (
    Decision,
    DecisionState,
    Effect,
    Engine,
    Lesson,
    Message,
    Outcome,
    Severity,
    effect_message,
    lesson_sentence,
    render,
)
from ..naming import device_name
from ..records import Delivery, DeliveryState, Pending
from .case import PERSISTENT, Book, Case, found, kept
from .payload import clear_payload, decision_payload, effect_payload, tag_of
from .phones import async_push, people, phones_of
from .sentences import templates

URGENT: Final = frozenset({Severity.WARNING, Severity.CRITICAL})
UNCONFIRMED: Final = timedelta(seconds=60)
"""After which a warning nobody confirmed is sent again: into a dead connection the second push fails aloud."""


class Notifier:
    """Tells the household's people; what goes wrong on the way is its own business."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry[Any], engine: Engine, ledger: Book) -> None:
        """Prepare; nothing is said yet."""
        self._hass = hass
        self._entry = entry
        self._engine = engine
        self._ledger = ledger
        self._cases: dict[str, Case] = {}

    # Words.

    def message(self, decision: Decision) -> Message:
        """Return a decision in words."""
        room, person = self._room(decision.room), self.person_name(decision.person)
        return render(decision, templates(self._hass), room, person, device_name=self._box(decision.source))

    def text(self, decision: Decision) -> str:
        """Return a decision in one text."""
        return self.message(decision).text

    def lesson_text(self, lesson: Lesson) -> str:
        """Return what an answer changed, in words."""
        zone = self._engine.household.timezone
        room, person = self._room(lesson.room), self.person_name(lesson.person)
        return lesson_sentence(lesson, templates(self._hass), room, person, zone, self._box(lesson.source))

    def _room(self, room_id: str | None) -> str | None:
        return next((room.name for room in self._engine.household.rooms if room.id == room_id), None)

    def _box(self, source: str | None) -> str | None:
        return None if source is None else device_name(self._hass, source)

    def person_name(self, person_id: str | None) -> str | None:
        """Return what a person of the household is called."""
        return next((person.name for person in self._engine.household.people if person.id == person_id), None)

    # What happens.

    async def async_handle(self, decision: Decision) -> None:
        """Keep a decision, tell it or take it back. Never raises."""
        if decision.state is DecisionState.RAISED:
            # Known before anything is waited for: its end may be the next thing that comes.
            case = self._cases.setdefault(decision.id, Case(self._ledger, decision))
            async with case.lock:
                keeping = create_eager_task(kept(self._ledger.async_record_decision(decision, self.text(decision))))
                if decision.severity is not Severity.CRITICAL:
                    await keeping
                await self._deliver(case, dt_util.utcnow())
                await keeping
                await self._supersede(case)
            return
        if (known := self._cases.get(decision.id)) is not None:
            known.over = True
        await kept(self._ledger.async_record_decision(decision, self.text(decision)))
        if decision.state is DecisionState.CLEARED and (ended := await self._case(decision.id)) is not None:
            await self._take_back(ended)

    async def async_deliver_due(self, now: datetime) -> None:
        """Tell those who could not be told before, and forget what has expired. Does not wait for phones."""
        for case in tuple(self._cases.values()):
            self._refresh(case)
            if case.over or case.lock.locked():
                continue
            if case.decision.expires_at <= now:
                self._start(self._expire(case))
            elif self._due(case, now) or self._unconfirmed(case, now):
                self._start(self._deliver_again(case, now))

    async def async_resume(self) -> None:
        """Take up after a restart what was said and is not over, told or not."""
        now = dt_util.utcnow()
        for recorded in await found(self._ledger.async_open_decisions(), []):
            decision = recorded.decision
            if decision.id in self._cases:
                continue
            case = await Case.of(self._ledger, decision)
            if self._cases.setdefault(decision.id, case) is not case:
                # It was heard of while the ledger was being asked.
                continue
            self._refresh(case)
            if case.decision.expires_at <= now:
                await self._expire(case)
                continue
            if case.persistent:
                # Home Assistant forgets its own notifications.
                self._show(self.message(case.decision), case.decision.tag)
            await self._deliver_again(case, now)

    async def async_answered(self, pending: Pending, person: str | None) -> None:
        """Take the message away everywhere: somebody answered, and the answer is kept. Never raises."""
        if (case := await self._case(pending.decision_id)) is not None:
            async with case.lock:
                await self._clear(case, case.shown())
                await case.answered_by({pending.person, person})

    async def async_received(self, pending: Pending) -> None:
        """Take note that a phone has shown the message."""
        if (case := self._cases.get(pending.decision_id)) is not None:
            async with case.lock:
                for each in case.shown():
                    if each.person == pending.person and each.channel != PERSISTENT:
                        await case.note(each.person, each.channel, DeliveryState.RECEIVED)

    async def async_report(self, effect: Effect) -> None:
        """Say what came of an act to those who were told of it, without a sound. Never raises."""
        if effect.outcome is Outcome.UNKNOWN and effect.measured is None:
            return
        recorded = await found(self._ledger.async_decision(effect.decision_id), None)
        if recorded is None:
            return
        message = effect_message(effect, templates(self._hass), self._room(effect.room))
        payload = effect_payload(recorded.decision.tag, message)
        told = await found(self._ledger.async_deliveries(effect.decision_id), [])
        channels = {each.channel for each in told if each.state is not DeliveryState.FAILED}
        if PERSISTENT in channels:
            self._show(message, recorded.decision.tag)
        await asyncio.gather(*(async_push(self._hass, each, payload) for each in sorted(channels - {PERSISTENT})))

    # Telling.

    def _due(self, case: Case, now: datetime) -> list[str | None]:
        """Return who is to be told now."""
        # Phones come up while Home Assistant starts; only what is critical does not wait for them.
        if self._hass.state is not CoreState.running and case.decision.severity is not Severity.CRITICAL:
            return []
        wanted = dict.fromkeys((*self._engine.recipients(case.decision, now), *sorted(case.lost, key=str)))
        return [person for person in wanted if not case.reached(person) and case.may_try(person, now)]

    async def _deliver_again(self, case: Case, now: datetime) -> None:
        async with case.lock:
            await self._deliver(case, now)

    async def _deliver(self, case: Case, now: datetime) -> None:
        if case.over:
            return
        for person in self._engine.recipients(case.decision, now):
            # The ledger knows better than an engine that did not get to keep it.
            if case.reached(person):
                self._told(case, person, now)
        lost = await self._probe(case, now)
        due = self._due(case, now)
        await asyncio.gather(*(self._tell(case, person, now) for person in due))
        missed = [person for person in dict.fromkeys((*due, *lost)) if not case.reached(person)]
        if missed:
            await self._climb(case, missed, now)

    async def _tell(self, case: Case, person: str | None, now: datetime) -> None:
        """Push to every phone of a person."""
        phones = phones_of(self._hass, self._entry, person)
        if not phones:
            return
        payload = await self._payload(case, person, now)
        taken = await asyncio.gather(*(async_push(self._hass, phone.service, payload) for phone in phones))
        for phone, sent in zip(phones, taken, strict=True):
            await case.note(person, phone.service, DeliveryState.SENT if sent else DeliveryState.FAILED)
        if any(taken):
            case.lost.discard(person)
            self._told(case, person, now)

    async def _payload(self, case: Case, person: str | None, now: datetime) -> dict[str, Any]:
        token = await case.token(person, now)
        return decision_payload(case.decision, self.message(case.decision), token, templates(self._hass), now)

    def _told(self, case: Case, person: str | None, now: datetime) -> None:
        if person not in case.told:
            case.told.add(person)
            self._engine.told(case.decision, person, now)

    async def _climb(self, case: Case, missed: Iterable[str | None], now: datetime) -> None:
        """Tell others, and at last Home Assistant itself; the missed ones are tried again."""
        for person in missed:
            case.missed(person, now)
        if case.decision.severity in URGENT:
            others = [each for each in people(self._entry) if each not in missed and not case.reached(each)]
            awake = [each for each in others if self._may_wake(case.decision, each, now)]
            await asyncio.gather(*(self._tell(case, person, now) for person in awake))
        if not case.anybody:
            self._show(self.message(case.decision), case.decision.tag)
            await case.note(None, PERSISTENT, DeliveryState.SENT)
        for person in missed:
            # Who has no phone was told where they look; who has one is tried again.
            if case.persistent and not phones_of(self._hass, self._entry, person):
                self._told(case, person, now)

    def _may_wake(self, decision: Decision, person_id: str, now: datetime) -> bool:
        household = self._engine.household
        person = next((each for each in household.people if each.id == person_id), None)
        hours = (person.quiet_hours if person is not None else None) or household.quiet_hours
        quiet = hours is not None and hours.contain(now.astimezone(household.timezone).time())
        return decision.severity is Severity.CRITICAL or not quiet

    def _unconfirmed(self, case: Case, now: datetime) -> list[Delivery]:
        """Return what a phone may have lost without a word: local push alone cannot say so."""
        if case.decision.severity not in URGENT:
            return []
        silent = {
            (each.person, phone.service)
            for each in case.shown()
            for phone in phones_of(self._hass, self._entry, each.person)
            if phone.local_only
        }
        return [each for each in case.unconfirmed(now, UNCONFIRMED) if (each.person, each.channel) in silent]

    async def _probe(self, case: Case, now: datetime) -> list[str | None]:
        """Send unconfirmed warnings once more; return whom they did not reach after all."""
        for each in self._unconfirmed(case, now):
            case.probed.add((each.person, each.channel))
            payload = await self._payload(case, each.person, now)
            payload["data"]["alert_once"] = True
            if not await async_push(self._hass, each.channel, payload):
                await case.note(each.person, each.channel, DeliveryState.FAILED)
                if not case.reached(each.person):
                    case.lost.add(each.person)
        return [person for person in case.lost if case.may_try(person, now)]

    # Taking back.

    async def _supersede(self, case: Case) -> None:
        """End older cases of the same matter: their message was replaced, or is cleared where it was not."""
        replaced = {each.channel for each in case.shown()}
        for older in tuple(self._cases.values()):
            # A newer one ends this one: never both each other, each holding its own lock.
            if older.decision.tag != case.decision.tag or older.decision.at >= case.decision.at:
                continue
            older.over = True
            async with older.lock:
                stale = older.shown()
                await self._clear(older, [each for each in stale if each.channel not in replaced])
                for each in stale:
                    await older.note(each.person, each.channel, DeliveryState.EXPIRED)
            await self._end(older)

    async def _expire(self, case: Case) -> None:
        case.over = True
        await self._take_back(case)
        await self._end(case)

    async def _take_back(self, case: Case) -> None:
        async with case.lock:
            await self._clear(case, case.shown())
        self._cases.pop(case.decision.id, None)

    async def _end(self, case: Case) -> None:
        self._cases.pop(case.decision.id, None)
        over = case.ended()
        await kept(self._ledger.async_record_decision(over, self.text(over)))

    async def _clear(self, case: Case, shown: list[Delivery]) -> None:
        """Clear the message where it is to be seen."""
        clear = clear_payload(case.decision.tag)
        services = sorted({each.channel for each in shown} - {PERSISTENT})
        await asyncio.gather(*(async_push(self._hass, service, clear) for service in services))
        for each in shown:
            if each.channel == PERSISTENT:
                persistent_notification.async_dismiss(self._hass, tag_of(case.decision.tag))
            await case.note(each.person, each.channel, DeliveryState.EXPIRED)

    # Bookkeeping.

    async def _case(self, decision_id: str) -> Case | None:
        """Return a decision's case, as the ledger knows it when it is not at hand."""
        if (case := self._cases.get(decision_id)) is not None:
            return case
        recorded = await found(self._ledger.async_decision(decision_id), None)
        return None if recorded is None else await Case.of(self._ledger, recorded.decision)

    def _refresh(self, case: Case) -> None:
        """Follow the engine: what stands is confirmed again and again, and its numbers move."""
        room, source = case.decision.subject
        for decision in self._engine.active(room, source):
            if decision.id == case.decision.id:
                case.decision = decision

    @callback
    def _show(self, message: Message, matter: str) -> None:
        persistent_notification.async_create(self._hass, message.text, message.title, tag_of(matter))

    @callback
    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._entry.async_create_background_task(self._hass, work, "SmartLoop delivery")
