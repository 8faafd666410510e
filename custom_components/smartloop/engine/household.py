"""Who lives where: rooms, people and the house, as the engine needs to know them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, tzinfo
from enum import StrEnum

from .errors import ReadingError


class RoomKind(StrEnum):
    """What a room is used for; sets its moisture sources and priors."""

    ATTIC = "attic"
    BASEMENT = "basement"
    BATHROOM = "bathroom"
    BEDROOM = "bedroom"
    HALLWAY = "hallway"
    KITCHEN = "kitchen"
    LAUNDRY = "laundry"
    LIVING_ROOM = "living_room"
    OFFICE = "office"
    OTHER = "other"


class Construction(StrEnum):
    """How the coldest outer surface is built; sets the prior of its temperature factor."""

    SINGLE_GLAZING = "single_glazing"
    UNINSULATED = "uninsulated"
    INSULATED = "insulated"
    UNKNOWN = "unknown"


class WallClass(StrEnum):
    """Mould sensitivity class of the surface (Viitanen and Ojanen 2010)."""

    VERY_SENSITIVE = "very_sensitive"
    SENSITIVE = "sensitive"
    MEDIUM_RESISTANT = "medium_resistant"
    RESISTANT = "resistant"


class Journey(StrEnum):
    """What the owner wants SmartLoop for."""

    MOLD = "mold"
    DEVICE = "device"


class Autonomy(StrEnum):
    """How far a journey may go."""

    OFF = "off"
    INFORM = "inform"
    ASK = "ask"
    ACT = "act"


class InhalerRole(StrEnum):
    """The two drug roles."""

    RELIEVER = "reliever"
    CONTROLLER = "controller"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inhaler:
    """One inhaler of a person."""

    id: str
    role: InhalerRole


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionPlan:
    """The person's own written plan."""

    reliever_limit_24h: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """One room."""

    id: str
    name: str
    kind: RoomKind = RoomKind.OTHER
    volume_m3: float | None = None
    construction: Construction = Construction.UNKNOWN
    wall_class: WallClass = WallClass.SENSITIVE
    f_rsi: float | None = None
    """Temperature factor of the coldest surface, 0-1, when the owner measured or imported it."""

    def __post_init__(self) -> None:
        """Refuse impossible rooms."""
        if not self.id:
            msg = "a room needs an id"
            raise ReadingError(msg)
        if self.volume_m3 is not None and not 1.0 <= self.volume_m3 <= 5000.0:
            msg = f"a room of {self.volume_m3:g} m³ cannot be"
            raise ReadingError(msg)
        if self.f_rsi is not None and not 0.05 <= self.f_rsi <= 1.0:
            msg = f"a temperature factor of {self.f_rsi:g} is outside 0.05 to 1"
            raise ReadingError(msg)


@dataclass(frozen=True, kw_only=True, slots=True)
class QuietHours:
    """A daily span without non-critical messages; may pass midnight."""

    start: time
    end: time

    def contain(self, moment: time) -> bool:
        """Return whether the local time of day lies inside."""
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """One person."""

    id: str
    name: str
    quiet_hours: QuietHours | None = None
    inhalers: tuple[Inhaler, ...] = ()
    plan: ActionPlan = ActionPlan()


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """The whole: rooms and people."""

    timezone: tzinfo
    rooms: tuple[Room, ...] = ()
    people: tuple[Person, ...] = ()
    journeys: Mapping[Journey, Autonomy] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    """Used for a person without hours of their own."""
    daily_budget: int = 3
    """Non-critical messages per person and day."""

    def __post_init__(self) -> None:
        """Refuse doubled ids."""
        for what, ids in (("room", [r.id for r in self.rooms]), ("person", [p.id for p in self.people])):
            if len(set(ids)) != len(ids):
                msg = f"two of the household share a {what} id"
                raise ReadingError(msg)

    def autonomy(self, journey: Journey) -> Autonomy:
        """Return how far a journey may go; informing is the default."""
        return self.journeys.get(journey, Autonomy.INFORM)
