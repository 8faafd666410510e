"""Bind our `custom_components` before the test component's own package of that name can."""

import sys

# Without Home Assistant (script/test-engine) the engine's own conftest provides bare parent packages.
if "homeassistant" in sys.modules:
    import custom_components.smartloop  # noqa: F401  binding the name is what it is for
