"""What can be wrong with a message of an own device, sorted by what the owner can do about it."""


class ProtocolError(Exception):
    """Any error the protocol raises on purpose; nothing else leaves this package."""


class MalformedError(ProtocolError):
    """The bytes are not what docs/protocol.md says: noise, another's device or a defect."""


class VersionError(ProtocolError):
    """The device speaks a version we do not: SmartLoop or the device must be updated."""


class KeyMissingError(ProtocolError):
    """There is no key, here or in the device: it must be entered or agreed anew."""


class SetupModeError(ProtocolError):
    """The device takes a new key only for two minutes after its button was held."""


class WrongKeyError(ProtocolError):
    """What came was not sealed with our key; or, in an advert, the counter ran far ahead and a session must tell it."""


class ReplayError(ProtocolError):
    """An older message than one already accepted, or a log that went back: never to be believed."""


class RepeatError(ReplayError):
    """The very advert accepted last, heard once more (devices repeat each many times): nothing new."""


class BusyError(ProtocolError):
    """The device cannot answer now; try again later."""
