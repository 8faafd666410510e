"""Where things are, for tests that walk the tree."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
INTEGRATION = ROOT / "custom_components" / "smartloop"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def integration() -> Path:
    return INTEGRATION


def load_yaml(name: str) -> dict[str, Any]:
    """Return a YAML file of the integration, empty when there is none."""
    path = INTEGRATION / name
    return yaml.safe_load(path.read_text()) if path.exists() else {}
