"""Taps and swipes on phones become feedback: kept first, learned from next, acknowledged last."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from ..const import ACTION_DONE, ACTION_LATER, ACTION_WRONG, CONF_PERSON, CONF_USER, LOGGER, SUBENTRY_MEMBER
from ..engine import Feedback, Lesson, Verdict
from ..records import Pending

EVENT_ACTION: Final = "mobile_app_notification_action"
EVENT_CLEARED: Final = "mobile_app_notification_cleared"
EVENT_RECEIVED: Final = "mobile_app_notification_received"
"""The last two come from Android alone."""

VERDICTS: Final[Mapping[str, Verdict]] = {
    ACTION_DONE: Verdict.HELPFUL,
    ACTION_LATER: Verdict.DISMISSED,
    ACTION_WRONG: Verdict.WRONG,
}
_ACTION: Final = re.compile(rf"({'|'.join(VERDICTS)})_([0-9A-HJKMNP-TV-Z]{{26}})", re.ASCII)
_MOST_ACTIONS: Final = 10


class Tap(NamedTuple):
    """What a phone says of a notification of ours."""

    token: str
    verdict: Verdict


class Teacher(Protocol):
    """Who takes answers in; raises when an answer could not be kept."""

    async def async_feedback(self, feedback: Feedback) -> Lesson | None:
        """Keep the answer, then learn from it."""


class Tokens(Protocol):
    """Who knows what a token stands for."""

    async def async_pending(self, token: str) -> Pending | None:
        """Return what a token stands for."""


class Messenger(Protocol):
    """Who told the people."""

    async def async_answered(self, pending: Pending, person: str | None) -> None:
        """Take the message away everywhere."""

    async def async_received(self, pending: Pending) -> None:
        """Take note that it was seen."""


def tap_of(data: Mapping[str, Any]) -> Tap | None:
    """Return what was tapped; None when it is none of our buttons.

    Android and iOS both give the action's id; what else they echo is not needed.
    """
    action = data.get("action")
    match = _ACTION.fullmatch(action) if isinstance(action, str) else None
    return None if match is None else Tap(match[2], VERDICTS[match[1]])


def token_of(data: Mapping[str, Any]) -> str | None:
    """Return the token of a notification that was shown or swiped away, from the buttons Android echoes."""
    for number in range(1, _MOST_ACTIONS + 1):
        key = data.get(f"action_{number}_key")
        if isinstance(key, str) and (match := _ACTION.fullmatch(key)) is not None:
            return match[2]
    return None


def person_of(entry: ConfigEntry[Any], user_id: str | None) -> str | None:
    """Return the member of the household whose phone it was; None for anybody else."""
    for member in entry.get_subentries_of_type(SUBENTRY_MEMBER):
        if user_id is not None and member.data.get(CONF_USER) == user_id:
            person: str = member.data[CONF_PERSON]
            return person
    return None


class AnswerListener:
    """Listens to the companion app's events."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        tokens: Tokens,
        teacher: Teacher,
        messenger: Messenger,
    ) -> None:
        """Prepare; nothing is heard before `start`."""
        self._hass = hass
        self._entry = entry
        self._tokens = tokens
        self._teacher = teacher
        self._messenger = messenger

    def start(self) -> CALLBACK_TYPE:
        """Listen from here on; returns the way to stop."""
        stops = (
            self._hass.bus.async_listen(EVENT_ACTION, self._tapped),
            self._hass.bus.async_listen(EVENT_CLEARED, self._swiped),
            self._hass.bus.async_listen(EVENT_RECEIVED, self._shown),
        )

        @callback
        def stop() -> None:
            for each in stops:
                each()

        return stop

    async def _tapped(self, event: Event) -> None:
        # One answer to one message: a second tap of it, on whatever button, is no second answer.
        if (tap := tap_of(event.data)) is not None:
            await self._answer(event, tap.token, tap.token, tap.verdict)

    async def _swiped(self, event: Event) -> None:
        """Seen and put away: nothing is learned."""
        if (token := token_of(event.data)) is not None:
            await self._answer(event, token, f"{token}-seen", Verdict.ACKNOWLEDGED)

    async def _answer(self, event: Event, token: str, feedback_id: str, verdict: Verdict) -> None:
        if (known := await self._known(event, token)) is None:
            return
        pending, person = known
        feedback = Feedback(
            id=feedback_id,
            key=pending.key,
            verdict=verdict,
            at=event.time_fired,
            room=pending.room,
            person=person,
            decision_id=pending.decision_id,
        )
        try:
            await self._teacher.async_feedback(feedback)
        except HomeAssistantError as err:
            LOGGER.error("An answer could not be kept and is not acknowledged: %s", err)
            return
        await self._messenger.async_answered(pending, person)

    async def _shown(self, event: Event) -> None:
        if (token := token_of(event.data)) is not None and (known := await self._known(event, token)) is not None:
            await self._messenger.async_received(known[0])

    async def _known(self, event: Event, token: str) -> tuple[Pending, str] | None:
        """Return what the token stands for and who sent it; None for what is forged, too old or not of the house."""
        person = person_of(self._entry, event.context.user_id)
        if person is None:
            LOGGER.warning("An answer to a notification came from nobody of the household and is ignored")
            return None
        try:
            pending = await self._tokens.async_pending(token)
        except HomeAssistantError as err:
            LOGGER.error("An answer cannot be looked up and is not acknowledged: %s", err)
            return None
        if pending is None:
            LOGGER.debug("An answer to an unknown or expired notification is ignored")
            return None
        return pending, person
