"""What can go wrong while a model file is read, loaded or run, sorted by who must act."""


class InferenceError(Exception):
    """Any error the inference raises on purpose; the model's fallback takes over."""


class ModelFileError(InferenceError):
    """The bytes are no file we run: whoever made or changed it must act."""


class CatalogError(InferenceError):
    """The catalog and a file do not belong together: the integration must be reinstalled."""


class GoldenError(InferenceError):
    """The engine does not reproduce a golden vector: it must not be used."""


class InputError(InferenceError):
    """The caller passed inputs the model was not made for."""


class OutputError(InferenceError):
    """The model answered with numbers that are not finite."""


class EngineUnavailableError(InferenceError):
    """The engine cannot be started here: another one takes over."""
