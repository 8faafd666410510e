"""Whose inhaler is whose, and what tells of its puffs: as the members' subentries remember it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_ID, CONF_NAME

from ..const import (
    CONF_INHALERS,
    CONF_KIND,
    CONF_PERSON,
    CONF_PLAN,
    CONF_RELIEVER_LIMIT,
    CONF_ROLE,
    CONF_SOURCES,
    CONF_USER,
    SUBENTRY_MEMBER,
)
from ..engine import ActionPlan, Inhaler, InhalerRole

CONF_TAG: Final = "tag"
CONF_TRIGGER: Final = "trigger"
CONF_TYPES: Final = "types"


class SourceKind(StrEnum):
    """What can tell of a puff."""

    COUNTER = "counter"
    """A sensor that counts the inhalations of a day"""
    ENTITY = "entity"
    """A button, an event or a contact"""
    TAG = "tag"
    """An NFC tag on the inhaler"""
    TRIGGER = "trigger"
    """Anything that could start an automation"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One thing that tells of the puffs of one inhaler."""

    kind: SourceKind
    person: str
    inhaler: str
    bound: str = ""
    """The tag's id, or what the entity is remembered by"""
    types: frozenset[str] = frozenset()
    """Of an event entity: which events are puffs; empty for all"""
    trigger: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """Return a name that stays the same over restarts."""
        what = self.bound or fingerprint(json.dumps(self.trigger, sort_keys=True, default=str))
        return f"{self.kind}:{what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnInhaler:
    """One inhaler of one member."""

    person: str
    owner: str
    """The member's name"""
    user_id: str | None
    id: str
    name: str
    role: InhalerRole
    sources: tuple[Source, ...]


def fingerprint(*parts: object) -> str:
    """Return a short name for something, always the same one."""
    return blake2b("\n".join(map(str, parts)).encode(), digest_size=10).hexdigest()


def inhalers_of(entry: ConfigEntry[Any]) -> tuple[OwnInhaler, ...]:
    """Return every inhaler of the household."""
    members = entry.get_subentries_of_type(SUBENTRY_MEMBER)
    return tuple(_inhaler(member, fields) for member in members for fields in member.data.get(CONF_INHALERS, ()))


def engine_inhalers(member: ConfigSubentry) -> tuple[Inhaler, ...]:
    """Return a member's inhalers as the engine knows them."""
    return tuple(
        Inhaler(id=fields[CONF_ID], role=InhalerRole(fields[CONF_ROLE]))
        for fields in member.data.get(CONF_INHALERS, ())
    )


def action_plan(member: ConfigSubentry) -> ActionPlan:
    """Return what the member's written plan says; nothing is made up where it says nothing."""
    return ActionPlan(reliever_limit_24h=member.data.get(CONF_PLAN, {}).get(CONF_RELIEVER_LIMIT))


def sources_counted(entry: ConfigEntry[Any]) -> dict[str, int]:
    """Return how many sources of each kind there are, nobody named."""
    return dict(Counter(source.kind.value for own in inhalers_of(entry) for source in own.sources))


def _inhaler(member: ConfigSubentry, fields: Mapping[str, Any]) -> OwnInhaler:
    person: str = member.data[CONF_PERSON]
    return OwnInhaler(
        person=person,
        owner=member.title,
        user_id=member.data.get(CONF_USER),
        id=fields[CONF_ID],
        name=fields[CONF_NAME],
        role=InhalerRole(fields[CONF_ROLE]),
        sources=tuple(_sources(person, fields[CONF_ID], fields.get(CONF_SOURCES, ()))),
    )


def _sources(person: str, inhaler: str, remembered: Iterable[Mapping[str, Any]]) -> Iterator[Source]:
    for fields in remembered:
        yield Source(
            kind=SourceKind(fields[CONF_KIND]),
            person=person,
            inhaler=inhaler,
            bound=fields.get(CONF_TAG) or fields.get(CONF_ID) or "",
            types=frozenset(fields.get(CONF_TYPES, ())),
            trigger=fields.get(CONF_TRIGGER),
        )
