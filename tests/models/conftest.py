"""Let the workshop's tests run where Home Assistant is not installed."""

from pathlib import Path

import pytest

try:
    import custom_components.smartloop  # noqa: F401  whether it can be imported is the question
except ImportError:
    import script._engine  # noqa: F401  its effect is the bare package

HUMIDITY = Path(__file__).resolve().parents[3] / "shared" / "data" / "humidity"
WATER = HUMIDITY.with_name("water")
ASTHMA = HUMIDITY.with_name("asthma")
FEEDBACK = HUMIDITY.with_name("feedback")
BED = HUMIDITY.with_name("bed")


@pytest.fixture(scope="session")
def humidity() -> Path:
    """Return the shared homes, or skip."""
    if not HUMIDITY.is_dir():
        pytest.skip("the reference data is not here: shared/data/humidity beside the repository is absent")
    return HUMIDITY


@pytest.fixture(scope="session")
def water() -> Path:
    """Return the shared meters, or skip."""
    if not WATER.is_dir():
        pytest.skip("the reference data is not here: shared/data/water beside the repository is absent")
    return WATER


@pytest.fixture(scope="session")
def asthma() -> Path:
    """Return the shared diaries, or skip."""
    if not ASTHMA.is_dir():
        pytest.skip("the reference data is not here: shared/data/asthma beside the repository is absent")
    return ASTHMA


@pytest.fixture(scope="session")
def bed() -> Path:
    """Return the shared nights, or skip."""
    if not BED.is_dir():
        pytest.skip("the reference data is not here: shared/data/bed beside the repository is absent")
    return BED


@pytest.fixture(scope="session")
def feedback() -> Path:
    """Return the shared trial, or skip."""
    if not FEEDBACK.is_dir():
        pytest.skip("the reference data is not here: shared/data/feedback beside the repository is absent")
    return FEEDBACK
