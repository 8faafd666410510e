"""What an own device broadcasts, opened and checked: who made it up, or kept it, is not believed."""

from collections import Counter
from enum import StrEnum

from ..const import LOGGER
from ..protocol import (
    Advert,
    KeyMissingError,
    MalformedError,
    ProtocolError,
    RepeatError,
    ReplayError,
    VersionError,
    WrongKeyError,
    parse,
)


class Refused(StrEnum):
    """Why an advert is not believed."""

    FOREIGN = "foreign"
    OPEN = "open"
    """Not sealed: the device is in set-up mode or has lost its key, or somebody pretends to be it."""
    REPLAYED = "replayed"
    UNKNOWN_VERSION = "unknown_version"
    WRONG_KEY = "wrong_key"


_REASONS: dict[type[ProtocolError], Refused] = {
    KeyMissingError: Refused.WRONG_KEY,
    MalformedError: Refused.FOREIGN,
    ReplayError: Refused.REPLAYED,
    VersionError: Refused.UNKNOWN_VERSION,
    WrongKeyError: Refused.WRONG_KEY,
}


class AdvertReader:
    """Reads the adverts of one device, each once."""

    def __init__(self, name: str, address: str, key: bytes, counter: int) -> None:
        """Go on behind the last counter that was believed; 0 for a device never heard."""
        self._name = name
        self._address = address
        self._key = key
        self.counter = counter
        self.refused: Counter[Refused] = Counter()
        self.refused_in_a_row = 0
        """By key or counter. A device that ran far ahead while nobody listened is refused until a talk tells its counter."""

        self.newest: Advert | None = None
        """The last one that was believed since the start, or since all it told of was fetched."""

    def read(self, payload: bytes) -> Advert | None:
        """Return an advert that is authentic and new."""
        try:
            advert = parse(payload, self._address, self._key, self.counter or None)
        except RepeatError:
            # Every advert is sent many times; whoever keeps it can send it for ever: no sign of life.
            return None
        except ProtocolError as err:
            reason = _REASONS.get(type(err), Refused.FOREIGN)
            if reason in (Refused.REPLAYED, Refused.WRONG_KEY):
                self.refused_in_a_row += 1
            self._refuse(reason)
            return None
        if not advert.encrypted:
            self._refuse(Refused.OPEN)
            return None
        self.newest = advert
        self.counter = advert.counter
        self.refused_in_a_row = 0
        return advert

    def told(self, counter: int) -> None:
        """Take over the counter a device told in a talk."""
        self.counter = max(self.counter, counter)
        self.refused_in_a_row = 0

    def _refuse(self, reason: Refused) -> None:
        self.refused[reason] += 1
        if self.refused[reason] == 1:
            LOGGER.warning("An advert that looks like one of %s is not believed: %s", self._name, reason.value)
