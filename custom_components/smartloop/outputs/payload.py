"""What a phone is sent: one message with its buttons, one tag per matter."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from ..const import ACTION_DONE, ACTION_LATER, ACTION_WRONG
from ..engine import Decision, Message, Severity, Templates

CLEAR: Final = "clear_notification"
"""The message that takes a notification away."""
GROUP: Final = "smartloop"
LONGEST_TAG: Final = 64
"""Bytes that Apple's collapse id may have."""
LONGEST_TTL: Final = 28 * 24 * 3600
"""s that Google keeps a message for a phone that is off line."""
EFFECT_STAYS_S: Final = 12 * 3600


BUTTONS: Final = {ACTION_DONE: "button.done", ACTION_LATER: "button.later", ACTION_WRONG: "button.wrong"}
"""What can be answered, and how the button is called; Android shows no more than three."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loudness:
    """How much a message may disturb, in the words of both systems."""

    channel: str
    importance: str
    interruption: str
    urgent: bool = False


_LOUDNESS: Final[Mapping[Severity, _Loudness]] = {
    Severity.INFO: _Loudness(channel="SmartLoop quiet", importance="low", interruption="passive"),
    Severity.ADVICE: _Loudness(channel="SmartLoop", importance="default", interruption="active"),
    Severity.WARNING: _Loudness(
        channel="SmartLoop warnings", importance="high", interruption="time-sensitive", urgent=True
    ),
    Severity.CRITICAL: _Loudness(channel="alarm_stream", importance="high", interruption="critical", urgent=True),
}


def tag_of(matter: str) -> str:
    """Return the tag of a matter, shortened where it would be too long for a phone."""
    tag = f"smartloop:{matter}"
    return tag if len(tag.encode()) <= LONGEST_TAG else f"smartloop:{sha256(matter.encode()).hexdigest()[:40]}"


def decision_payload(
    decision: Decision, message: Message, token: str | None, templates: Templates, now: datetime
) -> dict[str, Any]:
    """Return a decision as a phone's notify service takes it; without a token there is nothing to tap."""
    loudness = _LOUDNESS[decision.severity]
    stays = max(int((decision.expires_at - now).total_seconds()), 60)
    push: dict[str, Any] = {"interruption-level": loudness.interruption}
    if decision.severity is Severity.CRITICAL:
        push["sound"] = {"name": "default", "critical": 1, "volume": 1.0}
    data: dict[str, Any] = {
        "tag": tag_of(decision.tag),
        "group": GROUP,
        "channel": loudness.channel,
        "importance": loudness.importance,
        "visibility": "private",
        "confirmation": True,
        "timeout": stays,
        "push": push,
        # Google holds a message back from a sleeping phone unless it is urgent.
        "ttl": 0 if decision.severity is Severity.CRITICAL else min(stays, LONGEST_TTL),
    }
    if loudness.urgent:
        data["priority"] = "high"
    if token is not None:
        data["actions"] = [{"action": f"{button}_{token}", "title": templates[key]} for button, key in BUTTONS.items()]
        data["action_data"] = {"smartloop": token}
    return {"title": message.title, "message": message.text, "data": data}


def effect_payload(matter: str, message: Message) -> dict[str, Any]:
    """Return what came of an act: it takes the place of the advice without a sound."""
    return {
        "title": message.title,
        "message": message.text,
        "data": {
            "tag": tag_of(matter),
            "group": GROUP,
            "channel": "SmartLoop quiet",
            "importance": "low",
            "alert_once": True,
            "visibility": "private",
            "timeout": EFFECT_STAYS_S,
            "push": {"interruption-level": "passive", "sound": "none"},
        },
    }


def clear_payload(matter: str) -> dict[str, Any]:
    """Return what takes the message about a matter away."""
    return {"message": CLEAR, "data": {"tag": tag_of(matter)}}
