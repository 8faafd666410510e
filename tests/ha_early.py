"""Loaded before any other pytest plugin (script/test passes `-p ha_early`).

Home Assistant aliases httpx and voluptuous and must therefore be imported before plugins
that import them; and the test component of 2026.10 looks for a name that 2026.11 moved.
To be deleted when a test component for 2026.11 appears.
"""

import logging

import homeassistant  # noqa: F401  the aliases are its side effect
from homeassistant.components import logger
from homeassistant.components.logger import helpers

if not hasattr(logger, "_clear_logger_overwrites"):
    logger._clear_logger_overwrites = helpers._clear_logger_overwrites  # type: ignore[attr-defined]


def pytest_configure() -> None:
    """Leave what is logged to pytest: the test component prints it all past the capture, a CI log of megabytes."""
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)
