"""One decision on its way to people: who has it, on which channel, and whom to try again when."""

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.async_ import create_eager_task
from homeassistant.util.ulid import ulid_now

from ..const import LOGGER
from ..engine import Decision, DecisionState, Severity
from ..records import Delivery, DeliveryState, Pending, Recorded

PERSISTENT: Final = "persistent_notification"
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15))
"""Between tries to reach a person's phones; the last one goes on."""
ANSWERABLE: Final = timedelta(days=1)
"""How long after a decision's end its buttons are still understood."""

_SHOWN: Final = frozenset({DeliveryState.SENT, DeliveryState.RECEIVED})


class Book(Protocol):
    """What is kept in the ledger."""

    async def async_record_decision(self, decision: Decision, text: str) -> None:
        """Keep a decision."""

    async def async_decision(self, decision_id: str) -> Recorded | None:
        """Return a decision."""

    async def async_open_decisions(self) -> list[Recorded]:
        """Return what was raised and is not over."""

    async def async_record_delivery(self, delivery: Delivery) -> None:
        """Keep how far a message got."""

    async def async_deliveries(self, decision_id: str) -> list[Delivery]:
        """Return how far the messages about a decision got."""

    async def async_record_pending(self, pending: Pending) -> None:
        """Keep what a token stands for."""


async def kept(writing: Awaitable[None]) -> bool:
    """Return whether the ledger took it; a full disk must not silence a warning (the ledger says it aloud)."""
    try:
        await writing
    except HomeAssistantError as err:
        LOGGER.debug("Goes on without the ledger: %s", err)
        return False
    return True


async def found[T](reading: Awaitable[T], otherwise: T) -> T:
    """Return what the ledger says, or something else while it cannot be read."""
    try:
        return await reading
    except HomeAssistantError as err:
        LOGGER.debug("Goes on without the ledger: %s", err)
        return otherwise


@dataclass(slots=True)
class Case:
    """One decision and its messages."""

    book: Book
    decision: Decision
    over: bool = False
    """Nothing more is to be said of it."""
    lost: set[str | None] = field(default_factory=set)
    """Who was thought to have it, and has not."""
    told: set[str | None] = field(default_factory=set)
    """Whose being told the engine knows of."""
    probed: set[tuple[str | None, str]] = field(default_factory=set)
    """Who was sent it twice, and on which channel, for want of a confirmation."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _deliveries: dict[tuple[str | None, str], Delivery] = field(default_factory=dict)
    _tokens: dict[str | None, str] = field(default_factory=dict)
    _tries: dict[str | None, tuple[int, datetime]] = field(default_factory=dict)
    _keeping: list[asyncio.Task[bool]] = field(default_factory=list)
    """Held on to, or it might be collected under way."""

    @classmethod
    async def of(cls, book: Book, decision: Decision) -> Case:
        """Return a case as the ledger knows it."""
        case = cls(book, decision)
        for each in await found(book.async_deliveries(decision.id), []):
            case._deliveries[each.person, each.channel] = each
        return case

    def shown(self) -> list[Delivery]:
        """Return where the message is to be seen now."""
        return [each for each in self._deliveries.values() if each.state in _SHOWN]

    def reached(self, person: str | None) -> bool:
        """Return whether a person's message was handed over."""
        states = {each.state for each in self._deliveries.values() if each.person == person}
        return bool(states - {DeliveryState.FAILED})

    @property
    def anybody(self) -> bool:
        """Return whether it was handed over to anybody at all."""
        return any(self.reached(each.person) for each in self._deliveries.values())

    @property
    def persistent(self) -> bool:
        """Return whether Home Assistant itself shows it."""
        return any(each.channel == PERSISTENT for each in self.shown())

    async def note(self, person: str | None, channel: str, state: DeliveryState) -> None:
        """Keep how far a message got."""
        delivery = Delivery(
            decision_id=self.decision.id, person=person, channel=channel, state=state, at=dt_util.utcnow()
        )
        self._deliveries[person, channel] = delivery
        await kept(self.book.async_record_delivery(delivery))

    async def answered_by(self, people: set[str | None]) -> None:
        """Take note of who answered."""
        for each in tuple(self._deliveries.values()):
            if each.person in people and each.state is not DeliveryState.FAILED:
                await self.note(each.person, each.channel, DeliveryState.ANSWERED)

    async def token(self, person: str | None, now: datetime) -> str | None:
        """Return the token of a person's buttons; None when it cannot be kept, for then nobody would know it.

        What is critical does not wait for the disk: nobody taps faster than that.
        """
        if person not in self._tokens:
            pending = Pending(
                token=ulid_now(),
                decision_id=self.decision.id,
                key=self.decision.key,
                room=self.decision.room,
                person=person,
                at=now,
                expires_at=self.decision.expires_at + ANSWERABLE,
            )
            keeping = create_eager_task(kept(self.book.async_record_pending(pending)))
            self._keeping.append(keeping)
            if self.decision.severity is Severity.CRITICAL or await keeping:
                self._tokens[person] = pending.token
        return self._tokens.get(person)

    def missed(self, person: str | None, now: datetime) -> None:
        """Take note that a person could not be reached; the next try is later each time."""
        tries, _ = self._tries.get(person, (0, now))
        self._tries[person] = (tries + 1, now + RETRIES[min(tries, len(RETRIES) - 1)])

    def may_try(self, person: str | None, now: datetime) -> bool:
        """Return whether it is time to try a person again."""
        _, next_try = self._tries.get(person, (0, now))
        return next_try <= now

    def unconfirmed(self, now: datetime, after: timedelta) -> Iterator[Delivery]:
        """Yield what was sent a while ago, once, and nobody confirmed."""
        for each in self._deliveries.values():
            fresh = now - each.at < after
            if each.state is DeliveryState.SENT and not fresh and (each.person, each.channel) not in self.probed:
                yield each

    def ended(self) -> Decision:
        """Return the decision as one that is over."""
        return replace(self.decision, state=DecisionState.CLEARED, at=dt_util.utcnow())
