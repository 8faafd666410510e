"""The wire protocol of SmartLoop's own devices, as docs/protocol.md says; pure: no radio, no clock, no files."""

from .advert import Advert, Flag, LastEvent, Peek, parse, peek
from .clock import Anchor, DeviceClock
from .download import Download, Facts
from .errors import (
    BusyError,
    KeyMissingError,
    MalformedError,
    ProtocolError,
    RepeatError,
    ReplayError,
    SetupModeError,
    VersionError,
    WrongKeyError,
)
from .key import Label, format_label, parse_key, parse_label
from .key_exchange import KeyExchange
from .records import BootRecord, EpochRecord, Page, PuffRecord, Record
from .service import CONTROL_UUID, DATA_UUID, INFO_UUID, SERVICE_UUID, VERSION, DeviceKind, Info, parse_info
from .session import Conversation, Identify, Write

__all__ = [
    "CONTROL_UUID",
    "DATA_UUID",
    "INFO_UUID",
    "SERVICE_UUID",
    "VERSION",
    "Advert",
    "Anchor",
    "BootRecord",
    "BusyError",
    "Conversation",
    "DeviceClock",
    "DeviceKind",
    "Download",
    "EpochRecord",
    "Facts",
    "Flag",
    "Identify",
    "Info",
    "KeyExchange",
    "KeyMissingError",
    "Label",
    "LastEvent",
    "MalformedError",
    "Page",
    "Peek",
    "ProtocolError",
    "PuffRecord",
    "Record",
    "RepeatError",
    "ReplayError",
    "SetupModeError",
    "VersionError",
    "Write",
    "WrongKeyError",
    "format_label",
    "parse",
    "parse_info",
    "parse_key",
    "parse_label",
    "peek",
]
