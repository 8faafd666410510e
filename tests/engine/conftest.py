"""Let the engine's tests run where Home Assistant is not installed."""

import sys
import types
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"

if find_spec("homeassistant") is None or "homeassistant" not in sys.modules:
    # A bare parent package: importing the engine must not run the integration's __init__.
    for name, path in (
        ("custom_components", ROOT / "custom_components"),
        ("custom_components.smartloop", ROOT / "custom_components" / "smartloop"),
    ):
        if name not in sys.modules:
            package = types.ModuleType(name)
            package.__path__ = [str(path)]
            sys.modules[name] = package


@pytest.fixture
def shared_data() -> Path:
    """Return the folder of the shared reference data, or skip."""
    if not SHARED.is_dir():
        pytest.skip(f"the reference data is not here: {SHARED.name} beside the repository is absent")
    return SHARED
