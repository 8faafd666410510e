"""Why an own device could not be talked to; free of Bluetooth's packages, so that it is there without them."""

from enum import StrEnum


class Trouble(StrEnum):
    """Sorted by what the owner can do about it."""

    CONNECTION_FAILED = "connection_failed"
    NO_PATH = "no_path"
    """Nothing that can connect hears the device."""
    SLOTS_TAKEN = "slots_taken"


class GattError(Exception):
    """The talk did not come to its end; what it brought until then stands."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        """Keep what the trouble is."""
        super().__init__(detail or trouble.value)
        self.trouble = trouble
