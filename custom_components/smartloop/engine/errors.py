"""What can go wrong in the engine, sorted by who must act."""


class EngineError(Exception):
    """Any error the engine raises on purpose."""


class ReadingError(EngineError):
    """A value that came in cannot be used: the sensor or its adapter must change."""


class UnitError(ReadingError):
    """The unit is unknown for this measurand."""


class TraceError(EngineError):
    """A recorded trace breaks its format: its author must change it."""


class SnapshotError(EngineError):
    """Stored state cannot be read back: it is set aside and learning starts anew."""


class ModelError(EngineError):
    """A model gave no usable answer: its fallback takes over."""
