"""Let scripts import the engine where Home Assistant is not installed.

`import _engine` first. The integration's own `__init__` needs Home Assistant; bare parent
packages keep the engine's true names without running it.
"""

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INTEGRATION = ROOT / "custom_components" / "smartloop"

for _name, _path in (
    ("custom_components", INTEGRATION.parent),
    ("custom_components.smartloop", INTEGRATION),
):
    if _name not in sys.modules:
        _package = types.ModuleType(_name)
        _package.__path__ = [str(_path)]
        sys.modules[_name] = _package
